/* SPDX-License-Identifier: Apache-2.0 */
/* From a layout to a plan: sizes on their way down, allocation, steps. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "model/layer.h"
#include "model/medium.h"
#include "stack/complete.h"
#include "stack/plan.h"
#include "stack/survey.h"

/* A volume's partitions in the order data, hash, signature, though the top layer asked first. */
static void sort_roles(struct request *r, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j > 0 && r[j].role < r[j - 1].role; j--) {
			struct request swap = r[j];

			r[j] = r[j - 1];
			r[j - 1] = swap;
		}
	}
}

static int request_volume(struct plan *p, struct volume *v)
{
	struct sizing s = {0};
	size_t first = p->n_requests;
	int r = stack_bound(v, &s.bound);

	if (r < 0)
		return r;
	volume_each_layer_down (l, v) {
		LAYER_SCOPE(l);
		r = l->ops->size ? l->ops->size(l, &s, p) : 0;
		if (r < 0)
			return r;
	}
	sort_roles(p->requests + first, p->n_requests - first);
	return 0;
}

static int request_all(struct plan *p)
{
	struct layout *layout = p->layout;
	struct request *vault = plan_request(p, REQUEST_VAULT, NULL, ROLE_DATA);
	int r = 0;

	if (!vault)
		return -E2BIG;
	vault->what = "vault";
	vault->where = layout->vault.where;
	vault->has_offset = true;
	vault->offset_bytes = layout->vault.extent.offset_bytes;
	vault->size_bytes = layout->vault.extent.size_bytes;
	vault->in_table = true;
	memcpy(vault->label, "vault", sizeof("vault"));
	r = plan_derive(p, NULL, "vault partition", vault->uuid.b, sizeof(vault->uuid.b));
	uuid_set_version(&vault->uuid);
	if (r < 0)
		return r;
	layout_each_volume (v, layout) {
		r = request_volume(p, v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int allocate(struct plan *p)
{
	const struct medium *m = p->layout->media[0];

	if (!p->capacity_bytes && p->why != INTENT_SHARED && m->ops->image_bytes)
		p->capacity_bytes = m->ops->image_bytes(m);
	if (!p->capacity_bytes)
		p->capacity_bytes = m->ops->least_bytes(m, p);
	return p->capacity_bytes ? m->ops->allocate(m, p)
				 : -EINVAL; /* least_bytes() gave the message */
}

int stack_place(struct plan *p)
{
	int r = request_all(p);

	return r < 0 ? r : allocate(p);
}

/* --- steps --- */

/* With --replace old contents must not survive in sectors that no step writes. Discarding is only a
 * hint to the device, but the best that flash offers. */
static int run_discard(const struct step *s, struct job *job, struct cursor *cursor)
{
	int r = io_discard(job->target, s->target.offset_bytes, s->target.size_bytes);

	return r < 0 ? io_fail(job->target, r, "discarding", s->target.offset_bytes,
			       s->target.size_bytes)
		     : 0;
}

static const struct step_ops discard_step = {"discard", STEP_REDO, run_discard, NULL};

static int add_discard(struct volume *v, struct plan *p)
{
	const struct step step = {.ops = &discard_step,
				  .volume = v,
				  .subject = v->full_name,
				  .detail = "what stood there",
				  .target = v->pieces[ROLE_DATA].extent};

	return p->retire ? plan_add(p, &step) : 0;
}

/* Ready for contents from the bottom up, then contents, then what makes each layer recognisable. */
static int make_volume(struct volume *v, struct plan *p)
{
	int r = add_discard(v, p);

	if (r < 0)
		return r;
	volume_each_layer (l, v) {
		LAYER_SCOPE(l);
		r = l->ops->prepare ? l->ops->prepare(l, p) : 0;
		if (r < 0)
			return r;
	}
	volume_each_layer_down (l, v) {
		LAYER_SCOPE(l);
		r = l->ops->plan ? l->ops->plan(l, p) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_steps(struct plan *p)
{
	layout_each_volume (v, p->layout) {
		int r;

		if (v->reserved || v->absent)
			continue;
		r = p->shared && v->in_shared ? complete_volume(v, p) : make_volume(v, p);
		if (r < 0)
			return r;
	}
	return 0;
}

int stack_plan(struct plan *p, int (*commit)(struct plan *))
{
	const struct medium *m = p->layout->media[0];
	_cleanup_text_ struct text text = {0};
	int r = p->retire && m->ops->plan_retire ? m->ops->plan_retire(m, p) : 0;

	if (r >= 0)
		r = add_steps(p);
	if (r >= 0)
		r = commit(p);
	if (r >= 0 && m->ops->plan)
		r = m->ops->plan(m, p);
	if (r < 0)
		return r;
	plan_text(p, &text);
	if (text.failed)
		return diag_no_memory();
	return digest_sha256(text.s, text.len, p->digest);
}
