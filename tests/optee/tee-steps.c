/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tee-steps STORAGE STEP…: keystore tee, step by step, against the TEE of the machine that it runs
 * on. Steps: prepare, seal=FILE, next=FILE, open=FILE, advance=FILE, count, anchor=N, lock, state.
 * A file has the blob and behind it the secret. Says each step with the code of what went wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "keystore/registry.h"
#include "keystore/tee/child.h"
#include "model/layout.h"

static struct option_value values[3];
static struct keystore k = {.name = "k", .ops = &keystore_tee, .values = values};
static const atomic_bool never;
static struct progress progress;
static struct env env = {.progress = &progress, .cancel = &never};
static struct keystore_session *session;

struct file {
	uint8_t blob[sizeof(struct ta_blob_disk)];
	uint8_t secret[DEVICE_SECRET_BYTES];
};

static void exchange(const char *name, const char *mode, struct file *f)
{
	FILE *file = fopen(name, mode);

	if (!file || (mode[0] == 'r' ? fread(f, sizeof(*f), 1, file)
				     : fwrite(f, sizeof(*f), 1, file)) != 1) {
		perror(name);
		exit(2);
	}
	fclose(file);
}

static int seal(const char *name, bool next)
{
	struct secret *secret = NULL;
	struct text blob = {0};
	struct file f;
	struct keystore_counters c = {0};
	struct keystore_anchor a = {0};
	int r = next ? keystore_tee.counters(&k, session, &env, &c) : 0;

	if (r >= 0 && next)
		r = keystore_tee.anchor_read(&k, session, &env, &a);
	a.rotation_max = c.rotation + 1;
	if (r >= 0 && next)
		r = keystore_tee.anchor_reserve(&k, session, &env, &a);
	if (r >= 0)
		r = keystore_tee.seal(&k, session, &env, next ? c.rotation + 1 : 0, &secret, &blob);

	if (r < 0)
		return r;
	memcpy(f.blob, blob.s, sizeof(f.blob));
	memcpy(f.secret, secret_bytes(secret), sizeof(f.secret));
	exchange(name, "w", &f);
	secret_free(secret);
	text_free(&blob);
	return 0;
}

static int unseal(const char *name)
{
	struct secret *secret = NULL;
	struct file f;
	int r;

	exchange(name, "r", &f);
	r = keystore_tee.unseal(&k, session, &env, f.blob, sizeof(f.blob), &secret);
	if (r >= 0 && memcmp(secret_bytes(secret), f.secret, sizeof(f.secret)) != 0)
		abort();
	secret_free(secret);
	return r;
}

static int advance(const char *name)
{
	struct file f;

	exchange(name, "r", &f);
	return keystore_tee.advance(&k, session, &env, f.blob, sizeof(f.blob));
}

static int state(void)
{
	struct keystore_state s;
	int r = keystore_tee.state(&k, session, &env, &s);

	if (r >= 0)
		printf("  %s: E %llu R %llu anchor %d %llu strength %d\n", s.hardware,
		       (unsigned long long)s.erase, (unsigned long long)s.rotation,
		       s.anchor.present, (unsigned long long)s.anchor.sequence,
		       keystore_tee.strength(&k));
	return r;
}

static int step(const char *what)
{
	const char *argument = strchr(what, '=');
	struct keystore_anchor a = {.present = true};

	argument = argument ? argument + 1 : "";
	a.sequence = strtoull(argument, NULL, 10);
	if (strcmp(what, "prepare") == 0)
		return keystore_tee.prepare(&k, session, &env);
	if (strcmp(what, "count") == 0)
		return keystore_tee.count_erase(&k, session, &env);
	if (strcmp(what, "lock") == 0)
		return keystore_tee.lock(&k, session, &env);
	if (strcmp(what, "state") == 0)
		return state();
	if (strncmp(what, "seal=", 5) == 0 || strncmp(what, "next=", 5) == 0)
		return seal(argument, what[0] == 'n');
	if (strncmp(what, "open=", 5) == 0)
		return unseal(argument);
	if (strncmp(what, "advance=", 8) == 0)
		return advance(argument);
	if (strncmp(what, "anchor=", 7) == 0)
		return keystore_tee.anchor_write(&k, session, &env, &a);
	fprintf(stderr, "no step %s\n", what);
	exit(2);
}

static void say(const char *what, int r, double ms)
{
	const struct diag_record *d = diag_get(0);

	printf("%s: %s (%.0f ms)", what, r < 0 ? diag_code_text(d->code) : "ok", ms);
	if (r < 0)
		printf(": %s", d->text);
	printf("\n");
	diag_forget(0);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	double begun = now_ms();
	int r;

	if (argc < 2)
		return 2;
	values[0] = (struct option_value){.text = argv[1]};
	values[1] = (struct option_value){.text = "media"};
	values[2] = (struct option_value){.text = "true", .number = 1};
	r = keystore_tee.begin(&k, &env, &session);
	say("begin", r, now_ms() - begun);
	for (int i = 2; i < argc && session; i++) {
		begun = now_ms();
		r = step(argv[i]);
		say(argv[i], r, now_ms() - begun);
	}
	keystore_tee.end(session);
	return r < 0;
}
