/* SPDX-License-Identifier: Apache-2.0 */
/* Key material: locked, guarded, not dumped, not inherited, wiped. */
#ifndef HOLDFAST_BASE_SECRET_H
#define HOLDFAST_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Layout of the mapping: guard page | pages of the secret, its end at the end of the last | guard
 * page. An overrun of one byte faults. Not in core files (MADV_DONTDUMP), zero in a child
 * (MADV_WIPEONFORK), not swapped (mlock; refused once through diag_warn where the limit is low).
 */
struct secret;

int secret_new(size_t len, struct secret **ret); /* zeroed; 0, or -errno with a message */
struct secret *secret_free(struct secret *s);    /* wipes; takes NULL, returns NULL */
void secret_freep(struct secret **s);
#define _cleanup_secret_ __attribute__((cleanup(secret_freep)))

uint8_t *secret_bytes(const struct secret *s);
size_t secret_len(const struct secret *s);
/* Takes as long whatever the bytes are; only a different length shows. */
bool secret_equal(const struct secret *a, const struct secret *b);

#endif
