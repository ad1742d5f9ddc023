#!/bin/bash
# findings/policypcr-any-pcr.sh: a satisfied PolicyPCR session does not depend on its own PCRs alone.
#
# Software: swtpm 0.7.1, libtpms 0.9.2, tpm2-tools 5.4 (Debian 12).
# Guess:    a policy session that has satisfied PolicyPCR over PCR 7 stays good while PCR 7 keeps its value.
# Seen:     extending PCR 12, which nothing selected, makes the next use of the session fail with 0x128 (PCRs
#           have changed since checked); in a new session the same object is unsealed, as PCR 7 is the same.
#           Extending PCR 16 (debug) or 23 (application) does not: the TPM does not count their changes.
# So:       a program that keeps a satisfied session must be ready to make it again after anybody's extend; and
#           whoever wants all of them void extends one PCR that counts.
set -euo pipefail
work=$(mktemp -d)
tpm=
cleanup() {
	[ -z "$tpm" ] || kill "$tpm" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

packages=(swtpm=0.7.1-1.3 swtpm-libs=0.7.1-1.3 libtpms0=0.9.2-3.1+deb12u1 tpm2-tools=5.4-1
	libtss2-esys-3.0.2-0=3.2.1-3 libtss2-fapi1=3.2.1-3 libtss2-mu0=3.2.1-3 libtss2-rc0=3.2.1-3 libtss2-sys1=3.2.1-3
	libtss2-tctildr0=3.2.1-3 libtss2-tcti-swtpm0=3.2.1-3 libseccomp2 libjson-c5 libcurl4)
apt-get download -q "${packages[@]}" >/dev/null 2>&1
for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
lib=$work/root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
export LD_LIBRARY_PATH=$lib:$lib/swtpm PATH=$work/root/usr/bin:$PATH
export TPM2TOOLS_TCTI="swtpm:path=$work/sock"

mkdir state
swtpm socket --tpm2 --tpmstate dir=state --server type=unixio,path=sock --ctrl type=unixio,path=sock.ctrl \
	--flags not-need-init,startup-clear 2>/dev/null &
tpm=$!
for _ in $(seq 100); do [ -S sock ] && break; sleep .05; done

# There is no resource manager: what was loaded is flushed by hand.
tpm2_createprimary -Q -C o -c primary
tpm2_flushcontext -t
tpm2_startauthsession -S trial
tpm2_policypcr -Q -S trial -l sha256:7 -L policy
tpm2_flushcontext trial
echo secret | tpm2_create -Q -C primary -L policy -i - -u public -r private
tpm2_flushcontext -t
tpm2_load -Q -C primary -u public -r private -c object
tpm2_flushcontext -t

unseal_after() { # PCR: extended between the policy and the use; "none"
	local status=0
	tpm2_startauthsession --policy-session -S session
	tpm2_policypcr -Q -S session -l sha256:7
	[ "$1" = none ] || tpm2_pcrextend "$1:sha256=$(printf '%064d' 1)"
	tpm2_unseal -c object -p session:session >out 2>errors || status=$?
	tpm2_flushcontext session || true
	tpm2_flushcontext -t
	return "$status"
}
fail() { echo "policypcr-any-pcr: changed: $*" >&2; exit 1; }

unseal_after none || fail "it is not unsealed at all"
unseal_after 16 || fail "PCR 16 counts"
unseal_after 23 || fail "PCR 23 counts"
! unseal_after 12 || fail "PCR 12 does not count"
grep -q 0x128 errors || fail "another error: $(cat errors)"
unseal_after none || fail "PCR 12 changed more than the session"
echo "policypcr-any-pcr: as described"
