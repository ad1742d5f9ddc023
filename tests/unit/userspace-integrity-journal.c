/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaying dm-integrity's journal. A writer in small does what the kernel does (fill sections of a
 * ring, commit them, copy them to their places, empty the ring), and loses power anywhere, with any
 * of the sectors in flight on the medium. What is read then must be what was committed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "crypto/mac.h"
#include "lib/check.h"
#include "userspace/integrity/integrity.h"

static struct progress progress;
static atomic_bool cancel;
static struct env env = {.progress = &progress, .cancel = &cancel};

#define SECTORS_MAX 4096

/* How the power goes: which of the 512s that are being written get onto the medium. */
enum cut { NO_CUT, CUT_NONE, CUT_BEGINNING, CUT_ANY };

struct ring {
	struct integrity_params p;
	struct integrity_superblock sb;
	struct integrity *plain; /* opened without replay: for tags and places */
	struct io *io;
	uint8_t *medium;
	uint64_t sectors;

	/* Geometry, reckoned once more. */
	uint32_t spb, entry_bytes, entries, section_bytes, sections;

	uint32_t free_section, committed, n_committed;
	unsigned seq;
	bool wrote;
	uint8_t *buffer; /* the journal as the kernel has it in memory */
	bool lost;       /* the power is off */

	uint32_t version[SECTORS_MAX], next_version; /* of every sector, by what was committed */
	uint32_t rng;
};

static uint32_t dice(struct ring *r, uint32_t n)
{
	r->rng = r->rng * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(r->rng >> 8) * n >> 24);
}

static void contents(const struct ring *r, uint64_t sector, uint32_t version, uint8_t *ret)
{
	uint32_t x = (uint32_t)sector * 2654435761u + version * 40503u + 1;

	for (uint32_t i = 0; i < r->p.sector_bytes; i++) {
		x = x * 1103515245u + 12345u;
		ret[i] = (uint8_t)(x >> 16);
	}
}

static void tag_for(const struct ring *r, uint64_t sector, const uint8_t *data, uint8_t *ret)
{
	if (r->p.algorithm)
		assert_ok(integrity_tags(r->plain, sector, 1, data, ret));
	else
		for (uint32_t i = 0; i < r->sb.tag_bytes; i++)
			ret[i] = data[i] ^ 0x5a;
}

/* Some of what is being written when the power goes. */
static void put(struct ring *r, uint64_t offset, const uint8_t *bytes, size_t len, enum cut cut)
{
	uint32_t n = (uint32_t)(len / 512), until = dice(r, n + 1);

	if (r->lost)
		return;
	assert_int_equal(len % 512, 0);
	for (uint32_t i = 0; i < n; i++) {
		bool there = cut == NO_CUT || (cut == CUT_BEGINNING && i < until) ||
			     (cut == CUT_ANY && dice(r, 2));

		if (there)
			memcpy(r->medium + offset + (size_t)i * 512, bytes + (size_t)i * 512, 512);
	}
	r->lost = cut != NO_CUT;
}

static void start(struct ring *r, struct integrity_params p, uint32_t sections, uint32_t seed)
{
	*r = (struct ring){.p = p, .rng = seed, .seq = 1};
	r->p.interleave_sectors = 256;
	r->spb = p.sector_bytes / 512;
	r->entry_bytes = (8 + 8 * r->spb + p.tag_bytes + 7) / 8 * 8;
	r->entries = (p.journal_key_len ? 496 : 504) / r->entry_bytes * 8;
	r->section_bytes = (r->entries * r->spb + 8) * 512;
	r->p.journal_sectors = r->section_bytes / 512 * sections;
	assert_ok(io_open_memory("ring", sections * r->section_bytes + 600000, &r->io));
	assert_ok(integrity_choose(&r->p, r->io->size_bytes, &r->sb));
	r->sections = r->sb.journal_sections;
	assert_int_equal(r->sections, sections);
	r->medium = io_memory_bytes(r->io);
	assert_ok(integrity_prepare(r->io, &r->p, &r->sb, &env));
	assert_ok(integrity_finish(r->io, &r->p, &r->sb));
	assert_ok(integrity_open(r->io, &r->p, &r->sb, false, &env, &r->plain));
	r->sectors = min_u64(integrity_sectors(r->plain), SECTORS_MAX);
	r->buffer = calloc(r->sections, r->section_bytes);
	assert_non_null(r->buffer);
}

static void stop(struct ring *r)
{
	integrity_close(r->plain);
	io_close(r->io);
	free(r->buffer);
}

/* --- the writer --- */

static uint8_t *section_at(struct ring *r, uint32_t section)
{
	return r->buffer + (size_t)section * r->section_bytes;
}

static uint8_t *entry_at(struct ring *r, uint32_t section, uint32_t n)
{
	return section_at(r, section) + n % 8 * 512 + n / 8 * r->entry_bytes;
}

static void set_sector(struct ring *r, uint32_t section, uint32_t n, uint64_t sector)
{
	le64_t v = le64_make(sector);

	memcpy(entry_at(r, section, n), &v, 8);
}

static void set_entry(struct ring *r, uint32_t section, uint32_t n, uint64_t sector,
		      uint32_t version)
{
	uint8_t *entry = entry_at(r, section, n);
	uint8_t *data = section_at(r, section) + 4096 + n * r->p.sector_bytes;

	contents(r, sector, version, data);
	for (uint32_t i = 0; i < r->spb; i++)
		memcpy(entry + 8 + 8 * i, data + 512 * i + 504, 8);
	tag_for(r, sector, data, entry + 8 + 8 * r->spb);
	set_sector(r, section, n, sector * r->spb);
}

static void set_mac(struct ring *r, uint32_t section)
{
	uint8_t mac[64] = {0};
	le64_t number = le64_make(section);
	struct mac *m;

	if (!r->p.journal_key_len)
		return;
	assert_ok(mac_new("hmac(sha256)", r->p.journal_key, r->p.journal_key_len, &m));
	assert_ok(mac_add(m, r->sb.salt, 16));
	assert_ok(mac_add(m, &number, 8));
	for (uint32_t n = 0; n < r->entries; n++)
		assert_ok(mac_add(m, entry_at(r, section, n), 8));
	assert_ok(mac_finish(m, mac));
	mac_free(m);
	for (unsigned i = 0; i < 8; i++)
		memcpy(section_at(r, section) + 512 * i + 496, mac + 8 * i, 8);
}

static void seal(struct ring *r, uint32_t section, unsigned seq)
{
	static const uint64_t ids[] = {0x1111111111111111, 0x2222222222222222, 0x3333333333333333,
				       0x4444444444444444};

	for (uint32_t i = 0; i < r->section_bytes / 512; i++) {
		le64_t id = le64_make(ids[seq] ^ ((uint64_t)section << 32 | i));

		memcpy(section_at(r, section) + 512 * i + 504, &id, 8);
	}
	set_mac(r, section);
}

static uint64_t section_offset(const struct ring *r, uint32_t section)
{
	return 4096 + (uint64_t)section * r->section_bytes;
}

static bool on_medium(struct ring *r, uint32_t section)
{
	return memcmp(r->medium + section_offset(r, section), section_at(r, section),
		      r->section_bytes) == 0;
}

/* The sections of one write, of which those before the first that is not whole count. */
struct commit {
	struct ring *r;
	uint32_t first, n;
	uint64_t sector[64][168];
	uint32_t version[64][168];
};
static struct commit commit;

static void fill_section(struct commit *c, uint32_t k, uint32_t used)
{
	struct ring *r = c->r;
	uint32_t section = (c->first + k) % r->sections;

	for (uint32_t n = 0; n < r->entries; n++) {
		c->version[k][n] = 0;
		set_sector(r, section, n, 0xffffffff00000000);
		if (n >= used)
			continue;
		c->sector[k][n] = dice(r, dice(r, 2) ? 20 : (uint32_t)r->sectors);
		c->version[k][n] = ++r->next_version;
		set_entry(r, section, n, c->sector[k][n], c->version[k][n]);
	}
}

static void commit_some(struct ring *r, enum cut cut)
{
	struct commit *c = &commit;
	uint32_t n = 1 + dice(r, r->sections - r->n_committed), to_end;

	*c = (struct commit){.r = r, .first = r->free_section, .n = n};
	for (uint32_t k = 0; k < n; k++) {
		uint32_t section = (c->first + k) % r->sections;

		fill_section(c, k, k + 1 < n ? r->entries : 1 + dice(r, r->entries));
		seal(r, section, r->seq);
		if (section + 1 == r->sections)
			r->seq = (r->seq + 1) % 4;
	}
	to_end = (uint32_t)min_u64(n, r->sections - c->first);
	/* Both parts are under way at once. */
	put(r, section_offset(r, c->first), section_at(r, c->first),
	    (size_t)to_end * r->section_bytes, cut);
	if (n > to_end) {
		r->lost = false;
		put(r, section_offset(r, 0), section_at(r, 0),
		    (size_t)(n - to_end) * r->section_bytes, cut);
	}
	for (uint32_t k = 0; k < n && on_medium(r, (c->first + k) % r->sections); k++) {
		for (uint32_t e = 0; e < r->entries; e++) {
			if (c->version[k][e])
				r->version[c->sector[k][e]] = c->version[k][e];
		}
	}
	r->free_section = (r->free_section + n) % r->sections;
	r->n_committed += n;
	r->wrote = true;
}

/* Copies to their places what was committed; tags and data get there in any order. */
static void write_back(struct ring *r, enum cut cut)
{
	uint8_t data[4096], tag[255];

	for (uint64_t s = 0; s < r->sectors; s++) {
		bool in_time = cut == NO_CUT || dice(r, 2),
		     tag_in_time = cut == NO_CUT || dice(r, 2);

		if (!r->version[s])
			continue;
		contents(r, s, r->version[s], data);
		tag_for(r, s, data, tag);
		assert_ok(integrity_write(r->plain, s, 1, in_time ? data : NULL,
					  tag_in_time ? tag : NULL));
	}
	r->lost = cut != NO_CUT;
	r->n_committed = 0;
}

static void empty_sections(struct ring *r, uint32_t first, uint32_t n, unsigned seq, enum cut cut)
{
	for (uint32_t k = 0; k < n; k++) {
		memset(section_at(r, first + k), 0, r->section_bytes);
		for (uint32_t e = 0; e < r->entries; e++)
			set_sector(r, first + k, e, 0xffffffff00000000);
		seal(r, first + k, seq);
	}
	if (n)
		put(r, section_offset(r, first), section_at(r, first), (size_t)n * r->section_bytes,
		    cut);
}

/* As the kernel does when the device is closed. */
static void close_ring(struct ring *r, enum cut cut)
{
	bool second = dice(r, 2);

	write_back(r, NO_CUT);
	empty_sections(r, r->free_section, r->sections - r->free_section, r->seq,
		       second ? NO_CUT : cut);
	empty_sections(r, 0, r->free_section, (r->seq + 1) % 4, cut);
	r->seq = r->free_section ? r->seq : (r->seq + 1) % 4;
}

/* --- reading --- */

static struct integrity *reopen(struct ring *r)
{
	struct integrity *i;

	assert_ok(integrity_open(r->io, &r->p, &r->sb, true, &env, &i));
	return i;
}

static void check_contents(struct ring *r, struct integrity *i)
{
	uint8_t data[4096], tag[255], want[4096], want_tag[255];
	uint64_t next = 0;

	for (uint64_t s = 0; s < r->sectors; s++) {
		assert_ok(integrity_read(i, s, 1, data, tag));
		if (!r->version[s])
			continue;
		contents(r, s, r->version[s], want);
		tag_for(r, s, want, want_tag);
		assert_memory_equal(data, want, r->p.sector_bytes);
		assert_memory_equal(tag, want_tag, r->sb.tag_bytes);
		assert_ok(integrity_next_written(i, next, &next));
		assert_true(next == s);
		next++;
	}
}

static void check_report(struct ring *r, struct integrity *i)
{
	struct integrity_journal_report report;

	integrity_journal(i, &report);
	assert_int_equal(report.bad, 0);
	assert_int_equal(report.sections, r->sections);
	assert_int_equal(report.empty + report.committed + report.torn, r->sections);
	assert_int_equal(report.dirty, report.committed > 0);
	assert_int_equal(report.replayed_sectors > 0, report.committed > 0);
}

static struct ring ring;

static void run_once(struct integrity_params p, uint32_t sections, uint32_t seed)
{
	struct ring *r = &ring;
	struct integrity *i;
	uint32_t steps;
	enum cut cut;

	start(r, p, sections, seed);
	steps = dice(r, 12);
	cut = CUT_NONE + dice(r, 3);
	for (uint32_t k = 0; k < steps; k++) {
		if (r->n_committed == r->sections || dice(r, 3) == 0)
			write_back(r, NO_CUT);
		commit_some(r, NO_CUT);
	}
	switch (dice(r, 4)) {
	case 0:
		write_back(r, cut);
		break;
	case 1:
		close_ring(r, dice(r, 2) ? cut : NO_CUT);
		break;
	default:
		if (r->n_committed == r->sections)
			write_back(r, NO_CUT);
		commit_some(r, dice(r, 4) ? cut : NO_CUT);
	}
	i = reopen(r);
	check_report(r, i);
	check_contents(r, i);
	integrity_close(i);
	stop(r);
}

static struct integrity_params kind(unsigned k)
{
	static const uint8_t key[32] = "a key", journal_key[32] = "another";
	struct integrity_params p = {.sector_bytes = 512, .salt = "salt"};

	p.tag_bytes = 255; /* short sections */
	if (k == 0)
		return p;
	p.algorithm = k == 1 ? "crc32c" : k == 2 ? "sha256" : "hmac(sha256)";
	p.sector_bytes = k == 3 ? 512 : 4096;
	if (k == 3) {
		p.key = key;
		p.key_len = sizeof(key);
		p.journal_key = journal_key;
		p.journal_key_len = sizeof(journal_key);
	}
	return p;
}

static void keeps_what_was_committed(void **state)
{
	for (uint32_t seed = 0; seed < 600; seed++)
		run_once(kind(seed % 4), 1 + seed / 4 % 7, seed * 7919 + 1);
}

/* Sections with many entries, as usual tags give. */
static void keeps_it_in_long_sections(void **state)
{
	struct integrity_params p = kind(0);

	for (uint32_t seed = 0; seed < 20; seed++) {
		p.tag_bytes = seed % 2 ? 4 : 28;
		run_once(p, 3, seed + 1);
	}
}

/* --- what no power cut leaves --- */

static void check_bad(struct ring *r, uint64_t bad, uint32_t section)
{
	struct integrity *i = reopen(r);
	struct integrity_journal_report report;

	integrity_journal(i, &report);
	assert_int_equal(report.bad, bad);
	if (bad)
		assert_int_equal(report.bad_offset_bytes[0], section_offset(r, section));
	integrity_close(i);
}

static void three_commits(struct ring *r, unsigned k)
{
	start(r, kind(k), 6, 42);
	for (int n = 0; n < 3; n++) {
		commit.r = r;
		commit.first = (uint32_t)n;
		fill_section(&commit, 0, r->entries);
		seal(r, (uint32_t)n, r->seq);
		put(r, section_offset(r, (uint32_t)n), section_at(r, (uint32_t)n), r->section_bytes,
		    NO_CUT);
	}
}

static void finds_foreign_commit_ids(void **state)
{
	for (uint32_t at = 0; at < 8; at++) {
		three_commits(&ring, 2);
		ring.medium[section_offset(&ring, 4) + 512 * 7 + 504 + at] ^= 1;
		check_bad(&ring, 1, 4);
		/* A section in another's place. */
		memcpy(ring.medium + section_offset(&ring, 4), section_at(&ring, 1),
		       ring.section_bytes);
		check_bad(&ring, 1, 4);
		stop(&ring);
	}
}

static void finds_too_many_sequences(void **state)
{
	three_commits(&ring, 2);
	for (unsigned seq = 0; seq < 4; seq++) {
		seal(&ring, seq, seq);
		put(&ring, section_offset(&ring, seq), section_at(&ring, seq), ring.section_bytes,
		    NO_CUT);
	}
	check_bad(&ring, 1, 0);
	stop(&ring);
}

static void finds_changed_entries(void **state)
{
	three_commits(&ring, 3);
	check_bad(&ring, 0, 0);
	/* The MAC is over the numbers of sectors. */
	ring.medium[section_offset(&ring, 1) + 512] ^= 1;
	check_bad(&ring, 1, 1);
	ring.medium[section_offset(&ring, 1) + 512] ^= 1;
	ring.medium[section_offset(&ring, 1) + 512 * 3 + 500] ^= 1;
	check_bad(&ring, 1, 1);
	ring.medium[section_offset(&ring, 1) + 512 * 3 + 500] ^= 1;
	/* The tag is over the data. */
	ring.medium[section_offset(&ring, 2) + 4096 + 600] ^= 1;
	check_bad(&ring, 1, 2);
	stop(&ring);
}

/* The kernel ignores sectors behind the end, and fails on some that are no beginning of a block. */
static void ignores_what_is_behind_the_end(void **state)
{
	struct integrity_journal_report report;
	struct integrity *i;

	three_commits(&ring, 2);
	set_sector(&ring, 1, 3, ring.sb.provided_data_sectors);
	set_sector(&ring, 1, 4, 0xfffffffe00000000); /* "in progress" */
	seal(&ring, 1, 1);
	put(&ring, section_offset(&ring, 1), section_at(&ring, 1), ring.section_bytes, NO_CUT);
	i = reopen(&ring);
	integrity_journal(i, &report);
	assert_int_equal(report.bad, 0);
	assert_int_equal(report.committed, 3);
	integrity_close(i);
	set_sector(&ring, 1, 3, 4);
	put(&ring, section_offset(&ring, 1), section_at(&ring, 1), ring.section_bytes, NO_CUT);
	check_bad(&ring, 1, 1);
	stop(&ring);
}

/* The kernel empties a ring that it has replayed with the sequence before the last two. While it is
 * at it what is left of the old ring must not be replayed once more: it may be of any age. */
static void replays_nothing_of_a_ring_being_emptied(void **state)
{
	struct integrity_journal_report report;
	struct integrity *i;

	start(&ring, kind(2), 3, 42);
	for (uint32_t n = 0; n < 3; n++) {
		commit = (struct commit){.r = &ring, .first = n};
		fill_section(&commit, 0, n == 1 ? 0 : ring.entries);
		seal(&ring, n, n == 1 ? 0 : 2);
		put(&ring, section_offset(&ring, n), section_at(&ring, n), ring.section_bytes,
		    NO_CUT);
	}
	i = reopen(&ring);
	integrity_journal(i, &report);
	assert_false(report.dirty);
	assert_int_equal(report.torn, 2);
	assert_int_equal(report.bad, 0);
	integrity_close(i);
	stop(&ring);
}

/* With the kernel still to replay, nothing may be written behind its back. */
static void is_not_written_below_a_journal(void **state)
{
	uint8_t data[4096] = {0}, tag[255] = {0};
	struct integrity *i;
	struct io *device;

	three_commits(&ring, 2);
	i = reopen(&ring);
	assert_int_equal(integrity_write(i, 0, 1, data, tag), -EBUSY);
	assert_ok(integrity_io(i, "device", false, &device));
	assert_true(device->read_only);
	assert_int_equal(io_write(device, data, 4096, 0), -EROFS);
	io_close(device);
	stop(&ring);
}

/* A tag of zeroes in the journal hides one that is behind it. */
static void finds_nothing_where_the_journal_wiped(void **state)
{
	struct integrity *i;
	uint8_t tag[255];
	uint64_t at;

	start(&ring, kind(0), 6, 1);
	memset(tag, 1, sizeof(tag));
	assert_ok(integrity_write(ring.plain, 5, 1, NULL, tag));
	assert_ok(integrity_write(ring.plain, 6, 1, NULL, tag));
	assert_ok(integrity_write(ring.plain, 40, 1, NULL, tag));
	commit.r = &ring;
	commit.first = 0;
	fill_section(&commit, 0, 0);
	set_entry(&ring, 0, 0, 5, 1);
	memset(entry_at(&ring, 0, 0) + 16, 0, 255);
	set_entry(&ring, 0, 1, 3, 1);
	memset(entry_at(&ring, 0, 1) + 16, 0, 255);
	set_entry(&ring, 0, 2, 30, 1);
	set_entry(&ring, 0, 3, 40, 1);
	memset(entry_at(&ring, 0, 3) + 16, 0, 255);
	seal(&ring, 0, 1);
	put(&ring, section_offset(&ring, 0), section_at(&ring, 0), ring.section_bytes, NO_CUT);
	i = reopen(&ring);
	assert_ok(integrity_next_written(i, 0, &at));
	assert_int_equal(at, 6);
	assert_ok(integrity_next_written(i, 7, &at));
	assert_int_equal(at, 30);
	assert_ok(integrity_next_written(i, 31, &at));
	assert_int_equal(at, integrity_sectors(i));
	integrity_close(i);
	stop(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_what_was_committed),
	    cmocka_unit_test(keeps_it_in_long_sections),
	    cmocka_unit_test(finds_foreign_commit_ids),
	    cmocka_unit_test(finds_too_many_sequences),
	    cmocka_unit_test(finds_changed_entries),
	    cmocka_unit_test(ignores_what_is_behind_the_end),
	    cmocka_unit_test(replays_nothing_of_a_ring_being_emptied),
	    cmocka_unit_test(is_not_written_below_a_journal),
	    cmocka_unit_test(finds_nothing_where_the_journal_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
