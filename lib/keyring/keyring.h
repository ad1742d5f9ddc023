/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a device, above the vault that keeps them as records of its device part. */
#ifndef HOLDFAST_KEYRING_KEYRING_H
#define HOLDFAST_KEYRING_KEYRING_H

/*
 * Each keystore seals a device secret S. From S come the KEK that wraps the volume keys (random,
 * AES-256-GCM, bound to keystore, volume and layer) and the key of the device part's MAC.
 *
 *   draw.h       new keys                    interface.h  keys for layers: unsealed on demand
 *   record.h     from and to records         rotate.h     new secrets, keys given up
 *   commit.h     into the vault              escrow.h, restore.h
 *   anchor.h     what hardware records       ways.h       telling of all of them
 *   authentic.h  is the device part genuine
 */
struct keyring;

struct keyring *keyring_free(struct keyring *ring);
void keyring_freep(struct keyring **ring);
#define _cleanup_keyring_ __attribute__((cleanup(keyring_freep)))

#endif
