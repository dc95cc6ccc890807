/* SPDX-License-Identifier: Apache-2.0
 * test_template.c - payloads are JSON whatever the fields hold; variables, times and chance in paths; what is refused and where; every
 * allocation failing. The guide's own templates are asked of Node in tests/e2e/pipelines/test_templates.py.
 * Proves CRB-209..212, CRB-215 in part. */
#include "pipeline/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>

#include "failing_alloc.h"

static const char event_json[] = "{\"name\":\"q\\\"uo\\nte\\\\\",\"n\":82.25,\"number\":\"1.5\",\"json\":\"{\\\"a\\\":[1]}\",\"half\":\"{\\\"a\\\"\",\"list\":[1,\"x\"],"
				 "\"flag\":true,\"smile\":\"\\ud83d\\ude00\",\"_time\":1700000000.5}";

static bool variable(void *arg, genops_str name, genops_str *ret_value)
{
	*ret_value = GENOPS_STR("k\"ey");
	return genops_str_is(name, "API_KEY");
}

static int render(const char *source, enum genops_template_kind kind, struct genops_buffer *out, struct genops_template_faults *faults,
    struct genops_error *err)
{
	struct genops_arena arena;
	struct genops_value event;
	struct genops_template *template = NULL;
	genops_arena_init(&arena, 1 << 20);
	struct genops_expression_run run = {.arena = &arena, .now_ms = 86400000, .random_state = {1, 2}};
	int code = genops_value_from_json(genops_str_of(event_json), &arena, &event, err);
	if (code == GENOPS_OK)
		code = genops_template_compile(genops_str_of(source), kind, variable, NULL, &template, err);
	if (code == GENOPS_OK)
		code = genops_template_render(template, event, &run, out, faults, err);
	genops_template_free(template);
	genops_expression_run_done(&run);
	genops_arena_done(&arena);
	return code;
}

static void says(const char *source, enum genops_template_kind kind, const char *expected, unsigned n_faults)
{
	struct genops_buffer out;
	struct genops_template_faults faults;
	struct genops_error err = {0};
	genops_buffer_init(&out, 1 << 20);
	if (render(source, kind, &out, &faults, &err) != GENOPS_OK)
		fail_msg("%s: %d:%d: %s", source, err.line, err.column, err.message);
	if (!genops_str_is(genops_buffer_view(&out), expected) || faults.n != n_faults || (n_faults && !faults.first.message[0]))
		fail_msg("%s is %.*s, %u faults", source, GENOPS_STR_ARG(genops_buffer_view(&out)), faults.n);
	genops_buffer_done(&out);
}

static void json_stays_json(void **state)
{
	says("{\"a\": \"<${name}>\"}", GENOPS_TEMPLATE_JSON, "{\"a\": \"<q\\\"uo\\nte\\\\>\"}", 0);
	says("{\"${name}\": 1}", GENOPS_TEMPLATE_JSON, "{\"q\\\"uo\\nte\\\\\": 1}", 0);
	says("[${n}, ${flag}, ${list}, ${missing}, ${0 / 0}, ${name}, ${null}]", GENOPS_TEMPLATE_JSON,
	    "[82.25, true, [1,\"x\"], null, null, \"q\\\"uo\\nte\\\\\", null]", 0);
	says("[${number}, ${json}, ${half}, ${JSON.stringify(list)}]", GENOPS_TEMPLATE_JSON, "[1.5, {\"a\":[1]}, \"{\\\"a\\\"\", [1,\"x\"]]", 0);
	says("\"$${n.toFixed(1)} ${missing} ${list}\"", GENOPS_TEMPLATE_JSON, "\"$82.3 undefined 1,x\"", 0);
	says("[\"${smile[0]}\", ${smile[1]}, ${[smile[0]]}, \"${'\\\\ud83d'}\"]", GENOPS_TEMPLATE_JSON, "[\"\\ufffd\", \"\\ufffd\", [\"\\ufffd\"], \"\\\\ud83d\"]", 0);
	says("{\"a\": \"${missing.x}\", \"b\": ${name.toFixed(1)}}", GENOPS_TEMPLATE_JSON, "{\"a\": \"\", \"b\": null}", 2);
	says("{\"c\": \"${n > 80 ? 'dan\"ger' : '}'}\", \"d\": \"${`{${n}}`}\"}", GENOPS_TEMPLATE_JSON, "{\"c\": \"dan\\\"ger\", \"d\": \"{82.25}\"}", 0);
	says("{\"key\": \"${API_KEY}\", \"bare\": ${API_KEY}}", GENOPS_TEMPLATE_JSON, "{\"key\": \"k\\\"ey\", \"bare\": \"k\\\"ey\"}", 0);
	says("1", GENOPS_TEMPLATE_JSON, "1", 0);
}

static void texts(void **state)
{
	says("team:${n}", GENOPS_TEMPLATE_TEXT, "team:82.25", 0);
	says("${API_KEY} $x {} ${missing}", GENOPS_TEMPLATE_TEXT, "k\"ey $x {} undefined", 0);
	says("a/${_time:%Y}/${_time:%m/%d}/${_time:%H%M%S}.gz", GENOPS_TEMPLATE_TEXT, "a/2023/11/14/221320.gz", 0);
	says("${_time:%F %j %y %%}", GENOPS_TEMPLATE_TEXT, "2023-11-14 318 23 %", 0);
	says("", GENOPS_TEMPLATE_TEXT, "", 0);
	struct genops_buffer out;
	genops_buffer_init(&out, 100);
	assert_int_equal(render("${_random:6}", GENOPS_TEMPLATE_TEXT, &out, NULL, NULL), GENOPS_OK);
	assert_int_equal(out.len, 6);
	genops_buffer_done(&out);
}

static void what_is_refused_and_where(void **state)
{
	static const struct {
		const char *source;
		int line, column;
	} rows[] = {{"{\"a\": 1${n}}", 1, 8}, {"[${n}${n}]", 1, 6}, {"{${n}: 1}", 1, 2}, {"[\"\\${n}\"]", 1, 4}, {"[\"a\n\"]", 1, 4}, {"{\n \"a\": ${n +}}", 2, 12}, {"[\"${NONE}\"]", 1, 5},
	    {"[${_time:%Y}]", 1, 4}, {"[\"${_time:%Q}\"]", 1, 5}, {"[\"${_time:%Y\t}\"]", 1, 5}, {"[\"${_random:0}\"]", 1, 5}, {"[\"${n", 1, 6}, {"[\"${}\"]", 1, 5}, {"[\"${n}\"", 1, 8}, {"", 1, 1}, {"[1,]", 1, 4}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_template *template = NULL;
		struct genops_error err = {0};
		int code = genops_template_compile(genops_str_of(rows[i].source), GENOPS_TEMPLATE_JSON, variable, NULL, &template, &err);
		if (code != GENOPS_SYNTAX || template || err.line != rows[i].line || err.column != rows[i].column)
			fail_msg("%s: code %d, %d:%d: %s", rows[i].source, code, err.line, err.column, err.message);
	}
}

static void it_is_bounded(void **state)
{
	struct genops_template *template = NULL;
	struct genops_error err = {0};
	struct genops_buffer out;
	char source[GENOPS_TEMPLATE_PLACES_MAX * 4 + 8];
	for (size_t i = 0; i + 4 < sizeof source; i += 4)
		memcpy(source + i, "${n}", 4);
	assert_int_equal(genops_template_compile((genops_str){source, sizeof source - 4}, GENOPS_TEMPLATE_TEXT, NULL, NULL, &template, &err), GENOPS_SYNTAX);
	genops_buffer_init(&out, 10);
	assert_int_equal(render("${'0123456789a'}", GENOPS_TEMPLATE_TEXT, &out, NULL, &err), GENOPS_LIMIT);
	assert_int_equal(render("${'a'.repeat(2e6)}", GENOPS_TEMPLATE_TEXT, &out, NULL, &err), GENOPS_LIMIT);
	genops_buffer_done(&out);
}

static void out_of_memory_is_an_error(void **state)
{
#if FAILING_ALLOC
	int code = GENOPS_NOMEM;
	for (long n = 0; code != GENOPS_OK && n < 300; n++) {
		struct genops_buffer out;
		struct genops_template_faults faults = {0};
		struct genops_error err = {0};
		genops_buffer_init(&out, 1 << 20);
		allocs_left = n;
		code = render("{\"a\": \"${name} ${API_KEY}\", \"b\": ${json}, \"c\": \"${_time:%Y}\"}", GENOPS_TEMPLATE_JSON, &out, &faults, &err);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || err.message[0]);
		genops_buffer_done(&out);
	}
	assert_int_equal(code, GENOPS_OK);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_stays_json),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(what_is_refused_and_where),
	    cmocka_unit_test(it_is_bounded),
	    cmocka_unit_test(out_of_memory_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
