/* SPDX-License-Identifier: Apache-2.0 */
/* What the hardware of a keystore records: which copy of the vault is the true one, and which
 * rotation is counted. Failures are reported. */
#ifndef HOLDFAST_KEYRING_ANCHOR_H
#define HOLDFAST_KEYRING_ANCHOR_H

#include "model/key.h"
#include "vault/copies.h"

struct keyring;
struct sealed;

/* How the device part that was read compares to the hardware's record. */
enum anchor_standing {
	ANCHOR_NAMES_IT,
	ANCHOR_IS_LATER, /* an old state of the medium was put back */
	ANCHOR_NAMES_ANOTHER,
	ANCHOR_IS_MISSING, /* there is no record, or no hardware that keeps one */
};
enum anchor_standing anchor_compare(const struct keystore_anchor *a,
				    const struct vault_commit_id *id);

/* False: never written, or written to name nothing. */
bool anchor_names_any(const struct keystore_anchor *a);

/* What the hardware of a keystore says. */
struct keyring_hardware {
	struct keystore_state state;
	enum anchor_standing standing;
	bool rotation_waits; /* a rotation is in the vault and anchored, but not counted */
};
/* Needs no PIN, unseals nothing, changes nothing. */
int keyring_read_hardware(struct keyring *ring, const struct keystore *keystore,
			  struct keyring_hardware *ret);

/* Compares the device part that was read with the hardware's record; needs no PIN, unseals nothing,
 * changes nothing. 1; 0 if no keystore of these keys keeps a record; -ESTALE if they differ. */
int keyring_compare_anchors(struct keyring *ring);
/* After comparing: counts the rotations that were anchored and not counted, as the run that began
 * them would have done. */
int keyring_finish_rotations(struct keyring *ring);
/* The operation may change hardware: unsealing finishes a rotation. Without this it is refused
 * (HF-ROTATION-WAITS). */
void keyring_allow_counting(struct keyring *ring);
/* True if a secret was sealed remotely for this hardware. It must be resealed, by keyring_rotate(),
 * before anything else is done with it. */
bool keyring_is_sealed_elsewhere(const struct keyring *ring);

/* --- for lib/keyring --- */

/* Begins a session with the hardware of @s, unless there is one. */
int keyring_reach(struct keyring *ring, struct sealed *s);
/* keyring_compare_anchors() for one keystore; 0 or -errno. */
int anchor_compare_one(struct keyring *ring, struct sealed *s);
/* -ESTALE, having said in which way they differ. */
int anchor_refuse(const struct keystore_anchor *a, const struct vault_commit_id *id);
/* Counts the rotation that was anchored; 0 at once if none waits. */
int anchor_finish(struct keyring *ring, struct sealed *s);
/* After comparing: finishes its rotation, or refuses; 0 at once if none waits. */
int anchor_settle_rotation(struct keyring *ring, struct sealed *s);

#endif
