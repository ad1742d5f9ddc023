/* SPDX-License-Identifier: Apache-2.0 */
/* A PIN: the TPM asks for one half of what is derived from it; the other half never leaves this
 * machine. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/kdf.h"
#include "keystore/tpm2/auth.h"
#include "keystore/tpm2/capability.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/pin.h"

int tpm2_pin_ask(const struct keystore *k, struct env *env, bool fresh, struct secret **ret)
{
	int r;

	if (env->input)
		return env->input->ask(env->input->ctx, ASK_PIN, k->name, fresh, ret);
	r = diag_fail(DIAG_KEY_INPUT, ENOKEY, "keystore %s needs a PIN", k->name);
	diag_next("give it with --pin-fd N");
	return r;
}

int tpm2_pin_derive(const struct keystore *k, struct env *env, const struct tpm2_pin *pin,
		    bool fresh, struct tpm2_pin_keys *ret)
{
	_cleanup_secret_ struct secret *words = NULL, *both = NULL, *mix = NULL;
	int r = tpm2_pin_ask(k, env, fresh, &words);

	if (r >= 0)
		r = secret_new(2 * SHA256_BYTES, &both);
	if (r >= 0)
		r = secret_new(SHA256_BYTES, &mix);
	if (r >= 0)
		r = kdf_argon2id(secret_bytes(words), secret_len(words), pin->salt,
				 sizeof(pin->salt), pin->memory_kib, pin->passes, pin->lanes,
				 secret_bytes(both), secret_len(both));
	if (r < 0)
		return r;
	memcpy(secret_bytes(mix), secret_bytes(both), SHA256_BYTES);
	ret->auth.size = SHA256_BYTES;
	memcpy(ret->auth.buffer, secret_bytes(both) + SHA256_BYTES, SHA256_BYTES);
	tpm2_auth_trim(&ret->auth);
	ret->mix = TAKE(mix);
	return 0;
}

void tpm2_pin_forget(struct tpm2_pin_keys *p)
{
	p->mix = secret_free(p->mix);
	explicit_bzero(&p->auth, sizeof(p->auth));
}

int tpm2_pin_mix(const struct tpm2_pin_keys *p, const struct secret *sealed, struct secret **ret)
{
	const struct kdf_field info = {"holdfast 1 tpm2 PIN", 19};
	_cleanup_secret_ struct secret *both = NULL, *out = NULL;
	int r = secret_new(DEVICE_SECRET_BYTES + SHA256_BYTES, &both);

	if (r >= 0)
		r = secret_new(DEVICE_SECRET_BYTES, &out);
	if (r < 0)
		return r;
	memcpy(secret_bytes(both), secret_bytes(sealed), DEVICE_SECRET_BYTES);
	memcpy(secret_bytes(both) + DEVICE_SECRET_BYTES, secret_bytes(p->mix), SHA256_BYTES);
	r = kdf_hkdf(secret_bytes(both), secret_len(both), &info, 1, secret_bytes(out),
		     secret_len(out));
	if (r >= 0)
		*ret = TAKE(out);
	return r;
}

int tpm2_pin_wrong(struct keystore_session *s, const char *what, TSS2_RC rc)
{
	uint32_t max = 0, used = 0, recovery = 0;
	size_t mark = diag_count();
	int r;

	if (tpm2_property(s, TPM2_PT_MAX_AUTH_FAIL, &max) < 0 ||
	    tpm2_property(s, TPM2_PT_LOCKOUT_COUNTER, &used) < 0 ||
	    tpm2_property(s, TPM2_PT_LOCKOUT_INTERVAL, &recovery) < 0)
		diag_forget(mark);
	if (tpm2_code(rc) == TPM2_RC_LOCKOUT || (max && used >= max)) {
		r = diag_fail(DIAG_KEYSTORE_BUSY, EBUSY,
			      "the TPM is locked out after %u wrong PINs; %s takes none now", max,
			      what);
		diag_next("wait %u seconds for one more try, or `tpm2_dictionarylockout -c` with "
			  "the lockout authorisation",
			  recovery);
	} else {
		r = diag_fail(DIAG_KEY_WRONG, EKEYREJECTED,
			      "the PIN does not open %s; %u tries are left before the TPM "
			      "locks itself",
			      what, max > used ? max - used : 0);
		diag_next("try again; one try comes back every %u seconds", recovery);
	}
	diag_state("nothing was opened, nothing was changed");
	return r;
}

int tpm2_pin_refused(struct keystore_session *s, const struct keystore *k, TSS2_RC rc)
{
	_cleanup_text_ struct text what = {0};

	text_add(&what, "keystore %s", k->name);
	return what.failed ? diag_no_memory() : tpm2_pin_wrong(s, what.s, rc);
}
