/* SPDX-License-Identifier: Apache-2.0 */
/* The journal in the vault: which plan was begun, and how far it got. */
#ifndef HOLDFAST_VAULT_JOURNAL_H
#define HOLDFAST_VAULT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/layout.h"
#include "model/journal.h"

struct vault;

/* What the journal's header says of the plan that was begun. */
struct vault_begun {
	bool shared;          /* by provision --shared */
	bool completion;      /* begun on top of a shared image, or from one */
	bool complete;        /* the plan's last step is done */
	uint64_t generation;  /* counts the plans begun in this vault; vault_begin() ignores it */
	uint32_t digest_rule; /* LAYOUT_DIGEST_RULE then; vault_begin() ignores it, too */
	uint8_t seed[32];     /* of public values that are the same on every device */
	uint8_t instance[32]; /* mixed in for this device's own; zero if the layout has a seed */
	uint8_t layout_digest[SHA256_BYTES];
	uint8_t plan_digest[SHA256_BYTES];
	uint64_t capacity_bytes; /* of the target, as planned */
	uint32_t steps;
};

/* 1 and *@ret, or 0 when no plan was ever begun. */
int vault_begun(const struct vault *v, struct vault_begun *ret);
/* For the engine; lives as long as @v. */
struct journal *vault_journal(struct vault *v);
/* Marks the plan complete, durable. */
int vault_finish(struct vault *v);

/* --- for lib/vault --- */

int vault_load_journal(struct vault *v);
/* Writes the header of a new plan, durable. */
int vault_begin_journal(struct vault *v, const struct vault_begun *begun);

#endif
