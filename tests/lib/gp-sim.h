/* SPDX-License-Identifier: Apache-2.0 */
/* A secure world for tests: the trusted application's own source on a simulated TEE. Its storage
 * outlives the process, and can be put back, damaged, cut and removed. */
#ifndef HOLDFAST_TESTS_GP_SIM_H
#define HOLDFAST_TESTS_GP_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tee_transport;

/*
 * The board. Objects are files: those in DIR/rpmb/ cannot be reached from outside, those in
 * DIR/ree/ are on the medium. Each has a MAC under the board's key: one that was changed, or is
 * another board's, gives TEE_ERROR_CORRUPT_OBJECT and is deleted, as in OP-TEE. Writing within an
 * object is atomic; TEE_DATA_FLAG_OVERWRITE is not, as in OP-TEE's RPMB.
 */
struct gp_board {
	const char *dir;
	uint8_t huk;            /* number of the hardware unique key */
	bool no_rpmb;           /* the TEE was built without RPMB */
	bool rpmb_dead;         /* the board has none, or its key is not set */
	bool no_supplicant;     /* commands that need the REE's files hang */
	bool absent;            /* the trusted application is not installed */
	uint32_t storage_fails; /* writing gives this result */
	bool storage_panics; /* writing stops the trusted application, as a read-only file system */
	bool forgetful;      /* writes of existing objects succeed, and are lost */
	uint32_t cut_at;     /* the power fails at this changing storage operation, from 1 */
	bool cut_after;      /* … right after it instead of before */
	/* Reported by the board, also after a cut. */
	uint32_t operations;
	bool lost_power;
};

/* Powers the board on, in its own process. The board is in shared memory: tests may change it while
 * it runs. */
struct gp_board *gp_board_new(const char *dir);
void gp_boot(struct gp_board *b);
void gp_power_off(void);

/* Reaches the board that was booted last. */
extern struct tee_transport gp_transport;

/* For fuzzing: the board within this process. */
void gp_board_here(struct gp_board *b);
/* Handles that the trusted application has open: none between commands. */
void gp_check_handles(void);

#endif
