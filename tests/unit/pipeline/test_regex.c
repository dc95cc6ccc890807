/* SPDX-License-Identifier: Apache-2.0
 * test_regex.c - JavaScript's patterns: what they find, what is refused and where, replacements, and that no search runs away.
 * Proves CRB-214 in part; as the documents run literally. */
#include "pipeline/regex.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void finds(const char *pattern, const char *flags, const char *text, const char *expected)
{
	struct genops_regex *regex = NULL;
	struct genops_regex_space *space = NULL;
	struct genops_regex_match match;
	struct genops_error err = {0};
	if (genops_regex_compile(genops_str_of(pattern), genops_str_of(flags), &regex, &err) != GENOPS_OK)
		fail_msg("%s: %s", pattern, err.message);
	int found = genops_regex_find(regex, &space, genops_str_of(text), 0, &match);
	assert_true(found >= 0);
	genops_str got = found ? (genops_str){text + match.groups[0].start, match.groups[0].end - match.groups[0].start} : (genops_str){0};
	if (!!expected != !!found || (found && !genops_str_is(got, expected)))
		fail_msg("/%s/%s in %s: %.*s", pattern, flags, text, GENOPS_STR_ARG(got));
	genops_regex_space_free(space);
	genops_regex_free(regex);
}

static void the_patterns_of_the_guide(void **state)
{
	static const char email[] = "\\b[A-Z0-9._%+-]+@[A-Z0-9.-]+\\.[A-Z]{2,}\\b", person[] = "\\b[A-Z][a-z]+ [A-Z][a-z]+\\b";
	finds("\\b\\d{3}-\\d{2}-\\d{4}\\b", "", "ssn 123-45-6789.", "123-45-6789");
	finds("\\b\\d{3}-\\d{2}-\\d{4}\\b", "", "1123-45-67890", NULL);
	finds(email, "", "JANE.DOE@CORP.COM", "JANE.DOE@CORP.COM");
	finds(email, "", "jane.doe@corp.com", NULL); /* literally: upper case only */
	finds(email, "i", "to jane.doe@corp.com", "jane.doe@corp.com");
	finds(person, "", "Blocked By policy", "Blocked By"); /* literally: over-matches */
	finds("\\b[A-Z]{2}\\d{6,}\\b", "", "id AB1234567", "AB1234567");
}

static void what_the_two_libraries_read_differently(void **state)
{
	finds("a.b", "", "a\nb", NULL);
	finds("a.b", "", "a\xE2\x80\xA8" "b", NULL); /* U+2028 ends a line */
	finds("a.b", "s", "a\nb", "a\nb");
	finds("a$", "", "a\n", NULL);
	finds("^b", "m", "a\nb", "b");
	finds("[^]", "", "\n", "\n");
	finds("a[]", "", "a", NULL);
	finds("\\s", "", "x\xC2\xA0", "\xC2\xA0");
	finds("\\w+", "", "\xC3\xA4" "bc", "bc");
	finds("x{", "", "x{", "x{");
	finds("a{,2}", "", "a{,2}", "a{,2}");
	finds("[\\b]", "", "\b", "\b");
	finds("\\u00e4", "", "\xC3\xA4", "\xC3\xA4");
	finds("(?<=\\$)\\d+", "", "cost $12", "12");
	finds("(a)?b\\1c", "", "bc", "bc");
	finds("#a b", "", "#a b", "#a b");
	finds("(a|b)+c(d)?(?:e*)*", "", "xabace", "abace");
}

static void what_is_refused_and_where(void **state)
{
	static const struct {
		const char *pattern, *flags;
		int column;
	} rows[] = {{"a(b", "", 4}, {"a)", "", 2}, {"[a", "", 1}, {"*a", "", 1}, {"a**", "", 3}, {"a++", "", 3}, {"(?>a)", "", 1}, {"(?i)a", "", 1}, {"(*FAIL)", "", 2}, {"\\Qa", "", 1},
	    {"\\A", "", 1}, {"[z-a]", "", 3}, {"[\\d-z]", "", 4}, {"(a)\\2", "", 4}, {"a{2,1}", "", 2}, {"a{5000}", "", 2}, {"a\\", "", 2}, {"(?:(a)|b)*", "", 10}, {"\\p{L}", "u", 1}, {"^*", "", 2},
	    {"(b*)?", "", 5}, {"(a|)+", "", 5}, {"(?:(a?)b?)?", "", 11},
	    {"a", "y", 0}, {"a", "gg", 0}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_regex *regex = NULL;
		struct genops_error err = {0};
		int code = genops_regex_compile(genops_str_of(rows[i].pattern), genops_str_of(rows[i].flags), &regex, &err);
		if (code != GENOPS_SYNTAX || regex || err.column != rows[i].column || !err.message[0])
			fail_msg("/%s/: code %d, column %d: %s", rows[i].pattern, code, err.column, err.message);
	}
}

static void replaced(const char *pattern, const char *flags, const char *text, const char *replacement, const char *expected)
{
	struct genops_regex *regex = NULL;
	struct genops_regex_space *space = NULL;
	struct genops_buffer buf;
	assert_int_equal(genops_regex_compile(genops_str_of(pattern), genops_str_of(flags), &regex, NULL), GENOPS_OK);
	genops_buffer_init(&buf, 1000);
	assert_true(genops_regex_replace(regex, &space, genops_str_of(text), genops_str_of(replacement), &buf));
	if (!genops_str_is(genops_buffer_view(&buf), expected))
		fail_msg("%.*s, not %s", GENOPS_STR_ARG(genops_buffer_view(&buf)), expected);
	genops_buffer_done(&buf);
	genops_regex_space_free(space);
	genops_regex_free(regex);
}

static void replacements(void **state)
{
	replaced("b", "", "abcb", "[$&]", "a[b]cb");
	replaced("b", "g", "abcb", "", "ac");
	replaced("(a)(x)?", "g", "a-a", "<$1$2$3$$>", "<a$3$>-<a$3$>");
	replaced("(?<n>b)", "", "abc", "$<n>$<m>|$`|$'", "ab|a|cc");
	replaced("b", "", "abc", "$<n>$0$10", "a$<n>$0$10c");
	replaced("x*", "g", "ab", "-", "-a-b-");
	replaced("", "g", "\xC3\xA4", "-", "-\xC3\xA4-");
}

static void no_search_runs_away(void **state)
{
	struct genops_regex *regex = NULL;
	struct genops_regex_space *space = NULL;
	struct genops_regex_match match;
	char text[2000];
	memset(text, 'a', sizeof text);
	assert_int_equal(genops_regex_compile(GENOPS_STR("^(?:a+)+$"), GENOPS_STR(""), &regex, NULL), GENOPS_OK);
	text[sizeof text - 1] = 'b';
	assert_int_equal(genops_regex_find(regex, &space, (genops_str){text, sizeof text}, 0, &match), -1);
	genops_regex_space_free(space);
	genops_regex_free(regex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_patterns_of_the_guide),
	    cmocka_unit_test(what_the_two_libraries_read_differently),
	    cmocka_unit_test(what_is_refused_and_where),
	    cmocka_unit_test(replacements),
	    cmocka_unit_test(no_search_runs_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
