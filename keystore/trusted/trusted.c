/* SPDX-License-Identifier: Apache-2.0 */
/* Backend trusted: trusted and encrypted keys of the kernel. User space never has a key in a form
 * that opens anything. Documentation/security/keys/trusted-encrypted.rst */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "kernel/alg.h"
#include "kernel/key.h"
#include "keystore/registry.h"
#include "keystore/trusted/blob.h"
#include "keystore/trusted/options.h"
#include "keystore/trusted/say.h"

#define MASTER_BYTES 32
#define LEAST_BYTES  20 /* of an encrypted key: MIN_DATA_SIZE in encrypted.c */

/* --- the trusted key --- */

/* A TPM's sealed data begins with the object identifier 2.23.133.10.1.5 in the kernel's encoding.
 */
static bool sealed_by_tpm(const uint8_t *blob, size_t len)
{
	static const uint8_t oid[] = {0x06, 0x06, 0x67, 0x81, 0x05, 0x0a, 0x01, 0x05};

	return len > 16 && memmem(blob, 16, oid, sizeof(oid)) != NULL;
}

static int check_source(const struct keystore *k, const uint8_t *blob, size_t len)
{
	int r;

	if (sealed_by_tpm(blob, len) == trusted_is_tpm(k))
		return 0;
	r = diag_fail(DIAG_KEYSTORE_FAILED, EINVAL,
		      "the kernel's trusted keys are %s by a TPM, and the layout has source = "
		      "\"%s\"",
		      trusted_is_tpm(k) ? "not sealed" : "sealed", trusted_text(k, TRUSTED_SOURCE));
	diag_next("trusted.source=%s on the kernel's command line, or another source in the layout",
		  trusted_text(k, TRUSTED_SOURCE));
	return r;
}

/* @text: hexadecimal, as the kernel shows it. */
static int put_blob(const struct keystore *k, const char *name, const struct text *text,
		    struct text *blob)
{
	uint8_t bytes[TRUSTED_KEY_MAX];
	size_t len = 0;
	int r;

	if (!text->s || hex_decode_upto(text->s, bytes, sizeof(bytes), &len) < 0 || len == 0)
		return diag_fail(DIAG_KEYSTORE_FAILED, EBADMSG,
				 "the kernel shows no sealed key where one was made");
	r = check_source(k, bytes, len);
	if (r >= 0)
		trusted_blob_encode(name, bytes, len, blob);
	return r;
}

static int seal(const struct keystore *k, struct keystore_session *session, struct env *env,
		uint64_t rotation, struct secret **ret, struct text *blob)
{
	_cleanup_text_ struct text payload = {0}, shown = {0};
	uint8_t random[TRUSTED_RANDOM];
	char name[TRUSTED_NAME_MAX];
	int32_t serial;
	int r = env->random(random, sizeof(random));

	if (r < 0)
		return r;
	trusted_name(random, alg_takes_keys(), name);
	text_add(&payload, "new %d", MASTER_BYTES);
	if (trusted_is_tpm(k))
		text_add(&payload, " keyhandle=%s migratable=0",
			 trusted_text(k, TRUSTED_KEYHANDLE));
	text_add(&payload, " %s", trusted_text(k, TRUSTED_OPTIONS));
	if (payload.failed)
		return diag_no_memory();
	r = kernel_key_add("trusted", name, payload.s, &serial);
	if (r < 0)
		return trusted_fail_seal(k, -r);
	r = kernel_key_read(serial, &shown);
	if (r < 0)
		return trusted_fail(k, -r, "the trusted key cannot be read as it is sealed");
	r = put_blob(k, name, &shown, blob);
	if (r >= 0)
		*ret = NULL;
	return r;
}

static int decode(const struct keystore *k, const uint8_t *blob, size_t len,
		  struct trusted_blob *ret)
{
	if (trusted_blob_decode(blob, len, ret) >= 0)
		return 0;
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the sealed secret of keystore %s is not a trusted key", k->name);
}

static int unseal(const struct keystore *k, struct keystore_session *session, struct env *env,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	_cleanup_text_ struct text payload = {0};
	char hex[2 * TRUSTED_KEY_MAX + 1];
	struct trusted_blob b;
	int32_t serial;
	int r = decode(k, blob, len, &b);

	if (r < 0)
		return r;
	hex_encode(b.key, b.key_bytes, hex);
	text_add(&payload, "load %s", hex);
	if (trusted_is_tpm(k))
		text_add(&payload, " keyhandle=%s", trusted_text(k, TRUSTED_KEYHANDLE));
	text_add(&payload, " %s", trusted_text(k, TRUSTED_LOAD_OPTIONS));
	if (payload.failed)
		return diag_no_memory();
	r = kernel_key_add("trusted", b.name, payload.s, &serial);
	if (r < 0)
		return trusted_fail_unseal(k, -r);
	*ret = NULL;
	return 0;
}

/* --- encrypted keys below it --- */

/* The kernel makes an encrypted key even if it does not have the trusted key, and fails only when
 * the key is read. So look for the trusted key first. */
static int find_master(const struct keystore *k, const struct trusted_blob *b)
{
	int32_t serial;
	int r = kernel_key_find("trusted", b->name, &serial);

	return r < 0 ? trusted_fail(k, -r, "the trusted key is not in the kernel") : 0;
}

static int read_key(const struct keystore *k, int32_t serial, struct text *blob)
{
	int r = kernel_key_read(serial, blob);

	return r < 0 ? trusted_fail(k, -r, "the encrypted key cannot be read as it is sealed") : 0;
}

static int draw(const struct keystore *k, const uint8_t *sealed, size_t sealed_len,
		const char *name, size_t len, struct text *blob)
{
	struct trusted_blob b;
	char payload[96];
	int32_t serial;
	int r = decode(k, sealed, sealed_len, &b);

	if (r >= 0)
		r = find_master(k, &b);
	if (r < 0)
		return r;
	snprintf(payload, sizeof(payload), "new " TRUSTED_MASTER "%s %zu", b.name, len);
	r = kernel_key_add("encrypted", name, payload, &serial);
	return r < 0 ? trusted_fail(k, -r, "no encrypted key can be made")
		     : read_key(k, serial, blob);
}

static int load(const struct keystore *k, const char *name, const uint8_t *blob, size_t len,
		struct key_reference *ret)
{
	_cleanup_text_ struct text payload = {0};
	struct key_reference ref = {.type = "encrypted"};
	int32_t serial;
	int r;

	if (trusted_key_decode(blob, len, &ref.len) < 0)
		return trusted_fail_load(k, EINVAL, name);
	text_add(&payload, "load ");
	text_add_bytes(&payload, blob, len);
	if (payload.failed)
		return diag_no_memory();
	r = kernel_key_add("encrypted", name, payload.s, &serial);
	if (r < 0)
		return trusted_fail_load(k, -r, name);
	snprintf(ref.description, sizeof(ref.description), "%s", name);
	*ret = ref;
	return 0;
}

static int rewrap(const struct keystore *k, const struct key_reference *ref, const uint8_t *sealed,
		  size_t sealed_len, struct text *blob)
{
	struct trusted_blob b;
	char payload[96];
	int32_t serial;
	int r = decode(k, sealed, sealed_len, &b);

	if (r >= 0)
		r = find_master(k, &b);
	if (r < 0)
		return r;
	snprintf(payload, sizeof(payload), "update " TRUSTED_MASTER "%s", b.name);
	r = kernel_key_find(ref->type, ref->description, &serial);
	if (r >= 0)
		r = kernel_key_update(serial, payload);
	return r < 0 ? trusted_fail(k, -r, "the encrypted key cannot be sealed again")
		     : read_key(k, serial, blob);
}

/* --- a MAC --- */

static bool authenticates(const struct keystore *k, const uint8_t *sealed, size_t sealed_len)
{
	struct trusted_blob b;

	return trusted_blob_decode(sealed, sealed_len, &b) >= 0 && b.has_mac;
}

static int mac(const struct keystore *k, const uint8_t *sealed, size_t sealed_len,
	       const void *bytes, size_t len, uint8_t ret[static SHA256_BYTES])
{
	struct trusted_blob b;
	int32_t serial;
	int r = decode(k, sealed, sealed_len, &b);

	if (r < 0)
		return r;
	r = kernel_key_find("trusted", b.name, &serial);
	if (r >= 0)
		r = alg_hmac_sha256(serial, bytes, len, ret);
	if (r >= 0)
		return 0;
	r = diag_fail(DIAG_KERNEL, -r, "the kernel computes no MAC with its trusted key: %s",
		      strerror(-r));
	diag_next("it did when the device was laid out: it needs CONFIG_CRYPTO_USER_API_HASH and "
		  "Linux 6.2 or newer");
	return r;
}

/* --- the backend --- */

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_MEDIA; /* with a policy, too: holdfast cannot make it fail for ever */
}

static void describe(const struct keystore *k, const uint8_t *blob, size_t len, struct text *to)
{
	text_add(to, "a trusted key of the kernel, sealed by ");
	if (trusted_is_tpm(k))
		text_add(to, "the TPM under %s%s", trusted_text(k, TRUSTED_KEYHANDLE),
			 trusted_has_policy(k) ? ", with a policy" : "");
	else
		text_add(to, "%s", trusted_text(k, TRUSTED_SOURCE));
	text_add(to, "; volume keys are never in user space; the vault's device part has %s",
		 authenticates(k, blob, len) ? "a MAC that the kernel checks when it opens"
					     : "NO MAC: it is never authenticated");
}

static const struct key_reference_ops references = {
    .least_bytes = LEAST_BYTES,
    .draw = draw,
    .load = load,
    .rewrap = rewrap,
    .authenticates = authenticates,
    .mac = mac,
};

const struct keystore_ops keystore_trusted = {
    .name = "trusted",
    .blob_magic = "hftrust",
    .blob_version = TRUSTED_BLOB_VERSION,
    .summary = "Trusted and encrypted keys of the kernel: dm-crypt gets them, user space never.",
    .options = trusted_options,
    .strength = strength,
    .check = trusted_options_check,
    .seal = seal,
    .unseal = unseal,
    .references = &references,
    .describe = describe,
};
