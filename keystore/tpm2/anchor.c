/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The anchor names the true copy of the vault. Who may write it is bound to the boot as the secrets
 * are, so another boot policy (a version that revokes, PCRs after an update) needs another index. A
 * second index names the new copy while the first is replaced. After each step one of the two names
 * the old copy or the new one:
 *
 *	second: define, write	the first still counts: the old copy
 *	first: undefine		the second counts: the new copy, from here on
 *	first: define, write	both name the new copy
 *	second: undefine
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "keystore/tpm2/anchor.h"
#include "keystore/tpm2/counter.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/index.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/policy.h"
#include "keystore/tpm2/session.h"

struct anchor_disk {
	be64_t sequence;              /* 0 */
	uint8_t digest[SHA256_BYTES]; /* 8 */
	be64_t rotation_max;          /* 40 */
	be64_t erase;                 /* 48 */
};
static_assert(sizeof(struct anchor_disk) == TPM2_ANCHOR_BYTES, "anchor");
static_assert(offsetof(struct anchor_disk, rotation_max) == TPM2_ANCHOR_OLD_BYTES, "anchor");

static bool is_written(const struct keystore_session *s, enum tpm2_which which)
{
	return s->index[which].public.nvPublic.attributes & TPMA_NV_WRITTEN;
}

static bool is_bound_to(const struct keystore_session *s, enum tpm2_which which,
			const TPM2B_DIGEST *policy)
{
	return tpm2_same_digest(&s->index[which].public.nvPublic.authPolicy, policy);
}

/* Made before 0.1.0: it has no room for what was reserved, and is replaced when it is written. */
static bool is_old(const struct keystore_session *s, enum tpm2_which which)
{
	return s->index[which].public.nvPublic.dataSize == TPM2_ANCHOR_OLD_BYTES;
}

/* It can be written as it is. */
static bool fits(const struct keystore_session *s, enum tpm2_which which,
		 const TPM2B_DIGEST *policy)
{
	return is_bound_to(s, which, policy) && !is_old(s, which);
}

static bool write_policy(const struct tpm2_boot *b, TPM2B_DIGEST *ret)
{
	if (b->pcrs)
		return tpm2_digest_boot(b, ret);
	*ret = (TPM2B_DIGEST){0};
	return true;
}

static int bound_elsewhere(enum tpm2_which which)
{
	int r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
			  "the TPM's %s (NV index 0x%08x) is bound to another boot state, or "
			  "somebody else replaced it",
			  tpm2_index_text(which), tpm2_index_handle(which));

	diag_state("it was left as it is");
	diag_next("boot what the device was provisioned with; `key restore` binds keys from "
		  "escrow to the present boot state");
	return r;
}

/* The index that counts, looked at; if none was ever written, one that exists. -ENOENT, silent. */
static int find(struct keystore_session *s, enum tpm2_which *ret)
{
	int first = tpm2_index_look(s, TPM2_ANCHOR), next = -ENOENT;

	if (first < 0 && first != -ENOENT)
		return first;
	if (first == -ENOENT || !is_written(s, TPM2_ANCHOR))
		next = tpm2_index_look(s, TPM2_ANCHOR_NEXT);
	if (next < 0 && next != -ENOENT)
		return next;
	if (next == -ENOENT && first == -ENOENT)
		return -ENOENT;
	*ret = next >= 0 && (first == -ENOENT || is_written(s, TPM2_ANCHOR_NEXT)) ? TPM2_ANCHOR_NEXT
										  : TPM2_ANCHOR;
	return 0;
}

static int read_one(struct keystore_session *s, enum tpm2_which which, struct keystore_anchor *ret)
{
	const uint16_t len = is_old(s, which) ? TPM2_ANCHOR_OLD_BYTES : TPM2_ANCHOR_BYTES;
	struct anchor_disk disk = {.erase = be64_make(UINT64_MAX)}; /* an old one does not tell */
	int r = 0;

	*ret = (struct keystore_anchor){.present = is_written(s, which)};
	if (ret->present)
		r = tpm2_index_read(s, which, &disk, len);
	if (r < 0 || !ret->present)
		return r;
	ret->sequence = be64_get(disk.sequence);
	memcpy(ret->digest, disk.digest, sizeof(ret->digest));
	ret->rotation_max = be64_get(disk.rotation_max);
	ret->erase = be64_get(disk.erase);
	return 0;
}

int tpm2_anchor_alive(struct keystore_session *s)
{
	size_t mark = diag_count();
	struct keystore_anchor a;
	enum tpm2_which which;
	uint64_t erase;
	ESYS_TR session;
	int r = find(s, &which);

	if (r == -ENOENT)
		return 0;
	if (r == -EEXIST) {
		/* Not ours: tpm2_anchor_prepare() refuses it by name. */
		diag_forget(mark);
		return 0;
	}
	if (r >= 0)
		r = tpm2_hmac_session(s, &session);
	if (r >= 0)
		r = read_one(s, which, &a);
	if (r < 0 || !a.present || a.erase == 0)
		return r;
	r = tpm2_index_look(s, TPM2_ERASE);
	if (r == -ENOENT || is_old(s, which))
		return 1; /* it cannot be told: somebody has to consent */
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &erase);
	return r < 0 ? r : a.erase == erase;
}

/* Meets the anchor's write policy in a new policy session; needs none if it is bound to nothing. */
static int meet_policy(struct keystore_session *s, const struct tpm2_boot *b, const char *path)
{
	int r;

	tpm2_release(s, &s->policy);
	if (!b->pcrs)
		return 0;
	r = tpm2_policy_session(s);
	return r < 0 ? r : tpm2_policy_boot(s, b, path);
}

int tpm2_anchor_prepare(struct keystore_session *s, const struct tpm2_boot *b, const char *path)
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
	}
	if (r == -ENOENT)
		return tpm2_index_missing(TPM2_ANCHOR);
	if (r < 0 || fits(s, TPM2_ANCHOR, &policy))
		return r;
	/* The next write will replace it. Find out whether that is possible before anything is
	 * sealed. */
	r = meet_policy(s, b, path);
	tpm2_release(s, &s->policy);
	return r;
}

int tpm2_anchor_compare(const struct keystore_session *s)
{
	if (!s->anchor_seen || !s->boot_seen || is_bound_to(s, s->anchor, &s->boot_policy))
		return 0;
	return bound_elsewhere(s->anchor);
}

int tpm2_anchor_read(struct keystore_session *s, struct keystore_anchor *ret)
{
	int r = find(s, &s->anchor);

	if (r == -ENOENT)
		return tpm2_index_missing(TPM2_ANCHOR);
	if (r < 0)
		return r;
	s->anchor_seen = true;
	r = tpm2_anchor_compare(s);
	return r < 0 ? r : read_one(s, s->anchor, ret);
}

/* --- writing --- */

static int send(struct keystore_session *s, enum tpm2_which which, const TPM2B_MAX_NV_BUFFER *data,
		bool bound)
{
	ESYS_TR tr = s->index[which].tr, session = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = bound ? 0 : tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	rc = Esys_NV_Write(s->esys, tr, tr, bound ? s->policy.tr : session, ESYS_TR_NONE,
			   ESYS_TR_NONE, data, 0);
	if (tpm2_code(rc) == TPM2_RC_POLICY_FAIL)
		return bound_elsewhere(which);
	return rc == TSS2_RC_SUCCESS
		   ? 0
		   : tpm2_fail(rc, "the TPM's %s cannot be written", tpm2_index_text(which));
}

/* What is to be written, and under which policy. */
struct writing {
	const struct tpm2_boot *boot;
	const char *path; /* of the signatures */
	TPM2B_DIGEST policy;
	const struct keystore_anchor *anchor;
};

/* Writes @which, which exists and is bound to the policy, and reads it back. */
static int write_one(struct keystore_session *s, enum tpm2_which which, const struct writing *w)
{
	const struct keystore_anchor *a = w->anchor;
	struct anchor_disk disk = {.sequence = be64_make(a->sequence),
				   .rotation_max = be64_make(a->rotation_max),
				   .erase = be64_make(a->erase)};
	TPM2B_MAX_NV_BUFFER data = {.size = sizeof(disk)};
	struct keystore_anchor after;
	int r = meet_policy(s, w->boot, w->path);

	memcpy(disk.digest, a->digest, sizeof(disk.digest));
	memcpy(data.buffer, &disk, sizeof(disk));
	if (r >= 0)
		r = send(s, which, &data, w->boot->pcrs != 0);
	tpm2_release(s, &s->policy);
	if (r >= 0) /* the first write changes its name */
		r = tpm2_index_look(s, which);
	if (r >= 0)
		r = read_one(s, which, &after);
	if (r < 0)
		return r == -ENOENT ? tpm2_index_missing(which) : r;
	return after.present && after.sequence == a->sequence &&
		       after.rotation_max == a->rotation_max && after.erase == a->erase &&
		       memcmp(after.digest, a->digest, sizeof(after.digest)) == 0
		   ? 0
		   : tpm2_untrusted("the TPM's %s was written, but reads back differently",
				    tpm2_index_text(which));
}

static int remove_if_there(struct keystore_session *s, enum tpm2_which which)
{
	int r = tpm2_index_look(s, which);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : tpm2_index_undefine(s, which);
}

static int make_and_write(struct keystore_session *s, enum tpm2_which which,
			  const struct writing *w)
{
	int r = remove_if_there(s, which);

	if (r >= 0)
		r = tpm2_index_define(s, which, &w->policy);
	return r < 0 ? r : write_one(s, which, w);
}

/* What was reserved in either index stays reserved: *@max is raised to it. */
static int keep_reserved(struct keystore_session *s, uint64_t *max)
{
	struct keystore_anchor a;
	int r = 0;

	for (enum tpm2_which which = TPM2_ANCHOR; which <= TPM2_ANCHOR_NEXT && r >= 0; which++) {
		r = tpm2_index_look(s, which);
		if (r >= 0)
			r = read_one(s, which, &a);
		if (r >= 0 && a.rotation_max > *max)
			*max = a.rotation_max;
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* What there is, and what is to be written. @a gets what was reserved before. */
static int begin_writing(struct keystore_session *s, struct writing *w, struct keystore_anchor *a,
			 bool *ret_there)
{
	int r;

	w->anchor = a;
	if (!write_policy(w->boot, &w->policy))
		return diag_fail(DIAG_INTERNAL, EIO, "a digest cannot be computed");
	r = keep_reserved(s, &a->rotation_max);
	if (r < 0)
		return r;
	r = tpm2_index_look(s, TPM2_ANCHOR);
	if (r == -ENOENT && tpm2_index_look(s, TPM2_ANCHOR_NEXT) == -ENOENT)
		return tpm2_index_missing(TPM2_ANCHOR);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret_there = r >= 0;
	if (*ret_there && !is_bound_to(s, TPM2_ANCHOR, &w->policy) && !s->prepared)
		return bound_elsewhere(TPM2_ANCHOR);
	return 0;
}

/* The second index. One that is there is written as it is: without it, what it reserved would be
 * forgotten for a moment. */
static int write_second(struct keystore_session *s, const struct writing *w)
{
	int r = tpm2_index_look(s, TPM2_ANCHOR_NEXT);

	return r >= 0 && fits(s, TPM2_ANCHOR_NEXT, &w->policy) ? write_one(s, TPM2_ANCHOR_NEXT, w)
	       : r >= 0 || r == -ENOENT ? make_and_write(s, TPM2_ANCHOR_NEXT, w)
					: r;
}

int tpm2_anchor_reserve(struct keystore_session *s, const struct tpm2_boot *b, const char *path,
			struct keystore_anchor a)
{
	struct writing w = {.boot = b, .path = path};
	bool there;
	int r = begin_writing(s, &w, &a, &there);

	if (r < 0)
		return r;
	return there && fits(s, TPM2_ANCHOR, &w.policy) ? write_one(s, TPM2_ANCHOR, &w)
							: write_second(s, &w);
}

int tpm2_anchor_write(struct keystore_session *s, const struct tpm2_boot *b, const char *path,
		      struct keystore_anchor a)
{
	struct writing w = {.boot = b, .path = path};
	bool there, as_it_is;
	int r = begin_writing(s, &w, &a, &there);

	if (r < 0)
		return r;
	as_it_is = there && fits(s, TPM2_ANCHOR, &w.policy);
	s->boot_policy = w.policy; /* the secret that was just sealed is bound to it */
	if (there && !as_it_is && is_written(s, TPM2_ANCHOR))
		r = write_second(s, &w);
	if (r >= 0)
		r = as_it_is ? write_one(s, TPM2_ANCHOR, &w) : make_and_write(s, TPM2_ANCHOR, &w);
	return r < 0 ? r : remove_if_there(s, TPM2_ANCHOR_NEXT);
}
