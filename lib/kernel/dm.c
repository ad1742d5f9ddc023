/* SPDX-License-Identifier: Apache-2.0 */
/* Device-mapper mappings by libdevmapper, with or without udev. */
#include <errno.h>
#include <libdevmapper.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "kernel/dm.h"

static _Thread_local char last_message[256];

/* libdevmapper's own words go into our errors, not onto stderr. */
static void on_log(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void on_log(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
{
	va_list args;

	if ((level & 7) > 3) /* below LOG_ERR */
		return;
	va_start(args, fmt);
	vsnprintf(last_message, sizeof(last_message), fmt, args);
	va_end(args);
}

static void init_once(void)
{
	dm_log_with_errno_init(on_log);
	dm_udev_set_sync_support(0); /* nodes are made by us where no udev does */
	dm_udev_set_checking(0);
}

static struct dm_task *new_task(int type, const char *name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct dm_task *t;

	pthread_once(&once, init_once);
	last_message[0] = 0;
	t = dm_task_create(type);
	if (t && !dm_task_set_name(t, name)) {
		dm_task_destroy(t);
		t = NULL;
	}
	return t;
}

static int fail(struct dm_task *t, const char *name, const char *doing, const char *type)
{
	int err = t ? dm_task_get_errno(t) : ENOMEM;
	enum diag_code code = err == EBUSY                    ? DIAG_IN_USE
			      : err == EPERM || err == EACCES ? DIAG_PERMISSION
							      : DIAG_KERNEL;
	int r = diag_fail(code, err ? err : EIO, "cannot %s mapping %s%s%s: %s", doing, name,
			  type ? " of type " : "", type ? type : "",
			  err == ENXIO || err == ENODEV ? "the kernel has no device-mapper"
			  : err                         ? strerror(err)
			  : *last_message               ? last_message
							: "device-mapper is not to be had");

	if (type && err == EINVAL)
		diag_next("look into the kernel's log: it lacks dm-%s, or refuses the table", type);
	return r;
}

static bool add_targets(struct dm_task *t, const struct mapping_target *targets, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!dm_task_add_target(t, targets[i].start_bytes / 512, targets[i].len_bytes / 512,
					targets[i].type, targets[i].params))
			return false;
	}
	return true;
}

static int refuse_foreign(const char *name, const char *uuid, const struct mapping_info *info)
{
	int r = diag_fail(DIAG_IN_USE, EBUSY, "a mapping %s is there already%s", name,
			  strcmp(info->uuid, uuid) == 0 ? "" : ", and holdfast did not make it");

	diag_next("close it first, or choose another --prefix");
	return r;
}

int mapping_make(const char *name, const char *uuid, bool read_only,
		 const struct mapping_target *targets, unsigned n, char ret_path[static 256])
{
	struct mapping_info info;
	struct dm_task *t;
	uint32_t cookie = 0;
	int r = mapping_query(name, &info);

	if (r < 0)
		return r;
	if (info.exists)
		return refuse_foreign(name, uuid, &info);
	t = new_task(DM_DEVICE_CREATE, name);
	if (!t || !dm_task_set_uuid(t, uuid) || (read_only && !dm_task_set_ro(t)) ||
	    !add_targets(t, targets, n) || !dm_task_set_add_node(t, DM_ADD_NODE_ON_CREATE) ||
	    !dm_task_set_cookie(t, &cookie, 0) || !dm_task_run(t)) {
		r = fail(t, name, "make", targets[0].type);
		if (t)
			dm_task_destroy(t);
		return r;
	}
	dm_task_destroy(t);
	dm_udev_wait(cookie);
	dm_task_update_nodes();
	snprintf(ret_path, 256, "%s/%s", dm_dir(), name);
	return 0;
}

int mapping_remove(const char *name, unsigned patience_ms)
{
	const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};

	for (unsigned waited = 0;; waited += 50) {
		struct mapping_info info;
		struct dm_task *t;
		uint32_t cookie = 0;
		int r = mapping_query(name, &info);

		if (r < 0 || !info.exists)
			return r;
		t = new_task(DM_DEVICE_REMOVE, name);
		if (t && dm_task_set_cookie(t, &cookie, 0) && dm_task_run(t)) {
			dm_task_destroy(t);
			dm_udev_wait(cookie);
			dm_task_update_nodes();
			return 0;
		}
		if (t && dm_task_get_errno(t) == EBUSY && waited < patience_ms) {
			dm_task_destroy(t);
			nanosleep(&nap, NULL);
			continue;
		}
		r = fail(t, name, "remove", NULL);
		diag_next(
		    "unmount or close what uses /dev/mapper/%s, then run the same command again",
		    name);
		if (t)
			dm_task_destroy(t);
		return r;
	}
}

int mapping_query(const char *name, struct mapping_info *ret)
{
	struct dm_task *t = new_task(DM_DEVICE_STATUS, name);
	struct mapping_info out = {0};
	struct dm_info info;
	uint64_t start, length;
	char *type = NULL, *params = NULL;
	int r = 0;

	if (!t || !dm_task_run(t) || !dm_task_get_info(t, &info)) {
		if (t && dm_task_get_errno(t) == ENXIO && strstr(last_message, "control") == NULL)
			*ret = out; /* no such mapping */
		else
			r = fail(t, name, "ask for", NULL);
		if (t)
			dm_task_destroy(t);
		return r;
	}
	out.exists = info.exists;
	if (info.exists) {
		const char *uuid = dm_task_get_uuid(t);

		snprintf(out.uuid, sizeof(out.uuid), "%s", uuid ? uuid : "");
		dm_get_next_target(t, NULL, &start, &length, &type, &params);
		snprintf(out.type, sizeof(out.type), "%s", type ? type : "");
		snprintf(out.params, sizeof(out.params), "%s", params ? params : "");
		out.major = info.major;
		out.minor = info.minor;
		out.read_only = info.read_only;
		out.open_count = info.open_count;
	}
	dm_task_destroy(t);
	*ret = out;
	return 0;
}
