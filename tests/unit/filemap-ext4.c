/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of ext4 against what mke2fs, debugfs, dumpe2fs and e2fsck say of the same images. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "filemap/ext4-io.h"
#include "filemap/ext4-journal.h"
#include "filemap/ext4.h"
#include "lib/check.h"

#define PATTERN 0xa5 /* fills an image before mke2fs: what still has it was never written */

static struct progress progress;
static atomic_bool cancel;
static struct env env = {.progress = &progress, .cancel = &cancel};

static char dir[] = "/tmp/holdfast-filemap.XXXXXX"; /* where images are made */

/* --- programs --- */

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...)
{
	char command[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* All that a command prints. */
static void output(struct text *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void output(struct text *to, const char *fmt, ...)
{
	char command[65536], line[4096];
	va_list args;
	FILE *f;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		text_add(to, "%s", line);
	assert_int_equal(pclose(f), 0);
}

static int setup(void **state)
{
	const char *path = getenv("PATH");
	char *more = text_make("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");

	setenv("PATH", more, 1);
	setenv("LC_ALL", "C", 1);
	setenv("MKE2FS_CONFIG", "mke2fs.conf", 1);
	free(more);
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	run("printf '%%s\\n' '[defaults]' 'base_features = sparse_super,large_file,filetype,"
	    "resize_inode,dir_index,ext_attr' 'inode_size = 256' 'inode_ratio = 8192' '[fs_types]' "
	    "'ext3 = {' 'features = has_journal' '}' 'ext4 = {' 'features = has_journal,extent,"
	    "huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize' '}' >mke2fs.conf");
	/* Files of several kinds; "many" has more fragments than its inode has room for. */
	run("mkdir -p tree/directory/deep tree/big");
	run("head -c 300000 /dev/urandom >tree/file; ln tree/file tree/directory/name");
	run("echo small >tree/directory/deep/small; : >tree/empty; ln -s file tree/link");
	run("ln -s $(head -c 200 /dev/zero | tr '\\0' x) tree/longlink");
	run("for i in $(seq 400); do echo $i >tree/big/a-rather-long-name-of-a-file-$i; done");
	run("for i in $(seq 0 2 3000); do echo $i | dd of=tree/many bs=4096 seek=$i conv=notrunc "
	    "status=none; done");
	run("printf x >\"$(printf 'tree/odd\\nname')\"");
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return chdir("/") < 0 || system(command) != 0;
}

/* --- maps --- */

struct opened {
	struct io *io;
	struct filemap *map;
};

static struct opened open_image(const char *path)
{
	struct opened o;
	const char *why = NULL;

	assert_ok(io_open_file(path, 0, &o.io));
	if (filemap_ext4_open(o.io, &env, &o.map, &why) < 0)
		fail_msg("%s: %s", path, why ? why : "no ext4");
	return o;
}

static void close_opened(struct opened *o)
{
	filemap_close(o->map);
	io_close(o->io);
}
#define _cleanup_opened_ __attribute__((cleanup(close_opened)))

static void assert_name(struct filemap *f, uint64_t offset, uint64_t len, const char *has)
{
	_cleanup_text_ struct text t = {0};

	assert_ok(filemap_name(f, offset, len, &t));
	if (!strstr(t.s, has))
		fail_msg("%" PRIu64 ": \"%s\", not \"%s\"", offset, t.s, has);
}

/* What the tools say of an image: a byte a block. */
struct truth {
	uint64_t blocks;
	uint32_t block_bytes;
	uint8_t *is_free;
};

static uint64_t number_after(const char *text, const char *label)
{
	const char *at = strstr(text, label);

	if (!at)
		fail_msg("no \"%s\" in \"%.300s\"", label, text);
	return strtoull(at + strlen(label), NULL, 10);
}

/* "Free blocks: 12-40, 77" of every group, by dumpe2fs. */
static struct truth truth_of(const char *image)
{
	_cleanup_text_ struct text t = {0};
	uint64_t cluster;
	struct truth r;

	output(&t, "dumpe2fs %s 2>/dev/null", image);
	r.blocks = number_after(t.s, "\nBlock count:");
	r.block_bytes = (uint32_t)number_after(t.s, "\nBlock size:");
	cluster = strstr(t.s, "\nCluster size:")
		      ? number_after(t.s, "\nCluster size:") / r.block_bytes
		      : 1;
	r.is_free = calloc(1, r.blocks + 64);
	assert_non_null(r.is_free);
	for (const char *at = t.s; (at = strstr(at, "  Free blocks: "));) {
		char *end;

		for (at += strlen("  Free blocks: "); *at != '\n';
		     at = *end == ',' ? end + 2 : end) {
			uint64_t from = strtoull(at, &end, 10), to = from;

			if (end == at)
				break;
			if (*end == '-')
				to = strtoull(end + 1, &end, 10);
			assert_true(to < r.blocks + 64);
			memset(r.is_free + from, 1, to - from + cluster);
		}
	}
	return r;
}

/* Free is what dumpe2fs calls free; what was never written is free or unwritten. */
static void compare_uses(const char *image, bool was_pattern, uint64_t ret_count[3])
{
	_cleanup_opened_ struct opened o = open_image(image);
	struct truth t = truth_of(image);
	uint8_t *block = malloc(t.block_bytes), *pattern = malloc(t.block_bytes);
	uint64_t first = t.block_bytes == 1024;

	assert_true(block && pattern);
	memset(pattern, PATTERN, t.block_bytes);
	memset(ret_count, 0, 3 * sizeof(*ret_count));
	for (uint64_t b = first; b < t.blocks; b++) {
		enum filemap_use use = filemap_use(o.map, b * t.block_bytes, t.block_bytes);

		ret_count[use]++;
		if ((use == FILEMAP_FREE) != t.is_free[b])
			fail_msg("block %" PRIu64 ": use %d, dumpe2fs: %d", b, use, t.is_free[b]);
		assert_ok(io_read(o.io, block, t.block_bytes, b * t.block_bytes));
		if (was_pattern && use == FILEMAP_USED &&
		    memcmp(block, pattern, t.block_bytes) == 0) {
			_cleanup_text_ struct text name = {0};

			filemap_name(o.map, b * t.block_bytes, t.block_bytes, &name);
			fail_msg("block %" PRIu64 " is used, but was never written: %s", b, name.s);
		}
	}
	assert_null(filemap_note(o.map));
	free(block);
	free(pattern);
	free(t.is_free);
}

/* Who owns every @step-th block, by icheck and ncheck. */
static void compare_names(const char *image, uint64_t step)
{
	_cleanup_opened_ struct opened o = open_image(image);
	_cleanup_text_ struct text list = {0}, found = {0};
	struct truth t = truth_of(image);
	unsigned compared = 0;

	for (uint64_t b = 1; b < t.blocks; b += t.is_free[b] ? 1 : step) {
		if (!t.is_free[b])
			text_add(&list, " %" PRIu64, b);
	}
	output(&found, "debugfs -R 'icheck %s' %s 2>/dev/null", list.s, image);
	for (char *line = strtok(found.s, "\n"); line; line = strtok(NULL, "\n")) {
		_cleanup_text_ struct text name = {0};
		uint64_t block, inode;

		if (sscanf(line, "%" SCNu64 " %" SCNu64, &block, &inode) == 2) {
			_cleanup_text_ struct text path = {0};
			char *at;

			assert_ok(filemap_name(o.map, block * t.block_bytes, t.block_bytes, &name));
			if (inode < 11)
				continue; /* journal and others without a path */
			output(&path, "debugfs -R 'ncheck %" PRIu64 "' %s 2>/dev/null", inode,
			       image);
			at = strchr(strchr(path.s, '\n') + 1, '\t');
			if (!at) {
				assert_non_null(strstr(name.s, "orphan file"));
				continue;
			}
			*strchr(at, '\n') = 0;
			for (at++; *at == '/' && at[1] == '/';)
				at++;
			if (!strstr(name.s, strstr(at, "odd") ? "odd\\x0aname" : at) &&
			    !strstr(name.s, "one of 2 names"))
				fail_msg("block %" PRIu64 ": \"%s\", ncheck: %s", block, name.s,
					 at);
			compared++;
		}
	}
	assert_true(compared >= 10);
	free(t.is_free);
}

static void make(const char *image, const char *size, const char *options)
{
	run("head -c %s /dev/zero | tr '\\0' '\\%o' >%s", size, PATTERN, image);
	run("mke2fs -q -F -E nodiscard,lazy_itable_init=1,lazy_journal_init=0%s %s >/dev/null 2>&1",
	    options, image);
}

/* --- tests --- */

static void every_kind_of_file_system(void **state)
{
	static const char *const kinds[] = {
	    " -t ext4 -b 4096",
	    " -t ext4 -b 1024",
	    " -t ext4 -b 2048 -O ^flex_bg",
	    " -t ext4 -b 1024 -g 2048 -G 4",
	    " -t ext4 -b 1024 -O ^metadata_csum,uninit_bg",
	    " -t ext4 -b 1024 -O ^metadata_csum,^uninit_bg",
	    " -t ext4 -b 1024 -O ^64bit -g 1024",
	    " -t ext4 -b 1024 -O meta_bg,^resize_inode -g 1024",
	    " -t ext4 -b 4096 -O bigalloc -C 16384",
	    " -t ext4 -b 1024 -O inline_data,quota,mmp",
	    " -t ext4 -b 1024 -O sparse_super2",
	    " -t ext4 -b 1024 -O orphan_file",
	    " -t ext4 -b 1024 -O ^has_journal",
	    " -t ext4 -b 1024 -I 128",
	    " -t ext3 -b 1024",
	    " -t ext2 -b 1024",
	    " -t ext2 -b 4096 -O ^sparse_super,^resize_inode",
	};
	uint64_t count[3];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bool lazy = !strstr(kinds[i], "^uninit_bg") && !strstr(kinds[i], "ext3") &&
			    !strstr(kinds[i], "ext2");
		_cleanup_free_ char *options =
		    text_make("%s -O ^metadata_csum_seed -d tree", kinds[i]);

		make("kind.img", "32M", options);
		compare_uses("kind.img", true, count);
		assert_true(count[FILEMAP_USED] > 100);
		assert_true(count[FILEMAP_FREE] > 100);
		assert_true(!lazy || count[FILEMAP_UNWRITTEN] > 10);
		compare_names("kind.img", 7);
	}
}

static void names_of_metadata(void **state)
{
	_cleanup_opened_ struct opened o = {0};

	make("meta.img", "32M", " -t ext4 -b 1024 -O quota -d tree");
	o = open_image("meta.img");
	assert_name(o.map, 0, 1024, "boot block");
	assert_name(o.map, 1024, 1024, "superblock");
	assert_name(o.map, 2048, 1024, "group descriptors");
	assert_name(o.map, 8193 * 1024, 1024, "copy of the superblock in group 1");
	assert_name(o.map, 8194 * 1024, 1024, "copy of the group descriptors in group 1");
	assert_name(o.map, 3072, 1024, "room for more group descriptors");
	assert_name(o.map, 0, 8192,
		    "boot block; superblock; group descriptors; block map of room for more group "
		    "descriptors");
	assert_name(o.map, 40 << 20, 4096, "after the end of the file system");
	assert_int_equal(filemap_use(o.map, 40 << 20, 4096), FILEMAP_FREE);
	assert_int_equal(filemap_use(o.map, 1024, 1), FILEMAP_USED);
	assert_int_equal(filemap_use(o.map, 0, 1024), FILEMAP_FREE);
	assert_int_equal(filemap_use(o.map, 0, 1025), FILEMAP_USED);
	assert_null(filemap_note(o.map));
}

/* The block of a file, by debugfs. */
static uint64_t block_of(const char *image, const char *path, uint64_t logical)
{
	_cleanup_text_ struct text t = {0};
	uint64_t block;

	output(&t, "debugfs -R 'bmap %s %" PRIu64 "' %s 2>/dev/null", path, logical, image);
	block = strtoull(t.s, NULL, 10);
	assert_true(block > 0);
	return block;
}

static uint64_t number_from(const char *image, const char *command, const char *label)
{
	_cleanup_text_ struct text t = {0};

	output(&t, "debugfs -R '%s' %s 2>/dev/null", command, image);
	return number_after(t.s, label);
}

static void names_of_files(void **state)
{
	_cleanup_opened_ struct opened o = {0};
	uint64_t b;

	make("names.img", "32M", " -t ext4 -b 4096 -d tree");
	run("debugfs -w -R 'ea_set /empty user.large \"%s\"' names.img 2>/dev/null",
	    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234567890123456789012345678901234567890123456789");
	o = open_image("names.img");
	b = block_of("names.img", "/directory/deep/small", 0) * 4096;
	assert_name(o.map, b, 4096, "/directory/deep/small, bytes 0…4095");
	assert_name(o.map, b + 512, 512, "/directory/deep/small, bytes 512…1023");
	b = block_of("names.img", "/file", 3) * 4096;
	assert_name(o.map, b, 4096, "(one of 2 names), bytes 12288…16383");
	assert_name(o.map, b - 4096, 16384, "bytes 8192…24575");
	assert_name(o.map, block_of("names.img", "/directory", 0) * 4096, 4096,
		    "directory /directory, bytes 0…4095");
	assert_name(o.map, block_of("names.img", "/", 0) * 4096, 4096, "directory /, bytes");
	assert_name(o.map, block_of("names.img", "/longlink", 0) * 4096, 4096,
		    "symbolic link /longlink");
	assert_name(o.map, block_of("names.img", "<8>", 0) * 4096, 4096, "journal, bytes 0…4095");
	b = block_of("names.img", "/many", 2000) * 4096;
	assert_name(o.map, b, 4096, "/many, bytes 8192000…8196095");
	b = number_from("names.img", "stat /empty", "File ACL: ");
	assert_true(b > 0);
	assert_name(o.map, b * 4096, 4096, "extended attributes of /empty");
	b = number_from("names.img", "stat /many", "(ETB0):");
	assert_name(o.map, b * 4096, 4096, "block map of /many");
}

/* A forged descriptor says that no inode of its group was ever used. */
static void a_group_with_a_wrong_checksum_hides_no_inodes(void **state)
{
	_cleanup_opened_ struct opened o = {0};
	uint64_t b;

	make("group.img", "32M", " -t ext4 -b 1024 -d tree");
	run("printf '\\377\\377' | dd of=group.img bs=1 seek=%d conv=notrunc status=none",
	    2048 + 28 /* bg_itable_unused_lo */);
	b = block_of("group.img", "/file", 3) * 1024;
	o = open_image("group.img");
	assert_name(o.map, b, 1024, "/file (one of 2 names), bytes 3072…4095");
	assert_int_equal(filemap_use(o.map, b, 1024), FILEMAP_USED);
}

static void preallocated_files_are_unwritten(void **state)
{
	_cleanup_opened_ struct opened o = {0};
	uint64_t b;

	make("fall.img", "32M", " -t ext4 -b 4096 -d tree");
	run("debugfs -w -R 'fallocate /empty 0 99' fall.img 2>/dev/null");
	run("e2fsck -fn fall.img >/dev/null 2>&1 || true");
	o = open_image("fall.img");
	b = block_of("fall.img", "/empty", 50);
	assert_int_equal(filemap_use(o.map, b * 4096, 4096), FILEMAP_UNWRITTEN);
	assert_name(o.map, b * 4096, 4096, "/empty, bytes 204800…208895, not written yet");
	assert_int_equal(filemap_use(o.map, block_of("fall.img", "/file", 0) * 4096, 4096),
			 FILEMAP_USED);
}

static void runs_cover_the_volume(void **state)
{
	_cleanup_opened_ struct opened o = {0};
	uint64_t n, runs = 0, size = 33 << 20;

	make("runs.img", "32M", " -t ext4 -b 1024 -d tree");
	o = open_image("runs.img");
	for (uint64_t at = 0, last = 9; at < size; at += n, runs++) {
		enum filemap_use use = filemap_run(o.map, at, size - at, &n);

		assert_true(n > 0 && n <= size - at);
		assert_int_not_equal(use, last); /* the longest runs */
		last = use;
		/* From the middle, the rest of it. */
		if (n >= 2) {
			uint64_t rest;

			assert_int_equal(filemap_run(o.map, at + n / 2, size - at - n / 2, &rest),
					 use);
			assert_int_equal(rest, n - n / 2);
		}
		assert_int_equal(filemap_use(o.map, at, n), use);
	}
	assert_true(runs > 10);
	filemap_run(o.map, 1ULL << 62, UINT64_MAX, &n);
	assert_int_equal(n, UINT64_MAX);
}

static void what_is_no_ext4(void **state)
{
	_cleanup_io_ struct io *io = NULL, *small = NULL;
	struct filemap *f;
	const char *why;

	assert_ok(io_open_memory("memory", 1 << 20, &io));
	assert_int_equal(filemap_ext4_open(io, &env, &f, &why), -ENODATA);
	assert_ok(io_open_memory("small", 1500, &small));
	assert_int_equal(filemap_ext4_open(small, &env, &f, &why), -ENODATA);
	memcpy((uint8_t *)io_memory_bytes(io) + 1080, "\x53\xef", 2);
	assert_int_equal(filemap_ext4_open(io, &env, &f, &why), -EUCLEAN);
	assert_non_null(why);
}

static void what_does_not_fit(void **state)
{
	_cleanup_io_ struct io *io = NULL, *cut = NULL;
	struct filemap *f;
	const char *why;

	make("cut.img", "8M", " -t ext4 -b 1024");
	assert_ok(io_open_file("cut.img", 0, &io));
	assert_ok(io_open_window(io, "cut", 0, 7 << 20, &cut));
	assert_int_equal(filemap_ext4_open(cut, &env, &f, &why), -EUCLEAN);
	assert_string_equal(why, "it is larger than its volume");
}

/* --- a journal that was not replayed --- */

/* Which blocks differ between two images, as "1,5-7"; their contents of @to go into "contents". */
static unsigned difference(const char *from, const char *to, struct text *list)
{
	_cleanup_io_ struct io *before = NULL, *after = NULL;
	struct truth t = truth_of(from);
	FILE *contents = fopen("contents", "w");
	uint8_t a[4096], b[4096];
	unsigned n = 0;

	assert_non_null(contents);
	assert_ok(io_open_file(from, 0, &before));
	assert_ok(io_open_file(to, 0, &after));
	for (uint64_t i = 0, start = 0; i < t.blocks; i++) {
		bool differs, behind = start && i + 1 == t.blocks;

		assert_ok(io_read(before, a, t.block_bytes, i * t.block_bytes));
		assert_ok(io_read(after, b, t.block_bytes, i * t.block_bytes));
		differs = memcmp(a, b, t.block_bytes) != 0;
		if (differs) {
			assert_int_equal(fwrite(b, t.block_bytes, 1, contents), 1);
			start = start ? start : i;
			n++;
		}
		if (start && (!differs || behind)) {
			text_add(list, "%s%" PRIu64 "-%" PRIu64, list->len ? "," : "", start,
				 differs ? i : i - 1);
			start = 0;
		}
	}
	assert_int_equal(fclose(contents), 0);
	free(t.is_free);
	return n;
}

/*
 * Makes after.img from before.img by @change, and dirty.img: before.img with all that differs in
 * its journal. The first of @parts transactions write something else to the same blocks, which the
 * last one must put right.
 */
static void make_dirty(const char *options, const char *journal, const char *change, int parts)
{
	_cleanup_text_ struct text list = {0};
	FILE *script;

	make("before.img", "32M", options);
	run("cp before.img after.img; cp before.img dirty.img");
	run("debugfs -w -f - after.img >/dev/null 2>&1 <<'EOS'\n%s\nEOS\n", change);
	assert_true(difference("before.img", "after.img", &list) > 5);
	assert_true(list.len < 8000); /* debugfs reads lines no longer than that */
	script = fopen("script", "w");
	assert_non_null(script);
	fprintf(script, "jo %s\n", journal);
	for (int part = 1; part < parts; part++)
		fprintf(script, "jw -b %s before.img\n", list.s);
	fprintf(script, "jw -b %s contents\njc\n", list.s);
	assert_int_equal(fclose(script), 0);
	run("debugfs -w -f script dirty.img >script.log 2>&1");
	run("dumpe2fs -h dirty.img 2>/dev/null | grep -q needs_recovery || { cat script.log; exit "
	    "1; }");
}

static const char change[] = "mkdir /new\n"
			     "write tree/file /new/file\n"
			     "rm /file\n"
			     "write tree/many /new/many\n"
			     "rm /directory/deep/small\n"
			     "fallocate /empty 0 9\n"
			     "mknod /new/pipe p";

/* Uses and names are those of the file system with its journal replayed. */
static void compare_dirty(void)
{
	_cleanup_opened_ struct opened dirty = open_image("dirty.img");
	_cleanup_opened_ struct opened after = open_image("after.img");
	_cleanup_opened_ struct opened before = open_image("before.img");
	uint64_t n, size = dirty.io->size_bytes;
	unsigned differ = 0;

	for (uint64_t at = 0; at < size; at += n) {
		enum filemap_use use = filemap_run(after.map, at, size - at, &n);
		uint64_t m;

		assert_int_equal(filemap_run(dirty.map, at, size - at, &m), use);
		assert_int_equal(m, n);
		filemap_run(before.map, at, size - at, &m);
		differ += m != n;
	}
	assert_true(differ > 0);
	for (uint64_t at = 0; at < size; at += 65536) {
		_cleanup_text_ struct text x = {0}, y = {0};

		assert_ok(filemap_name(dirty.map, at, 4096, &x));
		assert_ok(filemap_name(after.map, at, 4096, &y));
		assert_string_equal(x.s, y.s);
	}
	assert_name(dirty.map, block_of("after.img", "/new/file", 0) * 1024, 1024, "/new/file");
	assert_null(filemap_note(dirty.map));
}

static void a_dirty_journal_is_replayed(void **state)
{
	static const char *const kinds[][2] = {
	    {" -t ext4 -b 1024 -d tree", ""},
	    {" -t ext4 -b 1024 -d tree", "-c"},
	    {" -t ext4 -b 1024 -d tree", "-c -v 2"},
	    {" -t ext4 -b 1024 -O ^metadata_csum -d tree", ""},
	    {" -t ext4 -b 1024 -O ^64bit,^metadata_csum -d tree", ""},
	    {" -t ext4 -b 1024 -O ^64bit -d tree", "-c -v 3"},
	    {" -t ext3 -b 1024 -d tree", ""},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make_dirty(kinds[i][0], kinds[i][1],
			   strstr(kinds[i][0], "ext3")
			       ? "mkdir /new\nwrite tree/file /new/file\nrm /file\nrm /many"
			       : change,
			   1);
		compare_dirty();
	}
}

static void later_transactions_win(void **state)
{
	make_dirty(" -t ext4 -b 1024 -d tree", "-c",
		   "mkdir /new\nwrite tree/file /new/file\nrm /file", 4);
	compare_dirty();
}

/* e2fsck agrees that this is what the journal says. */
static void e2fsck_replays_the_same(void **state)
{
	_cleanup_opened_ struct opened ours = {0}, theirs = {0};
	uint64_t n, m;

	make_dirty(" -t ext4 -b 1024 -d tree", "-c", change, 2);
	run("cp dirty.img replayed.img; e2fsck -E journal_only -p replayed.img >/dev/null 2>&1 || "
	    "test $? = 1");
	run("dumpe2fs -h replayed.img 2>/dev/null | grep needs_recovery && exit 1; true");
	ours = open_image("dirty.img");
	theirs = open_image("replayed.img");
	for (uint64_t at = 0; at < ours.io->size_bytes; at += n) {
		assert_int_equal(filemap_run(ours.map, at, ours.io->size_bytes - at, &n),
				 filemap_run(theirs.map, at, ours.io->size_bytes - at, &m));
		assert_int_equal(n, m);
	}
}

static void journal_blocks(struct io *io, uint64_t *ret, size_t n)
{
	ext2_filsys fs;

	assert_int_equal(ext4_open_fs(io, &fs), 0);
	for (size_t i = 0; i < n; i++) {
		blk64_t block;

		assert_int_equal(ext2fs_bmap2(fs, 8, NULL, NULL, 0, i, NULL, &block), 0);
		ret[i] = block;
	}
	ext2fs_free(fs);
}

/* True if two files have the same block; checks pieces that cross its borders, too. */
static bool block_is_same(struct io *a, struct io *b, uint64_t block, uint32_t size)
{
	uint8_t x[4096], y[4096];
	bool same;

	assert_ok(io_read(a, x, size, block * size));
	assert_ok(io_read(b, y, size, block * size));
	same = memcmp(x, y, size) == 0;
	for (int at = -1; at <= 2; at += 3) {
		assert_ok(io_read(a, x, 3, block * size + at));
		assert_ok(io_read(b, y, 3, block * size + at));
		assert_memory_equal(x, y, 3);
	}
	return same;
}

/* Blocks of a replayed journal, straight: escaped ones, revoked ones, checksums of every kind. */
static void replayed_blocks_are_e2fsck_s(void **state)
{
	static const struct {
		const char *options, *journal;
		size_t replayed; /* two of nine are revoked for good */
	} kinds[] = {
	    {" -t ext4 -b 1024 -J size=1", "", 7},
	    {" -t ext4 -b 1024 -J size=1", "-c -v 2", 7},
	    {" -t ext4 -b 1024 -J size=1", "-c -v 3", 7},
	    {" -t ext4 -b 1024 -J size=1 -O ^64bit,^metadata_csum", "", 7},
	    /* debugfs makes a wrong checksum for the transaction that revokes: the log ends there
	     */
	    {" -t ext4 -b 1024 -J size=1 -O ^64bit,^metadata_csum", "-c", 9},
	    {" -t ext4 -b 4096 -J size=4", "-c -v 3", 7},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint32_t size = strstr(kinds[i].options, "4096") ? 4096 : 1024;
		uint64_t first = 32 * 1024 * 1024 / size - 64;
		_cleanup_io_ struct io *ours = NULL, *theirs = NULL, *replayed = NULL;
		uint64_t blocks[1024];
		struct ext4_replay found;
		const char *why;
		size_t escaped;

		make("dirty.img", "32M", kinds[i].options);
		run("for i in $(seq 9); do printf '\\300\\073\\071\\230%%0*d' %u $i; done >one",
		    size - 4);
		run("head -c %u /dev/urandom >two; : >none", 9 * size);
		run("printf 'jo %s\njw -b %" PRIu64 "-%" PRIu64 " one\njw -b %" PRIu64 "-%" PRIu64
		    " two\njw -r %" PRIu64 "-%" PRIu64 " none\njw -b %" PRIu64
		    " one\njc\n' >script",
		    kinds[i].journal, first, first + 8, first + 2, first + 4, first + 4, first + 6,
		    first + 6);
		run("debugfs -w -f script dirty.img >script.log 2>&1");
		run("cp dirty.img replayed.img; e2fsck -E journal_only -p replayed.img >/dev/null "
		    "2>&1 || test $? = 1");
		assert_ok(io_open_file("dirty.img", 0, &ours));
		assert_ok(io_open_file("replayed.img", 0, &theirs));
		journal_blocks(ours, blocks, 1024);
		{
			const struct ext4_journal j = {ours, size, blocks, 1024};

			assert_ok(ext4_journal_read(&j, first + 64, &found, &why));
		}
		assert_null(why);
		assert_int_equal(found.n, kinds[i].replayed);
		escaped = 0;
		for (size_t n = 0; n < found.n; n++)
			escaped += found.v[n].escaped;
		/* "two" has no magic, and is the latest of two blocks, or three. */
		assert_int_equal(escaped, kinds[i].replayed == 7 ? 5 : 6);
		assert_ok(ext4_replay_open(ours, size, &found, &replayed));
		for (uint64_t b = first - 2; b < first + 12; b++) {
			if (!block_is_same(replayed, theirs, b, size))
				fail_msg("%s, %s: block %" PRIu64, kinds[i].options,
					 kinds[i].journal, b - first);
		}
	}
}

/* One changed byte of a block that would be replayed, with either kind of checksums. */
static void a_changed_block_of_the_journal_is_told(void **state)
{
	static const char *const kinds[] = {"-c -v 2", "-c -v 3"};

	for (size_t i = 0; i < 2; i++) {
		_cleanup_io_ struct io *io = NULL;
		struct ext4_journal j = {.block_bytes = 1024, .n_blocks = 1024};
		uint64_t blocks[1024];
		struct ext4_replay found = {0}, again = {0};
		const char *why;

		make("dirty.img", "32M", " -t ext4 -b 1024 -J size=1");
		run("head -c 3072 /dev/urandom >two");
		run("printf 'jo %s\njw -b 32000-32002 two\njc\n' >script", kinds[i]);
		run("debugfs -w -f script dirty.img >script.log 2>&1");
		assert_int_equal(io_open_file("dirty.img", 0, &io), 0);
		journal_blocks(io, blocks, 1024);
		j.io = io;
		j.blocks = blocks;
		assert_int_equal(ext4_journal_read(&j, 32768, &found, &why), 0);
		assert_null(why);
		assert_int_equal(found.n, 3);
		run("printf x | dd of=dirty.img bs=1 seek=%" PRIu64 " conv=notrunc status=none",
		    found.v[1].journal * 1024 + 700);
		assert_int_equal(ext4_journal_read(&j, 32768, &again, &why), 0);
		assert_non_null(why);
		assert_string_equal(why, "a block in the journal has a wrong checksum");
		assert_int_equal(again.n, 2);
		free(found.v);
		free(again.v);
	}
}

/* A journal that is damaged: nothing is called free any more, and it is told why. */
static void a_damaged_journal_is_told(void **state)
{
	_cleanup_opened_ struct opened o = {0};
	uint64_t first;

	make_dirty(" -t ext4 -b 1024 -d tree", "-c", change, 1);
	first = block_of("dirty.img", "<8>", 0);
	run("printf xxxx | dd of=dirty.img bs=1 seek=%" PRIu64 " conv=notrunc status=none",
	    first * 1024 + 24);
	o = open_image("dirty.img");
	assert_string_equal(filemap_note(o.map), "the journal's superblock has a wrong checksum");
	assert_int_equal(filemap_use(o.map, 20 << 20, 1024), FILEMAP_USED);
	assert_name(o.map, 1024, 1024, "superblock");
}

/* --- damage --- */

struct unreadable {
	struct io io;
	struct io *below;
	uint64_t from, to; /* what cannot be read */
};

static int unreadable_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	struct unreadable *u = (struct unreadable *)io;

	if (ranges_overlap(offset, len, u->from, u->to - u->from))
		return -EILSEQ;
	return io_read(u->below, buf, len, offset);
}

static const struct io_ops unreadable_ops = {.name = "unreadable", .read = unreadable_read};

/* Block @block of 1024 cannot be read: the map that is then. */
static struct opened open_without(const char *path, struct unreadable *u, uint64_t block)
{
	struct opened o;
	const char *why;

	assert_ok(io_open_file(path, 0, &o.io));
	*u = (struct unreadable){
	    .io = *o.io, .below = o.io, .from = block * 1024, .to = (block + 1) * 1024};
	u->io.ops = &unreadable_ops;
	assert_ok(filemap_ext4_open(&u->io, &env, &o.map, &why));
	return o;
}

static void what_cannot_be_read_is_in_use(void **state)
{
	struct unreadable u;
	struct filemap *f;
	const char *why;
	uint64_t file, root;

	make("bad.img", "32M", " -t ext4 -b 1024 -O ^flex_bg -d tree");
	file = block_of("bad.img", "/file", 100);
	root = block_of("bad.img", "/directory", 0);
	{
		_cleanup_opened_ struct opened o = open_image("bad.img");

		assert_int_equal(filemap_use(o.map, 8000 * 1024, 1024), FILEMAP_FREE);
		assert_name(o.map, file * 1024, 1024, "bytes 102400…103423");
	}
	{ /* block bitmap of group 0 */
		uint64_t bitmap = number_from("bad.img", "stats", "block bitmap at ");
		_cleanup_opened_ struct opened o = open_without("bad.img", &u, bitmap);

		assert_int_equal(filemap_use(o.map, 8000 * 1024, 1024), FILEMAP_USED);
		assert_name(o.map, 8000 * 1024, 1024, "could not be found or read");
		assert_string_equal(filemap_note(o.map), "a block bitmap cannot be read");
		assert_name(o.map, bitmap * 1024, 1024, "block bitmap of group 0");
	}
	{ /* the inodes of many files */
		uint64_t table = number_from("bad.img", "imap /file", "located at block ");
		_cleanup_opened_ struct opened o = open_without("bad.img", &u, table);

		assert_name(o.map, file * 1024, 1024, "could not be found or read");
		assert_int_equal(filemap_use(o.map, file * 1024, 1024), FILEMAP_USED);
		assert_string_equal(filemap_note(o.map), "not all of its inodes can be read");
	}
	{ /* a directory: what it names has no name, or the other one */
		_cleanup_opened_ struct opened o = open_without("bad.img", &u, root);
		uint64_t small = block_of("bad.img", "/directory/deep/small", 0);

		assert_name(o.map, small * 1024, 1024, "has no name that could be found");
		assert_name(o.map, file * 1024, 1024, "/file (one of 2 names)");
	}
	assert_ok(io_open_file("bad.img", 0, &u.below));
	u.io.size_bytes = 32 << 20;
	u.from = 1024;
	u.to = 2048;
	assert_int_equal(filemap_ext4_open(&u.io, &env, &f, &why), -EUCLEAN);
	assert_string_equal(why, "its superblock cannot be read");
	u.from = 2048;
	u.to = 3072;
	assert_int_equal(filemap_ext4_open(&u.io, &env, &f, &why), -EUCLEAN);
	io_close(u.below);
}

static void cancelling_leaves_all_in_use(void **state)
{
	_cleanup_opened_ struct opened o = {0};

	make("cancel.img", "32M", " -t ext4 -b 4096 -d tree");
	o = open_image("cancel.img");
	atomic_store(&cancel, true);
	assert_int_equal(filemap_use(o.map, 4096 * 20, 4096), FILEMAP_USED);
	assert_non_null(strstr(filemap_note(o.map), "stopped"));
	atomic_store(&cancel, false);
}

/* Bits flip where metadata are; whatever comes out of it, it comes to an end. */
static void flipped_bits(void **state)
{
	static const char *const kinds[] = {
	    " -t ext4 -b 1024 -O ^metadata_csum -d tree",
	    " -t ext4 -b 1024 -d tree",
	    " -t ext3 -b 1024 -d tree",
	    " -t ext4 -b 4096 -O bigalloc,inline_data,^metadata_csum -C 16384 -d tree",
	};
	unsigned seed = 1, opened = 0;

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		_cleanup_io_ struct io *io = NULL, *image = NULL;
		uint64_t size = 32 << 20;

		if (kind == 2)
			make_dirty(kinds[kind], "", "mkdir /new\nwrite tree/file /new/file", 2);
		else
			make("dirty.img", "32M", kinds[kind]);
		assert_ok(io_open_file("dirty.img", 0, &image));
		assert_ok(io_open_memory("flipped", size, &io));
		for (int round = 0; round < 50; round++) {
			uint8_t *bytes = io_memory_bytes(io);
			struct filemap *f;
			const char *why;
			uint64_t n;

			assert_ok(io_read(image, bytes, size, 0));
			for (int i = 0; i < 200; i++) {
				uint64_t at = (uint64_t)rand_r(&seed) * 77 % (3 << 20);

				if (at < 1024 || at >= 2048) /* else hardly any would open */
					bytes[at] ^= (uint8_t)(1 << rand_r(&seed) % 8);
			}
			if (filemap_ext4_open(io, &env, &f, &why) < 0)
				continue;
			opened++;
			for (uint64_t at = 0; at < size; at += n) {
				_cleanup_text_ struct text t = {0};

				filemap_run(f, at, size - at, &n);
				assert_ok(filemap_name(f, at, 4096, &t));
			}
			filemap_close(f);
		}
	}
	assert_true(opened > 50);
	assert_int_equal(diag_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_file_system),
	    cmocka_unit_test(names_of_metadata),
	    cmocka_unit_test(names_of_files),
	    cmocka_unit_test(a_group_with_a_wrong_checksum_hides_no_inodes),
	    cmocka_unit_test(preallocated_files_are_unwritten),
	    cmocka_unit_test(runs_cover_the_volume),
	    cmocka_unit_test(what_is_no_ext4),
	    cmocka_unit_test(what_does_not_fit),
	    cmocka_unit_test(a_dirty_journal_is_replayed),
	    cmocka_unit_test(later_transactions_win),
	    cmocka_unit_test(e2fsck_replays_the_same),
	    cmocka_unit_test(replayed_blocks_are_e2fsck_s),
	    cmocka_unit_test(a_changed_block_of_the_journal_is_told),
	    cmocka_unit_test(a_damaged_journal_is_told),
	    cmocka_unit_test(what_cannot_be_read_is_in_use),
	    cmocka_unit_test(cancelling_leaves_all_in_use),
	    cmocka_unit_test(flipped_bits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
