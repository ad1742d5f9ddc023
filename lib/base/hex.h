/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes ↔ lowercase hexadecimal text. Not for secrets: its time depends on the data. */
#ifndef HOLDFAST_BASE_HEX_H
#define HOLDFAST_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Writes 2*len digits and a NUL. */
void hex_encode(const uint8_t *bytes, size_t len, char *ret);
/* @text must have exactly 2*len hex digits (either case), or 0..2*max with hex_decode_upto, which
 * gives the number of bytes. 0 or -EINVAL. */
int hex_decode(const char *text, uint8_t *ret, size_t len);
int hex_decode_upto(const char *text, uint8_t *ret, size_t max, size_t *ret_len);

#endif
