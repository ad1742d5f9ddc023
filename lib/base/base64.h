/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes ↔ base64 (RFC 4648 §4, padded). Encoding takes as long whatever the
 * bytes are; decoding does not, and is not for secrets. */
#ifndef HOLDFAST_BASE_BASE64_H
#define HOLDFAST_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

/* With the NUL. */
#define BASE64_TEXT_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Writes BASE64_TEXT_SIZE(len) characters. */
void base64_encode(const uint8_t *bytes, size_t len, char *ret);
/* The same as a secret, without the NUL. 0, or -ENOMEM with a message. */
int base64_secret(const uint8_t *bytes, size_t len, struct secret **ret);
/* At most @max bytes; only the one true encoding is taken (padding there, unused bits zero, no
 * spaces). 0, or -EINVAL with the output undefined. */
int base64_decode(const char *text, uint8_t *ret, size_t max, size_t *ret_len);

#endif
