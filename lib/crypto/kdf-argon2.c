/* SPDX-License-Identifier: Apache-2.0 */
/* Argon2id by its reference library, because OpenSSL 3.0 lacks it. */
#include <argon2.h>
#include <errno.h>
#include <inttypes.h>

#include "base/diag.h"
#include "crypto/kdf.h"

int kdf_argon2id(const void *password, size_t password_len, const uint8_t *salt, size_t salt_len,
		 uint32_t memory_kib, uint32_t passes, uint32_t lanes, uint8_t *ret, size_t ret_len)
{
	int r;

	if (memory_kib > KDF_ARGON2_KIB_MAX || passes > KDF_ARGON2_PASSES_MAX ||
	    lanes > KDF_ARGON2_LANES_MAX)
		r = ARGON2_MEMORY_TOO_MUCH;
	else
		r = argon2id_hash_raw(passes, memory_kib, lanes, password, password_len, salt,
				      salt_len, ret, ret_len);
	if (r == ARGON2_OK)
		return 0;
	if (r == ARGON2_MEMORY_ALLOCATION_ERROR)
		return diag_fail(DIAG_NO_MEMORY, ENOMEM,
				 "Argon2id could not be run; it needs %" PRIu32 " MiB of memory",
				 memory_kib >> 10);
	return diag_fail(DIAG_DAMAGED, EINVAL,
			 "Argon2id with %" PRIu32 " KiB, %" PRIu32 " passes, %" PRIu32
			 " lanes is not possible: %s",
			 memory_kib, passes, lanes, argon2_error_message(r));
}
