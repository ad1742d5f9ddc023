#!/bin/bash
# Signed PCR policies: a version is raised, what was signed for older ones opens nothing any more. And PCRs by
# value, which an update changed: what was in escrow is bound to the new ones.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/swtpm.sh
. "$HOLDFAST_TOP/tests/lib/swtpm.sh"
cd "$scratch"
hf() { "$HOLDFAST" "$@" --tcti "$TPM2TOOLS_TCTI"; }
refused() { # CODE TEXT ARGUMENT…
	local code=$1 text=$2 got
	shift 2
	got=$(hf "$@" --json 2>/dev/null | tail -1 | jq -r .code) || true
	[ "$got" = "$code" ] && ok "$text" || not_ok "$text: $got, not $code"
}
entry() { # VERSION: over what PCR 16 says now
	tpm2_createpolicy -Q --policy-pcr -l sha256:16 -L pol
	tpm2_flushcontext -l
	cat pol >signed
	[ "$1" = 0 ] || printf 'holdfast:%s' "$1" >>signed
	jq -n --arg pol "$(xxd -p -c 64 pol)" --arg sig "$(openssl dgst -sha256 -sign key.pem signed | base64 -w0)" \
		--arg fp "$(openssl rsa -pubin -in public.pem -RSAPublicKey_out -outform DER 2>/dev/null | sha256sum | cut -c1-64)" \
		--argjson version "$1" \
		'{pcrs: [16], pkfp: $fp, pol: $pol, sig: $sig} + (if $version > 0 then {version: $version} else {} end)'
}
sign() { # VERSION…
	for version; do entry "$version"; done | jq -s '{sha256: .}' >signature.json
}
layout() { # the keystore's rest
	echo 'medium "m" { size = 40M }'
	echo "keystore \"device\" { backend = \"tpm2\" $1 }"
	echo 'volume "v" { partition { size = 24M } crypt { header-size = 1M } filesystem { } }'
}
anchors() { tpm2_getcap handles-nv-index | grep -ci '0x18b4f0[34]'; }

tpm one
openssl genrsa -out key.pem 2048 2>/dev/null
openssl rsa -in key.pem -pubout -out public.pem 2>/dev/null
layout 'pcrs = {16} pcr-public-key = "public.pem" pcr-signature = "signature.json"' >signed.layout
sign 0
check "provision" hf provision -q signed.layout a.img
check "verify" hf verify -q a.img
TSS2_LOG=all+trace TSS2_LOGFILE=$PWD/tss.log "$HOLDFAST" verify -q a.img --tcti "$TPM2TOOLS_TCTI" 2>stderr || true
[ ! -s tss.log ] && ! grep -qi tss stderr && ok "tpm2-tss logs nothing, whatever TSS2_LOG says" || not_ok "tpm2-tss logs"
cp a.img before.img
refused HF-KEYSTORE-POLICY "a version that this image was not signed for" key rotate a.img --pcr-version 2
check "nothing was lost" hf verify -q a.img
sign 0 2
check "key rotate --pcr-version" hf key rotate -q a.img --pcr-version 2
check "verify, version 2" hf verify -q a.img
hf status a.img >status
grep -q "version 2" status && ok "status: the version" || not_ok "status: $(cat status)"
grep -q "this vault is the one" status && ok "status: the anchor" || not_ok "status: $(cat status)"
[ "$(anchors)" = 1 ] && ok "one anchor is left" || not_ok "anchors: $(anchors)"
refused HF-VAULT-OLD "the medium from before" verify before.img
sign 0
refused HF-KEYSTORE-POLICY "an older image" verify a.img
sign 2
check "a newer image" hf verify -q a.img
refused HF-USAGE "a version is not lowered" key rotate a.img --pcr-version 1
refused HF-USAGE "no number" key rotate a.img --pcr-version x
check "the same again" hf key rotate -q a.img --pcr-version 2
tpm2_changeauth -c o secret
sign 2 3
refused HF-KEYSTORE-OWNER "without the owner" key rotate a.img --pcr-version 3
check "nothing was lost" hf verify -q a.img
echo secret >owner
check "with the owner" hf key rotate -q a.img --pcr-version 3 --owner-file owner
sign 3
check "verify, version 3" hf verify -q a.img
tpm2_pcrextend "16:sha256=$(printf '%064d' 7)"
sign 3
check "another boot state that is signed" hf verify -q a.img

tpm two
layout 'pcrs = {16}' >values.layout
check "provision: PCRs by value" hf provision -q values.layout b.img
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=fleet -keyout fleet.key -out fleet.pem 2>/dev/null
check "key escrow" hf key escrow b.img v --to fleet.pem -o escrow.cms
openssl cms -decrypt -inform PEM -in escrow.cms -inkey fleet.key -recip fleet.pem -out escrow.json
jq -j .receipt_message escrow.json |
	openssl dgst -sha256 -mac hmac -macopt "key:$(jq -r .recovery_key escrow.json)" -r | cut -c1-64 >receipt
check "the receipt" hf key escrow b.img v --receipt receipt
jq -r .recovery_key escrow.json >recovery
tpm2_pcrextend "16:sha256=$(printf '%064d' 7)"
refused HF-KEYSTORE-POLICY "after an update" verify b.img
check "key restore" hf key restore -q b.img v --recovery-key-file recovery
check "verify" hf verify -q b.img
[ "$(anchors)" = 1 ] && ok "one anchor is left" || not_ok "anchors: $(anchors)"
tpm2_pcrextend "16:sha256=$(printf '%064d' 8)"
refused HF-LIFECYCLE "another medium, after another update" provision values.layout c.img
check "with --retire-keys" hf provision -q --retire-keys values.layout c.img
check "verify" hf verify -q c.img
[ "$(anchors)" = 1 ] && ok "one anchor is left" || not_ok "anchors: $(anchors)"
refused HF-VAULT-OLD "the one from before" verify b.img
refused HF-USAGE "no signatures, no version" key rotate c.img --pcr-version 2
