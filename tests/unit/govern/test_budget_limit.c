/* SPDX-License-Identifier: Apache-2.0
 * budget_limit: its settings only, as budgets decide. Proves COL-141, COL-143. */
#include "policy_fixture.h"

#include "govern/policy/budget_limit.h"

static void windows_that_are_given_are_set(void **state)
{
	struct fixture f = {0};
	fixture_open(&f, "budget_limit",
	    SETTINGS("daily_budget=100.0", "monthly_budget=3000.0", "alerts=100%, 50,90",
		"timezone=Europe/Berlin"));
	const struct genops_budget_limit *settings = f.policy.settings;
	assert_int_equal(settings->limit_nano_usd[GENOPS_PERIOD_DAILY], INT64_C(100000000000));
	assert_int_equal(settings->limit_nano_usd[GENOPS_PERIOD_MONTHLY], INT64_C(3000000000000));
	assert_int_equal(settings->limit_nano_usd[GENOPS_PERIOD_HOURLY], -1);
	assert_int_equal(settings->limit_nano_usd[GENOPS_PERIOD_TOTAL], -1);
	assert_int_equal(settings->n_alerts, 3);
	assert_int_equal(settings->alert_percent[0], 50);
	assert_int_equal(settings->alert_percent[2], 100);
	assert_int_equal(settings->per.n, 2);
	assert_true(genops_str_is(settings->timezone, "Europe/Berlin"));
	/* It has no evaluation: nothing is recorded for it here. */
	const struct genops_policy *policies[] = {&f.policy};
	struct genops_decision decision = {0};
	assert_int_equal(genops_policies_evaluate(policies, 1, GENOPS_MODE_ENFORCED, &f.input,
			     &f.evaluation, 1, &decision),
	    0);
	fixture_close(&f);
}

static void bad_settings_are_refused(void **state)
{
	static const char *const bad[] = {
	    "daily_budget=0", "timezone=UTC", "alerts=0", "alerts=1,2,3,4,5,6,7,8,9", "alerts=x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct fixture f = {0};
		const char *second = bad[i][0] == 'a' ? "daily_budget=1" : "per=team";
		assert_int_equal(
		    fixture_compile(&f, "budget_limit", SETTINGS(bad[i], second)), GENOPS_CONFIG);
		genops_arena_done(&f.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows_that_are_given_are_set),
	    cmocka_unit_test(bad_settings_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
