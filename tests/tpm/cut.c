/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tpm2 on bad days: the TPM vanishes at every command, answers garbage, is busy. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/check.h"
#include "lib/tpm-rig.h"

static const char *const on_pcr[] = {"pcrs", "16", NULL};
static struct rig r;
static struct secret *secret, *next;
static struct text blob, waiting;

static void provision(void)
{
	/* Also after a test that failed. */
	secret = next = NULL;
	blob = waiting = (struct text){0};
	rig_open(&r, on_pcr);
	assert_ok(rig_prepare(&r));
	assert_ok(rig_seal(&r, false, &secret, &blob));
	assert_ok(rig_anchor_write(&r, 1));
}

static void finish(void)
{
	assert_int_equal(rig_handles(&r), 0);
	secret = secret_free(secret);
	next = secret_free(next);
	text_free(&blob);
	text_free(&waiting);
	rig_close(&r);
}

/* --- operations that are cut; each is run again afterwards and has to work --- */

static int open_it(void)
{
	struct keystore_anchor a;
	int e = rig_anchor_read(&r, &a);

	return e < 0 ? e : rig_opens(&r, &blob, secret);
}

static int prepare_it(void)
{
	return rig_prepare(&r);
}

static int seal_it(void)
{
	_cleanup_secret_ struct secret *s = NULL;
	_cleanup_text_ struct text b = {0};
	int e = rig_seal(&r, false, &s, &b);

	return e < 0 ? e : rig_opens(&r, &b, s);
}

static int anchor_it(void)
{
	return rig_anchor_write(&r, 5);
}

/* In one session, as when a key is sealed for another boot policy. */
static int bind_to(const char *const *options, uint64_t sequence)
{
	const struct keystore_anchor a = {.present = true, .sequence = sequence};
	struct keystore_session *s = NULL;
	int e;

	rig_layout(&r, options);
	e = r.k->ops->begin(r.k, &r.env, &s);
	if (e >= 0)
		e = r.k->ops->prepare(r.k, s, &r.env);
	if (e >= 0)
		e = r.k->ops->prepare_anchor(r.k, s, &r.env);
	if (e >= 0)
		e = r.k->ops->anchor_write(r.k, s, &r.env, &a);
	r.k->ops->end(s);
	rig_layout(&r, on_pcr);
	return e;
}

/* There and back. Whatever was cut, an anchor is there, and names what it named before or the new
 * copy. */
static int rebind_it(void)
{
	static const char *const both[] = {"pcrs", "16,17", NULL};
	struct keystore_anchor a;
	int e = rig_anchor_read(&r, &a);

	if (e < 0)
		return e;
	assert_true(a.present && (a.sequence == 1 || (a.sequence >= 5 && a.sequence <= 7)));
	e = bind_to(both, 6);
	return e < 0 ? e : bind_to(on_pcr, 7);
}

/* A rotation, as lib/vault does it; what was sealed before it is replaced. */
static int rotate_it(void)
{
	int e = waiting.len ? 0 : rig_seal(&r, true, &next, &waiting);

	if (e >= 0)
		e = rig_advance(&r, &waiting);
	if (e >= 0)
		e = rig_opens(&r, &waiting, next);
	if (e < 0)
		return e;
	secret_free(secret);
	secret = next;
	next = NULL;
	text_free(&blob);
	blob = waiting;
	waiting = (struct text){0};
	return 0;
}

static int erase_it(void)
{
	int e = rig_count_erase(&r);

	secret = e < 0 ? secret : secret_free(secret);
	if (e < 0)
		return e;
	text_free(&blob);
	return rig_seal(&r, false, &secret, &blob);
}

static const struct {
	const char *name;
	int (*run)(void);
	bool bare; /* begins with a TPM that has nothing of ours */
} operations[] = {
    {"open", open_it, false},       {"prepare anew", prepare_it, true},
    {"prepare", prepare_it, false}, {"seal", seal_it, false},
    {"anchor", anchor_it, false},   {"rotate", rotate_it, false},
    {"rebind", rebind_it, false},   {"erase", erase_it, false},
};

/* @gone: how many commands the TPM does not answer. */
static int cut_everywhere(int (*run)(void), bool bare, int gone, bool answer_lost)
{
	for (int k = 0;; k++) {
		int e;

		if (bare)
			rig_blank(&r);
		between.commands = 0;
		between.cut_at = k;
		between.cut_for = gone;
		between.cut_answer = answer_lost;
		e = run();
		between.cut_at = BETWEEN_NEVER;
		/* Less is held by then than commands are left: the run saw no cut. */
		if (between.commands <= k) {
			assert_true(e >= 0);
			return k;
		}
		if (e < 0)
			assert_int_not_equal(rig_said(), DIAG_OK);
		diag_forget(0);
		e = run();
		if (e < 0)
			print_message("command %d: %s\n", k, diag_get(0)->text);
		assert_true(e >= 0);
		/* What a lost answer would have named is not known to anyone but the kernel's
		 * resource manager. */
		if (answer_lost)
			rig_flush(&r);
		assert_int_equal(rig_handles(&r), 0);
	}
}

static void every_command_cut_once(void **state)
{
	provision();
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		int n = cut_everywhere(operations[i].run, operations[i].bare, 1, false);

		print_message("%s: %d commands\n", operations[i].name, n);
		if (operations[i].bare) {
			text_free(&blob);
			secret = secret_free(secret);
			assert_ok(rig_seal(&r, false, &secret, &blob));
			assert_ok(rig_anchor_write(&r, 1));
		}
	}
	finish();
}

static void every_answer_lost(void **state)
{
	provision();
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		cut_everywhere(operations[i].run, operations[i].bare, 1, true);
		if (operations[i].bare) {
			text_free(&blob);
			secret = secret_free(secret);
			assert_ok(rig_seal(&r, false, &secret, &blob));
			assert_ok(rig_anchor_write(&r, 1));
		}
	}
	finish();
}

/* Off from this command on; after the power is back all is well. */
static void the_power_fails_at_every_command(void **state)
{
	provision();
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (operations[i].bare)
			continue;
		for (int k = 0;; k++) {
			int e;

			between.commands = 0;
			between.cut_at = k;
			between.cut_for = 1000;
			between.cut_answer = k % 2;
			operations[i].run();
			between.cut_at = BETWEEN_NEVER;
			diag_forget(0);
			if (between.commands <= k)
				break;
			swtpm_power_cycle(&r.tpm);
			e = operations[i].run();
			if (e < 0)
				print_message("%s, command %d: %s\n", operations[i].name, k,
					      diag_get(0)->text);
			assert_true(e >= 0);
			assert_int_equal(rig_handles(&r), 0);
		}
	}
	finish();
}

/* --- garbage --- */

static uint64_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % below;
}

struct mutation {
	int at;
	bool done;
};

static void mutate(void *ctx, int number, const uint8_t *command, size_t command_len,
		   uint8_t *bytes, size_t *len)
{
	struct mutation *m = ctx;

	if (number != m->at || m->done)
		return;
	m->done = true;
	switch (draw(4)) {
	case 0:
		bytes[draw((uint32_t)*len)] ^= (uint8_t)(1U << draw(8));
		break;
	case 1:
		for (int i = 0; i < 4; i++)
			bytes[draw((uint32_t)*len)] = (uint8_t)draw(256);
		break;
	case 2:
		*len = 10 + draw((uint32_t)*len - 9);
		bytes[4] = (uint8_t)(*len >> 8);
		bytes[5] = (uint8_t)*len;
		break;
	case 3: /* any error there is */
		bytes[8] = (uint8_t)draw(16);
		bytes[9] = (uint8_t)draw(256);
		break;
	}
}

static void garbage_opens_nothing_else(void **state)
{
	unsigned opened = 0, refused = 0;

	provision();
	for (int run = 0; run < 400; run++) {
		size_t op = draw(sizeof(operations) / sizeof(operations[0]));
		struct mutation m = {.at = (int)draw(24)};
		int e;

		if (operations[op].bare)
			continue;
		between.commands = 0;
		between.ctx = &m;
		between.answer = mutate;
		e = operations[op].run();
		between.answer = NULL;
		assert_int_not_equal(e, -EILSEQ); /* never another secret */
		if (e < 0)
			assert_int_not_equal(rig_said(), DIAG_OK);
		diag_forget(0);
		*(e < 0 ? &refused : &opened) += 1;
		rig_flush(&r);
		e = operations[op].run();
		if (e < 0)
			print_message("%s, mutated at %d: %s\n", operations[op].name, m.at,
				      diag_get(0)->text);
		assert_true(e >= 0);
	}
	print_message("%u refused, %u went on\n", refused, opened);
	assert_true(refused > 80);
	finish();
}

/* --- what the TPM says when it is not in the mood --- */

struct mood {
	uint32_t rc, command;
	int times;
};

static uint32_t grumble(void *ctx, const uint8_t *command)
{
	struct mood *m = ctx;

	if (m->times == 0 || (m->command && between_code(command) != m->command))
		return 0;
	m->times--;
	return m->rc;
}

static void warnings_are_told_apart(void **state)
{
	static const struct {
		uint32_t rc, command;
		enum diag_code code;
		int expected;
	} moods[] = {
	    {TPM2_RC_RETRY, 0, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_YIELDED, TPM2_CC_Load, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_TESTING, 0, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_NV_RATE, TPM2_CC_PolicyNV, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_NV_UNAVAILABLE, TPM2_CC_Unseal, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_LOCKOUT, TPM2_CC_Unseal, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_SESSION_HANDLES, TPM2_CC_StartAuthSession, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_OBJECT_MEMORY, TPM2_CC_Load, DIAG_KEYSTORE_BUSY, -EBUSY},
	    {TPM2_RC_INITIALIZE, 0, DIAG_KEYSTORE_MISSING, -ENODEV},
	    {TPM2_RC_FAILURE, 0, DIAG_KEYSTORE_FAILED, -EIO},
	    {TPM2_RC_INTEGRITY | TPM2_RC_P | TPM2_RC_1, TPM2_CC_Load, DIAG_KEYSTORE_FOREIGN,
	     -EUCLEAN},
	};

	provision();
	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		struct mood m = {moods[i].rc, moods[i].command, 1000};

		between.ctx = &m;
		between.refuse = grumble;
		assert_int_equal(rig_opens(&r, &blob, secret), moods[i].expected);
		between.refuse = NULL;
		assert_true(diag_get(0)->next[0] != '\0');
		if (diag_get(0)->code != moods[i].code)
			print_message("0x%x: %s\n", moods[i].rc, diag_get(0)->text);
		assert_int_equal(rig_said(), moods[i].code);
		assert_int_equal(rig_handles(&r), 0);
		if (rig_opens(&r, &blob, secret) < 0)
			fail_msg("after 0x%x: %s", moods[i].rc, diag_get(0)->text);
	}
	/* Those that mean "again" are sent again. */
	for (size_t i = 0; i < 4; i++) {
		struct mood m = {moods[i].rc, moods[i].command, 3};

		between.ctx = &m;
		between.refuse = grumble;
		if (rig_opens(&r, &blob, secret) < 0)
			fail_msg("0x%x, three times: %s", moods[i].rc, diag_get(0)->text);
		between.refuse = NULL;
	}
	finish();
}

/* --- many --- */

static void a_thousand_runs_leave_nothing(void **state)
{
	provision();
	for (int i = 0; i < 1000; i++) {
		assert_ok(open_it());
		if (i % 100 == 0) {
			assert_ok(anchor_it());
			assert_int_equal(rig_handles(&r), 0);
		}
	}
	finish();
}

/* Without a resource manager they share three sessions and three objects: who finds none left, or
 * nobody who listens, says so and comes again. The secret is wiped in a child, its copy is not. */
static int open_ten_times(const uint8_t *expected)
{
	int opened = 0;

	for (int tries = 0; opened < 10 && tries < 4000; tries++) {
		_cleanup_secret_ struct secret *got = NULL;
		int e = rig_unseal(&r, &blob, &got);
		enum diag_code code = rig_said();

		if (e >= 0 && memcmp(secret_bytes(got), expected, DEVICE_SECRET_BYTES))
			return -EILSEQ;
		if (e < 0 && code != DIAG_KEYSTORE_BUSY && code != DIAG_KEYSTORE_MISSING)
			return e;
		opened += e >= 0;
		usleep(e < 0 ? 2000 : 0);
	}
	return opened == 10 ? 0 : -ETIMEDOUT;
}

static void several_open_at_once(void **state)
{
	uint8_t expected[DEVICE_SECRET_BYTES];
	pid_t pids[4];

	provision();
	memcpy(expected, secret_bytes(secret), sizeof(expected));
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(-open_ten_times(expected));
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_command_cut_once),
	    cmocka_unit_test(every_answer_lost),
	    cmocka_unit_test(the_power_fails_at_every_command),
	    cmocka_unit_test(garbage_opens_nothing_else),
	    cmocka_unit_test(warnings_are_told_apart),
	    cmocka_unit_test(a_thousand_runs_leave_nothing),
	    cmocka_unit_test(several_open_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
