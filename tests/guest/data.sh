#!/bin/bash
# Data volumes on a real kernel: what holdfast lays out the kernel opens, writes and keeps; what
# cryptsetup and integritysetup lay out holdfast reads as the kernel does.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
guest_tap() { "$guest" "$@" | grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing: $*"; }

mkdir -p files
echo hello >files/motd
head -c 2000000 /dev/urandom >files/blob
echo correct horse >pass

# --- ours → the kernel: every kind on one disk, a partition each ---
cat >all.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 320M }
keystore "device" { backend = "file" memory = 1M }
volume "aegis" { partition { size = 24M } crypt { header-size = 1M } filesystem { label = "aegis" source = "files" owner = "root" } }
volume "gcm512" { partition { size = 24M } crypt { cipher = "aes-gcm-random" sector-size = 512 header-size = 1M } filesystem { } }
volume "chacha" { partition { size = 24M } crypt { cipher = "chacha20-random" sector-size = 2048 format = "plain" } filesystem { } }
volume "xtsmac" { partition { size = 24M } crypt { cipher = "aes-xts-plain64" sector-size = 1024 header-size = 1M } filesystem { } }
volume "xts" { partition { size = 24M } crypt { cipher = "aes-xts-plain64" integrity = "none" header-size = 1M } filesystem { } }
volume "crc" { partition { size = 24M } integrity { sector-size = 512 } filesystem { } }
volume "bitmap" { partition { size = 24M } integrity { algorithm = "sha256" mode = "bitmap" } filesystem { } }
volume "direct" { partition { size = 24M } integrity { algorithm = "sha256" mode = "direct" } filesystem { } }
volume "hmac" { partition { size = 24M } integrity { algorithm = "hmac-sha256" } filesystem { } }
volume "both" { partition { size = 24M } integrity { algorithm = "hmac-sha256" } crypt { cipher = "aes-xts-plain64" integrity = "none" format = "plain" } filesystem { } }
volume "full" { partition { size = 24M } crypt { header-size = 1M initialise = "full" } filesystem { } }
END
check "provision every kind" "$HOLDFAST" provision -q --passphrase-file pass all.layout all.img
check "verify it" "$HOLDFAST" verify -q --passphrase-file pass all.img
cat >all.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
H="$1" pass="$3/pass"
volumes="aegis gcm512 chacha xtsmac xts crc bitmap direct hmac both full"
dmesg -c >/dev/null
# As they were laid out, before the kernel has written anything into them.
check "open what was never mounted" "$H" open /dev/vda --passphrase-file "$pass"
for v in $volumes; do
	check "$v: new: e2fsck finds nothing" e2fsck -fn /dev/mapper/holdfast-$v
	check "$v: new: blkid" blkid -p /dev/mapper/holdfast-$v
done
check "close what was never mounted" "$H" close /dev/vda
check_status 5 "a wrong passphrase opens nothing" "$H" open /dev/vda --passphrase-fd 5 5<<<wrong
check "open all with one passphrase" "$H" open /dev/vda --passphrase-file "$pass" --mount /mnt/v
check "contents are there" cmp /mnt/v/aegis/blob "$3/files/blob"
for v in $volumes; do
	check "$v: written" cp "$3/files/blob" /mnt/v/$v/again
done
keys=$(dmsetup table --showkeys --target crypt)
[ -n "$keys" ] && ! grep -qE '[0-9a-f]{32}' <<<"$keys" && ok "no key shows in a crypt table" || not_ok "a key shows in a crypt table: $keys"
check "status" "$H" status /dev/vda
said "no read failed to authenticate"
said "holdfast-crc: crc32c: no mismatch"
for v in $volumes; do fstrim /mnt/v/$v 2>/dev/null || true; done # whether it can is the kernel's
check "close" "$H" close /dev/vda --mount /mnt/v
check "no mapping is left" sh -c '! dmsetup ls | grep holdfast'
check "no key is left" sh -c '! grep "logon.*holdfast:" /proc/keys'
check "open without mounting" "$H" open /dev/vda --passphrase-file "$pass"
for v in $volumes; do
	check "$v: e2fsck finds nothing" e2fsck -fn /dev/mapper/holdfast-$v
	check "$v: blkid" blkid -p /dev/mapper/holdfast-$v
done
check "close them" "$H" close /dev/vda
dmesg | grep -iE 'integrity (aead )?error|checksum failed|I/O error' >"$scratch/log"
check "no read hit a sector that was never written" test ! -s "$scratch/log"
sed 's/^/# /' "$scratch/log" | head -5
check "verify on the device" "$H" verify /dev/vda --passphrase-file "$pass"
END
guest_tap --disk all.img --mem 1024 all.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"
check_status 0 "closed: verifies offline" "$HOLDFAST" verify -q --passphrase-file pass all.img
for v in aegis gcm512 chacha xtsmac xts crc bitmap direct hmac both full; do
	"$HOLDFAST" read -q --passphrase-file pass all.img $v -o $v.ext4 >/dev/null
	check "$v: what the kernel wrote is read" bash -c "debugfs -R 'cat /again' $v.ext4 2>/dev/null | cmp - files/blob"
done

# --- tampering, seen by the kernel ---
offset() { "$HOLDFAST" status "$1" --json | tail -1 | jq -r --arg v "$2" '.volumes[] | select(.volume == $v) | .extents[0].offset'; }
cp all.img bad.img
# Encrypted bytes of a file: the first block behind 6 MiB that is not empty.
start=$(offset all.img aegis)
at=$(python3 -c '
import sys
f = open("all.img", "rb")
at = int(sys.argv[1]) + (6 << 20)
f.seek(at)
while not any(f.read(4096)):
    at += 4096
print(at)' "$start")
dd if=/dev/urandom of=bad.img bs=4096 seek=$((at / 4096)) count=3 conv=notrunc status=none
check_status 3 "verify names it" "$HOLDFAST" verify --passphrase-file pass bad.img aegis
said "does not authenticate: /(blob|again), bytes"
python3 - "$(offset all.img hmac)" <<'END'
import sys
f = open("bad.img", "r+b")
start = int(sys.argv[1])
f.seek(start)
at = f.read(24 << 20).index(open("files/blob", "rb").read(4096))
f.seek(start + at + 1000)
f.write(b"changed")
END
check_status 3 "in plain sight, too" "$HOLDFAST" verify --passphrase-file pass bad.img hmac
said "does not authenticate: /again, bytes 0"
cat >bad.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
check "open" "$1" open /dev/vda aegis --passphrase-file "$3/pass"
dd if=/dev/mapper/holdfast-aegis of=/dev/null bs=4096 iflag=direct conv=noerror 2>"$scratch/.out"
said "Invalid or incomplete multibyte or wide character|Input/output error"
check "status" "$1" status /dev/vda
said "DID NOT AUTHENTICATE"
check "close" "$1" close /dev/vda aegis
check "open hmac" "$1" open /dev/vda hmac --passphrase-file "$3/pass"
dd if=/dev/mapper/holdfast-hmac of=/dev/null bs=4096 iflag=direct conv=noerror 2>"$scratch/.out"
said "Invalid or incomplete multibyte or wide character|Input/output error"
check "status" "$1" status /dev/vda
said "holdfast-hmac: hmac\(sha256\): [1-9][0-9]* MISMATCHES"
check "close" "$1" close /dev/vda hmac
END
guest_tap --disk bad.img bad.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"

# --- forged structures are refused by open ---
forge() { # NAME WORDS COMMAND…
	local name=$1 words=$2
	shift 2
	cp all.img forged.img
	"$@"
	echo '"$1" open /dev/vda "$3" --passphrase-file "$2/pass"; s=$?; dmsetup ls; exit $s' >forged.sh
	check_status 3 "$name: open refuses" "$guest" --disk forged.img forged.sh "$HOLDFAST" "$scratch" "$volume"
	said "$words"
}
flags() { # OFFSET BYTE: of an integrity superblock
	printf "$2" | dd of=forged.img bs=1 seek=$(($1 + 24)) conv=notrunc status=none
}
volume=hmac
forge "hmac with a forged dirty bitmap" "recalculated" flags "$(offset all.img hmac)" '\x1d'
volume=aegis
forge "a wiped integrity superblock" "is not there" dd if=/dev/zero of=forged.img bs=4096 seek=$(((start + 1048576) / 4096)) count=1 conv=notrunc status=none
luks() { # A sed script for the JSON of both copies, checksums put right
	python3 - "$start" "$1" <<'END'
import hashlib, re, sys
start, script = int(sys.argv[1]), sys.argv[2]
old, new = script.split("=>")
f = open("forged.img", "r+b")
for copy in range(2):
    f.seek(start + copy * 16384); h = bytearray(f.read(16384))
    json = bytes(h[4096:]).rstrip(b"\0").replace(old.encode(), new.encode())
    assert json != bytes(h[4096:]).rstrip(b"\0")
    h[4096:] = json + b"\0" * (12288 - len(json))
    h[448:512] = b"\0" * 64
    h[448:480] = hashlib.sha256(h).digest()
    f.seek(start + copy * 16384); f.write(h)
END
}
forge "the null cipher" "null cipher" luks 'aegis128-random=>cipher_null-ecb'
forge "a reencryption that nobody began" "reencryption" luks '"config":{=>"config":{"requirements":{"mandatory":["online-reencrypt-v2"]},'
forge "a segment elsewhere" "segment" luks '"offset":"1048576"=>"offset":"2097152"'
forge "another sector size" "sector size" luks '"sector_size":4096=>"sector_size":512'

# --- ours → cryptsetup: by recovery key, from a file and typed; by keys added with it ---
cat >recovery.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 96M }
keystore "device" { backend = "file" memory = 1M }
volume "aegis" { partition { size = 24M number = 2 } crypt { header-size = 4M recovery-key = true } filesystem { source = "files" owner = "root" } }
volume "gcm" { partition { size = 24M number = 3 } crypt { header-size = 4M cipher = "aes-gcm-random" recovery-key = true } filesystem { source = "files" owner = "root" } }
volume "mac" { partition { size = 24M number = 4 } crypt { header-size = 4M cipher = "aes-xts-plain64" recovery-key = true } filesystem { source = "files" owner = "root" } }
END
check "provision with recovery keys" "$HOLDFAST" provision -q --passphrase-file pass recovery.layout recovery.img
for v in aegis gcm mac; do
	check "$v: its recovery key" "$HOLDFAST" key recovery recovery.img $v --passphrase-file pass -o $v.key
done
cat >recovery.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
n=2
fast=(-q --pbkdf pbkdf2 --pbkdf-force-iterations 1000)
declare -A tags=([aegis]=aead [gcm]=aead [mac]='hmac\(sha256\)')
typed() { # KEY COMMAND…: as a person types it, or a scanner that ends with Enter
	local key=$1
	shift
	echo "$key" | "$@"
}
holds() { # VOLUME FILE…: what is open as VOLUME has these files, each the blob
	local v=$1 file
	shift
	mount /dev/mapper/$v /mnt/$v || return 1
	for file; do cmp /mnt/$v/$file "$blob" || { umount /mnt/$v; return 1; }; done
	umount /mnt/$v
}
blob="$3/files/blob"
for v in aegis gcm mac; do
	dev=/dev/vda$n key=$3/$v.key
	mkdir -p /mnt/$v
	check "$v: luksDump" cryptsetup luksDump $dev
	said '0: systemd-recovery'
	said "integrity: ${tags[$v]}\$"
	check "$v: luksOpen by recovery key" cryptsetup luksOpen $dev $v --key-file "$key"
	check "$v: contents" holds $v blob
	mount /dev/mapper/$v /mnt/$v
	check "$v: written" cp "$blob" /mnt/$v/again
	umount /mnt/$v
	check "$v: luksClose" cryptsetup luksClose $v
	check "$v: luksOpen by recovery key, typed" typed "$(cat "$key")" cryptsetup luksOpen $dev $v
	check "$v: contents, and what was written" holds $v blob again
	check "$v: luksClose" cryptsetup luksClose $v
	check_status 2 "$v: another recovery key opens nothing" typed "$(tr cbd bdc <"$key")" cryptsetup luksOpen $dev $v
	printf another >"$scratch/another"
	check "$v: luksAddKey" cryptsetup luksAddKey "${fast[@]}" --key-file "$key" $dev "$scratch/another"
	check "$v: luksOpen by the added passphrase" typed another cryptsetup luksOpen $dev $v
	check "$v: contents by the added passphrase" holds $v blob again
	check "$v: luksClose" cryptsetup luksClose $v
	printf third >"$scratch/third"
	check "$v: luksChangeKey" cryptsetup luksChangeKey "${fast[@]}" --key-file "$scratch/another" $dev "$scratch/third"
	check "$v: luksOpen by the changed passphrase" typed third cryptsetup luksOpen $dev $v
	check "$v: contents by the changed passphrase" holds $v blob again
	check "$v: luksClose" cryptsetup luksClose $v
	check_status 2 "$v: the passphrase of before opens nothing" typed another cryptsetup luksOpen $dev $v
	check "$v: luksDump after that" cryptsetup luksDump $dev
	said '^  1: luks2'
	rm -f "$scratch/volume"
	check "$v: its volume key" cryptsetup luksDump -q --dump-volume-key --volume-key-file "$scratch/volume" --key-file "$key" $dev
	check "$v: luksOpen by volume key" cryptsetup luksOpen $dev $v --volume-key-file "$scratch/volume"
	check "$v: contents by volume key" holds $v blob again
	check "$v: clean" e2fsck -fn /dev/mapper/$v
	check "$v: luksClose" cryptsetup luksClose $v
	for copy in 0 16384; do
		dd if=/dev/urandom of=$dev bs=512 seek=$(((copy + 4096) / 512)) count=1 conv=notrunc status=none
		check "$v: repair of the copy at $copy" cryptsetup repair -q $dev
		check "$v: luksDump after that" cryptsetup luksDump $dev
	done
	n=$((n + 1))
done
check "holdfast opens them after that" "$1" open /dev/vda --passphrase-file "$3/pass" --mount /mnt/v
for v in aegis gcm mac; do check "$v: and has what cryptsetup wrote" cmp /mnt/v/$v/again "$blob"; done
check "close" "$1" close /dev/vda --mount /mnt/v
END
guest_tap --disk recovery.img recovery.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"
check "verifies after that" "$HOLDFAST" verify --passphrase-file pass recovery.img
said "1 keyslots that were not laid out"

# --- theirs → ours ---
head -c 16 /dev/urandom >key16
head -c 32 /dev/urandom >key32
head -c 64 /dev/urandom >key64
head -c 96 /dev/urandom >key96
for n in 1 2 3 4 5 6 7 8 9; do truncate -s 48M their$n.img; done
cat >their.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
luks() { # DEVICE KEY ARGUMENT…
	local dev=$1 key=$2
	shift 2
	check "luksFormat $*" cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --volume-key-file "$key" "$@" "$dev" "$S/pass"
	cryptsetup luksOpen "$dev" x --key-file "$S/pass" || not_ok "luksOpen $*"
	use "$dev"
	cryptsetup luksClose x
}
integrity() { # DEVICE SECTOR TAG ARGUMENT…
	local dev=$1 sector=$2 tag=$3
	shift 3
	check "integritysetup format $*" integritysetup format -q --sector-size "$sector" --tag-size "$tag" "$@" "$dev"
	integritysetup open "$@" "$dev" x || not_ok "integritysetup open $*"
	use "$dev"
	integritysetup close x
}
use() { # DEVICE
	mke2fs -q -F /dev/mapper/x
	mount /dev/mapper/x /mnt
	cp "$S/files/blob" /mnt
	umount /mnt
	sync
	sha256sum </dev/mapper/x >"$SHARE/$(basename "$1").sum"
	blockdev --getsize64 /dev/mapper/x >"$SHARE/$(basename "$1").size"
}
S=$3 SHARE=/mnt/share
luks /dev/vda "$S/key16" --cipher aegis128-random --key-size 128 --integrity aead --sector-size 4096
luks /dev/vdb "$S/key32" --cipher aes-gcm-random --key-size 256 --integrity aead --sector-size 512
luks /dev/vdc "$S/key32" --cipher chacha20-random --key-size 256 --integrity poly1305 --sector-size 4096
luks /dev/vdd "$S/key96" --cipher aes-xts-plain64 --key-size 512 --integrity hmac-sha256 --sector-size 2048
luks /dev/vde "$S/key64" --cipher aes-xts-plain64 --key-size 512 --sector-size 4096
integrity /dev/vdf 4096 4 --integrity crc32c
integrity /dev/vdg 512 32 --integrity sha256
integrity /dev/vdh 4096 32 --integrity hmac-sha256 --integrity-key-file "$S/key32" --integrity-key-size 32
head -c 32 "$S/key64" >"$scratch/a"
tail -c 32 "$S/key64" >"$scratch/b"
integrity /dev/vdi 4096 32 --integrity hmac-sha256 --integrity-key-file "$scratch/a" --integrity-key-size 32 --journal-integrity hmac-sha256 --journal-integrity-key-file "$scratch/b" --journal-integrity-key-size 32
END
mkdir share
disks=()
for n in 1 2 3 4 5 6 7 8 9; do disks+=(--disk "their$n.img"); done
guest_tap "${disks[@]}" --mem 1024 --share "$scratch/share" their.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"
keys=(key16 key32 key32 key96 key64 '' '' key32 key64)
names=(vda vdb vdc vdd vde vdf vdg vdh vdi)
for n in 1 2 3 4 5 6 7 8 9; do
	key=${keys[$((n - 1))]} name=${names[$((n - 1))]}
	with=()
	[ -z "$key" ] || with=(--volume-key-file "$key")
	check_status 0 "$name: verify" "$HOLDFAST" verify "their$n.img" "${with[@]}"
	check "$name: read" "$HOLDFAST" read "their$n.img" volume -o "their$n.out" "${with[@]}"
	[ -e "their$n.out" ] && [ "$(sha256sum <"their$n.out")" = "$(cat "share/$name.sum")" ] && ok "$name: as the kernel reads it, every sector" || not_ok "$name: read differs from the kernel"
done
# --- a whole device that was cut off, or grown ---
cp --sparse=always their1.img other.img
truncate -s 40M other.img
check_status 3 "shrunk" "$HOLDFAST" verify other.img --volume-key-file key16
said "has [0-9]+ bytes, but its dm-integrity superblock is for"
truncate -s 16M other.img
check_status 3 "shrunk to its header" "$HOLDFAST" verify other.img --volume-key-file key16
said "ends before its integrity superblock"
cp --sparse=always their1.img other.img
truncate -s 64M other.img
check_status 0 "grown" "$HOLDFAST" verify other.img --volume-key-file key16
said "uses [0-9]+ bytes of its place's"
check_status 3 "a wrong volume key" "$HOLDFAST" verify their1.img --volume-key-file <(head -c 16 /dev/zero)
