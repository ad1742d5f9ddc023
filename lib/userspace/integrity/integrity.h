/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity in user space: format, read, write and check, over struct io, in parallel. */
#ifndef HOLDFAST_USERSPACE_INTEGRITY_H
#define HOLDFAST_USERSPACE_INTEGRITY_H

#include "base/env.h"
#include "base/io.h"
#include "format/integrity.h"

/* How the kernel keeps data and tags together (the third argument of its table: J, B, D). */
enum integrity_mode {
	INTEGRITY_JOURNAL,
	INTEGRITY_BITMAP,
	INTEGRITY_DIRECT,
};

struct integrity_params {
	/* "crc32c", "sha256", "hmac(sha256)"; NULL: tags are the caller's (dm-crypt with AEAD). */
	const char *algorithm;
	enum integrity_mode mode;
	uint32_t sector_bytes; /* 512 … 4096 */
	uint32_t tag_bytes;    /* per sector; 0: as many as @algorithm gives */
	const uint8_t *key;    /* of hmac(sha256); used during integrity_open() only */
	size_t key_len;
	const uint8_t *journal_key; /* of the journal's MAC, hmac(sha256); len 0: none */
	size_t journal_key_len;
	uint8_t salt[16]; /* for choose: with an algorithm or a journal key, in every tag and MAC */

	/* For choose, where the kernel's defaults are not wanted (0: they are). */
	uint32_t journal_sectors; /* of 512 bytes; default: 1/128 of the device, at most 131072 */
	uint32_t interleave_sectors; /* of 512 bytes; default 32768 */
	uint64_t start_bytes;        /* of @below on its device (a LUKS2 header is before it) */
};

/*
 * What a superblock for a place of @below_bytes says (as the kernel chooses: dm-integrity.c,
 * initialize_superblock(); integritysetup and cryptsetup leave journal and interleave to it, and
 * ask for fixed padding and HMAC). The mode does not show: a clean device has an empty journal, and
 * the bitmap takes its place when it is opened. -ENOSPC: too small; -EINVAL: @p cannot be. Silent.
 */
int integrity_choose(const struct integrity_params *p, uint64_t below_bytes,
		     struct integrity_superblock *ret);

/* Is the MAC of a superblock (its INTEGRITY_SUPERBLOCK_BYTES as they are on the medium, which
 * decode) made with @p's journal key? 1 (also where there is none to be), 0, or -errno having
 * spoken. */
int integrity_authentic(const uint8_t *bytes, const struct integrity_superblock *sb,
			const struct integrity_params *p);

/* A device; one can be read and written by several threads at once. */
struct integrity;

/*
 * Over @below (which must outlive it and is not closed with it), whose superblock is @sb: the
 * caller has decoded it from the medium or takes it from its own records; nothing is read here
 * except, when @replay, the journal: finished sections that the kernel would replay at its next
 * activation are read into memory and stand in front of the data ("an overlay"; @below is not
 * written). With @replay, a dirty bitmap is read, too. Speaks. -EUCLEAN where @sb does not
 * fit @p or @below.
 */
int integrity_open(struct io *below, const struct integrity_params *p,
		   const struct integrity_superblock *sb, bool replay, struct env *env,
		   struct integrity **ret);
struct integrity *integrity_close(struct integrity *i);
uint64_t integrity_sectors(const struct integrity *i);
uint32_t integrity_tag_bytes(const struct integrity *i);
uint32_t integrity_sector_bytes(const struct integrity *i);
struct io *integrity_below(const struct integrity *i); /* what it stands on */

/*
 * Data and tags of sectors [first, first+n) (of sector_bytes each). Nothing is checked, nothing is
 * computed: tags go as they are. integrity_write() goes to data and tag areas directly, as the
 * kernel's D mode does: for provisioning, while nothing else uses the device. -EBUSY where a
 * journal was replayed, as the kernel would write it over that. @data or @tags may be NULL: not
 * wanted, or left as they are. 0 or -errno, silent.
 */
int integrity_read(struct integrity *i, uint64_t first, uint64_t n, void *data, uint8_t *tags);
int integrity_write(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		    const uint8_t *tags);
/* Where sector @first and its tag stand on @below, in bytes: for findings. */
uint64_t integrity_data_offset(const struct integrity *i, uint64_t sector);
uint64_t integrity_tag_offset(const struct integrity *i, uint64_t sector);
/* The first sector at or behind @sector with a tag that is not all zeroes: runs of tag area that
 * are holes or zeroes are skipped quickly; integrity_sectors() when there is none. Silent. */
int integrity_next_written(struct integrity *i, uint64_t sector, uint64_t *ret);

/* --- with an algorithm of its own (not AEAD) --- */

enum integrity_state {
	INTEGRITY_GOOD,
	INTEGRITY_NEVER, /* tag is all zeroes (wiped; 0xf6: discarded) and does not match */
	INTEGRITY_BAD,
	INTEGRITY_UNSURE, /* not GOOD, but the kernel would not say so: it is to make the tag anew
			     (recalculation; where it was writing in bitmap mode) */
};
/* The tags that @data should have. Silent; -ENOTSUP without an algorithm. */
int integrity_tags(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		   uint8_t *ret_tags);
/* Compares; @ret[n]. For crc32c a zero tag that matches is GOOD. Silent. */
int integrity_check(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		    const uint8_t *tags, uint8_t *ret);
/* The device that the kernel would show: reads check (-EILSEQ; with @raw they give what is there,
 * and zeroes for what was never written), writes compute tags. Owns @i (not where this fails).
 * Writes and reads must be whole sectors (-EINVAL). io_extent(): runs of never written sectors are
 * holes only with @raw. Speaks when it fails. */
int integrity_io(struct integrity *i, const char *name, bool raw, struct io **ret);

/* --- making one --- */

/* Everything but the superblock: an empty journal (as init_journal() writes it) or bitmap, tag
 * areas zeroed where they are not holes already. May be repeated. Speaks. */
int integrity_prepare(struct io *below, const struct integrity_params *p,
		      const struct integrity_superblock *sb, struct env *env);
/* The superblock (with its MAC where the journal has one), which makes it recognisable. Speaks. */
int integrity_finish(struct io *below, const struct integrity_params *p,
		     const struct integrity_superblock *sb);

/* --- checking the journal --- */

struct integrity_journal_report {
	uint64_t sections;  /* that there are */
	uint64_t empty;     /* never used since it was made */
	uint64_t committed; /* whole, would be replayed */
	uint64_t torn;      /* not finished, or of no use any more: the kernel drops them */
	uint64_t bad;       /* cannot come from a power cut: MAC, commit ids or tags are wrong */
	uint64_t bad_offset_bytes[8]; /* of the first ones, on @below */
	uint64_t replayed_sectors;
	uint64_t unsure_sectors; /* whose tags the kernel would make anew from what is there */
	bool dirty;              /* something would be replayed, or is unsure */
};
/* What integrity_open() saw with @replay. With anything bad the kernel fails all reads and writes;
 * here, sections before the first bad one are replayed. */
void integrity_journal(const struct integrity *i, struct integrity_journal_report *ret);

#endif
