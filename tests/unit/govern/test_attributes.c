/* SPDX-License-Identifier: Apache-2.0
 * The merged attributes of an operation: order of strength, names, limits. Part of CORE-009,
 * CORE-010. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/attributes.h"

#include <stdio.h>

static int setup(void **state)
{
	static struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	*state = &arena;
	return 0;
}

static int teardown(void **state)
{
	genops_arena_done(*state);
	return 0;
}

static void a_later_add_replaces_under_any_of_its_names(void **state)
{
	struct genops_attributes a;
	genops_attributes_init(&a, *state);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("team"), GENOPS_STR("one"), NULL), 0);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("genops.team"), GENOPS_STR("two"), NULL), 0);
	assert_int_equal(a.n, 1);
	assert_true(genops_str_is(genops_attributes_standard(&a, GENOPS_ATTRIBUTE_TEAM), "two"));
	assert_true(genops_str_is(
	    genops_attributes_get(&a, GENOPS_STR("genops.team"))->value.string, "two"));
	assert_true(genops_str_is(a.items[0].key, "team"));
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("app.tier"), GENOPS_STR("gold"), NULL), 0);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("app.tier"), GENOPS_STR("free"), NULL), 0);
	assert_int_equal(a.n, 2);
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("app.tier"))->value.string, "free"));
	assert_null(genops_attributes_get(&a, GENOPS_STR("project")));
	assert_int_equal(genops_attributes_standard(&a, GENOPS_ATTRIBUTE_PROJECT).len, 0);
}

static void standard_names_in_all_three_forms(void **state)
{
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("cost_center")),
	    GENOPS_ATTRIBUTE_COST_CENTER);
	assert_int_equal(
	    genops_attributes_standard_key(GENOPS_STR("genops.feature")), GENOPS_ATTRIBUTE_FEATURE);
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("X-GenOps-Customer-Id")),
	    GENOPS_ATTRIBUTE_CUSTOMER_ID);
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("genops.teams")), -1);
	assert_int_equal(genops_attributes_standard_key(GENOPS_STR("")), -1);
}

static void values_are_copied_and_keep_their_type(void **state)
{
	struct genops_attributes a;
	char text[] = "alpha";
	genops_attributes_init(&a, *state);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k"), genops_str_of(text), NULL), 0);
	text[0] = 'X';
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("k"))->value.string, "alpha"));
	struct genops_attribute number = {
	    .key = GENOPS_STR("n"), .type = GENOPS_ATTRIBUTE_INT, .value.integer = 7};
	assert_int_equal(genops_attributes_set(&a, &number, NULL), 0);
	assert_int_equal(genops_attributes_get(&a, GENOPS_STR("n"))->value.integer, 7);
	number.key = GENOPS_STR("team"); /* a standard one becomes a text */
	assert_int_equal(genops_attributes_set(&a, &number, NULL), 0);
	assert_true(genops_str_is(genops_attributes_standard(&a, GENOPS_ATTRIBUTE_TEAM), "7"));
}

static void refuses_what_it_does_not_take(void **state)
{
	struct genops_attributes a;
	struct genops_error err;
	static char big[GENOPS_ATTRIBUTE_VALUE_MAX + 1];
	memset(big, 'x', sizeof big);
	genops_attributes_init(&a, *state);
	genops_str value = GENOPS_STR("v");
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR(""), value, &err), GENOPS_SYNTAX);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("\xff"), value, &err), GENOPS_SYNTAX);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k"), GENOPS_STR("\xc0\x80"), &err),
	    GENOPS_SYNTAX);
	assert_int_equal(
	    genops_attributes_set_text(&a, (genops_str){big, 257}, value, &err), GENOPS_LIMIT);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k"), (genops_str){big, sizeof big}, &err),
	    GENOPS_LIMIT);
	assert_int_equal(a.n, 0);
	for (int i = 0; i < GENOPS_ATTRIBUTES_MAX; i++) {
		char key[16];
		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(
		    genops_attributes_set_text(&a, genops_str_of(key), value, &err), 0);
	}
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("more"), value, &err), GENOPS_LIMIT);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("k5"), GENOPS_STR("new"), &err), 0);
	assert_int_equal(a.n, GENOPS_ATTRIBUTES_MAX);
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("k127"))->value.string, "v"));
	assert_true(
	    genops_str_is(genops_attributes_get(&a, GENOPS_STR("k5"))->value.string, "new"));
}

static void no_memory_is_an_error_and_changes_nothing(void **state)
{
	struct genops_arena small;
	struct genops_attributes a;
	genops_arena_init(&small, 1500); /* room for the items, not for the value */
	genops_attributes_init(&a, &small);
	static char big[2000];
	memset(big, 'x', sizeof big);
	assert_int_equal(
	    genops_attributes_set_text(&a, GENOPS_STR("team"), (genops_str){big, sizeof big}, NULL),
	    GENOPS_NOMEM);
	assert_int_equal(a.n, 0);
	assert_null(genops_attributes_get(&a, GENOPS_STR("team")));
	genops_arena_done(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_later_add_replaces_under_any_of_its_names, setup, teardown),
	    cmocka_unit_test(standard_names_in_all_three_forms),
	    cmocka_unit_test_setup_teardown(values_are_copied_and_keep_their_type, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_what_it_does_not_take, setup, teardown),
	    cmocka_unit_test(no_memory_is_an_error_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
