/* SPDX-License-Identifier: Apache-2.0
 * team_access. Proves COL-139, COL-140, A-060. */
#include "policy_fixture.h"

static void only_listed_teams_run(void **state)
{
	struct fixture f = {0};
	fixture_open(
	    &f, "team_access", SETTINGS("allowed_teams=ml-platform, data-science ,core-*"));
	assert_int_equal(
	    fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED); /* no team at all */
	assert_says(f.decision.message, "no team");
	assert_int_equal(f.decision.reason, GENOPS_REASON_TEAM_ACCESS);
	fixture_attribute(&f, "team", "data-science");
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	fixture_attribute(&f, "team", "marketing"); /* what is stronger overrides */
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_says(f.decision.message, "\"marketing\"");
	fixture_attribute(&f, "team", "core-infra");
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	fixture_attribute(&f, "team", "ML-Platform");
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	fixture_close(&f);
}

static void an_empty_list_is_refused(void **state)
{
	struct fixture f = {0};
	assert_int_equal(
	    fixture_compile(&f, "team_access", SETTINGS("allowed_teams= , ")), GENOPS_CONFIG);
	assert_true(f.err.fix[0]);
	genops_arena_done(&f.arena);
}

static void a_hostile_name_leaves_a_printable_message(void **state)
{
	struct fixture f = {0};
	static char name[2000];
	memset(name, 'x', sizeof name - 1);
	memcpy(name + 300, "\n\x1b[2J", 5);
	memcpy(name + 470, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 15);
	fixture_open(&f, "team_access", SETTINGS("allowed_teams=a"));
	fixture_attribute(&f, "team", name);
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_true(f.decision.message.len < 512);
	assert_true(genops_str_is_utf8(f.decision.message));
	assert_null(memchr(f.decision.message.ptr, '\n', f.decision.message.len));
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_listed_teams_run),
	    cmocka_unit_test(an_empty_list_is_refused),
	    cmocka_unit_test(a_hostile_name_leaves_a_printable_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
