/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tpm2 without a TPM: the blob in the vault, an identity, signatures in a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "keystore/registry.h"
#include "keystore/tpm2/blob.h"
#include "keystore/tpm2/identity.h"
#include "keystore/tpm2/index-public.h"
#include "keystore/tpm2/name.h"
#include "keystore/tpm2/signature.h"
#include "lib/check.h"

#define HEADER 168

/* --- the blob --- */

static struct tpm2_blob b, got, before;

/* A blob that no TPM made, but that is as one. */
static void make(bool pin, bool remote)
{
	b = (struct tpm2_blob){
	    .boot = {.bank = TPM2_ALG_SHA256, .pcrs = 1U << 7 | 1U << 11},
	    .pin = {.wanted = pin},
	    .counters = {.erase = 3, .rotation = 4},
	    .srk = {.size = 34},
	    .object =
		{.publicArea = {.type = TPM2_ALG_KEYEDHASH,
				.nameAlg = TPM2_ALG_SHA256,
				.objectAttributes =
				    (remote ? 0 : TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT) |
				    TPMA_OBJECT_ADMINWITHPOLICY | (pin ? 0 : TPMA_OBJECT_NODA),
				.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
				.unique.keyedHash.size = SHA256_BYTES}},
	    .private = {.size = 100},
	    .seed = {.size = remote ? 60 : 0}};
	if (pin) {
		b.pin.memory_kib = 1024;
		b.pin.passes = 3;
		b.pin.lanes = 4;
		memset(b.pin.salt, 0x77, sizeof(b.pin.salt));
	}
	memset(b.boot.values[7], 0x11, SHA256_BYTES);
	memset(b.boot.values[11], 0x22, SHA256_BYTES);
	assert_true(tpm2_digest_seal(&b.boot, &b.counters, pin, &b.object.publicArea.authPolicy));
}

static void encode(struct text *ret)
{
	assert_ok(tpm2_blob_encode(&b, ret));
}

static void refuses(const void *bytes, size_t len)
{
	memset(&got, 0x5a, sizeof(got));
	before = got;
	assert_int_equal(tpm2_blob_decode(bytes, len, &got), -EUCLEAN);
	assert_memory_equal(&got, &before, sizeof(got));
}

static void what_it_encodes_it_decodes(void **state)
{
	for (int i = 0; i < 4; i++) {
		_cleanup_text_ struct text blob = {0};

		make(i & 1, i & 2);
		encode(&blob);
		assert_ok(tpm2_blob_decode((uint8_t *)blob.s, blob.len, &got));
		assert_int_equal(got.boot.pcrs, b.boot.pcrs);
		assert_int_equal(got.counters.erase, 3);
		assert_int_equal(got.counters.rotation, 4);
		assert_int_equal(got.pin.wanted, i & 1);
		assert_int_equal(got.pin.lanes, i & 1 ? 4 : 0);
		assert_memory_equal(got.boot.values, b.boot.values, sizeof(b.boot.values));
		assert_int_equal(got.private.size, 100);
		assert_int_equal(keystore_tpm2.sealed_elsewhere((uint8_t *)blob.s, blob.len),
				 (i & 2) != 0);
	}
}

static void every_unknown_flag_is_refused(void **state)
{
	_cleanup_text_ struct text blob = {0};

	make(true, false);
	encode(&blob);
	for (unsigned bit = 1; bit < 32; bit++) { /* 0 is the PIN, 1 a signed policy */
		blob.s[12 + bit / 8] ^= (char)(1 << bit % 8);
		refuses(blob.s, blob.len);
		blob.s[12 + bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void every_byte_of_padding_is_zero(void **state)
{
	_cleanup_text_ struct text blob = {0};

	make(false, false);
	encode(&blob);
	for (size_t i = 162; i < HEADER; i++) {
		blob.s[i] = 1;
		refuses(blob.s, blob.len);
		blob.s[i] = 0;
	}
}

/* Without a PIN: memory, passes, lanes and salt. Without a signature: version and fingerprint. */
static void fields_of_what_is_not_there_are_zero(void **state)
{
	static const struct {
		size_t from, to;
	} fields[] = {{24, 72}, {122, 154}};
	_cleanup_text_ struct text blob = {0};

	make(false, false);
	encode(&blob);
	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		for (size_t i = fields[f].from; i < fields[f].to; i++) {
			blob.s[i] ^= 1;
			refuses(blob.s, blob.len);
			blob.s[i] ^= 1;
		}
	}
}

/* All that the policy is over contradicts the policy when it is changed; so do magic and version.
 */
static void what_the_policy_is_over_cannot_be_changed(void **state)
{
	static const struct {
		size_t from, to;
	} fields[] = {{0, 12}, {16, 24}, {72, 88}, {HEADER, HEADER + 64}};
	_cleanup_text_ struct text blob = {0};

	make(false, false);
	encode(&blob);
	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		for (size_t i = fields[f].from; i < fields[f].to; i++) {
			blob.s[i] ^= 1;
			refuses(blob.s, blob.len);
			blob.s[i] ^= 1;
		}
	}
}

static void the_cost_of_a_pin_is_bounded(void **state)
{
	/* memory below 8 KiB a lane and above 1 GiB, no passes, too many, no lanes, too many */
	static const struct {
		size_t at;
		uint32_t value;
	} cases[] = {{28, 31}, {28, 1U << 30}, {32, 0}, {32, 1U << 20}, {36, 0}, {36, 1U << 20}};
	_cleanup_text_ struct text blob = {0};

	make(true, false);
	encode(&blob);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const le32_t value = le32_make(cases[i].value);
		le32_t good;

		memcpy(&good, blob.s + cases[i].at, sizeof(good));
		memcpy(blob.s + cases[i].at, &value, sizeof(value));
		refuses(blob.s, blob.len);
		memcpy(blob.s + cases[i].at, &good, sizeof(good));
	}
}

static void another_length_is_refused(void **state)
{
	_cleanup_text_ struct text blob = {0};

	make(false, true);
	encode(&blob);
	for (size_t len = 0; len < blob.len; len++)
		refuses(blob.s, len);
	text_add_bytes(&blob, "", 1);
	refuses(blob.s, blob.len);
}

/* An object that can leave the TPM, or that a password opens, is none of ours. */
static void other_objects_are_refused(void **state)
{
	static const TPMA_OBJECT changes[] = {TPMA_OBJECT_FIXEDTPM, TPMA_OBJECT_FIXEDPARENT,
					      TPMA_OBJECT_USERWITHAUTH, TPMA_OBJECT_ADMINWITHPOLICY,
					      TPMA_OBJECT_NODA};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		_cleanup_text_ struct text blob = {0};

		make(false, false);
		b.object.publicArea.objectAttributes ^= changes[i];
		encode(&blob);
		refuses(blob.s, blob.len);
	}
}

/* --- an identity --- */

static void make_identity(struct text *ret)
{
	struct tpm2_identity id = {
	    .storage_key = {.publicArea = {.type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256}},
	    .value = {5, 6}};
	TPMT_PUBLIC *p = &id.storage_key.publicArea;

	p->parameters.eccDetail = (TPMS_ECC_PARMS){
	    .symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
	    .scheme.scheme = TPM2_ALG_NULL,
	    .curveID = TPM2_ECC_NIST_P256,
	    .kdf.scheme = TPM2_ALG_NULL};
	tpm2_identity_encode(&id, ret);
	assert_false(ret->failed);
}

static void an_identity_is_understood_to_the_last_byte(void **state)
{
	_cleanup_text_ struct text text = {0};
	struct tpm2_identity id, untouched;

	make_identity(&text);
	assert_ok(tpm2_identity_decode(text.s, text.len, &id));
	assert_int_equal(id.value[1], 6);
	memset(&id, 0x5a, sizeof(id));
	untouched = id;
	for (size_t len = 0; len < text.len; len++)
		assert_int_equal(tpm2_identity_decode(text.s, len, &id), -EINVAL);
	text_add(&text, "more\n");
	assert_int_equal(tpm2_identity_decode(text.s, text.len, &id), -EINVAL);
	assert_memory_equal(&id, &untouched, sizeof(id));
}

/* --- signatures --- */

#define FP         "0000000000000000000000000000000000000000000000000000000000000000"
#define POL        "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO        "2222222222222222222222222222222222222222222222222222222222222222"
#define ENTRY(pol) "{\"pcrs\":[11],\"pkfp\":\"" FP "\",\"pol\":\"" pol "\",\"sig\":\"AAEC\"}"

static const struct tpm2_boot signed_boot = {
    .bank = TPM2_ALG_SHA256, .pcrs = 1U << 11, .is_signed = true};

static int scan(const char *json, TPM2B_DIGEST *policy, TPM2B_PUBLIC_KEY_RSA *ret)
{
	return tpm2_signature_scan(json, strlen(json), &signed_boot, policy, ret);
}

static void the_only_signature_tells_the_policy(void **state)
{
	TPM2B_PUBLIC_KEY_RSA sig = {0};
	TPM2B_DIGEST policy = {0};

	assert_ok(scan("{\"sha256\":[" ENTRY(POL) "]}\n", &policy, &sig));
	assert_int_equal(policy.size, SHA256_BYTES);
	assert_int_equal(policy.buffer[0], 0x11);
	assert_int_equal(sig.size, 3);
	assert_int_equal(sig.buffer[2], 2);
}

static void of_several_the_asked_for_is_taken(void **state)
{
	TPM2B_PUBLIC_KEY_RSA sig = {.size = 9};
	TPM2B_DIGEST policy = {0};

	assert_int_equal(scan("{\"sha256\":[" ENTRY(POL) "," ENTRY(TWO) "]}", &policy, &sig),
			 -E2BIG);
	assert_int_equal(policy.size, 0);
	assert_int_equal(sig.size, 9);
	policy.size = SHA256_BYTES;
	memset(policy.buffer, 0x22, SHA256_BYTES);
	assert_ok(scan("{\"sha256\":[" ENTRY(POL) "," ENTRY(TWO) "]}", &policy, &sig));
	assert_int_equal(sig.size, 3);
	memset(policy.buffer, 0x33, SHA256_BYTES);
	sig.size = 9;
	assert_int_equal(scan("{\"sha256\":[" ENTRY(POL) "," ENTRY(TWO) "]}", &policy, &sig),
			 -ENOENT);
	assert_int_equal(policy.buffer[0], 0x33);
	assert_int_equal(sig.size, 9);
}

static void what_is_for_something_else_is_not_taken(void **state)
{
	static const struct {
		const char *json;
		int expected;
	} cases[] = {
	    {"", -EUCLEAN},
	    {"[]", -EUCLEAN},
	    {"{\"sha256\":[" ENTRY(POL) "]", -EUCLEAN},
	    {"{\"sha256\":[" ENTRY(POL) "]} x", -EUCLEAN},
	    {"{\"sha256\":[" ENTRY(POL) "]}{}", -EUCLEAN},
	    {"{}", -ENOENT},
	    {"{\"sha384\":[" ENTRY(POL) "]}", -ENOENT},
	    {"{\"sha256\":[{\"pcrs\":[12],\"pkfp\":\"" FP "\",\"pol\":\"" POL
	     "\",\"sig\":\"AAEC\"}]}",
	     -ENOENT},
	    {"{\"sha256\":[{\"pcrs\":[11,24],\"pkfp\":\"" FP "\",\"pol\":\"" POL
	     "\",\"sig\":\"AAEC\"}]}",
	     -ENOENT},
	    {"{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" POL "\",\"pol\":\"" POL
	     "\",\"sig\":\"AAEC\"}]}",
	     -ENOENT},
	    {"{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" FP "\",\"pol\":\"11\",\"sig\":\"AAEC\"}]}",
	     -ENOENT},
	    {"{\"sha256\":[{\"pcrs\":[11],\"pkfp\":\"" FP "\",\"pol\":\"" POL
	     "\",\"sig\":\"AAEC\",\"version\":1}]}",
	     -ENOENT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		TPM2B_PUBLIC_KEY_RSA sig = {.size = 9};
		TPM2B_DIGEST policy = {0};

		assert_int_equal(scan(cases[i].json, &policy, &sig), cases[i].expected);
		assert_int_equal(policy.size, 0);
		assert_int_equal(sig.size, 9);
	}
}

/* --- names --- */

/* Known from a TPM: what a counter's name is after the first count. Policies are made from it. */
static void names_and_public_areas_are_those_of_the_specification(void **state)
{
	TPM2B_NV_PUBLIC counter = tpm2_index_public(TPM2_ERASE, NULL, true);
	TPM2B_DIGEST policy = {.size = SHA256_BYTES};
	TPM2B_NAME name;

	assert_int_equal(counter.nvPublic.nvIndex, 0x018b4f01);
	assert_int_equal(counter.nvPublic.attributes, TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE |
							  TPMA_NV_NO_DA | TPMA_NV_WRITTEN |
							  TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT);
	assert_true(tpm2_index_name(&counter, &name));
	assert_int_equal(name.size, 34);
	counter.nvPublic.nameAlg = TPM2_ALG_SHA384;
	assert_false(tpm2_index_name(&counter, &name));
	/* Bound to a policy the anchor is written by nothing else; unbound, by anybody. */
	assert_int_equal(tpm2_index_public(TPM2_ANCHOR, &policy, false).nvPublic.attributes,
			 TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_NO_DA);
	assert_int_equal(tpm2_index_public(TPM2_ANCHOR, NULL, false).nvPublic.attributes,
			 TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_it_encodes_it_decodes),
	    cmocka_unit_test(every_unknown_flag_is_refused),
	    cmocka_unit_test(every_byte_of_padding_is_zero),
	    cmocka_unit_test(fields_of_what_is_not_there_are_zero),
	    cmocka_unit_test(what_the_policy_is_over_cannot_be_changed),
	    cmocka_unit_test(the_cost_of_a_pin_is_bounded),
	    cmocka_unit_test(another_length_is_refused),
	    cmocka_unit_test(other_objects_are_refused),
	    cmocka_unit_test(an_identity_is_understood_to_the_last_byte),
	    cmocka_unit_test(the_only_signature_tells_the_policy),
	    cmocka_unit_test(of_several_the_asked_for_is_taken),
	    cmocka_unit_test(what_is_for_something_else_is_not_taken),
	    cmocka_unit_test(names_and_public_areas_are_those_of_the_specification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
