/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the vault: drawn, read back, refused when anything was changed, rotated, forgotten. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/random.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "lib/check.h"
#include "medium/registry.h"
#include "keyring/commit.h"
#include "keyring/draw.h"
#include "keyring/escrow.h"
#include "keyring/interface.h"
#include "keyring/private.h"
#include "keyring/record.h"
#include "keyring/rotate.h"
#include "keyring/ways.h"
#include "vault/vault.h"

#define SIZE (1024 * 1024)

static const char text[] =
    "keystore \"k\" { backend = \"file\" memory = 1M }\n"
    "volume \"a\" { partition { size = 32M } crypt { recovery-key = true } }\n"
    "volume \"b\" { partition { size = 32M }\n"
    "  crypt { cipher = \"aes-gcm-random\" } }\n"
    "volume \"open\" { partition { size = 4M } }\n";
static const struct kinds kinds = {
    .layers = layer_registry, .media = medium_registry, .keystores = keystore_registry};
static const char *words = "old";
static struct io *io;
static struct layout *layout;
static struct env env;
static struct job job = {.env = &env};

static int passphrase(void *ctx, enum key_asked what, const char *name, bool fresh,
		      struct secret **ret)
{
	int r = secret_new(strlen(words), ret);

	if (r >= 0)
		memcpy(secret_bytes(*ret), words, strlen(words));
	return r;
}

static const struct key_input input = {.ask = passphrase};

static int set_up(void **state)
{
	words = "old";
	env = (struct env){.random = random_bytes, .input = &input};
	assert_ok(layout_read_text("t", text, sizeof(text) - 1, NULL, NULL, 0, &kinds, &layout));
	return io_open_memory("vault", 4 * SIZE, &io);
}

static int tear_down(void **state)
{
	layout_free(layout);
	io_close(io);
	diag_forget(0);
	return 0;
}

static struct vault *begin(void)
{
	static const struct vault_begun begun = {.steps = 5, .capacity_bytes = 123};
	struct vault *v;

	assert_ok(vault_begin(io, SIZE, SIZE, &begun, &v));
	return v;
}

/* A vault with a layout and its keys; the keys of both volumes into @ret. */
static struct vault *provisioned(uint8_t ret[2][32])
{
	struct vault *v = begin();
	struct keyring *k;
	const struct secret *key;

	assert_ok(keyring_draw(v, layout, &env, &k));
	job.keys = keyring_keys(k);
	for (int i = 0; i < 2; i++) {
		assert_ok(layer_key(layout->volumes[i]->layers[1], &job, KEY_VOLUME, &key));
		memcpy(ret[i], secret_bytes(key), secret_len(key));
	}
	assert_ok(keyring_commit(v, layout, k));
	keyring_free(k);
	job.keys = NULL;
	return v;
}

static struct keyring *read_keys(const struct vault *v)
{
	struct keyring *k = NULL;

	assert_int_equal(keyring_read(v, layout, &env, &k), 1);
	job.keys = keyring_keys(k);
	return k;
}

static void keys_come_back(void **state)
{
	uint8_t expected[2][32];
	struct vault *v = provisioned(expected);
	struct keyring *k = read_keys(v);
	const struct secret *key;

	for (int i = 0; i < 2; i++) {
		assert_ok(layer_key(layout->volumes[i]->layers[1], &job, KEY_VOLUME, &key));
		assert_memory_equal(expected[i], secret_bytes(key), secret_len(key));
	}
	assert_int_equal(secret_len(key), 32);
	assert_ok(layer_key(layout->volumes[0]->layers[1], &job, KEY_RECOVERY, &key));
	assert_memory_not_equal(expected[0], secret_bytes(key), 16);
	assert_true(memcmp(expected[0], expected[1], 16) != 0);
	keyring_free(k);
	vault_close(v);
}

static void a_wrong_passphrase_opens_nothing(void **state)
{
	uint8_t expected[2][32];
	struct vault *v = provisioned(expected);
	struct keyring *k = read_keys(v);

	words = "wrong";
	assert_int_equal(keyring_unlock(k, NULL, 0), -EKEYREJECTED);
	assert_int_equal(diag_get(0)->code, DIAG_KEY_WRONG);
	words = "old";
	assert_ok(keyring_unlock(k, NULL, 0));
	keyring_free(k);
	vault_close(v);
}

static struct vault_payload payload_of(const struct vault *v)
{
	struct vault_payload p;

	assert_true(vault_active_payload(v, &p));
	return p;
}

/* Whatever byte of the device part is changed, with its checksum put right: never a key. */
static void every_changed_byte_is_refused(void **state)
{
	uint8_t expected[2][32];
	struct vault *v = provisioned(expected);
	size_t len = payload_of(v).len, named = 0, other = 0;
	uint8_t *good = malloc(len), *bad = malloc(len);

	memcpy(good, payload_of(v).bytes, len);
	for (size_t i = 0; i < len; i += 7) {
		struct keyring *k = NULL;
		int r;

		memcpy(bad, good, len);
		bad[i] ^= 1;
		diag_forget(0);
		assert_ok(vault_commit(v, bad, len, NULL));
		r = keyring_read(v, layout, &env, &k);
		if (r == 1)
			r = keyring_unlock(k, NULL, 0);
		else if (r == 0) /* no keys in what is left of it */
			r = -ENOKEY;
		if (r >= 0)
			fail_msg("a change of byte %zu was not found", i);
		if (diag_count() && strstr(diag_get(0)->text, "was changed"))
			named++;
		else
			other++;
		keyring_free(k);
	}
	print_message("%zu named the record, %zu were refused before that\n", named, other);
	assert_true(named > other);
	free(good);
	free(bad);
	vault_close(v);
}

/* The wrapped keys of two volumes change places, under a MAC that is right for that. */
static void a_swapped_key_does_not_unwrap(void **state)
{
	uint8_t expected[2][32];
	struct vault *v = provisioned(expected);
	struct keyring *k = read_keys(v);
	struct vault_key_item swap;

	k->wrapped.v[0].item.len = k->wrapped.v[2].item.len = 16;
	swap = k->wrapped.v[0].item;
	memcpy(k->wrapped.v[0].item.wrapped, k->wrapped.v[2].item.wrapped, 32);
	memcpy(k->wrapped.v[0].item.nonce, k->wrapped.v[2].item.nonce, 12);
	memcpy(k->wrapped.v[0].item.tag, k->wrapped.v[2].item.tag, 16);
	memcpy(k->wrapped.v[2].item.wrapped, swap.wrapped, 32);
	assert_int_equal(keyring_unlock(k, layout->volumes, 1), -EUCLEAN);
	assert_non_null(strstr(diag_get(0)->text, "volume a"));
	keyring_free(k);
	vault_close(v);
}

static void rotating_keeps_volume_keys(void **state)
{
	uint8_t expected[2][32], sealed[116];
	struct vault *v = provisioned(expected);
	struct keyring *k = read_keys(v);
	const struct secret *key;

	memcpy(sealed, k->sealed[0].blob, sizeof(sealed));
	assert_ok(keyring_rotate(k));
	assert_ok(keyring_commit(v, layout, k));
	assert_memory_not_equal(sealed, k->sealed[0].blob, sizeof(sealed));
	keyring_free(k);
	k = read_keys(v);
	assert_ok(layer_key(layout->volumes[1]->layers[1], &job, KEY_VOLUME, &key));
	assert_memory_equal(expected[1], secret_bytes(key), 32);
	keyring_free(k);
	vault_close(v);
}

static bool medium_has(const void *bytes, size_t len)
{
	return memmem(io_memory_bytes(io), 4 * SIZE, bytes, len) != NULL;
}

static void a_forgotten_key_leaves_no_trace(void **state)
{
	uint8_t expected[2][32], wrapped[16], sealed[116];
	struct vault *v = provisioned(expected);
	struct keyring *k = read_keys(v);
	const struct secret *key;

	memcpy(wrapped, k->wrapped.v[0].item.wrapped, sizeof(wrapped));
	memcpy(sealed, k->sealed[0].blob, sizeof(sealed));
	assert_true(medium_has(wrapped, sizeof(wrapped)) && medium_has(sealed, sizeof(sealed)));
	assert_ok(keyring_unlock(k, NULL, 0));
	assert_ok(keyring_forget(k, layout->volumes[0]));
	layout->volumes[0]->forgotten = true;
	assert_ok(keyring_rotate(k));
	assert_ok(keyring_commit(v, layout, k));
	keyring_free(k);
	assert_false(medium_has(wrapped, sizeof(wrapped)) || medium_has(sealed, sizeof(sealed)));
	k = read_keys(v);
	assert_int_equal(layer_key(layout->volumes[0]->layers[1], &job, KEY_VOLUME, &key), -ENOKEY);
	assert_ok(layer_key(layout->volumes[1]->layers[1], &job, KEY_VOLUME, &key));
	keyring_free(k);
	vault_close(v);
}

/* No plaintext of any key on the medium. */
static void keys_are_not_on_the_medium(void **state)
{
	uint8_t expected[2][32];
	struct vault *v = provisioned(expected);

	assert_false(medium_has(expected[0], 16));
	assert_false(medium_has(expected[1], 32));
	vault_close(v);
}

static void keys_are_for_one_beginning(void **state)
{
	struct vault *v = begin();
	struct keyring *k;

	assert_ok(keyring_draw(v, layout, &env, &k));
	assert_ok(keyring_commit_early(v, k, false));
	keyring_free(k);
	k = read_keys(v);
	assert_true(keyring_is_for(k, v));
	vault_close(v);
	v = begin(); /* the same plan once more */
	assert_false(keyring_is_for(k, v));
	keyring_free(k);
	vault_close(v);
}

/* Whoever commits cannot lose keys by leaving the keyring out, or by a keyring that lacks one. */
static void a_device_part_without_its_keys_is_not_committed(void **state)
{
	uint8_t expected[2][32];
	struct vault *v = provisioned(expected);
	struct keyring *k = read_keys(v);
	uint64_t sequence = payload_of(v).id.sequence;

	assert_int_equal(keyring_commit(v, layout, NULL), -ENOKEY);
	assert_ok(keyring_unlock(k, NULL, 0));
	assert_ok(keyring_forget(k, layout->volumes[1]));
	assert_int_equal(keyring_commit(v, layout, k), -ENOKEY);
	assert_non_null(strstr(diag_get(1)->text, "volume b"));
	assert_int_equal(payload_of(v).id.sequence, sequence);
	layout->volumes[1]->forgotten = true;
	assert_ok(keyring_commit(v, layout, k));
	assert_int_equal(payload_of(v).id.sequence, sequence + 1);
	keyring_free(k);
	vault_close(v);
}

static size_t find(const uint8_t *in, size_t len, const void *what, size_t what_len)
{
	const uint8_t *at = memmem(in, len, what, what_len);

	assert_non_null(at);
	return (size_t)(at - in);
}

static void what_a_newer_holdfast_sealed_is_told(void **state)
{
	uint8_t expected[2][32], *bytes;
	struct vault *v = provisioned(expected);
	struct vault_payload p = payload_of(v);
	size_t version;

	assert_ok(keyring_refuse_newer(v, layout));
	bytes = malloc(p.len);
	memcpy(bytes, p.bytes, p.len);
	version = find(bytes, p.len, "hffile\0\0", 8) + 8;
	bytes[version] = 3;
	assert_ok(vault_commit(v, bytes, p.len, NULL));
	assert_int_equal(keyring_refuse_newer(v, layout), -ENOTSUP);
	assert_int_equal(diag_get(0)->code, DIAG_NEWER);
	assert_non_null(
	    strstr(diag_get(0)->text, "keystore k was sealed by a newer holdfast (version 3)"));
	bytes[version] = 0; /* older, or damaged: not newer */
	assert_ok(vault_commit(v, bytes, payload_of(v).len, NULL));
	assert_ok(keyring_refuse_newer(v, layout));
	free(bytes);
	vault_close(v);
}

static void an_escrow_of_a_newer_holdfast_is_told(void **state)
{
	uint8_t expected[2][32], nonce[ESCROW_NONCE_BYTES], *bytes;
	struct vault *v = provisioned(expected);
	struct keyring *k = read_keys(v);
	struct vault_payload p;
	struct secret *key;

	assert_ok(keyring_escrow_add(k, layout->volumes[0], &key, nonce));
	assert_ok(keyring_commit(v, layout, k));
	assert_ok(keyring_refuse_newer(v, layout));
	p = payload_of(v);
	bytes = malloc(p.len);
	memcpy(bytes, p.bytes, p.len);
	bytes[find(bytes, p.len, nonce, sizeof(nonce)) - 4] = 1;
	assert_ok(vault_commit(v, bytes, p.len, NULL));
	assert_int_equal(keyring_refuse_newer(v, layout), -ENOTSUP);
	assert_non_null(
	    strstr(diag_get(0)->text, "an escrow in its vault was made by a newer holdfast"));
	free(bytes);
	secret_free(key);
	keyring_free(k);
	vault_close(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(keys_come_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_wrong_passphrase_opens_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(every_changed_byte_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_swapped_key_does_not_unwrap, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(rotating_keeps_volume_keys, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_forgotten_key_leaves_no_trace, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(keys_are_not_on_the_medium, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(keys_are_for_one_beginning, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_a_newer_holdfast_sealed_is_told, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(an_escrow_of_a_newer_holdfast_is_told, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(a_device_part_without_its_keys_is_not_committed, set_up,
					    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
