/* SPDX-License-Identifier: Apache-2.0 */
/* A transport that sends a command again when the TPM asks for that. tpm2-tss would do so itself,
 * but then loses handles and sessions of some commands (3.2.1; tests/tpm/cut.c). */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tctildr.h>

#include "keystore/tpm2/transport.h"

#define TRIES_MAX 8

TSS2_TCTI_CONTEXT *(*tpm2_wrap_tcti)(TSS2_TCTI_CONTEXT *inner);

struct transport {
	TSS2_TCTI_CONTEXT_COMMON_V1 common;
	TSS2_TCTI_CONTEXT *inner;
	size_t len;
	uint8_t command[TPM2_MAX_COMMAND_SIZE];
	bool answered; /* @answer was not taken yet */
	size_t answer_len;
	uint8_t answer[TPM2_MAX_RESPONSE_SIZE];
};

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *ctx, size_t len, const uint8_t *command)
{
	struct transport *t = (struct transport *)ctx;

	if (len > sizeof(t->command))
		return TSS2_TCTI_RC_BAD_VALUE;
	memcpy(t->command, command, len);
	t->len = len;
	t->answered = false;
	return Tss2_Tcti_Transmit(t->inner, len, command);
}

static TSS2_RC code_of(const uint8_t *response, size_t len)
{
	return len < 10 ? 0
			: (TSS2_RC)response[6] << 24 | (TSS2_RC)response[7] << 16 |
			      (TSS2_RC)response[8] << 8 | response[9];
}

static bool asks_for_resend(TSS2_RC code)
{
	return code == TPM2_RC_RETRY || code == TPM2_RC_YIELDED || code == TPM2_RC_TESTING;
}

/* A refused command changes no session, so the same bytes are valid again. */
static TSS2_RC fetch(struct transport *t, int32_t timeout)
{
	for (unsigned tries = 0;; tries++) {
		const struct timespec pause = {.tv_nsec = 10000000L << (tries < 6 ? tries : 6)};
		TSS2_RC rc, code;

		t->answer_len = sizeof(t->answer);
		rc = Tss2_Tcti_Receive(t->inner, &t->answer_len, t->answer, timeout);
		code = rc == TSS2_RC_SUCCESS ? code_of(t->answer, t->answer_len) : 0;
		if (!asks_for_resend(code) && code != TPM2_RC_NV_RATE)
			return rc;
		if (tries == TRIES_MAX) {
			/* A code that makes tpm2-tss not send it again. */
			if (asks_for_resend(code))
				t->answer[9] = (uint8_t)TPM2_RC_CANCELED;
			return rc;
		}
		nanosleep(&pause, NULL);
		rc = Tss2_Tcti_Transmit(t->inner, t->len, t->command);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
	}
}

/* tpm2-tss first asks for the size, without @response. */
static TSS2_RC receive(TSS2_TCTI_CONTEXT *ctx, size_t *len, uint8_t *response, int32_t timeout)
{
	struct transport *t = (struct transport *)ctx;
	TSS2_RC rc = t->answered ? TSS2_RC_SUCCESS : fetch(t, timeout);

	if (rc != TSS2_RC_SUCCESS)
		return rc;
	t->answered = true;
	if (response && *len < t->answer_len)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	*len = t->answer_len;
	if (response)
		memcpy(response, t->answer, t->answer_len);
	t->answered = !response;
	return TSS2_RC_SUCCESS;
}

static void finalize(TSS2_TCTI_CONTEXT *ctx)
{
	struct transport *t = (struct transport *)ctx;

	if (tpm2_wrap_tcti) {
		Tss2_Tcti_Finalize(t->inner);
		free(t->inner);
	} else {
		Tss2_TctiLdr_Finalize(&t->inner);
	}
	explicit_bzero(t->command, sizeof(t->command));
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *ctx)
{
	return Tss2_Tcti_Cancel(((struct transport *)ctx)->inner);
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *ctx, uint8_t locality)
{
	return Tss2_Tcti_SetLocality(((struct transport *)ctx)->inner, locality);
}

static struct transport *wrap(TSS2_TCTI_CONTEXT *inner)
{
	struct transport *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->common = (TSS2_TCTI_CONTEXT_COMMON_V1){.magic = 0x686f6c6466617374,
						  .version = 1,
						  .transmit = transmit,
						  .receive = receive,
						  .finalize = finalize,
						  .cancel = cancel,
						  .setLocality = set_locality};
	t->inner = inner;
	return t;
}

TSS2_RC tpm2_transport_open(const char *name, TSS2_TCTI_CONTEXT **ret)
{
	TSS2_TCTI_CONTEXT *inner = NULL;
	struct transport *t;
	TSS2_RC rc = Tss2_TctiLdr_Initialize(name, &inner);

	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (tpm2_wrap_tcti)
		inner = tpm2_wrap_tcti(inner);
	t = wrap(inner);
	if (!t) {
		Tss2_TctiLdr_Finalize(&inner);
		return TSS2_TCTI_RC_MEMORY;
	}
	*ret = (TSS2_TCTI_CONTEXT *)t;
	return TSS2_RC_SUCCESS;
}

void tpm2_transport_close(TSS2_TCTI_CONTEXT *t)
{
	if (t)
		Tss2_Tcti_Finalize(t);
	free(t);
}
