/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by libmount, without its helpers and its private files. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "kernel/mount.h"

/* Makes @directory and what is missing above it. */
static int make_directory(const char *directory)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s", directory) >= (int)sizeof(path))
		return diag_file(ENAMETOOLONG, directory);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return diag_file(errno, path);
		*slash = '/';
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return diag_file(errno, path);
	return 0;
}

/* @below/@name, made when missing; *@ret_fd is the directory itself, whatever its path leads to
 * later.
 */
static int open_beneath(const char *below, const char *name, int *ret_fd)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	_cleanup_close_ int parent = -1;
	int r = make_directory(below);

	if (r < 0)
		return r;
	parent = open(below, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return diag_file(errno, below);
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return diag_fail(DIAG_FILE, EINVAL, "%s: \"%s\" is no name of a directory", below,
				 name);
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return diag_file(errno, name);
	*ret_fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));
	if (*ret_fd >= 0)
		return 0;
	return diag_fail(DIAG_FILE, errno, "%s/%s leads elsewhere, or is no directory: %s", below,
			 name, strerror(errno));
}

/* The mount table's entry of @directory; *@ret_fs NULL when nothing is mounted there. */
static int find_mount(const char *directory, struct libmnt_table **ret_table,
		      struct libmnt_fs **ret_fs)
{
	_cleanup_free_ char *path = realpath(directory, NULL);
	struct libmnt_table *table;

	*ret_table = NULL;
	*ret_fs = NULL;
	if (!path)
		return errno == ENOENT ? 0 : diag_file(errno, directory);
	table = mnt_new_table_from_file("/proc/self/mountinfo");
	if (!table)
		return diag_file(errno ? errno : EIO, "/proc/self/mountinfo");
	*ret_table = table;
	*ret_fs = mnt_table_find_target(table, path, MNT_ITER_BACKWARD);
	return 0;
}

int mount_query(const char *directory, char ret[static 256])
{
	struct libmnt_table *table;
	struct libmnt_fs *fs;
	int r = find_mount(directory, &table, &fs);

	if (r >= 0 && fs) {
		const char *source = mnt_fs_get_source(fs);

		snprintf(ret, 256, "%s", source ? source : "");
		r = 1;
	}
	mnt_unref_table(table);
	return r;
}

static int fail(struct libmnt_context *cxt, int status, const char *doing, const char *what)
{
	char text[512] = "";
	int err = cxt ? mnt_context_get_syscall_errno(cxt) : ENOMEM;

	if (cxt)
		mnt_context_get_excode(cxt, status, text, sizeof(text));
	return diag_fail(err == EBUSY   ? DIAG_IN_USE
			 : err == EPERM ? DIAG_PERMISSION
			 : err == EIO   ? DIAG_IO
					: DIAG_KERNEL,
			 err ? err : EIO, "cannot %s %s: %s", doing, what,
			 *text ? text
			 : err ? strerror(err)
			       : "libmount failed");
}

static struct libmnt_context *new_context(const char *directory)
{
	struct libmnt_context *cxt = mnt_new_context();

	if (cxt && (mnt_context_set_target(cxt, directory) || mnt_context_disable_helpers(cxt, 1) ||
		    mnt_context_disable_mtab(cxt, 1))) {
		mnt_free_context(cxt);
		return NULL;
	}
	return cxt;
}

/* What is there already: 1 the same device, 0 nothing, -EBUSY something else. */
static int already_mounted(const char *device, const char *directory)
{
	struct libmnt_table *table;
	struct libmnt_fs *fs;
	struct stat st;
	int r = find_mount(directory, &table, &fs);

	if (r >= 0 && fs) {
		r = 1;
		if (stat(device, &st) < 0 || st.st_rdev != mnt_fs_get_devno(fs)) {
			r = diag_fail(DIAG_IN_USE, EBUSY, "%s is mounted on %s already",
				      mnt_fs_get_source(fs), directory);
			diag_next("unmount it, or choose another directory");
		}
	}
	mnt_unref_table(table);
	return r;
}

/* Onto what @fd is open on: no path is walked again. */
static int mount_onto(int fd, const char *device, const char *fstype, const char *options,
		      bool read_only)
{
	struct libmnt_context *cxt;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cxt = new_context(path);
	if (!cxt || mnt_context_disable_canonicalize(cxt, 1) ||
	    mnt_context_set_source(cxt, device) || mnt_context_set_fstype(cxt, fstype) ||
	    (options && mnt_context_set_options(cxt, options)) ||
	    mnt_context_set_mflags(cxt, read_only ? MS_RDONLY : 0)) {
		r = fail(cxt, 0, "mount", device);
	} else {
		r = mnt_context_mount(cxt);
		r = r || !mnt_context_get_status(cxt) ? fail(cxt, r, "mount", device) : 0;
	}
	mnt_free_context(cxt);
	return r;
}

int mount_attach(const char *device, const char *below, const char *name, const char *fstype,
		 const char *options, bool read_only)
{
	_cleanup_close_ int fd = -1;
	char directory[4096];
	int r = open_beneath(below, name, &fd);

	if (r < 0)
		return r;
	snprintf(directory, sizeof(directory), "%s/%s", below, name);
	r = already_mounted(device, directory);
	if (r != 0)
		return r < 0 ? r : 0;
	return mount_onto(fd, device, fstype, options, read_only);
}

/* --- who keeps it busy --- */

/* Whether the link (an open file, a working directory) of a process lies on file system @dev. */
static bool link_lies_on(const char *path, dev_t dev)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == dev;
}

static bool process_uses(const char *pid, dev_t dev)
{
	static const char *const links[] = {"cwd", "root", "exe"};
	char path[600];
	struct dirent *e;
	bool uses = false;
	DIR *d;

	for (int i = 0; i < 3 && !uses; i++) {
		snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, links[i]);
		uses = link_lies_on(path, dev);
	}
	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	d = uses ? NULL : opendir(path);
	while (d && !uses && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%.20s/fd/%s", pid, e->d_name);
		uses = e->d_name[0] != '.' && link_lies_on(path, dev);
	}
	if (d)
		closedir(d);
	return uses;
}

/* "process 123 (sleep)", the first that is found; "" when none is, as for a mount inside it. */
static void find_user(const char *directory, char ret[static 128])
{
	struct stat st;
	struct dirent *e;
	DIR *d = stat(directory, &st) == 0 ? opendir("/proc") : NULL;

	ret[0] = 0;
	while (d && !*ret && (e = readdir(d))) {
		char path[64], name[32] = "";
		FILE *f;

		if (!isdigit((unsigned char)e->d_name[0]) || !process_uses(e->d_name, st.st_dev))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = 0;
		if (f)
			fclose(f);
		snprintf(ret, 128, "process %.20s (%s)", e->d_name, name);
	}
	if (d)
		closedir(d);
}

static int fail_busy(const char *directory)
{
	char user[128];
	int r;

	find_user(directory, user);
	r = diag_fail(DIAG_IN_USE, EBUSY, "cannot unmount %s: %s uses it", directory,
		      *user ? user : "something");
	diag_state("it stays mounted, and everything below it open");
	diag_next("end what uses %s, then run the same command again", directory);
	return r;
}

int mount_detach(const char *directory)
{
	struct libmnt_context *cxt;
	char there[256];
	int r = mount_query(directory, there);

	if (r <= 0)
		return r;
	cxt = new_context(directory);
	r = cxt ? mnt_context_umount(cxt) : 0;
	if (cxt && mnt_context_get_syscall_errno(cxt) == EBUSY)
		r = fail_busy(directory);
	else
		r = r || !cxt || !mnt_context_get_status(cxt) ? fail(cxt, r, "unmount", directory)
							      : 0;
	mnt_free_context(cxt);
	return r;
}
