/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of bytes over whole blocks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "lib/check.h"

#define BLOCK 4096
#define SIZE  (16 * BLOCK)

/* Memory that refuses what is not whole blocks, as an encrypted device does. */
static int strict(size_t len, uint64_t offset)
{
	return len % BLOCK || offset % BLOCK ? -EINVAL : 0;
}

struct strict_io {
	struct io io;
	struct io *memory;
};

static int strict_read(struct io *io, void *buf, size_t len, uint64_t offset)
{
	int r = strict(len, offset);

	return r < 0 ? r : io_read(((struct strict_io *)io)->memory, buf, len, offset);
}

static int strict_write(struct io *io, const void *buf, size_t len, uint64_t offset)
{
	int r = strict(len, offset);

	return r < 0 ? r : io_write(((struct strict_io *)io)->memory, buf, len, offset);
}

static void strict_close(struct io *io)
{
	io_close(((struct strict_io *)io)->memory);
	free(io);
}

static const struct io_ops strict_ops = {
    .name = "strict", .read = strict_read, .write = strict_write, .close = strict_close};

static struct io *open_strict(void)
{
	struct strict_io *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_ok(io_open_memory("memory", SIZE, &s->memory));
	s->io = (struct io){
	    .ops = &strict_ops, .name = "strict", .size_bytes = SIZE, .sector_bytes = 512};
	return &s->io;
}

static void any_range_is_as_in_plain_memory(void **state)
{
	uint8_t model[SIZE] = {0}, buf[SIZE];
	struct io *io;
	unsigned seed = 1;

	assert_ok(io_open_blocks(open_strict(), BLOCK, NULL, &io));
	for (int i = 0; i < 2000; i++) {
		uint64_t at = (unsigned)rand_r(&seed) % SIZE;
		size_t len = (unsigned)rand_r(&seed) % (SIZE - at + 1);
		int what = rand_r(&seed) % 3;

		if (what == 0) {
			memset(buf, rand_r(&seed), len);
			memcpy(model + at, buf, len);
			assert_ok(io_write(io, buf, len, at));
		} else if (what == 1) {
			memset(model + at, 0, len);
			assert_ok(io_zero(io, at, len));
		} else {
			assert_ok(io_read(io, buf, len, at));
			assert_memory_equal(buf, model + at, len);
		}
	}
	assert_ok(io_read(io, buf, SIZE, 0));
	assert_memory_equal(buf, model, SIZE);
	assert_int_equal(io_read(io, buf, 2, SIZE - 1), -EIO);
	io_close(io);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(any_range_is_as_in_plain_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
