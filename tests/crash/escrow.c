/* SPDX-License-Identifier: Apache-2.0 */
/* Escrow: made, confirmed and restored from, cut at every write and flush. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/hex.h"
#include "crash/keyed.h"
#include "crypto/mac.h"
#include "keyring/commit.h"
#include "keyring/ways.h"
#include "target/escrow.h"
#include "lib/check.h"
#include "lib/swtpm.h"

/* The fleet's: recovery keys of data and mac, in words. */
static const char *const names[] = {"data", "mac"};
#define N 2
static uint8_t fleet[N][MODHEX_KEY_TEXT];
static uint8_t nonces[N][ESCROW_NONCE_BYTES];

static int escrow(struct target *t, struct env *env)
{
	int r = target_unlock_all(t);

	for (int i = 0; i < N && r >= 0; i++) {
		_cleanup_secret_ struct secret *key = NULL;

		r = keyring_escrow_add(t->ring, target_volume(t, names[i]), &key, nonces[i]);
		if (r >= 0)
			modhex_print_key(secret_bytes(key), fleet[i]);
	}
	return r < 0 ? r : keyring_commit(t->vault, t->layout, t->ring);
}

static int confirm(struct target *t, struct env *env)
{
	char message[ESCROW_MESSAGE_SIZE], hex[2 * ESCROW_RECEIPT_BYTES + 1];
	_cleanup_mac_ struct mac *m = NULL;
	uint8_t receipt[ESCROW_RECEIPT_BYTES];
	FILE *f = fopen("receipt", "w");

	assert_ok(mac_new("hmac(sha256)", fleet[0], MODHEX_KEY_TEXT, &m));
	keyring_escrow_message("data", nonces[0], message);
	assert_ok(mac_add(m, message, strlen(message)));
	assert_ok(mac_finish(m, receipt));
	hex_encode(receipt, sizeof(receipt), hex);
	fprintf(f, "%s\n", hex);
	fclose(f);
	return target_confirm_escrow(t, target_volume(t, "data"), "receipt", true);
}

static bool accept_vault;

static int restore(struct target *t, struct env *env)
{
	_cleanup_text_ struct text lost = {0};
	const struct restore_consent consent = {.accept_vault = accept_vault};
	struct restoring of[N] = {0};
	int r = 0;

	for (int i = 0; i < N && r >= 0; i++) {
		of[i].volume = target_volume(t, names[i]);
		r = secret_new(MODHEX_KEY_TEXT, &of[i].words);
		if (r >= 0)
			memcpy(secret_bytes(of[i].words), fleet[i], MODHEX_KEY_TEXT);
	}
	if (r >= 0)
		r = target_restore(t, of, N, &consent, &lost);
	for (int i = 0; i < N; i++)
		secret_free(of[i].words);
	return r;
}

static struct way_in ways[16];
static size_t n_ways;

static int look(struct target *t, struct env *env)
{
	int r = target_read_keys(t);

	n_ways = r < 0 ? 0 : keyring_ways_in(t->ring, NULL, ways, 16);
	for (size_t i = 0; i < n_ways; i++)
		ways[i].volume = ways[i].keystore = NULL; /* theirs */
	return r;
}

static size_t count(const char *path, enum way_kind kind)
{
	size_t found = 0;

	keyed_faults = (struct fault_plan){0};
	assert_ok(keyed_change(path, look));
	for (size_t i = 0; i < n_ways; i++)
		found += ways[i].kind == kind;
	return found;
}

static void remake(const char *path)
{
	unlink(path);
	keyed_faults = (struct fault_plan){0};
	keyed_old_words = keyed_new_words = "old";
	assert_ok(keyed_provision(path));
}

/* Both are there, or none: and where they are, they are worth something. */
static void making_one_survives_every_cut(void **state)
{
	uint64_t n, were_old = 0, were_new = 0;

	remake("keys.img");
	keyed_copy_file("keys.img", "changed.img");
	keyed_faults = (struct fault_plan){0};
	assert_ok(keyed_change("changed.img", escrow));
	n = keyed_faults.ops;
	assert_int_equal(count("changed.img", WAY_ESCROW_WAITING), N);
	for (uint64_t i = 1; i <= n; i++) {
		size_t there;

		keyed_copy_file("keys.img", "changed.img");
		keyed_faults = (struct fault_plan){.cut_at = i};
		keyed_seed = i;
		assert_int_equal(keyed_change("changed.img", escrow), -EIO);
		there = count("changed.img", WAY_ESCROW_WAITING);
		assert_true(there == 0 || there == N);
		keyed_assert_opens("changed.img");
		*(there ? &were_new : &were_old) += 1;
		if (!there)
			continue;
		assert_ok(keyed_change("changed.img", restore));
		assert_ok(keyed_opens("changed.img", "new", true));
	}
	print_message("%llu cut points: %llu old, %llu new\n", (unsigned long long)n,
		      (unsigned long long)were_old, (unsigned long long)were_new);
	assert_true(were_old > 0 && were_new > 0);
}

static void confirming_survives_every_cut(void **state)
{
	uint64_t n;

	remake("keys.img");
	assert_ok(keyed_change("keys.img", escrow));
	keyed_copy_file("keys.img", "changed.img");
	keyed_faults = (struct fault_plan){0};
	assert_int_equal(keyed_change("changed.img", confirm), 1);
	n = keyed_faults.ops;
	for (uint64_t i = 1; i <= n; i++) {
		keyed_copy_file("keys.img", "changed.img");
		keyed_faults = (struct fault_plan){.cut_at = i};
		keyed_seed = i;
		assert_int_equal(keyed_change("changed.img", confirm), -EIO);
		assert_int_equal(
		    count("changed.img", WAY_ESCROW) + count("changed.img", WAY_ESCROW_WAITING), N);
		keyed_assert_opens("changed.img");
		keyed_faults = (struct fault_plan){0};
		assert_true(keyed_change("changed.img", confirm) >= 0);
		assert_int_equal(count("changed.img", WAY_ESCROW), 1);
	}
}

static void restoring_survives_every_cut(void **state)
{
	uint64_t n, were_old = 0, were_new = 0;

	remake("keys.img");
	assert_ok(keyed_change("keys.img", escrow));
	keyed_copy_file("keys.img", "changed.img");
	keyed_faults = (struct fault_plan){0};
	assert_ok(keyed_change("changed.img", restore));
	n = keyed_faults.ops;
	assert_ok(keyed_opens("changed.img", "new", true));
	assert_int_equal(keyed_opens("changed.img", "old", true), -EKEYREJECTED);
	for (uint64_t i = 1; i <= n; i++) {
		keyed_copy_file("keys.img", "changed.img");
		keyed_faults = (struct fault_plan){.cut_at = i};
		keyed_seed = i;
		assert_int_equal(keyed_change("changed.img", restore), -EIO);
		if (keyed_opens("changed.img", "old", true) >= 0)
			were_old++;
		else if (keyed_opens("changed.img", "new", true) >= 0)
			were_new++;
		else
			fail_msg("cut at %llu: neither opens", (unsigned long long)i);
		keyed_faults = (struct fault_plan){0};
		assert_ok(keyed_change("changed.img", restore));
		assert_ok(keyed_opens("changed.img", "new", true));
	}
	print_message("%llu cut points: %llu old, %llu new\n", (unsigned long long)n,
		      (unsigned long long)were_old, (unsigned long long)were_new);
	assert_true(were_old > 0 && were_new > 0);
}

/* --- boards that change --- */

static struct swtpm here, there;

static void another_board_takes_over_at_every_cut(void **state)
{
	uint64_t n;

	remake("keys.img");
	assert_ok(keyed_change("keys.img", escrow));
	keyed_input.tcti = there.tcti;
	assert_int_equal(keyed_opens("keys.img", "", true), -ENOKEY);
	assert_int_equal(diag_get(0)->code, DIAG_KEYSTORE_FOREIGN);
	diag_forget(0);
	keyed_copy_file("keys.img", "changed.img");
	keyed_faults = (struct fault_plan){0};
	if (keyed_change("changed.img", restore) < 0)
		keyed_print_failures();
	n = keyed_faults.ops;
	keyed_assert_opens("changed.img");
	/* The board guards the first restored copy now. */
	keyed_copy_file("keys.img", "changed.img");
	assert_int_equal(keyed_change("changed.img", restore), -ESTALE);
	assert_int_equal(diag_get(0)->code, DIAG_VAULT_OLD);
	diag_forget(0);
	accept_vault = true;
	for (uint64_t i = 1; i <= n; i++) {
		keyed_copy_file("keys.img", "changed.img");
		keyed_faults = (struct fault_plan){.cut_at = i};
		keyed_seed = i;
		assert_int_equal(keyed_change("changed.img", restore), -EIO);
		swtpm_power_cycle(&there);
		swtpm_forgive(&there);
		keyed_faults = (struct fault_plan){0};
		if (keyed_change("changed.img", restore) < 0) {
			keyed_print_failures();
			fail_msg("cut at %llu", (unsigned long long)i);
		}
		keyed_assert_opens("changed.img");
	}
	accept_vault = false;
	keyed_input.tcti = here.tcti;
	print_message("%llu cut points\n", (unsigned long long)n);
}

/* On the same board the state from before is as dead as after a rotation. */
static void restoring_on_the_same_board_retires_what_was_before(void **state)
{
	keyed_copy_file("keys.img", "changed.img");
	keyed_faults = (struct fault_plan){0};
	keyed_assert_opens("keys.img");
	assert_ok(keyed_change("changed.img", restore));
	keyed_assert_opens("changed.img");
	assert_int_equal(keyed_opens("keys.img", "", true), -ESTALE);
	assert_int_equal(diag_get(0)->code, DIAG_VAULT_OLD);
	diag_forget(0);
}

static int set_up_boards(void **state)
{
	char dir[128];

	keyed_set_up("backend = \"tpm2\" pcrs = {7}", "systemd-token = true");
	assert_non_null(getcwd(dir, sizeof(dir) - 8));
	strcat(dir, "/tpm");
	swtpm_start(&here, dir);
	strcat(dir, "2");
	swtpm_start(&there, dir);
	keyed_input.tcti = here.tcti;
	keyed_retire = true;
	return 0;
}

static int tear_down_boards(void **state)
{
	swtpm_stop(&here);
	swtpm_stop(&there);
	return keyed_tear_down(state);
}

static int set_up(void **state)
{
	return keyed_set_up("backend = \"file\" memory = 1M", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(making_one_survives_every_cut),
	    cmocka_unit_test(confirming_survives_every_cut),
	    cmocka_unit_test(restoring_survives_every_cut),
	};

	const struct CMUnitTest boards[] = {
	    cmocka_unit_test(another_board_takes_over_at_every_cut),
	    cmocka_unit_test(restoring_on_the_same_board_retires_what_was_before),
	};
	int failed = cmocka_run_group_tests(tests, set_up, keyed_tear_down);

	return failed + cmocka_run_group_tests(boards, set_up_boards, tear_down_boards);
}
