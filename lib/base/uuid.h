/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs in text order (RFC 9562: big-endian octets), and their GPT order on disk. */
#ifndef HOLDFAST_BASE_UUID_H
#define HOLDFAST_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

struct uuid {
	uint8_t b[16]; /* as printed, left to right */
};

#define UUID_TEXT_SIZE 37 /* 36 characters and a NUL */

void uuid_print(const struct uuid *u, char ret[static UUID_TEXT_SIZE]);
int uuid_scan(const char *text, struct uuid *ret); /* 0 or -EINVAL */
bool uuid_equal(const struct uuid *a, const struct uuid *b);
bool uuid_is_nil(const struct uuid *u);
/* Sets version 4 and the RFC variant in 16 bytes that came from a KDF or a DRBG. */
void uuid_set_version(struct uuid *u);
/* UEFI mixed-endian octets (UEFI 2.10, appendix A): first three fields swapped. */
void uuid_from_gpt(const uint8_t bytes[static 16], struct uuid *ret);

#endif
