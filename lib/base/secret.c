/* SPDX-License-Identifier: Apache-2.0 */
/* Key material: locked, guarded, not dumped, not inherited, wiped. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "base/secret.h"

struct secret {
	uint8_t *mapping;
	size_t mapped; /* with both guard pages */
	uint8_t *bytes;
	size_t len;
};

static void lock_pages(uint8_t *pages, size_t len)
{
	static atomic_bool told, exposed_told;

	if (mlock(pages, len) < 0 && !atomic_exchange(&told, true))
		diag_warn("keys cannot be locked into memory (%s): with swap they could reach it",
			  strerror(errno));
	if ((madvise(pages, len, MADV_DONTDUMP) < 0 || madvise(pages, len, MADV_WIPEONFORK) < 0) &&
	    !atomic_exchange(&exposed_told, true))
		diag_warn("keys cannot be kept out of core files and child processes (%s)",
			  strerror(errno));
}

int secret_new(size_t len, struct secret **ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t inner = (size_t)round_up(len ? len : 1, page);
	struct secret *s = len < SIZE_MAX / 2 ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return diag_no_memory();
	s->len = len;
	s->mapped = inner + 2 * page;
	s->mapping = mmap(NULL, s->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->mapping == MAP_FAILED ||
	    mprotect(s->mapping + page, inner, PROT_READ | PROT_WRITE) < 0) {
		if (s->mapping != MAP_FAILED)
			munmap(s->mapping, s->mapped);
		free(s);
		return diag_no_memory();
	}
	lock_pages(s->mapping + page, inner);
	s->bytes = s->mapping + page + inner - len;
	*ret = s;
	return 0;
}

struct secret *secret_free(struct secret *s)
{
	if (s) {
		explicit_bzero(s->bytes, s->len);
		munmap(s->mapping, s->mapped);
		free(s);
	}
	return NULL;
}

void secret_freep(struct secret **s)
{
	secret_free(*s);
}

uint8_t *secret_bytes(const struct secret *s)
{
	return s->bytes;
}

size_t secret_len(const struct secret *s)
{
	return s->len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	volatile uint8_t differs = 0;

	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		differs = (uint8_t)(differs | (a->bytes[i] ^ b->bytes[i]));
	return differs == 0;
}
