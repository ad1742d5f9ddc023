/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the simulated TEE share. */
#ifndef HOLDFAST_TESTS_GP_PRIVATE_H
#define HOLDFAST_TESTS_GP_PRIVATE_H

#include <setjmp.h>
#include <tee_internal_api.h>

#include "lib/gp-sim.h"

extern struct gp_board *gp_board;
extern jmp_buf gp_panic; /* where TEE_Panic() goes */
extern unsigned gp_open; /* handles that are open now */

/* Derives 32 bytes from the board's key. */
void gp_huk_derive(const void *info, size_t len, uint8_t ret[static 32]);
void gp_hmac(const uint8_t key[static 32], const void *bytes, size_t len, uint8_t ret[static 32]);

#endif
