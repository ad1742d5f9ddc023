/* SPDX-License-Identifier: Apache-2.0 */
/* LUKS2 headers. The input is the first 512 bytes of a binary header and the JSON behind it; the
 * checksum is made right, so that the code after it is reached, too. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "userspace/luks2/keyslot.h"

#define DEVICE_BYTES (512 * 1024)
#define HEAD_BYTES   512

static struct progress progress;
static const atomic_bool never;
static struct env env = {.progress = &progress, .cancel = &never, .random = random_bytes};

/* The input as one of the copies, where its own header leaves room for it. */
static void place(uint8_t *device, bool second, const uint8_t *data, size_t size)
{
	struct luks2_binary h;
	uint8_t *copy;
	const char *why;
	uint8_t head[LUKS2_BINARY_BYTES] = {0};

	memcpy(head, data, HEAD_BYTES);
	if (luks2_decode(head, sizeof(head), &h, &why) < 0 || 2 * h.header_bytes > DEVICE_BYTES ||
	    size - HEAD_BYTES > h.header_bytes - sizeof(head))
		return;
	copy = device + (second ? h.header_bytes : 0);
	h.second = second;
	h.offset_bytes = (uint64_t)(copy - device);
	memset(h.checksum, 0, sizeof(h.checksum));
	strcpy(h.checksum_algorithm, "sha256");
	luks2_encode(&h, copy);
	memcpy(copy + LUKS2_BINARY_BYTES, data + HEAD_BYTES, size - HEAD_BYTES);
	digest_sha256(copy, (size_t)h.header_bytes, h.checksum);
	luks2_encode(&h, copy);
}

static void use(struct io *io, struct luks2_found *f)
{
	const struct luks2_facts *s = &f->facts;
	struct secret *key = NULL;
	struct luks2_slot slot;
	uint64_t work = s->digest_iterations;

	for (unsigned i = 0; i < LUKS2_KEYSLOTS_MAX; i++) {
		if (luks2_json_keyslot(f->copy[f->active].json, i, &slot) >= 0)
			work += slot.iterations;
	}
	if (work < 5000) {
		luks2_unlock(io, f, (const uint8_t *)"secret", 6, &env, &key);
		secret_free(key);
		luks2_key_matches(s, (const uint8_t *)"secret", 6);
	}
	if (strlen(s->encryption) >= sizeof(s->encryption) || (s->valid && s->why[0]) ||
	    (s->valid && (!s->encryption[0] || s->segments != 1 || s->reencryption ||
			  s->segment_offset_bytes < 2 * LUKS2_HEADER_BYTES || !s->digest_len)))
		abort();
}

/* What is mended is good, and says the same. */
static void mend(struct io *io, struct luks2_found *f)
{
	struct luks2_found g;

	if (luks2_mend(io, f) < 0)
		return;
	if (luks2_read(io, &g) < 0 || !g.copy[0].good || !g.copy[1].good || g.differ ||
	    strcmp(g.copy[0].json, f->copy[f->active].json) != 0)
		abort();
	luks2_free(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct luks2_found f;
	struct io *io;

	if (size < HEAD_BYTES || size > DEVICE_BYTES ||
	    io_open_memory("fuzz", DEVICE_BYTES, &io) < 0)
		return 0;
	/* Which copies there are, by a byte that is padding. */
	if (!(data[300] & 1))
		place(io_memory_bytes(io), false, data, size);
	if (!(data[300] & 2))
		place(io_memory_bytes(io), true, data, size);
	if (data[300] & 4) /* as it is */
		memcpy(io_memory_bytes(io), data, size);
	if (luks2_read(io, &f) == 0) {
		if (f.active >= 0) {
			use(io, &f);
			mend(io, &f);
		}
		luks2_free(&f);
	}
	io_close(io);
	diag_forget(0);
	return 0;
}
