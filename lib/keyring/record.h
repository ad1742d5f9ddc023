/* SPDX-License-Identifier: Apache-2.0 */
/* A keyring from and to records of the device part. */
#ifndef HOLDFAST_KEYRING_RECORD_H
#define HOLDFAST_KEYRING_RECORD_H

#include "base/env.h"
#include "base/text.h"
#include "model/layout.h"

struct keyring;
struct vault;

/* The keys in the device part of @v: 1, 0 if it has none, -errno reported. Nothing is unsealed.
 * @layout is of the same device part, or one that is being laid out; it outlives the keyring. */
int keyring_read(const struct vault *v, const struct layout *layout, struct env *env,
		 struct keyring **ret);
/* HF-NEWER, -ENOTSUP if a newer holdfast made an escrow or sealed a secret in the device part of
 * @v; 0 if not. Needs no key. */
int keyring_refuse_newer(const struct vault *v, const struct layout *layout);
/* Appends the records of the keys, and the MACs over @description and these records. Every keystore
 * was sealed or unsealed. Failures are reported. */
int keyring_encode(struct keyring *ring, const struct text *description, struct text *to);

#endif
