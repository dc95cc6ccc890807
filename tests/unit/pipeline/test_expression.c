/* SPDX-License-Identifier: Apache-2.0
 * test_expression.c - expressions over one event: values, refusals with their place, bounds, every allocation failing. What JavaScript
 * says of all these and of thousands more is asked of Node in tests/e2e/pipelines/test_expressions.py.
 * Proves CRB-194..207 in part, CRB-214 in part, CRB-215 in part. */
#include "pipeline/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "failing_alloc.h"

static const char event_json[] =
    "{\"__inputId\":\"genops_otlp_source\",\"name\":\"chat\",\"cost_total\":1.25,\"budget_remaining\":0,\"flag\":true,\"nothing\":null,"
    "\"tags\":[\"a\",\"b\",null],\"nested\":{\"a\":{\"b\":7},\"x.y\":\"dotted\",\"10\":1,\"2\":2},\"smile\":\"\\ud83d\\ude00!\","
    "\"attributes\":{\"genops.cost.total\":\"0.05\",\"genops.team\":\"\",\"genops.policy.result\":\"blocked\"}}";

struct bench {
	struct genops_arena arena;
	struct genops_value event;
	struct genops_expression_run run;
};

static void begin(struct bench *bench, size_t arena_max)
{
	struct genops_error err;
	*bench = (struct bench){.run = {.arena = &bench->arena, .now_ms = 1700000000123, .random_state = {1, 2}}};
	genops_arena_init(&bench->arena, arena_max);
	assert_int_equal(genops_value_from_json(genops_str_of(event_json), &bench->arena, &bench->event, &err), GENOPS_OK);
}

static void end(struct bench *bench)
{
	genops_expression_run_done(&bench->run);
	genops_arena_done(&bench->arena);
}

/* The value as JSON, "undefined", or the error's message, into `out`. */
static int say(struct bench *bench, const char *source, char *out, size_t size, struct genops_error *err)
{
	struct genops_expression *expression;
	struct genops_value value;
	struct genops_buffer buf;
	int code = genops_expression_compile(genops_str_of(source), &expression, err);
	if (code != GENOPS_OK)
		return code;
	code = genops_expression_evaluate(expression, bench->event, &bench->run, &value, err);
	if (code == GENOPS_OK) {
		genops_buffer_init(&buf, 1 << 20);
		if (!genops_value_to_json(value, &buf))
			genops_buffer_add_text(&buf, "undefined");
		if (buf.error)
			code = buf.error;
		snprintf(out, size, "%.*s", GENOPS_STR_ARG(genops_buffer_view(&buf)));
		genops_buffer_done(&buf);
	}
	genops_expression_free(expression);
	return code;
}

static void is(struct bench *bench, const char *source, const char *expected)
{
	char out[1000];
	struct genops_error err = {0};
	if (say(bench, source, out, sizeof out, &err) != GENOPS_OK)
		fail_msg("%s: %d:%d: %s", source, err.line, err.column, err.message);
	if (strcmp(out, expected) != 0)
		fail_msg("%s is %s, not %s", source, out, expected);
}

static void values_are_javascripts(void **state)
{
	static const char *const rows[][2] = {
	    {"'a' + \"b\"", "\"ab\""}, {"0x1F", "31"}, {".5", "0.5"}, {"1e21 + ''", "\"1e+21\""}, {"null", "null"}, {"undefined", "undefined"},
	    {"__inputId == 'genops_otlp_source' && attributes['genops.cost.total'] != null", "true"},
	    {"parseFloat(attributes['genops.cost.total'] || '0')", "0.05"}, {"attributes['genops.team'] || 'default'", "\"default\""},
	    {"attributes['none'] != null", "false"}, {"attributes['none'] > 1", "false"}, {"attributes['none']", "undefined"},
	    {"parseInt('12.9')", "12"}, {"parseInt('x')", "null"}, {"0 || '0'", "\"0\""}, {"nothing ?? 'x'", "\"x\""}, {"0 ?? 1", "0"},
	    {"true == 'true'", "false"}, {"true == '1'", "true"}, {"null == 0", "false"}, {"null >= 0", "true"}, {"'b' > 'a'", "true"}, {"'10' < 9", "false"},
	    {"[1, 2] == '1,2'", "true"}, {"NaN != NaN", "true"}, {"(0.125).toFixed(2)", "\"0.13\""}, {"(82.25).toFixed(1)", "\"82.3\""},
	    {"(1.005).toFixed(2)", "\"1.00\""}, {"(-0.5).toFixed(0)", "\"-1\""}, {"'straße'.toUpperCase()", "\"STRASSE\""}, {"name.toUpperCase()", "\"CHAT\""},
	    {"(255).toString(36).substr(1, 9)", "\"3\""}, {"Math.floor(Date.now() / 1000)", "1700000000"}, {"Math.random() < 1", "true"},
	    {"`Used: $${cost_total.toFixed(2)} ${`in ${name}`}`", "\"Used: $1.25 in chat\""}, {"``", "\"\""}, {"1 + 2 + 'x' + 1 + 2", "\"3x12\""},
	    {"cost_total > 5 ? 'high' : (cost_total > 1 ? 'medium' : 'low')", "\"medium\""}, {"2 ** 3 ** 2", "512"}, {"-7 % 4", "-3"}, {"1 / 0 > 1e308", "true"},
	    {"typeof missing + typeof null + typeof 'x'", "\"undefinedobjectstring\""}, {"'a' in nested && !('z' in nested)", "true"},
	    {"missing?.a.b.c", "undefined"}, {"nested?.a?.b", "7"}, {"missing?.a.toFixed(1)", "undefined"}, {"nested['x.y']", "\"dotted\""},
	    {"(flag ? attributes : nested)['genops.policy.result']", "\"blocked\""}, {"tags[1] + tags.length + tags['0']", "\"b3a\""},
	    {"smile.length", "3"}, {"smile[0]", "\"\\ud83d\""}, {"smile[0] + smile[1] == smile.slice(0, 2)", "true"}, {"smile.indexOf('!')", "2"},
	    {"JSON.stringify(nested)", "\"{\\\"2\\\":2,\\\"10\\\":1,\\\"a\\\":{\\\"b\\\":7},\\\"x.y\\\":\\\"dotted\\\"}\""}, {"String(nested)", "\"[object Object]\""},
	    {"/^ch(a)(x)?/.exec(name)", "[\"cha\",\"a\",null]"}, {"'a1b22'.replace(/\\d+/g, '<$&>')", "\"a<1>b<22>\""}, {"'a1b'.split(/\\d/)", "[\"a\",\"b\"]"},
	    {"6 /2/ 3", "1"}, {"new Date(0).toISOString()", "\"1970-01-01T00:00:00.000Z\""}, {"new Date('2024-02-29T12:00:00+02:00').getTime()", "1709200800000"},
	    {"[3, 1].includes(1) && ['x'].join() == 'x'", "true"}, {"Math.max(1, '3', 2) + Math.min()", "null"}, {"~5 & 0xff", "250"}, {"-1 >>> 28", "15"},
	    {"\n  name == 'chat' && // both\n  /* hold */ flag\n", "true"}, {"\"\\u{1F600}\\x41\\n\"", "\"😀A\\n\""}, {"__e['name']", "\"chat\""},
	};
	struct bench bench;
	begin(&bench, 1 << 20);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		is(&bench, rows[i][0], rows[i][1]);
	end(&bench);
}

static void what_is_outside_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *source;
		int line, column;
		const char *says; /* in message or fix */
	} rows[] = {
	    {"", 1, 1, "empty"}, {"a = 1", 1, 3, "=="}, {"a ==", 1, 5, "ends"}, {"(1", 1, 3, "\")\""}, {"1 2", 1, 3, "operator"}, {"a =>  1", 1, 3, "functions"},
	    {"x.map(y)", 1, 3, "map"}, {"x.toUppercase()", 1, 3, "toUpperCase"}, {"Math.flor(1)", 1, 1, "Math.floor"}, {"Math", 1, 1, "Math"}, {"parsefloat(1)", 1, 1, "parseFloat"},
	    {"{a: 1}", 1, 1, "objects"}, {"a;", 1, 2, "statements"}, {"a, b", 1, 2, "comma"}, {"'abc", 1, 1, "quote"}, {"`abc", 1, 1, "end"}, {"`${a`", 1, 5, "tagged"},
	    {"1 ?? 2 || 3", 1, 3, "parentheses"}, {"-1 ** 2", 1, 4, "parentheses"}, {"a.constructor", 1, 3, "constructor"}, {"this.x", 1, 1, "__e"}, {"1n", 1, 1, "BigInt"},
	    {"010", 1, 1, "zero"}, {"3x", 1, 1, "number"}, {"a\n  && b..c", 2, 8, "name"}, {"'ä' + #", 1, 7, "character"}, {"/(/", 1, 3, ")"}, {"/a/y", 1, 1, "flag"},
	    {"new Map()", 1, 1, "new Date"}, {"new Date(0)", 1, 12, "\".\""}, {"new Date(0).getHours()", 1, 13, "getUTC"}, {"parseFloat()", 1, 1, "argument"}, {"a(1)", 1, 1, "function"},
	    {"a.b`x`", 1, 4, "tagged"}, {"delete a.b", 1, 1, "changes"}, {"++a", 1, 1, "+ 1"}, {"'\\8'", 1, 2, "octal"}, {"/*", 1, 1, "*/"}, {"C.Mask.MD5(a)", 1, 1, "C.Mask"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_error err = {0};
		struct genops_expression *expression = NULL;
		char said[1000], caret[512];
		int code = genops_expression_compile(genops_str_of(rows[i].source), &expression, &err);
		snprintf(said, sizeof said, "%s; %s", err.message, err.fix);
		if (code != GENOPS_SYNTAX || expression || err.line != rows[i].line || err.column != rows[i].column || !strstr(said, rows[i].says))
			fail_msg("%s: code %d, %d:%d: %s", rows[i].source, code, err.line, err.column, said);
		genops_expression_caret(genops_str_of(rows[i].source), &err, caret, sizeof caret);
		assert_non_null(strchr(caret, '^'));
	}
}

static void the_caret_stands_below_the_place(void **state)
{
	struct genops_error err = {.line = 2, .column = 4};
	char out[512], small[4];
	genops_expression_caret(GENOPS_STR("one\nä + #\nthree"), &err, out, sizeof out);
	assert_string_equal(out, "ä + #\n   ^");
	genops_expression_caret(GENOPS_STR("one\nä + #\nthree"), &err, small, sizeof small);
	assert_int_equal(strlen(small), 3);
	err.line = 0;
	genops_expression_caret(GENOPS_STR("one"), &err, out, sizeof out);
	assert_string_equal(out, "");
}

static void what_javascript_would_throw_is_an_error_with_its_place(void **state)
{
	static const struct {
		const char *source;
		int column;
	} rows[] = {{"missing.a", 1}, {"missing['a']", 1}, {"nothing.a", 1}, {"1 + missing.toFixed(2)", 13}, {"name.toFixed(2)", 6}, {"flag.trim()", 6}, {"'a' in name", 5},
	    {"(1).toFixed(101)", 5}, {"'a'.repeat(-1)", 5}, {"name.trim", 1}, {"decodeURIComponent('%')", 1}, {"(1).toString(1)", 5}, {"new Date(NaN).toISOString()", 1},
	    {"new Date('Jan 1 2024').getTime()", 1}, {"'x'.includes(/x/)", 5}};
	struct bench bench;
	begin(&bench, 1 << 20);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_error err = {0};
		char out[100];
		int code = say(&bench, rows[i].source, out, sizeof out, &err);
		if (code != GENOPS_SYNTAX || err.line != 1 || err.column != rows[i].column || !err.message[0])
			fail_msg("%s: code %d, %d:%d: %s", rows[i].source, code, err.line, err.column, err.message);
	}
	end(&bench);
}

static void everything_is_bounded(void **state)
{
	struct bench bench;
	struct genops_error err = {0};
	struct genops_expression *expression = NULL;
	static char source[GENOPS_EXPRESSION_LEN_MAX + 2];
	char out[100];
	memset(source, ' ', sizeof source - 1);
	assert_int_equal(genops_expression_compile((genops_str){source, sizeof source - 1}, &expression, &err), GENOPS_LIMIT);
	for (const char *open = "([!-`"; *open; open++) { /* nesting */
		for (size_t i = 0; i + 3 < GENOPS_EXPRESSION_LEN_MAX; i++)
			source[i] = *open == '`' ? "`${"[i % 3] : *open == '-' ? "- "[i % 2] : *open;
		assert_int_equal(genops_expression_compile((genops_str){source, GENOPS_EXPRESSION_LEN_MAX}, &expression, &err), GENOPS_SYNTAX);
		assert_non_null(strstr(err.message, "nested too deeply"));
	}
	begin(&bench, 64 << 10);
	assert_int_equal(say(&bench, "'abc'.repeat(100000)", out, sizeof out, &err), GENOPS_LIMIT);
	assert_int_equal(say(&bench, "'a'.padEnd(1e9)", out, sizeof out, &err), GENOPS_LIMIT);
	assert_int_equal(say(&bench, "'aa'.repeat(1e300)", out, sizeof out, &err), GENOPS_LIMIT);
	assert_int_equal(say(&bench, "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.match(/(?:a|aa)+b$|(?:(?:a*)*)*c/)", out, sizeof out, &err), GENOPS_SYNTAX);
	assert_non_null(strstr(err.message, "bounds"));
	end(&bench);
}

/* The n-th allocation fails, for every n until none is asked for any more. */
static void out_of_memory_is_an_error(void **state)
{
#if FAILING_ALLOC
	static const char source[] = "`${attributes['genops.team'] || name.replace(/c(h)/g, '$1')} ${JSON.stringify(nested)} ${'ab'.split('')}`";
	bool was_ok = false;
	for (long n = 0; !was_ok && n < 500; n++) {
		struct genops_error err = {0};
		struct bench bench;
		char out[300];
		begin(&bench, 1 << 20);
		allocs_left = n;
		int code = say(&bench, source, out, sizeof out, &err);
		allocs_left = -1;
		was_ok = code == GENOPS_OK;
		if (!was_ok && !err.message[0] && code != GENOPS_NOMEM)
			fail_msg("allocation %ld: code %d", n, code);
		end(&bench);
	}
	assert_true(was_ok);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_javascripts),
	    cmocka_unit_test(what_is_outside_is_refused_with_its_place),
	    cmocka_unit_test(the_caret_stands_below_the_place),
	    cmocka_unit_test(what_javascript_would_throw_is_an_error_with_its_place),
	    cmocka_unit_test(everything_is_bounded),
	    cmocka_unit_test(out_of_memory_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
