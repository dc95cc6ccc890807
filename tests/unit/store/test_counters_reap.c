/* SPDX-License-Identifier: Apache-2.0
 * What a death leaves behind, warm (others live on) and cold (nobody does). Closing a handle is a death: it leaves
 * its leases to the reaper. */
#include "counters_fixture.h"

#define MAX_SEEN 64

struct seen {
	size_t n;
	struct genops_dead_lease leases[MAX_SEEN];
	int64_t answer; /* INT64_MIN: what is metered or committed */
};

static struct seen seen;

static int64_t on_lease(void *arg, const struct genops_dead_lease *lease)
{
	struct seen *into = arg;
	assert_true(into->n < MAX_SEEN);
	into->leases[into->n++] = *lease;
	if (into->answer != INT64_MIN)
		return into->answer;
	return lease->is_committed ? lease->committed_nano_usd : lease->metered_nano_usd;
}

static size_t reap(struct genops_counters *counters, int64_t answer)
{
	seen = (struct seen){.answer = answer};
	return genops_counters_reap(counters, NOON, on_lease, &seen);
}

/* Found dead in one call, reaped in the next: in between the caller drains. */
static void reaped_in_the_second_call(void **state)
{
	struct genops_counters *drain = attach_ready(), *dies = attach(false);
	struct genops_budget_rule rule = rule_of(1000, 1000);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	uint32_t lease, alive, process = genops_counters_process(dies);
	uint64_t epoch = genops_counters_epoch(dies);
	assert_true(reserve(drain, &ask, 1, 5, NOON, &alive));
	assert_true(reserve(dies, &ask, 1, 100, NOON, &lease));
	genops_counters_metered(dies, lease, 33);
	assert_int_equal(reap(drain, INT64_MIN), 0);
	assert_int_equal(reap(drain, INT64_MIN), 0); /* it lives */
	genops_counters_close(dies);
	assert_int_equal(reap(drain, INT64_MIN), 0);
	assert_int_equal(seen.n, 0);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 0, 105);
	assert_int_equal(reap(drain, INT64_MIN), 1);
	assert_int_equal(seen.n, 1);
	const struct genops_dead_lease *dead = &seen.leases[0];
	assert_int_equal(dead->lease, lease);
	assert_int_equal(dead->process, process);
	assert_int_equal(dead->process_epoch, epoch);
	assert_string_equal(dead->identity.team, "team");
	assert_int_equal(dead->reserved_nano_usd, 100);
	assert_int_equal(dead->metered_nano_usd, 33);
	assert_int_equal(dead->settled_unix_ns, NOON);
	assert_false(dead->is_committed);
	assert_int_equal(dead->n_budgets, 1);
	assert_true(genops_hash_equal(dead->budgets[0].key, ask.key));
	assert_string_equal(dead->budgets[0].label, "b");
	assert_int_equal(dead->budgets[0].n_windows, 2);
	assert_int_equal(dead->budgets[0].windows[0].period, GENOPS_PERIOD_DAILY);
	assert_int_equal(dead->budgets[0].windows[0].start_unix_s, 1709164800);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 33, 5);
	expect_line(drain, &ask, GENOPS_PERIOD_MONTHLY, 33, 5);
	assert_int_equal(reap(drain, INT64_MIN), 0); /* once */
	assert_int_equal(stats_of(drain).n_leases, 1);
	settle(drain, alive, &ask, 1, 5, NOON);
	genops_counters_close(drain);
}

/* A reaper died after it had recorded the call: the record's amount counts. */
static void settled_at_the_records_amount(void **state)
{
	struct genops_counters *drain = attach_ready(), *dies = attach(false);
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	uint32_t lease;
	assert_true(reserve(dies, &ask, 1, 100, NOON, &lease));
	genops_counters_metered(dies, lease, 33);
	genops_counters_close(dies);
	reap(drain, 77);
	assert_int_equal(reap(drain, 77), 1);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 77, 0);
	genops_counters_close(drain);
}

/* The counters have it already: whatever the callback says, nothing is added; the alerts are handed on. */
static void committed_is_not_added_again(void **state)
{
	struct genops_counters *drain = attach_ready(), *dies = attach(false);
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_budget_answer answer;
	struct genops_counters_alert alerts[16];
	uint32_t lease;
	assert_true(reserve(dies, &ask, 1, 1000, NOON, &lease));
	assert_int_equal(genops_counters_commit(dies, lease, &ask, 1, 920, NOON + 5 * NS, &answer, alerts, 16), 2);
	genops_counters_close(dies);
	reap(drain, 500);
	assert_int_equal(reap(drain, 500), 1);
	assert_true(seen.leases[0].is_committed);
	assert_int_equal(seen.leases[0].committed_nano_usd, 920);
	assert_int_equal(seen.leases[0].settled_unix_ns, NOON + 5 * NS);
	assert_int_equal(seen.leases[0].budgets[0].alerts[GENOPS_PERIOD_DAILY], 3);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 920, 0);
	genops_counters_close(drain);
}

static void what_cannot_be_recorded_is_kept(void **state)
{
	struct genops_counters *drain = attach_ready(), *dies = attach(false);
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	uint32_t lease;
	assert_true(reserve(dies, &ask, 1, 100, NOON, &lease));
	genops_counters_close(dies);
	reap(drain, -1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(reap(drain, -1), 0);
		assert_int_equal(seen.n, 1);
		expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 0, 100);
	}
	assert_int_equal(reap(drain, 0), 1);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 0, 0);
	genops_counters_close(drain);
}

/* The slot's next life takes over the byte, not the leases. */
static void a_slot_used_again_before_the_reaper_came(void **state)
{
	struct genops_counters *drain = attach_ready(), *dies = attach(false);
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	uint32_t old, lease, process = genops_counters_process(dies);
	assert_true(reserve(dies, &ask, 1, 100, NOON, &old));
	genops_counters_close(dies);
	struct genops_counters *next = attach(false);
	assert_int_equal(genops_counters_process(next), process);
	assert_true(reserve(next, &ask, 1, 10, NOON, &lease));
	settle(next, old, &ask, 1, 100, NOON); /* not its own */
	assert_int_equal(reap(drain, INT64_MIN), 0);
	assert_int_equal(reap(drain, INT64_MIN), 1);
	assert_int_equal(reap(drain, INT64_MIN), 0);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 0, 10);
	settle(next, lease, &ask, 1, 10, NOON);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 10, 0);
	genops_counters_close(next);
	genops_counters_close(drain);
}

/* The day ended between the last sign of life and the reaper: the ledger counts it in the old day, the counters nowhere. */
static void the_window_is_over(void **state)
{
	struct genops_counters *drain = attach_ready(), *dies = attach(false);
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	uint32_t lease;
	assert_true(reserve(dies, &ask, 1, 100, NOON, &lease));
	genops_counters_metered(dies, lease, 40);
	genops_counters_close(dies);
	assert_true(reserve(drain, &ask, 1, 1, NOON + DAY * NS, &lease));
	reap(drain, INT64_MIN);
	assert_int_equal(reap(drain, INT64_MIN), 1);
	assert_int_equal(seen.leases[0].budgets[0].n_windows, 0);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 0, 1);
	genops_counters_close(drain);
}

/* --- cold --- */

static void die_with_two(struct genops_budget_ask *ask)
{
	struct genops_counters *dies = attach_ready();
	struct genops_budget_answer answer;
	uint32_t held, committed;
	assert_true(reserve(dies, ask, 1, 100, NOON, &held));
	genops_counters_metered(dies, held, 7);
	assert_true(reserve(dies, ask, 1, 200, NOON, &committed));
	genops_counters_commit(dies, committed, ask, 1, 150, NOON, &answer, NULL, 0);
	genops_counters_close(dies);
}

/* All are dead: the ledger alone says what was spent; reap only records. */
static void everybody_died(void **state)
{
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	struct genops_error err;
	die_with_two(&ask);
	for (int attempt = 0; attempt < 2; attempt++) { /* the first dies while it sets up: nothing is lost */
		struct genops_counters *first = attach(true);
		assert_int_equal(genops_counters_restore(first, ask.key, ask.label, GENOPS_PERIOD_DAILY, 1709164800,
				     1709251200, 1, &err),
		    GENOPS_MISUSE);
		assert_non_null(strstr(err.fix, "reap"));
		assert_int_equal(reap(first, attempt ? INT64_MIN : -1), attempt ? 2 : 0); /* in one call */
		assert_int_equal(seen.n, 2);
		assert_int_equal(seen.leases[0].metered_nano_usd, 7);
		assert_int_equal(seen.leases[0].budgets[0].windows[0].start_unix_s, 1709164800);
		assert_true(seen.leases[1].is_committed);
		assert_int_equal(seen.leases[1].committed_nano_usd, 150);
		if (attempt == 0) {
			genops_counters_close(first);
			continue;
		}
		assert_int_equal(genops_counters_restore(first, ask.key, ask.label, GENOPS_PERIOD_DAILY, 1709164800,
				     1709251200, 157, &err),
		    GENOPS_OK);
		genops_counters_ready(first);
		expect_line(first, &ask, GENOPS_PERIOD_DAILY, 157, 0);
		assert_int_equal(stats_of(first).n_leases, 0);
		assert_int_equal(reap(first, INT64_MIN), 0);
		genops_counters_close(first);
	}
}

/* Half reaped, then death: the other half is still there, the first is not told twice. */
static int64_t only_the_first(void *arg, const struct genops_dead_lease *lease)
{
	int *n = arg;
	return (*n)++ == 0 ? lease->metered_nano_usd : -1;
}

static void died_halfway_through(void **state)
{
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	int n = 0;
	die_with_two(&ask);
	struct genops_counters *first = attach(true);
	assert_int_equal(genops_counters_reap(first, NOON, only_the_first, &n), 1);
	genops_counters_close(first);
	first = attach(true);
	assert_int_equal(reap(first, INT64_MIN), 1);
	assert_true(seen.leases[0].is_committed);
	genops_counters_ready(first);
	genops_counters_close(first);
}

/* Who gets ready without reaping keeps the evidence, though it names no budgets any more. */
static void ready_without_reaping(void **state)
{
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	die_with_two(&ask);
	struct genops_counters *first = attach(true);
	genops_counters_ready(first);
	expect_line(first, &ask, GENOPS_PERIOD_DAILY, 0, 0);
	assert_int_equal(reap(first, INT64_MIN), 2);
	assert_int_equal(seen.leases[0].n_budgets, 0);
	assert_int_equal(stats_of(first).n_leases, 0);
	genops_counters_close(first);
}

/* --- forks --- */

/* A parent dies while a child that never called us lives on: the parent is dead all the same. */
static void a_child_does_not_keep_its_dead_parent_alive(void **state)
{
	struct genops_counters *drain = attach_ready();
	struct genops_budget_rule rule = rule_of(1000, -1);
	struct genops_budget_ask ask = ask_of(&rule, 1);
	int ends[2], told[2];
	char byte;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(told), 0);
	pid_t parent = fork();
	if (parent == 0) {
		struct genops_counters *own = attach(false);
		uint32_t lease;
		reserve(own, &ask, 1, 100, NOON, &lease);
		pid_t child = fork();
		if (child == 0) {
			close(ends[1]);
			(void)!write(told[1], "", 1);
			(void)!read(ends[0], &byte, 1); /* until the test ends */
			_exit(0);
		}
		(void)!read(told[0], &byte, 1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	reap(drain, INT64_MIN);
	assert_int_equal(reap(drain, INT64_MIN), 1);
	expect_line(drain, &ask, GENOPS_PERIOD_DAILY, 0, 0);
	close(ends[1]);
	close(ends[0]);
	close(told[0]);
	close(told[1]);
	genops_counters_close(drain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_dir(reaped_in_the_second_call),
	    in_dir(settled_at_the_records_amount),
	    in_dir(committed_is_not_added_again),
	    in_dir(what_cannot_be_recorded_is_kept),
	    in_dir(a_slot_used_again_before_the_reaper_came),
	    in_dir(the_window_is_over),
	    in_dir(everybody_died),
	    in_dir(died_halfway_through),
	    in_dir(ready_without_reaping),
	    in_dir(a_child_does_not_keep_its_dead_parent_alive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
