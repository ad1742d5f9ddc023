/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the normal world can ask of the trusted application of keystore tee. The input is a list
 * of commands, 12 bytes and a request each:
 *   0 command, 1 kinds of the parameters: 0 the right ones, else any; 2 length of the request,
 *   3 room for the reply; 4 storage, 5 flags, 6 what else happens: 1 the last good blob is the
 *   request, 2 RPMB fails, 4 storage is full, 8 all of it is lost, 16 a blob's byte [7] is changed
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keystore/tee/ta/holdfast-ta.h"
#include "lib/gp-private.h"

#define HEAD 12

static char dir[] = "/tmp/holdfast-fuzz-tee-XXXXXX";
static struct gp_board *board;
static struct ta_sealed_disk last; /* that was sealed */
static bool sealed;

static void lose_all(void)
{
	static const char *const names[] = {"erase", "rotation", "anchor"};
	char path[128];

	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", dir, i / 3 ? "rpmb" : "ree", names[i % 3]);
		unlink(path);
	}
}

static void remove_board(void)
{
	char path[128];

	lose_all();
	snprintf(path, sizeof(path), "%s/ree", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/rpmb", dir);
	rmdir(path);
	rmdir(dir);
}

static void set_up(void)
{
	if (!mkdtemp(dir))
		abort();
	board = gp_board_new(dir);
	gp_board_here(board);
	atexit(remove_board);
}

/* A secret comes out for a blob only as it was sealed. */
static void check_answer(uint32_t command, const uint8_t *in, size_t in_len, const uint8_t *out,
			 size_t out_len, uint32_t verdict)
{
	static const uint8_t zero[256];

	if (verdict != TA_DONE && memcmp(out, zero, out_len) != 0)
		abort();
	if (verdict != TA_DONE)
		return;
	if (command == TA_SEAL) {
		memcpy(&last, out, sizeof(last));
		sealed = true;
	}
	if (command == TA_UNSEAL &&
	    (in_len != sizeof(last.blob) ||
	     (memcmp(in, &last.blob, in_len) == 0 && memcmp(out, last.secret, out_len) != 0)))
		abort();
}

/* Whether it answered; a panic is an answer of the TEE's. */
static bool enter(uint32_t command, uint32_t types, TEE_Param p[static TEE_NUM_PARAMS])
{
	if (setjmp(gp_panic))
		return false;
	return TA_InvokeCommandEntryPoint(NULL, command, types, p) == TEE_SUCCESS;
}

static void one(const uint8_t head[static HEAD], const uint8_t *request, size_t in_len,
		size_t out_len)
{
	uint32_t types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT, TEE_PARAM_TYPE_MEMREF_OUTPUT,
					 TEE_PARAM_TYPE_VALUE_INPUT, TEE_PARAM_TYPE_VALUE_OUTPUT);
	uint8_t *in = malloc(in_len ? in_len : 1), *out = malloc(out_len ? out_len : 1);
	TEE_Param p[TEE_NUM_PARAMS] = {
	    {.memref = {in, in_len}},
	    {.memref = {out, out_len}},
	    {.value = {head[4], head[5]}},
	};
	bool changed = false;

	if (!in || !out)
		abort();
	memcpy(in, request, in_len);
	if (head[6] & 1 && sealed && in_len == sizeof(last.blob)) {
		memcpy(in, &last.blob, in_len);
		if (head[6] & 16) {
			in[head[7] % in_len] ^= 1;
			changed = true;
		}
	}
	if (head[1])
		types = (uint32_t)head[1] * 0x101 ^ types;
	if (enter(head[0], types, p)) {
		gp_check_handles();
		check_answer(head[0], in, in_len, out, out_len, p[3].value.a);
		if (changed && head[0] == TA_UNSEAL && p[3].value.a == TA_DONE)
			abort();
	}
	free(in);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!board)
		set_up();
	lose_all();
	sealed = false;
	while (size >= HEAD) {
		const uint8_t *head = data;
		size_t in_len = head[2], out_len = head[3];

		data += HEAD;
		size -= HEAD;
		if (in_len > size)
			in_len = size;
		board->rpmb_dead = head[6] & 2;
		board->storage_fails = head[6] & 4 ? TEE_ERROR_STORAGE_NO_SPACE : TEE_SUCCESS;
		if (head[6] & 8)
			lose_all();
		one(head, data, in_len, out_len);
		data += in_len;
		size -= in_len;
	}
	return 0;
}
