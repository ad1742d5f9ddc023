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
	/* "crc32c", "sha256", "hmac(sha256)"; NULL: the caller makes the tags (dm-crypt with AEAD).
	 */
	const char *algorithm;
	enum integrity_mode mode;
	uint32_t sector_bytes; /* 512 … 4096 */
	uint32_t tag_bytes;    /* per sector; 0: as long as the hash of @algorithm */
	const uint8_t *key;    /* of hmac(sha256); used during integrity_open() only */
	size_t key_len;
	const uint8_t *journal_key; /* of the journal's MAC, hmac(sha256); len 0: none */
	size_t journal_key_len;
	uint8_t salt[16]; /* for choose: part of every tag and MAC */

	/* For choose; 0: the kernel's default. */
	uint32_t journal_sectors; /* of 512 bytes; default: 1/128 of the device, at most 131072 */
	uint32_t interleave_sectors; /* of 512 bytes; default 32768 */
	uint64_t start_bytes;        /* of @below on its device (a LUKS2 header is before it) */
};

/*
 * Chooses a superblock for a device of @below_bytes as the kernel does (dm-integrity.c,
 * initialize_superblock()), with fixed padding and HMAC, for which integritysetup and cryptsetup
 * ask. The mode leaves no trace in it: a clean device has an empty journal, and the bitmap takes
 * its place only while the device is open. -ENOSPC: too small; -EINVAL: @p is impossible. Silent.
 */
int integrity_choose(const struct integrity_params *p, uint64_t below_bytes,
		     struct integrity_superblock *ret);

/* Checks the MAC of superblock @sb, whose INTEGRITY_SUPERBLOCK_BYTES on the medium are @bytes, with
 * @p's journal key. 1: it is right, or there is none; 0: it is wrong. Speaks. */
int integrity_authentic(const uint8_t *bytes, const struct integrity_superblock *sb,
			const struct integrity_params *p);

/* An open device. Several threads can read and write it at once. */
struct integrity;

/*
 * Opens the device on @below, which must outlive it and stays open. The caller has decoded @sb from
 * the medium, or has it from its own records. Without @replay nothing is read. With @replay a dirty
 * bitmap is read, or the journal: the sectors that the kernel would replay at its next activation
 * are kept in memory as an overlay over the data; @below is not written. -EUCLEAN where @sb does
 * not fit @p or @below. Speaks.
 */
int integrity_open(struct io *below, const struct integrity_params *p,
		   const struct integrity_superblock *sb, bool replay, struct env *env,
		   struct integrity **ret);
struct integrity *integrity_close(struct integrity *i);
uint64_t integrity_sectors(const struct integrity *i);
uint32_t integrity_tag_bytes(const struct integrity *i);
uint32_t integrity_sector_bytes(const struct integrity *i);
struct io *integrity_below(const struct integrity *i);

/*
 * Data and tags of sectors [first, first+n) of sector_bytes each. No tag is checked or computed.
 * integrity_write() writes data and tag areas directly, as the kernel's D mode does: for
 * provisioning, while nothing else uses the device. It returns -EBUSY if there is an overlay, which
 * the kernel would write over the result. @data or @tags may be NULL: not wanted, or left as they
 * are. 0 or -errno, silent.
 */
int integrity_read(struct integrity *i, uint64_t first, uint64_t n, void *data, uint8_t *tags);
int integrity_write(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		    const uint8_t *tags);
/* Offsets of a sector and of its tag on @below, in bytes: for findings. */
uint64_t integrity_data_offset(const struct integrity *i, uint64_t sector);
uint64_t integrity_tag_offset(const struct integrity *i, uint64_t sector);
/* Finds the first sector from @sector on whose tag is not all zeroes; integrity_sectors() if there
 * is none. Holes and zeroes in tag areas are skipped quickly. Silent. */
int integrity_next_written(struct integrity *i, uint64_t sector, uint64_t *ret);

/* --- with an algorithm of its own (not AEAD) --- */

enum integrity_state {
	INTEGRITY_GOOD,
	INTEGRITY_NEVER, /* tag is all zeroes (wiped; 0xf6: discarded) and does not match */
	INTEGRITY_BAD,
	INTEGRITY_UNSURE, /* not GOOD, but the kernel would recalculate the tag instead of
			     comparing it (recalculation, or a dirty bit of the bitmap) */
};
/* Computes the tags of @data. -ENOTSUP without an algorithm. Silent. */
int integrity_tags(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		   uint8_t *ret_tags);
/* Compares @tags with those of @data; @ret has @n states. A crc32c tag of zero that matches is
 * GOOD. Silent. */
int integrity_check(struct integrity *i, uint64_t first, uint64_t n, const void *data,
		    const uint8_t *tags, uint8_t *ret);
/* The device as the kernel would present it. Writes compute tags; reads check them and fail with
 * -EILSEQ. With @raw reads return data unchecked, zeroes for sectors that were never written, and
 * io_extent() reports runs of these as holes. Whole sectors only (-EINVAL). Takes over @i, except
 * on failure. Speaks. */
int integrity_io(struct integrity *i, const char *name, bool raw, struct io **ret);

/* --- formatting --- */

/* Writes everything but the superblock: an empty journal, as init_journal() does, and zeroes over
 * tag areas, except where they are holes. May be repeated. Speaks. */
int integrity_prepare(struct io *below, const struct integrity_params *p,
		      const struct integrity_superblock *sb, struct env *env);
/* Writes the superblock, with its MAC if the journal has MACs. From now on it is a dm-integrity
 * device. Speaks. */
int integrity_finish(struct io *below, const struct integrity_params *p,
		     const struct integrity_superblock *sb);

/* --- checking the journal --- */

struct integrity_journal_report {
	uint64_t sections;
	uint64_t empty;               /* never used since it was made */
	uint64_t committed;           /* whole, would be replayed */
	uint64_t torn;                /* unfinished or obsolete: the kernel drops them */
	uint64_t bad;                 /* wrong MAC, commit ids or tags: no power cut causes that */
	uint64_t bad_offset_bytes[8]; /* of the first ones, on @below */
	uint64_t replayed_sectors;
	uint64_t unsure_sectors; /* whose tags the kernel would recalculate from the data */
	bool dirty;              /* something would be replayed, or is unsure */
};
/* What integrity_open() found with @replay. If anything is bad the kernel fails all reads and
 * writes; here the sections before the first bad one are replayed. */
void integrity_journal(const struct integrity *i, struct integrity_journal_report *ret);

#endif
