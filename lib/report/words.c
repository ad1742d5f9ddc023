/* SPDX-License-Identifier: Apache-2.0 */
/* Plans, reports and layouts in words: what a person reads. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "model/layer.h"
#include "report/words.h"

static void words_partition(const struct request *r, struct text *to)
{
	char size[SIZE_TEXT_SIZE];

	size_print(r->placed.size_bytes, size);
	text_add(to, "  %15" PRIu64 "  %15" PRIu64 "  %11s  %s%s\n", r->placed.offset_bytes,
		 r->placed.size_bytes, size, r->what,
		 r->kind == REQUEST_KEEP ? " (kept as it is)"
		 : r->in_table           ? ""
					 : " (not in the table)");
}

static void words_step(const struct step *s, size_t number, struct text *to)
{
	char work[SIZE_TEXT_SIZE] = "";

	if (s->work_bytes)
		size_print(s->work_bytes, work);
	text_add(to, " %3zu  %-7s  %-10s  %-10s  %-18s %11s  %s%s\n", number,
		 step_effect_name(s->ops->effect), s->subject, s->layer ? s->layer->ops->name : "-",
		 s->ops->name, work, s->detail, s->skip ? " (done already)" : "");
}

/* What the volumes' contents do not get: tables, trees, the vault, gaps. */
static void words_overhead(const struct plan *plan, struct text *to)
{
	uint64_t contents = 0;
	char size[SIZE_TEXT_SIZE];

	for (size_t i = 0; i < plan->n_requests; i++) {
		if (plan->requests[i].kind == REQUEST_VOLUME && plan->requests[i].role == ROLE_DATA)
			contents += plan->requests[i].placed.size_bytes;
	}
	if (contents > plan->capacity_bytes)
		return;
	size_print(plan->capacity_bytes - contents, size);
	text_add(to, "overhead       %s of tables, vault, hash trees, kept and free space\n", size);
}

void words_plan(const struct plan *plan, struct text *to)
{
	char hex[2 * SHA256_BYTES + 1], size[SIZE_TEXT_SIZE];
	uint64_t written = 0;

	hex_encode(plan->layout_digest, SHA256_BYTES, hex);
	text_add(to, "layout digest  %s\n", hex);
	hex_encode(plan->digest, SHA256_BYTES, hex);
	text_add(to, "plan digest    %s%s\n", hex,
		 plan->has_seed ? "" : " (the seed will be drawn when provisioning begins)");
	size_print(plan->capacity_bytes, size);
	text_add(to, "target         %" PRIu64 " bytes (%s), sectors of %u\n", plan->capacity_bytes,
		 size, plan->sector_bytes);
	text_add(to, "\n  %15s  %15s\n", "offset", "bytes");
	for (size_t i = 0; i < plan->n_requests; i++)
		words_partition(&plan->requests[i], to);
	text_add(to, "\nsteps\n");
	for (size_t i = 0; i < plan->steps.n; i++) {
		words_step(&plan->steps.v[i], i + 1, to);
		written += plan->steps.v[i].work_bytes;
	}
	size_print(written, size);
	text_add(to, "\nwrites at most %s (holes in sources are not written)\n", size);
	words_overhead(plan, to);
	array_each (lost, &plan->lost)
		text_add(to, "would be lost: %s\n", *lost);
}

void words_finding(const struct finding *f, struct text *to)
{
	text_add(to, "%s: %s%s%s %s", finding_kind_name(f->kind), f->volume, *f->volume ? ": " : "",
		 f->layer, f->area);
	if (f->len_bytes)
		text_add(to, ", bytes %" PRIu64 " to %" PRIu64, f->offset_bytes,
			 f->offset_bytes + f->len_bytes - 1);
	if (f->blocks > 1)
		text_add(to, " (%" PRIu64 " blocks)", f->blocks);
	text_add(to, ": %s\n", f->text);
}

void words_report(const struct report *report, struct text *to)
{
	char size[SIZE_TEXT_SIZE];

	array_each (f, &report->findings)
		words_finding(f, to);
	array_each (note, &report->notes)
		text_add(to, "note: %s\n", *note);
	size_print(report->checked_bytes, size);
	text_add(to, "%" PRIu64 " volume%s and %s checked: ", report->volumes_checked,
		 report->volumes_checked == 1 ? "" : "s", size);
	if (report->findings.n)
		text_add(to, "%zu finding%s\n", report->findings.n,
			 report->findings.n == 1 ? "" : "s");
	else
		text_add(to, "nothing wrong\n");
}

void words_volumes(const struct layout *layout, struct text *to)
{
	for (size_t i = 0; i < layout->n_volumes; i++) {
		const struct volume *v = layout->volumes[i];
		char size[SIZE_TEXT_SIZE];

		size_print(v->pieces[ROLE_DATA].extent.size_bytes, size);
		text_add(to, "  %-16s %11s  ", v->full_name, size);
		for (size_t j = 0; j < v->n_layers; j++)
			text_add(to, "%s%s", j ? " > " : "", v->layers[j]->ops->name);
		text_add(to, "%s\n", v->reserved ? " (reserved)" : "");
	}
}
