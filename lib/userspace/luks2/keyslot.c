/* SPDX-License-Identifier: Apache-2.0 */
/* Keyslots of LUKS2: the volume key in anti-forensic stripes, encrypted under a passphrase. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "crypto/af.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "userspace/luks2/json.h"
#include "userspace/luks2/keyslot.h"

#define SECTOR 512 /* of keyslot areas, whatever sector size the data have */
/* About a minute, and far above what libcryptsetup's benchmark chooses: a header that asks for more
 * was made to keep us busy. */
#define ITERATIONS_MAX 100000000

/* --- its JSON --- */

static bool read_slot(struct json_object *o, struct luks2_slot *s)
{
	struct json_object *area = luks2_json_member(o, "area", json_type_object);
	struct json_object *af = luks2_json_member(o, "af", json_type_object);
	struct json_object *kdf = luks2_json_member(o, "kdf", json_type_object);
	char type[32];

	if (!luks2_json_word(o, "type", type, sizeof(type)) || strcmp(type, "luks2") != 0 ||
	    !luks2_json_u32(o, "key_size", &s->key_bytes) ||
	    !luks2_json_word(area, "type", type, sizeof(type)) || strcmp(type, "raw") != 0 ||
	    !luks2_json_u64(area, "offset", &s->area_offset_bytes) ||
	    !luks2_json_u64(area, "size", &s->area_bytes) ||
	    !luks2_json_word(area, "encryption", s->area_encryption, sizeof(s->area_encryption)) ||
	    !luks2_json_u32(area, "key_size", &s->area_key_bytes) ||
	    !luks2_json_word(af, "type", s->af_type, sizeof(s->af_type)) ||
	    !luks2_json_word(af, "hash", s->af_hash, sizeof(s->af_hash)) ||
	    !luks2_json_u32(af, "stripes", &s->stripes) ||
	    !luks2_json_word(kdf, "type", s->kdf, sizeof(s->kdf)))
		return false;
	if (strcmp(s->kdf, "pbkdf2") != 0)
		return true;
	return luks2_json_word(kdf, "hash", s->kdf_hash, sizeof(s->kdf_hash)) &&
	       luks2_json_u32(kdf, "iterations", &s->iterations) &&
	       luks2_json_base64(kdf, "salt", s->salt, sizeof(s->salt), &s->salt_len);
}

int luks2_json_keyslot(const char *json, unsigned number, struct luks2_slot *ret)
{
	struct luks2_slot s = {0};
	struct json_object *root;
	char key[16];
	size_t end;
	bool ok;
	int r = luks2_json_parse(json, strlen(json) + 1, &root, &end);

	if (r < 0)
		return r;
	snprintf(key, sizeof(key), "%u", number);
	ok = read_slot(luks2_json_member(luks2_json_member(root, "keyslots", json_type_object), key,
					 json_type_object),
		       &s);
	json_object_put(root);
	if (!ok)
		return -EUCLEAN;
	*ret = s;
	return 0;
}

/* --- the area --- */

static uint64_t area_used(uint32_t key_bytes)
{
	return round_up((uint64_t)key_bytes * LUKS2_STRIPES, SECTOR);
}

/* Sectors are numbered from the area's start. */
static int encrypt_area(struct secret *area, struct secret *key, bool decrypt)
{
	_cleanup_cipher_ struct cipher *c = NULL;
	int r = cipher_new("aes-xts", secret_bytes(key), secret_len(key), &c);

	for (size_t i = 0; i < secret_len(area) / SECTOR && r >= 0; i++) {
		uint8_t iv[CIPHER_IV_BYTES], *sector = secret_bytes(area) + i * SECTOR;

		cipher_iv_plain64(i, iv);
		r = decrypt ? cipher_decrypt(c, iv, sector, SECTOR, sector)
			    : cipher_encrypt(c, iv, sector, SECTOR, sector);
		if (r < 0)
			r = diag_fail(DIAG_INTERNAL, EIO, "AES-XTS failed");
	}
	return r;
}

/* --- writing --- */

int luks2_keyslot_write(struct io *io, const struct secret *key, const struct secret *passphrase,
			struct env *env, struct luks2_keyslot *k)
{
	_cleanup_secret_ struct secret *area = NULL, *derived = NULL;
	int r = secret_new((size_t)area_used(k->key_bytes), &area);

	if (r >= 0)
		r = secret_new(LUKS2_AREA_KEY_BYTES, &derived);
	if (r >= 0)
		r = env->random(k->kdf_salt, sizeof(k->kdf_salt));
	if (r >= 0)
		r = kdf_pbkdf2("sha256", luks2_secret(passphrase), secret_len(passphrase),
			       k->kdf_salt, sizeof(k->kdf_salt), k->iterations,
			       secret_bytes(derived), secret_len(derived));
	if (r >= 0)
		r = env->random(secret_bytes(area), (size_t)k->key_bytes * (LUKS2_STRIPES - 1));
	if (r >= 0)
		r = af_split("sha256", luks2_secret(key), k->key_bytes, LUKS2_STRIPES,
			     secret_bytes(area));
	if (r >= 0)
		r = encrypt_area(area, derived, false);
	if (r < 0)
		return r;
	r = io_write(io, secret_bytes(area), secret_len(area), k->area_offset_bytes);
	return r < 0 ? io_fail(io, r, "writing a LUKS2 keyslot,", k->area_offset_bytes,
			       secret_len(area))
		     : 0;
}

/* --- opening --- */

int luks2_key_matches(const struct luks2_facts *f, const uint8_t *key, size_t len)
{
	uint8_t digest[sizeof(f->digest)];
	int r;

	if (!f->digest_len)
		return diag_fail(DIAG_DAMAGED, EINVAL,
				 "the LUKS2 header has no digest of its key that can be used");
	if (f->digest_iterations > ITERATIONS_MAX)
		return diag_fail(DIAG_DAMAGED, ERANGE,
				 "the LUKS2 header asks for %u iterations for its digest",
				 f->digest_iterations);
	r = kdf_pbkdf2(f->digest_hash, key, len, f->digest_salt, f->digest_salt_len,
		       f->digest_iterations, digest, f->digest_len);
	return r < 0 ? r : digest_equal(digest, f->digest, f->digest_len);
}

enum able {
	ABLE,
	ABLE_NO_KDF,    /* argon2 */
	ABLE_NO_CIPHER, /* the area is encrypted in a way that we do not have */
	ABLE_NOT,       /* malformed */
};

static enum able able(const struct luks2_slot *s, uint64_t device_bytes)
{
	if (strcmp(s->kdf, "pbkdf2") != 0)
		return ABLE_NO_KDF;
	if (strcmp(s->area_encryption, "aes-xts-plain64") != 0 || strcmp(s->af_type, "luks1") != 0)
		return ABLE_NO_CIPHER;
	if (s->key_bytes == 0 || s->key_bytes > LUKS2_KEY_BYTES_MAX ||
	    s->stripes != LUKS2_STRIPES || (s->area_key_bytes != 32 && s->area_key_bytes != 64) ||
	    s->area_bytes < area_used(s->key_bytes) || !digest_bytes(s->af_hash) ||
	    !digest_bytes(s->kdf_hash) || s->iterations == 0 || s->iterations > ITERATIONS_MAX ||
	    !range_inside(s->area_offset_bytes, s->area_bytes, device_bytes))
		return ABLE_NOT;
	return ABLE;
}

/* 1 and the key, 0: another passphrase. */
static int open_slot(struct io *io, const struct luks2_facts *f, const struct luks2_slot *s,
		     const uint8_t *passphrase, size_t len, struct secret **ret_key)
{
	_cleanup_secret_ struct secret *area = NULL, *derived = NULL, *key = NULL;
	int r = secret_new((size_t)area_used(s->key_bytes), &area);

	if (r >= 0)
		r = secret_new(s->area_key_bytes, &derived);
	if (r >= 0)
		r = secret_new(s->key_bytes, &key);
	if (r < 0)
		return r;
	r = io_read(io, secret_bytes(area), secret_len(area), s->area_offset_bytes);
	if (r < 0)
		return io_fail(io, r, "reading a LUKS2 keyslot,", s->area_offset_bytes,
			       secret_len(area));
	r = kdf_pbkdf2(s->kdf_hash, passphrase, len, s->salt, s->salt_len, s->iterations,
		       secret_bytes(derived), secret_len(derived));
	if (r >= 0)
		r = encrypt_area(area, derived, true);
	if (r >= 0)
		r = af_merge(s->af_hash, secret_bytes(area), s->key_bytes, s->stripes,
			     secret_bytes(key));
	if (r >= 0)
		r = luks2_key_matches(f, secret_bytes(key), secret_len(key));
	if (r == 1) {
		*ret_key = key;
		key = NULL;
	}
	return r;
}

static int cannot(enum able worst)
{
	int r;

	if (worst == ABLE_NOT)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "a LUKS2 keyslot is malformed, and the passphrase opens no other");
	r = diag_fail(DIAG_NOT_BUILT, ENOTSUP,
		      worst == ABLE_NO_KDF
			  ? "a LUKS2 keyslot derives its key by Argon2, which holdfast cannot; the "
			    "passphrase opens no other"
			  : "a LUKS2 keyslot is encrypted in a way that holdfast cannot; the "
			    "passphrase opens no other");
	diag_next("open it with cryptsetup, or convert the keyslot: cryptsetup luksConvertKey "
		  "--pbkdf pbkdf2");
	return r;
}

int luks2_unlock(struct io *io, const struct luks2_found *f, const uint8_t *passphrase, size_t len,
		 struct env *env, struct secret **ret_key)
{
	enum able worst = ABLE;
	int failed = 0, r;

	if (f->active < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "%s: neither copy of its LUKS2 header is good", io->name);
	for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
		struct luks2_slot s;
		enum able a = ABLE_NOT;

		if (!(f->facts.keyslot_bits >> i & 1))
			continue;
		if (env_cancelled(env))
			return diag_fail(DIAG_SIGNAL, ECANCELED,
					 "stopped while keyslots were tried");
		r = luks2_json_keyslot(f->copy[f->active].json, i, &s);
		if (r == -ENOMEM)
			return diag_no_memory();
		if (r >= 0)
			a = able(&s, io->size_bytes);
		if (a == ABLE)
			r = open_slot(io, &f->facts, &s, passphrase, len, ret_key);
		if (r == 1)
			return r;
		if (a == ABLE && r < 0)
			failed = r;
		if (a != ABLE && (worst == ABLE || a < worst))
			worst = a;
	}
	if (failed < 0)
		return failed;
	return worst == ABLE ? 0 : cannot(worst);
}
