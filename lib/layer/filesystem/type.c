/* SPDX-License-Identifier: Apache-2.0 */
/* Types of file systems. */
#include <stddef.h>

#include "layer/filesystem/type.h"

#define WORD(name)  #name,
#define ENTRY(name) &filesystem_##name,
const char *const filesystem_type_words[] = {FILESYSTEM_TYPES(WORD) NULL};
const struct filesystem_type *const filesystem_types[] = {FILESYSTEM_TYPES(ENTRY)};
