/* SPDX-License-Identifier: Apache-2.0
 * region: lists of regions, and what is said of a region that nobody knows. */
#include "policy_fixture.h"

static void judge(
    const char *setting, const char *region, enum genops_result expected, bool is_error)
{
	struct fixture f = {0};
	fixture_open(&f, "region", SETTINGS(setting));
	f.input.subject.provider = GENOPS_STR("bedrock");
	f.input.region = genops_str_of(region);
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), expected);
	assert_int_equal(f.evaluation.is_error, is_error);
	if (expected == GENOPS_BLOCKED && !is_error)
		assert_int_equal(f.decision.reason, GENOPS_REASON_POLICY_DENY_REGION);
	fixture_close(&f);
}

static void lists_decide_as_stated(void **state)
{
	judge("allowed_regions=eu-*,us-east-1", "eu-central-1", GENOPS_ALLOWED, false);
	judge("allowed_regions=eu-*,us-east-1", "EU-WEST-3", GENOPS_ALLOWED, false);
	judge("allowed_regions=eu-*,us-east-1", "us-west-2", GENOPS_BLOCKED, false);
	judge("blocked_regions=cn-*", "cn-north-1", GENOPS_BLOCKED, false);
	judge("blocked_regions=cn-*", "eu-west-1", GENOPS_ALLOWED, false);
	judge("allowed_regions=eu-*", "", GENOPS_BLOCKED, false); /* unknown: in no list */
	judge("blocked_regions=cn-*", "", GENOPS_BLOCKED, true);  /* unknown: on_error closed */
}

static void both_lists_and_neither(void **state)
{
	struct fixture f = {0};
	fixture_open(&f, "region", SETTINGS("allowed_regions=eu-west-1", "blocked_regions=eu-*"));
	f.input.region = GENOPS_STR("eu-west-1");
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	f.input.region = (genops_str){0}; /* an operation that runs nowhere */
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	fixture_close(&f);
	assert_int_equal(
	    fixture_compile(&f, "region", SETTINGS("allowed_regions=")), GENOPS_CONFIG);
	genops_arena_done(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_decide_as_stated),
	    cmocka_unit_test(both_lists_and_neither),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
