/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity in user space: trees as veritysetup makes them, and every kind of damage to them. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/pool.h"
#include "lib/check.h"
#include "userspace/verity/verity.h"

/* A device in memory whose reads of some sectors fail. */
struct failing {
	struct io io;
	struct io *below;
	uint64_t bad_offset, bad_len;
};

static int failing_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct failing *f = (struct failing *)io;

	if (f->bad_len && offset < f->bad_offset + f->bad_len && f->bad_offset < offset + len)
		return -EIO;
	return io_read(f->below, buf, len, offset);
}

static int failing_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	return io_write(((struct failing *)io)->below, buf, len, offset);
}

static void failing_close(struct io *io)
{
	io_close(((struct failing *)io)->below);
	free(io);
}

static const struct io_ops failing_ops = {
    .name = "failing", .read = failing_read, .write = failing_write, .close = failing_close};

static struct io *memory(uint64_t size)
{
	struct failing *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_ok(io_open_memory("memory", size, &f->below));
	f->io = *f->below;
	f->io.ops = &failing_ops;
	return &f->io;
}

static uint8_t *bytes_of(struct io *io)
{
	return io_memory_bytes(((struct failing *)io)->below);
}

/* --- what the tests work on --- */

static struct progress progress;
static atomic_bool cancel;
static struct env env = {.progress = &progress, .cancel = &cancel};

/* The contents that the vectors below were made from: noise, and a stretch of zeroes. */
static void fill(uint8_t *bytes, size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = (x * 1103515245u + 12345u) & 0x7fffffff;
		bytes[i] = (uint8_t)(x >> 16);
	}
	memset(bytes + n / 3, 0, n / 2 - n / 3);
}

/* Data, and behind a superblock the tree's place, full of what must be overwritten. */
static void device(struct verity_device *ret, const char *algorithm, unsigned type,
		   uint32_t data_block, uint32_t hash_block, unsigned salt, uint64_t blocks)
{
	struct verity_device d = {.tree_offset_bytes = hash_block};
	uint64_t hash_bytes;

	d.params = (struct verity_params){.hash_type = type,
					  .data_block_bytes = data_block,
					  .hash_block_bytes = hash_block,
					  .data_blocks = blocks,
					  .salt_len = (uint16_t)salt};
	assert_ok(uuid_scan("01234567-89ab-4def-8123-456789abcdef", &d.params.uuid));
	strcpy(d.params.algorithm, algorithm);
	for (unsigned i = 0; i < salt; i++)
		d.params.salt[i] = (uint8_t)(i * 7 + 1);
	assert_ok(verity_tree(&d.params, (uint32_t)digest_bytes(algorithm), &d.tree));
	hash_bytes = (d.tree.total_blocks + 1) * hash_block;
	d.data = memory(blocks * data_block);
	d.hash = memory(hash_bytes);
	fill(bytes_of(d.data), blocks * data_block);
	memset(bytes_of(d.hash), 0xee, hash_bytes);
	assert_ok(verity_prepare(&d));
	*ret = d;
}

static void device_free(struct verity_device *d)
{
	io_close(d->data);
	io_close(d->hash);
}

/* 512-byte blocks and sha256, 16 digests a block: three levels, the last blocks not full. */
#define BLOCKS 1000
static void built(struct verity_device *ret, uint8_t root[static DIGEST_MAX_BYTES])
{
	device(ret, "sha256", 1, 512, 512, 32, BLOCKS);
	assert_int_equal(ret->tree.levels, 3);
	assert_ok(verity_build(ret, &env, 0, NULL, NULL));
	assert_ok(verity_root(ret, root));
}

static uint8_t *block_at(const struct verity_device *d, int level, uint64_t block)
{
	struct io *io;
	uint64_t offset = verity_locate(d, level, block, &io);

	return bytes_of(io) + offset;
}

/* --- findings, as a table of every block --- */

struct findings {
	uint8_t kind[4][BLOCKS]; /* [level + 1][block]: 0, or kind + 1 */
	bool differs[4][BLOCKS];
	size_t n, calls;
	int last_level;
	uint64_t last_end;
};

static int note(void *ctx, const struct verity_found *f)
{
	struct findings *found = ctx;

	assert_in_range(f->level + 1, 0, 3);
	if (found->calls++ && f->level == found->last_level)
		assert_true(f->first_block >= found->last_end); /* in order */
	else if (found->calls > 1)
		assert_true(f->level < found->last_level); /* from the top */
	found->last_level = f->level;
	found->last_end = f->first_block + f->blocks;
	for (uint64_t i = f->first_block; i < f->first_block + f->blocks; i++) {
		assert_int_equal(found->kind[f->level + 1][i], 0);
		found->kind[f->level + 1][i] = (uint8_t)(f->kind + 1);
		found->differs[f->level + 1][i] = f->differs;
		found->n++;
	}
	return 0;
}

static struct findings found;

static void run_check(const struct verity_device *d, const uint8_t *root)
{
	memset(&found, 0, sizeof(found));
	assert_ok(verity_check(d, root, &env, note, &found));
}

static bool is(enum verity_found_kind kind, int level, uint64_t block)
{
	return found.kind[level + 1][block] == kind + 1;
}

/* --- building --- */

/* Made with veritysetup 2.6.1, --uuid and --salt as device() has them: the root hash, and the
 * SHA-256 of the whole hash device, of both the first 20 bytes. */
static const struct vector {
	const char *algorithm;
	unsigned type;
	uint32_t data_block, hash_block;
	unsigned salt;
	uint64_t blocks;
	const char *root, *tree;
} vectors[] = {
    {"sha256", 1, 4096, 4096, 32, 1, "3ec549c1097b591ccdc58cd5add68ec19b18f11e",
     "7a162ba0c15b0df0ce92eee50222a18065d7185b"},
    {"sha256", 1, 4096, 4096, 32, 2, "0ff6526e3d1d65edf18bcad0f1fffb75c1c1e13e",
     "5f32bd6476849f5b0af811dbf237039d54f611ba"},
    {"sha256", 1, 4096, 4096, 0, 127, "15c5a7bfee83f8f7a26f097d6af0f6b62ccc50a9",
     "23792fc87eab67e6338d5ee3338e3405c46edadb"},
    {"sha256", 1, 4096, 4096, 1, 128, "ea6e31650e047f9bba2ecbd9c38135a23df27562",
     "5f8879dc474d3211adb210c45790bc47b81458ab"},
    {"sha256", 1, 4096, 4096, 256, 129, "0eb42a8c835fec21fa85b6c546bedac2eb8642fc",
     "38876c11412b2c23454770f3508cb22c0a75db88"},
    {"sha256", 1, 512, 512, 32, 300, "df7d7f6bc53451738c8d6ba8f3038cd176660d07",
     "af36d81be428a638d3b5b7de27f80d4528ff4b66"},
    {"sha256", 1, 512, 4096, 32, 999, "daa48e1adbe7681dc10f06aeb18c2bc4d2d06bd5",
     "0aa764391ce6304d895313201fcc1542fd95d5ce"},
    {"sha256", 1, 4096, 512, 32, 300, "06b8be45ed951b40921908a7480aeae04fec6d8c",
     "aba3c8fe13a1e8e9efc7ea397a8a65ac7d2b2f06"},
    {"sha256", 1, 1024, 2048, 7, 1025, "fee772bd462042be01195862a315f180c5c22235",
     "dcbae1c5c99e05da214c4ac87238b3171d742736"},
    {"sha512", 1, 4096, 4096, 32, 65, "1f42424e2ce0d7d196bf3388fe6c181378bc8226",
     "9260fd8d711bc8057b0f6e2b8f2f63a8338c8ca8"},
    {"sha512", 1, 512, 512, 32, 600, "b7798e2ba0a0522803441b5bf71d133d501f674e",
     "6f13970a28581aa99220e79a3789c083dbea250d"},
    {"sha1", 1, 4096, 4096, 20, 300, "a390dc5350717aa4c3363b15acce77335841a49c",
     "b1d976d7c79fc07d83d4979b07fb19e32c1181a7"},
    {"sha384", 1, 1024, 1024, 16, 300, "213039de1fe13766ae23e7cc6d7b81bc9f016e4a",
     "63ecd598b8f2a29d63bd04fa091775d5db2c04a8"},
    {"sha224", 1, 512, 512, 0, 300, "ef50b59e0bc0fe52f0b37f520547528e094d7eb4",
     "9388132155024d245d81eff9ef0c7f15a6def85b"},
    {"sha256", 0, 4096, 4096, 32, 300, "f69c64175f788898870e5950531ed5e62b5b8444",
     "9a5f33399dda57a1a9e28f984d190777c59b5b0b"},
    {"sha1", 0, 512, 512, 32, 700, "b7808ac63288041d966ebc0aabe1e19a4b919638",
     "4978546bc6904f4afa128ba00270104f405b58ce"},
    {"sha512", 0, 1024, 4096, 256, 300, "c66b5467f66e3279285874dfb56aa48b9669fb31",
     "dd21c5373b8aa37d8ff6caf3ed6927372a9b9edf"},
    {"sha384", 0, 512, 512, 3, 300, "7d133ca4ccb61a4b98ce00cd94ba157447823381",
     "908221c86c3964ac8e5f951f5c838565f94b6cb4"},
    {"sha256", 1, 65536, 65536, 32, 5, "a9f99c2611e1e619c46d053634ff9e69f12af812",
     "703a5ba1f98c5cd2dd063b9d12d06a60ed9e17d0"},
    {"sha256", 1, 512, 65536, 32, 3000, "9e0bd7101d6191b91c186b67d67119f529c8edc5",
     "6bee8da77965d27c3d1205d155f58c3ee38e363b"},
    {"sha3-256", 1, 512, 512, 32, 300, "6dbc03783ec9c54b0b2976e3b27e4e1e1d4bc72b",
     "07010ffae183988bf2a0b2965efacca3e8f7aefe"},
    {"blake2b-512", 1, 1024, 1024, 32, 300, "5dccd369a13ca025bd24fbb4b81c08d5377767b4",
     "b1dcc2045ba6409b1c13c58acf3d42668e4e04f4"},
    {"blake2s-256", 1, 1024, 1024, 32, 300, "eb8495fbbca5885371b5a6f076915580e5d63337",
     "c11c759fb03aa29cf7da2afba352d763f35eab2e"},
};

static void trees_are_those_of_veritysetup(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t root[DIGEST_MAX_BYTES], sum[32];
		struct verity_device d;
		char hex[41];

		device(&d, v->algorithm, v->type, v->data_block, v->hash_block, v->salt, v->blocks);
		memset(bytes_of(d.hash), 0, v->hash_block);
		verity_encode(&d.params, bytes_of(d.hash));
		assert_ok(verity_build(&d, &env, 0, NULL, NULL));
		assert_ok(verity_root(&d, root));
		hex_encode(root, 20, hex);
		assert_string_equal(hex, v->root);
		assert_ok(digest_sha256(bytes_of(d.hash), d.hash->size_bytes, sum));
		hex_encode(sum, 20, hex);
		assert_string_equal(hex, v->tree);
		device_free(&d);
	}
}

struct stopping {
	uint64_t at; /* gives up here */
	uint64_t reached;
	unsigned calls;
};

static int stop(void *ctx, uint64_t bytes)
{
	struct stopping *s = ctx;

	assert_true(bytes > s->reached);
	s->reached = bytes;
	s->calls++;
	return bytes >= s->at ? -EINTR : 0;
}

/* 40 MiB: several checkpoints. What lies behind the last one is worth nothing after a power cut. */
static void resumes_from_every_checkpoint(void **state)
{
	uint64_t size = 40 * 1024 * 1024 + 4096;
	uint8_t root[DIGEST_MAX_BYTES], again[DIGEST_MAX_BYTES];
	struct stopping all = {.at = UINT64_MAX};
	struct verity_device d;
	uint8_t *tree;

	device(&d, "sha256", 1, 4096, 4096, 32, size / 4096);
	assert_ok(verity_build(&d, &env, 0, stop, &all));
	assert_int_equal(all.reached, size);
	assert_true(all.calls >= 3);
	assert_ok(verity_root(&d, root));
	tree = malloc(d.hash->size_bytes);
	assert_non_null(tree);
	memcpy(tree, bytes_of(d.hash), d.hash->size_bytes);
	for (uint64_t at = 1; at < size; at += size / 5) {
		struct stopping s = {.at = at};
		uint64_t kept;

		memset(bytes_of(d.hash), 0xee, d.hash->size_bytes);
		assert_int_equal(verity_build(&d, &env, 0, stop, &s), -EINTR);
		kept = s.reached / (4096 * 128) * 4096; /* bytes of level 0 that are durable */
		memset(block_at(&d, 0, 0) + kept, 0xdd, d.tree.level[0].blocks * 4096 - kept);
		memset(bytes_of(d.hash) + 4096, 0xdd, 4096); /* the top, which comes before */
		assert_ok(verity_build(&d, &env, s.reached, NULL, NULL));
		assert_ok(verity_root(&d, again));
		assert_memory_equal(root, again, 32);
		assert_memory_equal(bytes_of(d.hash) + 4096, tree + 4096,
				    d.hash->size_bytes - 4096);
	}
	free(tree);
	device_free(&d);
}

static int cancel_now(void *ctx, uint64_t bytes)
{
	cancel = true;
	return 0;
}

static void building_and_checking_can_be_stopped(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES] = {0};
	struct verity_device d;

	device(&d, "sha256", 1, 4096, 4096, 0, 10000);
	assert_int_equal(verity_build(&d, &env, 0, cancel_now, NULL), -ECANCELED);
	assert_int_equal(diag_get(diag_count() - 1)->code, DIAG_SIGNAL);
	assert_int_equal(verity_check(&d, root, &env, note, &found), -ECANCELED);
	assert_int_equal(diag_get(diag_count() - 1)->code, DIAG_SIGNAL);
	cancel = false;
	device_free(&d);
}

static void a_failing_device_fails_the_build(void **state)
{
	struct verity_device d;

	device(&d, "sha256", 1, 512, 512, 32, BLOCKS);
	((struct failing *)d.data)->bad_offset = 512 * 700;
	((struct failing *)d.data)->bad_len = 512;
	assert_int_equal(verity_build(&d, &env, 0, NULL, NULL), -EIO);
	assert_int_equal(diag_get(diag_count() - 1)->code, DIAG_IO);
	device_free(&d);
}

/* The same tree from a hole, from zeroes, and from either with something beside it. */
static void holes_are_zeroes(void **state)
{
	FILE *file = tmpfile();
	uint8_t root[DIGEST_MAX_BYTES], sparse_root[DIGEST_MAX_BYTES];
	struct verity_device d, sparse;
	struct io *hole;

	assert_non_null(file);
	device(&d, "sha256", 1, 4096, 4096, 32, 5000);
	memset(bytes_of(d.data), 0, d.data->size_bytes);
	bytes_of(d.data)[12 * 1024 * 1024 + 5] = 1;
	assert_ok(verity_build(&d, &env, 0, NULL, NULL));
	assert_ok(verity_root(&d, root));
	assert_ok(io_from_fd(dup(fileno(file)), "sparse", true, &hole));
	assert_ok(io_resize(hole, d.data->size_bytes));
	assert_ok(io_write(hole, "\1", 1, 12 * 1024 * 1024 + 5));
	sparse = d;
	sparse.data = hole;
	memset(bytes_of(d.hash), 0xee, d.hash->size_bytes);
	assert_ok(verity_build(&sparse, &env, 0, NULL, NULL));
	assert_ok(verity_root(&sparse, sparse_root));
	assert_memory_equal(root, sparse_root, 32);
	run_check(&sparse, root);
	assert_int_equal(found.n, 0);
	io_close(hole);
	fclose(file);
	device_free(&d);
}

static void devices_that_cannot_hold_it_are_refused(void **state)
{
	struct verity_device d, e;
	size_t said = diag_count();

	device(&d, "sha256", 1, 512, 512, 32, BLOCKS);
	e = d;
	e.tree_offset_bytes += 1; /* the tree is cut off */
	assert_int_equal(verity_prepare(&e), -ERANGE);
	e = d;
	e.params.data_blocks++;
	assert_int_equal(verity_prepare(&e), -ERANGE);
	e.params.data_blocks = 1ULL << 55; /* times 512 is 0 */
	assert_int_equal(verity_prepare(&e), -ERANGE);
	e = d;
	strcpy(e.params.algorithm, "md4");
	assert_int_equal(verity_prepare(&e), -ENOTSUP);
	assert_int_equal(diag_count(), said + 4);
	device_free(&d);
}

/* --- checking --- */

static void finds_nothing_where_nothing_is(void **state)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t root[DIGEST_MAX_BYTES];
		struct verity_device d;

		device(&d, v->algorithm, v->type, v->data_block, v->hash_block, v->salt, v->blocks);
		assert_ok(verity_build(&d, &env, 0, NULL, NULL));
		assert_ok(verity_root(&d, root));
		run_check(&d, root);
		assert_int_equal(found.n, 0);
		device_free(&d);
	}
}

/* Every block of the device in turn, at its beginning, in its middle, at its end. */
static void finds_each_damaged_block_and_nothing_else(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;

	built(&d, root);
	for (int level = -1; level < 3; level++) {
		for (uint64_t block = 0; block < verity_level_blocks(&d, level); block++) {
			uint8_t *at = block_at(&d, level, block) + (block % 3) * 511 / 2;

			*at ^= 0x10;
			run_check(&d, root);
			assert_int_equal(found.n, 1);
			assert_true(is(VERITY_CORRUPT, level, block));
			*at ^= 0x10;
		}
	}
	device_free(&d);
}

static uint32_t dice(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* A bit of each of some blocks, and what can be told of the rest then. */
struct damage {
	bool damaged[4][BLOCKS];    /* [level + 1][block] */
	uint64_t digest[4][BLOCKS]; /* of a damaged hash block: which one was hit */
};

/* Data block under block @block of @level? */
static bool data_damaged(const struct damage *m, int level, uint64_t block)
{
	uint64_t covers = 1;
	bool any = false;

	for (int i = 0; i <= level; i++)
		covers *= 16;
	for (uint64_t i = block * covers; i < (block + 1) * covers && i < BLOCKS; i++)
		any = any || m->damaged[0][i];
	return any;
}

/* Can nothing tell what the hash block was? The digest that was hit, and what it was made from. */
static bool lost(const struct verity_device *d, const struct damage *m, int level, uint64_t block)
{
	uint64_t child = block * 16 + m->digest[level + 1][block];

	return m->damaged[level + 1][block] && child < verity_level_blocks(d, level - 1) &&
	       m->damaged[level][child] && data_damaged(m, level - 1, child);
}

static bool vouched_for(const struct verity_device *d, const struct damage *m, int level,
			uint64_t block)
{
	for (; ++level < 3; block /= 16) {
		if (lost(d, m, level, block / 16))
			return false;
	}
	return true;
}

static void do_damage(const struct verity_device *d, struct damage *m)
{
	memset(m, 0, sizeof(*m));
	for (unsigned n = 2 + dice() % 12; n > 0; n--) {
		int level = (int)(dice() % 4) - 1;
		uint64_t block = dice() % verity_level_blocks(d, level), at = dice() % 512;

		if (m->damaged[level + 1][block])
			continue;
		m->damaged[level + 1][block] = true;
		m->digest[level + 1][block] = at / 32;
		block_at(d, level, block)[at] ^= (uint8_t)(1 << dice() % 8);
	}
}

static void finds_all_of_several(void **state)
{
	static uint8_t before_data[BLOCKS * 512], before_hash[80 * 512];
	static struct damage m;
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;
	unsigned unproven = 0;

	built(&d, root);
	assert_true(d.hash->size_bytes <= sizeof(before_hash));
	memcpy(before_data, bytes_of(d.data), d.data->size_bytes);
	memcpy(before_hash, bytes_of(d.hash), d.hash->size_bytes);
	for (unsigned round = 0; round < 1000; round++) {
		do_damage(&d, &m);
		run_check(&d, root);
		for (int level = -1; level < 3; level++) {
			for (uint64_t i = 0; i < verity_level_blocks(&d, level); i++) {
				bool vouched = vouched_for(&d, &m, level, i);

				assert_int_equal(is(VERITY_UNPROVEN, level, i), !vouched);
				assert_int_equal(is(VERITY_CORRUPT, level, i),
						 vouched && m.damaged[level + 1][i]);
				unproven += !vouched;
			}
		}
		memcpy(bytes_of(d.data), before_data, d.data->size_bytes);
		memcpy(bytes_of(d.hash), before_hash, d.hash->size_bytes);
	}
	assert_true(unproven > 0);
	device_free(&d);
}

/* Whole levels gone, or all of them: the data prove themselves, by the root hash. */
static void a_tree_that_is_gone_hides_nothing(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;

	built(&d, root);
	for (unsigned levels = 1; levels < 8; levels++) {
		for (int level = 0; level < 3; level++) {
			if (levels & 1u << level)
				memset(block_at(&d, level, 0), 0, d.tree.level[level].blocks * 512);
		}
		run_check(&d, root);
		for (int level = 0; level < 3; level++) {
			for (uint64_t i = 0; i < d.tree.level[level].blocks; i++)
				assert_int_equal(is(VERITY_CORRUPT, level, i),
						 (levels & 1u << level) != 0);
		}
		for (uint64_t i = 0; i < BLOCKS; i++)
			assert_int_equal(found.kind[0][i], 0);
		assert_ok(verity_build(&d, &env, 0, NULL, NULL));
	}
	device_free(&d);
}

/* The top is gone, and one block below it is damaged, and one of data. */
static void damage_at_two_levels_is_told_apart(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;

	built(&d, root);
	memset(block_at(&d, 2, 0), 0xff, 512);
	block_at(&d, 1, 2)[40] ^= 1;
	block_at(&d, 0, 7)[511] ^= 1;
	*block_at(&d, -1, 17) ^= 1;
	run_check(&d, root);
	assert_int_equal(found.n, 4);
	assert_true(is(VERITY_CORRUPT, 2, 0) && is(VERITY_CORRUPT, 1, 2));
	assert_true(is(VERITY_CORRUPT, 0, 7) && is(VERITY_CORRUPT, -1, 17));
	device_free(&d);
}

/* A hash block is gone, and one of those that it covers is damaged: nothing can tell which. */
static void what_nothing_vouches_for_is_unproven(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;

	built(&d, root);
	memset(block_at(&d, 0, 5), 0x55, 13 * 32); /* the first 13 of its 16 digests */
	*block_at(&d, -1, 5 * 16 + 14) ^= 1;
	run_check(&d, root);
	assert_int_equal(found.n, 1 + 16);
	assert_true(is(VERITY_CORRUPT, 0, 5));
	for (uint64_t i = 0; i < 16; i++) {
		assert_true(is(VERITY_UNPROVEN, -1, 5 * 16 + i));
		assert_int_equal(found.differs[0][5 * 16 + i], i < 13 || i == 14);
	}
	device_free(&d);
}

static void a_wrong_root_hash_proves_nothing(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;

	built(&d, root);
	root[31] ^= 1;
	run_check(&d, root);
	assert_true(is(VERITY_CORRUPT, 2, 0));
	assert_int_equal(found.n, BLOCKS + d.tree.total_blocks);
	assert_int_equal(found.calls, 4); /* one range a level */
	for (uint64_t i = 0; i < BLOCKS; i++)
		assert_true(is(VERITY_UNPROVEN, -1, i) && !found.differs[0][i]);
	device_free(&d);
}

static void unreadable_blocks_are_told(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;
	struct failing *f;
	struct io *io;

	built(&d, root);
	f = (struct failing *)d.data;
	f->bad_offset = 512 * 100 + 511;
	f->bad_len = 2;
	*block_at(&d, -1, 102) ^= 1;
	run_check(&d, root);
	assert_int_equal(found.n, 3);
	assert_true(is(VERITY_UNREADABLE, -1, 100) && is(VERITY_UNREADABLE, -1, 101));
	assert_true(is(VERITY_CORRUPT, -1, 102));
	/* The hash block over them, too: of its children, these three cannot be told. */
	block_at(&d, 0, 6)[0] ^= 1;
	run_check(&d, root);
	assert_int_equal(found.n, 4);
	assert_true(is(VERITY_CORRUPT, 0, 6) && is(VERITY_UNREADABLE, -1, 101));
	f->bad_len = 0;
	*block_at(&d, -1, 102) ^= 1;
	block_at(&d, 0, 6)[0] ^= 1;

	f = (struct failing *)d.hash;
	for (int level = 0; level < 3; level++) {
		f->bad_offset = verity_locate(&d, level, d.tree.level[level].blocks - 1, &io);
		f->bad_len = 1;
		run_check(&d, root);
		assert_int_equal(found.n, 1);
		assert_true(is(VERITY_UNREADABLE, level, d.tree.level[level].blocks - 1));
	}
	/* Unreadable stays unreadable where nothing vouches for it either. */
	f->bad_offset = verity_locate(&d, 0, 6, &io);
	f->bad_len = 512;
	f = (struct failing *)d.data;
	f->bad_offset = 512 * 100;
	f->bad_len = 512;
	run_check(&d, root);
	assert_true(is(VERITY_UNREADABLE, 0, 6) && is(VERITY_UNREADABLE, -1, 100));
	assert_true(is(VERITY_UNPROVEN, -1, 101) && !found.differs[0][101]);
	assert_int_equal(found.n, 1 + 16);
	device_free(&d);
}

static void one_block_has_no_tree(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;

	device(&d, "sha512", 1, 4096, 4096, 0, 1);
	assert_int_equal(d.tree.levels, 0);
	assert_ok(verity_build(&d, &env, 0, NULL, NULL));
	assert_ok(verity_root(&d, root));
	run_check(&d, root);
	assert_int_equal(found.n, 0);
	bytes_of(d.data)[4095] ^= 1;
	run_check(&d, root);
	assert_int_equal(found.n, 1);
	assert_true(is(VERITY_CORRUPT, -1, 0));
	device_free(&d);
}

/* --- reading --- */

static void reads_are_verified(void **state)
{
	static uint8_t buf[BLOCKS * 512];
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;
	struct io *reader;

	built(&d, root);
	assert_ok(verity_open_reader(&d, root, false, &reader));
	assert_int_equal(reader->size_bytes, sizeof(buf));
	assert_ok(io_read(reader, buf, sizeof(buf), 0));
	assert_memory_equal(buf, bytes_of(d.data), sizeof(buf));
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t offset = dice() % sizeof(buf);
		size_t len = dice() % 3000;

		len = len > sizeof(buf) - offset ? sizeof(buf) - offset : len;
		assert_ok(io_read(reader, buf, len, offset));
		assert_memory_equal(buf, bytes_of(d.data) + offset, len);
	}
	assert_int_equal(io_write(reader, buf, 1, 0), -EROFS);
	assert_int_equal(io_read(reader, buf, 1, sizeof(buf)), -EIO);
	io_close(reader);
	device_free(&d);
}

static void what_does_not_verify_is_not_read(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES], buf[3 * 512], zeroes[sizeof(buf)] = {0};
	struct verity_device d;
	struct io *reader;

	built(&d, root);
	*block_at(&d, -1, 500) ^= 1;
	block_at(&d, 0, 3)[9] ^= 1; /* over blocks 48 to 63 */
	((struct failing *)d.data)->bad_offset = 512 * 700;
	((struct failing *)d.data)->bad_len = 512;
	assert_ok(verity_open_reader(&d, root, false, &reader));
	for (uint64_t i = 0; i < BLOCKS; i++)
		assert_int_equal(io_read(reader, buf, 512, i * 512), i == 500      ? -EILSEQ
								     : i / 16 == 3 ? -EILSEQ
								     : i == 700    ? -EIO
										   : 0);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(io_read(reader, buf, sizeof(buf), 499 * 512), -EILSEQ);
	assert_memory_equal(buf, zeroes, sizeof(buf));
	assert_int_equal(io_read(reader, buf, 7, 500 * 512 + 100), -EILSEQ);
	io_close(reader);

	root[0] ^= 1;
	assert_ok(verity_open_reader(&d, root, false, &reader));
	assert_int_equal(io_read(reader, buf, 512, 0), -EILSEQ);
	io_close(reader);
	device_free(&d);
}

static void *read_all_over(void *reader)
{
	uint8_t buf[2048];
	uint32_t x = (uint32_t)(uintptr_t)&buf;

	for (unsigned i = 0; i < 3000; i++) {
		x = x * 1664525 + 1013904223;
		if (io_read(reader, buf, sizeof(buf), (x >> 8) % (BLOCKS * 512 - 2048)) < 0)
			return reader;
	}
	return NULL;
}

static void readers_may_be_shared(void **state)
{
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_device d;
	struct io *reader;
	pthread_t threads[4];
	void *failed;

	built(&d, root);
	assert_ok(verity_open_reader(&d, root, false, &reader));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all_over, reader), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	io_close(reader);
	device_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(trees_are_those_of_veritysetup),
	    cmocka_unit_test(resumes_from_every_checkpoint),
	    cmocka_unit_test(building_and_checking_can_be_stopped),
	    cmocka_unit_test(a_failing_device_fails_the_build),
	    cmocka_unit_test(holes_are_zeroes),
	    cmocka_unit_test(devices_that_cannot_hold_it_are_refused),
	    cmocka_unit_test(finds_nothing_where_nothing_is),
	    cmocka_unit_test(finds_each_damaged_block_and_nothing_else),
	    cmocka_unit_test(finds_all_of_several),
	    cmocka_unit_test(a_tree_that_is_gone_hides_nothing),
	    cmocka_unit_test(damage_at_two_levels_is_told_apart),
	    cmocka_unit_test(what_nothing_vouches_for_is_unproven),
	    cmocka_unit_test(a_wrong_root_hash_proves_nothing),
	    cmocka_unit_test(unreadable_blocks_are_told),
	    cmocka_unit_test(one_block_has_no_tree),
	    cmocka_unit_test(reads_are_verified),
	    cmocka_unit_test(what_does_not_verify_is_not_read),
	    cmocka_unit_test(readers_may_be_shared),
	};
	int r;

	assert_ok(pool_new(3, &env.pool));
	r = cmocka_run_group_tests(tests, NULL, NULL);
	pool_free(env.pool);
	return r;
}
