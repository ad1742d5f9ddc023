/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a crypt volume through the kernel: tables from the vault's records, keys in a keyring. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "kernel/alg.h"
#include "kernel/dm.h"
#include "kernel/key.h"
#include "kernel/kmsg.h"
#include "layer/crypt/header.h"
#include "layer/crypt/kernel.h"
#include "layer/mapping.h"
#include "layer/tagged/kernel.h"
#include "model/key.h"

#define TAGS "tags" /* suffix of dm-integrity's mapping */

static int refuse_changed_header(const struct layer *l, struct job *job, const struct secret *key)
{
	_cleanup_crypt_place_ struct crypt_place p;
	_cleanup_text_ struct text why = {0}, first = {0};
	int r = crypt_header_open(l, job, ATTACH_READ_RAW, &p);

	if (r < 0 && r != -ENODATA)
		return r;
	r = crypt_header_judge(l, &p.facts, &p.header, key, &why);
	if (r < 0 || !why.len)
		return r;
	text_add(&first, "was changed: %.*s", (int)strcspn(why.s, "\n"), why.s);
	return first.failed ? diag_no_memory()
			    : layer_refuse_changed(l, job, "LUKS2 header", first.s);
}

/* The device below was there a moment ago: it is the cipher that the kernel does not find. */
static int no_cipher(const struct crypt_facts *f, size_t mark)
{
	_cleanup_text_ struct text list = {0};
	int r;

	alg_list_ciphers(&list);
	diag_forget(mark);
	r = diag_fail(DIAG_KERNEL, ENOENT, "the kernel has no cipher %s; it has %.700s", f->kernel,
		      list.s ? list.s : "none that it tells of");
	diag_next("grep -B1 driver /proc/crypto; a driver of hardware must be there before the "
		  "volume");
	return r;
}

/* Documentation/admin-guide/device-mapper/dm-crypt.rst */
int crypt_layer_keying(const struct layer *l, struct job *job, const struct crypt_facts *f,
		       struct crypt_keying *ret)
{
	struct key_reference ref;
	int r;

	*ret = (struct crypt_keying){0};
	if (f->reference)
		snprintf(ret->reference, sizeof(ret->reference), "%s", f->reference);
	if (f->reference || !f->referred)
		return f->reference ? 0 : layer_key(l, job, KEY_VOLUME, &ret->key);
	r = layer_key_reference(l, job, KEY_VOLUME, &ref);
	if (r >= 0)
		snprintf(ret->reference, sizeof(ret->reference), "%s:%s", ref.type,
			 ref.description);
	return r;
}

int crypt_layer_map(const char *name, const struct crypt_facts *f, const struct crypt_keying *key,
		    const struct place *below, uint64_t offset_bytes, struct place *ret)
{
	char params[MAPPING_PARAMS_SIZE], uuid[128], description[160];
	const struct crypt_kind *k = f->kind;
	struct mapping_target target = {
	    .len_bytes = f->data_bytes, .type = "crypt", .params = params};
	struct place place = {
	    .kind = PLACE_BYTES, .size_bytes = f->data_bytes, .read_only = below->read_only};
	size_t mark = diag_count();
	int32_t serial;
	int n, r = 0;

	snprintf(place.dm_name, sizeof(place.dm_name), "%s", name);
	snprintf(description, sizeof(description), "holdfast:%s", name);
	n = snprintf(params, sizeof(params), "%s :%u:%s%s 0 %s %" PRIu64, f->kernel, f->key_bytes,
		     key->key ? "logon:" : "", key->key ? description : key->reference, below->path,
		     offset_bytes / 512);
	if (f->has_tags)
		snprintf(params + n, sizeof(params) - (size_t)n,
			 " 2 integrity:%u:%s sector_size:%u", (unsigned)k->tag_bytes + k->iv_bytes,
			 k->dm_integrity, f->sector_bytes);
	else
		snprintf(params + n, sizeof(params) - (size_t)n, " 1 sector_size:%u",
			 f->sector_bytes);
	snprintf(uuid, sizeof(uuid), MAPPING_UUID_PREFIX "CRYPT-%.100s", name);
	if (key->key)
		r = kernel_key_add_logon(description, secret_bytes(key->key), secret_len(key->key),
					 &serial);
	if (r < 0)
		return r;
	r = mapping_make(name, uuid, place.read_only, &target, 1, place.path);
	if (key->key)
		kernel_key_drop(serial);
	else if (r < 0)
		diag_next("look whether the key %s, of %u bytes, is in a keyring of this process: "
			  "keyctl show",
			  key->reference, f->key_bytes);
	if (r == -ENOENT)
		r = no_cipher(f, mark);
	if (r >= 0)
		*ret = place;
	return r;
}

static int open_layer(const struct layer *l, struct job *job, const struct open_how *how,
		      const struct place *below, struct place *ret)
{
	struct crypt_keying key;
	struct place tags = *below;
	char name[MAPPING_NAME_SIZE];
	struct crypt_facts f;
	int r = crypt_layer_facts(l, &f);

	if (r >= 0)
		r = crypt_layer_keying(l, job, &f, &key);
	if (r >= 0 && f.luks2)
		r = refuse_changed_header(l, job, key.key);
	if (r >= 0 && f.has_tags)
		r = tags_refuse_changed(l, job, &f.tags);
	if (r >= 0 && f.has_tags)
		r = tags_map(l, how, &f.tags, below, "", TAGS, &tags);
	if (r < 0)
		return r;
	mapping_name_of_layer(l, how, NULL, name);
	r = crypt_layer_map(name, &f, &key, &tags, f.has_tags ? 0 : f.header_bytes, ret);
	if (r < 0 && f.has_tags) {
		size_t mark = diag_count();

		mapping_remove(tags.dm_name, 2000);
		diag_forget(mark); /* the failure before it says why */
	}
	return r;
}

static int close_layer(const struct layer *l, struct job *job, const struct open_how *how)
{
	char name[MAPPING_NAME_SIZE];
	int r;

	mapping_name_of_layer(l, how, NULL, name);
	r = mapping_remove(name, 2000);
	if (r < 0)
		return r;
	mapping_name_of_layer(l, how, TAGS, name);
	return mapping_remove(name, 2000);
}

/* dm-crypt keeps no count. Its message names the device below it, where the tags come from. */
static int count_errors(const struct layer *l, const struct open_how *how, uint64_t *ret)
{
	char name[MAPPING_NAME_SIZE], device[32];
	struct mapping_info info;
	int r;

	mapping_name_of_layer(l, how, TAGS, name);
	r = mapping_query(name, &info);
	if (r < 0)
		return r;
	snprintf(device, sizeof(device), "dm-%u:", info.minor);
	return kmsg_count(device, "INTEGRITY AEAD ERROR", ret);
}

static int status(const struct layer *l, struct job *job, const struct open_how *how,
		  bool *ret_open, struct text *to)
{
	const struct crypt_kind *kind = crypt_layer_kind(l);
	char name[MAPPING_NAME_SIZE];
	struct mapping_info info;
	uint64_t errors = 0;
	int r;

	mapping_name_of_layer(l, how, NULL, name);
	r = mapping_query(name, &info);
	if (r < 0)
		return r;
	*ret_open = info.exists;
	if (!info.exists)
		return 0;
	text_add(to, "%s: %s", name, crypt_layer_cipher(l));
	if (!kind->tag_bytes) {
		text_add(to, ", not authenticated");
		return 0;
	}
	r = count_errors(l, how, &errors);
	if (r < 0)
		text_add(to, ", authenticated; the kernel's log cannot be read");
	else if (errors)
		text_add(to, ": %" PRIu64 " reads DID NOT AUTHENTICATE, says the kernel's log",
			 errors);
	else
		text_add(to, ", no read failed to authenticate, says the kernel's log");
	return 0;
}

const struct layer_kernel_ops crypt_kernel = {
    .open = open_layer,
    .close = close_layer,
    .status = status,
    .only_kernel = crypt_layer_only_kernel,
};
