/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a verity volume: the vault's record, the superblock, the root hash. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/io.h"
#include "layer/verity/device.h"
#include "layer/verity/geometry.h"
#include "layer/verity/record.h"
#include "model/build.h"

bool verity_layer_same_params(const struct verity_params *a, const struct verity_params *b)
{
	return a->hash_type == b->hash_type && a->data_blocks == b->data_blocks &&
	       a->data_block_bytes == b->data_block_bytes &&
	       a->hash_block_bytes == b->hash_block_bytes && a->salt_len == b->salt_len &&
	       strcmp(a->algorithm, b->algorithm) == 0 &&
	       memcmp(a->salt, b->salt, a->salt_len) == 0 && uuid_equal(&a->uuid, &b->uuid);
}

static int number_learned(const struct layer *l, const char *name, uint64_t *ret)
{
	const char *text = layer_learned(l, name);
	char *end;

	if (!text)
		return -ENOENT;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno || *end || end == text ? -EUCLEAN : 0;
}

int verity_layer_params_from_learned(const struct layer *l, struct verity_params *p)
{
	const char *salt = layer_learned(l, "salt"), *uuid = layer_learned(l, "uuid");
	size_t salt_len = 0;
	uint64_t type = 0, room = 0;
	int blocks, known_type;

	verity_layer_params_from_options(l, p);
	blocks = number_learned(l, "data-blocks", &p->data_blocks);
	known_type = number_learned(l, "hash-type", &type);
	if (!salt || !uuid || blocks == -ENOENT || known_type == -ENOENT)
		return -ENOENT;
	if (hex_decode_upto(strcmp(salt, "-") == 0 ? "" : salt, p->salt, VERITY_SALT_MAX,
			    &salt_len) < 0 ||
	    uuid_scan(uuid, &p->uuid) < 0 || blocks < 0 || known_type < 0 || type > 1 ||
	    p->data_blocks == 0 || layer_below_gives(l, &room) < 0 ||
	    p->data_blocks > room / p->data_block_bytes)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the vault's record of %s cannot be used",
				 l->volume->full_name);
	p->hash_type = (uint32_t)type;
	p->salt_len = (uint16_t)salt_len;
	return 0;
}

int verity_layer_read_superblock(const struct layer *l, struct job *job, uint64_t offset,
				 struct verity_params *ret, const char **ret_why)
{
	uint8_t block[VERITY_SUPERBLOCK_BYTES];
	int r = io_read(job->target, block, sizeof(block), offset);

	if (r < 0) {
		*ret_why = "the superblock cannot be read";
		return r;
	}
	return verity_decode(block, sizeof(block), ret, ret_why);
}

/* The options of a volume that was found without a layout follow its superblock. */
static int options_from_superblock(struct layer *l, const struct verity_params *p)
{
	const struct where nowhere = {0};
	char data[16], hash[16];
	const char *texts[] = {p->algorithm, data, hash};
	static const char *const names[] = {"hash", "data-block", "hash-block"};
	int r = 0;

	snprintf(data, sizeof(data), "%u", p->data_block_bytes);
	snprintf(hash, sizeof(hash), "%u", p->hash_block_bytes);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = layer_set(l, names[i], &texts[i], 1, nowhere);
	return r;
}

static int learn_params(struct layer *l, const struct verity_params *p)
{
	char salt[2 * VERITY_SALT_MAX + 1], uuid[UUID_TEXT_SIZE];
	int r;

	hex_encode(p->salt, p->salt_len, salt);
	uuid_print(&p->uuid, uuid);
	r = layer_learn(l, "data-blocks", "%" PRIu64, p->data_blocks);
	if (r >= 0)
		r = layer_learn(l, "hash-type", "%u", p->hash_type);
	if (r >= 0)
		r = layer_learn(l, "salt", "%s", p->salt_len ? salt : "-");
	return r < 0 ? r : layer_learn(l, "uuid", "%s", uuid);
}

int verity_layer_load_params(const struct layer *cl, struct job *job, struct verity_params *p)
{
	struct layer *l = (struct layer *)(uintptr_t)cl;
	const char *why = NULL;
	int r = verity_layer_params_from_learned(l, p);

	if (r != -ENOENT)
		return r;
	if (verity_layer_is_appended(l) || !l->volume->pieces[ROLE_HASH].extent.size_bytes)
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "it is not known where %s has its hash tree",
				 l->volume->full_name);
	r = verity_layer_read_superblock(l, job, l->volume->pieces[ROLE_HASH].extent.offset_bytes,
					 p, &why);
	if (r < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: %s", l->volume->full_name, why);
	r = options_from_superblock(l, p);
	return r < 0 ? r : learn_params(l, p);
}

int verity_layer_root_hash(const struct layer *l, uint8_t ret[static DIGEST_MAX_BYTES])
{
	const char *text = layer_learned(l, "root-hash");
	size_t len = digest_bytes(l->values[VERITY_HASH].text);

	if (!text || hex_decode(text, ret, len) < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the root hash of %s is not known",
				 l->volume->full_name);
	return 0;
}

/* Discoverable Partitions: the data partition's UUID is the root hash's first half, the tree's its
 * second. Where the plan gave them UUIDs of their own they keep them. */
static void name_partitions(struct volume *v, const uint8_t *root, size_t len)
{
	if (uuid_is_nil(&v->pieces[ROLE_DATA].uuid))
		memcpy(v->pieces[ROLE_DATA].uuid.b, root, 16);
	if (v->pieces[ROLE_HASH].extent.size_bytes && uuid_is_nil(&v->pieces[ROLE_HASH].uuid))
		memcpy(v->pieces[ROLE_HASH].uuid.b, root + len - 16, 16);
}

/* After the steps: the superblock and the top block are the results. */
int verity_layer_learn(struct layer *l, struct job *job)
{
	const char *old = layer_learned(l, "root-hash"), *why;
	uint8_t root[DIGEST_MAX_BYTES];
	char hex[2 * DIGEST_MAX_BYTES + 1];
	_cleanup_verity_assembled_ struct verity_assembled a = {0};
	struct verity_params p;
	uint64_t bytes;
	int r = verity_layer_data_bytes(l, &bytes);

	if (r < 0)
		return r;
	verity_layer_params_from_options(l, &p);
	p.data_blocks = bytes / p.data_block_bytes;
	r = verity_layer_read_superblock(l, job, verity_layer_superblock_offset(l, &p), &p, &why);
	if (r < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: %s", l->volume->full_name, why);
	r = verity_layer_assemble(l, job, ATTACH_READ_RAW, &p, &a);
	if (r >= 0)
		r = verity_root(&a.d, root);
	if (r < 0)
		return r;
	hex_encode(root, a.d.tree.digest_bytes, hex);
	if (old && strcmp(old, hex) != 0)
		return diag_fail(DIAG_TAMPERED, EUCLEAN, "%s: the root hash is %s, not %s",
				 l->volume->full_name, hex, old);
	name_partitions(l->volume, root, a.d.tree.digest_bytes);
	r = learn_params(l, &p);
	return r < 0 ? r : layer_learn(l, "root-hash", "%s", hex);
}
