/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's errors mean. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "keystore/trusted/options.h"
#include "keystore/trusted/say.h"

static int no_support(const struct keystore *k, int err)
{
	int r = diag_fail(DIAG_KEYSTORE_MISSING, err,
			  "the kernel has no trusted keys, or nothing that seals them");

	diag_state("volumes with this keystore are opened, read and verified on their device only");
	diag_next("it needs CONFIG_TRUSTED_KEYS, CONFIG_TRUSTED_KEYS_%s and CONFIG_ENCRYPTED_KEYS, "
		  "and the %s when it starts",
		  trusted_is_tpm(k) ? "TPM" : "TEE (CAAM, DCP)",
		  trusted_is_tpm(k) ? "TPM" : "hardware");
	return r;
}

int trusted_fail(const struct keystore *k, int err, const char *what)
{
	if (err == ENODEV || err == EOPNOTSUPP || err == ENOSYS)
		return no_support(k, err);
	if (err == EDQUOT)
		return diag_fail(DIAG_KERNEL, err, "%s: the quota of keys is used up", what);
	return diag_fail(DIAG_KEYSTORE_FAILED, err, "%s: %s", what, strerror(err));
}

int trusted_fail_seal(const struct keystore *k, int err)
{
	int r;

	if (err == EPERM && trusted_is_tpm(k)) {
		r = diag_fail(DIAG_KEYSTORE_FAILED, err,
			      "the TPM does not seal under the storage key %s: it is not there, "
			      "wants an authorisation, or the TPM is full of other objects",
			      trusted_text(k, TRUSTED_KEYHANDLE));
		diag_next("tpm2_getcap handles-persistent; if it is not there: tpm2_createprimary "
			  "-C o -G ecc -c srk && tpm2_evictcontrol -C o -c srk %s; dmesg has the "
			  "TPM's code",
			  trusted_text(k, TRUSTED_KEYHANDLE));
		return r;
	}
	if (err == EINVAL) {
		r = diag_fail(DIAG_KEYSTORE_FAILED, err,
			      "the kernel does not accept these options of a trusted key: %s",
			      trusted_text(k, TRUSTED_OPTIONS));
		diag_next("check that its source is %s (trusted.source=), and read dmesg",
			  trusted_text(k, TRUSTED_SOURCE));
		return r;
	}
	return trusted_fail(k, err, "no trusted key can be made");
}

int trusted_fail_unseal(const struct keystore *k, int err)
{
	bool policy = trusted_has_policy(k) || k->values[TRUSTED_LOAD_OPTIONS].present;
	int r;

	if (err == EPERM && trusted_is_tpm(k) && policy) {
		r = diag_fail(DIAG_KEYSTORE_POLICY, err,
			      "the TPM does not release it: the policy is not met, its session is "
			      "not open, or it was sealed by another TPM");
		diag_next("the session that load-options names must be open, in this boot state");
	} else if ((err == EPERM && trusted_is_tpm(k)) || err == EFAULT || err == EBADMSG) {
		r = diag_fail(DIAG_KEYSTORE_FOREIGN, err,
			      "the vault's sealed key was sealed by another %s, or was changed",
			      trusted_is_tpm(k) ? "TPM (or under a storage key that is gone)"
						: "device");
		diag_next(trusted_is_tpm(k)
			      ? "tpm2_getcap handles-persistent lists the storage keys that are "
				"there"
			      : "put the medium of this device back");
	} else if (err == EINVAL) {
		r = diag_fail(
		    DIAG_TAMPERED, err,
		    "the kernel does not accept the vault's sealed key: it was changed, or "
		    "the kernel's source is not %s",
		    trusted_text(k, TRUSTED_SOURCE));
		diag_next("trusted.source=%s on the kernel's command line, if that is missing",
			  trusted_text(k, TRUSTED_SOURCE));
	} else {
		return trusted_fail(k, err, "the trusted key cannot be loaded");
	}
	diag_state("nothing was opened, nothing was changed");
	return r;
}

int trusted_fail_load(const struct keystore *k, int err, const char *name)
{
	int r;

	if (err == EINVAL || err == EBADMSG)
		r = diag_fail(DIAG_TAMPERED, err,
			      "the vault's key %s was changed: its MAC is not one of this keystore",
			      name);
	else if (err == ENOKEY)
		r = diag_fail(DIAG_TAMPERED, err,
			      "the vault's key %s is encrypted under another trusted key than the "
			      "vault's",
			      name);
	else
		return trusted_fail(k, err, "the encrypted key cannot be loaded");
	diag_state("nothing was opened, nothing was changed");
	diag_next("holdfast recovery assess");
	return r;
}
