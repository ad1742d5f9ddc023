#!/bin/bash
# erase = "final": what hardware cannot erase is refused, at provisioning and afterwards.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/swtpm.sh
. "$HOLDFAST_TOP/tests/lib/swtpm.sh"
cd "$scratch"
tpm one
layout() { # the keystore's and the crypt layer's rest
	cat <<END
medium "m" { size = 40M }
keystore "device" { backend = "tpm2" erase = "final" $1 }
volume "v" { partition { size = 24M } crypt { header-size = 1M $2 } filesystem { } }
END
}
refused() { # CODE TEXT ARGUMENT…
	local code=$1 text=$2 got
	shift 2
	got=$("$HOLDFAST" "$@" --tcti "$TPM2TOOLS_TCTI" --json 2>/dev/null | tail -1 | jq -r .code) || true
	[ "$got" = "$code" ] && ok "$text" || not_ok "$text: $got, not $code"
}
layout "" "recovery-key = true" >recovery.layout
layout "" "systemd-token = true" >token.layout
layout "" "" >final.layout
refused HF-LAYOUT-VALUE "a recovery key" provision recovery.layout a.img
refused HF-LAYOUT-VALUE "a token of systemd" provision token.layout a.img
[ ! -e a.img ] && ok "nothing was written" || not_ok "something was written"
check "nothing of that" "$HOLDFAST" provision -q --tcti "$TPM2TOOLS_TCTI" final.layout a.img
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=fleet -keyout key -out fleet.pem 2>/dev/null
cp a.img before.img
refused HF-LIFECYCLE "escrow" key escrow a.img v --to fleet.pem -o escrow
[ ! -e escrow ] && cmp -s a.img before.img && ok "nothing was changed" || not_ok "something was changed"
[ "$("$HOLDFAST" status a.img --tcti "$TPM2TOOLS_TCTI" --json | tail -1 | jq -r '.keystores[0].erase')" = final ] &&
	ok "status: final" || not_ok "status: $("$HOLDFAST" status a.img --tcti "$TPM2TOOLS_TCTI")"
