/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: collecting steps and requests, the text that the digest is over, derived public values. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/text.h"
#include "crypto/kdf.h"
#include "model/layer.h"
#include "model/medium.h"

struct plan *plan_new(struct layout *layout, enum intent why)
{
	struct plan *p = calloc(1, sizeof(*p));

	if (!p) {
		diag_no_memory();
		return NULL;
	}
	p->layout = layout;
	p->why = why;
	return p;
}

struct plan *plan_fork(const struct plan *plan)
{
	struct plan *p = plan_new(plan->layout, plan->why);
	bool ok = p;

	if (!p)
		return NULL;
	*p = *plan;
	p->arena = (struct arena){0};
	memset(&p->steps, 0, sizeof(p->steps));
	memset(&p->lost, 0, sizeof(p->lost));
	for (size_t i = 0; i < p->n_requests; i++) {
		struct request *r = &p->requests[i];

		if (r->what)
			r->what = arena_strdup(&p->arena, r->what);
		ok = ok && (r->what || !plan->requests[i].what);
	}
	if (ok)
		return p;
	diag_no_memory();
	return plan_free(p);
}

struct plan *plan_free(struct plan *plan)
{
	if (plan) {
		array_free(&plan->steps);
		array_free(&plan->lost);
		arena_free(&plan->arena);
		free(plan);
	}
	return NULL;
}

void plan_freep(struct plan **plan)
{
	plan_free(*plan);
}

int plan_add(struct plan *plan, const struct step *step)
{
	struct step copy = *step;

	if (step->ops->effect == STEP_ONCE && !step->ops->happened)
		return diag_fail(DIAG_INTERNAL, EINVAL,
				 "step \"%s\" cannot tell whether it happened", step->ops->name);
	copy.layout = plan->layout;
	if (!copy.volume && copy.layer)
		copy.volume = copy.layer->volume;
	if (!copy.subject)
		copy.subject = copy.volume ? copy.volume->full_name : "-";
	if (!copy.detail)
		copy.detail = "";
	return array_add(&plan->steps, copy) ? diag_no_memory() : 0;
}

struct request *plan_request(struct plan *plan, enum request_kind kind, struct volume *volume,
			     enum role role)
{
	struct request *r;

	if (plan->n_requests == REQUESTS_MAX) {
		diag_fail(DIAG_LAYOUT_SPACE, E2BIG, "more than %d partitions on one medium",
			  REQUESTS_MAX);
		return NULL;
	}
	r = &plan->requests[plan->n_requests++];
	*r = (struct request){.kind = kind, .volume = volume, .role = role};
	if (volume)
		r->where = volume->where;
	return r;
}

const struct request *plan_find(const struct plan *plan, const struct volume *volume,
				enum role role)
{
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct request *r = &plan->requests[i];

		if (r->kind == REQUEST_VOLUME && r->volume == volume && r->role == role)
			return r;
	}
	return NULL;
}

static void install(const struct request *r)
{
	struct piece *piece = &r->volume->pieces[r->role];

	*piece = (struct piece){
	    .extent = r->placed,
	    .uuid = r->uuid,
	    .type = r->type,
	    .number = r->in_table ? r->number : 0,
	};
	snprintf(piece->label, sizeof(piece->label), "%.36s", r->label);
}

void plan_install(const struct plan *plan)
{
	layout_each_volume (v, plan->layout)
		v->absent = plan->why == INTENT_SHARED && !v->in_shared;
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct request *r = &plan->requests[i];

		if (r->kind == REQUEST_VAULT) {
			plan->layout->vault.extent = r->placed;
			plan->layout->vault.partition_uuid = r->uuid;
		} else if (r->kind == REQUEST_VOLUME) {
			install(r);
		}
	}
}

const char *step_effect_name(enum step_effect effect)
{
	switch (effect) {
	case STEP_SESSION:
		return "session";
	case STEP_REDO:
		return "redo";
	case STEP_CURSOR:
		return "cursor";
	case STEP_ONCE:
		break;
	}
	return "once";
}

static void request_text(const struct plan *plan, const struct request *r, struct text *to)
{
	char type[UUID_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
	const char *uuid_text;

	uuid_print(&r->type, type);
	uuid_print(&r->uuid, uuid);
	uuid_text = uuid_is_nil(&r->uuid) ? "from-root-hash" : plan->has_seed ? uuid : "from-seed";
	text_add(to, "place \"%s\" %" PRIu64 " %" PRIu64, r->what ? r->what : "-",
		 r->placed.offset_bytes, r->placed.size_bytes);
	if (r->in_table)
		text_add(to, " number %u type %s uuid %s flags %016" PRIx64 " label \"%s\"",
			 r->number, type, uuid_text, r->flags, r->label);
	text_add(to, "\n");
}

void plan_text(const struct plan *plan, struct text *to)
{
	static const char *const intents[] = {"provision", "shared", "repair"};
	char hex[2 * SHA256_BYTES + 1];

	hex_encode(plan->layout_digest, SHA256_BYTES, hex);
	text_add(to, "holdfast plan 1 %s\nlayout %s\n", intents[plan->why], hex);
	text_add(to, "target %" PRIu64 " bytes, sectors of %u\n", plan->capacity_bytes,
		 plan->sector_bytes);
	if (plan->has_seed) {
		hex_encode(plan->seed, sizeof(plan->seed), hex);
		text_add(to, "seed %s", hex);
		hex_encode(plan->instance, sizeof(plan->instance), hex);
		text_add(to, " %s\n", hex);
	} else {
		text_add(to, "seed not drawn yet\n");
	}
	for (size_t i = 0; i < plan->n_requests; i++)
		request_text(plan, &plan->requests[i], to);
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct step *s = &plan->steps.v[i];

		text_add(to, "%2zu  %-7s  %s  %s  %s", i + 1, step_effect_name(s->ops->effect),
			 s->subject, s->layer ? s->layer->ops->name : "-", s->ops->name);
		if (s->target.size_bytes)
			text_add(to, "  %" PRIu64 " + %" PRIu64, s->target.offset_bytes,
				 s->target.size_bytes);
		text_add(to, "%s%s\n", *s->detail ? "  " : "", s->detail);
	}
}

int plan_derive(const struct plan *plan, const struct volume *volume, const char *purpose,
		uint8_t *ret, size_t len)
{
	static const uint8_t no_instance[sizeof(plan->instance)];
	const uint8_t *instance = volume && volume->in_shared ? no_instance : plan->instance;
	const char *name = volume ? volume->name : "";
	const char *slot = volume && volume->slot ? volume->slot : "";
	const struct kdf_field info[] = {
	    {"holdfast public value", 21}, {instance, sizeof(plan->instance)}, {name, strlen(name)},
	    {slot, strlen(slot)},          {purpose, strlen(purpose)},
	};

	return kdf_hkdf(plan->seed, sizeof(plan->seed), info, sizeof(info) / sizeof(info[0]), ret,
			len);
}
