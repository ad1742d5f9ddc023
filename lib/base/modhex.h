/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery keys in words: modhex, as systemd prints them (src/shared/recovery-key.c). */
#ifndef HOLDFAST_BASE_MODHEX_H
#define HOLDFAST_BASE_MODHEX_H

#include <stddef.h>
#include <stdint.h>

#define MODHEX_KEY_BYTES 32
#define MODHEX_KEY_TEXT  71 /* 8 groups of 8 characters with "-" between, no NUL */

void modhex_print_key(const uint8_t key[static MODHEX_KEY_BYTES],
		      uint8_t ret[static MODHEX_KEY_TEXT]);
/* What a person typed or a file holds: either case, with or without "-", and space around it. 0 or
 * -EINVAL, silent. */
int modhex_scan_key(const uint8_t *text, size_t len, uint8_t ret[static MODHEX_KEY_BYTES]);

#endif
