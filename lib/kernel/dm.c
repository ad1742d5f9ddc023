/* SPDX-License-Identifier: Apache-2.0 */
/* Device-mapper mappings by libdevmapper, with or without udev. */
#include <errno.h>
#include <libdevmapper.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "kernel/dm.h"

static _Thread_local char last_message[256];

/* libdevmapper's own words go into our errors, not onto stderr. */
static void on_log(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void on_log(int level, const char *file, int line, int dm_errno, const char *fmt, ...)
{
	va_list args;

	if ((level & 7) > 3 || *last_message) /* below LOG_ERR, or what followed the first */
		return;
	va_start(args, fmt);
	vsnprintf(last_message, sizeof(last_message), fmt, args);
	va_end(args);
}

static void init_once(void)
{
	dm_log_with_errno_init(on_log);
	/* Whether udev makes the nodes libdevmapper finds out itself; without one it makes them. */
}

static void destroy(struct dm_task *t)
{
	if (t)
		dm_task_destroy(t);
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

/* The kernel's errno in words; 0: it was not even asked. @type: of a mapping that was to be made.
 */
static const char *reason(int err, const char *type)
{
	switch (err) {
	case 0:
		return geteuid() != 0  ? "only root may"
		       : *last_message ? last_message
				       : "the kernel has no device-mapper";
	case EINVAL:
		return type ? "the kernel lacks this type, or does not take the table" : NULL;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return type ? "a device that it stands on is not there" : NULL;
	case EBUSY:
		return type ? "a device that it stands on is in use" : "it is in use";
	case EIO:
		return type ? "a device that it stands on ends too early or cannot be read" : NULL;
	default:
		return NULL;
	}
}

static int fail(struct dm_task *t, const char *name, const char *doing, const char *type)
{
	int err = t ? dm_task_get_errno(t) : 0; /* without device-mapper there is no task */
	const char *why = reason(err, type);
	enum diag_code code = err == EBUSY                                      ? DIAG_IN_USE
			      : err == EPERM || err == EACCES || geteuid() != 0 ? DIAG_PERMISSION
										: DIAG_KERNEL;
	int r = diag_fail(code, err ? err : EIO, "cannot %s mapping %s%s%s: %s", doing, name,
			  type ? " of type " : "", type ? type : "", why ? why : strerror(err));

	if (type && (err == EINVAL || err == EIO))
		diag_next("dmesg | grep device-mapper: the kernel's log says more; dm-%s is "
			  "CONFIG_DM_* in its configuration",
			  type);
	return r;
}

static bool is_ours(const struct mapping_info *info)
{
	return strncmp(info->uuid, MAPPING_UUID_PREFIX, strlen(MAPPING_UUID_PREFIX)) == 0;
}

static int refuse_existing(const char *name, const struct mapping_info *info)
{
	bool ours = is_ours(info);
	int r = diag_fail(DIAG_IN_USE, EBUSY, "%s%s", name,
			  ours ? " is open already" : " is a mapping that holdfast did not make");

	diag_next(ours ? "close it first, or choose another --prefix" : "choose another --prefix");
	return r;
}

/* The three steps of the kernel's protocol, one by one: this is the only way to learn each step's
 * errno. */

static int create(const char *name, const char *uuid)
{
	struct dm_task *t = new_task(DM_DEVICE_CREATE, name);
	int r = 0;

	if (!t || !dm_task_set_uuid(t, uuid) || !dm_task_set_add_node(t, DM_ADD_NODE_ON_RESUME) ||
	    !dm_task_run(t))
		r = fail(t, name, "make", NULL);
	destroy(t);
	return r;
}

static int load(const char *name, bool read_only, const struct mapping_target *targets, unsigned n)
{
	struct dm_task *t = new_task(DM_DEVICE_RELOAD, name);
	bool good = t && (!read_only || dm_task_set_ro(t));
	int r = 0;

	for (unsigned i = 0; i < n && good; i++) {
		if (targets[i].secret)
			good = dm_task_secure_data(t);
		good = good && dm_task_add_target(t, targets[i].start_bytes / 512,
						  targets[i].len_bytes / 512, targets[i].type,
						  targets[i].params);
	}
	if (!good || !dm_task_run(t))
		r = fail(t, name, "make", targets[0].type);
	destroy(t);
	return r;
}

/* The node is there afterwards, whether udev makes it or libdevmapper. */
static int run_and_settle(int type, const char *name, const char *doing)
{
	struct dm_task *t = new_task(type, name);
	uint32_t cookie = 0;
	int r = 0;

	if (!t || !dm_task_set_add_node(t, DM_ADD_NODE_ON_RESUME) ||
	    !dm_task_set_cookie(t, &cookie, 0) || !dm_task_run(t))
		r = fail(t, name, doing, NULL);
	destroy(t);
	if (cookie)
		dm_udev_wait(cookie);
	dm_task_update_nodes();
	return r;
}

int mapping_make(const char *name, const char *uuid, bool read_only,
		 const struct mapping_target *targets, unsigned n, char ret_path[static 256])
{
	struct mapping_info info;
	int r = mapping_query(name, &info);

	if (r < 0)
		return r;
	if (info.exists)
		return refuse_existing(name, &info);
	r = create(name, uuid);
	if (r < 0)
		return r;
	r = load(name, read_only, targets, n);
	if (r >= 0)
		r = run_and_settle(DM_DEVICE_RESUME, name, "start");
	if (r < 0) {
		size_t mark = diag_count();

		run_and_settle(DM_DEVICE_REMOVE, name, "remove");
		diag_forget(mark); /* the failure before it says why */
		return r;
	}
	snprintf(ret_path, 256, "%s/%s", dm_dir(), name);
	return 0;
}

int mapping_remove(const char *name, unsigned patience_ms)
{
	const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
	size_t mark = diag_count();

	for (unsigned waited = 0;; waited += 50) {
		struct mapping_info info;
		int r = mapping_query(name, &info);

		if (r < 0 || !info.exists || !is_ours(&info))
			return r;
		r = run_and_settle(DM_DEVICE_REMOVE, name, "remove");
		if (r != -EBUSY || waited >= patience_ms) {
			if (r < 0)
				diag_next("unmount or close what uses /dev/mapper/%s, then run the "
					  "same command again",
					  name);
			return r;
		}
		diag_forget(mark);
		nanosleep(&nap, NULL);
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
		if (t && dm_task_get_errno(t) == ENXIO)
			*ret = out; /* no such mapping */
		else
			r = fail(t, name, "ask for", NULL);
		destroy(t);
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
	destroy(t);
	*ret = out;
	return 0;
}
