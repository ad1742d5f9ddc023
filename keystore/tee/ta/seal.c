/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: AES-256-GCM under a key that OP-TEE derives from the hardware unique key for this
 * trusted application. */
#include <pta_system.h>
#include <stdbool.h>

#include "keystore/tee/ta/seal.h"

#define KEY_BYTES 32
#define TAG_BITS  128

/* Derives a key for this device, this trusted application and @purpose (static text). */
static TEE_Result derive(const char *purpose, uint32_t purpose_len, uint8_t ret[static KEY_BYTES])
{
	const TEE_UUID system = PTA_SYSTEM_UUID;
	const uint32_t types =
	    TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT, 0, 0);
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	TEE_Param p[TEE_NUM_PARAMS] = {0};
	uint32_t origin;
	TEE_Result r = TEE_OpenTASession(&system, TEE_TIMEOUT_INFINITE, 0, p, &session, &origin);

	if (r != TEE_SUCCESS)
		return r;
	p[0].memref.buffer = (void *)(uintptr_t)purpose;
	p[0].memref.size = purpose_len;
	p[1].memref.buffer = ret;
	p[1].memref.size = KEY_BYTES;
	r = TEE_InvokeTACommand(session, TEE_TIMEOUT_INFINITE, PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY,
				types, p, &origin);
	TEE_CloseTASession(session);
	return r;
}

uint32_t device_identity(uint8_t ret[static 32], TEE_Result *ret_why)
{
	static const char purpose[] = "holdfast 1 identity";

	*ret_why = derive(purpose, sizeof(purpose), ret);
	return *ret_why == TEE_SUCCESS ? TA_DONE : TA_TROUBLE;
}

/* Starts an operation with the sealing key over @blob. The caller frees *@ret. */
static TEE_Result begin(uint32_t mode, const struct ta_blob_disk *blob, TEE_OperationHandle *ret)
{
	static const char purpose[] = "holdfast 1 seal";
	TEE_OperationHandle op = TEE_HANDLE_NULL;
	TEE_ObjectHandle object = TEE_HANDLE_NULL;
	TEE_Attribute attribute;
	uint8_t key[KEY_BYTES];
	TEE_Result r = derive(purpose, sizeof(purpose), key);

	if (r == TEE_SUCCESS)
		r = TEE_AllocateTransientObject(TEE_TYPE_AES, KEY_BYTES * 8, &object);
	if (r == TEE_SUCCESS) {
		TEE_InitRefAttribute(&attribute, TEE_ATTR_SECRET_VALUE, key, sizeof(key));
		r = TEE_PopulateTransientObject(object, &attribute, 1);
	}
	TEE_MemFill(key, 0, sizeof(key));
	if (r == TEE_SUCCESS)
		r = TEE_AllocateOperation(&op, TEE_ALG_AES_GCM, mode, KEY_BYTES * 8);
	if (r == TEE_SUCCESS)
		r = TEE_SetOperationKey(op, object);
	if (r == TEE_SUCCESS)
		r = TEE_AEInit(op, blob->nonce, sizeof(blob->nonce), TAG_BITS, 0, 0);
	TEE_FreeTransientObject(object);
	if (r != TEE_SUCCESS) {
		if (op != TEE_HANDLE_NULL)
			TEE_FreeOperation(op);
		return r;
	}
	TEE_AEUpdateAAD(op, blob, TA_BLOB_AUTHENTICATED);
	*ret = op;
	return TEE_SUCCESS;
}

uint32_t blob_seal(struct ta_blob_disk *blob, const uint8_t secret[static TA_SECRET_BYTES],
		   TEE_Result *ret_why)
{
	TEE_OperationHandle op;
	size_t len = sizeof(blob->sealed), tag_len = sizeof(blob->tag);
	uint32_t verdict = device_identity(blob->identity, ret_why);

	if (verdict != TA_DONE)
		return verdict;
	TEE_GenerateRandom(blob->nonce, sizeof(blob->nonce));
	*ret_why = begin(TEE_MODE_ENCRYPT, blob, &op);
	if (*ret_why != TEE_SUCCESS)
		return TA_TROUBLE;
	*ret_why = TEE_AEEncryptFinal(op, secret, TA_SECRET_BYTES, blob->sealed, &len, blob->tag,
				      &tag_len);
	TEE_FreeOperation(op);
	return *ret_why == TEE_SUCCESS ? TA_DONE : TA_TROUBLE;
}

static bool is_well_formed(const struct ta_blob_disk *b)
{
	return TEE_MemCompare(b->magic, TA_BLOB_MAGIC, sizeof(b->magic)) == 0 &&
	       le32_get(b->version) == TA_BLOB_VERSION && le32_get(b->storage) >= TA_RPMB &&
	       le32_get(b->storage) <= TA_REE && !(le32_get(b->flags) & ~(uint32_t)TA_SEAL_NEXT) &&
	       le32_get(b->zero) == 0;
}

uint32_t blob_open(const struct ta_blob_disk *blob, uint8_t ret[static TA_SECRET_BYTES],
		   TEE_Result *ret_why)
{
	TEE_OperationHandle op;
	uint8_t identity[32], tag[16];
	size_t len = TA_SECRET_BYTES;
	uint32_t verdict = device_identity(identity, ret_why);

	TEE_MemFill(ret, 0, TA_SECRET_BYTES);
	if (verdict != TA_DONE)
		return verdict;
	if (!is_well_formed(blob))
		return TA_FORGED;
	if (TEE_MemCompare(blob->identity, identity, sizeof(identity)) != 0)
		return TA_FOREIGN;
	*ret_why = begin(TEE_MODE_DECRYPT, blob, &op);
	if (*ret_why != TEE_SUCCESS)
		return TA_TROUBLE;
	TEE_MemMove(tag, blob->tag, sizeof(tag));
	*ret_why =
	    TEE_AEDecryptFinal(op, blob->sealed, sizeof(blob->sealed), ret, &len, tag, sizeof(tag));
	TEE_FreeOperation(op);
	if (*ret_why == TEE_SUCCESS)
		return TA_DONE;
	TEE_MemFill(ret, 0, TA_SECRET_BYTES);
	return *ret_why == TEE_ERROR_MAC_INVALID ? TA_FORGED : TA_TROUBLE;
}
