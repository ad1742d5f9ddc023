/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated TEE: memory, random, properties, panics, the key derivation of OP-TEE's system PTA.
 */
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pta_system.h>
#include <stdlib.h>
#include <string.h>

#include "lib/gp-private.h"

struct gp_board *gp_board;
jmp_buf gp_panic;
unsigned gp_open;

void TEE_Panic(TEE_Result code)
{
	gp_open = 0;
	longjmp(gp_panic, 1);
}

void gp_check_handles(void)
{
	if (gp_open)
		abort();
}

void TEE_MemMove(void *to, const void *from, size_t n)
{
	if (n)
		memmove(to, from, n);
}

int32_t TEE_MemCompare(const void *a, const void *b, size_t n)
{
	return n ? memcmp(a, b, n) : 0;
}

void TEE_MemFill(void *to, uint32_t byte, size_t n)
{
	if (n)
		memset(to, (int)byte, n);
}

void TEE_GenerateRandom(void *to, size_t n)
{
	if (RAND_bytes(to, (int)n) != 1)
		abort();
}

TEE_Result TEE_GetPropertyAsString(TEE_PropSetHandle set, const char *name, char *value,
				   size_t *len)
{
	const char *found = strcmp(name, "gpd.tee.trustedos.manufacturer") == 0 ? "holdfast"
			    : strcmp(name, "gpd.tee.trustedos.implementation.version") == 0
				? "simulated 1"
				: NULL;
	size_t need = found ? strlen(found) + 1 : 0, room = *len;

	if (!found)
		return TEE_ERROR_ITEM_NOT_FOUND;
	*len = need;
	if (need > room)
		return TEE_ERROR_SHORT_BUFFER;
	memcpy(value, found, need);
	return TEE_SUCCESS;
}

void gp_hmac(const uint8_t key[static 32], const void *bytes, size_t len, uint8_t ret[static 32])
{
	unsigned n;

	if (!HMAC(EVP_sha256(), key, 32, bytes, len, ret, &n))
		abort();
}

void gp_huk_derive(const void *info, size_t len, uint8_t ret[static 32])
{
	uint8_t huk[32];

	memset(huk, gp_board->huk, sizeof(huk));
	gp_hmac(huk, info, len, ret);
}

/* --- the one other trusted application that is spoken to --- */

struct gp_session {
	int nothing;
};
static struct gp_session system_session;

TEE_Result TEE_OpenTASession(const TEE_UUID *to, uint32_t timeout, uint32_t types,
			     TEE_Param p[TEE_NUM_PARAMS], TEE_TASessionHandle *ret,
			     uint32_t *ret_origin)
{
	static const TEE_UUID system_uuid = PTA_SYSTEM_UUID;

	*ret_origin = 3;
	if (memcmp(to, &system_uuid, sizeof(system_uuid)) != 0 || types != 0)
		return TEE_ERROR_ITEM_NOT_FOUND;
	gp_open++;
	*ret = &system_session;
	return TEE_SUCCESS;
}

void TEE_CloseTASession(TEE_TASessionHandle session)
{
	if (session)
		gp_open--;
}

TEE_Result TEE_InvokeTACommand(TEE_TASessionHandle session, uint32_t timeout, uint32_t command,
			       uint32_t types, TEE_Param p[TEE_NUM_PARAMS], uint32_t *ret_origin)
{
	uint8_t key[32];

	*ret_origin = 4;
	if (session != &system_session || command != PTA_SYSTEM_DERIVE_TA_UNIQUE_KEY ||
	    types !=
		TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT, 0, 0) ||
	    p[0].memref.size > 1024 || p[1].memref.size < 16 || p[1].memref.size > 32)
		return TEE_ERROR_BAD_PARAMETERS;
	gp_huk_derive(p[0].memref.buffer, p[0].memref.size, key);
	memcpy(p[1].memref.buffer, key, p[1].memref.size);
	return TEE_SUCCESS;
}
