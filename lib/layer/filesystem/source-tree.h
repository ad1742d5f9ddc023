/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a source: its digest, its size, and whether it changed meanwhile. */
#ifndef HOLDFAST_LAYER_SOURCE_TREE_H
#define HOLDFAST_LAYER_SOURCE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

struct source_tree {
	uint8_t digest[32]; /* of names, types, modes, owners, links, devices, xattrs and contents;
			     * not of times, which every file system gets fixed */
	uint8_t
	    stamp[32]; /* of sizes, inode numbers and change times: differs once anything changes */
	uint64_t entries;
	uint64_t file_bytes; /* contents, each file rounded up to 4096 */
	bool special;        /* holds something that is neither file nor directory */
	bool foreign_owner;  /* something belongs to another user than the caller */
};

/* Walks @path without following symbolic links. With @all_root owners do not count. -ENOENT when
 * it is not there; speaks. */
int source_tree_read(const char *path, bool all_root, struct env *env, struct source_tree *ret);
/* Only the stamp: quick. 0 the same, 1 changed, -errno. */
int source_tree_changed(const char *path, const struct source_tree *before, struct env *env);

#endif
