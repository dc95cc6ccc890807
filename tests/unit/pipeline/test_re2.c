/* SPDX-License-Identifier: Apache-2.0
 * test_re2.c - Go's patterns: what they find, and what is refused. */
#include "pipeline/collector/item/re2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static int finds(const char *pattern, const char *text, bool is_search)
{
	struct genops_regex_space *space = NULL;
	struct genops_regex_match match;
	struct genops_regex *regex;
	struct genops_error err = {0};
	int code = is_search ? genops_re2_compile_search(genops_str_of(pattern), &regex, &err) : genops_re2_compile(genops_str_of(pattern), &regex, &err);
	if (code != GENOPS_OK)
		return -2;
	int found = genops_regex_find(regex, &space, genops_str_of(text), 0, &match);
	genops_regex_space_free(space);
	genops_regex_free(regex);
	return found;
}

static void as_in_go(void **state)
{
	static const struct {
		const char *pattern, *text;
		int found;
	} rows[] = {{"abc", "xabcx", 1}, {"^abc$", "xabcx", 0}, {"(?i)ABC", "xabc", 1}, {"ABC", "abc", 0}, {"a.c", "a\nc", 0}, {"(?s)a.c", "a\nc", 1},
	    {"a.c", "a\rc", 1}, {"^b", "a\nb", 0}, {"(?m)^b", "a\nb", 1}, {"\\Ab", "ab", 0}, {"b\\z", "ab", 1}, {"[[:alpha:]]+[[:digit:]]", "ab1", 1},
	    {"[^[:alpha:]]", "ab", 0}, {"\\Qa.b\\E", "a.b", 1}, {"\\Qa.b\\E", "axb", 0}, {"(?P<x>a)b", "ab", 1}, {"\\s", "\xc2\xa0", 0}, {"\\s", "\t", 1},
	    {"[\\s]", " ", 1}, {"[]a]", "]", 1}, {"[^]a]", "]", 0}, {"a{2,3}", "caaa", 1}, {"x|", "", 1}, {"\\.", "a", 0}, {"\\d+-\\w", "12-a", 1},
	    {"prefix/.*", "x/prefix/y", 1}, {"(?:a|b)c", "bc", 1}, {"\\/api\\/", "/api/", 1}, {"[a-z]", "ü", 0}, {"^.$", "ü", 1}, {"", "a", 1}, {"(?i)", "a", 1}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int search = 0; search < 2; search++) {
			int found = finds(rows[i].pattern, rows[i].text, search);
			if (found != rows[i].found)
				fail_msg("%s in %s: %d", rows[i].pattern, rows[i].text, found);
		}
	}
}

/* What .* at the ends is left out of means the same, and is found in long texts. */
static void searches(void **state)
{
	static const char *const same[] = {".*SSN.*|.*credit_card.*", ".*SSN.*", "SSN", "a|.*SSN", "(?i).*ssn", ".*.*SSN.*.*", "(.*SSN.*)", "[.*]|.*SSN", ".*?SSN.*"};
	char *text = malloc(200001);
	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		assert_int_equal(finds(same[i], "my SSN is", true), 1);
		assert_int_equal(finds(same[i], "nothing", true), 0);
	}
	assert_int_equal(finds(".*", "", true), 1);
	assert_int_equal(finds("a.*\\.*", "xa", true), 1);
	assert_int_equal(finds("^.*b$", "ab", true), 1);
	memset(text, 'y', 200000);
	text[200000] = '\0';
	assert_int_equal(finds(".*SSN.*|.*credit_card.*", text, true), 0);
	memcpy(text + 199990, "SSN", 3);
	assert_int_equal(finds(".*SSN.*|.*credit_card.*", text, true), 1);
	free(text);
}

static void refused(void **state)
{
	static const char *const patterns[] = {"(", "[a", "a(?i)b", "(?i:a)", "\\pL", "\\1", "(?P<1x>a)", "*", "a**", "(?U)a", "\\C", "(?=a)b{3,2}"};
	(void)state;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		if (finds(patterns[i], "a", false) != -2)
			fail_msg("%s is taken", patterns[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_in_go), cmocka_unit_test(searches), cmocka_unit_test(refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
