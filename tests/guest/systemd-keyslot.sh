#!/bin/bash
# systemd-cryptsetup of Debian 12 opens what holdfast laid out with systemd-token = true, by the TPM; and no
# longer in another boot state, until the keys are rotated there.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
volumes() {
	echo 'volume "aead" { partition { size = 24M } crypt { header-size = 1M systemd-token = true recovery-key = true } filesystem { } }'
	echo 'volume "xts" { partition { size = 24M } crypt { cipher = "aes-xts-plain64" header-size = 1M systemd-token = true } filesystem { } }'
	echo 'volume "alone" { partition { size = 24M } crypt { header-size = 1M } filesystem { } }'
}
layout() { # NAME, the keystore's rest
	echo 'device "d" { architecture = "x86-64" }' >"$1.layout"
	echo 'medium "m" { size = 96M }' >>"$1.layout"
	echo "keystore \"device\" { backend = \"tpm2\" $2 }" >>"$1.layout"
	volumes >>"$1.layout"
}
openssl genrsa -out key.pem 2048 2>/dev/null
openssl rsa -in key.pem -pubout -out public.pem 2>/dev/null
layout values 'pcrs = {0, 7}'
layout pin 'pin = true pin-memory = 1M'
layout signed "pcrs = {11} pcr-public-key = \"$scratch/public.pem\""
echo 4711 >pin

cat >head.sh <<'END'
hf=$1; cd "$2"; . "$3/tests/lib/tap.sh"; cd "$2"
try() { # DEVICE OPTIONS: opens it as /dev/mapper/it
	/lib/systemd/systemd-cryptsetup attach it "$1" - "tpm2-device=auto,headless${2:-}" 2>/tmp/attach.err
}
detach() { /lib/systemd/systemd-cryptsetup detach it 2>/dev/null || true; }
opens() { # TEXT DEVICE OPTIONS: to the contents
	if try "$2" "${3:-}" && mount /dev/mapper/it /mnt && grep -q here /mnt/file; then
		ok "$1"
	else
		not_ok "$1: $(tail -3 /tmp/attach.err | tr "\n" " ")"
	fi
	umount /mnt 2>/dev/null || true
	detach
}
refused() { # TEXT DEVICE OPTIONS
	! try "$2" "${3:-}" && ok "$1" || not_ok "$1: it opened"
	detach
}
provision() { # LAYOUT OPTION…
	local layout=$1
	shift
	check "provision: $layout" "$hf" provision -q "$layout" /dev/vda "$@"
	"$hf" open -q /dev/vda --mount /mnt/v "$@"
	for v in aead xts; do echo here >/mnt/v/$v/file; done
	"$hf" close -q /dev/vda --mount /mnt/v
}
END
in_guest() { # OPTION… — SCRIPT on standard input
	cat head.sh - >script.sh
	truncate -s 0 disk.img
	truncate -s 96M disk.img
	"$guest" --tpm --disk disk.img --mem 768 script.sh "$HOLDFAST" "$scratch" "$HOLDFAST_TOP" | grep -E '^(ok|not ok|#)' ||
		not_ok "the guest said nothing"
}

in_guest <<'END'
provision values.layout
opens "systemd opens it: AEAD" /dev/vda1
opens "systemd opens it: XTS with HMAC" /dev/vda2
refused "what has no token" /dev/vda3
cryptsetup luksDump /dev/vda1 >/tmp/dump
grep -q systemd-tpm2 /tmp/dump && grep -q systemd-recovery /tmp/dump && ok "luksDump shows both tokens" || not_ok "luksDump: $(tail -30 /tmp/dump)"
check "verify" "$hf" verify -q /dev/vda
[ "$("$hf" status /dev/vda --json | tail -1 | jq -r '.keystores[0].erase')" = media ] && ok "status: erasing is media" || not_ok "status: $("$hf" status /dev/vda)"
"$hf" status /dev/vda | grep -q "way into aead: a token by which systemd-cryptsetup opens it" && ok "status: the way in" || not_ok "status: $("$hf" status /dev/vda)"
"$hf" key list /dev/vda | grep -q "xts: crypt: systemd-token key" && ok "key list" || not_ok "key list: $("$hf" key list /dev/vda)"
"$hf" key recovery /dev/vda aead -o /tmp/recovery -q
tr -d '\n' </tmp/recovery >/tmp/words
by_key() { cryptsetup luksOpen --disable-external-tokens --test-passphrase "$1" --key-file "$2"; }
echo rubbish >/tmp/rubbish
check "rubbish opens nothing" bash -c "! cryptsetup luksOpen --disable-external-tokens --test-passphrase /dev/vda1 --key-file /tmp/rubbish 2>/dev/null"
check "the recovery key, beside it" by_key /dev/vda1 /tmp/words
[ "$("$hf" status /dev/vda --json | tail -1 | jq -r '[.ways_in[] | select(.way == "foreign-keyslot")] | length')" = 0 ] && ok "status: no other way in" || not_ok "status: $("$hf" status /dev/vda)"
echo -n more >/tmp/more
cryptsetup luksAddKey -q --disable-external-tokens --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/vda1 --key-file /tmp/words /tmp/more
[ "$("$hf" status /dev/vda --json | tail -1 | jq -r '.ways_in[] | select(.way == "foreign-keyslot") | .volume + " " + (.number | tostring)')" = "aead 1" ] && ok "status: the keyslot that was added" || not_ok "status: $("$hf" status /dev/vda)"
cryptsetup luksDump --dump-json-metadata /dev/vda1 | jq -c .tokens >/tmp/tokens
check "key rotate" "$hf" key rotate -q /dev/vda
cryptsetup luksDump --dump-json-metadata /dev/vda1 | jq -c .tokens >/tmp/rotated
! cmp -s /tmp/tokens /tmp/rotated && ok "the token was sealed anew" || not_ok "the token is the old one"
opens "systemd opens it after key rotate" /dev/vda1
check "so does what was added" by_key /dev/vda1 /tmp/more
check "the recovery key still does" by_key /dev/vda1 /tmp/words
exec 9</dev/vda3 # keeps what the disk has cached
"$hf" status -q /dev/vda >/dev/null
echo -n late >/tmp/late
cryptsetup luksAddKey -q --disable-external-tokens --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/vda1 --key-file /tmp/words /tmp/late
check "key rotate, with another partition in use" "$hf" key rotate -q /dev/vda
check "what was added meanwhile stays" by_key /dev/vda1 /tmp/late
exec 9<&-
cryptsetup luksKillSlot -q /dev/vda1 0 --key-file /tmp/more
[ "$("$hf" status /dev/vda --json | tail -1 | jq -r '.ways_in[] | select(.way == "foreign-keyslot") | .number')" = 2 ] && ok "status: two that were not laid out, for one that was" || not_ok "status: $("$hf" status /dev/vda)"
check "so does holdfast" "$hf" verify -q /dev/vda
check "key forget" "$hf" key forget -q /dev/vda aead
refused "what was given up" /dev/vda1
check "nor by what was added" bash -c "! cryptsetup luksOpen --disable-external-tokens --test-passphrase /dev/vda1 --key-file /tmp/more 2>/dev/null"
opens "the other volume" /dev/vda2
"$hf" key forget /dev/vda aead --json >/tmp/again || true
[ "$(tail -1 /tmp/again | jq -r .code)" = HF-NOTHING-TO-DO ] && ok "key forget again: nothing to do" || not_ok "key forget again: $(cat /tmp/again)"
tpm2_pcrextend 7:sha256=$(printf '%064d' 1)
refused "another boot state" /dev/vda2
check "which holdfast refuses, too" bash -c "! '$hf' open -q /dev/vda 2>/dev/null"
END

in_guest <<'END'
check "key identity" "$hf" key identity -q values.layout -o /tmp/identity
check "an image for this TPM" "$hf" provision -q --for-tpm /tmp/identity values.layout /tmp/image
dd if=/tmp/image of=/dev/vda bs=1M conv=fsync status=none && rm /tmp/image
blockdev --rereadpt /dev/vda
refused "it has no token yet" /dev/vda1
check "the first opening" "$hf" open -q /dev/vda --mount /mnt/v
echo here >/mnt/v/aead/file
"$hf" close -q /dev/vda --mount /mnt/v
opens "systemd opens it then" /dev/vda1
END

in_guest <<'END'
provision pin.layout --pin-file pin
PIN=4711 opens "systemd opens it: PIN" /dev/vda1
PIN=4712 refused "another PIN" /dev/vda1
refused "no PIN" /dev/vda1
check "holdfast by that token" "$hf" open -q /dev/vda1 --systemd-token --pin-file pin
"$hf" close -q /dev/vda1
END

in_guest <<'END'
mkdir -p /run/systemd
tpm2_pcrextend 11:sha256=$(printf "%064d" 9)
signature=/run/systemd/tpm2-pcr-signature.json
/lib/systemd/systemd-measure sign --current --phase= --bank=sha256 --private-key=key.pem --public-key=public.pem >$signature
provision signed.layout
opens "systemd opens it: signed PCR policy" /dev/vda2 ,tpm2-signature=$signature
tpm2_pcrextend 11:sha256=$(printf '%064d' 1)
refused "another boot state" /dev/vda2 ,tpm2-signature=$signature
/lib/systemd/systemd-measure sign --current --phase= --bank=sha256 --private-key=key.pem --public-key=public.pem >$signature
opens "with a signature for that one" /dev/vda2 ,tpm2-signature=$signature
rm $signature
refused "without a signature" /dev/vda2
END
