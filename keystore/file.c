/* SPDX-License-Identifier: Apache-2.0 */
/* Backend file: a passphrase guards the device secret (scrypt, AES-256-GCM); for development. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/endian.h"
#include "base/overflow.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "keystore/registry.h"

enum { MEMORY };

static const struct option_spec options[] = {
    [MEMORY] = {"memory", OPTION_SIZE, "64M", .min = 1024 * 1024, .max = 1024 * 1024 * 1024,
		.power_of_2 = true,
		.help =
		    "Memory that scrypt uses at every unsealing; the device must have that much"},
    {0},
};

#define SCRYPT_R 8
#define SCRYPT_P 1
#define VERSION  1

enum { LOG2_N_MIN = 10, LOG2_N_MAX = 20 }; /* 1 MiB to 1 GiB, as option "memory" allows */

/* The sealed secret. */
struct file_disk {
	uint8_t magic[8];                    /*  0: "hffile\0\0" */
	le32_t version;                      /*  8 */
	le32_t log2_n, r, p;                 /* 12: of scrypt; it takes 128 * 2^log2_n * r bytes */
	uint8_t salt[32];                    /* 24 */
	uint8_t nonce[12];                   /* 56 */
	uint8_t sealed[DEVICE_SECRET_BYTES]; /* 68 */
	uint8_t tag[16];                     /* 100 */
};
#define AUTHENTICATED 56 /* bytes before the nonce */
static_assert(sizeof(struct file_disk) == 116, "blob");
static_assert(offsetof(struct file_disk, nonce) == AUTHENTICATED, "associated data");

static int passphrase(const struct keystore *k, struct env *env, bool fresh, struct secret **ret)
{
	int r;

	if (env->input)
		return env->input->ask(env->input->ctx, ASK_PASSPHRASE, k->name, fresh, ret);
	r = diag_fail(DIAG_KEY_INPUT, ENOKEY, "keystore %s needs a passphrase", k->name);
	diag_next("give it with --passphrase-file FILE or --passphrase-fd N");
	return r;
}

/* The AEAD whose key is derived from the passphrase. */
static int key_up(const struct file_disk *d, const struct secret *passphrase, struct aead **ret)
{
	_cleanup_secret_ struct secret *key = NULL;
	int r = secret_new(32, &key);

	if (r >= 0)
		r = kdf_scrypt(secret_bytes(passphrase), secret_len(passphrase), d->salt,
			       sizeof(d->salt), 1ULL << le32_get(d->log2_n), le32_get(d->r),
			       le32_get(d->p), secret_bytes(key), secret_len(key));
	return r < 0 ? r : aead_new("aes-gcm", secret_bytes(key), secret_len(key), ret);
}

static int seal(const struct keystore *k, struct keystore_session *session, struct env *env,
		uint64_t rotation, struct secret **ret, struct text *blob)
{
	_cleanup_secret_ struct secret *words = NULL, *s = NULL;
	_cleanup_aead_ struct aead *aead = NULL;
	struct file_disk d = {.magic = "hffile",
			      .version = le32_make(VERSION),
			      .r = le32_make(SCRYPT_R),
			      .p = le32_make(SCRYPT_P)};
	uint64_t n = k->values[MEMORY].number / 128 / SCRYPT_R;
	int r = passphrase(k, env, true, &words);

	d.log2_n = le32_make((uint32_t)__builtin_ctzll(n));
	if (r >= 0)
		r = secret_new(DEVICE_SECRET_BYTES, &s);
	if (r >= 0)
		r = env->random(secret_bytes(s), DEVICE_SECRET_BYTES);
	if (r >= 0)
		r = env->random(d.salt, sizeof(d.salt));
	if (r >= 0)
		r = env->random(d.nonce, sizeof(d.nonce));
	if (r >= 0)
		r = key_up(&d, words, &aead);
	if (r < 0)
		return r;
	r = aead_encrypt(aead, d.nonce, &d, AUTHENTICATED, secret_bytes(s), DEVICE_SECRET_BYTES,
			 d.sealed, d.tag);
	if (r < 0)
		return diag_fail(DIAG_INTERNAL, EIO, "the device secret cannot be sealed");
	text_add_bytes(blob, &d, sizeof(d));
	*ret = TAKE(s);
	return 0;
}

/* Silent. */
static bool decode(const uint8_t *blob, size_t len, struct file_disk *ret)
{
	struct file_disk d;

	if (len != sizeof(d))
		return false;
	memcpy(&d, blob, sizeof(d));
	if (memcmp(d.magic, "hffile\0\0", 8) != 0 || le32_get(d.version) != VERSION ||
	    le32_get(d.log2_n) < LOG2_N_MIN || le32_get(d.log2_n) > LOG2_N_MAX ||
	    le32_get(d.r) != SCRYPT_R || le32_get(d.p) != SCRYPT_P)
		return false;
	*ret = d;
	return true;
}

static int unseal(const struct keystore *k, struct keystore_session *session, struct env *env,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	_cleanup_secret_ struct secret *words = NULL, *s = NULL;
	_cleanup_aead_ struct aead *aead = NULL;
	struct file_disk d;
	int r;

	if (!decode(blob, len, &d))
		return diag_fail(DIAG_TAMPERED, EUCLEAN,
				 "the sealed secret of keystore %s is not one of a passphrase",
				 k->name);
	r = passphrase(k, env, false, &words);
	if (r >= 0)
		r = secret_new(DEVICE_SECRET_BYTES, &s);
	if (r >= 0)
		r = key_up(&d, words, &aead);
	if (r < 0)
		return r;
	r = aead_decrypt(aead, d.nonce, &d, AUTHENTICATED, d.sealed, DEVICE_SECRET_BYTES,
			 secret_bytes(s), d.tag);
	if (r < 0) {
		r = diag_fail(DIAG_KEY_WRONG, EKEYREJECTED,
			      "the passphrase does not open keystore %s (or its sealed secret was "
			      "changed)",
			      k->name);
		diag_state("nothing was opened, nothing was changed");
		return r;
	}
	*ret = TAKE(s);
	return 0;
}

static void describe(const struct keystore *k, const uint8_t *blob, size_t len, struct text *to)
{
	struct file_disk d;

	if (!decode(blob, len, &d))
		return;
	text_add(to,
		 "passphrase, scrypt with %u MiB; for development: whoever has the passphrase "
		 "and a copy of the medium opens it, for ever",
		 (1U << le32_get(d.log2_n)) / 1024);
}

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_MEDIA;
}

const struct keystore_ops keystore_file = {
    .name = "file",
    .blob_magic = "hffile",
    .blob_version = VERSION,
    .summary = "A passphrase guards the device secret (scrypt, AES-256-GCM): for development.",
    .options = options,
    .strength = strength,
    .seal = seal,
    .unseal = unseal,
    .describe = describe,
};
