/* SPDX-License-Identifier: Apache-2.0
 * test_buffer.c - growth, the maximum, the sticky error, repair of UTF-8, handing over. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "failing_alloc.h"

static void expect(struct genops_buffer *buf, const char *expected)
{
	assert_int_equal(buf->error, 0);
	assert_int_equal(buf->len, strlen(expected));
	if (buf->len)
		assert_memory_equal(buf->ptr, expected, buf->len);
}

static void test_writing(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 1000);
	assert_null(buf.ptr);
	genops_buffer_add(&buf, (genops_str){0});
	expect(&buf, "");
	genops_buffer_add(&buf, GENOPS_STR("a"));
	genops_buffer_add_char(&buf, 'b');
	genops_buffer_add_text(&buf, "cd");
	genops_buffer_add_int(&buf, 0);
	genops_buffer_add_int(&buf, -12);
	genops_buffer_add_int(&buf, INT64_MIN);
	genops_buffer_add_int(&buf, INT64_MAX);
	genops_buffer_printf(&buf, "<%s %d>", "x", 7);
	expect(&buf, "abcd0-12-92233720368547758089223372036854775807<x 7>");
	genops_buffer_clear(&buf);
	expect(&buf, "");
	char *to = genops_buffer_reserve(&buf, 10);
	assert_non_null(to);
	assert_int_equal(buf.len, 0);
	genops_buffer_done(&buf);
	assert_null(buf.ptr);
	genops_buffer_add_text(&buf, "again");
	expect(&buf, "again");
	genops_buffer_done(&buf);
}

static void test_growing_keeps_the_bytes(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 1 << 20);
	for (int i = 0; i < 100000; i++)
		genops_buffer_add_char(&buf, (char)('a' + i % 26));
	assert_int_equal(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf.ptr[i], 'a' + i % 26);
	genops_buffer_done(&buf);
}

static void test_the_maximum_is_sticky(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 5);
	genops_buffer_add_text(&buf, "12345");
	expect(&buf, "12345");
	genops_buffer_add_text(&buf, "6");
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_add(&buf, (genops_str){0});
	assert_null(genops_buffer_reserve(&buf, 0));
	assert_null(genops_buffer_take(&buf, NULL));
	assert_int_equal(buf.len, 5);
	genops_buffer_clear(&buf);
	genops_buffer_add_text(&buf, "1234");
	genops_buffer_add_text(&buf, "56"); /* all or nothing */
	assert_int_equal(buf.error, GENOPS_LIMIT);
	assert_int_equal(buf.len, 4);
	genops_buffer_add_text(&buf, "5"); /* would fit, but the error stays */
	assert_int_equal(buf.len, 4);
	genops_buffer_clear(&buf);
	genops_buffer_printf(&buf, "%d", 12345); /* its NUL is not counted */
	expect(&buf, "12345");
	genops_buffer_clear(&buf);
	genops_buffer_printf(&buf, "%d", 123456);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	assert_int_equal(buf.len, 0);
	genops_buffer_clear(&buf);
	assert_null(genops_buffer_reserve(&buf, SIZE_MAX));
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_done(&buf);

	if (!FAILING_ALLOC)
		return; /* a sanitizer's allocator ends the program at such a size */
	genops_buffer_init(&buf, SIZE_MAX); /* sizes that nobody has are refused, not looped over */
	genops_buffer_add_char(&buf, 'x');
	assert_null(genops_buffer_reserve(&buf, SIZE_MAX / 2 + 2));
	assert_int_equal(buf.error, GENOPS_NOMEM);
	genops_buffer_done(&buf);
}

static void test_handing_over(void **state)
{
	(void)state;
	struct genops_buffer buf;
	size_t len = 99;
	genops_buffer_init(&buf, 3);
	char *empty = genops_buffer_take(&buf, &len);
	assert_string_equal(empty, "");
	assert_int_equal(len, 0);
	free(empty);
	genops_buffer_add_text(&buf, "123"); /* the NUL stands beyond the maximum */
	char *text = genops_buffer_take(&buf, &len);
	assert_string_equal(text, "123");
	assert_int_equal(len, 3);
	free(text);
	assert_null(buf.ptr);
	assert_int_equal(buf.max, 3);
	genops_buffer_add_text(&buf, "4");
	expect(&buf, "4");
	genops_buffer_done(&buf);
}

static void test_repair(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
	} rows[] = {
	    {"", ""},
	    {"plain \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
		"plain \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
	    {"\xFF", "\xEF\xBF\xBD"},
	    {"a\x80"
	     "b",
		"a\xEF\xBF\xBD"
		"b"},
	    {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
	    {"\xC0\x80z", "\xEF\xBF\xBD\xEF\xBF\xBDz"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_buffer buf;
		genops_buffer_init(&buf, 100);
		genops_buffer_add_utf8(&buf, genops_str_of(rows[i].from));
		expect(&buf, rows[i].to);
		genops_buffer_done(&buf);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	if (!FAILING_ALLOC)
		skip();
	struct genops_buffer buf;
	genops_buffer_init(&buf, 1 << 20);
	genops_buffer_add_text(&buf, "kept");
	allocs_left = 0;
	char *room = genops_buffer_reserve(&buf, 10000);
	allocs_left = -1;
	assert_null(room);
	assert_int_equal(buf.error, GENOPS_NOMEM);
	assert_memory_equal(buf.ptr, "kept", 4);
	genops_buffer_clear(&buf);
	assert_non_null(genops_buffer_reserve(&buf, 10000));
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_writing),
	    cmocka_unit_test(test_growing_keeps_the_bytes),
	    cmocka_unit_test(test_the_maximum_is_sticky),
	    cmocka_unit_test(test_handing_over),
	    cmocka_unit_test(test_repair),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
