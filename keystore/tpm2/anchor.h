/* SPDX-License-Identifier: Apache-2.0 */
/* The anchor, which names the true copy of the vault. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_ANCHOR_H
#define HOLDFAST_KEYSTORE_TPM2_ANCHOR_H

#include "keystore/tpm2/boot.h"
#include "keystore/tpm2/context.h"
#include "model/key.h"

/* 1 if the anchor names a vault whose secret is alive, in whatever boot state; else 0. */
int tpm2_anchor_alive(struct keystore_session *s);
/* Makes the anchor unless it is there. Needs the owner's authorisation. @path: the file with the
 * signatures, if b->is_signed. */
int tpm2_anchor_prepare(struct keystore_session *s, const struct tpm2_boot *b, const char *path);
int tpm2_anchor_read(struct keystore_session *s, struct keystore_anchor *ret);
/* Writes it, in the boot state @b. After tpm2_anchor_prepare(), an anchor that is bound to another
 * boot state is replaced, which needs the owner's authorisation; a cut leaves the old record or the
 * new one. */
int tpm2_anchor_write(struct keystore_session *s, const struct tpm2_boot *b, const char *path,
		      struct keystore_anchor a);
/* Raises what is reserved to a.rotation_max. Before the anchor is bound to another boot state the
 * second index holds that, and the first one still counts. */
int tpm2_anchor_reserve(struct keystore_session *s, const struct tpm2_boot *b, const char *path,
			struct keystore_anchor a);
/* HF-KEYSTORE-POLICY if the anchor that was read is not bound to the boot state that just unsealed.
 * 0 as long as only one of the two is known. */
int tpm2_anchor_compare(const struct keystore_session *s);

#endif
