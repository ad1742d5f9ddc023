#!/bin/bash
# Opening on a real kernel: a verity root, plain volumes, corruption policies, booting without an
# initramfs, provisioning a block device.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest

mkdir -p rootfs/{dev,proc,sbin,etc} esp
cp /bin/busybox rootfs/sbin/busybox
printf '#!/sbin/busybox sh\n/sbin/busybox echo BOOTED from $(/sbin/busybox cat /etc/motd)\n/sbin/busybox sleep 100\n' >rootfs/sbin/init
chmod 755 rootfs/sbin/init
echo "a verity root" >rootfs/etc/motd
head -c 1000000 /dev/urandom >rootfs/blob
echo boot >esp/boot.cfg
layout() { # POLICY TREE
	cat >"$1-$2.layout" <<EOF
device "d" { architecture = "x86-64" seed = "5c0d3f3e-1111-4222-8333-444455556666" }
medium "m" { size = 96M }
volume "esp" { partition { type = "esp" size = 8M } filesystem { type = "vfat" source = "esp" owner = "root" } }
volume "root" { partition { type = "root" } verity { on-corruption = "$1" tree = "$2" } filesystem { type = "erofs" source = "rootfs" owner = "root" } }
volume "data" { partition { size = "fill" } filesystem { label = "data" } }
EOF
	"$HOLDFAST" provision -q "$1-$2.layout" "$1-$2.img"
}
check "provision, eio" layout eio own
check "provision, appended" layout eio appended
check "provision, panic" layout panic own
check "provision, restart" layout restart own
offset() { "$HOLDFAST" status "$1" --json | tail -1 | jq -r '.volumes[] | select(.volume == "root") | .extents[] | select(.role == "data") | .offset'; }
blob=$(sha256sum <rootfs/blob)

cat >open.sh <<'EOF'
set -eu
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
H=$1
check "open and mount" "$H" open /dev/vda --mount /mnt/v
check "data: no set-user-ID programs, no device nodes" grep -q ' /mnt/v/data ext4 rw,nosuid,nodev' /proc/mounts
check "esp: neither" grep -q ' /mnt/v/esp vfat rw,nosuid,nodev' /proc/mounts
check "the root has them" sh -c "grep ' /mnt/v/root erofs ' /proc/mounts | grep -vE 'nosuid|nodev'"
check "the root has its contents" test "$(sha256sum </mnt/v/root/blob)" = "$3"
check "the root is read-only" sh -c '! touch /mnt/v/root/x 2>/dev/null'
check "vfat has its contents" test "$(cat /mnt/v/esp/boot.cfg)" = boot
check "ext4 is written" sh -c 'echo kept >/mnt/v/data/file'
check "status while open" "$H" status /dev/vda
said "open: root: holdfast-root: verified so far"
check_status 7 "open twice" "$H" open /dev/vda root
cd /mnt/v/data
check_status 7 "close while busy" "$H" close /dev/vda --mount /mnt/v
cd /
check "close" "$H" close /dev/vda --mount /mnt/v
check "close again" "$H" close /dev/vda --mount /mnt/v
check "no mapping is left" sh -c '! dmsetup ls | grep holdfast'
check "verify on the block device" "$H" verify /dev/vda
check "open one" "$H" open /dev/vda root --prefix other
check "under another name" test -b /dev/mapper/other-root
check "close one" "$H" close /dev/vda root --prefix other
EOF
guest_tap() { "$guest" "$@" | grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing: $*"; }
guest_tap --disk eio-own.img open.sh "$HOLDFAST" "$HOLDFAST_TOP" "$blob"
guest_tap --disk eio-appended.img open.sh "$HOLDFAST" "$HOLDFAST_TOP" "$blob"
check "what was written offline: verifies" "$HOLDFAST" verify eio-own.img

# A partition that the kernel does not know is mapped with dm-linear.
cat >linear.sh <<'EOF'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
blockdev --rereadpt /dev/vda
for n in 1 2 3 4 5; do delpart /dev/vda $n 2>/dev/null || true; done
check "open without partitions in the kernel" "$1" open /dev/vda --mount /mnt/v
check "contents" test "$(sha256sum </mnt/v/root/blob)" = "$3"
check "close" "$1" close /dev/vda --mount /mnt/v
check "nothing is left" sh -c '! dmsetup ls | grep holdfast'
EOF
guest_tap --disk eio-own.img linear.sh "$HOLDFAST" "$HOLDFAST_TOP" "$blob"

# --- corruption ---
cat >corrupt.sh <<'EOF'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
check "open" "$1" open /dev/vda root
check_status 1 "the kernel refuses the damaged block" dd if=/dev/mapper/holdfast-root of=/dev/null bs=4096
check "status tells" "$1" status /dev/vda
said CORRUPTED
check "close" "$1" close /dev/vda root
EOF
for policy in eio panic restart; do
	printf 'X' | dd of=$policy-own.img bs=1 seek=$(($(offset $policy-own.img) + 500000)) conv=notrunc status=none
done
check_status 3 "verify names it" "$HOLDFAST" verify eio-own.img
guest_tap --disk eio-own.img corrupt.sh "$HOLDFAST" "$HOLDFAST_TOP"
check_status 125 "panic: the guest dies" "$guest" --disk panic-own.img --console panic.log corrupt.sh "$HOLDFAST" "$HOLDFAST_TOP"
check "of verity" grep -q "dm-verity device corrupted" panic.log
check_status 125 "restart: the guest restarts" "$guest" --disk restart-own.img --console restart.log corrupt.sh "$HOLDFAST" "$HOLDFAST_TOP"
check "of verity, too" grep -qE "reboot: Restarting|dm-verity device corrupted" restart.log

# A superblock that was changed is tampering, though nothing is opened by it.
cp eio-appended.img changed.img
hash=$("$HOLDFAST" status eio-own.img --json | tail -1 | jq -r '.volumes[] | select(.volume == "root") | .extents[] | select(.role == "hash") | .offset')
cp eio-own.img changed.img
printf '\x02' | dd of=changed.img bs=1 seek=$((hash + 8)) conv=notrunc status=none
echo '"$1" open /dev/vda root' >one.sh
check_status 3 "a changed superblock is refused" "$guest" --disk changed.img one.sh "$HOLDFAST"

# --- booting without an initramfs ---
for tree in own appended; do
	rm -f "eio-$tree.img"
	layout eio $tree
	line=$("$HOLDFAST" cmdline -q eio-$tree.img root)
	[ "$line" = "$("$HOLDFAST" cmdline -q eio-$tree.layout root)" ] && ok "$tree: the same line from the layout" || not_ok "$tree: another line from the layout"
	check "$tree: boots from dm-mod.create= alone" "$guest" --boot --disk eio-$tree.img --append "$line" --until "BOOTED from a verity root" --timeout 60
done
rm -f panic-own.img
layout panic own
line=$("$HOLDFAST" cmdline -q panic-own.img root)
start=$(offset panic-own.img)
for at in $(seq 4096 4096 1200000); do printf 'X' | dd of=panic-own.img bs=1 seek=$((start + at)) conv=notrunc status=none; done
check "tampered: the kernel panics instead" "$guest" --boot --disk panic-own.img --append "$line" --until "dm-verity device corrupted" --timeout 60

# --- a block device ---
truncate -s 128M device.img
cp -r rootfs esp eio-own.layout "$scratch" 2>/dev/null || true
cat >device.sh <<'EOF'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
cd "$3"
check "provision a block device" "$1" provision eio-own.layout /dev/vda
check "verify it" "$1" verify /dev/vda
blockdev --rereadpt /dev/vda
check "open it" "$1" open /dev/vda --mount /mnt/v
check_status 7 "provision while it is open" "$1" provision eio-own.layout /dev/vda --replace=all
check "close it" "$1" close /dev/vda --mount /mnt/v
check_status 0 "complete: nothing to do" "$1" provision eio-own.layout /dev/vda
EOF
guest_tap --disk device.img device.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"
check "the same volumes as in the image file" bash -c "cmp <(\"$HOLDFAST\" cmdline -q device.img root) <(\"$HOLDFAST\" cmdline -q eio-own.img root)"

# --- sectors of 4096 bytes ---
truncate -s 160M wide.img
cat >wide.sh <<'EOF'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
cd "$3"
check "the disk has sectors of 4096" test "$(blockdev --getss /dev/vda)" = 4096
check "provision it" "$1" provision eio-own.layout /dev/vda
check "verify it" "$1" verify /dev/vda
check "sfdisk agrees" sfdisk --verify /dev/vda
check "open it" "$1" open /dev/vda --mount /mnt/v
check "the root has its contents" test "$(sha256sum </mnt/v/root/blob)" = "$4"
check "vfat has its contents" test "$(cat /mnt/v/esp/boot.cfg)" = boot
check "ext4 is written" sh -c 'echo kept >/mnt/v/data/file'
check "close it" "$1" close /dev/vda --mount /mnt/v
check "verify it again" "$1" verify /dev/vda
EOF
guest_tap --disk-4k wide.img wide.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch" "$blob"
