/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2 headers: written, read, damaged, mended, forged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "lib/check.h"
#include "lib/fault-io.h"
#include "userspace/luks2/token.h"
#include "userspace/luks2/luks2.h"

#define DEVICE_BYTES  (2 * 1024 * 1024)
#define SEGMENT_BYTES (1024 * 1024)

/* --- what the tests work on --- */

static struct progress progress;
static atomic_bool cancel;
static struct env env = {.progress = &progress, .cancel = &cancel, .random = random_bytes};

static const char passphrase[] = "cbdefghi-jklnrtuv-cbdefghi-jklnrtuv";

static struct secret *secret_of(const void *bytes, size_t len)
{
	struct secret *s;

	assert_ok(secret_new(len, &s));
	memcpy(secret_bytes(s), bytes, len);
	return s;
}

static struct secret *random_key(size_t len)
{
	uint8_t bytes[512];

	assert_ok(random_bytes(bytes, len));
	return secret_of(bytes, len);
}

static struct luks2_new new_header(const struct secret *key, const struct secret *recovery)
{
	struct luks2_new n = {
	    .label = "root",
	    .encryption = "aes-xts-plain64",
	    .sector_bytes = 4096,
	    .segment_offset_bytes = SEGMENT_BYTES,
	    .key = key,
	    .ways = {{.passphrase = recovery}},
	    .n_ways = recovery != NULL,
	};

	assert_ok(uuid_scan("01234567-89ab-4def-8123-456789abcdef", &n.uuid));
	return n;
}

struct device {
	struct io *io;
	uint8_t *bytes;
	struct secret *key, *recovery;
};

/* A device with a header, a 64-byte key, and a keyslot. */
static struct device device(void)
{
	struct device d = {.key = random_key(64),
			   .recovery = secret_of(passphrase, strlen(passphrase))};
	struct luks2_new n = new_header(d.key, d.recovery);

	assert_ok(io_open_memory("memory", DEVICE_BYTES, &d.io));
	d.bytes = io_memory_bytes(d.io);
	assert_ok(luks2_write(d.io, &n, &env));
	return d;
}

static void device_free(struct device *d)
{
	io_close(d->io);
	secret_free(d->key);
	secret_free(d->recovery);
	diag_forget(0);
}
#define _cleanup_device_ __attribute__((cleanup(device_free)))

static void put_checksum(uint8_t *copy, size_t len)
{
	memset(copy + LUKS2_CHECKSUM_OFFSET, 0, 64);
	assert_ok(digest_sha256(copy, len, copy + LUKS2_CHECKSUM_OFFSET));
}

/* Replaces text in the JSON of copies from @first to @last, and makes the checksums right. */
static void forge_copies(struct device *d, int first, int last, const char *from, const char *to)
{
	for (int i = first; i <= last; i++) {
		uint8_t *copy = d->bytes + i * LUKS2_HEADER_BYTES;
		char *json = (char *)copy + LUKS2_BINARY_BYTES, *at = strstr(json, from);
		char *rest;

		assert_non_null(at);
		rest = strdup(at + strlen(from));
		assert_non_null(rest);
		memset(at, 0, strlen(at));
		memcpy(at, to, strlen(to));
		memcpy(at + strlen(to), rest, strlen(rest));
		free(rest);
		put_checksum(copy, LUKS2_HEADER_BYTES);
	}
}

static void forge(struct device *d, const char *from, const char *to)
{
	forge_copies(d, 0, 1, from, to);
}

static struct luks2_facts facts_of(struct device *d)
{
	_cleanup_luks2_ struct luks2_found f;

	assert_ok(luks2_read(d->io, &f));
	assert_int_equal(f.active, 0);
	return f.facts;
}

/* --- writing and reading --- */

static void reads_what_it_wrote(void **state)
{
	_cleanup_device_ struct device d = device();
	_cleanup_luks2_ struct luks2_found f;
	const struct luks2_facts *facts = &f.facts;

	assert_ok(luks2_read(d.io, &f));
	assert_int_equal(f.active, 0);
	assert_false(f.differ);
	for (int i = 0; i < 2; i++) {
		assert_true(f.copy[i].good);
		assert_null(f.copy[i].why);
		assert_int_equal(f.copy[i].offset_bytes, i * LUKS2_HEADER_BYTES);
		assert_int_equal(f.copy[i].binary.sequence, 1);
		assert_string_equal(f.copy[i].binary.label, "root");
	}
	assert_memory_not_equal(f.copy[0].binary.salt, f.copy[1].binary.salt, 64);
	assert_true(facts->valid);
	assert_string_equal(facts->why, "");
	assert_string_equal(facts->encryption, "aes-xts-plain64");
	assert_string_equal(facts->integrity, "");
	assert_int_equal(facts->sector_bytes, 4096);
	assert_int_equal(facts->segment_offset_bytes, SEGMENT_BYTES);
	assert_int_equal(facts->segment_bytes, 0);
	assert_int_equal(facts->iv_tweak, 0);
	assert_int_equal(facts->segments, 1);
	assert_int_equal(facts->digests, 1);
	assert_int_equal(facts->keyslots, 1);
	assert_int_equal(facts->keyslot_bits, 1);
	assert_int_equal(facts->unbound, 0);
	assert_int_equal(facts->tokens, 0);
	assert_false(facts->reencryption);
	assert_string_equal(facts->requirements, "");
	assert_string_equal(facts->flags, "");
	assert_string_equal(facts->digest_hash, "sha256");
	assert_int_equal(facts->digest_iterations, 1000);
}

static void tells_integrity(void **state)
{
	struct secret *key = random_key(32);
	struct luks2_new n = new_header(key, NULL);
	_cleanup_luks2_ struct luks2_found f;
	_cleanup_io_ struct io *io = NULL;

	n.label = NULL;
	n.encryption = "aes-gcm-random";
	n.integrity = "aead";
	assert_ok(io_open_memory("memory", DEVICE_BYTES, &io));
	assert_ok(luks2_write(io, &n, &env));
	assert_ok(luks2_read(io, &f));
	assert_true(f.facts.valid);
	assert_string_equal(f.facts.integrity, "aead");
	assert_string_equal(f.facts.journal_encryption, "none");
	assert_string_equal(f.facts.journal_integrity, "none");
	assert_int_equal(f.facts.integrity_key_bytes, 0);
	assert_int_equal(f.facts.keyslots, 0);
	assert_string_equal(f.copy[0].binary.label, "");
	secret_free(key);
}

static void the_digest_tells_the_key(void **state)
{
	_cleanup_device_ struct device d = device();
	struct luks2_facts f = facts_of(&d);
	uint8_t *key = secret_bytes(d.key);

	assert_int_equal(luks2_key_matches(&f, key, 64), 1);
	assert_int_equal(luks2_key_matches(&f, key, 63), 0);
	key[63] ^= 1;
	assert_int_equal(luks2_key_matches(&f, key, 64), 0);
	key[63] ^= 1;
	/* What would take for ever, or would match anything, is refused. */
	f.digest_iterations = UINT32_MAX;
	assert_int_equal(luks2_key_matches(&f, key, 64), -ERANGE);
	f.digest_iterations = 1000;
	f.digest_len = 0;
	assert_int_equal(luks2_key_matches(&f, key, 64), -EINVAL);
}

static void the_passphrase_opens_the_keyslot(void **state)
{
	for (size_t len = 16; len <= 96; len += 16) { /* 4000 pieces are not always whole sectors */
		struct secret *key = random_key(len), *got = NULL;
		struct secret *recovery = secret_of(passphrase, strlen(passphrase));
		struct luks2_new n = new_header(key, recovery);
		_cleanup_luks2_ struct luks2_found f;
		_cleanup_io_ struct io *io = NULL;

		assert_ok(io_open_memory("memory", DEVICE_BYTES, &io));
		assert_ok(luks2_write(io, &n, &env));
		assert_ok(luks2_read(io, &f));
		assert_int_equal(luks2_unlock(io, &f, (const uint8_t *)passphrase,
					      strlen(passphrase), &env, &got),
				 1);
		assert_true(secret_equal(key, got));
		got = secret_free(got);
		assert_int_equal(luks2_unlock(io, &f, (const uint8_t *)passphrase,
					      strlen(passphrase) - 1, &env, &got),
				 0);
		assert_null(got);
		secret_free(key);
		secret_free(recovery);
	}
	assert_int_equal(diag_count(), 0);
}

static void keyslots_that_cannot_be_opened(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
		const char *says;
	} slots[] = {
	    {"\"kdf\":{\"type\":\"pbkdf2\"", "\"kdf\":{\"type\":\"argon2id\"", -ENOTSUP, "Argon2"},
	    {"aes-xts-plain64\",\"key_size\":64}", "serpent-xts-plain64\",\"key_size\":64}",
	     -ENOTSUP, "encrypted in a way"},
	    {"\"stripes\":4000", "\"stripes\":4000000000", -EUCLEAN, "malformed"},
	    {"\"key_size\":64,\"af\"", "\"key_size\":4294967295,\"af\"", -EUCLEAN, "malformed"},
	    {"\"key_size\":64,\"af\"", "\"key_size\":0,\"af\"", -EUCLEAN, "malformed"},
	    {"\"key_size\":64}", "\"key_size\":63}", -EUCLEAN, "malformed"},
	    {"\"offset\":\"32768\"", "\"offset\":\"2000000\"", -EUCLEAN, "malformed"},
	    {"\"offset\":\"32768\"", "\"offset\":\"18446744073709551615\"", -EUCLEAN, "malformed"},
	    {"\"size\":\"258048\"", "\"size\":\"4096\"", -EUCLEAN, "malformed"},
	    {"\"iterations\":1000", "\"iterations\":4294967295", -EUCLEAN, "malformed"},
	    {"\"iterations\":1000", "\"iterations\":0", -EUCLEAN, "malformed"},
	    {"\"type\":\"luks1\"", "\"type\":\"luks7\"", -ENOTSUP, "encrypted in a way"},
	};

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		_cleanup_device_ struct device d = device();
		_cleanup_luks2_ struct luks2_found f;
		struct secret *got;

		forge(&d, slots[i].from, slots[i].to);
		assert_ok(luks2_read(d.io, &f));
		assert_int_equal(luks2_unlock(d.io, &f, (const uint8_t *)passphrase,
					      strlen(passphrase), &env, &got),
				 slots[i].error);
		assert_non_null(strstr(diag_get(0)->text, slots[i].says));
	}
}

/* A keyslot may hold another key: it must not be given out for the one of the segment. */
static void a_keyslot_of_another_key_opens_nothing(void **state)
{
	_cleanup_device_ struct device d = device(), other = device();
	_cleanup_luks2_ struct luks2_found f, g;
	struct secret *got;
	char *salt, *theirs;

	assert_ok(luks2_read(other.io, &g));
	theirs = strstr(g.copy[0].json, "\"salt\":\"") + 8;
	theirs[44] = 0;
	assert_ok(luks2_read(d.io, &f));
	salt = strstr(f.copy[0].json, "\"salt\":\"") + 8;
	salt[44] = 0;
	forge(&d, salt, theirs);
	memcpy(d.bytes + 32768, other.bytes + 32768, 256000);
	luks2_free(&f);
	assert_ok(luks2_read(d.io, &f));
	assert_int_equal(
	    luks2_unlock(d.io, &f, (const uint8_t *)passphrase, strlen(passphrase), &env, &got), 0);
}

static void nothing_is_there(void **state)
{
	_cleanup_io_ struct io *io = NULL, *small = NULL;
	struct luks2_found f;

	assert_ok(io_open_memory("memory", DEVICE_BYTES, &io));
	assert_int_equal(luks2_read(io, &f), -ENODATA);
	assert_ok(io_open_memory("small", 512, &small));
	assert_int_equal(luks2_read(small, &f), -ENODATA);
	assert_int_equal(diag_count(), 0);
}

static void luks1_is_told(void **state)
{
	_cleanup_io_ struct io *io = NULL;
	_cleanup_luks2_ struct luks2_found f;

	assert_ok(io_open_memory("memory", DEVICE_BYTES, &io));
	memcpy(io_memory_bytes(io), "LUKS\xba\xbe\0\1", 8);
	assert_ok(luks2_read(io, &f));
	assert_int_equal(f.active, -1);
	assert_non_null(strstr(f.copy[0].why, "another version"));
}

static void a_device_that_ends_within_the_header(void **state)
{
	_cleanup_device_ struct device d = device();
	_cleanup_io_ struct io *window = NULL;
	_cleanup_luks2_ struct luks2_found f;

	assert_ok(io_open_window(d.io, "cut", 0, 16384 + 8192, &window));
	assert_ok(luks2_read(window, &f));
	assert_int_equal(f.active, 0);
	assert_string_equal(f.copy[1].why, "the device ends within it");
}

/* --- damage --- */

static void a_damaged_copy_is_passed_over_and_mended(void **state)
{
	static const size_t places[] = {0, 30, 110, 200, 448, 479, 4096, 4200, 4096 + 12287};

	for (int copy = 0; copy < 2; copy++) {
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			_cleanup_device_ struct device d = device();
			_cleanup_luks2_ struct luks2_found f, g;

			d.bytes[copy * LUKS2_HEADER_BYTES + places[i]] ^= 0x20;
			assert_ok(luks2_read(d.io, &f));
			assert_int_equal(f.active, !copy);
			assert_false(f.copy[copy].good);
			assert_non_null(f.copy[copy].why);
			assert_true(f.facts.valid);
			assert_int_equal(luks2_mend(d.io, &f), 1);
			assert_ok(luks2_read(d.io, &g));
			assert_true(g.copy[0].good && g.copy[1].good);
			assert_false(g.differ);
			assert_memory_not_equal(g.copy[0].binary.salt, g.copy[1].binary.salt, 64);
			assert_int_equal(luks2_mend(d.io, &g), 0);
		}
	}
}

static void both_damaged_is_beyond_mending(void **state)
{
	_cleanup_device_ struct device d = device();
	_cleanup_luks2_ struct luks2_found f;

	d.bytes[4100] ^= 1;
	d.bytes[16384 + 4100] ^= 1;
	assert_ok(luks2_read(d.io, &f));
	assert_int_equal(f.active, -1);
	assert_string_equal(f.copy[0].why, "its checksum is wrong");
	assert_string_equal(f.copy[1].why, "its checksum is wrong");
	assert_false(f.facts.valid);
	assert_int_equal(luks2_mend(d.io, &f), -EUCLEAN);
}

static void swapped_copies_are_not_good(void **state)
{
	_cleanup_device_ struct device d = device();
	_cleanup_luks2_ struct luks2_found f;
	uint8_t first[LUKS2_HEADER_BYTES];

	memcpy(first, d.bytes, sizeof(first));
	memcpy(d.bytes, d.bytes + sizeof(first), sizeof(first));
	memcpy(d.bytes + sizeof(first), first, sizeof(first));
	assert_ok(luks2_read(d.io, &f));
	assert_int_equal(f.active, -1);
	assert_non_null(strstr(f.copy[0].why, "place"));
	assert_non_null(strstr(f.copy[1].why, "place"));
}

static void set_sequence(struct device *d, int copy, uint8_t sequence)
{
	uint8_t *bytes = d->bytes + copy * LUKS2_HEADER_BYTES;

	bytes[23] = sequence;
	put_checksum(bytes, LUKS2_HEADER_BYTES);
}

static void the_higher_sequence_counts(void **state)
{
	for (int newer = 0; newer < 2; newer++) {
		_cleanup_device_ struct device d = device();
		_cleanup_luks2_ struct luks2_found f, g;

		forge_copies(&d, newer, newer, "\"sector_size\":4096", "\"sector_size\":512");
		set_sequence(&d, newer, 2);
		assert_ok(luks2_read(d.io, &f));
		assert_int_equal(f.active, newer);
		assert_int_equal(f.facts.sector_bytes, 512);
		assert_false(f.differ);
		assert_int_equal(luks2_mend(d.io, &f), 1);
		assert_ok(luks2_read(d.io, &g));
		assert_int_equal(g.active, 0);
		assert_int_equal(g.copy[0].binary.sequence, 2);
		assert_int_equal(g.copy[1].binary.sequence, 2);
		assert_string_equal(g.copy[0].json, g.copy[1].json);
	}
}

static void copies_of_one_sequence_that_differ_are_told(void **state)
{
	_cleanup_device_ struct device d = device();
	_cleanup_luks2_ struct luks2_found f, g;

	forge_copies(&d, 1, 1, "\"sector_size\":4096", "\"sector_size\":512");
	assert_ok(luks2_read(d.io, &f));
	assert_int_equal(f.active, 0); /* as libcryptsetup has it */
	assert_true(f.differ);
	assert_int_equal(luks2_mend(d.io, &f), 1);
	assert_ok(luks2_read(d.io, &g));
	assert_false(g.differ);
}

/* The JSON is the same in both copies; only the binary header of the second one is another. */
static void copies_that_differ_in_the_binary_header_are_told(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
	} changes[] = {
	    {24, "toor"},      /* label */
	    {168, "11234567"}, /* UUID */
	    {208, "other"},    /* subsystem */
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		_cleanup_device_ struct device d = device();
		_cleanup_luks2_ struct luks2_found f, g;
		uint8_t *second = d.bytes + LUKS2_HEADER_BYTES;

		memcpy(second + changes[i].at, changes[i].bytes, strlen(changes[i].bytes));
		put_checksum(second, LUKS2_HEADER_BYTES);
		assert_int_equal(luks2_read(d.io, &f), 0);
		assert_true(f.copy[0].good && f.copy[1].good);
		assert_int_equal(f.active, 0);
		assert_true(f.differ);
		assert_int_equal(luks2_mend(d.io, &f), 1);
		assert_int_equal(luks2_read(d.io, &g), 0);
		assert_false(g.differ);
		assert_string_equal(g.copy[1].binary.label, "root");
		assert_string_equal(g.copy[1].binary.subsystem, "");
		assert_true(uuid_equal(&g.copy[0].binary.uuid, &g.copy[1].binary.uuid));
	}
}

/* A second copy that says that the header is larger does not belong where it is. */
static void a_second_copy_of_another_size_is_not_good(void **state)
{
	_cleanup_device_ struct device d = device();
	_cleanup_luks2_ struct luks2_found f;
	uint8_t *second = d.bytes + LUKS2_HEADER_BYTES;

	second[14] = 0x80; /* 32 KiB instead of 16 */
	put_checksum(second, 2 * LUKS2_HEADER_BYTES);
	assert_int_equal(luks2_read(d.io, &f), 0);
	assert_int_equal(f.active, 0);
	assert_false(f.copy[1].good);
	assert_non_null(strstr(f.copy[1].why, "impossible place"));
	second[262] = 0x80; /* and that it is 32 KiB on */
	put_checksum(second, 2 * LUKS2_HEADER_BYTES);
	luks2_free(&f);
	assert_int_equal(luks2_read(d.io, &f), 0);
	assert_int_equal(f.active, 0);
	assert_false(f.copy[1].good);
	assert_string_equal(f.copy[1].why, "it is the header of another place");
}

/* Headers of other sizes, with only the second copy left. */
static void the_second_copy_is_found_wherever_it_may_stand(void **state)
{
	for (size_t size = 16384; size <= 4 * 1024 * 1024; size *= 2) {
		_cleanup_device_ struct device d = device();
		_cleanup_luks2_ struct luks2_found f, g;
		_cleanup_io_ struct io *io = NULL;
		struct luks2_binary h;
		char was[64], is[64];
		const char *why;
		uint8_t *at;

		snprintf(was, sizeof(was), "\"json_size\":\"%d\"", 12288);
		snprintf(is, sizeof(is), "\"json_size\":\"%zu\"", size - 4096);
		forge(&d, was, is);
		assert_ok(io_open_memory("large", 9 * 1024 * 1024, &io));
		at = (uint8_t *)io_memory_bytes(io) + size;
		memcpy(at, d.bytes + 16384, 16384);
		assert_ok(luks2_decode(d.bytes + 16384, 4096, &h, &why));
		h.header_bytes = h.offset_bytes = size;
		luks2_encode(&h, at);
		put_checksum(at, size);
		assert_ok(luks2_read(io, &f));
		assert_int_equal(f.active, 1);
		assert_int_equal(f.copy[1].offset_bytes, size);
		assert_int_equal(luks2_mend(io, &f), 1);
		assert_ok(luks2_read(io, &g));
		assert_true(g.copy[0].good && g.copy[1].good);
		assert_int_equal(g.copy[0].binary.header_bytes, size);
	}
}

/* --- forged headers --- */

/* Changes of a good header (of which the checksum is right), and what is said of it. */
static const struct {
	const char *from, *to;
	const char *why; /* NULL: valid */
} forged[] = {
    {"aes-xts-plain64\",\"sector", "cipher_null-ecb\",\"sector", NULL},
    {"\"offset\":\"1048576\"", "\"offset\":\"1052672\"", NULL},
    {"\"offset\":\"1048576\"", "\"offset\":\"0\"", "within the header"},
    {"\"offset\":\"1048576\"", "\"offset\":\"1044480\"", "within the header"},
    {"\"offset\":\"1048576\"", "\"offset\":\"1048577\"", "no offset in sectors"},
    {"\"offset\":\"1048576\"", "\"offset\":1048576", "no offset"},
    {"\"offset\":\"1048576\"", "\"offset\":\"-1048576\"", "no offset"},
    {"\"offset\":\"1048576\"", "\"offset\":\"18446744073709551616\"", "no offset"},
    {"\"offset\":\"1048576\"", "\"offset\":\"1048576 \"", "no offset"},
    {"\"offset\":\"1048576\"", "\"offset\":\"\"", "no offset"},
    {"\"size\":\"dynamic\"", "\"size\":\"4096\"", "does not go on to the end"},
    {"\"size\":\"dynamic\"", "\"size\":\"dynamite\"", "no size"},
    {"\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\"", NULL},
    {"\"iv_tweak\":\"0\"", "\"iv_tweak\":0", "no iv_tweak"},
    {"\"sector_size\":4096", "\"sector_size\":512", NULL},
    {"\"sector_size\":4096", "\"sector_size\":8192", "no possible sector_size"},
    {"\"sector_size\":4096", "\"sector_size\":1536", "no possible sector_size"},
    {"\"sector_size\":4096", "\"sector_size\":\"4096\"", "no possible sector_size"},
    {"\"sector_size\":4096", "\"sector_size\":4294971392", "no possible sector_size"},
    {"\"type\":\"crypt\"", "\"type\":\"linear\"", "not of type crypt"},
    {"\"type\":\"crypt\"", "\"type\":\"hw-opal-crypt\"", "not of type crypt"},
    {"\"sector_size\":4096", "\"sector_size\":4096,\"flags\":[\"in-reencryption\"]", "has flags"},
    {"\"sector_size\":4096", "\"sector_size\":4096,\"opal_key_size\":32", "\"opal_key_size\""},
    {"\"sector_size\":4096", "\"sector_size\":4096,\"integrity\":{\"type\":\"none\"}",
     "malformed integrity"},
    {"\"sector_size\":4096", "\"sector_size\":4096,\"integrity\":\"aead\"", "malformed integrity"},
    {"\"segments\":{\"0\"", "\"segments\":{\"1\"", "no segment 0"},
    {"\"segments\":{\"0\"", "\"segments\":{\"x\"", "numbered objects"},
    {"\"segments\":{\"0\"", "\"segments\":{\"00\"", "numbered objects"},
    {"\"segments\":{", "\"segments\":{\"1\":{\"type\":\"linear\"},", "2 segments"},
    {"\"segments\":{", "\"segment\":{", "no segments"},
    {"\"segments\":[\"0\"]", "\"segments\":[]", "no digest"},
    {"\"digests\":{", "\"digests\":{\"1\":{\"type\":\"pbkdf2\",\"segments\":[\"0\"]},",
     "has 2 digests"},
    {"\"digests\":{\"0\":{\"type\":\"pbkdf2\"", "\"digests\":{\"0\":{\"type\":\"none\"",
     "is malformed"},
    {"\"keyslots\":[\"0\"]", "\"keyslots\":[\"0\",\"1\"]", "not there"},
    {"\"keyslots\":[\"0\"]", "\"keyslots\":0", "no list of keyslots"},
    {"\"keyslots\":{\"0\"", "\"keyslots\":{\"32\"", "too high"},
    {"\"offset\":\"32768\"", "\"offset\":\"16384\"", "area of keyslots"},
    {"\"size\":\"258048\"", "\"size\":\"258048000\"", "area of keyslots"},
    {"\"json_size\":\"12288\"", "\"json_size\":\"28672\"", "json_size"},
    {"\"keyslots_size\":\"1015808\"", "\"keyslots_size\":\"1015809\"", "keyslots_size"},
    {"\"keyslots_size\":\"1015808\"", "\"keyslots_size\":\"1073741824\"", "keyslots_size"},
    {"\"config\":{", "\"config\":{\"requirements\":[],", "requirements are malformed"},
    {"\"config\":{", "\"config\":{\"requirements\":{\"mandatory\":\"x\"},",
     "requirements are malformed"},
    {"\"config\":{", "\"config\":{\"requirements\":{\"mandatory\":[\"inline-hw-tags\"]},",
     "requires inline-hw-tags"},
    {"\"config\":{", "\"config\":{\"requirements\":{\"mandatory\":[7]},", "requires ?"},
    {"\"config\":{", "\"config\":{\"requirements\":{\"mandatory\":[]},", NULL},
    {"\"config\":{", "\"config\":{\"flags\":[\"allow-discards\"],", NULL},
    {"\"config\":{", "\"config\":{\"flags\":\"allow-discards\",", "flags are malformed"},
    {"\"config\":{", "\"confug\":{", "no config"},
    {"\"tokens\":{}", "\"tokens\":{\"0\":{\"type\":\"systemd-tpm2\"}}", NULL},
    {"\"tokens\":{}", "\"tokens\":{\"0\":{}}", "no type"},
    {"\"tokens\":{}", "\"tokens\":[]", "no tokens"},
};

static void forged_headers_are_seen(void **state)
{
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		_cleanup_device_ struct device d = device();
		struct luks2_facts f;

		forge(&d, forged[i].from, forged[i].to);
		f = facts_of(&d);
		if (!forged[i].why && !f.valid)
			fail_msg("%s: %s", forged[i].to, f.why);
		if (forged[i].why && (f.valid || !strstr(f.why, forged[i].why)))
			fail_msg("%s: \"%s\", not \"%s\"", forged[i].to, f.why, forged[i].why);
	}
}

static void facts_tell_what_was_forged(void **state)
{
	_cleanup_device_ struct device d = device();
	struct luks2_facts f;

	forge(&d, "aes-xts-plain64\",\"sector_size\":4096",
	      "cipher_null-ecb\",\"sector_size\":512,\"integrity\":{\"type\":\"hmac(sha256)\","
	      "\"journal_encryption\":\"none\",\"journal_integrity\":\"none\",\"key_size\":32}");
	forge(&d, "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"18446744073709551615\"");
	forge(&d, "\"offset\":\"1048576\",\"size\":\"dynamic\"",
	      "\"offset\":\"1052672\",\"size\":\"8192\"");
	forge(&d, "\"keyslots\":{\"0\":",
	      "\"keyslots\":{\"5\":{\"type\":\"luks2\",\"key_size\":1,\"area\":{\"offset\":"
	      "\"409600\",\"size\":\"4096\"}},\"0\":");
	forge(&d, "\"tokens\":{}",
	      "\"tokens\":{\"0\":{\"type\":\"systemd-tpm2\"},\"7\":{\"type\":\"a\\u001b[2J\"}}");
	forge(&d, "\"config\":{", "\"config\":{\"flags\":[\"allow-discards\",\"no-journal\"],");
	f = facts_of(&d);
	assert_false(f.valid);
	assert_string_equal(f.encryption, "cipher_null-ecb");
	assert_string_equal(f.integrity, "hmac(sha256)");
	assert_int_equal(f.integrity_key_bytes, 32);
	assert_int_equal(f.sector_bytes, 512);
	assert_int_equal(f.iv_tweak, UINT64_MAX);
	assert_int_equal(f.segment_offset_bytes, 1052672);
	assert_int_equal(f.segment_bytes, 8192);
	assert_int_equal(f.keyslots, 2);
	assert_int_equal(f.keyslot_bits, 0x21);
	assert_int_equal(f.unbound, 1);
	assert_int_equal(f.tokens, 2);
	assert_string_equal(f.token_types, "systemd-tpm2,a?[2J");
	assert_string_equal(f.flags, "allow-discards,no-journal");
}

static void reencryption_is_seen(void **state)
{
	static const char *const signs[][2] = {
	    {"\"config\":{",
	     "\"config\":{\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]},"},
	    {"\"config\":{",
	     "\"config\":{\"requirements\":{\"mandatory\":[\"offline-reencrypt\"]},"},
	    {"\"keyslots\":{", "\"keyslots\":{\"1\":{\"type\":\"reencrypt\",\"area\":{\"offset\":"
			       "\"409600\",\"size\":\"4096\"}},"},
	    {"\"segments\":{", "\"segments\":{\"1\":{\"type\":\"crypt\",\"flags\":["
			       "\"backup-final\"]},"},
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		_cleanup_device_ struct device d = device();
		struct luks2_facts f;

		forge(&d, signs[i][0], signs[i][1]);
		f = facts_of(&d);
		assert_false(f.valid);
		assert_true(f.reencryption);
	}
}

static void many_types_are_cut_short(void **state)
{
	_cleanup_device_ struct device d = device();
	char tokens[8000] = "\"tokens\":{";
	struct luks2_facts f;

	for (int i = 0; i < 60; i++)
		snprintf(tokens + strlen(tokens), sizeof(tokens) - strlen(tokens),
			 "%s\"%d\":{\"type\":\"some-type-%d\"}", i ? "," : "", i, i);
	strcat(tokens, "}");
	forge(&d, "\"tokens\":{}", tokens);
	f = facts_of(&d);
	assert_int_equal(f.tokens, 60);
	assert_memory_equal(f.token_types, "some-type-0,some-type-1,", 24);
	assert_string_equal(f.token_types + strlen(f.token_types) - strlen("…"), "…");
}

static void json_that_is_none(void **state)
{
	static const char *const texts[] = {"", "[]", " {}", "{", "{}x", "{\"a\":}", "null", "7"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		_cleanup_device_ struct device d = device();
		_cleanup_luks2_ struct luks2_found f;

		memset(d.bytes + 4096, 0, 12288);
		memcpy(d.bytes + 4096, texts[i], strlen(texts[i]));
		put_checksum(d.bytes, LUKS2_HEADER_BYTES);
		assert_ok(luks2_read(d.io, &f));
		assert_int_equal(f.active, 1);
		assert_non_null(strstr(f.copy[0].why, "its JSON"));
	}
}

static void json_up_to_the_last_byte(void **state)
{
	_cleanup_device_ struct device d = device();
	_cleanup_luks2_ struct luks2_found f;

	d.bytes[4096 + 12287] = ' '; /* far behind the text */
	put_checksum(d.bytes, LUKS2_HEADER_BYTES);
	memset(d.bytes + 16384 + 4096, ' ', 12288);
	memcpy(d.bytes + 16384 + 4096, "{", 1);
	d.bytes[16384 + 16383] = '}'; /* no NUL */
	put_checksum(d.bytes + 16384, LUKS2_HEADER_BYTES);
	assert_ok(luks2_read(d.io, &f));
	assert_int_equal(f.active, -1);
	assert_string_equal(f.copy[0].why, "there is something after its JSON");
	assert_string_equal(f.copy[1].why, "its JSON has no end");
}

/* --- devices that fail --- */

struct bad_sectors {
	struct io io;
	struct io *below;
	bool first, second; /* which copy cannot be read */
};

static int bad_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct bad_sectors *b = (struct bad_sectors *)io;

	if (offset < LUKS2_HEADER_BYTES ? b->first : b->second)
		return -EIO;
	return io_read(b->below, buf, len, offset);
}

static const struct io_ops bad_ops = {.name = "bad", .read = bad_read};

static void copies_that_cannot_be_read(void **state)
{
	/* What can be read of the first and of the second copy, and which counts then. */
	static const struct {
		bool first, second;
		int active;
	} cases[] = {{false, true, 1}, {true, false, 0}, {false, false, -1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_device_ struct device d = device();
		_cleanup_luks2_ struct luks2_found f = {.active = -1};
		struct bad_sectors bad = {.io = *d.io,
					  .below = d.io,
					  .first = !cases[i].first,
					  .second = !cases[i].second};
		int r;

		bad.io.ops = &bad_ops;
		r = luks2_read(&bad.io, &f);
		assert_int_equal(f.active, cases[i].active);
		if (cases[i].active < 0) {
			assert_int_equal(r, -EIO);
			assert_int_equal(diag_count(), 1);
		} else {
			assert_ok(r);
			assert_string_equal(f.copy[!f.active].why, "it cannot be read");
			assert_int_equal(diag_count(), 0);
		}
	}
}

/* What is left on a device when power goes at operation @cut while a header replaces another one:
 * 0 none, 1 the old one, 2 the new one. *@ret_done: there was no such operation. */
static int left_after_cut(uint64_t cut, const struct luks2_new *old, const struct luks2_new *new,
			  bool *ret_done)
{
	struct fault_plan plan = {.cut_at = cut};
	_cleanup_luks2_ struct luks2_found f = {.active = -1};
	_cleanup_io_ struct io *io = NULL;
	struct io *window, *faulty;
	struct secret *got = NULL;
	int r, which = 0;

	assert_ok(io_open_memory("memory", DEVICE_BYTES, &io));
	assert_ok(luks2_write(io, old, &env));
	assert_ok(io_open_window(io, "window", 0, DEVICE_BYTES, &window));
	faulty = fault_wrap(window, &plan);
	fault_set_seed(faulty, cut * 77);
	*ret_done = luks2_write(faulty, new, &env) >= 0;
	io_close(faulty);
	diag_forget(0);
	r = luks2_read(io, &f);
	if (r != 0) {
		assert_int_equal(r, -ENODATA); /* neither is there */
		return 0;
	}
	if (f.active < 0)
		return 0;
	which = uuid_equal(&f.copy[f.active].binary.uuid, &new->uuid) ? 2 : 1;
	/* Whichever it is, it is whole. */
	assert_true(f.facts.valid && !f.differ);
	if (which == 2) {
		assert_int_equal(luks2_unlock(io, &f, (const uint8_t *)passphrase,
					      strlen(passphrase), &env, &got),
				 1);
		assert_true(secret_equal(got, new->key));
		secret_free(got);
	}
	return which;
}

static void a_cut_leaves_one_header_or_none(void **state)
{
	struct secret *key = random_key(32), *old_key = random_key(32);
	struct secret *recovery = secret_of(passphrase, strlen(passphrase));
	struct luks2_new n = new_header(key, recovery), old = new_header(old_key, recovery);
	bool done = false;
	int last = 1;

	n.uuid.b[15] ^= 1;
	for (uint64_t cut = 1; !done; cut++) {
		int which = left_after_cut(cut, &old, &n, &done);

		/* Only ever forward: old, none, new. */
		if (last != 1)
			assert_int_not_equal(which, 1);
		last = which;
	}
	assert_int_equal(last, 2);
	secret_free(key);
	secret_free(old_key);
	secret_free(recovery);
}

static void headers_that_cannot_be_written(void **state)
{
	struct secret *key = random_key(64), *tiny = random_key(4), *empty;
	struct luks2_new n;
	_cleanup_io_ struct io *io = NULL;

	assert_ok(secret_new(0, &empty));
	assert_ok(io_open_memory("memory", DEVICE_BYTES, &io));
	n = new_header(tiny, NULL);
	assert_int_equal(luks2_write(io, &n, &env), -EINVAL);
	n = new_header(key, empty);
	assert_int_equal(luks2_write(io, &n, &env), -EINVAL);
	n = new_header(key, key);
	n.segment_offset_bytes = 32768 + 253952; /* the keyslot needs 4096 more */
	assert_int_equal(luks2_write(io, &n, &env), -EINVAL);
	n.segment_offset_bytes = SEGMENT_BYTES + 512;
	assert_int_equal(luks2_write(io, &n, &env), -EINVAL);
	n.segment_offset_bytes = DEVICE_BYTES + 4096;
	assert_int_equal(luks2_write(io, &n, &env), -ENOSPC);
	n = new_header(key, NULL);
	n.label = "a label of 48 bytes, which is one byte too long.";
	assert_int_equal(luks2_write(io, &n, &env), -EINVAL);
	for (size_t i = 0; i < DEVICE_BYTES; i++)
		assert_int_equal(((uint8_t *)io_memory_bytes(io))[i], 0);
	secret_free(key);
	secret_free(tiny);
	secret_free(empty);
	diag_forget(0);
}

static void expect_token(const struct device *d, const char *wanted, const char * or)
{
	_cleanup_luks2_ struct luks2_found found = {.active = -1};
	_cleanup_text_ struct text token = {0};

	assert_ok(luks2_read(d->io, &found));
	assert_true(found.active >= 0 && found.facts.valid);
	assert_ok(luks2_json_token(found.copy[found.active].json, 0, NULL, &token));
	assert_true(strcmp(token.s, wanted) == 0 || (or &&strcmp(token.s, or) == 0));
}

/* After a cut one copy is the old one, or half of the new: the other one is whole. */
static void a_token_is_replaced_whatever_is_cut(void **state)
{
	static const char old[] = "{\"type\":\"t\",\"keyslots\":[\"0\"],\"v\":1}";
	static const char new[] = "{\"type\":\"t\",\"keyslots\":[\"0\"],\"v\":2}";
	_cleanup_device_ struct device d = device();
	struct luks2_new n = new_header(d.key, d.recovery);
	uint8_t *before = malloc(2 * LUKS2_HEADER_BYTES), *after = malloc(2 * LUKS2_HEADER_BYTES);
	struct luks2_found found;

	assert_true(before && after);
	n.ways[0].token = old;
	assert_ok(luks2_write(d.io, &n, &env));
	memcpy(before, d.bytes, 2 * LUKS2_HEADER_BYTES);
	assert_ok(luks2_read(d.io, &found));
	assert_ok(luks2_set_token(d.io, &found, 0, new, &env));
	luks2_free(&found);
	memcpy(after, d.bytes, 2 * LUKS2_HEADER_BYTES);
	expect_token(&d, new, NULL);
	for (size_t torn = 0; torn <= LUKS2_HEADER_BYTES; torn += 512) {
		/* The second copy is written first, as the first one counts. */
		memcpy(d.bytes, before, 2 * LUKS2_HEADER_BYTES);
		memcpy(d.bytes + LUKS2_HEADER_BYTES, after + LUKS2_HEADER_BYTES, torn);
		expect_token(&d, torn == LUKS2_HEADER_BYTES ? new : old, new);
		memcpy(d.bytes, before, LUKS2_HEADER_BYTES);
		memcpy(d.bytes + LUKS2_HEADER_BYTES, after + LUKS2_HEADER_BYTES,
		       LUKS2_HEADER_BYTES);
		memcpy(d.bytes, after, torn);
		expect_token(&d, new, NULL);
	}
	memcpy(d.bytes, after, 2 * LUKS2_HEADER_BYTES);
	expect_token(&d, new, NULL);
	free(before);
	free(after);
}

/* The second copy is damaged, so the first one is all that there is until the second is whole. */
static void a_token_is_replaced_beside_a_damaged_copy(void **state)
{
	static const char old[] = "{\"type\":\"t\",\"keyslots\":[\"0\"],\"v\":1}";
	static const char new[] = "{\"type\":\"t\",\"keyslots\":[\"0\"],\"v\":2}";
	bool done = false;

	/* What is left of the cache is another part every time. */
	for (uint64_t try = 0; !done; try++) {
		uint64_t cut = try / 16 + 1;
		struct fault_plan plan = {.cut_at = cut};
		_cleanup_device_ struct device d = device();
		struct luks2_new n = new_header(d.key, d.recovery);
		_cleanup_luks2_ struct luks2_found found = {.active = -1};
		struct io *window, *faulty;

		n.ways[0].token = old;
		assert_int_equal(luks2_write(d.io, &n, &env), 0);
		d.bytes[LUKS2_HEADER_BYTES + 5000] ^= 1;
		assert_int_equal(luks2_read(d.io, &found), 0);
		assert_int_equal(found.active, 0);
		assert_int_equal(io_open_window(d.io, "window", 0, DEVICE_BYTES, &window), 0);
		faulty = fault_wrap(window, &plan);
		fault_set_seed(faulty, try * 77);
		done = luks2_set_token(faulty, &found, 0, new, &env) >= 0;
		io_close(faulty);
		diag_forget(0);
		expect_token(&d, new, done ? NULL : old);
	}
}

static void nothing_from_before_is_left_before_the_segment(void **state)
{
	struct secret *key = random_key(64);
	struct luks2_new n = new_header(key, NULL);
	_cleanup_io_ struct io *io = NULL;
	uint8_t *bytes;

	assert_int_equal(io_open_memory("memory", DEVICE_BYTES, &io), 0);
	bytes = io_memory_bytes(io);
	memset(bytes, 0xee, DEVICE_BYTES);
	assert_int_equal(luks2_write(io, &n, &env), 0);
	for (size_t i = 2 * LUKS2_HEADER_BYTES; i < DEVICE_BYTES; i++)
		assert_int_equal(bytes[i], i < SEGMENT_BYTES ? 0 : 0xee);
	secret_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_it_wrote),
	    cmocka_unit_test(tells_integrity),
	    cmocka_unit_test(the_digest_tells_the_key),
	    cmocka_unit_test(the_passphrase_opens_the_keyslot),
	    cmocka_unit_test(keyslots_that_cannot_be_opened),
	    cmocka_unit_test(a_keyslot_of_another_key_opens_nothing),
	    cmocka_unit_test(nothing_is_there),
	    cmocka_unit_test(luks1_is_told),
	    cmocka_unit_test(a_device_that_ends_within_the_header),
	    cmocka_unit_test(a_damaged_copy_is_passed_over_and_mended),
	    cmocka_unit_test(both_damaged_is_beyond_mending),
	    cmocka_unit_test(swapped_copies_are_not_good),
	    cmocka_unit_test(the_higher_sequence_counts),
	    cmocka_unit_test(copies_of_one_sequence_that_differ_are_told),
	    cmocka_unit_test(copies_that_differ_in_the_binary_header_are_told),
	    cmocka_unit_test(a_second_copy_of_another_size_is_not_good),
	    cmocka_unit_test(the_second_copy_is_found_wherever_it_may_stand),
	    cmocka_unit_test(forged_headers_are_seen),
	    cmocka_unit_test(facts_tell_what_was_forged),
	    cmocka_unit_test(reencryption_is_seen),
	    cmocka_unit_test(many_types_are_cut_short),
	    cmocka_unit_test(json_that_is_none),
	    cmocka_unit_test(json_up_to_the_last_byte),
	    cmocka_unit_test(copies_that_cannot_be_read),
	    cmocka_unit_test(a_cut_leaves_one_header_or_none),
	    cmocka_unit_test(headers_that_cannot_be_written),
	    cmocka_unit_test(a_token_is_replaced_whatever_is_cut),
	    cmocka_unit_test(a_token_is_replaced_beside_a_damaged_copy),
	    cmocka_unit_test(nothing_from_before_is_left_before_the_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
