#!/bin/bash
# dm-crypt in user space against the kernel's, both ways, every kind, on the same bytes: what the
# kernel made is read here, what was made here is read and written by the kernel, what was damaged is
# refused by both; and what cryptsetup calls each kind.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
C=$HOLDFAST_BUILD/tests/interop/crypt-userspace
M=1048576 place=$((8 * M)) # for each kind: one made by the kernel, one made here
head -c 1146880 /dev/urandom >noise # 280 sectors of 4096 bytes
head -c 409600 /dev/urandom >other

# CIPHER INTEGRITY KEY_BYTES TAG_BYTES SECTOR_BYTES
cat >kinds.list <<'EOS'
aegis128-random aead 16 32 4096
aegis128-random aead 16 32 512
aes-gcm-random aead 32 28 4096
aes-gcm-random aead 32 28 512
chacha20-random aead 32 28 4096
chacha20-random aead 32 28 512
aes-xts-plain64 hmac-sha256 96 32 4096
aes-xts-plain64 hmac-sha256 96 32 512
aes-xts-plain64 none 64 0 4096
aes-xts-plain64 none 64 0 512
adiantum none 32 0 4096
hctr2 none 32 0 4096
EOS
n=0
while read -r cipher integrity key_bytes tag size; do
	key=$(head -c "$key_bytes" /dev/urandom | od -An -tx1 | tr -d ' \n')
	echo "$n $cipher $integrity $tag $size $key"
	n=$((n + 1))
done <kinds.list >jobs.list
truncate -s $((2 * n * place)) disk.img
soft() { # COMMAND THEIRS|OURS NUMBER CIPHER INTEGRITY SIZE KEY ARGUMENT…
	local command=$1 at=$(((2 * $3 + $([ "$2" = ours ] && echo 1 || echo 0)) * place))
	"$C" "$command" "$4" "$5" "$6" "$7" disk.img $at $place "${@:8}"
}
flip() { # OFFSET
	local byte
	byte=$(dd if=disk.img bs=1 skip="$1" count=1 status=none | od -An -tu1)
	printf "\\x$(printf %x $((byte ^ 4)))" | dd of=disk.img bs=1 seek="$1" conv=notrunc status=none
}

# Made here: noise from the start. With tags, sector 3 is damaged in its data, sector 5 in its tag.
while read -r i cipher integrity tag size key; do
	[ "$cipher" != adiantum ] && [ "$cipher" != hctr2 ] || continue
	check "$cipher $integrity $size: made" soft make ours "$i" "$cipher" "$integrity" "$size" "$key" noise
	[ "$tag" != 0 ] || continue
	read -r data _ < <(soft where ours "$i" "$cipher" "$integrity" "$size" "$key" 3)
	flip "$((data + 17))"
	read -r _ in_tag < <(soft where ours "$i" "$cipher" "$integrity" "$size" "$key" 5)
	flip "$((in_tag + 9))"
done <jobs.list

cat >kernel.sh <<'EOF2'
set -euo pipefail
C=$1
. "$2/tests/lib/tap.sh"
work=$3
cd "$scratch"
export DM_DISABLE_UDEV=1
place=$((8 * 1048576))
integrity() { # SECTORS TAG SIZE: over "place"
	dmsetup create tags --table "0 $1 integrity /dev/mapper/place 0 $2 J 2 block_size:$3 fix_padding"
}
# The kernel makes its superblock when it finds zeroes; its size is known only then.
format() { # TAG SIZE
	integrity 8 "$1" "$2"
	dmsetup remove tags
}
open_place() { # NUMBER CIPHER INTEGRITY TAG SIZE KEY NEW
	local table over=/dev/mapper/place
	dmsetup create place --table "0 $((place / 512)) linear /dev/vda $(($1 * place / 512))"
	[ -z "$7" ] || [ "$4" = 0 ] || format "$4" "$5"
	[ "$4" = 0 ] || over=/dev/mapper/tags
	table=$("$C" table "$2" "$3" "$5" "$6" /dev/mapper/place 0 $place $over)
	[ "$4" = 0 ] || integrity "$(echo "$table" | cut -d' ' -f2)" "$4" "$5"
	dmsetup create plain --table "$table"
}
close_place() {
	dmsetup remove plain
	! dmsetup info tags >/dev/null 2>&1 || dmsetup remove tags
	dmsetup remove place
}
put() { dd if="$1" of=/dev/mapper/plain bs=4096 seek="$2" oflag=direct conv=notrunc status=none; }
same() { dd if=/dev/mapper/plain bs="$4" skip="$2" count="$3" iflag=direct status=none | cmp - <(dd if="$1" bs="$4" skip="$2" count="$3" status=none); }
refused() { # SECTOR SIZE
	local got
	got=$(dd if=/dev/mapper/plain of=/dev/null bs="$2" skip="$1" count=1 iflag=direct 2>&1) && return 1
	grep -q "Invalid or incomplete multibyte" <<<"$got"
}
while read -r i cipher integrity tag size key <&3; do
	name="$cipher $integrity $size"
	check "$name: the kernel makes one" open_place $((2 * i)) "$cipher" "$integrity" "$tag" "$size" "$key" new
	check "$name: and writes" put "$work/noise" 0
	check "$name: twice" put "$work/other" 512
	check "$name: closes" close_place
	case $cipher in adiantum | hctr2) continue ;; esac
	check "$name: the kernel opens ours" open_place $((2 * i + 1)) "$cipher" "$integrity" "$tag" "$size" "$key" ""
	if [ "$tag" = 0 ]; then
		check "$name: reads it" same "$work/noise" 0 $((1146880 / size)) "$size"
	else
		check "$name: reads its beginning" same "$work/noise" 0 3 "$size"
		check "$name: refuses damaged data" refused 3 "$size"
		check "$name: reads what is between" same "$work/noise" 4 1 "$size"
		check "$name: refuses a damaged tag" refused 5 "$size"
		check "$name: reads the rest" same "$work/noise" 6 $((1146880 / size - 6)) "$size"
		check "$name: refuses what was never written" refused $((1146880 / size)) "$size"
	fi
	check "$name: writes into it" put "$work/other" 100
	check "$name: closes it" close_place
done 3<"$work/jobs.list"

# What cryptsetup calls them.
while read -r cipher integrity bytes option <&3; do
	read -r luks type kernel < <("$C" names "$cipher" "$integrity" 4096 "$(printf '00%.0s' $(seq "$bytes"))" /dev/vdb 0 4096)
	at=$(cut -d' ' -f1 "$work/luks.at.$cipher")
	dmsetup create place --table "0 49152 linear /dev/vdb $((at / 512))"
	head -c "$bytes" "$work/luks.key" >key
	printf pass >pass
	check "$cipher: cryptsetup formats with $option" cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
		--key-size $((bytes == 96 ? 512 : bytes * 8)) --volume-key-file key --cipher "$luks" --integrity "$option" \
		--integrity-no-wipe --sector-size 4096 /dev/mapper/place pass
	cryptsetup luksDump --dump-json-metadata /dev/mapper/place | tr -d '\n\t ' >json
	check "$cipher: names it $luks" grep -qF "\"encryption\":\"$luks\"" json
	check "$cipher: with $type" grep -qF "\"integrity\":{\"type\":\"$type\"" json
	check "$cipher: opens" cryptsetup open --disable-keyring --key-file pass /dev/mapper/place plain
	dmsetup table plain >table
	check "$cipher: as $kernel" grep -qF " crypt $kernel " table
	check "$cipher: writes" put "$work/noise" 0
	check "$cipher: closes" cryptsetup close plain
	dmsetup remove place
done 3<"$work/luks"
EOF2
head -c 96 /dev/urandom >luks.key
cat >luks <<'EOS'
aegis128-random aead 16 aead
aes-gcm-random aead 32 aead
chacha20-random aead 32 poly1305
aes-xts-plain64 hmac-sha256 96 hmac-sha256
EOS
at=0
while read -r cipher _; do
	echo "$at" >"luks.at.$cipher"
	at=$((at + 24 * M))
done <luks
truncate -s $at luks.img
"$guest" --disk disk.img --disk luks.img kernel.sh "$C" "$HOLDFAST_TOP" "$scratch" >.guest || true
grep -E '^(ok|not ok|#)' .guest || not_ok "the guest said nothing"
check "the guest came to its end" grep -q '^ok - aes-xts-plain64: closes$' .guest

same() { # FILE AT LEN THEIRS|OURS NUMBER CIPHER INTEGRITY SIZE KEY
	soft read "${@:4}" "$2" "$3" | cmp - <(head -c "$3" "$1")
}
states() { # EXPECTED THEIRS|OURS …: runs, the last one without its length
	soft check "${@:2}" | sed '$s/ [0-9]*$//' | tr '\n' ',' | grep -qxF "$1"
}
while read -r i cipher integrity tag size key; do
	name="$cipher $integrity $size" device=("$i" "$cipher" "$integrity" "$size" "$key")
	case $cipher in adiantum | hctr2) continue ;; esac
	check "$name: what the kernel made is read" same noise 0 1146880 theirs "${device[@]}"
	check "$name: all of it" same other $((512 * 4096)) 409600 theirs "${device[@]}"
	check "$name: what the kernel wrote into ours" same other 409600 409600 ours "${device[@]}"
	[ "$tag" != 0 ] || continue
	k=$((4096 / size))
	check "$name: what the kernel did not write is told" states \
		"good 0 $((280 * k)),never $((280 * k)) $((232 * k)),good $((512 * k)) $((100 * k)),never $((612 * k))," theirs "${device[@]}"
	check "$name: what was damaged is still told" states \
		"good 0 3,bad 3 1,good 4 1,bad 5 1,good 6 $((280 * k - 6)),never $((280 * k))," ours "${device[@]}"
	check_status 1 "$name: damaged is not read" soft read ours "${device[@]}" 0 $((8 * size))
done <jobs.list
while read -r cipher integrity bytes _; do
	key=$(head -c "$bytes" luks.key | od -An -tx1 | tr -d ' \n')
	at=$(($(cat "luks.at.$cipher") + 16 * M))
	check "$cipher: cryptsetup's is read" cmp <("$C" read "$cipher" "$integrity" 4096 "$key" luks.img $at $((8 * M)) 0 1146880) noise
done <luks
