/* SPDX-License-Identifier: Apache-2.0
 * test_clock.c - both clocks read at once say what they say one by one: the wall clock of the first reading, when its distance is
 * measured, and of the next ones, when it is remembered. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#define OFF_MAX (GENOPS_NS_PER_MS / 2) /* far more than a thousandth of it is never kept; far less than a wrong unit or sign */
#define TRIES	100		       /* a busy machine may hold this thread up between two readings */

static bool is_both(void)
{
	int64_t unix_before = genops_clock_unix_ns(), before = genops_clock_monotonic_ns();
	struct genops_clock_moment now = genops_clock_now();
	int64_t after = genops_clock_monotonic_ns(), unix_after = genops_clock_unix_ns();
	assert_true(now.monotonic_ns >= before && now.monotonic_ns <= after);
	return now.unix_ns >= unix_before - OFF_MAX && now.unix_ns <= unix_after + OFF_MAX;
}

static void it_reads_both_clocks(void **state)
{
	for (int i = 0; i < TRIES; i++) {
		int tries = 0;
		while (!is_both())
			assert_true(++tries < TRIES);
	}
}

static void it_never_goes_back(void **state)
{
	struct genops_clock_moment last = genops_clock_now();
	for (int i = 0; i < 1000; i++) {
		struct genops_clock_moment now = genops_clock_now();
		assert_true(now.monotonic_ns >= last.monotonic_ns);
		last = now;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_reads_both_clocks),
	    cmocka_unit_test(it_never_goes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
