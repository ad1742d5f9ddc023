/* SPDX-License-Identifier: Apache-2.0 */
/* Keystore tee against its trusted application on a simulated TEE: copies, rollbacks, damage. */
#include <errno.h>
#include <string.h>

#include "keystore/tee/blob.h"
#include "lib/check.h"
#include "lib/refused.h"
#include "lib/tee-bench.h"

static struct tee_bench b;

static int set_up(void **state)
{
	tee_bench_new(&b, "");
	return 0;
}

static int tear_down(void **state)
{
	tee_bench_free(&b);
	return 0;
}

static void what_is_sealed_opens_after_a_reboot(void **state)
{
	struct tee_sealed c;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	assert_ok(tee_bench_open(&b, &c));
	tee_bench_end(&b);
	assert_ok(tee_bench_open(&b, &c));
	tee_bench_reboot(&b);
	assert_ok(tee_bench_open(&b, &c));
	assert_int_equal(diag_count(), 0);
}

static void nothing_is_made_without_being_asked(void **state)
{
	struct keystore_state now = {.erase = 5};
	struct tee_sealed c;

	assert_ok(tee_bench_state(&b, &now));
	assert_false(now.anchor.present);
	assert_int_equal(now.erase, 0);
	assert_string_equal(now.hardware, "holdfast simulated 1");
	assert_refused(tee_bench_seal(&b, false, &c), DIAG_KEYSTORE_ERASED);
	assert_refused(tee_bench_count(&b), DIAG_KEYSTORE_ERASED);
	assert_refused(tee_bench_anchor(&b, 1), DIAG_KEYSTORE_ERASED);
	assert_int_equal(b.board->operations, 0);
	assert_false(tee_bench_has(&b, "rpmb/erase"));
}

/* Also those that wait for a rotation, also after a reboot; and what is sealed afterwards opens. */
static void counting_e_kills_every_copy(void **state)
{
	struct tee_sealed now, next, later;
	struct keystore_state before, after;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &now));
	assert_ok(tee_bench_seal(&b, true, &next));
	assert_ok(tee_bench_state(&b, &before));
	assert_ok(tee_bench_count(&b));
	assert_ok(tee_bench_state(&b, &after));
	assert_int_equal(after.erase, before.erase + 1);
	assert_int_equal(after.rotation, before.rotation);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tee_bench_open(&b, &now), -ENOKEY);
		assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
		assert_int_equal(tee_bench_open(&b, &next), -ENOKEY);
		assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
		assert_int_equal(tee_bench_advance(&b, &next), -ENOKEY);
		assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
		tee_bench_reboot(&b);
	}
	assert_ok(tee_bench_seal(&b, false, &later));
	assert_ok(tee_bench_open(&b, &later));
}

static void a_rotation_kills_what_was_before_it(void **state)
{
	struct tee_sealed now, next, twin;
	struct keystore_state s;
	uint64_t rotation;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &now));
	assert_ok(tee_bench_seal(&b, true, &next));
	assert_ok(tee_bench_seal(&b, true, &twin));
	assert_ok(tee_bench_state(&b, &s));
	rotation = s.rotation;
	assert_int_equal(tee_bench_open(&b, &next), -ESTALE);
	assert_int_equal(tee_bench_code(), DIAG_VAULT_OLD);
	assert_ok(tee_bench_advance(&b, &now)); /* does not wait: nothing is counted */
	assert_ok(tee_bench_open(&b, &now));
	assert_ok(tee_bench_advance(&b, &next));
	assert_ok(tee_bench_advance(&b, &next));
	assert_ok(tee_bench_advance(&b, &twin)); /* sealed for the same: counted once */
	assert_ok(tee_bench_state(&b, &s));
	assert_int_equal(s.rotation, rotation + 1);
	assert_ok(tee_bench_open(&b, &next));
	assert_int_equal(tee_bench_open(&b, &now), -ENOKEY);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
}

static void every_changed_byte_and_every_length_is_refused(void **state)
{
	struct tee_sealed c;
	struct secret *secret = NULL;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	for (size_t i = 0; i < sizeof(c.blob); i++) {
		/* Bytes 24 to 55 say whose it is. */
		const enum diag_code code =
		    i >= 24 && i < 56 ? DIAG_KEYSTORE_FOREIGN : DIAG_TAMPERED;

		c.blob[i] ^= (uint8_t)(1 << i % 8);
		assert_refused(tee_bench_open(&b, &c), code);
		if (i < 56 || c.blob[16] & 1)
			assert_refused(tee_bench_advance(&b, &c), code);
		else /* it does not wait for a count */
			assert_ok(tee_bench_advance(&b, &c));
		c.blob[i] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t len = 0; len < sizeof(c.blob); len += 7) {
		assert_refused(b.k->ops->unseal(b.k, b.s, &b.env, c.blob, len, &secret),
			       DIAG_TAMPERED);
	}
	assert_ok(tee_bench_open(&b, &c));
}

/* The parts of two good ones do not make a third. */
static void swapped_parts_are_refused(void **state)
{
	struct tee_sealed one, two, mixed;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &one));
	assert_ok(tee_bench_count(&b));
	assert_ok(tee_bench_seal(&b, false, &two));
	mixed = one;
	memcpy(mixed.blob, two.blob, TA_BLOB_AUTHENTICATED);
	assert_refused(tee_bench_open(&b, &mixed), DIAG_TAMPERED);
	assert_ok(tee_bench_open(&b, &two));
}

static void vanished_or_damaged_objects_are_dead_keys(void **state)
{
	static const char *const objects[] = {"rpmb/erase", "rpmb/rotation", "rpmb/anchor"};
	struct keystore_state s;
	struct tee_sealed c;
	char text[1024];

	for (int i = 0; i < 6; i++) {
		const char *object = objects[i / 2];

		assert_ok(tee_bench_prepare(&b));
		assert_ok(tee_bench_seal(&b, false, &c));
		if (i % 2)
			tee_bench_flip(&b, object, 40);
		else
			tee_bench_delete(&b, object);
		assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
		assert_int_equal(tee_bench_said(text), DIAG_KEYSTORE_ERASED);
		assert_int_equal(strstr(text, "damaged and deleted") != NULL, i % 2);
		assert_false(tee_bench_has(&b, object)); /* OP-TEE deletes it, and we make none */
		assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
		assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
		assert_ok(tee_bench_state(&b, &s));
		assert_false(s.anchor.present);
		assert_refused(tee_bench_count(&b), DIAG_KEYSTORE_ERASED);
		assert_refused(tee_bench_anchor(&b, 3), DIAG_KEYSTORE_ERASED);
		assert_false(tee_bench_has(&b, object));
	}
	/* Made anew: the counters start where they started, and the old secret stays dead. */
	assert_ok(tee_bench_prepare(&b));
	assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
	assert_int_equal(tee_bench_said(text), DIAG_KEYSTORE_ERASED);
	assert_non_null(strstr(text, "were replaced"));
}

/* In a file system, one object of an earlier epoch can be put back; it fits no other. */
static void an_object_of_earlier_counters_does_not_count(void **state)
{
	struct tee_sealed c;

	tee_bench_options(&b, "storage = \"ree\"");
	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	tee_bench_copy(&b, "ree/erase", "old");
	tee_bench_delete(&b, "ree/erase");
	assert_ok(tee_bench_prepare(&b));
	tee_bench_copy(&b, "old", "ree/erase");
	assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
	/* Nor one in another's place. */
	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	tee_bench_copy(&b, "ree/rotation", "ree/erase");
	assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
}

/* What REE files cannot do, and that status says so. */
static void files_put_back_open_again_and_are_called_media(void **state)
{
	struct tee_sealed c, later;
	char text[1024];

	tee_bench_options(&b, "storage = \"ree\"");
	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	tee_bench_copy(&b, "ree", "copy");
	assert_ok(tee_bench_count(&b));
	assert_ok(tee_bench_seal(&b, false, &later));
	assert_refused(tee_bench_open(&b, &c), DIAG_KEYSTORE_ERASED);
	tee_bench_copy(&b, "copy", "ree");
	assert_ok(tee_bench_open(&b, &c));
	assert_int_equal(b.k->ops->strength(b.k), ERASE_MEDIA);
	gp_transport.vouched = true;
	assert_int_equal(b.k->ops->strength(b.k), ERASE_MEDIA);
	/* It shows where something was sealed since. */
	assert_int_equal(tee_bench_open(&b, &later), -ESTALE);
	assert_int_equal(tee_bench_said(text), DIAG_KEYSTORE_UNTRUSTED);
	assert_non_null(strstr(text, "put back"));
}

/* With RPMB, whoever puts back all that can be reached from outside has nothing. */
static void with_rpmb_nothing_put_back_opens(void **state)
{
	struct tee_sealed c;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	tee_bench_copy(&b, "ree", "copy");
	assert_ok(tee_bench_count(&b));
	tee_bench_copy(&b, "copy", "ree");
	assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
}

static void a_secret_of_other_storage_is_refused(void **state)
{
	struct tee_sealed c;

	tee_bench_options(&b, "storage = \"ree\"");
	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	tee_bench_options(&b, "");
	assert_ok(tee_bench_prepare(&b));
	assert_refused(tee_bench_open(&b, &c), DIAG_TAMPERED);
}

static void another_device_is_told_as_that(void **state)
{
	struct tee_sealed c;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	b.board->huk = 2;
	tee_bench_reboot(&b);
	assert_int_equal(tee_bench_open(&b, &c), -EXDEV);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_FOREIGN);
	assert_int_equal(b.k->ops->recognise(b.k, b.s, &b.env, c.blob, sizeof(c.blob)), -EXDEV);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_FOREIGN);
	/* Asked in spite of that, the trusted application says the same. */
	memcpy(b.s->identity, c.blob + offsetof(struct ta_blob_disk, identity), 32);
	assert_int_equal(tee_bench_open(&b, &c), -EXDEV);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_FOREIGN);
	/* Its objects read as damaged under this key, and are gone. */
	assert_ok(tee_bench_prepare(&b));
	b.board->huk = 1;
	tee_bench_reboot(&b);
	assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
}

static void locked_until_the_next_boot(void **state)
{
	struct tee_sealed c, other;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	assert_ok(b.k->ops->lock(b.k, b.s, &b.env));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tee_bench_open(&b, &c), -EBUSY);
		assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_BUSY);
		assert_int_equal(tee_bench_seal(&b, false, &other), -EBUSY);
		assert_int_equal(tee_bench_seal(&b, true, &other), -EBUSY);
		assert_int_equal(tee_bench_anchor(&b, 9), -EBUSY);
		assert_int_equal(tee_bench_prepare(&b), -EBUSY);
		tee_bench_end(&b); /* a new session changes nothing */
		diag_forget(0);
	}
	tee_bench_reboot(&b);
	assert_ok(tee_bench_open(&b, &c));
	assert_ok(b.k->ops->lock(b.k, b.s, &b.env));
	assert_ok(tee_bench_count(&b)); /* erasing works */
	tee_bench_reboot(&b);
	assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
	diag_forget(0);
	tee_bench_options(&b, "lock = false");
	assert_ok(tee_bench_seal(&b, false, &c));
	assert_ok(b.k->ops->lock(b.k, b.s, &b.env));
	assert_ok(tee_bench_open(&b, &c));
}

static void two_sessions_at_once_see_the_same(void **state)
{
	struct keystore_session *other;
	struct keystore_state one, two;
	struct tee_sealed c;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(b.k->ops->begin(b.k, &b.env, &other));
	assert_ok(tee_bench_seal(&b, false, &c));
	assert_ok(b.k->ops->count_erase(b.k, other, &b.env));
	assert_int_equal(tee_bench_open(&b, &c), -ENOKEY);
	diag_forget(0);
	assert_ok(tee_bench_state(&b, &one));
	assert_ok(b.k->ops->state(b.k, other, &b.env, &two));
	assert_int_equal(one.erase, two.erase);
	b.k->ops->end(other);
	assert_ok(tee_bench_seal(&b, false, &c));
	assert_ok(tee_bench_open(&b, &c));
}

/* What is not reserved could be sealed for twice: the trusted application itself refuses it. */
static void nothing_is_sealed_for_an_r_that_is_not_reserved(void **state)
{
	struct keystore_anchor a = {.present = true, .sequence = 3, .rotation_max = 4, .erase = 1};
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	struct keystore_state s;

	assert_ok(tee_bench_prepare(&b));
	assert_int_equal(b.k->ops->seal(b.k, b.s, &b.env, 2, &secret, &blob), -ESTALE);
	diag_forget(0);
	assert_ok(b.k->ops->anchor_reserve(b.k, b.s, &b.env, &a));
	assert_int_equal(b.k->ops->seal(b.k, b.s, &b.env, 5, &secret, &blob), -ESTALE);
	diag_forget(0);
	assert_ok(b.k->ops->seal(b.k, b.s, &b.env, 4, &secret, &blob));
	a.rotation_max = 2; /* and what is reserved stays so */
	assert_ok(b.k->ops->anchor_write(b.k, b.s, &b.env, &a));
	assert_ok(tee_bench_state(&b, &s));
	assert_int_equal(s.anchor.rotation_max, 4);
}

static void the_anchor_comes_back(void **state)
{
	struct keystore_anchor a = {.present = true};
	struct keystore_state s;

	assert_true(tee_bench_session(&b) != NULL);
	assert_int_equal(b.k->ops->anchor_read(b.k, b.s, &b.env, &a), -ENOKEY);
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_ERASED);
	assert_ok(tee_bench_prepare(&b));
	assert_ok(b.k->ops->anchor_read(b.k, b.s, &b.env, &a));
	assert_false(a.present);
	assert_ok(tee_bench_anchor(&b, 0x1122334455667788));
	tee_bench_reboot(&b);
	assert_ok(tee_bench_state(&b, &s));
	assert_true(s.anchor.present);
	assert_int_equal(s.anchor.sequence, 0x1122334455667788);
	assert_int_equal(s.anchor.digest[31], 0x88);
	assert_ok(tee_bench_prepare(&b)); /* finds them, and changes nothing */
	assert_ok(tee_bench_state(&b, &s));
	assert_true(s.anchor.present);
}

/* A count that the storage lost is none. */
static void a_count_that_is_not_kept_is_refused(void **state)
{
	struct tee_sealed c;

	assert_ok(tee_bench_prepare(&b));
	assert_ok(tee_bench_seal(&b, false, &c));
	b.board->forgetful = true;
	assert_int_equal(tee_bench_count(&b), -EIO);
	assert_non_null(strstr(diag_get(0)->state, "NOT ERASED"));
	assert_int_equal(tee_bench_code(), DIAG_KEYSTORE_FAILED); /* by the trusted application */
	b.board->forgetful = false;
	assert_ok(tee_bench_open(&b, &c));
}

static void final_needs_rpmb_and_somebodys_word(void **state)
{
	gp_transport.vouched = true;
	tee_bench_options(&b, "erase = \"final\"");
	assert_int_equal(b.k->ops->strength(b.k), ERASE_FINAL);
	assert_ok(tee_bench_prepare(&b));
	gp_transport.vouched = false;
	assert_int_equal(b.k->ops->check(b.k), -EINVAL);
	assert_non_null(strstr(diag_get(0)->text, "signed manifest"));
	assert_int_equal(tee_bench_code(), DIAG_LAYOUT_VALUE);
	assert_refused(tee_bench_prepare(&b), DIAG_LAYOUT_VALUE);
	assert_int_equal(b.k->ops->strength(b.k), ERASE_MEDIA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	    T(what_is_sealed_opens_after_a_reboot),
	    T(nothing_is_made_without_being_asked),
	    T(counting_e_kills_every_copy),
	    T(a_rotation_kills_what_was_before_it),
	    T(every_changed_byte_and_every_length_is_refused),
	    T(swapped_parts_are_refused),
	    T(vanished_or_damaged_objects_are_dead_keys),
	    T(an_object_of_earlier_counters_does_not_count),
	    T(files_put_back_open_again_and_are_called_media),
	    T(with_rpmb_nothing_put_back_opens),
	    T(a_secret_of_other_storage_is_refused),
	    T(another_device_is_told_as_that),
	    T(locked_until_the_next_boot),
	    T(two_sessions_at_once_see_the_same),
	    T(nothing_is_sealed_for_an_r_that_is_not_reserved),
	    T(the_anchor_comes_back),
	    T(a_count_that_is_not_kept_is_refused),
	    T(final_needs_rpmb_and_somebodys_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
