/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in a TPM: the power goes at writes (at every one, when keys change), the TPM goes on, and
 * earlier states of the medium are put back. The newest opens, nothing that was there before does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "crash/keyed.h"
#include "lib/check.h"
#include "lib/swtpm.h"

static struct swtpm tpm;

static int set_up(void **state)
{
	char dir[128];

	keyed_set_up("backend = \"tpm2\" pcrs = {7}", "systemd-token = true");
	assert_non_null(getcwd(dir, sizeof(dir) - 8));
	strcat(dir, "/tpm");
	swtpm_start(&tpm, dir);
	keyed_input.tcti = tpm.tcti;
	keyed_retire = keyed_torn = true;
	return 0;
}

static int tear_down(void **state)
{
	swtpm_stop(&tpm);
	return keyed_tear_down(state);
}

static void assert_gone(const char *path, uint64_t cut)
{
	if (keyed_opens(path, "", true) >= 0)
		fail_msg("cut at %llu: an earlier medium opens", (unsigned long long)cut);
	assert_true(diag_get(0)->code == DIAG_VAULT_OLD ||
		    diag_get(0)->code == DIAG_KEYSTORE_ERASED);
}

static void provisioning_survives_cuts(void **state)
{
	uint64_t n;

	keyed_faults = (struct fault_plan){0};
	if (keyed_provision("before.img") < 0)
		keyed_print_failures();
	n = keyed_faults.ops;
	keyed_assert_opens("before.img");
	print_message("%llu cut points\n", (unsigned long long)n);
	/* The first 40, where keys are made, and every ninth: keys.c cuts at each, without
	 * hardware. */
	for (uint64_t i = 1; i <= n; i += i < 40 ? 1 : 9) {
		unlink("cut.img");
		unlink("cut.img.part");
		if (!keyed_cut_and_resume("cut.img", i))
			continue;
		assert_gone("before.img", i);
		keyed_copy_file("cut.img", "before.img");
	}
}

/* The device lives on through all cuts; what it was before each of them is kept and put back. */
static void change_survives_every_cut(change_fn fn, bool with_data)
{
	uint64_t n, done = 0, undone = 0;

	keyed_faults = (struct fault_plan){0};
	unlink("device.img");
	assert_ok(keyed_provision("device.img"));
	keyed_copy_file("device.img", "before.img");
	keyed_faults = (struct fault_plan){0};
	assert_ok(keyed_change("device.img", fn));
	n = keyed_faults.ops;
	assert_gone("before.img", 0);
	for (uint64_t i = 1; i <= n; i++) {
		keyed_seed = i;
		if (!with_data) { /* what was given up does not come back */
			unlink("device.img");
			keyed_faults = (struct fault_plan){0};
			assert_ok(keyed_provision("device.img"));
		}
		keyed_copy_file("device.img", "before.img");
		keyed_faults = (struct fault_plan){.cut_at = i};
		assert_int_equal(keyed_change("device.img", fn), -EIO);
		swtpm_power_cycle(&tpm);
		swtpm_forgive(&tpm);
		if (keyed_opens("device.img", "", with_data) < 0 &&
		    keyed_opens("device.img", "", true) < 0) {
			keyed_print_failures();
			fail_msg("cut at %llu: it does not open", (unsigned long long)i);
		}
		/* Nothing was committed, or everything: then the state before is dead. */
		if (keyed_opens("before.img", "", true) >= 0)
			undone++;
		else
			done++;
		keyed_faults = (struct fault_plan){0};
		if (keyed_change("device.img", fn) < 0) {
			keyed_print_failures();
			fail_msg("cut at %llu: the next run fails", (unsigned long long)i);
		}
		if (with_data) {
			keyed_assert_opens("device.img");
			assert_gone("before.img", i);
		}
	}
	print_message("%llu cut points: %llu before, %llu after the commit\n",
		      (unsigned long long)n, (unsigned long long)undone, (unsigned long long)done);
	assert_true(done > 0 && undone > 0);
}

static void rotating_survives_every_cut(void **state)
{
	change_survives_every_cut(keyed_rotate, true);
}

static void forgetting_survives_every_cut(void **state)
{
	change_survives_every_cut(keyed_forget, false);
}

/* An image that was sealed elsewhere for this TPM is imported and resealed. */
static void the_first_opening_survives_every_cut(void **state)
{
	struct swtpm factory;
	char dir[160];
	uint64_t n = 10, before = 0;

	for (uint64_t i = 0; i <= n; i++) { /* 0: no cut, which counts the operations */
		snprintf(dir, sizeof(dir), "%s-unit%llu", tpm.dir, (unsigned long long)i);
		swtpm_start(&factory, dir);
		keyed_input.tcti = factory.tcti;
		keyed_faults = (struct fault_plan){0};
		assert_ok(keyed_identity("unit"));
		keyed_input.tpm_identity = "unit";
		unlink("unit.img");
		assert_ok(keyed_provision("unit.img"));
		keyed_input.tpm_identity = NULL;
		keyed_copy_file("unit.img", "before.img");
		keyed_faults = (struct fault_plan){.cut_at = i};
		keyed_seed = i;
		assert_int_equal(keyed_change("unit.img", keyed_rotate) >= 0, i == 0);
		n = i == 0 ? keyed_faults.ops : n;
		swtpm_power_cycle(&factory);
		if (keyed_opens("unit.img", "", true) < 0) {
			keyed_print_failures();
			fail_msg("cut at %llu: it does not open", (unsigned long long)i);
		}
		before += keyed_opens("before.img", "", true) >= 0;
		keyed_faults = (struct fault_plan){0};
		assert_ok(keyed_change("unit.img", keyed_rotate));
		assert_gone("before.img", i);
		swtpm_stop(&factory);
	}
	keyed_input.tcti = tpm.tcti;
	print_message("%llu cut points, %llu before the commit\n", (unsigned long long)n,
		      (unsigned long long)before);
	assert_true(before > 0 && before < n);
}

/* A vault of another device under a TPM of its own, and the TPM of this one. */
static void another_devices_medium_is_refused(void **state)
{
	struct swtpm other;
	char dir[160];

	snprintf(dir, sizeof(dir), "%s-other", tpm.dir);
	swtpm_start(&other, dir);
	keyed_faults = (struct fault_plan){0};
	keyed_input.tcti = other.tcti;
	assert_ok(keyed_provision("other.img"));
	keyed_assert_opens("other.img");
	keyed_input.tcti = tpm.tcti;
	assert_int_equal(keyed_opens("other.img", "", true), -EUCLEAN);
	assert_int_equal(diag_get(0)->code, DIAG_KEYSTORE_FOREIGN);
	swtpm_stop(&other);
}

/* The journal of an earlier plan, and all that was on the medium then, with a TPM that went on. */
static void a_wiped_medium_is_not_provisioned_unasked(void **state)
{
	keyed_faults = (struct fault_plan){0};
	unlink("wiped.img");
	keyed_retire = false;
	assert_int_equal(keyed_provision("wiped.img"), -EEXIST);
	assert_int_equal(diag_get(0)->code, DIAG_LIFECYCLE);
	keyed_retire = true;
	assert_ok(keyed_provision("wiped.img"));
	keyed_assert_opens("wiped.img");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(provisioning_survives_cuts),
	    cmocka_unit_test(rotating_survives_every_cut),
	    cmocka_unit_test(forgetting_survives_every_cut),
	    cmocka_unit_test(the_first_opening_survives_every_cut),
	    cmocka_unit_test(another_devices_medium_is_refused),
	    cmocka_unit_test(a_wiped_medium_is_not_provisioned_unasked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
