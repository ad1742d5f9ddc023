/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tpm2 on a real TPM's software: what an owner of a device sees. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/erase.h"
#include "keystore/tpm2/index.h"
#include "lib/check.h"
#include "lib/refused.h"
#include "lib/tpm-rig.h"

static const char *const plain[] = {NULL};

static void opens_what_it_sealed(void **state)
{
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	struct keystore_anchor a = {0};
	struct rig r;

	rig_open(&r, plain);
	assert_ok(rig_prepare(&r));
	assert_ok(rig_seal(&r, false, &secret, &blob));
	assert_ok(rig_opens(&r, &blob, secret));
	assert_ok(rig_anchor_read(&r, &a));
	assert_false(a.present);
	assert_ok(rig_anchor_write(&r, 7));
	assert_ok(rig_anchor_read(&r, &a));
	assert_true(a.present);
	assert_int_equal(a.sequence, 7);
	swtpm_power_cycle(&r.tpm);
	assert_ok(rig_opens(&r, &blob, secret));
	assert_int_equal(rig_handles(&r), 0);
	rig_close(&r);
}

static const char *const with_pin[] = {"pin", "true", "pin-memory", "1M", NULL};
static const char *const on_pcr[] = {"pcrs", "16,23", NULL};

/* A device that was provisioned, and its sealed secret. */
struct device {
	struct rig r;
	struct secret *secret;
	struct text blob;
};

static void device_open(struct device *d, const char *const *options, const char *pin)
{
	memset(d, 0, sizeof(*d));
	rig_open(&d->r, options);
	d->r.pin = pin;
	assert_ok(rig_prepare(&d->r));
	assert_ok(rig_seal(&d->r, false, &d->secret, &d->blob));
	assert_ok(rig_anchor_write(&d->r, 1));
}

static void device_close(struct device *d)
{
	assert_int_equal(rig_handles(&d->r), 0);
	secret_free(d->secret);
	text_free(&d->blob);
	rig_close(&d->r);
}

static void preparing_twice_adopts(void **state)
{
	struct keystore_anchor a;
	struct device d;

	device_open(&d, plain, NULL);
	assert_ok(rig_prepare(&d.r));
	assert_ok(rig_opens(&d.r, &d.blob, d.secret));
	assert_ok(rig_anchor_read(&d.r, &a));
	assert_true(a.present);
	device_close(&d);
}

static void rotation_is_one_count(void **state)
{
	_cleanup_secret_ struct secret *next = NULL;
	_cleanup_text_ struct text blob = {0};
	struct device d;

	device_open(&d, plain, NULL);
	assert_ok(rig_seal(&d.r, true, &next, &blob));
	assert_refused(rig_opens(&d.r, &blob, next), DIAG_KEYSTORE_FOREIGN);
	assert_ok(rig_opens(&d.r, &d.blob, d.secret));
	assert_ok(rig_advance(&d.r, &d.blob)); /* which does not wait */
	assert_ok(rig_opens(&d.r, &d.blob, d.secret));
	assert_ok(rig_advance(&d.r, &blob));
	assert_ok(rig_opens(&d.r, &blob, next));
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_ERASED);
	assert_ok(rig_advance(&d.r, &blob)); /* again */
	assert_ok(rig_opens(&d.r, &blob, next));
	assert_refused(rig_advance(&d.r, &d.blob), DIAG_KEYSTORE_ERASED);
	device_close(&d);
}

static int prove(struct rig *r, const struct text *blob)
{
	struct tpm2_blob *b = calloc(1, sizeof(*b));
	struct keystore_session *s;
	int e;

	assert_ok(tpm2_blob_decode((uint8_t *)blob->s, blob->len, b));
	assert_ok(r->k->ops->begin(r->k, &r->env, &s));
	e = tpm2_prove_erased(s, b->counters.erase);
	r->k->ops->end(s);
	free(b);
	return e;
}

static void erasing_kills_every_copy(void **state)
{
	_cleanup_secret_ struct secret *next = NULL, *other = NULL;
	_cleanup_text_ struct text waiting = {0}, anew = {0};
	struct device d;

	device_open(&d, plain, NULL);
	assert_ok(rig_seal(&d.r, true, &next, &waiting));
	assert_refused(prove(&d.r, &d.blob), DIAG_KEYSTORE_FAILED);
	assert_ok(rig_count_erase(&d.r));
	assert_ok(prove(&d.r, &d.blob));
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_ERASED);
	assert_ok(rig_advance(&d.r, &waiting));
	assert_refused(rig_opens(&d.r, &waiting, next), DIAG_KEYSTORE_ERASED);
	swtpm_power_cycle(&d.r.tpm);
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_ERASED);
	assert_refused(rig_opens(&d.r, &waiting, next), DIAG_KEYSTORE_ERASED);
	assert_ok(rig_seal(&d.r, false, &other, &anew));
	assert_ok(rig_opens(&d.r, &anew, other));
	device_close(&d);
}

static void counters_made_anew_open_nothing_old(void **state)
{
	struct device d;

	device_open(&d, plain, NULL);
	assert_ok(rig_count_erase(&d.r));
	rig_tool(&d.r, "tpm2_nvundefine -C o 0x018b4f01; tpm2_nvundefine -C o 0x018b4f02");
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_FOREIGN);
	/* The attacker's own, counted as often as it takes. */
	for (int i = 0; i < 4; i++) {
		assert_ok(rig_prepare(&d.r));
		assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_ERASED);
		assert_ok(rig_count_erase(&d.r));
	}
	rig_tool(&d.r, "tpm2_nvundefine -C o 0x018b4f01; "
		       "tpm2_nvdefine -C o -s 8 -a 'ownerread|authread|authwrite|no_da|nt=counter' "
		       "0x018b4f01 >/dev/null; tpm2_nvincrement 0x018b4f01");
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_ERASED);
	assert_refused(rig_prepare(&d.r), DIAG_KEYSTORE_FOREIGN);
	device_close(&d);
}

static void a_cleared_tpm_is_told(void **state)
{
	struct device d;

	device_open(&d, plain, NULL);
	rig_tool(&d.r, "tpm2_clear -c p");
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_FOREIGN);
	assert_refused(rig_count_erase(&d.r), DIAG_KEYSTORE_FOREIGN);
	assert_ok(rig_prepare(&d.r)); /* another owner seed, another storage key */
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_FOREIGN);
	device_close(&d);
}

static void a_pin_is_half_of_the_key(void **state)
{
	struct device d;

	device_open(&d, with_pin, "1234");
	if (rig_opens(&d.r, &d.blob, d.secret) < 0)
		fail_msg("%s", diag_get(0)->text);
	d.r.pin = "1235";
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEY_WRONG);
	d.r.pin = NULL;
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEY_INPUT);
	d.r.pin = "1234";
	assert_ok(rig_opens(&d.r, &d.blob, d.secret));
	device_close(&d);
}

static void lockout_is_told_and_blocks_no_count(void **state)
{
	struct device d;
	struct keystore_anchor a;

	device_open(&d, with_pin, "1234");
	rig_tool(&d.r, "tpm2_dictionarylockout -s -n 2 -t 1000 -l 1000");
	d.r.pin = "no";
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEY_WRONG);
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_BUSY);
	d.r.pin = "1234";
	assert_refused(rig_opens(&d.r, &d.blob, d.secret), DIAG_KEYSTORE_BUSY);
	assert_ok(rig_anchor_write(&d.r, 2));
	assert_ok(rig_anchor_read(&d.r, &a));
	assert_int_equal(a.sequence, 2);
	assert_ok(rig_count_erase(&d.r));
	assert_ok(prove(&d.r, &d.blob));
	device_close(&d);
}

static void another_boot_opens_nothing(void **state)
{
	struct device d;

	device_open(&d, on_pcr, NULL);
	assert_ok(rig_opens(&d.r, &d.blob, d.secret));
	rig_tool(&d.r, "tpm2_pcrextend 16:sha256="
		       "0101010101010101010101010101010101010101010101010101010101010101");
	assert_int_equal(rig_opens(&d.r, &d.blob, d.secret), -EKEYREJECTED);
	assert_non_null(strstr(diag_get(0)->text, "PCR 16 (sha256) differs"));
	assert_int_equal(rig_said(), DIAG_KEYSTORE_POLICY);
	/* Nor can it make another vault copy the true one. */
	assert_refused(rig_anchor_write(&d.r, 9), DIAG_KEYSTORE_POLICY);
	swtpm_power_cycle(&d.r.tpm);
	assert_ok(rig_opens(&d.r, &d.blob, d.secret));
	assert_ok(rig_anchor_write(&d.r, 9));
	device_close(&d);
}

static void a_secret_without_pcrs_is_not_taken_for_one_with(void **state)
{
	_cleanup_secret_ struct secret *weak = NULL;
	_cleanup_text_ struct text blob = {0};
	struct device d;

	device_open(&d, on_pcr, NULL);
	rig_layout(&d.r, plain);
	assert_ok(rig_seal(&d.r, false, &weak, &blob));
	rig_layout(&d.r, on_pcr);
	assert_refused(rig_opens(&d.r, &blob, weak), DIAG_KEYSTORE_POLICY);
	device_close(&d);
}

/* The index is made anew by whoever has the owner's authorisation: told by its policy. */
static void an_anchor_made_anew_is_told(void **state)
{
	_cleanup_secret_ struct secret *got = NULL;
	struct keystore_anchor a;
	struct keystore_session *s;
	struct device d;

	device_open(&d, on_pcr, NULL);
	rig_tool(&d.r, "tpm2_nvundefine -C o 0x018b4f03; tpm2_nvdefine -C o -s 40 -a "
		       "'authread|authwrite|no_da' 0x018b4f03 >/dev/null; "
		       "head -c 40 /dev/zero | tpm2_nvwrite -i - 0x018b4f03");
	assert_ok(d.r.k->ops->begin(d.r.k, &d.r.env, &s));
	assert_ok(d.r.k->ops->anchor_read(d.r.k, s, &d.r.env, &a));
	assert_refused(
	    d.r.k->ops->unseal(d.r.k, s, &d.r.env, (uint8_t *)d.blob.s, d.blob.len, &got),
	    DIAG_KEYSTORE_POLICY);
	d.r.k->ops->end(s);
	assert_null(got);
	device_close(&d);
}

static void the_owner_is_asked(void **state)
{
	struct rig r;

	rig_open(&r, plain);
	rig_tool(&r, "tpm2_changeauth -c o secret");
	assert_refused(rig_prepare(&r), DIAG_KEYSTORE_OWNER);
	r.owner = "wrong";
	assert_refused(rig_prepare(&r), DIAG_KEYSTORE_OWNER);
	r.owner = "secret";
	assert_ok(rig_prepare(&r));
	r.owner = "wrong";
	assert_refused(rig_prepare(&r), DIAG_KEYSTORE_OWNER);
	assert_int_equal(rig_handles(&r), 0);
	rig_close(&r);
}

static void a_foreign_storage_key_is_refused(void **state)
{
	struct rig r;

	rig_open(&r, plain);
	rig_tool(&r,
		 "tpm2_createprimary -Q -C o -G ecc -c p.ctx; "
		 "tpm2_evictcontrol -Q -C o -c p.ctx 0x81000001; tpm2_flushcontext -t; rm p.ctx");
	assert_refused(rig_prepare(&r), DIAG_KEYSTORE_FOREIGN);
	assert_int_equal(rig_handles(&r), 0);
	rig_close(&r);
}

static void the_storage_key_of_systemd_is_taken(void **state)
{
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	struct rig r;

	rig_open(&r, plain);
	rig_tool(&r,
		 "tpm2_createprimary -Q -C o -G ecc256:aes128cfb -a 'restricted|decrypt|fixedtpm|"
		 "fixedparent|sensitivedataorigin|userwithauth|noda' -c p.ctx; "
		 "tpm2_evictcontrol -Q -C o -c p.ctx 0x81000001; tpm2_flushcontext -t; rm p.ctx");
	assert_ok(rig_prepare(&r));
	assert_ok(rig_seal(&r, false, &secret, &blob));
	assert_ok(rig_opens(&r, &blob, secret));
	rig_close(&r);
}

static void a_foreign_index_is_refused_by_name(void **state)
{
	struct rig r;

	rig_open(&r, plain);
	rig_tool(&r, "tpm2_nvdefine -C o -s 40 -a 'ownerread|ownerwrite' 0x018b4f03 >/dev/null");
	assert_int_equal(rig_prepare(&r), -EEXIST);
	assert_non_null(strstr(diag_get(0)->text, "0x018b4f03"));
	assert_int_equal(rig_said(), DIAG_KEYSTORE_FOREIGN);
	rig_close(&r);
}

static void no_tpm_is_told(void **state)
{
	struct rig r;

	rig_open(&r, plain);
	r.input.tcti = "device:/nonexistent";
	assert_refused(rig_prepare(&r), DIAG_KEYSTORE_MISSING);
	r.input.tcti = "nonsense";
	assert_refused(rig_prepare(&r), DIAG_KEYSTORE_MISSING);
	rig_close(&r);
}

static void state_is_told_in_words(void **state)
{
	_cleanup_text_ struct text words = {0};
	struct keystore_session *s;
	struct keystore_state st;
	struct device d;

	device_open(&d, on_pcr, NULL);
	assert_ok(d.r.k->ops->begin(d.r.k, &d.r.env, &s));
	assert_ok(d.r.k->ops->state(d.r.k, s, &d.r.env, &st));
	d.r.k->ops->end(s);
	assert_true(st.erase >= 1);
	assert_true(st.rotation >= 1);
	assert_int_equal(d.r.k->ops->strength(d.r.k), ERASE_FINAL);
	assert_true(st.anchor.present);
	assert_memory_equal(st.hardware, "TPM 2.0 of ", 11);
	d.r.k->ops->describe(d.r.k, (uint8_t *)d.blob.s, d.blob.len, &words);
	assert_non_null(strstr(words.s, "only while PCR 16, 23 (sha256) are as when sealed"));
	device_close(&d);
}

static void names_made_here_are_those_of_the_tpm(void **state)
{
	struct keystore_session *s;
	struct device d;

	device_open(&d, plain, NULL);
	assert_ok(d.r.k->ops->begin(d.r.k, &d.r.env, &s));
	for (int i = 0; i < TPM2_ANCHOR; i++) {
		uint8_t *ours, *theirs;
		size_t n_ours, n_theirs;
		ESYS_TR tr;

		assert_ok(tpm2_index_assume(s, (enum tpm2_which)i));
		assert_int_equal(
		    Esys_TR_FromTPMPublic(s->esys, tpm2_index_handle((enum tpm2_which)i),
					  ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr),
		    TSS2_RC_SUCCESS);
		Esys_TR_Serialize(s->esys, s->index[i].tr, &ours, &n_ours);
		Esys_TR_Serialize(s->esys, tr, &theirs, &n_theirs);
		assert_int_equal(n_ours, n_theirs);
		assert_memory_equal(ours, theirs, n_ours);
		Esys_Free(ours);
		Esys_Free(theirs);
		Esys_TR_Close(s->esys, &tr);
	}
	d.r.k->ops->end(s);
	device_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(opens_what_it_sealed),
	    cmocka_unit_test(preparing_twice_adopts),
	    cmocka_unit_test(rotation_is_one_count),
	    cmocka_unit_test(erasing_kills_every_copy),
	    cmocka_unit_test(counters_made_anew_open_nothing_old),
	    cmocka_unit_test(a_cleared_tpm_is_told),
	    cmocka_unit_test(a_pin_is_half_of_the_key),
	    cmocka_unit_test(lockout_is_told_and_blocks_no_count),
	    cmocka_unit_test(another_boot_opens_nothing),
	    cmocka_unit_test(a_secret_without_pcrs_is_not_taken_for_one_with),
	    cmocka_unit_test(an_anchor_made_anew_is_told),
	    cmocka_unit_test(the_owner_is_asked),
	    cmocka_unit_test(a_foreign_storage_key_is_refused),
	    cmocka_unit_test(the_storage_key_of_systemd_is_taken),
	    cmocka_unit_test(a_foreign_index_is_refused_by_name),
	    cmocka_unit_test(no_tpm_is_told),
	    cmocka_unit_test(state_is_told_in_words),
	    cmocka_unit_test(names_made_here_are_those_of_the_tpm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
