/* SPDX-License-Identifier: Apache-2.0 */
/* The counters E and R. */
#include <errno.h>

#include "base/endian.h"
#include "keystore/tpm2/counter.h"
#include "keystore/tpm2/error.h"
#include "keystore/tpm2/index.h"
#include "keystore/tpm2/session.h"

int tpm2_counter_read(struct keystore_session *s, enum tpm2_which which, uint64_t *ret)
{
	be64_t value = {0};
	int r;

	if (s->remote) {
		*ret = s->remote->value[which];
		return 0;
	}
	r = tpm2_index_read(s, which, &value, sizeof(value));
	if (r >= 0)
		*ret = be64_get(value);
	return r;
}

static int increment(struct keystore_session *s, enum tpm2_which which)
{
	ESYS_TR session;
	TSS2_RC rc;
	int r = tpm2_hmac_session(s, &session);

	if (r < 0)
		return r;
	rc = Esys_NV_Increment(s->esys, s->index[which].tr, s->index[which].tr, session,
			       ESYS_TR_NONE, ESYS_TR_NONE);
	if (tpm2_code(rc) == TPM2_RC_HANDLE)
		return tpm2_index_missing(which);
	return rc == TSS2_RC_SUCCESS
		   ? 0
		   : tpm2_fail(rc, "the TPM's %s could not be counted up", tpm2_index_text(which));
}

int tpm2_counter_count(struct keystore_session *s, enum tpm2_which which, uint64_t *ret_before,
		       uint64_t *ret_after)
{
	uint64_t before, after;
	ESYS_TR session;
	int r = tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_counter_read(s, which, &before);
	if (r >= 0)
		r = increment(s, which);
	if (r >= 0)
		r = tpm2_counter_read(s, which, &after);
	if (r < 0)
		return r;
	if (after <= before)
		return tpm2_untrusted("the TPM's %s was counted up from %llu and now is %llu",
				      tpm2_index_text(which), (unsigned long long)before,
				      (unsigned long long)after);
	*ret_before = before;
	*ret_after = after;
	return 0;
}

int tpm2_counter_prepare(struct keystore_session *s, enum tpm2_which which)
{
	ESYS_TR session;
	uint64_t value;
	int r = tpm2_hmac_session(s, &session);

	if (r >= 0)
		r = tpm2_index_look(s, which);
	if (r == -ENOENT)
		r = tpm2_index_define(s, which, NULL);
	/* The first count changes its name, and policies are made from the later name. */
	if (r >= 0 && !(s->index[which].public.nvPublic.attributes & TPMA_NV_WRITTEN))
		r = increment(s, which);
	if (r >= 0)
		r = tpm2_index_look(s, which);
	if (r == -ENOENT)
		return tpm2_index_missing(which);
	return r < 0 ? r : tpm2_counter_read(s, which, &value);
}
