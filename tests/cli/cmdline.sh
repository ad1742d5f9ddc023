#!/bin/bash
# Kernel command lines in every format; logs and records; shared images.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

mkdir -p rootfs/etc
echo hello >rootfs/etc/motd
cat >d.layout <<'EOF'
device "d" { architecture = "arm64"  seed = "5c0d3f3e-1111-4222-8333-444455556666" }
volume "root" { slots = {"a", "b"}  partition { type = "root" size = 4M }  verity { on-corruption = "restart" check-at-most-once = true }
                filesystem { type = "squashfs" source = "rootfs" owner = "root" } }
volume "data" { partition { size = "fill" }  filesystem { source = "rootfs" owner = "root" } }
EOF
check "provision" "$H" provision d.layout d.img --log run.log --record record.json
check "the log names the steps" grep -q "step: root:a: hash tree" run.log
check "the record is JSON, with a status" jq -e '.status == 0 and .code == "HF-OK" and .device == "d"' record.json
root=$("$H" status d.img --json | tail -1 | jq -r '.volumes[0].layers[1]."root-hash"')
data=$("$H" status d.img --json | tail -1 | jq -r '.volumes[0].extents[0].uuid')
check "raw" "$H" cmdline d.img root:a
said "^dm-mod.create=\"root,,,ro,0 [0-9]+ verity 1 PARTUUID=$data PARTUUID=[0-9a-f-]+ 4096 4096 [0-9]+ 1 sha256 $root [0-9a-f]{64} 2 restart_on_corruption check_at_most_once\" dm-mod.waitfor=PARTUUID=$data,PARTUUID=.* root=/dev/dm-0 ro rootwait rootfstype=squashfs\$"
said "sign it"
check "uboot" "$H" cmdline d.img root --format uboot
said "^setenv bootargs 'dm-mod.create=.*rootfstype=squashfs'\$"
check "extlinux" "$H" cmdline d.img root --format extlinux
said "^append dm-mod.create="
check "systemd" "$H" cmdline d.img root --format systemd
said "^roothash=$root systemd.verity_root_data=PARTUUID=$data systemd.verity_root_hash=PARTUUID=[0-9a-f-]+ root=/dev/mapper/root ro"
check "json" "$H" cmdline -q d.img root --format json
check "its fields" jq -e --arg r "$root" 'select(.event == "result") | .raw != null and (.dm_mod_create | contains($r)) and .read_only and .rootfstype == "squashfs"' "$scratch/.out"
check "a plain volume" "$H" cmdline -q d.img data
said "^root=PARTUUID=[0-9a-f-]+ rw rootwait rootfstype=ext4\$"
check_status 2 "a reserved slot" "$H" cmdline d.img root:b
check_status 2 "another format" "$H" cmdline d.img root --format grub
check "from the layout: the same" bash -c "cmp <('$H' cmdline -q d.layout root) <('$H' cmdline -q d.img root)"
sed 's/  seed = "[^"]*"//' d.layout >noseed.layout
check_status 2 "from a layout without a seed" "$H" cmdline noseed.layout root
said "seed"

# --- shared images ---
check "a shared image" "$H" provision --shared d.layout shared.img
check_status 0 "again: nothing to do" "$H" provision --shared d.layout shared.img --json
said HF-NOTHING-TO-DO
check "it can be verified" "$H" verify shared.img
"$H" status shared.img >"$scratch/.out"
said "shared.img: shared"
check "complete one from it" "$H" provision --from shared.img d.layout from.img
check "and verify it" "$H" verify from.img
[ "$("$H" cmdline -q from.img root)" = "$("$H" cmdline -q shared.img root)" ] && ok "the same root" || not_ok "another root"
uuids() { sfdisk -J "$1" | jq -r '.partitiontable | .id, (.partitions[] | select(.name == "vault") | .uuid)'; }
sed 's/  seed = "[^"]*"//' d.layout >free.layout
"$H" provision -q --shared free.layout free.img >/dev/null
"$H" provision -q --from free.img free.layout one.img >/dev/null
"$H" provision -q --from free.img free.layout two.img >/dev/null
[ "$(uuids one.img)" != "$(uuids two.img)" ] && ok "without a seed two devices have disk UUIDs of their own" || not_ok "the same disk UUID on two devices"
[ "$("$H" cmdline -q one.img root)" = "$("$H" cmdline -q two.img root)" ] && ok "and the same root" || not_ok "roots differ"
cp shared.img large.img
truncate -s 100M large.img
rm -r rootfs
check "completed in place, larger, without the sources" "$H" provision d.layout large.img
check "and verified" "$H" verify large.img
check "its table is good" sfdisk --verify large.img
offset=$("$H" status large.img --json | tail -1 | jq '.volumes[] | select(.volume == "data") | .extents[0].offset')
size=$("$H" status large.img --json | tail -1 | jq '.volumes[] | select(.volume == "data") | .extents[0].size')
check "the file system is clean" e2fsck -fn "large.img?offset=$offset"
blocks=$(dumpe2fs -h "large.img?offset=$offset" 2>/dev/null | sed -n 's/^Block count: *//p')
[ $((size / 4096)) = "$blocks" ] && ok "and fills its partition" || not_ok "$blocks blocks in $size bytes"
[ "$(debugfs -R 'cat /etc/motd' "large.img?offset=$offset" 2>/dev/null)" = hello ] && ok "with its contents" || not_ok "contents"
sed 's/4M/8M/' d.layout >other.layout
mkdir -p rootfs/etc && echo hello >rootfs/etc/motd
check_status 2 "another layout than the shared image's" "$H" provision --from shared.img other.layout x.img
check_status 2 "not a shared image" "$H" provision --from d.img d.layout x.img
truncate -s 3M shared.img
check_status 2 "a shared image that was cut short" "$H" provision --from shared.img d.layout y.img
