/* SPDX-License-Identifier: Apache-2.0 */
/* The LUKS2 header of a crypt volume as it is made: for other tools, with a keyslot for each way in
 * that was asked for. holdfast itself opens nothing by it. */
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/diag.h"
#include "base/modhex.h"
#include "layer/crypt/header.h"
#include "layer/crypt/keyslots.h"
#include "model/build.h"
#include "model/key.h"

/* --- keyslots --- */

/* What the keyslots need while a header is written. */
struct keyslots {
	struct secret *passphrase[LUKS2_WAYS_MAX];
	struct text token[LUKS2_WAYS_MAX];
	unsigned n;
};

static void keyslots_free(struct keyslots *k)
{
	for (int i = 0; i < LUKS2_WAYS_MAX; i++) {
		secret_free(k->passphrase[i]);
		text_free(&k->token[i]);
	}
}
#define _cleanup_keyslots_ __attribute__((cleanup(keyslots_free)))

/* The recovery key as a person types it, and a token like that of systemd-cryptenroll. */
static int add_recovery(const struct layer *l, struct job *job, struct keyslots *to)
{
	const struct secret *key;
	int r = layer_key(l, job, KEY_RECOVERY, &key);

	if (r >= 0)
		r = secret_new(MODHEX_KEY_TEXT, &to->passphrase[to->n]);
	if (r < 0)
		return r;
	modhex_print_key(secret_bytes(key), secret_bytes(to->passphrase[to->n]));
	text_add(&to->token[to->n], "{\"type\":\"systemd-recovery\",\"keyslots\":[\"%u\"]}", to->n);
	to->n++;
	return 0;
}

/* As systemd-cryptsetup makes a passphrase of what the TPM unseals: in base64. */
static int add_systemd(const struct layer *l, struct job *job, struct keyslots *to)
{
	const struct secret *key;
	int r = layer_key(l, job, KEY_TOKEN, &key);

	if (r >= 0)
		r = base64_secret(secret_bytes(key), secret_len(key), &to->passphrase[to->n]);
	if (r < 0)
		return r;
	r = layer_systemd_token(l, job, to->n, &to->token[to->n]);
	to->n++;
	return r;
}

static int keyslots_make(const struct layer *l, const struct crypt_facts *f, struct job *job,
			 struct keyslots *ret)
{
	int r = f->recovery ? add_recovery(l, job, ret) : 0;

	if (r >= 0 && f->systemd)
		r = add_systemd(l, job, ret);
	for (unsigned i = 0; i < ret->n && r >= 0; i++) {
		if (ret->token[i].failed)
			r = diag_no_memory();
	}
	return r;
}

/* --- writing --- */

static int run_header(const struct step *s, struct job *job, struct cursor *cursor)
{
	const struct layer *l = s->layer;
	const struct uuid *uuid = s->params;
	_cleanup_crypt_place_ struct crypt_place p;
	_cleanup_keyslots_ struct keyslots slots = {0};
	struct luks2_new n;
	int r = crypt_place_open(l, job, ATTACH_WRITE, &p);

	if (r >= 0)
		r = keyslots_make(l, &p.facts, job, &slots);
	if (r < 0)
		return r;
	n = (struct luks2_new){
	    .uuid = *uuid,
	    .label = l->volume->name,
	    .encryption = p.facts.kind->luks_cipher,
	    .integrity = p.facts.kind->luks_integrity,
	    .sector_bytes = p.facts.sector_bytes,
	    .segment_offset_bytes = p.facts.header_bytes,
	    .n_ways = slots.n,
	};
	for (unsigned i = 0; i < slots.n; i++)
		n.ways[i] = (struct luks2_way){slots.passphrase[i],
					       slots.token[i].len ? slots.token[i].s : NULL};
	r = layer_key(l, job, KEY_VOLUME, &n.key);
	return r < 0 ? r : luks2_write(p.io, &n, job->env);
}

static const struct step_ops header_step = {"LUKS2 header", STEP_REDO, run_header, NULL};

int crypt_header_plan(const struct layer *l, const struct crypt_facts *f, struct plan *p)
{
	struct uuid *uuid = arena_new(&p->arena, struct uuid);
	struct step step = {.layer = l, .ops = &header_step, .params = uuid};
	int r;

	if (!uuid)
		return diag_no_memory();
	r = plan_derive(p, l->volume, "luks2", uuid->b, sizeof(uuid->b));
	uuid_set_version(uuid);
	step.target =
	    (struct extent){l->volume->pieces[ROLE_DATA].extent.offset_bytes, f->header_bytes};
	step.detail = f->recovery && f->systemd
			  ? "two copies, keyslots for the recovery key and systemd's token"
		      : f->recovery ? "two copies, a keyslot for the recovery key"
		      : f->systemd  ? "two copies, a keyslot for systemd's token"
				    : "two copies, no keyslot";
	return r < 0 ? r : plan_add(p, &step);
}

/* --- when keys change --- */

/* The number of the keyslot that add_systemd() fills. */
static unsigned systemd_keyslot(const struct crypt_facts *f)
{
	return f->recovery;
}

/* Both copies within the place that was laid out, and the keyslot there. */
static bool has_keyslot(const struct luks2_found *found, const struct crypt_facts *f)
{
	return found->active >= 0 && found->facts.valid &&
	       found->copy[found->active].binary.header_bytes <= f->header_bytes / 2 &&
	       found->facts.keyslot_bits >> systemd_keyslot(f) & 1;
}

int crypt_layer_reseal(const struct layer *l, struct job *job)
{
	_cleanup_crypt_place_ struct crypt_place p = {.header.active = -1};
	_cleanup_text_ struct text token = {0};
	unsigned keyslot;
	int r;

	if (!layer_key_bytes(l, KEY_TOKEN))
		return 0;
	r = crypt_header_open(l, job, ATTACH_WRITE, &p);
	if (r == -ENODATA || (r >= 0 && !has_keyslot(&p.header, &p.facts)))
		return diag_fail(DIAG_DAMAGED, EUCLEAN,
				 "its LUKS2 header is damaged, or lacks the keyslot that it was "
				 "made with");
	keyslot = systemd_keyslot(&p.facts);
	if (r >= 0)
		r = layer_systemd_token(l, job, keyslot, &token);
	return r < 0 || !token.len ? r
				   : luks2_set_token(p.io, &p.header, keyslot, token.s, job->env);
}

unsigned crypt_header_foreign(const struct crypt_facts *f, const struct luks2_facts *h)
{
	uint64_t ours = (1U << (f->recovery + f->systemd)) - 1;

	return h->keyslots - (unsigned)__builtin_popcountll(h->keyslot_bits & ours);
}

int crypt_layer_foreign_ways(const struct layer *l, struct job *job, unsigned *ret)
{
	_cleanup_crypt_place_ struct crypt_place p;
	int r = crypt_header_open(l, job, ATTACH_READ_RAW, &p);

	if (r < 0 && r != -ENODATA)
		return r;
	*ret = p.header.active < 0 ? 0 : crypt_header_foreign(&p.facts, &p.header.facts);
	return 0;
}

int crypt_layer_forget(const struct layer *l, struct job *job)
{
	_cleanup_crypt_place_ struct crypt_place p;
	int r = crypt_place_open(l, job, ATTACH_WRITE, &p);

	return r < 0 || !p.facts.luks2 ? r : luks2_wipe_keyslots(p.io, p.facts.header_bytes);
}
