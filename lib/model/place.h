/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer needs below it and what it provides. */
#ifndef HOLDFAST_MODEL_PLACE_H
#define HOLDFAST_MODEL_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* Kinds are bits, so that a layer can accept several. */
enum place_kind {
	PLACE_NONE = 0,
	PLACE_GPT = 1,
	PLACE_RAW = 2,
	PLACE_BYTES = 4,
	PLACE_BYTES_RO = 8,
	PLACE_DIRECTORY = 16,
	PLACE_SAME = 1 << 30, /* provides: whatever is below */
};

const char *place_kind_name(enum place_kind kind); /* "bytes"; for messages */

/* A place in the running kernel, what open() passes up and close() takes down. */
#define PLACE_PATH_SIZE 256
struct place {
	enum place_kind kind;
	char path[PLACE_PATH_SIZE]; /* device node, or directory */
	char dm_name[128];          /* the mapping to remove at close, "" when none */
	uint64_t size_bytes;        /* bytes places */
	bool read_only;
};

#endif
