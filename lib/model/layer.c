/* SPDX-License-Identifier: Apache-2.0 */
/* What layers have in common: lookup, what they learnt, stacking their devices. */
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

void attached_close(struct attached *a)
{
	while (a->n > 0)
		io_close(a->io[--a->n]);
}

int layer_attach(const struct layer *l, struct job *job, enum attach_mode mode, struct attached *a,
		 struct io **ret)
{
	struct io *below = job->target, *io = NULL;
	int r;

	if (l->below) {
		r = layer_attach(l->below, job, mode, a, &below);
		if (r < 0)
			return r;
	}
	if (!l->ops->attach) { /* gives what is below as it is */
		*ret = below;
		return 0;
	}
	r = l->ops->attach(l, job, mode, below, &io);
	if (r < 0)
		return r;
	a->io[a->n++] = io;
	*ret = io;
	return 0;
}

int layer_attach_below(const struct layer *l, struct job *job, enum attach_mode mode,
		       struct attached *a, struct io **ret_below)
{
	if (l->below)
		return layer_attach(l->below, job, mode, a, ret_below);
	*ret_below = job->target;
	return 0;
}

int layout_learn(struct layout *layout, struct job *job)
{
	for (size_t i = 0; i < layout->n_volumes; i++) {
		struct volume *v = layout->volumes[i];

		if (v->reserved || v->absent)
			continue;
		for (size_t j = 0; j < v->n_layers; j++) {
			DIAG_SCOPE("volume %s: layer %s", v->full_name, v->layers[j]->ops->name);
			int r = v->layers[j]->ops->learn
				    ? v->layers[j]->ops->learn(v->layers[j], job)
				    : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
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
