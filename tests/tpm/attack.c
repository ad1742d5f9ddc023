/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tpm2 against somebody with a copy of the medium, a probe on the bus, or both. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/counter.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/policy.h"
#include "keystore/tpm2/seal.h"
#include "keystore/tpm2/session.h"
#include "lib/check.h"
#include "lib/refused.h"
#include "lib/tpm-rig.h"

static const char *const plain[] = {NULL};
static const char *const with_pin[] = {"pin", "true", "pin-memory", "1M", NULL};
static struct rig r;
static struct secret *secret;
static struct text blob;

static void provision(const char *const *options)
{
	rig_open(&r, options);
	r.pin = "31337-is-the-pin";
	assert_ok(rig_prepare(&r));
	assert_ok(rig_seal(&r, false, &secret, &blob));
	assert_ok(rig_anchor_write(&r, 1));
}

static void finish(void)
{
	between.answer = NULL;
	between.cut_at = BETWEEN_NEVER;
	assert_int_equal(rig_handles(&r), 0);
	secret = secret_free(secret);
	text_free(&blob);
	rig_close(&r);
}

/* --- sessions that were satisfied before the count --- */

static void satisfy(struct keystore_session *s, const struct tpm2_blob *b, ESYS_TR *ret_object)
{
	assert_int_equal(Esys_Load(s->esys, s->srk, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				   &b->private, &b->object, ret_object),
			 TSS2_RC_SUCCESS);
	assert_ok(tpm2_policy_session(s));
	assert_ok(tpm2_policy_counter(s, TPM2_ROTATION, b->counters.rotation));
	assert_ok(tpm2_policy_counter(s, TPM2_ERASE, b->counters.erase));
}

static TSS2_RC unseal(struct keystore_session *s, ESYS_TR object, ESYS_TR session)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc = Esys_Unseal(s->esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data);

	Esys_Free(data);
	return rc;
}

/* Why the count alone is not enough: what the design says of TPMs, seen. */
static void a_satisfied_session_outlives_a_bare_count(void **state)
{
	struct tpm2_blob *b = calloc(1, sizeof(*b));
	struct keystore_session *s;
	uint64_t before, after;
	ESYS_TR object;

	provision(plain);
	assert_ok(tpm2_blob_decode((uint8_t *)blob.s, blob.len, b));
	assert_ok(r.k->ops->begin(r.k, &r.env, &s));
	satisfy(s, b, &object);
	assert_ok(tpm2_counter_count(s, TPM2_ERASE, &before, &after));
	assert_int_equal(unseal(s, object, s->policy.tr), TSS2_RC_SUCCESS);
	Esys_FlushContext(s->esys, object);
	r.k->ops->end(s);
	free(b);
	finish();
}

static void erasing_flushes_loaded_and_saved_sessions(void **state)
{
	struct tpm2_blob *b = calloc(1, sizeof(*b));
	struct keystore_session *s, *eraser;
	TPMS_CONTEXT *saved;
	ESYS_TR object, loaded, again;

	for (int save = 0; save < 2; save++) {
		provision(plain);
		assert_ok(tpm2_blob_decode((uint8_t *)blob.s, blob.len, b));
		assert_ok(r.k->ops->begin(r.k, &r.env, &s));
		satisfy(s, b, &object);
		loaded = s->policy.tr;
		/* It is the attacker's: this session does not know it any more. */
		tpm2_forget(&s->policy);
		if (save)
			assert_int_equal(Esys_ContextSave(s->esys, loaded, &saved),
					 TSS2_RC_SUCCESS);
		eraser = s;
		assert_ok(r.k->ops->count_erase(r.k, eraser, &r.env));
		if (save) {
			assert_int_not_equal(Esys_ContextLoad(s->esys, saved, &again),
					     TSS2_RC_SUCCESS);
			Esys_Free(saved);
		} else {
			assert_int_not_equal(unseal(s, object, loaded), TSS2_RC_SUCCESS);
		}
		Esys_FlushContext(s->esys, object);
		r.k->ops->end(s);
		finish();
	}
	free(b);
}

/* --- the bus --- */

static void the_bus_carries_no_secret(void **state)
{
	_cleanup_secret_ struct secret *next = NULL;
	_cleanup_text_ struct text waiting = {0};
	struct keystore_anchor a;

	provision(with_pin);
	between_reset();
	between.record_room = 1 << 20;
	between.record = malloc(between.record_room);
	assert_ok(rig_prepare(&r));
	assert_ok(rig_seal(&r, true, &next, &waiting));
	assert_ok(rig_opens(&r, &blob, secret));
	assert_ok(rig_anchor_read(&r, &a));
	assert_ok(rig_advance(&r, &waiting));
	assert_ok(rig_opens(&r, &waiting, next));
	assert_ok(rig_count_erase(&r));
	assert_true(between.record_len > 5000);
	assert_true(between_saw("\x80\x01", 2)); /* it did record */
	assert_false(between_saw(secret_bytes(secret), 16));
	assert_false(between_saw(secret_bytes(next), 16));
	assert_false(between_saw(r.pin, strlen(r.pin)));
	finish();
}

static void what_the_tpm_unseals_is_encrypted_without_a_pin(void **state)
{
	provision(plain);
	between_reset();
	between.record_room = 1 << 20;
	between.record = malloc(between.record_room);
	assert_ok(rig_opens(&r, &blob, secret));
	assert_false(between_saw(secret_bytes(secret), 8));
	finish();
}

static void the_owner_is_proven_not_sent(void **state)
{
	static const char words[] = "the-owner-of-it-all";

	rig_open(&r, plain);
	rig_tool(&r, "tpm2_changeauth -c o %s", words);
	between.record_room = 1 << 20;
	between.record = malloc(between.record_room);
	r.owner = words;
	assert_ok(rig_prepare(&r));
	assert_ok(rig_prepare(&r));
	assert_false(between_saw(words, 8));
	finish();
}

/* The storage key's answer has another point: a key that the interposer has. */
static void swap_srk(void *ctx, int number, const uint8_t *command, size_t command_len,
		     uint8_t *bytes, size_t *len)
{
	TPM2B_PUBLIC *other = ctx;
	uint8_t area[sizeof(TPM2B_PUBLIC)];
	TPM2B_NAME name;
	size_t n = 0, at = 10;

	if (between_code(command) != TPM2_CC_ReadPublic || bytes[6] || bytes[8] || bytes[9])
		return;
	Tss2_MU_TPM2B_PUBLIC_Marshal(other, area, sizeof(area), &n);
	memcpy(bytes + at, area, n);
	at += n;
	tpm2_object_name(other, &name);
	Tss2_MU_TPM2B_NAME_Marshal(&name, bytes, 4096, &at);
	Tss2_MU_TPM2B_NAME_Marshal(&name, bytes, 4096, &at);
	*len = at;
	bytes[4] = (uint8_t)(at >> 8);
	bytes[5] = (uint8_t)at;
}

/* Of another TPM: whoever made it knows its private half. */
static TPM2B_PUBLIC other_srk(void)
{
	struct rig other;
	struct keystore_session *s;
	TPM2B_PUBLIC *public, copy;

	rig_open(&other, plain);
	assert_ok(rig_prepare(&other));
	assert_ok(other.k->ops->begin(other.k, &other.env, &s));
	assert_int_equal(Esys_ReadPublic(s->esys, s->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 &public, NULL, NULL),
			 TSS2_RC_SUCCESS);
	copy = *public;
	Esys_Free(public);
	other.k->ops->end(s);
	rig_close(&other);
	return copy;
}

static void a_swapped_storage_key_is_caught(void **state)
{
	TPM2B_PUBLIC other = other_srk();
	struct keystore_anchor a;

	provision(plain);
	between_reset();
	between.answer = swap_srk;
	between.ctx = &other;
	assert_refused(rig_opens(&r, &blob, secret), DIAG_KEYSTORE_FOREIGN);
	assert_refused(rig_count_erase(&r), DIAG_KEYSTORE_UNTRUSTED);
	assert_refused(rig_prepare(&r), DIAG_KEYSTORE_OWNER);
	assert_refused(rig_anchor_read(&r, &a), DIAG_KEYSTORE_UNTRUSTED);
	between.answer = NULL;
	assert_ok(rig_opens(&r, &blob, secret)); /* not counted */
	finish();
}

/* --- faked answers --- */

struct fake {
	uint32_t command;
	uint8_t bytes[4096]; /* an answer of before */
	size_t len;
	bool replay; /* else: success, without anything */
	unsigned seen;
};

static void remember(void *ctx, int number, const uint8_t *command, size_t command_len,
		     uint8_t *bytes, size_t *len)
{
	struct fake *f = ctx;

	if (between_code(command) != f->command)
		return;
	memcpy(f->bytes, bytes, *len);
	f->len = *len;
}

static void fake(void *ctx, int number, const uint8_t *command, size_t command_len, uint8_t *bytes,
		 size_t *len)
{
	static const uint8_t bare[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0};
	struct fake *f = ctx;

	if (between_code(command) != f->command)
		return;
	f->seen++;
	memcpy(bytes, f->replay ? f->bytes : bare, f->replay ? f->len : sizeof(bare));
	*len = f->replay ? f->len : sizeof(bare);
}

static void a_faked_count_is_caught(void **state)
{
	static const uint32_t commands[] = {TPM2_CC_NV_Increment, TPM2_CC_NV_Read};
	static struct fake f;

	for (int i = 0; i < 4; i++) {
		f = (struct fake){.command = commands[i / 2], .replay = i % 2};
		provision(plain);
		between.answer = remember;
		between.ctx = &f;
		assert_ok(rig_count_erase(&r));
		between.answer = fake;
		assert_refused(rig_count_erase(&r), DIAG_KEYSTORE_UNTRUSTED);
		assert_true(f.seen > 0);
		finish();
	}
}

/* The command is swallowed: the TPM never sees the count, and the interposer says that it did. */
static void change_value(void *ctx, int number, const uint8_t *command, size_t command_len,
			 uint8_t *bytes, size_t *len)
{
	if (between_code(command) == TPM2_CC_NV_Read && *len > 30)
		bytes[23] ^= 1; /* within the counter's value */
}

static void a_changed_counter_value_is_caught(void **state)
{
	struct keystore_session *s;
	struct keystore_state st;
	struct keystore_anchor a;

	provision(plain);
	between.answer = change_value;
	assert_ok(r.k->ops->begin(r.k, &r.env, &s));
	assert_refused(r.k->ops->state(r.k, s, &r.env, &st), DIAG_KEYSTORE_UNTRUSTED);
	r.k->ops->end(s);
	assert_refused(rig_anchor_read(&r, &a), DIAG_KEYSTORE_UNTRUSTED);
	finish();
}

/* Its own secret, sealed to the right policy under the right key: the blob alone opens. What keeps
 * it out is that the anchor cannot be made to name it. */
static void an_own_secret_needs_the_anchor(void **state)
{
	static const char *const on_pcr[] = {"pcrs", "16", NULL};
	_cleanup_secret_ struct secret *own = NULL;
	_cleanup_text_ struct text theirs = {0};
	struct tpm2_blob *b = calloc(1, sizeof(*b));
	struct keystore_anchor a;
	struct keystore_session *s;

	provision(on_pcr);
	assert_ok(tpm2_blob_decode((uint8_t *)blob.s, blob.len, b));
	/* The attacker's system: other PCRs; their secret for the device's. */
	rig_tool(&r, "tpm2_pcrextend 16:sha256="
		     "0101010101010101010101010101010101010101010101010101010101010101");
	assert_ok(r.k->ops->begin(r.k, &r.env, &s));
	assert_ok(tpm2_seal(r.k, s, &r.env, b, &own));
	assert_ok(tpm2_blob_encode(b, &theirs));
	r.k->ops->end(s);
	assert_refused(rig_anchor_write(&r, 99), DIAG_KEYSTORE_POLICY);
	rig_layout(&r, plain); /* pretending that there is no policy */
	assert_refused(rig_anchor_write(&r, 99), DIAG_KEYSTORE_POLICY);
	rig_layout(&r, on_pcr);
	swtpm_power_cycle(&r.tpm);
	assert_ok(rig_opens(&r, &theirs, own));
	assert_ok(rig_anchor_read(&r, &a));
	assert_int_equal(a.sequence, 1);
	free(b);
	finish();
}

/* What decoding finds is HF-TAMPERED. It leaves the storage key's name, and to the TPM what only
 * the TPM can check: the object's unique field and its private area. */
static enum diag_code code_of_change(size_t at)
{
	static const struct {
		size_t end;
		enum diag_code code;
	} ranges[] = {
	    {88, DIAG_TAMPERED},          /* header */
	    {122, DIAG_KEYSTORE_FOREIGN}, /* name of the storage key */
	    {216, DIAG_TAMPERED},         /* header, object */
	    {248, DIAG_KEYSTORE_FOREIGN}, /* its unique field */
	    {250, DIAG_TAMPERED},         /* size of the private area */
	    {252, DIAG_KEYSTORE_FAILED},  /* size of its HMAC: the TPM cannot read it */
	    {SIZE_MAX, DIAG_KEYSTORE_FOREIGN},
	};
	size_t i = 0;

	while (at >= ranges[i].end)
		i++;
	return ranges[i].code;
}

static void a_changed_blob_opens_nothing(void **state)
{
	provision(plain);
	for (size_t i = 0; i < blob.len; i++) {
		blob.s[i] ^= 0x40;
		assert_refused(rig_opens(&r, &blob, secret), code_of_change(i));
		blob.s[i] ^= 0x40;
	}
	assert_ok(rig_opens(&r, &blob, secret));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_satisfied_session_outlives_a_bare_count),
	    cmocka_unit_test(erasing_flushes_loaded_and_saved_sessions),
	    cmocka_unit_test(the_bus_carries_no_secret),
	    cmocka_unit_test(what_the_tpm_unseals_is_encrypted_without_a_pin),
	    cmocka_unit_test(the_owner_is_proven_not_sent),
	    cmocka_unit_test(a_swapped_storage_key_is_caught),
	    cmocka_unit_test(a_faked_count_is_caught),
	    cmocka_unit_test(a_changed_counter_value_is_caught),
	    cmocka_unit_test(an_own_secret_needs_the_anchor),
	    cmocka_unit_test(a_changed_blob_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
