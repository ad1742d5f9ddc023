/* SPDX-License-Identifier: Apache-2.0 */
/* Only what was named with --replace is overwritten. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "target/provision.h"

static bool named(const struct provision_request *request, const char *label)
{
	for (size_t i = 0; i < request->n_replace; i++) {
		if (strcmp(request->replace[i], "all") == 0 ||
		    strcmp(request->replace[i], label) == 0)
			return true;
	}
	return false;
}

static bool kept(const struct plan *plan, const struct partition_facts *f)
{
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct request *r = &plan->requests[i];

		if (r->kind == REQUEST_KEEP && r->placed.offset_bytes == f->extent.offset_bytes &&
		    r->placed.size_bytes == f->extent.size_bytes)
			return true;
	}
	return false;
}

static int note_lost(struct plan *plan, const char *text)
{
	if (!text || array_add(&plan->lost, text) < 0)
		return diag_no_memory();
	return 0;
}

/* A file system or the like on the bare target: has no label, so only "all" names it. */
static int check_bare(const struct provision_request *request, const struct medium_facts *f,
		      const char *path, struct plan *plan)
{
	int r = note_lost(plan, arena_print(&plan->arena, "%s on the bare target",
					    f->foreign ? f->foreign : "a damaged partition table"));

	if (r < 0 || request->dry_run || named(request, "all"))
		return r;
	r = diag_fail(DIAG_FOREIGN, EEXIST, "%s holds %s, which holdfast did not make", path,
		      f->foreign ? f->foreign : "a damaged partition table");
	diag_state("nothing was changed");
	diag_next("check that it is the right device; --replace=all overwrites it");
	return r;
}

static int check_partitions(const struct provision_request *request, const struct medium_facts *f,
			    const char *path, struct plan *plan)
{
	int first = 0;

	array_each (it, &f->partitions) {
		int r;

		if (kept(plan, it))
			continue;
		r = note_lost(plan,
			      arena_print(&plan->arena,
					  "partition %u \"%s\" (%" PRIu64 " bytes at %" PRIu64 ")",
					  it->number, it->label, it->extent.size_bytes,
					  it->extent.offset_bytes));
		if (r < 0)
			return r;
		if (request->dry_run || named(request, it->label))
			continue;
		r = diag_fail(
		    DIAG_GPT_FOREIGN, EEXIST,
		    "%s: partition %u \"%s\" stands there and the layout does not keep it", path,
		    it->number, it->label);
		diag_state("nothing was changed");
		diag_next(
		    "medium { keep = {\"%s\"} } keeps it; --replace=%s or --replace=all gives "
		    "it up",
		    it->label, it->label);
		first = first ? first : r;
	}
	return first;
}

int replace_check_rule(const struct vault_begun *begun, const char *path)
{
	int r;

	if (begun->digest_rule == LAYOUT_DIGEST_RULE)
		return 0;
	r = diag_fail(DIAG_DIGEST_RULE, EUCLEAN,
		      "%s was laid out by an older rule of the layout digest (%u, now %u): "
		      "contents cannot be compared by digest",
		      path, begun->digest_rule, LAYOUT_DIGEST_RULE);
	diag_state("nothing was changed");
	return r;
}

static int refuse_layout(const struct target *t)
{
	int r = t->has_plan ? replace_check_rule(&t->begun, t->path) : 0;

	if (r < 0) {
		diag_next("it opens and verifies as before; --replace=all lays it out again");
		return r;
	}
	if (t->state == LIFECYCLE_PROVISIONING || t->state == LIFECYCLE_SHARED)
		r = diag_fail(
		    DIAG_DIGEST, EUCLEAN,
		    "%s: %s here, by another plan: the layout, a source, the target's size "
		    "or an option differs from what it was then",
		    t->path,
		    t->state == LIFECYCLE_SHARED ? "a shared image was made"
						 : "provisioning was begun");
	else
		r = diag_fail(DIAG_LIFECYCLE, EEXIST, "%s is %s already, by another layout",
			      t->path, lifecycle_name(t->state));
	diag_state("nothing was changed");
	diag_next("run it with the same layout and sources, or start again with --replace=all");
	return r;
}

/* A vault of another layout, or a plan that was begun and is not this one. */
static int check_vault(const struct provision_request *request, const struct target *t,
		       struct plan *plan)
{
	const char *what = "what another layout laid out here";
	int r;

	if (t->has_plan && t->begun.digest_rule != LAYOUT_DIGEST_RULE)
		what = "what was laid out here by an older rule of the layout digest";
	else if (t->state == LIFECYCLE_PROVISIONING)
		what = "what another plan began here";
	r = note_lost(plan, what);
	return r < 0 || request->dry_run || named(request, "all") ? r : refuse_layout(t);
}

/* What a newer holdfast made has a label of its own: nothing else gives it up, not even for a look
 * at the plan. */
static int check_newer(const struct provision_request *request, const struct target *t,
		       struct plan *plan)
{
	for (size_t i = 0; i < request->n_replace; i++) {
		if (strcmp(request->replace[i], "newer") == 0)
			return note_lost(plan, "what a newer holdfast made here");
	}
	return target_refuse_newer(t);
}

int replace_check(const struct provision_request *request, const struct target *t,
		  struct plan *plan)
{
	if (t->state == LIFECYCLE_NEWER)
		return check_newer(request, t, plan);
	if (t->vault && t->state != LIFECYCLE_BLANK)
		return check_vault(request, t, plan);
	switch (plan->facts->table) {
	case TABLE_FOREIGN:
	case TABLE_DAMAGED:
		return check_bare(request, plan->facts, t->path, plan);
	case TABLE_OURS:
		return check_partitions(request, plan->facts, t->path, plan);
	case TABLE_NONE:
		break;
	}
	return 0;
}
