/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the kernel's keyrings, by the system calls themselves. */
#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "kernel/keyring.h"

int keyring_add_logon(const char *description, const uint8_t *key, size_t len, int32_t *ret_serial)
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

void keyring_drop(int32_t serial)
{
	if (syscall(SYS_keyctl, KEYCTL_REVOKE, serial) < 0)
		return; /* it has gone by itself */
	syscall(SYS_keyctl, KEYCTL_UNLINK, serial, KEY_SPEC_THREAD_KEYRING);
}
