/* SPDX-License-Identifier: Apache-2.0 */
/* --prefix, --mount: what open, close and status have in common. */
#include <errno.h>
#include <string.h>

#include "cmd/cli/open-arguments.h"

int open_arguments(const struct call *c, struct open_how *ret)
{
	const char *prefix = call_value(c, "prefix");

	*ret = (struct open_how){
	    .dm_prefix = prefix ? prefix : "holdfast",
	    .mount_below = call_value(c, "mount"),
	    .read_only = call_has(c, "read-only"),
	};
	if (prefix &&
	    (!*prefix || strlen(prefix) > 32 || strchr(prefix, '/') || strchr(prefix, ' ')))
		return diag_fail(DIAG_USAGE, EINVAL,
				 "--prefix %s: 1 to 32 characters without / and space", prefix);
	if (ret->mount_below && ret->mount_below[0] != '/')
		return diag_fail(DIAG_USAGE, EINVAL, "--mount %s: give the whole path, from / on",
				 ret->mount_below);
	return 0;
}

int open_volumes(const struct call *c, const struct target *t,
		 struct volume *ret[static VOLUMES_MAX])
{
	/* A device that others laid out is one volume, without a table. */
	bool bare = !t->layout_from_vault && t->layout->n_volumes == 1;
	int n = 0;

	for (size_t i = 1; i < c->n_args; i++) {
		ret[n] = target_volume(t, c->args[i]);
		if (!ret[n++])
			return -ENOENT;
	}
	if (c->n_args > 1)
		return n;
	layout_each_volume (v, t->layout) {
		if (!v->reserved && (v->pieces[ROLE_DATA].number || bare))
			ret[n++] = v;
	}
	return n;
}
