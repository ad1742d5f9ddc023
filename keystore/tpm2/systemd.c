/* SPDX-License-Identifier: Apache-2.0 */
/* A token by which systemd-cryptsetup opens a volume, sealed as systemd-cryptenroll does it.
 * Source: systemd 252, src/shared/tpm2-util.c, tpm2_seal() */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "keystore/tpm2/auth.h"
#include "keystore/tpm2/digest.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/object.h"
#include "keystore/tpm2/options.h"
#include "keystore/tpm2/signature.h"
#include "keystore/tpm2/systemd.h"
#include "userspace/luks2/token.h"

#define PARENT_ATTRIBUTES                                                                          \
	(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |                     \
	 TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH)

/* --- as systemd does it --- */

/* systemd's primary_template_ecc and primary_template_rsa. */
static TPM2B_PUBLIC template(bool rsa)
{
	const TPMT_SYM_DEF_OBJECT cipher = {
	    .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	TPM2B_PUBLIC t = {.publicArea = {.type = rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC,
					 .nameAlg = TPM2_ALG_SHA256,
					 .objectAttributes = PARENT_ATTRIBUTES}};

	if (rsa)
		t.publicArea.parameters.rsaDetail = (TPMS_RSA_PARMS){
		    .symmetric = cipher, .scheme.scheme = TPM2_ALG_NULL, .keyBits = 2048};
	else
		t.publicArea.parameters.eccDetail = (TPMS_ECC_PARMS){.symmetric = cipher,
								     .scheme.scheme = TPM2_ALG_NULL,
								     .curveID = TPM2_ECC_NIST_P256,
								     .kdf.scheme = TPM2_ALG_NULL};
	return t;
}

int tpm2_systemd_primary(struct keystore_session *s, bool rsa)
{
	const TPM2B_PUBLIC wanted = template(rsa);
	const TPM2B_SENSITIVE_CREATE none = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc = Esys_CreatePrimary(s->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, &none, &wanted, &no_data, &no_pcrs, &tr, NULL,
					NULL, NULL, NULL);

	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "systemd's primary key cannot be made");
	tpm2_hold(s, &s->primary, tr);
	return 0;
}

int tpm2_systemd_auth(const struct secret *pin, TPM2B_AUTH *ret)
{
	TPM2B_AUTH auth = {.size = SHA256_BYTES};
	int r = digest_sha256(secret_bytes(pin), secret_len(pin), auth.buffer);

	tpm2_auth_trim(&auth);
	if (r >= 0)
		*ret = auth;
	explicit_bzero(&auth, sizeof(auth));
	return r;
}

/* --- a token --- */

/* A version revokes by what signatures are for, and systemd takes signatures for any version. */
static int check(const struct keystore *k)
{
	char at[WHERE_SIZE];
	int r;

	if (!tpm2_wants_version(k))
		return 0;
	r = diag_fail(
	    DIAG_LAYOUT_VALUE, EINVAL,
	    "%skeystore \"%s\": systemd-token and pcr-version exclude each other: systemd "
	    "opens for every signature, also those that pcr-version revokes",
	    where_text(&k->where, at), k->name);
	diag_next("leave pcr-version or systemd-token out");
	return r;
}

static int pin_auth(const struct keystore *k, struct env *env, TPM2B_AUTH *ret)
{
	_cleanup_secret_ struct secret *pin = NULL;
	int r = tpm2_pin_ask(k, env, true, &pin);

	return r < 0 ? r : tpm2_systemd_auth(pin, ret);
}

static void name_key_as_systemd(struct tpm2_boot *b)
{
	UINT32 *exponent = &b->key.publicArea.parameters.rsaDetail.exponent;

	if (b->is_signed && !*exponent)
		*exponent = SYSTEMD_RSA_EXPONENT;
}

/* Sets *@ret to TPM2B_PRIVATE followed by TPM2B_PUBLIC. */
static int create(struct keystore_session *s, const TPM2B_DIGEST *policy, const TPM2B_AUTH *auth,
		  const struct secret *secret, struct tpm2_token_bytes *ret)
{
	TPM2B_PUBLIC public = {
	    .publicArea = {.type = TPM2_ALG_KEYEDHASH,
			   .nameAlg = TPM2_ALG_SHA256,
			   .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
					       (auth->size ? 0 : TPMA_OBJECT_NODA),
			   .authPolicy = *policy,
			   .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
	TPM2B_PRIVATE private;
	int r = tpm2_object_create(s, s->primary.tr, secret, auth, &public, &private);

	if (r < 0)
		return r;
	if (Tss2_MU_TPM2B_PRIVATE_Marshal(&private, ret->bytes, TPM2_TOKEN_BLOB, &ret->len) ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(&public, ret->bytes, TPM2_TOKEN_BLOB, &ret->len))
		return diag_fail(DIAG_INTERNAL, EIO, "the sealed secret cannot be encoded");
	return 0;
}

static int set_bytes(struct tpm2_token_bytes *to, const void *bytes, size_t len)
{
	if (len > sizeof(to->bytes))
		return diag_fail(DIAG_SOURCE, EFBIG,
				 "the PCR policy's key is too long for a token");
	memcpy(to->bytes, bytes, len);
	to->len = len;
	return 0;
}

/* What the token says about the boot. */
static int describe_boot(const struct keystore *k, const struct tpm2_boot *b, struct tpm2_token *t)
{
	_cleanup_text_ struct text pem = {0};
	int r;

	if (b->pcrs)
		snprintf(t->bank, sizeof(t->bank), "%s", tpm2_bank_name(b->bank));
	if (!b->is_signed) {
		t->pcrs = b->pcrs;
		return 0;
	}
	t->pubkey_pcrs = b->pcrs;
	r = tpm2_signature_read(tpm2_public_key_path(k), &pem);
	return r < 0 ? r : set_bytes(&t->pubkey, pem.s, pem.len);
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *env,
		const struct secret *secret, unsigned keyslot, struct text *ret)
{
	_cleanup_free_ struct tpm2_token *t = calloc(1, sizeof(*t));
	TPM2B_DIGEST policy;
	TPM2B_AUTH auth = {0};
	struct tpm2_boot boot;
	int r = t ? 0 : diag_no_memory();

	if (r < 0 || s->remote) /* the first opening does it, next to the TPM */
		return r;
	r = tpm2_boot_now(k, s, &boot);
	if (r >= 0)
		name_key_as_systemd(&boot);
	if (r >= 0 && tpm2_wants_pin(k))
		r = pin_auth(k, env, &auth);
	if (r >= 0 && !tpm2_digest_systemd(&boot, tpm2_wants_pin(k), &policy))
		r = diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	if (r >= 0)
		r = tpm2_systemd_primary(s, false);
	if (r >= 0)
		r = create(s, &policy, &auth, secret, &t->blob[0]);
	tpm2_release(s, &s->primary);
	explicit_bzero(&auth, sizeof(auth));
	if (r >= 0)
		r = set_bytes(&t->policy[0], policy.buffer, policy.size);
	if (r >= 0)
		r = describe_boot(k, &boot, t);
	if (r < 0)
		return r;
	t->keyslot = keyslot;
	t->shards = t->policies = 1;
	t->pin = tpm2_wants_pin(k);
	memcpy(t->primary, "ecc", sizeof("ecc"));
	tpm2_token_encode(t, ret);
	return ret->failed ? diag_no_memory() : 0;
}

const struct keystore_systemd_ops tpm2_systemd = {.check = check, .seal = seal};
