/* SPDX-License-Identifier: Apache-2.0 */
/* What layers have in common: lookup, what they learnt, findings. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "model/layer.h"
#include "model/medium.h"

const struct layer_ops *layer_kind(const struct layer_ops *const *registry, const char *name)
{
	for (; *registry; registry++) {
		if (strcmp((*registry)->name, name) == 0)
			return *registry;
	}
	return NULL;
}

const struct layer_ops *layer_kind_between(const struct layer_ops *const *registry,
					   unsigned consumes, enum place_kind provides)
{
	for (; *registry; registry++) {
		if ((*registry)->consumes & consumes && (*registry)->provides == provides)
			return *registry;
	}
	return NULL;
}

bool layer_below_provides(const struct layer *l, enum place_kind kind)
{
	for (l = l->below; l; l = l->below) {
		if (l->ops->provides == kind)
			return true;
	}
	return false;
}

bool layer_above_provides(const struct layer *l, enum place_kind kind)
{
	for (l = l->above; l; l = l->above) {
		if (l->ops->provides == kind)
			return true;
	}
	return false;
}

bool layer_authenticates(const struct layer *l)
{
	for (; l; l = l->below) {
		if (l->ops->authenticates && l->ops->authenticates(l))
			return true;
	}
	return false;
}

const char *layer_only_kernel(const struct layer *l)
{
	const char *why = NULL;

	for (; l && !why; l = l->below) {
		if (l->ops->kernel && l->ops->kernel->only_kernel)
			why = l->ops->kernel->only_kernel(l);
	}
	return why;
}

const struct medium_ops *medium_kind(const struct medium_ops *const *registry, const char *name)
{
	for (; *registry; registry++) {
		if (strcmp((*registry)->name, name) == 0)
			return *registry;
	}
	return NULL;
}

const char *layer_learned(const struct layer *l, const char *name)
{
	array_each (it, &l->learned) {
		if (strcmp(it->name, name) == 0)
			return it->value;
	}
	return NULL;
}

int layer_learn(struct layer *l, const char *name, const char *fmt, ...)
{
	struct arena *arena = &l->volume->layout->arena;
	char value[1024];
	struct learned fact;
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	fact.name = arena_strdup(arena, name);
	fact.value = arena_strdup(arena, value);
	if (!fact.name || !fact.value)
		return diag_no_memory();
	array_each (it, &l->learned) {
		if (strcmp(it->name, name) == 0) {
			it->value = fact.value;
			return 0;
		}
	}
	return array_add(&l->learned, fact) ? diag_no_memory() : 0;
}

int layer_below_gives(const struct layer *l, uint64_t *ret_bytes)
{
	return l->below->ops->gives(l->below, ret_bytes);
}

int layer_report_at(const struct layer *l, struct report *report, enum finding_kind kind,
		    const char *area, uint64_t offset, uint64_t len, const char *text)
{
	const struct finding f = {
	    .kind = kind,
	    .volume = l->volume->full_name,
	    .layer = l->ops->name,
	    .area = area,
	    .offset_bytes = offset,
	    .len_bytes = len,
	    .text = text,
	};

	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

int layer_report(const struct layer *l, struct report *report, enum finding_kind kind,
		 const char *area, uint64_t offset, uint64_t len, const char *text)
{
	return layer_report_at(l, report, kind, area,
			       l->volume->pieces[ROLE_DATA].extent.offset_bytes + offset, len,
			       text);
}

int layer_refuse_changed(const struct layer *l, struct job *job, const char *what, const char *why)
{
	int r = diag_fail(DIAG_TAMPERED, EUCLEAN, "%s: the %s %s", l->volume->full_name, what, why);

	diag_state("the volume was not opened");
	diag_next("holdfast verify %s %s", job->target_name, l->volume->full_name);
	return r;
}

void cmdline_free(struct cmdline *c)
{
	text_free(&c->device);
	text_free(&c->wait_for);
	text_free(&c->create);
	text_free(&c->systemd);
}

const char *where_text(const struct where *w, char buf[static WHERE_SIZE])
{
	buf[0] = 0;
	if (w->file && w->line)
		snprintf(buf, WHERE_SIZE, "%s:%u: ", w->file, w->line);
	else if (w->file)
		snprintf(buf, WHERE_SIZE, "%s: ", w->file);
	return buf;
}
