/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated TEE: transient keys and AES-GCM, by OpenSSL. Misuse panics, as it does in OP-TEE.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/gp-private.h"

/* A transient one; persistent ones are another struct behind the same handle type. */
struct gp_object {
	uint8_t key[32];
	bool set;
};

struct gp_operation {
	uint32_t mode;
	bool keyed, begun;
	uint8_t key[32];
	EVP_CIPHER_CTX *cipher;
};

TEE_Result TEE_AllocateTransientObject(uint32_t type, uint32_t bits, TEE_ObjectHandle *ret)
{
	if (type != TEE_TYPE_AES || bits != 256)
		return TEE_ERROR_NOT_SUPPORTED;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		abort();
	gp_open++;
	return TEE_SUCCESS;
}

void TEE_InitRefAttribute(TEE_Attribute *a, uint32_t id, const void *buffer, size_t len)
{
	*a = (TEE_Attribute){.attributeID = id, .buffer = buffer, .length = len};
}

TEE_Result TEE_PopulateTransientObject(TEE_ObjectHandle object, const TEE_Attribute *a, uint32_t n)
{
	if (n != 1 || a->attributeID != TEE_ATTR_SECRET_VALUE || a->length != 32 || object->set)
		TEE_Panic(TEE_ERROR_BAD_PARAMETERS);
	memcpy(object->key, a->buffer, 32);
	object->set = true;
	return TEE_SUCCESS;
}

void TEE_FreeTransientObject(TEE_ObjectHandle object)
{
	if (!object)
		return;
	gp_open--;
	free(object);
}

TEE_Result TEE_AllocateOperation(TEE_OperationHandle *ret, uint32_t algorithm, uint32_t mode,
				 uint32_t bits)
{
	if (algorithm != TEE_ALG_AES_GCM || bits != 256)
		return TEE_ERROR_NOT_SUPPORTED;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		abort();
	(*ret)->mode = mode;
	(*ret)->cipher = EVP_CIPHER_CTX_new();
	gp_open++;
	return TEE_SUCCESS;
}

void TEE_FreeOperation(TEE_OperationHandle op)
{
	if (!op)
		TEE_Panic(TEE_ERROR_BAD_PARAMETERS);
	EVP_CIPHER_CTX_free(op->cipher);
	free(op);
	gp_open--;
}

TEE_Result TEE_SetOperationKey(TEE_OperationHandle op, TEE_ObjectHandle key)
{
	if (!key || !key->set)
		TEE_Panic(TEE_ERROR_BAD_PARAMETERS);
	memcpy(op->key, key->key, sizeof(op->key));
	op->keyed = true;
	return TEE_SUCCESS;
}

TEE_Result TEE_AEInit(TEE_OperationHandle op, const void *nonce, size_t nonce_len,
		      uint32_t tag_bits, size_t aad_len, size_t len)
{
	if (!op->keyed || tag_bits != 128 || nonce_len != 12 ||
	    EVP_CipherInit_ex(op->cipher, EVP_aes_256_gcm(), NULL, op->key, nonce,
			      op->mode == TEE_MODE_ENCRYPT) != 1)
		TEE_Panic(TEE_ERROR_BAD_STATE);
	op->begun = true;
	return TEE_SUCCESS;
}

void TEE_AEUpdateAAD(TEE_OperationHandle op, const void *aad, size_t len)
{
	int n;

	if (!op->begun || EVP_CipherUpdate(op->cipher, NULL, &n, aad, (int)len) != 1)
		TEE_Panic(TEE_ERROR_BAD_STATE);
}

TEE_Result TEE_AEEncryptFinal(TEE_OperationHandle op, const void *in, size_t len, void *out,
			      size_t *out_len, void *tag, size_t *tag_len)
{
	int n, last;

	if (!op->begun || op->mode != TEE_MODE_ENCRYPT || *out_len < len || *tag_len < 16 ||
	    EVP_CipherUpdate(op->cipher, out, &n, in, (int)len) != 1 ||
	    EVP_CipherFinal_ex(op->cipher, (uint8_t *)out + n, &last) != 1 ||
	    EVP_CIPHER_CTX_ctrl(op->cipher, EVP_CTRL_AEAD_GET_TAG, 16, tag) != 1)
		TEE_Panic(TEE_ERROR_BAD_STATE);
	*out_len = len;
	*tag_len = 16;
	return TEE_SUCCESS;
}

TEE_Result TEE_AEDecryptFinal(TEE_OperationHandle op, const void *in, size_t len, void *out,
			      size_t *out_len, void *tag, size_t tag_len)
{
	int n, last;

	if (!op->begun || op->mode != TEE_MODE_DECRYPT || *out_len < len || tag_len != 16 ||
	    EVP_CipherUpdate(op->cipher, out, &n, in, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(op->cipher, EVP_CTRL_AEAD_SET_TAG, 16, tag) != 1)
		TEE_Panic(TEE_ERROR_BAD_STATE);
	*out_len = len;
	return EVP_CipherFinal_ex(op->cipher, (uint8_t *)out + n, &last) == 1
		   ? TEE_SUCCESS
		   : TEE_ERROR_MAC_INVALID;
}
