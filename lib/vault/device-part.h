/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the device part: a layout with everything that was decided and learnt, as records. The
 * records of its keys come from elsewhere, encoded already. */
#ifndef HOLDFAST_VAULT_DEVICE_PART_H
#define HOLDFAST_VAULT_DEVICE_PART_H

#include "base/text.h"
#include "crypto/digest.h"
#include "model/layout.h"

/* Appends the records of @layout: everything but keys. Failing sets to->failed. */
void device_part_describe(const struct layout *layout, struct text *to);
/* Appends the records of an encoded device part, without those of its keys. */
void device_part_copy(const uint8_t *bytes, size_t len, struct text *to);
/* A whole device part, ready for vault_commit(): @description is from one of the two above, @keys
 * (NULL: none) are records. */
int device_part_encode(const struct text *description, const struct text *keys, struct text *to);
/* Over the records of @v and of all keystores; stable until one of them changes. */
int device_part_digest(const struct volume *v, uint8_t ret[static SHA256_BYTES]);

/* Appends one record. */
void device_part_put(struct text *to, unsigned type, const void *value, size_t len);

#endif
