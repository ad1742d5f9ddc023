/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's bytes: regions, copies of the device part, journal, log, items. Numbers in comments
 * of fields are their offsets on the medium. docs/formats/vault.md */
#ifndef HOLDFAST_FORMAT_VAULT_H
#define HOLDFAST_FORMAT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

#define VAULT_BLOCK        4096 /* every region and header begins at a multiple of it */
#define VAULT_HEADER_BYTES 512
#define VAULT_RECORD_BYTES 64  /* of a journal record; one in each sector */
#define VAULT_ENTRY_BYTES  512 /* of a log entry */

/* Where the regions lie within the vault: a function of its size alone. */
struct vault_regions {
	uint64_t copy_offset[2], copy_bytes;
	uint64_t journal_offset, journal_bytes; /* two headers of VAULT_BLOCK, then two halves */
	uint64_t log_offset, log_bytes;
	uint64_t scratch_offset, scratch_bytes;
};
void vault_regions(uint64_t vault_bytes, struct vault_regions *ret);

/* The version in a header of a copy or of the journal that a newer holdfast made; 0: it is of a
 * known version, or no header. Magic and version keep their places in all versions; the checksum
 * need not, so it is not checked. */
uint32_t vault_newer_header(const uint8_t *bytes, size_t len);
/* Does the header have the checksum that all versions up to this one have? */
bool vault_header_is_sealed(const uint8_t *bytes, size_t len);

/* Head of a copy; its payload follows at VAULT_BLOCK. */
struct vault_copy_header {
	uint64_t sequence;                  /* 24 */
	uint64_t payload_bytes;             /* 32 */
	uint8_t payload_sha256[32];         /* 40 */
	uint64_t vault_offset, vault_bytes; /* 72, 80; a header at another place is no copy */
};
int vault_decode_copy(const uint8_t *bytes, size_t len, struct vault_copy_header *ret);
void vault_encode_copy(const struct vault_copy_header *h, uint8_t ret[static VAULT_HEADER_BYTES]);

enum { VAULT_PLAN_SHARED = 1, VAULT_PLAN_COMPLETION = 2, VAULT_PLAN_COMPLETE = 4 };
/* Head of the journal. */
struct vault_plan_header {
	uint32_t flags;            /*  20 VAULT_PLAN_… */
	uint64_t sequence;         /*  24 */
	uint64_t generation;       /*  32 records of another one are stale */
	uint64_t capacity_bytes;   /*  40 */
	uint32_t steps;            /*  48 */
	uint32_t digest_rule;      /*  52 by which both digests were made; of version 1: 1 */
	uint8_t seed[32];          /*  56 */
	uint8_t instance[32];      /*  88 */
	uint8_t layout_digest[32]; /* 120 */
	uint8_t plan_digest[32];   /* 152 */
};
int vault_decode_plan(const uint8_t *bytes, size_t len, struct vault_plan_header *ret);
void vault_encode_plan(const struct vault_plan_header *h, uint8_t ret[static VAULT_HEADER_BYTES]);

struct vault_record {
	uint32_t step, phase;          /*  4,  8 phase: 1 begun, 2 at the cursor, 3 done */
	uint64_t generation, sequence; /* 16, 24 */
	uint64_t cursor;               /* 32 */
};
int vault_decode_record(const uint8_t *bytes, size_t len, struct vault_record *ret);
void vault_encode_record(const struct vault_record *r, uint8_t ret[static VAULT_RECORD_BYTES]);

struct vault_entry {
	uint64_t sequence;  /*  8 */
	uint64_t time_s;    /* 16 since 1970 */
	uint8_t before[32]; /* 24 SHA-256 of the entry before, all 512 bytes; zero in the first */
	char event[32];     /* 56 */
	char text[400];     /* 88 */
};
int vault_decode_entry(const uint8_t *bytes, size_t len, struct vault_entry *ret);
void vault_encode_entry(const struct vault_entry *e, uint8_t ret[static VAULT_ENTRY_BYTES]);

/* --- device part: a row of records, type, length, value --- */

enum vault_item_type {
	VAULT_END = 0,
	VAULT_DEVICE = 1,      /* no value; options follow */
	VAULT_MEDIUM = 2,      /* name NUL kind NUL */
	VAULT_OPTION = 3,      /* of the item before it: name NUL value NUL */
	VAULT_VOLUME = 4,      /* le32 flags, name NUL slot NUL */
	VAULT_EXTENT = 5,      /* of the volume before it: struct vault_extent_item */
	VAULT_LAYER = 6,       /* of the volume before it: kind NUL */
	VAULT_SOURCE = 7,      /* of the layer before it: struct vault_source_item */
	VAULT_LEARNED = 8,     /* of the layer before it: name NUL value NUL */
	VAULT_KEYSTORE = 32,   /* name NUL backend NUL; options follow */
	VAULT_SEALED = 33,     /* keystore's name NUL, then the backend's blob */
	VAULT_KEY = 34,        /* struct vault_key_item */
	VAULT_KEYS_FOR = 35,   /* digest of the plan that they were drawn for, le64 generation */
	VAULT_MAC = 36,        /* keystore's name NUL, then struct vault_mac_item; last of all */
	VAULT_KEY_BLOB = 37,   /* struct vault_key_blob_item: a key that only the kernel opens */
	VAULT_ESCROW = 38,     /* struct vault_escrow_item */
	VAULT_ESCROW_KEY = 39, /* of the escrow before it: struct vault_key_item */
};
#define VAULT_ITEM_OPTIONAL 0x8000 /* set in a type: who does not know it skips it */
enum { VAULT_VOLUME_RESERVED = 1, VAULT_VOLUME_SHARED = 2, VAULT_VOLUME_FORGOTTEN = 4 };

struct vault_item {
	unsigned type;
	const uint8_t *value; /* into the bytes given */
	size_t len;
};
/* 1 and *@ret; 0 at the end; -ENOTSUP where an item of an unknown type, which only a newer holdfast
 * writes, may not be skipped (*@ret is that one); -EINVAL, also where anything but MACs stands
 * between a MAC and the end, or anything behind that. Begin with *@at = 0. */
int vault_next_item(const uint8_t *bytes, size_t len, size_t *at, struct vault_item *ret);
/* The items of keys and of what guards them: lib/keyring's. */
bool vault_item_is_of_keys(unsigned type);
/* The @n strings of an item, NUL-terminated each, in a row, and nothing after them. */
int vault_item_strings(const uint8_t *bytes, size_t len, const char **ret, size_t n);

struct vault_extent_item {
	uint32_t role, number;             /*  0,  4 of the partition, from 1; 0: in no table */
	uint64_t offset_bytes, size_bytes; /*  8, 16 */
	struct uuid uuid, type;            /* 24, 40 */
	char label[37];                    /* 56 */
};
#define VAULT_EXTENT_BYTES 96
int vault_decode_extent(const uint8_t *bytes, size_t len, struct vault_extent_item *ret);
void vault_encode_extent(const struct vault_extent_item *e, uint8_t ret[static VAULT_EXTENT_BYTES]);

struct vault_source_item {
	uint8_t digest[32];                    /*  0 */
	uint64_t content_bytes, minimum_bytes; /* 32, 40 */
	char tool[64];                         /* 48 "" if none was involved */
};
#define VAULT_SOURCE_BYTES 112
int vault_decode_source(const uint8_t *bytes, size_t len, struct vault_source_item *ret);
void vault_encode_source(const struct vault_source_item *s, uint8_t ret[static VAULT_SOURCE_BYTES]);

/* A volume key, wrapped by AES-256-GCM under the KEK of its keystore. The associated data name
 * keystore, volume and layer: a record that was moved does not unwrap. */
#define VAULT_WRAPPED_MAX 128
struct vault_key_item {
	uint32_t layer;                     /*   0 index in its volume, bottom first */
	uint32_t purpose;                   /*   4 enum key_purpose */
	uint32_t len;                       /*   8 of the key, and of what is wrapped */
	uint8_t nonce[12], tag[16];         /*  12, 24 */
	uint8_t wrapped[VAULT_WRAPPED_MAX]; /*  40 */
	char keystore[32], volume[64];      /* 168, 200 full name */
};
#define VAULT_KEY_BYTES 264
int vault_decode_key(const uint8_t *bytes, size_t len, struct vault_key_item *ret);
void vault_encode_key(const struct vault_key_item *k, uint8_t ret[static VAULT_KEY_BYTES]);

/* A volume key as its backend guards it, for the kernel to open; of any length. */
#define VAULT_KEY_BLOB_HEADER 112
#define VAULT_KEY_BLOB_MAX    4096
struct vault_key_blob_item {
	uint32_t layer, purpose;       /*   0,  4 as above */
	uint32_t len;                  /*   8 of the key */
	size_t blob_len;               /*  12 */
	char keystore[32], volume[64]; /*  16, 48 */
	const uint8_t *blob;           /* 112 into the bytes given */
};
int vault_decode_key_blob(const uint8_t *bytes, size_t len, struct vault_key_blob_item *ret);
/* The bytes before the blob. */
void vault_encode_key_blob(const struct vault_key_blob_item *k,
			   uint8_t ret[static VAULT_KEY_BLOB_HEADER]);

/* Volume keys that are wrapped under a recovery key which somebody else keeps; they follow as
 * VAULT_ESCROW_KEY. */
#define VAULT_NONCE_BYTES 32
struct vault_escrow_item {
	bool confirmed; /*  0 the keeper of the recovery key has proved to have it */
	uint8_t nonce[VAULT_NONCE_BYTES]; /*  8 */
	uint8_t receipt_sha256[32];       /* 40 of the receipt that proves it */
	char volume[64];                  /* 72 full name */
};
#define VAULT_ESCROW_BYTES 136
/* -ENOTSUP: of a newer version. */
int vault_decode_escrow(const uint8_t *bytes, size_t len, struct vault_escrow_item *ret);
void vault_encode_escrow(const struct vault_escrow_item *e, uint8_t ret[static VAULT_ESCROW_BYTES]);

/* MAC over every byte before the first MAC item, then one MAC of each item, to tell which one was
 * changed. The key comes from the device secret. */
#define VAULT_MAC_BYTES      32
#define VAULT_ITEM_MAC_BYTES 16

#endif
