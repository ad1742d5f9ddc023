/* SPDX-License-Identifier: Apache-2.0 */
/* A wrapped key is bound to its place: whatever names that place is changed, it does not unwrap. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/random.h"
#include "keyring/private.h"
#include "keyring/wrap.h"
#include "lib/check.h"

static struct env env = {.random = random_bytes};
static struct keyring ring = {.env = &env};
static struct sealed sealed;
static struct wrapped good;

static int set_up(void **state)
{
	int r = secret_new(KEK_BYTES, &sealed.kek);

	good = (struct wrapped){
	    .item = {.layer = 1, .purpose = KEY_VOLUME, .len = 32, .keystore = "k", .volume = "a"}};
	if (r >= 0)
		r = secret_new(32, &good.key);
	if (r < 0)
		return r;
	memset(secret_bytes(sealed.kek), 0x11, KEK_BYTES);
	memset(secret_bytes(good.key), 0x22, 32);
	return keyring_wrap(&ring, &sealed, &good);
}

static int tear_down(void **state)
{
	sealed.kek = secret_free(sealed.kek);
	good.key = secret_free(good.key);
	diag_forget(0);
	return 0;
}

/* The record as it would be read back. */
static struct wrapped copy(void)
{
	struct wrapped w = {.item = good.item};

	return w;
}

static void refused(struct wrapped *w)
{
	assert_int_equal(keyring_unwrap(&sealed, w), -EUCLEAN);
	assert_null(w->key);
	assert_int_equal(diag_get(0)->code, DIAG_TAMPERED);
	diag_forget(0);
}

static void the_key_comes_back(void **state)
{
	struct wrapped w = copy();

	assert_memory_not_equal(w.item.wrapped, secret_bytes(good.key), 32);
	assert_int_equal(keyring_unwrap(&sealed, &w), 0);
	assert_true(secret_equal(w.key, good.key));
	secret_free(w.key);
}

static void a_key_is_bound_to_its_volume(void **state)
{
	struct wrapped w = copy();

	strcpy(w.item.volume, "b"); /* of the same length: only the name differs */
	refused(&w);
	strcpy(w.item.volume, "a:a");
	refused(&w);
	strcpy(w.item.volume, "");
	refused(&w);
}

static void a_key_is_bound_to_its_keystore(void **state)
{
	struct wrapped w = copy();

	strcpy(w.item.keystore, "l");
	refused(&w);
}

/* The names do not run together. */
static void keystore_and_volume_are_told_apart(void **state)
{
	struct wrapped w = copy();

	strcpy(w.item.keystore, "ka");
	strcpy(w.item.volume, "");
	refused(&w);
}

static void a_key_is_bound_to_its_layer(void **state)
{
	struct wrapped w = copy();

	w.item.layer = 2;
	refused(&w);
}

static void a_key_is_bound_to_its_purpose(void **state)
{
	struct wrapped w = copy();

	w.item.purpose = KEY_RECOVERY;
	refused(&w);
}

static void a_key_is_bound_to_its_length(void **state)
{
	struct wrapped w = copy();

	w.item.len = 31;
	refused(&w);
	w.item.len = 33;
	refused(&w);
}

static void every_byte_of_it_counts(void **state)
{
	for (size_t i = 0; i < 32; i++) {
		struct wrapped w = copy();

		w.item.wrapped[i] ^= 1;
		refused(&w);
	}
	for (size_t i = 0; i < sizeof(good.item.nonce); i++) {
		struct wrapped w = copy();

		w.item.nonce[i] ^= 1;
		refused(&w);
	}
	for (size_t i = 0; i < sizeof(good.item.tag); i++) {
		struct wrapped w = copy();

		w.item.tag[i] ^= 1;
		refused(&w);
	}
}

static void another_kek_opens_nothing(void **state)
{
	struct wrapped w = copy();

	secret_bytes(sealed.kek)[0] ^= 1;
	refused(&w);
	assert_int_equal(keyring_unwrap(NULL, &w), -EUCLEAN);
	assert_int_equal(diag_get(0)->code, DIAG_TAMPERED);
}

static void a_nonce_is_never_used_twice(void **state)
{
	struct vault_key_item first = good.item;

	assert_int_equal(keyring_wrap(&ring, &sealed, &good), 0);
	assert_memory_not_equal(first.nonce, good.item.nonce, sizeof(first.nonce));
	assert_memory_not_equal(first.wrapped, good.item.wrapped, 32);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_key_comes_back),
	    TEST(a_key_is_bound_to_its_volume),
	    TEST(a_key_is_bound_to_its_keystore),
	    TEST(keystore_and_volume_are_told_apart),
	    TEST(a_key_is_bound_to_its_layer),
	    TEST(a_key_is_bound_to_its_purpose),
	    TEST(a_key_is_bound_to_its_length),
	    TEST(every_byte_of_it_counts),
	    TEST(another_kek_opens_nothing),
	    TEST(a_nonce_is_never_used_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
