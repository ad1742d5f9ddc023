/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in what the probe found. */
#include <string.h>

#include "model/facts.h"

const struct partition_facts *facts_partition(const struct medium_facts *f, const char *label)
{
	array_each (p, &f->partitions) {
		if (strcmp(p->label, label) == 0)
			return p;
	}
	return NULL;
}
