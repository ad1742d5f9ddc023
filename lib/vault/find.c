/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the vault of a target without a layout. */
#include "base/cleanup.h"
#include "base/overflow.h"
#include "format/dps.h"
#include "format/gpt.h"
#include "format/vault.h"
#include "vault/find.h"

/* The vault's entry in the copy of the partition table whose header is at @lba. */
static bool find_entry(struct io *target, uint64_t lba, struct extent *ret)
{
	_cleanup_free_ uint8_t *sector = malloc(target->sector_bytes);
	uint8_t bytes[GPT_ENTRY_BYTES];
	struct gpt_header h;
	struct gpt_entry e;
	const char *why;

	if (!sector ||
	    io_read(target, sector, target->sector_bytes, lba * target->sector_bytes) < 0 ||
	    gpt_decode_header(sector, target->sector_bytes, &h, &why) < 0 ||
	    h.entries_lba > target->size_bytes / target->sector_bytes)
		return false;
	for (uint32_t i = 0; i < h.entries; i++) {
		if (io_read(target, bytes, sizeof(bytes),
			    h.entries_lba * target->sector_bytes + i * GPT_ENTRY_BYTES) < 0)
			return false;
		if (gpt_decode_entry(bytes, sizeof(bytes), &e) != 1 ||
		    !uuid_equal(&e.type, &dps_vault_type))
			continue;
		return mul_u64(e.first_lba, target->sector_bytes, &ret->offset_bytes) &&
		       mul_u64(e.last_lba - e.first_lba + 1, target->sector_bytes,
			       &ret->size_bytes);
	}
	return false;
}

/* The header of a copy says where its vault is. @ret_newer: its version where it is a newer one,
 * which may say that elsewhere. */
static bool find_header(struct io *target, uint64_t offset, struct extent *ret, uint32_t *ret_newer)
{
	struct vault_copy_header h;
	uint8_t head[VAULT_HEADER_BYTES];

	*ret_newer = 0;
	if (!range_inside(offset, sizeof(head), target->size_bytes) ||
	    io_read(target, head, sizeof(head), offset) < 0)
		return false;
	*ret_newer = vault_newer_header(head, sizeof(head));
	if (vault_decode_copy(head, sizeof(head), &h) < 0 || h.vault_offset != offset)
		return false;
	*ret = (struct extent){h.vault_offset, h.vault_bytes};
	return true;
}

/* Where the layout of a raw medium may have put it. One that is known wins over a newer header. */
static int scan(struct io *target, struct vault **ret)
{
	uint64_t newer_at = 0;
	uint32_t newer = 0, version;
	struct extent e;
	int r = 0;

	for (uint64_t at = 0; at < VAULT_SCAN_END; at += VAULT_SCAN_STEP)
		io_hint(target, IO_WILL_READ, at, VAULT_HEADER_BYTES);
	for (uint64_t at = 0; at < VAULT_SCAN_END && r == 0; at += VAULT_SCAN_STEP) {
		if (find_header(target, at, &e, &version))
			r = vault_open(target, e.offset_bytes, e.size_bytes, ret);
		if (!newer && version) {
			newer = version;
			newer_at = at;
		}
	}
	return r == 0 && newer ? vault_note_newer(target, newer_at, newer, ret) : r;
}

int vault_find(struct io *target, struct vault **ret)
{
	uint64_t sectors = target->size_bytes / target->sector_bytes;
	struct extent e;
	uint32_t newer;
	int r = 0;

	if (sectors < 8)
		return 0;
	if (find_entry(target, 1, &e) || find_entry(target, sectors - 1, &e))
		r = vault_open(target, e.offset_bytes, e.size_bytes, ret);
	if (r == 0 && find_header(target, VAULT_DEFAULT_OFFSET, &e, &newer))
		r = vault_open(target, e.offset_bytes, e.size_bytes, ret);
	if (r == 0)
		r = vault_open(target, VAULT_DEFAULT_OFFSET, VAULT_DEFAULT_SIZE, ret);
	return r == 0 ? scan(target, ret) : r;
}
