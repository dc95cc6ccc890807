/* SPDX-License-Identifier: Apache-2.0
 * test_value.c - objects small and large, and values from and to JSON. */
#include "pipeline/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "failing_alloc.h"

static void objects_find_what_was_put(void **state)
{
	struct genops_arena arena;
	genops_arena_init(&arena, 4 << 20);
	static char names[3000][8];
	struct genops_value_object *object = genops_value_object_new(&arena, 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(names[i], sizeof names[i], "k%d", i);
		assert_true(genops_value_object_put(&arena, object, genops_value_key_of(genops_str_of(names[i])), genops_value_number(i)));
	}
	assert_true(genops_value_object_put(&arena, object, genops_value_key_of(GENOPS_STR("k7")), genops_value_null()));
	assert_int_equal(object->n, 3000);
	for (int i = 0; i < 3000; i++) {
		struct genops_value_key key = genops_value_key_of(genops_str_of(names[i]));
		const struct genops_value *found = genops_value_object_get(object, &key);
		assert_non_null(found);
		assert_true(i == 7 ? found->type == GENOPS_VALUE_NULL : found->as.number == i);
	}
	struct genops_value_key none = genops_value_key_of(GENOPS_STR("k3000"));
	assert_null(genops_value_object_get(object, &none));
	genops_arena_done(&arena);
}

static void there_and_back(void **state)
{
	static const char *const rows[][2] = {
	    {"{\"b\":1,\"a\":[1,{\"x\":null},\"t\"],\"c\":{}}", "{\"b\":1,\"a\":[1,{\"x\":null},\"t\"],\"c\":{}}"},
	    {"{\"10\":1,\"2\":2,\"x\":3,\"01\":4}", "{\"2\":2,\"10\":1,\"x\":3,\"01\":4}"},
	    {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
	    {" [-0, 1e400, 0.1, 1E2] ", "[0,null,0.1,100]"},
	    {"\"\\u0001\\n\\\"\\\\\\ud83d\\ude00\\u007f\"", "\"\\u0001\\n\\\"\\\\\xF0\x9F\x98\x80\x7f\""},
	    {"true", "true"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_arena arena;
		struct genops_buffer buf;
		struct genops_value value;
		struct genops_error err;
		genops_arena_init(&arena, 1 << 20);
		genops_buffer_init(&buf, 1 << 20);
		assert_int_equal(genops_value_from_json(genops_str_of(rows[i][0]), &arena, &value, &err), GENOPS_OK);
		assert_true(genops_value_to_json(value, &buf));
		if (!genops_str_is(genops_buffer_view(&buf), rows[i][1]))
			fail_msg("%.*s, not %s", GENOPS_STR_ARG(genops_buffer_view(&buf)), rows[i][1]);
		genops_buffer_done(&buf);
		genops_arena_done(&arena);
	}
}

static void what_is_left_out(void **state)
{
	struct genops_arena arena;
	struct genops_buffer buf;
	genops_arena_init(&arena, 1 << 20);
	genops_buffer_init(&buf, 1 << 20);
	struct genops_value_list *list = genops_value_list_new(&arena, 2);
	struct genops_value_object *object = genops_value_object_new(&arena, 0);
	list->items[1] = genops_value_text(GENOPS_STR("\xED\xA0\xBD")); /* half a pair */
	struct genops_value value = {.type = GENOPS_VALUE_LIST, .as.list = list};
	assert_true(genops_value_object_put(&arena, object, genops_value_key_of(GENOPS_STR("u")), (struct genops_value){0}));
	assert_true(genops_value_object_put(&arena, object, genops_value_key_of(GENOPS_STR("l")), value));
	assert_true(genops_value_to_json((struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = object}, &buf));
	assert_true(genops_str_is(genops_buffer_view(&buf), "{\"l\":[null,\"\\ud83d\"]}"));
	assert_false(genops_value_to_json((struct genops_value){0}, &buf));
	genops_buffer_done(&buf);
	genops_arena_done(&arena);
}

static void what_is_refused(void **state)
{
	static char deep[400];
	const char *const bad[] = {"", "{", "{\"a\":}", "[1,]", "1 2", "{'a':1}", "\"\\ud83d\"", deep};
	memset(deep, '[', GENOPS_VALUE_DEPTH_MAX + 1);
	memset(deep + GENOPS_VALUE_DEPTH_MAX + 1, ']', GENOPS_VALUE_DEPTH_MAX + 1);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct genops_arena arena;
		struct genops_value value = genops_value_number(42);
		struct genops_error err = {0};
		genops_arena_init(&arena, 1 << 20);
		assert_true(genops_value_from_json(genops_str_of(bad[i]), &arena, &value, &err) < 0);
		assert_true(value.as.number == 42 && err.message[0]);
		genops_arena_done(&arena);
	}
	struct genops_arena small;
	struct genops_value value;
	struct genops_error err;
	genops_arena_init(&small, 512);
	assert_int_equal(genops_value_from_json(GENOPS_STR("{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28]}"), &small, &value, &err), GENOPS_LIMIT);
	genops_arena_done(&small);
}

static void out_of_memory_is_an_error(void **state)
{
#if FAILING_ALLOC
	int code = GENOPS_NOMEM;
	for (long n = 0; code != GENOPS_OK && n < 200; n++) {
		struct genops_arena arena;
		struct genops_value value;
		struct genops_error err = {0};
		genops_arena_init(&arena, 1 << 20);
		allocs_left = n;
		code = genops_value_from_json(GENOPS_STR("{\"a\":[1,2,{\"b\":\"text\"}],\"c\":{}}"), &arena, &value, &err);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || err.message[0]);
		genops_arena_done(&arena);
	}
	assert_int_equal(code, GENOPS_OK);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(objects_find_what_was_put),
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(what_is_left_out),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(out_of_memory_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
