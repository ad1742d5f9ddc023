/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, said once: stable codes, exit statuses, scopes; the library never prints. */
#ifndef HOLDFAST_BASE_DIAG_H
#define HOLDFAST_BASE_DIAG_H

#include <stddef.h>

/* The exit status of the program. An interface: scripts branch on it (docs/man/holdfast.1). */
enum outcome {
	OUTCOME_DONE = 0,       /* done, or nothing was left to do */
	OUTCOME_FAILED = 1,     /* failed for a reason that fits none of the others */
	OUTCOME_USAGE = 2,      /* wrong arguments, a mistake in the layout, digest mismatch */
	OUTCOME_UNVERIFIED = 3, /* does not verify: tampered with or damaged */
	OUTCOME_STOPPED = 4,    /* stopped before the end; the same command resumes */
	OUTCOME_REFUSED = 5,  /* would destroy or is forbidden: foreign target, lifecycle, policy */
	OUTCOME_HARDWARE = 6, /* the target's hardware failed: EIO, dead TPM */
	OUTCOME_BUSY = 7,     /* somebody else holds the target; try again */
};

/*
 * Every code that a `result` object or an error can carry: symbol, stable text, exit status, and
 * one line for the manual. Codes are only ever added.
 */
#define DIAG_CODES(X)                                                                              \
	X(DIAG_OK, "HF-OK", OUTCOME_DONE, "done")                                                  \
	X(DIAG_NOTHING_TO_DO, "HF-NOTHING-TO-DO", OUTCOME_DONE,                                    \
	  "the target already is what the layout says")                                            \
	X(DIAG_INTERNAL, "HF-INTERNAL", OUTCOME_FAILED, "a bug in holdfast; please report it")     \
	X(DIAG_NO_MEMORY, "HF-NO-MEMORY", OUTCOME_FAILED, "out of memory")                         \
	X(DIAG_IO, "HF-IO", OUTCOME_HARDWARE, "the target failed to read or write")                \
	X(DIAG_FILE, "HF-FILE", OUTCOME_FAILED, "a file other than the target failed")             \
	X(DIAG_NO_SPACE, "HF-NO-SPACE", OUTCOME_STOPPED,                                           \
	  "the file system that holds the target is full; the same command resumes")               \
	X(DIAG_READ_ONLY, "HF-READ-ONLY", OUTCOME_REFUSED, "the target cannot be written")         \
	X(DIAG_PERMISSION, "HF-PERMISSION", OUTCOME_REFUSED, "the system did not allow it")        \
	X(DIAG_NO_TARGET, "HF-NO-TARGET", OUTCOME_USAGE, "the target does not exist")              \
	X(DIAG_BUSY, "HF-BUSY", OUTCOME_BUSY, "another process works on the target")               \
	X(DIAG_SIGNAL, "HF-SIGNAL", OUTCOME_STOPPED, "stopped by a signal; resumable")             \
	X(DIAG_USAGE, "HF-USAGE", OUTCOME_USAGE, "wrong command line")                             \
	X(DIAG_LAYOUT_SYNTAX, "HF-LAYOUT-SYNTAX", OUTCOME_USAGE, "the layout cannot be parsed")    \
	X(DIAG_LAYOUT_VALUE, "HF-LAYOUT-VALUE", OUTCOME_USAGE, "an option's value is not valid")   \
	X(DIAG_LAYOUT_REPEATED, "HF-LAYOUT-REPEATED", OUTCOME_USAGE,                               \
	  "an option or a section stands twice")                                                   \
	X(DIAG_LAYOUT_UNKNOWN, "HF-LAYOUT-UNKNOWN", OUTCOME_USAGE,                                 \
	  "an option, a section or a name that is not known")                                      \
	X(DIAG_LAYOUT_TYPE, "HF-LAYOUT-TYPE", OUTCOME_USAGE,                                       \
	  "a layer cannot stand on the one below it")                                              \
	X(DIAG_LAYOUT_SPACE, "HF-LAYOUT-SPACE", OUTCOME_USAGE,                                     \
	  "the volumes do not fit, overlap, or a size is not possible")                            \
	X(DIAG_NOT_BUILT, "HF-NOT-BUILT", OUTCOME_USAGE,                                           \
	  "this version of holdfast cannot do that yet")                                           \
	X(DIAG_DIGEST, "HF-DIGEST", OUTCOME_USAGE,                                                 \
	  "the plan is not the one that was begun or asked for")                                   \
	X(DIAG_SOURCE, "HF-SOURCE", OUTCOME_USAGE, "a source is missing or cannot be used")        \
	X(DIAG_SOURCE_CHANGED, "HF-SOURCE-CHANGED", OUTCOME_STOPPED,                               \
	  "a source changed while it was read")                                                    \
	X(DIAG_PROGRAM, "HF-PROGRAM", OUTCOME_FAILED, "a helper program is missing or failed")     \
	X(DIAG_FOREIGN, "HF-FOREIGN", OUTCOME_REFUSED,                                             \
	  "the target holds something that holdfast did not make")                                 \
	X(DIAG_GPT_FOREIGN, "HF-GPT-FOREIGN", OUTCOME_REFUSED,                                     \
	  "the partition table has partitions that the layout does not know")                      \
	X(DIAG_LIFECYCLE, "HF-LIFECYCLE", OUTCOME_REFUSED, "the device's state forbids it")        \
	X(DIAG_TARGET_SIZE, "HF-TARGET-SIZE", OUTCOME_REFUSED,                                     \
	  "the target is smaller than planned, or changed its size")                               \
	X(DIAG_TAMPERED, "HF-TAMPERED", OUTCOME_UNVERIFIED, "contents do not verify")              \
	X(DIAG_DAMAGED, "HF-DAMAGED", OUTCOME_UNVERIFIED,                                          \
	  "a structure is damaged; a good copy may exist")                                         \
	X(DIAG_CHANGED, "HF-CHANGED", OUTCOME_UNVERIFIED,                                          \
	  "a volume is not what was laid out: its structures differ from the vault's record")      \
	X(DIAG_NO_VOLUME, "HF-NO-VOLUME", OUTCOME_USAGE, "no such volume on the target")           \
	X(DIAG_NOT_LAID_OUT, "HF-NOT-LAID-OUT", OUTCOME_REFUSED,                                   \
	  "the target holds neither a vault nor a readable partition table")                       \
	X(DIAG_INCOMPLETE, "HF-INCOMPLETE", OUTCOME_STOPPED,                                       \
	  "the target is half laid out; provisioning must be resumed")                             \
	X(DIAG_KEY_INPUT, "HF-KEY-INPUT", OUTCOME_USAGE,                                           \
	  "a passphrase is needed and was not given")                                              \
	X(DIAG_KEY_WRONG, "HF-KEY-WRONG", OUTCOME_REFUSED,                                         \
	  "what was given does not open the keystore")                                             \
	X(DIAG_KEY_MISSING, "HF-KEY-MISSING", OUTCOME_REFUSED,                                     \
	  "the key is not here, or was given up")                                                  \
	X(DIAG_KEY_UNUSED, "HF-KEY-UNUSED", OUTCOME_REFUSED,                                       \
	  "a key, passphrase, PIN or token was given, and nothing here takes it")                  \
	X(DIAG_KEYSTORE_MISSING, "HF-KEYSTORE-MISSING", OUTCOME_HARDWARE,                          \
	  "the TPM or TEE is not there or does not answer")                                        \
	X(DIAG_KEYSTORE_FAILED, "HF-KEYSTORE-FAILED", OUTCOME_HARDWARE, "the TPM or TEE failed")   \
	X(DIAG_KEYSTORE_BUSY, "HF-KEYSTORE-BUSY", OUTCOME_BUSY,                                    \
	  "the TPM or TEE is locked out, rate-limited or busy; try again later")                   \
	X(DIAG_KEYSTORE_FOREIGN, "HF-KEYSTORE-FOREIGN", OUTCOME_REFUSED,                           \
	  "the keys are of another TPM or TEE, or it was cleared")                                 \
	X(DIAG_KEYSTORE_OWNER, "HF-KEYSTORE-OWNER", OUTCOME_REFUSED,                               \
	  "the TPM's owner authorisation is needed")                                               \
	X(DIAG_KEYSTORE_POLICY, "HF-KEYSTORE-POLICY", OUTCOME_REFUSED,                             \
	  "the keys are bound to another boot state")                                              \
	X(DIAG_KEYSTORE_ERASED, "HF-KEYSTORE-ERASED", OUTCOME_REFUSED,                             \
	  "the hardware's counter has passed: these keys are dead for good")                       \
	X(DIAG_KEYSTORE_UNTRUSTED, "HF-KEYSTORE-UNTRUSTED", OUTCOME_UNVERIFIED,                    \
	  "the answers of the TPM or TEE do not authenticate")                                     \
	X(DIAG_VAULT_OLD, "HF-VAULT-OLD", OUTCOME_UNVERIFIED,                                      \
	  "the vault is not the one that the hardware's anchor names")                             \
	X(DIAG_NEWER, "HF-NEWER", OUTCOME_REFUSED, "the target was made by a newer holdfast")      \
	X(DIAG_DIGEST_RULE, "HF-DIGEST-RULE", OUTCOME_REFUSED,                                     \
	  "the target was laid out by an older rule of the layout digest")                         \
	X(DIAG_ROTATION_WAITS, "HF-ROTATION-WAITS", OUTCOME_STOPPED,                               \
	  "a rotation of the keys is not counted yet: open or key rotate finishes it")             \
	X(DIAG_KERNEL, "HF-KERNEL", OUTCOME_FAILED, "the kernel refused or lacks a feature")       \
	X(DIAG_IN_USE, "HF-IN-USE", OUTCOME_BUSY, "a device or mount point is in use")

enum diag_code {
#define X(symbol, text, outcome, help) symbol,
	DIAG_CODES(X)
#undef X
	    DIAG_CODE_COUNT
};

const char *diag_code_text(enum diag_code code);
enum outcome diag_code_outcome(enum diag_code code);
const char *diag_code_help(enum diag_code code);

/* One failure. Texts are complete sentences without a final newline; "" where nothing was said. */
struct diag_record {
	enum diag_code code;
	char scope[256]; /* "volume root: layer verity" */
	char text[1024]; /* what, on which device, why */
	char state[512]; /* what state things are in now */
	char next[512];  /* what to type next */
};

/*
 * Whoever *creates* a negative code says why through diag_fail(); everyone else passes it on.
 * Returns -|err|, so that `return diag_fail(...)` reads well; @err 0 counts as EINVAL.
 * Failures are kept (the first 64) until diag_take(); the program prints them at its end, the first
 * decides the exit status. Thread-safe; scopes belong to the calling thread.
 */
int diag_fail(enum diag_code code, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int diag_no_memory(void); /* diag_fail(DIAG_NO_MEMORY, ENOMEM, ...) */

/* The same for a failed system call on @what: picks the code from @err (positive errno), and says
 * strerror. diag_io() is for the target (EIO = hardware), diag_file() for any other file. */
int diag_io(int err, const char *what);
int diag_file(int err, const char *what);

/* Adds to the failure that this thread recorded last. */
void diag_state(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_next(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Said at once through the sink, and never changes the exit status. */
void diag_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

enum diag_level { DIAG_WARN, DIAG_NOTE };
typedef void (*diag_sink_fn)(void *ctx, enum diag_level level, const char *scope, const char *text);
void diag_set_sink(diag_sink_fn sink, void *ctx); /* NULL: silence (the default) */

/* Failures so far. A caller that handles a failure itself takes back what was recorded since @mark.
 */
size_t diag_count(void);
const struct diag_record *diag_get(size_t index);
void diag_forget(size_t mark);

/* Context for every message of this thread until the block ends: DIAG_SCOPE("volume %s", name); */
struct diag_scope {
	size_t length_before;
};
struct diag_scope diag_scope_enter(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void diag_scope_leave(struct diag_scope *scope);
#define DIAG_CONCAT_(a, b) a##b
#define DIAG_CONCAT(a, b)  DIAG_CONCAT_(a, b)
#define DIAG_SCOPE(...)                                                                            \
	__attribute__((cleanup(diag_scope_leave))) struct diag_scope DIAG_CONCAT(                  \
	    diag_scope_, __LINE__) = diag_scope_enter(__VA_ARGS__)

#endif
