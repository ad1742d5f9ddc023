/* SPDX-License-Identifier: Apache-2.0 */
/* Sits between the processor and the TPM: counts, records, cuts, changes. */
#ifndef HOLDFAST_TESTS_TPM_BETWEEN_H
#define HOLDFAST_TESTS_TPM_BETWEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BETWEEN_NEVER (-1)

/* Of all connections since between_reset(). */
struct between {
	int commands; /* sent so far */
	uint32_t codes[4096];
	int cut_at;      /* the transport fails at this command and afterwards … */
	int cut_for;     /* … for so many commands */
	bool cut_answer; /* the TPM does it, and the answer is lost */
	/* The TPM does not do it, and says this instead; 0: it does. May be NULL. */
	uint32_t (*refuse)(void *ctx, const uint8_t *command);
	/* Changes an answer; may be NULL. @command: the one that it answers. */
	void (*answer)(void *ctx, int number, const uint8_t *command, size_t command_len,
		       uint8_t *bytes, size_t *len);
	void *ctx;
	uint8_t *record; /* everything that was on the bus; NULL: not recorded */
	size_t record_len, record_room;
};
extern struct between between;

/* Every connection of the backend goes through it from now on. */
void between_reset(void);
uint32_t between_code(const uint8_t *command);   /* TPM_CC */
bool between_saw(const void *bytes, size_t len); /* in the recording */

#endif
