#!/bin/bash
# Recovery keys in escrow: encrypted to a fleet, confirmed by its receipt, restored from.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
H=$HOLDFAST

mkdir -p files
echo hello >files/motd
echo correct horse >pass
echo another >other
cat >d.layout <<'END'
device "d" { }
medium "m" { size = 96M }
keystore "device" { backend = "file" memory = 1M }
volume "data" { partition { size = 24M } crypt { header-size = 1M recovery-key = true } filesystem { source = "files" owner = "root" } }
volume "plain" { partition { size = 24M } crypt { format = "plain" } filesystem { } }
volume "sum" { partition { size = 24M } integrity { algorithm = "hmac-sha256" } filesystem { } }
END
for kind in rsa ec small ed; do
	case $kind in
	rsa) key=(rsa:2048) ;;
	ec) key=(ec -pkeyopt ec_paramgen_curve:P-256) ;;
	small) key=(rsa:1024) ;;
	ed) key=(ed25519) ;;
	esac
	openssl req -x509 -newkey "${key[@]}" -nodes -keyout $kind.key -out $kind.crt -subj /CN=$kind -days 1 2>/dev/null
done
check "provision" "$H" provision -q --passphrase-file pass d.layout d.img
cp d.img fresh.img

# --- the fleet's side, with openssl alone ---
open_escrow() { # FILE RECIPIENT: to escrow.json, key.txt
	openssl cms -decrypt -inform PEM -in "$1" -inkey "$2.key" -recip "$2.crt" -out escrow.json || return 1
	jq -r .recovery_key escrow.json | tr -d '\n' >key.txt
}
receipt() { # of escrow.json
	jq -r .receipt_message escrow.json | tr -d '\n' |
		openssl dgst -sha256 -mac hmac -macopt "key:$(cat key.txt)" -r | cut -c1-64
}
escrow() { "$H" key escrow d.img "$@" --passphrase-file pass; }

# --- making one ---
check_status 2 "without a certificate" escrow data -o d.cms
said "needs --to CERT"
check_status 2 "a file that is no certificate" escrow data --to pass -o d.cms
said "not a certificate"
check_status 1 "a certificate that is not there" escrow data --to nowhere -o d.cms
check_status 2 "a small RSA key" escrow data --to small.crt -o d.cms
said "2048 is the least"
check_status 2 "a key that only signs" escrow data --to ed.crt -o d.cms
said "elliptic curve"
check "nothing was written" bash -c "[ ! -e d.cms ] && cmp d.img fresh.img"
check_status 2 "removing others before there is a receipt" escrow data --to rsa.crt -o d.cms --remove-others
check "to two recipients" escrow data --to rsa.crt --to ec.crt -o d.cms
openssl cms -cmsout -print -noout -inform PEM -in d.cms >d.print
check "authenticated: AES-256-GCM" grep -q 'aes-256-gcm' d.print
check "OAEP for the RSA recipient" grep -qi 'rsaesOaep' d.print
check "no SHA-1 in it" bash -c "! grep -i 'algorithm:.*sha1' d.print"
check "the elliptic curve's recipient reads it" open_escrow d.cms ec
cp key.txt ec.txt
check "the RSA recipient reads it" open_escrow d.cms rsa
check "they read the same" cmp ec.txt key.txt
check "in systemd's form" grep -qE '^([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}$' key.txt
check "key recovery" "$H" key recovery d.img data --passphrase-file pass -o own.key
check "one key serves both" bash -c "cmp <(tr -d '\n' <own.key) key.txt"
offset=$("$H" status d.img --json | tail -1 | jq -r '.volumes[] | select(.volume == "data") | .extents[0].offset')
dd if=d.img of=data.luks bs=1M skip=$((offset / 1048576)) count=24 status=none
check "the header has systemd's recovery token" bash -c "cryptsetup luksDump --dump-json-metadata data.luks | jq -e '.tokens == {\"0\": {type: \"systemd-recovery\", keyslots: [\"0\"]}}'"
check "cryptsetup takes the key" cryptsetup open --test-passphrase data.luks --key-file key.txt
check_status 2 "and no other" cryptsetup open --test-passphrase data.luks --key-file pass
check "the recovery key is not in the image" bash -c "! grep -qaF \"\$(cat key.txt)\" d.img"
check "key list" "$H" key list d.img
said "way into data: a recovery key in escrow, without a receipt"

# --- the receipt ---
printf '%064d\n' 0 >bad.receipt
echo short >short.receipt
check_status 5 "a receipt of something else" escrow data --receipt bad.receipt
said "no receipt for an escrow"
check_status 2 "a file that is no receipt" escrow data --receipt short.receipt
receipt >data.receipt
check_status 5 "a receipt for another volume" escrow plain --receipt data.receipt
check "another escrow, before the receipt" escrow data --to rsa.crt -o again.cms
check_status 5 "the receipt of the one before" escrow data --receipt data.receipt
open_escrow again.cms rsa
receipt >data.receipt
check "the receipt" escrow data --receipt data.receipt --remove-others
said "is confirmed"
check "again: nothing to do" escrow data --receipt data.receipt
"$H" key list d.img --json | tail -1 >list.json
check "key list for scripts" jq -e '[.ways_in[] | select(.volume == "data") | .way] == ["keystore", "escrow"]' list.json
check_status 5 "the device forgot its own" "$H" key recovery d.img data --passphrase-file pass -o own.key
check_status 0 "verifies" "$H" verify --passphrase-file pass d.img
cp key.txt data.txt

# --- restoring ---
for v in plain sum; do
	check "$v: escrow" escrow $v --to rsa.crt -o $v.cms
	open_escrow $v.cms rsa
	receipt >$v.receipt
	check "$v: receipt" escrow $v --receipt $v.receipt
	cp key.txt $v.txt
done
check "rotation keeps escrows" "$H" key rotate d.img --passphrase-file pass --new-passphrase-file other
check "and back" "$H" key rotate d.img --passphrase-file other --new-passphrase-file pass
cp d.img escrowed.img
restore() { "$H" key restore d.img "$@" </dev/null; }
all=(data plain sum --recovery-key-file data.txt --recovery-key-file plain.txt --recovery-key-file sum.txt)
check_status 2 "as many keys as volumes" restore data plain --recovery-key-file data.txt --new-passphrase-file other
check_status 2 "a file that is no key" restore data --recovery-key-file pass --new-passphrase-file other
check_status 5 "another volume's key" restore data --recovery-key-file plain.txt --new-passphrase-file other
check_status 5 "one volume, the others not" restore data --recovery-key-file data.txt --new-passphrase-file other
said "plain, sum"
check "nothing was changed" cmp d.img escrowed.img
check "all of them" restore "${all[@]}" --new-passphrase-file other
check_status 0 "verify with the new passphrase" "$H" verify --passphrase-file other d.img
check_status 5 "the old one is refused" "$H" verify --passphrase-file pass d.img
check "read" "$H" read --passphrase-file other d.img data -o data.ext4
check "contents are as they were" bash -c "debugfs -R 'cat /motd' data.ext4 2>/dev/null | cmp - files/motd"
cp escrowed.img d.img
check "with the others given up" restore data --recovery-key-file data.txt --new-passphrase-file other --lose-others
said "given up: plain, sum"
check_status 0 "verify what is left" "$H" verify --passphrase-file other d.img data
check_status 5 "the others are closed" "$H" verify --passphrase-file other d.img plain
check "until their key comes" restore plain --recovery-key-file plain.txt --passphrase-file other
check_status 0 "verifies" "$H" verify --passphrase-file other d.img data plain
check "another one of them, given up for good" "$H" key forget d.img sum --passphrase-file other
check_status 5 "nothing brings it back" restore sum --recovery-key-file sum.txt --passphrase-file other
said "no escrow of volume sum"
"$H" key forget d.img sum --passphrase-file other --json | tail -1 | grep -q HF-NOTHING-TO-DO && ok "once" || not_ok "twice"
cp escrowed.img d.img
tr -d - <data.txt | tr '[:lower:]' '[:upper:]' >loud.txt
check "with the passphrase, for one; typed without dashes" restore data --recovery-key-file loud.txt --passphrase-file pass
check_status 0 "verifies all" "$H" verify --passphrase-file pass d.img
check "forgetting forgets the escrow" "$H" key forget d.img data --passphrase-file pass
check_status 5 "nothing to restore from" restore data --recovery-key-file data.txt --passphrase-file pass
said "no escrow of volume data"

# What the vault says of a volume and of its keystore is bound into its escrow.
if command -v python3 >/dev/null; then
	for change in 'header-size\x001M|header-size\x002M' 'memory\x001M|memory\x002M'; do
		cp escrowed.img d.img
		python3 "$HOLDFAST_TOP/tests/guest/forge-vault.py" d.img "${change%|*}" "${change#*|}"
		check_status 3 "changed: ${change%%\\*}" restore "${all[@]}" --new-passphrase-file other
	done
fi

