#!/bin/bash
# A vault that has a keystore is authenticated before anything else: by the flash alone nobody gets a volume
# opened, read or called good.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST
forge() { python3 "$HOLDFAST_TOP/tests/attack/vault.py" "$@"; }

mkdir -p files
echo hello >files/motd
echo correct horse >pass
cat >d.layout <<'END'
device "d" { }
medium "m" { size = 64M }
keystore "device" { backend = "file" memory = 1M }
volume "root" { partition { size = 8M } verity { } filesystem { type = "erofs" source = "files" } }
volume "data" { partition { size = 24M } crypt { format = "plain" } filesystem { source = "files" owner = "root" } }
END
"$H" provision -q --passphrase-file pass d.layout d.img

# --- the genuine one ---
for command in "verify d.img" "verify d.img root" "read d.img root -o out"; do
	# shellcheck disable=SC2086
	check_status 0 "$command" "$H" $command --passphrase-file pass
	# shellcheck disable=SC2086
	check_status 2 "$command, without the passphrase" "$H" $command
	[ "$command" = "verify d.img" ] || said "asked before that; --without-keystore goes on without it"
done
check_status 0 "verify a volume without keys, as it is" "$H" verify d.img root --without-keystore
said "no keystore was asked"
said "note: no keystore has authenticated the vault"
check_status 0 "read a volume without keys, as it is" "$H" read d.img root -o out --without-keystore
check_status 2 "open, without the passphrase" "$H" open d.img root
said "asked before that; --without-keystore goes on without it"
check_status 2 "its key is not to be had without the keystore" "$H" verify d.img data --without-keystore
check_status 0 "status" "$H" status d.img
said "not checked here whether it is genuine"
check_status 0 "status, for programs" "$H" status d.img --json
check "says that it was not checked" jq -e 'select(.event == "result") | .vault_authenticated == false' .out

# --- the crypt layer cut out, and the attacker's plain file system in its place ---
cp d.img forged.img
forge forged.img 'cut("data", "crypt")' 'print(*extent("data"), file=open("data", "w"))'
read -r offset size <data
truncate -s "$size" plain.ext4
mke2fs -q -t ext4 plain.ext4
dd if=plain.ext4 of=forged.img bs=4096 seek=$((offset / 4096)) conv=notrunc,sparse status=none
for command in "verify forged.img" "verify forged.img data" "read forged.img data -o out" "open forged.img data"; do
	# shellcheck disable=SC2086
	check_status 2 "$command" "$H" $command
	# shellcheck disable=SC2086
	check_status 3 "$command, with the passphrase" "$H" $command --passphrase-file pass
	said "HF-TAMPERED|records were|was changed"
done
check_status 0 "only who asks for it gets the forged one" "$H" read forged.img data -o out --without-keystore

# --- another root hash ---
cp d.img forged.img
forge forged.img 'i = next(i for i in items if i[0] == LEARNED and i[1].startswith(b"root-hash"))' \
	'i[1] = strings("root-hash", "00" * 32)'
check_status 3 "another root hash" "$H" verify forged.img root --passphrase-file pass
said "what was learnt, of volume root, layer verity"

# --- everything of a keystore taken away: nobody can tell from the medium, and nobody says so ---
cp d.img forged.img
forge forged.img 'drop_keys()' 'cut("data", "crypt")'
check_status 0 "status of a vault without a keystore" "$H" status forged.img
said "not authenticated"
check_status 0 "status, for programs" "$H" status forged.img --json
check "says so" jq -e 'select(.event == "result") | .vault_authenticated == false' .out
