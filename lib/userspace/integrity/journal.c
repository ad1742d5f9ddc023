/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity in user space: the sectors that the kernel would replay or recalculate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "userspace/integrity/journal.h"
#include "userspace/integrity/superblock.h"

#define SECTOR 512

/* What was seen in a section: one bit for each commit sequence of its sectors, and these. */
enum {
	SEEN_BAD = 1 << INTEGRITY_COMMIT_IDS, /* an invalid commit id */
	SEEN_USED = SEEN_BAD << 1,            /* an entry that is not unused */
	SEEN_REPLAYED = SEEN_USED << 1,
};
#define SEQUENCES (SEEN_BAD - 1)

struct replay {
	struct integrity *i;
	struct env *env;
	struct mac *mac; /* NULL: none */
	uint8_t *section;
	uint8_t *seen;                       /* one per section */
	uint32_t last[INTEGRITY_COMMIT_IDS]; /* the last section that has the sequence */
	uint8_t all;                         /* what was seen in any */
	ARRAY(struct integrity_overlay) found;
};

/* --- looking at every section --- */

static int read_section(struct replay *p, uint32_t section)
{
	const struct integrity_geometry *g = &p->i->g;

	if (p->env)
		env_tick(p->env);
	if (p->env && env_cancelled(p->env))
		return -ECANCELED;
	return io_read(p->i->below, p->section, g->section_bytes,
		       integrity_locate_section(g, section));
}

static uint8_t look_at(struct replay *p, uint32_t section)
{
	const struct integrity_geometry *g = &p->i->g;
	uint8_t seen = 0;

	for (uint32_t n = 0; n < g->section_bytes / SECTOR; n++) {
		int seq = integrity_section_sequence(section, n, p->section + (size_t)n * SECTOR);

		if (seq >= 0)
			p->last[seq] = section;
		seen |= (uint8_t)(seq < 0 ? SEEN_BAD : 1 << seq);
	}
	for (uint32_t n = 0; n < g->section_entries; n++) {
		if (integrity_entry_sector(g, p->section, n) != INTEGRITY_ENTRY_UNUSED)
			seen |= SEEN_USED;
	}
	return seen;
}

static void add_bad(struct integrity *i, uint32_t section)
{
	struct integrity_journal_report *report = &i->report;
	size_t room = sizeof(report->bad_offset_bytes) / sizeof(report->bad_offset_bytes[0]);

	if (report->bad < room)
		report->bad_offset_bytes[report->bad] = integrity_locate_section(&i->g, section);
	report->bad++;
}

static int look_at_all(struct replay *p)
{
	int r = 0;

	for (uint32_t s = 0; s < p->i->g.sections && r >= 0; s++) {
		r = read_section(p, s);
		if (r < 0)
			break;
		p->seen[s] = look_at(p, s);
		p->all |= p->seen[s];
		if (p->seen[s] & SEEN_BAD)
			add_bad(p->i, s);
	}
	return r;
}

/* --- which of them are replayed --- */

static unsigned before(unsigned seq)
{
	return (seq + INTEGRITY_COMMIT_IDS - 1) % INTEGRITY_COMMIT_IDS;
}

static unsigned after(unsigned seq)
{
	return (seq + 1) % INTEGRITY_COMMIT_IDS;
}

static bool is_used(const struct replay *p, unsigned seq)
{
	return p->all >> seq & 1;
}

/* The next sequence: the first unused one after those in use, modulo their number. -1: all are in
 * use. */
static int first_unused(const struct replay *p)
{
	unsigned seq = INTEGRITY_COMMIT_IDS - 1;

	if (!is_used(p, seq)) {
		while (seq > 0 && !is_used(p, seq - 1))
			seq--;
		return (int)seq;
	}
	for (seq = 0; seq < INTEGRITY_COMMIT_IDS; seq++) {
		if (!is_used(p, seq))
			return (int)seq;
	}
	return -1;
}

/*
 * The ring begins after the last section with the latest sequence. From there on each section must
 * have the previous sequence in all its sectors and, after the end of the journal, the latest one.
 * A power cut happened at the first section that has not. Returns how many sections are complete.
 */
static uint32_t choose_range(struct replay *p, unsigned unused, uint32_t *ret_first)
{
	uint32_t sections = p->i->g.sections, first, n = 0, s;
	unsigned want = before(before(unused));
	/* The journal was just being emptied: the sequence between was never used. */
	bool emptied = !is_used(p, want) && is_used(p, before(want));

	first = p->last[before(unused)] + 1;
	if (first >= sections) {
		first = 0;
		want = after(want);
	}
	*ret_first = s = first;
	while (n < sections && (p->seen[s] & SEQUENCES) == 1 << want) {
		n++;
		if (++s >= sections) {
			s = 0;
			want = after(want);
		}
	}
	return emptied || !(p->all & SEEN_USED) ? 0 : n;
}

/* --- replaying --- */

/* -EBADMSG: no power cut leaves such an entry, and the kernel would fail the device. */
static int replay_entry(struct replay *p, uint32_t n)
{
	struct integrity *i = p->i;
	uint64_t at = integrity_entry_sector(&i->g, p->section, n);
	struct integrity_overlay o = {.order = p->found.n};
	uint8_t *bytes, want[INTEGRITY_TAG_MAX];
	int r;

	if (at == INTEGRITY_ENTRY_UNUSED)
		return 0;
	if (at % i->g.sectors_per_block)
		return -EBADMSG;
	if (at >= i->sb.provided_data_sectors) /* the kernel ignores these */
		return 0;
	bytes = arena_alloc(&i->overlay_bytes, (size_t)i->g.sector_bytes + i->g.tag_bytes);
	if (!bytes)
		return -ENOMEM;
	o.sector = at / i->g.sectors_per_block;
	o.data = bytes;
	o.tag = bytes + i->g.sector_bytes;
	integrity_entry_data(&i->g, p->section, n, bytes);
	memcpy(bytes + i->g.sector_bytes, integrity_entry_tag(&i->g, p->section, n),
	       i->g.tag_bytes);
	if (i->hashes.bytes) {
		r = integrity_tags(i, o.sector, 1, o.data, want);
		if (r < 0)
			return r;
		if (!digest_equal(want, o.tag, i->g.tag_bytes))
			return -EBADMSG;
	}
	return array_add(&p->found, o);
}

static int replay_section(struct replay *p, uint32_t section)
{
	const struct integrity_geometry *g = &p->i->g;
	uint8_t is[64], want[64] = {0};
	int r = read_section(p, section);

	if (r >= 0 && p->mac) {
		integrity_section_mac(p->section, is);
		r = integrity_mac_section(p->mac, &p->i->sb, g, section, p->section, want);
		if (r >= 0 && !digest_equal(is, want, sizeof(is)))
			r = -EBADMSG;
	}
	for (uint32_t n = 0; n < g->section_entries && r >= 0; n++)
		r = replay_entry(p, n);
	return r;
}

static int replay_range(struct replay *p, uint32_t first, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		uint32_t s = (uint32_t)(((uint64_t)first + k) % p->i->g.sections);
		int r = replay_section(p, s);

		if (r == -EBADMSG) { /* where the kernel stops, too */
			p->seen[s] |= SEEN_BAD;
			add_bad(p->i, s);
			return 0;
		}
		if (r < 0)
			return r;
		p->seen[s] |= SEEN_REPLAYED;
	}
	return 0;
}

static int by_sector(const void *a, const void *b)
{
	const struct integrity_overlay *x = a, *y = b;

	if (x->sector != y->sector)
		return x->sector < y->sector ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Sorts the overlay and keeps only the latest of each sector. */
static void take_overlay(struct replay *p)
{
	struct integrity *i = p->i;
	size_t n = 0;

	if (!p->found.n)
		return;
	qsort(p->found.v, p->found.n, sizeof(*p->found.v), by_sector);
	for (size_t k = 0; k < p->found.n; k++) {
		if (k + 1 == p->found.n || p->found.v[k + 1].sector != p->found.v[k].sector)
			p->found.v[n++] = p->found.v[k];
	}
	i->overlay = TAKE(p->found.v);
	i->n_overlay = n;
}

static void count(struct replay *p)
{
	struct integrity_journal_report *report = &p->i->report;

	report->sections = p->i->g.sections;
	report->replayed_sectors = p->i->n_overlay;
	for (uint32_t s = 0; s < p->i->g.sections; s++) {
		uint8_t seen = p->seen[s];

		if (seen & SEEN_BAD)
			continue;
		if (!(seen & SEEN_USED) && is_power_of_2(seen & SEQUENCES))
			report->empty++;
		else if (seen & SEEN_REPLAYED)
			report->committed++;
		else
			report->torn++;
	}
	report->dirty = report->committed > 0;
}

static int replay_journal(struct replay *p)
{
	uint32_t first, n;
	int unused, r = look_at_all(p);

	if (r >= 0 && !p->i->report.bad) {
		unused = first_unused(p);
		if (unused < 0) { /* the kernel uses at most three at once */
			p->seen[0] |= SEEN_BAD;
			add_bad(p->i, 0);
		} else {
			n = choose_range(p, (unsigned)unused, &first);
			r = replay_range(p, first, n);
		}
	}
	if (r >= 0) {
		take_overlay(p);
		count(p);
	}
	return r;
}

/* --- bitmap mode --- */

static int read_bitmap(struct integrity *i)
{
	uint64_t bits = ((i->g.sectors - 1) >> i->sb.log2_blocks_per_bitmap_bit) + 1;
	uint64_t per_bit = 1ull << i->sb.log2_blocks_per_bitmap_bit;
	uint64_t len = div_round_up(bits, 8);
	int r;

	i->bitmap = malloc(len);
	if (!i->bitmap)
		return -ENOMEM;
	r = io_read(i->below, i->bitmap, len, INTEGRITY_SUPERBLOCK_BYTES);
	for (uint64_t bit = 0; bit < bits && r >= 0; bit++) {
		if (i->bitmap[bit / 8] >> bit % 8 & 1)
			i->report.unsure_sectors += min_u64(per_bit, i->g.sectors - bit * per_bit);
	}
	return r;
}

/* Recalculation proceeds upwards from a position, in every mode. */
static void count_unsure(struct integrity *i)
{
	if (i->sb.flags & INTEGRITY_RECALCULATING)
		i->report.unsure_sectors =
		    max_u64(i->report.unsure_sectors,
			    i->g.sectors - i->sb.recalc_sector / i->g.sectors_per_block);
	if (i->report.unsure_sectors)
		i->report.dirty = true;
}

int integrity_replay(struct integrity *i, const struct integrity_params *params, struct env *env)
{
	_cleanup_mac_ struct mac *mac = NULL;
	struct replay p = {.i = i, .env = env};
	int r = integrity_journal_mac(params, &mac);

	if (r < 0)
		return r;
	p.mac = mac;
	p.section = malloc(i->g.section_bytes);
	p.seen = calloc(i->g.sections, 1);
	if (!p.section || !p.seen)
		r = -ENOMEM;
	else if (i->sb.flags & INTEGRITY_DIRTY_BITMAP)
		r = read_bitmap(i);
	else
		r = replay_journal(&p);
	free(p.section);
	free(p.seen);
	array_free(&p.found);
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while the journal was read");
	if (r == -ENOMEM)
		return diag_no_memory();
	if (r < 0)
		return io_fail(i->below, r, "reading dm-integrity's journal from", 0,
			       i->g.initial_bytes);
	count_unsure(i);
	return 0;
}
