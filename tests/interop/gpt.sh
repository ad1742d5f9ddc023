#!/bin/bash
# Partition tables against sfdisk, the kernel's partition parser and systemd-dissect, both ways.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
head -c 300000 /dev/urandom >a.bin
head -c 700000 /dev/urandom >b.bin
head -c 8192 /dev/urandom >spl.bin

provision() { rm -f "$2" && "$HOLDFAST" provision -q "$@"; }
entry() { sfdisk --json "$1" | jq -r --arg name "$2" ".partitiontable.partitions[] | select(.name == \$name) | $3"; }
equal() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then ok "$1"; else echo "$2, not $3" >.out; not_ok "$1"; fi
}
no_errors() { sfdisk --verify "$1" 2>&1 | tee /dev/stderr | grep -q 'No errors detected'; }
damage() { printf '\xff\xff' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
bytes() { dd if="$1" bs=512 skip="$2" count="$3" status=none; }

# --- ours, read by the others ---

cat >ours.layout <<'EOF'
device "gateway" { architecture = "arm64"  seed = "5c0d3f3e-1111-4222-8333-444455556666" }
medium "m" { size = 64M  align = 4M }
volume "spl"  { partition { in-table = false  offset = 33K }  image { source = "spl.bin" } }
volume "esp"  { partition { type = "esp"  size = 4M  number = 9  flags = {"legacy-boot"} } }
volume "root" { slots = {"a", "b"}  partition { type = "root"  size = 8M }  verity { }  image { source = "a.bin" } }
volume "home" { partition { type = "home"  size = "fill"  label = "user data"  flags = {"no-auto", "grow-file-system"} } }
EOF
check "a table is made" provision ours.layout ours.img
check "sfdisk finds no errors" no_errors ours.img
equal "numbers" "$(sfdisk --json ours.img | jq -c '[.partitiontable.partitions[].node | sub(".*img"; "") | tonumber] | sort')" '[1,2,3,4,5,6,9]'
equal "esp: type" "$(entry ours.img esp .type)" C12A7328-F81F-11D2-BA4B-00A0C93EC93B
equal "esp: flags" "$(entry ours.img esp .attrs)" LegacyBIOSBootable
equal "root: type of the layout's architecture" "$(entry ours.img root-a .type)" B921B045-1DF0-41C3-AF44-4C6F280D3FAE
equal "root: tree's type" "$(entry ours.img root-a-verity .type)" DF3300CE-D69F-4C92-978C-9BFB0F38D820
equal "root: read-only" "$(entry ours.img root-a .attrs)" GUID:60
equal "home: flags" "$(entry ours.img 'user data' .attrs)" GUID:59,63
equal "everything is aligned" "$(sfdisk --json ours.img | jq '[.partitiontable.partitions[] | select(.name != "vault") | .start % 8192] | add')" 0
equal "the first usable sector is behind the table" "$(sfdisk --json ours.img | jq .partitiontable.firstlba)" 34
equal "the last, too" "$(sfdisk --json ours.img | jq .partitiontable.lastlba)" $((64 * 2048 - 34))
root=$("$HOLDFAST" status ours.img --json | tail -1 | jq -r '.volumes[] | select(.volume == "root:a") | .layers[] | select(.layer == "verity") | ."root-hash"')
halves() { entry ours.img "$1" .uuid | tr -d - | tr 'A-F' 'a-f'; }
equal "the UUIDs are the root hash" "$(halves root-a)$(halves root-a-verity)" "$root"
equal "the boot area has no entry" "$(entry ours.img spl .node)" ''
check "the boot area has its contents" cmp spl.bin <(bytes ours.img 66 16)
check "the same once more" provision ours.layout again.img
check "has the same bytes at both ends" cmp <(bytes ours.img 0 66; bytes ours.img $((64 * 2048 - 33)) 33) <(bytes again.img 0 66; bytes again.img $((64 * 2048 - 33)) 33)

# A loop device of FILE into $loop, with other arguments of losetup; gone when the script ends.
attach() {
	[ "$(id -u)" = 0 ] && loop=$(losetup --find --show "$@" 2>.out) || return 1
	trap 'losetup --detach "$loop" 2>/dev/null || true; rm -rf "$scratch"' EXIT
}
# Sectors of 4096 need a device that has them; where there are no loop devices, tests/guest/open.sh
# has one. What the kernel sees is checked there, too.
truncate -s 64M big.img
if attach --sector-size 4096 big.img; then
	check "sectors of 4096" "$HOLDFAST" provision -q ours.layout "$loop"
	check "sectors of 4096: sfdisk finds no errors" no_errors "$loop"
	equal "sectors of 4096: sfdisk's view" "$(sfdisk --json "$loop" | jq -c '.partitiontable | [.sectorsize, .firstlba, .lastlba]')" "[4096,6,$((64 * 256 - 6))]"
	check "sectors of 4096: verified" "$HOLDFAST" verify -q "$loop"
	damage "$loop" 4150
	check_status 3 "sectors of 4096: damage is seen" "$HOLDFAST" verify -q "$loop"
	check "sectors of 4096: mended" "$HOLDFAST" recovery repair -q "$loop"
	check "sectors of 4096: sfdisk finds no errors again" no_errors "$loop"
	check "sectors of 4096: verified again" "$HOLDFAST" verify -q "$loop"
	losetup --detach "$loop"
fi

# --- theirs, kept, mended ---

# A vendor's board: 56 entries, so that the boot loader at 8 KiB has room behind them.
vendor() {
	rm -f "$1"
	truncate -s 64M "$1"
	sfdisk --quiet "$1" <<'EOF'
label: gpt
label-id: 11111111-2222-4333-8444-555555555555
table-length: 56
first-lba: 128
start=2048, size=2047, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE, name="Bär", attrs="GUID:50"
start=40960, size=8192, name=junk
EOF
	dd if=spl.bin of="$1" bs=512 seek=16 conv=notrunc status=none
}
dump() { sfdisk --dump "$1" | grep -v '^device:' | sed "s/^$1//"; }

for where in 520 600 1100 $((64 * 1024 * 1024 - 500)) $((64 * 1024 * 1024 - 8 * 512)) 450; do
	vendor theirs.img
	cp theirs.img damaged.img
	damage damaged.img "$where"
	check_status 3 "theirs, byte $where: assessed" "$HOLDFAST" recovery assess -q damaged.img
	check "theirs, byte $where: mended" "$HOLDFAST" recovery repair -q damaged.img
	check "theirs, byte $where: sfdisk finds no errors" no_errors damaged.img
	equal "theirs, byte $where: the same table" "$(dump damaged.img)" "$(dump theirs.img)"
	check "theirs, byte $where: every byte but the MBR's is as before" cmp -i 512 theirs.img damaged.img
done

vendor grown.img
want=$(dump grown.img | grep -v last-lba)
truncate -s 96M grown.img
check "grown: mended" "$HOLDFAST" recovery repair -q grown.img
check "grown: sfdisk finds no errors" no_errors grown.img
equal "grown: the same partitions" "$(dump grown.img | grep -v last-lba)" "$want"
equal "grown: room up to the end" "$(sfdisk --json grown.img | jq '.partitiontable.lastlba > 96 * 2048 - 64')" true

cat >keep.layout <<'EOF'
device "gateway" { seed = "5c0d3f3e-1111-4222-8333-444455556666" }
medium "m" { keep = {"Bär"} }
vault { offset = 8M }
volume "data" { partition { size = "fill" } }
EOF
vendor keep.img
before=$(entry keep.img Bär .)
head -c $((2047 * 512)) /dev/urandom | dd of=keep.img bs=512 seek=2048 conv=notrunc status=none
bytes keep.img 2048 2047 >kept
check_status 5 "keep: what is not kept is not lost unasked" "$HOLDFAST" provision -q keep.layout keep.img
said 'junk'
check "keep: with --replace" "$HOLDFAST" provision -q keep.layout keep.img --replace=junk
check "keep: sfdisk finds no errors" no_errors keep.img
equal "keep: the entry is as it was" "$(entry keep.img Bär .)" "$before"
check "keep: its bytes, too" cmp kept <(bytes keep.img 2048 2047)
equal "keep: the other one is gone" "$(entry keep.img junk .node)" ''

# --- images without a vault ---

cat >pairs.layout <<'EOF'
device "x" { architecture = "x86-64" }
volume "one" { partition { type = "root" }  verity { }  image { source = "a.bin" } }
volume "two" { partition { type = "root" }  verity { }  image { source = "b.bin" } }
EOF
check "two of a type" provision pairs.layout pairs.img
# Without the vault, and with the trees' numbers changed over: the order says nothing.
sfdisk --dump pairs.img | sed -e '/name="vault"/d' -e 's/^pairs.img2 /pairs.imgX /' -e 's/^pairs.img4 /pairs.img2 /' -e 's/^pairs.imgX /pairs.img4 /' |
	sed -e 's/^pairs.img/swapped.img/' >pairs.dump
cp pairs.img swapped.img
dd if=/dev/zero of=swapped.img bs=1M seek=1 count=8 conv=notrunc status=none
sfdisk --quiet --force swapped.img <pairs.dump
equal "the trees have changed places" "$(sfdisk --json swapped.img | jq -r '.partitiontable.partitions[] | select(.node | endswith("2")) | .name')" two-verity
check "each finds its own tree" "$HOLDFAST" verify swapped.img
said '2 volumes'
"$HOLDFAST" read -q swapped.img root-1 -o one.out 2>/dev/null || true
check "and its own contents" cmp -n 300000 a.bin one.out

# One of the trees is gone: nobody takes the other's.
sfdisk --quiet --delete swapped.img 4
check "without its tree a volume is but a partition" "$HOLDFAST" verify swapped.img
said '2 volumes'
equal "and the other one keeps its own" "$("$HOLDFAST" status swapped.img --json | tail -1 | jq -c '[.volumes[] | .layers | length]')" '[1,2]'
