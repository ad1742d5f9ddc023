/* SPDX-License-Identifier: Apache-2.0 */
/* The LUKS2 header of a crypt volume as the target has it. */
#ifndef HOLDFAST_LAYER_CRYPT_HEADER_H
#define HOLDFAST_LAYER_CRYPT_HEADER_H

#include "layer/crypt/facts.h"
#include "stack/attach.h"
#include "userspace/luks2/luks2.h"

/* What a crypt layer is on its target. */
struct crypt_place {
	struct crypt_facts facts;
	struct attached below;
	struct io *io;             /* the place below the layer; owned by @below */
	struct luks2_found header; /* active -1 until it is read */
};
void crypt_place_close(struct crypt_place *p);
#define _cleanup_crypt_place_ __attribute__((cleanup(crypt_place_close)))

/* Facts and place. @ret is to be closed even where this fails. Speaks. */
int crypt_place_open(const struct layer *l, struct job *job, enum attach_mode mode,
		     struct crypt_place *ret);
/* The same with the header of a LUKS2 volume. -ENODATA, silent: neither copy is there. */
int crypt_header_open(const struct layer *l, struct job *job, enum attach_mode mode,
		      struct crypt_place *ret);

/* Is a LUKS2 header what is below @l? layer_ops.recognise() */
int crypt_header_recognise(struct layer *l, struct job *job);
/* Reads p->header and learns from it. Speaks. */
int crypt_header_learn(struct layer *l, struct crypt_place *p);
/* Every way in which the header is not the one that was laid out; @ret gets one sentence a line.
 * @key NULL: its digest of the key is not looked at. */
int crypt_header_judge(const struct layer *l, const struct crypt_facts *f,
		       const struct luks2_found *found, const struct secret *key, struct text *ret);
int crypt_header_report_copies(const struct layer *l, const struct luks2_found *found,
			       struct report *report);
int crypt_header_mend(const struct layer *l, struct job *job, struct report *report,
		      struct plan *p);
/* Header and integrity superblock. layer_ops.probe() */
int crypt_layer_probe(const struct layer *l, struct job *job, enum probe_result *ret);

#endif
