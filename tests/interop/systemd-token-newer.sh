#!/bin/bash
# Tokens that systemd 252 does not write here: made with tpm2-tools as the source of systemd says.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/swtpm.sh
. "$HOLDFAST_TOP/tests/lib/swtpm.sh"
cd "$scratch"
tpm one

flush() { tpm2_flushcontext -t; }
hf() { "$HOLDFAST" read -q "$1" volume -o out --systemd-token --tcti "$TPM2TOOLS_TCTI" "${@:2}"; }
reads() {
	rm -f out
	check "$1" hf "${@:2}"
}
fails() { # CODE, what, arguments of hf
	local code=$1 text=$2 got
	shift 2
	rm -f out
	hf "$@" --json >.out 2>&1 || true
	got=$(grep '"result"' .out | jq -r .code)
	[ "$got" = "$code" ] && ok "$text" || not_ok "$text: $got, not $code"
}
parent() { # FILE, type, attributes beside those of systemd 252
	tpm2_createprimary -Q -C o -g sha256 -G "$2" -c "$1" \
		-a "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth$3"
	flush
}
policy() { # PCRS or "", [pin]
	tpm2_startauthsession -S session
	[ -z "$1" ] || tpm2_policypcr -Q -S session -l "$1" -L policy
	[ -z "${2:-}" ] || tpm2_policyauthvalue -Q -S session -L policy
	tpm2_flushcontext session
}
# IMAGE PARENT MEMBERS [AUTH]: sealed under the file "policy"; keyslot and token.
seal() {
	head -c 32 /dev/urandom >sealed
	tpm2_create -Q -C "$2" -g sha256 -i sealed -L policy -a "fixedtpm|fixedparent" -u object.pub -r object.priv ${4:+-p "$4"}
	flush
	add "$1" "$3" object.priv object.pub
}
add() { # IMAGE MEMBERS FILES: the blob
	cp empty.img "$1"
	base64 -w0 <sealed >passphrase
	cryptsetup luksAddKey -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file words --new-key-slot 1 "$1" passphrase
	jq -n --arg blob "$(cat "${@:3}" | base64 -w0)" --arg policy "$(xxd -p -c 64 policy)" \
		'{"type": "systemd-tpm2", "keyslots": ["1"], "tpm2-blob": $blob, "tpm2-pcrs": [], "tpm2-pcr-bank": "sha256", "tpm2-policy-hash": $policy} + '"$2" >token.json
	cryptsetup token import --token-id 0 --json-file token.json "$1"
}
printf words >words
truncate -s 12M empty.img
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --luks2-keyslots-size 4m empty.img words
tpm2_dictionarylockout -s -n 32 -t 1000 -l 1000

# --- RSA (systemd 250: where a TPM has no ECC) ---

policy sha256:7
parent rsa.ctx rsa2048:aes128cfb ""
seal rsa.img rsa.ctx '{"tpm2-pcrs": [7], "tpm2-primary-alg": "rsa"}'
reads "an RSA primary key" rsa.img
seal ecc.img rsa.ctx '{"tpm2-pcrs": [7], "tpm2-primary-alg": "ecc"}'
fails HF-KEYSTORE-FOREIGN "the wrong one" ecc.img

# --- a key that stays in the TPM (systemd 254), PINs ---

# --tpm2-with-pin with a salt (systemd 253): FILE PIN SALT
salted() {
	openssl kdf -binary -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:"$2" \
		-kdfopt hexsalt:"$(xxd -p -c 64 "$3")" -kdfopt iter:10000 PBKDF2 | base64 -w0 | sha256sum | cut -c1-64 >"$1"
}
parent srk.ctx ecc "|noda"
tpm2_evictcontrol -Q -C o -c srk.ctx 0x81000001 -o srk # what ESYS serialises
flush
srk='"tpm2_srk": $srk'
members() { jq -nc --arg srk "$(base64 -w0 <srk)" --arg salt "$(base64 -w0 <salt)" "$1"; }
token() { seal "$1" srk.ctx "$(members "$2")" "${3:-}"; } # IMAGE MEMBERS [AUTH]
head -c 32 /dev/urandom >salt
token srk.img "{\"tpm2-pcrs\": [7], $srk}"
reads "a storage key that stays in the TPM" srk.img
policy "" pin
salted auth 4711 salt
token salted.img "{\"tpm2-pin\": true, \"tpm2_salt\": \$salt, $srk}" "hex:$(cat auth)"
printf 4711 >pin
printf 4712 >wrong
reads "a salted PIN" salted.img --pin-file pin
fails HF-KEY-WRONG "a wrong one" salted.img --pin-file wrong
token unsalted.img "{\"tpm2-pin\": true, $srk}" "hex:$(sha256sum <pin | cut -c1-64)"
reads "a PIN without salt" unsalted.img --pin-file pin
# An authorisation that ends in zeroes is shorter in the TPM.
n=0
until salted auth "$n" salt && grep -q '00$' auth; do n=$((n + 1)); done
token zero.img "{\"tpm2-pin\": true, \"tpm2_salt\": \$salt, $srk}" "hex:$(sed 's/\(00\)*$//' auth)"
printf %s "$n" >zero
reads "a PIN whose digest ends in zero" zero.img --pin-file zero

policy sha256:7
cp srk real
# Its name is not that of the public area beside it; another handle; no key; something behind it.
printf '\377' | dd of=srk bs=1 seek=20 conv=notrunc status=none
token forged.img "{\"tpm2-pcrs\": [7], $srk}"
fails HF-DAMAGED "a storage key with another name" forged.img
{ printf '\200'; tail -c +2 real; } >srk
token transient.img "{\"tpm2-pcrs\": [7], $srk}"
fails HF-DAMAGED "one that is not persistent" transient.img
{ cat real; echo; } >srk
token long.img "{\"tpm2-pcrs\": [7], $srk}"
fails HF-DAMAGED "something behind it" long.img
# Another TPM: first without, then with a key there.
cp real srk
tpm2_evictcontrol -Q -C o -c 0x81000001
fails HF-KEYSTORE-FOREIGN "the TPM has no key there" srk.img
tpm2_evictcontrol -Q -C o -c rsa.ctx 0x81000001
flush
fails HF-KEYSTORE-FOREIGN "the TPM has another key there" srk.img
tpm2_evictcontrol -Q -C o -c 0x81000001
tpm2_evictcontrol -Q -C o -c srk.ctx 0x81000001
flush
reads "the first one is back" srk.img
# --- signed PCRs, with the key's exponent as 65537 and, as systemd 255.0 had it, as 0 ---

openssl genrsa -out key.pem 2048 2>/dev/null
openssl rsa -in key.pem -pubout -out key.pub 2>/dev/null
openssl dgst -sha256 -sign key.pem -out sig policy # of PCR 7
jq -n --arg pol "$(xxd -p -c 64 policy)" --arg sig "$(base64 -w0 <sig)" \
	--arg pkfp "$(openssl rsa -pubin -in key.pub -RSAPublicKey_out -outform DER 2>/dev/null | sha256sum | cut -c1-64)" \
	'{"sha256": [{"pcrs": [7], "pkfp": $pkfp, "pol": $pol, "sig": $sig}]}' >sig.json
cp policy pcr7
modulus=$(openssl rsa -pubin -in key.pub -modulus -noout | cut -d= -f2)
for exponent in 00010001 00000000; do
	name=000b$(xxd -r -p <<<"0001000b000600400000001000100800${exponent}0100$modulus" | sha256sum | cut -c1-64)
	# TPM2_PolicyAuthorize: H(H(0 ‖ command ‖ name) ‖ no policyRef)
	printf '%064d0000016a%s' 0 "$name" | xxd -r -p | openssl dgst -sha256 -binary | openssl dgst -sha256 -binary >policy
	token signed.img "{\"tpm2_pubkey_pcrs\": [7], \"tpm2_pubkey\": \"$(base64 -w0 <key.pub)\", $srk}"
	reads "exponent $exponent" signed.img --tpm2-signature sig.json
done
cp pcr7 policy
token lying.img "{\"tpm2_pubkey_pcrs\": [7], \"tpm2_pubkey\": \"$(base64 -w0 <key.pub)\", $srk}"
fails HF-DAMAGED "a policy that the secret was not sealed under" lying.img --tpm2-signature sig.json

# Sealed where the TPM was not (systemd 255, --tpm2-device-key=): imported first.
tpm2_readpublic -Q -c srk.ctx -o srk.pub
flush
printf 'secret of 32 bytes, more or less' >sealed
"$HOLDFAST_BUILD/tests/interop/tpm-import" srk.pub "$(cat sealed)" object.priv seed object.pub policy
add imported.img "$(members "{\"tpm2-pcrs\": [7], $srk}")" object.priv object.pub seed
reads "sealed where the TPM was not" imported.img
add short.img "$(members "{\"tpm2-pcrs\": [7], $srk}")" object.priv object.pub pin
fails HF-DAMAGED "something else behind it" short.img
printf 'secret of 32 bytes, more and more' >sealed
add other.img "$(members "{\"tpm2-pcrs\": [7], $srk}")" object.priv object.pub seed
fails HF-KEY-WRONG "what it unseals opens no keyslot" other.img
add locked.img "$(members "{\"tpm2-pcrs\": [7], \"tpm2_pcrlock\": true, $srk}")" object.priv object.pub
fails HF-NOT-BUILT "pcrlock" locked.img
add argon.img "$(members "{\"tpm2-pin\": true, \"tpm2_argon2id_lanes\": 1, $srk}")" object.priv object.pub
fails HF-DAMAGED "a PIN by Argon2id" argon.img
grep -q tpm2_argon2id_lanes .out && ok "by name" || not_ok "$(cat .out)"

left=$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session)
[ -z "$left" ] && ok "nothing is left in the TPM" || not_ok "left in the TPM: $left"
