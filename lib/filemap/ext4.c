/* SPDX-License-Identifier: Apache-2.0 */
/* The map of an ext4: its bitmaps say which blocks are free, their owners what the rest is. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/overflow.h"
#include "filemap/ext4-io.h"
#include "filemap/ext4-journal.h"
#include "filemap/ext4-name.h"
#include "filemap/ext4.h"

#define SUPER_OFFSET      1024
#define SUPER_BYTES       1024
#define MAGIC_AT          56
#define JOURNAL_MAX       (4u * 1024 * 1024) /* blocks */
#define DESCRIBED_AT_ONCE 4

enum group_state {
	GROUP_BITS,    /* as the bitmap says */
	GROUP_UNINIT,  /* nothing but what owners say is in use */
	GROUP_UNKNOWN, /* the bitmap cannot be read */
};

struct map {
	struct filemap head;
	struct env *env;
	struct io *plain, *replayed; /* the latter NULL where there is nothing to replay */
	ext2_filsys fs;
	uint64_t blocks;
	uint32_t block_bytes;
	bool stale; /* the journal knows better, and could not be replayed in whole */

	bool has_owners, has_names;
	struct ext4_owners owners;
	struct ext4_names names;

	dgrp_t group; /* of what follows; group_desc_count: none yet */
	enum group_state state;
	uint8_t *bits;
};

/* --- one group --- */

static void note(struct map *m, const char *why)
{
	if (!m->head.note)
		m->head.note = why;
}

static enum group_state read_group(struct map *m, dgrp_t group)
{
	blk64_t block = ext2fs_block_bitmap_loc(m->fs, group);
	int bytes = (int)(EXT2_CLUSTERS_PER_GROUP(m->fs->super) / 8);

	if (ext4_group_has_flag(m->fs, group, EXT2_BG_BLOCK_UNINIT))
		return GROUP_UNINIT;
	if (ext2fs_has_group_desc_csum(m->fs) && !ext2fs_group_desc_csum_verify(m->fs, group)) {
		note(m, "a group descriptor has a wrong checksum");
		return GROUP_UNKNOWN;
	}
	if (!block || ext4_read_block(m->fs, block, m->bits) < 0 ||
	    !ext2fs_block_bitmap_csum_verify(m->fs, group, (char *)m->bits, bytes)) {
		note(m, "a block bitmap cannot be read");
		return GROUP_UNKNOWN;
	}
	return GROUP_BITS;
}

static void know_group(struct map *m, dgrp_t group)
{
	if (m->group == group)
		return;
	m->state = read_group(m, group);
	m->group = group;
}

static void know_owners(struct map *m)
{
	int r;

	if (m->has_owners)
		return;
	m->has_owners = true;
	r = ext4_owners_read(m->fs, m->env, &m->owners);
	if (r < 0)
		m->owners.note = r == -ECANCELED ? "stopped while its inodes were read"
						 : "out of memory while its inodes were read";
	if (m->owners.note)
		note(m, m->owners.note);
}

static void know_names(struct map *m)
{
	int r;

	if (m->has_names)
		return;
	m->has_names = true;
	r = ext4_names_read(m->fs, m->env, &m->names);
	if (r < 0)
		m->names.note = r == -ECANCELED ? "stopped while its directories were read"
						: "out of memory while its directories were read";
	if (m->names.note)
		note(m, m->names.note);
}

/* --- use --- */

/* How many of the bits from @at on (below @end) are as the first one. */
static uint32_t same_bits(const uint8_t *bits, uint32_t at, uint32_t end, bool *ret_set)
{
	bool set = bits[at / 8] >> at % 8 & 1;
	uint32_t i = at + 1;

	while (i < end && (bits[i / 8] >> i % 8 & 1) == set)
		i++;
	*ret_set = set;
	return i - at;
}

static enum filemap_use table_use(const struct map *m, const struct ext4_extent *e, uint64_t block,
				  uint64_t *n)
{
	uint64_t written = div_round_up((uint64_t)ext4_inodes_used(m->fs, e->number) *
					    EXT2_INODE_SIZE(m->fs->super),
					m->block_bytes);
	uint64_t index = block - e->start + e->logical;

	if (ext4_group_has_flag(m->fs, e->number, EXT2_BG_INODE_ZEROED) || index < written) {
		if (index < written)
			*n = min_u64(*n, written - index);
		return FILEMAP_USED;
	}
	return FILEMAP_UNWRITTEN;
}

static enum filemap_use owner_use(const struct map *m, const struct ext4_extent *e, uint64_t block,
				  uint64_t *n)
{
	switch ((enum ext4_owner_kind)e->kind) {
	case EXT4_UNWRITTEN:
		return FILEMAP_UNWRITTEN;
	case EXT4_INODE_TABLE:
		return table_use(m, e, block, n);
	case EXT4_BLOCK_BITMAP:
		*n = 1;
		return ext4_group_has_flag(m->fs, e->number, EXT2_BG_BLOCK_UNINIT)
			   ? FILEMAP_UNWRITTEN
			   : FILEMAP_USED;
	case EXT4_INODE_BITMAP:
		*n = 1;
		return ext4_group_has_flag(m->fs, e->number, EXT2_BG_INODE_UNINIT)
			   ? FILEMAP_UNWRITTEN
			   : FILEMAP_USED;
	default:
		return FILEMAP_USED;
	}
}

/* Of a block that is in use as far as the bitmaps go; *@n: at most this many are asked for. */
static enum filemap_use taken(struct map *m, uint64_t block, uint64_t *n)
{
	const struct ext4_extent *e;
	uint64_t next;

	know_owners(m);
	e = ext4_owner_of(&m->owners, block, &next);
	if (e) {
		*n = min_u64(*n, e->start + e->len - block);
		return owner_use(m, e, block, n);
	}
	*n = min_u64(*n, next - block);
	if (m->state == GROUP_UNINIT)
		return FILEMAP_FREE;
	/* The rest of a cluster that a file has only a part of. */
	return m->fs->cluster_ratio_bits && !m->owners.note ? FILEMAP_UNWRITTEN : FILEMAP_USED;
}

/* The use of @block, and for how many blocks (≥ 1) that is sure. */
static enum filemap_use block_use(struct map *m, uint64_t block, uint64_t *ret_n)
{
	const struct ext2_super_block *s = m->fs->super;
	uint64_t in_group, end;
	uint32_t bits;
	bool set = true;

	*ret_n = UINT64_MAX;
	if (block >= m->blocks)
		return FILEMAP_FREE;
	*ret_n = m->blocks - block;
	if (m->stale)
		return FILEMAP_USED;
	if (block < s->s_first_data_block) {
		*ret_n = s->s_first_data_block - block;
		return FILEMAP_FREE;
	}
	know_group(m, (dgrp_t)((block - s->s_first_data_block) / s->s_blocks_per_group));
	in_group = (block - s->s_first_data_block) % s->s_blocks_per_group;
	end = min_u64(s->s_blocks_per_group, in_group + m->blocks - block);
	*ret_n = end - in_group;
	if (m->state == GROUP_UNKNOWN)
		return FILEMAP_USED;
	if (m->state == GROUP_BITS) {
		uint32_t shift = (uint32_t)m->fs->cluster_ratio_bits;

		bits = same_bits(m->bits, (uint32_t)(in_group >> shift),
				 (uint32_t)div_round_up(end, 1ULL << shift), &set);
		*ret_n = min_u64(*ret_n, (((in_group >> shift) + bits) << shift) - in_group);
	}
	return set ? taken(m, block, ret_n) : FILEMAP_FREE;
}

/* Bytes from @offset to the end of @n blocks, the first of which contains @offset. */
static uint64_t bytes_of(const struct map *m, uint64_t offset, uint64_t n)
{
	uint64_t block = offset / m->block_bytes;

	if (n > UINT64_MAX / m->block_bytes - block)
		return UINT64_MAX;
	return (block + n) * m->block_bytes - offset;
}

static enum filemap_use run(struct filemap *f, uint64_t offset, uint64_t max, uint64_t *ret_len)
{
	struct map *m = (struct map *)f;
	uint64_t block = offset / m->block_bytes, n, more;
	enum filemap_use use = block_use(m, block, &n);

	while (bytes_of(m, offset, n) < max && block_use(m, block + n, &more) == use) {
		if (!add_u64(n, more, &n))
			n = UINT64_MAX;
	}
	*ret_len = min_u64(bytes_of(m, offset, n), max);
	return use;
}

/* --- names --- */

/* Appends the name of what is at @offset. Returns how many bytes (at most @len) have that name. */
static uint64_t add_piece(struct map *m, uint64_t offset, uint64_t len, struct text *to)
{
	uint64_t block = offset / m->block_bytes, next, n;
	const struct ext4_extent *e = NULL;
	enum filemap_use use = run(&m->head, offset, len, &n);

	if (block >= m->blocks) {
		text_add(to, "after the end of the file system");
		return len;
	}
	if (use == FILEMAP_FREE) {
		text_add(to, block < m->fs->super->s_first_data_block ? "boot block" : "free");
		return n;
	}
	know_owners(m);
	know_names(m);
	e = ext4_owner_of(&m->owners, block, &next);
	n = min_u64(len,
		    ((e ? e->start + e->len : min_u64(next, m->blocks)) - block) * m->block_bytes -
			offset % m->block_bytes);
	if (e) {
		uint64_t first = offset - e->start * m->block_bytes + e->logical * m->block_bytes;

		ext4_owner_add(m->fs, &m->names, e, first, first + n - 1, to);
	} else {
		text_add(to, m->fs->cluster_ratio_bits
				 ? "rest of a cluster"
				 : "in use, but its owner could not be found or read");
	}
	return n;
}

/* Neighbours with the same name are listed once. */
static void describe(struct filemap *f, uint64_t offset, uint64_t len, struct text *to)
{
	struct map *m = (struct map *)f;
	_cleanup_text_ struct text last = {0};
	int told = 0;

	while (len > 0) {
		_cleanup_text_ struct text piece = {0};
		uint64_t n = add_piece(m, offset, len, &piece);

		to->failed |= piece.failed;
		offset += n;
		len -= n;
		if (piece.failed || (last.s && strcmp(last.s, piece.s) == 0))
			continue;
		if (told == DESCRIBED_AT_ONCE) {
			text_add(to, "; and more");
			return;
		}
		text_add(to, "%s%s", told++ ? "; " : "", piece.s);
		text_free(&last);
		last = piece;
		piece = (struct text){0};
	}
}

/* --- opening --- */

static void close_map(struct filemap *f)
{
	struct map *m = (struct map *)f;

	if (m->fs)
		ext2fs_free(m->fs);
	io_close(m->replayed);
	array_free(&m->owners.extents);
	array_free(&m->names.parents);
	free(m->bits);
	free(m);
}

static const struct filemap_ops ext4_ops = {
    .name = "ext4", .run = run, .describe = describe, .close = close_map};

static int cannot(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EUCLEAN;
}

static int open_fs(struct io *io, ext2_filsys *ret, const char **ret_why)
{
	errcode_t e = ext4_open_fs(io, ret);

	switch (e) {
	case 0:
		return 0;
	case EXT2_ET_NO_MEMORY:
		return -ENOMEM;
	case EXT2_ET_SB_CSUM_INVALID:
		return cannot(ret_why, "its superblock has a wrong checksum");
	case EXT2_ET_UNSUPP_FEATURE:
	case EXT2_ET_RO_UNSUPP_FEATURE:
	case EXT2_ET_REV_TOO_HIGH:
		return cannot(ret_why, "it has features that are not known");
	case EIO:
	case EXT2_ET_SHORT_READ:
		return cannot(ret_why, "its superblock or group descriptors cannot be read");
	default:
		return cannot(ret_why, "its superblock is damaged");
	}
}

struct journal_blocks {
	uint64_t *v;
	size_t n;
};

static int add_journal_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t count, blk64_t ref_block,
			     int ref_offset, void *ctx)
{
	struct journal_blocks *b = ctx;

	if (count >= 0 && (uint64_t)count < b->n && *block < ext2fs_blocks_count(fs->super))
		b->v[count] = *block;
	return 0;
}

/* 0; -ENOMEM; -EUCLEAN with @ret_why. */
static int find_journal(ext2_filsys fs, struct journal_blocks *ret, const char **ret_why)
{
	ext2_ino_t number = fs->super->s_journal_inum;
	struct ext2_inode inode;
	uint64_t blocks;

	if (!number)
		return cannot(ret_why, "the journal is on another device");
	if (ext2fs_read_inode(fs, number, &inode))
		return cannot(ret_why, "the journal's inode cannot be read");
	blocks = EXT2_I_SIZE(&inode) / fs->blocksize;
	if (blocks == 0 || blocks > JOURNAL_MAX || blocks > ext2fs_blocks_count(fs->super))
		return cannot(ret_why, "the journal's inode is damaged");
	ret->n = (size_t)blocks;
	ret->v = calloc(ret->n, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	if (ext2fs_block_iterate3(fs, number, BLOCK_FLAG_READ_ONLY, NULL, add_journal_block, ret))
		return cannot(ret_why, "the journal's inode is damaged");
	return 0;
}

/* Only what cannot be done at all is an error. */
static int replay(struct map *m, const char **ret_why)
{
	struct journal_blocks blocks = {0};
	struct ext4_replay found = {0};
	const char *why = NULL;
	int r = find_journal(m->fs, &blocks, &why);

	if (r >= 0) {
		const struct ext4_journal j = {.io = m->plain,
					       .block_bytes = m->block_bytes,
					       .blocks = blocks.v,
					       .n_blocks = blocks.n};

		r = ext4_journal_read(&j, m->blocks, &found, &why);
	}
	free(blocks.v);
	if (why) {
		m->stale = true;
		note(m, why);
	}
	if (r == -EUCLEAN)
		return 0;
	if (r >= 0 && found.n)
		r = ext4_replay_open(m->plain, m->block_bytes, &found, &m->replayed);
	free(found.v);
	if (r < 0 || !m->replayed)
		return r;
	ext2fs_free(m->fs);
	m->fs = NULL;
	return open_fs(m->replayed, &m->fs, ret_why);
}

static int open_map(struct map *m, const char **ret_why)
{
	int r = open_fs(m->plain, &m->fs, ret_why);

	if (r < 0)
		return r;
	m->block_bytes = m->fs->blocksize;
	m->blocks = ext2fs_blocks_count(m->fs->super);
	if (m->blocks > m->plain->size_bytes / m->block_bytes)
		return cannot(ret_why, "it is larger than its volume");
	if (ext2fs_has_feature_journal_needs_recovery(m->fs->super))
		r = replay(m, ret_why);
	if (r < 0)
		return r;
	if (ext2fs_blocks_count(m->fs->super) != m->blocks || m->fs->blocksize != m->block_bytes)
		return cannot(ret_why, "its journal changes its size");
	m->group = m->fs->group_desc_count;
	m->bits = malloc(m->block_bytes);
	return m->bits ? 0 : -ENOMEM;
}

int filemap_ext4_open(struct io *plain, struct env *env, struct filemap **ret, const char **ret_why)
{
	uint8_t super[SUPER_BYTES];
	struct map *m;
	int r;

	*ret_why = NULL;
	if (plain->size_bytes < SUPER_OFFSET + SUPER_BYTES)
		return -ENODATA;
	if (io_read(plain, super, sizeof(super), SUPER_OFFSET) < 0)
		return cannot(ret_why, "its superblock cannot be read");
	if (super[MAGIC_AT] != 0x53 || super[MAGIC_AT + 1] != 0xef)
		return -ENODATA;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->head.ops = &ext4_ops;
	m->env = env;
	m->plain = plain;
	r = open_map(m, ret_why);
	if (r < 0)
		close_map(&m->head);
	else
		*ret = &m->head;
	return r;
}
