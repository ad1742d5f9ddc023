/* SPDX-License-Identifier: Apache-2.0 */
/* Backend file: what it seals opens, and nothing else does. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/random.h"
#include "keystore/registry.h"
#include "lib/check.h"
#include "lib/refused.h"
#include "model/build.h"
#include "model/layout.h"

#define BLOB_BYTES 116

static const atomic_bool never;
static struct progress progress;
static const char *passphrase;
static unsigned asked;

static int ask(void *ctx, enum key_asked what, const char *name, bool fresh, struct secret **ret)
{
	int r = secret_new(strlen(passphrase), ret);

	assert_int_equal(what, ASK_PASSPHRASE);
	asked++;
	if (r >= 0)
		memcpy(secret_bytes(*ret), passphrase, strlen(passphrase));
	return r;
}

static struct key_input input = {.ask = ask};
static struct env env = {
    .progress = &progress, .cancel = &never, .random = random_bytes, .input = &input};
static struct layout *layout;
static struct keystore *k;
static struct secret *sealed;
static struct text blob;

static int set_up(void **state)
{
	const char *const memory[] = {"1M"};
	const struct where nowhere = {0};

	layout = layout_new();
	k = layout_add_keystore(layout, &keystore_file, "device", nowhere);
	assert_non_null(k);
	assert_ok(keystore_set(layout, k, "memory", memory, 1, nowhere));
	passphrase = "right";
	assert_ok(keystore_file.seal(k, NULL, &env, false, &sealed, &blob));
	assert_int_equal(blob.len, BLOB_BYTES);
	asked = 0;
	return 0;
}

static int tear_down(void **state)
{
	sealed = secret_free(sealed);
	text_free(&blob);
	layout = layout_free(layout);
	diag_forget(0);
	return 0;
}

static int unseal(size_t len, struct secret **ret)
{
	return keystore_file.unseal(k, NULL, &env, (uint8_t *)blob.s, len, ret);
}

static void what_it_sealed_opens(void **state)
{
	_cleanup_secret_ struct secret *got = NULL;
	_cleanup_text_ struct text words = {0};

	assert_ok(unseal(blob.len, &got));
	assert_true(secret_equal(got, sealed));
	keystore_file.describe(k, (uint8_t *)blob.s, blob.len, &words);
	assert_non_null(strstr(words.s, "scrypt with 1 MiB"));
}

static void another_passphrase_opens_nothing(void **state)
{
	struct secret *got = NULL;

	passphrase = "wrong";
	assert_refused(unseal(blob.len, &got), DIAG_KEY_WRONG);
	assert_null(got);
}

/* Bytes that are no such blob are told before anybody is asked for a passphrase. */
static void no_blob(size_t len)
{
	_cleanup_text_ struct text words = {0};
	struct secret *got = NULL;

	assert_refused(unseal(len, &got), DIAG_TAMPERED);
	assert_null(got);
	assert_int_equal(asked, 0);
	keystore_file.describe(k, (uint8_t *)blob.s, len, &words);
	assert_int_equal(words.len, 0);
}

static void a_header_that_it_does_not_write_is_refused(void **state)
{
	/* magic, version, log2_n above and below its bounds, r, p */
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = {{0, 'x'}, {7, 1},  {8, 2},  {11, 1}, {12, 9},
		     {12, 21}, {15, 1}, {16, 7}, {20, 2}, {23, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char before = blob.s[cases[i].at];

		blob.s[cases[i].at] = (char)cases[i].value;
		no_blob(blob.len);
		blob.s[cases[i].at] = before;
	}
}

static void another_length_is_refused(void **state)
{
	no_blob(0);
	no_blob(BLOB_BYTES - 1);
	text_add_bytes(&blob, "", 1);
	no_blob(BLOB_BYTES + 1);
}

/* What is sealed, its nonce, its tag, its salt and its costs are authenticated. */
static void a_changed_byte_opens_nothing(void **state)
{
	for (size_t i = 24; i < BLOB_BYTES; i += 4) {
		struct secret *got = NULL;

		blob.s[i] ^= 0x10;
		assert_refused(unseal(blob.len, &got), DIAG_KEY_WRONG);
		assert_null(got);
		blob.s[i] ^= 0x10;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	    T(what_it_sealed_opens),
	    T(another_passphrase_opens_nothing),
	    T(a_header_that_it_does_not_write_is_refused),
	    T(another_length_is_refused),
	    T(a_changed_byte_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
