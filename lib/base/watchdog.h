/* SPDX-License-Identifier: Apache-2.0 */
/* Tells systemd's watchdog that work makes progress: the protocol of sd_notify(3) without its
 * library. */
#ifndef HOLDFAST_BASE_WATCHDOG_H
#define HOLDFAST_BASE_WATCHDOG_H

#include <stdatomic.h>
#include <stdint.h>

struct watchdog {
	int fd;            /* connected to the service manager; -1: nobody watches */
	uint64_t every_ms; /* a quarter of the time after which it would end the process */
	_Atomic uint64_t last_ms;
};

/* From $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID. Nobody watches where one of the first two
 * is missing or unusable, or the last names another process. */
void watchdog_open(struct watchdog *w);
/* Sends "WATCHDOG=1", at most every @every_ms. Thread-safe, never blocks, never fails: a service
 * manager that does not hear it ends this process, as it should. */
void watchdog_tick(struct watchdog *w);
void watchdog_close(struct watchdog *w);

#endif
