/* SPDX-License-Identifier: Apache-2.0 */
/* dm-integrity below a layer: what integrity and crypt have in common. */
#ifndef HOLDFAST_LAYER_TAGS_H
#define HOLDFAST_LAYER_TAGS_H

#include "model/layer.h"
#include "userspace/integrity/integrity.h"

/* What is written whatever the contents are: libblkid looks for VMFS behind 2 MiB, and for RAIDs up
 * to 3087 sectors from the end. */
#define TAGS_FIRST_BYTES (3ULL * 1024 * 1024)
#define TAGS_LAST_BYTES  (2ULL * 1024 * 1024)

/* Where it stands on the place below, and its superblock as it was laid out. */
struct tags {
	struct integrity_params params; /* keys are put in by who has them */
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
/* Bytes of the smallest place that gives @data_bytes. */
uint64_t tags_place_bytes(const struct integrity_params *p, uint64_t data_bytes);

/* The superblock at @offset_bytes of what stands below @l, whatever it says: learnt (with
 * "foreign"), and given back. 1, 0 none that is known, -errno. */
int tags_recognise(struct layer *l, struct job *job, uint64_t offset_bytes,
		   struct integrity_superblock *ret);
/* From the superblock on the medium, which must be as chosen; learnt as "superblock". */
int tags_learn(struct layer *l, const struct tags *t, struct io *place);
/* What stands on the medium against what was laid out, before anything is opened by it; a
 * finding's text, or NULL when they agree. -errno when it cannot be read. */
int tags_judge(const struct tags *t, struct io *place, const char **ret_why);

/* dm-integrity's part of the stack, over its own window of @place, which it gives back as the
 * ground to close behind it. */
int tags_open(const struct tags *t, struct io *place, enum attach_mode mode, struct job *job,
	      struct integrity **ret, struct io **ret_ground);

/* --- steps --- */

struct tag_steps {
	struct tags tags;
	/* Puts keys and salt in, before they are used; NULL: there are none. */
	int (*load_keys)(const struct layer *l, struct job *job, struct tags *t);
	bool full;            /* every sector is written, not only what needs to be */
	const char *remark;   /* for the plan: "2^32 writes under one key", or NULL */
	uint64_t clear_bytes; /* before the tags: a header that is invalid from now on */
};
/* Steps before contents: clear; then fill all, or the first and last MiB. */
int tags_plan_prepare(const struct layer *l, const struct tag_steps *params, struct plan *p);
/* The step behind contents: superblock. */
int tags_plan_finish(const struct layer *l, const struct tag_steps *params, struct plan *p);
/* The steps for a layer without tags. */
int fill_plan_prepare(const struct layer *l, const struct tag_steps *params, struct plan *p);

/* --- the kernel --- */

/* Refuses (HF-TAMPERED) where tags_judge() has something to say. */
int tags_refuse_changed(const struct layer *l, struct job *job, const struct tags *t);
/* @hash: more parameters ("internal_hash:sha256"), "" for tags of a layer above. */
int tags_map(const struct layer *l, const struct open_how *how, const struct tags *t,
	     const struct place *below, const char *hash, const char *suffix, struct place *ret);
int tags_map_as(const char *name, const struct tags *t, const struct place *below, const char *hash,
		struct place *ret);
/* PREFIX-VOLUME[-SLOT][.SUFFIX] */
void mapping_name_of(const struct layer *l, const struct open_how *how, const char *suffix,
		     char *ret, size_t size);

/* --- checking --- */

/* Could more be given than the superblock says? Then the place has grown since: a note. */
int tags_note_grown(const struct layer *l, const struct tags *t, struct report *report);
/* What the journal has; findings. */
int tags_report_journal(const struct layer *l, const struct integrity *i, uint64_t offset_on_target,
			struct report *report);

#endif
