/* SPDX-License-Identifier: Apache-2.0 */
/* Plans, layouts, findings and failures as results, with what people read of them. */
#include <inttypes.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"
#include "model/layer.h"
#include "report/describe.h"

static void extent(struct result *to, const struct extent *e)
{
	result_number(to, "offset", e->offset_bytes);
	result_bytes(to, "size", e->size_bytes);
}

/* --- plans --- */

static void partition(struct result *to, const struct request *r, bool has_seed)
{
	result_text(to, "what", r->what);
	extent(to, &r->placed);
	result_flag(to, "in_table", r->in_table);
	result_flag(to, "kept", r->kind == REQUEST_KEEP);
	if (r->in_table) {
		result_text(to, "label", r->label);
		result_uuid(to, "type", &r->type);
	}
	if (r->in_table && has_seed)
		result_uuid(to, "uuid", &r->uuid);
	result_aside(to, "remark", "%s",
		     r->kind == REQUEST_KEEP ? " (kept as it is)"
		     : r->in_table           ? ""
					     : " (not in the table)");
	result_say(to, "  {offset,15}  {=size,15}  {size,11}  {what}{remark}");
}

static void step(struct result *to, const struct step *s, size_t number)
{
	result_number(to, "step", number);
	result_text(to, "effect", step_effect_name(s->ops->effect));
	result_text(to, "subject", s->subject);
	result_text(to, "layer", s->layer ? s->layer->ops->name : NULL);
	result_text(to, "name", s->ops->name);
	result_text(to, "detail", s->detail);
	if (s->target.size_bytes)
		extent(to, &s->target);
	result_bytes(to, "work", s->work_bytes);
	result_say(to, " {step,3}  {effect,-7}  {subject,-10}  {layer|-,-10}  {name,-18} "
		       "{work|,11}  {detail}");
}

/* What the volumes' contents do not get: tables, trees, the vault, gaps. */
static void overhead(struct result *to, const struct plan *plan)
{
	uint64_t contents = 0;

	for (size_t i = 0; i < plan->n_requests; i++) {
		if (plan->requests[i].kind == REQUEST_VOLUME && plan->requests[i].role == ROLE_DATA)
			contents += plan->requests[i].placed.size_bytes;
	}
	if (contents > plan->capacity_bytes)
		return;
	result_bytes(to, "overhead", plan->capacity_bytes - contents);
	result_say(to, "overhead       {overhead} of tables, vault, hash trees, kept and free "
		       "space");
}

void describe_plan(struct result *to, const struct plan *plan)
{
	struct result *list;
	uint64_t written = 0;

	result_hex(to, "layout_digest", plan->layout_digest, SHA256_BYTES);
	result_hex(to, "plan_digest", plan->digest, SHA256_BYTES);
	result_flag(to, "seed_known", plan->has_seed);
	result_bytes(to, "capacity", plan->capacity_bytes);
	result_number(to, "sector", plan->sector_bytes);
	result_say(to, "layout digest  {layout_digest}");
	result_say(to, "plan digest    {plan_digest}"
		       "{seed_known! (the seed will be drawn when provisioning begins)}");
	result_say(to, "target         {=capacity} bytes ({capacity}), sectors of {sector}");
	result_say(to, "\n           offset            bytes");
	list = result_list(to, "partitions");
	for (size_t i = 0; i < plan->n_requests; i++)
		partition(result_object(list, NULL), &plan->requests[i], plan->has_seed);
	result_say(to, "\nsteps");
	list = result_list(to, "steps");
	for (size_t i = 0; i < plan->steps.n; i++) {
		step(result_object(list, NULL), &plan->steps.v[i], i + 1);
		written += plan->steps.v[i].work_bytes;
	}
	result_bytes(to, "writes", written);
	result_say(to, "\nwrites at most {writes} (holes in sources are not written)");
	overhead(to, plan);
	list = result_list(to, "lost");
	array_each (lost, &plan->lost) {
		result_text(list, NULL, *lost);
		result_say(list, "would be lost: {}");
	}
}

/* --- layouts --- */

static void volume(struct result *to, const struct volume *v, bool say)
{
	static const char *const roles[ROLE_COUNT] = {"data", "hash", "signature"};
	_cleanup_text_ struct text stack = {0};
	char size[SIZE_TEXT_SIZE];
	struct result *list, *o;

	result_text(to, "volume", v->full_name);
	result_flag(to, "reserved", v->reserved);
	list = result_list(to, "extents");
	for (int role = 0; role < ROLE_COUNT; role++) {
		if (!v->pieces[role].extent.size_bytes)
			continue;
		o = result_object(list, NULL);
		result_text(o, "role", roles[role]);
		extent(o, &v->pieces[role].extent);
		result_uuid(o, "uuid", &v->pieces[role].uuid);
		result_uuid(o, "type", &v->pieces[role].type);
		result_text(o, "label", v->pieces[role].label);
		result_number(o, "number", v->pieces[role].number);
	}
	list = result_list(to, "layers");
	volume_each_layer (l, v) {
		o = result_object(list, NULL);
		result_text(o, "layer", l->ops->name);
		array_each (it, &l->learned)
			result_text(o, it->name, it->value);
		if (l->source.surveyed)
			result_hex(o, "source_sha256", l->source.digest, SHA256_BYTES);
		text_add(&stack, "%s%s", l->below ? " > " : "", l->ops->name);
	}
	if (!say)
		return;
	size_print(v->pieces[ROLE_DATA].extent.size_bytes, size);
	result_aside(to, "data_size", "%s", size);
	result_aside(to, "stack", "%s", stack.s ? stack.s : "");
	result_say(to, "  {volume,-16} {data_size,11}  {stack}{reserved? (reserved)}");
}

void describe_layout(struct result *to, const struct layout *layout, bool say)
{
	struct result *list;

	result_text(to, "device", layout->device.name);
	result_text(to, "architecture", layout->device.architecture);
	result_number(to, "version", layout->device.version);
	list = result_list(to, "volumes");
	layout_each_volume (v, layout)
		volume(result_object(list, NULL), v, say);
}

/* --- what is wrong --- */

void describe_finding(struct result *to, const struct finding *f)
{
	result_text(to, "kind", finding_kind_name(f->kind));
	result_text(to, "volume", *f->volume ? f->volume : NULL);
	result_text(to, "layer", f->layer);
	result_text(to, "area", f->area);
	result_number(to, "offset", f->offset_bytes);
	result_bytes(to, "size", f->len_bytes);
	result_number(to, "blocks", f->blocks);
	result_text(to, "text", f->text);
	if (f->len_bytes)
		result_aside(to, "end", "%" PRIu64, f->offset_bytes + f->len_bytes - 1);
	if (f->blocks > 1)
		result_aside(to, "several", "%" PRIu64, f->blocks);
	result_say(to, "{kind}: [{volume}: ]{layer} {area}[, bytes {offset} to {end}]"
		       "[ ({several} blocks)]: {text}");
}

void describe_report(struct result *to, const struct report *report)
{
	struct result *notes;

	result_number(to, "findings", report->findings.n);
	result_bytes(to, "checked", report->checked_bytes);
	result_number(to, "volumes", report->volumes_checked);
	result_flag(to, "mendable", report_mendable(report));
	notes = result_list(to, "notes");
	array_each (note, &report->notes) {
		result_text(notes, NULL, *note);
		result_say(notes, "note: {}");
	}
	result_say(to, report->findings.n ? "{volumes} volume{volumes#} and {checked} checked: "
					    "{findings} finding{findings#}"
					  : "{volumes} volume{volumes#} and {checked} checked: "
					    "nothing wrong");
	if (report_mendable(report))
		result_say(to, "all of it can be mended: holdfast recovery repair");
}

static bool begins_with_name(const char *text, const char *name)
{
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 && (text[len] == ' ' || text[len] == ':');
}

void describe_failures(struct result *to, const char *command)
{
	struct result *list = diag_count() ? result_list(to, "failures") : NULL;

	for (size_t i = 0; i < diag_count() && diag_get(i); i++) {
		const struct diag_record *d = diag_get(i);
		struct result *o = result_object(list, NULL);

		result_text(o, "code", diag_code_text(d->code));
		result_text(o, "scope", d->scope);
		result_text(o, "text", d->text);
		if (*d->state)
			result_text(o, "state", d->state);
		if (*d->next)
			result_text(o, "next", d->next);
		if (command && !begins_with_name(d->text, command))
			result_aside(o, "by", "%s", command);
	}
}
