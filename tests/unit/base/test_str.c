/* SPDX-License-Identifier: Apache-2.0
 * test_str.c - comparing, cutting, numbers, globs, nearest names, UTF-8, hex. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <locale.h>
#include <stdlib.h>
#include <cmocka.h>

#define S(literal) GENOPS_STR(literal)

static void percent_escapes_are_undone(void **state)
{
	char out[32];
	(void)state;
	assert_true(genops_str_equal(genops_str_percent_decode(S("a%20b%2Fc+d"), false, out), S("a b/c+d")));
	assert_true(genops_str_equal(genops_str_percent_decode(S("a+b%41"), true, out), S("a bA")));
	assert_true(genops_str_equal(genops_str_percent_decode(S("%"), false, out), S("%")));
	assert_true(genops_str_equal(genops_str_percent_decode(S("%4"), false, out), S("%4")));
	assert_true(genops_str_equal(genops_str_percent_decode(S("%zz%4g"), false, out), S("%zz%4g")));
	assert_int_equal(genops_str_percent_decode(S(""), false, out).len, 0);
}

/* Every byte beside every byte, at every place of texts that are compared in words and of shorter ones. */
static void test_case_is_that_of_letters(void **state)
{
	(void)state;
	static const size_t lens[] = {1, 7, 8, 9, 15, 16, 17, 23};
	for (size_t l = 0; l < sizeof lens / sizeof lens[0]; l++) {
		char a[] = "Content-Type_[Az]@{zZ}`Q", b[] = "cONTENT-tYPE_[aZ]@{Zz}`q";
		assert_true(genops_str_equal_nocase((genops_str){a, lens[l]}, (genops_str){b, lens[l]}));
		for (size_t at = 0; at < lens[l]; at++) {
			char kept_a = a[at], kept_b = b[at];
			for (int x = 0; x < 256; x++) {
				for (int y = 0; y < 256; y++) {
					bool are_letters = (x | 0x20) >= 'a' && (x | 0x20) <= 'z' && (x ^ y) == 0x20;
					a[at] = (char)x;
					b[at] = (char)y;
					if (genops_str_equal_nocase((genops_str){a, lens[l]}, (genops_str){b, lens[l]}) !=
					    (x == y || are_letters))
						fail_msg("%d beside %d at %zu of %zu", x, y, at, lens[l]);
				}
			}
			a[at] = kept_a;
			b[at] = kept_b;
		}
	}
}

static void test_comparing(void **state)
{
	(void)state;
	genops_str none = {0};
	assert_true(genops_str_equal(none, S("")));
	assert_true(genops_str_equal(S("ab"), S("ab")));
	assert_false(genops_str_equal(S("ab"), S("aB")));
	assert_false(genops_str_equal(S("a\0b"), S("a\0c")));
	assert_true(genops_str_equal_nocase(S("aZ-\xC3\xA9"), S("Az-\xC3\xA9")));
	assert_false(genops_str_equal_nocase(S("["), S("{"))); /* 32 apart, not letters */
	assert_false(genops_str_equal_nocase(S("a"), S("ab")));
	assert_true(genops_str_is(S("x"), "x"));
	assert_true(genops_str_is(none, NULL));
	assert_true(genops_str_is_nocase(S("X"), "x"));
	assert_true(genops_str_starts(S("abc"), S("ab")));
	assert_true(genops_str_starts(S("abc"), none));
	assert_false(genops_str_starts(S("a"), S("ab")));
	assert_true(genops_str_ends(S("abc"), S("bc")));
	assert_true(genops_str_ends(S("abc"), none));
	assert_true(genops_str_ends(S("abc"), S("abc")));
	assert_false(genops_str_ends(S("bc"), S("abc")));
}

static void test_cutting(void **state)
{
	(void)state;
	assert_true(genops_str_is(genops_str_trim(S(" \t\r\n a b \v\f")), "a b"));
	assert_true(genops_str_is(genops_str_trim(S("  ")), ""));
	assert_true(genops_str_is(genops_str_skip(S("abc"), 1), "bc"));
	assert_int_equal(genops_str_skip(S("abc"), 3).len, 0);
	assert_int_equal(genops_str_skip(S("abc"), SIZE_MAX).len, 0);
	genops_str rest = S("a,,b");
	assert_true(genops_str_is(genops_str_split(&rest, ','), "a"));
	assert_true(genops_str_is(genops_str_split(&rest, ','), ""));
	assert_non_null(rest.ptr);
	assert_true(genops_str_is(genops_str_split(&rest, ','), "b"));
	assert_null(rest.ptr);
	rest = S("a,");
	genops_str_split(&rest, ',');
	assert_int_equal(rest.len, 0);
	assert_non_null(rest.ptr); /* an empty last part is not the end */
	assert_int_equal(genops_str_find(S("abcbc"), S("bc")), 1);
	assert_int_equal(genops_str_find(S("abc"), S("")), 0);
	assert_true(genops_str_find(S("abc"), S("bcd")) == SIZE_MAX);
	assert_true(genops_str_find((genops_str){0}, S("b")) == SIZE_MAX);
	assert_int_equal(genops_str_find_char(S("abc"), 'c'), 2);
	assert_true(genops_str_find_char((genops_str){0}, 'c') == SIZE_MAX);
}

static void test_integers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {{"0", 0}, {"-0", 0}, {"42", 42}, {"-42", -42}, {"007", 7},
	    {"9223372036854775807", INT64_MAX}, {"-9223372036854775808", INT64_MIN}};
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x1",
	    "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1e3", "--1",
	    "1-"};
	int64_t value;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(genops_str_to_int(genops_str_of(good[i].text), &value));
		assert_int_equal(value, good[i].value);
	}
	value = 77;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(genops_str_to_int(genops_str_of(bad[i]), &value));
	assert_int_equal(value, 77);
}

static void test_doubles(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double value;
	} good[] = {
	    {"0", 0}, {"1.5", 1.5}, {"-2e3", -2000}, {"+1", 1}, {"0.1", 0.1}, {"1E-2", 0.01}};
	static const char *const bad[] = {
	    "", "x", "inf", "nan", "0x10", " 1", "1 ", "1,5", "1.5.5", "1e", "e", "."};
	double value;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(genops_str_to_double(genops_str_of(good[i].text), &value));
		assert_true(value == good[i].value);
	}
	value = 7;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (genops_str_to_double(genops_str_of(bad[i]), &value))
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_true(value == 7);
	/* an embedder may have set a locale with a decimal comma */
	if (setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
		assert_true(genops_str_to_double(S("1.5"), &value));
		assert_true(value == 1.5);
		setlocale(LC_NUMERIC, "C");
	}
}

static void test_globs(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool matches, matches_nocase;
	} rows[] = {
	    {"", "", true, true},
	    {"*", "", true, true},
	    {"*", "abc", true, true},
	    {"a*", "abc", true, true},
	    {"*c", "abc", true, true},
	    {"a*c", "ac", true, true},
	    {"a*c", "abcd", false, false},
	    {"a*b*c", "a1b2c", true, true},
	    {"*ab*", "xaab", true, true},
	    {"", "a", false, false},
	    {"gpt-4*", "GPT-4o", false, true},
	    {"a.c", "abc", false, false},
	    {"a?c", "abc", false, false},
	    {"**", "x", true, true},
	    {"abc", "ab", false, false},
	    {"a*a", "a", false, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		genops_str pattern = genops_str_of(rows[i].pattern),
			   text = genops_str_of(rows[i].text);
		if (genops_str_glob(pattern, text, false) != rows[i].matches ||
		    genops_str_glob(pattern, text, true) != rows[i].matches_nocase)
			fail_msg("\"%s\" on \"%s\"", rows[i].pattern, rows[i].text);
	}
}

static void test_nearest(void **state)
{
	(void)state;
	static const char *const names[] = {"max_cost", "team", "project", "id"};
	assert_string_equal(genops_str_nearest(S("max_cots"), names, 4), "max_cost");
	assert_string_equal(genops_str_nearest(S("Team"), names, 4), "team");
	assert_string_equal(genops_str_nearest(S("teem"), names, 4), "team");
	assert_string_equal(genops_str_nearest(S("taem"), names, 4), "team");
	assert_string_equal(genops_str_nearest(S("projcet"), names, 4), "project");
	assert_null(genops_str_nearest(S("customer"), names, 4));
	assert_null(genops_str_nearest(S(""), names, 2));
	char long_name[100];
	memset(long_name, 'a', sizeof long_name);
	assert_null(genops_str_nearest((genops_str){long_name, sizeof long_name}, names, 4));
	assert_null(genops_str_nearest(S("x"), NULL, 0));
}

/* Every code point, and every two bytes: against the definition, Unicode table 3-7. */
static void test_utf8(void **state)
{
	(void)state;
	for (uint32_t code = 0; code < 0x110000; code++) {
		char bytes[4];
		size_t n = 0;
		if (code < 0x80)
			bytes[n++] = (char)code;
		else if (code < 0x800)
			bytes[n++] = (char)(0xC0 | code >> 6);
		else if (code < 0x10000)
			bytes[n++] = (char)(0xE0 | code >> 12);
		else
			bytes[n++] = (char)(0xF0 | code >> 18);
		if (code >= 0x10000)
			bytes[n++] = (char)(0x80 | (code >> 12 & 63));
		if (code >= 0x800)
			bytes[n++] = (char)(0x80 | (code >> 6 & 63));
		if (code >= 0x80)
			bytes[n++] = (char)(0x80 | (code & 63));
		bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
		assert_int_equal(
		    genops_str_utf8_sequence((genops_str){bytes, n}), is_surrogate ? 0 : n);
		if (n > 1)
			assert_int_equal(genops_str_utf8_sequence((genops_str){bytes, n - 1}), 0);
	}
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			char bytes[2] = {(char)a, (char)b};
			bool both = (a < 0x80 && b < 0x80) ||
				    (a >= 0xC2 && a <= 0xDF && b >= 0x80 && b <= 0xBF);
			assert_int_equal(genops_str_is_utf8((genops_str){bytes, 2}), both);
		}
	}
	static const genops_str bad[] = {{"\xC0\x80", 2}, {"\xE0\x9F\xBF", 3},
	    {"\xF0\x8F\xBF\xBF", 4}, {"\xF4\x90\x80\x80", 4}, {"\xF5\x80\x80\x80", 4},
	    {"\xE2(\xA1", 3}, {"\xF0\x9F\x98z", 4}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(genops_str_utf8_sequence(bad[i]), 0);
		assert_false(genops_str_is_utf8(bad[i]));
	}
	assert_int_equal(genops_str_utf8_sequence((genops_str){0}), 0);
	assert_true(genops_str_is_utf8((genops_str){0}));
	/* a bad byte at any place of a longer text, which is looked at eight bytes at a time */
	char text[40];
	for (size_t at = 0; at < sizeof text; at++) {
		memset(text, 'a', sizeof text);
		assert_true(genops_str_is_utf8((genops_str){text, sizeof text}));
		text[at] = (char)0x80;
		assert_false(genops_str_is_utf8((genops_str){text, sizeof text}));
		for (size_t len = 0; len <= sizeof text; len++)
			assert_int_equal(genops_str_ascii_len((genops_str){text, len}), len < at ? len : at);
	}
}

static void test_hex(void **state)
{
	(void)state;
	uint8_t bytes[3] = {0x00, 0xAf, 0xFF}, back[3] = {1, 2, 3};
	char text[7];
	genops_str_to_hex(bytes, 3, text);
	assert_string_equal(text, "00afff");
	assert_false(genops_str_from_hex(S("00aff"), back, 3));
	assert_false(genops_str_from_hex(S("00affg"), back, 3));
	assert_false(genops_str_from_hex(S("00afff0"), back, 3));
	assert_int_equal(back[0], 1);
	assert_true(genops_str_from_hex(S("00AFff"), back, 3));
	assert_memory_equal(bytes, back, 3);
	assert_true(genops_str_from_hex((genops_str){0}, back, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_case_is_that_of_letters),
	    cmocka_unit_test(test_comparing),
	    cmocka_unit_test(percent_escapes_are_undone),
	    cmocka_unit_test(test_cutting),
	    cmocka_unit_test(test_integers),
	    cmocka_unit_test(test_doubles),
	    cmocka_unit_test(test_globs),
	    cmocka_unit_test(test_nearest),
	    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_hex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
