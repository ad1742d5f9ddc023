/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM 2.0 (swtpm) behind a socket: no kernel, no resource manager. */
#ifndef HOLDFAST_TESTS_SWTPM_H
#define HOLDFAST_TESTS_SWTPM_H

#include <sys/types.h>

struct swtpm {
	char dir[112];  /* its state; made if it is missing */
	char tcti[192]; /* as tpm2-tss names it */
	pid_t pid;
};

/* Fails the test if it does not start. */
void swtpm_start(struct swtpm *t, const char *dir);
/* As after a power failure: volatile state is lost, NV is kept. */
void swtpm_power_cycle(struct swtpm *t);
/* The dictionary attack counter goes to 0: it counts a power cycle, too, after a key that it
 * protects (systemd's primary key is one) was used. */
void swtpm_forgive(const struct swtpm *t);
void swtpm_stop(struct swtpm *t);

#endif
