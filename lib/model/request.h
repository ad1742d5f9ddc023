/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a medium, and where it put it. */
#ifndef HOLDFAST_MODEL_REQUEST_H
#define HOLDFAST_MODEL_REQUEST_H

#include "model/layout.h"

enum request_kind {
	REQUEST_VOLUME, /* a role of a volume */
	REQUEST_VAULT,  /* the vault: at a fixed place */
	REQUEST_KEEP,   /* a vendor's partition that stays where it is; made by the medium itself */
};

struct request {
	enum request_kind kind;
	struct volume *volume; /* REQUEST_VOLUME */
	enum role role;
	struct where where; /* for messages */
	const char *what;   /* "volume root:a, hash"; in the plan's arena */

	uint64_t size_bytes;  /* wanted; the least when @fill */
	uint64_t align_bytes; /* at least this; 0: the medium's own */
	bool fill;            /* takes what is left; at most one of a medium */
	bool has_offset;
	uint64_t offset_bytes; /* with has_offset: exactly there */

	bool in_table;   /* gets an entry where the medium has a table */
	unsigned number; /* entry wanted, from 1; 0: any */
	char label[112]; /* our own: ASCII, at most 36 characters; kept ones: UTF-8 */
	struct uuid type;
	struct uuid uuid; /* nil: learnt from the root hash when the table is written */
	uint64_t flags;   /* GPT attribute bits */

	struct extent placed; /* the answer */
};

#endif
