/* SPDX-License-Identifier: Apache-2.0 */
/* A keystore of backend tpm2 on its own TPM, and answers for PIN and owner authorisation. */
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
	const char *pin, *owner; /* the answers; NULL: there is none */
};

/* @options: "name", "value" pairs, then NULL; a value of "a,b" is a list for pcrs. */
void rig_open(struct rig *r, const char *const *options);
void rig_layout(struct rig *r, const char *const *options); /* other options, the same TPM */
void rig_close(struct rig *r);

/* Each runs one operation in its own session. */
int rig_prepare(struct rig *r);
int rig_seal(struct rig *r, bool next, struct secret **ret, struct text *blob);
int rig_unseal(struct rig *r, const struct text *blob, struct secret **ret);
int rig_opens(struct rig *r, const struct text *blob,
	      const struct secret *expected); /* 0, -EILSEQ: another secret */
int rig_advance(struct rig *r, const struct text *blob);
int rig_count_erase(struct rig *r);
int rig_anchor_write(struct rig *r, uint64_t sequence);
int rig_anchor_read(struct rig *r, struct keystore_anchor *ret);
/* The code of the first failure, DIAG_OK if there is none; forgets all of them. */
enum diag_code rig_said(void);
/* Runs a shell command with tpm2-tools; the test fails if it does. */
void rig_tool(struct rig *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* How many transient objects and sessions are in the TPM; flushes them. */
unsigned rig_handles(struct rig *r);
void rig_flush(struct rig *r);
/* Removes storage key, counters and anchor, as before provisioning. */
void rig_blank(struct rig *r);

#endif
