/* SPDX-License-Identifier: Apache-2.0 */
/* What the options of a crypt layer and the size of its place decide. All is pure. */
#ifndef HOLDFAST_LAYER_CRYPT_FACTS_H
#define HOLDFAST_LAYER_CRYPT_FACTS_H

#include "layer/tagged/tags.h"
#include "userspace/crypt/crypt.h"

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
/* Speaks: HF-LAYOUT-SPACE, or a record of the vault that cannot be used. */
int crypt_layer_facts(const struct layer *l, struct crypt_facts *ret);
/* The same before the place's size is known: without data_bytes and tags.sb. Cannot fail. */
void crypt_layer_facts_of_options(const struct layer *l, struct crypt_facts *ret);

/* Is the cipher one of the kernel's that the layout names ("capi:…")? */
bool crypt_layer_is_given(const struct layer *l);
const char *crypt_layer_cipher(const struct layer *l);            /* as in a table */
const char *crypt_layer_integrity(const struct layer *l);         /* as in a layout */
const struct crypt_kind *crypt_layer_kind(const struct layer *l); /* NULL: there is none */
const char *crypt_layer_reference(const struct layer *l);         /* key-reference, or NULL */
/* Why only the kernel can read it: "has its cipher", "has its key"; NULL: user space can, too. */
const char *crypt_layer_only_kernel(const struct layer *l);

#endif
