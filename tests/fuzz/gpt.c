/* SPDX-License-Identifier: Apache-2.0 */
/* A partition table as it may stand on a medium: probed, checked, volumes made of it, mended. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/pool.h"
#include "format/gpt.h"
#include "layer/registry.h"
#include "medium/gpt-table.h"
#include "medium/registry.h"
#include "model/build.h"

/* What is said to be mended has nothing left to mend, and its partitions are what they were. */
static void mend(struct io *io)
{
	_cleanup_gpt_copies_ struct gpt_copies before = {0}, after = {0};
	const struct gpt_copy *was;

	if (gpt_copies_read(io, &before) < 0 || gpt_table_mend(io) < 0)
		return;
	if (gpt_copies_read(io, &after) < 0 || !gpt_copies_best(&after) ||
	    gpt_copies_want_mending(&after))
		abort();
	was = gpt_copies_best(&before);
	if (was->header.entries_crc != after.primary.header.entries_crc ||
	    was->header.entries_crc != after.backup.header.entries_crc)
		abort();
}

static void probe(struct io *io)
{
	static const atomic_bool never;
	struct progress progress = {0};
	struct env env = {.progress = &progress, .cancel = &never};
	struct job job = {.env = &env, .target = io};
	const struct where nowhere = {0};
	struct layout *layout = layout_new();
	struct medium *m = layout_add_medium(layout, &medium_gpt, "disk", nowhere);
	struct medium_facts facts = {0};
	struct report report;

	report_init(&report);
	if (medium_gpt.probe(&job, &facts) >= 0) {
		if (facts.table == TABLE_OURS)
			medium_gpt.discover(m, layout, &facts, &job, layer_registry);
		medium_gpt.verify(m, layout, &facts, &job, &report);
		if (facts.mendable)
			mend(io);
	}
	facts_free(&facts);
	report_free(&report);
	layout_free(layout);
}

/* Makes the checksums right, so that what is behind them is reached. */
static void seal(uint8_t *disk, size_t size)
{
	uint8_t *h = disk + 512;
	uint32_t n = 128, crc;

	if (size < 34 * 512)
		return;
	memcpy(h, "EFI PART\0\0\1\0\x5c\0\0\0", 16);
	memset(h + 16, 0, 4);
	h[24] = 1;
	memset(h + 25, 0, 7);
	h[72] = 2;
	memset(h + 73, 0, 7);
	memcpy(h + 80, &n, 4);
	memcpy(h + 84, &n, 4);
	crc = gpt_crc32(disk + 1024, 128 * 128);
	memcpy(h + 88, &crc, 4);
	crc = gpt_crc32(h, 92);
	memcpy(h + 16, &crc, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct io *io;

	if (size > 65536 || io_open_memory("disk", 65536, &io) < 0)
		return 0;
	memcpy(io_memory_bytes(io), data, size);
	probe(io);
	seal(io_memory_bytes(io), 65536);
	probe(io);
	io_close(io);
	diag_forget(0);
	return 0;
}
