/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a dm-integrity superblock fits its parameters, and the MACs of the journal. */
#ifndef HOLDFAST_USERSPACE_INTEGRITY_SUPERBLOCK_H
#define HOLDFAST_USERSPACE_INTEGRITY_SUPERBLOCK_H

#include "crypto/mac.h"
#include "userspace/integrity/integrity.h"

/* Checks @sb against @p and the size of @below, and returns its geometry. -EUCLEAN where they do
 * not fit. Speaks. */
int integrity_fits(const struct io *below, const struct integrity_params *p,
		   const struct integrity_superblock *sb, struct integrity_geometry *ret);
/* The MAC of @p's journal key; NULL without one. Speaks. */
int integrity_journal_mac(const struct integrity_params *p, struct mac **ret);
/* Computes the MAC of journal section number @section, whose contents are @bytes. Silent. */
int integrity_mac_section(struct mac *mac, const struct integrity_superblock *sb,
			  const struct integrity_geometry *g, uint32_t section,
			  const uint8_t *bytes, uint8_t ret[static INTEGRITY_MAC_BYTES]);
/* True if the superblock itself has a MAC (only with INTEGRITY_FIXED_HMAC). */
bool integrity_has_mac(const struct integrity_superblock *sb, const struct integrity_params *p);
/* Computes the MAC of an encoded superblock. Speaks. */
int integrity_mac_superblock(const struct integrity_params *p, const uint8_t *bytes,
			     uint8_t ret[static INTEGRITY_MAC_BYTES]);

#endif
