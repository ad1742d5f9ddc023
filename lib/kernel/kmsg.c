/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log, record by record (Documentation/ABI/testing/dev-kmsg). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/kmsg.h"

int kmsg_count(const char *device, const char *text, uint64_t *ret)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint64_t found = 0;
	char record[8192];

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = read(fd, record, sizeof(record) - 1);

		if (n < 0 && errno == EPIPE) /* overwritten while we read: go on with the next */
			continue;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		record[n] = 0;
		found += strstr(record, device) && strstr(record, text);
	}
	*ret = found;
	return 0;
}
