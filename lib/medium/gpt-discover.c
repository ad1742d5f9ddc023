/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes that a table alone tells of: images without a vault (Discoverable Partitions). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "format/dps.h"
#include "format/verity.h"
#include "medium/gpt.h"
#include "model/build.h"

#define ROOT_BYTES 32 /* two partition UUIDs: longer root hashes cannot be told by a table */

/* --- which tree belongs to which data --- */

static void root_hash(const struct partition_facts *data, const struct partition_facts *tree,
		      uint8_t ret[static ROOT_BYTES])
{
	memcpy(ret, data->uuid.b, 16);
	memcpy(ret + 16, tree->uuid.b, 16);
}

/* Where the block lies whose digest is the root hash. False: there is no tree that could be read.
 */
static bool find_top(struct io *target, const struct partition_facts *data,
		     const struct partition_facts *tree, struct verity_params *p,
		     struct extent *ret)
{
	uint8_t bytes[VERITY_SUPERBLOCK_BYTES];
	struct verity_tree t;
	const char *why;

	if (io_read(target, bytes, sizeof(bytes), tree->extent.offset_bytes) < 0 ||
	    verity_decode(bytes, sizeof(bytes), p, &why) < 0 ||
	    digest_bytes(p->algorithm) != ROOT_BYTES || verity_tree(p, ROOT_BYTES, &t) < 0)
		return false;
	*ret = (struct extent){data->extent.offset_bytes, p->data_block_bytes};
	if (t.levels == 0)
		return true;
	*ret = (struct extent){tree->extent.offset_bytes, p->hash_block_bytes};
	return t.level[t.levels - 1].first_block < tree->extent.size_bytes / p->hash_block_bytes &&
	       add_u64(ret->offset_bytes,
		       (t.level[t.levels - 1].first_block + 1) * p->hash_block_bytes,
		       &ret->offset_bytes);
}

/* Is the top of the tree what both UUIDs together say? 1, 0, or -ENOMEM. */
static int is_pair(struct io *target, const struct partition_facts *data,
		   const struct partition_facts *tree)
{
	struct block_digest *d = NULL;
	uint8_t root[ROOT_BYTES], found[DIGEST_MAX_BYTES];
	_cleanup_free_ uint8_t *block = malloc(VERITY_BLOCK_MAX);
	struct verity_params p;
	struct extent top;
	int r;

	if (!block)
		return diag_no_memory();
	if (!find_top(target, data, tree, &p, &top) || top.size_bytes > VERITY_BLOCK_MAX ||
	    io_read(target, block, top.size_bytes, top.offset_bytes) < 0)
		return 0;
	r = block_digest_new(p.algorithm, p.salt, p.salt_len, p.hash_type == 1, &d);
	if (r >= 0)
		r = block_digest_run(d, block, top.size_bytes, 1, found, ROOT_BYTES);
	block_digest_free(d);
	root_hash(data, tree, root);
	return r < 0 ? r : memcmp(root, found, ROOT_BYTES) == 0;
}

/* The @index-th partition of @type, or NULL. */
static const struct partition_facts *nth_of(const struct medium_facts *f, const struct uuid *type,
					    size_t index)
{
	array_each (p, &f->partitions) {
		if (uuid_equal(&p->type, type) && index-- == 0)
			return p;
	}
	return NULL;
}

static size_t index_of(const struct medium_facts *f, const struct partition_facts *data)
{
	size_t index = 0;

	for (const struct partition_facts *p = f->partitions.v; p < data; p++)
		index += uuid_equal(&p->type, &data->type);
	return index;
}

/* Does the tree belong to a data partition, whichever? 1, 0, or -ENOMEM. */
static int is_taken(struct io *target, const struct medium_facts *f, const struct uuid *type,
		    const struct partition_facts *tree)
{
	int r = 0;

	for (size_t i = 0; i < f->partitions.n && r == 0; i++) {
		if (uuid_equal(&f->partitions.v[i].type, type))
			r = is_pair(target, &f->partitions.v[i], tree);
	}
	return r;
}

/*
 * The tree whose top block matches both UUIDs. Where there is none, the one that has the same
 * order as its data, unless it is somebody else's: then damage in it shows as damage.
 */
static int find_tree(struct io *target, const struct medium_facts *f,
		     const struct partition_facts *data, const struct partition_facts **ret)
{
	const struct dps_type *type = dps_companion(&data->type, DPS_VERITY);
	const struct partition_facts *tree;
	int r = 0;

	*ret = NULL;
	for (size_t i = 0; type && (tree = nth_of(f, &type->uuid, i)); i++) {
		r = is_pair(target, data, tree);
		if (r < 0)
			return r;
		if (r == 1) {
			*ret = tree;
			return 0;
		}
	}
	tree = type ? nth_of(f, &type->uuid, index_of(f, data)) : NULL;
	r = tree ? is_taken(target, f, &data->type, tree) : 0;
	if (r == 0)
		*ret = tree;
	return r < 0 ? r : 0;
}

/* --- volumes --- */

static void take(struct volume *v, enum role role, const struct partition_facts *p)
{
	struct piece *piece = &v->pieces[role];

	*piece = (struct piece){
	    .extent = p->extent,
	    .uuid = p->uuid,
	    .type = p->type,
	    .number = p->number,
	};
	snprintf(piece->label, sizeof(piece->label), "%.36s", p->label);
}

/* "root" for the only one of its type, "root-5" where there are several, else "partition5". */
static void name_of(const struct medium_facts *f, const struct partition_facts *p,
		    const struct dps_type *type, char ret[static NAME_MAX_BYTES + 1])
{
	if (!type || strcmp(type->name, "linux-generic") == 0)
		snprintf(ret, NAME_MAX_BYTES + 1, "partition%u", p->number);
	else if (nth_of(f, &p->type, 1))
		snprintf(ret, NAME_MAX_BYTES + 1, "%s-%u", type->name, p->number);
	else
		snprintf(ret, NAME_MAX_BYTES + 1, "%s", type->name);
}

static int add_tree(struct volume *v, const struct partition_facts *data,
		    const struct partition_facts *tree, const struct layer_ops *const *layers)
{
	const struct where nowhere = {0};
	uint8_t root[ROOT_BYTES];
	char hex[2 * ROOT_BYTES + 1];
	const struct layer_ops *over = layer_kind_between(layers, PLACE_BYTES, PLACE_BYTES_RO);
	struct layer *l = volume_add_layer(v, over, nowhere);

	if (!l)
		return -ENOMEM;
	take(v, ROLE_HASH, tree);
	root_hash(data, tree, root);
	hex_encode(root, sizeof(root), hex);
	return layer_learn(l, "root-hash", "%s", hex);
}

static int discover_one(struct medium *m, struct layout *layout, const struct medium_facts *f,
			const struct partition_facts *p, struct job *job,
			const struct layer_ops *const *layers)
{
	const struct dps_type *type = dps_by_uuid(&p->type);
	const struct partition_facts *tree;
	const struct where nowhere = {0};
	char name[NAME_MAX_BYTES + 1];
	struct volume *v;
	int r;

	if ((type && type->kind != DPS_DATA) || uuid_equal(&p->type, &dps_vault_type))
		return 0; /* belongs to another one, or to none */
	r = find_tree(job->target, f, p, &tree);
	if (r < 0)
		return r;
	name_of(f, p, type, name);
	v = layout_add_volume(layout, name, NULL, m, nowhere);
	if (!v || !volume_add_layer(v, layer_kind_between(layers, PLACE_GPT, PLACE_BYTES), nowhere))
		return -ENOMEM;
	take(v, ROLE_DATA, p);
	return tree ? add_tree(v, p, tree, layers) : 0;
}

int gpt_discover(struct medium *m, struct layout *layout, const struct medium_facts *facts,
		 struct job *job, const struct layer_ops *const *layers)
{
	array_each (p, &facts->partitions) {
		int r;

		if (layout->n_volumes == VOLUMES_MAX) {
			diag_warn("the table has more than %d partitions; the others are not "
				  "looked at",
				  VOLUMES_MAX);
			break;
		}
		r = discover_one(m, layout, facts, p, job, layers);
		if (r < 0)
			return r;
	}
	return 0;
}
