/* SPDX-License-Identifier: Apache-2.0 */
/* A transport of tpm2-tss around another one. */
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>

#include "keystore/tpm2/transport.h"
#include "lib/tpm-between.h"

#define COMMAND_MAX 4096

struct between between;

struct wrapper {
	TSS2_TCTI_CONTEXT_COMMON_V1 common;
	TSS2_TCTI_CONTEXT *inner;
	uint8_t command[COMMAND_MAX];
	size_t command_len;
	int number;
	uint32_t refused;
};

uint32_t between_code(const uint8_t *c)
{
	return (uint32_t)c[6] << 24 | (uint32_t)c[7] << 16 | (uint32_t)c[8] << 8 | c[9];
}

static void record(const uint8_t *bytes, size_t len)
{
	if (!between.record || between.record_len + len > between.record_room)
		return;
	memcpy(between.record + between.record_len, bytes, len);
	between.record_len += len;
}

static bool is_cut(int number)
{
	return between.cut_at >= 0 && number >= between.cut_at &&
	       number < between.cut_at + between.cut_for;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *ctx, size_t size, const uint8_t *command)
{
	struct wrapper *w = (struct wrapper *)ctx;

	w->number = between.commands++;
	between.codes[w->number % 4096] = between_code(command);
	w->command_len = size < COMMAND_MAX ? size : COMMAND_MAX;
	memcpy(w->command, command, w->command_len);
	record(command, size);
	if (is_cut(w->number) && !between.cut_answer)
		return TSS2_TCTI_RC_IO_ERROR;
	w->refused = between.refuse ? between.refuse(between.ctx, command) : 0;
	return w->refused ? TSS2_RC_SUCCESS : Tss2_Tcti_Transmit(w->inner, size, command);
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *ctx, size_t *size, uint8_t *response, int32_t timeout)
{
	struct wrapper *w = (struct wrapper *)ctx;
	TSS2_RC rc;

	if (w->refused && response) {
		const uint8_t bytes[] = {
		    0x80, 1, 0, 0, 0, 10, 0, 0, (uint8_t)(w->refused >> 8), (uint8_t)w->refused};

		memcpy(response, bytes, sizeof(bytes));
		*size = sizeof(bytes);
		return TSS2_RC_SUCCESS;
	}
	rc = Tss2_Tcti_Receive(w->inner, size, response, timeout);

	if (rc != TSS2_RC_SUCCESS || !response)
		return rc;
	record(response, *size);
	if (is_cut(w->number))
		return TSS2_TCTI_RC_IO_ERROR;
	if (between.answer)
		between.answer(between.ctx, w->number, w->command, w->command_len, response, size);
	return rc;
}

static void finalize(TSS2_TCTI_CONTEXT *ctx)
{
	struct wrapper *w = (struct wrapper *)ctx;

	Tss2_TctiLdr_Finalize(&w->inner);
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *ctx)
{
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *ctx, uint8_t locality)
{
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_TCTI_CONTEXT *wrap(TSS2_TCTI_CONTEXT *inner)
{
	struct wrapper *w = calloc(1, sizeof(*w));

	w->common.magic = 0x686f6c6466617374;
	w->common.version = 1;
	w->common.transmit = transmit;
	w->common.receive = receive;
	w->common.finalize = finalize;
	w->common.cancel = cancel;
	w->common.setLocality = set_locality;
	w->inner = inner;
	return (TSS2_TCTI_CONTEXT *)w;
}

void between_reset(void)
{
	free(between.record);
	between = (struct between){.cut_at = BETWEEN_NEVER};
	tpm2_wrap_tcti = wrap;
}

bool between_saw(const void *bytes, size_t len)
{
	return memmem(between.record, between.record_len, bytes, len);
}
