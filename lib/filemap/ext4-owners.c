/* SPDX-License-Identifier: Apache-2.0 */
/* The reverse map: group descriptors and inodes say what they own, sorted by block. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "filemap/ext4-io.h"
#include "filemap/ext4-owners.h"

#define EXTENTS_MAX (4u * 1024 * 1024) /* 24 bytes each */

static const char too_many[] = "it has more fragments than are kept in memory";
static const char unreadable[] = "not all of its inodes can be read";

/* --- inodes --- */

bool ext4_group_has_flag(ext2_filsys fs, dgrp_t group, unsigned flag)
{
	return ext2fs_has_group_desc_csum(fs) && ext2fs_bg_flags_test(fs, group, (__u16)flag) &&
	       ext2fs_group_desc_csum_verify(fs, group);
}

uint32_t ext4_inodes_used(ext2_filsys fs, dgrp_t group)
{
	uint32_t all = EXT2_INODES_PER_GROUP(fs->super), unused;

	if (!ext2fs_has_group_desc_csum(fs) || !ext2fs_group_desc_csum_verify(fs, group))
		return all;
	if (ext2fs_bg_flags_test(fs, group, EXT2_BG_INODE_UNINIT))
		return 0;
	unused = ext2fs_bg_itable_unused(fs, group);
	return unused < all ? all - unused : 0;
}

struct scan {
	ext2_filsys fs;
	struct env *env;
	int (*fn)(void *ctx, ext2_ino_t number, struct ext2_inode *inode);
	void *ctx;
	const char *note;
	struct ext2_inode *inode; /* of the size that they have here */
	uint8_t *bitmap;          /* of one group */
};

/* Without a bitmap that can be believed, what has links is in use. */
static bool read_bitmap(struct scan *s, dgrp_t group)
{
	int bytes = (int)(EXT2_INODES_PER_GROUP(s->fs->super) / 8);
	blk64_t block = ext2fs_inode_bitmap_loc(s->fs, group);

	return block && ext4_read_block(s->fs, block, s->bitmap) >= 0 &&
	       ext2fs_inode_bitmap_csum_verify(s->fs, group, (char *)s->bitmap, bytes);
}

static bool in_use(const struct scan *s, bool has_bitmap, uint32_t index)
{
	return has_bitmap ? s->bitmap[index / 8] >> index % 8 & 1 : s->inode->i_links_count != 0;
}

/* After an error that is not the inode's own the rest of its block cannot be read, either. */
static uint32_t behind_block(ext2_filsys fs, uint32_t index)
{
	uint32_t per_block = EXT2_INODES_PER_BLOCK(fs->super);

	return (index / per_block + 1) * per_block - 1;
}

static int scan_group(struct scan *s, dgrp_t group)
{
	uint32_t per_group = EXT2_INODES_PER_GROUP(s->fs->super);
	uint32_t n = ext4_inodes_used(s->fs, group);
	bool has_bitmap = n > 0 && read_bitmap(s, group);

	if (n > 0 && !has_bitmap)
		s->note = unreadable;
	for (uint32_t i = 0; i < n; i++) {
		ext2_ino_t number = group * per_group + i + 1;
		errcode_t e =
		    ext2fs_read_inode_full(s->fs, number, s->inode, EXT2_INODE_SIZE(s->fs->super));
		int r;

		if (e == EXT2_ET_NO_MEMORY)
			return -ENOMEM;
		if (e) {
			s->note = unreadable;
			if (e != EXT2_ET_INODE_CSUM_INVALID)
				i = behind_block(s->fs, i);
			continue;
		}
		if (number >= EXT2_FIRST_INO(s->fs->super) && !in_use(s, has_bitmap, i))
			continue;
		r = s->fn(s->ctx, number, s->inode);
		if (r < 0)
			return r;
	}
	return 0;
}

int ext4_each_inode(ext2_filsys fs, struct env *env,
		    int (*fn)(void *ctx, ext2_ino_t number, struct ext2_inode *inode), void *ctx,
		    const char **ret_note)
{
	struct scan s = {.fs = fs, .env = env, .fn = fn, .ctx = ctx};
	int r = 0;

	s.inode = calloc(1, EXT2_INODE_SIZE(fs->super));
	s.bitmap = malloc(fs->blocksize);
	if (!s.inode || !s.bitmap)
		r = -ENOMEM;
	for (dgrp_t g = 0; g < fs->group_desc_count && r >= 0; g++) {
		r = env_cancelled(env) ? -ECANCELED : scan_group(&s, g);
		env_tick(env);
	}
	free(s.inode);
	free(s.bitmap);
	if (s.note)
		*ret_note = s.note;
	return r;
}

/* --- collecting --- */

struct build {
	ext2_filsys fs;
	struct ext4_owners owners;
	ext2_ino_t inode; /* being read */
	uint64_t steps;   /* left for it */
	int error;
};

static bool goes_on(const struct ext4_extent *a, const struct ext4_extent *b)
{
	return a->kind == b->kind && a->number == b->number && a->start + a->len == b->start &&
	       a->logical + a->len == b->logical && (uint64_t)a->len + b->len <= UINT32_MAX;
}

/* Blocks that there are not are passed over. 0 or -ENOMEM. */
static int add(struct build *b, enum ext4_owner_kind kind, uint32_t number, uint64_t start,
	       uint64_t len, uint64_t logical)
{
	const struct ext4_extent e = {.start = start,
				      .len = (uint32_t)len,
				      .number = number,
				      .logical = logical,
				      .kind = kind};
	struct ext4_owners *o = &b->owners;
	struct ext4_extent *last = o->extents.n ? &o->extents.v[o->extents.n - 1] : NULL;

	if (len == 0 || len > UINT32_MAX || start < b->fs->super->s_first_data_block ||
	    !range_inside(start, len, ext2fs_blocks_count(b->fs->super)))
		return 0;
	if (last && goes_on(last, &e)) {
		last->len += e.len;
		return 0;
	}
	if (o->extents.n >= EXTENTS_MAX) {
		o->note = too_many;
		return 0;
	}
	return array_add(&o->extents, e);
}

static int add_group(struct build *b, dgrp_t group)
{
	ext2_filsys fs = b->fs;
	blk64_t super, old, new;
	uint64_t descriptors = fs->desc_blocks;
	int r = 0;

	if (ext2fs_has_feature_meta_bg(fs->super))
		descriptors = min_u64(descriptors, fs->super->s_first_meta_bg);
	if (ext2fs_super_and_bgd_loc2(fs, group, &super, &old, &new, NULL))
		return 0;
	if (super || group == 0)
		r = add(b, EXT4_SUPERBLOCK, group, super ? super : fs->super->s_first_data_block, 1,
			0);
	if (r >= 0 && old)
		r = add(b, EXT4_DESCRIPTORS, group, old, descriptors, 0);
	if (r >= 0 && new)
		r = add(b, EXT4_DESCRIPTORS, group, new, 1, 0);
	if (r >= 0)
		r = add(b, EXT4_BLOCK_BITMAP, group, ext2fs_block_bitmap_loc(fs, group), 1, 0);
	if (r >= 0)
		r = add(b, EXT4_INODE_BITMAP, group, ext2fs_inode_bitmap_loc(fs, group), 1, 0);
	if (r >= 0)
		r = add(b, EXT4_INODE_TABLE, group, ext2fs_inode_table_loc(fs, group),
			fs->inode_blocks_per_group, 0);
	return r;
}

/* All leaves and nodes of an extent tree. */
static int add_extents(struct build *b, struct ext2_inode *inode)
{
	ext2_extent_handle_t handle;
	struct ext2fs_extent e;
	errcode_t error = ext2fs_extent_open2(b->fs, b->inode, inode, &handle);
	int op = EXT2_EXTENT_ROOT, r = 0;

	if (error) {
		b->owners.note = unreadable;
		return error == EXT2_ET_NO_MEMORY ? -ENOMEM : 0;
	}
	for (; r >= 0 && b->steps > 0; op = EXT2_EXTENT_NEXT, b->steps--) {
		error = ext2fs_extent_get(handle, op, &e);
		if (error)
			break;
		if (e.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT)
			continue;
		if (!(e.e_flags & EXT2_EXTENT_FLAGS_LEAF))
			r = add(b, EXT4_BLOCK_MAP, b->inode, e.e_pblk, 1, e.e_lblk);
		else
			r = add(b,
				e.e_flags & EXT2_EXTENT_FLAGS_UNINIT ? EXT4_UNWRITTEN : EXT4_DATA,
				b->inode, e.e_pblk, e.e_len, e.e_lblk);
	}
	/* An empty tree has no root to get. */
	if (error && error != EXT2_ET_EXTENT_NO_NEXT && error != EXT2_ET_NO_CURRENT_NODE)
		b->owners.note = unreadable;
	ext2fs_extent_free(handle);
	return r;
}

static int add_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t count, blk64_t ref_block,
		     int ref_offset, void *ctx)
{
	struct build *b = ctx;

	if (count < 0)
		b->error = add(b, EXT4_BLOCK_MAP, b->inode, *block, 1, 0);
	else /* the resize inode's: copies of what will be descriptors once the device grows */
		b->error = add(b, b->inode == EXT2_RESIZE_INO ? EXT4_UNWRITTEN : EXT4_DATA,
			       b->inode, *block, 1, (uint64_t)count);
	return b->error < 0 || b->steps-- == 0 ? BLOCK_ABORT : 0;
}

/* Direct, indirect and so on. */
static int add_mapped(struct build *b)
{
	errcode_t e;

	b->error = 0;
	e = ext2fs_block_iterate3(b->fs, b->inode, BLOCK_FLAG_READ_ONLY, NULL, add_block, b);
	if (e == EXT2_ET_NO_MEMORY)
		return -ENOMEM;
	if (e)
		b->owners.note = unreadable;
	return b->error;
}

static int add_inode(void *ctx, ext2_ino_t number, struct ext2_inode *inode)
{
	struct build *b = ctx;
	uint64_t blocks = ext2fs_get_stat_i_blocks(b->fs, inode) / (b->fs->blocksize / 512);
	int r = 0;

	b->inode = number;
	/* More than this there cannot be: a damaged tree could lead in circles for ever. */
	b->steps = 3 * min_u64(blocks, ext2fs_blocks_count(b->fs->super)) + 64;
	if (ext2fs_file_acl_block(b->fs, inode))
		r = add(b, EXT4_ATTRIBUTES, number, ext2fs_file_acl_block(b->fs, inode), 1, 0);
	if (r < 0 || !ext2fs_inode_has_valid_blocks2(b->fs, inode) ||
	    (inode->i_flags & EXT4_INLINE_DATA_FL))
		return r;
	return inode->i_flags & EXT4_EXTENTS_FL ? add_extents(b, inode) : add_mapped(b);
}

/* --- putting in order --- */

static int compare(const void *a, const void *b)
{
	const struct ext4_extent *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->kind < y->kind ? -1 : x->kind > y->kind;
}

/* In a damaged file system two extents may overlap: the one that starts later keeps the blocks. */
static void trim(struct ext4_owners *o)
{
	size_t kept = 0;

	array_each (e, &o->extents) {
		struct ext4_extent *last = kept ? &o->extents.v[kept - 1] : NULL;

		if (last && last->start == e->start)
			continue;
		if (last && last->start + last->len > e->start)
			last->len = (uint32_t)(e->start - last->start);
		o->extents.v[kept++] = *e;
	}
	o->extents.n = kept;
}

int ext4_owners_read(ext2_filsys fs, struct env *env, struct ext4_owners *ret)
{
	struct build b = {.fs = fs};
	int r = 0;

	for (dgrp_t g = 0; g < fs->group_desc_count && r >= 0; g++)
		r = add_group(&b, g);
	if (r >= 0 && ext2fs_has_feature_mmp(fs->super))
		r = add(&b, EXT4_MMP, 0, fs->super->s_mmp_block, 1, 0);
	if (r >= 0)
		r = ext4_each_inode(fs, env, add_inode, &b, &b.owners.note);
	if (r < 0) {
		array_free(&b.owners.extents);
		return r;
	}
	if (b.owners.extents.n)
		qsort(b.owners.extents.v, b.owners.extents.n, sizeof(*b.owners.extents.v), compare);
	trim(&b.owners);
	*ret = b.owners;
	return 0;
}

const struct ext4_extent *ext4_owner_of(const struct ext4_owners *o, uint64_t block,
					uint64_t *ret_next)
{
	size_t from = 0, to = o->extents.n;

	while (from < to) { /* the first one after @block */
		size_t mid = from + (to - from) / 2;

		if (o->extents.v[mid].start <= block)
			from = mid + 1;
		else
			to = mid;
	}
	*ret_next = from < o->extents.n ? o->extents.v[from].start : UINT64_MAX;
	if (from == 0 || o->extents.v[from - 1].start + o->extents.v[from - 1].len <= block)
		return NULL;
	return &o->extents.v[from - 1];
}
