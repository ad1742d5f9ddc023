/* SPDX-License-Identifier: Apache-2.0 */
/* Results in words: their sentences, one after the other. */
#ifndef HOLDFAST_REPORT_WORDS_H
#define HOLDFAST_REPORT_WORDS_H

#include "base/text.h"
#include "report/renderer.h"

extern const struct renderer renderer_words;

/* The sentences of @r and of all that it holds. */
void words_print(const struct result *r, struct text *to);
/* Messages for people, whatever format the result has. */
void words_event(const struct output *to, const struct result *r);
void words_failure(const struct output *to, const struct result *failure);

#endif
