/* SPDX-License-Identifier: Apache-2.0
 * test_text.c - texts counted and cut in UTF-16 units, and Unicode's letters in the other case. Proves CRB-205. */
#include "pipeline/text.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SMILE "\xF0\x9F\x98\x80"
#define HIGH  "\xED\xA0\xBD" /* the halves of it */
#define LOW   "\xED\xB8\x80"

static struct genops_arena arena;

static void equal(genops_str text, const char *expected)
{
	if (!text.ptr || !genops_str_is(text, expected))
		fail_msg("%.*s, not %s", GENOPS_STR_ARG(text), expected);
}

static void units(void **state)
{
	genops_str text = GENOPS_STR("a\xC3\xA4" SMILE "z");
	assert_int_equal(genops_text_length(text), 5);
	assert_int_equal(genops_text_unit(text, 1), 0xE4);
	assert_int_equal(genops_text_unit(text, 2), 0xD83D);
	assert_int_equal(genops_text_unit(text, 3), 0xDE00);
	assert_int_equal(genops_text_unit(text, 5), -1);
	equal(genops_text_slice(&arena, text, 1, 4), "\xC3\xA4" SMILE);
	equal(genops_text_slice(&arena, text, 3, 5), LOW "z");
	equal(genops_text_slice(&arena, text, 0, 3), "a\xC3\xA4" HIGH);
	equal(genops_text_slice(&arena, text, 3, 3), "");
	equal(genops_text_slice(&arena, GENOPS_STR(SMILE SMILE), 1, 3), LOW HIGH);
}

static void halves_that_meet_are_one(void **state)
{
	genops_str parts[] = {GENOPS_STR("x" HIGH), GENOPS_STR(LOW "y"), GENOPS_STR(LOW)};
	equal(genops_text_join(&arena, parts, 3), "x" SMILE "y" LOW);
	equal(genops_text_join(&arena, parts, 0), "");
}

static void searching(void **state)
{
	genops_str text = GENOPS_STR("\xC3\xA4" "b" SMILE "b");
	assert_int_equal(genops_text_find(&arena, text, GENOPS_STR("b"), 0), 1);
	assert_int_equal(genops_text_find(&arena, text, GENOPS_STR("b"), 2), 4);
	assert_int_equal(genops_text_find(&arena, text, GENOPS_STR("b"), 3), 4);
	assert_int_equal(genops_text_find(&arena, text, GENOPS_STR(LOW), 0), 3);
	assert_int_equal(genops_text_find(&arena, text, GENOPS_STR("c"), 0), GENOPS_TEXT_NOWHERE);
	assert_int_equal(genops_text_find_last(&arena, text, GENOPS_STR("b"), 5), 4);
	assert_int_equal(genops_text_find_last(&arena, text, GENOPS_STR("b"), 3), 1);
	assert_int_equal(genops_text_find_last(&arena, text, GENOPS_STR(HIGH), 5), 2);
	assert_int_equal(genops_text_find_last(&arena, text, GENOPS_STR(""), 5), 5);
}

static void order_is_by_units(void **state)
{
	assert_true(genops_text_compare(GENOPS_STR("a"), GENOPS_STR("b")) < 0);
	assert_true(genops_text_compare(GENOPS_STR("ab"), GENOPS_STR("a")) > 0);
	assert_true(genops_text_compare(GENOPS_STR("a"), GENOPS_STR("a")) == 0);
	assert_true(genops_text_compare(GENOPS_STR(SMILE), GENOPS_STR("\xEF\xBF\xBD")) < 0); /* D83D < FFFD */
	assert_true(genops_text_compare(GENOPS_STR(HIGH), GENOPS_STR(SMILE)) < 0);
	assert_true(genops_text_compare(GENOPS_STR(SMILE), GENOPS_STR(HIGH "a")) > 0);
}

static void the_other_case(void **state)
{
	equal(genops_text_upper(&arena, GENOPS_STR("gr\xC3\xBC\xC3\x9F" "e \xEF\xAC\x81")), "GR\xC3\x9CSSE FI");
	equal(genops_text_lower(&arena, GENOPS_STR("\xC3\x84\xC4\xB0")), "\xC3\xA4i\xCC\x87");
	equal(genops_text_lower(&arena, GENOPS_STR("\xCE\xA3\xCE\x91\xCE\xA3 \xCE\xA3")), "\xCF\x83\xCE\xB1\xCF\x82 \xCF\x83"); /* a final sigma */
	equal(genops_text_upper(&arena, GENOPS_STR("")), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(units),
	    cmocka_unit_test(halves_that_meet_are_one),
	    cmocka_unit_test(searching),
	    cmocka_unit_test(order_is_by_units),
	    cmocka_unit_test(the_other_case),
	};
	genops_arena_init(&arena, 1 << 20);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	genops_arena_done(&arena);
	return failed;
}
