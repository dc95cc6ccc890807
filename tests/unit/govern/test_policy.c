/* SPDX-License-Identifier: Apache-2.0
 * Every type at every level in every mode, and what several policies make together. Proves COL-147,
 * COL-148 (the matrix), CORE-031, CORE-033, CORE-036 (violations are recorded at every level),
 * CORE-037, A-003. */
#include "policy_fixture.h"

static bool empty_bucket(void *arg, struct genops_hash key, double tokens_per_minute, int64_t burst,
    int64_t max_delay_ns, bool is_dry_run, int64_t *ret_delay_ns)
{
	*ret_delay_ns = 700000000;
	return max_delay_ns >= 700000000;
}

static const struct {
	const char *type, *setting;
	enum genops_reason reason;
} violated[] = {
    {"cost_limit", "max_cost=1", GENOPS_REASON_COST_LIMIT},
    {"rate_limit", "max_requests_per_minute=60", GENOPS_REASON_RATE_LIMITED},
    {"content_filter", "blocked_patterns=secret", GENOPS_REASON_POLICY_DENY_CONTENT},
    {"team_access", "allowed_teams=other", GENOPS_REASON_TEAM_ACCESS},
    {"model_governance", "blocked_models=gpt-4", GENOPS_REASON_POLICY_DENY_MODEL},
    {"region", "blocked_regions=us-*", GENOPS_REASON_POLICY_DENY_REGION},
};
#define N_TYPES (sizeof violated / sizeof *violated)

static void open_violated(struct fixture *f, size_t i)
{
	static const struct genops_limiter limiter = {empty_bucket, NULL};
	fixture_open(f, violated[i].type, SETTINGS(violated[i].setting));
	f->input.limiter = &limiter;
	f->input.subject.provider = GENOPS_STR("openai");
	f->input.subject.model = GENOPS_STR("gpt-4");
	f->input.region = GENOPS_STR("us-east-1");
	f->input.content = GENOPS_STR("a Secret");
	f->input.has_content = true;
	f->input.estimated_cost_nano_usd = INT64_C(2000000000);
	fixture_attribute(f, "team", "mine");
}

static void every_type_at_every_level_in_every_mode(void **state)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		struct fixture f = {0};
		open_violated(&f, i);
		for (int level = GENOPS_LEVEL_ALLOW; level <= GENOPS_LEVEL_BLOCK; level++) {
			for (int mode = GENOPS_MODE_ENFORCED; mode <= GENOPS_MODE_AUDIT_ONLY;
			     mode++) {
				f.policy.level = (enum genops_level)level;
				enum genops_result expected = genops_level_result(
				    (enum genops_level)level, (enum genops_mode)mode);
				assert_int_equal(fixture_run(&f, (enum genops_mode)mode), expected);
				assert_true(f.evaluation.is_violation);
				assert_false(f.evaluation.is_error);
				assert_int_equal(f.evaluation.reason, violated[i].reason);
				assert_says(f.evaluation.message, "\"rule\"");
				assert_int_equal(f.decision.is_refused, expected == GENOPS_BLOCKED);
				assert_int_equal(f.decision.reason, expected == GENOPS_ALLOWED
									? GENOPS_REASON_NONE
									: violated[i].reason);
				int64_t delay = violated[i].reason == GENOPS_REASON_RATE_LIMITED
						    ? 700000000
						    : GENOPS_HOLD_BACK_NS;
				assert_int_equal(f.decision.delay_ns,
				    expected == GENOPS_RATE_LIMITED ? delay : 0);
			}
		}
		fixture_close(&f);
	}
}

static void actions_follow_results(void **state)
{
	static const char *const actions[] = {"log", "alert", "throttle", "block"};
	struct fixture f = {0};
	open_violated(&f, 0);
	for (int level = GENOPS_LEVEL_ALLOW; level <= GENOPS_LEVEL_BLOCK; level++) {
		f.policy.level = (enum genops_level)level;
		(void)fixture_run(&f, GENOPS_MODE_ENFORCED);
		assert_true(genops_str_is(f.evaluation.action, actions[level]));
	}
	fixture_close(&f);
}

static void errors_become_what_on_error_says(void **state)
{
	/* closed: by level, then mode; open: allowed. */
	static const enum genops_result closed[4][3] = {
	    {GENOPS_ALLOWED, GENOPS_ALLOWED, GENOPS_ALLOWED},
	    {GENOPS_WARNING, GENOPS_WARNING, GENOPS_ALLOWED},
	    {GENOPS_BLOCKED, GENOPS_WARNING, GENOPS_ALLOWED},
	    {GENOPS_BLOCKED, GENOPS_WARNING, GENOPS_ALLOWED},
	};
	struct fixture f = {0};
	open_violated(&f, 0);
	f.input.estimated_cost_nano_usd = GENOPS_COST_UNKNOWN;
	for (int level = GENOPS_LEVEL_ALLOW; level <= GENOPS_LEVEL_BLOCK; level++) {
		for (int mode = GENOPS_MODE_ENFORCED; mode <= GENOPS_MODE_AUDIT_ONLY; mode++) {
			f.policy.level = (enum genops_level)level;
			f.policy.on_error = GENOPS_ON_ERROR_CLOSED;
			assert_int_equal(
			    fixture_run(&f, (enum genops_mode)mode), closed[level][mode]);
			assert_true(f.evaluation.is_error);
			assert_false(f.evaluation.is_violation);
			assert_int_equal(f.evaluation.reason, closed[level][mode] == GENOPS_ALLOWED
								  ? GENOPS_REASON_NONE
								  : GENOPS_REASON_POLICY_ERROR);
			f.policy.on_error = GENOPS_ON_ERROR_OPEN;
			assert_int_equal(fixture_run(&f, (enum genops_mode)mode), GENOPS_ALLOWED);
			assert_true(f.evaluation.is_error);
		}
	}
	fixture_close(&f);
}

static void several_policies_leave_a_record_each_and_the_strictest_wins(void **state)
{
	struct fixture f[N_TYPES] = {0};
	const struct genops_policy *policies[N_TYPES + 1];
	struct genops_evaluation evaluations[N_TYPES + 1];
	static const enum genops_level levels[N_TYPES] = {GENOPS_LEVEL_WARN,
	    GENOPS_LEVEL_RATE_LIMIT, GENOPS_LEVEL_ALLOW, GENOPS_LEVEL_RATE_LIMIT,
	    GENOPS_LEVEL_BLOCK, GENOPS_LEVEL_BLOCK};
	for (size_t i = 0; i < N_TYPES; i++) {
		open_violated(&f[i], i);
		f[i].policy.level = levels[i];
		policies[i] = &f[i].policy;
	}
	struct genops_decision decision = {0};
	size_t n = genops_policies_evaluate(
	    policies, N_TYPES, GENOPS_MODE_ENFORCED, &f[0].input, evaluations, N_TYPES, &decision);
	assert_int_equal(n, N_TYPES);
	assert_int_equal(decision.result, GENOPS_BLOCKED);
	assert_int_equal(
	    decision.reason, GENOPS_REASON_POLICY_DENY_MODEL); /* the first of the two */
	assert_true(decision.is_refused);
	assert_int_equal(decision.delay_ns, 0);
	/* The rate limit comes last, whatever its place. */
	assert_true(genops_str_is(evaluations[N_TYPES - 1].policy_type, "rate_limit"));
	/* Held back: the longest delay counts. */
	decision = (struct genops_decision){0};
	n = genops_policies_evaluate(
	    policies, 4, GENOPS_MODE_ENFORCED, &f[0].input, evaluations, N_TYPES, &decision);
	assert_int_equal(n, 4);
	assert_int_equal(decision.result, GENOPS_RATE_LIMITED);
	assert_false(decision.is_refused);
	assert_int_equal(decision.delay_ns, GENOPS_HOLD_BACK_NS);
	/* No room for records is no way around a policy. */
	decision = (struct genops_decision){0};
	n = genops_policies_evaluate(
	    policies, N_TYPES, GENOPS_MODE_ENFORCED, &f[0].input, evaluations, 1, &decision);
	assert_int_equal(n, 1);
	assert_int_equal(decision.result, GENOPS_BLOCKED);
	for (size_t i = 0; i < N_TYPES; i++)
		fixture_close(&f[i]);
}

static bool must_not_take(void *arg, struct genops_hash key, double tokens_per_minute,
    int64_t burst, int64_t max_delay_ns, bool is_dry_run, int64_t *ret_delay_ns)
{
	*(bool *)arg = is_dry_run;
	*ret_delay_ns = 5000000000;
	return false;
}

static void a_refused_call_takes_no_token_and_a_refused_rate_outranks_a_delay(void **state)
{
	struct fixture rate = {0}, model = {0};
	bool was_dry = false;
	const struct genops_limiter limiter = {must_not_take, &was_dry};
	open_violated(&rate, 1);
	open_violated(&model, 4);
	rate.policy.level = GENOPS_LEVEL_RATE_LIMIT;
	rate.input.limiter = &limiter;
	const struct genops_policy *policies[] = {&rate.policy, &model.policy};
	struct genops_evaluation evaluations[2];
	struct genops_decision decision = {0};
	(void)genops_policies_evaluate(
	    policies, 2, GENOPS_MODE_ENFORCED, &rate.input, evaluations, 2, &decision);
	assert_true(was_dry);
	assert_int_equal(decision.result, GENOPS_BLOCKED);
	model.policy.level = GENOPS_LEVEL_RATE_LIMIT; /* only holds back; the rate limit refuses */
	decision = (struct genops_decision){0};
	(void)genops_policies_evaluate(
	    policies, 2, GENOPS_MODE_ENFORCED, &rate.input, evaluations, 2, &decision);
	assert_false(was_dry);
	assert_int_equal(decision.result, GENOPS_RATE_LIMITED);
	assert_true(decision.is_refused);
	assert_int_equal(decision.reason, GENOPS_REASON_RATE_LIMITED);
	assert_int_equal(decision.retry_after_ns, 5000000000);
	assert_int_equal(decision.delay_ns, 0);
	fixture_close(&rate);
	fixture_close(&model);
}

static void what_does_not_match_or_is_off_leaves_nothing(void **state)
{
	struct fixture f = {0};
	open_violated(&f, 0);
	genops_str production = GENOPS_STR("production");
	struct genops_match_entry entry = {
	    .key = GENOPS_STR("environment"), .n_values = 1, .values = &production};
	f.policy.match = (struct genops_match){1, &entry};
	const struct genops_policy *policies[] = {&f.policy};
	struct genops_decision decision = {0};
	assert_int_equal(genops_policies_evaluate(policies, 1, GENOPS_MODE_ENFORCED, &f.input,
			     &f.evaluation, 1, &decision),
	    0);
	assert_int_equal(decision.result, GENOPS_ALLOWED);
	fixture_attribute(&f, "environment", "prod");
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	f.policy.is_enabled = false;
	assert_int_equal(genops_policies_evaluate(policies, 1, GENOPS_MODE_ENFORCED, &f.input,
			     &f.evaluation, 1, &decision),
	    0);
	fixture_close(&f);
}

static void without_memory_the_verdict_stands(void **state)
{
	struct fixture f = {0};
	struct genops_arena none;
	genops_arena_init(&none, 0);
	open_violated(&f, 0);
	f.input.arena = &none;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_true(f.decision.message.len > 0);
	fixture_close(&f);
}

static void types_are_found_by_name(void **state)
{
	size_t n;
	const struct genops_policy_type *const *types = genops_policy_types(&n);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(genops_policy_type_find(genops_str_of(types[i]->name)), types[i]);
		assert_int_equal(types[i]->name_len, strlen(types[i]->name));
		assert_non_null(types[i]->summary);
		for (const struct genops_option *option = types[i]->options; option->name; option++)
			assert_non_null(option->text);
	}
	assert_null(genops_policy_type_find(GENOPS_STR("cost")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_at_every_level_in_every_mode),
	    cmocka_unit_test(actions_follow_results),
	    cmocka_unit_test(errors_become_what_on_error_says),
	    cmocka_unit_test(several_policies_leave_a_record_each_and_the_strictest_wins),
	    cmocka_unit_test(a_refused_call_takes_no_token_and_a_refused_rate_outranks_a_delay),
	    cmocka_unit_test(what_does_not_match_or_is_off_leaves_nothing),
	    cmocka_unit_test(without_memory_the_verdict_stands),
	    cmocka_unit_test(types_are_found_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
