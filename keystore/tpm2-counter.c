/* SPDX-License-Identifier: Apache-2.0 */
/* The counters that make erasing final, and the anchor that names the true vault copy. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "keystore/tpm2-private.h"

/* --- counters --- */

int tpm2_counter_read(struct keystore_session *s, enum tpm2_which which, uint64_t *ret)
{
	be64_t value = {0};
	int r;

	if (s->remote) {
		*ret = s->remote->value[which];
		return 0;
	}
	r = tpm2_index_read(s, which, &value, sizeof(value));
	if (r >= 0)
		*ret = be64_get(value);
	return r;
}

static int increment(struct keystore_session *s, enum tpm2_which which)
{
	ESYS_TR session;
	TSS2_RC rc;
	int r = tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	rc = Esys_NV_Increment(s->esys, s->index[which].tr, s->index[which].tr, session,
			       ESYS_TR_NONE, ESYS_TR_NONE);
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return tpm2_index_missing(which);
	return rc == TSS2_RC_SUCCESS
		   ? 0
		   : tpm2_fail(rc, "the TPM's %s could not be counted up", tpm2_index_text(which));
}

int tpm2_counter_count(struct keystore_session *s, enum tpm2_which which, uint64_t *ret_before,
		       uint64_t *ret_after)
{
	uint64_t before, after;
	ESYS_TR session;
	int r = tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_counter_read(s, which, &before);
	if (r >= 0)
		r = increment(s, which);
	if (r >= 0)
		r = tpm2_counter_read(s, which, &after);
	if (r < 0)
		return r;
	if (after <= before)
		return tpm2_untrusted("the TPM's %s was counted up from %llu, and stands at %llu",
				      tpm2_index_text(which), (unsigned long long)before,
				      (unsigned long long)after);
	*ret_before = before;
	*ret_after = after;
	return 0;
}

int tpm2_counter_prepare(struct keystore_session *s, enum tpm2_which which)
{
	ESYS_TR session;
	uint64_t value;
	int r = tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_index_look(s, which);
	if (r == -ENOENT)
		r = tpm2_index_define(s, which, NULL);
	/* Its name changes once, with the first count; policies are made from the later one. */
	if (r >= 0 && !(s->index[which].public.nvPublic.attributes & TPMA_NV_WRITTEN))
		r = increment(s, which);
	if (r >= 0)
		r = tpm2_index_look(s, which);
	if (r == -ENOENT)
		return tpm2_index_missing(which);
	return r < 0 ? r : tpm2_counter_read(s, which, &value);
}

/* --- anchor --- */

struct anchor_disk {
	be64_t sequence;
	uint8_t digest[SHA256_BYTES];
};

int tpm2_anchor_written(struct keystore_session *s)
{
	size_t mark = diag_count();
	int r = tpm2_index_look(s, TPM2_ANCHOR);

	if (r == -ENOENT)
		return 0;
	if (r == -EEXIST) {
		/* Somebody else's: prepare() refuses that by name. */
		diag_forget(mark);
		return 0;
	}
	return r < 0 ? r
		     : (s->index[TPM2_ANCHOR].public.nvPublic.attributes & TPMA_NV_WRITTEN) != 0;
}

static bool write_policy(const struct tpm2_boot *b, TPM2B_DIGEST *ret)
{
	if (b->pcrs)
		return tpm2_digest_boot(b, ret);
	*ret = (TPM2B_DIGEST){0};
	return true;
}

static int bound_elsewhere(void)
{
	int r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
			  "the TPM's anchor (NV index 0x%08x) is bound to another boot state, or "
			  "was made anew by somebody else",
			  tpm2_index_handle(TPM2_ANCHOR));

	diag_state("it was left as it is");
	diag_next("boot what the device was provisioned with; to provision anew, `tpm2_nvundefine "
		  "-C o 0x%08x` first",
		  tpm2_index_handle(TPM2_ANCHOR));
	return r;
}

int tpm2_anchor_prepare(struct keystore_session *s, const struct tpm2_boot *b)
{
	TPM2B_DIGEST policy;
	ESYS_TR session;
	int r = tpm2_hmac_session(s, &session);

	if (!write_policy(b, &policy))
		return diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	if (r >= 0)
		r = tpm2_index_look(s, TPM2_ANCHOR);
	if (r == -ENOENT) {
		r = tpm2_index_define(s, TPM2_ANCHOR, &policy);
		if (r >= 0)
			r = tpm2_index_look(s, TPM2_ANCHOR);
		if (r == -ENOENT)
			return tpm2_index_missing(TPM2_ANCHOR);
	}
	if (r >= 0 && !tpm2_same_digest(&s->index[TPM2_ANCHOR].public.nvPublic.authPolicy, &policy))
		return bound_elsewhere();
	return r;
}

int tpm2_anchor_compare(struct keystore_session *s)
{
	if (!s->anchor_seen || !s->boot_seen ||
	    tpm2_same_digest(&s->index[TPM2_ANCHOR].public.nvPublic.authPolicy, &s->boot_policy))
		return 0;
	return bound_elsewhere();
}

int tpm2_anchor_read(struct keystore_session *s, struct keystore_anchor *ret)
{
	struct anchor_disk disk;
	int r = tpm2_index_look(s, TPM2_ANCHOR);

	if (r == -ENOENT)
		return tpm2_index_missing(TPM2_ANCHOR);
	if (r < 0)
		return r;
	s->anchor_seen = true;
	r = tpm2_anchor_compare(s);
	if (r < 0)
		return r;
	if (!(s->index[TPM2_ANCHOR].public.nvPublic.attributes & TPMA_NV_WRITTEN)) {
		*ret = (struct keystore_anchor){0};
		return 0;
	}
	r = tpm2_index_read(s, TPM2_ANCHOR, &disk, sizeof(disk));
	if (r < 0)
		return r;
	ret->present = true;
	ret->sequence = be64_get(disk.sequence);
	memcpy(ret->digest, disk.digest, sizeof(ret->digest));
	return 0;
}

static int write_anchor(struct keystore_session *s, const TPM2B_MAX_NV_BUFFER *data, bool bound)
{
	ESYS_TR tr = s->index[TPM2_ANCHOR].tr, session = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = bound ? 0 : tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	rc = Esys_NV_Write(s->esys, tr, tr, bound ? s->policy.tr : session, ESYS_TR_NONE,
			   ESYS_TR_NONE, data, 0);
	if (tpm2_code(rc) == TPM2_RC_POLICY_FAIL)
		return bound_elsewhere();
	return rc == TSS2_RC_SUCCESS ? 0 : tpm2_fail(rc, "the TPM's anchor cannot be written");
}

int tpm2_anchor_write(struct keystore_session *s, const struct tpm2_boot *b, const char *path,
		      const struct keystore_anchor *a)
{
	struct anchor_disk disk = {.sequence = be64_make(a->sequence)};
	TPM2B_MAX_NV_BUFFER data = {.size = sizeof(disk)};
	struct keystore_anchor after;
	ESYS_TR session;
	int r = tpm2_hmac_session(s, &session);

	memcpy(disk.digest, a->digest, sizeof(disk.digest));
	memcpy(data.buffer, &disk, sizeof(disk));
	if (r >= 0)
		r = tpm2_index_look(s, TPM2_ANCHOR);
	if (r == -ENOENT)
		return tpm2_index_missing(TPM2_ANCHOR);
	tpm2_release(s, &s->policy);
	if (r >= 0 && b->pcrs) {
		r = tpm2_policy_session(s);
		if (r >= 0)
			r = tpm2_policy_boot(s, b, path);
	}
	if (r >= 0)
		r = write_anchor(s, &data, b->pcrs != 0);
	tpm2_release(s, &s->policy);
	if (r >= 0)
		r = tpm2_anchor_read(s, &after);
	if (r < 0)
		return r;
	return after.present && after.sequence == a->sequence &&
		       memcmp(after.digest, a->digest, sizeof(a->digest)) == 0
		   ? 0
		   : tpm2_untrusted("the TPM's anchor was written, and reads otherwise");
}
