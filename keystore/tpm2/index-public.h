/* SPDX-License-Identifier: Apache-2.0 */
/* The NV indices that holdfast has in a TPM, and how each must look. Pure and silent. */
#ifndef HOLDFAST_KEYSTORE_TPM2_INDEX_PUBLIC_H
#define HOLDFAST_KEYSTORE_TPM2_INDEX_PUBLIC_H

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

/* Bytes of an anchor; and of one made before 0.1.0, which has no room for what was reserved. */
#define TPM2_ANCHOR_BYTES     56
#define TPM2_ANCHOR_OLD_BYTES 40

/* Their handles are constants, never read from a medium. */
enum tpm2_which {
	TPM2_ERASE,       /* counter E */
	TPM2_ROTATION,    /* counter R */
	TPM2_ANCHOR,      /* names the true copy of the vault */
	TPM2_ANCHOR_NEXT, /* stands in while the anchor is bound to another boot policy */
	TPM2_INDICES
};

TPM2_HANDLE tpm2_index_handle(enum tpm2_which which);
const char *tpm2_index_text(enum tpm2_which which); /* for messages: "erase counter" */
bool tpm2_index_is_anchor(enum tpm2_which which);

/* The public area that @which must have. @policy: who may write the anchor; NULL for counters.
 * @written: attribute TPMA_NV_WRITTEN, which the first write sets for good. */
TPM2B_NV_PUBLIC tpm2_index_public(enum tpm2_which which, const TPM2B_DIGEST *policy, bool written);

#endif
