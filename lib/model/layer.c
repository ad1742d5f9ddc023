/* SPDX-License-Identifier: Apache-2.0 */
/* What layers have in common: lookup, and what they learnt. */
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
