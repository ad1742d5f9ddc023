/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of a check: what is wrong, exactly where. */
#ifndef HOLDFAST_MODEL_REPORT_H
#define HOLDFAST_MODEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/text.h"

enum finding_kind {
	FINDING_CORRUPT,    /* bytes do not match their hash, tag or checksum */
	FINDING_UNPROVEN,   /* cannot be checked because what vouches for it is corrupt */
	FINDING_UNREADABLE, /* the device failed to read it */
	FINDING_MENDABLE,   /* corrupt or missing, but a good copy exists: `recovery repair` */
	FINDING_WRONG,      /* readable and intact, but not what it must be (a size, an identity) */
};

/* One range, or several neighbouring ones of the same kind and area put together. */
struct finding {
	enum finding_kind kind;
	const char *volume;    /* full name; "" for the medium or the vault */
	const char *layer;     /* "verity", "gpt", "vault" */
	const char *area;      /* "data", "hash level 0", "superblock", "primary header" */
	uint64_t offset_bytes; /* on the target */
	uint64_t len_bytes;    /* 0: not a range */
	uint64_t blocks;       /* how many blocks the range holds; 1 unless put together */
	const char *text;      /* a sentence */
};

struct report {
	struct arena arena;
	ARRAY(struct finding) findings;
	uint64_t checked_bytes;
	uint64_t volumes_checked;
	ARRAY(const char *) notes; /* what was not checked, and why */
};

void report_init(struct report *r);
void report_free(struct report *r);

/* Appends, or extends the last finding where this one is its neighbour (same kind, volume, layer,
 * area, and text). @f's texts are copied. 0 or -ENOMEM. Not thread-safe. */
int report_add(struct report *r, const struct finding *f);
int report_note(struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *finding_kind_name(enum finding_kind kind); /* "corrupt" … for JSON */
/* Whether everything found can be mended from good copies. */
bool report_mendable(const struct report *r);

#endif
