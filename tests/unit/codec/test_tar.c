/* SPDX-License-Identifier: Apache-2.0
 * test_tar.c - what is written is read again; what leads outside, is a link, is damaged or cut off is refused. */
#include "codec/tar.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void written_is_read(void **state)
{
	struct genops_buffer out;
	struct genops_tar_reader reader;
	genops_str name, content;
	char long_name[201];
	memset(long_name, 'x', 200);
	long_name[120] = '/';
	long_name[200] = '\0';
	genops_buffer_init(&out, 1 << 20);
	genops_tar_add(&out, GENOPS_STR("a.txt"), GENOPS_STR("hello"));
	genops_tar_add(&out, GENOPS_STR("b/empty"), GENOPS_STR(""));
	genops_tar_add(&out, genops_str_of(long_name), GENOPS_STR("long"));
	genops_tar_end(&out);
	assert_int_equal(out.error, 0);
	assert_int_equal(out.len % 512, 0);
	genops_tar_reader_init(&reader, genops_buffer_view(&out));
	assert_int_equal(genops_tar_next(&reader, &name, &content, NULL), 1);
	assert_true(genops_str_is(name, "a.txt") && genops_str_is(content, "hello"));
	assert_int_equal(genops_tar_next(&reader, &name, &content, NULL), 1);
	assert_true(genops_str_is(name, "b/empty") && content.len == 0);
	assert_int_equal(genops_tar_next(&reader, &name, &content, NULL), 1);
	assert_true(genops_str_is(name, long_name) && genops_str_is(content, "long"));
	assert_int_equal(genops_tar_next(&reader, &name, &content, NULL), 0);
	genops_buffer_done(&out);
}

static void names_that_do_not_fit(void **state)
{
	struct genops_buffer out;
	char name[300];
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	genops_buffer_init(&out, 1 << 20);
	genops_tar_add(&out, genops_str_of(name), GENOPS_STR("x"));
	assert_int_equal(out.error, GENOPS_LIMIT);
	genops_buffer_done(&out);
}

static int read_one(const char *name, char type, bool is_damaged, size_t cut)
{
	struct genops_buffer out;
	struct genops_tar_reader reader;
	struct genops_error err = {0};
	genops_str got, content;
	genops_buffer_init(&out, 1 << 20);
	genops_tar_add(&out, genops_str_of(name), GENOPS_STR("content"));
	unsigned sum = 0;
	out.ptr[156] = type;
	memset(out.ptr + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)out.ptr[i];
	snprintf(out.ptr + 148, 8, "%06o", sum + (unsigned)is_damaged);
	genops_tar_reader_init(&reader, (genops_str){out.ptr, out.len - cut});
	int code = genops_tar_next(&reader, &got, &content, &err);
	assert_true(code >= 0 || err.message[0]);
	genops_buffer_done(&out);
	return code;
}

static void what_is_refused(void **state)
{
	static const char *const outside[] = {"/etc/passwd", "../a", "a/../../b", "a/..", "..", "a\\b", "a\nb", "\xff"};
	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
		assert_int_equal(read_one(outside[i], '0', false, 0), GENOPS_UNSUPPORTED);
	assert_int_equal(read_one("a", '1', false, 0), GENOPS_UNSUPPORTED); /* links, devices */
	assert_int_equal(read_one("a", '2', false, 0), GENOPS_UNSUPPORTED);
	assert_int_equal(read_one("a", '3', false, 0), GENOPS_UNSUPPORTED);
	assert_int_equal(read_one("a", '0', true, 0), GENOPS_SYNTAX);
	assert_int_equal(read_one("a", '0', false, 600), GENOPS_SYNTAX);
	assert_int_equal(read_one("a", '0', false, 510), GENOPS_SYNTAX);
	assert_int_equal(read_one("a", '0', false, 505), 1); /* only what fills the block is missing */
	assert_int_equal(read_one("..a/b..", '0', false, 0), 1);
	assert_int_equal(read_one("./a", '\0', false, 0), 1);
	assert_int_equal(read_one("folder/", '5', false, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(written_is_read),
	    cmocka_unit_test(names_that_do_not_fit),
	    cmocka_unit_test(what_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
