/* SPDX-License-Identifier: Apache-2.0 */
/* The vault's log: a hash chain of entries (docs/formats/vault.md). */
#ifndef HOLDFAST_VAULT_LOG_H
#define HOLDFAST_VAULT_LOG_H

#include "model/report.h"

struct vault;

/* Appends an entry, durable. */
int vault_log(struct vault *v, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Reports every entry that does not follow from the one before it. */
int vault_verify_log(struct vault *v, struct report *report);

#endif
