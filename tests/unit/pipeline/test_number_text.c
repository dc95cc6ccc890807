/* SPDX-License-Identifier: Apache-2.0
 * test_number_text.c - numbers as JavaScript writes and reads them, in any locale. Proves CRB-204 in part. */
#include "pipeline/number_text.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <locale.h>
#include <math.h>

static void says(genops_str text, const char *expected)
{
	if (!genops_str_is(text, expected))
		fail_msg("%.*s, not %s", GENOPS_STR_ARG(text), expected);
}

static void the_shortest_that_reads_back(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0"}, {-0.0, "0"}, {1, "1"}, {-1.5, "-1.5"}, {0.1, "0.1"}, {0.1 + 0.2, "0.30000000000000004"}, {1e21, "1e+21"}, {123456789012345680000.0, "123456789012345680000"},
	    {1e-6, "0.000001"}, {1e-7, "1e-7"}, {1.5e-9, "1.5e-9"}, {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"}, {0x1p-44, "5.684341886080802e-14"},
	    {9007199254740992.0, "9007199254740992"}, {1.0 / 3, "0.3333333333333333"}, {100, "100"}, {0x1p-1022, "2.2250738585072014e-308"}, {NAN, "NaN"}, {-INFINITY, "-Infinity"}};
	char out[GENOPS_NUMBER_TEXT_MAX];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		says(genops_number_to_text(rows[i].value, out), rows[i].text);
}

static void a_half_goes_away_from_zero(void **state)
{
	char out[GENOPS_NUMBER_TEXT_MAX];
	says(genops_number_to_fixed(0.125, 2, out), "0.13");
	says(genops_number_to_fixed(-2.5, 0, out), "-3");
	says(genops_number_to_fixed(9.5, 0, out), "10");
	says(genops_number_to_fixed(99.995, 2, out), "100.00");
	says(genops_number_to_fixed(1.45, 1, out), "1.4"); /* is less than it looks */
	says(genops_number_to_fixed(1125899906842624.25, 1, out), "1125899906842624.3");
	says(genops_number_to_fixed(-0.0, 2, out), "0.00");
	says(genops_number_to_fixed(-0.001, 2, out), "-0.00");
	says(genops_number_to_fixed(1e21, 2, out), "1e+21");
	says(genops_number_to_precision(0.00001, 2, out), "0.000010");
	says(genops_number_to_precision(123456, 2, out), "1.2e+5");
	says(genops_number_to_precision(2.5, 1, out), "3");
	says(genops_number_to_exponential(255, 1, out), "2.6e+2");
	says(genops_number_to_exponential(0.00015, -1, out), "1.5e-4");
}

static void radixes(void **state)
{
	char out[GENOPS_NUMBER_TEXT_MAX];
	says(genops_number_to_radix(255, 16, out), "ff");
	says(genops_number_to_radix(-255.5, 2, out), "-11111111.1");
	says(genops_number_to_radix(0.1, 3, out), "0.0022002200220022002200220022002201");
	says(genops_number_to_radix(1e21, 36, out), "5v1j4f4ds7c000");
	says(genops_number_to_radix(0.5, 36, out), "0.i");
	(void)genops_number_to_radix(5e-324, 2, out);
	(void)genops_number_to_radix(1.7976931348623157e308, 2, out);
	(void)genops_number_to_fixed(9.99e20, 100, out);
}

static void what_number_and_parse_take(void **state)
{
	assert_true(genops_number_from_text(GENOPS_STR("")) == 0);
	assert_true(genops_number_from_text(GENOPS_STR(" \t\n12\xC2\xA0")) == 12);
	assert_true(genops_number_from_text(GENOPS_STR("-.5e1")) == -5);
	assert_true(genops_number_from_text(GENOPS_STR("0x1F")) == 31);
	assert_true(genops_number_from_text(GENOPS_STR("-Infinity")) == -INFINITY);
	assert_true(genops_number_from_text(GENOPS_STR("0x20000000000001")) == 9007199254740992.0);
	for (const char *const *bad = (const char *const[]){"x", "1x", "1_000", "-0x1", "0x", ".", "e3", "1e", "infinity", "1 2", NULL}; *bad; bad++)
		assert_true(isnan(genops_number_from_text(genops_str_of(*bad))));
	assert_true(genops_number_parse_float(GENOPS_STR("12.9kg")) == 12.9);
	assert_true(genops_number_parse_float(GENOPS_STR("1e+")) == 1);
	assert_true(isnan(genops_number_parse_float(GENOPS_STR("kg"))));
	assert_true(genops_number_parse_int(GENOPS_STR("12.9"), 0) == 12);
	assert_true(genops_number_parse_int(GENOPS_STR("0xfg"), 0) == 15);
	assert_true(genops_number_parse_int(GENOPS_STR("-z"), 36) == -35);
	assert_true(isnan(genops_number_parse_int(GENOPS_STR("1"), 37)));
	assert_true(genops_number_to_int32(4294967295.0) == -1 && genops_number_to_int32(NAN) == 0 && genops_number_to_int32(-1e20) == -1661992960);
}

/* A decimal comma of the process's must not show. */
static void no_locale_shows(void **state)
{
	static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"};
	for (size_t i = 0; i < sizeof names / sizeof *names && !setlocale(LC_ALL, names[i]);)
		i++;
	the_shortest_that_reads_back(state);
	a_half_goes_away_from_zero(state);
	what_number_and_parse_take(state);
	setlocale(LC_ALL, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shortest_that_reads_back),
	    cmocka_unit_test(a_half_goes_away_from_zero),
	    cmocka_unit_test(radixes),
	    cmocka_unit_test(what_number_and_parse_take),
	    cmocka_unit_test(no_locale_shows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
