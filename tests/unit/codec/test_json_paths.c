/* SPDX-License-Identifier: Apache-2.0
 * test_json_paths.c - "**": everything below that no other path leads to, at any depth, cut at every byte. */
#include "codec/json_scan.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char told[4096];

static void on_value(void *arg, const struct genops_json_value *value)
{
	size_t n = strlen(told);
	(void)arg;
	if (value->type == GENOPS_JSON_STRING)
		snprintf(told + n, sizeof told - n, "%d:%.*s ", value->id, (int)value->text.len, value->text.ptr);
	else if (value->type == GENOPS_JSON_NUMBER)
		snprintf(told + n, sizeof told - n, "%d:%lld ", value->id, (long long)value->integer);
}

static const struct genops_json_path rows[] = {
    {"a.**", 1}, {"a.known", 2}, {"a.known.deep.**", 3}, {"list[].**", 4}, {"list[].name", 5}, {"all.**", 6}, {"plain[]", 7}};

static const struct {
	const char *document, *told;
} cases[] = {
    {"{}", ""},
    {"{\"a\":1,\"b\":{\"c\":\"d\"}}", ""},
    {"{\"a\":{\"x\":\"y\"}}", "1:x 1:y "},
    {"{\"a\":{\"x\":{\"y\":[\"z\",{\"w\":2}]}}}", "1:x 1:y 1:z 1:w 1:2 "},
    {"{\"a\":{\"known\":\"y\"}}", "2:y "},
    {"{\"a\":{\"known\":{\"other\":\"y\"}}}", ""},
    {"{\"a\":{\"known\":{\"deep\":{\"q\":{\"known\":\"r\"}}}}}", "3:q 3:known 3:r "},
    {"{\"a\":[\"b\",[\"c\"]]}", "1:b 1:c "},
    {"{\"list\":[{\"name\":\"n\",\"other\":{\"name\":\"m\"}},\"no\"]}", "5:n 4:other 4:name 4:m "},
    {"{\"all\":{\"\":\"\",\"\\u0061\":null}}", "6: 6: 6:a "},
    {"{\"plain\":[\"p\",{\"q\":\"r\"}]}", "7:p "},
};

static void all_below_is_told(void **state)
{
	(void)state;
	struct genops_error err;
	struct genops_json_paths *paths = genops_json_paths_new(rows, sizeof rows / sizeof rows[0], &err);
	assert_non_null(paths);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		genops_str text = genops_str_of(cases[i].document);
		for (size_t at = 0; at < text.len; at++) {
			struct genops_json_scan *scan = genops_json_scan_new(paths, NULL, on_value, NULL);
			told[0] = '\0';
			assert_int_equal(genops_json_scan_feed(scan, (genops_str){text.ptr, at}, &err), GENOPS_OK);
			assert_int_equal(genops_json_scan_feed(scan, (genops_str){text.ptr + at, text.len - at}, &err), GENOPS_OK);
			assert_int_equal(genops_json_scan_end(scan, &err), GENOPS_OK);
			if (strcmp(told, cases[i].told) != 0)
				fail_msg("%s: %s", cases[i].document, told);
			genops_json_scan_free(scan);
		}
	}
	genops_json_paths_free(paths);
}

/* Nothing can stand behind it. */
static void only_at_the_end(void **state)
{
	static const char *const bad[] = {"a.**.b", "a.**[]", "**.a", "a.***.b[", "a.[]"};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct genops_json_path row = {bad[i], 1};
		struct genops_error err;
		assert_null(genops_json_paths_new(&row, 1, &err));
		assert_int_equal(err.code, GENOPS_MISUSE);
	}
	struct genops_json_path row = {"**", 1};
	struct genops_json_paths *paths = genops_json_paths_new(&row, 1, NULL);
	assert_non_null(paths);
	genops_json_paths_free(paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_below_is_told), cmocka_unit_test(only_at_the_end)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
