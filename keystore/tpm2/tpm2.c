/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tpm2: a TPM 2.0 guards the device secret, bound to the boot, to a PIN, and to counters
 * that make erasing final. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/registry.h"
#include "keystore/tpm2/anchor.h"
#include "keystore/tpm2/auth.h"
#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/capability.h"
#include "keystore/tpm2/counter.h"
#include "keystore/tpm2/erase.h"
#include "keystore/tpm2/options.h"
#include "keystore/tpm2/pcr.h"
#include "keystore/tpm2/remote.h"
#include "keystore/tpm2/seal.h"
#include "keystore/tpm2/session.h"
#include "keystore/tpm2/storage.h"
#include "keystore/tpm2/systemd.h"

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_FINAL;
}

static int decode(const struct keystore *k, const uint8_t *blob, size_t len, struct tpm2_blob *ret)
{
	if (tpm2_blob_decode(blob, len, ret) >= 0)
		return 0;
	return diag_fail(
	    DIAG_TAMPERED, EUCLEAN,
	    "the sealed secret of keystore %s is not one that a TPM sealed for holdfast", k->name);
}

/* How far ahead of the counter a blob may be: so many rotations were begun and cut off. */
#define ROTATIONS_MAX 64

/* --- operations --- */

static int begin(const struct keystore *k, struct env *env, struct keystore_session **ret)
{
	struct keystore_session *s = NULL;
	int r;

	if (env->input && env->input->tpm_identity)
		return tpm2_remote_connect(env->input->tpm_identity, ret);
	r = tpm2_connect(env, &s);
	if (r >= 0)
		r = tpm2_storage_find(s);
	if (r < 0) {
		tpm2_disconnect(s);
		return r;
	}
	*ret = s;
	return 0;
}

static int used(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	return s->remote ? 0 : tpm2_anchor_alive(s);
}

/* Sends no command: the storage key's name is known since begin(). */
static int recognise(const struct keystore *k, struct keystore_session *s, struct env *env,
		     const uint8_t *blob, size_t len)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	int r = b ? decode(k, blob, len, b) : diag_no_memory();

	if (r >= 0 && s->remote)
		r = tpm2_remote_refuse(k);
	return r < 0 ? r : tpm2_storage_compare(k, s, &b->srk);
}

static int lock(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	struct tpm2_boot b;

	tpm2_boot_wanted(k, &b);
	return tpm2_wants_lock(k) ? tpm2_pcr_cap(s, &b) : 0;
}

/* The owner's authorisation, which most TPMs do not have, until tpm2_auth_set_owner(s, NULL). */
static int use_owner(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	_cleanup_secret_ struct secret *owner = NULL;
	int r =
	    env->input ? env->input->ask(env->input->ctx, ASK_OWNER, k->name, false, &owner) : 0;

	return r < 0 && r != -ENOKEY ? r : tpm2_auth_set_owner(s, owner);
}

static int prepare(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	struct tpm2_boot boot;
	int r;

	if (s->remote)
		return 0;
	r = use_owner(k, s, env);
	if (r >= 0)
		r = tpm2_storage_prepare(s);
	if (r >= 0)
		r = tpm2_boot_now(k, s, &boot);
	if (r >= 0)
		r = tpm2_counter_prepare(s, TPM2_ERASE);
	if (r >= 0)
		r = tpm2_counter_prepare(s, TPM2_ROTATION);
	tpm2_auth_set_owner(s, NULL);
	return r;
}

static int prepare_anchor(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	struct tpm2_boot boot;
	int r;

	if (s->remote)
		return 0;
	r = use_owner(k, s, env);
	if (r >= 0)
		r = tpm2_boot_now(k, s, &boot);
	if (r >= 0)
		r = tpm2_anchor_prepare(s, &boot, tpm2_signature_path(k));
	s->prepared = r >= 0;
	tpm2_auth_set_owner(s, NULL);
	return r;
}

static int counters(const struct keystore *k, struct keystore_session *s, struct env *env,
		    struct keystore_counters *ret)
{
	ESYS_TR session;
	int r = s->remote ? 0 : tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &ret->erase);
	return r < 0 ? r : tpm2_counter_read(s, TPM2_ROTATION, &ret->rotation);
}

/* A count takes nothing from a session that was satisfied before it. */
static void void_sessions(const struct keystore *k, struct keystore_session *s)
{
	size_t mark = diag_count();
	struct tpm2_boot b;
	unsigned left = 0;

	tpm2_boot_wanted(k, &b);
	/* Those that a resource manager keeps for others are not listed, and go by the PCR. */
	if (b.pcrs && tpm2_pcr_void(s, &b) >= 0)
		return;
	if (tpm2_flush_sessions(s, &left) >= 0 && !left)
		return;
	diag_forget(mark); /* the count is done, whatever failed after it */
	diag_note("this is final after the TPM's next reset (power off and on): it still holds "
		  "sessions of other programs");
}

static int count_erase(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	uint64_t before, after;
	int r = s->remote ? 0 : tpm2_counter_count(s, TPM2_ERASE, &before, &after);

	if (s->remote) /* its counters are not counted from here */
		return 0;
	if (r < 0) {
		diag_state("NOT ERASED, as far as is known: the TPM did not confirm the count");
		return r;
	}
	/* The count is done; what follows cannot take it back. */
	void_sessions(k, s);
	return 0;
}

/* The value of the rotation counter at which @blob opens. */
static int read_wanted(const struct keystore *k, const uint8_t *blob, size_t len, uint64_t *ret)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	int r = b ? decode(k, blob, len, b) : diag_no_memory();

	if (r >= 0)
		*ret = b->counters.rotation;
	return r;
}

static int waits(const struct keystore *k, struct keystore_session *s, struct env *env,
		 const uint8_t *blob, size_t len)
{
	uint64_t now, wants;
	int r = read_wanted(k, blob, len, &wants);

	if (r < 0 || s->remote) /* just sealed, for the values that its counters have there */
		return r;
	r = tpm2_counter_read(s, TPM2_ROTATION, &now);
	if (r < 0 || now == wants)
		return r;
	if (now > wants)
		return diag_fail(DIAG_KEYSTORE_ERASED, EKEYREVOKED,
				 "the TPM's rotation counter is %llu and the sealed secret was for "
				 "%llu: a newer one replaced it",
				 (unsigned long long)now, (unsigned long long)wants);
	if (wants - now > ROTATIONS_MAX)
		return diag_fail(DIAG_KEYSTORE_FOREIGN, EUCLEAN,
				 "the sealed secret opens when the TPM's rotation counter is %llu, "
				 "but it is %llu: the secret is of another device",
				 (unsigned long long)wants, (unsigned long long)now);
	return 1;
}

static int advance(const struct keystore *k, struct keystore_session *s, struct env *env,
		   const uint8_t *blob, size_t len)
{
	uint64_t before, after = 0, wants;
	int r = waits(k, s, env, blob, len);

	if (r <= 0)
		return r;
	r = read_wanted(k, blob, len, &wants);
	while (r >= 0 && after < wants)
		r = tpm2_counter_count(s, TPM2_ROTATION, &before, &after);
	if (r >= 0)
		void_sessions(k, s);
	if (r >= 0 && after != wants)
		return diag_fail(DIAG_KEYSTORE_BUSY, EBUSY,
				 "another program counted the TPM's rotation counter at the same "
				 "time");
	return r;
}

static int anchor_read(const struct keystore *k, struct keystore_session *s, struct env *env,
		       struct keystore_anchor *ret)
{
	*ret = (struct keystore_anchor){0};
	return s->remote ? 0 : tpm2_anchor_read(s, ret);
}

/* Nothing where the TPM is not: the first opening does it, next to the TPM. */
static int change_anchor(const struct keystore *k, struct keystore_session *s, struct env *env,
			 const struct keystore_anchor *a,
			 int (*change)(struct keystore_session *s, const struct tpm2_boot *b,
				       const char *path, struct keystore_anchor a))
{
	struct tpm2_boot boot;
	int r;

	if (s->remote)
		return 0;
	r = use_owner(k, s, env);
	if (r >= 0)
		r = tpm2_boot_now(k, s, &boot);
	if (r >= 0)
		r = change(s, &boot, tpm2_signature_path(k), *a);
	tpm2_auth_set_owner(s, NULL);
	return r;
}

static int anchor_write(const struct keystore *k, struct keystore_session *s, struct env *env,
			const struct keystore_anchor *a)
{
	return change_anchor(k, s, env, a, tpm2_anchor_write);
}

static int anchor_reserve(const struct keystore *k, struct keystore_session *s, struct env *env,
			  const struct keystore_anchor *a)
{
	return change_anchor(k, s, env, a, tpm2_anchor_reserve);
}

static int hardware(struct keystore_session *s, char *ret, size_t size)
{
	uint32_t maker, first, second;
	char name[5] = "";
	int r = tpm2_property(s, TPM2_PT_MANUFACTURER, &maker);

	if (r >= 0)
		r = tpm2_property(s, TPM2_PT_FIRMWARE_VERSION_1, &first);
	if (r >= 0)
		r = tpm2_property(s, TPM2_PT_FIRMWARE_VERSION_2, &second);
	if (r < 0)
		return r;
	for (int i = 0; i < 4; i++) {
		char c = (char)(maker >> (24 - 8 * i));

		name[i] = c > ' ' && c < 127 ? c : '\0';
	}
	snprintf(ret, size, "TPM 2.0 of %s, firmware %u.%u.%u.%u", name, first >> 16,
		 first & 0xffff, second >> 16, second & 0xffff);
	return 0;
}

static int state(const struct keystore *k, struct keystore_session *s, struct env *env,
		 struct keystore_state *ret)
{
	struct keystore_state st = {0};
	ESYS_TR session;
	int r = s->remote ? tpm2_remote_refuse(k) : tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = hardware(s, st.hardware, sizeof(st.hardware));
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &st.erase);
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ROTATION, &st.rotation);
	if (r >= 0)
		r = tpm2_anchor_read(s, &st.anchor);
	if (r >= 0)
		*ret = st;
	return r;
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *env,
		uint64_t rotation, struct secret **ret, struct text *blob)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	_cleanup_secret_ struct secret *secret = NULL;
	ESYS_TR session;
	int r = !b ? diag_no_memory() : s->remote ? 0 : tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_boot_now(k, s, &b->boot);
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &b->counters.erase);
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ROTATION, &b->counters.rotation);
	if (r < 0)
		return r;
	if (rotation)
		b->counters.rotation = rotation;
	b->pin = tpm2_wanted_pin(k);
	r = tpm2_seal(k, s, env, b, &secret);
	if (r >= 0 && tpm2_blob_encode(b, blob) < 0)
		r = diag_fail(DIAG_INTERNAL, EIO, "a sealed secret cannot be encoded");
	if (r >= 0)
		*ret = TAKE(secret);
	return r;
}

/* If the layout wants PCRs, a secret that is bound to none or to others is not ours, whoever put it
 * there. */
static int check_bound(const struct keystore *k, const struct tpm2_boot *b)
{
	struct tpm2_boot w;
	int r;

	tpm2_boot_wanted(k, &w);
	if (!w.pcrs || (b->pcrs == w.pcrs && b->bank == w.bank && b->is_signed == w.is_signed))
		return 0;
	r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
		      "the sealed secret of keystore %s is not bound to the PCRs that the layout "
		      "wants",
		      k->name);
	diag_state("nothing was opened");
	diag_next("use the layout that it was sealed with");
	return r;
}

static int unseal(const struct keystore *k, struct keystore_session *s, struct env *env,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	int r = b ? decode(k, blob, len, b) : diag_no_memory();

	if (r >= 0)
		r = check_bound(k, &b->boot);
	return r < 0 ? r : tpm2_unseal(k, s, env, b, tpm2_signature_path(k), ret);
}

static int identity(const struct keystore *k, struct keystore_session *s, struct env *env,
		    struct text *ret)
{
	return tpm2_remote_identity(s, ret);
}

static bool sealed_elsewhere(const uint8_t *blob, size_t len)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));

	return b && tpm2_blob_decode(blob, len, b) >= 0 && b->seed.size;
}

static void describe(const struct keystore *k, const uint8_t *blob, size_t len, struct text *to)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));

	if (!b || tpm2_blob_decode(blob, len, b) < 0)
		return;
	text_add(to, "TPM 2.0");
	if (b->boot.pcrs) {
		text_add(to, b->boot.is_signed ? ", only while a signature vouches for PCR "
					       : ", only while PCR ");
		tpm2_pcr_list(b->boot.pcrs, to);
		text_add(to, b->boot.is_signed ? " (%s, version %u)" : " (%s) are as when sealed",
			 tpm2_bank_name(b->boot.bank), b->boot.version);
	}
	if (b->pin.wanted)
		text_add(to, ", with a PIN");
	text_add(to, "; until the TPM's rotation counter passes %llu or its erase counter %llu",
		 (unsigned long long)b->counters.rotation, (unsigned long long)b->counters.erase);
	if (!b->boot.pcrs)
		text_add(to, "; bound to no boot state: not authentic against someone who boots "
			     "their own system on this board");
}

const struct keystore_ops keystore_tpm2 = {
    .name = "tpm2",
    .blob_magic = "hftpm2",
    .blob_version = TPM2_BLOB_VERSION,
    .summary = "A TPM 2.0 guards the device secret; its counters make erasing final.",
    .options = tpm2_options,
    .strength = strength,
    .check = tpm2_options_check,
    .must_erase = tpm2_must_erase,
    .policy_version_option = tpm2_policy_version_option,
    .begin = begin,
    .end = tpm2_disconnect,
    .used = used,
    .prepare = prepare,
    .prepare_anchor = prepare_anchor,
    .counters = counters,
    .count_erase = count_erase,
    .advance = advance,
    .waits = waits,
    .recognise = recognise,
    .anchor_read = anchor_read,
    .anchor_reserve = anchor_reserve,
    .anchor_write = anchor_write,
    .state = state,
    .seal = seal,
    .unseal = unseal,
    .identity = identity,
    .sealed_elsewhere = sealed_elsewhere,
    .lock = lock,
    .describe = describe,
    .systemd = &tpm2_systemd,
};
