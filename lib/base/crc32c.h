/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, reflected, as iSCSI and the kernel's crc32c): torn writes, never
 * authenticity. */
#ifndef HOLDFAST_BASE_CRC32C_H
#define HOLDFAST_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC of @len bytes; pass the former result as @crc to go on, 0 to begin. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
