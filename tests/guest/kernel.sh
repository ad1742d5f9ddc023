#!/bin/bash
# lib/kernel on a real kernel: mappings, mounts, partitions; what it says when something is in the way.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
truncate -s 64M disk.img
sfdisk -q disk.img <<'EOS'
label: gpt
start=2048, size=32768
start=34816, size=32768
start=67584, size=16384
EOS

cat >kernel.sh <<'EOS'
. "$2/tests/lib/tap.sh"
K=$1
M=$((1024 * 1024))
prints() { # NAME TEXT COMMAND…
	local name=$1 text=$2 got
	shift 2
	got=$("$@" 2>&1) || true
	if [ "$got" = "$text" ]; then ok "$name"; else echo "$got" >"$scratch/.out"; not_ok "$name: not \"$text\""; fi
}

# --- partitions ---
prints "a partition by its range" /dev/vda2 "$K" partition /dev/vda $((17 * M)) $((16 * M))
prints "not by its beginning alone" none "$K" partition /dev/vda $((17 * M)) $((8 * M))
prints "not by its length alone" none "$K" partition /dev/vda $((18 * M)) $((16 * M))
prints "all of the disk" /dev/vda "$K" partition /dev/vda 0 $((64 * M))
check_status 1 "an image file is none" "$K" partition /bin/true 0 512
said "HF-KERNEL.*next: losetup"
ln -s vda /dev/by-another-name
prints "by another name of the disk" /dev/vda2 "$K" partition /dev/by-another-name $((17 * M)) $((16 * M))

# --- mappings ---
table="/dev/vda2 0"
prints "none there" none "$K" query t
check "make" "$K" make t HOLDFAST-t $((16 * M)) linear "$table" rw
said "^/dev/mapper/t$"
prints "query" "HOLDFAST-t linear rw open=0 " "$K" query t
check "has a node" test -b /dev/mapper/t
prints "its partition is in use" "/dev/vda2, under the mapping t" "$K" in-use /dev/vda 0 $((64 * M))
prints "others are free" free "$K" in-use /dev/vda $M $((16 * M))
check_status 7 "make again" "$K" make t HOLDFAST-t $((16 * M)) linear "$table" rw
said "HF-IN-USE: t is open already; next: close it first"
mke2fs -q /dev/mapper/t
check "remove" "$K" remove t 0
check "remove again" "$K" remove t 0
check "its node is gone" test ! -e /dev/mapper/t
check "read-only" "$K" make t HOLDFAST-t $((16 * M)) linear "$table" ro
prints "query" "HOLDFAST-t linear ro open=0 " "$K" query t
check_status 1 "cannot be written" dd if=/dev/zero of=/dev/mapper/t count=1 oflag=direct
check_status 7 "busy: patience ends" sh -c "exec 5</dev/mapper/t; time $K remove t 300"
said "HF-IN-USE: cannot remove mapping t: it is in use; next: unmount or close"
(exec 5</dev/mapper/t; sleep 0.5) &
sleep 0.2
check "busy for a moment: patience helps" "$K" remove t 5000
wait
dmsetup create foreign --table "0 8 zero"
check_status 7 "a mapping of somebody else" "$K" make foreign HOLDFAST-x 4096 zero "" rw
said "HF-IN-USE: foreign is a mapping that holdfast did not make; next: choose another"
check "is not removed" "$K" remove foreign 0
check "but left alone" dmsetup info foreign
check_status 1 "a type that the kernel lacks" "$K" make t HOLDFAST-t 4096 nonsense "" rw
said "HF-KERNEL: cannot make mapping t of type nonsense: the kernel lacks this type.*dmesg"
check_status 1 "a table that it does not take" "$K" make t HOLDFAST-t 4096 linear "/dev/vda2" rw
check_status 1 "a device that is not there" "$K" make t HOLDFAST-t 4096 linear "/dev/nowhere 0" rw
said "a device that it stands on is not there"
check_status 1 "a device that is too short" "$K" make t HOLDFAST-t $((32 * M)) linear "$table" rw
prints "nothing is left" none "$K" query t

# --- mounts ---
check "mount" "$K" mount /dev/vda2 /mnt/a/b ext2 ro
prints "mounted" /dev/vda2 "$K" mounted /mnt/a/b
check "again: is done already" "$K" mount /dev/vda2 /mnt/a/b ext2 ro
check_status 1 "read-only" touch /mnt/a/b/x
ln -s a /mnt/link
prints "mounted, through a symbolic link" /dev/vda2 "$K" mounted /mnt/link/b
prints "not mounted" none "$K" mounted /mnt/a
prints "not there" none "$K" mounted /mnt/nowhere
check_status 7 "another device" "$K" mount /dev/vda1 /mnt/a/b ext2 ro
said "HF-IN-USE: /dev/vda2 is mounted on /mnt/a/b already"
mkdir -p /tmp/elsewhere && ln -s /tmp/elsewhere /mnt/a/away
check_status 1 "through a symbolic link" "$K" mount /dev/vda1 /mnt/a/away ext2 ro
said "leads elsewhere"
prints "nothing was mounted there" none "$K" mounted /tmp/elsewhere
check_status 7 "a mapping on what is mounted" "$K" make t HOLDFAST-t 4096 linear "$table" rw
said "HF-IN-USE.*a device that it stands on is in use"
prints "in use" "/dev/vda2, mounted on /mnt/a/b" "$K" in-use /dev/vda 0 $((64 * M))
(cd /mnt/a/b && exec sleep 100) &
sleep 0.2
check_status 7 "busy" "$K" unmount /mnt/a/b
said "HF-IN-USE: cannot unmount /mnt/a/b: process $! \(sleep\) uses it; next: end what uses"
kill $!
wait $! 2>/dev/null
check "unmount, through a symbolic link" "$K" unmount /mnt/link/b
check "unmount again" "$K" unmount /mnt/a/b
prints "not mounted" none "$K" mounted /mnt/a/b
check_status 1 "no file system" "$K" mount /dev/vda1 /mnt/c ext4 rw
said "HF-KERNEL: cannot mount /dev/vda1: .*wrong fs type"
check_status 1 "a type that the kernel lacks" "$K" mount /dev/vda2 /mnt/c xfs rw
said "unknown filesystem type"
mkswap /dev/vda3 >/dev/null 2>&1
if swapon /dev/vda3 2>/dev/null; then
	prints "swap is in use" "/dev/vda3, swapped on" "$K" in-use /dev/vda 0 $((64 * M))
	swapoff /dev/vda3
fi
(exec 5<>/dev/vda3; flock 5; sleep 1) &
prints "free" free "$K" in-use /dev/vda 0 $((64 * M))
wait

# --- a new table: what the kernel knows is what it is told here, not what stands there ---
one=1:$M:$((16 * M)) two=2:$((17 * M)):$((16 * M)) new=3:$((40 * M)):$((8 * M))
check "mount" "$K" mount /dev/vda2 /mnt/a/b ext2 rw
sfdisk -q --no-reread --delete /dev/vda 3 2>/dev/null
echo "start=81920, size=16384" | sfdisk -q --no-reread --no-tell-kernel -a /dev/vda 2>/dev/null
prints "one more while another is mounted" Success "$K" update /dev/vda "$one $two $new"
prints "is known" /dev/vda3 "$K" partition /dev/vda $((40 * M)) $((8 * M))
prints "the old is not" none "$K" partition /dev/vda $((33 * M)) $((8 * M))
check "the mounted one works" sh -c "echo x >/mnt/a/b/x && sync /mnt/a/b/x"
prints "the mounted one cannot change" "Device or resource busy" "$K" update /dev/vda "$one $new"
prints "and stays" /dev/vda2 "$K" partition /dev/vda $((17 * M)) $((16 * M))
check "a neighbour makes room" "$K" update /dev/vda "$one $two"
prints "the mounted one can grow" Success "$K" update /dev/vda "$one 2:$((17 * M)):$((20 * M))"
prints "and has grown" /dev/vda2 "$K" partition /dev/vda $((17 * M)) $((20 * M))
check "unmount" "$K" unmount /mnt/a/b
prints "free: read from the table" Success "$K" update /dev/vda ""
prints "as the table has it" /dev/vda3 "$K" partition /dev/vda $((40 * M)) $((8 * M))
truncate -s 8M /tmp/file
loop=$(losetup -f --show /tmp/file)
prints "a loop device without partitions" "Invalid argument" "$K" update "$loop" "1:$M:$M"
losetup -d "$loop"
setpriv --reuid 1000 --clear-groups true 2>/dev/null &&
	check_status 5 "only root may" setpriv --reuid 1000 --clear-groups "$K" query t &&
	said HF-PERMISSION
EOS
"$HOLDFAST_TOP/tools/guest" --disk disk.img kernel.sh "$HOLDFAST_BUILD/tests/guest/kernel-driver" "$HOLDFAST_TOP" |
	grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing"
