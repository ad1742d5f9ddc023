/* SPDX-License-Identifier: Apache-2.0 */
/* The crypt layer's own files: lib/layer/crypt*.c share these. */
#ifndef HOLDFAST_LAYER_CRYPT_H
#define HOLDFAST_LAYER_CRYPT_H

#include "layer/tagged/tags.h"
#include "userspace/crypt/crypt.h"
#include "userspace/luks2/luks2.h"
#include "stack/attach.h"

/* Indexes of the option table. */
enum {
	CRYPT_FORMAT,
	CRYPT_CIPHER,
	CRYPT_INTEGRITY,
	CRYPT_SECTOR,
	CRYPT_INITIALISE,
	CRYPT_HEADER,
	CRYPT_KEYSTORE,
	CRYPT_RECOVERY,
	CRYPT_TOKEN,
	CRYPT_REFERENCE,
	CRYPT_KEY_SIZE,
};
enum { FORMAT_LUKS2, FORMAT_PLAIN };
enum { INITIALISE_WRITTEN, INITIALISE_FULL };

/* All that options and place decide. */
struct crypt_facts {
	const struct crypt_kind *kind;
	const char *kernel; /* the cipher in a table */
	uint32_t key_bytes;
	uint32_t sector_bytes;
	bool luks2, full;
	bool recovery, systemd; /* keyslots */
	const char *reference;  /* "TYPE:DESCRIPTION" of a key in the kernel's keyrings, or NULL */
	bool referred;          /* the keystore gives a reference */
	bool soft;              /* user space can do it: it knows cipher and key */
	uint64_t header_bytes;  /* before the segment; 0 without LUKS2 */
	uint64_t data_bytes;    /* that the layer gives */
	bool has_tags;
	struct tags tags; /* with has_tags */
};
int crypt_layer_facts(const struct layer *l, struct crypt_facts *ret);
const struct crypt_kind *crypt_layer_kind(const struct layer *l); /* NULL: there is none */
const char *crypt_layer_cipher(const struct layer *l);            /* as in a table */
/* Why only the kernel can read it: "has its cipher", "has its key"; NULL: we can, too. */
const char *crypt_layer_only_kernel(const struct layer *l);

/* crypt-keyslots.c: LUKS2 as it is made */

int crypt_header_plan(const struct layer *l, const struct crypt_facts *f, struct plan *p);
int crypt_layer_reseal(const struct layer *l, struct job *job);
int crypt_layer_foreign_ways(const struct layer *l, struct job *job, unsigned *ret);
/* The same of a header that has been read. */
unsigned crypt_header_foreign(const struct crypt_facts *f, const struct luks2_facts *h);
int crypt_layer_forget(const struct layer *l, struct job *job);

/* crypt-header.c: LUKS2 as it is there */

/* Its copies, and the place below @l where they stand, as long as @a lives. -ENODATA: neither is
 * there. */
int crypt_header_read(const struct layer *l, struct job *job, enum attach_mode mode,
		      struct attached *a, struct io **ret_place, struct luks2_found *ret);
/* Is it a LUKS2 header that stands below @l? Sets options, learns. */
int crypt_header_recognise(struct layer *l, struct job *job);
int crypt_header_learn(struct layer *l, const struct crypt_facts *f, struct io *place);
/* Every way in which the header is not the one that was laid out; @ret gets one sentence a line. */
int crypt_header_judge(const struct layer *l, const struct crypt_facts *f,
		       const struct luks2_found *found, const struct secret *key, struct text *ret);

/* A finding at @offset of the volume. */
int crypt_layer_report(const struct layer *l, struct report *report, enum finding_kind kind,
		       const char *area, uint64_t offset, uint64_t len, const char *text);
int crypt_header_report_copies(const struct layer *l, const struct luks2_found *found,
			       struct report *report);
int crypt_layer_mend(const struct layer *l, struct job *job, struct report *report, struct plan *p);

/* crypt-verify.c */

int crypt_layer_attach(const struct layer *l, struct job *job, enum attach_mode mode,
		       struct io *below, struct io **ret);
int crypt_layer_verify(const struct layer *l, struct job *job, struct report *report);

/* crypt-through.c: what is not soft. */
int crypt_layer_attach_through(const struct layer *l, struct job *job, const struct crypt_facts *f,
			       enum attach_mode mode, struct io *below, struct io **ret);
/* The same, whole sectors only. */
int crypt_through_open(const struct layer *l, struct job *job, const struct crypt_facts *f,
		       enum attach_mode mode, struct io *below, struct io **ret);
/* With tags, not for writing: struct sector_device's states(), asked of the kernel. */
int crypt_through_states(void *io, uint64_t first, uint64_t n, uint8_t *ret, uint8_t *data);
struct integrity *crypt_through_tags(struct io *io);

/* crypt-kernel.c */

/* The key of a table: bytes, or the name of one that the kernel has. */
struct crypt_keying {
	const struct secret *key; /* NULL: */
	char reference[136];      /* "TYPE:DESCRIPTION" */
};
int crypt_layer_keying(const struct layer *l, struct job *job, const struct crypt_facts *f,
		       struct crypt_keying *ret);
/* dm-crypt over @below from @offset_bytes on. */
int crypt_layer_map(const char *name, const struct crypt_facts *f, const struct crypt_keying *key,
		    const struct place *below, uint64_t offset_bytes, struct place *ret);

int crypt_layer_open(const struct layer *l, struct job *job, const struct open_how *how,
		     const struct place *below, struct place *ret);
int crypt_layer_close(const struct layer *l, struct job *job, const struct open_how *how);
int crypt_layer_status(const struct layer *l, struct job *job, const struct open_how *how,
		       bool *ret_open, struct text *to);

#endif
