#!/bin/bash
# What is sealed for a TPM that is not here, a TPM takes, and another one does not.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$HOLDFAST_TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/swtpm.sh
. "$HOLDFAST_TOP/tests/lib/swtpm.sh"
cd "$scratch"
# There is no resource manager: every command leaves its objects loaded.
flush() { tpm2_flushcontext -t; }
storage_key() { tpm2_createprimary -Q -C o -g sha256 -G ecc -c "$1.ctx" && tpm2_readpublic -Q -c "$1.ctx" -o "$1.pub" && flush; }
tpm here
tpm there
use_tpm here
check "a storage key" storage_key here
check "seal" "$HOLDFAST_BUILD/tests/interop/tpm-import" here.pub "words of 32 bytes, more or less." dup seed pub
take() { tpm2_import -Q -C "$1.ctx" -i dup -s seed -u pub -r "$1.priv" && flush && tpm2_load -Q -C "$1.ctx" -u pub -r "$1.priv" -c "$1.obj" && flush; }
check "the TPM takes it" take here
check "and opens it" tpm2_unseal -Q -c here.obj -o out
[ "$(cat out)" = "words of 32 bytes, more or less." ] && ok "it is what was sealed" || not_ok "contents"
use_tpm there
check "another TPM's storage key" storage_key there
take there >"$scratch/.out" 2>&1 && not_ok "another TPM takes it" || ok "another TPM does not take it"
said "integrity check failed"
