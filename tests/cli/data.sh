#!/bin/bash
# Encrypted and authenticated volumes in an image file: laid out, read and checked without a kernel.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST
flip() { # FILE OFFSET: one bit
	local byte
	byte=$(xxd -s "$2" -l 1 -p "$1")
	printf '%02x' $((0x$byte ^ 1)) | xxd -r -p | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
json() { jq -r "select(.event == \"result\") | $1" "$scratch/.out"; }

mkdir -p files/etc
echo hello >files/etc/motd
head -c 3000000 /dev/urandom >files/blob
echo correct horse >pass
echo wrong >wrong
layout() { # NAME, LAYER…: a volume "data" with these layers
	cat >"$1.layout" <<END
device "d" { architecture = "x86-64" }
medium "m" { size = ${3:-48M} }
keystore "device" { backend = "file" memory = 1M }
volume "data" { partition { size = "fill" } $2 filesystem { label = "data" source = "files" owner = "root" } }
END
}
kinds=(
	'aegis|crypt { header-size = 1M }'
	'gcm|crypt { cipher = "aes-gcm-random" sector-size = 512 header-size = 1M }'
	'chacha|crypt { cipher = "chacha20-random" format = "plain" }'
	'xtshmac|crypt { cipher = "aes-xts-plain64" sector-size = 1024 header-size = 2M }'
	'xts|crypt { cipher = "aes-xts-plain64" integrity = "none" header-size = 1M }'
	'crc|integrity { }'
	'sha|integrity { algorithm = "sha256" mode = "bitmap" sector-size = 512 }'
	'direct|integrity { algorithm = "sha256" mode = "direct" }'
	'hmac|integrity { algorithm = "hmac-sha256" }'
	'both|integrity { algorithm = "hmac-sha256" } crypt { cipher = "aes-xts-plain64" integrity = "none" header-size = 1M }'
	'full|crypt { header-size = 1M initialise = "full" }'
)
for entry in "${kinds[@]}"; do
	name=${entry%%|*}
	layout "$name" "${entry#*|}"
	check "$name: provision" "$H" provision -q --passphrase-file pass "$name.layout" "$name.img"
	with=(--passphrase-file pass)
	case $name in crc | sha | direct) with=() ;; esac # without a key a passphrase is refused
	check_status 0 "$name: verify" "$H" verify "${with[@]}" "$name.img"
	check "$name: read" "$H" read "${with[@]}" "$name.img" data -o "$name.ext4"
	check "$name: the file system is clean" e2fsck -fn "$name.ext4"
	check "$name: contents are there" bash -c "debugfs -R 'cat /blob' $name.ext4 2>/dev/null | cmp - files/blob"
done
printf '%s\r\n' "$(head -1 pass)" >pass.crlf
check_status 0 "a passphrase file may end in CR LF" "$H" verify --passphrase-file pass.crlf "$name.img"
data() { "$H" status "$1" --json | tail -1 | jq -r '.volumes[] | select(.volume == "data") | .extents[0].offset'; }
size() { "$H" status "$1" --json | tail -1 | jq -r '.volumes[] | select(.volume == "data") | .extents[0].size'; }
start=$(data aegis.img)

# Only what the file system needs is written.
blocks=$(du -k aegis.img | cut -f1)
[ "$blocks" -lt 20000 ] && ok "written: $blocks KiB of 48 MiB" || not_ok "written: $blocks KiB of 48 MiB"
layout big 'crypt { header-size = 1M }' 64G
check "64 GiB: provision" "$H" provision -q --passphrase-file pass big.layout big.img
blocks=$(($(du -k big.img | cut -f1) * 1000 / (64 * 1048576)))
[ "$blocks" -lt 10 ] && ok "64 GiB: $blocks in 1000 written" || not_ok "64 GiB: $blocks in 1000 written"
check "64 GiB: verify" "$H" verify --passphrase-file pass big.img
check "64 GiB: read" "$H" read --passphrase-file pass big.img data -o big.ext4
check "64 GiB: the file system is clean" e2fsck -fn big.ext4
rm -f big.img big.ext4
check "no plaintext is in the image" bash -c "! grep -q 'hello' aegis.img"
check "run again: nothing to do" "$H" provision -q --passphrase-file pass aegis.layout aegis.img

# --- keys ---
check_status 2 "without a passphrase" "$H" verify aegis.img
said "passphrase-file"
check_status 5 "a wrong passphrase" "$H" verify --passphrase-file wrong aegis.img
said "does not open keystore device"
check "by descriptor" "$H" verify --passphrase-fd 5 aegis.img 5<pass
check "key list" "$H" key list aegis.img
said "data: crypt: volume key, 128 bits, keystore device"
cp aegis.img rotated.img
check "key rotate" "$H" key rotate rotated.img --passphrase-file pass --new-passphrase-file wrong
check_status 5 "the old passphrase is refused" "$H" verify --passphrase-file pass rotated.img
check "the new one opens" "$H" verify --passphrase-file wrong rotated.img
check "and contents are the same" "$H" read --passphrase-file wrong rotated.img data -o rotated.ext4
check "byte for byte" cmp rotated.ext4 aegis.ext4
cp aegis.img forgotten.img
check "key forget" "$H" key forget forgotten.img data --passphrase-file pass
check_status 5 "its key is gone" "$H" verify --passphrase-file pass forgotten.img
said "given up"
check_status 5 "recovery key without asking for one" "$H" key recovery aegis.img data -o none.key
layout recovery 'crypt { header-size = 1M recovery-key = true }'
check "provision with a recovery key" "$H" provision -q --passphrase-file pass recovery.layout recovery.img
check "key recovery" "$H" key recovery recovery.img data --passphrase-file pass -o recovery.key
check "as systemd prints them" grep -qE '^([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}$' recovery.key
check "nobody else may read it" test "$(stat -c %a recovery.key)" = 600
check_status 0 "verify with it" "$H" verify --passphrase-file pass recovery.img

# --- damage, told apart ---
tampered() { # NAME WORDS STATUS COMMAND…: on a copy of aegis.img
	local name=$1 words=$2 status=$3
	shift 3
	cp aegis.img t.img
	"$@"
	check_status "$status" "$name" "$H" verify --passphrase-file pass t.img
	said "$words"
}
fs=$((start + 1024 * 1024)) # dm-integrity's superblock
first=$({ cmp -i $((fs + 1000000)) aegis.img /dev/zero || true; } | sed 's|.* \([0-9]*\), line.*|\1|') # "byte N" or "char N": by locale
first=$((fs + 1000000 + first - 1))
tampered "a bit in the data" "does not authenticate" 3 flip t.img "$first"
tampered "the first header" "mended" 3 flip t.img $((start + 600))
tampered "the second header" "mended" 3 flip t.img $((start + 16384 + 600))
for offset in 600 16984 5000; do
	cp aegis.img t.img
	flip t.img $((start + offset))
	check_status 3 "assess names it" "$H" recovery assess t.img
	said "LUKS2 header"
	check "repair mends it" "$H" recovery repair t.img
	check "verifies after that" "$H" verify --passphrase-file pass t.img
	check "nothing else was touched" bash -c "cmp <(tail -c +$((start + 32769)) aegis.img) <(tail -c +$((start + 32769)) t.img)"
done
both() { flip t.img $((start + 600)); flip t.img $((start + 16384 + 600)); }
tampered "both headers" "LUKS2 header" 3 both
tampered "the integrity superblock" "integrity superblock" 3 flip t.img $((fs + 20))
tampered "its recalculate flag" "recalculated" 3 bash -c "printf '\x0a' | dd of=t.img bs=1 seek=$((fs + 24)) conv=notrunc status=none"
swap() { dd if=other.img of=t.img bs=1M skip=$((start / 1048576)) seek=$((start / 1048576)) conv=notrunc status=none; }
layout other 'crypt { header-size = 1M }'
"$H" provision -q --passphrase-file pass other.layout other.img
tampered "the volume of another device" "no sector authenticates" 3 swap
said "another"
tags() { dd if=other.img of=t.img bs=4096 skip=$((fs / 4096 + 60)) seek=$((fs / 4096 + 60)) count=200 conv=notrunc status=none; }
tampered "tags of another device" "does not authenticate|in use" 3 tags

# A used sector whose tag was wiped is damage, not "never written": every tag of the first area.
wipe() { # FILE: dm-integrity's superblock at $fs says where they are
	python3 - "$1" $fs <<'END'
import struct, sys
f, at = open(sys.argv[1], "r+b"), int(sys.argv[2])
f.seek(at)
sb = f.read(64)
tag, sections = struct.unpack("<HI", sb[10:16])
per_block = 1 << sb[28]
entry = (8 + 8 * per_block + tag + 7) // 8 * 8
section = 4096 + 504 // entry * 8 * 512 * per_block
f.seek(at + 4096 + sections * section)
f.write(bytes(32768 // per_block * tag))
END
}
tampered "wiped tags" "\\(768 blocks\\): is in use, but its tag was wiped$" 3 wipe t.img
check_status 3 "and cannot be read" "$H" read --passphrase-file pass t.img data -o t.ext4
# The vault of another device, whose passphrase is the same.
vault() { dd if=other.img of=t.img bs=1M skip=1 seek=1 count=8 conv=notrunc status=none; }
tampered "the vault of another device" "its digest is of another key: the header of another volume" 3 vault
said "no sector authenticates under the volume's key"
keystore() { # The device secret that another passphrase guards
	sed 's/correct/another/' pass >pass2
	rm -f third.img
	"$H" provision -q --passphrase-file pass2 other.layout third.img
	dd if=third.img of=t.img bs=1M skip=1 seek=1 count=8 conv=notrunc status=none
}
tampered "the vault of another passphrase" "does not open keystore device" 5 keystore
journal() { printf 'XXXXXXXX' | dd of=t.img bs=1 seek=$((fs + 4096 + 504)) conv=notrunc status=none; }
tampered "the journal" "a section of the journal cannot come from a power cut" 3 journal
grown() { truncate -s 120M t.img; }
tampered "a target that was grown" "the table was made for a smaller target" 3 grown
shrunk() { # in the table only
	sfdisk -d t.img 2>/dev/null | awk '/name="data"/ { match($0, /size= *[0-9]+/); n = substr($0, RSTART + 5, RLENGTH - 5); sub(/size= *[0-9]+/, "size=" n - 8192) } { print }' >t.table
	sfdisk -q --no-tell-kernel --no-reread t.img <t.table
}
tampered "a volume that was shrunk in the table" "has another place in the partition table than was laid out" 3 shrunk

# Two volumes of one device change places; a volume on a target that was cut or grown.
cat >pair.layout <<END
device "d" { }
medium "m" { size = 48M }
keystore "device" { backend = "file" memory = 1M }
volume "one" { partition { size = 16M } crypt { header-size = 1M } filesystem { } }
volume "two" { partition { size = 16M } crypt { header-size = 1M } filesystem { } }
END
"$H" provision -q --passphrase-file pass pair.layout pair.img
at() { "$H" status pair.img --json | tail -1 | jq -r --arg v "$1" '.volumes[] | select(.volume == $v) | .extents[0].offset / 1048576'; }
cp pair.img swapped.img
dd if=pair.img of=swapped.img bs=1M skip="$(at one)" seek="$(at two)" count=16 conv=notrunc status=none
dd if=pair.img of=swapped.img bs=1M skip="$(at two)" seek="$(at one)" count=16 conv=notrunc status=none
check_status 3 "swapped volumes" "$H" verify --passphrase-file pass swapped.img
said "header of another volume"
cp pair.img cut.img
truncate -s 30M cut.img
check_status 3 "a target that was cut off" "$H" verify --passphrase-file pass cut.img one two
said "ends before the volume does"

# Metadata that says "never written" where the file system has a file is damage.
map=$("$H" verify --passphrase-file pass aegis.img)
[ -n "$map" ] && grep -q "never written" <<<"$map" && ok "says how much was never written" || not_ok "never written is not told"

# --- the vault ---
record() { # NAME REGEX OFFSET: a byte of both copies changed, with checksums put right
	cp aegis.img t.img
	python3 - "$3" <<'END'
import hashlib, struct, sys, binascii
def crc32c(data):
    crc = 0xffffffff
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 & -(crc & 1))
    return crc ^ 0xffffffff
what = sys.argv[1].encode()
f = open("t.img", "r+b")
for copy in range(2):
    head_at = 1048576 + copy * 1048576
    f.seek(head_at); head = bytearray(f.read(512))
    n = struct.unpack("<Q", head[32:40])[0]
    f.seek(head_at + 4096); payload = bytearray(f.read(n))
    at = payload.index(what)
    payload[at + len(what) + 1] ^= 1
    head[40:72] = hashlib.sha256(payload).digest()
    head[508:512] = struct.pack("<I", crc32c(head[:508]))
    f.seek(head_at); f.write(head)
    f.seek(head_at + 4096); f.write(payload)
END
	check_status 3 "$1" "$H" verify --passphrase-file pass t.img
	said "$2"
}
if command -v python3 >/dev/null; then
	record "an option in the vault" "record [0-9]+ of the vault's device part was changed: an option, of volume data, layer filesystem" label
	record "an option that is refused" "device part.*cannot be used" header-size
	record "what was learnt" "was learnt, of volume data" superblock
fi

# --- mistakes in layouts ---
refused() { # REGEX LAYERS
	layout bad "$2"
	check_status 2 "refused: $2" "$H" plan bad.layout
	said "$1"
}
refused 'cannot have integrity = "aead"' 'crypt { cipher = "aes-xts-plain64" integrity = "aead" }'
refused 'write mode = "journal"' 'integrity { algorithm = "hmac-sha256" mode = "direct" }'
refused 'no keystore "nobody"' 'crypt { keystore = "nobody" }'
refused 'no keyslots' 'crypt { format = "plain" recovery-key = true }'
sed -i '/^keystore/d' aegis.layout
check_status 2 "a key without a keystore" "$H" plan aegis.layout
said "there is no keystore; write keystore"
