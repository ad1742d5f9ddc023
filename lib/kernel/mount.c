/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by libmount. */
#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

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

static int fail(struct libmnt_context *cxt, int status, const char *doing, const char *what)
{
	char text[512] = "";
	int err = cxt ? mnt_context_get_syscall_errno(cxt) : ENOMEM;

	if (cxt)
		mnt_context_get_excode(cxt, status, text, sizeof(text));
	return diag_fail(err == EBUSY   ? DIAG_IN_USE
			 : err == EPERM ? DIAG_PERMISSION
					: DIAG_KERNEL,
			 err ? err : EIO, "cannot %s %s: %s", doing, what,
			 *text ? text
			 : err ? strerror(err)
			       : "libmount failed");
}

int mount_attach(const char *device, const char *directory, const char *fstype, const char *options,
		 bool read_only)
{
	struct libmnt_context *cxt;
	char there[256];
	int r = mount_query(directory, there);

	if (r < 0)
		return r;
	if (r == 1)
		return strcmp(there, device) == 0
			   ? 0
			   : diag_fail(DIAG_IN_USE, EBUSY, "%s is mounted on %s already", there,
				       directory);
	r = make_directory(directory);
	if (r < 0)
		return r;
	cxt = mnt_new_context();
	if (!cxt || mnt_context_set_source(cxt, device) || mnt_context_set_target(cxt, directory) ||
	    mnt_context_set_fstype(cxt, fstype) ||
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

int mount_detach(const char *directory)
{
	struct libmnt_context *cxt;
	char there[256];
	int r = mount_query(directory, there);

	if (r <= 0)
		return r;
	cxt = mnt_new_context();
	if (!cxt || mnt_context_set_target(cxt, directory)) {
		r = fail(cxt, 0, "unmount", directory);
	} else {
		r = mnt_context_umount(cxt);
		r = r || !mnt_context_get_status(cxt) ? fail(cxt, r, "unmount", directory) : 0;
		if (r < 0)
			diag_next("end what uses %s, then run the same command again", directory);
	}
	mnt_free_context(cxt);
	return r;
}

int mount_query(const char *directory, char ret[static 256])
{
	struct libmnt_table *table = mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_fs *fs;
	int found;

	if (!table)
		return diag_file(errno ? errno : EIO, "/proc/self/mountinfo");
	fs = mnt_table_find_target(table, directory, MNT_ITER_BACKWARD);
	found = fs != NULL;
	if (fs)
		snprintf(ret, 256, "%s", mnt_fs_get_source(fs) ? mnt_fs_get_source(fs) : "");
	mnt_unref_table(table);
	return found;
}
