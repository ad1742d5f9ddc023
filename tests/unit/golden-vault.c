/* SPDX-License-Identifier: Apache-2.0 */
/* The vaults of the images in tests/golden, byte for byte: a format that changes without a new
 * version does not go unnoticed. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/diag.h"
#include "base/endian.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "format/vault.h"
#include "keystore/registry.h"
#include "keystore/tpm2/blob.h"
#include "lib/check.h"

/* Every image has a vault of this size here: tests/golden/make. */
#define VAULT_OFFSET (1024 * 1024)
#define VAULT_BYTES  (1024 * 1024)

static const char *const generations[] = {"0.1.0-a", "0.1.0-b"};

static uint8_t vault[VAULT_BYTES];
static struct vault_regions regions;
static unsigned n_items[64]; /* of each type */
static unsigned n_copies, n_plans, n_records, n_tpm2, n_tee;

static void load(const char *path)
{
	_cleanup_free_ char *command = text_make("xz -dc '%s' | tail -c +%d | head -c %d", path,
						 VAULT_OFFSET + 1, VAULT_BYTES);
	FILE *f = command ? popen(command, "r") : NULL;

	print_message("# %s\n", path);
	assert_non_null(f);
	assert_int_equal(fread(vault, 1, sizeof(vault), f), sizeof(vault));
	pclose(f);
	vault_regions(VAULT_BYTES, &regions);
}

static void check_sealed(const struct vault_item *item)
{
	const uint8_t *blob = memchr(item->value, 0, item->len);
	_cleanup_text_ struct text again = {0};
	static struct tpm2_blob tpm2;
	size_t len;

	assert_non_null(blob);
	blob++;
	len = item->len - (size_t)(blob - item->value);
	if (memcmp(blob, "hftpm2\0\0\1\0\0\0", 12) == 0) {
		assert_ok(tpm2_blob_decode(blob, len, &tpm2));
		assert_ok(tpm2_blob_encode(&tpm2, &again));
		assert_int_equal(again.len, len);
		assert_memory_equal(again.s, blob, len);
		n_tpm2++;
	} else if (memcmp(blob, "hftee\0\0\0\1\0\0\0", 12) == 0) {
		keystore_tee.describe(NULL, blob, len, &again);
		assert_true(again.len > 0);
		n_tee++;
	} else {
		assert_memory_equal(blob, "hffile\0\0\1\0\0\0\12\0\0\0", 16); /* of 1 MiB */
		assert_int_equal(len, 116);
	}
}

/* Decoded and encoded again it is what stands there. */
static void check_item(const struct vault_item *item)
{
	union {
		struct vault_extent_item extent;
		struct vault_source_item source;
		struct vault_key_item key;
		struct vault_escrow_item escrow;
	} u;
	uint8_t again[512];
	size_t len = 0;

	memset(&u, 0, sizeof(u));
	switch (item->type) {
	case VAULT_EXTENT:
		assert_ok(vault_decode_extent(item->value, item->len, &u.extent));
		vault_encode_extent(&u.extent, again);
		len = VAULT_EXTENT_BYTES;
		break;
	case VAULT_SOURCE:
		assert_ok(vault_decode_source(item->value, item->len, &u.source));
		vault_encode_source(&u.source, again);
		len = VAULT_SOURCE_BYTES;
		break;
	case VAULT_KEY:
	case VAULT_ESCROW_KEY:
		assert_ok(vault_decode_key(item->value, item->len, &u.key));
		vault_encode_key(&u.key, again);
		len = VAULT_KEY_BYTES;
		break;
	case VAULT_ESCROW:
		assert_ok(vault_decode_escrow(item->value, item->len, &u.escrow));
		vault_encode_escrow(&u.escrow, again);
		len = VAULT_ESCROW_BYTES;
		break;
	case VAULT_SEALED:
		check_sealed(item);
		return;
	default:
		return;
	}
	assert_int_equal(item->len, len);
	assert_memory_equal(again, item->value, len);
}

static void check_copy(const uint8_t *at)
{
	const uint8_t *payload = at + VAULT_BLOCK;
	uint8_t again[VAULT_HEADER_BYTES], sha256[SHA256_BYTES];
	struct vault_copy_header h;
	struct vault_item item;
	size_t next = 0;
	int r;

	if (!memcmp(at, (uint8_t[16]){0}, 16))
		return; /* provisioning did not get there */
	assert_ok(vault_decode_copy(at, VAULT_HEADER_BYTES, &h));
	vault_encode_copy(&h, again);
	assert_memory_equal(again, at, sizeof(again));
	assert_int_equal(h.vault_offset, VAULT_OFFSET);
	assert_int_equal(h.vault_bytes, VAULT_BYTES);
	assert_ok(digest_sha256(payload, h.payload_bytes, sha256));
	assert_memory_equal(sha256, h.payload_sha256, sizeof(sha256));
	while ((r = vault_next_item(payload, h.payload_bytes, &next, &item)) == 1) {
		assert_in_range(item.type, 1, 63);
		n_items[item.type]++;
		check_item(&item);
	}
	assert_int_equal(r, 0);
	n_copies++;
}

/* Version 1, which had no digest rule, is written again as version 2 with rule 1. */
static void check_plan(const uint8_t *head, const uint8_t *again)
{
	uint8_t want[VAULT_HEADER_BYTES];
	le32_t crc;

	memcpy(want, head, sizeof(want));
	if (want[16] == 1) {
		want[16] = 2;
		want[52] = 1;
		crc = le32_make(crc32c(0, want, sizeof(want) - sizeof(crc)));
		memcpy(want + sizeof(want) - sizeof(crc), &crc, sizeof(crc));
	}
	assert_memory_equal(again, want, sizeof(want));
}

static void check_journal(const uint8_t *at)
{
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *head = at + i * VAULT_BLOCK;
		uint8_t again[VAULT_HEADER_BYTES];
		struct vault_plan_header h;

		if (!memcmp(head, (uint8_t[16]){0}, 16))
			continue;
		assert_ok(vault_decode_plan(head, VAULT_HEADER_BYTES, &h));
		vault_encode_plan(&h, again);
		check_plan(head, again);
		n_plans++;
	}
	for (uint64_t o = 2 * VAULT_BLOCK; o < regions.journal_bytes; o += 512) {
		uint8_t again[VAULT_RECORD_BYTES];
		struct vault_record record;

		if (memcmp(at + o, "HFJR", 4) != 0)
			continue;
		assert_ok(vault_decode_record(at + o, VAULT_RECORD_BYTES, &record));
		vault_encode_record(&record, again);
		assert_memory_equal(again, at + o, sizeof(again));
		n_records++;
	}
}

static void every_vault_is_written_again_as_it_stands(void **state)
{
	static const enum vault_item_type kept[] = {
	    VAULT_DEVICE, VAULT_MEDIUM,   VAULT_OPTION,  VAULT_VOLUME,   VAULT_EXTENT,
	    VAULT_LAYER,  VAULT_SOURCE,   VAULT_LEARNED, VAULT_KEYSTORE, VAULT_SEALED,
	    VAULT_KEY,    VAULT_KEYS_FOR, VAULT_MAC,     VAULT_ESCROW,   VAULT_ESCROW_KEY,
	};

	for (size_t i = 0; i < sizeof(generations) / sizeof(generations[0]); i++) {
		_cleanup_free_ char *pattern =
		    text_make("%s/%s/*/image.xz", GOLDEN_DIR, generations[i]);
		glob_t found;

		assert_non_null(pattern);
		assert_int_equal(glob(pattern, 0, NULL, &found), 0);
		for (size_t j = 0; j < found.gl_pathc; j++) {
			load(found.gl_pathv[j]);
			check_copy(vault + regions.copy_offset[0]);
			check_copy(vault + regions.copy_offset[1]);
			check_journal(vault + regions.journal_offset);
		}
		globfree(&found);
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_true(n_items[kept[i]] > 0);
	assert_true(n_copies > 0 && n_plans > 0 && n_records > 0 && n_tpm2 > 0 && n_tee > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_vault_is_written_again_as_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
