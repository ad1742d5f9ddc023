/* SPDX-License-Identifier: Apache-2.0 */
/* A run of the program: what it may use, what it says, how it ends. */
#ifndef HOLDFAST_CLI_SESSION_H
#define HOLDFAST_CLI_SESSION_H

#include <time.h>

#include "base/diag.h"
#include "base/env.h"
#include "base/secret.h"
#include "cmd/cli/command.h"
#include "engine/execute.h"
#include "model/key.h"
#include "model/kinds.h"
#include "report/renderer.h"

/* For commands that change something, or whose result is kept. */
#define RECORD_FLAG                                                                                \
	{                                                                                          \
		"record", 0, "FILE",                                                               \
		    "Writes the result object to FILE, for the factory's database: digests, root " \
		    "hashes, partitions, duration. Also when things went wrong. The file is "      \
		    "replaced at once or not at all."                                              \
	}
/* For commands whose work the pool shares. */
#define JOBS_FLAG                                                                                  \
	{                                                                                          \
		"jobs", 'j', "N",                                                                  \
		    "Worker threads; default: one for each processor that the process may run on." \
	}

struct session {
	struct env env;
	struct key_input input; /* what env.input is, once passphrase options were read */
	const struct kinds *kinds;
	const struct command *const *commands; /* all of them, for help */
	const char *name;                      /* of the command */
	const char *target;                    /* as it was named, for the result; or NULL */
	const struct renderer *renderer;
	struct output output;
	const char *record; /* file, or NULL */
	time_t began_at;
	struct result *result; /* commands add to it; NULL where memory ran out at once */
	enum diag_code code;   /* of success, or of findings (DIAG_TAMPERED) */
};

/* Before anything is known of the command line but its words. */
void session_init(struct session *s, const struct command *const *commands, int argc, char **argv);
/* From the options. 0 or -errno having spoken. */
int session_begin(struct session *s, const struct call *c);
/* Prints failures and the result, writes the record; returns the exit status. */
int session_end(struct session *s, int r);

/* Reports @r, and frees it. */
void session_finding(struct session *s, struct result *r);
/* Writes @text to standard output; refused where the result is not in words. 0 or -errno having
 * spoken. */
int session_show_secret(struct session *s, const struct secret *text);
/* The steps of a plan as they are run. */
struct execute_events session_events(struct session *s);

#endif
