/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the functions of lib/kernel one at a time, for tests/guest/kernel.sh. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "kernel/blkdev.h"
#include "kernel/dm.h"
#include "kernel/mount.h"

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* NAME UUID BYTES TYPE PARAMS rw|ro */
static int do_make(char **a)
{
	const struct mapping_target t = {.len_bytes = number(a[2]), .type = a[3], .params = a[4]};
	char path[256];
	int r = mapping_make(a[0], a[1], strcmp(a[5], "ro") == 0, &t, 1, path);

	if (r >= 0)
		printf("%s\n", path);
	return r;
}

/* NAME PATIENCE */
static int do_remove(char **a)
{
	return mapping_remove(a[0], (unsigned)number(a[1]));
}

/* NAME */
static int do_query(char **a)
{
	struct mapping_info i;
	int r = mapping_query(a[0], &i);

	if (r >= 0 && !i.exists)
		printf("none\n");
	else if (r >= 0)
		printf("%s %s %s open=%d %s\n", i.uuid, i.type, i.read_only ? "ro" : "rw",
		       i.open_count, i.params);
	return r;
}

/* DISK OFFSET LENGTH */
static int do_partition(char **a)
{
	char path[256];
	int r = blkdev_partition(a[0], number(a[1]), number(a[2]), path);

	if (r >= 0)
		printf("%s\n", r ? path : "none");
	return r;
}

/* DISK OFFSET LENGTH */
static int do_in_use(char **a)
{
	char who[256];
	int r = blkdev_in_use(a[0], number(a[1]), number(a[2]), who);

	if (r >= 0)
		printf("%s\n", r ? who : "free");
	return r;
}

/* DISK "NUMBER:OFFSET:LENGTH …" */
static int do_update(char **a)
{
	_cleanup_close_ int fd = open(a[0], O_RDONLY | O_CLOEXEC);
	struct blkdev_entry e[16];
	size_t n = 0;
	int r;

	for (char *word = strtok(a[1], " "); word && n < 16; word = strtok(NULL, " "), n++) {
		unsigned long long offset, len;

		if (sscanf(word, "%u:%llu:%llu", &e[n].number, &offset, &len) != 3)
			return -EINVAL;
		e[n].offset_bytes = offset;
		e[n].len_bytes = len;
	}
	r = blkdev_update(fd, a[0], e, n);
	printf("%s\n", strerror(-r)); /* it does not speak */
	return 0;
}

/* DEVICE DIRECTORY TYPE rw|ro */
static int do_mount(char **a)
{
	char *slash = strrchr(a[1], '/');

	*slash = 0;
	return mount_attach(a[0], a[1], slash + 1, a[2], NULL, strcmp(a[3], "ro") == 0);
}

/* DIRECTORY */
static int do_unmount(char **a)
{
	return mount_detach(a[0]);
}

/* DIRECTORY */
static int do_mounted(char **a)
{
	char source[256];
	int r = mount_query(a[0], source);

	if (r >= 0)
		printf("%s\n", r ? source : "none");
	return r;
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **args);
} verbs[] = {
    {"make", 6, do_make},     {"remove", 2, do_remove},       {"query", 1, do_query},
    {"in-use", 3, do_in_use}, {"partition", 3, do_partition}, {"update", 2, do_update},
    {"mount", 4, do_mount},   {"unmount", 1, do_unmount},     {"mounted", 1, do_mounted},
};

int main(int argc, char **argv)
{
	int r = -ENOSYS;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (argc >= 2 && strcmp(verbs[i].name, argv[1]) == 0 && argc - 2 == verbs[i].args)
			r = verbs[i].run(argv + 2);
	}
	if (r >= 0)
		return 0;
	for (size_t i = 0; i < diag_count(); i++)
		printf("%s: %s; next: %s\n", diag_code_text(diag_get(i)->code), diag_get(i)->text,
		       diag_get(i)->next);
	return diag_count() ? (int)diag_code_outcome(diag_get(0)->code) : 99;
}
