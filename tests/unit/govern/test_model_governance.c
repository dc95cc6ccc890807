/* SPDX-License-Identifier: Apache-2.0
 * model_governance. Proves COL-144, COL-145, A-056, A-057. */
#include "policy_fixture.h"

static void judge(
    const char *allowed, const char *blocked, const char *model, enum genops_result expected)
{
	struct fixture f = {0};
	fixture_open(&f, "model_governance", SETTINGS(allowed, blocked));
	f.input.subject.provider = GENOPS_STR("openai");
	f.input.subject.model = genops_str_of(model);
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), expected);
	assert_int_equal(f.evaluation.reason,
	    expected == GENOPS_BLOCKED ? GENOPS_REASON_POLICY_DENY_MODEL : GENOPS_REASON_NONE);
	if (expected == GENOPS_BLOCKED)
		assert_says(f.evaluation.message, model);
	fixture_close(&f);
}

static void lists_decide_as_stated(void **state)
{
	const char *allowed = "allowed_models=gpt-4,claude-3",
		   *blocked = "blocked_models=gpt-3.5-turbo";
	const char *none_allowed = "allowed_models=", *none_blocked = "blocked_models=";
	judge(allowed, blocked, "gpt-4", GENOPS_ALLOWED);
	judge(allowed, blocked, "GPT-4-turbo", GENOPS_ALLOWED);
	judge(allowed, blocked, "claude-3-opus-20240229", GENOPS_ALLOWED);
	judge(allowed, blocked, "gpt-3.5-turbo", GENOPS_BLOCKED);
	judge(allowed, blocked, "gpt-4o", GENOPS_BLOCKED); /* in neither list */
	judge(none_allowed, blocked, "gpt-4o", GENOPS_ALLOWED);
	judge(none_allowed, blocked, "gpt-3.5-turbo-0125", GENOPS_BLOCKED);
	judge(allowed, none_blocked, "mistral-tiny", GENOPS_BLOCKED);
	judge(
	    "allowed_models=gpt-4", "blocked_models=gpt-4", "gpt-4", GENOPS_ALLOWED); /* in both */
	judge("allowed_models=gpt-4", "blocked_models=gpt-4-turbo", "gpt-4-turbo",
	    GENOPS_BLOCKED); /* longer */
	judge("allowed_models=gpt-4-turbo", "blocked_models=gpt-4", "gpt-4-turbo-2024",
	    GENOPS_ALLOWED);
	judge("allowed_models=*", "blocked_models=gpt-4*", "gpt-4o", GENOPS_BLOCKED);
	judge("allowed_models=*", "blocked_models=gpt-4*", "o3", GENOPS_ALLOWED);
}

static void what_calls_no_model_is_not_judged(void **state)
{
	struct fixture f = {0};
	fixture_open(&f, "model_governance", SETTINGS("allowed_models=gpt-4"));
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	f.input.subject.provider = GENOPS_STR("openai");
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_true(f.evaluation.is_error);
	fixture_close(&f);
}

static void empty_lists_are_refused(void **state)
{
	struct fixture f = {0};
	assert_int_equal(
	    fixture_compile(&f, "model_governance", SETTINGS("allowed_models=")), GENOPS_CONFIG);
	genops_arena_done(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_decide_as_stated),
	    cmocka_unit_test(what_calls_no_model_is_not_judged),
	    cmocka_unit_test(empty_lists_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
