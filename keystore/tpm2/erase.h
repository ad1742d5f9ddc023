/* SPDX-License-Identifier: Apache-2.0 */
/* What erasing needs besides the count. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_ERASE_H
#define HOLDFAST_KEYSTORE_TPM2_ERASE_H

#include "keystore/tpm2/context.h"

/* Flushes the sessions of others, loaded and saved: one that was satisfied before the count would
 * still unseal. *@ret_left: how many could not be flushed. */
int tpm2_flush_sessions(struct keystore_session *s, unsigned *ret_left);
/* Proves that secrets sealed at erase counter @erase are dead: an authenticated reading of a higher
 * value, and the TPM's own refusal. For `recovery erase`; until then tests/tpm/keystore.c calls it.
 */
int tpm2_prove_erased(struct keystore_session *s, uint64_t erase);

#endif
