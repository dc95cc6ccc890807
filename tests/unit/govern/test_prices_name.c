/* SPDX-License-Identifier: Apache-2.0
 * The decorations that names of models carry, taken off one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/prices/prices_build.h"

/* Is `shorter` reached from `model` by cutting? */
static bool reaches(const char *model, const char *shorter)
{
	genops_str name = genops_str_of(model);
	size_t n = name.len;
	while (genops_prices_name_shorten(&name)) {
		assert_true(
		    name.len > 0 && name.len < n); /* it always gets shorter, so it always ends */
		n = name.len;
		if (genops_str_is(name, shorter))
			return true;
	}
	return false;
}

static void decorations_are_taken_off(void **state)
{
	assert_true(reaches("gpt-4o-2024-08-06", "gpt-4o"));
	assert_true(reaches("claude-3-5-haiku-20241022", "claude-3-5-haiku"));
	assert_true(reaches("claude-3-5-sonnet@20240620", "claude-3-5-sonnet"));
	assert_true(reaches("mistral-large-latest", "mistral-large"));
	assert_true(reaches("models/gemini-2.5-flash", "gemini-2.5-flash"));
	assert_true(reaches("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"));
	assert_true(
	    reaches("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5"));
	assert_true(reaches("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"));
	assert_true(
	    reaches("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-micro-v1:0",
		"amazon.nova-micro-v1:0"));
	assert_true(reaches("accounts/fireworks/models/llama-v3", "llama-v3"));
	assert_true(
	    reaches("meta-llama/llama-3.3-70b-instruct:free", "meta-llama/llama-3.3-70b-instruct"));
	assert_true(reaches("ft:gpt-4o-mini-2024-07-18:acme::id", "ft:gpt-4o-mini-2024-07-18"));
	assert_false(reaches("ft:gpt-4o-mini-2024-07-18:acme::id", "gpt-4o-mini"));
	assert_false(reaches("gpt-4-32k", "gpt-4"));
	assert_false(reaches("gpt-4o-mini", "gpt-4o"));
	static const char *const odd[] = {
	    "", "/", ":", "@", "ft:", "ft::", "-latest", "models/", "arn:", "us.", "-0000", "a/"};
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		assert_false(reaches(odd[i], "nothing"));
}

static void providers_have_one_name(void **state)
{
	static const char *const names[][2] = {{"azure_openai", "azure"},
	    {"AWS.Bedrock", "bedrock"}, {"google", "gemini"}, {"gcp.vertex_ai", "vertex"},
	    {"vertex_ai-anthropic_models", "vertex"}, {"together_ai", "together"},
	    {"text-completion-openai", "openai"}, {"acme", "acme"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_true(genops_str_is(
		    genops_prices_name_provider(genops_str_of(names[i][0])), names[i][1]));
	genops_str provider, model;
	assert_true(genops_prices_name_vendor(GENOPS_STR("google/gemini-3"), &provider, &model));
	assert_true(genops_str_is(provider, "gemini") && genops_str_is(model, "gemini-3"));
	assert_false(genops_prices_name_vendor(GENOPS_STR("acme/x"), &provider, &model));
	assert_false(genops_prices_name_vendor(GENOPS_STR("openai"), &provider, &model));
	assert_true(
	    genops_str_is(genops_prices_name_fallback(GENOPS_STR("vertex"), 1), "anthropic"));
	assert_int_equal(genops_prices_name_fallback(GENOPS_STR("vertex"), 2).len, 0);
}

static void dates_are_days(void **state)
{
	int64_t unix_s;
	assert_true(genops_prices_build_date(GENOPS_STR("1970-01-01"), &unix_s));
	assert_int_equal(unix_s, 0);
	assert_true(genops_prices_build_date(GENOPS_STR("2024-02-29"), &unix_s));
	assert_int_equal(unix_s, 1709164800);
	assert_true(genops_prices_build_date(GENOPS_STR("2026-11-20"), &unix_s));
	assert_int_equal(unix_s, 1795132800);
	static const char *const bad[] = {"", "2026-11-2", "2026-13-01", "2026-00-01", "2026-01-32",
	    "26-01-01", "1969-12-31", "2026/01/01", "2026-1--01"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(genops_prices_build_date(genops_str_of(bad[i]), &unix_s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decorations_are_taken_off),
	    cmocka_unit_test(providers_have_one_name),
	    cmocka_unit_test(dates_are_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
