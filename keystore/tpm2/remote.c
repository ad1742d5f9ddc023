/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM that is elsewhere: known by its identity. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/tpm2/counter.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/import.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/pcr.h"
#include "keystore/tpm2/remote.h"
#include "keystore/tpm2/session.h"

static int load_file(const char *path, struct tpm2_identity *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[TPM2_IDENTITY_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		return diag_file(errno, path);
	if (tpm2_identity_decode(text, (size_t)n, ret) < 0)
		return diag_fail(DIAG_SOURCE, EINVAL,
				 "%s is not the identity of a TPM: `holdfast key identity` "
				 "on the device writes one",
				 path);
	return 0;
}

/* The name that counter @which has in every TPM that was prepared. */
static bool counter_name(enum tpm2_which which, TPM2B_NAME *ret)
{
	const TPM2B_NV_PUBLIC public = tpm2_index_public(which, NULL, true);

	return tpm2_index_name(&public, ret) && ret->size == TPM2_IDENTITY_NAME;
}

static int check_identity(const char *path, const struct tpm2_identity *id, TPM2B_NAME *ret_srk)
{
	TPM2B_NAME name;

	for (enum tpm2_which i = TPM2_ERASE; i <= TPM2_ROTATION; i++) {
		if (!counter_name(i, &name) || memcmp(name.name, id->name[i], name.size) != 0)
			return diag_fail(DIAG_SOURCE, EINVAL, "%s: the TPM's %s is not one of ours",
					 path, tpm2_index_text(i));
	}
	if (!tpm2_object_name(&id->storage_key, ret_srk))
		return diag_fail(DIAG_SOURCE, EINVAL, "%s has a storage key of another kind", path);
	return 0;
}

int tpm2_remote_connect(const char *path, struct keystore_session **ret)
{
	struct keystore_session *s = tpm2_context_new();
	int r;

	if (!s)
		return -ENOMEM;
	s->remote = calloc(1, sizeof(*s->remote));
	r = s->remote ? load_file(path, s->remote) : diag_no_memory();
	if (r >= 0)
		r = check_identity(path, s->remote, &s->srk_name);
	if (r < 0) {
		tpm2_disconnect(s);
		return r;
	}
	*ret = s;
	return 0;
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
		     : tpm2_import_make(&s->remote->storage_key, &b->object, secret, words,
					env->random, &b->private, &b->seed);
}

int tpm2_remote_refuse(const struct keystore *k)
{
	int r = diag_fail(DIAG_KEYSTORE_MISSING, ENODEV,
			  "keystore %s: the keys were sealed for a TPM that is elsewhere, so a run "
			  "that was cut off cannot go on",
			  k->name);

	diag_next("remove TARGET.part, or give up its contents with --replace=all, and begin "
		  "again");
	return r;
}

static int read_pcrs(struct keystore_session *s, struct tpm2_identity *id)
{
	struct tpm2_boot all = {.bank = TPM2_ALG_SHA256, .pcrs = (1U << TPM2_PCRS) - 1};
	int r = tpm2_pcr_read(s, &all);

	for (unsigned i = 0; i < TPM2_PCRS && r >= 0; i++)
		memcpy(id->pcr[i], all.values[i], sizeof(id->pcr[i]));
	return r;
}

static int read_counters(struct keystore_session *s, struct tpm2_identity *id)
{
	TPM2B_NAME name;
	int r = 0;

	for (enum tpm2_which i = TPM2_ERASE; i <= TPM2_ROTATION && r >= 0; i++) {
		r = tpm2_counter_read(s, i, &id->value[i]);
		if (r >= 0 && !counter_name(i, &name))
			r = diag_fail(DIAG_INTERNAL, EIO, "a name cannot be computed");
		if (r >= 0)
			memcpy(id->name[i], name.name, sizeof(id->name[i]));
	}
	return r;
}

int tpm2_remote_identity(struct keystore_session *s, struct text *to)
{
	struct tpm2_identity id = {0};
	TPM2B_PUBLIC *key = NULL;
	TSS2_RC rc;
	int r = tpm2_session_need_key(s);

	if (r < 0)
		return r;
	rc = Esys_ReadPublic(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key, NULL,
			     NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm2_fail(rc, "the storage key cannot be read");
	id.storage_key = *key;
	Esys_Free(key);
	r = read_counters(s, &id);
	if (r >= 0)
		r = read_pcrs(s, &id);
	if (r >= 0)
		tpm2_identity_encode(&id, to);
	return r;
}
