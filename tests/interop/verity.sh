#!/bin/bash
# The verity layer against veritysetup: the same bytes for the same parameters, both ways.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
uuid=01234567-89ab-4def-8123-456789abcdef
salt32=$(printf 'ab%.0s' {1..32})
salt256=$(printf 'c7%.0s' {1..256})

# One image through both; ours is taken from where the layout put it.
compare() { # BYTES HASH DATA_BLOCK HASH_BLOCK SALT TREE
	local name="$2, data $3, hash $4, salt $((${#5} / 2)) bytes, $1 bytes, $6"
	head -c "$1" /dev/urandom >content
	cat >v.layout <<EOF
volume "v" { partition { size = "auto" type = "root" } verity { hash = "$2" data-block = $3 hash-block = $4 salt = "$5" tree = "$6" } image { source = "content" } }
EOF
	rm -f v.img tree
	if ! "$HOLDFAST" provision -q v.layout v.img >.out 2>&1; then not_ok "$name: provision"; return; fi
	local json blocks data hash vs_salt root ours
	json=$("$HOLDFAST" status v.img --json | tail -1)
	data=$(jq -r '.volumes[0].extents[] | select(.role == "data") | .offset' <<<"$json")
	ours=$(jq -r '.volumes[0].layers[] | select(.layer == "verity") | ."root-hash"' <<<"$json")
	vs_uuid=$(jq -r '.volumes[0].layers[] | select(.layer == "verity") | .uuid' <<<"$json")
	blocks=$(jq -r '.volumes[0].layers[] | select(.layer == "verity") | ."data-blocks"' <<<"$json")
	truncate -s $((blocks * $3)) content
	vs_salt=$5
	if [ "$6" = appended ]; then
		cp content both
		local offset=$(((blocks * $3 + $4 - 1) / $4 * $4))
		truncate -s $offset both
		root=$(veritysetup format both both --hash-offset=$offset --data-blocks="$blocks" --hash="$2" \
			--data-block-size="$3" --hash-block-size="$4" --salt="$vs_salt" --uuid="$vs_uuid" | sed -n 's/^Root hash:[[:space:]]*//p')
		cmp -n "$(stat -c %s both)" both <(tail -c +$((data + 1)) v.img) >.out 2>&1 || { not_ok "$name: bytes"; return; }
	else
		hash=$(jq -r '.volumes[0].extents[] | select(.role == "hash") | .offset' <<<"$json")
		root=$(veritysetup format content tree --hash="$2" --data-block-size="$3" --hash-block-size="$4" \
			--salt="$vs_salt" --uuid="$vs_uuid" | sed -n 's/^Root hash:[[:space:]]*//p')
		cmp -n "$(stat -c %s tree)" tree <(tail -c +$((hash + 1)) v.img) >.out 2>&1 || { not_ok "$name: bytes"; return; }
	fi
	[ "$root" = "$ours" ] || { echo "$root $ours" >.out; not_ok "$name: root hash"; return; }
	ok "$name"
}

for hash in sha256 sha512; do
	for salt in - ab "$salt32" "$salt256"; do
		compare 1000000 $hash 4096 4096 "$salt" own
	done
	for size in 1 4096 4097 $((128 * 4096)) $((129 * 4096)) $((128 * 128 * 4096 + 1)); do
		compare "$size" $hash 4096 4096 "$salt32" own
	done
	for data in 512 1024 2048 4096; do
		for block in 512 1024 4096; do
			compare 700001 $hash $data $block "$salt32" own
			compare 700001 $hash $data $block "$salt32" appended
		done
	done
done

# Ours, read by veritysetup, from the DPS partitions alone.
head -c 3000000 /dev/urandom >content
echo "volume \"v\" { partition { type = \"root\" } verity { } image { source = \"content\" } }" >v.layout
rm -f v.img
check "provision" "$HOLDFAST" provision -q v.layout v.img
"$HOLDFAST" status v.img --json | tail -1 >json
extent() { jq -r ".volumes[0].extents[] | select(.role == \"$1\") | .$2" json; }
dd if=v.img of=data bs=4096 iflag=skip_bytes,count_bytes skip="$(extent data offset)" count="$(extent data size)" status=none
dd if=v.img of=tree bs=4096 iflag=skip_bytes,count_bytes skip="$(extent hash offset)" count="$(extent hash size)" status=none
root=$(jq -r '.volumes[0].layers[] | select(.layer == "verity") | ."root-hash"' json)
check "veritysetup verify accepts it" veritysetup verify data tree "$root"
[ "$(extent data uuid | tr -d -)$(extent hash uuid | tr -d -)" = "$root" ] && ok "partition UUIDs are the root hash" || not_ok "partition UUIDs"

# An image without a vault, by the Discoverable Partitions Specification alone.
dd if=/dev/zero of=v.img bs=1M seek=1 count=8 conv=notrunc status=none
check "verify without a vault" "$HOLDFAST" verify v.img
said "nothing wrong"
printf x | dd of=v.img bs=1 seek=$(($(extent data offset) + 12345)) conv=notrunc status=none
check_status 3 "damage without a vault" "$HOLDFAST" verify v.img
said "root: verity data"

# Memory: a gigabyte of data in less than 64 MiB.
truncate -s 1G content
head -c 100000000 /dev/urandom | dd of=content conv=notrunc status=none
echo "volume \"v\" { partition { type = \"root\" } verity { } image { source = \"content\" } }" >v.layout
rm -f v.img
peak() { # COMMAND…: kilobytes of resident memory at most
	python3 -c 'import resource, subprocess, sys
r = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if r == 0 else 10**9)' "$@"
}
for command in "provision v.layout v.img" "verify v.img"; do
	# shellcheck disable=SC2086
	kilobytes=$(peak "$HOLDFAST" $command)
	[ "$kilobytes" -lt 65536 ] && ok "${command%% *} of 1 GiB takes $kilobytes KiB" || not_ok "${command%% *} of 1 GiB takes $kilobytes KiB"
done
