#!/bin/bash
# Ciphers and keys that only the kernel has; a shared image that a device completes with keys of its
# own.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
guest_tap() { "$guest" "$@" | grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing: $*"; }

mkdir -p files
echo hello >files/motd
head -c 2000000 /dev/urandom >files/blob
echo correct horse >pass
cat >through.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 96M }
keystore "device" { backend = "file" memory = 1M }
volume "adiantum" { partition { size = 32M number = 2 } crypt { cipher = "adiantum" header-size = 1M recovery-key = true } filesystem { source = "files" owner = "root" } }
volume "hctr2" { partition { size = 32M number = 3 } crypt { cipher = "hctr2" header-size = 1M } filesystem { source = "files" owner = "root" } }
END
truncate -s 96M device.img
cat >f2fs.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 320M }
keystore "device" { backend = "file" memory = 1M }
volume "plain" { partition { size = 128M } filesystem { type = "f2fs" label = "one" source = "files" owner = "root" } }
volume "secret" { partition { size = 128M } crypt { header-size = 1M } filesystem { type = "f2fs" source = "files" owner = "root" } }
END
check "f2fs: provision" "$HOLDFAST" provision -q --passphrase-file pass f2fs.layout f2fs.img
check "f2fs: verify" "$HOLDFAST" verify --passphrase-file pass f2fs.img
cat >reference.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 96M }
volume "xts" { partition { size = 32M } crypt { format = "plain" cipher = "aes-xts-plain64" integrity = "none" key-reference = "logon:disk:one" } filesystem { source = "files" owner = "root" } }
volume "adiantum" { partition { size = 32M } crypt { format = "plain" cipher = "adiantum" sector-size = 1024 key-reference = "user:two" } filesystem { source = "files" owner = "root" } }
END
truncate -s 96M reference.img
head -c 64 /dev/urandom >key.one
head -c 32 /dev/urandom >key.two
# A medium that held something else before.
cat >noise.layout <<'END'
device "d" { architecture = "x86-64" }
keystore "device" { backend = "file" memory = 1M }
volume "aead" { partition { size = 120M } crypt { header-size = 1M } filesystem { source = "files" owner = "root" } }
volume "mac" { partition { size = 64M } integrity { algorithm = "hmac-sha256" sector-size = 512 } filesystem { } }
volume "crc" { partition { size = 56M } integrity { mode = "bitmap" } filesystem { } }
END
openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 256M >noise || true
cp noise noise.img
cat >through.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
cd "$3"
check "provision a block device" "$1" provision --passphrase-file pass through.layout /dev/vda
check "provision an image file" "$1" provision --passphrase-file pass through.layout /mnt/share/file.img
check "no mapping of the moment is left" sh -c '! dmsetup ls | grep holdfast'
check "no loop device is left" test -z "$(losetup -a)"
blockdev --rereadpt /dev/vda
check "open" "$1" open /dev/vda --passphrase-file pass --mount /mnt/v
for v in adiantum hctr2; do check "$v: contents" cmp /mnt/v/$v/blob files/blob; done
check "close" "$1" close /dev/vda --mount /mnt/v
check "read through the kernel" "$1" read /dev/vda hctr2 --passphrase-file pass -o "$scratch/hctr2"
check "is a file system" e2fsck -fn "$scratch/hctr2"
check "verify" "$1" verify /dev/vda --passphrase-file pass
said "without authentication"
"$1" key recovery /dev/vda adiantum --passphrase-file pass -o "$scratch/key" >/dev/null
check "cryptsetup opens it, too" cryptsetup luksOpen /dev/vda2 other --key-file "$scratch/key"
mount -o ro /dev/mapper/other /mnt/v
check "and sees the contents" cmp /mnt/v/blob files/blob
umount /mnt/v
dmesg -c >/dev/null
check "f2fs: open" "$1" open /dev/vdb --passphrase-file pass --mount /mnt/v
for v in plain secret; do check "f2fs: $v" cmp /mnt/v/$v/blob files/blob; done
check "f2fs: write" cp files/blob /mnt/v/secret/again
check "f2fs: close" "$1" close /dev/vdb --mount /mnt/v
check "f2fs: no read failed" sh -c '! dmesg | grep -E "AEAD ERROR|I/O error"'

dmesg -c >/dev/null
check "old contents: provision" "$1" provision --replace=all --passphrase-file pass noise.layout /dev/vdd
check "old contents: verify" "$1" verify /dev/vdd --passphrase-file pass
check "old contents: open" "$1" open /dev/vdd --passphrase-file pass
for v in aead mac crc; do
	check "old contents: $v: e2fsck" e2fsck -fn /dev/mapper/holdfast-$v
	check "old contents: $v: blkid" blkid -p /dev/mapper/holdfast-$v
	mount /dev/mapper/holdfast-$v /mnt/v && cp files/blob /mnt/v/again && fstrim /mnt/v 2>/dev/null
	check "old contents: $v: written and unmounted" umount /mnt/v
	check "old contents: $v: e2fsck after that" e2fsck -fn /dev/mapper/holdfast-$v
done
check "old contents: close" "$1" close /dev/vdd
check "old contents: no read failed" sh -c '! dmesg | grep -iE "aead error|checksum failed|I/O error"'

# Keys that are only named: holdfast needs neither passphrase nor keystore.
check_status 1 "a key that is not there" "$1" provision reference.layout /dev/vdc
said "keyctl show"
keyctl padd logon disk:one @s <key.one >/dev/null
keyctl padd user two @s <key.two >/dev/null
check "by reference: provision" "$1" provision reference.layout /dev/vdc
check "by reference: open" "$1" open /dev/vdc --mount /mnt/v
for v in xts adiantum; do check "by reference: $v" cmp /mnt/v/$v/blob files/blob; done
check "by reference: the table has the name" sh -c 'dmsetup table --showkeys holdfast-xts | grep -q ":64:logon:disk:one "'
check "by reference: close" "$1" close /dev/vdc --mount /mnt/v
check "by reference: verify" "$1" verify /dev/vdc
said "only the kernel has its key"
check "by reference: read" "$1" read /dev/vdc xts -o "$scratch/xts"
check "by reference: is a file system" e2fsck -fn "$scratch/xts"
at=$("$1" status /dev/vdc --json | tail -1 | jq -r '.volumes[] | select(.volume == "xts") | .extents[0].offset')
dmsetup create place --readonly --table "0 65536 linear /dev/vdc $((at / 512))"
check "by reference: cryptsetup opens it with the bytes of that key" cryptsetup open --type plain --readonly --cipher aes-xts-plain64 --key-size 512 --sector-size 4096 --key-file key.one /dev/mapper/place third
check "by reference: and sees the same" cmp /dev/mapper/third "$scratch/xts"
END
mkdir share
guest_tap --disk device.img --disk f2fs.img --disk reference.img --disk noise.img --share "$scratch/share" --mem 768 through.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"
check "header and table are checked here, too" "$HOLDFAST" verify --passphrase-file pass share/file.img
said "only the kernel has its cipher"

check "old contents: verifies after that" "$HOLDFAST" verify --passphrase-file pass noise.img
changed=$(python3 -c '
a, b = open("noise", "rb"), open("noise.img", "rb")
print(sum(a.read(4096) != b.read(4096) for _ in range(65536)) * 100 // 65536)')
# Three journals of 4 MiB and up weigh more here than on a large medium.
check "old contents: $changed in 100 blocks were written" test "$changed" -lt 20
check "by reference: the plan needs no passphrase" "$HOLDFAST" plan reference.layout
check "by reference: a shared image" "$HOLDFAST" provision -q --shared reference.layout none.img
check "by reference: has nothing of it" test "$(du -k none.img | cut -f1)" -lt 500
check "by reference: status" "$HOLDFAST" status none.img
said "keys are in the kernel's keyrings"
check "f2fs: verifies after that" "$HOLDFAST" verify --passphrase-file pass f2fs.img

# --- a shared image, completed on a larger device, with keys of its own ---
cat >two.layout <<'END'
device "d" { architecture = "x86-64" seed = "5c0d3f3e-1111-4222-8333-444455556666" }
keystore "device" { backend = "file" memory = 1M }
volume "root" { partition { type = "root" size = 16M } verity { } filesystem { type = "erofs" source = "files" owner = "root" } }
volume "data" { partition { size = "fill" } crypt { header-size = 1M } filesystem { source = "files" owner = "root" } }
END
check "shared image, without a passphrase" "$HOLDFAST" provision -q --shared two.layout shared.img
check "it has no keys" bash -c "'$HOLDFAST' key list shared.img | grep 'no keys'"
for device in one two; do
	cp shared.img $device.img
	truncate -s 96M $device.img
	check "$device completes itself" "$HOLDFAST" provision -q --passphrase-file pass two.layout $device.img
	check "$device verifies" "$HOLDFAST" verify -q --passphrase-file pass $device.img
done
where() { "$HOLDFAST" status one.img --json | tail -1 | jq -r '.volumes[] | select(.volume == "data") | .extents[0].offset'; }
cmp -s <(dd if=one.img bs=1M skip=$(($(where) / 1048576)) count=8 status=none) <(dd if=two.img bs=1M skip=$(($(where) / 1048576)) count=8 status=none) &&
	not_ok "two devices have the same ciphertext" || ok "two devices have keys of their own"
cat >two.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
check "open" "$1" open /dev/vda --passphrase-file "$3/pass" --mount /mnt/v
check "the shared root" cmp /mnt/v/root/blob "$3/files/blob"
check "the device's own data" cmp /mnt/v/data/blob "$3/files/blob"
check "close" "$1" close /dev/vda --mount /mnt/v
END
guest_tap --disk one.img two.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"
