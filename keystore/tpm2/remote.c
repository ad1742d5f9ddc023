/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM that is not here: its identity is told, what is sealed for it is imported there once. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/tpm2/import.h"
#include "keystore/tpm2/private.h"

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

int tpm2_remote_connect(const char *path, struct keystore_session *s)
{
	int r;

	s->remote = calloc(1, sizeof(*s->remote));
	if (!s->remote)
		return diag_no_memory();
	r = load_file(path, s->remote);
	if (r >= 0 && !tpm2_object_name(&s->remote->storage_key, &s->srk_name))
		r = diag_fail(DIAG_SOURCE, EINVAL, "%s has a storage key of another kind", path);
	for (enum tpm2_which i = TPM2_ERASE; i <= TPM2_ROTATION && r >= 0; i++) {
		TPM2B_NV_PUBLIC public;
		TPM2B_NAME name;

		if (tpm2_index_expected(i, NULL, true, &public) &&
		    tpm2_index_name(&public, &name) && name.size == sizeof(s->remote->name[i]) &&
		    memcmp(name.name, s->remote->name[i], name.size) == 0)
			continue;
		r = diag_fail(DIAG_SOURCE, EINVAL, "%s: the TPM's %s is not one of ours", path,
			      tpm2_index_text(i));
	}
	return r;
}

int tpm2_remote_boot(const struct keystore_session *s, struct tpm2_boot *b)
{
	if (b->bank != TPM2_ALG_SHA256)
		return diag_fail(DIAG_USAGE, ENOTSUP,
				 "the identity of a TPM has PCRs of bank sha256 only");
	for (unsigned i = 0; i < TPM2_PCRS; i++)
		memcpy(b->values[i], s->remote->pcr[i], sizeof(s->remote->pcr[i]));
	return 0;
}

int tpm2_remote_create(const struct keystore_session *s, struct env *env, struct tpm2_blob *b,
		       const struct secret *secret, const TPM2B_AUTH *auth)
{
	_cleanup_secret_ struct secret *words = NULL;
	int r = auth->size ? secret_new(auth->size, &words) : 0;

	if (r >= 0 && words)
		memcpy(secret_bytes(words), auth->buffer, auth->size);
	return r < 0 ? r
		     : tpm2_import_make(&s->remote->storage_key.publicArea, &b->object.publicArea,
					secret, words, env->random, &b->private, &b->seed);
}

int tpm2_remote_refuse(const struct keystore *k)
{
	int r =
	    diag_fail(DIAG_KEYSTORE_MISSING, ENODEV,
		      "keystore %s: these keys were sealed for a TPM that is not here, so a run "
		      "that was cut off cannot go on",
		      k->name);

	diag_next("remove TARGET.part, or give up what stands there with --replace=all, and begin "
		  "again");
	return r;
}

int tpm2_import(struct keystore_session *s, const struct tpm2_blob *b, TPM2B_PRIVATE *ret)
{
	const TPMT_SYM_DEF_OBJECT no_inner = {.algorithm = TPM2_ALG_NULL};
	const TPM2B_DATA no_key = {0};
	TPM2B_PRIVATE *imported = NULL;
	TSS2_RC rc = Esys_Import(s->esys, s->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				 &no_key, &b->object, &b->private, &b->seed, &no_inner, &imported);

	if (rc == TSS2_RC_SUCCESS)
		*ret = *imported;
	Esys_Free(imported);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	return tpm2_fail(rc, "what was sealed for this TPM elsewhere cannot be imported");
}

/* The PCRs in one bank, all of them. */
static int read_all_pcrs(struct keystore_session *s, struct tpm2_identity *id)
{
	struct tpm2_boot all = {.bank = TPM2_ALG_SHA256, .pcrs = (1U << TPM2_PCRS) - 1};
	int r = tpm2_pcr_read(s, &all);

	for (unsigned i = 0; i < TPM2_PCRS && r >= 0; i++)
		memcpy(id->pcr[i], all.values[i], sizeof(id->pcr[i]));
	return r;
}

int tpm2_identity_of(struct keystore_session *s, struct text *to)
{
	struct tpm2_identity id = {0};
	TPM2B_PUBLIC *key = NULL;
	TSS2_RC rc;
	int r = tpm2_storage_need(s);

	if (r < 0)
		return r;
	rc = Esys_ReadPublic(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key, NULL,
			     NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the storage key cannot be read");
	id.storage_key = *key;
	Esys_Free(key);
	for (enum tpm2_which i = TPM2_ERASE; i <= TPM2_ROTATION && r >= 0; i++) {
		TPM2B_NV_PUBLIC public;
		TPM2B_NAME name;

		r = tpm2_counter_read(s, i, &id.value[i]);
		if (r >= 0 && tpm2_index_expected(i, NULL, true, &public) &&
		    tpm2_index_name(&public, &name))
			memcpy(id.name[i], name.name, sizeof(id.name[i]));
	}
	if (r >= 0)
		r = read_all_pcrs(s, &id);
	if (r >= 0)
		tpm2_identity_encode(&id, to);
	return r;
}
