/* SPDX-License-Identifier: Apache-2.0 */
/* dm-crypt in user space over dm-integrity in user space: what is written comes back, what was
 * changed does not. (Against the kernel: tests/guest/crypt.sh.) */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/pool.h"
#include "crypto/aead.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "lib/check.h"
#include "lib/fault-io.h"
#include "userspace/crypt/crypt.h"

#define DEVICE_BYTES (6 * 1024 * 1024 + 512)
#define LARGE_BYTES  (1536 * 1024) /* of one write: more than a chunk, more than one drawing */

static struct progress progress;
static const atomic_bool never;
static _Atomic unsigned draws;
static uint8_t key[128];

static int counted_random(void *buf, size_t len)
{
	draws++;
	return random_bytes(buf, len);
}

static int no_random(void *buf, size_t len)
{
	return -ENODEV;
}

static struct env env = {.progress = &progress, .cancel = &never, .random = counted_random};

/* A device of a kind over memory, made as provisioning would. */
struct device {
	const struct crypt_kind *kind;
	uint32_t sector_bytes;
	struct io *below;
	struct integrity_params params;
	struct integrity_superblock sb;
	struct io *io;
};

static void device_close(struct device *d)
{
	d->io = io_close(d->io);
}

static void device_open(struct device *d, bool raw)
{
	struct integrity *tags = NULL;

	device_close(d);
	if (d->kind->tag_bytes)
		assert_ok(integrity_open(d->below, &d->params, &d->sb, false, &env, &tags));
	assert_ok(crypt_open(d->kind, d->sector_bytes, key, tags ? NULL : d->below, tags, raw, &env,
			     "crypt", &d->io));
}

static void device_make(const struct crypt_kind *kind, uint32_t sector_bytes, struct device *d)
{
	*d = (struct device){
	    .kind = kind,
	    .sector_bytes = sector_bytes,
	    .params = {.mode = INTEGRITY_JOURNAL,
		       .sector_bytes = sector_bytes,
		       .tag_bytes = (uint32_t)kind->tag_bytes + kind->iv_bytes,
		       .interleave_sectors = 1024},
	};
	assert_ok(random_bytes(key, sizeof(key)));
	assert_ok(io_open_memory("below", DEVICE_BYTES, &d->below));
	if (kind->tag_bytes) {
		assert_ok(integrity_choose(&d->params, d->below->size_bytes, &d->sb));
		assert_ok(integrity_prepare(d->below, &d->params, &d->sb, &env));
		assert_ok(integrity_finish(d->below, &d->params, &d->sb));
	}
	device_open(d, false);
}

static void device_free(struct device *d)
{
	device_close(d);
	io_close(d->below);
}

typedef void kind_fn(const struct crypt_kind *kind, uint32_t sector_bytes);

static void for_each_kind(bool with_tags_only, kind_fn *fn)
{
	int n = 0;

	for (const struct crypt_kind *k = crypt_kinds; k->cipher; k++) {
		if (!k->soft || (with_tags_only && !k->tag_bytes))
			continue;
		fn(k, 512);
		fn(k, 1024);
		fn(k, 4096);
		n++;
	}
	assert_true(n >= 4);
}

static uint8_t *noise(size_t len)
{
	uint8_t *p = malloc(len);

	assert_non_null(p);
	assert_ok(random_bytes(p, len));
	return p;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* --- kinds --- */

static void kinds_are_found_by_their_names(void **state)
{
	const struct crypt_kind *xts = crypt_kind("aes-xts-plain64", "none");
	const struct crypt_kind *mac = crypt_kind("aes-xts-plain64", "hmac-sha256");

	assert_non_null(xts);
	assert_non_null(mac);
	assert_ptr_equal(crypt_kind_luks("aes-xts-plain64", NULL), xts);
	assert_ptr_equal(crypt_kind_luks("aes-xts-plain64", "hmac(sha256)"), mac);
	assert_ptr_equal(crypt_kind("chacha20-random", NULL),
			 crypt_kind_luks("chacha20-random", "poly1305"));
	assert_null(crypt_kind_luks("chacha20-random", "aead"));
	assert_null(crypt_kind_luks("aegis128-random", NULL));
	assert_null(crypt_kind("aegis128-random", "none"));
	assert_null(crypt_kind("cipher_null", NULL));
	for (const struct crypt_kind *k = crypt_kinds; k->cipher; k++) {
		assert_ptr_equal(crypt_kind(k->cipher, k->integrity), k);
		assert_ptr_equal(crypt_kind_luks(k->luks_cipher, k->luks_integrity), k);
		assert_int_equal(k->soft, k->algorithm != NULL);
		assert_int_equal(k->tag_bytes != 0, k->dm_integrity != NULL);
	}
}

/* --- what is written --- */

static void check_round_trip(const struct crypt_kind *kind, uint32_t size)
{
	struct device d;
	uint8_t *data = noise(LARGE_BYTES), *back = malloc(LARGE_BYTES);
	const uint64_t at = 7 * 4096;

	device_make(kind, size, &d);
	assert_int_equal(d.io->size_bytes % size, 0);
	assert_true(d.io->size_bytes > 4 * 1024 * 1024);
	assert_ok(io_write(d.io, data, LARGE_BYTES, at));
	assert_ok(io_flush(d.io));
	device_open(&d, false);
	assert_ok(io_read(d.io, back, LARGE_BYTES, at));
	assert_memory_equal(back, data, LARGE_BYTES);
	/* One by one, and in place again. */
	for (uint64_t i = 0; i < LARGE_BYTES; i += 61 * size) {
		memset(back, 0xee, size);
		assert_ok(io_read(d.io, back, size, at + i));
		assert_memory_equal(back, data + i, size);
		assert_ok(random_bytes(data + i, size));
		assert_ok(io_write(d.io, data + i, size, at + i));
	}
	assert_ok(io_zero(d.io, at, 3ULL * size));
	memset(data, 0, 3 * size);
	assert_ok(io_read(d.io, back, LARGE_BYTES, at));
	assert_memory_equal(back, data, LARGE_BYTES);
	/* The last sector, and nothing behind it. */
	assert_ok(io_write(d.io, data, size, d.io->size_bytes - size));
	assert_ok(io_read(d.io, back, size, d.io->size_bytes - size));
	assert_memory_equal(back, data, size);
	assert_int_equal(io_write(d.io, data, size, d.io->size_bytes), -EIO);
	/* No plaintext below. */
	assert_null(memmem(io_memory_bytes(d.below), DEVICE_BYTES, data + 8 * size, 32));
	device_free(&d);
	free(data);
	free(back);
}

static void what_is_written_comes_back(void **state)
{
	for_each_kind(false, check_round_trip);
}

/* The bytes below are what the primitive makes of number and IV: dm-crypt's, tried in a guest. */
static void check_bytes(const struct crypt_kind *kind, uint32_t size)
{
	struct device d;
	uint8_t *data = noise(size), *cipher = malloc(size), *expected = malloc(size);
	uint8_t tags[64] = {0}, expected_tag[AEAD_TAG_MAX] = {0}, ad[8 + 16], *iv = ad + 8;
	const uint64_t sector = 700, number = sector * (size / 512);
	struct aead *a = NULL;
	struct cipher *c = NULL;

	device_make(kind, size, &d);
	assert_ok(io_write(d.io, data, size, sector * size));
	cipher_iv_plain64(number, iv);
	memcpy(ad, iv, 8); /* little-endian, both */
	if (kind->tag_bytes) {
		assert_ok(integrity_read(crypt_tags(d.io), sector, 1, cipher, tags));
		if (kind->iv_bytes)
			memcpy(iv, tags + kind->tag_bytes, kind->iv_bytes);
		assert_ok(aead_new(kind->algorithm, key, kind->key_bytes, &a));
		assert_ok(aead_encrypt(a, iv, ad, 8 + aead_iv_bytes(a), data, size, expected,
				       expected_tag));
	} else {
		assert_ok(io_read(d.below, cipher, size, sector * size));
		assert_ok(cipher_new(kind->algorithm, key, kind->key_bytes, &c));
		assert_ok(cipher_encrypt(c, iv, data, size, expected));
	}
	assert_memory_equal(cipher, expected, size);
	assert_memory_equal(tags, expected_tag, kind->tag_bytes);
	aead_free(a);
	cipher_free(c);
	device_free(&d);
	free(data);
	free(cipher);
	free(expected);
}

static void bytes_are_those_of_dm_crypt(void **state)
{
	for_each_kind(false, check_bytes);
}

/* --- what was changed --- */

static void expect_states(struct device *d, uint64_t first, const char *states)
{
	uint8_t found[16];
	size_t n = strlen(states);

	assert_ok(crypt_check(d->io, first, n, found, NULL));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(states[i], "gnb"[found[i]]);
}

/* One bit in the data, in the tag, in the IV. */
static void check_tampering(const struct crypt_kind *kind, uint32_t size)
{
	struct device d;
	uint8_t *data = noise(8 * size), *back = malloc(8 * size), *bytes;
	uint8_t states[8];

	device_make(kind, size, &d);
	assert_ok(io_write(d.io, data, 8 * size, 0));
	bytes = io_memory_bytes(d.below);
	for (unsigned i = 0; i < size + kind->tag_bytes + kind->iv_bytes; i += i < size ? 101 : 1) {
		struct integrity *tags = crypt_tags(d.io);
		uint64_t at = i < size ? integrity_data_offset(tags, 3) + i
				       : integrity_tag_offset(tags, 3) + (i - size);

		bytes[at] ^= (uint8_t)(1 << i % 8);
		memset(back, 0xee, 8 * size);
		assert_int_equal(io_read(d.io, back, 8 * size, 0), -EILSEQ);
		assert_true(all_zero(back, 8 * size));
		expect_states(&d, 0, "gggbgggg");
		assert_ok(crypt_check(d.io, 0, 8, states, back));
		assert_memory_equal(back, data, 3 * size);
		assert_true(all_zero(back + 3 * size, size));
		assert_memory_equal(back + 4 * size, data + 4 * size, 4 * size);
		bytes[at] ^= (uint8_t)(1 << i % 8);
	}
	assert_ok(io_read(d.io, back, 8 * size, 0));
	/* Raw: what is good is read. */
	bytes[integrity_data_offset(crypt_tags(d.io), 6)] ^= 1;
	device_open(&d, true);
	assert_ok(io_read(d.io, back, 8 * size, 0));
	memset(data + 6 * size, 0, size);
	assert_memory_equal(back, data, 8 * size);
	device_free(&d);
	free(data);
	free(back);
}

static void tampering_is_noticed(void **state)
{
	for_each_kind(true, check_tampering);
}

/* Whole sectors with tags and IVs, at each other's place: their numbers are authenticated. */
static void check_swapped(const struct crypt_kind *kind, uint32_t size)
{
	struct device d;
	uint8_t *data = noise(8 * size), *cipher = malloc(8 * size), *other = malloc(size);
	uint8_t tags[8 * 64];
	size_t tag;

	device_make(kind, size, &d);
	assert_ok(io_write(d.io, data, 8 * size, 0));
	tag = integrity_tag_bytes(crypt_tags(d.io));
	assert_ok(integrity_read(crypt_tags(d.io), 0, 8, cipher, tags));
	assert_ok(integrity_write(crypt_tags(d.io), 2, 1, cipher + 5 * size, tags + 5 * tag));
	assert_ok(integrity_write(crypt_tags(d.io), 5, 1, cipher + 2 * size, tags + 2 * tag));
	expect_states(&d, 0, "ggbggbgg");
	assert_int_equal(io_read(d.io, other, size, 2 * size), -EILSEQ);
	assert_ok(io_read(d.io, other, size, size));
	/* Back, and it is as before. */
	assert_ok(integrity_write(crypt_tags(d.io), 0, 8, cipher, tags));
	expect_states(&d, 0, "gggggggg");
	/* Another key opens nothing; where there are two, the MAC's decides. */
	key[kind->key_bytes - 1] ^= 1;
	device_open(&d, false);
	expect_states(&d, 0, "bbbbbbbb");
	device_free(&d);
	free(data);
	free(cipher);
	free(other);
}

static void swapped_sectors_are_noticed(void **state)
{
	for_each_kind(true, check_swapped);
}

static void check_never_written(const struct crypt_kind *kind, uint32_t size)
{
	const uint64_t sector = 600;
	struct device d;
	uint8_t *data = noise(size), *back = malloc(2 * size);
	uint64_t len;
	bool is_data;

	device_make(kind, size, &d);
	assert_ok(io_write(d.io, data, size, sector * size));
	expect_states(&d, sector - 2, "nngnn");
	assert_int_equal(io_read(d.io, back, size, 0), -EILSEQ);
	assert_int_equal(io_read(d.io, back, 2 * size, (sector - 1) * size), -EILSEQ);
	assert_ok(io_read(d.io, back, size, sector * size));
	assert_ok(io_extent(d.io, 0, &is_data, &len));
	assert_true(is_data);
	device_open(&d, true);
	memset(back, 0xee, 2 * size);
	assert_ok(io_read(d.io, back, 2 * size, (sector - 1) * size));
	assert_true(all_zero(back, size));
	assert_memory_equal(back + size, data, size);
	assert_ok(io_extent(d.io, 5 * size, &is_data, &len));
	assert_false(is_data);
	assert_int_equal(len, (sector - 5) * size);
	assert_ok(io_extent(d.io, sector * size + 1, &is_data, &len));
	assert_true(is_data);
	assert_true(len >= size - 1);
	assert_ok(io_extent(d.io, (sector + 1) * size, &is_data, &len));
	assert_false(is_data);
	assert_int_equal(len, d.io->size_bytes - (sector + 1) * size);
	device_free(&d);
	free(data);
	free(back);
}

static void never_written_is_told_from_damaged(void **state)
{
	for_each_kind(true, check_never_written);
}

/* --- IVs --- */

/* Drawn for each write of a sector, few at a time for a large one, and never the same. */
static void check_ivs(const struct crypt_kind *kind, uint32_t size)
{
	uint32_t sectors = 256, tag = (uint32_t)kind->tag_bytes + kind->iv_bytes;
	struct device d;
	uint8_t *data = noise(sectors * size), *tags = malloc(2 * sectors * tag);

	if (!kind->iv_bytes) {
		free(data);
		free(tags);
		return;
	}
	device_make(kind, size, &d);
	draws = 0;
	for (unsigned i = 0; i < 2; i++) {
		assert_ok(io_write(d.io, data, sectors * size, 0));
		assert_ok(
		    integrity_read(crypt_tags(d.io), 0, sectors, NULL, tags + i * sectors * tag));
	}
	assert_int_equal(draws, 2);
	for (unsigned i = 0; i < 2 * sectors; i++) {
		const uint8_t *iv = tags + i * tag + kind->tag_bytes;

		assert_null(
		    memmem(iv + kind->iv_bytes, (2 * sectors - i - 1) * tag, iv, kind->iv_bytes));
	}
	/* None to be had: nothing is written. */
	env.random = no_random;
	assert_int_equal(io_write(d.io, data, size, 0), -ENODEV);
	env.random = counted_random;
	expect_states(&d, 0, "gggg");
	device_free(&d);
	free(data);
	free(tags);
}

static void ivs_are_never_the_same(void **state)
{
	for_each_kind(true, check_ivs);
}

/* --- several threads --- */

struct job {
	struct io *io;
	const uint8_t *data;
	uint32_t piece_bytes;
};

static int write_piece(void *ctx, uint64_t piece, unsigned worker)
{
	const struct job *j = ctx;

	return io_write(j->io, j->data + piece * j->piece_bytes, j->piece_bytes,
			piece * j->piece_bytes);
}

static int check_piece(void *ctx, uint64_t piece, unsigned worker)
{
	const struct job *j = ctx;
	uint64_t size = j->piece_bytes;
	uint8_t *back = malloc(size);
	int r = back ? io_read(j->io, back, size, piece * size) : -ENOMEM;

	if (r >= 0)
		r = memcmp(back, j->data + piece * size, size) == 0 ? 0 : -EBADMSG;
	free(back);
	return r;
}

/* More workers than the device was made for: they wait for each other. */
static void check_threads(const struct crypt_kind *kind, uint32_t size)
{
	struct pool *pool;
	struct device d;
	struct job job = {.data = noise(4 * 1024 * 1024), .piece_bytes = 3 * size};
	uint64_t pieces = 4 * 1024 * 1024 / job.piece_bytes;

	device_make(kind, size, &d);
	job.io = d.io;
	assert_ok(pool_new(7, &pool));
	assert_ok(pool_run(pool, 0, pieces, write_piece, &job, NULL));
	assert_ok(pool_run(pool, 0, pieces, check_piece, &job, NULL));
	env.pool = pool;
	device_open(&d, false);
	job.io = d.io;
	assert_ok(pool_run(pool, 0, pieces, check_piece, &job, NULL));
	env.pool = NULL;
	device_free(&d);
	pool_free(pool);
	free((void *)(uintptr_t)job.data);
}

static void several_threads_at_once(void **state)
{
	for_each_kind(false, check_threads);
}

/* --- errors --- */

static void check_whole_sectors(const struct crypt_kind *kind, uint32_t size)
{
	struct device d;
	uint8_t *data = noise(2 * size);

	device_make(kind, size, &d);
	assert_int_equal(io_write(d.io, data, size - 1, 0), -EINVAL);
	assert_int_equal(io_write(d.io, data, size, 256), -EINVAL);
	assert_int_equal(io_read(d.io, data, 16, 0), -EINVAL);
	assert_int_equal(io_read(d.io, data, size, 16), -EINVAL);
	assert_int_equal(io_read(d.io, data, 2 * size, d.io->size_bytes - size), -EIO);
	device_free(&d);
	free(data);
}

static void only_whole_sectors(void **state)
{
	for_each_kind(false, check_whole_sectors);
}

static void expect_refused(int expected, const struct crypt_kind *kind, uint32_t size,
			   struct io *below, struct integrity *tags)
{
	struct io *io;

	assert_int_equal(crypt_open(kind, size, key, below, tags, false, &env, "c", &io), expected);
	assert_int_equal(diag_count(), 1);
	diag_forget(0);
}

static void what_does_not_fit_is_refused(void **state)
{
	const struct crypt_kind *xts = crypt_kind("aes-xts-plain64", "none");
	const struct crypt_kind *gcm = crypt_kind("aes-gcm-random", "aead");
	struct integrity *tags;
	struct device d;

	device_make(gcm, 4096, &d);
	assert_ok(integrity_open(d.below, &d.params, &d.sb, false, &env, &tags));
	expect_refused(-EUCLEAN, gcm, 512, NULL, tags);
	expect_refused(-EUCLEAN, gcm, 8192, NULL, tags);
	expect_refused(-EUCLEAN, xts, 256, d.below, NULL);
	expect_refused(-EUCLEAN, xts, 0, d.below, NULL);
	expect_refused(-EUCLEAN, xts, 3072, d.below, NULL);
	expect_refused(-EINVAL, gcm, 4096, d.below, NULL);
	expect_refused(-EINVAL, xts, 4096, NULL, tags);
	expect_refused(-EUCLEAN, crypt_kind("aegis128-random", "aead"), 4096, NULL, tags);
	expect_refused(-ENOTSUP, crypt_kind("adiantum", "none"), 4096, d.below, NULL);
	expect_refused(-ENOTSUP, crypt_kind("hctr2", "none"), 4096, d.below, NULL);
	memset(key, 7, 64); /* XTS with halves that are the same */
	expect_refused(-EINVAL, xts, 4096, d.below, NULL);
	integrity_close(tags);
	device_free(&d);
}

/* A device that fails, or cannot be written. */
static void errors_below_come_up(void **state)
{
	static const struct crypt_kind *const *kind, *kinds[3];
	struct fault_plan plan = {0};
	uint8_t data[4096] = {1};
	struct device d;

	kinds[0] = crypt_kind("aes-xts-plain64", "none");
	kinds[1] = crypt_kind("aegis128-random", "aead");
	for (kind = kinds; *kind; kind++) {
		device_make(*kind, 4096, &d);
		device_close(&d);
		plan = (struct fault_plan){0};
		d.below = fault_wrap(d.below, &plan);
		device_open(&d, false);
		plan.error_at = plan.ops + 1;
		plan.error = ENOSPC;
		assert_int_equal(io_write(d.io, data, 4096, 0), -ENOSPC);
		assert_ok(io_write(d.io, data, 4096, 0));
		plan.error_at = plan.ops + 1;
		plan.error = EIO;
		assert_int_equal(io_flush(d.io), -EIO);
		assert_ok(io_flush(d.io));
		d.below->read_only = true;
		device_open(&d, false);
		assert_int_equal(io_write(d.io, data, 4096, 0), -EROFS);
		assert_ok(io_read(d.io, data, 4096, 0));
		assert_int_equal(data[0], 1);
		device_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_are_found_by_their_names),
	    cmocka_unit_test(what_is_written_comes_back),
	    cmocka_unit_test(bytes_are_those_of_dm_crypt),
	    cmocka_unit_test(tampering_is_noticed),
	    cmocka_unit_test(swapped_sectors_are_noticed),
	    cmocka_unit_test(never_written_is_told_from_damaged),
	    cmocka_unit_test(ivs_are_never_the_same),
	    cmocka_unit_test(several_threads_at_once),
	    cmocka_unit_test(only_whole_sectors),
	    cmocka_unit_test(what_does_not_fit_is_refused),
	    cmocka_unit_test(errors_below_come_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
