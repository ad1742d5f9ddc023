/* SPDX-License-Identifier: Apache-2.0 */
/* How the engine remembers its progress: implemented by the vault, used by the engine. */
#ifndef HOLDFAST_MODEL_JOURNAL_H
#define HOLDFAST_MODEL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

enum journal_phase {
	JOURNAL_BEGIN = 1,
	JOURNAL_CURSOR = 2,
	JOURNAL_DONE = 3,
};

struct journal_record {
	uint32_t step; /* index in the plan */
	enum journal_phase phase;
	uint64_t cursor;
};

struct journal;
struct journal_ops {
	/* Appends; @durable: and flushes, for which the caller has flushed the target before. Else
	 * it is there after the next flush, or not. */
	int (*append)(struct journal *j, const struct journal_record *record, bool durable);
	/* The last record of @step since the journal was begun: 1 found, 0 none, -errno. */
	int (*last)(struct journal *j, uint32_t step, struct journal_record *ret);
};

struct journal {
	const struct journal_ops *ops;
};

#endif
