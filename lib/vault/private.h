/* SPDX-License-Identifier: Apache-2.0 */
/* An open vault, as the files of lib/vault see it. */
#ifndef HOLDFAST_VAULT_PRIVATE_H
#define HOLDFAST_VAULT_PRIVATE_H

#include "base/array.h"
#include "base/io.h"
#include "format/vault.h"
#include "model/journal.h"
#include "model/layout.h"

struct vault_copy {
	bool good;
	const char *why; /* static; set where not good */
	uint32_t newer;  /* its version, if a newer holdfast made it */
	bool sealed;     /* its header's checksum is right */
	struct vault_copy_header header;
	uint8_t *payload; /* set where good */
};

struct vault {
	struct journal journal; /* the engine's handle */
	struct io *target;
	struct extent extent;
	struct vault_regions regions;
	struct vault_copy copy[2];
	uint32_t newer_header; /* vault_note_newer(); nothing else is set then */
	int chosen;            /* vault_choose(): 1 + index of a copy; 0: the newer one counts */
	bool undecided;        /* vault_leave_undecided() */
	/* the journal: */
	bool has_plan;
	struct vault_plan_header plan;
	uint32_t newer_plan[2];            /* version of the header, if a newer holdfast made it */
	ARRAY(struct vault_record) latest; /* of each step */
	uint64_t next_sequence;
	unsigned half;     /* that is written to */
	uint64_t position; /* of the next record in it */
};

#endif
