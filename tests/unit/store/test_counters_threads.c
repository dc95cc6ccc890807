/* SPDX-License-Identifier: Apache-2.0
 * Threads of two handles spend from the same budgets at once: the limit holds at every moment, sums are exact, each alert
 * and each token is given out once. Run under TSan too. proves CORE-040, CORE-041, COL-136 */
#include "counters_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4
#define CALLS   6000
#define LIMIT   INT64_C(150000)

static struct genops_counters *handles[2];
static struct genops_budget_rule rule, wide;
static _Atomic int64_t spent;
static _Atomic size_t n_refused, n_alerts, n_tokens;
static atomic_bool is_over;

struct runner {
	pthread_t thread;
	uint64_t random;
	struct genops_counters *counters;
};

static uint64_t next(struct runner *runner)
{
	runner->random ^= runner->random << 13;
	runner->random ^= runner->random >> 7;
	runner->random ^= runner->random << 17;
	return runner->random;
}

static void call(struct runner *runner, const struct genops_budget_ask *asks, int i)
{
	struct genops_budget_answer answers[2];
	struct genops_counters_alert alerts[16];
	struct genops_lease_identity identity = {.team = "t"};
	struct genops_error err;
	bool granted;
	uint32_t lease;
	int64_t amount = (int64_t)(next(runner) % 100), delay;
	n_tokens += genops_counters_take_rate(
	    runner->counters, (struct genops_hash){9, 9}, 1e-3, 500, 0, NS, false, &delay);
	if (genops_counters_reserve(runner->counters, asks, 2, amount, &identity, NOON + i, answers, &granted, &lease, &err) !=
	    GENOPS_OK) {
		is_over = true;
		return;
	}
	if (!granted) {
		n_refused++;
		return;
	}
	if (i % 3 == 0 && genops_counters_extend(runner->counters, lease, asks, 2, amount + 10, NOON + i))
		amount += 10;
	int64_t actual = amount ? (int64_t)(next(runner) % (uint64_t)(amount + 1)) : 0;
	genops_counters_metered(runner->counters, lease, actual);
	n_alerts += genops_counters_commit(runner->counters, lease, asks, 2, actual, NOON + i, answers, alerts, 16);
	genops_counters_free(runner->counters, lease);
	spent += actual;
}

static void *run(void *arg)
{
	struct runner *runner = arg;
	struct genops_budget_ask asks[] = {ask_of(&rule, 1), ask_of(&wide, 10 + runner->random % 3)};
	for (int i = 0; i < CALLS; i++)
		call(runner, asks, i);
	return NULL;
}

static void *watch(void *arg)
{
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_budget_view views[8];
	while (!atomic_load((atomic_bool *)arg)) {
		struct genops_budget_view view;
		if (!genops_counters_budget(handles[0], ask.key, &view))
			continue;
		const struct genops_budget_line *line = &view.cell.lines[GENOPS_PERIOD_DAILY];
		if (line->consumed_nano_usd + line->reserved_nano_usd > LIMIT)
			is_over = true;
		(void)genops_counters_budgets(handles[1], views, 8);
		(void)stats_of(handles[0]);
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct runner runners[THREADS];
	pthread_t watcher;
	atomic_bool stop = false;
	rule = rule_of(LIMIT, -1);
	wide = rule_of(INT64_C(1) << 50, -1);
	handles[0] = attach_ready();
	handles[1] = attach(false);
	assert_int_equal(pthread_create(&watcher, NULL, watch, &stop), 0);
	for (size_t i = 0; i < THREADS; i++) {
		runners[i] = (struct runner){.random = 88172645463325252u + i, .counters = handles[i % 2]};
		assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(runners[i].thread, NULL);
	stop = true;
	pthread_join(watcher, NULL);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	expect_line(handles[0], &ask, GENOPS_PERIOD_DAILY, spent, 0);
	assert_false(is_over);
	assert_true(spent <= LIMIT && spent > LIMIT * 99 / 100);
	assert_true(n_refused > 0);
	assert_int_equal(n_alerts, spent == LIMIT ? 3 : 2);
	assert_int_equal(n_tokens, 500);
	struct genops_counters_stats stats = stats_of(handles[0]);
	assert_int_equal(stats.n_leases, 0);
	assert_int_equal(stats.n_repairs, 0);
	genops_counters_close(handles[0]);
	genops_counters_close(handles[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_dir(many_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
