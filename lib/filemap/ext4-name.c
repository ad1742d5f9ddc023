/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of inodes: which directory names which inode is kept, the names are looked up there. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "filemap/ext4-name.h"

#define PARENTS_MAX (16u * 1024 * 1024) /* 8 bytes each */
#define DEPTH_MAX   128

/* --- directories --- */

struct build {
	ext2_filsys fs;
	struct ext4_names names;
	int error;
};

static int add_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset,
		     int block_bytes, char *buf, void *ctx)
{
	const struct ext4_parent p = {.inode = dirent->inode, .directory = dir};
	struct build *b = ctx;

	if (entry != DIRENT_OTHER_FILE || !dirent->inode)
		return 0;
	if (b->names.parents.n >= PARENTS_MAX)
		b->names.note = "it has more names than are kept in memory";
	else
		b->error = array_add(&b->names.parents, p);
	return b->error < 0 ? DIRENT_ABORT : 0;
}

static int add_directory(void *ctx, ext2_ino_t number, struct ext2_inode *inode)
{
	struct build *b = ctx;
	errcode_t e;

	if (!LINUX_S_ISDIR(inode->i_mode))
		return 0;
	e = ext2fs_dir_iterate2(b->fs, number, 0, NULL, add_entry, b);
	if (e == EXT2_ET_NO_MEMORY)
		return -ENOMEM;
	if (e)
		b->names.note = "not all of its directories can be read";
	return b->error;
}

static int compare(const void *a, const void *b)
{
	const struct ext4_parent *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->directory < y->directory ? -1 : x->directory > y->directory;
}

int ext4_names_read(ext2_filsys fs, struct env *env, struct ext4_names *ret)
{
	struct build b = {.fs = fs};
	size_t kept = 0;
	int r = ext4_each_inode(fs, env, add_directory, &b, &b.names.note);

	if (r < 0) {
		array_free(&b.names.parents);
		return r;
	}
	if (b.names.parents.n)
		qsort(b.names.parents.v, b.names.parents.n, sizeof(*b.names.parents.v), compare);
	array_each (p, &b.names.parents) {
		if (!kept || b.names.parents.v[kept - 1].inode != p->inode)
			b.names.parents.v[kept++] = *p;
	}
	b.names.parents.n = kept;
	*ret = b.names;
	return 0;
}

/* 0: it has no name. */
static ext2_ino_t directory_of(const struct ext4_names *names, ext2_ino_t inode)
{
	const struct ext4_parent key = {.inode = inode};
	size_t from = 0, to = names->parents.n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (names->parents.v[mid].inode < key.inode)
			from = mid + 1;
		else
			to = mid;
	}
	return from < names->parents.n && names->parents.v[from].inode == inode
		   ? names->parents.v[from].directory
		   : 0;
}

/* --- one path --- */

struct lookup {
	ext2_ino_t inode;
	char name[EXT2_NAME_LEN];
	int len; /* 0: not found */
};

static int match(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset,
		 int block_bytes, char *buf, void *ctx)
{
	struct lookup *l = ctx;

	if (entry != DIRENT_OTHER_FILE || dirent->inode != l->inode)
		return 0;
	l->len = ext2fs_dirent_name_len(dirent);
	memcpy(l->name, dirent->name, (size_t)l->len);
	return DIRENT_ABORT;
}

static bool is_encrypted(ext2_filsys fs, ext2_ino_t directory)
{
	struct ext2_inode inode;

	return ext2fs_read_inode(fs, directory, &inode) == 0 && inode.i_flags & EXT4_ENCRYPT_FL;
}

static void add_component(ext2_filsys fs, ext2_ino_t directory, ext2_ino_t inode, struct text *to)
{
	struct lookup l = {.inode = inode};

	text_add(to, "/");
	if (is_encrypted(fs, directory)) {
		text_add(to, "(encrypted name of inode %u)", inode);
		return;
	}
	ext2fs_dir_iterate2(fs, directory, 0, NULL, match, &l);
	if (!l.len)
		text_add(to, "(inode %u)", inode);
	for (int i = 0; i < l.len; i++) {
		unsigned char c = (unsigned char)l.name[i];

		if (c < 0x20 || c == 0x7f || c == '\\')
			text_add(to, "\\x%02x", c);
		else
			text_add_bytes(to, &l.name[i], 1);
	}
}

/* From the root down; false where the way up does not end there. */
static bool add_path(ext2_filsys fs, const struct ext4_names *names, ext2_ino_t inode,
		     struct text *to)
{
	ext2_ino_t way[DEPTH_MAX + 1] = {inode};
	int depth = 0;

	while (way[depth] != EXT2_ROOT_INO) {
		ext2_ino_t up = directory_of(names, way[depth]);

		if (!up || depth == DEPTH_MAX)
			return false;
		way[++depth] = up;
	}
	if (depth == 0)
		text_add(to, "/");
	for (; depth > 0; depth--)
		add_component(fs, way[depth], way[depth - 1], to);
	return true;
}

static const char *special_name(const struct ext2_super_block *s, ext2_ino_t inode)
{
	if (inode == s->s_journal_inum && inode)
		return "journal";
	if (inode == EXT2_RESIZE_INO)
		return "room for more group descriptors";
	if (inode == EXT2_BAD_INO)
		return "bad blocks";
	if (inode && (inode == s->s_usr_quota_inum || inode == s->s_grp_quota_inum ||
		      inode == s->s_prj_quota_inum))
		return "quota";
	if (inode && inode == s->s_orphan_file_inum)
		return "orphan file";
	return NULL;
}

/* "/path/of/it", or its number; and what it is where that is no plain file. */
static void name_add(ext2_filsys fs, const struct ext4_names *names, ext2_ino_t inode,
		     struct text *to)
{
	const char *special = special_name(fs->super, inode);
	struct ext2_inode i = {0};

	if (special) {
		text_add(to, "%s", special);
		return;
	}
	if (ext2fs_read_inode(fs, inode, &i) == 0 && LINUX_S_ISDIR(i.i_mode))
		text_add(to, "directory ");
	else if (LINUX_S_ISLNK(i.i_mode))
		text_add(to, "symbolic link ");
	if (!add_path(fs, names, inode, to))
		text_add(to, "inode %u, which has no name that could be found", inode);
	else if (LINUX_S_ISREG(i.i_mode) && i.i_links_count > 1)
		text_add(to, " (one of %u names)", i.i_links_count);
}

/* --- in words --- */

static void add_table(ext2_filsys fs, const struct ext4_extent *e, uint64_t first, uint64_t last,
		      struct text *to)
{
	uint32_t size = EXT2_INODE_SIZE(fs->super);
	uint64_t base = (uint64_t)e->number * EXT2_INODES_PER_GROUP(fs->super) + 1;

	text_add(to, "inode table of group %u, inodes %" PRIu64 "…%" PRIu64, e->number,
		 base + first / size, base + last / size);
}

void ext4_owner_add(ext2_filsys fs, const struct ext4_names *names, const struct ext4_extent *e,
		    uint64_t first, uint64_t last, struct text *to)
{
	static const char *const plain[] = {"superblock", "group descriptors"};

	switch ((enum ext4_owner_kind)e->kind) {
	case EXT4_SUPERBLOCK:
	case EXT4_DESCRIPTORS:
		text_add(to, e->number ? "copy of the %s in group %u" : "%s", plain[e->kind],
			 e->number);
		break;
	case EXT4_BLOCK_BITMAP:
	case EXT4_INODE_BITMAP:
		text_add(to, "%s bitmap of group %u",
			 e->kind == EXT4_BLOCK_BITMAP ? "block" : "inode", e->number);
		break;
	case EXT4_INODE_TABLE:
		add_table(fs, e, first, last, to);
		break;
	case EXT4_MMP:
		text_add(to, "multiple-mount protection");
		break;
	case EXT4_BLOCK_MAP:
	case EXT4_ATTRIBUTES:
		text_add(to, "%s of ",
			 e->kind == EXT4_BLOCK_MAP ? "block map" : "extended attributes");
		name_add(fs, names, e->number, to);
		break;
	case EXT4_DATA:
	case EXT4_UNWRITTEN:
		name_add(fs, names, e->number, to);
		text_add(to, ", bytes %" PRIu64 "…%" PRIu64 "%s", first, last,
			 e->kind == EXT4_UNWRITTEN ? ", not written yet" : "");
		break;
	}
}
