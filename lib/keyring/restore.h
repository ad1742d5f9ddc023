/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring from escrow: keys taken out of it, and sealed by the hardware that is here. */
#ifndef HOLDFAST_KEYRING_RESTORE_H
#define HOLDFAST_KEYRING_RESTORE_H

#include <stdbool.h>

#include "base/secret.h"
#include "base/text.h"
#include "model/layout.h"

struct keyring;

/* Takes the keys of @v out of its escrow. Nothing is unsealed for that, and nothing else is
 * authenticated. HF-KEY-WRONG; HF-TAMPERED if @key is right and the records were changed. */
int keyring_escrow_take(struct keyring *ring, const struct volume *v, const struct secret *key);
/* What may be lost. */
struct restore_consent {
	bool lose_others;  /* keys that came out of no escrow, and whose keystore does not open */
	bool accept_vault; /* the hardware names another vault: this one counts from now on */
};
/*
 * Seals new device secrets in the hardware that is here, after keyring_escrow_take() of each
 * volume. Keystores that hold other keys are unsealed for that; if one cannot be, its keys are
 * lost: *@ret_lost names their volumes, they are marked in @layout, and unless it was consented to
 * it is HF-KEY-MISSING. Hardware that names another vault is refused likewise (HF-VAULT-OLD). In
 * memory until keyring_commit().
 */
int keyring_escrow_reseal(struct keyring *ring, struct layout *layout,
			  const struct restore_consent *consent, struct text *ret_lost);

#endif
