/* SPDX-License-Identifier: Apache-2.0 */
/* A failure must be just the expected one. */
#ifndef HOLDFAST_TESTS_REFUSED_H
#define HOLDFAST_TESTS_REFUSED_H

#include "base/diag.h"
#include "lib/check.h"

/* @expression fails, and @expected is the code of the first failure that was recorded; forgets all
 * that were. */
#define assert_refused(expression, expected)                                                       \
	do {                                                                                       \
		assert_in_range(-(expression), 1, 4095);                                           \
		assert_string_equal(diag_code_text(diag_count() ? diag_get(0)->code : DIAG_OK),    \
				    diag_code_text(expected));                                     \
		diag_forget(0);                                                                    \
	} while (0)

#endif
