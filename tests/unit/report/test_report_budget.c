/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/report/test_report_budget.c - every configured budget and every counter, rolled to now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/report_budget.h"

#define NOON_S INT64_C(1793880000) /* 2026-11-05T12:00:00Z */
#define DAY_S  INT64_C(86400)
#define NONE   GENOPS_COST_UNKNOWN

#include <genops/operation.h>

static struct genops_budget_rule rule(const char *name, int64_t daily, int64_t total)
{
	return (struct genops_budget_rule){.name = genops_str_of(name), .level = GENOPS_LEVEL_BLOCK,
	    .limit_nano_usd = {NONE, daily, NONE, NONE, total}, .zone = genops_zone_utc()};
}

static struct genops_budget_view view(const char *label, int64_t day_start, int64_t consumed, int64_t reserved)
{
	struct genops_budget_view view = {0};
	strncpy(view.label, label, sizeof view.label - 1);
	view.cell.lines[GENOPS_PERIOD_DAILY] = (struct genops_budget_line){.period_start_unix_s = day_start,
	    .period_end_unix_s = day_start + DAY_S, .consumed_nano_usd = consumed, .reserved_nano_usd = reserved};
	view.cell.lines[GENOPS_PERIOD_TOTAL] = (struct genops_budget_line){
	    .period_end_unix_s = INT64_MAX, .consumed_nano_usd = consumed, .reserved_nano_usd = reserved};
	return view;
}

static struct genops_budget_report *make(const struct genops_budget_rule *rules, size_t n_rules,
    const struct genops_budget_view *views, size_t n_views, const char *name)
{
	struct genops_budget_report *report = NULL;
	struct genops_error err = {0};
	if (genops_report_budgets_make(rules, n_rules, views, n_views, genops_str_of(name), NOON_S, &report, &err))
		fail_msg("%s", err.message);
	return report;
}

static void test_windows(void **state)
{
	struct genops_budget_rule rules[] = {rule("b", 1000, 5000), rule("never used", NONE, 70)};
	struct genops_budget_view views[] = {view("b", NOON_S - NOON_S % DAY_S, 850, 100)};
	struct genops_budget_report *report = make(rules, 2, views, 1, "");
	assert_int_equal(report->n_budgets, 2);
	const struct genops_budget_status *status = &report->budgets[0];
	assert_int_equal(status->n_windows, 2);
	assert_string_equal(status->windows[0].period, "daily");
	assert_int_equal(status->windows[0].consumed_nano_usd, 850);
	assert_int_equal(status->windows[0].reserved_nano_usd, 100);
	assert_int_equal(status->windows[0].remaining_nano_usd, 50);
	assert_true(status->windows[0].percent == 85.0);
	assert_int_equal(status->windows[0].resets_at_unix_s, NOON_S - NOON_S % DAY_S + DAY_S);
	assert_int_equal(status->windows[1].resets_at_unix_s, 0);
	status = &report->budgets[1];
	assert_int_equal(status->n_windows, 1);
	assert_int_equal(status->windows[0].consumed_nano_usd, 0);
	assert_int_equal(status->windows[0].remaining_nano_usd, 70);
	genops_report_budgets_free(report);
}

/* Nobody has touched the counter since its day ended. */
static void test_passed_period_is_rolled(void **state)
{
	struct genops_budget_rule rules[] = {rule("b", 1000, 5000)};
	struct genops_budget_view views[] = {view("b", NOON_S - NOON_S % DAY_S - DAY_S, 900, 10)};
	struct genops_budget_report *report = make(rules, 1, views, 1, "");
	assert_int_equal(report->budgets[0].windows[0].consumed_nano_usd, 0);
	assert_int_equal(report->budgets[0].windows[0].reserved_nano_usd, 10);
	assert_int_equal(report->budgets[0].windows[1].consumed_nano_usd, 900);
	genops_report_budgets_free(report);
}

static void test_overdrawn(void **state)
{
	struct genops_budget_rule rules[] = {rule("b", 1000, NONE)};
	struct genops_budget_view views[] = {view("b", NOON_S - NOON_S % DAY_S, 1500, 100)};
	struct genops_budget_report *report = make(rules, 1, views, 1, "");
	assert_int_equal(report->budgets[0].windows[0].remaining_nano_usd, 0);
	assert_true(report->budgets[0].windows[0].percent == 150.0);
	genops_report_budgets_free(report);
}

static void test_counters_find_their_rule(void **state)
{
	int64_t today = NOON_S - NOON_S % DAY_S;
	struct genops_budget_rule rules[] = {rule("a", 1000, NONE), rule("a[b]", 1000, NONE), rule("ab", 1000, NONE)};
	struct genops_budget_view views[] = {view("a[team=x]", today, 1, 0), view("a[team=y]", today, 2, 0), view("a[b]", today, 3, 0),
	    view("a[b][team=x]", today, 4, 0), view("gone", today, 5, 0)};
	struct genops_budget_report *report = make(rules, 3, views, 5, "");
	assert_int_equal(report->n_budgets, 5); /* ab was never used */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(report->budgets[i].windows[0].consumed_nano_usd, (int64_t)i + 1);
	assert_int_equal(report->budgets[4].windows[0].consumed_nano_usd, 0);
	assert_memory_equal(report->budgets[1].label.ptr, "a[team=y]", 9);
	genops_report_budgets_free(report);
	report = make(rules, 3, views, 5, "a");
	assert_int_equal(report->n_budgets, 2);
	genops_report_budgets_free(report);
	report = make(rules, 3, views, 5, "a[team=y]");
	assert_int_equal(report->n_budgets, 1);
	genops_report_budgets_free(report);
}

static void test_long_names_are_cut_as_counters_cut_them(void **state)
{
	char name[121];
	memset(name, 'n', 120);
	name[120] = 0;
	struct genops_budget_rule rules[] = {rule(name, 1000, NONE)};
	struct genops_budget_view views[] = {view(name, NOON_S - NOON_S % DAY_S, 9, 0)};
	struct genops_budget_report *report = make(rules, 1, views, 1, "");
	assert_int_equal(report->n_budgets, 1);
	assert_int_equal(report->budgets[0].windows[0].consumed_nano_usd, 9);
	assert_int_equal(report->budgets[0].name.len, 120);
	genops_report_budgets_free(report);
}

static void test_unknown_name(void **state)
{
	struct genops_budget_rule rules[] = {rule("ml-platform", 1000, NONE)};
	struct genops_budget_report *report = NULL;
	struct genops_error err;
	assert_int_equal(genops_report_budgets_make(rules, 1, NULL, 0, GENOPS_STR("ml-plattform"), NOON_S, &report, &err), GENOPS_NOT_FOUND);
	assert_null(report);
	assert_non_null(strstr(err.message, "did you mean \"ml-platform\""));
}

static void test_json(void **state)
{
	struct genops_budget_rule rules[] = {rule("b", 1000000000, 0)};
	struct genops_budget_view views[] = {view("b", NOON_S - NOON_S % DAY_S, 333333333, 0)};
	struct genops_budget_report *report = make(rules, 1, views, 1, "");
	char *text;
	size_t len;
	assert_int_equal(genops_report_budgets_json(report, &text, &len, NULL), GENOPS_OK);
	assert_string_equal(text,
	    "{\"budgets\":[{\"name\":\"b\",\"label\":\"b\",\"enforcement_level\":\"block\",\"windows\":["
	    "{\"period\":\"daily\",\"limit_nano_usd\":1000000000,\"limit_usd\":1.0,\"consumed_nano_usd\":333333333,"
	    "\"consumed_usd\":0.333333333,\"reserved_nano_usd\":0,\"reserved_usd\":0.0,\"remaining_nano_usd\":666666667,"
	    "\"remaining_usd\":0.666666667,\"percent\":33.33,\"resets_at\":\"2026-11-06T00:00:00Z\"},"
	    "{\"period\":\"total\",\"limit_nano_usd\":0,\"limit_usd\":0.0,\"consumed_nano_usd\":333333333,"
	    "\"consumed_usd\":0.333333333,\"reserved_nano_usd\":0,\"reserved_usd\":0.0,\"remaining_nano_usd\":0,"
	    "\"remaining_usd\":0.0,\"percent\":100,\"resets_at\":null}]}]}\n");
	free(text);
	genops_report_budgets_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_windows),
	    cmocka_unit_test(test_passed_period_is_rolled),
	    cmocka_unit_test(test_overdrawn),
	    cmocka_unit_test(test_counters_find_their_rule),
	    cmocka_unit_test(test_long_names_are_cut_as_counters_cut_them),
	    cmocka_unit_test(test_unknown_name),
	    cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
