/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tee: our own trusted application (keystore/tee/ta) guards the device secret.
 * docs/keystores.md */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/overflow.h"
#include "keystore/registry.h"
#include "keystore/tee/blob.h"
#include "keystore/tee/child.h"
#include "keystore/tee/say.h"

enum { STORAGE, ERASE, LOCK };

static const char *const storages[] = {"rpmb", "ree", NULL};
static const char *const erases[] = {"media", "final", NULL};
static const struct option_spec options[] = {
    [STORAGE] = {"storage", OPTION_WORD, "rpmb", .words = storages,
		 .help =
		     "Where counters and anchor are kept: the replay-protected block of eMMC or "
		     "UFS, or files of the normal world, which can be put back as a whole"},
    [ERASE] = {"erase", OPTION_WORD, "media", .words = erases,
	       .help = "The least that erasing must mean; final needs RPMB and a signed manifest "
		       "that says it is real"},
    [LOCK] = {"lock", OPTION_FLAG, "true",
	      .help = "After opening, the TEE gives no keys until the next boot"},
    {0},
};

static enum ta_storage storage_of(const struct keystore *k)
{
	return strcmp(k->values[STORAGE].text, "ree") == 0 ? TA_REE : TA_RPMB;
}

static enum erase_strength strength(const struct keystore *k)
{
	return storage_of(k) == TA_RPMB && tee_transport->vouched ? ERASE_FINAL : ERASE_MEDIA;
}

static bool must_erase(const struct keystore *k)
{
	return strcmp(k->values[ERASE].text, "final") == 0;
}

static int check(const struct keystore *k)
{
	const struct where *w = &k->values[ERASE].where;
	bool ree = storage_of(k) == TA_REE;
	int r;

	if (!must_erase(k) || strength(k) == ERASE_FINAL)
		return 0;
	r = diag_fail(DIAG_LAYOUT_VALUE, EINVAL, "%s:%u: keystore \"%s\": erase = \"final\" %s",
		      w->file ? w->file : "vault", w->line, k->name,
		      ree ? "is not possible with storage = \"ree\": files can be put back"
			  : "needs a signed manifest's word that the RPMB is real, and manifests "
			    "are not built yet");
	diag_next("write erase = \"media\"");
	return r;
}

/* --- the conversation --- */

static int impossible(enum ta_command command)
{
	return diag_fail(DIAG_KEYSTORE_UNTRUSTED, EPROTO,
			 "the trusted application's answer to command %d is not one that it gives",
			 command);
}

/* Makes a call; sets @out only if the verdict is TA_DONE. The caller checks what is in it. */
static int ask(struct keystore_session *s, struct env *env, enum ta_command command,
	       uint32_t storage, uint32_t flags, const void *in, size_t in_len, void *out,
	       size_t out_len)
{
	struct tee_call *c = s->call;
	int r;

	if (!c)
		return diag_fail(DIAG_INTERNAL, EINVAL, "no session with the TEE");
	memset(c, 0, sizeof(*c));
	c->command = command;
	c->storage = storage;
	c->flags = flags;
	c->in_len = (uint32_t)in_len;
	c->out_len = (uint32_t)out_len;
	if (in_len)
		memcpy(c->in, in, in_len);
	r = tee_child_call(s, env);
	if (r >= 0 && c->verdict != TA_DONE)
		r = tee_say_verdict(c);
	if (r >= 0 && out_len)
		memcpy(out, c->out, out_len);
	explicit_bzero(c->in, sizeof(c->in));
	explicit_bzero(c->out, sizeof(c->out));
	return r;
}

/* Makes a text of the TEE printable, and terminates it. */
static void printable(const uint8_t *from, size_t len, char *to)
{
	size_t i;

	for (i = 0; i < len && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] < 0x7f ? (char)from[i] : '?';
	to[i] = 0;
}

static int identify(struct keystore_session *s, struct env *env)
{
	struct ta_info_disk d;
	char manufacturer[sizeof(d.manufacturer) + 1], version[sizeof(d.version) + 1];
	int r = ask(s, env, TA_INFO, 0, 0, NULL, 0, &d, sizeof(d));

	if (r < 0)
		return r;
	if (le32_get(d.locked) > 1)
		return impossible(TA_INFO);
	if (le32_get(d.protocol) != TA_PROTOCOL) {
		r = diag_fail(DIAG_KEYSTORE_FAILED, EPROTO,
			      "the trusted application speaks version %u, holdfast version %u",
			      le32_get(d.protocol), TA_PROTOCOL);
		diag_next("install the trusted application of this version of holdfast");
		return r;
	}
	memcpy(s->identity, d.identity, sizeof(s->identity));
	printable(d.manufacturer, sizeof(d.manufacturer), manufacturer);
	printable(d.version, sizeof(d.version), version);
	snprintf(s->hardware, sizeof(s->hardware), "%s %s", manufacturer[0] ? manufacturer : "TEE",
		 version);
	return 0;
}

static void end(struct keystore_session *s)
{
	if (!s)
		return;
	tee_child_stop(s);
	free(s);
}

static int begin(const struct keystore *k, struct env *env, struct keystore_session **ret)
{
	struct keystore_session *s = calloc(1, sizeof(*s));
	int r = s ? tee_child_start(s, env) : diag_no_memory();

	if (r >= 0)
		r = identify(s, env);
	if (r < 0) {
		end(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* --- the counters --- */

static int prepare(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	int r = check(k);

	return r < 0 ? r : ask(s, env, TA_PREPARE, storage_of(k), 0, NULL, 0, NULL, 0);
}

static int read_state(const struct keystore *k, struct keystore_session *s, struct env *env,
		      struct keystore_state *ret)
{
	struct ta_state_disk d;
	int r = ask(s, env, TA_STATE, storage_of(k), 0, NULL, 0, &d, sizeof(d));

	if (r < 0)
		return r;
	if (le32_get(d.anchored) > 1 || le32_get(d.zero))
		return impossible(TA_STATE);
	*ret = (struct keystore_state){
	    .erase = le64_get(d.erase),
	    .rotation = le64_get(d.rotation),
	    .anchor = {.present = le32_get(d.anchored) == 1,
		       .sequence = le64_get(d.anchor.sequence),
		       .rotation_max = le64_get(d.anchor.rotation_max),
		       .erase = le64_get(d.anchor.erase)},
	};
	memcpy(ret->anchor.digest, d.anchor.digest, sizeof(d.anchor.digest));
	return 0;
}

/* Whether the last call found no counters. */
static bool is_gone(const struct keystore_session *s)
{
	return s->call && s->call->stage == TEE_ANSWERED && s->call->verdict == TA_NOT_PREPARED;
}

static int state(const struct keystore *k, struct keystore_session *s, struct env *env,
		 struct keystore_state *ret)
{
	struct keystore_state now = {0};
	size_t mark = diag_count();
	int r = read_state(k, s, env, &now);

	/* Never prepared, or gone: that is a state. Operations that need the counters record it. */
	if (r < 0 && is_gone(s)) {
		diag_forget(mark);
		r = 0;
	}
	if (r < 0)
		return r;
	memcpy(now.hardware, s->hardware, sizeof(now.hardware));
	*ret = now;
	return 0;
}

static int used(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	struct keystore_state now;
	int r = state(k, s, env, &now);

	if (r < 0 || !now.anchor.present || !now.anchor.erase)
		return r;
	return now.anchor.erase == TA_ERASE_UNKNOWN || now.anchor.erase == now.erase;
}

/* The trusted application reads the count back before it answers; then it is read once more. */
static int count_erase(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	struct ta_count_disk d;
	struct keystore_state now;
	int r = ask(s, env, TA_COUNT_ERASE, storage_of(k), 0, NULL, 0, &d, sizeof(d));

	if (r >= 0)
		r = read_state(k, s, env, &now);
	if (r < 0 && !is_gone(s))
		diag_state(
		    "NOT ERASED, unless the counters say otherwise: sealed secrets may still "
		    "open");
	if (r < 0)
		return r;
	if (le64_get(d.after) > le64_get(d.before) && now.erase >= le64_get(d.after))
		return 0;
	r = diag_fail(DIAG_KEYSTORE_UNTRUSTED, EPROTO,
		      "the TEE says that it counted from %" PRIu64 " to %" PRIu64
		      ", but its counter is %" PRIu64,
		      le64_get(d.before), le64_get(d.after), now.erase);
	diag_state("NOT ERASED: sealed secrets may still open");
	return r;
}

static int counters(const struct keystore *k, struct keystore_session *s, struct env *env,
		    struct keystore_counters *ret)
{
	struct keystore_state now;
	int r = read_state(k, s, env, &now);

	if (r >= 0)
		*ret = (struct keystore_counters){now.erase, now.rotation};
	return r;
}

/* --- the anchor --- */

static int anchor_read(const struct keystore *k, struct keystore_session *s, struct env *env,
		       struct keystore_anchor *ret)
{
	struct keystore_state now;
	int r = read_state(k, s, env, &now);

	if (r >= 0)
		*ret = now.anchor;
	return r;
}

static int anchor_write(const struct keystore *k, struct keystore_session *s, struct env *env,
			const struct keystore_anchor *a)
{
	struct ta_anchor_disk d = {.sequence = le64_make(a->sequence),
				   .rotation_max = le64_make(a->rotation_max),
				   .erase = le64_make(a->erase)};

	memcpy(d.digest, a->digest, sizeof(d.digest));
	return ask(s, env, TA_ANCHOR_WRITE, storage_of(k), 0, &d, sizeof(d), NULL, 0);
}

/* --- the secret --- */

/* Checks @blob as far as that is possible without the TEE. */
static int recognise(const struct keystore *k, struct keystore_session *s, struct env *env,
		     const uint8_t *blob, size_t len)
{
	struct tee_blob b;

	if (tee_blob_decode(blob, len, &b) < 0)
		return diag_fail(DIAG_TAMPERED, EUCLEAN,
				 "the sealed secret of keystore %s is not one of a TEE", k->name);
	if (memcmp(b.identity, s->identity, sizeof(b.identity)) != 0)
		return diag_fail(DIAG_KEYSTORE_FOREIGN, EXDEV,
				 "the secret was sealed by the TEE of another device");
	if (b.storage == storage_of(k))
		return 0;
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the secret of keystore %s was sealed with counters in other storage than "
			 "%s: it is from an earlier vault",
			 k->name, k->values[STORAGE].text);
}

static int waits(const struct keystore *k, struct keystore_session *s, struct env *env,
		 const uint8_t *blob, size_t len)
{
	struct keystore_state now;
	struct tee_blob b;
	int r = recognise(k, s, env, blob, len);

	if (r < 0 || tee_blob_decode(blob, len, &b) < 0 || !b.next)
		return r;
	r = read_state(k, s, env, &now);
	return r < 0 ? r : now.rotation < b.rotation;
}

static int advance(const struct keystore *k, struct keystore_session *s, struct env *env,
		   const uint8_t *blob, size_t len)
{
	struct ta_count_disk d;
	struct tee_blob b;
	int r = recognise(k, s, env, blob, len);

	if (r < 0)
		return r;
	/* One that does not wait for a rotation. */
	if (tee_blob_decode(blob, len, &b) < 0 || !b.next)
		return 0;
	return ask(s, env, TA_ADVANCE, 0, 0, blob, len, &d, sizeof(d));
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *env,
		uint64_t rotation, struct secret **ret, struct text *blob)
{
	_cleanup_secret_ struct secret *both = NULL, *secret = NULL;
	const struct ta_rotation_disk wanted = {le64_make(rotation)};
	struct ta_sealed_disk *d;
	int r = secret_new(sizeof(*d), &both);

	if (r >= 0)
		r = secret_new(DEVICE_SECRET_BYTES, &secret);
	if (r >= 0)
		r = ask(s, env, TA_SEAL, storage_of(k), 0, &wanted, sizeof(wanted),
			secret_bytes(both), sizeof(*d));
	if (r < 0)
		return r;
	d = (struct ta_sealed_disk *)secret_bytes(both);
	r = recognise(k, s, env, (const uint8_t *)&d->blob, sizeof(d->blob));
	if (r < 0)
		return r;
	memcpy(secret_bytes(secret), d->secret, DEVICE_SECRET_BYTES);
	text_add_bytes(blob, &d->blob, sizeof(d->blob));
	*ret = TAKE(secret);
	return 0;
}
static_assert(TA_SECRET_BYTES == DEVICE_SECRET_BYTES, "what is sealed");

static int unseal(const struct keystore *k, struct keystore_session *s, struct env *env,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	_cleanup_secret_ struct secret *secret = NULL;
	int r = recognise(k, s, env, blob, len);

	if (r >= 0)
		r = secret_new(DEVICE_SECRET_BYTES, &secret);
	if (r >= 0)
		r = ask(s, env, TA_UNSEAL, 0, 0, blob, len, secret_bytes(secret),
			DEVICE_SECRET_BYTES);
	if (r < 0)
		return r;
	*ret = TAKE(secret);
	return 0;
}

static int lock(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	if (!k->values[LOCK].number)
		return 0;
	return ask(s, env, TA_LOCK, 0, 0, NULL, 0, NULL, 0);
}

static void describe(const struct keystore *k, const uint8_t *blob, size_t len, struct text *to)
{
	struct tee_blob b;

	if (tee_blob_decode(blob, len, &b) < 0)
		return;
	text_add(
	    to, "trusted application, counters in %s: %s", storages[b.storage - TA_RPMB],
	    b.storage == TA_RPMB
		? "this device only"
		: "this device only; whoever puts back the TEE's files with the medium opens it");
}

const struct keystore_ops keystore_tee = {
    .name = "tee",
    .blob_magic = TA_BLOB_MAGIC,
    .blob_version = TA_BLOB_VERSION,
    .summary = "A trusted application of holdfast's in the TEE (OP-TEE) guards the device secret.",
    .options = options,
    .strength = strength,
    .check = check,
    .must_erase = must_erase,
    .begin = begin,
    .end = end,
    .used = used,
    .prepare = prepare,
    .counters = counters,
    .count_erase = count_erase,
    .advance = advance,
    .waits = waits,
    .recognise = recognise,
    .anchor_read = anchor_read,
    .anchor_reserve = anchor_write,
    .anchor_write = anchor_write,
    .state = state,
    .seal = seal,
    .unseal = unseal,
    .lock = lock,
    .describe = describe,
};
