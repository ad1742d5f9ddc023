/* SPDX-License-Identifier: Apache-2.0 */
/* Platform configuration registers of a TPM. All speak. */
#ifndef HOLDFAST_KEYSTORE_TPM2_PCR_H
#define HOLDFAST_KEYSTORE_TPM2_PCR_H

#include "keystore/tpm2/boot.h"
#include "keystore/tpm2/context.h"

/* Reads b->values of b->pcrs in b->bank, in an audit session, because keys are bound to them. */
int tpm2_pcr_read(struct keystore_session *s, struct tpm2_boot *b);
/* Records HF-KEYSTORE-POLICY, with the PCRs whose values differ from those in @b. */
int tpm2_pcr_mismatch(struct keystore_session *s, const struct tpm2_boot *b);
/* Extends a PCR that is none of b->pcrs and that resets only with the TPM: policy sessions that
 * were satisfied before are void, because the TPM counts changes of PCRs. -ENOENT: there is none.
 */
int tpm2_pcr_void(struct keystore_session *s, const struct tpm2_boot *b);
/* Extends the first of b->pcrs: nothing that is bound to it opens until the next boot. */
int tpm2_pcr_cap(struct keystore_session *s, const struct tpm2_boot *b);

#endif
