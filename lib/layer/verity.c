/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity: read-only bytes under a hash tree, in a partition of its own or behind the data. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/hex.h"
#include "base/overflow.h"
#include "format/dps.h"
#include "kernel/dm.h"
#include "layer/partition.h"
#include "layer/registry.h"
#include "model/build.h"
#include "soft/verity.h"

enum {
	HASH,
	DATA_BLOCK,
	HASH_BLOCK,
	SALT,
	TREE,
	ON_CORRUPTION,
	CHECK_ONCE,
	FEC_ROOTS,
	SIGN,
};

static const char *const hash_words[] = {"sha256", "sha512", NULL};
static const char *const tree_words[] = {"own", "appended", NULL};
enum { TREE_OWN, TREE_APPENDED };
static const char *const corruption_words[] = {"eio", "restart", "panic", NULL};
static const char *const corruption_params[] = {NULL, "restart_on_corruption",
						"panic_on_corruption"};

static const struct option_spec options[] = {
    [HASH] = {"hash", OPTION_WORD, "sha256", .words = hash_words, .help = "Hash of the tree"},
    [DATA_BLOCK] = {"data-block", OPTION_SIZE, "4096", 512, 4096, .power_of_2 = true,
		    .help = "Bytes that one hash covers; the kernel takes up to its page size"},
    [HASH_BLOCK] = {"hash-block", OPTION_SIZE, "4096", 512, 4096, .power_of_2 = true,
		    .help = "Bytes of a block of the tree"},
    [SALT] = {"salt", OPTION_HEX, .min = 0, .max = VERITY_SALT_MAX,
	      .help = "Hashed with every block; default: 32 bytes from the seed; \"-\": none"},
    [TREE] = {"tree", OPTION_WORD, "own", .words = tree_words,
	      .help = "own: in a partition beside the data, paired with it as the Discoverable "
		      "Partitions Specification says; appended: behind the data"},
    [ON_CORRUPTION] = {"on-corruption", OPTION_WORD, "eio", .words = corruption_words,
		       .help = "What the kernel does when a block does not verify"},
    [CHECK_ONCE] = {"check-at-most-once", OPTION_FLAG, "false",
		    .help = "Blocks are checked when first read only: faster, weaker against an "
			    "attacker who changes the medium while it runs"},
    [FEC_ROOTS] = {"fec-roots", OPTION_NUMBER, "0", .max = 24,
		   .help = "Parity bytes of forward error correction",
		   .not_built = "forward error correction comes with a later version"},
    [SIGN] = {"sign", OPTION_FLAG, "false", .help = "Sign the root hash",
	      .not_built = "signing comes with a later version"},
    {0},
};

static bool appended(const struct layer *l)
{
	return l->values[TREE].number == TREE_APPENDED;
}

/* --- geometry --- */

/* Everything but the number of blocks, from the options. */
static void params_from_options(const struct layer *l, struct verity_params *p)
{
	*p = (struct verity_params){
	    .hash_type = 1,
	    .data_block_bytes = (uint32_t)l->values[DATA_BLOCK].number,
	    .hash_block_bytes = (uint32_t)l->values[HASH_BLOCK].number,
	};
	snprintf(p->algorithm, sizeof(p->algorithm), "%s", l->values[HASH].text);
}

/* Bytes of superblock and tree over @data_bytes. */
static uint64_t tree_bytes(const struct layer *l, uint64_t data_bytes)
{
	struct verity_params p;
	struct verity_tree t;

	params_from_options(l, &p);
	p.data_blocks = max_u64(1, div_round_up(data_bytes, p.data_block_bytes));
	if (verity_tree(&p, (uint32_t)digest_bytes(p.algorithm), &t) < 0)
		return UINT64_MAX / 4;
	return (t.total_blocks + 1) * p.hash_block_bytes;
}

/* With an appended tree: the most data that fits into @room with its tree. */
static uint64_t data_that_fits(const struct layer *l, uint64_t room)
{
	uint64_t step = max_u64(l->values[DATA_BLOCK].number, l->values[HASH_BLOCK].number);
	uint64_t low = 0, high = room / step;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;

		if (middle * step + tree_bytes(l, middle * step) <= room)
			low = middle;
		else
			high = middle - 1;
	}
	return low * step;
}

static int gives(const struct layer *l, uint64_t *ret_bytes)
{
	uint64_t below;
	int r = layer_below_gives(l, &below);

	if (r < 0)
		return r;
	*ret_bytes = appended(l) ? data_that_fits(l, below)
				 : round_down(below, l->values[DATA_BLOCK].number);
	return 0;
}

/* How much of the place the tree covers: the contents where their size is known, else all of it. */
static int data_bytes(const struct layer *l, uint64_t *ret)
{
	int r = gives(l, ret);

	if (r >= 0 && l->above->source.content_bytes)
		*ret = round_up(l->above->source.content_bytes, l->values[DATA_BLOCK].number);
	return r;
}

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

static int tree_type(const struct layer *l, struct request *q)
{
	struct request *data_type = q; /* same volume: the partition layer knows its own type */
	const struct option_value *type = &l->volume->layers[0]->values[0];
	const char *architecture = l->volume->layout->device.architecture;
	const struct dps_type *t = dps_by_name(type->text, architecture);
	struct uuid uuid;

	if (t)
		uuid = t->uuid;
	else if (uuid_scan(type->text, &uuid) < 0)
		uuid = dps_by_name("linux-generic", NULL)->uuid;
	t = dps_companion(&uuid, DPS_VERITY);
	data_type->type = t ? t->uuid : dps_by_name("linux-generic", NULL)->uuid;
	return t != NULL;
}

static int request_tree(const struct layer *l, struct plan *p, uint64_t data)
{
	struct request *q = plan_request(p, REQUEST_VOLUME, l->volume, ROLE_HASH);
	const struct volume *v = l->volume;
	int paired, n, r;

	if (!q)
		return -E2BIG;
	q->what = arena_print(&p->arena, "volume %s, hash tree", v->full_name);
	q->where = l->where;
	q->size_bytes = tree_bytes(l, data);
	q->in_table = true;
	q->flags = DPS_FLAG_READ_ONLY;
	paired = tree_type(l, q);
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
	static const int blocks[] = {DATA_BLOCK, HASH_BLOCK};
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
	    round_up(max_u64(s->need_bytes, s->least_bytes), l->values[DATA_BLOCK].number);
	int r = check_sectors(l, p);

	if (r < 0)
		return r;
	if (appended(l)) {
		need = round_up(need, l->values[HASH_BLOCK].number);
		need += need ? tree_bytes(l, need) : 0; /* over what gives() will give */
		s->need_bytes = s->least_bytes = need;
		return 0;
	}
	s->need_bytes = s->least_bytes = need;
	return request_tree(l, p, s->bound.kind == BOUND_FIXED ? s->bound.bytes : need);
}

/* What the steps need to know; public values from the seed, so the same in every run. */
static int final_params(const struct layer *l, const struct plan *plan, struct verity_params *p)
{
	uint64_t bytes;
	int r = data_bytes(l, &bytes);

	params_from_options(l, p);
	p->data_blocks = bytes / p->data_block_bytes;
	if (r >= 0 && l->values[SALT].present) {
		p->salt_len = (uint16_t)l->values[SALT].n_bytes;
		memcpy(p->salt, l->values[SALT].bytes, p->salt_len);
	} else if (r >= 0) {
		p->salt_len = 32;
		r = plan_derive(plan, l->volume, "verity salt", p->salt, p->salt_len);
	}
	if (r >= 0)
		r = plan_derive(plan, l->volume, "verity superblock", p->uuid.b, sizeof(p->uuid.b));
	uuid_set_version(&p->uuid);
	return r;
}

/* Where the superblock lies on the target. */
static uint64_t superblock_offset(const struct layer *l, const struct verity_params *p)
{
	const struct volume *v = l->volume;

	if (!appended(l))
		return v->extent[ROLE_HASH].offset_bytes;
	return v->extent[ROLE_DATA].offset_bytes +
	       round_up(p->data_blocks * p->data_block_bytes, p->hash_block_bytes);
}

/* --- the device in user space --- */

struct assembled {
	struct verity_device d;
	struct attached below;
};

static void assembled_free(struct assembled *a)
{
	io_close(a->d.hash);
	attached_close(&a->below);
}
#define _cleanup_assembled_ __attribute__((cleanup(assembled_free)))

/* Data as the layers below give it, and the tree's area of the target, superblock first. */
static int assemble(const struct layer *l, struct env *env, enum attach_mode mode,
		    const struct verity_params *p, struct assembled *a)
{
	uint64_t offset = superblock_offset(l, p);
	uint64_t size = tree_bytes(l, p->data_blocks * p->data_block_bytes);
	int r = layer_attach_below(l, env, mode, &a->below, &a->d.data);

	if (r >= 0)
		r = io_open_window(env->target, l->volume->full_name, offset, size, &a->d.hash);
	if (r < 0)
		return r;
	a->d.params = *p;
	a->d.tree_offset_bytes = p->hash_block_bytes; /* behind the superblock's block */
	return verity_prepare(&a->d);
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

static int run_tree(const struct step *s, struct env *env, struct cursor *cursor)
{
	const struct verity_params *p = s->params;
	_cleanup_assembled_ struct assembled a = {0};
	int r = assemble(s->layer, env, ATTACH_WRITE, p, &a);

	if (r >= 0)
		r = zero_tail(s->layer, p, a.d.data);
	if (r < 0)
		return r;
	return verity_build(&a.d, env, cursor ? cursor->start : 0, checkpoint, cursor);
}

static int run_superblock(const struct step *s, struct env *env, struct cursor *cursor)
{
	const struct verity_params *p = s->params;
	uint8_t block[VERITY_BLOCK_MAX] = {0};
	uint64_t offset = superblock_offset(s->layer, p);
	int r;

	verity_encode(p, block);
	r = io_write(env->target, block, p->hash_block_bytes, offset);
	return r < 0 ? io_fail(env->target, r, "writing", offset, p->hash_block_bytes) : 0;
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
	step.target.offset_bytes = superblock_offset(l, p) + p->hash_block_bytes;
	step.target.size_bytes = tree_bytes(l, data) - p->hash_block_bytes;
	step.work_bytes = data;
	step.detail = arena_print(&plan->arena, "%s, %" PRIu64 " blocks of %u", p->algorithm,
				  p->data_blocks, p->data_block_bytes);
	if (!step.detail)
		return diag_no_memory();
	r = plan_add(plan, &step);
	step = (struct step){.layer = l, .params = p, .ops = &superblock_step};
	step.target.offset_bytes = superblock_offset(l, p);
	step.target.size_bytes = p->hash_block_bytes;
	return r < 0 ? r : plan_add(plan, &step);
}

/* --- what was learnt --- */

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

/* From the vault's record alone: -ENOENT when there is none. */
static int params_from_learned(const struct layer *l, struct verity_params *p)
{
	const char *salt = layer_learned(l, "salt"), *uuid = layer_learned(l, "uuid");
	size_t salt_len = 0;
	uint64_t type = 0, room = 0;
	int blocks, known_type;

	params_from_options(l, p);
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

static int read_superblock(const struct layer *l, struct env *env, uint64_t offset,
			   struct verity_params *ret, const char **ret_why)
{
	uint8_t block[VERITY_SUPERBLOCK_BYTES];
	int r = io_read(env->target, block, sizeof(block), offset);

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

/* Parameters of a volume that stands: the vault's, else (no vault) the superblock's. */
static int load_params(const struct layer *cl, struct env *env, struct verity_params *p)
{
	struct layer *l = (struct layer *)(uintptr_t)cl;
	const char *why = NULL;
	int r = params_from_learned(l, p);

	if (r != -ENOENT)
		return r;
	if (appended(l) || !l->volume->extent[ROLE_HASH].size_bytes)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "nothing tells where %s has its hash tree",
				 l->volume->full_name);
	r = read_superblock(l, env, l->volume->extent[ROLE_HASH].offset_bytes, p, &why);
	if (r < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: %s", l->volume->full_name, why);
	r = options_from_superblock(l, p);
	return r < 0 ? r : learn_params(l, p);
}

static int root_hash(const struct layer *l, uint8_t ret[static DIGEST_MAX_BYTES])
{
	const char *text = layer_learned(l, "root-hash");
	size_t len = digest_bytes(l->values[HASH].text);

	if (!text || hex_decode(text, ret, len) < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the root hash of %s is not known",
				 l->volume->full_name);
	return 0;
}

/* Discoverable Partitions: the data partition's UUID is the root hash's first half, the tree's its
 * second. Where the plan gave them UUIDs of their own they keep them. */
static void name_partitions(struct volume *v, const uint8_t *root, size_t len)
{
	if (uuid_is_nil(&v->partition_uuid[ROLE_DATA]))
		memcpy(v->partition_uuid[ROLE_DATA].b, root, 16);
	if (v->extent[ROLE_HASH].size_bytes && uuid_is_nil(&v->partition_uuid[ROLE_HASH]))
		memcpy(v->partition_uuid[ROLE_HASH].b, root + len - 16, 16);
}

/* After the steps: the superblock and the top block are the results. */
static int learn(struct layer *l, struct env *env)
{
	const char *old = layer_learned(l, "root-hash"), *why;
	uint8_t root[DIGEST_MAX_BYTES];
	char hex[2 * DIGEST_MAX_BYTES + 1];
	_cleanup_assembled_ struct assembled a = {0};
	struct verity_params p;
	uint64_t bytes;
	int r = data_bytes(l, &bytes);

	if (r < 0)
		return r;
	params_from_options(l, &p);
	p.data_blocks = bytes / p.data_block_bytes;
	r = read_superblock(l, env, superblock_offset(l, &p), &p, &why);
	if (r < 0)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "%s: %s", l->volume->full_name, why);
	r = assemble(l, env, ATTACH_READ_RAW, &p, &a);
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

/* --- checking and reading --- */

static int probe(const struct layer *l, struct env *env, enum probe_result *ret)
{
	struct verity_params p, on_medium;
	uint64_t bytes;
	const char *why;
	int r = data_bytes(l, &bytes);

	if (r < 0)
		return r;
	params_from_options(l, &p);
	p.data_blocks = bytes / p.data_block_bytes;
	r = read_superblock(l, env, superblock_offset(l, &p), &on_medium, &why);
	*ret = r < 0                                    ? PROBE_ABSENT
	       : on_medium.data_blocks == p.data_blocks ? PROBE_MATCHES
							: PROBE_FOREIGN;
	return r == -EIO ? r : 0;
}

struct telling {
	const struct layer *l;
	const struct verity_device *d;
	struct report *report;
};

static int tell(void *ctx, const struct verity_found *f)
{
	static const struct {
		enum finding_kind kind;
		const char *text;
	} kinds[] = {
	    [VERITY_CORRUPT] = {FINDING_CORRUPT, "does not match its hash"},
	    [VERITY_UNPROVEN] = {FINDING_UNPROVEN,
				 "cannot be checked: the hash block above it is destroyed"},
	    [VERITY_UNREADABLE] = {FINDING_UNREADABLE, "the target failed to read it"},
	};
	const struct telling *t = ctx;
	const struct volume *v = t->l->volume;
	uint32_t size = verity_level_block_bytes(t->d, f->level);
	char area[32] = "data";
	struct io *io;
	struct finding finding = {
	    .kind = kinds[f->kind].kind,
	    .volume = v->full_name,
	    .layer = t->l->ops->name,
	    .area = area,
	    .offset_bytes = verity_locate(t->d, f->level, f->first_block, &io),
	    .len_bytes = f->blocks * size,
	    .blocks = f->blocks,
	    .text = kinds[f->kind].text,
	};

	if (f->level >= 0)
		snprintf(area, sizeof(area), "hash level %d", f->level);
	if (f->differs)
		finding.text = "cannot be checked: the hash block above it is destroyed, and what "
			       "is left of that says something else";
	finding.offset_bytes += f->level < 0 ? v->extent[ROLE_DATA].offset_bytes
					     : superblock_offset(t->l, &t->d->params);
	return report_add(t->report, &finding) < 0 ? diag_no_memory() : 0;
}

static bool same_params(const struct verity_params *a, const struct verity_params *b)
{
	return a->hash_type == b->hash_type && a->data_blocks == b->data_blocks &&
	       a->data_block_bytes == b->data_block_bytes &&
	       a->hash_block_bytes == b->hash_block_bytes && a->salt_len == b->salt_len &&
	       strcmp(a->algorithm, b->algorithm) == 0 &&
	       memcmp(a->salt, b->salt, a->salt_len) == 0 && uuid_equal(&a->uuid, &b->uuid);
}

static int verify_superblock(const struct layer *l, struct env *env, const struct verity_params *p,
			     struct report *report)
{
	uint64_t offset = superblock_offset(l, p);
	struct verity_params on_medium;
	const char *why = "does not say what was laid out";
	int r = read_superblock(l, env, offset, &on_medium, &why);
	const struct finding f = {
	    .kind = r == -EIO ? FINDING_UNREADABLE : FINDING_CORRUPT,
	    .volume = l->volume->full_name,
	    .layer = l->ops->name,
	    .area = "superblock",
	    .offset_bytes = offset,
	    .len_bytes = VERITY_SUPERBLOCK_BYTES,
	    .text = why,
	};

	if (r >= 0 && same_params(p, &on_medium))
		return 0;
	return report_add(report, &f) < 0 ? diag_no_memory() : 0;
}

static int verify(const struct layer *l, struct env *env, struct report *report)
{
	_cleanup_assembled_ struct assembled a = {0};
	struct telling telling = {.l = l, .d = &a.d, .report = report};
	uint8_t root[DIGEST_MAX_BYTES];
	struct verity_params p;
	int r = load_params(l, env, &p);

	if (r >= 0)
		r = root_hash(l, root);
	if (r >= 0)
		r = assemble(l, env, ATTACH_READ_RAW, &p, &a);
	if (r >= 0)
		r = verify_superblock(l, env, &p, report);
	if (r < 0)
		return r;
	env_begin(env, l->volume->full_name, p.data_blocks * p.data_block_bytes);
	report->checked_bytes +=
	    (p.data_blocks * p.data_block_bytes) + a.d.tree.total_blocks * p.hash_block_bytes;
	return verity_check(&a.d, root, env, tell, &telling);
}

static int attach_reader(const struct layer *l, struct env *env, struct io *below, struct io **ret)
{
	struct verity_device d = {0};
	uint8_t root[DIGEST_MAX_BYTES];
	int r = load_params(l, env, &d.params);

	if (r >= 0)
		r = root_hash(l, root);
	if (r >= 0)
		r = io_open_window(below, below->name, 0, below->size_bytes, &d.data);
	if (r >= 0)
		r = io_open_window(
		    env->target, l->volume->full_name, superblock_offset(l, &d.params),
		    tree_bytes(l, d.params.data_blocks * d.params.data_block_bytes), &d.hash);
	d.tree_offset_bytes = d.params.hash_block_bytes;
	if (r >= 0)
		r = verity_prepare(&d);
	if (r >= 0)
		r = verity_open_reader(&d, root, true, ret);
	if (r < 0) {
		io_close(d.data);
		io_close(d.hash);
	}
	return r;
}

static int attach(const struct layer *l, struct env *env, enum attach_mode mode, struct io *below,
		  struct io **ret)
{
	struct verity_params p;
	uint64_t size;
	int r;

	if (mode == ATTACH_READ)
		return attach_reader(l, env, below, ret);
	if (mode == ATTACH_WRITE) {
		r = gives(l, &size);
	} else {
		r = load_params(l, env, &p);
		size = p.data_blocks * p.data_block_bytes;
	}
	return r < 0 ? r : io_open_window(below, below->name, 0, size, ret);
}

/* --- the kernel --- */

/* A dm-verity table line's parameters (Documentation/admin-guide/device-mapper/verity.rst). */
static int table(const struct layer *l, const struct verity_params *p, const char *data,
		 const char *hash, struct text *to)
{
	uint64_t start = 1; /* hash blocks before the tree: the superblock's, and appended data */
	const char *policy = corruption_params[l->values[ON_CORRUPTION].number];
	const char *root = layer_learned(l, "root-hash");
	bool once = l->values[CHECK_ONCE].number;
	char salt[2 * VERITY_SALT_MAX + 1];

	if (!root)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the root hash of %s is not known",
				 l->volume->full_name);
	if (appended(l))
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

static void mapping_name(const struct volume *v, const struct open_how *how,
			 char ret[static MAPPING_NAME_SIZE])
{
	snprintf(ret, MAPPING_NAME_SIZE, "%s-%s%s%s", how->dm_prefix, v->name, v->slot ? "-" : "",
		 v->slot ? v->slot : "");
}

/* The superblock is nothing that opening needs, but one that was changed tells of tampering. */
static int refuse_changed_superblock(const struct layer *l, struct env *env,
				     const struct verity_params *p)
{
	struct verity_params on_medium;
	const char *why = "is not the one that was laid out";
	int r = read_superblock(l, env, superblock_offset(l, p), &on_medium, &why);

	if (r >= 0 && same_params(p, &on_medium))
		return 0;
	r = diag_fail(DIAG_TAMPERED, EUCLEAN, "%s: the verity superblock %s", l->volume->full_name,
		      r < 0 ? why : "is not the one that was laid out");
	diag_state("the volume was not opened");
	diag_next("holdfast verify %s %s", env->target_name, l->volume->full_name);
	return r;
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
	mapping_name(l->volume, how, ret->dm_name);
	snprintf(uuid, sizeof(uuid), MAPPING_UUID_PREFIX "VERITY-%.100s", ret->dm_name);
	target.params = params.s;
	return mapping_make(ret->dm_name, uuid, true, &target, 1, ret->path);
}

static int open_layer(const struct layer *l, struct env *env, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	struct open_how read_only = *how;
	struct verity_params p;
	struct place hash = *below;
	int r = load_params(l, env, &p);

	read_only.read_only = true;
	if (r >= 0)
		r = refuse_changed_superblock(l, env, &p);
	if (r >= 0 && !appended(l))
		r = partition_open_role(l->volume, env, &read_only, ROLE_HASH, &hash);
	if (r < 0)
		return r;
	r = map(l, how, &p, below, &hash, ret);
	if (r < 0 && !appended(l))
		partition_close_role(l->volume, how, ROLE_HASH);
	return r;
}

static int close_layer(const struct layer *l, struct env *env, const struct open_how *how)
{
	char name[MAPPING_NAME_SIZE];
	int r;

	mapping_name(l->volume, how, name);
	r = mapping_remove(name, 2000);
	return r < 0 || appended(l) ? r : partition_close_role(l->volume, how, ROLE_HASH);
}

static int status(const struct layer *l, struct env *env, const struct open_how *how,
		  bool *ret_open, struct text *to)
{
	char name[MAPPING_NAME_SIZE];
	struct mapping_info info;
	int r;

	mapping_name(l->volume, how, name);
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
	int r = params_from_learned(l, &p);

	if (r == -ENOENT)
		return diag_fail(DIAG_DAMAGED, EUCLEAN, "the tree of %s is not known",
				 v->full_name);
	if (r >= 0)
		r = partition_device_name(v, appended(l) ? ROLE_DATA : ROLE_HASH, &hash);
	if (r >= 0)
		r = table(l, &p, c->device.s, hash.s, &params);
	if (r < 0)
		return r;
	text_add(&c->create, "%s%s,,,ro,0 %" PRIu64 " verity %s", c->mappings ? ";" : "", c->name,
		 p.data_blocks * p.data_block_bytes / 512, params.s);
	text_add(&c->systemd, "roothash=%s systemd.verity_root_data=%s systemd.verity_root_hash=%s",
		 layer_learned(l, "root-hash"), c->device.s, hash.s);
	if (!appended(l))
		text_add(&c->wait_for, ",%s", hash.s);
	text_free(&c->device);
	text_add(&c->device, "/dev/dm-%u", c->mappings++);
	c->read_only = true;
	return 0;
}

const struct layer_ops layer_verity = {
    .name = "verity",
    .summary = "Authenticates read-only contents with a hash tree (dm-verity).",
    .example = "verity { on-corruption = \"restart\" }",
    .consumes = PLACE_BYTES,
    .provides = PLACE_BYTES_RO,
    .options = options,
    .check = check,
    .size = size,
    .gives = gives,
    .plan = plan,
    .learn = learn,
    .probe = probe,
    .attach = attach,
    .verify = verify,
    .open = open_layer,
    .close = close_layer,
    .status = status,
    .cmdline = cmdline,
};
