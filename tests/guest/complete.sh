#!/bin/bash
# A device with a copy of the shared image completes itself, also while it runs from one of its volumes;
# everything else that writes wants the device to be free.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
share=$scratch/share
mkdir -p rootfs/etc boot "$share"
echo "shared" >rootfs/etc/motd
head -c 3000000 /dev/urandom >rootfs/blob
head -c 60000 /dev/urandom >boot.bin
cat >d.layout <<'EOL'
device "d" { architecture = "x86-64" seed = "5c0d3f3e-1111-4222-8333-444455556666" }
volume "boot" { partition { in-table = false offset = 64K size = 64K } image { source = "boot.bin" } }
volume "root" { partition { type = "root" } verity { } filesystem { type = "squashfs" source = "rootfs" owner = "root" } }
volume "data" { partition { size = "fill" } filesystem { type = "ext4" label = "data" } }
EOL
check "the shared image" "$HOLDFAST" provision --shared d.layout shared.img
cp -r d.layout rootfs boot.bin "$share"
cp shared.img disk.img
truncate -s 96M disk.img

cat >complete.sh <<'EOS'
. "$2/tests/lib/tap.sh"
H=$1
cp -r /mnt/share /tmp/layout # the share does not keep owners
cd /tmp/layout
check "the root can be used at once" "$H" open /dev/vda root --mount /mnt/v
size() { cat /sys/class/block/vda3/size; } # of data
check "the data has the shared image's size" test "$(size)" -lt 20480
check_status 7 "starting anew while it runs" "$H" provision d.layout /dev/vda --replace=all
said "is in use: /dev/vda[0-9]+, under the mapping holdfast-root"
said "now: *nothing was changed"
check "it is as it was" "$H" verify /dev/vda root
check "completes while it runs" "$H" provision d.layout /dev/vda
check "the root is still read" cmp /mnt/v/root/blob rootfs/blob
check "the kernel knows that the data has grown" test "$(size)" -gt 163840
check "which can be opened" "$H" open /dev/vda data --mount /mnt/v
said "^data /mnt/v/data"
check "without a mapping: the partition itself is mounted" sh -c 'grep -q "^/dev/vda[0-9]* /mnt/v/data ext4" /proc/mounts'
check "and has the room" test "$(df --output=size /mnt/v/data | tail -1)" -gt 40000
check "and is kept" sh -c 'echo kept >/mnt/v/data/file'
check_status 7 "mending while it runs" "$H" recovery repair /dev/vda
check "again: nothing to do, in use or not" "$H" provision d.layout /dev/vda
check "close" "$H" close /dev/vda --mount /mnt/v
check "verify" "$H" verify /dev/vda
check "open what no table has" "$H" open /dev/vda boot --read-only
said "^boot /dev/mapper/holdfast-boot.partition"
check "its contents" sh -c 'head -c 60000 /dev/mapper/holdfast-boot.partition | cmp - boot.bin'
check_status 1 "which cannot be written then" dd if=/dev/zero of=/dev/mapper/holdfast-boot.partition count=1
check "close it" "$H" close /dev/vda boot
check "mending when it is free" "$H" recovery repair /dev/vda
EOS
guest_tap() { "$HOLDFAST_TOP/tools/guest" "$@" | grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing: $*"; }
guest_tap --disk disk.img --share "$share" complete.sh "$HOLDFAST" "$HOLDFAST_TOP"
check "complete, seen from outside" "$HOLDFAST" verify disk.img
