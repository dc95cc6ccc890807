/* SPDX-License-Identifier: Apache-2.0
 * Names on the wire and how evaluations add up: proves COL-147 (the strictest wins). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "govern/policy/policy.h"

static void names(void **state)
{
	assert_string_equal(genops_result_name(GENOPS_RATE_LIMITED), "rate_limited");
	assert_string_equal(genops_result_spec_name(GENOPS_BLOCKED), "BLOCKED");
	assert_string_equal(genops_result_name((enum genops_result)99), "");
	assert_string_equal(genops_reason_name(GENOPS_REASON_NONE), "");
	assert_string_equal(
	    genops_reason_name(GENOPS_REASON_POLICY_DENY_MODEL), "POLICY_DENY_MODEL");
	assert_string_equal(
	    genops_reason_name(GENOPS_REASON_APPROVAL_REQUIRED), "x_approval_required");
	assert_string_equal(genops_reason_name((enum genops_reason) - 1), "");
	assert_string_equal(genops_reason_name(GENOPS_REASON_N), "");
}

static struct genops_evaluation evaluation(
    genops_str policy, enum genops_result result, enum genops_reason reason)
{
	return (struct genops_evaluation){.policy = policy,
	    .policy_type = GENOPS_STR("t"),
	    .result = result,
	    .reason = reason,
	    .message = policy};
}

static void the_strictest_wins_and_the_first_among_equals(void **state)
{
	struct genops_decision decision = {0};
	struct genops_evaluation steps[] = {
	    evaluation(GENOPS_STR("a"), GENOPS_ALLOWED, GENOPS_REASON_NONE),
	    evaluation(GENOPS_STR("b"), GENOPS_WARNING, GENOPS_REASON_COST_LIMIT),
	    evaluation(GENOPS_STR("c"), GENOPS_BLOCKED, GENOPS_REASON_TEAM_ACCESS),
	    evaluation(GENOPS_STR("d"), GENOPS_RATE_LIMITED, GENOPS_REASON_RATE_LIMITED),
	    evaluation(GENOPS_STR("e"), GENOPS_BLOCKED, GENOPS_REASON_POLICY_DENY_MODEL),
	};
	genops_decision_add(&decision, &steps[0]);
	assert_int_equal(decision.result, GENOPS_ALLOWED);
	assert_int_equal(decision.policy.len, 0);
	genops_decision_add(&decision, &steps[1]);
	assert_int_equal(decision.result, GENOPS_WARNING);
	assert_false(decision.is_refused);
	for (int i = 2; i < 5; i++)
		genops_decision_add(&decision, &steps[i]);
	assert_int_equal(decision.result, GENOPS_BLOCKED);
	assert_int_equal(decision.reason, GENOPS_REASON_TEAM_ACCESS);
	assert_true(decision.is_refused);
	assert_memory_equal(decision.policy.ptr, "c", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(the_strictest_wins_and_the_first_among_equals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
