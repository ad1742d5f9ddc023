/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that take a target to what the layout says. */
#ifndef HOLDFAST_MODEL_PLAN_H
#define HOLDFAST_MODEL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "model/job.h"
#include "model/request.h"

/* Why a plan is made. */
enum intent {
	INTENT_PROVISION, /* everything */
	INTENT_SHARED,    /* only what is the same on every device */
	INTENT_REPAIR,    /* mend a damaged copy from the good one */
};

/*
 * What may be done again after a cut. Order of durability, always: flush target, append record,
 * flush journal.
 */
enum step_effect {
	STEP_SESSION, /* gone at power-off: run in every session */
	STEP_REDO,    /* idempotent: run again from the start */
	STEP_CURSOR,  /* idempotent per block: go on from the last checkpoint */
	STEP_ONCE,    /* irreversible: on resume ask happened() first */
};

struct step;
struct cursor;

struct step_ops {
	const char *name; /* two or three words: "hash tree"; part of the plan's digest */
	enum step_effect effect;
	/* 0, or -errno with a message. STEP_CURSOR begins at @cursor->start and reports progress
	 * through cursor_done(); the others get NULL. */
	int (*run)(const struct step *s, struct job *job, struct cursor *cursor);
	/* STEP_ONCE only: 1 it has happened, 0 it has not, -errno cannot be told. */
	int (*happened)(const struct step *s, struct job *job);
};

struct step {
	const struct step_ops *ops;
	const struct layer *layer;   /* NULL for the medium's and the vault's own steps */
	const struct volume *volume; /* likewise */
	struct layout *layout;       /* the plan's; a step that learns changes it */
	const char
	    *subject; /* first word of its line: volume's full name, medium's name, "vault" */
	const char
	    *detail; /* rest of its line; no probe results, nothing that differs from run to run */
	struct extent target; /* the bytes that it writes; size 0: not a range */
	uint64_t work_bytes;  /* for the bar; 0: instant */
	const void *params;   /* in the plan's arena; belongs to ops */
};

/* How far a STEP_CURSOR step is. The unit is the step's own (bytes of data, usually). */
struct cursor {
	uint64_t start;                                     /* everything below is durable */
	int (*checkpoint)(struct cursor *c, uint64_t done); /* the engine's; may do nothing */
};

/* Everything below @done is written (not yet flushed). Call often and cheaply, from one thread. */
static inline int cursor_done(struct cursor *c, uint64_t done)
{
	return c ? c->checkpoint(c, done) : 0;
}

struct medium_facts;

struct plan {
	struct arena arena;
	struct layout *layout;
	enum intent why;
	const struct medium_facts *facts; /* of the target; NULL: an image that is to be made */
	const struct plan *shared;        /* completion: where the shared image has its volumes */
	struct io *from; /* --from: the shared image; NULL: the target was copied from one */
	bool trust_copy; /* do not verify what is there already */
	bool retire;     /* --replace: the old table is removed first */
	uint64_t capacity_bytes; /* of the target; or of the image to be made */
	uint32_t sector_bytes;
	uint8_t seed[32];     /* for what is the same on every device */
	uint8_t instance[32]; /* mixed in for what is this device's own */
	bool has_seed;        /* false in a dry run: UUIDs are shown as "from the seed" */
	uint8_t layout_digest[SHA256_BYTES];
	uint8_t digest[SHA256_BYTES];
	struct request requests[REQUESTS_MAX];
	size_t n_requests;
	ARRAY(struct step) steps;
	ARRAY(const char *) lost; /* what would be overwritten; not in the digests */
};

struct plan *plan_new(struct layout *layout, enum intent why);
/* The same places, seeds and digest of the layout, but no steps yet. NULL: out of memory. */
struct plan *plan_fork(const struct plan *plan);
struct plan *plan_free(struct plan *plan);
void plan_freep(struct plan **plan);
#define _cleanup_plan_ __attribute__((cleanup(plan_freep)))

/* Volumes that a shared image holds are there, or copied, instead of made. */
static inline bool plan_is_completion(const struct plan *plan)
{
	return plan->shared != NULL;
}

/* Appends; refuses (-EINVAL, a bug) STEP_ONCE without happened(). */
int plan_add(struct plan *plan, const struct step *step);
/* Appends a request; returns it for filling in, NULL with diag when there are too many. */
struct request *plan_request(struct plan *plan, enum request_kind kind, struct volume *volume,
			     enum role role);
/* What @volume asked for in @role, and got; NULL: nothing. */
const struct request *plan_find(const struct plan *plan, const struct volume *volume,
				enum role role);

/* Puts the places that the medium gave, and the identities of the partitions there, into the
 * plan's layout, for the layers to work with. Nothing else writes them there. */
void plan_install(const struct plan *plan);

/* The stable text that the digest is over: one line a step. */
void plan_text(const struct plan *plan, struct text *to);
const char *step_effect_name(enum step_effect effect);

/*
 * A public value (UUID, salt) that belongs to @purpose: HKDF-SHA256(seed, length-prefixed fields);
 * the seed alone for volumes that a shared image holds (in_shared), with the instance mixed in for
 * all others and for the medium itself (@volume NULL). Never for keys or nonces.
 */
int plan_derive(const struct plan *plan, const struct volume *volume, const char *purpose,
		uint8_t *ret, size_t len);

#endif
