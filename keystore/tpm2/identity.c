/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a TPM as text, and back. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/hex.h"
#include "keystore/tpm2/identity.h"

#define FIRST_LINE "holdfast-tpm-identity 1"

static const char *const counters[TPM2_IDENTITY_COUNTERS] = {"erase", "rotation"};

/* The next line into @ret, NUL-terminated. */
static int next_line(const char **at, const char *end, char *ret, size_t size)
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	size_t len = newline ? (size_t)(newline - *at) : 0;

	if (!newline || len >= size || memchr(*at, 0, len))
		return -EINVAL;
	memcpy(ret, *at, len);
	ret[len] = 0;
	*at = newline + 1;
	return 0;
}

/* The rest of @line after "WORD ", or NULL. */
static char *after(char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 && line[len] == ' ' ? line + len + 1 : NULL;
}

static int read_storage_key(char *hex, TPM2B_PUBLIC *ret)
{
	uint8_t bytes[512];
	size_t len, at = 0;

	if (!hex || hex_decode_upto(hex, bytes, sizeof(bytes), &len) < 0 ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, len, &at, ret) != TSS2_RC_SUCCESS || at != len)
		return -EINVAL;
	return 0;
}

static int read_counter(char *words, uint8_t name[static TPM2_IDENTITY_NAME], uint64_t *ret)
{
	char *space = words ? strchr(words, ' ') : NULL, *end;

	if (!space || !isdigit((unsigned char)space[1]))
		return -EINVAL;
	*space = 0;
	errno = 0;
	*ret = strtoull(space + 1, &end, 10);
	return errno || *end || *ret == 0 ? -EINVAL : hex_decode(words, name, TPM2_IDENTITY_NAME);
}

int tpm2_identity_decode(const char *text, size_t len, struct tpm2_identity *ret)
{
	const char *at = text, *end = text + len;
	struct tpm2_identity id = {0};
	char line[1100];
	int r = next_line(&at, end, line, sizeof(line));

	if (r >= 0 && strcmp(line, FIRST_LINE) != 0)
		r = -EINVAL;
	if (r >= 0)
		r = next_line(&at, end, line, sizeof(line));
	if (r >= 0)
		r = read_storage_key(after(line, "storage-key"), &id.storage_key);
	for (int i = 0; i < TPM2_IDENTITY_COUNTERS && r >= 0; i++) {
		r = next_line(&at, end, line, sizeof(line));
		if (r >= 0)
			r = read_counter(after(line, counters[i]), id.name[i], &id.value[i]);
	}
	for (unsigned i = 0; i < TPM2_IDENTITY_PCRS && r >= 0; i++) {
		char word[16], *hex;

		snprintf(word, sizeof(word), "pcr %u", i);
		r = next_line(&at, end, line, sizeof(line));
		hex = r >= 0 ? after(line, word) : NULL;
		r = hex ? hex_decode(hex, id.pcr[i], 32) : -EINVAL;
	}
	if (r < 0 || at != end)
		return -EINVAL;
	*ret = id;
	return 0;
}

void tpm2_identity_encode(const struct tpm2_identity *id, struct text *to)
{
	uint8_t bytes[sizeof(TPM2B_PUBLIC)];
	char hex[2 * sizeof(bytes) + 1];
	size_t len = 0;

	if (Tss2_MU_TPM2B_PUBLIC_Marshal(&id->storage_key, bytes, sizeof(bytes), &len) !=
	    TSS2_RC_SUCCESS)
		to->failed = true;
	hex_encode(bytes, len, hex);
	text_add(to, FIRST_LINE "\nstorage-key %s\n", hex);
	for (int i = 0; i < TPM2_IDENTITY_COUNTERS; i++) {
		hex_encode(id->name[i], sizeof(id->name[i]), hex);
		text_add(to, "%s %s %" PRIu64 "\n", counters[i], hex, id->value[i]);
	}
	for (unsigned i = 0; i < TPM2_IDENTITY_PCRS; i++) {
		hex_encode(id->pcr[i], 32, hex);
		text_add(to, "pcr %u %s\n", i, hex);
	}
}
