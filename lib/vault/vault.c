/* SPDX-License-Identifier: Apache-2.0 */
/* The vault on a target: opened, begun, closed. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "vault/copies.h"
#include "vault/private.h"
#include "vault/vault.h"

int vault_load(struct io *target, uint64_t offset_bytes, uint64_t size_bytes, struct vault **ret)
{
	_cleanup_vault_ struct vault *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return diag_no_memory();
	v->target = target;
	v->extent = (struct extent){offset_bytes, size_bytes};
	vault_regions(size_bytes, &v->regions);
	r = vault_load_copies(v);
	if (r >= 0)
		r = vault_load_journal(v);
	if (r < 0)
		return r;
	*ret = TAKE(v);
	return 0;
}

int vault_open(struct io *target, uint64_t offset_bytes, uint64_t size_bytes, struct vault **ret)
{
	_cleanup_vault_ struct vault *v = NULL;
	int r;

	if (size_bytes < VAULT_LEAST_SIZE ||
	    !range_inside(offset_bytes, size_bytes, target->size_bytes))
		return 0;
	r = vault_load(target, offset_bytes, size_bytes, &v);
	if (r < 0)
		return r;
	if (!vault_active(v) && !v->has_plan)
		return 0;
	*ret = TAKE(v);
	return 1;
}

int vault_begin(struct io *target, uint64_t offset_bytes, uint64_t size_bytes,
		const struct vault_begun *begun, struct vault **ret)
{
	_cleanup_vault_ struct vault *v = NULL;
	int r = vault_load(target, offset_bytes, size_bytes, &v);

	if (r >= 0)
		r = vault_begin_journal(v, begun);
	if (r < 0)
		return r;
	*ret = TAKE(v);
	return 0;
}

struct vault *vault_close(struct vault *v)
{
	if (v) {
		vault_drop_copies(v);
		array_free(&v->latest);
		free(v);
	}
	return NULL;
}

void vault_closep(struct vault **v)
{
	vault_close(*v);
}

struct extent vault_extent(const struct vault *v)
{
	return v->extent;
}
