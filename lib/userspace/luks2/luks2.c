/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2 headers on a device: reads and writes both copies, and mends one from the other. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "userspace/luks2/facts.h"
#include "userspace/luks2/json.h"
#include "userspace/luks2/keyslot.h"
#include "userspace/luks2/token.h"

#define DIGEST_ITERATIONS 1000 /* volume keys and recovery keys have full entropy */

/* --- the checksum --- */

/* Checksum of the encoded binary header, with its checksum field as zeroes, and the JSON area.
 * Speaks. */
static int checksum(const char *algorithm, const uint8_t *binary, const char *json, size_t json_len,
		    uint8_t ret[static DIGEST_MAX_BYTES])
{
	static const uint8_t zero[64];
	const size_t behind = LUKS2_CHECKSUM_OFFSET + sizeof(zero);
	_cleanup_digest_ struct digest *d = NULL;
	int r = digest_new(algorithm, &d);

	if (r >= 0)
		r = digest_add(d, binary, LUKS2_CHECKSUM_OFFSET);
	if (r >= 0)
		r = digest_add(d, zero, sizeof(zero));
	if (r >= 0)
		r = digest_add(d, binary + behind, LUKS2_BINARY_BYTES - behind);
	if (r >= 0)
		r = digest_add(d, json, json_len);
	return r < 0 ? r : digest_finish(d, ret);
}

/* --- reading --- */

static int bad(struct luks2_copy *c, const char *why)
{
	c->good = false;
	c->why = why;
	return 0;
}

/* Checks a copy's checksum and JSON, and sets c->good or c->why. 0 or -ENOMEM. */
static int judge(struct luks2_copy *c, const uint8_t *binary, const char *area, size_t len)
{
	uint8_t sum[DIGEST_MAX_BYTES];
	size_t n = digest_bytes(c->binary.checksum_algorithm);
	size_t mark = diag_count();
	int r;

	if (!n)
		return bad(c, "its checksum algorithm is unknown");
	if (checksum(c->binary.checksum_algorithm, binary, area, len, sum) < 0) {
		diag_forget(mark);
		return bad(c, "its checksum algorithm is not available");
	}
	if (memcmp(sum, c->binary.checksum, n) != 0)
		return bad(c, "its checksum is wrong");
	r = luks2_json_check(area, len, &c->why);
	c->good = r >= 0;
	if (r >= 0)
		c->why = NULL;
	return r == -EUCLEAN ? 0 : r;
}

/* -ENODATA: there is no LUKS header; -ENOMEM; other errors are the device's. Silent. */
static int read_copy(struct io *io, uint64_t offset, bool second, struct luks2_copy *c)
{
	_cleanup_free_ uint8_t *binary = malloc(LUKS2_BINARY_BYTES);
	_cleanup_free_ char *area = NULL;
	size_t len;
	int r;

	*c = (struct luks2_copy){.offset_bytes = offset, .why = "no LUKS header"};
	if (!binary)
		return -ENOMEM;
	if (!range_inside(offset, LUKS2_BINARY_BYTES, io->size_bytes))
		return -ENODATA;
	r = io_read(io, binary, LUKS2_BINARY_BYTES, offset);
	if (r >= 0)
		r = luks2_decode(binary, LUKS2_BINARY_BYTES, &c->binary, &c->why);
	if (r == -EUCLEAN)
		return 0;
	if (r < 0)
		return r;
	if (c->binary.second != second || c->binary.offset_bytes != offset)
		return bad(c, "it is the header of another place");
	len = (size_t)c->binary.header_bytes - LUKS2_BINARY_BYTES;
	if (!range_inside(offset, c->binary.header_bytes, io->size_bytes))
		return bad(c, "the device ends within it");
	area = calloc(1, len + 1);
	if (!area)
		return -ENOMEM;
	r = io_read(io, area, len, offset + LUKS2_BINARY_BYTES);
	if (r >= 0)
		r = judge(c, binary, area, len);
	if (r >= 0 && c->good)
		c->json = TAKE(area);
	return r;
}

/* Searches the second copy when the first one is bad: returns the first good one, or the first that
 * has at least the magic, and the result of read_copy() for it. */
static int search_second(struct io *io, struct luks2_copy *ret)
{
	int result = -ENODATA;

	*ret = (struct luks2_copy){.why = "no LUKS header", .offset_bytes = LUKS2_HEADER_BYTES};
	for (uint64_t at = LUKS2_HEADER_BYTES; at <= LUKS2_HEADER_BYTES_MAX; at *= 2) {
		struct luks2_copy c;
		int r = read_copy(io, at, true, &c);

		if (r == -ENOMEM)
			return r;
		if (r == 0 && c.good) {
			*ret = c;
			return 0;
		}
		if (r != -ENODATA && result == -ENODATA) {
			*ret = c;
			result = r;
		}
	}
	return result;
}

/* Which copy counts. Good ones are of the same size: it is the second one's place. */
static void choose(struct luks2_found *f)
{
	const struct luks2_copy *a = &f->copy[0], *b = &f->copy[1];

	f->active = -1;
	if (a->good && (!b->good || a->binary.sequence >= b->binary.sequence))
		f->active = 0;
	else if (b->good)
		f->active = 1;
	f->differ =
	    a->good && b->good && a->binary.sequence == b->binary.sequence &&
	    (strcmp(a->json, b->json) != 0 || !uuid_equal(&a->binary.uuid, &b->binary.uuid) ||
	     strcmp(a->binary.label, b->binary.label) != 0 ||
	     strcmp(a->binary.subsystem, b->binary.subsystem) != 0);
}

int luks2_read(struct io *io, struct luks2_found *ret)
{
	struct luks2_found f = {.active = -1};
	int first = read_copy(io, 0, false, &f.copy[0]), second = -ENOMEM, r = 0;

	if (first != -ENOMEM)
		second = f.copy[0].good
			     ? read_copy(io, f.copy[0].binary.header_bytes, true, &f.copy[1])
			     : search_second(io, &f.copy[1]);
	if (first == -ENOMEM || second == -ENOMEM) {
		r = diag_no_memory();
	} else if (first < 0 && second < 0) { /* neither is there, as far as can be told */
		r = first == -ENODATA ? second : first;
		if (r != -ENODATA)
			r = io_fail(io, r, "reading the LUKS2 header,", 0, LUKS2_HEADER_BYTES);
	}
	if (first < 0 && first != -ENODATA)
		f.copy[0].why = "it cannot be read";
	if (second < 0 && second != -ENODATA)
		f.copy[1].why = "it cannot be read";
	choose(&f);
	if (r >= 0 && f.active >= 0 &&
	    luks2_json_facts(&f.copy[f.active].binary, f.copy[f.active].json, &f.facts) < 0)
		r = diag_no_memory();
	if (r < 0)
		luks2_free(&f);
	else
		*ret = f;
	return r;
}

void luks2_free(struct luks2_found *f)
{
	for (int i = 0; i < 2; i++) {
		free(f->copy[i].json);
		f->copy[i].json = NULL;
	}
}

/* --- writing --- */

/* Writes one copy at h->offset_bytes, with a new checksum. */
static int write_copy(struct io *io, struct luks2_binary *h, const char *json)
{
	size_t len = (size_t)h->header_bytes;
	_cleanup_free_ uint8_t *bytes = calloc(1, len);
	int r;

	if (!bytes)
		return diag_no_memory();
	memcpy(bytes + LUKS2_BINARY_BYTES, json, strlen(json));
	luks2_encode(h, bytes);
	memset(h->checksum, 0, sizeof(h->checksum));
	r = checksum(h->checksum_algorithm, bytes, (char *)bytes + LUKS2_BINARY_BYTES,
		     len - LUKS2_BINARY_BYTES, h->checksum);
	if (r < 0)
		return r;
	luks2_encode(h, bytes);
	r = io_write(io, bytes, len, h->offset_bytes);
	return r < 0 ? io_fail(io, r, "writing a LUKS2 header,", h->offset_bytes, len) : 0;
}

static int flush(struct io *io)
{
	int r = io_flush(io);

	return r < 0 ? io_fail(io, r, "flushing a LUKS2 header,", 0, io->size_bytes) : 0;
}

static int refuse(const char *why)
{
	return diag_fail(DIAG_INTERNAL, EINVAL, "a LUKS2 header cannot be written: %s", why);
}

static int check_new(const struct io *io, const struct luks2_new *n)
{
	size_t key = secret_len(n->key);
	uint64_t least = 2 * LUKS2_HEADER_BYTES;

	least += n->n_ways * luks2_keyslot_area_bytes((uint32_t)key);
	if (key < 8 || key > LUKS2_KEY_BYTES_MAX)
		return refuse("an impossible length of the key");
	if (n->segment_offset_bytes < least || n->segment_offset_bytes % 4096)
		return refuse("the data begin too early, or not at a multiple of 4096");
	if (n->label && strlen(n->label) >= sizeof(((struct luks2_binary *)0)->label))
		return refuse("the label is too long");
	for (size_t i = 0; i < n->n_ways; i++) {
		if (secret_len(n->ways[i].passphrase) == 0)
			return refuse("an empty passphrase");
	}
	if (n->segment_offset_bytes > io->size_bytes)
		return diag_fail(DIAG_TARGET_SIZE, ENOSPC,
				 "%s is too small for a LUKS2 header of %" PRIu64 " bytes",
				 io->name, n->segment_offset_bytes);
	return 0;
}

static int write_keyslots(struct io *io, const struct luks2_new *n, struct env *env,
			  struct luks2_keyslot slots[static LUKS2_WAYS_MAX])
{
	uint64_t area = luks2_keyslot_area_bytes((uint32_t)secret_len(n->key));
	int r = 0;

	for (unsigned i = 0; i < n->n_ways && r >= 0; i++) {
		slots[i] = (struct luks2_keyslot){
		    .number = i,
		    .key_bytes = (uint32_t)secret_len(n->key),
		    .area_offset_bytes = 2 * LUKS2_HEADER_BYTES + i * area,
		    .area_bytes = area,
		    .iterations = DIGEST_ITERATIONS,
		    .token = n->ways[i].token,
		};
		r = luks2_keyslot_write(io, n->key, n->ways[i].passphrase, env, &slots[i]);
	}
	return r;
}

/* Fills the description that the JSON is made from. Writes the keyslots, too. */
static int describe(struct io *io, const struct luks2_new *n, struct env *env,
		    struct luks2_keyslot slots[static LUKS2_WAYS_MAX], struct luks2_description *d)
{
	*d = (struct luks2_description){
	    .encryption = n->encryption,
	    .integrity = n->integrity,
	    .sector_bytes = n->sector_bytes,
	    .key_bytes = (uint32_t)secret_len(n->key),
	    .segment_offset_bytes = n->segment_offset_bytes,
	    .digest_iterations = DIGEST_ITERATIONS,
	    .keyslots = slots,
	    .n_keyslots = n->n_ways,
	};
	int r = env->random(d->digest_salt, sizeof(d->digest_salt));

	if (r >= 0)
		r = kdf_pbkdf2("sha256", luks2_secret(n->key), d->key_bytes, d->digest_salt,
			       sizeof(d->digest_salt), d->digest_iterations, d->digest,
			       sizeof(d->digest));
	return r < 0 ? r : write_keyslots(io, n, env, slots);
}

static int write_new_copy(struct io *io, const struct luks2_new *n, bool second, const char *json,
			  struct env *env)
{
	struct luks2_binary h = {
	    .second = second,
	    .header_bytes = LUKS2_HEADER_BYTES,
	    .sequence = 1,
	    .offset_bytes = second ? LUKS2_HEADER_BYTES : 0,
	    .checksum_algorithm = "sha256",
	    .uuid = n->uuid,
	};
	int r = env->random(h.salt, sizeof(h.salt));

	if (n->label)
		memcpy(h.label, n->label, strlen(n->label));
	if (r >= 0)
		r = write_copy(io, &h, json);
	return r < 0 ? r : flush(io);
}

/* Flushed at once: a cut shall not leave an old header beside parts of the new one. */
static int clear(struct io *io, uint64_t len)
{
	int r = io_zero(io, 0, len);

	return r < 0 ? io_fail(io, r, "clearing the place of a LUKS2 header,", 0, len) : flush(io);
}

int luks2_write(struct io *io, const struct luks2_new *n, struct env *env)
{
	_cleanup_text_ struct text json = {0};
	struct luks2_description d;
	struct luks2_keyslot slots[LUKS2_WAYS_MAX];
	int r = check_new(io, n);

	if (r < 0)
		return r;
	r = clear(io, n->segment_offset_bytes);
	if (r >= 0)
		r = describe(io, n, env, slots, &d);
	if (r < 0)
		return r;
	luks2_json(&d, &json);
	if (json.failed)
		return diag_no_memory();
	if (json.len >= LUKS2_HEADER_BYTES - LUKS2_BINARY_BYTES)
		return refuse("its JSON is too long");
	r = write_new_copy(io, n, true, json.s, env);
	return r < 0 ? r : write_new_copy(io, n, false, json.s, env);
}

int luks2_set_token(struct io *io, const struct luks2_found *f, unsigned keyslot, const char *token,
		    struct env *env)
{
	_cleanup_text_ struct text json = {0};
	struct luks2_binary h = f->copy[f->active].binary;
	int r = luks2_json_set_token(f->copy[f->active].json, keyslot, token, &json);

	if (r < 0)
		return r == -ENOMEM
			   ? diag_no_memory()
			   : diag_fail(DIAG_DAMAGED, EUCLEAN,
				       "its LUKS2 header has no place for a token, or no tokens");
	if (json.len >= h.header_bytes - LUKS2_BINARY_BYTES)
		return diag_fail(DIAG_DAMAGED, EFBIG,
				 "its LUKS2 header is full: the token does not fit");
	h.sequence++;
	/* The one that does not count first. */
	for (int i = 1; i >= 0 && r >= 0; i--) {
		h.second = i ? !f->active : f->active;
		h.offset_bytes = h.second ? h.header_bytes : 0;
		r = env->random(h.salt, sizeof(h.salt));
		if (r >= 0)
			r = write_copy(io, &h, json.s);
		if (r >= 0)
			r = flush(io);
	}
	return r;
}

/* Writes zeroes; punching a hole into an image file would leave the old bytes in freed blocks. */
int luks2_wipe_keyslots(struct io *io, uint64_t segment_offset_bytes)
{
	static const uint8_t zeroes[64 * 1024];
	int r = 0;

	for (uint64_t at = 2 * LUKS2_HEADER_BYTES; at < segment_offset_bytes && r >= 0;
	     at += sizeof(zeroes)) {
		size_t n = (size_t)min_u64(sizeof(zeroes), segment_offset_bytes - at);

		r = io_write(io, zeroes, n, at);
		if (r < 0)
			return io_fail(io, r, "overwriting the keyslots of a LUKS2 header,", at, n);
	}
	return flush(io);
}

/* The salt only has to be another one than that of the good copy. */
static int other_salt(const struct luks2_binary *good, uint8_t ret[static 64])
{
	_cleanup_digest_ struct digest *d = NULL;
	int r = digest_new("sha512", &d);

	if (r >= 0)
		r = digest_add(d, good->salt, sizeof(good->salt));
	return r < 0 ? r : digest_finish(d, ret);
}

int luks2_mend(struct io *io, const struct luks2_found *f)
{
	const struct luks2_copy *good, *other;
	struct luks2_binary h;
	int r;

	if (f->active < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "%s: neither copy of its LUKS2 header is good", io->name);
	good = &f->copy[f->active];
	other = &f->copy[!f->active];
	if (other->good && other->binary.sequence == good->binary.sequence && !f->differ)
		return 0;
	h = good->binary;
	h.second = !h.second;
	h.offset_bytes = h.second ? h.header_bytes : 0;
	r = other_salt(&good->binary, h.salt);
	if (r >= 0)
		r = write_copy(io, &h, good->json);
	if (r >= 0)
		r = flush(io);
	return r < 0 ? r : 1;
}
