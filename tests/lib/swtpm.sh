# TPMs of a test's own (swtpm behind a socket: no kernel, no resource manager). After tap.sh.
# shellcheck shell=bash disable=SC2154

# tpm NAME: starts one, with its state in $scratch/NAME; use_tpm NAME: TPM2TOOLS_TCTI is that one.
swtpms=()
trap 'kill "${swtpms[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT
use_tpm() { export TPM2TOOLS_TCTI="swtpm:path=$scratch/$1/sock"; }
tpm() {
	mkdir "$scratch/$1"
	swtpm socket --tpm2 --tpmstate dir="$scratch/$1" --server type=unixio,path="$scratch/$1/sock" \
		--ctrl type=unixio,path="$scratch/$1/sock.ctrl" --flags not-need-init,startup-clear 2>/dev/null &
	swtpms+=($!)
	for _ in $(seq 100); do [ -S "$scratch/$1/sock" ] && break; sleep .05; done
	use_tpm "$1"
}
