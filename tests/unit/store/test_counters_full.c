/* SPDX-License-Identifier: Apache-2.0 - what runs out: leases, counters of budgets; and rates, whose buckets are used again. */
#include "counters_fixture.h"

#include "govern/money.h"
#include "store/counters/counters_layout.h"

static void leases_run_out(void **state)
{
	struct genops_counters *counters = attach_ready();
	static uint32_t leases[GENOPS_COUNTERS_LEASES];
	struct genops_lease_identity identity = {0};
	struct genops_error err;
	bool granted;
	uint32_t more;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < GENOPS_COUNTERS_LEASES; i++)
			assert_true(reserve(counters, NULL, 0, 0, NOON, &leases[i]));
		assert_int_equal(
		    genops_counters_reserve(counters, NULL, 0, 0, &identity, NOON, NULL, &granted, &more, &err),
		    GENOPS_LIMIT);
		assert_int_equal(stats_of(counters).n_leases, GENOPS_COUNTERS_LEASES);
		for (size_t i = 0; i < GENOPS_COUNTERS_LEASES; i++)
			genops_counters_free(counters, leases[i]);
		assert_int_equal(stats_of(counters).n_leases, 0);
	}
	genops_counters_close(counters);
}

static void budgets_run_out(void **state)
{
	struct genops_counters *counters = attach_ready();
	struct genops_budget_rule rule = rule_of(100, -1);
	struct genops_error err;
	uint32_t lease;
	struct genops_budget_ask held = ask_of(&rule, 0), more = ask_of(&rule, 99999);
	assert_true(reserve(counters, &held, 1, 0, NOON, &lease)); /* nothing reserved, but a lease names it */
	for (uint64_t i = 1; i < GENOPS_COUNTERS_BUDGETS; i++) {
		struct genops_budget_ask ask = ask_of(&rule, i);
		assert_int_equal(genops_counters_charge(counters, &ask, 1, 1, NOON, &err), GENOPS_OK);
	}
	assert_int_equal(genops_counters_charge(counters, &more, 1, 1, NOON, &err), GENOPS_LIMIT);
	assert_true(err.fix[0] != '\0');
	/* the next day, windows that are over make room, but not the one that a lease names */
	for (uint64_t i = 0; i < GENOPS_COUNTERS_BUDGETS - 1; i++) {
		struct genops_budget_ask ask = ask_of(&rule, 100000 + i);
		assert_int_equal(genops_counters_charge(counters, &ask, 1, 2, NOON + DAY * NS, &err), GENOPS_OK);
	}
	assert_int_equal(genops_counters_charge(counters, &more, 1, 1, NOON + DAY * NS, &err), GENOPS_LIMIT);
	for (uint64_t i = 0; i < GENOPS_COUNTERS_BUDGETS - 1; i++) {
		struct genops_budget_ask ask = ask_of(&rule, 100000 + i), gone = ask_of(&rule, 1 + i);
		struct genops_budget_view view;
		expect_line(counters, &ask, GENOPS_PERIOD_DAILY, 2, 0);
		assert_false(genops_counters_budget(counters, gone.key, &view));
	}
	struct genops_budget_view view;
	assert_true(genops_counters_budget(counters, held.key, &view));
	genops_counters_close(counters);
}

/* --- rates --- */

static bool take(struct genops_counters *counters, uint64_t key, int64_t now, int64_t *ret_delay)
{
	return genops_counters_take_rate(
	    counters, (struct genops_hash){key * 7919, key}, 60, 2, 0, now, false, ret_delay);
}

/* proves COL-136: one team is saturated, the other is not; and two processes share a bucket */
static void rates_are_shared(void **state)
{
	struct genops_counters *one = attach_ready(), *two = attach(false);
	int64_t delay;
	assert_true(take(one, 1, 5 * NS, &delay));
	assert_true(take(two, 1, 5 * NS, &delay));
	assert_false(take(one, 1, 5 * NS, &delay));
	assert_int_equal(delay, NS);
	assert_false(take(two, 1, 5 * NS, &delay));
	assert_true(take(two, 2, 5 * NS, &delay));
	assert_true(genops_counters_take_rate(one, (struct genops_hash){3, 3}, 60, 2, 0, 5 * NS, true, &delay));
	assert_int_equal(stats_of(one).n_buckets, 2); /* a dry run makes none */
	genops_counters_close(one);
	genops_counters_close(two);
}

static void buckets_are_used_again(void **state)
{
	struct genops_counters *counters = attach_ready();
	int64_t delay;
	for (uint64_t i = 0; i < GENOPS_COUNTERS_BUCKETS; i++)
		assert_true(take(counters, i, NS, &delay));
	assert_false(take(counters, 77777, NS, &delay)); /* all owe a token: refused, not forgotten */
	assert_int_equal(delay, NS);
	assert_int_equal(stats_of(counters).n_buckets, GENOPS_COUNTERS_BUCKETS);
	for (uint64_t i = 0; i < GENOPS_COUNTERS_BUCKETS; i++) /* a second later all are full again */
		assert_true(take(counters, 100000 + i, 2 * NS, &delay));
	assert_true(take(counters, 100000, 2 * NS, &delay));
	assert_false(take(counters, 100000, 2 * NS, &delay)); /* its bucket is the same one still */
	genops_counters_close(counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_dir(leases_run_out),
	    in_dir(budgets_run_out),
	    in_dir(rates_are_shared),
	    in_dir(buckets_are_used_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
