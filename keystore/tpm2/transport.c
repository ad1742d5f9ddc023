/* SPDX-License-Identifier: Apache-2.0 */
/* A transport that sends a command again when the TPM asks for that. tpm2-tss does so by itself,
 * and loses handles and sessions of some commands on the way (3.2.1; tests/tpm/cut.c). */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>

#include "base/diag.h"
#include "keystore/tpm2/private.h"

#define TRIES_MAX 8

struct transport {
	TSS2_TCTI_CONTEXT_COMMON_V1 common;
	TSS2_TCTI_CONTEXT *inner;
	size_t len;
	uint8_t command[TPM2_MAX_COMMAND_SIZE];
	bool answered; /* and not taken yet */
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

static bool wants_it_again(TSS2_RC code)
{
	return code == TPM2_RC_RETRY || code == TPM2_RC_YIELDED || code == TPM2_RC_TESTING;
}

/* A refused command changes no session: the same bytes are good again. */
static TSS2_RC fetch(struct transport *t, int32_t timeout)
{
	for (unsigned tries = 0;; tries++) {
		const struct timespec pause = {.tv_nsec = 10000000L << (tries < 6 ? tries : 6)};
		TSS2_RC rc, code;

		t->answer_len = sizeof(t->answer);
		rc = Tss2_Tcti_Receive(t->inner, &t->answer_len, t->answer, timeout);
		code = rc == TSS2_RC_SUCCESS ? code_of(t->answer, t->answer_len) : 0;
		if (!wants_it_again(code) && code != TPM2_RC_NV_RATE)
			return rc;
		if (tries == TRIES_MAX) {
			/* What tpm2-tss does not send again. */
			if (wants_it_again(code))
				t->answer[9] = (uint8_t)TPM2_RC_CANCELED;
			return rc;
		}
		nanosleep(&pause, NULL);
		rc = Tss2_Tcti_Transmit(t->inner, t->len, t->command);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
	}
}

/* Asked for the size first, with no @response. */
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

TSS2_TCTI_CONTEXT *tpm2_transport_new(TSS2_TCTI_CONTEXT *inner)
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
	return (TSS2_TCTI_CONTEXT *)t;
}

void tpm2_transport_free(TSS2_TCTI_CONTEXT *t)
{
	if (t)
		Tss2_Tcti_Finalize(t);
	free(t);
}
