/* SPDX-License-Identifier: Apache-2.0 */
/* What turns results into a format. One file each, ending in its const struct renderer. */
#ifndef HOLDFAST_REPORT_RENDERER_H
#define HOLDFAST_REPORT_RENDERER_H

#include "report/result.h"

enum output_stream {
	OUTPUT_RESULT,   /* standard output */
	OUTPUT_MESSAGE,  /* standard error */
	OUTPUT_PROGRESS, /* a line of the terminal that the next one replaces */
};

/* Where a renderer writes. @put may be called by any thread that has something to report. */
struct output {
	void (*put)(void *ctx, enum output_stream stream, const char *text, size_t len);
	void *ctx;
	bool quiet; /* no steps, no notes for people */
};

struct renderer {
	const char *name;     /* of the option that asks for it, without "--" */
	const char *help;     /* of that option; NULL: the default, which has none */
	unsigned progress_ms; /* how often progress is reported */
	bool on_terminal;     /* and whether only to a terminal */
	/* Something on the way: progress, a step, a note, a warning. */
	void (*event)(const struct output *to, const struct result *r);
	void (*finding)(const struct output *to, const struct result *r);
	/* One of the objects in the result's "failures". */
	void (*failure)(const struct output *to, const struct result *failure);
	/* After the failures. */
	void (*end)(const struct output *to, const struct result *r);
};

/* The first one is the default; ends with NULL. */
extern const struct renderer *const renderer_registry[];
/* The one that the option @name asks for, or NULL. */
const struct renderer *renderer_find(const char *name);

#endif
