/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity in user space: devices of every kind, and every kind of damage to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/pool.h"
#include "lib/check.h"
#include "userspace/integrity/integrity.h"

static struct progress progress;
static atomic_bool cancel;
static struct env env = {.progress = &progress, .cancel = &cancel};

static const uint8_t key[32] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", journal_key[32] = "journal key";

static struct integrity_params params(const char *algorithm, uint32_t sector, uint32_t tag)
{
	struct integrity_params p = {.algorithm = algorithm,
				     .sector_bytes = sector,
				     .tag_bytes = tag,
				     .journal_sectors = 100,
				     .interleave_sectors = 64};

	for (size_t i = 0; i < sizeof(p.salt); i++)
		p.salt[i] = (uint8_t)i;
	if (algorithm && strncmp(algorithm, "hmac", 4) == 0) {
		p.key = key;
		p.key_len = sizeof(key);
		p.journal_key = journal_key;
		p.journal_key_len = sizeof(journal_key);
	}
	return p;
}

static struct io *sparse_file(uint64_t size)
{
	struct io *io;
	int fd = memfd_create("sparse", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_ok(io_from_fd(fd, "sparse", true, &io));
	return io;
}

/* A new device, made over what must be overwritten. */
static struct integrity *made(const struct integrity_params *p, struct io *below,
			      struct integrity_superblock *sb)
{
	struct integrity *i;

	assert_ok(integrity_choose(p, below->size_bytes, sb));
	assert_ok(integrity_prepare(below, p, sb, &env));
	assert_ok(integrity_finish(below, p, sb));
	assert_ok(integrity_open(below, p, sb, true, &env, &i));
	return i;
}

static struct io *dirty_memory(uint64_t size)
{
	struct io *io;

	assert_ok(io_open_memory("memory", size, &io));
	memset(io_memory_bytes(io), 0xee, size);
	return io;
}

static void fill(uint8_t *bytes, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = (seed * 1103515245u + 12345u) & 0x7fffffff;
		bytes[i] = (uint8_t)(seed >> 16);
	}
}

/* --- choosing --- */

static void refuses_what_cannot_be(void **state)
{
	struct integrity_superblock sb;
	struct integrity_params p = params("crc32c", 4096, 0);

	p.sector_bytes = 256;
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p.sector_bytes = 8192;
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p.sector_bytes = 1536;
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p = params(NULL, 4096, 0);
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p = params(NULL, 4096, 256);
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p = params("crc31", 4096, 4);
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p = params("hmac(sha256)", 4096, 0);
	p.mode = INTEGRITY_BITMAP;
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p = params(NULL, 4096, 16);
	p.mode = INTEGRITY_BITMAP;
	assert_int_equal(integrity_choose(&p, 1 << 24, &sb), -EINVAL);
	p = params("crc32c", 4096, 0);
	assert_int_equal(integrity_choose(&p, 100000, &sb), -ENOSPC);
	assert_int_equal(integrity_choose(&p, 0, &sb), -ENOSPC);
	assert_ok(integrity_choose(&p, 1 << 20, &sb));
}

/* What integritysetup 2.6.1 and cryptsetup 2.6.1 made with a kernel 6.12. */
static void chooses_as_the_kernel_does(void **state)
{
	static const struct {
		const char *algorithm;
		uint32_t sector, tag, journal, interleave;
		uint64_t start, below;
		bool journal_mac;
		struct integrity_superblock sb;
	} seen[] = {
	    /* luksFormat --integrity aead, its segment at 16 MiB of 32 */
	    {NULL,
	     4096,
	     28,
	     0,
	     0,
	     16 << 20,
	     16 << 20,
	     false,
	     {4, 15, 28, 1, 32272, INTEGRITY_FIXED_PADDING, 3, 12, 0, {0}}},
	};

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		struct integrity_superblock sb;
		struct integrity_params p = {.algorithm = seen[i].algorithm,
					     .sector_bytes = seen[i].sector,
					     .tag_bytes = seen[i].tag,
					     .journal_sectors = seen[i].journal,
					     .interleave_sectors = seen[i].interleave,
					     .start_bytes = seen[i].start};

		if (seen[i].journal_mac) {
			p.journal_key = journal_key;
			p.journal_key_len = sizeof(journal_key);
		}
		memset(&sb, 0, sizeof(sb));
		assert_ok(integrity_choose(&p, seen[i].below, &sb));
		assert_int_equal(sb.version, seen[i].sb.version);
		assert_int_equal(sb.flags, seen[i].sb.flags);
		assert_int_equal(sb.journal_sections, seen[i].sb.journal_sections);
		assert_int_equal(sb.provided_data_sectors, seen[i].sb.provided_data_sectors);
		assert_memory_equal(&sb, &seen[i].sb, sizeof(sb));
	}
}

/* --- making --- */

static void makes_the_same_again(void **state)
{
	struct integrity_params p = params("hmac(sha256)", 512, 0);
	struct io *a = dirty_memory(3000000), *b = dirty_memory(3000000);
	struct integrity_superblock sb;
	struct integrity_journal_report report;
	struct integrity *i = made(&p, a, &sb), *j;
	const uint8_t *bytes = io_memory_bytes(a);

	memset(io_memory_bytes(b), 0, b->size_bytes);
	j = made(&p, b, &sb);
	integrity_close(j);
	assert_ok(integrity_prepare(b, &p, &sb, &env)); /* again */
	/* All but the data, which nobody made. */
	assert_memory_equal(bytes, io_memory_bytes(b), integrity_data_offset(i, 0));
	for (uint64_t s = 0; s < integrity_sectors(i); s++)
		assert_memory_equal(bytes + integrity_tag_offset(i, s),
				    (uint8_t *)io_memory_bytes(b) + integrity_tag_offset(i, s), 32);
	assert_int_equal(bytes[integrity_data_offset(i, 0)], 0xee);
	integrity_journal(i, &report);
	assert_int_equal(report.sections, sb.journal_sections);
	assert_int_equal(report.empty, report.sections);
	assert_false(report.dirty);
	integrity_close(i);
	io_close(a);
	io_close(b);
}

/* Holes stay holes. */
static void leaves_holes_alone(void **state)
{
	struct integrity_params p = params("crc32c", 4096, 0);
	struct io *io;
	struct integrity_superblock sb;
	struct integrity *i;
	uint64_t end, sector;
	bool data;

	p.interleave_sectors = 0;
	io = sparse_file(1ull << 40);
	i = made(&p, io, &sb);
	assert_ok(io_extent(io, round_up(integrity_tag_offset(i, 0), 4096), &data, &end));
	assert_false(data);
	assert_ok(integrity_next_written(i, 0, &sector));
	assert_int_equal(sector, integrity_sectors(i));
	integrity_close(i);
	io_close(io);
}

static void tells_a_foreign_superblock(void **state)
{
	struct integrity_params p = params("hmac(sha256)", 4096, 0);
	struct io *io = dirty_memory(3000000);
	struct integrity_superblock sb;
	struct integrity *i = made(&p, io, &sb);
	uint8_t *bytes = io_memory_bytes(io);
	struct integrity_params other = p;
	const char *why;

	assert_ok(integrity_decode(bytes, 4096, &sb, &why));
	assert_int_equal(integrity_authentic(bytes, &sb, &p), 1);
	other.journal_key = key;
	assert_int_equal(integrity_authentic(bytes, &sb, &other), 0);
	bytes[29]--;
	assert_ok(integrity_decode(bytes, 4096, &sb, &why));
	assert_int_equal(integrity_authentic(bytes, &sb, &p), 0);
	bytes[29]++;
	bytes[480] ^= 1;
	assert_int_equal(integrity_authentic(bytes, &sb, &p), 0);
	integrity_close(i);
	io_close(io);
}

static void refuses_a_superblock_that_does_not_fit(void **state)
{
	struct integrity_params p = params("sha256", 4096, 0), q;
	struct io *io = dirty_memory(3000000);
	struct integrity_superblock sb, s;
	struct integrity *i = made(&p, io, &sb);

	i = integrity_close(i);
	s = sb;
	s.provided_data_sectors += 8;
	assert_int_equal(integrity_open(io, &p, &s, true, &env, &i), -EUCLEAN);
	s = sb;
	s.tag_bytes = 16;
	assert_int_equal(integrity_open(io, &p, &s, true, &env, &i), -EUCLEAN);
	s = sb;
	s.log2_sectors_per_block = 0;
	assert_int_equal(integrity_open(io, &p, &s, true, &env, &i), -EUCLEAN);
	s = sb;
	s.flags |= INTEGRITY_HAVE_JOURNAL_MAC;
	assert_int_equal(integrity_open(io, &p, &s, true, &env, &i), -EUCLEAN);
	assert_int_equal(integrity_prepare(io, &p, &s, &env), -EUCLEAN);
	assert_int_equal(integrity_finish(io, &p, &s), -EUCLEAN);
	q = p;
	q.journal_key = key;
	q.journal_key_len = 32;
	assert_int_equal(integrity_open(io, &q, &sb, true, &env, &i), -EUCLEAN);
	q = p;
	q.algorithm = "crc31";
	assert_int_equal(integrity_open(io, &q, &sb, true, &env, &i), -ENOTSUP);
	q = p;
	q.algorithm = NULL;
	q.tag_bytes = 32;
	s = sb;
	s.flags |= INTEGRITY_RECALCULATING;
	assert_int_equal(integrity_open(io, &q, &s, true, &env, &i), -EUCLEAN);
	assert_ok(integrity_open(io, &q, &sb, true, &env, &i));
	integrity_close(i);
	assert_true(diag_count() > 0);
	diag_forget(0);
	io_close(io);
}

static void stops_when_told(void **state)
{
	struct integrity_params p = params("crc32c", 512, 0);
	struct io *io = dirty_memory(3000000);
	struct integrity_superblock sb;

	assert_ok(integrity_choose(&p, io->size_bytes, &sb));
	atomic_store(&cancel, true);
	assert_int_equal(integrity_prepare(io, &p, &sb, &env), -ECANCELED);
	atomic_store(&cancel, false);
	diag_forget(0);
	io_close(io);
}

/* --- tags --- */

/* Made with Python's hashlib and a CRC written out by hand: salt, 5 * 2 as le64, 1024 bytes. */
static void makes_the_tags_that_others_make(void **state)
{
	static const struct {
		const char *algorithm, *tag;
	} known[] = {
	    {"crc32c", "27f9a9e1"},
	    {"sha256", "12f1a70a697e5ea4d2f2d961aa3716c9357f12cb77374949a03d6eb01e77e926"},
	    {"hmac(sha256)", "5a2658088cf8f0242a0f68e1b8ad02f9cf924b125a56b11b79be980ff3ff0e40"},
	};
	static const uint8_t ks[] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
	uint8_t data[1024], tag[32];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 3);
	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
		struct integrity_params p = params(known[k].algorithm, 1024, 0);
		struct io *io = dirty_memory(3000000);
		struct integrity_superblock sb;
		struct integrity *i;
		char text[65] = "";

		if (p.key)
			p.key = ks;
		i = made(&p, io, &sb);
		assert_ok(integrity_tags(i, 5, 1, data, tag));
		for (uint32_t n = 0; n < integrity_tag_bytes(i); n++)
			sprintf(text + 2 * n, "%02x", tag[n]);
		assert_string_equal(text, known[k].tag);
		integrity_close(i);
		io_close(io);
	}
}

/* Longer than the digest: zeroes behind it; shorter: its beginning. */
static void fits_tags_to_their_size(void **state)
{
	static const uint32_t sizes[] = {1, 20, 32, 33, 255};
	uint8_t data[512] = {1}, tag[255], want[32];

	for (size_t k = 0; k < 5; k++) {
		struct integrity_params p = params("sha256", 512, sizes[k]);
		struct io *io = dirty_memory(3000000);
		struct integrity_superblock sb;
		struct integrity *i = made(&p, io, &sb);
		struct integrity_params q = params("sha256", 512, 32);
		uint8_t state_of;

		assert_ok(integrity_tags(i, 9, 1, data, tag));
		assert_ok(integrity_check(i, 9, 1, data, tag, &state_of));
		assert_int_equal(state_of, INTEGRITY_GOOD);
		tag[sizes[k] - 1] ^= 0x80;
		assert_ok(integrity_check(i, 9, 1, data, tag, &state_of));
		assert_int_equal(state_of, INTEGRITY_BAD);
		tag[sizes[k] - 1] ^= 0x80;
		i = integrity_close(i);
		i = made(&q, io, &sb);
		assert_ok(integrity_tags(i, 9, 1, data, want));
		assert_memory_equal(tag, want, min_u64(sizes[k], 32));
		for (uint32_t n = 32; n < sizes[k]; n++)
			assert_int_equal(tag[n], 0);
		integrity_close(i);
		io_close(io);
	}
}

/* --- reading and writing --- */

/* In pieces that end anywhere, so that they cross areas. */
static void write_all(struct io *io, const uint8_t *bytes, uint32_t sector)
{
	uint64_t at = 0, n = 1;

	while (at < io->size_bytes) {
		uint64_t len = min_u64(n * sector, io->size_bytes - at);

		assert_ok(io_write(io, bytes + at, len, at));
		at += len;
		n = n * 3 % 41 + 1;
	}
}

static void check_kind(const char *algorithm, uint32_t sector, uint32_t tag, uint32_t interleave)
{
	struct integrity_params p = params(algorithm, sector, tag);
	struct io *io = dirty_memory(3000000), *device;
	struct integrity_superblock sb;
	struct integrity *i;
	uint64_t n, at, found;
	uint8_t *bytes, *again, *raw;

	p.interleave_sectors = interleave;
	i = made(&p, io, &sb);
	n = integrity_sectors(i);
	assert_ok(integrity_io(i, "device", false, &device));
	assert_int_equal(device->size_bytes, n * sector);
	assert_int_equal(device->size_bytes, sb.provided_data_sectors * 512);
	bytes = malloc(device->size_bytes);
	again = malloc(device->size_bytes);
	fill(bytes, device->size_bytes, sector + tag);

	/* Before anything is written nothing can be read. */
	assert_ok(integrity_next_written(i, 0, &found));
	assert_int_equal(found, n);
	assert_int_equal(io_read(device, again, sector, 3 * sector), -EILSEQ);
	assert_int_equal(io_write(device, bytes, sector, sector / 2), -EINVAL);
	assert_int_equal(io_read(device, again, sector / 2, 0), -EINVAL);
	assert_int_equal(io_write(device, bytes, sector, device->size_bytes), -EIO);

	write_all(device, bytes, sector);
	assert_ok(io_flush(device));
	assert_ok(io_read(device, again, device->size_bytes, 0));
	assert_memory_equal(bytes, again, device->size_bytes);
	assert_ok(integrity_next_written(i, n - 1, &found));
	assert_int_equal(found, n - 1);

	/* It is there where the geometry says. */
	raw = io_memory_bytes(io);
	for (at = 0; at < n; at++)
		assert_memory_equal(raw + integrity_data_offset(i, at), bytes + at * sector,
				    sector);

	/* One bit, of data or of a tag. */
	raw[integrity_data_offset(i, n / 2) + sector - 1] ^= 1;
	assert_int_equal(io_read(device, again, 3 * sector, (n / 2 - 1) * sector), -EILSEQ);
	assert_int_equal(again[0] | again[sector] | again[3 * sector - 1], 0);
	assert_ok(io_read(device, again, sector, (n / 2 - 1) * sector));
	raw[integrity_data_offset(i, n / 2) + sector - 1] ^= 1;
	assert_ok(io_read(device, again, 3 * sector, (n / 2 - 1) * sector));
	raw[integrity_tag_offset(i, n - 1)] ^= 0x10;
	assert_int_equal(io_read(device, again, sector, (n - 1) * sector), -EILSEQ);
	io_close(device);
	io_close(io);
	free(bytes);
	free(again);
}

static void reads_what_it_wrote(void **state)
{
	static const char *const algorithms[] = {"crc32c", "sha256", "hmac(sha256)"};
	static const uint32_t tags[] = {0, 3, 48}, interleaves[] = {8, 64, 32768};

	for (size_t c = 0; c < 3 * 4 * 3 * 3; c++)
		check_kind(algorithms[c % 3], 512u << c / 3 % 4, tags[c / 12 % 3],
			   interleaves[c / 36]);
}

/* Sectors written elsewhere, or at another time, are not good here. */
static void tells_states_apart(void **state)
{
	struct integrity_params p = params("sha256", 4096, 0);
	struct io *io = dirty_memory(3000000);
	struct integrity_superblock sb;
	struct integrity *i = made(&p, io, &sb);
	uint8_t data[4 * 4096], tags[4 * 32], states[4];

	fill(data, sizeof(data), 5);
	assert_ok(integrity_tags(i, 10, 4, data, tags));
	assert_ok(integrity_check(i, 10, 4, data, tags, states));
	assert_memory_equal(states, "\0\0\0\0", 4);
	assert_ok(integrity_check(i, 11, 4, data, tags, states));
	assert_memory_equal(states, "\2\2\2\2", 4);
	memset(tags + 32, 0, 32);
	memset(tags + 64, 0xf6, 32);
	tags[96] ^= 1;
	assert_ok(integrity_check(i, 10, 4, data, tags, states));
	assert_memory_equal(states, "\0\1\1\2", 4);
	integrity_close(i);

	/* Recalculation has got as far as sector 12. */
	sb.flags |= INTEGRITY_RECALCULATING;
	sb.recalc_sector = 12 * 8;
	assert_ok(integrity_open(io, &p, &sb, true, &env, &i));
	assert_ok(integrity_check(i, 10, 4, data, tags, states));
	assert_memory_equal(states, "\0\1\3\3", 4);
	integrity_close(i);
	io_close(io);
}

static void knows_a_dirty_bitmap(void **state)
{
	struct integrity_params p = params("crc32c", 4096, 0);
	struct io *io = dirty_memory(3000000), *device;
	struct integrity_superblock sb;
	struct integrity *i;
	struct integrity_journal_report report;
	uint8_t data[20 * 4096], tags[20 * 4], states[20], *bytes = io_memory_bytes(io);

	p.mode = INTEGRITY_BITMAP;
	i = made(&p, io, &sb);
	integrity_close(i);
	sb.log2_blocks_per_bitmap_bit = 3;
	sb.flags |= INTEGRITY_DIRTY_BITMAP;
	memset(bytes + 4096, 0, 4096);
	assert_ok(integrity_open(io, &p, &sb, true, &env, &i));
	integrity_journal(i, &report);
	assert_false(report.dirty);
	assert_int_equal(report.sections, 0);
	integrity_close(i);

	bytes[4096] = 0x02;
	assert_ok(integrity_open(io, &p, &sb, true, &env, &i));
	integrity_journal(i, &report);
	assert_true(report.dirty);
	assert_int_equal(report.unsure_sectors, 8);
	fill(data, sizeof(data), 9);
	assert_ok(integrity_tags(i, 0, 20, data, tags));
	for (size_t n = 0; n < 20; n++)
		tags[4 * n] ^= 1;
	assert_ok(integrity_check(i, 0, 20, data, tags, states));
	assert_memory_equal(states, "\2\2\2\2\2\2\2\2\3\3\3\3\3\3\3\3\2\2\2\2", 20);
	assert_ok(integrity_write(i, 0, 20, data, tags));
	assert_ok(integrity_io(i, "device", false, &device));
	assert_int_equal(io_read(device, data, 4096, 7 * 4096), -EILSEQ);
	assert_ok(io_read(device, data, 8 * 4096, 8 * 4096));
	io_close(device);
	io_close(io);
}

/* --- what was written --- */

static void check_written(struct integrity *i, const uint64_t *want, size_t n)
{
	uint64_t at = 0;

	for (size_t k = 0; k < n; k++) {
		assert_ok(integrity_next_written(i, at, &at));
		assert_int_equal(at, want[k]);
		assert_ok(integrity_next_written(i, at, &at));
		assert_int_equal(at, want[k]);
		at++;
	}
	assert_ok(integrity_next_written(i, at, &at));
	assert_int_equal(at, integrity_sectors(i));
}

/* With holes and without, tags that cross pieces, small and large areas. */
static void finds_what_was_written(void **state)
{
	static const uint32_t interleaves[] = {8, 512, 32768}, tags[] = {4, 28, 255};
	static uint8_t tag[255];

	memset(tag, 0, sizeof(tag));
	for (size_t c = 0; c < 3 * 3 * 2; c++) {
		struct integrity_params p = params(NULL, 512, tags[c % 3]);
		struct io *io = c < 9 ? sparse_file(60000000) : dirty_memory(60000000);
		struct integrity_superblock sb;
		struct integrity *i;
		uint64_t n, want[8];

		p.interleave_sectors = interleaves[c / 3 % 3];
		i = made(&p, io, &sb);
		n = integrity_sectors(i);
		memcpy(want, (uint64_t[]){0, 1, 7, 8, 511, 20000, n / 2, n - 1}, sizeof(want));
		check_written(i, want, 0);
		for (size_t k = 0; k < 8; k++) {
			tag[tags[c % 3] - 1] = 1;
			if (want[k] < n)
				assert_ok(integrity_write(i, want[k], 1, NULL, tag));
		}
		check_written(i, want, 8);
		integrity_close(i);
		io_close(io);
	}
}

/* A raw device has holes where nothing was written, and zeroes there. */
static void shows_holes_where_nothing_was_written(void **state)
{
	static const char *const algorithms[] = {"crc32c", "sha256"};

	for (size_t k = 0; k < 2; k++) {
		struct integrity_params p = params(algorithms[k], 512, 0);
		struct io *io = sparse_file(40000000), *device;
		struct integrity_superblock sb;
		struct integrity *i = made(&p, io, &sb);
		uint8_t buf[3 * 512];
		uint64_t len;
		bool data;

		assert_ok(integrity_io(i, "raw", true, &device));
		fill(buf, sizeof(buf), 1);
		assert_ok(io_write(device, buf, 1024, 1000 * 512));
		assert_ok(io_extent(device, 0, &data, &len));
		assert_false(data);
		/* With short tags only up to where data may be. */
		assert_true(k ? len == 1000 * 512 : len > 0 && len <= 1000 * 512);
		assert_ok(io_extent(device, 1000 * 512 + 100, &data, &len));
		assert_true(data);
		assert_int_equal(len, 1024 - 100);
		/* What stands there without a tag is not shown. */
		assert_ok(io_write(io, buf, 512, integrity_data_offset(i, 1002)));
		assert_ok(io_read(device, buf, 1536, 1000 * 512));
		for (size_t n = 1024; n < 1536; n++)
			assert_int_equal(buf[n], 0);
		/* But what does not match is. */
		buf[0] ^= 1;
		assert_ok(io_write(io, buf, 512, integrity_data_offset(i, 1000)));
		assert_ok(io_read(device, buf + 512, 512, 1000 * 512));
		assert_memory_equal(buf, buf + 512, 512);
		assert_ok(io_extent(device, 5000 * 512, &data, &len));
		assert_false(data);
		io_close(device);
		io_close(io);
	}
}

/* --- several threads --- */

struct shared {
	struct io *device;
	uint8_t *bytes;
	bool write;
};

static int work(void *ctx, uint64_t piece, unsigned worker)
{
	struct shared *s = ctx;
	uint8_t buf[3 * 512];
	uint64_t at = piece * sizeof(buf);
	int r;

	if (s->write)
		return io_write(s->device, s->bytes + at, sizeof(buf), at);
	r = io_read(s->device, buf, sizeof(buf), at);
	return r < 0 ? r : memcmp(buf, s->bytes + at, sizeof(buf)) ? -EBADMSG : 0;
}

static void serves_several_threads(void **state)
{
	struct integrity_params p = params("hmac(sha256)", 512, 0);
	struct io *io = sparse_file(4000000);
	struct env parallel = env;
	struct integrity_superblock sb;
	struct integrity *i;
	struct shared s = {.write = true};

	assert_ok(pool_new(4, &parallel.pool));
	i = made(&p, io, &sb);
	integrity_close(i);
	assert_ok(integrity_open(io, &p, &sb, true, &parallel, &i));
	assert_ok(integrity_io(i, "device", false, &s.device));
	s.bytes = malloc(s.device->size_bytes);
	fill(s.bytes, s.device->size_bytes, 77);
	for (int pass = 0; pass < 2; pass++) {
		assert_ok(
		    pool_run(parallel.pool, 0, s.device->size_bytes / 1536, work, &s, &cancel));
		s.write = false;
	}
	io_close(s.device);
	io_close(io);
	free(s.bytes);
	pool_free(parallel.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_what_cannot_be),
	    cmocka_unit_test(chooses_as_the_kernel_does),
	    cmocka_unit_test(makes_the_same_again),
	    cmocka_unit_test(leaves_holes_alone),
	    cmocka_unit_test(tells_a_foreign_superblock),
	    cmocka_unit_test(refuses_a_superblock_that_does_not_fit),
	    cmocka_unit_test(stops_when_told),
	    cmocka_unit_test(makes_the_tags_that_others_make),
	    cmocka_unit_test(fits_tags_to_their_size),
	    cmocka_unit_test(reads_what_it_wrote),
	    cmocka_unit_test(tells_states_apart),
	    cmocka_unit_test(knows_a_dirty_bitmap),
	    cmocka_unit_test(finds_what_was_written),
	    cmocka_unit_test(shows_holes_where_nothing_was_written),
	    cmocka_unit_test(serves_several_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
