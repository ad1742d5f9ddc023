/* SPDX-License-Identifier: Apache-2.0 */
/* A device as it will be after its journal was replayed. */
#ifndef HOLDFAST_FILEMAP_EXT4_REPLAY_H
#define HOLDFAST_FILEMAP_EXT4_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/io.h"

struct ext4_replayed {
	uint64_t block;   /* of the file system */
	uint64_t journal; /* block of the journal that has its newest contents */
	bool escaped;     /* whose first 4 bytes were the journal's magic */
};
struct ext4_replay {
	struct ext4_replayed *v; /* by block */
	size_t n;
};
/* Opens @below with the replayed blocks in their places, read-only. Takes over the contents of
 * @replay. 0 or -ENOMEM, silent. */
int ext4_replay_open(struct io *below, uint32_t block_bytes, struct ext4_replay *replay,
		     struct io **ret);

#endif
