/* SPDX-License-Identifier: Apache-2.0 */
/* Cheap evidence that volumes are what was laid out. */
#include <errno.h>

#include "base/diag.h"
#include "model/key.h"
#include "stack/probe.h"

static int report_difference(const struct layer *l, enum probe_result result, struct report *report)
{
	static const char *const texts[] = {
	    [PROBE_ABSENT] = "is not there: nothing of its kind is where it was laid out",
	    [PROBE_DAMAGED] = "is damaged",
	    [PROBE_FOREIGN] = "is another one than was laid out",
	};

	return layer_report(l, report, FINDING_WRONG, "layer", 0,
			    l->volume->pieces[ROLE_DATA].extent.size_bytes, texts[result]);
}

/* 1: it is what was laid out, 0: a finding tells that it is not. */
static int probe_layer(const struct layer *l, struct job *job, struct report *report)
{
	enum probe_result result = PROBE_MATCHES;
	size_t mark = diag_count();
	int r = l->ops->probe ? l->ops->probe(l, job, &result) : 0;

	if (r == -EIO) {
		diag_forget(mark);
		return layer_report(l, report, FINDING_UNREADABLE, "layer", 0,
				    l->volume->pieces[ROLE_DATA].extent.size_bytes,
				    "cannot be read");
	}
	if (r < 0)
		return r;
	return result == PROBE_MATCHES ? 1 : report_difference(l, result, report);
}

/* What is above a layer with a key shows only with the key. */
static bool is_keyed(const struct layer *l)
{
	const struct layer_key_ops *keys = l->ops->keys;

	return layer_key_bytes(l, KEY_VOLUME) || (keys && keys->external && keys->external(l));
}

int stack_probe(const struct layout *layout, struct job *job, struct report *report)
{
	layout_each_volume (v, layout) {
		if (v->reserved || v->absent || v->forgotten ||
		    !v->pieces[ROLE_DATA].extent.size_bytes)
			continue;
		volume_each_layer (l, v) {
			LAYER_SCOPE(l);
			int r = probe_layer(l, job, report);

			if (r < 0)
				return r;
			if (r == 0 || is_keyed(l))
				break;
		}
	}
	return 0;
}
