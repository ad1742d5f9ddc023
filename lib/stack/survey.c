/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of a layout are. */
#include <errno.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "model/key.h"
#include "model/layer.h"
#include "stack/survey.h"

int stack_bound(const struct volume *v, struct bound *ret)
{
	const struct layer *l = volume_bottom(v);

	*ret = (struct bound){.kind = BOUND_AUTO};
	return l->ops->bound ? l->ops->bound(l, ret) : 0;
}

/*
 * Is the volume the same on every device? Not when a key has part in it, and not when it is empty
 * and takes whatever space a device has: such a one is made where its size is known.
 */
static int decide_shared(struct volume *v)
{
	struct bound bound;
	bool contents = false;
	int r = stack_bound(v, &bound);

	volume_each_layer (l, v)
		contents |= l->source.surveyed;
	v->in_shared = !volume_is_secret(v) && (bound.kind != BOUND_FILL || contents);
	return r;
}

/* The facts that a shared image's vault has of a source that is not here. */
static bool take_recorded(struct layer *l, const struct layout *recorded)
{
	const struct volume *v = recorded ? layout_volume(recorded, l->volume->full_name) : NULL;

	if (!v)
		return false;
	volume_each_layer (old, v) {
		if (old->ops != l->ops || !old->source.surveyed)
			continue;
		l->source = old->source;
		l->source.prepared = NULL;
		if (l->source.tool)
			l->source.tool = arena_strdup(&l->volume->layout->arena, l->source.tool);
		return true;
	}
	return false;
}

static int survey_volume(struct volume *v, const struct layout *recorded, struct env *env)
{
	volume_each_layer_down (l, v) {
		size_t mark = diag_count();
		int r;

		LAYER_SCOPE(l);
		r = l->ops->survey ? l->ops->survey(l, env) : 0;
		if (r == -ENOENT && take_recorded(l, recorded)) {
			diag_forget(mark);
			diag_note("source is not here; what the shared image holds is verified "
				  "instead");
			r = 0;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int stack_survey(struct layout *layout, const struct layout *recorded, struct env *env,
		 uint8_t ret_digest[static SHA256_BYTES])
{
	_cleanup_text_ struct text text = {0};

	layout_each_volume (v, layout) {
		int r = v->reserved ? 0 : survey_volume(v, recorded, env);

		if (r >= 0)
			r = decide_shared(v);
		if (r < 0)
			return r;
	}
	layout_canonical(layout, &text);
	if (text.failed)
		return diag_no_memory();
	return digest_sha256(text.s, text.len, ret_digest);
}
