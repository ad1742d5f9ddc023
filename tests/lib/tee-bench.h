/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated board with keystore tee, for several tests. */
#ifndef HOLDFAST_TESTS_TEE_BENCH_H
#define HOLDFAST_TESTS_TEE_BENCH_H

#include "base/diag.h"
#include "keystore/tee/child.h"
#include "lib/gp-sim.h"
#include "model/key.h"
#include "model/layout.h"

struct tee_bench {
	char dir[64];
	struct gp_board *board;
	struct env env;
	struct layout *layout;
	const struct keystore *k;
	struct keystore_session *s; /* of tee_bench_session() */
};

/* A sealed secret, as an attacker may have copied it. */
struct tee_sealed {
	uint8_t blob[sizeof(struct ta_blob_disk)];
	uint8_t secret[DEVICE_SECRET_BYTES];
};

/* A new board, booted; the keystore with options like `storage = "ree"`. */
void tee_bench_new(struct tee_bench *b, const char *options);
void tee_bench_free(struct tee_bench *b);
/* Another layout for the same board. */
void tee_bench_options(struct tee_bench *b, const char *options);
void tee_bench_reboot(struct tee_bench *b);

/* The session; begins one if there is none. NULL: it could not be begun. */
struct keystore_session *tee_bench_session(struct tee_bench *b);
void tee_bench_end(struct tee_bench *b);

int tee_bench_prepare(struct tee_bench *b);
int tee_bench_seal(struct tee_bench *b, bool next, struct tee_sealed *ret);
/* 0: it opens, and gives the right secret; or -errno. */
int tee_bench_open(struct tee_bench *b, const struct tee_sealed *c);
int tee_bench_advance(struct tee_bench *b, const struct tee_sealed *c);
int tee_bench_count(struct tee_bench *b);
int tee_bench_state(struct tee_bench *b, struct keystore_state *ret);
int tee_bench_anchor(struct tee_bench *b, uint64_t sequence);

/* The failure that was recorded first, DIAG_OK if none; forgets all. */
enum diag_code tee_bench_said(char ret_text[static 1024]);
enum diag_code tee_bench_code(void);

/* Files of the board: "ree/erase". */
bool tee_bench_has(struct tee_bench *b, const char *object);
void tee_bench_delete(struct tee_bench *b, const char *object);
void tee_bench_copy(struct tee_bench *b, const char *from, const char *to);
void tee_bench_flip(struct tee_bench *b, const char *object, long at);

#endif
