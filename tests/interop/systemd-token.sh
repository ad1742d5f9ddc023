#!/bin/bash
# Volumes that systemd-cryptenroll bound to a TPM are read: signed PCRs, several tokens.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/swtpm.sh
. "$HOLDFAST_TOP/tests/lib/swtpm.sh"
cd "$scratch"
tpm one

enroll() { # IMAGE, options
	local image=$1
	shift
	PASSWORD=words NEWPIN=4711 systemd-cryptenroll --tpm2-device="$TPM2TOOLS_TCTI" "$@" "$image" >.out 2>&1 ||
		not_ok "systemd-cryptenroll $*"
	tpm2_flushcontext -l # it leaves a session behind, and there is no resource manager
}
volume() { # IMAGE
	cp empty.img "$1"
}
hf() { # COMMAND IMAGE, options
	local command=$1 image=$2
	shift 2
	[ "$command" != read ] || set -- volume -o out "$@"
	rm -f out
	"$HOLDFAST" "$command" -q "$image" "$@" --systemd-token --tcti "$TPM2TOOLS_TCTI"
}
reads() { check "$1" hf read "${@:2}"; }
fails() { # CODE, what, arguments of hf read
	local code=$1 text=$2 got
	shift 2
	hf read "$@" --json >.out 2>.err && got="" || true
	got=$(tail -1 .out | jq -r .code)
	[ "$got" = "$code" ] && ok "$text" || not_ok "$text: $got, not $code"
}
nothing_left() {
	local left
	left=$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session)
	[ -z "$left" ] && ok "nothing is left in the TPM" || not_ok "left in the TPM: $left"
}
# Wrong PINs that the TPM has counted.
counted() { echo $(($(tpm2_getcap properties-variable | sed -n 's/TPM2_PT_LOCKOUT_COUNTER: *//p'))); }
extend() { tpm2_pcrextend "$1:sha256=$(printf %s "$2" | sha256sum | cut -c1-64)"; }

tpm2_dictionarylockout -s -n 32 -t 1000 -l 1000
printf words >words
printf 4711 >pin
printf 1234 >wrong
truncate -s 12M empty.img
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --luks2-keyslots-size 4m empty.img words
for key in key other; do
	openssl genrsa -out $key.pem 2048 2>/dev/null
	openssl rsa -in $key.pem -pubout -out $key.pub 2>/dev/null
done
echo kernel >linux
sign() { # KEY FILE, options: for the four phases of systemd
	/lib/systemd/systemd-measure sign --tpm2-device="$TPM2TOOLS_TCTI" --linux=linux --bank=sha256 \
		--private-key="$1.pem" --public-key="$1.pub" "${@:3}" >"$2"
}
# As systemd-stub and systemd-pcrphase measure.
tpm2_pcrextend 11:sha256="$(printf '.linux\0' | sha256sum | cut -c1-64)"
tpm2_pcrextend 11:sha256="$(sha256sum <linux | cut -c1-64)"
extend 11 enter-initrd
extend 11 leave-initrd

# --- signed PCRs ---

sign key sig.json
sign key one.json --phase=enter-initrd:leave-initrd
sign key late.json --phase=enter-initrd:leave-initrd:sysinit
sign other other.json
jq --slurpfile o other.json '.sha256 |= [range(length) as $i | .[$i] * {sig: $o[0].sha256[$i].sig}]' sig.json >forged.json
signed="--tpm2-public-key=key.pub --tpm2-public-key-pcrs=11"
volume signed.img
enroll signed.img $signed --tpm2-pcrs=
reads "signed PCRs" signed.img --tpm2-signature sig.json
reads "one signature" signed.img --tpm2-signature one.json
check "verify" hf verify signed.img --tpm2-signature sig.json
check_status 2 "--tpm2-signature alone" "$HOLDFAST" verify signed.img --tpm2-signature sig.json
fails HF-KEYSTORE-POLICY "no file of signatures" signed.img
fails HF-FILE "a file that is not there" signed.img --tpm2-signature none.json
fails HF-SOURCE "a file that is not JSON" signed.img --tpm2-signature words
fails HF-KEYSTORE-POLICY "signatures for another phase only" signed.img --tpm2-signature late.json
fails HF-KEYSTORE-POLICY "signatures of another key" signed.img --tpm2-signature other.json
fails HF-KEYSTORE-POLICY "signatures of another key under this one's fingerprint" signed.img --tpm2-signature forged.json
volume both.img
enroll both.img $signed --tpm2-pcrs=7+8 --tpm2-with-pin=yes
reads "signed PCRs, PCRs by value, PIN" both.img --tpm2-signature sig.json --pin-file pin
before=$(counted)
fails HF-KEY-WRONG "a wrong PIN" both.img --tpm2-signature sig.json --pin-file wrong
[ "$(counted)" = $((before + 1)) ] && ok "the TPM counted one" || not_ok "the TPM counted $(($(counted) - before))"
fails HF-KEYSTORE-POLICY "no signature: no PIN is tried" both.img --tpm2-signature late.json --pin-file wrong
[ "$(counted)" = $((before + 1)) ] && ok "nor counted" || not_ok "the TPM counted"
nothing_left

# --- several tokens ---

volume two.img
enroll two.img --tpm2-pcrs=16
tpm2_pcrextend 16:sha256="$(printf '%064d' 1)"
enroll two.img --tpm2-pcrs=16 --tpm2-with-pin=yes
enroll two.img --tpm2-pcrs=16 --tpm2-with-pin=yes
reads "the first does not hold, the second needs a PIN" two.img --pin-file pin
before=$(counted)
fails HF-KEY-WRONG "a wrong PIN ends it" two.img --pin-file wrong
[ "$(counted)" = $((before + 1)) ] && ok "the TPM counted one" || not_ok "the TPM counted $(($(counted) - before))"
fails HF-KEYSTORE-POLICY "no PIN is given: the first one's failure" two.img
grep -q "needs a PIN" .err && ok "and that another one wants a PIN" || not_ok "$(cat .err)"
enroll two.img --tpm2-pcrs=16
reads "a token without a PIN goes first" two.img
fails HF-KEY-UNUSED "a PIN that nothing asks for" two.img --pin-file wrong
[ "$(counted)" = $((before + 1)) ] && ok "no PIN was tried" || not_ok "a PIN was tried"
tpm2_pcrextend 16:sha256="$(printf '%064d' 2)"
fails HF-KEYSTORE-POLICY "none of them holds" two.img --pin-file pin
[ "$(tail -1 .out | jq '.failures | length')" = 1 ] && ok "one failure is told" || not_ok "$(cat .out)"
nothing_left
volume strange.img
enroll strange.img --tpm2-pcrs=
cryptsetup token export --token-id 0 strange.img | jq -c '. + {"tpm2_new": 1}' >strange.json
enroll strange.img --tpm2-pcrs=7
cryptsetup token import --token-id 0 --token-replace --json-file strange.json strange.img
reads "one that is not understood is passed over" strange.img
cryptsetup token remove --token-id 1 strange.img
fails HF-DAMAGED "alone it is refused" strange.img
grep -q "tpm2_new" .err && ok "by name" || not_ok "$(cat .err)"
