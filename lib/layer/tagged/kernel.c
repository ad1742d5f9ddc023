/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity through the kernel, once the superblock on the medium was found to be ours. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "kernel/dm.h"
#include "layer/mapping.h"
#include "layer/tagged/kernel.h"
#include "stack/attach.h"

int tags_refuse_changed(const struct layer *l, struct job *job, const struct tags *t)
{
	_cleanup_attached_ struct attached a = {0};
	const char *why = NULL;
	struct io *place;
	int r = layer_attach_below(l, job, ATTACH_READ_RAW, &a, &place);

	if (r >= 0)
		r = tags_judge(t, place, &why);
	return r < 0 || !why ? r : layer_refuse_changed(l, job, "integrity superblock", why);
}

static unsigned count_words(const char *s)
{
	unsigned n = 0;

	for (bool in = false; *s; s++) {
		n += *s != ' ' && !in;
		in = *s != ' ';
	}
	return n;
}

/* Documentation/admin-guide/device-mapper/dm-integrity.rst. What the superblock has (journal's
 * sections, interleave) the kernel takes from there: we have just compared it. */
int tags_map_as(const char *name, const struct tags *t, const struct place *below, const char *hash,
		struct place *ret)
{
	static const char modes[] = {
	    [INTEGRITY_JOURNAL] = 'J', [INTEGRITY_BITMAP] = 'B', [INTEGRITY_DIRECT] = 'D'};
	char params[MAPPING_PARAMS_SIZE], uuid[128];
	struct mapping_target target = {.len_bytes = tags_data_bytes(t),
					.type = "integrity",
					.params = params,
					.secret = strchr(hash, ':') != NULL};
	struct place place = {
	    .kind = PLACE_BYTES, .size_bytes = target.len_bytes, .read_only = below->read_only};
	int r;

	snprintf(params, sizeof(params), "%s %" PRIu64 " %u %c %u block_size:%u%s%s", below->path,
		 t->offset_bytes / 512, t->sb.tag_bytes, modes[t->params.mode],
		 1 + count_words(hash), t->params.sector_bytes, *hash ? " " : "", hash);
	snprintf(place.dm_name, sizeof(place.dm_name), "%s", name);
	snprintf(uuid, sizeof(uuid), MAPPING_UUID_PREFIX "INTEGRITY-%.100s", place.dm_name);
	r = mapping_make(place.dm_name, uuid, place.read_only, &target, 1, place.path);
	explicit_bzero(params, sizeof(params));
	if (r >= 0)
		*ret = place;
	return r;
}

int tags_map(const struct layer *l, const struct open_how *how, const struct tags *t,
	     const struct place *below, const char *hash, const char *suffix, struct place *ret)
{
	char name[MAPPING_NAME_SIZE];

	mapping_name_of_layer(l, how, suffix, name);
	return tags_map_as(name, t, below, hash, ret);
}
