/* SPDX-License-Identifier: Apache-2.0
 * test_processor_budget_enforcer.c - what a budget becomes, and what stands on spans while it is used up. proves OTL-062 */
#include "collector_fixture.h"

#define USD INT64_C(1000000000)
#define GUIDE                                                                                         \
	"genops/budget_enforcer:\n  budgets:\n    - team: \"ml-platform\"\n      limit: 1000.0\n      period: \"daily\"\n      action: \"block\"\n"

static int64_t consumed;

static bool budget(void *arg, genops_str name, int64_t now_unix_ns, int64_t *ret_limit_nano_usd, int64_t *ret_consumed_nano_usd)
{
	(void)arg, (void)now_unix_ns;
	*ret_limit_nano_usd = 1000 * USD;
	*ret_consumed_nano_usd = consumed;
	return genops_str_starts(name, GENOPS_STR("genops/budget_enforcer"));
}

static void load(struct fixture *fixture, const char *yaml)
{
	if (fixture_load(fixture, yaml) != GENOPS_OK)
		fail_msg("%s", fixture->err.message);
	fixture->asks.budget = budget;
}

static void guide(void **state)
{
	struct fixture fixture;
	const char *ours = TEXT_VALUE("genops.team", "ml-platform");
	(void)state;
	load(&fixture, GUIDE);
	const struct genops_processor_budget_enforcer *settings = fixture.processor.settings;
	assert_int_equal(settings->n_budgets, 1);
	assert_true(genops_str_is(settings->budgets[0].name, "genops/budget_enforcer: team=ml-platform daily"));
	assert_int_equal(settings->budgets[0].limit_nano_usd, 1000 * USD);
	assert_int_equal(settings->budgets[0].period, 1);
	assert_true(settings->budgets[0].is_blocking);
	consumed = 1000 * USD - 1;
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", ours, "")), "genops.policy"));
	consumed = 1000 * USD;
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", ours, ""));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.result", "blocked")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.name", "genops/budget_enforcer: team=ml-platform daily")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.reason_code", "BUDGET_EXCEEDED")));
	assert_non_null(strstr(out, "{\"key\":\"genops.budget.remaining\",\"value\":{\"doubleValue\":0}}"));
	assert_non_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", "", ours)), "blocked")); /* of the resource */
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", TEXT_VALUE("genops.team", "x"), "")), "blocked"));
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", "", "")), "blocked"));
	fixture_done(&fixture);
}

static void alert_and_others(void **state)
{
	struct fixture fixture;
	(void)state;
	load(&fixture, "genops/budget_enforcer/eu: {budgets: [{team: a, project: b, match: {region: eu}, limit: 5, period: monthly, action: alert}]}");
	const struct genops_processor_budget_enforcer *settings = fixture.processor.settings;
	assert_true(genops_str_is(settings->budgets[0].name, "genops/budget_enforcer/eu: team=a project=b region=eu monthly"));
	assert_false(settings->budgets[0].is_blocking);
	consumed = 2000 * USD;
	const char *attributes = TEXT_VALUE("genops.team", "a") "," TEXT_VALUE("project", "b") "," TEXT_VALUE("region", "eu");
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", attributes, ""));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.result", "warning")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.action", "alert")));
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", TEXT_VALUE("genops.team", "a"), "")), "warning"));
	fixture_done(&fixture);
}

static void refusals(void **state)
{
	static const char *const wrong[][2] = {{"genops/budget_enforcer:", "budgets"},
	    {"genops/budget_enforcer: {budgets: [{team: a}]}", "limit"}, {"genops/budget_enforcer: {budgets: [{team: a, limit: 0}]}", "limit"},
	    {"genops/budget_enforcer: {budgets: [{team: a, limit: 1, period: yearly}]}", "period"},
	    {"genops/budget_enforcer: {budgets: [{team: a, limit: 1, action: explode}]}", "action"},
	    {"genops/budget_enforcer: {budgets: [{taem: a, limit: 1}]}", "taem"}};
	(void)state;
	fixture_refuses(wrong, sizeof wrong / sizeof *wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(guide),
	    cmocka_unit_test(alert_and_others),
	    cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
