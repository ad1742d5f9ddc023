/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of backend tpm2 know of each other. Everything speaks unless it says otherwise. */
#ifndef HOLDFAST_KEYSTORE_TPM2_PRIVATE_H
#define HOLDFAST_KEYSTORE_TPM2_PRIVATE_H

#include <tss2/tss2_esys.h>

#include "keystore/tpm2/identity.h"
#include "model/key.h"

#define TPM2_SRK_HANDLE 0x81000001U
#define TPM2_PCRS       24
#define TPM2_BLOB_MAX   8192

/* --- context: a TPM, and what we hold in it (tpm2-context.c) --- */

/* NV indices; their handles are constants, never read from a medium. */
enum tpm2_which {
	TPM2_ERASE,
	TPM2_ROTATION,
	TPM2_ANCHOR,
	TPM2_ANCHOR_NEXT, /* while the anchor is bound to another boot policy */
	TPM2_INDICES
};

struct tpm2_index {
	ESYS_TR tr; /* ESYS_TR_NONE: not looked at yet */
	TPM2B_NV_PUBLIC public;
};

/* A session or a transient object: flushed at the end, whatever happened. */
struct tpm2_held {
	ESYS_TR tr;
	TPM2_HANDLE handle; /* 0: nothing held */
};

struct keystore_session {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR srk; /* ESYS_TR_NONE: there is none */
	TPM2B_NAME srk_name;
	struct tpm2_held hmac;   /* authorises what changes something */
	struct tpm2_held policy; /* unseals; before that it guards the reading of the anchor */
	struct tpm2_held
	    owner; /* proves the owner's authorisation where nothing can be salted yet */
	struct tpm2_held object, key, primary;
	struct tpm2_index index[TPM2_INDICES];
	bool prepared;          /* the anchor may be bound to another boot state */
	enum tpm2_which anchor; /* the one that counts, once it was seen */
	/* The anchor's write policy, as read; and the boot part of the policy that just unsealed.
	 * What is known second is compared with the other. */
	bool anchor_seen, boot_seen;
	TPM2B_DIGEST boot_policy;
	/* The TPM is elsewhere, and this is what is known of it: nothing above but @srk_name is
	 * set. */
	struct tpm2_identity *remote;
};

/* Tests put something between us and the TPM. Takes the inner one over; NULL: nothing. */
extern TSS2_TCTI_CONTEXT *(*tpm2_wrap_tcti)(TSS2_TCTI_CONTEXT *inner);

int tpm2_connect(struct env *env, struct keystore_session **ret);
void tpm2_disconnect(struct keystore_session *s); /* flushes all that is held; takes NULL */
/* Remembers what a command gave. */
void tpm2_hold(struct keystore_session *s, struct tpm2_held *h, ESYS_TR tr);
/* Silent; what cannot be flushed now is tried again by tpm2_disconnect(). */
void tpm2_release(struct keystore_session *s, struct tpm2_held *h);
void tpm2_forget(struct tpm2_held *h); /* the TPM has flushed it itself */
/* Salted to the storage key; encrypts the first parameter both ways, checks every response. */
int tpm2_hmac_session(struct keystore_session *s, ESYS_TR *ret);
/* The same, with a policy digest that is still all zeroes. */
int tpm2_policy_session(struct keystore_session *s);
/* Whichever is there, to guard a reading; where there is none a policy session is started, for
 * opening goes on with that. */
int tpm2_guard(struct keystore_session *s, ESYS_TR *ret);

/* --- transport (tpm2-transport.c) --- */

/* Around @inner, which it takes over: sends again what the TPM wants again. NULL: out of memory. */
TSS2_TCTI_CONTEXT *tpm2_transport_new(TSS2_TCTI_CONTEXT *inner);
void tpm2_transport_free(TSS2_TCTI_CONTEXT *t); /* takes NULL */

/* --- errors (tpm2-error.c) --- */

/* The TPM's own code without what says which parameter, handle or session; 0 where a library
 * failed. */
TSS2_RC tpm2_code(TSS2_RC rc);
/* "cannot …"; picks the code from @rc. */
int tpm2_fail(TSS2_RC rc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Where an answer is not what it has to be. */
int tpm2_untrusted(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- names and digests (tpm2-policy.c) --- */

/* Name of a public area; silent, false where it cannot be marshalled. */
bool tpm2_object_name(const TPM2B_PUBLIC *p, TPM2B_NAME *ret);
bool tpm2_index_name(const TPM2B_NV_PUBLIC *p, TPM2B_NAME *ret);
bool tpm2_same_name(const TPM2B_NAME *a, const TPM2B_NAME *b);
bool tpm2_same_digest(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b);

/* What of the boot a key or the anchor is bound to. */
struct tpm2_boot {
	TPMI_ALG_HASH bank;
	uint32_t pcrs;    /* mask; 0: to nothing */
	bool is_signed;   /* to what @key signs for these PCRs; else to their @values */
	uint32_t version; /* signatures for this one count; 0: those of systemd-measure */
	uint8_t values[TPM2_PCRS][48]; /* by the PCR's number */
	uint8_t fingerprint[SHA256_BYTES];
	TPM2B_PUBLIC key;
};
size_t tpm2_bank_bytes(TPMI_ALG_HASH bank);     /* 0: not one of ours */
const char *tpm2_bank_name(TPMI_ALG_HASH bank); /* also of sha1 and sha512 */

struct tpm2_counters {
	uint64_t erase, rotation;
};
/* Policy digests, computed here. Silent; false: a bug. */
bool tpm2_digest_pcr(const struct tpm2_boot *b, TPM2B_DIGEST *d, TPM2B_DIGEST *ret_values);
bool tpm2_digest_boot(const struct tpm2_boot *b, TPM2B_DIGEST *ret);
bool tpm2_digest_seal(const struct tpm2_boot *b, const struct tpm2_counters *c, bool pin,
		      TPM2B_DIGEST *ret);
/* Bound to the boot and the PIN, to no counter: what systemd seals. */
bool tpm2_digest_systemd(const struct tpm2_boot *b, bool pin, TPM2B_DIGEST *ret);
void tpm2_policy_ref(uint32_t version, TPM2B_NONCE *ret);
void tpm2_selection(const struct tpm2_boot *b, TPML_PCR_SELECTION *ret);
void tpm2_operand(uint64_t value, TPM2B_OPERAND *ret);

/* The same on the TPM, in the policy session. */
int tpm2_policy_boot(struct keystore_session *s, const struct tpm2_boot *b, const char *path);
int tpm2_policy_counter(struct keystore_session *s, enum tpm2_which which, uint64_t value);

/* --- what a layout asks for (tpm2.c) --- */

/* What @k is bound to, with what the PCRs are now. */
int tpm2_boot_now(const struct keystore *k, struct keystore_session *s, struct tpm2_boot *ret);
bool tpm2_wants_pin(const struct keystore *k);
uint32_t tpm2_wants_version(const struct keystore *k);
const char *tpm2_public_key_path(const struct keystore *k); /* NULL: PCRs by value, or none */

/* --- PCRs (tpm2-pcr.c) --- */

/* Audited: keys are bound to what it says. */
int tpm2_pcr_read(struct keystore_session *s, struct tpm2_boot *b);
/* HF-KEYSTORE-POLICY, with the PCRs that differ from @b. */
int tpm2_pcr_mismatch(struct keystore_session *s, const struct tpm2_boot *b);
/* Extends the first of them: nothing bound to it opens until the next boot. */
int tpm2_pcr_cap(struct keystore_session *s, const struct tpm2_boot *b);
void tpm2_pcr_list(uint32_t pcrs, struct text *to); /* "7, 11" */

/* --- signatures over PCR policies (tpm2-signature.c) --- */

int tpm2_signature_pem(const char *path, struct text *ret);
int tpm2_signature_key(const char *path, struct tpm2_boot *b); /* from PEM */
/* The same from a text; @name: what it is called in messages. */
int tpm2_signature_key_pem(const char *name, const void *pem, size_t len, struct tpm2_boot *b);
/* The signature for policy digest @policy, in systemd's JSON. @policy of size 0 is not known: it is
 * filled in where only one signature can be meant, else -E2BIG, silent. */
int tpm2_signature_find(const char *path, const struct tpm2_boot *b, TPM2B_DIGEST *policy,
			TPM2B_PUBLIC_KEY_RSA *ret);
/* The same in a text. 0, -ENOENT, -E2BIG, -EUCLEAN; silent. */
int tpm2_signature_scan(const char *text, size_t len, const struct tpm2_boot *b,
			TPM2B_DIGEST *policy, TPM2B_PUBLIC_KEY_RSA *ret);
/* HF-KEYSTORE-POLICY: none of them is for what the PCRs say. */
int tpm2_signature_none(const char *path, const struct tpm2_boot *b);

/* --- storage key (tpm2-storage.c) --- */

int tpm2_storage_find(struct keystore_session *s); /* none is no failure */
int tpm2_storage_need(struct keystore_session *s);
/* HF-KEYSTORE-FOREIGN: what was sealed under @name was not sealed here. */
int tpm2_storage_compare(const struct keystore *k, struct keystore_session *s,
			 const TPM2B_NAME *name);
/* The owner's authorisation for what follows; NULL: it has none. */
int tpm2_set_owner(struct keystore_session *s, const struct secret *owner);
int tpm2_storage_prepare(struct keystore_session *s, const struct secret *owner);

/* --- indices (tpm2-index.c), counters (tpm2-counter.c), anchor (tpm2-anchor.c) --- */

TPM2_HANDLE tpm2_index_handle(enum tpm2_which which);
const char *tpm2_index_text(enum tpm2_which which);
/* As it has to be; @boot: of the anchor's write policy, NULL for counters. */
bool tpm2_index_expected(enum tpm2_which which, const TPM2B_DIGEST *policy, bool written,
			 TPM2B_NV_PUBLIC *ret);
/* A counter's handle without asking the TPM: name and attributes are known. */
int tpm2_index_assume(struct keystore_session *s, enum tpm2_which which);
/* Reads the public area and takes it for @which if it is. -ENOENT, silent: there is none;
 * HF-KEYSTORE-FOREIGN: it is not ours. */
int tpm2_index_look(struct keystore_session *s, enum tpm2_which which);
int tpm2_index_read(struct keystore_session *s, enum tpm2_which which, void *ret, uint16_t len);
int tpm2_index_define(struct keystore_session *s, enum tpm2_which which,
		      const TPM2B_DIGEST *policy);
/* It was looked at. Wants the owner's authorisation. */
int tpm2_index_undefine(struct keystore_session *s, enum tpm2_which which);
int tpm2_index_missing(enum tpm2_which which);

int tpm2_counter_read(struct keystore_session *s, enum tpm2_which which, uint64_t *ret);
/* Counts up by one, and checks that it did. */
int tpm2_counter_count(struct keystore_session *s, enum tpm2_which which, uint64_t *ret_before,
		       uint64_t *ret_after);
int tpm2_counter_prepare(struct keystore_session *s, enum tpm2_which which);
/* Whoever it belongs to, in whatever boot state. 1 or 0. */
int tpm2_anchor_written(struct keystore_session *s);
int tpm2_anchor_prepare(struct keystore_session *s, const struct tpm2_boot *b, const char *path);
int tpm2_anchor_read(struct keystore_session *s, struct keystore_anchor *ret);
/* After preparing, where it is bound to another boot state, it is made anew, by the owner: a cut
 * leaves the old record or this one. */
int tpm2_anchor_write(struct keystore_session *s, const struct tpm2_boot *b, const char *path,
		      const struct secret *owner, const struct keystore_anchor *a);
/* Once both are known: is the anchor bound to the boot state that just unsealed? */
int tpm2_anchor_compare(struct keystore_session *s);

/* --- blob (tpm2-blob.c) --- */

struct tpm2_pin {
	bool wanted;
	uint32_t memory_kib, passes, lanes;
	uint8_t salt[32];
};

struct tpm2_blob {
	struct tpm2_boot boot;
	struct tpm2_pin pin;
	struct tpm2_counters counters; /* that it opens at */
	TPM2B_NAME srk;
	TPM2B_PUBLIC object;
	TPM2B_PRIVATE private;
	TPM2B_ENCRYPTED_SECRET seed; /* size not 0: @private is to be imported, once */
};
/* Silent. -EUCLEAN: is not one, or its parts contradict each other. */
int tpm2_blob_decode(const uint8_t *bytes, size_t len, struct tpm2_blob *ret);
int tpm2_blob_encode(const struct tpm2_blob *b, struct text *to);

/* --- sealing (tpm2-seal.c), PIN (tpm2-pin.c) --- */

/* What stays in this machine (mixed into the device secret), what the TPM asks for. */
struct tpm2_pin_keys {
	struct secret *mix;
	TPM2B_AUTH auth;
};
/* A TPM drops zeroes at the end, and then keys its HMAC with what is left. */
void tpm2_trim_auth(TPM2B_AUTH *auth);
int tpm2_pin_ask(const struct keystore *k, struct env *env, bool fresh, struct secret **ret);
int tpm2_pin_derive(const struct keystore *k, struct env *env, const struct tpm2_pin *pin,
		    bool fresh, struct tpm2_pin_keys *ret);
void tpm2_pin_forget(struct tpm2_pin_keys *p);
#define _cleanup_pin_ __attribute__((cleanup(tpm2_pin_forget)))
int tpm2_pin_mix(const struct tpm2_pin_keys *p, const struct secret *sealed, struct secret **ret);
/* HF-KEY-WRONG, with the tries that are left; or HF-KEYSTORE-BUSY. */
int tpm2_pin_refused(struct keystore_session *s, const struct keystore *k, TSS2_RC rc);
/* The same for what is no keystore. @what: "keystore NAME". */
int tpm2_pin_wrong(struct keystore_session *s, const char *what, TSS2_RC rc);

/* Seals @secret under @parent; @object: the template, then what the TPM made of it. */
int tpm2_create(struct keystore_session *s, ESYS_TR parent, const struct secret *secret,
		const TPM2B_AUTH *auth, TPM2B_PUBLIC *object, TPM2B_PRIVATE *ret);
int tpm2_seal(const struct keystore *k, struct keystore_session *s, struct env *env,
	      struct tpm2_blob *b, struct secret **ret);
int tpm2_unseal(const struct keystore *k, struct keystore_session *s, struct env *env,
		const struct tpm2_blob *b, const char *path, struct secret **ret);

extern const struct keystore_systemd_ops tpm2_systemd; /* systemd-tpm2-seal.c */

/* --- a TPM that is not here (tpm2-remote.c) --- */

/* For env->input->tpm_identity. */
int tpm2_remote_connect(const char *path, struct keystore_session *s);
/* What its PCRs held. */
int tpm2_remote_boot(const struct keystore_session *s, struct tpm2_boot *b);
/* @b->object is made, with a duplicate and its seed instead of what a TPM would give. */
int tpm2_remote_create(const struct keystore_session *s, struct env *env, struct tpm2_blob *b,
		       const struct secret *secret, const TPM2B_AUTH *auth);
/* A run that was cut off cannot unseal what it sealed. */
int tpm2_remote_refuse(const struct keystore *k);
/* The other side: what was made for this TPM elsewhere; @ret can be loaded. */
int tpm2_import(struct keystore_session *s, const struct tpm2_blob *b, TPM2B_PRIVATE *ret);
int tpm2_identity_of(struct keystore_session *s, struct text *to);

/* --- erasing (tpm2-erase.c) --- */

int tpm2_property(struct keystore_session *s, TPM2_PT property, uint32_t *ret);
/* Sessions of others, loaded and saved: one that was satisfied before the count still unseals. */
int tpm2_flush_sessions(struct keystore_session *s, unsigned *ret_left);
/* Proof that @b is dead: an answer from the counter, guarded, that is not what it waits for, and
 * the TPM's refusal. */
int tpm2_prove_erased(struct keystore_session *s, const struct tpm2_blob *b);

#endif
