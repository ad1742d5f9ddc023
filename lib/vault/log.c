/* SPDX-License-Identifier: Apache-2.0 */
/* The log: a ring of entries, each with the hash of the one before it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "crypto/digest.h"
#include "vault/access.h"
#include "vault/log.h"
#include "vault/private.h"

static uint64_t entry_room(const struct vault *v)
{
	return v->regions.log_bytes / VAULT_ENTRY_BYTES;
}

static uint64_t entry_offset(const struct vault *v, uint64_t index)
{
	return v->regions.log_offset + index % entry_room(v) * VAULT_ENTRY_BYTES;
}

/* True and *@ret if place @index of the ring holds an entry that belongs there. */
static bool read_entry(struct vault *v, uint64_t index, uint8_t bytes[static VAULT_ENTRY_BYTES],
		       struct vault_entry *ret)
{
	return io_read(v->target, bytes, VAULT_ENTRY_BYTES,
		       v->extent.offset_bytes + entry_offset(v, index)) >= 0 &&
	       vault_decode_entry(bytes, VAULT_ENTRY_BYTES, ret) >= 0 &&
	       ret->sequence % entry_room(v) == index;
}

/* The newest entry's number and bytes; 0: the log is empty. */
static uint64_t newest(struct vault *v, uint8_t bytes[static VAULT_ENTRY_BYTES])
{
	uint8_t some[VAULT_ENTRY_BYTES];
	struct vault_entry e;
	uint64_t sequence = 0;

	for (uint64_t i = 0; i < entry_room(v); i++) {
		if (!read_entry(v, i, some, &e) || e.sequence <= sequence)
			continue;
		sequence = e.sequence;
		memcpy(bytes, some, sizeof(some));
	}
	return sequence;
}

int vault_log(struct vault *v, const char *event, const char *fmt, ...)
{
	uint8_t bytes[VAULT_ENTRY_BYTES];
	struct vault_entry e = {.sequence = newest(v, bytes) + 1, .time_s = (uint64_t)time(NULL)};
	va_list args;
	int r = 0;

	if (e.sequence > 1)
		r = digest_sha256(bytes, sizeof(bytes), e.before);
	snprintf(e.event, sizeof(e.event), "%s", event);
	va_start(args, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, args);
	va_end(args);
	vault_encode_entry(&e, bytes);
	if (r >= 0)
		r = vault_write(v, bytes, sizeof(bytes), entry_offset(v, e.sequence));
	return r < 0 ? r : vault_flush(v);
}

int vault_verify_log(struct vault *v, struct report *report)
{
	uint8_t bytes[VAULT_ENTRY_BYTES], before[VAULT_ENTRY_BYTES], digest[32];
	uint64_t last = newest(v, bytes), first;
	struct vault_entry e, old;

	first = last > entry_room(v) ? last - entry_room(v) + 1 : 1;
	for (uint64_t n = first + 1; n <= last; n++) {
		struct finding f = {
		    .kind = FINDING_WRONG,
		    .layer = "vault",
		    .area = "log",
		    .offset_bytes = v->extent.offset_bytes + entry_offset(v, n),
		    .len_bytes = VAULT_ENTRY_BYTES,
		    .text = "does not follow from the entry before it",
		};

		if (read_entry(v, (n - 1) % entry_room(v), before, &old) &&
		    read_entry(v, n % entry_room(v), bytes, &e) && old.sequence == n - 1 &&
		    e.sequence == n && digest_sha256(before, sizeof(before), digest) >= 0 &&
		    memcmp(digest, e.before, sizeof(digest)) == 0)
			continue;
		if (report_add(report, &f) < 0)
			return diag_no_memory();
	}
	return 0;
}
