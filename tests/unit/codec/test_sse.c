/* SPDX-License-Identifier: Apache-2.0
 * test_sse.c - the rules of WHATWG HTML 9.2.6, byte offsets, bounds; every stream also cut at every
 * byte. */
#include "base/buffer.h"
#include "codec/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void record(void *arg, const struct genops_sse_event *event)
{
	struct genops_buffer *log = arg;
	genops_buffer_printf(log, "[%llu,%llu)%s ", (unsigned long long)event->start,
	    (unsigned long long)event->end, event->is_cut ? " cut" : "");
	genops_buffer_add(log, event->name);
	genops_buffer_add_text(log, "<");
	genops_buffer_add(log, event->data);
	genops_buffer_add_text(log, ">\n");
}

/* The log of a stream fed in [0,a) [a,b) [b,len), or byte by byte when a is SIZE_MAX. */
static void run(genops_str stream, size_t data_max, size_t a, size_t b, struct genops_buffer *log)
{
	genops_buffer_clear(log);
	struct genops_sse *sse = genops_sse_new(data_max, record, log);
	assert_non_null(sse);
	if (a == SIZE_MAX) {
		for (size_t i = 0; i < stream.len; i++)
			genops_sse_feed(sse, (genops_str){stream.ptr + i, 1});
	} else {
		genops_sse_feed(sse, (genops_str){stream.ptr, a});
		genops_sse_feed(sse, (genops_str){stream.ptr + a, b - a});
		genops_sse_feed(sse, (genops_str){stream.ptr + b, stream.len - b});
	}
	genops_sse_end(sse);
	genops_sse_free(sse);
	genops_buffer_add_char(log, '\0');
}

static void expect_max(genops_str stream, size_t data_max, const char *expected)
{
	struct genops_buffer log;
	genops_buffer_init(&log, 1 << 16);
	for (size_t a = 0; a <= stream.len; a++) {
		for (size_t b = a; b <= stream.len; b++) {
			run(stream, data_max, a, b, &log);
			assert_string_equal(log.ptr, expected);
		}
	}
	run(stream, data_max, SIZE_MAX, 0, &log);
	assert_string_equal(log.ptr, expected);
	genops_buffer_done(&log);
}

static void expect(genops_str stream, const char *expected)
{
	expect_max(stream, 1000, expected);
}

static void test_lines_and_fields(void **state)
{
	(void)state;
	expect(GENOPS_STR("data: a\n\n"), "[0,9) <a>\n");
	expect(GENOPS_STR("data:a\n\n"), "[0,8) <a>\n");
	expect(GENOPS_STR("data:  a\n\n"), "[0,10) < a>\n");
	expect(GENOPS_STR("event: add\ndata: 1\ndata: 2\n\n"), "[0,28) add<1\n2>\n");
	expect(
	    GENOPS_STR("event: a\nevent: b\ndata: 1\n\ndata: 2\n\n"), "[0,27) b<1>\n[27,36) <2>\n");
	expect(GENOPS_STR("data\n\n"), "[0,6) <>\n"); /* the specification's own examples */
	expect(GENOPS_STR("data\ndata\n\ndata:\n\n"), "[0,11) <\n>\n[11,18) <>\n");
	expect(GENOPS_STR(": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\n"),
	    "[15,34) <first>\n[34,50) <second>\n");
	expect(GENOPS_STR("retry: 10\nid: 7\ndatas: x\nDATA: y\n data: z\neventsource: q\n\n"), "");
	expect(GENOPS_STR("event: ping\n\ndata: 1\n\n"),
	    "[13,22) <1>\n"); /* no data, no event; its name is forgotten */
	expect(GENOPS_STR(":\n\n: keep\n\n"), "");
	expect(GENOPS_STR("\n\n\ndata: a\n\n\n"), "[3,12) <a>\n");
	expect(GENOPS_STR("data: a:b: c\n\n"), "[0,14) <a:b: c>\n");
	expect(GENOPS_STR(""), "");
}

static void test_line_ends(void **state)
{
	(void)state;
	expect(GENOPS_STR("data: a\r\n\r\ndata: b\r\n\r\n"), "[0,11) <a>\n[11,22) <b>\n");
	expect(GENOPS_STR("data: a\r\rdata: b\r\r"), "[0,9) <a>\n[9,18) <b>\n");
	expect(GENOPS_STR("data: a\r\n\ndata: b\n\r\n"), "[0,10) <a>\n[10,20) <b>\n");
	expect(GENOPS_STR("data: a\n\rdata: b\r\n\r"), "[0,9) <a>\n[9,19) <b>\n");
	expect(GENOPS_STR("data: a\rdata: b\n\r\n\n"), "[0,18) <a\nb>\n");
}

static void test_byte_order_mark(void **state)
{
	(void)state;
	expect(GENOPS_STR("\xEF\xBB\xBF"
			  "data: a\n\n"),
	    "[0,12) <a>\n");
	expect(GENOPS_STR("\xEF\xBB"
			  "data: a\n\ndata: b\n\n"),
	    "[11,20) <b>\n");
	expect(GENOPS_STR("\xEF\xBB\xBF\xEF\xBB\xBF"
			  "data: a\n\n"),
	    "");
	expect(GENOPS_STR("data: a\n\n\xEF\xBB\xBF"
			  "data: b\n\n"),
	    "[0,9) <a>\n");
}

static void test_the_end_tells_what_is_there(void **state)
{
	(void)state;
	expect(GENOPS_STR("data: a\n\ndata: [DONE]"), "[0,9) <a>\n[9,21) <[DONE]>\n");
	expect(GENOPS_STR("data: a\n"), "[0,8) <a>\n");
	expect(GENOPS_STR("data: a\r\n\r"), "[0,10) <a>\n");
	expect(GENOPS_STR("data"), "[0,4) <>\n");
	expect(GENOPS_STR("event: x"), "");
}

static void test_long_data_is_cut(void **state)
{
	(void)state;
	expect_max(GENOPS_STR("data: 12345\n\ndata: 123456\n\ndata: 1\n\n"), 5,
	    "[0,13) <12345>\n[13,27) cut <12345>\n[27,36) <1>\n");
	expect_max(GENOPS_STR("data: 12345\ndata:\n\n"), 5, "[0,19) cut <12345>\n");
	expect_max(GENOPS_STR("data: x\n\n"), 0, "[0,9) cut <>\n");
}

static void test_event_start_follows(void **state)
{
	(void)state;
	struct genops_buffer log;
	genops_buffer_init(&log, 1 << 12);
	struct genops_sse *sse = genops_sse_new(100, record, &log);
	assert_non_null(sse);
	assert_int_equal(genops_sse_event_start(sse), 0);
	genops_sse_feed(sse, GENOPS_STR("data: a\n\nda"));
	assert_int_equal(genops_sse_event_start(sse), 9);
	genops_sse_feed(sse, GENOPS_STR("ta: b\n"));
	assert_int_equal(genops_sse_event_start(sse), 9);
	genops_sse_feed(sse, GENOPS_STR("\n:\n"));
	assert_int_equal(genops_sse_event_start(sse), 18);
	genops_sse_feed(sse, GENOPS_STR("\n"));
	assert_int_equal(genops_sse_event_start(sse), 21);
	genops_sse_free(sse);
	genops_sse_free(NULL);
	genops_buffer_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines_and_fields),
	    cmocka_unit_test(test_line_ends),
	    cmocka_unit_test(test_byte_order_mark),
	    cmocka_unit_test(test_the_end_tells_what_is_there),
	    cmocka_unit_test(test_long_data_is_cut),
	    cmocka_unit_test(test_event_start_follows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
