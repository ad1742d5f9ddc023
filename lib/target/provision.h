/* SPDX-License-Identifier: Apache-2.0 */
/* Provisioning: from the state of the target to a plan that is run, resumed or refused. */
#ifndef HOLDFAST_TARGET_PROVISION_H
#define HOLDFAST_TARGET_PROVISION_H

#include "target/target.h"
#include "engine/execute.h"
#include "layout/layout-file.h"

/* What was asked for. All borrowed. */
struct provision_request {
	const char *layout_path;
	const struct setting *settings;
	size_t n_settings;
	const struct kinds *kinds;
	const char *target_path; /* NULL: a plan for an image file of the layout's own size */
	bool dry_run; /* nothing is written, nothing refused: the plan says what is lost */
	bool shared;
	bool trust_copy;
	const char *from;           /* a shared image, or NULL */
	const char *const *replace; /* labels, "all", or "newer" */
	size_t n_replace;
	bool retire_keys;   /* hardware that guarded the keys of another device may forget them */
	const char *expect; /* layout or plan digest in hexadecimal, or NULL */
};

/* A run. Zeroed before provision_prepare(); freed by provision_free() whatever happened. */
struct provisioning {
	const struct provision_request *request;
	struct layout *layout;
	struct target target; /* io NULL: there is none */
	struct io *from;
	struct layout *from_layout;
	const struct medium_facts *facts; /* the target's; NULL: it is not there yet, or empty */
	struct plan *shared;              /* a completion: where the shared image has its volumes */
	struct plan *plan;
	bool resumed; /* goes on where a former run stopped */
	bool done;    /* the target already is what the layout says */
};

/* Reads the layout, the sources and the target; makes the plan; refuses what must not be done. */
int provision_prepare(struct provisioning *p, const struct provision_request *request,
		      struct env *env);
/* Runs it to the end; an image file gets its name. */
int provision_run(struct provisioning *p, const struct execute_events *events);
void provision_free(struct provisioning *p);

/* --- lib/target/provision-keys.c --- */

/* HF-LIFECYCLE where hardware has guarded keys already and nobody gave them up. */
int provision_refuse_wiped(const struct provisioning *p);
/* The keys of the plan that was begun, new or found again, put into target.job.keys. */
int provision_make_keys(struct provisioning *p);

/* --- lib/target/replace.c --- */

/* HF-DIGEST-RULE if an older rule made the digests of @begun, which is of @path: they cannot be
 * compared. 0 if not. */
int replace_check_rule(const struct vault_begun *begun, const char *path);
/* Notes in @plan what is on the target and would be lost; refuses (HF-FOREIGN,
 * HF-GPT-FOREIGN, HF-LIFECYCLE) what was not named in @request, unless it is a dry run. */
int replace_check(const struct provision_request *request, const struct target *t,
		  struct plan *plan);

#endif
