/* SPDX-License-Identifier: Apache-2.0 */
/* The part of GlobalPlatform's TEE Internal Core API 1.3 that our trusted application uses. */
#ifndef HOLDFAST_TESTS_TEE_INTERNAL_API_H
#define HOLDFAST_TESTS_TEE_INTERNAL_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t TEE_Result;
typedef struct {
	uint32_t timeLow;
	uint16_t timeMid;
	uint16_t timeHiAndVersion;
	uint8_t clockSeqAndNode[8];
} TEE_UUID;
typedef union {
	struct {
		void *buffer;
		size_t size;
	} memref;
	struct {
		uint32_t a, b;
	} value;
} TEE_Param;
typedef struct {
	uint32_t attributeID;
	const void *buffer;
	size_t length;
} TEE_Attribute;
typedef struct gp_session *TEE_TASessionHandle;
typedef struct gp_object *TEE_ObjectHandle;
typedef struct gp_operation *TEE_OperationHandle;
typedef struct gp_properties *TEE_PropSetHandle;

#define TEE_SUCCESS                     0x00000000u
#define TEE_ERROR_CORRUPT_OBJECT        0xF0100001u
#define TEE_ERROR_STORAGE_NOT_AVAILABLE 0xF0100003u
#define TEE_ERROR_GENERIC               0xFFFF0000u
#define TEE_ERROR_ACCESS_CONFLICT       0xFFFF0003u
#define TEE_ERROR_BAD_PARAMETERS        0xFFFF0006u
#define TEE_ERROR_BAD_STATE             0xFFFF0007u
#define TEE_ERROR_ITEM_NOT_FOUND        0xFFFF0008u
#define TEE_ERROR_NOT_SUPPORTED         0xFFFF000Au
#define TEE_ERROR_SHORT_BUFFER          0xFFFF0010u
#define TEE_ERROR_TARGET_DEAD           0xFFFF3024u
#define TEE_ERROR_STORAGE_NO_SPACE      0xFFFF3041u
#define TEE_ERROR_MAC_INVALID           0xFFFF3071u

#define TEE_HANDLE_NULL              NULL
#define TEE_TIMEOUT_INFINITE         0xFFFFFFFFu
#define TEE_NUM_PARAMS               4
#define TEE_PARAM_TYPE_NONE          0
#define TEE_PARAM_TYPE_VALUE_INPUT   1
#define TEE_PARAM_TYPE_VALUE_OUTPUT  2
#define TEE_PARAM_TYPE_MEMREF_INPUT  5
#define TEE_PARAM_TYPE_MEMREF_OUTPUT 6
#define TEE_PARAM_TYPES(a, b, c, d)  ((uint32_t)((a) | (b) << 4 | (c) << 8 | (d) << 12))

#define TEE_DATA_FLAG_ACCESS_READ       0x00000001u
#define TEE_DATA_FLAG_ACCESS_WRITE      0x00000002u
#define TEE_DATA_FLAG_ACCESS_WRITE_META 0x00000004u
#define TEE_DATA_FLAG_OVERWRITE         0x00000400u

#define TEE_TYPE_AES          0xA0000010u
#define TEE_ATTR_SECRET_VALUE 0xC0000000u
#define TEE_ALG_AES_GCM       0x40000810u
#define TEE_MODE_ENCRYPT      0
#define TEE_MODE_DECRYPT      1

#define TEE_PROPSET_TEE_IMPLEMENTATION ((TEE_PropSetHandle)(uintptr_t)0xFFFFFFFD)

/* What the trusted application provides. */
TEE_Result TA_CreateEntryPoint(void);
void TA_DestroyEntryPoint(void);
TEE_Result TA_OpenSessionEntryPoint(uint32_t types, TEE_Param p[TEE_NUM_PARAMS], void **session);
void TA_CloseSessionEntryPoint(void *session);
TEE_Result TA_InvokeCommandEntryPoint(void *session, uint32_t command, uint32_t types,
				      TEE_Param p[TEE_NUM_PARAMS]);

/* gp-core.c */
void TEE_Panic(TEE_Result code);
void TEE_MemMove(void *to, const void *from, size_t n);
int32_t TEE_MemCompare(const void *a, const void *b, size_t n);
void TEE_MemFill(void *to, uint32_t byte, size_t n);
void TEE_GenerateRandom(void *to, size_t n);
TEE_Result TEE_GetPropertyAsString(TEE_PropSetHandle set, const char *name, char *value,
				   size_t *len);
TEE_Result TEE_OpenTASession(const TEE_UUID *to, uint32_t timeout, uint32_t types,
			     TEE_Param p[TEE_NUM_PARAMS], TEE_TASessionHandle *ret,
			     uint32_t *ret_origin);
void TEE_CloseTASession(TEE_TASessionHandle session);
TEE_Result TEE_InvokeTACommand(TEE_TASessionHandle session, uint32_t timeout, uint32_t command,
			       uint32_t types, TEE_Param p[TEE_NUM_PARAMS], uint32_t *ret_origin);

/* gp-storage.c */
TEE_Result TEE_OpenPersistentObject(uint32_t storage, const void *id, size_t id_len, uint32_t flags,
				    TEE_ObjectHandle *ret);
TEE_Result TEE_CreatePersistentObject(uint32_t storage, const void *id, size_t id_len,
				      uint32_t flags, TEE_ObjectHandle attributes, const void *data,
				      size_t len, TEE_ObjectHandle *ret);
TEE_Result TEE_CloseAndDeletePersistentObject1(TEE_ObjectHandle object);
TEE_Result TEE_ReadObjectData(TEE_ObjectHandle object, void *to, size_t len, size_t *ret_len);
TEE_Result TEE_WriteObjectData(TEE_ObjectHandle object, const void *from, size_t len);
void TEE_CloseObject(TEE_ObjectHandle object);

/* gp-crypto.c */
TEE_Result TEE_AllocateTransientObject(uint32_t type, uint32_t bits, TEE_ObjectHandle *ret);
void TEE_InitRefAttribute(TEE_Attribute *a, uint32_t id, const void *buffer, size_t len);
TEE_Result TEE_PopulateTransientObject(TEE_ObjectHandle object, const TEE_Attribute *a, uint32_t n);
void TEE_FreeTransientObject(TEE_ObjectHandle object);
TEE_Result TEE_AllocateOperation(TEE_OperationHandle *ret, uint32_t algorithm, uint32_t mode,
				 uint32_t bits);
void TEE_FreeOperation(TEE_OperationHandle op);
TEE_Result TEE_SetOperationKey(TEE_OperationHandle op, TEE_ObjectHandle key);
TEE_Result TEE_AEInit(TEE_OperationHandle op, const void *nonce, size_t nonce_len,
		      uint32_t tag_bits, size_t aad_len, size_t len);
void TEE_AEUpdateAAD(TEE_OperationHandle op, const void *aad, size_t len);
TEE_Result TEE_AEEncryptFinal(TEE_OperationHandle op, const void *in, size_t len, void *out,
			      size_t *out_len, void *tag, size_t *tag_len);
TEE_Result TEE_AEDecryptFinal(TEE_OperationHandle op, const void *in, size_t len, void *out,
			      size_t *out_len, void *tag, size_t tag_len);

#endif
