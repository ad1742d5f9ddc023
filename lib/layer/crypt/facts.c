/* SPDX-License-Identifier: Apache-2.0 */
/* What the options of a crypt layer and the size of its place decide. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/overflow.h"
#include "layer/crypt/facts.h"
#include "model/key.h"

/* A cipher of the kernel's that is known by its name only. */
static const struct crypt_kind given = {.cipher = "capi", .integrity = "none"};

const char *crypt_layer_integrity(const struct layer *l)
{
	const char *cipher = l->values[CRYPT_CIPHER].text;

	if (l->values[CRYPT_INTEGRITY].present)
		return l->values[CRYPT_INTEGRITY].text;
	for (const struct crypt_kind *k = crypt_kinds; k->cipher; k++) {
		if (strcmp(k->cipher, cipher) == 0 && k->tag_bytes)
			return k->integrity;
	}
	return "none";
}

bool crypt_layer_is_given(const struct layer *l)
{
	return !l->values[CRYPT_CIPHER].is_word;
}

const char *crypt_layer_cipher(const struct layer *l)
{
	return crypt_layer_is_given(l) ? l->values[CRYPT_CIPHER].text : crypt_layer_kind(l)->kernel;
}

const struct crypt_kind *crypt_layer_kind(const struct layer *l)
{
	if (crypt_layer_is_given(l))
		return strcmp(crypt_layer_integrity(l), given.integrity) == 0 ? &given : NULL;
	return crypt_kind(l->values[CRYPT_CIPHER].text, crypt_layer_integrity(l));
}

const char *crypt_layer_reference(const struct layer *l)
{
	return l->values[CRYPT_REFERENCE].present ? l->values[CRYPT_REFERENCE].text : NULL;
}

const char *crypt_layer_only_kernel(const struct layer *l)
{
	return !crypt_layer_kind(l)->soft                              ? "has its cipher"
	       : crypt_layer_reference(l) || layer_key_is_reference(l) ? "has its key"
								       : NULL;
}

void crypt_layer_facts_of_options(const struct layer *l, struct crypt_facts *f)
{
	const struct crypt_kind *kind = crypt_layer_kind(l);
	const char *segment = layer_learned(l, "segment"); /* of a volume that others laid out */

	*f = (struct crypt_facts){
	    .kind = kind,
	    .kernel = crypt_layer_cipher(l),
	    .key_bytes = (uint32_t)(crypt_layer_is_given(l) ? l->values[CRYPT_KEY_SIZE].number
							    : kind->key_bytes),
	    .sector_bytes = (uint32_t)l->values[CRYPT_SECTOR].number,
	    .luks2 = l->values[CRYPT_FORMAT].number == FORMAT_LUKS2,
	    .full = l->values[CRYPT_INITIALISE].number == INITIALISE_FULL,
	    .recovery = l->values[CRYPT_RECOVERY].number,
	    .systemd = l->values[CRYPT_TOKEN].number,
	    .has_tags = kind->tag_bytes != 0,
	    .reference = crypt_layer_reference(l),
	    .referred = layer_key_is_reference(l),
	    .soft = !crypt_layer_only_kernel(l),
	};
	if (f->luks2)
		f->header_bytes =
		    segment ? strtoull(segment, NULL, 10) : l->values[CRYPT_HEADER].number;
	f->tags.params = (struct integrity_params){
	    .mode = INTEGRITY_JOURNAL,
	    .sector_bytes = f->sector_bytes,
	    .tag_bytes = (uint32_t)kind->tag_bytes + kind->iv_bytes,
	};
	f->tags.offset_bytes = f->header_bytes;
}

int crypt_layer_facts(const struct layer *l, struct crypt_facts *ret)
{
	struct crypt_facts f;
	uint64_t below;
	int r = layer_below_gives(l, &below);

	if (r < 0)
		return r;
	crypt_layer_facts_of_options(l, &f);
	if (below < f.header_bytes + f.sector_bytes)
		return diag_fail(DIAG_LAYOUT_SPACE, ENOSPC,
				 "volume \"%s\": %" PRIu64 " bytes are too few for a header of "
				 "%" PRIu64 "; write header-size = 1M, or a larger size",
				 l->volume->name, below, f.header_bytes);
	f.tags.len_bytes = below - f.header_bytes;
	f.data_bytes = round_down(f.tags.len_bytes, f.sector_bytes);
	if (f.has_tags) {
		r = tags_choose(l, &f.tags);
		f.data_bytes = tags_data_bytes(&f.tags);
	}
	if (r >= 0)
		*ret = f;
	return r;
}
