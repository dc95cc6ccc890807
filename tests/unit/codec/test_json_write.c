/* SPDX-License-Identifier: Apache-2.0
 * test_json_write.c - commas, escapes, repair, doubles that read back, money, bounds; and the
 * scanner reads it all. */
#include "codec/json_scan.h"
#include "codec/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_commas_and_nesting(void **state)
{
	(void)state;
	struct genops_buffer buf;
	struct genops_json_writer json;
	genops_buffer_init(&buf, 4096);
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "a", GENOPS_STR("x"));
	genops_json_key(&json, GENOPS_STR("b"));
	genops_json_array_begin(&json);
	genops_json_int(&json, INT64_MIN);
	genops_json_array_begin(&json);
	genops_json_array_end(&json);
	genops_json_object_begin(&json);
	genops_json_object_end(&json);
	genops_json_null(&json);
	genops_json_raw(&json, GENOPS_STR("{\"r\":[1, 2]}"));
	genops_json_array_end(&json);
	genops_json_key_bool(&json, "c", true);
	genops_json_key_bool(&json, "d", false);
	genops_json_key_int(&json, "e", 0);
	genops_json_key_double(&json, "f", 0.1);
	genops_json_key_double(&json, "g", NAN);
	genops_json_key_double(&json, "h", -INFINITY);
	genops_json_object_end(&json);
	genops_buffer_add_char(&buf, '\0');
	assert_int_equal(buf.error, 0);
	assert_string_equal(buf.ptr,
	    "{\"a\":\"x\",\"b\":[-9223372036854775808,[],{},null,{\"r\":[1, 2]}],\"c\":true,\"d\":false,"
	    "\"e\":0,\"f\":0.1,\"g\":null,\"h\":null}");
	genops_buffer_done(&buf);
}

static void expect_quoted(genops_str text, const char *expected)
{
	struct genops_buffer buf;
	struct genops_json_writer json;
	genops_buffer_init(&buf, 4096);
	genops_json_writer_init(&json, &buf);
	genops_json_string(&json, text);
	genops_buffer_add_char(&buf, '\0');
	assert_string_equal(buf.ptr, expected);
	genops_buffer_done(&buf);
}

static void test_escapes_and_repair(void **state)
{
	(void)state;
	expect_quoted((genops_str){0}, "\"\"");
	expect_quoted(GENOPS_STR("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
	expect_quoted(GENOPS_STR("\0\x01\x1F\x7F"), "\"\\u0000\\u0001\\u001f\x7F\"");
	expect_quoted(
	    GENOPS_STR("\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xE2\x82\xAC\xF0\x9F\x98\x80\"");
	expect_quoted(GENOPS_STR("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
	expect_quoted(GENOPS_STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
	expect_quoted(GENOPS_STR("end\xE2\x82"), "\"end\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void keep_text(void *arg, const struct genops_json_value *value)
{
	genops_buffer_clear(arg);
	genops_buffer_add(arg, value->text);
}

/* What is well formed comes back byte for byte. */
static void test_scanner_reads_strings_back(void **state)
{
	(void)state;
	const struct genops_json_path root = {"", 0};
	struct genops_json_paths *paths = genops_json_paths_new(&root, 1, NULL);
	struct genops_buffer buf, back;
	genops_buffer_init(&buf, 4096);
	genops_buffer_init(&back, 4096);
	struct genops_json_scan *scan = genops_json_scan_new(paths, NULL, keep_text, &back);
	assert_non_null(scan);
	uint32_t random = 1;
	for (int round = 0; round < 2000; round++) {
		char text[64];
		size_t len = 0;
		while (len < sizeof text - 4 && (random = random * 1664525 + 1013904223) >> 28) {
			static const char *const units[] = {"a", "\"", "\\", "\n", "\x01", "/",
			    "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\x7F", " ", "u0041"};
			const char *unit = units[(random >> 8) % (sizeof units / sizeof *units)];
			if (len + strlen(unit) > sizeof text)
				break;
			memcpy(text + len, unit, strlen(unit));
			len += strlen(unit);
		}
		struct genops_json_writer json;
		genops_buffer_clear(&buf);
		genops_json_writer_init(&json, &buf);
		genops_json_string(&json, (genops_str){text, len});
		genops_json_scan_reset(scan);
		assert_int_equal(
		    genops_json_scan_feed(scan, genops_buffer_view(&buf), NULL), GENOPS_OK);
		assert_int_equal(genops_json_scan_end(scan, NULL), GENOPS_OK);
		assert_int_equal(back.len, len);
		if (len)
			assert_memory_equal(back.ptr, text, len);
	}
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	genops_buffer_done(&buf);
	genops_buffer_done(&back);
}

static void expect_double(double value, const char *expected)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, 64);
	genops_json_add_double(&buf, value);
	genops_buffer_add_char(&buf, '\0');
	assert_string_equal(buf.ptr, expected);
	genops_buffer_done(&buf);
}

static void doubles(void)
{
	expect_double(0, "0");
	expect_double(1, "1");
	expect_double(-2.5, "-2.5");
	expect_double(0.1, "0.1");
	expect_double(0.1 + 0.2, "0.30000000000000004");
	expect_double(1.0 / 3, "0.3333333333333333");
	expect_double(1e22, "1e+22");
	expect_double(123456789.125, "123456789.125");
	expect_double(DBL_MAX, "1.7976931348623157e+308");
	expect_double(DBL_MIN, "2.2250738585072014e-308");
	uint64_t random = 88172645463325252;
	for (int i = 0; i < 20000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		double value, back = 0;
		memcpy(&value, &random, sizeof value);
		if (!isfinite(value))
			continue;
		struct genops_buffer buf;
		genops_buffer_init(&buf, 64);
		genops_json_add_double(&buf, value);
		assert_false(memchr(buf.ptr, ',', buf.len));
		genops_buffer_add_char(&buf, '\0');
		char *point = strchr(buf.ptr, '.');
		if (point)
			*point = *localeconv()->decimal_point;
		back = strtod(buf.ptr, NULL);
		assert_memory_equal(&back, &value, sizeof value);
		genops_buffer_done(&buf);
	}
}

static void test_doubles_read_back(void **state)
{
	(void)state;
	doubles();
}

static void test_doubles_do_not_follow_the_locale(void **state)
{
	(void)state;
	static const char *const with_comma[] = {
	    "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
	const char *set = NULL;
	for (size_t i = 0; i < sizeof with_comma / sizeof *with_comma && !set; i++)
		set = setlocale(LC_NUMERIC, with_comma[i]);
	if (!set)
		skip();
	doubles();
	setlocale(LC_NUMERIC, "C");
}

static void expect_money(int64_t nano_usd, const char *expected)
{
	struct genops_buffer buf;
	struct genops_json_writer json;
	genops_buffer_init(&buf, 256);
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	genops_json_key_money(&json, "cost", nano_usd);
	genops_json_object_end(&json);
	genops_buffer_add_char(&buf, '\0');
	assert_string_equal(buf.ptr, expected);
	genops_buffer_done(&buf);
}

static void test_money_is_exact(void **state)
{
	(void)state;
	expect_money(12, "{\"cost_nano_usd\":12,\"cost_usd\":0.000000012}");
	expect_money(0, "{\"cost_nano_usd\":0,\"cost_usd\":0.0}");
	expect_money(1500000000, "{\"cost_nano_usd\":1500000000,\"cost_usd\":1.5}");
	expect_money(-1, "{\"cost_nano_usd\":-1,\"cost_usd\":-0.000000001}");
	expect_money(
	    INT64_MAX, "{\"cost_nano_usd\":9223372036854775807,\"cost_usd\":9223372036.854775807}");
	expect_money(INT64_MIN,
	    "{\"cost_nano_usd\":-9223372036854775808,\"cost_usd\":-9223372036.854775808}");
}

static void test_bounds(void **state)
{
	(void)state;
	struct genops_buffer buf;
	struct genops_json_writer json;
	genops_buffer_init(&buf, 4096);
	genops_json_writer_init(&json, &buf);
	for (int i = 0; i < 63; i++)
		genops_json_array_begin(&json);
	assert_int_equal(buf.error, 0);
	genops_json_array_begin(&json);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	for (int i = 0; i < 64; i++)
		genops_json_array_end(&json);
	genops_buffer_done(&buf);

	genops_buffer_init(&buf, 10); /* everything behind the fault is ignored, not misuse */
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "a", GENOPS_STR("far too long"));
	genops_json_key_int(&json, "b", 1);
	genops_json_object_end(&json);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commas_and_nesting),
	    cmocka_unit_test(test_escapes_and_repair),
	    cmocka_unit_test(test_scanner_reads_strings_back),
	    cmocka_unit_test(test_doubles_read_back),
	    cmocka_unit_test(test_doubles_do_not_follow_the_locale),
	    cmocka_unit_test(test_money_is_exact),
	    cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
