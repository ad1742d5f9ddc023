/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a dm-integrity superblock against its parameters; MACs of the journal and superblock. */
#include <errno.h>
#include <inttypes.h>

#include "base/diag.h"
#include "userspace/integrity/superblock.h"
#include "userspace/integrity/tag.h"

static int fail_fit(const struct io *below, const char *why)
{
	return diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: dm-integrity: %s", below->name, why);
}

int integrity_fits(const struct io *below, const struct integrity_params *p,
		   const struct integrity_superblock *sb, struct integrity_geometry *ret)
{
	size_t tag = p->tag_bytes ? p->tag_bytes : integrity_hash_bytes(p->algorithm);
	struct integrity_geometry g;
	const char *why;

	if (integrity_geometry(sb, &g, &why) < 0)
		return fail_fit(below, why);
	if (g.end_bytes > below->size_bytes)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "%s has %" PRIu64
				 " bytes, but its dm-integrity superblock is for %" PRIu64,
				 below->name, below->size_bytes, g.end_bytes);
	if (g.sector_bytes != p->sector_bytes)
		return fail_fit(below, "the superblock has another sector size");
	if (g.tag_bytes != tag)
		return fail_fit(below, "the superblock has another tag size");
	if (g.journal_mac != (p->journal_key_len > 0))
		return fail_fit(below, g.journal_mac
					   ? "its journal has a MAC, but there is no key"
					   : "its journal has no MAC, but there is a key");
	if (!p->algorithm && sb->flags & (INTEGRITY_RECALCULATING | INTEGRITY_DIRTY_BITMAP))
		return fail_fit(below, "it is to recalculate tags, but they are dm-crypt's");
	*ret = g;
	return 0;
}

int integrity_journal_mac(const struct integrity_params *p, struct mac **ret)
{
	*ret = NULL;
	if (!p->journal_key_len)
		return 0;
	return mac_new("hmac(sha256)", p->journal_key, p->journal_key_len, ret);
}

int integrity_mac_section(struct mac *mac, const struct integrity_superblock *sb,
			  const struct integrity_geometry *g, uint32_t section,
			  const uint8_t *bytes, uint8_t ret[static INTEGRITY_MAC_BYTES])
{
	uint8_t message[INTEGRITY_SECTION_MESSAGE_MAX];
	size_t len = integrity_section_message(sb, g, section, bytes, message);

	return mac_run(mac, &(struct mac_piece){message, len}, 1, ret);
}

bool integrity_has_mac(const struct integrity_superblock *sb, const struct integrity_params *p)
{
	return p->journal_key_len && sb->flags & INTEGRITY_FIXED_HMAC;
}

int integrity_mac_superblock(const struct integrity_params *p, const uint8_t *bytes,
			     uint8_t ret[static INTEGRITY_MAC_BYTES])
{
	_cleanup_mac_ struct mac *mac = NULL;
	int r = integrity_journal_mac(p, &mac);

	if (r < 0)
		return r;
	if (mac_run(mac, &(struct mac_piece){bytes, INTEGRITY_MAC_OFFSET}, 1, ret) < 0)
		return diag_fail(DIAG_INTERNAL, EIO, "OpenSSL failed to make a MAC");
	return 0;
}

int integrity_authentic(const uint8_t *bytes, const struct integrity_superblock *sb,
			const struct integrity_params *p)
{
	uint8_t mac[INTEGRITY_MAC_BYTES];
	int r;

	if (!integrity_has_mac(sb, p))
		return 1;
	r = integrity_mac_superblock(p, bytes, mac);
	return r < 0 ? r : digest_equal(mac, bytes + INTEGRITY_MAC_OFFSET, sizeof(mac));
}
