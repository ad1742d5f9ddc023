#!/bin/bash
# Hash trees against veritysetup, beyond what a layout can ask for: both hash formats, more hashes,
# large blocks, data and tree in one file; and the check of trees that veritysetup made.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
F=$HOLDFAST_BUILD/tests/interop/verity-format
uuid=01234567-89ab-4def-8123-456789abcdef
salt32=$(printf 'ab%.0s' {1..32})
salt256=$(printf 'c7%.0s' {1..256})
head -c 9000000 /dev/urandom >noise
# Zeroes in the middle, some of them a hole.
{ head -c 3000000 noise; head -c 2000000 /dev/zero; head -c 4000000 noise; } >some
truncate -s 12000000 some
head -c 6000000 noise >>some

# The same bytes from both; a line a set, so that one can be told from the other.
compare() { # HASH TYPE DATA_BLOCK HASH_BLOCK SALT BLOCKS PLACE
	local root ours bytes=$(($3 * $6)) offset=0 theirs=tree mine=mine data=some
	rm -f tree mine both
	if [ "$7" = appended ]; then
		offset=$(((bytes + $4 - 1) / $4 * $4))
		head -c $bytes some >both
		cp --sparse=always both mine
		theirs=both data=mine
		truncate -s $offset both
	fi
	root=$(veritysetup format "$([ "$7" = appended ] && echo both || echo some)" $theirs --format="$2" --hash="$1" \
		--data-block-size="$3" --hash-block-size="$4" --salt="$5" --data-blocks="$6" --uuid=$uuid \
		--hash-offset=$offset 2>/dev/null | sed -n 's/^Root hash:[[:space:]]*//p')
	[ -n "$root" ] || { echo "veritysetup: $*"; return; }
	truncate -s "$(stat -c %s $theirs)" mine
	[ "$6" != 1 ] || truncate -s $((offset + ($4 > 512 ? $4 : 512))) mine
	ours=$("$F" $data mine $offset "$1" "$2" "$3" "$4" "$6" "$5" $uuid) || { echo "status $?: $*"; return; }
	[ "$root" = "${ours%% *}" ] || echo "root hash: $*"
	cmp -s -n "$(stat -c %s $theirs)" $theirs mine || echo "bytes: $*"
}

all() { # NAME: reads sets from standard input
	local n=0
	while read -r line; do
		# shellcheck disable=SC2086
		compare $line
		n=$((n + 1))
	done >.out
	if [ -s .out ]; then not_ok "$1"; else ok "$1: $n sets of parameters"; fi
}

for hash in sha256 sha512; do
	for type in 0 1; do
		for salt in - 5a "$salt32" "$salt256"; do
			for blocks in 1 2 127 128 129 1001 4000; do
				echo "$hash $type 4096 4096 $salt $blocks own"
			done
		done
	done
done | all "salts and sizes"
for place in own appended; do
	for data in 512 1024 4096 16384 65536; do
		for hash in 512 2048 4096 32768 65536; do
			echo "sha256 1 $data $hash $salt32 $((3000000 / data + 1)) $place"
			echo "sha512 0 $data $hash $salt32 $((3000000 / data + 1)) $place"
		done
	done
done | all "block sizes, own and appended"
for hash in sha1 sha224 sha384 sha3-256 sha3-512 blake2b-512 blake2s-256; do
	for type in 0 1; do
		echo "$hash $type 512 512 $salt32 1500 own"
	done
done | all "other hashes"

# What veritysetup made is checked: nothing is found, and then what was damaged.
root=$(veritysetup format some tree --salt="$salt32" --data-blocks=4000 --uuid=$uuid | sed -n 's/^Root hash:[[:space:]]*//p')
"$F" some tree 0 sha256 1 4096 4096 4000 "$salt32" $uuid "$root" >found
[ ! -s found ] && ok "nothing is found in a good tree" || { cp found .out; not_ok "a good tree"; }
cp some damaged
for at in 0 5000 8191 8192 $((3999 * 4096 + 7)); do
	printf '\xa5' | dd of=damaged bs=1 seek=$at conv=notrunc status=none
done
printf '\xa5' | dd of=tree bs=1 seek=$((4096 * 3 + 9)) conv=notrunc status=none # level 0, block 1
dd if=/dev/zero of=tree bs=4096 seek=1 count=1 conv=notrunc status=none         # the top
"$F" damaged tree 0 sha256 1 4096 4096 4000 "$salt32" $uuid "$root" >found
cat >expected <<'EOS'
corrupt 1 0 1
corrupt 0 1 1
corrupt -1 0 3
corrupt -1 3999 1
EOS
check "all damage is found, and nothing else" diff expected found
if veritysetup verify damaged tree "$root" >.out 2>&1; then not_ok "veritysetup finds nothing"; else ok "veritysetup refuses it, too"; fi
truncate -s 200K mine
"$F" some mine 0 sha256 1 4096 4096 4000 "$salt32" $uuid >/dev/null
check "veritysetup verifies ours" veritysetup verify some mine "$root"
