/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that share out numbered pieces of work. */
#ifndef HOLDFAST_BASE_POOL_H
#define HOLDFAST_BASE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pool;

/* @workers 0: one per processor that this process may run on. 0, or -errno with a message. */
int pool_new(unsigned workers, struct pool **ret);
struct pool *pool_free(struct pool *pool);
unsigned pool_workers(const struct pool *pool);

/* One piece. @worker is 0 … pool_workers()-1: index into scratch that the caller prepared. Says
 * nothing through diag (scopes belong to the caller's thread); returns 0 or -errno. */
typedef int (*pool_fn)(void *ctx, uint64_t piece, unsigned worker);

/*
 * Runs pieces [first, end) in order of number, several at a time; returns when all that were begun
 * are done. The first failure, or @cancel, keeps new pieces from starting: then -errno, -ECANCELED.
 */
int pool_run(struct pool *pool, uint64_t first, uint64_t end, pool_fn fn, void *ctx,
	     const atomic_bool *cancel);

#endif
