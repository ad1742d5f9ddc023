#!/bin/bash
# "Complete already" is said only where superblocks, headers and hash trees are those of the vault.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

mkdir -p files
echo hello >files/motd
head -c 700000 /dev/urandom >root.bin
echo correct horse >pass
cat >disk.layout <<'EOF'
device "d" { architecture = "x86-64" }
medium "m" { size = 96M }
keystore "device" { backend = "file"  memory = 1M }
volume "root" { partition { type = "root" }  verity { }  image { source = "root.bin" } }
volume "sums" { partition { size = 24M }  integrity { }  filesystem { source = "files"  owner = "root" } }
volume "safe" { partition { size = 24M }  crypt { header-size = 1M }  filesystem { } }
volume "free" { partition { size = 8M }  filesystem { } }
EOF
check "provision" "$H" provision -q --passphrase-file pass disk.layout disk.img
check "complete already, without a key" "$H" provision disk.layout disk.img
said "complete already"
check "assess finds nothing" "$H" recovery assess disk.img
"$H" status disk.img --json | tail -1 >status.json
place() { jq ".volumes[] | select(.volume == \"$1\") | .extents[$2].offset" status.json; } # VOLUME PIECE

# changed VOLUME LAYER TEXT OFFSET BYTES: zeroes there are noticed, and nothing else is named
changed() {
	cp disk.img changed.img
	head -c "$5" /dev/zero | dd of=changed.img bs=64K oflag=seek_bytes seek="$4" conv=notrunc status=none
	cp changed.img before.img
	check_status 3 "$1: $2 $3: not complete" "$H" provision disk.layout changed.img --json
	said "\"code\":\"HF-CHANGED\""
	said "volume $1: its $2 layer $3"
	[ "$(grep -c "its .* layer" "$scratch/.out")" -le 2 ] && ok "nothing else is named" || not_ok "nothing else is named"
	check "nothing was changed" cmp changed.img before.img
	check_status 3 "assess tells, too" "$H" recovery assess changed.img
	said "$1: $2"
	check "a plan shows nevertheless" "$H" plan disk.layout changed.img
}
changed root verity "is not there" "$(place root 1)" 512
changed root verity "is damaged" $(($(place root 1) + 4096)) 32
changed sums integrity "is not there" "$(place sums 0)" 4096
changed safe crypt "is not there" "$(place safe 0)" 1048576
changed safe crypt "is not there" $(($(place safe 0) + 1048576)) 4096
changed free filesystem "is not there" "$(place free 0)" 65536

# A header of another volume, whole in itself.
"$H" provision -q --passphrase-file pass disk.layout other.img >/dev/null 2>&1
cp disk.img changed.img
dd if=other.img of=changed.img bs=64K iflag=skip_bytes,count_bytes oflag=seek_bytes skip="$(place safe 0)" \
	seek="$(place safe 0)" count=1048576 conv=notrunc status=none
check_status 3 "another volume's LUKS2 header" "$H" provision disk.layout changed.img
said "volume safe: its crypt layer is another one than was laid out"

# What costs too much to be looked at, and slots that hold nothing, say nothing.
cp disk.img changed.img
printf x | dd of=changed.img bs=1 seek=$(($(place root 0) + 5000)) conv=notrunc status=none
check "a data block is left to verify" "$H" provision disk.layout changed.img
check_status 3 "which finds it" "$H" verify --passphrase-file pass changed.img root
