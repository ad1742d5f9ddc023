#!/bin/bash
# The kernel takes every kind of tree that is built in user space, and finds the same damage in it.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
head -c 5000001 /dev/urandom >contents.bin # no multiple of any block
head -c 3 /dev/urandom >tiny.bin

kinds=(
	'plain|'
	'sha512|hash = "sha512"'
	'small|data-block = 512 hash-block = 512'
	'data1k|data-block = 1024 hash-block = 4096'
	'hash1k|data-block = 4096 hash-block = 1024'
	'big-small|data-block = 512 hash-block = 4096 hash = "sha512"'
	'no-salt|salt = "-"'
	"long-salt|salt = \"$(printf '%0512d' 7)\""
	'once|check-at-most-once = true'
	'once-panic|check-at-most-once = true on-corruption = "panic"'
	'appended|tree = "appended"'
	'appended-1k|tree = "appended" data-block = 512 hash-block = 1024'
	'appended-4k|tree = "appended" data-block = 1024 hash-block = 4096'
)
{
	for kind in "${kinds[@]}"; do
		echo "volume \"${kind%%|*}\" { partition { } verity { ${kind#*|} } image { source = \"contents.bin\" } }"
	done
	echo 'volume "tiny" { partition { } verity { } image { source = "tiny.bin" } }'
	echo 'volume "room" { partition { size = 16M } verity { } image { source = "contents.bin" } }'
} >kinds.layout
check "provision" "$HOLDFAST" provision -q kinds.layout kinds.img
check "verify" "$HOLDFAST" verify kinds.img

# One bit in the last block of the contents of each, in its own copy.
cp kinds.img damaged.img
"$HOLDFAST" status kinds.img --json | tail -1 |
	jq -r '.volumes[] | .extents[] as $e | select($e.role == "data") | "\(.volume) \($e.offset)"' >extents
while read -r name offset; do
	at=$((offset + 5000000))
	[ "$name" != tiny ] || at=$((offset + 1))
	byte=$(od -An -tu1 -j $at -N 1 damaged.img)
	printf "\\x$(printf %02x $((byte ^ 4)))" | dd of=damaged.img bs=1 seek=$at conv=notrunc status=none
done <extents

cat >kinds.sh <<'EOS'
. "$2/tests/lib/tap.sh"
H=$1
shift 2
check "open all" "$H" open /dev/vda
check "15 volumes" test "$(dmsetup ls --target verity | wc -l)" = 15
cd /mnt/share
for name in "$@" room; do
	check "$name: contents" sh -c "head -c 5000001 /dev/mapper/holdfast-$name | cmp - contents.bin"
	check "$name: and zeroes up to the end" sh -c "tail -c +5000002 /dev/mapper/holdfast-$name | tr -d '\\0' | cmp - /dev/null"
done
check "tiny: contents" sh -c "head -c 3 /dev/mapper/holdfast-tiny | cmp - tiny.bin"
check "all verified" sh -c "! dmsetup status --target verity | grep -v 'verity V'"
check "close all" "$H" close /dev/vda
check "none is left" test "$(dmsetup ls --target verity)" = "No devices found"

check "open all, damaged" "$H" open /dev/vdb
for name in "$@" room; do
	[ "$name" != once-panic ] || continue
	check "$name: all before the damage" sh -c "dd if=/dev/mapper/holdfast-$name bs=4096 count=1220 iflag=direct status=none | cmp -n 4997120 - contents.bin"
	check_status 1 "$name: not the last ones" dd if=/dev/mapper/holdfast-$name of=/dev/null bs=512 skip=9765
	"$H" status /dev/vdb >"$scratch/.out"
	said "open: $name: holdfast-$name: CORRUPTED"
done
check_status 1 "tiny: none" cat /dev/mapper/holdfast-tiny
check "close all" "$H" close /dev/vdb
EOS
mkdir share
cp contents.bin tiny.bin share
names=("${kinds[@]%%|*}")
"$HOLDFAST_TOP/tools/guest" --read-only-disk kinds.img --read-only-disk damaged.img --share "$scratch/share" kinds.sh \
	"$HOLDFAST" "$HOLDFAST_TOP" "${names[@]}" | grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing"

# What the kernel found user space finds, too: one block in each.
got=0
"$HOLDFAST" verify damaged.img --json >json || got=$?
[ "$got" = 3 ] && ok "verify: status 3" || not_ok "verify: status $got"
found=$(jq -r 'select(.event == "finding") | "\(.volume) \(.area) \(.kind) \(.blocks)"' json | sort)
want=$(printf '%s data corrupt 1\n' "${names[@]}" tiny room | sort)
echo "$found" >.out
[ "$found" = "$want" ] && ok "verify: one block in each" || not_ok "verify finds something else"
