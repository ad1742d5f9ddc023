#!/bin/bash
# Tokens that systemd 252 does not write here: made with tpm2-tools as the source of systemd says.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
cd "$scratch"
mkdir tpm
swtpm socket --tpm2 --tpmstate dir=tpm --server type=unixio,path=tpm/sock \
	--ctrl type=unixio,path=tpm/sock.ctrl --flags not-need-init,startup-clear 2>/dev/null &
tpm=$!
trap 'kill $tpm; rm -rf "$scratch"' EXIT
for _ in $(seq 100); do [ -S tpm/sock ] && break; sleep .05; done
export TPM2TOOLS_TCTI="swtpm:path=$scratch/tpm/sock"

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
token() {
	cp empty.img "$1"
	head -c 32 /dev/urandom >sealed
	tpm2_create -Q -C "$2" -g sha256 -i sealed -L policy -a "fixedtpm|fixedparent" -u object.pub -r object.priv ${4:+-p "$4"}
	flush
	base64 -w0 <sealed >passphrase
	cryptsetup luksAddKey -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file words --new-key-slot 1 "$1" passphrase
	jq -n --arg blob "$(cat object.priv object.pub | base64 -w0)" --arg policy "$(xxd -p -c 64 policy)" \
		'{"type": "systemd-tpm2", "keyslots": ["1"], "tpm2-blob": $blob, "tpm2-pcrs": [], "tpm2-pcr-bank": "sha256", "tpm2-policy-hash": $policy} + '"$3" >token.json
	cryptsetup token import --token-id 0 --json-file token.json "$1"
}
printf words >words
truncate -s 12M empty.img
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --luks2-keyslots-size 4m empty.img words
tpm2_dictionarylockout -s -n 32 -t 1000 -l 1000

# --- RSA (systemd 250: where a TPM has no ECC) ---

policy sha256:7
parent rsa.ctx rsa2048:aes128cfb ""
token rsa.img rsa.ctx '{"tpm2-pcrs": [7], "tpm2-primary-alg": "rsa"}'
reads "an RSA primary key" rsa.img
token ecc.img rsa.ctx '{"tpm2-pcrs": [7], "tpm2-primary-alg": "ecc"}'
fails HF-KEYSTORE-FOREIGN "the wrong one" ecc.img

left=$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session)
[ -z "$left" ] && ok "nothing is left in the TPM" || not_ok "left in the TPM: $left"
