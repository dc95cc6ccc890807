/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_delta.c: what counters have grown by, when requests fail, come twice, and after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "export/datadog/datadog_delta.h"

#define SINCE 1000

static double growth(struct genops_datadog_delta *delta, uint64_t series, double value, uint64_t start, uint64_t time)
{
	double ret = -1;
	return genops_datadog_delta_of(delta, series, value, start, time, &ret) ? ret : -1;
}

static void only_what_was_taken_counts(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	genops_datadog_delta_begin(delta);
	assert_float_equal(growth(delta, 7, 10, 1, 2000), -1, 0); /* began before us */
	assert_float_equal(growth(delta, 8, 10, 1500, 2000), 10, 0);
	assert_float_equal(growth(delta, 0, 3, 1500, 2000), 3, 0);
	genops_datadog_delta_begin(delta); /* not taken: the same again */
	assert_float_equal(growth(delta, 7, 10, 1, 2000), -1, 0);
	assert_float_equal(growth(delta, 8, 10, 1500, 2000), 10, 0);
	assert_float_equal(growth(delta, 8, 12, 1500, 2100), 2, 0); /* two points of one request */
	genops_datadog_delta_taken(delta);
	for (int i = 0; i < 3; i++) {
		genops_datadog_delta_begin(delta);
		assert_float_equal(growth(delta, 7, 15, 1, 3000), 5, 0);
		assert_float_equal(growth(delta, 8, 12.5, 1500, 3000), 0.5, 0);
	}
	genops_datadog_delta_taken(delta);
	genops_datadog_delta_begin(delta);
	assert_float_equal(growth(delta, 7, 15, 1, 3000), -1, 0);   /* came twice */
	assert_float_equal(growth(delta, 7, 14, 1, 2500), -1, 0);   /* is late */
	assert_float_equal(growth(delta, 7, 2, 3500, 4000), 2, 0);  /* began anew */
	assert_float_equal(growth(delta, 8, 1, 1500, 4000), 1, 0);  /* fell, so it did, too */
	genops_datadog_delta_free(delta);
}

static void it_survives_a_restart(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	struct genops_buffer kept;
	genops_buffer_init(&kept, 1 << 24);
	genops_datadog_delta_begin(delta);
	(void)growth(delta, 7, 10, 1, 2000);
	genops_datadog_delta_taken(delta);
	genops_datadog_delta_begin(delta);
	assert_float_equal(growth(delta, 7, 11, 1, 3000), 1, 0);
	(void)growth(delta, 9, 5, 1, 3000);
	genops_datadog_delta_write(delta, &kept); /* the second was not taken */
	genops_datadog_delta_free(delta);
	assert_int_equal(kept.len, strlen("genops-deltas-1\n") + 24);
	for (size_t len = 0; len <= kept.len; len++) {
		delta = genops_datadog_delta_new(SINCE);
		genops_datadog_delta_read(delta, (genops_str){kept.ptr, len});
		genops_datadog_delta_begin(delta);
		assert_float_equal(growth(delta, 7, 11, 1, 3000), len == kept.len ? 1 : -1, 0);
		genops_datadog_delta_free(delta);
	}
	genops_buffer_done(&kept);
}

static void it_is_bounded(void **state)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(SINCE);
	for (uint64_t round = 0; round < 3; round++) {
		genops_datadog_delta_begin(delta);
		for (uint64_t i = 1; i <= GENOPS_DATADOG_DELTA_MAX; i++)
			(void)growth(delta, i * UINT64_C(0x9E3779B97F4A7C15) + round, 1, SINCE, 2000 + round);
		genops_datadog_delta_taken(delta);
	}
	genops_datadog_delta_free(delta);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_was_taken_counts),
	    cmocka_unit_test(it_survives_a_restart),
	    cmocka_unit_test(it_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
