/* SPDX-License-Identifier: Apache-2.0 */
/* Backend tpm2 on a real TPM's software: what an owner of a device sees. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check.h"
#include "lib/tpm-rig.h"

static const char *const plain[] = {NULL};

static void opens_what_it_sealed(void **state)
{
	_cleanup_secret_ struct secret *secret = NULL;
	_cleanup_text_ struct text blob = {0};
	struct keystore_anchor a = {0};
	struct rig r;

	rig_open(&r, plain);
	assert_ok(rig_prepare(&r));
	assert_ok(rig_seal(&r, false, &secret, &blob));
	assert_ok(rig_opens(&r, &blob, secret));
	assert_ok(rig_anchor_read(&r, &a));
	assert_false(a.present);
	assert_ok(rig_anchor_write(&r, 7));
	assert_ok(rig_anchor_read(&r, &a));
	assert_true(a.present);
	assert_int_equal(a.sequence, 7);
	swtpm_reset(&r.tpm);
	assert_ok(rig_opens(&r, &blob, secret));
	assert_int_equal(rig_handles(&r), 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(opens_what_it_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
