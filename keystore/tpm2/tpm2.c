/* SPDX-License-Identifier: Apache-2.0 */
/* A device secret that a TPM 2.0 guards: bound to the boot, to a PIN, and to counters that make
 * erasing final. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "keystore/registry.h"
#include "keystore/tpm2/private.h"

enum { PCRS, BANK, KEY, SIGNATURE, VERSION, PIN, MEMORY, ERASE, LOCK };

static const struct option_spec options[] = {
    [PCRS] = {"pcrs", OPTION_LIST, NULL, .min = 1, .max = TPM2_PCRS,
	      .help =
		  "PCRs that the keys are bound to, for example {\"7\"}; with pcr-public-key those "
		  "that it signs for. Without, the keys open for whatever boots"},
    [BANK] = {"pcr-bank", OPTION_WORD, "sha256",
	      .words = (const char *const[]){"sha256", "sha384", NULL},
	      .help = "Bank of these PCRs"},
    [KEY] = {"pcr-public-key", OPTION_PATH, NULL,
	     .help = "RSA key (PEM) that signs what the PCRs may be (systemd-measure, ukify); so "
		     "that updates need no new sealing"},
    [SIGNATURE] = {"pcr-signature", OPTION_PATH, "/run/systemd/tpm2-pcr-signature.json",
		   .help = "Where the signatures are at boot"},
    [VERSION] = {"pcr-version", OPTION_NUMBER, "0", .min = 0, .max = 999999999,
		 .help =
		     "Signatures for this version count, others do not; raised by `key rotate`, "
		     "it revokes older images. 0 are those of systemd-measure"},
    [PIN] = {"pin", OPTION_FLAG, "false",
	     .help = "A PIN is wanted, too; the TPM counts wrong ones"},
    [MEMORY] = {"pin-memory", OPTION_SIZE, "64M", .min = 1024 * 1024, .max = 1024 * 1024 * 1024,
		.power_of_2 = true,
		.help = "What Argon2id takes for the PIN; the device must have it, too"},
    [ERASE] = {"erase", OPTION_WORD, "media",
	       .words = (const char *const[]){"final", "media", NULL},
	       .help =
		   "What erasing has to mean: \"final\", the TPM's counter kills every copy, and "
		   "ways in that it does not guard are refused; or \"media\", they are allowed"},
    [LOCK] = {"lock", OPTION_FLAG, "false",
	      .help = "After opening, extend the first of the PCRs: until the next boot the TPM "
		      "releases nothing more"},
    {0},
};

/* --- what the layout says --- */

static bool scan_pcrs(const struct option_value *v, uint32_t *ret)
{
	uint32_t pcrs = 0;

	for (size_t i = 0; v->present && i < v->n_list; i++) {
		char *end;
		unsigned long n = strtoul(v->list[i], &end, 10);

		if (!isdigit((unsigned char)v->list[i][0]) || *end || n >= TPM2_PCRS ||
		    pcrs & 1U << n)
			return false;
		pcrs |= 1U << n;
	}
	*ret = pcrs;
	return true;
}

static int check(const struct keystore *k)
{
	const struct where *w = &k->values[PCRS].where;
	uint32_t pcrs;

	if (!scan_pcrs(&k->values[PCRS], &pcrs))
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%s:%u: keystore \"%s\": pcrs are different numbers from 0 to %d",
				 w->file ? w->file : "layout", w->line, k->name, TPM2_PCRS - 1);
	if (k->values[KEY].present && !pcrs)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%s:%u: keystore \"%s\": pcr-public-key wants pcrs, for example "
				 "{\"11\"}",
				 k->values[KEY].where.file ? k->values[KEY].where.file : "layout",
				 k->values[KEY].where.line, k->name);
	if (k->values[VERSION].number && !k->values[KEY].present)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%s:%u: keystore \"%s\": pcr-version wants pcr-public-key",
				 k->values[VERSION].where.file ? k->values[VERSION].where.file
							       : "layout",
				 k->values[VERSION].where.line, k->name);
	if (k->values[LOCK].number && !pcrs)
		return diag_fail(DIAG_LAYOUT_VALUE, EINVAL,
				 "%s:%u: keystore \"%s\": lock = true extends a PCR, and the keys "
				 "are bound to none; write pcrs = {\"7\"} or the like",
				 k->values[LOCK].where.file ? k->values[LOCK].where.file : "layout",
				 k->values[LOCK].where.line, k->name);
	return 0;
}

/* Without PCR values and without the key. */
static void wanted(const struct keystore *k, struct tpm2_boot *ret)
{
	*ret = (struct tpm2_boot){.is_signed = k->values[KEY].present,
				  .version = (uint32_t)k->values[VERSION].number};
	scan_pcrs(&k->values[PCRS], &ret->pcrs);
	ret->bank = !ret->pcrs                                    ? 0
		    : strcmp(k->values[BANK].text, "sha384") == 0 ? TPM2_ALG_SHA384
								  : TPM2_ALG_SHA256;
}

/* With what they are now. */
int tpm2_boot_now(const struct keystore *k, struct keystore_session *s, struct tpm2_boot *ret)
{
	wanted(k, ret);
	if (!ret->pcrs)
		return 0;
	if (ret->is_signed)
		return tpm2_signature_key(k->values[KEY].path, ret);
	return s->remote ? tpm2_remote_boot(s, ret) : tpm2_pcr_read(s, ret);
}

bool tpm2_wants_pin(const struct keystore *k)
{
	return k->values[PIN].number;
}

uint32_t tpm2_wants_version(const struct keystore *k)
{
	return (uint32_t)k->values[VERSION].number;
}

const char *tpm2_public_key_path(const struct keystore *k)
{
	return k->values[KEY].present ? k->values[KEY].path : NULL;
}

static const char *signature_path(const struct keystore *k)
{
	return k->values[SIGNATURE].path;
}

static enum erase_strength strength(const struct keystore *k)
{
	return ERASE_FINAL;
}

static int decode(const struct keystore *k, const uint8_t *blob, size_t len, struct tpm2_blob *ret)
{
	if (tpm2_blob_decode(blob, len, ret) >= 0)
		return 0;
	return diag_fail(DIAG_TAMPERED, EUCLEAN,
			 "the sealed secret of keystore %s is none that a TPM sealed for holdfast",
			 k->name);
}

/* --- operations --- */

static int begin(const struct keystore *k, struct env *env, struct keystore_session **ret)
{
	struct keystore_session *s = NULL;
	int r = tpm2_connect(env, &s);

	if (r >= 0 && !s->remote)
		r = tpm2_storage_find(s);
	if (r < 0) {
		tpm2_disconnect(s);
		return r;
	}
	*ret = s;
	return 0;
}

static int used(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	return s->remote ? 0 : tpm2_anchor_written(s);
}

/* Free of charge: the storage key's name is known since begin(). */
static int recognise(const struct keystore *k, struct keystore_session *s, struct env *env,
		     const uint8_t *blob, size_t len)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	int r = b ? decode(k, blob, len, b) : diag_no_memory();

	if (r >= 0 && s->remote)
		r = tpm2_remote_refuse(k);
	return r < 0 ? r : tpm2_storage_compare(k, s, &b->srk);
}

static int lock(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	struct tpm2_boot b;

	wanted(k, &b);
	return k->values[LOCK].number ? tpm2_pcr_cap(s, &b) : 0;
}

/* Most TPMs have none: then *@ret stays NULL. */
static int ask_owner(const struct keystore *k, struct env *env, struct secret **ret)
{
	int r = env->input ? env->input->ask(env->input->ctx, ASK_OWNER, k->name, false, ret) : 0;

	return r == -ENOKEY ? 0 : r;
}

static int prepare(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	const TPM2B_AUTH none = {0};
	_cleanup_secret_ struct secret *owner = NULL;
	struct tpm2_boot boot;
	int r;

	if (s->remote)
		return 0;
	r = ask_owner(k, env, &owner);
	if (r >= 0)
		r = tpm2_storage_prepare(s, owner);
	if (r >= 0)
		r = tpm2_boot_now(k, s, &boot);
	if (r >= 0)
		r = tpm2_counter_prepare(s, TPM2_ERASE);
	if (r >= 0)
		r = tpm2_counter_prepare(s, TPM2_ROTATION);
	if (r >= 0)
		r = tpm2_anchor_prepare(s, &boot, signature_path(k));
	s->prepared = r >= 0;
	Esys_TR_SetAuth(s->esys, ESYS_TR_RH_OWNER, &none);
	return r;
}

static int count_erase(const struct keystore *k, struct keystore_session *s, struct env *env)
{
	uint64_t before, after;
	unsigned left = 0;
	int r = tpm2_counter_count(s, TPM2_ERASE, &before, &after);

	if (r < 0) {
		diag_state("NOT ERASED, as far as is known: the TPM did not confirm the count");
		return r;
	}
	/* The count is done; what follows cannot take it back. */
	if (tpm2_flush_sessions(s, &left) < 0 || left)
		diag_note("the erase is final after the TPM's next reset (power off and on): "
			  "sessions of other programs are still in it");
	return 0;
}

/* The value of the rotation counter at which @blob opens. */
static int read_wanted(const struct keystore *k, const uint8_t *blob, size_t len, uint64_t *ret)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	int r = b ? decode(k, blob, len, b) : diag_no_memory();

	if (r >= 0)
		*ret = b->counters.rotation;
	return r;
}

static int waits(const struct keystore *k, struct keystore_session *s, struct env *env,
		 const uint8_t *blob, size_t len)
{
	uint64_t now, wants;
	int r = read_wanted(k, blob, len, &wants);

	if (r < 0 || s->remote) /* just sealed, for the counters that are there */
		return r;
	r = tpm2_counter_read(s, TPM2_ROTATION, &now);
	if (r < 0 || now == wants)
		return r;
	if (now > wants)
		return diag_fail(DIAG_KEYSTORE_ERASED, EKEYREVOKED,
				 "the TPM's rotation counter stands at %llu and the sealed secret "
				 "was for %llu: a newer one replaced it",
				 (unsigned long long)now, (unsigned long long)wants);
	if (now + 1 != wants)
		return diag_fail(DIAG_KEYSTORE_FOREIGN, EUCLEAN,
				 "the sealed secret waits for %llu of the TPM's rotation counter, "
				 "which stands at %llu: it is of another device",
				 (unsigned long long)wants, (unsigned long long)now);
	return 1;
}

static int advance(const struct keystore *k, struct keystore_session *s, struct env *env,
		   const uint8_t *blob, size_t len)
{
	uint64_t before, after, wants;
	int r = waits(k, s, env, blob, len);

	if (r <= 0)
		return r;
	r = read_wanted(k, blob, len, &wants);
	if (r >= 0)
		r = tpm2_counter_count(s, TPM2_ROTATION, &before, &after);
	if (r >= 0 && after != wants)
		return diag_fail(DIAG_KEYSTORE_BUSY, EBUSY,
				 "somebody else counted the TPM's rotation counter, too");
	return r;
}

static int anchor_read(const struct keystore *k, struct keystore_session *s, struct env *env,
		       struct keystore_anchor *ret)
{
	*ret = (struct keystore_anchor){0};
	return s->remote ? 0 : tpm2_anchor_read(s, ret);
}

static int anchor_write(const struct keystore *k, struct keystore_session *s, struct env *env,
			const struct keystore_anchor *a)
{
	const TPM2B_AUTH none = {0};
	_cleanup_secret_ struct secret *owner = NULL;
	struct tpm2_boot boot;
	int r;

	if (s->remote) /* the first opening does it, where the TPM is */
		return 0;
	r = ask_owner(k, env, &owner);
	if (r >= 0)
		r = tpm2_boot_now(k, s, &boot);
	if (r >= 0)
		r = tpm2_anchor_write(s, &boot, signature_path(k), owner, a);
	Esys_TR_SetAuth(s->esys, ESYS_TR_RH_OWNER, &none);
	return r;
}

static int hardware(struct keystore_session *s, char *ret, size_t size)
{
	uint32_t maker, first, second;
	char name[5] = "";
	int r = tpm2_property(s, TPM2_PT_MANUFACTURER, &maker);

	if (r >= 0)
		r = tpm2_property(s, TPM2_PT_FIRMWARE_VERSION_1, &first);
	if (r >= 0)
		r = tpm2_property(s, TPM2_PT_FIRMWARE_VERSION_2, &second);
	if (r < 0)
		return r;
	for (int i = 0; i < 4; i++) {
		char c = (char)(maker >> (24 - 8 * i));

		name[i] = c > ' ' && c < 127 ? c : '\0';
	}
	snprintf(ret, size, "TPM 2.0 of %s, firmware %u.%u.%u.%u", name, first >> 16,
		 first & 0xffff, second >> 16, second & 0xffff);
	return 0;
}

static int state(const struct keystore *k, struct keystore_session *s, struct env *env,
		 struct keystore_state *ret)
{
	struct keystore_state st = {.strength = strength(k)};
	ESYS_TR session;
	int r = s->remote ? tpm2_remote_refuse(k) : tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = hardware(s, st.hardware, sizeof(st.hardware));
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &st.erase);
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ROTATION, &st.rotation);
	if (r >= 0)
		r = tpm2_anchor_read(s, &st.anchor);
	if (r >= 0)
		*ret = st;
	return r;
}

static int seal(const struct keystore *k, struct keystore_session *s, struct env *env, bool next,
		struct secret **ret, struct text *blob)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	_cleanup_secret_ struct secret *secret = NULL;
	ESYS_TR session;
	int r = !b ? diag_no_memory() : s->remote ? 0 : tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_boot_now(k, s, &b->boot);
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ERASE, &b->counters.erase);
	if (r >= 0)
		r = tpm2_counter_read(s, TPM2_ROTATION, &b->counters.rotation);
	if (r < 0)
		return r;
	b->counters.rotation += next;
	if (k->values[PIN].number)
		b->pin =
		    (struct tpm2_pin){.wanted = true,
				      .memory_kib = (uint32_t)(k->values[MEMORY].number / 1024),
				      .passes = 3,
				      .lanes = 4};
	r = tpm2_seal(k, s, env, b, &secret);
	if (r >= 0 && tpm2_blob_encode(b, blob) < 0)
		r = diag_fail(DIAG_INTERNAL, EIO, "a sealed secret cannot be written down");
	if (r >= 0)
		*ret = TAKE(secret);
	return r;
}

/* The layout wants a boot state: a secret that is bound to none, or to another, is not one of
 * ours, whoever put it there. */
static int check_bound(const struct keystore *k, const struct tpm2_boot *b)
{
	struct tpm2_boot w;
	int r;

	wanted(k, &w);
	if (!w.pcrs || (b->pcrs == w.pcrs && b->bank == w.bank && b->is_signed == w.is_signed))
		return 0;
	r = diag_fail(DIAG_KEYSTORE_POLICY, EKEYREJECTED,
		      "the sealed secret of keystore %s is not bound to the PCRs that the layout "
		      "wants",
		      k->name);
	diag_state("nothing was opened");
	diag_next("use the layout that it was made with");
	return r;
}

static int unseal(const struct keystore *k, struct keystore_session *s, struct env *env,
		  const uint8_t *blob, size_t len, struct secret **ret)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));
	int r = b ? decode(k, blob, len, b) : diag_no_memory();

	if (r >= 0)
		r = check_bound(k, &b->boot);
	return r < 0 ? r : tpm2_unseal(k, s, env, b, signature_path(k), ret);
}

static int identity(const struct keystore *k, struct keystore_session *s, struct env *env,
		    struct text *ret)
{
	return tpm2_identity_of(s, ret);
}

static bool sealed_elsewhere(const uint8_t *blob, size_t len)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));

	return b && tpm2_blob_decode(blob, len, b) >= 0 && b->seed.size;
}

static void describe(const struct keystore *k, const uint8_t *blob, size_t len, struct text *to)
{
	_cleanup_free_ struct tpm2_blob *b = calloc(1, sizeof(*b));

	if (!b || tpm2_blob_decode(blob, len, b) < 0)
		return;
	text_add(to, "TPM 2.0");
	if (b->boot.pcrs) {
		text_add(to, b->boot.is_signed ? ", only while a signature vouches for PCR "
					       : ", only while PCR ");
		tpm2_pcr_list(b->boot.pcrs, to);
		text_add(to, b->boot.is_signed ? " (%s, version %u)" : " (%s) are as when sealed",
			 tpm2_bank_name(b->boot.bank), b->boot.version);
	}
	if (b->pin.wanted)
		text_add(to, ", with a PIN");
	text_add(to, "; until the TPM's rotation counter passes %llu or its erase counter %llu",
		 (unsigned long long)b->counters.rotation, (unsigned long long)b->counters.erase);
	if (!b->boot.pcrs)
		text_add(to, "; bound to no boot state: not authentic against someone who boots "
			     "their own system on this board");
}

const struct keystore_ops keystore_tpm2 = {
    .name = "tpm2",
    .summary = "A TPM 2.0 guards the device secret; its counters make erasing final.",
    .options = options,
    .strength = strength,
    .check = check,
    .begin = begin,
    .end = tpm2_disconnect,
    .used = used,
    .prepare = prepare,
    .count_erase = count_erase,
    .advance = advance,
    .waits = waits,
    .recognise = recognise,
    .anchor_read = anchor_read,
    .anchor_write = anchor_write,
    .state = state,
    .seal = seal,
    .unseal = unseal,
    .identity = identity,
    .sealed_elsewhere = sealed_elsewhere,
    .lock = lock,
    .describe = describe,
    .systemd = &tpm2_systemd,
};
