/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that only the kernel has, in the vault: the records and their MAC. The backend here is a
 * stand-in that keeps everything in the open; tests/guest/trusted.sh has the kernel's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/mac.h"
#include "crypto/random.h"
#include "layer/registry.h"
#include "layout/layout-file.h"
#include "lib/check.h"
#include "medium/registry.h"
#include "keyring/commit.h"
#include "keyring/draw.h"
#include "keyring/interface.h"
#include "keyring/private.h"
#include "keyring/record.h"
#include "keyring/rotate.h"
#include "keyring/ways.h"
#include "vault/vault.h"

#define SIZE (1024 * 1024)

static const char text[] = "keystore \"k\" { backend = \"open\" }\n"
			   "volume \"a\" { partition { size = 32M } crypt { format = \"plain\" "
			   "cipher = \"aes-gcm-random\" } }\n"
			   "volume \"b\" { partition { size = 32M } crypt { format = \"plain\" "
			   "cipher = \"aes-xts-plain64\" } "
			   "}\n";
static struct io *io;
static struct layout *layout;
static struct env env;
static struct job job = {.env = &env};
static unsigned sealed_times;

/* --- the stand-in: "SEALED n", and keys "KEY n LEN" --- */

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_MEDIA;
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *e,
		uint64_t rotation, struct secret **ret, struct text *blob)
{
	text_add(blob, "SEALED %u", ++sealed_times);
	*ret = NULL;
	return 0;
}

static int unseal(const struct keystore *k, struct keystore_session *s, struct env *e,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	*ret = NULL;
	return 0;
}

static int draw(const struct keystore *k, const uint8_t *sealed, size_t sealed_len,
		const char *name, size_t len, struct text *blob)
{
	text_add(blob, "KEY %.*s %zu", (int)(sealed_len - 7), sealed + 7, len);
	return 0;
}

static int load(const struct keystore *k, const char *name, const uint8_t *blob, size_t len,
		struct key_reference *ret)
{
	char all[64];
	unsigned under;

	*ret = (struct key_reference){.type = "open"};
	snprintf(all, sizeof(all), "%.*s", (int)len, blob);
	snprintf(ret->description, sizeof(ret->description), "%s", name);
	return sscanf(all, "KEY %u %zu", &under, &ret->len) == 2 ? 0 : -EINVAL;
}

static int rewrap(const struct keystore *k, const struct key_reference *ref, const uint8_t *sealed,
		  size_t sealed_len, struct text *blob)
{
	return draw(k, sealed, sealed_len, ref->description, ref->len, blob);
}

static bool authenticates(const struct keystore *k, const uint8_t *sealed, size_t sealed_len)
{
	return true;
}

static int mac(const struct keystore *k, const uint8_t *sealed, size_t sealed_len,
	       const void *bytes, size_t len, uint8_t ret[static SHA256_BYTES])
{
	const struct mac_piece piece = {bytes, len};
	_cleanup_mac_ struct mac *m = NULL;

	assert_ok(mac_new("hmac(sha256)", sealed, sealed_len, &m));
	return mac_run(m, &piece, 1, ret);
}

static const struct key_reference_ops references = {.least_bytes = 20,
						    .draw = draw,
						    .load = load,
						    .rewrap = rewrap,
						    .authenticates = authenticates,
						    .mac = mac};
static const struct keystore_ops keystore_open = {.name = "open",
						  .summary = "",
						  .strength = strength,
						  .seal = seal,
						  .unseal = unseal,
						  .references = &references};
static const struct keystore_ops *const keystores[] = {&keystore_open, NULL};
static const struct kinds kinds = {
    .layers = layer_registry, .media = medium_registry, .keystores = keystores};

static int set_up(void **state)
{
	env = (struct env){.random = random_bytes};
	sealed_times = 0;
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

static struct vault *provisioned(void)
{
	static const struct vault_begun begun = {.steps = 5, .capacity_bytes = 123};
	struct keyring *k;
	struct vault *v;

	assert_ok(vault_begin(io, SIZE, SIZE, &begun, &v));
	assert_ok(keyring_draw(v, layout, &env, &k));
	job.keys = keyring_keys(k);
	assert_ok(keyring_commit(v, layout, k));
	keyring_free(k);
	return v;
}

static struct keyring *read_keys(const struct vault *v)
{
	struct keyring *k = NULL;

	assert_int_equal(keyring_read(v, layout, &env, &k), 1);
	job.keys = keyring_keys(k);
	return k;
}

static const struct layer *crypt_of(int volume)
{
	return layout->volumes[volume]->layers[1];
}

static void references_come_back(void **state)
{
	struct vault *v = provisioned();
	struct keyring *k = read_keys(v);
	struct keyring_entry info[4];
	const struct secret *bytes;
	struct key_reference ref;

	assert_true(layer_key_is_reference(crypt_of(0)));
	assert_ok(layer_key_reference(crypt_of(0), &job, KEY_VOLUME, &ref));
	assert_string_equal(ref.description, "holdfast-a-1");
	assert_int_equal(ref.len, 32);
	assert_ok(layer_key_reference(crypt_of(1), &job, KEY_VOLUME, &ref));
	assert_int_equal(ref.len, 96);
	assert_int_equal(keyring_list(k, info, 4), 2);
	assert_int_equal(layer_key(crypt_of(0), &job, KEY_VOLUME, &bytes), -ENOKEY);
	keyring_free(k);
	vault_close(v);
}

static void rotation_seals_them_anew(void **state)
{
	struct vault *v = provisioned();
	struct keyring *k = read_keys(v);
	struct key_reference ref;

	assert_ok(keyring_rotate(k));
	assert_ok(keyring_commit(v, layout, k));
	keyring_free(k);
	k = read_keys(v);
	assert_memory_equal(k->referred.v[0].blob, "KEY 2 32", 8);
	assert_ok(layer_key_reference(crypt_of(1), &job, KEY_VOLUME, &ref));
	keyring_free(k);
	vault_close(v);
}

static void one_is_forgotten(void **state)
{
	struct vault *v = provisioned();
	struct keyring *k = read_keys(v);
	struct key_reference ref;

	assert_ok(keyring_unlock(k, NULL, 0));
	assert_ok(keyring_forget(k, layout->volumes[0]));
	layout->volumes[0]->forgotten = true;
	assert_ok(keyring_rotate(k));
	assert_ok(keyring_commit(v, layout, k));
	keyring_free(k);
	k = read_keys(v);
	assert_int_equal(layer_key_reference(crypt_of(0), &job, KEY_VOLUME, &ref), -ENOKEY);
	assert_ok(layer_key_reference(crypt_of(1), &job, KEY_VOLUME, &ref));
	assert_int_equal(keyring_forget(k, layout->volumes[0]), -ENOKEY);
	keyring_free(k);
	vault_close(v);
}

static void every_change_is_found(void **state)
{
	struct vault *v = provisioned();
	struct keyring *k = read_keys(v);
	struct vault_item item;
	size_t at = 0, changed = 0;

	while (vault_next_item(k->payload, k->payload_len, &at, &item) == 1) {
		uint8_t *byte = (uint8_t *)item.value + item.len - 1;

		if (item.len == 0 || item.type == VAULT_SEALED)
			continue;
		*byte ^= 1;
		k->sealed[0].loaded = false;
		assert_int_equal(keyring_unlock(k, NULL, 0), -EUCLEAN);
		*byte ^= 1;
		changed++;
	}
	assert_true(changed > 10);
	assert_ok(keyring_unlock(k, NULL, 0));
	keyring_free(k);
	vault_close(v);
}

static void records_are_decoded_strictly(void **state)
{
	const struct vault_key_blob_item item = {
	    .layer = 1, .len = 32, .keystore = "k", .volume = "a:b", .blob_len = 5};
	uint8_t bytes[VAULT_KEY_BLOB_HEADER + 5] = {0};
	struct vault_key_blob_item got;

	vault_encode_key_blob(&item, bytes);
	assert_ok(vault_decode_key_blob(bytes, sizeof(bytes), &got));
	assert_string_equal(got.volume, "a:b");
	assert_int_equal(got.blob_len, 5);
	assert_ptr_equal(got.blob, bytes + VAULT_KEY_BLOB_HEADER);
	assert_int_equal(vault_decode_key_blob(bytes, sizeof(bytes) - 1, &got), -EINVAL);
	assert_int_equal(vault_decode_key_blob(bytes, VAULT_KEY_BLOB_HEADER, &got), -EINVAL);
	memset(bytes + 16, 'x', 32); /* a name without end */
	assert_int_equal(vault_decode_key_blob(bytes, sizeof(bytes), &got), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(references_come_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(rotation_seals_them_anew, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_is_forgotten, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(every_change_is_found, set_up, tear_down),
	    cmocka_unit_test(records_are_decoded_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
