/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of dm-integrity's own algorithms; the tags of sectors: integrity.h. */
#ifndef HOLDFAST_USERSPACE_INTEGRITY_TAG_H
#define HOLDFAST_USERSPACE_INTEGRITY_TAG_H

#include "userspace/integrity/private.h"

/* Bytes of a hash by @algorithm; 0: it is not known, or NULL. */
size_t integrity_hash_bytes(const char *algorithm);
/* One hash for each worker of env->pool and one more. Speaks; needs integrity_hashes_free() also
 * after a failure. */
int integrity_hashes_init(struct integrity_hashes *h, const struct integrity_params *p,
			  const struct env *env);
void integrity_hashes_free(struct integrity_hashes *h);

/* True if all @n bytes (at least one) are @byte. */
bool integrity_is_all(const uint8_t *p, size_t n, uint8_t byte);

#endif
