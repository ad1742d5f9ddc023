/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's TEE interface (linux/tee.h), without libteec. Runs in the child. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tee.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keystore/tee/kernel.h"

#define DEVICES      10
#define SHARED_BYTES 4096
#define REPLY_AT     2048 /* in the shared memory; the request is at 0 */
#define N_PARAMS     4

static_assert(TA_REQUEST_MAX <= REPLY_AT && TA_REPLY_MAX <= SHARED_BYTES - REPLY_AT, "fits");

/* The connection, of which a child has one. */
static int device = -1;
static uint32_t session;
static uint64_t shared_id;
static uint8_t *shared;

static int tee_ioctl(unsigned long request, void *arg)
{
	int r;

	do
		r = ioctl(device, request, arg);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int tee_kernel_device(const char *prefix, char ret_device[static 32])
{
	int found = -ENOENT;

	for (unsigned i = 0; i < DEVICES; i++) {
		_cleanup_close_ int fd = -1;
		struct tee_ioctl_version_data v = {0};
		char path[32];

		snprintf(path, sizeof(path), "%s%u", prefix, i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd >= 0 && ioctl(fd, TEE_IOC_VERSION, &v) == 0 && v.gen_caps & TEE_GEN_CAP_GP) {
			memcpy(ret_device, path, sizeof(path));
			return TAKE_FD(fd);
		}
		/* Report the first failure, but rather than another kind of TEE any real failure.
		 */
		if (found == -ENOENT || found == -EOPNOTSUPP) {
			found = fd < 0 ? -errno : -EOPNOTSUPP;
			memcpy(ret_device, path, sizeof(path));
		}
	}
	return found;
}

static int open_shared(void)
{
	struct tee_ioctl_shm_alloc_data d = {.size = SHARED_BYTES};
	int fd, r = 0;

	do
		fd = ioctl(device, TEE_IOC_SHM_ALLOC, &d);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	shared = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		r = -errno;
	else
		madvise(shared, SHARED_BYTES, MADV_DONTDUMP); /* the kernel's own pages: no swap */
	close(fd);
	shared_id = (uint64_t)d.id;
	return r;
}

static bool open_session(struct tee_call *c)
{
	static const uint8_t uuid[TEE_IOCTL_UUID_LEN] = HOLDFAST_TA_UUID_BYTES;
	struct tee_ioctl_open_session_arg arg = {.clnt_login = TEE_IOCTL_LOGIN_PUBLIC};
	struct tee_ioctl_buf_data buf = {.buf_ptr = (uintptr_t)&arg, .buf_len = sizeof(arg)};
	int r;

	c->stage = TEE_AT_DEVICE;
	device = tee_kernel_device("/dev/tee", c->device);
	c->error = device < 0 ? -device : 0;
	if (c->error)
		return false;
	c->stage = TEE_AT_SESSION;
	memcpy(arg.uuid, uuid, sizeof(uuid));
	r = open_shared();
	if (r == 0)
		r = tee_ioctl(TEE_IOC_OPEN_SESSION, &buf);
	c->error = -r;
	c->result = r == 0 ? arg.ret : 0;
	c->origin = r == 0 ? arg.ret_origin : 0;
	session = arg.session;
	return r == 0 && arg.ret == 0;
}

/* struct tee_ioctl_invoke_arg, followed by its parameters. */
struct invoke {
	struct tee_ioctl_invoke_arg arg;
	struct tee_ioctl_param params[N_PARAMS];
};
static_assert(sizeof(struct invoke) == 24 + N_PARAMS * 32, "as the kernel expects it");

static void invoke(struct tee_call *c)
{
	struct invoke i = {.arg = {.func = c->command, .session = session, .num_params = N_PARAMS}};
	struct tee_ioctl_buf_data buf = {.buf_ptr = (uintptr_t)&i, .buf_len = sizeof(i)};

	i.params[0] = (struct tee_ioctl_param){TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_INPUT, 0, c->in_len,
					       shared_id};
	i.params[1] = (struct tee_ioctl_param){TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_OUTPUT, REPLY_AT,
					       c->out_len, shared_id};
	i.params[2] = (struct tee_ioctl_param){TEE_IOCTL_PARAM_ATTR_TYPE_VALUE_INPUT, c->storage,
					       c->flags, 0};
	i.params[3] = (struct tee_ioctl_param){TEE_IOCTL_PARAM_ATTR_TYPE_VALUE_OUTPUT, 0, 0, 0};
	memcpy(shared, c->in, c->in_len);
	c->stage = TEE_AT_COMMAND;
	c->error = -tee_ioctl(TEE_IOC_INVOKE, &buf);
	c->result = c->error ? 0 : i.arg.ret;
	c->origin = c->error ? 0 : i.arg.ret_origin;
	if (!c->error && !c->result) {
		c->stage = TEE_ANSWERED;
		c->verdict = (uint32_t)i.params[3].a;
		c->why = (uint32_t)i.params[3].b;
		memcpy(c->out, shared + REPLY_AT, c->out_len);
	}
	explicit_bzero(shared, SHARED_BYTES);
}

/* Looks for its name among the processes. The kernel would only tell through /dev/teepriv0, which
 * one process can open, and that is tee-supplicant. */
static bool supplicant_runs(void)
{
	DIR *proc = opendir("/proc");
	bool found = !proc; /* unknown: assume it */
	struct dirent *e;

	while (proc && !found && (e = readdir(proc))) {
		char path[300], name[32] = "";
		_cleanup_close_ int fd = -1;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0)
			found = strcmp(name, "tee-supplicant\n") == 0;
	}
	if (proc)
		closedir(proc);
	return found;
}

static const char *hung(void)
{
	return supplicant_runs() ? NULL : "tee-supplicant is not running";
}

const struct tee_transport tee_kernel = {
    .open = open_session,
    .invoke = invoke,
    .hung = hung,
    .limit_ms = 20 * 1000,
};
