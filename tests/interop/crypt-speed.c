/* SPDX-License-Identifier: Apache-2.0 */
/* What a device encrypted in user space costs beside its cipher alone, on all processors. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/pool.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "userspace/crypt/crypt.h"

static const char usage[] =
    "crypt-speed MIB CIPHER [INTEGRITY]\n"
    "Prints MiB/s, medians: of the cipher alone, message by message of 4096 bytes, from one place\n"
    "in memory to another: encrypting, decrypting; of copying what was just made to memory; of a\n"
    "device with such sectors over dm-integrity in memory, by pieces of 1 MiB: writing, reading,\n"
    "checking.\n";

#define SECTOR_BYTES 4096
#define PIECE_BYTES  (1024 * 1024)
#define SECTORS      (PIECE_BYTES / SECTOR_BYTES) /* of a piece */
#define ROUNDS       5

static struct progress progress;
static const atomic_bool never;
static struct env env = {.progress = &progress, .cancel = &never, .random = random_bytes};

struct bench {
	const struct crypt_kind *kind;
	uint8_t key[128];
	uint64_t pieces;
	uint8_t *from, *to; /* as large as the device */
	uint8_t *tags, *states;
	struct aead **aead; /* one a worker */
	struct io *io;
};

/* --- the cipher alone: every message under the same IV, which costs the same --- */

static const uint8_t iv[16], associated[24];

static int encrypt_piece(void *ctx, uint64_t piece, unsigned worker)
{
	const struct bench *b = ctx;
	int r = 0;

	for (uint64_t i = piece * SECTORS; i < (piece + 1) * SECTORS && r >= 0; i++)
		r = aead_encrypt(b->aead[worker], iv, associated, 8 + aead_iv_bytes(b->aead[0]),
				 b->from + i * SECTOR_BYTES, SECTOR_BYTES, b->to + i * SECTOR_BYTES,
				 b->tags + i * AEAD_TAG_MAX);
	return r;
}

static int decrypt_piece(void *ctx, uint64_t piece, unsigned worker)
{
	const struct bench *b = ctx;
	int r = 0;

	for (uint64_t i = piece * SECTORS; i < (piece + 1) * SECTORS && r >= 0; i++)
		r = aead_decrypt(b->aead[worker], iv, associated, 8 + aead_iv_bytes(b->aead[0]),
				 b->to + i * SECTOR_BYTES, SECTOR_BYTES, b->from + i * SECTOR_BYTES,
				 b->tags + i * AEAD_TAG_MAX);
	return r;
}

/* --- what any device in memory costs: bytes come out of the processor's cache --- */

#define COPY_BYTES (128 * 1024)

static int copy_piece(void *ctx, uint64_t piece, unsigned worker)
{
	static _Thread_local uint8_t made[COPY_BYTES];
	const struct bench *b = ctx;

	for (uint64_t at = 0; at < PIECE_BYTES; at += COPY_BYTES)
		memcpy(b->to + piece * PIECE_BYTES + at, made, COPY_BYTES);
	return 0;
}

/* --- the device --- */

static int write_piece(void *ctx, uint64_t piece, unsigned worker)
{
	const struct bench *b = ctx;

	return io_write(b->io, b->from + piece * PIECE_BYTES, PIECE_BYTES, piece * PIECE_BYTES);
}

static int read_piece(void *ctx, uint64_t piece, unsigned worker)
{
	const struct bench *b = ctx;

	return io_read(b->io, b->to + piece * PIECE_BYTES, PIECE_BYTES, piece * PIECE_BYTES);
}

static int check_piece(void *ctx, uint64_t piece, unsigned worker)
{
	const struct bench *b = ctx;
	uint8_t *states = b->states + piece * SECTORS;
	int r = crypt_check(b->io, piece * SECTORS, SECTORS, states, NULL);

	for (unsigned i = 0; i < SECTORS && r >= 0; i++)
		r = states[i] == CRYPT_GOOD ? 0 : -1;
	return r;
}

static const pool_fn passes[] = {encrypt_piece, decrypt_piece, copy_piece,
				 write_piece,   read_piece,    check_piece};
#define N_PASSES (sizeof(passes) / sizeof(passes[0]))

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double mib_per_second(struct bench *b, pool_fn fn)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (pool_run(env.pool, 0, b->pieces, fn, b, NULL) < 0)
		exit(1);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)b->pieces /
	       ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
}

/* Passes take turns, so that a neighbour disturbs all of them alike. */
static void run(struct bench *b)
{
	double speeds[N_PASSES][ROUNDS];

	for (int round = -1; round < ROUNDS; round++) { /* -1: memory becomes there */
		for (size_t i = 0; i < N_PASSES; i++)
			speeds[i][round < 0 ? 0 : round] = mib_per_second(b, passes[i]);
	}
	for (size_t i = 0; i < N_PASSES; i++) {
		qsort(speeds[i], ROUNDS, sizeof(double), compare);
		printf("%.0f%c", speeds[i][ROUNDS / 2], i + 1 < N_PASSES ? ' ' : '\n');
	}
}

static int prepare(struct bench *b)
{
	struct integrity_params p = {
	    .mode = INTEGRITY_JOURNAL,
	    .sector_bytes = SECTOR_BYTES,
	    .tag_bytes = (uint32_t)b->kind->tag_bytes + b->kind->iv_bytes,
	};
	uint64_t bytes = b->pieces * PIECE_BYTES;
	struct integrity_superblock sb;
	struct integrity *tags;
	struct io *below;
	int r = io_open_memory("memory", bytes + bytes / 16 + 64 * PIECE_BYTES, &below);

	if (r >= 0)
		r = integrity_choose(&p, below->size_bytes, &sb);
	if (r >= 0)
		r = integrity_open(below, &p, &sb, false, &env, &tags);
	if (r >= 0)
		r = crypt_open(b->kind, SECTOR_BYTES, b->key, NULL, tags, false, &env, "crypt",
			       &b->io);
	b->from = malloc(bytes);
	b->to = malloc(bytes);
	b->tags = malloc(bytes / SECTOR_BYTES * AEAD_TAG_MAX);
	b->states = malloc(bytes / SECTOR_BYTES);
	b->aead = calloc(pool_workers(env.pool), sizeof(struct aead *));
	for (unsigned i = 0; r >= 0 && i < pool_workers(env.pool); i++)
		r = aead_new(b->kind->algorithm, b->key, b->kind->key_bytes, &b->aead[i]);
	if (r < 0 || !b->from || !b->to || !b->tags || !b->states)
		return -1;
	memset(b->from, 0xa5, bytes);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench b = {0};

	if (argc < 3 || argc > 4 || !(b.pieces = strtoull(argv[1], NULL, 10)) ||
	    !(b.kind = crypt_kind(argv[2], argc > 3 ? argv[3] : NULL)) || !b.kind->tag_bytes) {
		fputs(usage, stderr);
		return 2;
	}
	if (random_bytes(b.key, sizeof(b.key)) < 0 || pool_new(0, &env.pool) < 0 ||
	    prepare(&b) < 0) {
		for (size_t i = 0; i < diag_count(); i++)
			fprintf(stderr, "%s\n", diag_get(i)->text);
		return 1;
	}
	run(&b);
	return 0; /* what it holds, the system takes back */
}
