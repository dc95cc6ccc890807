/* SPDX-License-Identifier: Apache-2.0
 * Events as a table: columns and their types from what is there, bounds, allocation failures. That the bytes are Parquet is shown by pyarrow
 * in tests/e2e/destinations/test_out_file.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "export/file/event_table.h"
#include "failing_alloc.h"


struct events {
	size_t n;
	const char *texts[8];
};

static genops_str event_at(const void *arg, size_t i)
{
	return genops_str_of(((const struct events *)arg)->texts[i]);
}

static int write(const struct events *events, struct genops_buffer *out, struct genops_error *err)
{
	return genops_event_table_write(event_at, events, events->n, true, out, err);
}

static bool has(const struct genops_buffer *out, const char *text)
{
	return genops_str_find(genops_buffer_view(out), genops_str_of(text)) != SIZE_MAX;
}

static void test_columns_are_what_is_there(void **state)
{
	(void)state;
	const struct events events = {3, {"{\"a\":1,\"n\":null,\"o\":{\"x\":{\"y\":\"deep\"}},\"l\":[1,{\"z\":2}]}", "{\"a\":2.5,\"b\":true,\"m\":1}", "{\"m\":\"text\",\"o\":{}}"}};
	struct genops_buffer out;
	struct genops_error err = {0};
	genops_buffer_init(&out, 1 << 20);
	assert_int_equal(write(&events, &out, &err), GENOPS_OK);
	assert_memory_equal(out.ptr, "PAR1", 4);
	assert_memory_equal(out.ptr + out.len - 4, "PAR1", 4);
	assert_true(has(&out, "o.x.y") && has(&out, "deep") && has(&out, "[1,{\"z\":2}]"));
	struct genops_buffer again;
	genops_buffer_init(&again, 1 << 20);
	assert_int_equal(write(&events, &again, &err), GENOPS_OK);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.ptr, out.ptr, out.len);
	genops_buffer_done(&again);
	genops_buffer_done(&out);
}

static void test_what_is_no_row(void **state)
{
	(void)state;
	static const char *const bad[] = {"[1]", "{", "", "{\"a\":1,\"a\":2", "7", "{}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct events events = {1, {bad[i]}};
		struct genops_error err = {0};
		struct genops_buffer out;
		genops_buffer_init(&out, 1 << 20);
		genops_buffer_add_text(&out, "before");
		assert_int_not_equal(write(&events, &out, &err), GENOPS_OK);
		assert_true(err.message[0] && out.len == 6);
		genops_buffer_done(&out);
	}
}

/* Keys come from whoever sends events. */
static void test_names_that_are_none(void **state)
{
	(void)state;
	char key[301], text[400], cut[240];
	memset(key, 'k', 300);
	key[300] = '\0';
	snprintf(text, sizeof text, "{\"%s\":\"long\",\"b\":\"short\",\"a\\u0000b\":\"nul\"}", key);
	const struct events events = {2, {text, text}};
	struct genops_buffer out;
	struct genops_error err = {0};
	genops_buffer_init(&out, 1 << 20);
	assert_int_equal(write(&events, &out, &err), GENOPS_OK);
	memset(cut, 'k', 239);
	cut[239] = '\0';
	assert_true(has(&out, "long") && has(&out, cut) && !has(&out, key) && has(&out, "short") && has(&out, "nul") && has(&out, "a?b"));
	genops_buffer_done(&out);
}

static void test_too_many_columns(void **state)
{
	(void)state;
	struct genops_buffer text, out;
	struct genops_error err = {0};
	genops_buffer_init(&text, 1 << 20);
	genops_buffer_init(&out, 1 << 20);
	for (int i = 0; i <= GENOPS_PARQUET_COLUMNS_MAX; i++)
		genops_buffer_printf(&text, "%s\"c%d\":1", i ? "," : "{", i);
	genops_buffer_add_text(&text, "}");
	const struct events events = {1, {genops_buffer_take(&text, NULL)}};
	assert_int_equal(write(&events, &out, &err), GENOPS_LIMIT);
	assert_non_null(strstr(err.fix, "pipeline"));
	free((void *)(uintptr_t)events.texts[0]);
	genops_buffer_done(&out);
}

static void test_without_memory(void **state)
{
	(void)state;
#if FAILING_ALLOC
	const struct events events = {2, {"{\"a\":1,\"o\":{\"x\":\"t\"}}", "{\"l\":[1,2]}"}};
	for (long n = 0;; n++) {
		struct genops_buffer out;
		struct genops_error err = {0};
		genops_buffer_init(&out, 1 << 20);
		allocs_left = n;
		int code = write(&events, &out, &err);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || (err.code == code && err.message[0]));
		genops_buffer_done(&out);
		if (code == GENOPS_OK)
			break;
	}
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_columns_are_what_is_there),
	    cmocka_unit_test(test_what_is_no_row),
	    cmocka_unit_test(test_names_that_are_none),
	    cmocka_unit_test(test_too_many_columns),
	    cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
