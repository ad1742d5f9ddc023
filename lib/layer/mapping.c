/* SPDX-License-Identifier: Apache-2.0 */
/* Names of mappings. */
#include <stdio.h>

#include "layer/mapping.h"

void mapping_name_of_volume(const struct volume *v, const struct open_how *how, const char *suffix,
			    char ret[static MAPPING_NAME_SIZE])
{
	snprintf(ret, MAPPING_NAME_SIZE, "%s-%s%s%s%s%s", how->dm_prefix, v->name,
		 v->slot ? "-" : "", v->slot ? v->slot : "", suffix ? "." : "",
		 suffix ? suffix : "");
}

static bool is_topmost(const struct layer *l)
{
	for (const struct layer *a = l->above; a; a = a->above) {
		if (a->ops->provides != PLACE_DIRECTORY && a->ops->kernel && a->ops->kernel->open)
			return false;
	}
	return true;
}

void mapping_name_of_layer(const struct layer *l, const struct open_how *how, const char *suffix,
			   char ret[static MAPPING_NAME_SIZE])
{
	char both[64];

	if (!is_topmost(l)) {
		snprintf(both, sizeof(both), "%s%s%s", l->ops->name, suffix ? "." : "",
			 suffix ? suffix : "");
		suffix = both;
	}
	mapping_name_of_volume(l->volume, how, suffix, ret);
}
