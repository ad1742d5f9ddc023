/* SPDX-License-Identifier: Apache-2.0 */
/* What was read from the target before anything is written. */
#ifndef HOLDFAST_MODEL_FACTS_H
#define HOLDFAST_MODEL_FACTS_H

#include "model/layout.h"

/* A partition of the target's present table. */
struct partition_facts {
	unsigned number; /* from 1 */
	struct extent extent;
	struct uuid type;
	struct uuid uuid;
	uint64_t flags;  /* GPT attribute bits */
	char label[112]; /* UTF-8 */
};

enum table_state {
	TABLE_NONE,    /* no partition table, nothing recognisable on the target */
	TABLE_OURS,    /* a GPT; at least one copy is good */
	TABLE_DAMAGED, /* a GPT; neither copy can be used */
	TABLE_FOREIGN, /* another kind of table, or a file system or the like on the bare target */
};

/* What probe() of a medium read; zeroed before, facts_free() after. */
struct medium_facts {
	struct arena arena;
	const void *details; /* the medium's own, for its verify(); in the arena */
	uint64_t capacity_bytes;
	uint32_t sector_bytes;
	enum table_state table;
	const char *foreign; /* TABLE_FOREIGN: what libblkid calls it ("ext4"), in the arena */
	bool primary_good, backup_good;
	bool backup_misplaced; /* the table was made for a smaller target */
	bool mendable;         /* something is wrong that INTENT_REPAIR puts right */
	ARRAY(struct partition_facts) partitions;
};

void facts_free(struct medium_facts *f);
/* By label; NULL: not there. */
const struct partition_facts *facts_partition(const struct medium_facts *f, const char *label);

#endif
