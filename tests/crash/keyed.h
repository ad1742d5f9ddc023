/* SPDX-License-Identifier: Apache-2.0 */
/* A device with three keyed volumes (data: AEAD; mac: integrity with HMAC; sum: no key), on a
 * medium that fails on purpose. */
#ifndef HOLDFAST_TESTS_CRASH_KEYED_H
#define HOLDFAST_TESTS_CRASH_KEYED_H

#include "model/key.h"
#include "target/keys.h"
#include "target/provision.h"
#include "lib/fault-io.h"

extern struct fault_plan keyed_faults; /* of the medium */
extern uint64_t keyed_seed;            /* what becomes of writes that were not flushed */
extern const char *keyed_old_words, *keyed_new_words; /* what the keystore is told */
extern struct key_input keyed_input;
extern bool keyed_retire; /* provision with --retire-keys */
extern bool keyed_torn;   /* to keyed_opens(), what its twin can mend is whole */

/* A directory of its own, with keys.layout; options of its keystore, and of data's crypt layer. */
int keyed_set_up(const char *keystore, const char *crypt);
int keyed_tear_down(void **state);
/* For what keyed_change() does not do. The pool in @env is the caller's. */
extern const struct kinds keyed_kinds;
int keyed_make_env(struct env *env, struct progress *progress);

/* Like the commands: 0 or -errno, with what was said behind diag_get(). */
int keyed_provision_as(const char *path, bool shared);
int keyed_provision(const char *path);
typedef int (*change_fn)(struct target *t, struct env *env);
int keyed_change(const char *path, change_fn fn); /* from the old words to the new ones */
int keyed_rotate(struct target *t, struct env *env);
int keyed_forget(struct target *t, struct env *env); /* of volume data */
/* Everything verifies under these words, and contents are what was laid out. */
int keyed_opens(const char *path, const char *words, bool with_data);
/* What a TPM that the layout's keystore has been prepared in tells of itself, into a file. */
int keyed_identity(const char *to);
void keyed_assert_opens(const char *path); /* with nothing to mend */
void keyed_print_failures(void);
/* Provisions with a cut at operation @i, then to the end; it opens. False: it was through before,
 * as threads came in another order. */
bool keyed_cut_and_resume(const char *path, uint64_t i);
void keyed_copy_file(const char *from, const char *to);

#endif
