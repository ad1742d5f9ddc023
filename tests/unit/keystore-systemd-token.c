/* SPDX-License-Identifier: Apache-2.0 */
/* The storage key that a token of systemd names, as tpm2-tss serializes it. */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "keystore/systemd-token/stored.h"
#include "keystore/tpm2/name.h"
#include "lib/check.h"

static TPM2B_PUBLIC public = {
    .publicArea = {
	.type = TPM2_ALG_ECC,
	.nameAlg = TPM2_ALG_SHA256,
	.parameters.eccDetail = {
	    .symmetric = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB},
	    .scheme.scheme = TPM2_ALG_NULL,
	    .curveID = TPM2_ECC_NIST_P256,
	    .kdf.scheme = TPM2_ALG_NULL}}};

static struct tpm2_token_bytes make(TPM2_HANDLE handle, UINT32 kind)
{
	struct tpm2_token_bytes srk = {0};
	TPM2B_NAME name;

	assert_true(tpm2_object_name(&public, &name));
	assert_int_equal(
	    Tss2_MU_TPM2_HANDLE_Marshal(handle, srk.bytes, sizeof(srk.bytes), &srk.len) |
		Tss2_MU_TPM2B_NAME_Marshal(&name, srk.bytes, sizeof(srk.bytes), &srk.len) |
		Tss2_MU_UINT32_Marshal(kind, srk.bytes, sizeof(srk.bytes), &srk.len) |
		Tss2_MU_TPM2B_PUBLIC_Marshal(&public, srk.bytes, sizeof(srk.bytes), &srk.len),
	    TSS2_RC_SUCCESS);
	return srk;
}

static void refuses(const struct tpm2_token_bytes *srk)
{
	TPM2_HANDLE handle = 7;
	TPM2B_NAME name = {.size = 7};

	assert_false(systemd_token_stored_decode(srk, &handle, &name));
	assert_int_equal(handle, 7);
	assert_int_equal(name.size, 7);
}

static void a_persistent_key_with_its_name_is_taken(void **state)
{
	const struct tpm2_token_bytes srk = make(0x81000001, 1);
	TPM2B_NAME name, expected;
	TPM2_HANDLE handle;

	assert_true(systemd_token_stored_decode(&srk, &handle, &name));
	assert_true(tpm2_object_name(&public, &expected));
	assert_int_equal(handle, 0x81000001);
	assert_true(tpm2_same_name(&name, &expected));
}

static void other_handles_and_kinds_are_refused(void **state)
{
	static const struct {
		TPM2_HANDLE handle;
		UINT32 kind;
	} cases[] = {{0x80000001, 1}, {0x018b4f01, 1}, {0x81000001, 0}, {0x81000001, 2}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tpm2_token_bytes srk = make(cases[i].handle, cases[i].kind);

		refuses(&srk);
	}
}

static void a_changed_name_or_public_area_is_refused(void **state)
{
	struct tpm2_token_bytes srk = make(0x81000001, 1);

	for (size_t i = 4; i < srk.len; i++) {
		srk.bytes[i] ^= 1;
		refuses(&srk);
		srk.bytes[i] ^= 1;
	}
}

static void another_length_is_refused(void **state)
{
	struct tpm2_token_bytes srk = make(0x81000001, 1);
	const size_t len = srk.len;

	for (srk.len = 0; srk.len < len; srk.len++)
		refuses(&srk);
	srk.len = len + 1;
	refuses(&srk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_persistent_key_with_its_name_is_taken),
	    cmocka_unit_test(other_handles_and_kinds_are_refused),
	    cmocka_unit_test(a_changed_name_or_public_area_is_refused),
	    cmocka_unit_test(another_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
