#!/bin/bash
# Volumes that systemd-cryptenroll of Debian 12 bound to a TPM are opened, read and verified.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
guest=$HOLDFAST_TOP/tools/guest
echo 4711 >pin
truncate -s 40M plain.img pin.img none.img signed.img
cat >script.sh <<'END'
hf=$1; cd "$2"; . "$3/tests/lib/tap.sh"; cd "$2"
hf_fails() { # CODE STATUS, what, arguments
	local code=$1 text=$2 got
	shift 2
	got=$("$hf" "$@" --json 2>/dev/null | tail -1 | jq -r '.code + " " + (.status | tostring)')
	[ "$got" = "$code" ] && ok "$text" || not_ok "$text: $got, not $code"
}
printf words >/tmp/words
for disk in vda vdb vdc vdd; do
	cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --sector-size 4096 /dev/$disk /tmp/words
done
check "cryptenroll" env PASSWORD=words systemd-cryptenroll --tpm2-device=auto --tpm2-pcrs=7 /dev/vda
check "cryptenroll, with a PIN" env PASSWORD=words NEWPIN=4711 systemd-cryptenroll --tpm2-device=auto --tpm2-pcrs=0+7 --tpm2-with-pin=yes /dev/vdb
openssl genrsa -out /tmp/key.pem 2048 2>/dev/null
openssl rsa -in /tmp/key.pem -pubout -out /tmp/key.pub 2>/dev/null
check "cryptenroll, with signed PCRs" env PASSWORD=words systemd-cryptenroll --tpm2-device=auto --tpm2-pcrs=7 --tpm2-public-key=/tmp/key.pub --tpm2-public-key-pcrs=11 /dev/vdd
echo kernel >/tmp/linux
for what in '.linux\0' 'kernel\n' enter-initrd; do # as systemd-stub and systemd-pcrphase do
	tpm2_pcrextend 11:sha256=$(printf "$what" | sha256sum | cut -c1-64)
done
cryptsetup luksOpen /dev/vda there --key-file /tmp/words
head -c 5000000 /dev/urandom >/tmp/contents
dd if=/tmp/contents of=/dev/mapper/there bs=1M conv=fsync status=none
cryptsetup close there
check "open by the token" "$hf" open -q /dev/vda --systemd-token
check "contents" cmp -n 5000000 /tmp/contents /dev/mapper/holdfast-volume
check "close" "$hf" close /dev/vda
check "read by the token" "$hf" read -q /dev/vda volume --systemd-token -o /tmp/out
cmp -n 5000000 /tmp/contents /tmp/out && ok "the same" || not_ok "read"
check "open with a PIN" "$hf" open -q /dev/vdb --systemd-token --pin-file pin
check "close" "$hf" close /dev/vdb
hf_fails "HF-KEYSTORE-POLICY 5" "signed PCRs, and no signature" open /dev/vdd --systemd-token
mkdir -p /run/systemd
/lib/systemd/systemd-measure sign --linux=/tmp/linux --bank=sha256 --private-key=/tmp/key.pem --public-key=/tmp/key.pub >/run/systemd/tpm2-pcr-signature.json
check "open with signed PCRs, the signature where systemd looks" "$hf" open -q /dev/vdd --systemd-token
check "close" "$hf" close /dev/vdd
hf_fails "HF-KEY-MISSING 5" "no token" open /dev/vdc --systemd-token
echo 1234 >/tmp/wrong
hf_fails "HF-KEY-WRONG 5" "a wrong PIN" open /dev/vdb --systemd-token --pin-file /tmp/wrong
tpm2_pcrextend 7:sha256=$(printf '%064d' 1)
hf_fails "HF-KEYSTORE-POLICY 5" "another boot state" open /dev/vda --systemd-token
left=$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session)
[ -z "$left" ] && ok "nothing is left in the TPM" || not_ok "left in the TPM: $left"
END
"$guest" --tpm --disk plain.img --disk pin.img --disk none.img --disk signed.img --mem 768 script.sh "$HOLDFAST" "$scratch" "$HOLDFAST_TOP" |
	grep -E '^(ok|not ok|#)' || not_ok "the guest said nothing"
