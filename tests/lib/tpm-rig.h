/* SPDX-License-Identifier: Apache-2.0 */
/* A keystore of backend tpm2 on a TPM of its own, and somebody who knows PIN and owner. */
#ifndef HOLDFAST_TESTS_TPM_RIG_H
#define HOLDFAST_TESTS_TPM_RIG_H

#include "base/diag.h"
#include "keystore/registry.h"
#include "keystore/tpm2/boot.h"
#include "keystore/tpm2/context.h"
#include "lib/swtpm.h"
#include "lib/tpm-between.h"
#include "model/build.h"
#include "model/layout.h"

struct rig {
	struct swtpm tpm;
	char dir[64];
	struct layout *layout;
	struct keystore *k;
	struct env env;
	struct progress progress;
	struct key_input input;
	const char *pin, *owner; /* what is answered; NULL: nothing */
};

/* @options: "name", "value" pairs, then NULL; a value of "a,b" is a list for pcrs. */
void rig_open(struct rig *r, const char *const *options);
void rig_layout(struct rig *r, const char *const *options); /* other options, the same TPM */
void rig_close(struct rig *r);

/* One operation in a session of its own. */
int rig_prepare(struct rig *r);
int rig_seal(struct rig *r, bool next, struct secret **ret, struct text *blob);
int rig_unseal(struct rig *r, const struct text *blob, struct secret **ret);
int rig_opens(struct rig *r, const struct text *blob,
	      const struct secret *expected); /* 0, -EILSEQ: another secret */
int rig_advance(struct rig *r, const struct text *blob);
int rig_count_erase(struct rig *r);
int rig_anchor_write(struct rig *r, uint64_t sequence);
int rig_anchor_read(struct rig *r, struct keystore_anchor *ret);
/* The code of the first failure, DIAG_OK where there is none; forgets all of them. */
enum diag_code rig_said(void);
/* tpm2-tools; fails the test when it does. */
void rig_tool(struct rig *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Transient objects and sessions in the TPM; and without them. */
unsigned rig_handles(struct rig *r);
void rig_flush(struct rig *r);
/* Without storage key, counters and anchor, as it was before provisioning. */
void rig_blank(struct rig *r);

#endif
