/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning: from the state of the target to a plan that is run, resumed or refused. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/hex.h"
#include "target/provision.h"
#include "kernel/blkdev.h"
#include "stack/plan.h"
#include "stack/probe.h"
#include "stack/survey.h"
#include "keyring/record.h"
#include "target/commit.h"
#include "vault/find.h"
#include "vault/layout.h"

/* The layout of a shared image, unless a newer holdfast made it. */
static int read_from(struct provisioning *p, struct vault *vault)
{
	int r = vault_refuse_newer(vault), found;

	if (r < 0)
		return r;
	found = r = vault_read_layout(vault, p->request->kinds, &p->from_layout);
	if (r == 1)
		r = keyring_refuse_newer(vault, p->from_layout);
	return r < 0 ? r : found;
}

/* A shared image given with --from: complete, and its layout readable. */
static int open_from(struct provisioning *p, struct env *env, struct vault_begun *ret_begun)
{
	const char *path = p->request->from;
	_cleanup_vault_ struct vault *vault = NULL;
	int found = 0, r = io_open_file(path, IO_LOCK, &p->from);
	DIAG_SCOPE("%s", path);

	if (r >= 0)
		r = vault_find(p->from, &vault);
	if (r == 1)
		r = found = read_from(p, vault);
	if (r < 0)
		return r;
	if (!vault || !vault_begun(vault, ret_begun) || !ret_begun->shared || !ret_begun->complete)
		return diag_fail(DIAG_SOURCE, EINVAL, "%s is not a complete shared image%s", path,
				 ret_begun->shared ? ": it was not finished" : "");
	return found ? 0 : diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: its vault has no layout", path);
}

static int open_target(struct provisioning *p, struct env *env)
{
	const struct provision_request *q = p->request;
	int r;

	if (!q->target_path)
		return 0;
	r = q->dry_run ? target_open(&p->target, q->target_path, 0, env)
		       : target_create(&p->target, q->target_path, env);
	if (r < 0)
		return r;
	p->target.vault_hint = p->layout->vault.extent;
	return target_identify(&p->target, q->kinds);
}

static bool same_layout(const struct vault_begun *begun, const uint8_t *digest)
{
	return begun->digest_rule == LAYOUT_DIGEST_RULE &&
	       memcmp(begun->layout_digest, digest, SHA256_BYTES) == 0;
}

/* Seeds fix public values only. What was begun keeps its own; a layout's seed fixes everything. */
static int choose_seed(struct provisioning *p, const struct vault_begun *shared, struct env *env)
{
	const struct target *t = &p->target;
	struct plan *plan = p->plan;
	int r = 0;

	plan->has_seed = true;
	if (t->has_plan && t->state == LIFECYCLE_PROVISIONING) {
		memcpy(plan->seed, t->begun.seed, sizeof(plan->seed));
		memcpy(plan->instance, t->begun.instance, sizeof(plan->instance));
		return 0;
	}
	if (shared)
		memcpy(plan->seed, shared->seed, sizeof(plan->seed));
	else if (p->layout->device.has_seed)
		memcpy(plan->seed, p->layout->device.seed, sizeof(plan->seed));
	else if (p->request->dry_run)
		plan->has_seed = false;
	else
		r = env->random(plan->seed, sizeof(plan->seed));
	if (r >= 0 && !p->layout->device.has_seed && !p->request->dry_run)
		r = env->random(plan->instance, sizeof(plan->instance));
	return r;
}

/* A copy is checked against what the shared image recorded. */
static int take_learned(struct layout *layout, const struct layout *recorded)
{
	layout_each_volume (v, layout) {
		const struct volume *old =
		    v->in_shared ? layout_volume(recorded, v->full_name) : NULL;
		const struct layer *from = old ? volume_bottom(old) : NULL;

		volume_each_layer (l, v) {
			if (!from || from->ops != l->ops)
				break;
			array_each (it, &from->learned) {
				int r = layer_learn(l, it->name, "%s", it->value);

				if (r < 0)
					return r;
			}
			from = from->above;
		}
	}
	return 0;
}

/* Complete, begun, a shared image's copy, or something else? Decides what kind of run this is. */
static int decide(struct provisioning *p, const uint8_t digest[SHA256_BYTES], bool *ret_completion)
{
	const struct target *t = &p->target;
	bool same = t->has_plan && same_layout(&t->begun, digest);

	*ret_completion = p->from != NULL;
	if (t->state == LIFECYCLE_SHARED && same && !p->request->shared)
		*ret_completion = true;
	if (t->state == LIFECYCLE_PROVISIONING && same)
		*ret_completion = t->begun.completion;
	p->done = same && !p->request->n_replace &&
		  ((t->state == LIFECYCLE_PROVISIONED && !p->request->shared) ||
		   (t->state == LIFECYCLE_SHARED && p->request->shared));
	return 0;
}

static int check_expected(const struct provisioning *p)
{
	char layout[2 * SHA256_BYTES + 1], plan[2 * SHA256_BYTES + 1];
	const char *expect = p->request->expect;
	int r;

	hex_encode(p->plan->layout_digest, SHA256_BYTES, layout);
	hex_encode(p->plan->digest, SHA256_BYTES, plan);
	if (!expect || strcasecmp(expect, layout) == 0 || strcasecmp(expect, plan) == 0)
		return 0;
	r = diag_fail(DIAG_DIGEST, EINVAL,
		      "expected digest %s, but the layout's is %s and the plan's %s", expect,
		      layout, plan);
	diag_state("nothing was changed");
	diag_next("compare with `holdfast plan %s`; a source or a mkfs version differs",
		  p->request->layout_path);
	return r;
}

/* What the plan is made for; nothing is asked or answered yet. */
static int new_plan(struct provisioning *p, const uint8_t digest[SHA256_BYTES],
		    const struct vault_begun *shared, struct env *env)
{
	const struct provision_request *q = p->request;
	struct plan *plan = plan_new(p->layout, q->shared ? INTENT_SHARED : INTENT_PROVISION);

	p->plan = plan;
	if (!plan)
		return -ENOMEM;
	memcpy(plan->layout_digest, digest, SHA256_BYTES);
	plan->facts = p->facts;
	plan->from = p->from;
	plan->trust_copy = q->trust_copy;
	plan->retire = q->n_replace > 0;
	plan->sector_bytes = p->target.io ? p->target.io->sector_bytes : 512;
	plan->capacity_bytes = p->target.io ? p->target.io->size_bytes : 0;
	return choose_seed(p, shared, env);
}

/* Where a shared image of this layout has its volumes: the smallest image tells it. */
static int place_shared(struct provisioning *p)
{
	struct plan *shared = plan_new(p->layout, INTENT_SHARED);

	p->shared = shared;
	if (!shared)
		return -ENOMEM;
	shared->facts = p->facts;
	shared->sector_bytes = p->plan->sector_bytes;
	memcpy(shared->seed, p->plan->seed, sizeof(shared->seed));
	p->plan->shared = shared;
	return stack_place(shared);
}

static bool was_begun(const struct provisioning *p, const struct plan *plan)
{
	const struct target *t = &p->target;

	return t->state == LIFECYCLE_PROVISIONING && t->has_plan &&
	       t->begun.digest_rule == LAYOUT_DIGEST_RULE &&
	       memcmp(t->begun.plan_digest, plan->digest, SHA256_BYTES) == 0;
}

/* A run that was begun with --replace can be resumed without it. */
static int try_retiring(struct provisioning *p)
{
	_cleanup_plan_ struct plan *other = NULL;
	int r;

	if (p->target.state != LIFECYCLE_PROVISIONING || p->plan->retire || was_begun(p, p->plan))
		return 0;
	other = plan_fork(p->plan);
	if (!other)
		return -ENOMEM;
	other->retire = true;
	r = stack_plan(other, target_plan_commit);
	if (r >= 0 && was_begun(p, other)) {
		plan_free(p->plan);
		p->plan = TAKE(other);
	}
	return r;
}

/* A run can be resumed only on a target of the same size. */
static int refuse_other_size(const struct provisioning *p)
{
	const struct target *t = &p->target;
	int r;

	if (t->state != LIFECYCLE_PROVISIONING || !t->has_plan || p->resumed ||
	    t->begun.capacity_bytes == p->plan->capacity_bytes || p->request->n_replace ||
	    p->request->dry_run || !same_layout(&t->begun, p->plan->layout_digest))
		return 0;
	r = diag_fail(DIAG_TARGET_SIZE, EFBIG,
		      "%s has %" PRIu64 " bytes, but had %" PRIu64 " when provisioning was begun",
		      t->path, p->plan->capacity_bytes, t->begun.capacity_bytes);
	diag_state("nothing was changed by this run");
	diag_next("give it its size back, or start anew with --replace=all");
	return r;
}

static int make_plan(struct provisioning *p, const uint8_t digest[SHA256_BYTES],
		     const struct vault_begun *shared, bool completion, struct env *env)
{
	int r = new_plan(p, digest, shared, env);

	if (r >= 0 && completion)
		r = place_shared(p);
	if (r >= 0)
		r = stack_place(p->plan);
	if (r < 0)
		return r;
	plan_install(p->plan);
	r = stack_plan(p->plan, target_plan_commit);
	if (r >= 0)
		r = try_retiring(p);
	if (r < 0)
		return r;
	p->resumed = was_begun(p, p->plan);
	return refuse_other_size(p);
}

static int probe_medium(struct provisioning *p)
{
	if (!p->target.io || p->target.io->size_bytes == 0)
		return 0;
	return target_probe(&p->target, p->layout->media[0]->ops, &p->facts);
}

/* What the vault records may have been overwritten since. */
static int check_done(struct provisioning *p)
{
	struct target *t = &p->target;
	struct report report;
	int r;

	report_init(&report);
	r = stack_probe(t->layout, &t->job, &report);
	array_each (f, &report.findings) {
		r = diag_fail(DIAG_CHANGED, EUCLEAN, "volume %s: its %s layer %s", f->volume,
			      f->layer, f->text);
		diag_state("the vault says that %s is complete; nothing was changed", t->path);
		diag_next("holdfast verify %s %s, then lay it out again with --replace=all",
			  t->path, f->volume);
	}
	report_free(&report);
	return r;
}

static int refuse(struct provisioning *p)
{
	if (p->done && !p->request->dry_run)
		return check_done(p);
	if (p->done || p->resumed || !p->facts)
		return 0;
	if (plan_is_completion(p->plan) && !p->from)
		return 0; /* its own shared image is there */
	return replace_check(p->request, &p->target, p->plan);
}

int provision_prepare(struct provisioning *p, const struct provision_request *request,
		      struct env *env)
{
	struct vault_begun from = {0};
	const struct layout *recorded;
	uint8_t digest[SHA256_BYTES];
	bool completion = false;
	int r;

	p->request = request;
	r = layout_read_file(request->layout_path, request->settings, request->n_settings,
			     request->kinds, &p->layout);
	if (r >= 0 && request->from)
		r = open_from(p, env, &from);
	if (r >= 0)
		r = open_target(p, env);
	if (r >= 0)
		r = probe_medium(p);
	recorded = p->from_layout ? p->from_layout : p->target.layout;
	if (r >= 0)
		r = stack_survey(p->layout, recorded, env, digest);
	if (r >= 0 && p->from)
		r = replace_check_rule(&from, request->from);
	if (r >= 0 && p->from && !same_layout(&from, digest))
		r = diag_fail(DIAG_DIGEST, EINVAL,
			      "%s was made from another layout or other sources", request->from);
	if (r >= 0)
		r = decide(p, digest, &completion);
	if (r >= 0 && completion && recorded)
		r = take_learned(p->layout, recorded);
	if (r >= 0)
		r = make_plan(p, digest,
			      p->from      ? &from
			      : completion ? &p->target.begun
					   : NULL,
			      completion, env);
	if (r >= 0)
		r = check_expected(p);
	return r < 0 ? r : refuse(p);
}

static int begin(struct provisioning *p)
{
	const struct plan *plan = p->plan;
	const struct extent *place = &p->layout->vault.extent;
	struct vault_begun begun = {
	    .shared = plan->why == INTENT_SHARED,
	    .completion = plan_is_completion(plan),
	    .capacity_bytes = plan->capacity_bytes,
	    .steps = (uint32_t)plan->steps.n,
	};

	memcpy(begun.seed, plan->seed, sizeof(begun.seed));
	memcpy(begun.instance, plan->instance, sizeof(begun.instance));
	memcpy(begun.layout_digest, plan->layout_digest, SHA256_BYTES);
	memcpy(begun.plan_digest, plan->digest, SHA256_BYTES);
	p->target.vault = vault_close(p->target.vault);
	return vault_begin(p->target.io, place->offset_bytes, place->size_bytes, &begun,
			   &p->target.vault);
}

/* An image file that is to be made gets its size, sparse. */
static int give_size(struct provisioning *p)
{
	struct io *io = p->target.io;
	int r = 0;

	if (io->size_bytes < p->plan->capacity_bytes)
		r = io_resize(io, p->plan->capacity_bytes);
	return r < 0 ? diag_io(-r, io->name) : 0;
}

static int put_in_place(struct provisioning *p)
{
	struct target *t = &p->target;

	return t->work_path ? file_rename(t->work_path, t->path) : 0;
}

static int fail_in_use(const struct target *t, const char *who)
{
	int r = diag_fail(DIAG_IN_USE, EBUSY, "%s is in use: %s", t->path, who);

	diag_state("nothing was changed by this run");
	diag_next("holdfast close %s, or unmount it, then run the same command again", t->path);
	return r;
}

/* A device completes itself while it runs from one of its volumes: then only the ranges that are
 * written must be free. All else wants the whole device, so does taking away the table that the
 * next boot would need. */
static int refuse_in_use(const struct provisioning *p)
{
	const struct target *t = &p->target;
	char who[256] = "held by another program";
	int r = 0;

	if (!io_is_block_device(t->io) || io_is_exclusive(t->io))
		return 0;
	if (!plan_is_completion(p->plan) || p->plan->retire) {
		r = blkdev_in_use(t->path, 0, p->plan->capacity_bytes, who);
		return r < 0 ? r : fail_in_use(t, who);
	}
	for (size_t i = 0; i < p->plan->steps.n && r == 0; i++) {
		const struct step *s = &p->plan->steps.v[i];

		if (s->target.size_bytes)
			r = blkdev_in_use(t->path, s->target.offset_bytes, s->target.size_bytes,
					  who);
	}
	return r == 1 ? fail_in_use(t, who) : r;
}

/* The kernel should see the new table at once; where it cannot, opening maps what it needs. */
static int tell_kernel(struct provisioning *p)
{
	const struct plan *plan = p->plan;
	struct blkdev_entry entries[REQUESTS_MAX];
	size_t n = 0;
	int r;

	if (!io_is_block_device(p->target.io) || p->layout->media[0]->ops->provides != PLACE_GPT)
		return 0;
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct request *q = &plan->requests[i];

		if (q->in_table)
			entries[n++] = (struct blkdev_entry){q->number, q->placed.offset_bytes,
							     q->placed.size_bytes};
	}
	r = blkdev_update(io_fd(p->target.io), p->target.path, entries, n);
	if (r == -EBUSY)
		diag_warn("%s: the kernel keeps its old partitions while they are in use; start "
			  "the device anew to see the new ones",
			  p->target.path);
	return 0;
}

int provision_run(struct provisioning *p, const struct execute_events *events)
{
	int r;

	if (p->done) /* the cut may have come just before an image file got its name */
		return put_in_place(p);
	r = refuse_in_use(p);
	if (r >= 0 && !p->resumed)
		r = provision_refuse_wiped(p);
	if (r >= 0)
		r = give_size(p);
	if (r >= 0 && !p->resumed)
		r = begin(p);
	if (r >= 0)
		r = provision_make_keys(p);
	if (r >= 0)
		r = execute(p->plan, &p->target.job, vault_journal(p->target.vault), events);
	if (r >= 0)
		r = vault_finish(p->target.vault);
	if (r >= 0)
		r = tell_kernel(p);
	return r < 0 ? r : put_in_place(p);
}

void provision_free(struct provisioning *p)
{
	target_close(&p->target);
	plan_free(p->plan);
	plan_free(p->shared);
	layout_free(p->layout);
	layout_free(p->from_layout);
	io_close(p->from);
	*p = (struct provisioning){0};
}
