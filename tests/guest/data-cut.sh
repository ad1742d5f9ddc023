#!/bin/bash
# Power cuts while data volumes are written: every write of the guest is logged, its life is cut off,
# and the medium is put together as it was at every flush. holdfast verifies and reads each, and the
# file system must be clean after its own recovery. Some of them, and some between flushes, the
# kernel opens, too: it must read the same contents.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
replay=$HOLDFAST_TOP/tools/guest-kernel/replay-log
guest_tap() { "$guest" "$@" | grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing: $*"; }
points=${HOLDFAST_CUT_POINTS:-6}

echo correct horse >pass
cat >cut.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 64M }
keystore "device" { backend = "file" memory = 1M }
volume "aegis" { partition { size = 16M } crypt { header-size = 1M } filesystem { } }
volume "mac" { partition { size = 16M } integrity { algorithm = "hmac-sha256" } filesystem { } }
volume "small" { partition { size = 16M } crypt { cipher = "aes-gcm-random" sector-size = 512 header-size = 1M } filesystem { } }
END
check "provision" "$HOLDFAST" provision -q --passphrase-file pass cut.layout before.img
volumes="aegis mac small"

# The guest dies in the middle: no umount, no sync.
cat >write.sh <<'END'
"$1" open /dev/vda --passphrase-file "$2/pass" --mount /mnt/v || exit 1
for i in $(seq 5); do
	for v in aegis mac small; do
		head -c $((RANDOM * 9)) /dev/urandom >/mnt/v/$v/file$i
		[ $((i % 3)) != 0 ] || rm /mnt/v/$v/file$((i - 2))
		sync -f /mnt/v/$v/file$i
	done
done
for v in aegis mac small; do head -c 1500000 /dev/urandom >/mnt/v/$v/last & done
sleep .3
echo b >/proc/sysrq-trigger
sleep 10
END
cp before.img disk.img
check_status 125 "the guest is cut off" "$guest" --log-disk disk.img,writes.log --mem 768 write.sh "$HOLDFAST" "$scratch"
flushes() { "$replay" writes.log | awk '/flush/ { print $1 }'; }
n=$(flushes | wc -l)
[ "$n" -gt 20 ] && ok "$n flushes" || not_ok "only $n flushes"
last=$("$replay" writes.log | wc -l)

# What is applied again does no harm: later writes follow.
cp --sparse=always before.img step.img
bad=0 dirty=0
complain() { bad=$((bad + 1)); echo "# flush at $1: $2"; sed 's/^/#   /' "$scratch/.out" | head -5; }
while read -r n; do
	"$replay" writes.log step.img "$n"
	"$HOLDFAST" verify --passphrase-file pass step.img >.out 2>&1 || complain "$n" verify
	! grep -q "the journal was in use" .out || dirty=$((dirty + 1))
	for v in $volumes; do
		rm -f step.$v
		"$HOLDFAST" read -q --passphrase-file pass step.img $v -o step.$v >.out 2>&1 || complain "$n" "read $v"
		e2fsck -p step.$v >.out 2>&1 || [ $? = 1 ] || complain "$n" "e2fsck -p of $v"
		e2fsck -fn step.$v >.out 2>&1 || complain "$n" "e2fsck of $v"
	done
done < <(flushes)
check "each verifies, is read, and is clean after e2fsck" test $bad = 0
check "$dirty of them had a journal in use" test "$dirty" -gt 0

# Points between flushes, too: what was not flushed is there in part.
mapfile -t at < <({ flushes | shuf -n $((points - 2)) --random-source=pass 2>/dev/null || flushes | head -$((points - 2)); seq 40 $((last / 3)) "$last" | head -2; echo "$last"; } | sort -n)
disks=()
for i in "${!at[@]}"; do
	cp --sparse=always before.img "cut$i.img"
	"$replay" writes.log "cut$i.img" "${at[$i]}"
	check_status 0 "cut at ${at[$i]}: verifies" "$HOLDFAST" verify --passphrase-file pass "cut$i.img"
	for v in $volumes; do
		check "cut at ${at[$i]}: $v is read" "$HOLDFAST" read -q --passphrase-file pass "cut$i.img" $v -o "cut$i.$v"
	done
	disks+=(--disk "cut$i.img")
done
cat >reopen.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
S=$3
i=0
for disk in /dev/vd?; do
	check "cut $i: the kernel opens it" "$1" open "$disk" --passphrase-file "$S/pass"
	for v in aegis mac small; do
		# Before the file system is recovered: what was never written cannot be read there, and is
		# zeroes in what holdfast read.
		cat >"$scratch/compare.py" <<'PY'
import os, sys
dev, image = os.open(sys.argv[1], os.O_RDONLY), open(sys.argv[2], "rb").read()
same = never = 0
good = set()
for at in range(0, len(image), 65536):
    try:
        data = os.pread(dev, 65536, at)
    except OSError:
        continue
    if len(data) == min(65536, len(image) - at): # it stops short of what cannot be read
        assert data == image[at:at + 65536], at
        good.add(at)
for at in range(0, len(image), 4096):
    if at & ~65535 in good:
        same += 1
        continue
    try:
        data = os.pread(dev, 4096, at)
    except OSError:
        assert not any(image[at:at + 4096]), at
        never += 1
        continue
    assert data == image[at:at + 4096], at
    same += 1
print(same, "blocks the same,", never, "never written")
PY
		check "cut $i: $v: the kernel reads the same" python3 "$scratch/compare.py" /dev/mapper/holdfast-$v "$S/cut$i.$v"
		e2fsck -p /dev/mapper/holdfast-$v >"$scratch/.out" 2>&1
		[ $? -le 1 ] && ok "cut $i: $v: its journal is replayed" || not_ok "cut $i: $v: e2fsck"
		check "cut $i: $v: clean after that" e2fsck -fn /dev/mapper/holdfast-$v
	done
	check "cut $i: close" "$1" close "$disk"
	i=$((i + 1))
done
END
guest_tap "${disks[@]}" --mem 768 --timeout 600 reopen.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"
