/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM that is not here: its identity is told, what is sealed for it is imported there once. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "keystore/tpm2-import.h"
#include "keystore/tpm2.h"

static int load_file(const char *path, struct tpm2_identity *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[TPM2_IDENTITY_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		return diag_file(errno, path);
	if (tpm2_identity_decode(text, (size_t)n, ret) < 0)
		return diag_fail(DIAG_SOURCE, EINVAL,
				 "%s is no identity of a TPM: `holdfast key "
				 "identity` on the device writes one",
				 path);
	return 0;
}

int tpm2_remote_open(const char *path, struct keystore_session *s)
{
	TPMT_PUBLIC *key;
	uint8_t bytes[sizeof(TPMT_PUBLIC)];
	size_t len = 0;
	int r;

	s->remote = calloc(1, sizeof(*s->remote));
	if (!s->remote)
		return diag_no_memory();
	r = load_file(path, s->remote);
	if (r < 0)
		return r;
	key = &s->remote->storage_key.publicArea;
	s->srk_name[0] = TPM2_ALG_SHA256 >> 8;
	s->srk_name[1] = TPM2_ALG_SHA256 & 0xff;
	if (Tss2_MU_TPMT_PUBLIC_Marshal(key, bytes, sizeof(bytes), &len) != TSS2_RC_SUCCESS ||
	    digest_sha256(bytes, len, s->srk_name + 2) < 0)
		return diag_fail(DIAG_INTERNAL, EIO, "a key cannot be named");
	return 0;
}

int tpm2_remote_pcr_digest(const struct keystore *k, const struct keystore_session *s,
			   uint8_t ret[static TPM2_POLICY_BYTES])
{
	const TPML_PCR_SELECTION sel = tpm2_pcrs(k);
	_cleanup_digest_ struct digest *d = NULL;
	int r = digest_new("sha256", &d);

	if (r >= 0 && sel.pcrSelections[0].hash != TPM2_ALG_SHA256)
		r = diag_fail(DIAG_USAGE, ENOTSUP,
			      "keystore %s: the identity of a TPM has PCRs of bank sha256 only",
			      k->name);
	for (unsigned i = 0; i < TPM2_IDENTITY_PCRS && r >= 0; i++) {
		if (sel.pcrSelections[0].pcrSelect[i / 8] & 1 << i % 8)
			r = digest_add(d, s->remote->pcr[i], 32);
	}
	return r < 0 ? r : digest_finish(d, ret);
}

int tpm2_remote_seal(const struct keystore_session *s, TPM2B_PUBLIC *object,
		     const struct secret *sealed, const struct secret *auth,
		     int (*random)(void *buf, size_t len), struct tpm2_areas *ret)
{
	TPM2B_PRIVATE duplicate = {0};
	TPM2B_ENCRYPTED_SECRET seed = {0};
	TSS2_RC rc;
	int r;

	object->publicArea.objectAttributes &= ~(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT);
	r = tpm2_import_make(&s->remote->storage_key.publicArea, &object->publicArea, sealed, auth,
			     random, &duplicate, &seed);
	if (r < 0)
		return r;
	*ret = (struct tpm2_areas){0};
	rc = Tss2_MU_TPM2B_PUBLIC_Marshal(object, ret->public, sizeof(ret->public),
					  &ret->public_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(&duplicate, ret->private, sizeof(ret->private),
						   &ret->private_len);
	if (rc == TSS2_RC_SUCCESS)
		rc = Tss2_MU_TPM2B_ENCRYPTED_SECRET_Marshal(&seed, ret->seed, sizeof(ret->seed),
							    &ret->seed_len);
	return tpm2_check(rc, "sealing for another TPM");
}

int tpm2_remote_import(struct keystore_session *s, const TPM2B_PUBLIC *public,
		       const uint8_t *seed_bytes, size_t seed_len, TPM2B_PRIVATE *private)
{
	const TPMT_SYM_DEF_OBJECT no_inner = {.algorithm = TPM2_ALG_NULL};
	const TPM2B_DATA no_key = {0};
	TPM2B_ENCRYPTED_SECRET seed = {0};
	TPM2B_PRIVATE *imported = NULL;
	size_t at = 0;
	TSS2_RC rc = Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(seed_bytes, seed_len, &at, &seed);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Import(s->esys, s->srk, s->hmac, ESYS_TR_NONE, ESYS_TR_NONE, &no_key,
				 public, private, &seed, &no_inner, &imported);
	if (rc == TSS2_RC_SUCCESS)
		*private = *imported;
	Esys_Free(imported);
	if (tpm2_error(rc) == TPM2_RC_INTEGRITY || tpm2_error(rc) == TPM2_RC_ECC_POINT ||
	    tpm2_error(rc) == TPM2_RC_KEY)
		return diag_fail(DIAG_KEYSTORE_FOREIGN, EKEYREJECTED,
				 "this image was made for another TPM, or its secret was changed");
	return tpm2_check(rc, "importing the sealed secret");
}

/* --- the identity of the one that is here --- */

static int read_all_pcrs(struct keystore_session *s, struct tpm2_identity *id)
{
	for (unsigned i = 0; i < TPM2_IDENTITY_PCRS; i++) {
		TPML_PCR_SELECTION sel = {
		    .count = 1, .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}};
		TPML_DIGEST *values = NULL;
		int r;

		sel.pcrSelections[0].pcrSelect[i / 8] = (BYTE)(1 << i % 8);
		r = tpm2_pcrs_read(s, &sel, NULL, &values);
		if (r >= 0 && (values->count != 1 || values->digests[0].size != 32))
			r = diag_fail(DIAG_USAGE, ENOTSUP, "the TPM has no PCRs in bank sha256");
		if (r >= 0)
			memcpy(id->pcr[i], values->digests[0].buffer, 32);
		Esys_Free(values);
		if (r < 0)
			return r;
	}
	return 0;
}

int tpm2_identity_of(const struct keystore *k, struct keystore_session *s, struct text *to)
{
	struct tpm2_identity id = {0};
	TPM2B_PUBLIC *key = NULL;
	int r = tpm2_check(Esys_ReadPublic(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, &key, NULL, NULL),
			   "reading the storage root key");

	if (r >= 0)
		id.storage_key = *key;
	Esys_Free(key);
	for (enum tpm2_index i = TPM2_ERASE; i <= TPM2_ROTATION && r >= 0; i++) {
		r = tpm2_counter_read(k, s, i, &id.value[i]);
		if (r >= 0)
			r = tpm2_index_name(s, i, id.name[i]);
	}
	if (r >= 0)
		r = read_all_pcrs(s, &id);
	if (r >= 0)
		tpm2_identity_encode(&id, to);
	return r;
}
