/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity: read-only bytes under a hash tree, in a partition of its own or after the data. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/overflow.h"
#include "format/dps.h"
#include "layer/registry.h"
#include "layer/verity/device.h"
#include "layer/verity/geometry.h"
#include "layer/verity/kernel.h"
#include "layer/verity/record.h"
#include "layer/verity/verify.h"
#include "model/build.h"

static const char *const hash_words[] = {"sha256", "sha512", NULL};
static const char *const tree_words[] = {"own", "appended", NULL};
static const char *const corruption_words[] = {"eio", "restart", "panic", NULL};

static const struct option_spec options[] = {
    [VERITY_HASH] = {"hash", OPTION_WORD, "sha256", .words = hash_words,
		     .help = "Hash of the tree"},
    [VERITY_DATA_BLOCK] = {"data-block", OPTION_SIZE, "4096", 512, 4096, .power_of_2 = true,
			   .help =
			       "Bytes that one hash covers; the kernel takes up to its page size"},
    [VERITY_HASH_BLOCK] = {"hash-block", OPTION_SIZE, "4096", 512, 4096, .power_of_2 = true,
			   .help = "Bytes of a block of the tree"},
    [VERITY_SALT] = {"salt", OPTION_HEX, .min = 0, .max = VERITY_SALT_MAX,
		     .help =
			 "Hashed with every block; default: 32 bytes from the seed; \"-\": none"},
    [VERITY_TREE] = {"tree", OPTION_WORD, "own", .words = tree_words,
		     .help =
			 "own: in a partition beside the data, paired with it as the Discoverable "
			 "Partitions Specification says; appended: after the data"},
    [VERITY_ON_CORRUPTION] = {"on-corruption", OPTION_WORD, "eio", .words = corruption_words,
			      .help = "What the kernel does when a block does not verify"},
    [VERITY_CHECK_ONCE] = {"check-at-most-once", OPTION_FLAG, "false",
			   .help =
			       "Blocks are checked when first read only: faster, weaker against an "
			       "attacker who changes the medium while it runs"},
    [VERITY_FEC_ROOTS] = {"fec-roots", OPTION_NUMBER, "0", .max = 24,
			  .help = "Parity bytes of forward error correction",
			  .not_built = "forward error correction comes with a later version"},
    [VERITY_SIGN] = {"sign", OPTION_FLAG, "false", .help = "Sign the root hash",
		     .not_built = "signing comes with a later version"},
    {0},
};

/* --- geometry --- */

/* --- planning --- */

static int check(const struct layer *l)
{
	struct bound b = {0};
	char at[WHERE_SIZE];

	if (!l->above)
		return diag_fail(
		    DIAG_LAYOUT_TYPE, EINVAL,
		    "%svolume \"%s\": verity needs contents above it: filesystem or image",
		    where_text(&l->where, at), l->volume->name);
	if (l->volume->layers[0]->ops->bound)
		l->volume->layers[0]->ops->bound(l->volume->layers[0], &b);
	if (b.kind == BOUND_FILL)
		return diag_fail(
		    DIAG_LAYOUT_TYPE, EINVAL,
		    "%svolume \"%s\": size = \"fill\" under verity would make the root hash "
		    "depend on the device; give a size, or \"auto\"",
		    where_text(&l->where, at), l->volume->name);
	return 0;
}

/* The type that belongs to the data partition's; false: that one has no companion for a tree. */
static bool tree_type(const struct uuid *data, struct uuid *ret)
{
	const struct dps_type *t = dps_companion(data, DPS_VERITY);

	*ret = t ? t->uuid : dps_by_name("linux-generic", NULL)->uuid;
	return t != NULL;
}

static int request_tree(const struct layer *l, struct plan *p, const struct bound *bound,
			uint64_t need)
{
	struct request *q = plan_request(p, REQUEST_VOLUME, l->volume, ROLE_HASH);
	const struct volume *v = l->volume;
	bool paired;
	int n, r;

	if (!q)
		return -E2BIG;
	q->what = arena_print(&p->arena, "volume %s, hash tree", v->full_name);
	q->where = l->where;
	q->size_bytes =
	    verity_layer_tree_bytes(l, bound->kind == BOUND_FIXED ? bound->bytes : need);
	q->in_table = true;
	q->flags = DPS_FLAG_READ_ONLY;
	paired = tree_type(&bound->type, &q->type);
	n = snprintf(q->label, sizeof(q->label), "%.20s%s%.6s-verity", v->name, v->slot ? "-" : "",
		     v->slot ? v->slot : "");
	if (n < 0 || !q->what)
		return diag_no_memory();
	if (paired && !v->reserved)
		return 0;
	r = plan_derive(p, v, "hash partition", q->uuid.b, sizeof(q->uuid.b));
	uuid_set_version(&q->uuid);
	return r;
}

/* The kernel refuses blocks that are smaller than what the target reads at once. */
static int check_sectors(const struct layer *l, const struct plan *p)
{
	static const int blocks[] = {VERITY_DATA_BLOCK, VERITY_HASH_BLOCK};
	char at[WHERE_SIZE];

	for (int i = 0; i < 2; i++) {
		const struct option_value *v = &l->values[blocks[i]];

		if (v->number < p->sector_bytes)
			return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
					 "%svolume \"%s\": %s = %s, but the target has sectors of "
					 "%u bytes: write %s = %u",
					 where_text(&v->where, at), l->volume->name,
					 options[blocks[i]].name, v->text, p->sector_bytes,
					 options[blocks[i]].name, p->sector_bytes);
	}
	return 0;
}

static int size(const struct layer *l, struct sizing *s, struct plan *p)
{
	uint64_t need =
	    round_up(max_u64(s->need_bytes, s->least_bytes), l->values[VERITY_DATA_BLOCK].number);
	int r = check_sectors(l, p);

	if (r < 0)
		return r;
	if (verity_layer_is_appended(l)) {
		need = round_up(need, l->values[VERITY_HASH_BLOCK].number);
		need +=
		    need ? verity_layer_tree_bytes(l, need) : 0; /* over what gives() will give */
		s->need_bytes = s->least_bytes = need;
		return 0;
	}
	s->need_bytes = s->least_bytes = need;
	return request_tree(l, p, &s->bound, need);
}

/* What the steps need to know; public values from the seed, so the same in every run. */
static int final_params(const struct layer *l, const struct plan *plan, struct verity_params *p)
{
	uint64_t bytes;
	int r = verity_layer_data_bytes(l, &bytes);

	verity_layer_params_from_options(l, p);
	p->data_blocks = bytes / p->data_block_bytes;
	if (r >= 0 && l->values[VERITY_SALT].present) {
		p->salt_len = (uint16_t)l->values[VERITY_SALT].n_bytes;
		memcpy(p->salt, l->values[VERITY_SALT].bytes, p->salt_len);
	} else if (r >= 0) {
		p->salt_len = 32;
		r = plan_derive(plan, l->volume, "verity salt", p->salt, p->salt_len);
	}
	if (r >= 0)
		r = plan_derive(plan, l->volume, "verity superblock", p->uuid.b, sizeof(p->uuid.b));
	uuid_set_version(&p->uuid);
	return r;
}

/* --- steps --- */

static int checkpoint(void *ctx, uint64_t bytes)
{
	return cursor_done(ctx, bytes);
}

/* What lies between the contents' end and the end of the last block is hashed, too: zeroes. */
static int zero_tail(const struct layer *l, const struct verity_params *p, struct io *data)
{
	uint64_t content = l->above->source.content_bytes;
	uint64_t end = p->data_blocks * p->data_block_bytes;
	int r = content && content < end ? io_zero(data, content, end - content) : 0;

	return r < 0 ? io_fail(data, r, "writing", content, end - content) : 0;
}

static int run_tree(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct verity_params *p = s->params;
	_cleanup_verity_assembled_ struct verity_assembled a = {0};
	int r = verity_layer_assemble(s->layer, job, ATTACH_WRITE, p, &a);

	if (r >= 0)
		r = zero_tail(s->layer, p, a.d.data);
	if (r < 0)
		return r;
	return verity_build(&a.d, job->env, cursor ? cursor->start : 0, checkpoint, cursor);
}

static int run_superblock(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct verity_params *p = s->params;
	uint8_t block[VERITY_BLOCK_MAX] = {0};
	uint64_t offset = verity_layer_superblock_offset(s->layer, p);
	int r;

	verity_encode(p, block);
	r = io_write(job->target, block, p->hash_block_bytes, offset);
	return r < 0 ? io_fail(job->target, r, "writing", offset, p->hash_block_bytes) : 0;
}

static const struct step_ops tree_step = {"hash tree", STEP_CURSOR, run_tree, NULL};
static const struct step_ops superblock_step = {"verity superblock", STEP_REDO, run_superblock,
						NULL};

static int plan(const struct layer *l, struct plan *plan)
{
	struct verity_params *p = arena_new(&plan->arena, struct verity_params);
	struct step step = {.layer = l, .params = p, .ops = &tree_step};
	uint64_t data;
	int r = p ? final_params(l, plan, p) : diag_no_memory();

	if (r < 0)
		return r;
	data = p->data_blocks * p->data_block_bytes;
	step.target.offset_bytes = verity_layer_superblock_offset(l, p) + p->hash_block_bytes;
	step.target.size_bytes = verity_layer_tree_bytes(l, data) - p->hash_block_bytes;
	step.work_bytes = data;
	step.detail = arena_print(&plan->arena, "%s, %" PRIu64 " blocks of %u", p->algorithm,
				  p->data_blocks, p->data_block_bytes);
	if (!step.detail)
		return diag_no_memory();
	r = plan_add(plan, &step);
	step = (struct step){.layer = l, .params = p, .ops = &superblock_step};
	step.target.offset_bytes = verity_layer_superblock_offset(l, p);
	step.target.size_bytes = p->hash_block_bytes;
	return r < 0 ? r : plan_add(plan, &step);
}

static bool authenticates(const struct layer *l)
{
	return true;
}

static const struct option_spec learns[] = {
    {"root-hash", OPTION_HEX, .min = 1, .max = DIGEST_MAX_BYTES},
    {"salt", OPTION_HEX, .max = VERITY_SALT_MAX},
    {"uuid", OPTION_UUID},
    {"data-blocks", OPTION_NUMBER, .min = 1},
    {"hash-type", OPTION_NUMBER, .max = 1},
    {0},
};

const struct layer_ops layer_verity = {
    .name = "verity",
    .summary = "Authenticates read-only contents with a hash tree (dm-verity).",
    .example = "verity { on-corruption = \"restart\" }",
    .consumes = PLACE_BYTES,
    .provides = PLACE_BYTES_RO,
    .options = options,
    .check = check,
    .size = size,
    .gives = verity_layer_gives,
    .plan = plan,
    .learns = learns,
    .learn = verity_layer_learn,
    .probe = verity_layer_probe,
    .attach = verity_layer_attach,
    .verify = verity_layer_verify,
    .authenticates = authenticates,
    .kernel = &verity_kernel,
};
