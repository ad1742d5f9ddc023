/* SPDX-License-Identifier: Apache-2.0 */
/* The vault on a target: opened, begun, closed. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "vault/access.h"
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

static uint32_t newer_version(const struct vault *v)
{
	uint32_t version = v->newer_header;

	for (int i = 0; i < 2 && !version; i++)
		version = v->copy[i].newer ? v->copy[i].newer : v->newer_plan[i];
	return version;
}

int vault_refuse_newer(const struct vault *v)
{
	uint32_t version = newer_version(v);

	if (version)
		return diag_fail(DIAG_NEWER, ENOTSUP,
				 "its vault was made by a newer holdfast (version %" PRIu32 ")",
				 version);
	if (v->has_plan && v->plan.digest_rule > LAYOUT_DIGEST_RULE)
		return diag_fail(DIAG_NEWER, ENOTSUP,
				 "its vault was made by a newer holdfast (rule %" PRIu32
				 " of the layout digest)",
				 v->plan.digest_rule);
	return 0;
}

int vault_note_newer(struct io *target, uint64_t offset_bytes, uint32_t version, struct vault **ret)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (!v)
		return diag_no_memory();
	v->target = target;
	v->extent.offset_bytes = offset_bytes;
	v->newer_header = version;
	*ret = v;
	return 1;
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
	if (!vault_active(v) && !v->has_plan && !newer_version(v))
		return 0;
	*ret = TAKE(v);
	return 1;
}

/* After the new plan's header: until the last newer header is zero the vault is a newer one. */
static int give_up_newer(struct vault *v)
{
	int r = 0;

	for (int i = 0; i < 2; i++) {
		if (r >= 0 && v->copy[i].newer)
			r = vault_zero(v, v->regions.copy_offset[i], VAULT_BLOCK);
		if (r >= 0 && v->newer_plan[i] && (v->plan.sequence & 1) != (unsigned)i)
			r = vault_zero(v, v->regions.journal_offset + i * VAULT_BLOCK, VAULT_BLOCK);
		v->copy[i].newer = v->newer_plan[i] = 0;
	}
	return r < 0 ? r : vault_flush(v);
}

int vault_begin(struct io *target, uint64_t offset_bytes, uint64_t size_bytes,
		const struct vault_begun *begun, struct vault **ret)
{
	_cleanup_vault_ struct vault *v = NULL;
	int r = vault_load(target, offset_bytes, size_bytes, &v);

	if (r >= 0)
		r = vault_begin_journal(v, begun);
	if (r >= 0 && newer_version(v))
		r = give_up_newer(v);
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
