/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed secret of the TPM keystore: bytes and back. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "keystore/tpm2-blob.h"

#define VERSION     1
#define FLAG_PIN    1
#define FLAG_IMPORT 2

struct tpm2_disk {
	uint8_t magic[8];                      /*   0: "hftpm2\0\0" */
	le32_t version;                        /*   8 */
	le32_t flags;                          /*  12: 1 PIN, 2 to be imported */
	le32_t argon_memory_kib, argon_passes; /*  16: zero without a PIN */
	uint8_t salt[TPM2_BLOB_SALT_BYTES];    /*  24: likewise */
	uint8_t srk_name[34];                  /*  56 */
	uint8_t pad[6];                        /*  90 */
	le64_t erase, rotation;                /*  96 */
	uint8_t pcr_digest[32];                /* 112 */
	le32_t public_len, private_len;        /* 144 */
	le32_t seed_len, pad2;                 /* 152: the areas follow */
};
static_assert(sizeof(struct tpm2_disk) == 160, "blob");
static_assert(offsetof(struct tpm2_disk, erase) == 96, "counters");

static bool is_zero(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++) {
		if (b[i])
			return false;
	}
	return true;
}

int tpm2_blob_decode(const uint8_t *bytes, size_t len, struct tpm2_blob *ret)
{
	struct tpm2_disk d;
	struct tpm2_blob b;

	if (len < sizeof(d))
		return -EINVAL;
	memcpy(&d, bytes, sizeof(d));
	b = (struct tpm2_blob){
	    .pin = le32_get(d.flags) & FLAG_PIN,
	    .import = le32_get(d.flags) & FLAG_IMPORT,
	    .argon_memory_kib = le32_get(d.argon_memory_kib),
	    .argon_passes = le32_get(d.argon_passes),
	    .erase = le64_get(d.erase),
	    .rotation = le64_get(d.rotation),
	    .public = bytes + sizeof(d),
	    .public_len = le32_get(d.public_len),
	    .private_len = le32_get(d.private_len),
	    .seed_len = le32_get(d.seed_len),
	};
	if (memcmp(d.magic, "hftpm2\0\0", 8) != 0 || le32_get(d.version) != VERSION ||
	    le32_get(d.flags) > (FLAG_PIN | FLAG_IMPORT) || !is_zero(d.pad, sizeof(d.pad)) ||
	    b.public_len > TPM2_BLOB_AREA_MAX || b.private_len > TPM2_BLOB_AREA_MAX ||
	    b.seed_len > TPM2_BLOB_AREA_MAX || b.import != (b.seed_len > 0) || le32_get(d.pad2) ||
	    len != sizeof(d) + b.public_len + b.private_len + b.seed_len)
		return -EINVAL;
	if (b.pin ? b.argon_memory_kib < 1024 || b.argon_memory_kib > 1024 * 1024 ||
			b.argon_passes < 1 || b.argon_passes > 64
		  : b.argon_memory_kib || b.argon_passes || !is_zero(d.salt, sizeof(d.salt)))
		return -EINVAL;
	b.private = b.public + b.public_len;
	b.seed = b.private + b.private_len;
	memcpy(b.salt, d.salt, sizeof(b.salt));
	memcpy(b.srk_name, d.srk_name, sizeof(b.srk_name));
	memcpy(b.pcr_digest, d.pcr_digest, sizeof(b.pcr_digest));
	*ret = b;
	return 0;
}

void tpm2_blob_encode(const struct tpm2_blob *b, struct text *to)
{
	struct tpm2_disk d = {
	    .magic = "hftpm2",
	    .version = le32_make(VERSION),
	    .flags = le32_make((b->pin ? FLAG_PIN : 0) | (b->import ? FLAG_IMPORT : 0)),
	    .argon_memory_kib = le32_make(b->pin ? b->argon_memory_kib : 0),
	    .argon_passes = le32_make(b->pin ? b->argon_passes : 0),
	    .erase = le64_make(b->erase),
	    .rotation = le64_make(b->rotation),
	    .public_len = le32_make((uint32_t)b->public_len),
	    .private_len = le32_make((uint32_t)b->private_len),
	    .seed_len = le32_make((uint32_t)b->seed_len),
	};

	if (b->pin)
		memcpy(d.salt, b->salt, sizeof(d.salt));
	memcpy(d.srk_name, b->srk_name, sizeof(d.srk_name));
	memcpy(d.pcr_digest, b->pcr_digest, sizeof(d.pcr_digest));
	text_add_bytes(to, &d, sizeof(d));
	text_add_bytes(to, b->public, b->public_len);
	text_add_bytes(to, b->private, b->private_len);
	text_add_bytes(to, b->seed, b->seed_len);
}
