/* SPDX-License-Identifier: Apache-2.0 */
/* tpm-import STORAGE-KEY SECRET DUPLICATE SEED PUBLIC [POLICY]: SECRET's text sealed under the
 * storage key (as tpm2_readpublic writes it), as tpm2_import and tpm2_load take it; with a policy
 * digest of 32 bytes as systemd 256 does it. */
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "crypto/random.h"
#include "keystore/tpm2/import.h"

static int save(const char *path, const uint8_t *bytes, size_t len)
{
	FILE *f = fopen(path, "w");
	int bad = !f || fwrite(bytes, 1, len, f) != len;

	return (f && fclose(f) != 0) || bad ? -1 : 0;
}

static int load_parent(const char *path, TPM2B_PUBLIC *ret)
{
	uint8_t bytes[1024];
	FILE *f = fopen(path, "r");
	size_t len = f ? fread(bytes, 1, sizeof(bytes), f) : 0, at = 0;

	if (f)
		fclose(f);
	return Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, len, &at, ret) == TSS2_RC_SUCCESS ? 0 : -1;
}

static int load_policy(const char *path, TPMT_PUBLIC *ret)
{
	FILE *f = fopen(path, "r");

	ret->objectAttributes = 0;
	ret->authPolicy.size = f ? (UINT16)fread(ret->authPolicy.buffer, 1, 32, f) : 0;
	if (f)
		fclose(f);
	return ret->authPolicy.size == 32 ? 0 : -1;
}

int main(int argc, char **argv)
{
	TPM2B_PUBLIC parent = {0},
		     object = {.publicArea = {.type = TPM2_ALG_KEYEDHASH,
					      .nameAlg = TPM2_ALG_SHA256,
					      .objectAttributes = TPMA_OBJECT_USERWITHAUTH}};
	TPM2B_PRIVATE duplicate = {0};
	TPM2B_ENCRYPTED_SECRET seed = {0};
	_cleanup_secret_ struct secret *s = NULL;
	uint8_t bytes[4096];
	size_t len = 0;

	if (argc < 6 || load_parent(argv[1], &parent) < 0 || secret_new(strlen(argv[2]), &s) < 0)
		return 2;
	if (argc > 6 && load_policy(argv[6], &object.publicArea) < 0)
		return 2;
	object.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
	memcpy(secret_bytes(s), argv[2], strlen(argv[2]));
	if (tpm2_import_make(&parent, &object, s, NULL, random_bytes, &duplicate, &seed) < 0)
		return 1;
	if (Tss2_MU_TPM2B_PRIVATE_Marshal(&duplicate, bytes, sizeof(bytes), &len) != 0 ||
	    save(argv[3], bytes, len) < 0)
		return 1;
	len = 0;
	if (Tss2_MU_TPM2B_ENCRYPTED_SECRET_Marshal(&seed, bytes, sizeof(bytes), &len) != 0 ||
	    save(argv[4], bytes, len) < 0)
		return 1;
	len = 0;
	if (Tss2_MU_TPM2B_PUBLIC_Marshal(&object, bytes, sizeof(bytes), &len) != 0 ||
	    save(argv[5], bytes, len) < 0)
		return 1;
	return 0;
}
