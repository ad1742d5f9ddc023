/* SPDX-License-Identifier: Apache-2.0 */
/* Gives the program that it is linked into a board with a simulated TEE, whose storage is in the
 * directory HOLDFAST_BOARD. */
#include <stdlib.h>

#include "keystore/tee/child.h"
#include "lib/gp-sim.h"

static __attribute__((constructor)) void power_on(void)
{
	const char *dir = getenv("HOLDFAST_BOARD");

	if (!dir)
		return;
	tee_transport = &gp_transport;
	gp_boot(gp_board_new(dir));
}

static __attribute__((destructor)) void power_off(void)
{
	gp_power_off();
}
