/* SPDX-License-Identifier: Apache-2.0 */
/* The copy that the TPM names is never lost, no value of R or E guards two secrets, and keys are
 * drawn once: whatever is cut, twice, and repaired in between. sequences.c models these orders. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/pool.h"
#include "crash/keyed.h"
#include "format/vault.h"
#include "keystore/registry.h"
#include "lib/check.h"
#include "lib/swtpm.h"
#include "recovery/repair.h"
#include "vault/copies.h"
#include "vault/find.h"
#include "vault/vault.h"

static struct swtpm tpm;

static int set_up(void **state)
{
	char dir[128];

	keyed_set_up("backend = \"tpm2\" pcrs = {7}", "");
	assert_non_null(getcwd(dir, sizeof(dir) - 8));
	strcat(dir, "/tpm");
	swtpm_start(&tpm, dir);
	keyed_input.tcti = tpm.tcti;
	keyed_torn = true;
	return 0;
}

static int tear_down(void **state)
{
	swtpm_stop(&tpm);
	return keyed_tear_down(state);
}

/* Operations on the medium. */
static uint64_t provision(const char *path)
{
	uint64_t n;

	keyed_faults = (struct fault_plan){0};
	keyed_retire = true;
	unlink(path);
	if (keyed_provision(path) < 0)
		keyed_print_failures();
	n = keyed_faults.ops;
	keyed_retire = false;
	keyed_assert_opens(path);
	return n;
}

static void power_cycle(void)
{
	keyed_faults = (struct fault_plan){0};
	swtpm_power_cycle(&tpm);
	swtpm_forgive(&tpm);
}

static struct keystore_counters counters(void)
{
	struct keystore k = {.name = "k", .ops = &keystore_tpm2};
	struct keystore_session *s = NULL;
	struct keystore_counters c;
	struct progress progress = {0};
	struct env env;

	assert_ok(keyed_make_env(&env, &progress));
	assert_ok(k.ops->begin(&k, &env, &s));
	assert_ok(k.ops->counters(&k, s, &env, &c));
	k.ops->end(s);
	pool_free(env.pool);
	return c;
}

static int repair(const char *path)
{
	struct assessment a = {0};
	struct progress progress = {0};
	struct env env;
	int r = keyed_make_env(&env, &progress);

	if (r >= 0)
		r = recovery_assess(&a, path, true, &env, &keyed_kinds);
	if (r >= 0)
		r = recovery_repair(&a, NULL);
	assessment_free(&a);
	pool_free(env.pool);
	return r;
}

/* Each copy of the vault at @path that somebody kept: how many secrets in them the TPM releases. */
static unsigned released(const char *path)
{
	struct layout *layout = NULL;
	struct vault *v = NULL;
	struct keystore_session *s = NULL;
	struct progress progress = {0};
	struct env env;
	struct io *io;
	unsigned n = 0;

	assert_ok(keyed_make_env(&env, &progress));
	assert_ok(layout_read_file("keys.layout", NULL, 0, &keyed_kinds, &layout));
	assert_ok(io_open_file(path, 0, &io));
	assert_int_equal(vault_find(io, &v), 1);
	assert_ok(keystore_tpm2.begin(layout->keystores[0], &env, &s));
	for (int i = 0; i < 2; i++) {
		struct vault_payload copy;
		struct vault_item item;
		size_t at = 0;

		while (vault_copy_payload(v, i, &copy) &&
		       vault_next_item(copy.bytes, copy.len, &at, &item) == 1) {
			struct secret *secret = NULL;

			if (item.type != VAULT_SEALED)
				continue;
			n += keystore_tpm2.unseal(layout->keystores[0], s, &env, item.value + 2,
						  item.len - 2, &secret) >= 0;
			secret_free(secret);
		}
	}
	keystore_tpm2.end(s);
	vault_close(v);
	io_close(io);
	layout_free(layout);
	pool_free(env.pool);
	diag_forget(0);
	return n;
}

/* Rotating, cut anywhere, then repaired before anything else: the device opens. */
static void repair_after_any_cut_keeps_the_named_copy(void **state)
{
	uint64_t n = 1;

	provision("device.img");
	for (uint64_t i = 1; i <= n; i++) {
		keyed_seed = i;
		keyed_faults = (struct fault_plan){.cut_at = i};
		if (keyed_change("device.img", keyed_rotate) >= 0)
			break;
		n = i + 1;
		power_cycle();
		assert_ok(repair("device.img"));
		if (keyed_opens("device.img", "", true) < 0) {
			keyed_print_failures();
			fail_msg("cut at %llu, then repaired: it does not open",
				 (unsigned long long)i);
		}
		assert_ok(keyed_change("device.img", keyed_rotate));
		keyed_assert_opens("device.img");
	}
	print_message("%llu cut points\n", (unsigned long long)n);
	assert_true(n > 8);
}

/* A secret that was sealed by a rotation that was cut off is dead once the next one is through,
 * whatever that one sealed for; nothing else is sealed for its value of R. */
static void what_a_cut_rotation_sealed_is_burnt(void **state)
{
	uint64_t n = 1;
	unsigned kept = 0;

	for (uint64_t i = 1; i <= n; i++) {
		provision("device.img");
		keyed_seed = i;
		keyed_faults = (struct fault_plan){.cut_at = i};
		if (keyed_change("device.img", keyed_rotate) >= 0)
			break;
		n = i + 1;
		power_cycle();
		keyed_copy_file("device.img", "kept.img");
		kept += released("kept.img") > 0;
		assert_ok(keyed_change("device.img", keyed_forget));
		if (released("kept.img"))
			fail_msg(
			    "cut at %llu: a secret from before opens after the key was given up",
			    (unsigned long long)i);
	}
	assert_true(n > 8 && kept > 0);
}

/* The last writes of provisioning, cut twice: no new keys, E is not counted, the data are there. */
static void two_cuts_at_the_end_of_provisioning_draw_no_new_keys(void **state)
{
	struct keystore_counters before;
	uint64_t n = provision("device.img"), pairs = 0;

	for (uint64_t i = n > 20 ? n - 20 : 1; i < n; i += 3) {
		for (uint64_t j = 1; j <= 22; j += 3) {
			unlink("device.img");
			unlink("device.img.part");
			keyed_seed = 64 * i + j;
			keyed_retire = true;
			keyed_faults = (struct fault_plan){.cut_at = i};
			if (keyed_provision("device.img") >= 0)
				continue;
			keyed_retire = false;
			power_cycle();
			before = counters();
			keyed_faults = (struct fault_plan){.cut_at = j};
			keyed_provision("device.img");
			power_cycle();
			if (keyed_provision("device.img") < 0) {
				keyed_print_failures();
				fail_msg("cut at %llu and %llu", (unsigned long long)i,
					 (unsigned long long)j);
			}
			keyed_assert_opens("device.img");
			assert_int_equal(counters().erase, before.erase);
			pairs++;
		}
	}
	print_message("%llu pairs of cuts\n", (unsigned long long)pairs);
	assert_true(pairs > 20);
}

/* New keys count E twice, so no token for one value fits the next device. */
static void new_keys_count_twice(void **state)
{
	uint64_t before;

	provision("device.img");
	before = counters().erase;
	provision("device.img");
	assert_int_equal(counters().erase, before + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(repair_after_any_cut_keeps_the_named_copy),
	    cmocka_unit_test(what_a_cut_rotation_sealed_is_burnt),
	    cmocka_unit_test(two_cuts_at_the_end_of_provisioning_draw_no_new_keys),
	    cmocka_unit_test(new_keys_count_twice),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
