#!/bin/bash
# systemd-token = true: what keeps its token from being sealed anew keeps no key from being rotated or given up.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/swtpm.sh
. "$HOLDFAST_TOP/tests/lib/swtpm.sh"
cd "$scratch"
tpm one
hf() { "$HOLDFAST" "$@" --tcti "$TPM2TOOLS_TCTI"; }
cat >token.layout <<'END'
medium "m" { size = 56M }
keystore "device" { backend = "tpm2" }
volume "v" { partition { size = 20M } crypt { header-size = 1M systemd-token = true recovery-key = true } filesystem { } }
volume "w" { partition { size = 20M } crypt { header-size = 1M } filesystem { } }
END
check "provision" hf provision -q token.layout a.img
offset=$(sfdisk -J a.img | jq '.partitiontable.partitions[] | select(.name == "v") | .start * 512')
header() { dd if=a.img of=header bs=1M count=1 iflag=skip_bytes skip="$offset" status=none; }
tokens() { header && cryptsetup luksDump --dump-json-metadata header | jq -c .tokens; }
opens() { header && truncate -s 8M header && cryptsetup luksOpen --disable-external-tokens --test-passphrase header --key-file words 2>/dev/null; }
before=$(tokens)
hf key rotate a.img >said
grep -q "opens no more, but by a recovery key, or by systemd's token on this device" said && ok "what a copy from before opens by" || not_ok "rotate: $(cat said)"
[ "$before" != "$(tokens)" ] && ok "a new token" || not_ok "the token is the old one"

# Wrong tries, until the TPM is locked.
tpm2_createprimary -Q -c p.ctx -C o
echo secret | tpm2_create -Q -C p.ctx -u pub -r priv -i - -p right
tpm2_flushcontext -t
tpm2_load -Q -C p.ctx -u pub -r priv -c o.ctx
tpm2_flushcontext -t
for _ in 1 2 3 4; do tpm2_unseal -Q -c o.ctx -p wrong 2>/dev/null || true; tpm2_flushcontext -t; done
tpm2_getcap properties-variable >caps
grep -q 'inLockout: *1' caps && ok "the TPM is locked out" || not_ok "no lockout"
before=$(tokens)
hf key rotate a.img >said 2>&1 && ok "key rotate in lockout" || not_ok "key rotate: $(cat said)"
grep -q "systemd's token was left as it was" said && ok "that is said" || not_ok "nothing said: $(cat said)"
[ "$before" = "$(tokens)" ] && ok "the token is the old one" || not_ok "another token"
check "verify" hf verify -q a.img
check "key forget in lockout" hf key forget -q a.img w
tpm2_dictionarylockout -c

# No place for a token.
header
for i in $(seq 0 31); do echo '{"type":"x","keyslots":[]}' | cryptsetup token import --token-id "$i" header --token-replace 2>/dev/null || true; done
dd if=header of=a.img bs=1M seek="$offset" oflag=seek_bytes conv=notrunc status=none
[ "$(tokens | jq 'length')" = 32 ] && ok "32 tokens" || not_ok "$(tokens)"
hf key rotate a.img >said 2>&1 && ok "key rotate without a place for the token" || not_ok "key rotate: $(cat said)"
grep -q "no place for a token" said && ok "that is said" || not_ok "nothing said: $(cat said)"

hf key recovery -q a.img v -o recovery
tr -d '\n' <recovery >words
check "the recovery key opens" opens
check "key forget" hf key forget -q a.img v
opens && not_ok "a keyslot opens" || ok "no keyslot opens"
"$HOLDFAST" status a.img --tcti "$TPM2TOOLS_TCTI" | grep -q "^way into" && not_ok "ways in are left" || ok "status: no way in"
