#!/bin/bash
# File systems: accepted by their own tools, contents as in the source, the same bytes every time.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"

mkdir -p tree/usr/bin "tree/a dir" tree/empty
head -c 200000 /dev/urandom >tree/usr/bin/tool
chmod 4755 tree/usr/bin/tool
ln -s tool tree/usr/bin/link
ln tree/usr/bin/tool tree/usr/bin/hard
for i in $(seq 60); do echo "$i" >"tree/a dir/file $i"; done
echo umlaut >tree/ä
# The same tree, made in another order, at another time.
mkdir -p copy && (cd tree && find . | sort -r | cpio -pdm --quiet ../copy 2>/dev/null)
# cpio does not copy attributes; not every file system has them.
attributes=yes
for made in tree copy; do setfattr -n user.note -v value $made/usr/bin/tool 2>/dev/null || attributes=no; done
sleep 1.1
find copy -exec touch -h {} +
mkdir -p fat/EFI/BOOT
echo loader >fat/EFI/BOOT/BOOTX64.EFI
for i in $(seq 20); do echo "$i" >"fat/file $i.txt"; done
cp -r fat fatcopy
sleep 1.1

volume() { # TYPE SOURCE: its bytes in ./NAME
	local extra=''
	[ "$1" != vfat ] || extra='owner = "root"'
	cat >fs.layout <<EOF
device "d" { seed = "5c0d3f3e-1111-4222-8333-444455556666" }
volume "fs" { partition { size = 64M } filesystem { type = "$1" source = "$2" $extra } }
EOF
	rm -f fs.img "$3"
	"$HOLDFAST" provision -q fs.layout fs.img >.out 2>&1 || return 1
	local offset
	offset=$("$HOLDFAST" status fs.img --json | tail -1 | jq -r '.volumes[0].extents[0].offset')
	dd if=fs.img of="$3" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count=64M conv=sparse status=none
}

for type in ext4 erofs squashfs; do
	check "$type from a tree" volume $type tree one
	check "$type from a copy of it" volume $type copy two
	check "$type: the same bytes" cmp one two
	check "$type: in another time zone and umask" env TZ=Asia/Tokyo bash -c "umask 077; $(declare -f volume); HOLDFAST=$HOLDFAST; volume $type tree three && cmp one three"
	case $type in
	ext4)
		check "e2fsck" e2fsck -fn one
		mkdir -p out
		check "debugfs reads it" debugfs -R "rdump / out" one
		check "contents" diff -r --no-dereference -x lost+found tree out
		;;
	erofs) check "fsck.erofs" fsck.erofs one ;;
	squashfs)
		[ $attributes = no ] || check "the attribute is there" bash -c "rm -rf attr && unsquashfs -q -n -d attr one usr/bin/tool && getfattr -n user.note attr/usr/bin/tool"
		check "unsquashfs" unsquashfs -q -n -d squash one
		check "contents" diff -r --no-dereference tree squash
		;;
	esac
done
check "vfat" volume vfat fat one
check "vfat from a copy" volume vfat fatcopy two
check "vfat: the same bytes" cmp one two
check "fsck.vfat" fsck.vfat -n one
check "contents" bash -c 'mcopy -s -i one "::*" out2/ 2>/dev/null || { mkdir out2 && mcopy -s -i one "::*" out2/; } && diff -r fat out2'
ln -s x fat/link
check_status 1 "vfat cannot hold a symbolic link" volume vfat fat one

# Owners: kept under fakeroot, or all root's.
cat >owner.layout <<'EOF'
volume "fs" { partition { size = 64M } filesystem { source = "tree" } }
EOF
check "under fakeroot" fakeroot sh -c "chown 1000:1000 tree/empty && mknod tree/null c 1 3 && \"$HOLDFAST\" provision -q owner.layout owner.img; s=\$?; rm tree/null; exit \$s"
offset=$("$HOLDFAST" status owner.img --json | tail -1 | jq -r '.volumes[0].extents[0].offset')
debugfs -R "stat /null" "owner.img?offset=$offset" >.out 2>&1 || true
said "character special"
debugfs -R "stat /empty" "owner.img?offset=$offset" >.out 2>&1 || true
said "User: *1000"
if [ "$(id -u)" = 0 ]; then
	chown -R 65534 tree
	chmod 755 . && mkdir -m 777 other
	check_status 2 "a tree of the caller's own is refused" setpriv --reuid 65534 --clear-groups "$HOLDFAST" provision -q owner.layout other/x.img
	said 'owner = "root"'
fi
