/* SPDX-License-Identifier: Apache-2.0 */
/* The PIN of a keystore. All speak unless noted. */
#ifndef HOLDFAST_KEYSTORE_TPM2_PIN_H
#define HOLDFAST_KEYSTORE_TPM2_PIN_H

#include "keystore/tpm2/context.h"
#include "model/key.h"

/* How keys are derived from a PIN: parameters of Argon2id. */
struct tpm2_pin {
	bool wanted;
	uint32_t memory_kib, passes, lanes;
	uint8_t salt[32];
};

struct tpm2_pin_keys {
	struct secret *mix; /* stays in this machine; goes into the device secret */
	TPM2B_AUTH auth;    /* the TPM asks for it */
};
void tpm2_pin_forget(struct tpm2_pin_keys *p); /* wipes; silent */
#define _cleanup_pin_ __attribute__((cleanup(tpm2_pin_forget)))

/* @fresh: a PIN that is being set. */
int tpm2_pin_ask(const struct keystore *k, struct env *env, bool fresh, struct secret **ret);
/* Asks for the PIN and derives the keys. */
int tpm2_pin_derive(const struct keystore *k, struct env *env, const struct tpm2_pin *pin,
		    bool fresh, struct tpm2_pin_keys *ret);
/* The device secret from what the TPM keeps sealed. */
int tpm2_pin_mix(const struct tpm2_pin_keys *p, const struct secret *sealed, struct secret **ret);

/* Record that the TPM refused the PIN (@rc): HF-KEY-WRONG with the tries that are left, or
 * HF-KEYSTORE-BUSY. @what: "keystore NAME", or whatever the PIN was for. */
int tpm2_pin_wrong(struct keystore_session *s, const char *what, TSS2_RC rc);
int tpm2_pin_refused(struct keystore_session *s, const struct keystore *k, TSS2_RC rc);

#endif
