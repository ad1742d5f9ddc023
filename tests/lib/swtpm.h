/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM to test with: swtpm as a socket, with a state of its own. */
#ifndef HOLDFAST_TESTS_SWTPM_H
#define HOLDFAST_TESTS_SWTPM_H

#include <sys/types.h>

struct swtpm {
	pid_t pid;
	int port; /* the control channel is one above */
	char dir[64];
	char tcti[64]; /* as tpm2-tss names it */
};

/* Aborts where it cannot be had: a test without a TPM proves nothing. */
void swtpm_start(struct swtpm *t);
/* Power off and on: sessions and PCRs are gone, NV stays. */
void swtpm_reset(struct swtpm *t);
void swtpm_stop(struct swtpm *t); /* and its state */

#endif
