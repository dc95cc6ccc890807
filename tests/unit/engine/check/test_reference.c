/* SPDX-License-Identifier: Apache-2.0
 * test_reference.c - every page comes from its rows; what is no page is told with the names. That the committed pages are these is
 * checked by tools/docs_check.sh. */
#include "dialect/dialect.h"
#include "govern/policy/policy.h"
#include "telemetry/conventions.h"

#include <genops/config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static char *page(const char *name)
{
	struct genops_error err;
	char *text = NULL;
	size_t len = 0;
	assert_int_equal(genops_reference(name, &text, &len, &err), GENOPS_OK);
	assert_int_equal(strlen(text), len);
	return text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("the page has no %s", part);
}

static void every_listed_page_is_there_and_is_markdown(void **state)
{
	size_t n = 0;
	for (const char *const *name = genops_reference_pages(); *name; name++, n++) {
		char *text = page(*name);
		assert_memory_equal(text, "# ", 2);
		has(text, "| --- |");
		free(text);
	}
	assert_int_equal(n, 9);
}

static void a_page_that_is_none_is_told_with_the_names(void **state)
{
	struct genops_error err;
	char *text = NULL;
	size_t len = 0;
	assert_int_equal(genops_reference("metric", &text, &len, &err), GENOPS_NOT_FOUND);
	assert_null(text);
	has(err.message, "\"metric\"");
	has(err.fix, "metrics");
}

static void every_row_has_its_line(void **state)
{
	char *attributes = page("attributes"), *policies = page("policies"), *providers = page("providers");
	char cell[160];
	size_t n;
	for (size_t i = 0; i < GENOPS_CONVENTION_N; i++) {
		snprintf(cell, sizeof cell, "| `%s` |", genops_conventions[i].name.ptr);
		has(attributes, cell);
	}
	const struct genops_policy_type *const *types = genops_policy_types(&n);
	for (size_t i = 0; i < n; i++) {
		snprintf(cell, sizeof cell, "## `%s`", types[i]->name);
		has(policies, cell);
	}
	const struct genops_provider_row *rows = genops_provider_rows(&n);
	for (size_t i = 0; i < n; i++) {
		snprintf(cell, sizeof cell, "| `%s` | %s |", rows[i].name, rows[i].dialect);
		has(providers, cell);
	}
	free(attributes);
	free(policies);
	free(providers);
}

/* proves COL-150, COL-151, COL-152, COL-153 stand in the page as they are read */
static void every_spelling_of_a_level_is_in_the_table(void **state)
{
	char *text = page("policies");
	enum genops_level level;
	const char *spelling;
	size_t n = 0;
	for (; (spelling = genops_level_spelling(n, &level)); n++) {
		enum genops_level parsed;
		char cell[64];
		assert_true(genops_level_parse(genops_str_of(spelling), &parsed));
		assert_int_equal(parsed, level);
		snprintf(cell, sizeof cell, " `%s`", spelling);
		has(text, cell);
	}
	assert_true(n >= 8);
	free(text);
}

static void refusals_are_the_dialects_own(void **state)
{
	char *text = page("errors");
	has(text, "| budget | 429 | `x-should-retry: false` | `{\"error\":{\"message\":\"MESSAGE\",\"type\":\"insufficient_quota\"");
	has(text, "| rate limit | 429 | `retry-after: 2`, `retry-after-ms: 1500` |");
	has(text, "| budget | 402 |"); /* Mistral's SDK never retries 402 */
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_listed_page_is_there_and_is_markdown),
	    cmocka_unit_test(a_page_that_is_none_is_told_with_the_names),
	    cmocka_unit_test(every_row_has_its_line),
	    cmocka_unit_test(every_spelling_of_a_level_is_in_the_table),
	    cmocka_unit_test(refusals_are_the_dialects_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
