/* SPDX-License-Identifier: Apache-2.0 */
/* Committing a device part with its keys. Failures are reported. */
#ifndef HOLDFAST_KEYRING_COMMIT_H
#define HOLDFAST_KEYRING_COMMIT_H

#include "model/layout.h"

struct keyring;
struct vault;

/* Commits the device part of @layout with the keys of @ring. @ring NULL: the layout has no keyed
 * volume; a keyed volume without its key is refused, never committed. */
int keyring_commit(struct vault *v, const struct layout *layout, struct keyring *ring);
/* Makes new keys durable before anything is encrypted with them. The other records of the device
 * part stay if @keep. */
int keyring_commit_early(struct vault *v, struct keyring *ring, bool keep);

#endif
