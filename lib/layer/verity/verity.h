/* SPDX-License-Identifier: Apache-2.0 */
/* The verity layer's own files: lib/layer/verity*.c share these. */
#ifndef HOLDFAST_LAYER_VERITY_H
#define HOLDFAST_LAYER_VERITY_H

#include "model/layer.h"
#include "userspace/verity/verity.h"
#include "stack/attach.h"

/* Indexes of the option table. */
enum {
	VERITY_HASH,
	VERITY_DATA_BLOCK,
	VERITY_HASH_BLOCK,
	VERITY_SALT,
	VERITY_TREE,
	VERITY_ON_CORRUPTION,
	VERITY_CHECK_ONCE,
	VERITY_FEC_ROOTS,
	VERITY_SIGN,
};

/* --- verity.c: geometry --- */

bool verity_layer_is_appended(const struct layer *l);
/* Everything but the number of blocks, salt and UUID. */
void verity_layer_params_from_options(const struct layer *l, struct verity_params *p);
/* Bytes of superblock and tree over @data_bytes. */
uint64_t verity_layer_tree_bytes(const struct layer *l, uint64_t data_bytes);
int verity_layer_gives(const struct layer *l, uint64_t *ret_bytes);
/* How much of the place the tree covers: the contents where their size is known, else all of it. */
int verity_layer_data_bytes(const struct layer *l, uint64_t *ret);
/* Where the superblock lies on the target. */
uint64_t verity_layer_superblock_offset(const struct layer *l, const struct verity_params *p);

/* --- verity-record.c: what is known once a volume stands --- */

/* From the vault's record alone: -ENOENT, silently, when there is none. */
int verity_layer_params_from_learned(const struct layer *l, struct verity_params *p);
/* The vault's, else (no vault) the superblock's, which is learnt then. Speaks. */
int verity_layer_load_params(const struct layer *l, struct job *job, struct verity_params *p);
/* -errno with *@ret_why (static text), silently. */
int verity_layer_read_superblock(const struct layer *l, struct job *job, uint64_t offset,
				 struct verity_params *ret, const char **ret_why);
bool verity_layer_same_params(const struct verity_params *a, const struct verity_params *b);
/* The root hash that was learnt. Speaks. */
int verity_layer_root_hash(const struct layer *l, uint8_t ret[static DIGEST_MAX_BYTES]);
int verity_layer_learn(struct layer *l, struct job *job);

/* --- verity-verify.c: the device in user space --- */

struct verity_assembled {
	struct verity_device d;
	struct attached below;
};
void verity_assembled_free(struct verity_assembled *a);
#define _cleanup_verity_assembled_ __attribute__((cleanup(verity_assembled_free)))
/* Data as the layers below give it, and the tree's area of the target, superblock first. */
int verity_layer_assemble(const struct layer *l, struct job *job, enum attach_mode mode,
			  const struct verity_params *p, struct verity_assembled *a);
int verity_layer_probe(const struct layer *l, struct job *job, enum probe_result *ret);
int verity_layer_verify(const struct layer *l, struct job *job, struct report *report);
int verity_layer_attach(const struct layer *l, struct job *job, enum attach_mode mode,
			struct io *below, struct io **ret);

/* --- verity-kernel.c --- */

int verity_layer_open(const struct layer *l, struct job *job, const struct open_how *how,
		      const struct place *below, struct place *ret);
int verity_layer_close(const struct layer *l, struct job *job, const struct open_how *how);
int verity_layer_status(const struct layer *l, struct job *job, const struct open_how *how,
			bool *ret_open, struct text *to);
int verity_layer_cmdline(const struct layer *l, struct cmdline *c);

#endif
