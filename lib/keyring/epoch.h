/* SPDX-License-Identifier: Apache-2.0 */
/* Which values of R and E a secret is sealed for, and what the hardware's record names: the orders
 * that tests/crash/sequences.c models. Failures are reported. */
#ifndef HOLDFAST_KEYRING_EPOCH_H
#define HOLDFAST_KEYRING_EPOCH_H

#include <stdint.h>

#include "vault/copies.h"

struct keyring;
struct sealed;
struct vault;

/* Reserves the next R in the hardware's record, for a secret that is about to be sealed: *@ret, 0
 * where nothing counts. Whatever becomes of that secret, no other one is sealed for this R. */
int anchor_reserve(struct keyring *ring, struct sealed *s, uint64_t *ret);
/* Before the first secret without an anchored predecessor is sealed: E is counted twice, and the
 * hardware's record names nothing. Whatever was sealed before is dead. */
int anchor_begin(struct keyring *ring, struct sealed *s);
/* Has @v go by the copy that the hardware's record names now, whichever was read before, and gives
 * the least sequence of the next commit. -ESTALE: it names a copy that is not there. */
int anchor_choose(struct keyring *ring, struct vault *v, uint64_t *ret_least_sequence);
/* A copy with @id is durable: the hardware records it and counts the rotation, if there is one.
 * From then on the copy before and what it had sealed are dead. */
int keyring_write_anchors(struct keyring *ring, const struct vault_commit_id *id);

#endif
