/* SPDX-License-Identifier: Apache-2.0
 * content_filter. Proves COL-137, COL-138, A-059. */
#include "policy_fixture.h"

static void judge(const char *patterns, const char *content, enum genops_result expected)
{
	struct fixture f = {0};
	fixture_open(&f, "content_filter", SETTINGS(patterns));
	f.input.content = genops_str_of(content);
	f.input.has_content = true;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), expected);
	fixture_close(&f);
}

static void patterns_are_found_in_any_case(void **state)
{
	const char *words = "blocked_patterns=confidential, secret ,private";
	judge(words, "This is CONFIDENTIAL", GENOPS_BLOCKED);
	judge(words, "top-secrets", GENOPS_BLOCKED);
	judge(words, "public", GENOPS_ALLOWED);
	judge("blocked_patterns=a.b", "axb", GENOPS_ALLOWED); /* plain text, not an expression */
	judge("blocked_patterns=a.b", "xA.Bx", GENOPS_BLOCKED);
	judge("blocked_patterns=/\\b\\d{3}-\\d{2}-\\d{4}\\b/", "SSN 123-45-6789.", GENOPS_BLOCKED);
	judge("blocked_patterns=re:\\b\\d{3}-\\d{2}-\\d{4}\\b", "1123-45-6789", GENOPS_ALLOWED);
	judge("blocked_patterns=/etc/passwd", "cat /etc/passwd", GENOPS_BLOCKED);
	judge("blocked_patterns=secret", "", GENOPS_ALLOWED);
}

static void the_message_names_the_pattern_and_not_the_content(void **state)
{
	struct fixture f = {0};
	fixture_open(&f, "content_filter", SETTINGS("blocked_patterns=x,re:hunter\\d+"));
	f.input.content = GENOPS_STR("my password is hunter2 ok");
	assert_int_equal(
	    fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED); /* has_content is false */
	f.input.has_content = true;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_int_equal(f.decision.reason, GENOPS_REASON_POLICY_DENY_CONTENT);
	assert_says(f.decision.message, "re:hunter\\d+");
	assert_says(f.decision.message, "\"rule\"");
	assert_int_equal(genops_str_find(f.decision.message, GENOPS_STR("hunter2")), SIZE_MAX);
	fixture_close(&f);
}

static void a_search_without_end_is_an_error(void **state)
{
	struct fixture f = {0};
	static char content[4096];
	memset(content, 'a', sizeof content);
	memcpy(content + sizeof content - 2, "!b",
	    2); /* so that no optimisation sees at once that b is missing */
	fixture_open(&f, "content_filter", SETTINGS("blocked_patterns=/(a|aa)+\\1b/"));
	f.input.content = (genops_str){content, sizeof content};
	f.input.has_content = true;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_BLOCKED);
	assert_true(f.evaluation.is_error);
	assert_int_equal(f.decision.reason, GENOPS_REASON_POLICY_ERROR);
	f.policy.on_error = GENOPS_ON_ERROR_OPEN;
	assert_int_equal(fixture_run(&f, GENOPS_MODE_ENFORCED), GENOPS_ALLOWED);
	fixture_close(&f);
}

static void bad_patterns_are_refused(void **state)
{
	static const char *const bad[] = {"blocked_patterns=", "blocked_patterns=/(/",
	    "blocked_patterns=/a*/", "blocked_patterns=re:[z-a]", "blocked_patterns=re:"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct fixture f = {0};
		assert_int_equal(
		    fixture_compile(&f, "content_filter", SETTINGS(bad[i])), GENOPS_CONFIG);
		assert_true(f.err.message[0]);
		genops_arena_done(&f.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(patterns_are_found_in_any_case),
	    cmocka_unit_test(the_message_names_the_pattern_and_not_the_content),
	    cmocka_unit_test(a_search_without_end_is_an_error),
	    cmocka_unit_test(bad_patterns_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
