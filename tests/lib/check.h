/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka, with what its header wants before it. */
#ifndef HOLDFAST_TESTS_CHECK_H
#define HOLDFAST_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A function of this library that must succeed. */
#define assert_ok(expression) assert_true((expression) >= 0)

#endif
