/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: collecting them, and putting neighbours together. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/report.h"

void report_init(struct report *r)
{
	memset(r, 0, sizeof(*r));
}

void report_free(struct report *r)
{
	array_free(&r->findings);
	array_free(&r->notes);
	arena_free(&r->arena);
	report_init(r);
}

/* NULL and "" are the same text. */
static bool same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_neighbour(const struct finding *last, const struct finding *f)
{
	return last->kind == f->kind && last->len_bytes && f->len_bytes &&
	       last->offset_bytes + last->len_bytes == f->offset_bytes &&
	       same(last->volume, f->volume) && same(last->layer, f->layer) &&
	       same(last->area, f->area) && same(last->text, f->text);
}

int report_add(struct report *r, const struct finding *f)
{
	struct finding copy = *f;

	if (!copy.blocks)
		copy.blocks = 1;
	if (r->findings.n && is_neighbour(&r->findings.v[r->findings.n - 1], f)) {
		struct finding *last = &r->findings.v[r->findings.n - 1];

		last->len_bytes += f->len_bytes;
		last->blocks += copy.blocks;
		return 0;
	}
	copy.volume = arena_strdup(&r->arena, f->volume ? f->volume : "");
	copy.layer = arena_strdup(&r->arena, f->layer ? f->layer : "");
	copy.area = arena_strdup(&r->arena, f->area ? f->area : "");
	copy.text = arena_strdup(&r->arena, f->text ? f->text : "");
	if (!copy.volume || !copy.layer || !copy.area || !copy.text)
		return -ENOMEM;
	return array_add(&r->findings, copy);
}

int report_note(struct report *r, const char *fmt, ...)
{
	char text[1024];
	char *copy;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	copy = arena_strdup(&r->arena, text);
	return copy ? array_add(&r->notes, (const char *)copy) : -ENOMEM;
}

const char *finding_kind_name(enum finding_kind kind)
{
	switch (kind) {
	case FINDING_CORRUPT:
		return "corrupt";
	case FINDING_UNPROVEN:
		return "unproven";
	case FINDING_UNREADABLE:
		return "unreadable";
	case FINDING_MENDABLE:
		return "mendable";
	case FINDING_WRONG:
		break;
	}
	return "wrong";
}

bool report_mendable(const struct report *r)
{
	array_each (f, &r->findings) {
		if (f->kind != FINDING_MENDABLE)
			return false;
	}
	return r->findings.n > 0;
}
