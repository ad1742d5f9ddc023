/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a verity volume through the kernel, now or at boot. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "base/text.h"
#include "kernel/dm.h"
#include "layer/mapping.h"
#include "layer/partition.h"
#include "layer/verity/geometry.h"
#include "layer/verity/kernel.h"
#include "layer/verity/record.h"

static const char *const corruption_params[] = {NULL, "restart_on_corruption",
						"panic_on_corruption"};

/* A dm-verity table line's parameters (Documentation/admin-guide/device-mapper/verity.rst). */
static int table(const struct layer *l, const struct verity_params *p, const char *data,
		 const char *hash, struct text *to)
{
	uint64_t start = 1; /* hash blocks before the tree: the superblock's, and appended data */
	const char *policy = corruption_params[l->values[VERITY_ON_CORRUPTION].number];
	const char *root = layer_learned(l, "root-hash");
	bool once = l->values[VERITY_CHECK_ONCE].number;
	char salt[2 * VERITY_SALT_MAX + 1];

	if (!root)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the root hash of %s is not known",
				 l->volume->full_name);
	if (verity_layer_is_appended(l))
		start += round_up(p->data_blocks * p->data_block_bytes, p->hash_block_bytes) /
			 p->hash_block_bytes;
	hex_encode(p->salt, p->salt_len, salt);
	text_add(to, "%u %s %s %u %u %" PRIu64 " %" PRIu64 " %s %s %s", p->hash_type, data, hash,
		 p->data_block_bytes, p->hash_block_bytes, p->data_blocks, start, p->algorithm,
		 root, p->salt_len ? salt : "-");
	if (policy || once)
		text_add(to, " %d%s%s%s", (policy != NULL) + once, policy ? " " : "",
			 policy ? policy : "", once ? " check_at_most_once" : "");
	return to->failed ? diag_no_memory() : 0;
}

/* Opening does not need the superblock, but one that was changed is evidence of tampering. */
static int refuse_changed_superblock(const struct layer *l, struct job *job,
				     const struct verity_params *p)
{
	struct verity_params on_medium;
	const char *why = "is not the one that was laid out";
	int r = verity_layer_read_superblock(l, job, verity_layer_superblock_offset(l, p),
					     &on_medium, &why);

	if (r >= 0 && verity_layer_same_params(p, &on_medium))
		return 0;
	return layer_refuse_changed(l, job, "verity superblock", why);
}

static int map(const struct layer *l, const struct open_how *how, const struct verity_params *p,
	       const struct place *data, const struct place *hash, struct place *ret)
{
	_cleanup_text_ struct text params = {0};
	struct mapping_target target = {.len_bytes = p->data_blocks * p->data_block_bytes,
					.type = "verity"};
	char uuid[128];
	int r = table(l, p, data->path, hash->path, &params);

	if (r < 0)
		return r;
	*ret = (struct place){
	    .kind = PLACE_BYTES_RO, .size_bytes = target.len_bytes, .read_only = true};
	mapping_name_of_layer(l, how, NULL, ret->dm_name);
	snprintf(uuid, sizeof(uuid), MAPPING_UUID_PREFIX "VERITY-%.100s", ret->dm_name);
	target.params = params.s;
	return mapping_make(ret->dm_name, uuid, true, &target, 1, ret->path);
}

static int open_layer(const struct layer *l, struct job *job, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	struct open_how read_only = *how;
	struct verity_params p;
	struct place hash = *below;
	int r = verity_layer_load_params(l, job, &p);

	read_only.read_only = true;
	if (r >= 0)
		r = refuse_changed_superblock(l, job, &p);
	if (r >= 0 && !verity_layer_is_appended(l))
		r = partition_open_role(l->volume, job, &read_only, ROLE_HASH, &hash);
	if (r < 0)
		return r;
	r = map(l, how, &p, below, &hash, ret);
	if (r < 0 && !verity_layer_is_appended(l))
		partition_close_role(l->volume, how, ROLE_HASH);
	return r;
}

static int close_layer(const struct layer *l, struct job *job, const struct open_how *how)
{
	char name[MAPPING_NAME_SIZE];
	int r;

	mapping_name_of_layer(l, how, NULL, name);
	r = mapping_remove(name, 2000);
	return r < 0 || verity_layer_is_appended(l)
		   ? r
		   : partition_close_role(l->volume, how, ROLE_HASH);
}

static int status(const struct layer *l, struct job *job, const struct open_how *how,
		  bool *ret_open, struct text *to)
{
	char name[MAPPING_NAME_SIZE];
	struct mapping_info info;
	int r;

	mapping_name_of_layer(l, how, NULL, name);
	r = mapping_query(name, &info);
	if (r < 0)
		return r;
	*ret_open = info.exists;
	if (info.exists)
		text_add(to, "%s: %s", name,
			 info.params[0] == 'C'
			     ? "CORRUPTED: the kernel saw a block that does not verify"
			     : "verified so far");
	return 0;
}

static int cmdline(const struct layer *l, struct cmdline *c)
{
	_cleanup_text_ struct text hash = {0}, params = {0};
	const struct volume *v = l->volume;
	struct verity_params p;
	int r = verity_layer_params_from_learned(l, &p);

	if (r == -ENOENT)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the tree of %s is not known",
				 v->full_name);
	if (r >= 0)
		r = partition_device_name(v, verity_layer_is_appended(l) ? ROLE_DATA : ROLE_HASH,
					  &hash);
	if (r >= 0)
		r = table(l, &p, c->device.s, hash.s, &params);
	if (r < 0)
		return r;
	text_add(&c->create, "%s%s,,,ro,0 %" PRIu64 " verity %s", c->mappings ? ";" : "", c->name,
		 p.data_blocks * p.data_block_bytes / 512, params.s);
	text_add(&c->systemd, "roothash=%s systemd.verity_root_data=%s systemd.verity_root_hash=%s",
		 layer_learned(l, "root-hash"), c->device.s, hash.s);
	if (!verity_layer_is_appended(l))
		text_add(&c->wait_for, ",%s", hash.s);
	text_free(&c->device);
	text_add(&c->device, "/dev/dm-%u", c->mappings++);
	c->read_only = true;
	return 0;
}

const struct layer_kernel_ops verity_kernel = {
    .open = open_layer,
    .close = close_layer,
    .status = status,
    .cmdline = cmdline,
};
