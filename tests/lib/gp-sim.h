/* SPDX-License-Identifier: Apache-2.0 */
/* A secure world for tests: the trusted application's own source, on a simulated TEE whose storage
 * survives, can be put back, damaged, cut and taken away. */
#ifndef HOLDFAST_TESTS_GP_SIM_H
#define HOLDFAST_TESTS_GP_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tee_transport;

/*
 * The board. Objects are files: DIR/rpmb/ is what nobody outside can reach, DIR/ree/ what stands on
 * the medium. Each has a MAC under the board's key: one that was changed, or is another board's,
 * answers TEE_ERROR_CORRUPT_OBJECT and is deleted, as OP-TEE does. Writing within an object is
 * atomic; TEE_DATA_FLAG_OVERWRITE is not, as in OP-TEE's RPMB.
 */
struct gp_board {
	const char *dir;
	uint8_t huk;            /* which hardware unique key: a board's number */
	bool no_rpmb;           /* the TEE was built without */
	bool rpmb_dead;         /* there is none, or its key is not set */
	bool no_supplicant;     /* whatever needs the REE's files hangs */
	bool absent;            /* the trusted application is not there */
	uint32_t storage_fails; /* writing answers that */
	bool storage_panics; /* writing stops the trusted application, as a read-only file system */
	bool forgetful;      /* writes of objects that exist are told done, and lost */
	uint32_t cut_at; /* power goes at this storage operation that changes something, from 1 */
	bool cut_after;  /* … right after it instead of before */
	/* Told back, also after a cut. */
	uint32_t operations;
	bool lost_power;
};

/* Powers it on, in a process of its own. The board lives in shared memory: tests may change what
 * is in it while it runs. */
struct gp_board *gp_board_new(const char *dir);
void gp_boot(struct gp_board *b);
void gp_power_off(void);

/* Reaches the board that was booted last; knows a word of the signed manifest when @vouched. */
extern struct tee_transport gp_transport;

/* For fuzzing: the board within this process. */
void gp_board_here(struct gp_board *b);
/* Between the commands of the trusted application nothing is open. */
void gp_check_handles(void);

#endif
