/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a fixed size on a medium: text, and padding. */
#ifndef HOLDFAST_FORMAT_FIELD_H
#define HOLDFAST_FORMAT_FIELD_H

#include <stdbool.h>
#include <stddef.h>

bool field_is_zero(const void *field, size_t len);
/* The text in a field of @room bytes: it ends within the field, and zeroes follow. 0 or -EINVAL. */
int field_text(const void *field, size_t room, char *ret, size_t ret_size);

#endif
