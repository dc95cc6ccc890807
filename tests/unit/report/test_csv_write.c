/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/report/test_csv_write.c - RFC 4180, and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/csv_write.h"

static void test_quotes_what_needs_them(void **state)
{
	struct genops_buffer buf;
	struct genops_csv_writer csv;
	genops_buffer_init(&buf, 1000);
	genops_csv_writer_init(&csv, &buf);
	genops_csv_text(&csv, GENOPS_STR("plain"));
	genops_csv_text(&csv, GENOPS_STR("a,b"));
	genops_csv_text(&csv, GENOPS_STR("say \"hi\""));
	genops_csv_text(&csv, GENOPS_STR("two\nlines"));
	genops_csv_text(&csv, GENOPS_STR(" blank"));
	genops_csv_text(&csv, (genops_str){0});
	genops_csv_end(&csv);
	genops_csv_int(&csv, INT64_MIN);
	genops_csv_bool(&csv, true);
	genops_csv_money(&csv, 1);
	genops_csv_money(&csv, 12500000000);
	genops_csv_text(&csv, GENOPS_STR("\""));
	genops_csv_end(&csv);
	static const char expected[] = "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\" blank\",\r\n"
				       "-9223372036854775808,true,1,0.000000001,12500000000,12.50,\"\"\"\"\r\n";
	assert_int_equal(buf.error, 0);
	assert_int_equal(buf.len, strlen(expected));
	assert_memory_equal(buf.ptr, expected, buf.len);
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_quotes_what_needs_them)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
