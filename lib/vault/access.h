/* SPDX-License-Identifier: Apache-2.0 */
/* Writing bytes of a vault. Offsets are within the vault; failures are reported. */
#ifndef HOLDFAST_VAULT_ACCESS_H
#define HOLDFAST_VAULT_ACCESS_H

#include <stddef.h>
#include <stdint.h>

struct vault;

int vault_write(struct vault *v, const void *buf, size_t len, uint64_t offset);
int vault_zero(struct vault *v, uint64_t offset, uint64_t len);
int vault_flush(struct vault *v);

#endif
