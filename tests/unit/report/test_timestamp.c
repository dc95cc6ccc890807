/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/report/test_timestamp.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/timestamp.h"

static void check(genops_str got, const char *expected)
{
	assert_int_equal(got.len, strlen(expected));
	assert_memory_equal(got.ptr, expected, got.len);
}

/* proves WDB-139: sub-second, UTC */
static void test_known_times(void **state)
{
	char text[GENOPS_TIMESTAMP_MAX];
	check(genops_timestamp_seconds(0, text), "1970-01-01T00:00:00Z");
	check(genops_timestamp_seconds(1793880000, text), "2026-11-05T12:00:00Z");
	check(genops_timestamp_seconds(1709164800, text), "2024-02-29T00:00:00Z");
	check(genops_timestamp_nanoseconds(1793880000000000001, text), "2026-11-05T12:00:00.000000001Z");
	check(genops_timestamp_nanoseconds(-1, text), "1969-12-31T23:59:59.999999999Z");
	check(genops_timestamp_nanoseconds(INT64_MAX, text), "2262-04-11T23:47:16.854775807Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_times)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
