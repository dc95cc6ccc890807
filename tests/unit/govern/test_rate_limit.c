/* SPDX-License-Identifier: Apache-2.0
 * rate_limit over a limiter that records what it was asked. Proves COL-134, COL-136, A-054, A-055;
 * part of COL-135 (the bucket itself is govern/rate.c). */
#include "policy_fixture.h"

struct limiter {
	struct genops_hash key;
	double per_minute;
	int64_t burst, max_delay_ns;
	bool is_dry_run, answer;
	int64_t wait_ns;
	int n_calls;
};

static bool take(void *arg, struct genops_hash key, double tokens_per_minute, int64_t burst,
    int64_t max_delay_ns, bool is_dry_run, int64_t *ret_delay_ns)
{
	struct limiter *l = arg;
	l->key = key;
	l->per_minute = tokens_per_minute;
	l->burst = burst;
	l->max_delay_ns = max_delay_ns;
	l->is_dry_run = is_dry_run;
	l->n_calls++;
	*ret_delay_ns = l->wait_ns;
	return l->answer;
}

static void open_with(struct fixture *f, struct limiter *l, struct genops_limiter *limiter,
    const char *const *settings)
{
	fixture_open(f, "rate_limit", settings);
	*limiter = (struct genops_limiter){take, l};
	f->input.limiter = limiter;
	f->policy.level = GENOPS_LEVEL_RATE_LIMIT;
}

static void settings_reach_the_bucket(void **state)
{
	static const struct {
		const char *settings[4];
		double per_minute;
		int64_t burst, max_delay_ns;
	} cases[] = {
	    {{"max_requests_per_minute=100"}, 100, 1, 2000000000},
	    {{"max_requests=600"}, 600, 10, 2000000000},
	    {{"rate_limit=0.5"}, 0.5, 1, 2000000000},
	    {{"max_requests_per_minute=100", "burst=20", "max_delay=250ms"}, 100, 20, 250000000},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f = {0};
		struct limiter l = {.answer = true};
		struct genops_limiter limiter;
		open_with(&f, &l, &limiter, cases[i].settings);
		assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
		assert_true(l.per_minute == cases[i].per_minute);
		assert_int_equal(l.burst, cases[i].burst);
		assert_int_equal(l.max_delay_ns, cases[i].max_delay_ns);
		fixture_close(&f);
	}
}

static void a_wait_is_held_back_and_a_long_one_refused(void **state)
{
	struct fixture f = {0};
	struct limiter l = {.answer = true, .wait_ns = 600000000};
	struct genops_limiter limiter;
	open_with(&f, &l, &limiter, SETTINGS("max_requests_per_minute=100"));
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_RATE_LIMITED);
	assert_false(f.decision.is_refused);
	assert_int_equal(f.decision.delay_ns, 600000000);
	assert_int_equal(f.decision.retry_after_ns, 0);
	l.answer = false;
	l.wait_ns = 3150000000;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_RATE_LIMITED);
	assert_true(f.decision.is_refused);
	assert_int_equal(f.decision.delay_ns, 0);
	assert_int_equal(f.decision.retry_after_ns, 3150000000);
	assert_int_equal(f.decision.reason, GENOPS_REASON_RATE_LIMITED);
	assert_says(f.decision.message, "100 requests a minute");
	assert_says(f.decision.message, "3.2 s");
	fixture_close(&f);
}

static void other_levels_do_not_wait(void **state)
{
	static const enum genops_result expected[] = {
	    GENOPS_ALLOWED, GENOPS_WARNING, GENOPS_RATE_LIMITED, GENOPS_BLOCKED};
	struct fixture f = {0};
	struct limiter l = {.wait_ns = 500000000};
	struct genops_limiter limiter;
	open_with(&f, &l, &limiter, SETTINGS("max_requests_per_minute=100"));
	for (int level = GENOPS_LEVEL_ALLOW; level <= GENOPS_LEVEL_BLOCK; level++) {
		f.policy.level = (enum genops_level)level;
		assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), expected[level]);
		assert_true(f.evaluation.is_violation);
		assert_int_equal(l.max_delay_ns, level == GENOPS_LEVEL_RATE_LIMIT ? 2000000000 : 0);
		assert_int_equal(f.decision.is_refused, level >= GENOPS_LEVEL_RATE_LIMIT);
		assert_int_equal(
		    f.decision.retry_after_ns, level >= GENOPS_LEVEL_RATE_LIMIT ? 500000000 : 0);
	}
	fixture_close(&f);
}

static struct genops_hash key_of(
    const char *team, const char *project, const char *model, const char *per)
{
	struct fixture f = {0};
	struct limiter l = {.answer = true};
	struct genops_limiter limiter;
	open_with(&f, &l, &limiter, SETTINGS("max_requests_per_minute=100", per));
	if (team)
		fixture_attribute(&f, "team", team);
	if (project)
		fixture_attribute(&f, "project", project);
	f.input.subject.model = genops_str_of(model);
	(void)fixture_run(&f, GENOPS_MODE_ENFORCED);
	fixture_close(&f);
	return l.key;
}

static void each_combination_has_its_own_bucket(void **state)
{
	const char *per = "per=team,project";
	struct genops_hash ab = key_of("a", "b", "m", per);
	assert_true(genops_hash_equal(ab, key_of("a", "b", "other", per)));
	assert_false(genops_hash_equal(ab, key_of("b", "b", "m", per)));
	assert_false(genops_hash_equal(ab, key_of("ab", "", "m", per)));
	assert_false(genops_hash_equal(ab, key_of("a", NULL, "m", per)));
	assert_false(genops_hash_equal(ab, key_of("b", "a", "m", per)));
	per = "per=model";
	assert_true(genops_hash_equal(key_of("a", "b", "m", per), key_of("x", "y", "m", per)));
	assert_false(genops_hash_equal(key_of("a", "b", "m", per), key_of("a", "b", "n", per)));
	assert_true(
	    genops_hash_equal(key_of("a", "b", "m", "per="), key_of("x", "y", "z", "per=")));
}

static void without_a_limiter_on_error_decides(void **state)
{
	struct fixture f = {0};
	fixture_open(&f, "rate_limit", SETTINGS("max_requests_per_minute=100"));
	f.policy.level = GENOPS_LEVEL_RATE_LIMIT;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_true(f.evaluation.is_error);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(settings_reach_the_bucket),
	    cmocka_unit_test(a_wait_is_held_back_and_a_long_one_refused),
	    cmocka_unit_test(other_levels_do_not_wait),
	    cmocka_unit_test(each_combination_has_its_own_bucket),
	    cmocka_unit_test(without_a_limiter_on_error_decides),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
