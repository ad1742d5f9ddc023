/* SPDX-License-Identifier: Apache-2.0 */
/* Escrow of a volume's keys, its receipt, and what is restored from it. One commit each: a cut
 * leaves the old state or the new one. */
#ifndef HOLDFAST_TARGET_ESCROW_H
#define HOLDFAST_TARGET_ESCROW_H

#include "keyring/restore.h"
#include "target/target.h"
#include "keyring/escrow.h"

/* A recovery key for @v, encrypted to the @n certificates (PEM files), goes to the file @to before
 * the vault knows of it: a cut between leaves a file that nothing belongs to. Refused where a
 * keystore of @v is to erase for good. */
int target_escrow(struct target *t, const struct volume *v, const char *const *certificates,
		  size_t n, const char *to, uint8_t ret_nonce[static ESCROW_NONCE_BYTES]);
/* The receipt in the file @path (64 hexadecimal digits). @remove_others: the recovery key that the
 * device itself keeps goes out of its vault. 1; 0: nothing had to be changed. */
int target_confirm_escrow(struct target *t, const struct volume *v, const char *path,
			  bool remove_others);

struct restoring {
	struct volume *volume;
	struct secret *words; /* its recovery key, as it was in the escrow */
};
/* Reseals the keys of the volumes in the hardware that is here. keyring_escrow_reseal() */
int target_restore(struct target *t, const struct restoring *of, size_t n,
		   const struct restore_consent *consent, struct text *ret_lost);

#endif
