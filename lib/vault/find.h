/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the vault of a target without a layout. */
#ifndef HOLDFAST_VAULT_FIND_H
#define HOLDFAST_VAULT_FIND_H

#include "vault/vault.h"

/* Without a partition table a vault is found only here: */
#define VAULT_SCAN_STEP (64 * 1024)
#define VAULT_SCAN_END  (64 * 1024 * 1024)

/* Looks at the partition table's entry of type VAULT, else at the default offset, else at every
 * multiple of VAULT_SCAN_STEP. 1, 0 or -errno like vault_open(). */
int vault_find(struct io *target, struct vault **ret);

#endif
