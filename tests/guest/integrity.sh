#!/bin/bash
# dm-integrity: what the kernel makes user space makes to the byte, and reads; and the other way
# round; and after the power went both read the same.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
F=$HOLDFAST_BUILD/tests/interop/integrity-userspace
P=$HOLDFAST_TOP/tests/guest/integrity.py
guest=$HOLDFAST_TOP/tools/guest
key=$(printf '%064d' 12345) journal_key=$(printf '%064d' 67890)
mkdir share
cp "$P" share

# --- every kind, both ways ---
sizes=(2500608 3145728 3000320) interleaves=('' 'interleave=1024' 'interleave=8' 'interleave=65536')
journals=('' 'journal=700' 'journal=2000')
n=0 at=1048576
for who in kernel ours; do
	for algorithm in crc32c sha256 'hmac(sha256)'; do
		for mode in J B D; do
			for sector in 512 2048 4096; do
				[ "$algorithm$mode" != 'hmac(sha256)B' ] || continue
				[ $mode = J ] || [ $sector != 2048 ] || continue
				size=$((sizes[n % 3] * (sector == 512 ? 1 : 3)))
				options="algorithm=$algorithm mode=$mode sector=$sector offset=$at size=$size"
				options+=" ${interleaves[n % 4]} ${journals[n / 2 % 3]}"
				[ "$algorithm" != 'hmac(sha256)' ] || options+=" key=$key"
				[ "$algorithm" != 'hmac(sha256)' ] || [ $((n % 3)) = 0 ] || options+=" journal-key=$journal_key"
				[ $((n % 5)) != 4 ] || options+=" tag=$((n % 2 ? 3 : 40))"
				[ $who$((n % 2)) != kernel1 ] || options+=" wipe=yes"
				echo "$who-$n $who $options" >>share/cases
				at=$((at + size + 65536)) n=$((n + 1))
			done
		done
	done
done
truncate -s $((at + 1048576)) disk.img

ours_of() { # a case's options as integrity-userspace takes them
	local word
	for word in "$@"; do case $word in wipe=* | busy=* | disk=*) ;; *) echo "$word" ;; esac; done
}
sectors_of() { # FILE OPTION…: how many, and how many an area has
	"$F" choose "$@" | awk -v sector="$(printf '%s\n' "$@" | sed -n 's/^sector=//p')" '
		$1 == "provided" { n = $2 * 512 / sector } $1 == "interleave" { a = 2 ^ $2 * 512 / sector }
		END { print n, a }'
}
make_ours() { # NAME OPTION…
	local name=$1 sector sectors area
	shift
	check "$name: make" "$F" make disk.img "$@" salt="$(printf '%032d' $n)"
	sector=$(printf '%s\n' "$@" | sed -n 's/^sector=//p')
	read -r sectors area < <(sectors_of disk.img "$@")
	while read -r first count; do
		python3 "$P" blob 1 "$sector" "$first" "$count" >blob
		"$F" write disk.img blob $((first * sector)) "$@" || not_ok "$name: write"
	done < <(python3 "$P" ranges 1 "$sectors" "$area")
}
while read -r name who options; do
	mapfile -t words < <(ours_of $options)
	[ "$who" != ours ] || make_ours "$name" "${words[@]}"
done <share/cases

cat >matrix.sh <<EOS
export DM_DISABLE_UDEV=1
printf '%s' $key | xxd -r -p >/tmp/key
printf '%s' $journal_key | xxd -r -p >/tmp/journal-key
for words in "\$@"; do python3 /mnt/share/integrity.py \$words; done
EOS
run_guest() { # guest's options … -- integrity.py's words, one line each
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	"$guest" --timeout 900 --share "$scratch/share" "${options[@]}" matrix.sh "$@" >guest.out 2>&1 || true
	grep -E '^(ok|not ok|#)' guest.out || { cp guest.out .out; not_ok "the guest said nothing"; }
}
# Behind these, one for tags that dm-crypt makes.
raw_size=9000448 raw_at=$at
truncate -s $((raw_at + 2 * raw_size)) disk.img
run_guest --disk disk.img -- "matrix /mnt/share/cases /mnt/share" "raw /dev/vda $raw_at $raw_size /mnt/share"

same_scan() { # NAME FILE OPTION…: ours sees what the kernel saw
	local name=$1 file=$2
	shift 2
	if ! "$F" scan "$file" map "$@" >sum 2>.out; then not_ok "$name: scan"; return; fi
	sed 's|[nb]|-|g; s|u|g|g' <map >map.kernel
	if cmp -s map.kernel "share/$name.map" && cmp -s sum "share/$name.sum"; then
		ok "$name: every sector as the kernel reads it ($(tr -dc g <map | wc -c) of $(wc -c <map))"
	else
		cmp map.kernel "share/$name.map" >.out 2>&1 || true
		not_ok "$name: not what the kernel reads"
	fi
}
option() { # NAME OPTION…: its value
	local name=$1
	shift
	printf '%s\n' "$@" | sed -n "s/^$name=//p"
}
same_fresh() { # NAME OPTION…: superblock and journal as they were after format
	local name=$1 initial salt
	shift
	"$F" show disk.img "$@" >shown || { not_ok "$name: show"; return; }
	salt=$(sed -n 's/^salt //p' shown)
	initial=$(sed -n 's/^initial //p' shown)
	sed -i /^salt/d shown
	"$F" choose disk.img "$@" >chosen
	check "$name: its superblock is what we choose" diff chosen shown
	rm -f made.img
	truncate -s "$(stat -c %s disk.img)" made.img
	"$F" make made.img "$@" salt="$salt"
	dd if=made.img of=made.part iflag=skip_bytes,count_bytes bs=64k status=none \
		skip="$(option offset "$@")" count="$initial"
	check "$name: superblock and journal, to the byte" cmp -n "$initial" made.part "share/$name.fresh"
}
while read -r name who options; do
	mapfile -t words < <(ours_of $options)
	[ -e "share/$name.map" ] || continue
	same_scan "$name" disk.img "${words[@]}"
	[ "$who" != kernel ] || same_fresh "$name" "${words[@]}"
done <share/cases

# --- tags for dm-crypt, 1 MiB behind the device's beginning ---
raw=(sector=4096 tag=28 offset=$((raw_at + 1048576)) size=$((raw_size - 1048576)) start=1048576)
ours=(sector=4096 tag=28 offset=$((raw_at + raw_size + 1048576)) size=$((raw_size - 1048576)) start=1048576)
same_fresh raw "${raw[@]}"
read -r sectors area < <(sectors_of disk.img "${raw[@]}")
python3 "$P" ranges 1 "$sectors" "$area" | sort -n | sed 's/ /+/' >want
"$F" written disk.img "${raw[@]}" >written
check "raw: just what was written has tags" diff want written
check "raw: read" "$F" read-raw disk.img data tags "${raw[@]}"
check "raw: make ours" "$F" make disk.img "${ours[@]}"
check "raw: write it there" "$F" write-raw disk.img data tags "${ours[@]}"
"$F" written disk.img "${ours[@]}" >written
check "raw: the same have tags" diff want written

# --- power cuts ---
cut_size=3145728
{
	echo "small kernel mode=J sector=512 algorithm=crc32c journal=700 interleave=512 busy=yes offset=0 size=$cut_size"
	echo "keyed kernel mode=J sector=4096 algorithm=hmac(sha256) key=$key journal-key=$journal_key journal=1000 busy=yes offset=$cut_size size=$cut_size"
	echo "bitmap kernel mode=B sector=1024 algorithm=sha256 busy=yes wipe=yes offset=$((2 * cut_size)) size=$cut_size"
} >share/cut-cases
truncate -s $((3 * cut_size)) cut.img before.img
run_guest --log-disk cut.img,writes.log -- "cut /mnt/share/cut-cases"

# Points of the log: every so many writes, some of them torn, after all have been formatted.
points() { # LOG HOW-MANY: lines "N SECTORS", 0 for none torn
	"$HOLDFAST_TOP/tools/guest-kernel/replay-log" "$1" | awk -v many="$2" '
		{ sectors[NR - 1] = $3 }
		END {
			for (i = 1; i <= many; i++) {
				n = int(NR / 4 + NR * 3 / 4 * i / (many + 1)); torn = 0
				if (i % 2) { while (n < NR - 1 && sectors[n] < 9) n++; torn = int(sectors[n] * i / (many + 1)) }
				print n, torn
			}
			print NR, 0
		}'
}
cases_at() { # PREFIX DISK-OFFSET DISK: the cut cases, there
	local name who options first
	while read -r name who options; do
		first=$(option offset $options)
		echo "$1-$name $who ${options/offset=$first/offset=$((first + $2))} disk=$3"
	done <share/cut-cases
}
# What we see in an image, before the kernel has touched it.
look() { # IMAGE PREFIX
	local name who options
	while read -r name who options; do
		mapfile -t words < <(ours_of $options)
		"$F" scan "$1" "$2-$name.map" "${words[@]}" >"$2-$name.sum" || not_ok "$2-$name: scan"
		"$F" journal "$1" "${words[@]}" >"$2-$name.journal"
		check "$2-$name: nothing is bad: $(cat "$2-$name.journal")" \
			sh -c "! grep -q b $2-$name.map && grep -q ' bad 0 ' $2-$name.journal"
	done <share/cut-cases
}
as_the_kernel_saw() { # PREFIX
	local name who options
	while read -r name who options; do
		sed 's|[nb]|-|g; s|u|g|g' <"$1-$name.map" >map.kernel
		check "$1-$name: the same sectors" cmp map.kernel "share/$1-$name.map"
		check "$1-$name: the same contents" cmp "$1-$name.sum" "share/$1-$name.sum"
	done <share/cut-cases
}
many=0
: >all.img
while read -r n torn; do
	cp before.img point.img
	"$HOLDFAST_TOP/tools/guest-kernel/replay-log" writes.log point.img "$n" "$torn"
	look point.img "p$many"
	cases_at "p$many" $((many * 3 * cut_size)) /dev/vda >>share/scan-cases
	cat point.img >>all.img
	many=$((many + 1))
done < <(points writes.log 7)
check "some had something to replay" grep -q 'dirty 1' p*-small.journal
check "with a MAC, too" grep -q 'dirty 1' p*-keyed.journal
check "some were torn" grep -q 'torn [1-9]' p*.journal
check "some bitmaps were dirty" grep -q 'unsure [1-9]' p*-bitmap.journal
cp all.img all-before.img
# Disks with a log come first.
run_guest --disk disk.img --log-disk all.img,again.log -- "scan /mnt/share/scan-cases /mnt/share" \
	"raw-read /dev/vdb $((raw_at + raw_size)) $raw_size"
for ((i = 0; i < many; i++)); do as_the_kernel_saw "p$i"; done

# --- and again, while the kernel replays ---
: >twice.img
more=0
while read -r n torn; do
	at=$("$HOLDFAST_TOP/tools/guest-kernel/replay-log" again.log | awk -v n="$n" 'NR == n { print $2 }')
	i=$((at * 512 / (3 * cut_size)))
	cp all-before.img point.img
	"$HOLDFAST_TOP/tools/guest-kernel/replay-log" again.log point.img "$n" "$torn"
	dd if=point.img of=one.img bs=$((3 * cut_size)) skip=$i count=1 status=none
	look one.img "q$more"
	for name in small keyed; do
		check "q$more-$name: as before" cmp "q$more-$name.sum" "p$i-$name.sum"
	done
	cases_at "q$more" $((more * 3 * cut_size)) /dev/vda >>share/twice-cases
	cat one.img >>twice.img
	more=$((more + 1))
done < <(points again.log 11)
run_guest --disk twice.img -- "scan /mnt/share/twice-cases /mnt/share"
for ((i = 0; i < more; i++)); do as_the_kernel_saw "q$i"; done
