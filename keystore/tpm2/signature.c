/* SPDX-License-Identifier: Apache-2.0 */
/* Signed PCR policies, as systemd-measure writes them (tpm2-pcr-signature.json). */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "crypto/public-key.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/signature.h"

#define FILE_BYTES_MAX (1 << 20)

int tpm2_signature_read(const char *path, struct text *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_text_ struct text all = {0};
	char some[4096];
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && all.len <= FILE_BYTES_MAX) {
		n = read(fd, some, sizeof(some));
		if (n > 0)
			text_add_bytes(&all, some, (size_t)n);
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		return diag_file(errno, path);
	if (all.failed)
		return diag_no_memory();
	if (!all.len || all.len > FILE_BYTES_MAX)
		return diag_fail(DIAG_SOURCE, EFBIG, "%s is empty, or longer than 1 MiB", path);
	*ret = all;
	all = (struct text){0};
	return 0;
}

int tpm2_signature_key_pem(const char *name, const void *pem, size_t len, struct tpm2_boot *b)
{
	struct public_key key;
	TPMT_PUBLIC *p = &b->key.publicArea;
	int r = public_key_read_pem(name, pem, len, &key);

	if (r < 0)
		return r;
	memcpy(b->fingerprint, key.fingerprint, sizeof(b->fingerprint));
	b->key = (TPM2B_PUBLIC){0};
	*p = (TPMT_PUBLIC){
	    .type = TPM2_ALG_RSA,
	    .nameAlg = TPM2_ALG_SHA256,
	    .objectAttributes =
		TPMA_OBJECT_DECRYPT | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH,
	    .parameters.rsaDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
				     .scheme.scheme = TPM2_ALG_NULL,
				     .keyBits = (UINT16)(key.modulus_len * 8),
				     .exponent = key.exponent == 65537 ? 0 : key.exponent},
	    .unique.rsa.size = (UINT16)key.modulus_len,
	};
	memcpy(p->unique.rsa.buffer, key.modulus, key.modulus_len);
	return 0;
}

int tpm2_signature_key(const char *path, struct tpm2_boot *b)
{
	_cleanup_text_ struct text pem = {0};
	int r = tpm2_signature_read(path, &pem);

	return r < 0 ? r : tpm2_signature_key_pem(path, pem.s, pem.len, b);
}

/* --- the file with the signatures --- */

static struct json_object *member(struct json_object *o, const char *name, enum json_type type)
{
	struct json_object *m;

	return json_object_object_get_ex(o, name, &m) && json_object_is_type(m, type) ? m : NULL;
}

static bool same_hex(struct json_object *o, const char *name, const uint8_t *bytes, size_t len)
{
	struct json_object *m = member(o, name, json_type_string);
	uint8_t got[SHA256_BYTES];

	return m && len <= sizeof(got) && hex_decode(json_object_get_string(m), got, len) >= 0 &&
	       memcmp(got, bytes, len) == 0;
}

static bool same_pcrs(struct json_object *o, uint32_t wanted)
{
	struct json_object *list = member(o, "pcrs", json_type_array);
	uint32_t pcrs = 0;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *n = json_object_array_get_idx(list, i);
		int64_t v = json_object_is_type(n, json_type_int) ? json_object_get_int64(n) : -1;

		if (v < 0 || v >= TPM2_PCRS)
			return false;
		pcrs |= 1U << v;
	}
	return pcrs == wanted;
}

/* A member of ours: systemd-measure does not write it, and systemd ignores it. */
static bool same_version(struct json_object *o, uint32_t wanted)
{
	struct json_object *m;

	if (!json_object_object_get_ex(o, "version", &m))
		return wanted == 0;
	return json_object_is_type(m, json_type_int) && json_object_get_int64(m) == (int64_t)wanted;
}

/* Whether entry @o is the signature that @b asks for, for @policy unless that has size 0. */
static bool take(struct json_object *o, const struct tpm2_boot *b, TPM2B_DIGEST *policy,
		 TPM2B_PUBLIC_KEY_RSA *ret)
{
	struct json_object *sig = member(o, "sig", json_type_string);
	struct json_object *pol = member(o, "pol", json_type_string);
	TPM2B_DIGEST p = {.size = SHA256_BYTES};
	TPM2B_PUBLIC_KEY_RSA s = {0};
	size_t len;

	if (!sig || !pol || !same_pcrs(o, b->pcrs) || !same_version(o, b->version) ||
	    !same_hex(o, "pkfp", b->fingerprint, sizeof(b->fingerprint)) ||
	    hex_decode(json_object_get_string(pol), p.buffer, p.size) < 0 ||
	    (policy->size && !tpm2_same_digest(&p, policy)) ||
	    base64_decode(json_object_get_string(sig), s.buffer, sizeof(s.buffer), &len) < 0)
		return false;
	s.size = (UINT16)len;
	*policy = p;
	*ret = s;
	return true;
}

/* Entries that are not understood are not ours: systemd's files may have more in them. */
static int search(struct json_object *list, const struct tpm2_boot *b, TPM2B_DIGEST *policy,
		  TPM2B_PUBLIC_KEY_RSA *ret)
{
	TPM2B_PUBLIC_KEY_RSA signature = {0};
	TPM2B_DIGEST approved = {0};
	unsigned found = 0;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);
		TPM2B_DIGEST p = *policy;

		if (!json_object_is_type(entry, json_type_object) ||
		    !take(entry, b, &p, &signature))
			continue;
		approved = p;
		found++;
		if (policy->size)
			break;
	}
	if (found == 1) {
		*policy = approved;
		*ret = signature;
	}
	return found == 0 ? -ENOENT : found == 1 ? 0 : -E2BIG;
}

int tpm2_signature_scan(const char *text, size_t len, const struct tpm2_boot *b,
			TPM2B_DIGEST *policy, TPM2B_PUBLIC_KEY_RSA *ret)
{
	struct json_tokener *t = len <= INT_MAX ? json_tokener_new_ex(8) : NULL;
	struct json_object *o;
	int r = -EUCLEAN;

	if (!t)
		return r;
	o = json_tokener_parse_ex(t, text, (int)len);
	for (size_t i = json_tokener_get_parse_end(t); i < len && o; i++) {
		if (!isspace((unsigned char)text[i])) {
			json_object_put(o);
			o = NULL;
		}
	}
	json_tokener_free(t);
	if (json_object_is_type(o, json_type_object))
		r = search(member(o, tpm2_bank_name(b->bank), json_type_array), b, policy, ret);
	json_object_put(o);
	return r;
}

int tpm2_signature_missing(const char *path, const struct tpm2_boot *b)
{
	_cleanup_text_ struct text list = {0};
	int r;

	tpm2_pcr_list(b->pcrs, &list);
	if (b->version) {
		r = diag_fail(
		    DIAG_KEYSTORE_POLICY, ENOKEY,
		    "%s has no signature of version %u over the present values of PCR %s (%s)",
		    path, b->version, list.s, tpm2_bank_name(b->bank));
		diag_next("boot an image that was signed for this version; older ones are revoked");
	} else {
		r = diag_fail(DIAG_KEYSTORE_POLICY, ENOKEY,
			      "%s has no signature by the policy's key over the present values of "
			      "PCR %s (%s)",
			      path, list.s, tpm2_bank_name(b->bank));
		diag_next("boot an image whose PCRs were signed by that key, or name the file that "
			  "came with this image");
	}
	diag_state("nothing was opened");
	return r;
}

int tpm2_signature_find(const char *path, const struct tpm2_boot *b, TPM2B_DIGEST *policy,
			TPM2B_PUBLIC_KEY_RSA *ret)
{
	_cleanup_text_ struct text json = {0};
	int r = tpm2_signature_read(path, &json);

	if (r < 0) {
		diag_next(
		    "the boot loader or systemd-stub puts the signatures there; if they are "
		    "elsewhere, set pcr-signature, or --tpm2-signature for a token of systemd");
		return r;
	}
	r = tpm2_signature_scan(json.s, json.len, b, policy, ret);
	if (r == -EUCLEAN)
		return diag_fail(DIAG_SOURCE, EUCLEAN, "%s is not JSON", path);
	return r == -ENOENT ? tpm2_signature_missing(path, b) : r;
}
