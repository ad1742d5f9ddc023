/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in escrow: who has the recovery key gets them back, nobody else and for nothing else. */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/mac.h"
#include "crypto/random.h"
#include "keyring/commit.h"
#include "keyring/draw.h"
#include "keyring/escrow.h"
#include "keyring/interface.h"
#include "keyring/private.h"
#include "keyring/record.h"
#include "keyring/restore.h"
#include "keyring/ways.h"
#include "keystore/registry.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "lib/check.h"
#include "medium/registry.h"
#include "model/build.h"
#include "vault/vault.h"

#define SIZE (1024 * 1024)

static const char text[] =
    "keystore \"k\" { backend = \"file\" memory = 1M }\n"
    "volume \"a\" { partition { size = 32M } crypt { cipher = \"aes-gcm-random\" } }\n"
    "volume \"b\" { partition { size = 32M } crypt { cipher = \"aes-gcm-random\" } }\n";
static const struct kinds kinds = {
    .layers = layer_registry, .media = medium_registry, .keystores = keystore_registry};
static struct io *io;
static struct layout *layout;
static struct env env;
static struct vault *v;
static struct keyring *ring;
static struct volume *a, *b;
static struct secret *recovery; /* of the escrow of a */
static uint8_t nonce[ESCROW_NONCE_BYTES], key_of_a[32];

static int passphrase(void *ctx, enum key_asked what, const char *name, bool fresh,
		      struct secret **ret)
{
	int r = secret_new(4, ret);

	if (r >= 0)
		memcpy(secret_bytes(*ret), "word", 4);
	return r;
}

static const struct key_input input = {.ask = passphrase};

/* What is in the vault, read again. */
static void read_again(void)
{
	keyring_free(ring);
	ring = NULL;
	assert_int_equal(keyring_read(v, layout, &env, &ring), 1);
}

static int set_up(void **state)
{
	static const struct vault_begun begun = {.steps = 5};
	struct job job = {.env = &env};
	const struct secret *key;

	env = (struct env){.random = random_bytes, .input = &input};
	assert_int_equal(
	    layout_read_text("t", text, sizeof(text) - 1, NULL, NULL, 0, &kinds, &layout), 0);
	a = layout->volumes[0];
	b = layout->volumes[1];
	assert_int_equal(io_open_memory("vault", 4 * SIZE, &io), 0);
	assert_int_equal(vault_begin(io, SIZE, SIZE, &begun, &v), 0);
	assert_int_equal(keyring_draw(v, layout, &env, &ring), 0);
	job.keys = keyring_keys(ring);
	assert_int_equal(layer_key(a->layers[1], &job, KEY_VOLUME, &key), 0);
	memcpy(key_of_a, secret_bytes(key), sizeof(key_of_a));
	assert_int_equal(keyring_escrow_add(ring, a, &recovery, nonce), 0);
	assert_int_equal(keyring_commit(v, layout, ring), 0);
	read_again();
	return 0;
}

static int tear_down(void **state)
{
	recovery = secret_free(recovery);
	ring = keyring_free(ring);
	v = vault_close(v);
	layout = layout_free(layout);
	io = io_close(io);
	diag_forget(0);
	return 0;
}

/* What the keeper of @key sends back. */
static void make_receipt(const struct secret *key, const char *volume,
			 uint8_t ret[static ESCROW_RECEIPT_BYTES])
{
	char message[ESCROW_MESSAGE_SIZE];
	uint8_t words[MODHEX_KEY_TEXT];
	struct mac *m;

	keyring_escrow_message(volume, nonce, message);
	modhex_print_key(secret_bytes(key), words);
	assert_int_equal(mac_new("hmac(sha256)", words, sizeof(words), &m), 0);
	assert_int_equal(mac_run(m, &(struct mac_piece){message, strlen(message)}, 1, ret), 0);
	mac_free(m);
}

static enum way_kind way_of_a(void)
{
	struct way_in ways[4];
	size_t n = keyring_ways_in(ring, "a", ways, 4);

	assert_int_equal(n, 2);
	assert_int_equal(ways[0].kind, WAY_KEYSTORE);
	assert_memory_equal(ways[1].nonce, nonce, sizeof(nonce));
	return ways[1].kind;
}

static void the_receipt_of_its_keeper_confirms_an_escrow(void **state)
{
	uint8_t receipt[ESCROW_RECEIPT_BYTES];

	assert_int_equal(way_of_a(), WAY_ESCROW_WAITING);
	make_receipt(recovery, "a", receipt);
	assert_int_equal(keyring_escrow_confirm(ring, a, receipt), 1);
	assert_int_equal(way_of_a(), WAY_ESCROW);
	assert_int_equal(keyring_escrow_confirm(ring, a, receipt), 0);
	assert_int_equal(keyring_unlock(ring, NULL, 0), 0);
	assert_int_equal(keyring_commit(v, layout, ring), 0);
	read_again();
	assert_int_equal(way_of_a(), WAY_ESCROW);
}

static void another_receipt_confirms_nothing(void **state)
{
	uint8_t receipt[ESCROW_RECEIPT_BYTES];

	make_receipt(recovery, "b", receipt); /* the right key, another volume */
	assert_int_equal(keyring_escrow_confirm(ring, a, receipt), -EKEYREJECTED);
	assert_int_equal(diag_get(0)->code, DIAG_KEY_WRONG);
	make_receipt(recovery, "a", receipt);
	receipt[31] ^= 1;
	assert_int_equal(keyring_escrow_confirm(ring, a, receipt), -EKEYREJECTED);
	receipt[31] ^= 1;
	assert_int_equal(keyring_escrow_confirm(ring, b, receipt), -EKEYREJECTED);
	assert_int_equal(way_of_a(), WAY_ESCROW_WAITING);
}

/* The passphrase is not asked for. */
static void the_recovery_key_brings_the_keys_back(void **state)
{
	env.input = NULL;
	assert_int_equal(keyring_escrow_take(ring, a, recovery), 0);
	assert_non_null(ring->wrapped.v[0].key);
	assert_memory_equal(secret_bytes(ring->wrapped.v[0].key), key_of_a, sizeof(key_of_a));
	assert_null(ring->wrapped.v[1].key); /* of b */
}

static void another_recovery_key_brings_nothing_back(void **state)
{
	secret_bytes(recovery)[31] ^= 1;
	assert_int_equal(keyring_escrow_take(ring, a, recovery), -EKEYREJECTED);
	assert_int_equal(diag_get(0)->code, DIAG_KEY_WRONG);
	secret_bytes(recovery)[31] ^= 1;
	assert_int_equal(keyring_escrow_take(ring, b, recovery), -EKEYREJECTED);
	assert_int_equal(diag_get(1)->code, DIAG_KEY_MISSING);
}

/* Whoever has the medium, and not the key, lends the keys to other parameters. */
static void keys_in_escrow_are_bound_to_the_volumes_records(void **state)
{
	static const char *const changed = "chacha20-random", *const was = "aes-gcm-random";
	struct layer *l = a->layers[1];

	assert_int_equal(layer_set(l, "cipher", &changed, 1, l->where), 0);
	assert_int_equal(keyring_escrow_take(ring, a, recovery), -EUCLEAN);
	assert_int_equal(diag_get(0)->code, DIAG_TAMPERED);
	assert_int_equal(layer_set(l, "cipher", &was, 1, l->where), 0);
	assert_int_equal(keyring_escrow_take(ring, a, recovery), 0);
}

static enum erase_strength final(const struct keystore *k)
{
	return ERASE_FINAL;
}

/* Erasing in hardware is worth no more than the weakest way in. */
static void an_escrow_outlives_what_hardware_erases(void **state)
{
	struct keystore_ops ops = *layout->keystores[0]->ops;
	struct keystore hardware = *layout->keystores[0];
	uint8_t receipt[ESCROW_RECEIPT_BYTES];
	struct way_in ways[8];
	size_t n;

	ops.strength = final;
	hardware.ops = &ops;
	n = keyring_ways_in(ring, "b", ways, 8);
	assert_int_equal(n, 1);
	assert_int_equal(keyring_erase_strength(ring, &hardware, ways, n), ERASE_FINAL);
	n = keyring_ways_in(ring, NULL, ways, 8);
	assert_int_equal(n, 3);
	assert_int_equal(keyring_erase_strength(ring, &hardware, ways, n), ERASE_MEDIA);
	make_receipt(recovery, "a", receipt);
	assert_int_equal(keyring_escrow_confirm(ring, a, receipt), 1);
	n = keyring_ways_in(ring, NULL, ways, 8);
	assert_int_equal(keyring_erase_strength(ring, &hardware, ways, n), ERASE_MEDIA);
	hardware.name = "another"; /* no volume of it has an escrow */
	assert_int_equal(keyring_erase_strength(ring, &hardware, ways, n), ERASE_FINAL);
}

static void only_the_latest_of_those_that_wait_is_kept(void **state)
{
	struct secret *second;
	uint8_t receipt[ESCROW_RECEIPT_BYTES], first[ESCROW_NONCE_BYTES];
	struct way_in ways[4];

	memcpy(first, nonce, sizeof(first));
	assert_int_equal(keyring_escrow_add(ring, a, &second, nonce), 0);
	assert_memory_not_equal(first, nonce, sizeof(first));
	assert_int_equal(keyring_ways_in(ring, "a", ways, 4), 2);
	assert_memory_equal(ways[1].nonce, nonce, sizeof(nonce));
	make_receipt(second, "a", receipt);
	assert_int_equal(keyring_escrow_confirm(ring, a, receipt), 1);
	/* One that was confirmed stays until another one is. */
	secret_free(second);
	assert_int_equal(keyring_escrow_add(ring, a, &second, nonce), 0);
	assert_int_equal(keyring_ways_in(ring, "a", ways, 4), 3);
	make_receipt(second, "a", receipt);
	assert_int_equal(keyring_escrow_confirm(ring, a, receipt), 1);
	assert_int_equal(keyring_ways_in(ring, "a", ways, 4), 2);
	secret_free(second);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_receipt_of_its_keeper_confirms_an_escrow),
	    TEST(another_receipt_confirms_nothing),
	    TEST(the_recovery_key_brings_the_keys_back),
	    TEST(another_recovery_key_brings_nothing_back),
	    TEST(keys_in_escrow_are_bound_to_the_volumes_records),
	    TEST(an_escrow_outlives_what_hardware_erases),
	    TEST(only_the_latest_of_those_that_wait_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
