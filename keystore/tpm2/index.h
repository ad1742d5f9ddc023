/* SPDX-License-Identifier: Apache-2.0 */
/* NV indices in a TPM. All speak unless noted. */
#ifndef HOLDFAST_KEYSTORE_TPM2_INDEX_H
#define HOLDFAST_KEYSTORE_TPM2_INDEX_H

#include "keystore/tpm2/context.h"

/* Sets s->index[@which] to what a counter must be, without asking the TPM: handle and attributes
 * give the name. */
int tpm2_index_assume(struct keystore_session *s, enum tpm2_which which);
/* Reads the public area into s->index[@which]. -ENOENT, silent: there is no such index;
 * HF-KEYSTORE-FOREIGN: it is not what holdfast makes. */
int tpm2_index_look(struct keystore_session *s, enum tpm2_which which);
/* Reads exactly @len bytes, guarded by a session. */
int tpm2_index_read(struct keystore_session *s, enum tpm2_which which, void *ret, uint16_t len);

/* Need the owner's authorisation; the index was looked at before it is undefined. */
int tpm2_index_define(struct keystore_session *s, enum tpm2_which which,
		      const TPM2B_DIGEST *policy);
int tpm2_index_undefine(struct keystore_session *s, enum tpm2_which which);

/* Records HF-KEYSTORE-FOREIGN: the TPM has no such index. */
int tpm2_index_missing(enum tpm2_which which);

#endif
