#!/bin/bash
# What a newer holdfast made is named as that by every command, is never taken for something else, and
# stays as it is until somebody gives it up by name.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

mkdir -p files
echo hello >files/motd
echo correct horse >pass
cat >d.layout <<'END_LAYOUT'
device "d" { }
vault { size = 1M }
keystore "device" { backend = "file" memory = 1M }
volume "data" { partition { size = 3M } crypt { header-size = 1M recovery-key = true } image { source = "files/motd" } }
volume "open" { partition { size = 1M } verity { } image { source = "files/motd" } }
END_LAYOUT
cat >raw.layout <<'END_LAYOUT'
device "r" { }
medium "nor" { type = "raw" size = 12M align = 64K }
vault { offset = 8M size = 1M }
volume "open" { partition { size = 1M } image { source = "files/motd" } }
END_LAYOUT
openssl req -x509 -newkey rsa:2048 -nodes -keyout fleet.key -out fleet.crt -subj /CN=fleet -days 1 2>/dev/null
check "provision" "$H" provision -q --passphrase-file pass d.layout d.img
check "escrow" "$H" key escrow d.img data --to fleet.crt -o d.cms --passphrase-file pass
check "provision without a table" "$H" provision -q raw.layout raw.img
echo cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv >words

# newer WHAT IMAGE [OFFSET]: marks it; a vault of 1M at 1M, or where it is said
cat >newer.py <<'END_PYTHON'
import hashlib, struct, sys

what, path = sys.argv[1:3]
base = int(sys.argv[3]) if len(sys.argv) > 3 else 1 << 20
SIZE, BLOCK = 1 << 20, 4096
COPIES, JOURNAL = (0, SIZE // 8), SIZE // 4
image = bytearray(open(path, "rb").read())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def seal(at):
    image[at + 508 : at + 512] = struct.pack("<I", crc32c(image[at : at + 508]))


def put32(at, value, checksum=True):
    header = at // 512 * 512
    image[at : at + 4] = struct.pack("<I", value)
    if checksum:
        seal(header)


def journal_headers():
    return [base + JOURNAL + i * BLOCK for i in range(2) if any(image[base + JOURNAL + i * BLOCK :][:16])]


def items(payload):
    at = 0
    while at < len(payload):
        kind, _, length = struct.unpack_from("<HHI", payload, at)
        yield kind, at, length
        at += 8 + (length + 3) // 4 * 4


def item(kind, value):
    return struct.pack("<HHI", kind, 0, len(value)) + value + bytes(-len(value) % 4)


def device_part(change):
    for copy in COPIES:
        at = base + copy
        length = struct.unpack_from("<Q", image, at + 32)[0]
        payload = change(bytearray(image[at + BLOCK : at + BLOCK + length]))
        image[at + BLOCK : at + BLOCK + len(payload)] = payload
        image[at + 32 : at + 40] = struct.pack("<Q", len(payload))
        image[at + 40 : at + 72] = hashlib.sha256(payload).digest()
        seal(at)


def at_first(kind, change):
    def f(payload):
        at, length = next((at, length) for k, at, length in items(payload) if k == kind)
        return change(payload, at, length)

    device_part(f)


def set_byte(offset, value):
    def f(payload, at, length):
        payload[at + 8 + offset] = value
        return payload

    return f


def insert_after(new):
    def f(payload, at, length):
        end = at + 8 + (length + 3) // 4 * 4
        return payload[:end] + new + payload[end:]

    return f


def rename(old, new):
    def f(payload, at, length):
        i = payload.index(old, at)
        payload[i : i + len(old)] = new
        return payload

    return f


if what == "both copies":
    for copy in COPIES:
        put32(base + copy + 16, 2)
elif what == "both copies, of another checksum":
    for copy in COPIES:
        put32(base + copy + 16, 7, checksum=False)
elif what == "first copy":
    put32(base + COPIES[0] + 16, 2)
elif what == "second copy":
    put32(base + COPIES[1] + 16, 2)
elif what == "journal":
    for at in journal_headers():
        put32(at + 16, 3)
elif what == "a header of the journal":
    put32(journal_headers()[0] + 16, 3)
elif what == "digest rule":
    for at in journal_headers():
        put32(at + 52, 2)
elif what == "older digest rule":
    for at in journal_headers():
        put32(at + 52, 0)
elif what == "record":
    at_first(1, insert_after(item(77, b"?")))
elif what == "option":
    at_first(2, insert_after(item(3, b"quantum\0yes\0")))
elif what == "option of the device":
    at_first(1, insert_after(item(3, b"quantum\0yes\0")))
elif what == "value":
    device_part(lambda payload: payload.replace(b"crypt\0\0\0", b"crypt\0\0\0" + item(3, b"format\0quantum\0")))
elif what == "layer":
    at_first(6, rename(b"partition\0", b"petition!\0"))
elif what == "flag":
    at_first(4, set_byte(0, 0x80))
elif what == "escrow":
    at_first(38, set_byte(4, 1))
elif what == "sealed secret":
    at_first(33, set_byte(len("device") + 1 + 8, 2))
else:
    sys.exit("mark what?")
open(path, "wb").write(image)
END_PYTHON
newer() { python3 newer.py "$@"; }

# refuses COMMAND…: 5 HF-NEWER, by name; nothing else is said of it, and nothing changes
refuses() {
	local got=0 code
	"$H" "$@" --json >json 2>out || got=$?
	code=$(tail -1 json | jq -r .code)
	[ "$got $code" = "5 HF-NEWER" ] || { echo "$got $code"; cat out; return 1; }
	grep -q 'by a newer holdfast' out || { cat out; return 1; }
	! grep -Ei 'blank|foreign|damaged|no keys|good|another layout' json out || return 1
	cmp n.img kept.img
}
refused_by_all() { # WHAT LAYOUT IMAGE [OFFSET]
	cp "$3" n.img
	newer "$1" n.img ${4:+"$4"}
	cp n.img kept.img
	check "$1: status" refuses status n.img
	check "$1: verify" refuses verify n.img
	check "$1: verify a volume" refuses verify n.img open
	check "$1: read" refuses read n.img open -o read
	check "$1: open" refuses open n.img
	check "$1: close" refuses close n.img
	check "$1: cmdline" refuses cmdline n.img open
	check "$1: key list" refuses key list n.img
	check "$1: key rotate" refuses key rotate n.img --passphrase-file pass
	check "$1: key forget" refuses key forget n.img data --passphrase-file pass
	check "$1: key recovery" refuses key recovery n.img data --passphrase-file pass -o recovery
	check "$1: key escrow" refuses key escrow n.img data --to fleet.crt -o e.cms --passphrase-file pass
	check "$1: key restore" refuses key restore n.img data --recovery-key-file words --new-passphrase-file pass
	check "$1: recovery assess" refuses recovery assess n.img
	check "$1: recovery repair" refuses recovery repair n.img
	check "$1: plan" refuses plan "$2" n.img
	check "$1: provision" refuses provision "$2" n.img --passphrase-file pass
	check "$1: provision --shared" refuses provision "$2" n.img --shared
	check "$1: --replace=all" refuses provision "$2" n.img --passphrase-file pass --replace all
	check "$1: --replace=open" refuses provision "$2" n.img --passphrase-file pass --replace open
	check "$1: --from" refuses provision "$2" x.img --passphrase-file pass --from n.img
	check "$1: no file was left" bash -c "! ls read recovery e.cms x.img 2>/dev/null | grep ."
}
given_up() { # WHAT LAYOUT
	check "$1: --replace=newer" "$H" provision -q "$2" n.img --passphrase-file pass --replace newer
	if [ "$2" = raw.layout ]; then # without keys
		check "$1: then it is laid out" "$H" verify n.img
	else
		check "$1: then it is laid out" "$H" verify n.img --passphrase-file pass
	fi
	check "$1: and is ours" bash -c "[ \"\$('$H' status n.img --json | tail -1 | jq -r .lifecycle)\" = provisioned ]"
}
for what in "both copies" "both copies, of another checksum" "first copy" "second copy" journal "a header of the journal" \
	"digest rule" record option "option of the device" value layer flag escrow "sealed secret"; do
	refused_by_all "$what" d.layout d.img
	given_up "$what" d.layout
done
# The table names no vault here: it is looked for.
for what in "both copies" "both copies, of another checksum" "first copy" record; do
	refused_by_all "$what" raw.layout raw.img $((8 << 20))
	given_up "$what" raw.layout
done

cp d.img n.img
newer "both copies" n.img
check_status 5 "status says which version" "$H" status n.img
said '^n.img: newer$'
said 'made by a newer holdfast \(version 2\)'
said 'nothing was changed'
said 'replace=newer'
check "--replace=newer where nothing newer is" bash -c "cp d.img n.img && ! '$H' provision -q d.layout n.img --passphrase-file pass --replace newer && cmp d.img n.img"

# --- damage that looks like a newer version ---
for at in 16 $(((1 << 20) / 8 + 16)); do
	cp d.img n.img
	printf '\x03' | dd of=n.img bs=1 seek=$(((1 << 20) + at)) conv=notrunc status=none
	check_status 3 "a flipped bit in one copy's version is damage" "$H" verify n.img --passphrase-file pass
	said '^mendable: vault (first|second) copy, .*: has no good header'
	check "which is repaired from the other copy" "$H" recovery repair n.img
	check_status 0 "then all is well" "$H" verify n.img --passphrase-file pass
done

# --- digests by an older rule ---
cp d.img n.img
newer "older digest rule" n.img
cp n.img kept.img
check_status 0 "an older digest rule: verify" "$H" verify n.img --passphrase-file pass
check_status 0 "an older digest rule: status" "$H" status n.img
said 'provisioned'
check_status 0 "an older digest rule: plan" "$H" plan d.layout n.img
said 'by an older rule of the layout digest'
check_status 5 "an older digest rule: provision" "$H" provision d.layout n.img --passphrase-file pass
said 'older rule of the layout digest \(0, now 1\): contents cannot be compared by digest'
said 'replace=all'
check "it is not called another layout" bash -c "! grep -q 'another' '$scratch/.out'"
check "its code" bash -c "'$H' provision d.layout n.img --passphrase-file pass --json 2>/dev/null | tail -1 | jq -e '.code == \"HF-DIGEST-RULE\"'"
check "nothing changed" cmp n.img kept.img
check "a shared image" "$H" provision -q --shared d.layout s.img
check "completed from" "$H" provision -q d.layout y.img --passphrase-file pass --from s.img
newer "older digest rule" s.img
check_status 5 "a shared image of an older digest rule" "$H" provision d.layout x.img --passphrase-file pass --from s.img
said 's.img was laid out by an older rule of the layout digest'
check "--replace=all gives it up" "$H" provision -q d.layout n.img --passphrase-file pass --replace all
