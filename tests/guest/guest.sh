#!/bin/bash
# The guest itself: what the other tests stand on.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest

echo 'echo "out $1"; echo err >&2; exit 7' >status.sh
check_status 7 "gives the script's status" "$guest" status.sh argument
said "out argument"
said err
truncate -s 8M disk.img
echo 'grep -q "^8192\|8388608" <(blockdev --getsize64 /dev/vda) && echo written | dd of=/dev/vda conv=fsync status=none && dmsetup targets | grep -q ^verity && test -d /sys/class/tpm/tpm0' >disk.sh
check "has a disk, device-mapper and a TPM" "$guest" --disk disk.img --tpm disk.sh
check "what it wrote is there" grep -q written disk.img
cp disk.img before.img
echo 'for i in 1 2 3; do echo "line $i" | dd of=/dev/vda seek=$i conv=notrunc,fsync status=none; done' >log.sh
check "logs writes" "$guest" --log-disk disk.img,writes.log log.sh
n=$("$HOLDFAST_TOP/tools/guest-kernel/replay-log" writes.log | wc -l)
check "which can be replayed" "$HOLDFAST_TOP/tools/guest-kernel/replay-log" writes.log before.img "$n"
check "to the same bytes" cmp disk.img before.img
echo 'echo c >/proc/sysrq-trigger; sleep 10' >die.sh
check_status 125 "tells when it died" "$guest" die.sh
