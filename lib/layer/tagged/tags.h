/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity below a layer: geometry, and what was laid out against what the medium has. */
#ifndef HOLDFAST_LAYER_TAGGED_TAGS_H
#define HOLDFAST_LAYER_TAGGED_TAGS_H

#include "model/layer.h"
#include "userspace/integrity/integrity.h"

/* Where it is on the place below, and its superblock as it was laid out. */ /* Of a superblock, in
										the vault: all that
										is not zero, but for
										its MAC. */
#define TAGS_RECORD_BYTES 64

struct tags {
	struct integrity_params params; /* the caller that holds the keys fills them in */
	uint64_t offset_bytes, len_bytes;
	struct integrity_superblock sb;
};

/* Fills t->sb: the one learnt by @l, else the one that would be laid out. Pure; speaks. */
int tags_choose(const struct layer *l, struct tags *t);
static inline uint64_t tags_data_bytes(const struct tags *t)
{
	return t->sb.provided_data_sectors * 512;
}
/* layer_ops.size() of a layer with sectors as option @sector says: @head_bytes before them, and
 * tags by @params beside them (NULL: none). Speaks. */
int tags_size(const struct layer *l, const struct option_value *sector,
	      const struct integrity_params *params, uint64_t head_bytes, struct sizing *s,
	      const struct plan *p);

/* The superblock at @offset_bytes of the place below @l, whatever it says: learnt (with "foreign"),
 * and returned. 1, 0: none that is known, -errno. */
int tags_recognise(struct layer *l, struct job *job, uint64_t offset_bytes,
		   struct integrity_superblock *ret);
/* From the superblock on the medium, which must be as chosen; learnt as "superblock". */
int tags_learn(struct layer *l, const struct tags *t, struct io *place);
/* The superblock on the medium against the one that was laid out, before anything is opened by it:
 * *@ret_why is a finding's text, or NULL when they agree. -errno when it cannot be read. */
int tags_judge(const struct tags *t, struct io *place, const char **ret_why);
/* The same as evidence, without its MAC: needs no key. Where @l has learnt none, any superblock
 * will do. layer_ops.probe() */
int tags_probe(const struct layer *l, const struct tags *t, struct io *place,
	       enum probe_result *ret);

/* dm-integrity's part of the stack, over a window of @place: @ret_ground, to be closed after it. */
int tags_open(const struct tags *t, struct io *place, enum attach_mode mode, struct job *job,
	      struct integrity **ret, struct io **ret_ground);

/* --- checking --- */

/* Could more be given than the superblock says? Then the place has grown since: a note. */
int tags_note_grown(const struct layer *l, const struct tags *t, struct report *report);
/* What the journal has; findings. */
int tags_report_journal(const struct layer *l, const struct integrity *i, uint64_t offset_on_target,
			struct report *report);

#endif
