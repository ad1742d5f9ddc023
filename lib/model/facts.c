/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe of a medium found. */
#include <string.h>

#include "model/facts.h"

void facts_free(struct medium_facts *f)
{
	array_free(&f->partitions);
	arena_free(&f->arena);
	*f = (struct medium_facts){0};
}

const struct partition_facts *facts_partition(const struct medium_facts *f, const char *label)
{
	array_each (p, &f->partitions) {
		if (strcmp(p->label, label) == 0)
			return p;
	}
	return NULL;
}
