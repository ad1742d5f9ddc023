/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a source: one walk in order of names, which does not follow symbolic links. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "layer/filesystem/source-tree.h"

#define READ_BYTES (256 * 1024)
#define DEPTH_MAX  256

/* A file with several names: the first one met stands for it. */
struct linked {
	dev_t dev;
	ino_t ino;
	uint64_t number;
};

struct walk {
	struct env *env;
	struct digest *digest; /* NULL: only the stamp is wanted */
	struct digest *stamp;
	struct source_tree *out;
	bool all_root;
	ARRAY(struct linked) links;
	uint8_t *buf;
	struct text path; /* of where it is, for messages */
	unsigned depth;
};

static int fail(const struct walk *w, int err)
{
	return diag_fail(err == ENOENT ? DIAG_SOURCE_CHANGED : DIAG_SOURCE,
			 err == ENOENT ? ESTALE : err, "source %s: %s", w->path.s, strerror(err));
}

/* Fields are length-prefixed, so that no two trees look alike. */
static void add(struct walk *w, const void *bytes, size_t len)
{
	uint8_t n[8];

	if (!w->digest)
		return;
	for (int i = 0; i < 8; i++)
		n[i] = (uint8_t)((uint64_t)len >> 8 * i);
	digest_add(w->digest, n, sizeof(n));
	digest_add(w->digest, bytes, len);
}

static void add_number(struct walk *w, uint64_t n)
{
	char text[24];

	add(w, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, n));
}

static void stamp(struct walk *w, const char *name, const struct stat *st)
{
	char text[256];
	int n =
	    snprintf(text, sizeof(text), "%llu %llu %lld %lld.%09ld %lld.%09ld %o",
		     (unsigned long long)st->st_ino, (unsigned long long)st->st_size,
		     (long long)st->st_nlink, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		     (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec, st->st_mode);

	digest_add(w->stamp, name, strlen(name) + 1);
	digest_add(w->stamp, text, (size_t)n + 1);
}

/* The number of the entry that has the same inode, or 0: this is the first. */
static uint64_t linked_to(struct walk *w, const struct stat *st)
{
	const struct linked new = {st->st_dev, st->st_ino, w->out->entries};

	array_each (it, &w->links) {
		if (it->dev == st->st_dev && it->ino == st->st_ino)
			return it->number;
	}
	array_add(&w->links, new);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Extended attributes in order of names. Reading them needs a path: descriptors of links cannot. */
static int add_xattrs(struct walk *w, int dir, const char *name)
{
	char proc[64 + NAME_MAX], names[4096], value[65536];
	const char *sorted[64];
	ssize_t len;
	size_t n = 0;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dir, name);
	len = w->digest ? llistxattr(proc, names, sizeof(names)) : 0;
	if (len < 0 && errno != ENOTSUP && errno != EPERM)
		return fail(w, errno);
	for (const char *s = names; len > 0 && s < names + len && n < 64; s += strlen(s) + 1)
		sorted[n++] = s;
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++) {
		ssize_t size = lgetxattr(proc, sorted[i], value, sizeof(value));

		add(w, sorted[i], strlen(sorted[i]));
		add(w, value, size < 0 ? 0 : (size_t)size);
	}
	return 0;
}

static int add_contents(struct walk *w, int dir, const char *name, const struct stat *st)
{
	_cleanup_close_ int fd = -1;
	uint64_t left = (uint64_t)st->st_size;

	w->out->file_bytes += round_up((uint64_t)st->st_size, 4096);
	if (!w->digest)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fail(w, errno);
	add_number(w, left);
	while (left > 0) {
		ssize_t n = read(fd, w->buf, READ_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(w, errno);
		if (n == 0 || (uint64_t)n > left || env_cancelled(w->env))
			return env_cancelled(w->env)
				   ? diag_fail(DIAG_SIGNAL, ECANCELED, "stopped while reading %s",
					       w->path.s)
				   : fail(w, ENOENT);
		digest_add(w->digest, w->buf, (size_t)n);
		left -= (uint64_t)n;
	}
	return 0;
}

static int add_link(struct walk *w, int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n < 0)
		return fail(w, errno);
	add(w, target, (size_t)n);
	return 0;
}

static int walk_directory(struct walk *w, int fd);

static int walk_entry(struct walk *w, int dir, const char *name, const struct stat *st)
{
	uint64_t first = !S_ISDIR(st->st_mode) && st->st_nlink > 1 ? linked_to(w, st) : 0;

	w->out->entries++;
	w->out->foreign_owner |= st->st_uid != geteuid();
	w->out->special |= !S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode);
	stamp(w, name, st);
	add(w, name, strlen(name));
	add_number(w, st->st_mode);
	add_number(w, w->all_root ? 0 : st->st_uid);
	add_number(w, w->all_root ? 0 : st->st_gid);
	add_number(w, first);
	if (first)
		return 0;
	if (S_ISREG(st->st_mode)) {
		int r = add_xattrs(w, dir, name);

		return r < 0 ? r : add_contents(w, dir, name, st);
	}
	if (S_ISLNK(st->st_mode))
		return add_link(w, dir, name);
	if (S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode))
		add_number(w, (uint64_t)major(st->st_rdev) << 32 | minor(st->st_rdev));
	if (S_ISDIR(st->st_mode)) {
		int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		int r = sub < 0 ? fail(w, errno) : add_xattrs(w, dir, name);

		if (r >= 0)
			return walk_directory(w, sub);
		if (sub >= 0)
			close(sub);
		return r;
	}
	return 0;
}

typedef ARRAY(char *) name_list;

static int list_names(struct walk *w, DIR *d, name_list *names)
{
	struct dirent *e;

	for (errno = 0; (e = readdir(d)); errno = 0) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (array_add(names, strdup(e->d_name)) < 0)
			return diag_no_memory();
	}
	if (errno)
		return fail(w, errno);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	return 0;
}

/* Closes @fd. */
static int walk_directory(struct walk *w, int fd)
{
	DIR *d = fdopendir(fd);
	name_list names = {0};
	size_t path_len = w->path.len;
	int r;

	if (!d) {
		close(fd);
		return diag_no_memory();
	}
	r = ++w->depth > DEPTH_MAX ? fail(w, ELOOP) : list_names(w, d, &names);
	for (size_t i = 0; i < names.n && r >= 0; i++) {
		struct stat st;

		text_add(&w->path, "/%s", names.v[i]);
		r = fstatat(dirfd(d), names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ? fail(w, errno)
										: 0;
		if (r >= 0)
			r = walk_entry(w, dirfd(d), names.v[i], &st);
		if (r >= 0) {
			w->path.len = path_len;
			w->path.s[path_len] = 0;
		}
	}
	add(w, "", 0); /* the directory's end */
	w->depth--;
	array_each (it, &names)
		free(*it);
	array_free(&names);
	closedir(d);
	return r;
}

static int walk(const char *path, struct walk *w)
{
	struct stat st;
	int fd, r;

	text_add(&w->path, "%s", path);
	w->buf = malloc(READ_BYTES);
	if (!w->buf || w->path.failed)
		return diag_no_memory();
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		r = errno;
		return diag_fail(DIAG_SOURCE, r, "source %s: %s", path, strerror(r));
	}
	if (fstat(fd, &st) < 0) {
		close(fd);
		return fail(w, errno);
	}
	w->out->foreign_owner |= st.st_uid != geteuid();
	add_number(w, st.st_mode);
	add_number(w, w->all_root ? 0 : st.st_uid);
	add_number(w, w->all_root ? 0 : st.st_gid);
	stamp(w, "", &st);
	return walk_directory(w, fd);
}

static void end_walk(struct walk *w)
{
	array_free(&w->links);
	text_free(&w->path);
	free(w->buf);
	digest_free(w->digest);
	digest_free(w->stamp);
}

int source_tree_read(const char *path, bool all_root, struct env *env, struct source_tree *ret)
{
	struct source_tree out = {0};
	struct walk w = {.env = env, .out = &out, .all_root = all_root};
	int r = digest_new("sha256", &w.digest);

	if (r >= 0)
		r = digest_new("sha256", &w.stamp);
	if (r >= 0)
		r = walk(path, &w);
	if (r >= 0)
		r = digest_finish(w.digest, out.digest);
	if (r >= 0)
		r = digest_finish(w.stamp, out.stamp);
	end_walk(&w);
	if (r >= 0)
		*ret = out;
	return r;
}

int source_tree_changed(const char *path, const struct source_tree *before, struct env *env)
{
	struct source_tree out = {0};
	struct walk w = {.env = env, .out = &out};
	int r = digest_new("sha256", &w.stamp);

	if (r >= 0)
		r = walk(path, &w);
	if (r >= 0)
		r = digest_finish(w.stamp, out.stamp);
	end_walk(&w);
	return r < 0 ? r : memcmp(out.stamp, before->stamp, sizeof(out.stamp)) != 0;
}
