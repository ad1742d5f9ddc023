#!/bin/bash
# Kernel trusted keys behind a TPM: laid out and opened on the device, by reference; what was changed
# and what another TPM sealed is refused; and no key is ever in holdfast's memory. For that the test
# opens the sealed keys itself, with the TPM (trusted-keys.py), and looks for them in every page that
# holdfast ever had (memory-dump.c); that it would find them is shown, too.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
guest_tap() { "$guest" "$@" | grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing: $*"; }

mkdir -p files
echo hello >files/motd
head -c 2000000 /dev/urandom >files/blob
cat >trusted.layout <<'END'
device "d" { architecture = "x86-64" }
medium "m" { size = 128M }
keystore "device" { backend = "trusted" }
volume "gcm" { partition { size = 32M } crypt { format = "plain" cipher = "aes-gcm-random" } filesystem { source = "files" owner = "root" } }
volume "xtsmac" { partition { size = 32M } crypt { format = "plain" cipher = "aes-xts-plain64" } filesystem { source = "files" owner = "root" } }
volume "xts" { partition { size = 32M } crypt { format = "plain" cipher = "aes-xts-plain64" integrity = "none" } filesystem { source = "files" owner = "root" } }
END
truncate -s 128M device.img
truncate -s 48M capi.img
mkdir small
echo hello >small/motd
cat >reference.layout <<'END'
device "d" { architecture = "x86-64" }
vault { size = 1M }
volume "aegis" { partition { size = 16M } crypt { format = "plain" key-reference = "user:short" } filesystem { source = "small" owner = "root" } }
volume "gcm" { partition { size = 16M } crypt { format = "plain" cipher = "aes-gcm-random" key-reference = "encrypted:long" } filesystem { source = "small" owner = "root" } }
END
for cipher in "xts(aes)-plain64" "tk(cbc(aes))-plain"; do
	cat >"${cipher%%(*}.layout" <<END
device "d" { architecture = "x86-64" }
keystore "device" { backend = "trusted" }
vault { size = 1M }
volume "data" { partition { size = 16M } crypt { format = "plain" cipher = "capi:$cipher" integrity = "none" key-size = 64 } filesystem { source = "files" owner = "root" } }
END
done
cat >first.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
cd "$4"
H=$1 dump=$3/memory-dump
export DM_DISABLE_UDEV=1 TPM2TOOLS_TCTI=device:/dev/tpmrm0
check_status 6 "without a storage key nothing is laid out" "$H" provision trusted.layout /dev/vda
said "does not seal under the storage key 0x81000001"
said "tpm2_evictcontrol"
tpm2_createprimary -Q -C o -G ecc -c srk && tpm2_evictcontrol -Q -C o -c srk 0x81000001
check "provision" "$dump" "$scratch/made" "$H" provision trusted.layout /dev/vda
cp "$scratch/.out" "$scratch/words"
check "open" "$dump" "$scratch/opened" "$H" open /dev/vda --mount /mnt/v
for v in gcm xtsmac xts; do
	check "$v: contents" cmp /mnt/v/$v/blob files/blob
	check "$v: written" cp files/blob /mnt/v/$v/again
done
dmsetup table --showkeys >"$scratch/table"
check "tables have references" test "$(grep -c ':encrypted:holdfast-' "$scratch/table")" = 3
check "and nothing else" sh -c "! grep -E '[0-9a-f]{32}' $scratch/table"
check "status" "$H" status /dev/vda
said "sealed by the TPM.*has a MAC that the kernel checks"
said "no read failed to authenticate"
check "close" "$H" close /dev/vda --mount /mnt/v
check "no mapping is left" sh -c '! dmsetup ls | grep holdfast'
check "no key is left" sh -c '! grep -E "(encrypted|trusted|logon) *holdfast" /proc/keys'
check "verify, through the kernel" "$dump" "$scratch/verified" "$H" verify /dev/vda
said "nothing wrong"
check "read, through the kernel" "$H" read /dev/vda gcm -o "$scratch/gcm"
check "is a file system" e2fsck -fn "$scratch/gcm"

# --- the keys, by the TPM itself ---
keys=$2/tests/guest/trusted-keys.py
cd "$scratch"
check "the TPM opens the sealed key" sh -c "$keys split /dev/vda pub priv && tpm2_load -Q -C 0x81000001 -u pub -r priv -c ctx && tpm2_unseal -Q -c ctx -o master"
"$keys" keys /dev/vda master >keys
check "four keys are known" test "$(wc -l <keys)" = 4
at=$("$H" status /dev/vda --json | tail -1 | jq -r '.volumes[] | select(.volume == "xts") | .extents[0].offset')
dmsetup create other --readonly --table "0 65536 crypt aes-xts-plain64 $(awk '$1 == "xts" {print $2}' keys) 0 /dev/vda $((at / 512)) 1 sector_size:4096"
check "one of them opens its volume" e2fsck -fn /dev/mapper/other
dmsetup remove other
cat >find.py <<'EOP'
import sys
pages = open(sys.argv[2], "rb").read()
for line in open(sys.argv[1]):
    name, text = line.split()
    key = bytes.fromhex(text)
    for piece in (key[:16], key[-16:]):
        for form in (piece, piece.hex().encode()):
            if form in pages:
                sys.exit(f"{name} is in the memory of {sys.argv[2]}")
print(len(pages) // 4096, "pages")
EOP
for run in made opened verified; do check "no key was in memory: $run" python3 find.py keys $run; done
awk '$1 == "gcm" {print $2}' keys >one
"$dump" held /usr/bin/python3 -c 'import os; k = bytes.fromhex(open("one").read()); os._exit(0)' >/dev/null 2>&1
check_status 1 "a key that was in memory is found" python3 find.py keys held

# --- ciphers by the kernel's own names ---
cd "$4"
check_status 1 "a cipher that this kernel lacks" "$H" provision tk.layout /dev/vdb
said "the kernel has no cipher capi:tk\(cbc\(aes\)\)-plain; it has .*xts\(aes\)"
check "no mapping of it is left" sh -c '! dmsetup ls | grep holdfast'
check "capi: provision" "$H" provision --replace=all xts.layout /dev/vdb
check "capi: open" "$H" open /dev/vdb --mount /mnt/v
check "capi: contents" cmp /mnt/v/data/blob files/blob
check "capi: the table" sh -c "dmsetup table holdfast-data | grep -q 'crypt capi:xts(aes)-plain64 :64:encrypted:holdfast-data-1 '"
check "capi: close" "$H" close /dev/vdb --mount /mnt/v

# --- keys that holdfast has only the name of, with authentication; also AEGIS-128's short one ---
head -c 16 /dev/urandom | keyctl padd user short @s >/dev/null
keyctl add user kmk 0123456789abcdef0123456789abcdef @s >/dev/null
keyctl add encrypted long "new user:kmk 32" @s >/dev/null
check "by reference: provision" "$H" provision --replace=all reference.layout /dev/vdb
check "by reference: open" "$H" open /dev/vdb --mount /mnt/v
for v in aegis gcm; do check "by reference: $v" cmp /mnt/v/$v/motd small/motd; done
check "by reference: close" "$H" close /dev/vdb --mount /mnt/v
check "by reference: verify" "$H" verify /dev/vdb
said "nothing wrong"
keyctl clear @s
check_status 1 "by reference: verify without the keys" "$H" verify /dev/vdb
said "look whether the key (user:short|encrypted:long)"

# --- a new trusted key; contents stay ---
check "rotate" "$H" key rotate /dev/vda
said "still opens on this device"
check "open with it" "$H" open /dev/vda --mount /mnt/v
check "contents are the same" cmp /mnt/v/gcm/again /mnt/v/xts/blob
check "close it" "$H" close /dev/vda --mount /mnt/v
END
mkdir tpm other
guest_tap --disk device.img --disk capi.img --tpm-state "$scratch/tpm" --mem 1024 first.sh "$HOLDFAST" "$HOLDFAST_TOP" "$HOLDFAST_BUILD/tests/guest" "$scratch"

cat >again.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
H=$1
check "after a reboot: open" "$H" open /dev/vda --mount /mnt/v
for v in gcm xtsmac xts; do check "after a reboot: $v" cmp /mnt/v/$v/again "$3/files/blob"; done
check "close" "$H" close /dev/vda --mount /mnt/v

# --- the device part has a MAC that the kernel computes, and nobody can say that it had none ---
forge=$2/tests/guest/forge-vault.py
dd if=/dev/vda of="$scratch/vault" bs=1M count=9 status=none
restore() { dd if="$scratch/vault" of=/dev/vda bs=1M conv=fsync status=none; }
check "a record is changed" "$forge" /dev/vda 'owner\0root' 'owner\0keep'
check_status 3 "a changed record opens nothing" "$H" open /dev/vda
said "record [0-9]+ of the vault's device part was changed: an option, of volume gcm, layer filesystem"
restore
check "the MAC is said not to be" "$forge" /dev/vda 'holdfast-mac-' 'holdfast-aaaa' hftrust
check_status 3 "that opens nothing, either" "$H" open /dev/vda
said "is encrypted under another trusted key"
restore
check "a key is changed" "$forge" /dev/vda '32 ' '33 ' 'default trusted'
check_status 3 "a changed key opens nothing" "$H" open /dev/vda
restore
check "put back: opens" "$H" open /dev/vda
check "closes" "$H" close /dev/vda

for v in gcm xtsmac; do
	at=$("$H" status /dev/vda --json | tail -1 | jq -r ".volumes[] | select(.volume == \"$v\") | .extents[0].offset")
	dd if=/dev/urandom of=/dev/vda bs=4096 seek=$((at / 4096 + 700)) count=3 conv=notrunc status=none
	check_status 3 "$v: changed sectors are found" "$H" verify /dev/vda $v
	said "corrupt: $v: crypt data, .*3 blocks.*does not authenticate"
	check "$v: opens" "$H" open /dev/vda $v
	check_status 1 "$v: and is not read there" dd if=/dev/mapper/holdfast-$v of=/dev/null bs=4096 iflag=direct skip=600 count=200
	said "Invalid or incomplete multibyte|Input/output error"
	check "$v: closes" "$H" close /dev/vda $v
done
END
guest_tap --disk device.img --tpm-state "$scratch/tpm" --mem 768 again.sh "$HOLDFAST" "$HOLDFAST_TOP" "$scratch"

cat >other.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
export TPM2TOOLS_TCTI=device:/dev/tpmrm0
cd "$scratch"
tpm2_createprimary -Q -C o -G ecc -c srk && tpm2_evictcontrol -Q -C o -c srk 0x81000001
check_status 5 "another TPM opens nothing" "$1" open /dev/vda --json
said HF-KEYSTORE-FOREIGN
said "sealed by another TPM"
check "no mapping" sh -c '! dmsetup ls | grep holdfast'
END
guest_tap --disk device.img --tpm-state "$scratch/other" other.sh "$HOLDFAST" "$HOLDFAST_TOP"
cat >none.sh <<'END'
. "$2/tests/lib/tap.sh"
scratch=$(mktemp -d)
check_status 6 "without a TPM nothing is opened" "$1" open /dev/vda --json
said HF-KEYSTORE-MISSING
said "CONFIG_TRUSTED_KEYS"
END
guest_tap --disk device.img none.sh "$HOLDFAST" "$HOLDFAST_TOP"
