/* SPDX-License-Identifier: Apache-2.0 */
/* A keystore of backend tpm2 on its own TPM. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "lib/check.h"
#include "lib/tpm-rig.h"

static const atomic_bool never;

static int ask(void *ctx, enum key_asked what, const char *name, bool fresh, struct secret **ret)
{
	struct rig *r = ctx;
	const char *words = what == ASK_PIN ? r->pin : r->owner;
	int e;

	if (!words)
		return what == ASK_OWNER ? -ENOKEY : diag_fail(DIAG_KEY_INPUT, ENOKEY, "no PIN");
	e = secret_new(strlen(words), ret);
	if (e >= 0)
		memcpy(secret_bytes(*ret), words, strlen(words));
	return e;
}

void rig_layout(struct rig *r, const char *const *options)
{
	const struct where nowhere = {0};

	layout_free(r->layout);
	r->layout = layout_new();
	r->k = layout_add_keystore(r->layout, &keystore_tpm2, "device", nowhere);
	assert_non_null(r->k);
	for (; options && *options; options += 2) {
		char copy[64];
		const char *texts[TPM2_PCRS], *one = options[1];
		char *save = NULL;
		size_t n = 0;

		snprintf(copy, sizeof(copy), "%s", options[1]);
		if (strcmp(options[0], "pcrs") == 0) {
			for (char *w = strtok_r(copy, ",", &save); w;
			     w = strtok_r(NULL, ",", &save))
				texts[n++] = w;
		} else {
			texts[n++] = one;
		}
		assert_ok(keystore_set(r->layout, r->k, options[0], texts, n, nowhere));
	}
	assert_ok(r->k->ops->check(r->k));
}

void rig_open(struct rig *r, const char *const *options)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->dir, sizeof(r->dir), "/tmp/holdfast-tpm.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	swtpm_start(&r->tpm, r->dir);
	between_reset();
	r->input = (struct key_input){.ask = ask, .ctx = r, .tcti = r->tpm.tcti};
	r->env = (struct env){
	    .progress = &r->progress, .cancel = &never, .random = random_bytes, .input = &r->input};
	rig_layout(r, options);
	diag_forget(0);
}

void rig_close(struct rig *r)
{
	r->layout = layout_free(r->layout);
	rig_tool(r, "rm -rf %s", r->dir);
	swtpm_stop(&r->tpm);
	between_reset();
	diag_forget(0);
}

static int begin(struct rig *r, struct keystore_session **ret)
{
	*ret = NULL;
	return r->k->ops->begin(r->k, &r->env, ret);
}

int rig_prepare(struct rig *r)
{
	struct keystore_session *s;
	int e = begin(r, &s);

	if (e >= 0)
		e = r->k->ops->prepare(r->k, s, &r->env);
	if (e >= 0)
		e = r->k->ops->prepare_anchor(r->k, s, &r->env);
	r->k->ops->end(s);
	return e;
}

int rig_seal(struct rig *r, bool next, struct secret **ret, struct text *blob)
{
	struct keystore_counters c = {0};
	struct keystore_session *s;
	int e = begin(r, &s);

	if (e >= 0 && next)
		e = r->k->ops->counters(r->k, s, &r->env, &c);
	if (e >= 0)
		e = r->k->ops->seal(r->k, s, &r->env, next ? c.rotation + 1 : 0, ret, blob);
	r->k->ops->end(s);
	return e;
}

int rig_unseal(struct rig *r, const struct text *blob, struct secret **ret)
{
	struct keystore_session *s;
	int e = begin(r, &s);

	if (e >= 0)
		e = r->k->ops->unseal(r->k, s, &r->env, (uint8_t *)blob->s, blob->len, ret);
	r->k->ops->end(s);
	return e;
}

int rig_opens(struct rig *r, const struct text *blob, const struct secret *expected)
{
	_cleanup_secret_ struct secret *got = NULL;
	int e = rig_unseal(r, blob, &got);

	return e < 0 ? e : secret_equal(got, expected) ? 0 : -EILSEQ;
}

int rig_advance(struct rig *r, const struct text *blob)
{
	struct keystore_session *s;
	int e = begin(r, &s);

	if (e >= 0)
		e = r->k->ops->advance(r->k, s, &r->env, (uint8_t *)blob->s, blob->len);
	r->k->ops->end(s);
	return e;
}

int rig_count_erase(struct rig *r)
{
	struct keystore_session *s;
	int e = begin(r, &s);

	if (e >= 0)
		e = r->k->ops->count_erase(r->k, s, &r->env);
	r->k->ops->end(s);
	return e;
}

int rig_anchor_write(struct rig *r, uint64_t sequence)
{
	struct keystore_anchor a = {.present = true, .sequence = sequence};
	struct keystore_counters c = {0};
	struct keystore_session *s;
	int e = begin(r, &s);

	memset(a.digest, (int)sequence, sizeof(a.digest));
	if (e >= 0)
		e = r->k->ops->counters(r->k, s, &r->env, &c);
	a.erase = c.erase;
	if (e >= 0)
		e = r->k->ops->anchor_write(r->k, s, &r->env, &a);
	r->k->ops->end(s);
	return e;
}

int rig_anchor_read(struct rig *r, struct keystore_anchor *ret)
{
	struct keystore_session *s;
	int e = begin(r, &s);

	if (e >= 0)
		e = r->k->ops->anchor_read(r->k, s, &r->env, ret);
	r->k->ops->end(s);
	return e;
}

enum diag_code rig_said(void)
{
	enum diag_code code = diag_count() ? diag_get(0)->code : DIAG_OK;

	diag_forget(0);
	return code;
}

void rig_tool(struct rig *r, const char *fmt, ...)
{
	char command[1024], line[1536];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	snprintf(line, sizeof(line),
		 "cd %s; export TPM2TOOLS_TCTI=%s LD_PRELOAD= ASAN_OPTIONS=; set -e; %s",
		 r->tpm.dir, r->tpm.tcti, command);
	if (system(line) != 0)
		fail_msg("%s", command);
}

static unsigned each_handle(struct rig *r, bool flush)
{
	static const uint32_t first[] = {0x80000000, 0x02000000, 0x03000000};
	struct keystore_session *s;
	unsigned n = 0;

	assert_ok(tpm2_connect(&r->env, &s));
	for (size_t i = 0; i < 3; i++) {
		TPMS_CAPABILITY_DATA *data = NULL;
		TPMI_YES_NO more;

		assert_int_equal(Esys_GetCapability(s->esys, ESYS_TR_NONE, ESYS_TR_NONE,
						    ESYS_TR_NONE, TPM2_CAP_HANDLES, first[i], 16,
						    &more, &data),
				 TSS2_RC_SUCCESS);
		n += data->data.handles.count;
		for (uint32_t k = 0; flush && k < data->data.handles.count; k++) {
			ESYS_TR tr;

			if (Esys_TR_FromTPMPublic(s->esys, data->data.handles.handle[k],
						  ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
						  &tr) == TSS2_RC_SUCCESS)
				Esys_FlushContext(s->esys, tr);
		}
		Esys_Free(data);
	}
	tpm2_disconnect(s);
	return n;
}

unsigned rig_handles(struct rig *r)
{
	return each_handle(r, false);
}

void rig_flush(struct rig *r)
{
	each_handle(r, true);
}

void rig_blank(struct rig *r)
{
	struct keystore_session *s;
	ESYS_TR tr, none;

	assert_ok(tpm2_connect(&r->env, &s));
	for (int i = 0; i < TPM2_INDICES; i++) {
		if (Esys_TR_FromTPMPublic(s->esys, tpm2_index_handle((enum tpm2_which)i),
					  ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					  &tr) == TSS2_RC_SUCCESS)
			Esys_NV_UndefineSpace(s->esys, ESYS_TR_RH_OWNER, tr, ESYS_TR_PASSWORD,
					      ESYS_TR_NONE, ESYS_TR_NONE);
	}
	if (Esys_TR_FromTPMPublic(s->esys, TPM2_SRK_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, &tr) == TSS2_RC_SUCCESS)
		Esys_EvictControl(s->esys, ESYS_TR_RH_OWNER, tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				  ESYS_TR_NONE, TPM2_SRK_HANDLE, &none);
	tpm2_disconnect(s);
}
