/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity in user space: choosing a superblock, and formatting a device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "userspace/integrity/superblock.h"
#include "userspace/integrity/tag.h"

#define SECTOR_SHIFT        9
#define JOURNAL_MAX_SECTORS 131072 /* DEFAULT_MAX_JOURNAL_SECTORS of machines with 64 bits */
#define JOURNAL_SIZE_FACTOR 7
#define INTERLEAVE_SECTORS  32768
#define INTERLEAVE_LOG2_MIN 3
#define INTERLEAVE_LOG2_MAX 31
#define WRITE_BYTES         (1024 * 1024)      /* of the journal, at least one section */
#define ZERO_BYTES          (16 * 1024 * 1024) /* at once: cancelling waits for it */

/* --- choosing --- */

static uint8_t log2_below(uint64_t x)
{
	return (uint8_t)(63 - __builtin_clzll(x));
}

static bool possible(const struct integrity_params *p, size_t tag)
{
	bool keyed = p->algorithm && mac_bytes(p->algorithm);

	if (p->algorithm && !integrity_hash_bytes(p->algorithm))
		return false;
	if (!is_power_of_2(p->sector_bytes) || p->sector_bytes < 512 || p->sector_bytes > 4096)
		return false;
	if (tag == 0 || tag > INTEGRITY_TAG_MAX)
		return false;
	/* After a crash the bitmap makes the kernel recalculate tags, which it refuses with a key.
	 */
	return p->mode != INTEGRITY_BITMAP || (p->algorithm && !keyed);
}

static uint8_t choose_interleave(const struct integrity_params *p)
{
	uint8_t log2 =
	    log2_below(p->interleave_sectors ? p->interleave_sectors : INTERLEAVE_SECTORS);

	log2 = (uint8_t)max_u64(log2, INTERLEAVE_LOG2_MIN);
	return (uint8_t)min_u64(log2, INTERLEAVE_LOG2_MAX);
}

static uint32_t choose_sections(const struct integrity_params *p, uint64_t below_bytes,
				const struct integrity_geometry *one)
{
	uint64_t device = (p->start_bytes + below_bytes) >> SECTOR_SHIFT;
	uint64_t sectors = p->journal_sectors;

	if (!sectors)
		sectors = min_u64(device >> JOURNAL_SIZE_FACTOR, JOURNAL_MAX_SECTORS);
	return (uint32_t)max_u64(sectors / (one->section_bytes >> SECTOR_SHIFT), 1);
}

int integrity_choose(const struct integrity_params *p, uint64_t below_bytes,
		     struct integrity_superblock *ret)
{
	size_t tag = p->tag_bytes ? p->tag_bytes : integrity_hash_bytes(p->algorithm);
	struct integrity_superblock sb = {.flags = INTEGRITY_FIXED_PADDING};
	struct integrity_geometry g;
	const char *why;

	if (!possible(p, tag))
		return -EINVAL;
	if (p->journal_key_len)
		sb.flags |= INTEGRITY_HAVE_JOURNAL_MAC;
	if (p->algorithm || p->journal_key_len) {
		sb.flags |= INTEGRITY_FIXED_HMAC;
		memcpy(sb.salt, p->salt, sizeof(sb.salt));
	}
	sb.version = integrity_version(sb.flags);
	sb.tag_bytes = (uint16_t)tag;
	sb.log2_sectors_per_block = log2_below(p->sector_bytes >> SECTOR_SHIFT);
	sb.log2_interleave_sectors = choose_interleave(p);
	/* The size of a section does not depend on their number. */
	sb.journal_sections = 1;
	sb.provided_data_sectors = 8;
	if (integrity_geometry(&sb, &g, &why) < 0)
		return -EINVAL;
	sb.journal_sections = choose_sections(p, below_bytes, &g);
	sb.provided_data_sectors = integrity_fit(&sb, below_bytes);
	if (!sb.provided_data_sectors || integrity_geometry(&sb, &g, &why) < 0)
		return -ENOSPC;
	sb.log2_blocks_per_bitmap_bit = integrity_bitmap_granularity(&sb, &g);
	*ret = sb;
	return 0;
}

/* --- formatting --- */

struct making {
	struct io *below;
	const struct integrity_superblock *sb;
	struct integrity_geometry g;
	struct mac *mac; /* NULL: none */
	struct env *env;
};

static int step(const struct making *m, uint64_t done_bytes)
{
	if (!m->env)
		return 0;
	env_progress(m->env, done_bytes);
	env_tick(m->env);
	return env_cancelled(m->env) ? -ECANCELED : 0;
}

static int make_section(const struct making *m, uint32_t section, uint8_t *ret)
{
	uint8_t mac[INTEGRITY_MAC_BYTES];
	int r;

	integrity_section_init(&m->g, section, 0, ret);
	if (!m->mac)
		return 0;
	r = integrity_mac_section(m->mac, m->sb, &m->g, section, ret, mac);
	if (r >= 0)
		integrity_section_set_mac(ret, mac);
	return r;
}

static int write_journal(const struct making *m)
{
	uint32_t at_once = (uint32_t)max_u64(WRITE_BYTES / m->g.section_bytes, 1);
	_cleanup_free_ uint8_t *bytes = calloc(at_once, m->g.section_bytes);
	int r = bytes ? 0 : -ENOMEM;

	for (uint32_t first = 0; first < m->g.sections && r >= 0; first += at_once) {
		uint32_t n = (uint32_t)min_u64(at_once, m->g.sections - first);

		for (uint32_t k = 0; k < n && r >= 0; k++)
			r = make_section(m, first + k, bytes + (size_t)k * m->g.section_bytes);
		if (r >= 0)
			r = io_write(m->below, bytes, (size_t)n * m->g.section_bytes,
				     integrity_locate_section(&m->g, first));
		if (r >= 0)
			r = step(m, (uint64_t)n * m->g.section_bytes);
	}
	return r;
}

/* Zeroes a range, but leaves holes as they are. */
static int zero_tags(const struct making *m, uint64_t at, uint64_t end)
{
	int r = 0;

	while (at < end && r >= 0) {
		uint64_t len, n = min_u64(end - at, ZERO_BYTES);
		bool data;

		r = io_extent(m->below, at, &data, &len);
		if (r < 0)
			return r;
		n = min_u64(n, len);
		if (data)
			r = io_zero(m->below, at, n);
		if (r >= 0)
			r = step(m, n);
		at += n;
	}
	return r;
}

static int zero_all_tags(const struct making *m)
{
	int r = 0;

	for (uint64_t first = 0; first < m->g.sectors && r >= 0; first += m->g.area_sectors) {
		uint64_t at = integrity_locate_tag(&m->g, first);

		r = zero_tags(m, at, at + m->g.metadata_run_bytes);
	}
	return r;
}

int integrity_prepare(struct io *below, const struct integrity_params *p,
		      const struct integrity_superblock *sb, struct env *env)
{
	_cleanup_mac_ struct mac *mac = NULL;
	struct making m = {.below = below, .sb = sb, .env = env};
	int r = integrity_fits(below, p, sb, &m.g);

	if (r >= 0)
		r = integrity_journal_mac(p, &mac);
	if (r < 0)
		return r;
	m.mac = mac;
	r = write_journal(&m);
	if (r >= 0)
		r = zero_all_tags(&m);
	if (r == -ECANCELED)
		return diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while %s was prepared",
				 below->name);
	if (r == -ENOMEM)
		return diag_no_memory();
	if (r < 0)
		return io_fail(below, r, "writing dm-integrity's journal and tags to", 0,
			       m.g.end_bytes);
	return 0;
}

int integrity_finish(struct io *below, const struct integrity_params *p,
		     const struct integrity_superblock *sb)
{
	uint8_t bytes[INTEGRITY_SUPERBLOCK_BYTES];
	struct integrity_geometry g;
	int r = integrity_fits(below, p, sb, &g);

	integrity_encode(sb, bytes);
	if (r >= 0 && integrity_has_mac(sb, p))
		r = integrity_mac_superblock(p, bytes, bytes + INTEGRITY_MAC_OFFSET);
	if (r < 0)
		return r;
	r = io_flush(below); /* everything else must be on the medium before the superblock */
	if (r >= 0)
		r = io_write(below, bytes, sizeof(bytes), 0);
	if (r >= 0)
		r = io_flush(below);
	return r < 0 ? io_fail(below, r, "writing dm-integrity's superblock to", 0, sizeof(bytes))
		     : 0;
}
