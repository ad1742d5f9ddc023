/* SPDX-License-Identifier: Apache-2.0 */
/* Device-mapper mappings: made, asked, removed. The only caller of libdevmapper. */
#ifndef HOLDFAST_KERNEL_DM_H
#define HOLDFAST_KERNEL_DM_H

#include <stdbool.h>
#include <stdint.h>

#define MAPPING_NAME_SIZE   128
#define MAPPING_PARAMS_SIZE 4096
#define MAPPING_UUID_PREFIX "HOLDFAST-"

/* One line of a table. */
struct mapping_target {
	uint64_t start_bytes; /* multiples of 512 */
	uint64_t len_bytes;
	const char *type;   /* "verity", "linear" */
	const char *params; /* as in a table, without start, length and type */
	bool secret;        /* @params has key bytes: buffers on their way are wiped */
};

/*
 * Creates and resumes @name. @uuid (the prefix and more, at most 127 characters) lets close() tell
 * our mappings from others'. -EBUSY when there is one of that name, ours or not (HF-IN-USE).
 * Speaks through diag and translates the kernel's errno (a missing target type, a device in use, a
 * bad table). @ret_path gets "/dev/mapper/NAME"; the node is made where there is no udev.
 */
int mapping_make(const char *name, const char *uuid, bool read_only,
		 const struct mapping_target *targets, unsigned n, char ret_path[static 256]);

/* Removes; 0 also when there is none of ours. Busy: tries for @patience_ms, then HF-IN-USE. */
int mapping_remove(const char *name, unsigned patience_ms);

struct mapping_info {
	bool exists;
	char uuid[129];
	char type[32];                    /* of the first target */
	char params[MAPPING_PARAMS_SIZE]; /* status line of the first target */
	uint32_t major, minor;
	bool read_only;
	int open_count;
};
/* 0 with exists=false when there is none. */
int mapping_query(const char *name, struct mapping_info *ret);

#endif
