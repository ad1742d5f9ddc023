/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed trusted and encrypted keys, as the vault holds them. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/hex.h"
#include "keystore/trusted/blob.h"

#define NAME     "holdfast-"     /* followed by TRUSTED_RANDOM bytes in hexadecimal */
#define NAME_MAC "holdfast-mac-" /* the same, if the kernel computes MACs with the key */
#define HEX      "0123456789abcdef"

/* The kernel's own blob follows. */
struct trusted_disk {
	uint8_t magic[8];            /*  0: "hftrust\0" */
	le32_t version;              /*  8 */
	uint8_t pad[4];              /* 12: zero */
	char name[TRUSTED_NAME_MAX]; /* 16: of the trusted key; zero after its end */
};
static_assert(sizeof(struct trusted_disk) == 48, "blob");

void trusted_name(const uint8_t random[static TRUSTED_RANDOM], bool has_mac,
		  char ret[static TRUSTED_NAME_MAX])
{
	char hex[2 * TRUSTED_RANDOM + 1];

	hex_encode(random, TRUSTED_RANDOM, hex);
	snprintf(ret, TRUSTED_NAME_MAX, "%s%s", has_mac ? NAME_MAC : NAME, hex);
}

static bool has_mac(const char *name)
{
	return strncmp(name, NAME_MAC, strlen(NAME_MAC)) == 0;
}

static bool is_name(const char *name)
{
	size_t head = strlen(has_mac(name) ? NAME_MAC : NAME);

	return strncmp(name, NAME, strlen(NAME)) == 0 &&
	       strspn(name + head, HEX) == strlen(name + head);
}

static bool all_zero(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n && !*p)
		p++, n--;
	return n == 0;
}

int trusted_blob_decode(const uint8_t *bytes, size_t len, struct trusted_blob *ret)
{
	struct trusted_disk d;
	size_t n;

	if (len <= sizeof(d) || len > sizeof(d) + TRUSTED_KEY_MAX)
		return -EUCLEAN;
	memcpy(&d, bytes, sizeof(d));
	n = strnlen(d.name, sizeof(d.name));
	if (memcmp(d.magic, "hftrust\0", 8) != 0 || le32_get(d.version) != TRUSTED_BLOB_VERSION ||
	    !all_zero(d.pad, sizeof(d.pad)) || n == sizeof(d.name) ||
	    !all_zero(d.name + n, sizeof(d.name) - n) || !is_name(d.name))
		return -EUCLEAN;
	*ret = (struct trusted_blob){
	    .has_mac = has_mac(d.name), .key = bytes + sizeof(d), .key_bytes = len - sizeof(d)};
	memcpy(ret->name, d.name, sizeof(d.name));
	return 0;
}

void trusted_blob_encode(const char *name, const uint8_t *key, size_t key_bytes, struct text *to)
{
	struct trusted_disk d = {.magic = "hftrust", .version = le32_make(TRUSTED_BLOB_VERSION)};

	snprintf(d.name, sizeof(d.name), "%s", name);
	text_add_bytes(to, &d, sizeof(d));
	text_add_bytes(to, key, key_bytes);
}

/* The next word, up to a space, of *@at to @end: moves *@at behind the space. */
static bool next_word(const char **at, const char *end, char *ret, size_t size)
{
	const char *space = memchr(*at, ' ', (size_t)(end - *at));
	size_t n = space ? (size_t)(space - *at) : size;

	if (n >= size || memchr(*at, 0, n))
		return false;
	memcpy(ret, *at, n);
	ret[n] = 0;
	*at = space + 1;
	return true;
}

static bool is_hex(const char *at, const char *end)
{
	while (at < end && *at && strchr(HEX, *at))
		at++;
	return at == end;
}

int trusted_key_decode(const uint8_t *blob, size_t len, size_t *ret_bytes)
{
	const size_t head = strlen(TRUSTED_MASTER);
	const char *at = (const char *)blob, *end = at + len;
	char name[TRUSTED_NAME_MAX], number[8];

	if (len < head || memcmp(at, TRUSTED_MASTER, head) != 0)
		return -EUCLEAN;
	at += head;
	if (!next_word(&at, end, name, sizeof(name)) || !is_name(name) ||
	    !next_word(&at, end, number, sizeof(number)) || !*number ||
	    strspn(number, "0123456789") != strlen(number) || !is_hex(at, end))
		return -EUCLEAN;
	*ret_bytes = strtoul(number, NULL, 10);
	return 0;
}
