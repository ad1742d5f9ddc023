/* SPDX-License-Identifier: Apache-2.0 */
/* Signed PCR policies: their key (PEM), and the signatures that systemd-measure writes (JSON). */
#ifndef HOLDFAST_KEYSTORE_TPM2_SIGNATURE_H
#define HOLDFAST_KEYSTORE_TPM2_SIGNATURE_H

#include "base/text.h"
#include "keystore/tpm2/boot.h"

/* The whole file: 1 byte to 1 MiB. Speaks. */
int tpm2_signature_read(const char *path, struct text *ret);

/* Sets b->key and b->fingerprint from an RSA public key in PEM. @name: for messages. Speak. */
int tpm2_signature_key(const char *path, struct tpm2_boot *b);
int tpm2_signature_key_pem(const char *name, const void *pem, size_t len, struct tpm2_boot *b);

/*
 * The signature by b->key over *@policy, for b->pcrs and b->version. A *@policy of size 0 is not
 * known yet: it is set if only one signature can be meant. -E2BIG, silent, if several can.
 * _scan: in a text; silent: also -ENOENT (none), -EUCLEAN (no JSON object).
 * _find: in a file; speaks for everything but -E2BIG.
 */
int tpm2_signature_scan(const char *text, size_t len, const struct tpm2_boot *b,
			TPM2B_DIGEST *policy, TPM2B_PUBLIC_KEY_RSA *ret);
int tpm2_signature_find(const char *path, const struct tpm2_boot *b, TPM2B_DIGEST *policy,
			TPM2B_PUBLIC_KEY_RSA *ret);
/* Records HF-KEYSTORE-POLICY: no signature in @path is for the present values of the PCRs. */
int tpm2_signature_missing(const char *path, const struct tpm2_boot *b);

#endif
