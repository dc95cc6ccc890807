/* SPDX-License-Identifier: Apache-2.0
 * cost_limit. Proves COL-132, COL-133, A-052; its message COL-149. */
#include "policy_fixture.h"

static void only_more_than_the_limit_is_refused(void **state)
{
	struct fixture f = {0};
	fixture_open(&f, "cost_limit", SETTINGS("max_cost=10.0"));
	f.input.estimated_cost_nano_usd = INT64_C(10000000000);
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	assert_int_equal(f.evaluation.reason, GENOPS_REASON_NONE);
	assert_int_equal(f.evaluation.message.len, 0);
	f.input.estimated_cost_nano_usd++;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_int_equal(f.decision.reason, GENOPS_REASON_COST_LIMIT);
	assert_true(f.decision.is_refused);
	assert_true(genops_str_is(f.decision.policy_type, "cost_limit"));
	f.input.estimated_cost_nano_usd = INT64_C(12000000000);
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_says(f.decision.message, "\"rule\"");
	assert_says(f.decision.message, "12.00 USD");
	assert_says(f.decision.message, "10.00 USD");
	fixture_close(&f);
}

static void a_cost_that_nobody_knows_is_an_error(void **state)
{
	struct fixture f = {0};
	fixture_open(&f, "cost_limit", SETTINGS("cost_limit=10.0"));
	f.input.estimated_cost_nano_usd = GENOPS_COST_UNKNOWN;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_true(f.evaluation.is_error);
	assert_int_equal(f.decision.reason, GENOPS_REASON_POLICY_ERROR);
	f.policy.on_error = GENOPS_ON_ERROR_OPEN;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	assert_true(f.evaluation.is_error);
	fixture_close(&f);
}

static void bad_settings_are_refused(void **state)
{
	static const char *const bad[] = {
	    "max_cost=-1", "max_cost=ten", "max_cost=nan", "max_cost="};
	for (size_t i = 0; i < 4; i++) {
		struct fixture f = {0};
		assert_int_equal(
		    fixture_compile(&f, "cost_limit", SETTINGS(bad[i])), GENOPS_CONFIG);
		genops_arena_done(&f.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_more_than_the_limit_is_refused),
	    cmocka_unit_test(a_cost_that_nobody_knows_is_an_error),
	    cmocka_unit_test(bad_settings_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
