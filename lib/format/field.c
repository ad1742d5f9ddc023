/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a fixed size on a medium. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "format/field.h"

bool field_is_zero(const void *field, size_t len)
{
	const uint8_t *bytes = field;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

int field_text(const void *field, size_t room, char *ret, size_t ret_size)
{
	const char *text = field;
	size_t n = strnlen(text, room);

	if (n == room || n >= ret_size || !field_is_zero(text + n, room - n))
		return -EINVAL;
	memcpy(ret, text, n + 1);
	return 0;
}
