/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed secret of keystore tee. */
#include <errno.h>
#include <string.h>

#include "keystore/tee/blob.h"

int tee_blob_decode(const uint8_t *blob, size_t len, struct tee_blob *ret)
{
	struct ta_blob_disk d;

	if (len != sizeof(d))
		return -EINVAL;
	memcpy(&d, blob, sizeof(d));
	if (memcmp(d.magic, TA_BLOB_MAGIC, sizeof(d.magic)) != 0 ||
	    le32_get(d.version) != TA_BLOB_VERSION || le32_get(d.storage) < TA_RPMB ||
	    le32_get(d.storage) > TA_REE || le32_get(d.flags) & ~(uint32_t)TA_SEAL_NEXT ||
	    le32_get(d.zero) != 0)
		return -EINVAL;
	*ret = (struct tee_blob){
	    .storage = (enum ta_storage)le32_get(d.storage),
	    .next = le32_get(d.flags) & TA_SEAL_NEXT,
	    .rotation = le64_get(d.rotation),
	};
	memcpy(ret->identity, d.identity, sizeof(d.identity));
	return 0;
}
