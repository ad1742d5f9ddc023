/* SPDX-License-Identifier: Apache-2.0 */
/* What a layout file may contain: options of its own sections, and the grammar with all kinds. */
#ifndef HOLDFAST_LAYOUT_GRAMMAR_H
#define HOLDFAST_LAYOUT_GRAMMAR_H

#include "layout/document.h"
#include "model/kinds.h"
#include "model/option.h"

/* Indices into the option tables below. */
enum { DEVICE_ARCHITECTURE, DEVICE_SEED, DEVICE_TRUST, DEVICE_RMA_TRUST, DEVICE_VERSION };
enum { VAULT_MEDIUM, VAULT_OFFSET, VAULT_SIZE };
enum { VOLUME_SLOTS, VOLUME_MEDIUM };

extern const struct option_spec device_options[], vault_options[], volume_options[];

/* The grammar for document_parse(), from these tables and those of @kinds. NULL: no memory. */
const struct grammar *layout_grammar(const struct kinds *kinds, struct arena *arena);

#endif
