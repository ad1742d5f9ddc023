/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the TPM keystore share. Everything speaks through diag. */
#ifndef HOLDFAST_KEYSTORE_TPM2_H
#define HOLDFAST_KEYSTORE_TPM2_H

#include <tss2/tss2_esys.h>

#include "keystore/tpm2-blob.h"
#include "keystore/tpm2-identity.h"
#include "model/key.h"

/* Constants, never read from a medium. The indices lie in the range of the platform's owner (TCG
 * Registry of Reserved TPM 2.0 Handles, 2.2). */
#define TPM2_HANDLE_SRK     0x81000001
#define TPM2_INDEX_ERASE    0x018b4f01
#define TPM2_INDEX_ROTATION 0x018b4f02
#define TPM2_INDEX_ANCHOR   0x018b4f03
enum tpm2_index { TPM2_ERASE, TPM2_ROTATION, TPM2_ANCHOR, TPM2_INDICES };

#define TPM2_NAME_BYTES 34 /* le: algorithm (2), SHA-256 */

/* One conversation. Objects that were not looked at yet are ESYS_TR_NONE. */
struct keystore_session {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR srk;
	uint8_t srk_name[TPM2_NAME_BYTES];
	ESYS_TR
	hmac; /* salted to the SRK, encrypts parameters; for everything that it can be for */
	ESYS_TR index[TPM2_INDICES];
	bool pcrs_read;
	uint8_t pcr_digest[32];
	struct tpm2_identity
	    *remote; /* the TPM is elsewhere: this is all of it, and @esys is NULL */
};

/* --- tpm2-context.c --- */

int tpm2_connect(const struct keystore *k, struct env *env, struct keystore_session **ret);
void tpm2_disconnect(struct keystore_session *s);
/* Says what @rc means while @doing; 0 for success. */
int tpm2_check(TSS2_RC rc, const char *doing);
/* Of a response of the TPM itself: the error's number without handle, parameter and session; 0 for
 * any other. */
uint32_t tpm2_error(TSS2_RC rc);
#define TPM2_SESSION_ATTRIBUTES                                                                    \
	(TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION)
/* A session salted to the SRK. @type: TPM2_SE_HMAC or TPM2_SE_POLICY. */
int tpm2_session_new(struct keystore_session *s, TPM2_SE type, ESYS_TR *ret);
void tpm2_flush(struct keystore_session *s, ESYS_TR *object);
/* Vendor and firmware. */
int tpm2_hardware(struct keystore_session *s, char *ret, size_t size);

/* --- tpm2-storage.c: the storage root key --- */

/* The one that stands there, by its attributes and, where @name is not NULL, by its name. */
int tpm2_srk_load(struct keystore_session *s, const uint8_t *name);
/* Makes it where there is none; checks that it is the one that the template gives. */
int tpm2_srk_prepare(struct keystore_session *s);

/* --- tpm2-counter.c: counters and anchor --- */

int tpm2_owner(const struct keystore *k, struct keystore_session *s, struct env *env);
int tpm2_indices_prepare(const struct keystore *k, struct keystore_session *s);
/* Reads its public area; the anchor's must be what the options and the boot state give. */
int tpm2_index_load(const struct keystore *k, struct keystore_session *s, enum tpm2_index i);
/* By a session whose response is checked. */
int tpm2_counter_read(const struct keystore *k, struct keystore_session *s, enum tpm2_index i,
		      uint64_t *ret);
int tpm2_counter_count(const struct keystore *k, struct keystore_session *s, enum tpm2_index i);
int tpm2_anchor_read(const struct keystore *k, struct keystore_session *s, struct env *env,
		     struct keystore_anchor *ret);
int tpm2_anchor_write(const struct keystore *k, struct keystore_session *s, struct env *env,
		      const struct keystore_anchor *a);
/* Whoever it belongs to, and in whatever boot state. 1 or 0. */
int tpm2_anchor_written(struct keystore_session *s);
int tpm2_index_name(struct keystore_session *s, enum tpm2_index i,
		    uint8_t ret[static TPM2_NAME_BYTES]);

/* --- tpm2-policy.c --- */

#define TPM2_POLICY_BYTES 32
TPML_PCR_SELECTION tpm2_pcrs(const struct keystore *k);
bool tpm2_has_pcrs(const struct keystore *k);
/* The part that says which boot state, as it is now: anchor's and sealed object's policies begin
 * with it. Zeroes where there is none. */
int tpm2_policy_boot(const struct keystore *k, struct keystore_session *s,
		     uint8_t ret[static TPM2_POLICY_BYTES]);
/* The whole, for these values of the counters. */
int tpm2_policy_sealed(const struct keystore *k, struct keystore_session *s, uint64_t rotation,
		       uint64_t erase, bool pin, uint8_t ret[static TPM2_POLICY_BYTES]);
/* The same steps on a session that is real. HF-KEYSTORE-ERASED where a counter stands elsewhere. */
int tpm2_policy_run_boot(const struct keystore *k, struct keystore_session *s, ESYS_TR session);
int tpm2_policy_run_sealed(const struct keystore *k, struct keystore_session *s, ESYS_TR session,
			   uint64_t rotation, uint64_t erase, bool pin);
/* What the PCRs hold: digest over their values. Read once in a conversation. */
int tpm2_pcr_digest(const struct keystore *k, struct keystore_session *s,
		    uint8_t ret[static TPM2_POLICY_BYTES]);
/* Extends the first of the policy's PCRs: the policy is not satisfied any more. */
int tpm2_pcr_cap(const struct keystore *k, struct keystore_session *s);

/* Reads @sel with an answer that is checked. */
int tpm2_pcrs_read(struct keystore_session *s, TPML_PCR_SELECTION *sel, TPML_PCR_SELECTION **read,
		   TPML_DIGEST **values);

/* --- tpm2-remote.c: a TPM that is not here --- */

/* A sealed object as it stands in the vault. */
struct tpm2_areas {
	uint8_t public[TPM2_BLOB_AREA_MAX], private[TPM2_BLOB_AREA_MAX], seed[TPM2_BLOB_AREA_MAX];
	size_t public_len, private_len, seed_len;
};
int tpm2_remote_open(const char *path, struct keystore_session *s);
int tpm2_remote_pcr_digest(const struct keystore *k, const struct keystore_session *s,
			   uint8_t ret[static TPM2_POLICY_BYTES]);
int tpm2_remote_seal(const struct keystore_session *s, TPM2B_PUBLIC *object,
		     const struct secret *sealed, const struct secret *auth,
		     int (*random)(void *buf, size_t len), struct tpm2_areas *ret);
/* @private is the duplicate, and what this TPM made of it afterwards. */
int tpm2_remote_import(struct keystore_session *s, const TPM2B_PUBLIC *public,
		       const uint8_t *seed_bytes, size_t seed_len, TPM2B_PRIVATE *private);
/* Of the TPM that is here. */
int tpm2_identity_of(const struct keystore *k, struct keystore_session *s, struct text *to);

/* --- tpm2.c: options --- */

enum { TPM2_OPT_PCRS, TPM2_OPT_BANK, TPM2_OPT_PIN, TPM2_OPT_ERASE, TPM2_OPT_LOCK };

#endif
