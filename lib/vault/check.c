/* SPDX-License-Identifier: Apache-2.0 */
/* Checking a vault, and repairing a damaged copy from the good one. */
#include <errno.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "vault/check.h"
#include "vault/copies.h"
#include "vault/log.h"
#include "vault/private.h"
#include "vault/vault.h"

static int add_copy(struct vault *v, unsigned which, struct report *report)
{
	static const char *const areas[] = {"first copy", "second copy"};
	const struct vault_copy *c = &v->copy[which], *active = vault_active(v);
	struct finding f = {
	    .kind = active && !v->undecided ? FINDING_MENDABLE : FINDING_CORRUPT,
	    .layer = "vault",
	    .area = areas[which],
	    .offset_bytes = v->extent.offset_bytes + v->regions.copy_offset[which],
	    .len_bytes = v->regions.copy_bytes,
	    .text = c->why,
	};

	if (c->good && active->header.sequence == c->header.sequence)
		return 0;
	if (c->good)
		f.text = v->undecided
			     ? "differs from the other one, and only the keystore's hardware "
			       "knows which one counts"
			     : "is not the one that counts";
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

int vault_verify(struct vault *v, struct report *report)
{
	int r = add_copy(v, 0, report);

	if (r >= 0)
		r = add_copy(v, 1, report);
	report->checked_bytes += v->extent.size_bytes;
	return r < 0 ? r : vault_verify_log(v, report);
}

struct mend {
	struct extent vault;
	int from; /* index of the copy that counts: the hardware's choice is not repeated here */
};

static int run_mend(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct mend *m = s->params;
	_cleanup_vault_ struct vault *v = NULL;
	struct vault_payload from;
	int r = vault_open(job->target, m->vault.offset_bytes, m->vault.size_bytes, &v);

	if (r <= 0)
		return r;
	if (!vault_copy_payload(v, m->from, &from))
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the vault's good copy is good no more");
	vault_choose(v, m->from);
	return vault_commit(v, from.bytes, from.len, NULL);
}

static const struct step_ops mend_step = {"mend vault", STEP_REDO, run_mend, NULL};

int vault_plan_repair(struct vault *v, struct plan *plan)
{
	const struct vault_copy *active = vault_active(v);
	struct mend *m = arena_new(&plan->arena, struct mend);
	struct step step = {.ops = &mend_step, .subject = "vault", .params = m};

	if (!m)
		return diag_no_memory();
	if (v->undecided) {
		diag_note("the vault's copies differ, and only the keystore's hardware knows which "
			  "one counts: they are left alone");
		return 0;
	}
	if (!active || (v->copy[0].good && v->copy[1].good &&
			v->copy[0].header.sequence == v->copy[1].header.sequence))
		return 0;
	*m = (struct mend){.vault = v->extent, .from = active == &v->copy[1]};
	step.detail = m->from == 0 ? "second copy from the first" : "first copy from the second";
	return plan_add(plan, &step);
}
