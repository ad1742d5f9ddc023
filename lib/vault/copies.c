/* SPDX-License-Identifier: Apache-2.0 */
/* The two copies of the device part: reading them, which one counts, committing a new one. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "vault/access.h"
#include "vault/copies.h"
#include "vault/private.h"

/* --- reading --- */

static int bad_copy(struct vault_copy *c, const char *why)
{
	free(c->payload);
	c->payload = NULL;
	c->good = false;
	c->why = why;
	return 0;
}

static int load_copy(struct vault *v, unsigned which)
{
	struct vault_copy *c = &v->copy[which];
	uint64_t offset = v->regions.copy_offset[which];
	uint8_t head[VAULT_HEADER_BYTES], digest[32];

	*c = (struct vault_copy){0};
	if (io_read(v->target, head, sizeof(head), v->extent.offset_bytes + offset) < 0)
		return bad_copy(c, "cannot be read");
	c->newer = vault_newer_header(head, sizeof(head));
	c->sealed = vault_header_is_sealed(head, sizeof(head));
	if (c->newer)
		return bad_copy(c, "was made by a newer holdfast");
	if (vault_decode_copy(head, sizeof(head), &c->header) < 0)
		return bad_copy(c, "has no good header");
	if (c->header.vault_offset != v->extent.offset_bytes ||
	    c->header.vault_bytes != v->extent.size_bytes)
		return bad_copy(c, "was written for another place");
	if (c->header.payload_bytes > v->regions.copy_bytes - VAULT_BLOCK)
		return bad_copy(c, "has an impossible size");
	c->payload = malloc(c->header.payload_bytes ? c->header.payload_bytes : 1);
	if (!c->payload)
		return diag_no_memory();
	if (io_read(v->target, c->payload, c->header.payload_bytes,
		    v->extent.offset_bytes + offset + VAULT_BLOCK) < 0)
		return bad_copy(c, "cannot be read");
	if (digest_sha256(c->payload, c->header.payload_bytes, digest) < 0)
		return -EIO;
	if (memcmp(digest, c->header.payload_sha256, sizeof(digest)) != 0)
		return bad_copy(c, "does not match its checksum");
	c->good = true;
	return 0;
}

/* A newer version without the right checksum is damage if the other copy is good: one flipped bit
 * must not hide both. */
static void doubt_newer(struct vault_copy *c, const struct vault_copy *other)
{
	if (c->newer && !c->sealed && other->good) {
		c->newer = 0;
		c->why = "has no good header";
	}
}

int vault_load_copies(struct vault *v)
{
	int r = load_copy(v, 0);

	if (r >= 0)
		r = load_copy(v, 1);
	doubt_newer(&v->copy[0], &v->copy[1]);
	doubt_newer(&v->copy[1], &v->copy[0]);
	return r;
}

void vault_drop_copies(struct vault *v)
{
	for (int i = 0; i < 2; i++) {
		free(v->copy[i].payload);
		v->copy[i].payload = NULL;
	}
}

/* --- which one counts --- */

static int active_index(const struct vault *v)
{
	if (v->chosen && v->copy[v->chosen - 1].good)
		return v->chosen - 1;
	if (v->copy[0].good && v->copy[1].good)
		return v->copy[1].header.sequence > v->copy[0].header.sequence;
	return v->copy[0].good ? 0 : v->copy[1].good ? 1 : -1;
}

const struct vault_copy *vault_active(const struct vault *v)
{
	int i = active_index(v);

	return i < 0 ? NULL : &v->copy[i];
}

static struct vault_commit_id id_of(const struct vault_copy_header *h)
{
	struct vault_commit_id id = {.sequence = h->sequence};

	memcpy(id.payload_sha256, h->payload_sha256, sizeof(id.payload_sha256));
	return id;
}

bool vault_copy_payload(const struct vault *v, int index, struct vault_payload *ret)
{
	const struct vault_copy *c = &v->copy[index];

	if (!c->good)
		return false;
	*ret = (struct vault_payload){
	    .bytes = c->payload,
	    .len = c->header.payload_bytes,
	    .id = id_of(&c->header),
	};
	return true;
}

bool vault_active_payload(const struct vault *v, struct vault_payload *ret)
{
	int i = active_index(v);

	return i >= 0 && vault_copy_payload(v, i, ret);
}

bool vault_copies_agree(const struct vault *v)
{
	return v->copy[0].good && v->copy[1].good &&
	       memcmp(&v->copy[0].header, &v->copy[1].header, sizeof(v->copy[0].header)) == 0;
}

bool vault_choose(struct vault *v, int index)
{
	int before = active_index(v);

	v->chosen = index + 1;
	v->undecided = false;
	return active_index(v) != before;
}

void vault_leave_undecided(struct vault *v)
{
	v->undecided = true;
}

/* --- committing --- */

/* Payload, flush, header, flush: a torn write leaves a copy that is no copy. */
static int write_copy(struct vault *v, unsigned which, const void *payload,
		      const struct vault_copy_header *h)
{
	uint64_t offset = v->regions.copy_offset[which];
	uint64_t end = VAULT_BLOCK + h->payload_bytes;
	uint8_t head[VAULT_BLOCK] = {0};
	int r = vault_write(v, payload, h->payload_bytes, offset + VAULT_BLOCK);

	vault_encode_copy(h, head);
	if (r >= 0) /* no part of an older, longer device part remains, with its keys */
		r = vault_zero(v, offset + end, v->regions.copy_bytes - end);
	if (r >= 0)
		r = vault_flush(v);
	if (r >= 0)
		r = vault_write(v, head, sizeof(head), offset);
	return r < 0 ? r : vault_flush(v);
}

static bool holds(const struct vault_copy *c, const struct vault_copy_header *h)
{
	return c->good && c->header.sequence == h->sequence &&
	       c->header.payload_bytes == h->payload_bytes &&
	       memcmp(c->header.payload_sha256, h->payload_sha256, 32) == 0;
}

static int write_both(struct vault *v, const void *payload, const struct vault_copy_header *h,
		      const struct vault_commit_hook *hook)
{
	const struct vault_commit_id id = id_of(h);
	unsigned first = active_index(v) == 0;
	int r = 0;

	for (unsigned i = 0; i < 2 && r >= 0; i++) {
		unsigned which = i == 0 ? first : !first;

		if (!holds(&v->copy[which], h))
			r = write_copy(v, which, payload, h);
		if (i == 0 && hook && r >= 0)
			r = hook->durable(hook->ctx, &id);
	}
	return r;
}

int vault_commit(struct vault *v, const void *payload, size_t len,
		 const struct vault_commit_hook *hook)
{
	int active = active_index(v), r, e;
	struct vault_copy_header h = {
	    .payload_bytes = len,
	    .vault_offset = v->extent.offset_bytes,
	    .vault_bytes = v->extent.size_bytes,
	};

	if (len > v->regions.copy_bytes - VAULT_BLOCK)
		return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
				 "the device part has %zu bytes, too many for a vault of %" PRIu64
				 "; write vault { size = … }",
				 len, v->extent.size_bytes);
	if (digest_sha256(payload, len, h.payload_sha256) < 0)
		return -EIO;
	h.sequence = active < 0 ? 1 : v->copy[active].header.sequence;
	if (active >= 0 && !holds(&v->copy[active], &h))
		h.sequence++;
	if (hook && h.sequence < hook->least_sequence &&
	    (active < 0 || !holds(&v->copy[active], &h)))
		h.sequence = hook->least_sequence;
	r = write_both(v, payload, &h, hook);
	v->chosen = 0;
	vault_drop_copies(v);
	e = vault_load_copies(v);
	return r < 0 ? r : e;
}
