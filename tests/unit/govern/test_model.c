/* SPDX-License-Identifier: Apache-2.0
 * Patterns of model lists. Proves A-057: exact, glob, family; case ignored; the longer match is
 * stronger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "govern/policy/policy.h"

static size_t match(const char *pattern, const char *model)
{
	return genops_model_match(genops_str_of(pattern), genops_str_of(model));
}

static void patterns_match_at_boundaries(void **state)
{
	assert_true(match("gpt-4", "gpt-4"));
	assert_true(match("GPT-4", "gpt-4-turbo"));
	assert_true(match("claude-3", "claude-3-opus-20240229"));
	assert_true(match("anthropic.claude-v2", "anthropic.claude-v2:1"));
	assert_true(match("mistralai", "mistralai/Mixtral-8x7B"));
	assert_true(match("gemini-1.5-pro", "gemini-1.5-pro@001"));
	assert_true(match("ft:", "ft:gpt-4o-mini:acme"));
	assert_true(match("gpt-*-turbo", "gpt-4-turbo"));
	assert_true(match("*", "anything"));
	assert_false(match("gpt-4", "gpt-4o"));
	assert_false(match("gpt-4", "gpt-4.1"));
	assert_false(match("gpt-4-turbo", "gpt-4"));
	assert_false(match("gpt-3.5*", "gpt-4"));
	assert_false(match("", "gpt-4"));
	assert_false(match("*", ""));
}

static void what_says_more_is_stronger(void **state)
{
	assert_true(match("gpt-4-turbo", "gpt-4-turbo") > match("gpt-4", "gpt-4-turbo"));
	assert_true(match("gpt-4", "gpt-4-turbo") > match("*", "gpt-4-turbo"));
	assert_true(match("gpt-4-turbo", "gpt-4-turbo") > match("gpt-4-turb*", "gpt-4-turbo"));
	assert_true(match("gpt-4-t*", "gpt-4-turbo") > match("gpt-4", "gpt-4-turbo"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(patterns_match_at_boundaries),
	    cmocka_unit_test(what_says_more_is_stronger),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
