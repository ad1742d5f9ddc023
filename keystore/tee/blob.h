/* SPDX-License-Identifier: Apache-2.0 */
/* A secret that the trusted application sealed, as far as it can be read without the TEE. */
#ifndef HOLDFAST_KEYSTORE_TEE_BLOB_H
#define HOLDFAST_KEYSTORE_TEE_BLOB_H

#include <stdbool.h>

#include "keystore/tee/ta/holdfast-ta.h"

struct tee_blob {
	enum ta_storage storage; /* of the counters that it is bound to */
	bool next;               /* opens only after TA_ADVANCE */
	uint8_t identity[32];    /* of the device */
	uint64_t rotation;       /* the value of R at which it opens */
};

/* 0, or -EINVAL. Pure and silent. */
int tee_blob_decode(const uint8_t *blob, size_t len, struct tee_blob *ret);

#endif
