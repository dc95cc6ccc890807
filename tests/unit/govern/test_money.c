/* SPDX-License-Identifier: Apache-2.0
 * Exact amounts: known answers, the rounding rule, and the limits. Part of CORE-030, DESIGN 6
 * "Money". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/money.h"

#include <math.h>

static void parse_is_exact(void **state)
{
	static const struct {
		const char *text;
		int64_t nano;
	} cases[] = {
	    {"10", 10000000000},
	    {"0.0375", 37500000},
	    {"1e-6", 1000},
	    {"0", 0},
	    {"0.1", 100000000},
	    {".5", 500000000},
	    {"5.", 5000000000},
	    {"1E+2", 100000000000},
	    {"0.000000001", 1},
	    {"0.0000000005", 0},
	    {"0.0000000015", 2},
	    {"0.0000000025", 2},
	    {"0.00000000250000000001", 3},
	    {"0.0000000004999", 0},
	    {"9000000000", INT64_C(9000000000000000000)},
	    {"0e99999999999", 0},
	    {"0e10000", 0},
	    {"1e-9999", 0},
	    {"123456789.987654321", INT64_C(123456789987654321)},
	    {"0.00000000000000000000000001e26", 1000000000},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t nano = -1;
		assert_true(genops_money_parse(genops_str_of(cases[i].text), &nano));
		assert_int_equal(nano, cases[i].nano);
	}
}

static void parse_refuses(void **state)
{
	static const char *const texts[] = {"", ".", "-1", "+1", "1,5", "$5", "1e", "e5", "0x10",
	    "nan", "inf", " 1", "1 ", "1.2.3", "9000000000.000000001", "9223372036854775807",
	    "1e300", "99999999999999999999", "1e5.0"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int64_t nano = 77;
		assert_false(genops_money_parse(genops_str_of(texts[i]), &nano));
		assert_int_equal(nano, 77); /* untouched on failure */
	}
}

static void scaled_reads_a_rate_per_token(void **state)
{
	int64_t rate;
	/* 3.75 USD a million tokens, written per token, per thousand and per million. */
	assert_true(genops_money_parse_scaled(GENOPS_STR("3.75e-06"), 15, &rate));
	assert_int_equal(rate, 3750000000);
	assert_true(genops_money_parse_scaled(GENOPS_STR("0.00375"), 12, &rate));
	assert_int_equal(rate, 3750000000);
	assert_true(genops_money_parse_scaled(GENOPS_STR("3.75"), 9, &rate));
	assert_int_equal(rate, 3750000000);
}

static void scale_rounds_half_to_even(void **state)
{
	assert_int_equal(genops_money_scale(5, 1, 10), 0);
	assert_int_equal(genops_money_scale(15, 1, 10), 2);
	assert_int_equal(genops_money_scale(25, 1, 10), 2);
	assert_int_equal(genops_money_scale(26, 1, 10), 3);
	assert_int_equal(genops_money_scale(500, 30000000000, 1000000), 15000000);
	assert_int_equal(genops_money_scale(INT64_MAX, INT64_MAX, 1), GENOPS_MONEY_MAX);
	assert_int_equal(genops_money_scale(INT64_MAX, INT64_MAX, INT64_MAX), GENOPS_MONEY_MAX);
	assert_int_equal(
	    genops_money_scale(GENOPS_MONEY_MAX, INT64_MAX, INT64_MAX), GENOPS_MONEY_MAX);
	assert_int_equal(genops_money_scale(1, INT64_MAX - 1, INT64_MAX), 1);
}

static void add_saturates(void **state)
{
	assert_int_equal(genops_money_add(1, 2), 3);
	assert_int_equal(genops_money_add(GENOPS_MONEY_MAX, 1), GENOPS_MONEY_MAX);
	assert_int_equal(genops_money_add(INT64_MAX, INT64_MAX), GENOPS_MONEY_MAX);
	assert_int_equal(genops_money_difference(1, 3), -2);
	assert_int_equal(genops_money_difference(INT64_MAX, -1), GENOPS_MONEY_MAX);
	assert_int_equal(genops_money_difference(INT64_MIN, 1), -GENOPS_MONEY_MAX);
	assert_int_equal(genops_money_difference(0, INT64_MIN), GENOPS_MONEY_MAX);
}

static void floats_at_the_edge(void **state)
{
	int64_t nano = 5;
	assert_true(genops_money_from_usd(0.1 + 0.2, &nano));
	assert_int_equal(nano, 300000000);
	assert_true(genops_money_from_usd(9e9, &nano));
	assert_int_equal(nano, GENOPS_MONEY_MAX);
	assert_false(genops_money_from_usd(-0.01, &nano));
	assert_false(genops_money_from_usd((double)NAN, &nano));
	assert_false(genops_money_from_usd((double)INFINITY, &nano));
	assert_int_equal(nano, GENOPS_MONEY_MAX);
	assert_true(genops_money_to_usd(33000000) == 0.033);
}

static void format_is_readable_and_reads_back(void **state)
{
	char text[32];
	genops_money_format(37500000, 2, text);
	assert_string_equal(text, "0.0375");
	genops_money_format(12500000000, 2, text);
	assert_string_equal(text, "12.50");
	genops_money_format(12000000000, 0, text);
	assert_string_equal(text, "12");
	genops_money_format(-1, 2, text);
	assert_string_equal(text, "-0.000000001");
	genops_money_format(INT64_MIN, 9, text);
	assert_string_equal(text, "-9223372036.854775808");
	uint64_t random = 88172645463325252;
	for (int i = 0; i < 10000; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		int64_t nano = (int64_t)(random % (uint64_t)GENOPS_MONEY_MAX) >> random % 60, back;
		genops_money_format(nano, (int)(random % 10), text);
		assert_true(genops_money_parse(genops_str_of(text), &back));
		assert_int_equal(back, nano);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parse_is_exact),
	    cmocka_unit_test(parse_refuses),
	    cmocka_unit_test(scaled_reads_a_rate_per_token),
	    cmocka_unit_test(scale_rounds_half_to_even),
	    cmocka_unit_test(add_saturates),
	    cmocka_unit_test(floats_at_the_edge),
	    cmocka_unit_test(format_is_readable_and_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
