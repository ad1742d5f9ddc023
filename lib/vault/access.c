/* SPDX-License-Identifier: Apache-2.0 */
/* Writing bytes of a vault. */
#include "vault/access.h"
#include "vault/private.h"

static int check(const struct vault *v, int r, const char *doing, uint64_t offset, uint64_t len)
{
	return r < 0 ? io_fail(v->target, r, doing, v->extent.offset_bytes + offset, len) : 0;
}

int vault_write(struct vault *v, const void *buf, size_t len, uint64_t offset)
{
	return check(v, io_write(v->target, buf, len, v->extent.offset_bytes + offset),
		     "writing the vault,", offset, len);
}

int vault_zero(struct vault *v, uint64_t offset, uint64_t len)
{
	return check(v, io_zero(v->target, v->extent.offset_bytes + offset, len),
		     "writing the vault,", offset, len);
}

int vault_flush(struct vault *v)
{
	return check(v, io_flush(v->target), "flushing the vault,", 0, v->extent.size_bytes);
}
