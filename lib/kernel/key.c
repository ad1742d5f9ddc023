/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the kernel's keyrings, by the system calls themselves. */
#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "kernel/key.h"

int kernel_key_add_logon(const char *description, const uint8_t *key, size_t len,
			 int32_t *ret_serial)
{
	long serial = syscall(SYS_add_key, "logon", description, key, len, KEY_SPEC_THREAD_KEYRING);
	int r;

	if (serial >= 0) {
		*ret_serial = (int32_t)serial;
		return 0;
	}
	r = diag_fail(DIAG_KERNEL, errno, "the kernel takes no key: %s",
		      errno == ENOSYS   ? "it was built without CONFIG_KEYS"
		      : errno == EDQUOT ? "the quota of keys is used up"
					: strerror(errno));
	diag_state("nothing was opened with it");
	return r;
}

void kernel_key_drop(int32_t serial)
{
	if (syscall(SYS_keyctl, KEYCTL_REVOKE, serial) < 0)
		return; /* it has gone by itself */
	syscall(SYS_keyctl, KEYCTL_UNLINK, serial, KEY_SPEC_THREAD_KEYRING);
}

int kernel_key_add(const char *type, const char *description, const char *payload,
		   int32_t *ret_serial)
{
	int32_t before;
	long serial;

	/* add_key() would update it instead, which these types do not take. */
	if (kernel_key_find(type, description, &before) >= 0)
		syscall(SYS_keyctl, KEYCTL_UNLINK, before, KEY_SPEC_PROCESS_KEYRING);
	serial = syscall(SYS_add_key, type, description, payload, strlen(payload),
			 KEY_SPEC_PROCESS_KEYRING);
	if (serial < 0)
		return -errno;
	*ret_serial = (int32_t)serial;
	return 0;
}

int kernel_key_find(const char *type, const char *description, int32_t *ret_serial)
{
	long serial =
	    syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, type, description, 0);

	if (serial < 0)
		return -errno;
	*ret_serial = (int32_t)serial;
	return 0;
}

int kernel_key_read(int32_t serial, struct text *to)
{
	char bytes[4096];
	long n = syscall(SYS_keyctl, KEYCTL_READ, serial, bytes, sizeof(bytes));

	if (n < 0)
		return -errno;
	if (n > (long)sizeof(bytes))
		return -E2BIG;
	text_add_bytes(to, bytes, (size_t)n);
	return to->failed ? -ENOMEM : 0;
}

int kernel_key_update(int32_t serial, const char *payload)
{
	return syscall(SYS_keyctl, KEYCTL_UPDATE, serial, payload, strlen(payload)) < 0 ? -errno
											: 0;
}
