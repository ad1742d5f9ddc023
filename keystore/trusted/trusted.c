/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel trusted and encrypted keys: no key is ever in user space, in no form that opens anything.
 * Documentation/security/keys/trusted-encrypted.rst */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/endian.h"
#include "base/hex.h"
#include "kernel/alg.h"
#include "kernel/key.h"
#include "keystore/registry.h"
#include "keystore/trusted/trusted.h"

static const char *const source_words[] = {"tpm", "tee", "caam", "dcp", NULL};

static const struct option_spec options[] = {
    [TRUSTED_SOURCE] = {"source", OPTION_WORD, "tpm", .words = source_words,
			.help =
			    "What seals the kernel's trusted keys, as trusted.source= says on its "
			    "command line"},
    [TRUSTED_KEYHANDLE] = {"keyhandle", OPTION_TEXT, "0x81000001", .max = 10,
			   .help = "Source tpm: the persistent storage key that seals"},
    [TRUSTED_OPTIONS] = {"options", OPTION_TEXT, .max = 200,
			 .help =
			     "More of the kernel's options for a new trusted key: \"hash=sha256 "
			     "policydigest=…\""},
    [TRUSTED_LOAD_OPTIONS] =
	{"load-options", OPTION_TEXT, .max = 200,
	 .help = "The kernel's options for loading it: \"policyhandle=0x03000000\", a "
		 "policy session that was left open in the TPM"},
    {0},
};

#define VERSION      1
#define MASTER_BYTES 32
#define LEAST_BYTES  20   /* of an encrypted key: MIN_DATA_SIZE in encrypted.c */
#define BLOB_MAX     1024 /* bytes; the kernel takes 512 */
#define NAME         "holdfast-"
#define NAME_RANDOM  8 /* bytes, in hexadecimal behind it */
/* What the kernel computes MACs with. Encrypted keys have the name in what the kernel authenticates
 * of them, so that nobody can say of a vault that it never had a MAC. */
#define NAME_MAC "holdfast-mac-"
#define MASTER   "default trusted:"

/* The blob. The kernel's own follows. */
struct trusted_disk {
	uint8_t magic[8]; /*  0: "hftrust\0" */
	le32_t version;   /*  8 */
	uint8_t pad[4];   /* 12 */
	char name[32];    /* 16: of the trusted key; encrypted keys call it by that */
};
static_assert(sizeof(struct trusted_disk) == 48, "blob");

/* --- the trusted key --- */

/* 2.23.133.10.1.5, sealed data: how the kernel begins what a TPM sealed. */
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
	struct trusted_disk d = {.magic = "hftrust", .version = le32_make(VERSION)};
	uint8_t bytes[BLOB_MAX];
	size_t len = 0;
	int r;

	if (!text->s || hex_decode_upto(text->s, bytes, sizeof(bytes), &len) < 0 || len == 0)
		return diag_fail(DIAG_KEYSTORE_FAILED, EBADMSG,
				 "the kernel shows no sealed key where one was made");
	r = check_source(k, bytes, len);
	if (r < 0)
		return r;
	snprintf(d.name, sizeof(d.name), "%s", name);
	text_add_bytes(blob, &d, sizeof(d));
	text_add_bytes(blob, bytes, len);
	return 0;
}

static int seal(const struct keystore *k, struct keystore_session *session, struct env *env,
		bool next, struct secret **ret, struct text *blob)
{
	_cleanup_text_ struct text payload = {0}, shown = {0};
	char hex[2 * NAME_RANDOM + 1], name[sizeof(NAME_MAC) + 2 * NAME_RANDOM];
	uint8_t random[NAME_RANDOM];
	int32_t serial;
	int r = env->random(random, sizeof(random));

	if (r < 0)
		return r;
	hex_encode(random, sizeof(random), hex);
	snprintf(name, sizeof(name), "%s%s", alg_takes_keys() ? NAME_MAC : NAME, hex);
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

static bool has_mac(const char *name)
{
	return strncmp(name, NAME_MAC, strlen(NAME_MAC)) == 0;
}

static bool is_name(const char *s, size_t room)
{
	size_t n = strnlen(s, room), head = strlen(n < room && has_mac(s) ? NAME_MAC : NAME);

	if (n == room || strncmp(s, NAME, strlen(NAME)) != 0)
		return false;
	return strspn(s + head, "0123456789abcdef") == n - head;
}

static int decode(const struct keystore *k, const uint8_t *blob, size_t len,
		  struct trusted_disk *ret)
{
	if (len > sizeof(*ret) && len <= sizeof(*ret) + BLOB_MAX) {
		memcpy(ret, blob, sizeof(*ret));
		if (memcmp(ret->magic, "hftrust\0", 8) == 0 && le32_get(ret->version) == VERSION &&
		    is_name(ret->name, sizeof(ret->name)))
			return 0;
	}
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the sealed secret of keystore %s is no trusted key", k->name);
}

static int unseal(const struct keystore *k, struct keystore_session *session, struct env *env,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	_cleanup_text_ struct text payload = {0};
	char hex[2 * BLOB_MAX + 1];
	struct trusted_disk d;
	int32_t serial;
	int r = decode(k, blob, len, &d);

	if (r < 0)
		return r;
	hex_encode(blob + sizeof(d), len - sizeof(d), hex);
	text_add(&payload, "load %s", hex);
	if (trusted_is_tpm(k))
		text_add(&payload, " keyhandle=%s", trusted_text(k, TRUSTED_KEYHANDLE));
	text_add(&payload, " %s", trusted_text(k, TRUSTED_LOAD_OPTIONS));
	if (payload.failed)
		return diag_no_memory();
	r = kernel_key_add("trusted", d.name, payload.s, &serial);
	if (r < 0)
		return trusted_fail_unseal(k, -r);
	*ret = NULL;
	return 0;
}

/* --- encrypted keys below it --- */

/* The kernel makes an encrypted key also below a trusted one that it does not have, and finds out
 * when it is read: so it is looked for first. */
static int find_master(const struct keystore *k, const struct trusted_disk *d)
{
	int32_t serial;
	int r = kernel_key_find("trusted", d->name, &serial);

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
	struct trusted_disk d;
	char payload[96];
	int32_t serial;
	int r = decode(k, sealed, sealed_len, &d);

	if (r >= 0)
		r = find_master(k, &d);
	if (r < 0)
		return r;
	snprintf(payload, sizeof(payload), "new " MASTER "%s %zu", d.name, len);
	r = kernel_key_add("encrypted", name, payload, &serial);
	return r < 0 ? trusted_fail(k, -r, "no encrypted key can be made")
		     : read_key(k, serial, blob);
}

/* "default trusted:NAME LENGTH HEX": what the kernel writes, and nothing else. @text: of len + 1 */
static int decode_key(const uint8_t *blob, size_t len, char *text, size_t *ret_bytes)
{
	char name[33], *end;
	size_t head = strlen(MASTER), n;

	memcpy(text, blob, len);
	text[len] = 0;
	n = strcspn(text + (len < head ? len : head), " ");
	if (strlen(text) != len || strncmp(text, MASTER, head) != 0 || n >= sizeof(name))
		return -EINVAL;
	memcpy(name, text + head, n);
	name[n] = 0;
	if (!is_name(name, sizeof(name)) || !isdigit((unsigned char)text[head + n + 1]))
		return -EINVAL;
	*ret_bytes = strtoul(text + head + n + 1, &end, 10);
	if (*end != ' ' || strspn(end + 1, "0123456789abcdef") != strlen(end + 1))
		return -EINVAL;
	return 0;
}

static int load(const struct keystore *k, const char *name, const uint8_t *blob, size_t len,
		struct key_reference *ret)
{
	_cleanup_free_ char *text = malloc(len + 1);
	_cleanup_text_ struct text payload = {0};
	struct key_reference ref = {.type = "encrypted"};
	int32_t serial;
	int r;

	if (!text)
		return diag_no_memory();
	if (decode_key(blob, len, text, &ref.len) < 0)
		return trusted_fail_load(k, EINVAL, name);
	text_add(&payload, "load %s", text);
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
	struct trusted_disk d;
	char payload[96];
	int32_t serial;
	int r = decode(k, sealed, sealed_len, &d);

	if (r >= 0)
		r = find_master(k, &d);
	if (r < 0)
		return r;
	snprintf(payload, sizeof(payload), "update " MASTER "%s", d.name);
	r = kernel_key_find(ref->type, ref->description, &serial);
	if (r >= 0)
		r = kernel_key_update(serial, payload);
	return r < 0 ? trusted_fail(k, -r, "the encrypted key cannot be sealed anew")
		     : read_key(k, serial, blob);
}

/* --- a MAC --- */

static bool authenticates(const struct keystore *k, const uint8_t *sealed, size_t sealed_len)
{
	struct trusted_disk d;

	if (sealed_len < sizeof(d))
		return false;
	memcpy(&d, sealed, sizeof(d));
	return is_name(d.name, sizeof(d.name)) && has_mac(d.name);
}

static int mac(const struct keystore *k, const uint8_t *sealed, size_t sealed_len,
	       const void *bytes, size_t len, uint8_t ret[static SHA256_BYTES])
{
	struct trusted_disk d;
	int32_t serial;
	int r = decode(k, sealed, sealed_len, &d);

	if (r < 0)
		return r;
	r = kernel_key_find("trusted", d.name, &serial);
	if (r >= 0)
		r = alg_hmac_sha256(serial, bytes, len, ret);
	if (r >= 0)
		return 0;
	r = diag_fail(DIAG_KERNEL, -r, "the kernel computes no MAC with its trusted key: %s",
		      strerror(-r));
	diag_next("it did when the device was laid out: CONFIG_CRYPTO_USER_API_HASH, Linux 6.2 or "
		  "newer");
	return r;
}

/* --- what is said of it --- */

/* Words that the kernel would take, and that must not stand in a layout or are set otherwise. */
static int check_words(const struct keystore *k, int option)
{
	static const char *const refused[] = {
	    "keyhandle=", "keyauth=", "blobauth=", "migratable=", NULL};
	const char *text = trusted_text(k, option);
	char at[WHERE_SIZE];

	where_text(&k->values[option].where, at);
	for (size_t i = 0; refused[i]; i++) {
		if (strstr(text, refused[i]))
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%s%s: %s cannot stand here: %s", at, options[option].name,
					 refused[i],
					 i == 0   ? "write keyhandle = \"0x81000001\""
					 : i == 3 ? "it is always 0"
						  : "a layout is no place for secrets");
	}
	for (; *text; text++) {
		if (*text != ' ' && !isgraph((unsigned char)*text))
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%s%s: words with a space between, as the kernel's "
					 "documentation has them",
					 at, options[option].name);
	}
	return 0;
}

static int check(const struct keystore *k)
{
	const char *handle = trusted_text(k, TRUSTED_KEYHANDLE);
	char at[WHERE_SIZE];
	int r = check_words(k, TRUSTED_OPTIONS);

	if (r >= 0)
		r = check_words(k, TRUSTED_LOAD_OPTIONS);
	if (r < 0)
		return r;
	if (strncmp(handle, "0x81", 4) == 0 && strlen(handle) == 10 &&
	    strspn(handle + 2, "0123456789abcdefABCDEF") == 8)
		return 0;
	return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
			 "%skeyhandle = \"%s\" is no persistent handle; write \"0x81000001\"",
			 where_text(&k->values[TRUSTED_KEYHANDLE].where, at), handle);
}

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_MEDIA; /* also with a policy: it is not we who can make it fail for good */
}

static void describe(const struct keystore *k, const uint8_t *blob, size_t len, struct text *to)
{
	text_add(to, "a trusted key of the kernel, sealed by ");
	if (trusted_is_tpm(k))
		text_add(to, "the TPM under %s%s", trusted_text(k, TRUSTED_KEYHANDLE),
			 trusted_has_policy(k) ? ", with a policy" : "");
	else
		text_add(to, "%s", trusted_text(k, TRUSTED_SOURCE));
	text_add(to, "; volume keys are never in user space; the vault's device part is %s",
		 authenticates(k, blob, len) ? "authenticated by the kernel"
					     : "NOT AUTHENTICATED by it");
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
    .summary = "Trusted and encrypted keys of the kernel: dm-crypt gets them, user space never.",
    .options = options,
    .strength = strength,
    .check = check,
    .seal = seal,
    .unseal = unseal,
    .references = &references,
    .describe = describe,
};
