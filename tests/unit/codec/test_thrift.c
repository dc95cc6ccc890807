/* SPDX-License-Identifier: Apache-2.0
 * test_thrift.c - the compact protocol's short and long forms, against bytes worked out from its
 * specification. */
#include "codec/parquet/thrift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void expect(struct genops_buffer *buf, genops_str expected)
{
	assert_int_equal(buf->error, 0);
	assert_int_equal(buf->len, expected.len);
	assert_memory_equal(buf->ptr, expected.ptr, expected.len);
	genops_buffer_clear(buf);
}

static void test_forms(void **state)
{
	(void)state;
	struct genops_buffer buf;
	int last = 0;
	genops_buffer_init(&buf, 1000);
	genops_thrift_i32(&buf, &last, 1, -1);
	genops_thrift_i64(&buf, &last, 16, 1);	/* a step of 15 fits the head */
	genops_thrift_i32(&buf, &last, 32, 64); /* one of 16 does not */
	genops_thrift_i32(&buf, &last, 2, 0);	/* nor one back */
	genops_thrift_stop(&buf);
	expect(&buf, GENOPS_STR("\x15\x01"
				"\xF6\x02"
				"\x05\x40\x80\x01"
				"\x05\x04\x00"
				"\x00"));
	last = 0;
	genops_thrift_text(&buf, &last, 4, GENOPS_STR("id"));
	genops_thrift_field(&buf, &last, 5, GENOPS_THRIFT_STRUCT);
	expect(&buf, GENOPS_STR("\x48\x02id\x1C"));
	last = 0;
	genops_thrift_list(&buf, &last, 1, GENOPS_THRIFT_I32, 14);
	genops_thrift_list(&buf, &last, 2, GENOPS_THRIFT_STRUCT, 15);
	genops_thrift_list(&buf, &last, 3, GENOPS_THRIFT_BINARY, 300);
	expect(&buf, GENOPS_STR("\x19\xE5"
				"\x19\xFC\x0F"
				"\x19\xF8\xAC\x02"));
	genops_thrift_put_int(&buf, INT64_MIN);
	genops_thrift_put_text(&buf, (genops_str){0});
	expect(&buf, GENOPS_STR("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"
				"\x00"));
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
