/* SPDX-License-Identifier: Apache-2.0
 * Reserving, extending, settling, charging, looking: one process.
 * proves CORE-038, CORE-039, CORE-040, CORE-041, CORE-042, COL-136, COL-142 */
#include "counters_fixture.h"

#include "govern/money.h"
#include "store/counters/counters_layout.h"

/* --- reserve --- */

static void reserve_and_settle(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(1000, 5000);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	uint32_t lease;
	assert_true(reserve(counters, &ask, 1, 600, NOON, &lease));
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 0, 600);
	expect_line(counters, &ask, GENOPS_PERIOD_MONTHLY, 0, 600);
	assert_int_equal(stats_of(counters).n_leases, 1);
	settle(counters, lease, &ask, 1, 450, NOON);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 450, 0);
	expect_line(counters, &ask, GENOPS_PERIOD_MONTHLY, 450, 0);
	assert_int_equal(stats_of(counters).n_leases, 0);
	/* nothing is settled twice */
	settle(counters, lease, &ask, 1, 450, NOON);
	genops_counters_free(counters, lease);
	assert_false(genops_counters_extend(counters, lease, &ask, 1, 1, NOON));
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 450, 0);
	/* a stale number does not reach the lease's next life */
	uint32_t next;
	assert_true(reserve(counters, &ask, 1, 10, NOON, &next));
	assert_int_equal(next % GENOPS_COUNTERS_LEASES, lease % GENOPS_COUNTERS_LEASES);
	settle(counters, lease, &ask, 1, 99, NOON);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 450, 10);
	genops_counters_close(counters);
}

/* proves CORE-041, CORE-042: the answer has the figures before the call, and why it was refused */
static void all_or_none(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule wide = rule_of(1000, -1), narrow = rule_of(100, -1);
	struct genops_budget_ask asks[] = {ask_of(&wide, 1), ask_of(&narrow, 2)};
	struct genops_budget_answer answers[2];
	struct genops_lease_identity identity = {.team = "t"};
	struct genops_error err;
	uint32_t lease;
	bool granted;
	assert_true(reserve(counters, asks, 2, 70, NOON, &lease));
	assert_int_equal(genops_counters_reserve(
			     counters, asks, 2, 31, &identity, NOON, answers, &granted, &lease, &err),
	    GENOPS_OK);
	assert_false(granted);
	assert_int_equal(lease, GENOPS_LEASE_NONE);
	assert_false(answers[0].is_over);
	assert_true(answers[1].is_over);
	assert_int_equal(answers[1].refusal.limit_nano_usd, 100);
	assert_int_equal(answers[1].refusal.reserved_nano_usd, 70);
	assert_int_equal(answers[1].refusal.asked_nano_usd, 31);
	assert_int_equal(answers[1].refusal.resets_at_unix_s, 1709251200);
	assert_int_equal(answers[0].limit_nano_usd, 1000);
	assert_int_equal(answers[0].reserved_nano_usd, 70);
	expect_line(counters, &asks[0], GENOPS_PERIOD_DAILY, 0, 70); /* none of the 31 */
	expect_line(counters, &asks[1], GENOPS_PERIOD_DAILY, 0, 70);
	assert_int_equal(stats_of(counters).n_leases, 1);
	assert_true(reserve(counters, asks, 2, 30, NOON, &lease));
	genops_counters_close(counters);
}

static void a_refused_first_call_leaves_no_slot(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(10, -1);
	struct genops_budget_ask asks[] = {ask_of(&rule, 1), ask_of(&rule, 2)};
	uint32_t lease;
	assert_false(reserve(counters, asks, 2, 11, NOON, &lease));
	assert_int_equal(stats_of(counters).n_budgets, 0);
	struct genops_budget_view view;
	assert_false(genops_counters_budget(counters, asks[0].key, &view));
	genops_counters_close(counters);
}

/* The same counter asked for twice is counted twice. */
static void the_same_budget_twice(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_ask asks[] = {ask_of(&rule, 1), ask_of(&rule, 1)};
	uint32_t lease;
	assert_false(reserve(counters, asks, 2, 51, NOON, &lease));
	assert_true(reserve(counters, asks, 2, 50, NOON, &lease));
	settle(counters, lease, asks, 2, 50, NOON);
	expect_line(counters, &asks[0], GENOPS_PERIOD_DAILY, 100, 0);
	genops_counters_close(counters);
}

static void warn_reserves_though_over(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_budget_answer answer;
	struct genops_lease_identity identity = {0};
	struct genops_error err;
	uint32_t lease;
	bool granted;
	ask.may_refuse = false;
	assert_int_equal(
	    genops_counters_reserve(counters, &ask, 1, 150, &identity, NOON, &answer, &granted, &lease, &err), 0);
	assert_true(granted);
	assert_true(answer.is_over);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 0, 150);
	assert_true(genops_counters_extend(counters, lease, &ask, 1, 200, NOON));
	settle(counters, lease, &ask, 1, 180, NOON);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 180, 0);
	genops_counters_close(counters);
}

static void no_budget_is_in_flight_all_the_same(void **state)
{
	struct genops_counters *counters = attach_ready();
	uint32_t lease;
	assert_true(reserve(counters, NULL, 0, 5, NOON, &lease));
	assert_int_equal(stats_of(counters).n_leases, 1);
	genops_counters_metered(counters, lease, 3);
	settle(counters, lease, NULL, 0, 5, NOON);
	assert_int_equal(stats_of(counters).n_leases, 0);
	genops_counters_close(counters);
}

static void misuse_is_told(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(GENOPS_MONEY_MAX, -1);
	struct genops_budget_ask asks[9];
	struct genops_budget_answer answers[9];
	struct genops_lease_identity identity = {0};
	struct genops_error err;
	uint32_t lease = 7;
	bool granted = true;
	for (uint64_t i = 0; i < 9; i++)
		asks[i] = ask_of(&rule, i);
	assert_int_equal(
	    genops_counters_reserve(counters, asks, 9, 1, &identity, NOON, answers, &granted, &lease, &err),
	    GENOPS_MISUSE);
	assert_int_equal(
	    genops_counters_reserve(counters, asks, 1, -1, &identity, NOON, answers, &granted, &lease, &err),
	    GENOPS_MISUSE);
	assert_int_equal(genops_counters_charge(counters, asks, 1, -1, NOON, &err), GENOPS_MISUSE);
	assert_int_equal(lease, 7); /* untouched on failure */
	asks[0].may_refuse = false;
	assert_true(reserve(counters, asks, 1, GENOPS_MONEY_MAX, NOON, &lease));
	uint32_t other;
	assert_int_equal(
	    genops_counters_reserve(counters, asks, 1, 1, &identity, NOON, answers, &granted, &other, &err),
	    GENOPS_LIMIT); /* sums stay exact */
	settle(counters, lease, asks, 1, 1, NOON);
	expect_line(counters, &asks[0], GENOPS_PERIOD_DAILY, 1, 0);
	genops_counters_close(counters);
}

static void eight_budgets(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = {.zone = genops_zone_utc(), .limit_nano_usd = {100, 100, 100, 100, 100}};
	struct genops_budget_ask asks[8];
	uint32_t lease;
	for (uint64_t i = 0; i < 8; i++)
		asks[i] = ask_of(&rule, i);
	assert_true(reserve(counters, asks, 8, 60, NOON, &lease));
	assert_false(genops_counters_extend(counters, lease, asks, 8, 101, NOON));
	assert_true(genops_counters_extend(counters, lease, asks, 8, 100, NOON));
	for (int i = 0; i < 8; i++)
		for (int period = 0; period < GENOPS_PERIOD_N; period++)
			expect_line(counters, &asks[i], (enum genops_period)period, 0, 100);
	settle(counters, lease, asks, 8, 77, NOON);
	for (int i = 0; i < 8; i++)
		expect_line(counters, &asks[i], GENOPS_PERIOD_TOTAL, 77, 0);
	genops_counters_close(counters);
}

/* --- extend, commit, time --- */

static void extension(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1), tight = rule_of(60, -1);
	struct genops_budget_ask asks[] = {ask_of(&rule, 1), ask_of(&tight, 2)};
	uint32_t lease;
	assert_true(reserve(counters, asks, 2, 20, NOON, &lease));
	assert_true(genops_counters_extend(counters, lease, asks, 2, 60, NOON));
	assert_true(genops_counters_extend(counters, lease, asks, 2, 30, NOON)); /* never lowers */
	expect_line(counters, &asks[0], GENOPS_PERIOD_DAILY, 0, 60);
	assert_false(genops_counters_extend(counters, lease, asks, 2, 61, NOON));
	expect_line(counters, &asks[0], GENOPS_PERIOD_DAILY, 0, 60); /* the first had room: it has it back */
	expect_line(counters, &asks[1], GENOPS_PERIOD_DAILY, 0, 60);
	settle(counters, lease, asks, 2, 70, NOON); /* an actual above its own estimate */
	expect_line(counters, &asks[1], GENOPS_PERIOD_DAILY, 70, 0);
	genops_counters_close(counters);
}

static void commit_then_free(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, 400);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_budget_answer answer;
	struct genops_counters_alert alerts[16];
	uint32_t lease;
	assert_true(reserve(counters, &ask, 1, 95, NOON, &lease));
	assert_int_equal(genops_counters_commit(counters, lease, &ask, 1, 92, NOON + NS, &answer, alerts, 16), 2);
	assert_int_equal(alerts[0].ask, 0);
	assert_int_equal(alerts[0].alert.percent, 80);
	assert_int_equal(alerts[1].alert.percent, 90);
	assert_int_equal(answer.consumed_nano_usd, 92);
	assert_int_equal(answer.reserved_nano_usd, 0);
	assert_int_equal(answer.tightest, GENOPS_PERIOD_DAILY);
	assert_int_equal(answer.n_windows, 2);
	assert_int_equal(answer.windows[0].period, GENOPS_PERIOD_DAILY);
	assert_int_equal(answer.windows[0].start_unix_s, 1709164800);
	assert_int_equal(answer.windows[1].end_unix_s, 1709251200);
	assert_int_equal(stats_of(counters).n_leases, 1);
	assert_int_equal(genops_counters_commit(counters, lease, &ask, 1, 92, NOON, &answer, alerts, 16), 0);
	assert_false(genops_counters_extend(counters, lease, &ask, 1, 99, NOON));
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 92, 0);
	genops_counters_free(counters, lease);
	assert_int_equal(stats_of(counters).n_leases, 0);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 92, 0);
	/* free of what was never committed gives it back */
	assert_true(reserve(counters, &ask, 1, 8, NOON, &lease));
	genops_counters_free(counters, lease);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 92, 0);
	genops_counters_close(counters);
}

/* proves CORE-038 */
static void over_midnight(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	const int64_t midnight = 1709251200 * NS;
	uint32_t late, later, lease;
	assert_true(reserve(counters, &ask, 1, 40, midnight - 9, &late));
	assert_true(reserve(counters, &ask, 1, 30, midnight - 8, &later));
	assert_true(reserve(counters, &ask, 1, 30, midnight - 7, &lease));
	settle(counters, lease, &ask, 1, 30, midnight - 6);
	assert_false(reserve(counters, &ask, 1, 1, midnight - 1, &lease));
	assert_true(reserve(counters, &ask, 1, 30, midnight, &lease)); /* 70 still reserved */
	assert_false(reserve(counters, &ask, 1, 1, midnight, &lease));
	/* who is late counts in the new day, and is told so: time never goes back */
	struct genops_budget_answer answer;
	genops_counters_commit(counters, late, &ask, 1, 25, midnight - 1, &answer, NULL, 0);
	assert_int_equal(answer.n_windows, 1);
	assert_int_equal(answer.windows[0].start_unix_s, midnight / NS);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 25, 60);
	genops_counters_free(counters, later);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 25, 30);
	genops_counters_close(counters);
}

/* A clock that goes back by a day opens no second budget. */
static void the_clock_goes_back(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1), other = ask_of(&rule, 2);
	struct genops_budget_answer answer;
	uint32_t lease;
	assert_true(reserve(counters, &ask, 1, 80, NOON, &lease));
	genops_counters_commit(counters, lease, &ask, 1, 80, NOON, &answer, NULL, 0);
	genops_counters_free(counters, lease);
	assert_false(reserve(counters, &ask, 1, 21, NOON - DAY * NS, &lease));
	assert_true(reserve(counters, &ask, 1, 20, NOON - DAY * NS, &lease));
	genops_counters_commit(counters, lease, &ask, 1, 20, NOON - DAY * NS, &answer, NULL, 0);
	assert_int_equal(answer.windows[0].start_unix_s, 1709164800);
	genops_counters_free(counters, lease);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 100, 0);
	assert_true(reserve(counters, &other, 1, 1, NOON - DAY * NS, &lease)); /* a new slot is made for today, too */
	assert_int_equal(line_of(counters, &other, GENOPS_PERIOD_DAILY).period_start_unix_s, 1709164800);
	genops_counters_close(counters);
}

/* proves CORE-040: once for all processes, here two handles */
static void alerts_once_for_all(void **state)
{
	struct genops_counters *one = attach_ready(), *two = attach(false);
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	size_t n = 0;
	for (int i = 0; i < 100; i++) {
		uint32_t lease;
		struct genops_counters *counters = i % 2 ? one : two;
		assert_true(reserve(counters, &ask, 1, 10, NOON, &lease));
		n += settle(counters, lease, &ask, 1, 10, NOON);
	}
	assert_int_equal(n, 3);
	/* one handle cannot settle the other's lease */
	uint32_t lease;
	ask.may_refuse = false;
	assert_true(reserve(one, &ask, 1, 10, NOON, &lease));
	settle(two, lease, &ask, 1, 10, NOON);
	expect_line(one, &ask, GENOPS_PERIOD_DAILY, 1000, 10);
	genops_counters_close(one);
	genops_counters_close(two);
}

/* --- peek, charge, views --- */

static void peek_touches_nothing(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_budget_answer answer;
	struct genops_error err;
	bool granted;
	assert_int_equal(genops_counters_peek(counters, &ask, 1, 100, NOON, &answer, &granted, &err), 0);
	assert_true(granted);
	assert_int_equal(genops_counters_peek(counters, &ask, 1, 101, NOON, &answer, &granted, &err), 0);
	assert_false(granted);
	assert_true(answer.is_over);
	assert_int_equal(stats_of(counters).n_budgets, 0);
	uint32_t lease;
	assert_true(reserve(counters, &ask, 1, 60, NOON, &lease));
	assert_int_equal(genops_counters_peek(counters, &ask, 1, 41, NOON, &answer, &granted, &err), 0);
	assert_false(granted);
	/* a look into the future does not move the clock */
	assert_int_equal(genops_counters_peek(counters, &ask, 1, 40, NOON + DAY * NS, &answer, &granted, &err), 0);
	assert_true(granted);
	expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 0, 60);
	assert_int_equal(line_of(counters, &ask, GENOPS_PERIOD_DAILY).period_start_unix_s, 1709164800);
	genops_counters_close(counters);
}

static void charge_counts(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, 1000);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_error err;
	uint32_t lease;
	assert_int_equal(genops_counters_charge(counters, &ask, 1, 150, NOON, &err), GENOPS_OK);
	expect_line(counters, &ask, GENOPS_PERIOD_MONTHLY, 150, 0);
	assert_false(reserve(counters, &ask, 1, 0, NOON, &lease));
	assert_true(reserve(counters, &ask, 1, 100, NOON + DAY * NS, &lease));
	genops_counters_close(counters);
}

static void views(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	static struct genops_budget_view all[200];
	struct genops_error err;
	char long_label[200];
	memset(long_label, 'x', sizeof long_label);
	for (uint64_t i = 0; i < 150; i++) {
		struct genops_budget_ask ask = ask_of(&rule, i);
		ask.label = (genops_str){long_label, i};
		assert_int_equal(genops_counters_charge(counters, &ask, 1, (int64_t)i, NOON, &err), GENOPS_OK);
	}
	assert_int_equal(genops_counters_budgets(counters, NULL, 0), 150);
	assert_int_equal(genops_counters_budgets(counters, all, 10), 150);
	assert_int_equal(genops_counters_budgets(counters, all, 200), 150);
	for (size_t i = 0; i < 150; i++) {
		assert_int_equal(strlen(all[i].label), i < 95 ? i : 95);
		assert_int_equal(all[i].cell.lines[GENOPS_PERIOD_DAILY].consumed_nano_usd, i);
	}
	genops_counters_close(counters);
}

static void drains_asked(void **state)
{
	struct genops_counters *one = attach_ready(), *two = attach(false);
	uint64_t before = genops_counters_drains_asked(one);
	genops_counters_ask_drain(one);
	assert_int_equal(genops_counters_drains_asked(one), before + 1);
	assert_int_equal(genops_counters_drains_asked(two), before + 1);
	genops_counters_close(one);
	genops_counters_close(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_dir(reserve_and_settle),
	    in_dir(all_or_none),
	    in_dir(a_refused_first_call_leaves_no_slot),
	    in_dir(the_same_budget_twice),
	    in_dir(warn_reserves_though_over),
	    in_dir(no_budget_is_in_flight_all_the_same),
	    in_dir(misuse_is_told),
	    in_dir(eight_budgets),
	    in_dir(extension),
	    in_dir(commit_then_free),
	    in_dir(over_midnight),
	    in_dir(the_clock_goes_back),
	    in_dir(alerts_once_for_all),
	    in_dir(peek_touches_nothing),
	    in_dir(charge_counts),
	    in_dir(views),
	    in_dir(drains_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
