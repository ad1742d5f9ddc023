/* SPDX-License-Identifier: Apache-2.0 */
/* ext4: mke2fs into a work file, then every time and owner put right through libext2fs. */
#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "filemap/ext4.h"
#include "layer/filesystem/grow.h"
#include "layer/filesystem/tool.h"
#include "layer/filesystem/type.h"

#define ARGS_MAX        64
#define BLOCK           4096
#define INODE_SIZE      256
#define JOURNAL_FROM    (256ULL << 20) /* below it mke2fs takes as little as we would */
#define JOURNAL_MAX_MIB 128

/* Ours, so that a host's /etc/mke2fs.conf changes nothing. */
static const char config[] =
    "[defaults]\n"
    "base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr\n"
    "default_mntopts = acl,user_xattr\n"
    "enable_periodic_fsck = 0\n"
    "blocksize = 4096\ninode_size = 256\ninode_ratio = 16384\n"
    "[fs_types]\n"
    "ext4 = {\n"
    "features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize\n"
    "}\n";

static int tool(struct env *env, char ret[static 64])
{
	const char *argv[] = {"mke2fs", "-V", NULL};

	return filesystem_version(env, argv, "mke2fs ", ret);
}

/* Data, inodes and directories, a journal, and a tenth to spare. */
static uint64_t least(const struct source_tree *tree)
{
	uint64_t bytes = tree->file_bytes + tree->entries * (INODE_SIZE + 128);

	bytes += bytes / 10 + 12 * 1024 * 1024;
	return round_up(bytes, 1024 * 1024);
}

/* Not fewer than the source has, nor than mke2fs would make for this size. */
static uint64_t inodes(const struct filesystem_make *m, uint64_t size_bytes)
{
	uint64_t usual = size_bytes / 16384;
	uint64_t wanted = m->tree ? m->tree->entries + m->tree->entries / 4 + 32 : 16;

	return wanted > usual ? wanted : usual;
}

static int config_file(void)
{
	int fd = memfd_create("mke2fs.conf", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, config, sizeof(config) - 1) == (ssize_t)sizeof(config) - 1)
		return fd;
	if (fd >= 0)
		close(fd);
	return diag_file(errno, "memfd");
}

static int run_mke2fs(const struct filesystem_make *m, struct io *to, struct env *env)
{
	const char *argv[ARGS_MAX] = {"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "1"};
	char uuid[UUID_TEXT_SIZE], seed[UUID_TEXT_SIZE], extended[160], count[24], blocks[24],
	    conf[64], journal[32];
	const char *const set_env[] = {conf, "E2FSPROGS_FAKE_TIME=" FILESYSTEM_TIME_TEXT, NULL};
	_cleanup_close_ int fd = config_file();
	size_t n = 9;

	if (fd < 0)
		return fd;
	uuid_print(&m->uuid, uuid);
	uuid_print(&m->hash_seed, seed);
	snprintf(conf, sizeof(conf), "MKE2FS_CONFIG=/proc/self/fd/%d", fd);
	snprintf(extended, sizeof(extended),
		 "hash_seed=%s,lazy_itable_init=1,lazy_journal_init=0,nodiscard,root_owner=0:0",
		 seed);
	snprintf(count, sizeof(count), "%" PRIu64, inodes(m, to->size_bytes));
	snprintf(blocks, sizeof(blocks), "%" PRIu64, to->size_bytes / BLOCK);
	argv[n++] = "-U";
	argv[n++] = uuid;
	argv[n++] = "-E";
	argv[n++] = extended;
	argv[n++] = "-N";
	argv[n++] = count;
	if (m->label) {
		argv[n++] = "-L";
		argv[n++] = m->label;
	}
	if (m->source) {
		argv[n++] = "-d";
		argv[n++] = m->source;
	}
	/* All of the journal gets data and tags now (jbd2 reads past the end of its log); mke2fs
	 * would take up to 1/32 of the whole. */
	if (m->lean && to->size_bytes >= JOURNAL_FROM) {
		snprintf(journal, sizeof(journal), "size=%" PRIu64,
			 min_u64(JOURNAL_MAX_MIB, max_u64(4, to->size_bytes >> 27)));
		argv[n++] = "-J";
		argv[n++] = journal;
	}
	for (size_t i = 0; i < m->n_options && n < ARGS_MAX - 3; i++)
		argv[n++] = m->options[i];
	argv[n++] = filesystem_path(to);
	argv[n++] = blocks;
	return filesystem_run(env, argv, set_env, to, fd);
}

static int fail(errcode_t e, const char *doing)
{
	return diag_fail(DIAG_PROGRAM, EIO, "libext2fs: %s: error %ld", doing, (long)e);
}

/* mke2fs -d keeps times (and mke2fs itself some of its own); a copy of a tree has others. */
static void set_times(struct ext2_inode_large *inode, bool all_root)
{
	inode->i_atime = inode->i_ctime = inode->i_mtime = FILESYSTEM_TIME;
	inode->i_crtime = FILESYSTEM_TIME;
	inode->i_atime_extra = inode->i_ctime_extra = inode->i_mtime_extra = 0;
	inode->i_crtime_extra = 0;
	inode->i_generation = 0;
	if (!all_root)
		return;
	inode->i_uid = inode->i_gid = 0;
	ext2fs_set_i_uid_high(*inode, 0);
	ext2fs_set_i_gid_high(*inode, 0);
}

static errcode_t fix_inodes(ext2_filsys fs, bool all_root)
{
	struct ext2_inode_large inode;
	ext2_inode_scan scan;
	ext2_ino_t number;
	errcode_t e = ext2fs_open_inode_scan(fs, 0, &scan);

	if (e)
		return e;
	for (;;) {
		e = ext2fs_get_next_inode_full(scan, &number, (struct ext2_inode *)&inode,
					       sizeof(inode));
		if (e || !number)
			break;
		if (!ext2fs_test_inode_bitmap2(fs->inode_map, number) ||
		    (!inode.i_links_count && number != EXT2_BAD_INO && number != EXT2_RESIZE_INO))
			continue;
		set_times(&inode, all_root);
		e = ext2fs_write_inode_full(fs, number, (struct ext2_inode *)&inode, sizeof(inode));
		if (e)
			break;
	}
	ext2fs_close_inode_scan(scan);
	return e;
}

static int fix(struct io *to, bool all_root)
{
	ext2_filsys fs;
	errcode_t e = ext2fs_open(filesystem_path(to), EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0,
				  unix_io_manager, &fs);

	if (e)
		return fail(e, "opening what mke2fs made");
	fs->now = FILESYSTEM_TIME;
	e = ext2fs_read_bitmaps(fs);
	if (!e)
		e = fix_inodes(fs, all_root);
	fs->super->s_kbytes_written = 0;
	fs->super->s_wtime = FILESYSTEM_TIME;
	fs->super->s_mkfs_time = FILESYSTEM_TIME;
	fs->super->s_lastcheck = FILESYSTEM_TIME;
	ext2fs_mark_super_dirty(fs);
	if (e) {
		ext2fs_free(fs);
		return fail(e, "setting times");
	}
	e = ext2fs_close(fs);
	return e ? fail(e, "closing") : 0;
}

static int build(const struct filesystem_make *m, struct io *to, struct env *env)
{
	int r = run_mke2fs(m, to, env);

	return r < 0 ? r : fix(to, m->all_root);
}

static int map(struct io *io, struct env *env, struct filemap **ret, const char **ret_why)
{
	int r = filemap_ext4_open(io, env, ret, ret_why);

	if (r < 0 && !*ret_why)
		*ret_why = "there is no ext4 that could be read";
	return r;
}

const struct filesystem_type filesystem_ext4 = {
    .name = "ext4",
    .mount_type = "ext4",
    .label_bytes = 16,
    .empty_bytes = 8 * 1024 * 1024,
    .tool = tool,
    .least = least,
    .build = build,
    .grow = filesystem_grow_ext4,
    .map = map,
    .magic_offset = 1024 + 56,
    .magic = "\x53\xef",
    .magic_len = 2,
};
