/* SPDX-License-Identifier: Apache-2.0
 * test_json_number.c - numbers of a document are read as the C library reads them, whatever way they take. */
#include "codec/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct told {
	int n;
	double number;
	int64_t integer;
	bool is_integer;
};

static void keep_number(void *arg, const struct genops_json_value *value)
{
	if (value->type != GENOPS_JSON_NUMBER)
		return;
	struct told *told = arg;
	told->n++;
	told->number = value->number;
	told->integer = value->is_integer ? value->integer : 0;
	told->is_integer = value->is_integer;
}

/* Numbers that end within a piece and at its end, short and long, take ways of their own: all tell what the C library reads. */
static void test_numbers_are_those_of_the_c_library(void **state)
{
	(void)state;
	static const struct genops_json_path row = {"n", 0};
	struct genops_json_paths *paths = genops_json_paths_new(&row, 1, NULL);
	assert_non_null(paths);
	struct told told;
	struct genops_json_scan *scan = genops_json_scan_new(paths, NULL, keep_number, &told);
	assert_non_null(scan);
	static const double powers[] = {1, 1e2, 1e5, 1e8, 1e11, 1e14, 1e15, 1e16, 1e17, 1e18};
	uint64_t seed = 4711;
	for (size_t i = 0; i < 20000; i++) {
		char doc[64];
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		int whole = (int)(i % 19), n = snprintf(doc, sizeof doc, "{\"n\":%.*f}", (int)(seed >> 60) * whole / 16,
		    (double)(int64_t)seed / 8 / powers[whole % 10]);
		double expected = strtod(doc + 5, NULL);
		told = (struct told){0};
		genops_json_scan_reset(scan);
		assert_int_equal(genops_json_scan_feed(scan, (genops_str){doc, (size_t)n}, NULL), GENOPS_OK);
		assert_int_equal(genops_json_scan_end(scan, NULL), GENOPS_OK);
		assert_int_equal(told.n, 1);
		if (memcmp(&told.number, &expected, sizeof expected) != 0 && expected != 0)
			fail_msg("%s is %.17g", doc, told.number);
		if (told.is_integer)
			assert_int_equal(told.integer, strtoll(doc + 5, NULL, 10));
	}
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers_are_those_of_the_c_library),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
