/* SPDX-License-Identifier: Apache-2.0
 * test_json_scan.c - the scanner: grammar, what is told, duplicates, bounds, and that pieces do not
 * matter.
 *
 * Every document here is also fed cut in two at every byte, and byte by byte; the record must be
 * the same. */
#include "base/buffer.h"
#include "codec/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "json_documents.h"
#include "failing_alloc.h"

static const struct genops_json_path paths_rows[] = {
    {"", 0},
    {"model", 1},
    {"messages[].content", 2},
    {"messages[].content[].text", 3},
    {"n", 4},
    {"messages", 5},
    {"[]", 6},
    {"[][]", 7},
    {"n", 8},
    {"usage.prompt_tokens", 9},
};

static struct genops_json_paths *paths;

static int set_up(void **state)
{
	(void)state;
	paths = genops_json_paths_new(paths_rows, sizeof paths_rows / sizeof *paths_rows, NULL);
	return paths ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	genops_json_paths_free(paths);
	return 0;
}

/* One line a value: what was told, in full. */
static void record(void *arg, const struct genops_json_value *value)
{
	static const char *const names[] = {
	    "null", "false", "true", "number", "string", "object", "array"};
	struct genops_buffer *log = arg;
	genops_buffer_printf(log, "%d %s%s d%zu i%zu [%llu,%llu)", value->id, names[value->type],
	    value->is_end ? " end" : "", value->depth, value->index,
	    (unsigned long long)value->start, (unsigned long long)value->end);
	if (value->type == GENOPS_JSON_NUMBER && value->is_integer)
		genops_buffer_printf(log, " int %lld", (long long)value->integer);
	if (value->type == GENOPS_JSON_NUMBER)
		genops_buffer_printf(log, " %.17g", value->number);
	genops_buffer_add_text(log, value->is_cut ? " cut <" : " <");
	genops_buffer_add(log, value->text);
	genops_buffer_add_text(log, ">\n");
}

/* Feeds doc in the pieces [0,a) [a,b) [b,len); the log ends with the outcome and the message. */
static int run(
    struct genops_json_scan *scan, struct genops_buffer *log, genops_str doc, size_t a, size_t b)
{
	struct genops_error err = {0};
	genops_buffer_clear(log);
	genops_json_scan_reset(scan);
	int code = genops_json_scan_feed(scan, (genops_str){doc.ptr, a}, &err);
	if (!code)
		code = genops_json_scan_feed(scan, (genops_str){doc.ptr + a, b - a}, &err);
	if (!code)
		code = genops_json_scan_feed(scan, (genops_str){doc.ptr + b, doc.len - b}, &err);
	if (!code)
		code = genops_json_scan_end(scan, &err);
	genops_buffer_printf(log, "%d %s", code, err.message);
	assert_int_equal(log->error, 0);
	return code;
}

static int run_bytes(struct genops_json_scan *scan, struct genops_buffer *log, genops_str doc)
{
	struct genops_error err = {0};
	int code = GENOPS_OK;
	genops_buffer_clear(log);
	genops_json_scan_reset(scan);
	for (size_t i = 0; i < doc.len && !code; i++) {
		char *one = malloc(
		    1); /* a borrowed byte that goes away: nothing may point into an old piece */
		assert_non_null(one);
		*one = doc.ptr[i];
		code = genops_json_scan_feed(scan, (genops_str){one, 1}, &err);
		free(one);
	}
	if (!code)
		code = genops_json_scan_end(scan, &err);
	genops_buffer_printf(log, "%d %s", code, err.message);
	return code;
}

static void assert_same(
    const struct genops_buffer *a, const struct genops_buffer *b, genops_str doc, size_t cut)
{
	if (a->len != b->len || memcmp(a->ptr, b->ptr, a->len) != 0)
		fail_msg("cut at %zu of \"%.*s\":\n%.*s\ninstead of\n%.*s", cut, (int)doc.len,
		    doc.ptr, (int)b->len, b->ptr, (int)a->len, a->ptr);
}

/* Scans doc whole; with all cuts the same is recorded. The outcome; *ret_log is the caller's to
 * free. */
static int scan_with(genops_str doc, const struct genops_json_scan_options *options, char **ret_log)
{
	struct genops_buffer whole, cut;
	genops_buffer_init(&whole, 1 << 20);
	genops_buffer_init(&cut, 1 << 20);
	struct genops_json_scan *scan = genops_json_scan_new(paths, options, record, &whole);
	struct genops_json_scan *again = genops_json_scan_new(paths, options, record, &cut);
	assert_non_null(scan);
	assert_non_null(again);
	int code = run(scan, &whole, doc, doc.len, doc.len);
	for (size_t a = 0; a <= doc.len; a++) {
		run(again, &cut, doc, a, doc.len);
		assert_same(&whole, &cut, doc, a);
		if (doc.len > 40)
			continue;
		for (size_t b = a; b <= doc.len; b++) {
			run(again, &cut, doc, a, b);
			assert_same(&whole, &cut, doc, a);
		}
	}
	run_bytes(again, &cut, doc);
	assert_same(&whole, &cut, doc, SIZE_MAX);
	genops_json_scan_free(scan);
	genops_json_scan_free(again);
	genops_buffer_done(&cut);
	char *log = genops_buffer_take(&whole, NULL);
	if (ret_log)
		*ret_log = log;
	else
		free(log);
	return code;
}

static void expect_log(genops_str doc, const char *expected)
{
	char *log;
	scan_with(doc, NULL, &log);
	assert_string_equal(log, expected);
	free(log);
}

static void test_valid_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof valid_documents / sizeof *valid_documents; i++) {
		if (scan_with(valid_documents[i], NULL, NULL) != GENOPS_OK)
			fail_msg(
			    "refused: %.*s", (int)valid_documents[i].len, valid_documents[i].ptr);
	}
}

static void test_invalid_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof invalid_documents / sizeof *invalid_documents; i++) {
		if (scan_with(invalid_documents[i], NULL, NULL) != GENOPS_SYNTAX)
			fail_msg("row %zu not refused: %.*s", i, (int)invalid_documents[i].len,
			    invalid_documents[i].ptr);
	}
}

static void test_tells_what_was_asked(void **state)
{
	(void)state;
	expect_log(
	    GENOPS_STR(
		"{\"model\":\"gpt\\u20ac\",\"n\":[1],\"other\":{\"model\":2,\"n\":3},"
		"\"messages\":[{\"content\":\"hi\"},{\"content\":[{\"text\":\"a\\nb\"},7]},null]}"),
	    "0 object d0 i0 [0,1) <>\n"
	    "1 string end d1 i0 [9,20) <gpt\xE2\x82\xAC>\n"
	    "4 array d1 i0 [25,26) <>\n"
	    "8 array d1 i0 [25,26) <>\n"
	    "4 array end d1 i0 [25,28) <>\n"
	    "8 array end d1 i0 [25,28) <>\n"
	    "5 array d1 i0 [66,67) <>\n"
	    "2 string end d3 i0 [78,82) <hi>\n"
	    "2 array d3 i0 [95,96) <>\n"
	    "3 string end d5 i0 [104,110) <a\nb>\n"
	    "2 array end d3 i0 [95,114) <>\n"
	    "5 array end d1 i0 [66,121) <>\n"
	    "0 object end d0 i0 [0,122) <>\n"
	    "0 ");
	expect_log(GENOPS_STR(" [true,[false,null,{}],\"\"]"), "0 array d0 i0 [1,2) <>\n"
							       "6 true d1 i0 [2,6) <>\n"
							       "6 array d1 i1 [7,8) <>\n"
							       "7 false d2 i0 [8,13) <>\n"
							       "7 null d2 i1 [14,18) <>\n"
							       "7 object d2 i2 [19,20) <>\n"
							       "7 object end d2 i2 [19,21) <>\n"
							       "6 array end d1 i1 [7,22) <>\n"
							       "6 string end d1 i2 [23,25) <>\n"
							       "0 array end d0 i0 [1,26) <>\n"
							       "0 ");
	expect_log(GENOPS_STR("{\"usage\":{\"prompt_tokens\":12,\"x\":{\"prompt_tokens\":1}}}"),
	    "0 object d0 i0 [0,1) <>\n"
	    "9 number d2 i0 [26,28) int 12 12 <12>\n"
	    "0 object end d0 i0 [0,54) <>\n"
	    "0 ");
}

static void test_numbers_are_exact(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *log;
	} rows[] = {
	    {"0", "0 number d0 i0 [0,1) int 0 0 <0>\n0 "},
	    {"-0", "0 number d0 i0 [0,2) int 0 0 <-0>\n0 "},
	    {"9007199254740993",
		"0 number d0 i0 [0,16) int 9007199254740993 9007199254740992 <9007199254740993>\n0 "},
	    {"9223372036854775807",
		"0 number d0 i0 [0,19) int 9223372036854775807 9.2233720368547758e+18 <9223372036854775807>\n0 "},
	    {"-9223372036854775808",
		"0 number d0 i0 [0,20) int -9223372036854775808 -9.2233720368547758e+18 <-9223372036854775808>\n0 "},
	    {"9223372036854775808",
		"0 number d0 i0 [0,19) 9.2233720368547758e+18 <9223372036854775808>\n0 "},
	    {"-9223372036854775809",
		"0 number d0 i0 [0,20) -9.2233720368547758e+18 <-9223372036854775809>\n0 "},
	    {"12345678901234567890",
		"0 number d0 i0 [0,20) 1.2345678901234567e+19 <12345678901234567890>\n0 "},
	    {"1e3", "0 number d0 i0 [0,3) 1000 <1e3>\n0 "},
	    {"1.0", "0 number d0 i0 [0,3) 1 <1.0>\n0 "},
	    {"0.1", "0 number d0 i0 [0,3) 0.10000000000000001 <0.1>\n0 "},
	    {"-0.0", "0 number d0 i0 [0,4) -0 <-0.0>\n0 "},
	    {"0.2", "0 number d0 i0 [0,3) 0.20000000000000001 <0.2>\n0 "},
	    {"-1234567.12345678", "0 number d0 i0 [0,17) -1234567.1234567801 <-1234567.12345678>\n0 "},
	    {"9007199254740.993", "0 number d0 i0 [0,17) 9007199254740.9922 <9007199254740.993>\n0 "},
	    {"0.00000000000001", "0 number d0 i0 [0,16) 1e-14 <0.00000000000001>\n0 "},
	    {"1e999", "0 number d0 i0 [0,5) inf <1e999>\n0 "},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_log(genops_str_of(rows[i].doc), rows[i].log);
}

static char *repeat(const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *text = malloc(n * len + 1);
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, unit, len);
	text[n * len] = '\0';
	return text;
}

static int scan_once(
    genops_str doc, const struct genops_json_scan_options *options, struct genops_buffer *log)
{
	struct genops_json_scan *scan = genops_json_scan_new(paths, options, record, log);
	assert_non_null(scan);
	int code = run(scan, log, doc, doc.len, doc.len);
	genops_json_scan_free(scan);
	return code;
}

static void test_depth_is_bounded(void **state)
{
	(void)state;
	struct genops_buffer log, doc;
	genops_buffer_init(&log, 1 << 16);
	genops_buffer_init(&doc, 1 << 20);
	for (size_t depth = 126; depth <= 130; depth++) {
		char *open = repeat("[", depth), *close = repeat("]", depth);
		genops_buffer_clear(&doc);
		genops_buffer_printf(&doc, "%s%s", open, close);
		int code = scan_once(genops_buffer_view(&doc), NULL, &log);
		assert_int_equal(code, depth <= GENOPS_JSON_DEPTH_MAX ? GENOPS_OK : GENOPS_LIMIT);
		free(open);
		free(close);
	}
	char *objects = repeat("{\"a\":", 100000);
	assert_int_equal(scan_once(genops_str_of(objects), NULL, &log), GENOPS_LIMIT);
	free(objects);
	const struct genops_json_scan_options three = {.max_depth = 3};
	assert_int_equal(scan_with(GENOPS_STR("[[{\"a\":1}]]"), &three, NULL), GENOPS_OK);
	assert_int_equal(scan_with(GENOPS_STR("[[{\"a\":[]}]]"), &three, NULL), GENOPS_LIMIT);
	genops_buffer_done(&log);
	genops_buffer_done(&doc);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
	(void)state;
	const struct genops_json_scan_options five = {.text_max = 5};
	static const struct {
		const char *doc, *text;
	} rows[] = {
	    {"\"12345\"", " <12345>"},
	    {"\"123456\"", " cut <12345>"},
	    {"\"123\xE2\x82\xAC\"", " cut <123>"},
	    {"\"1234\\u20ac\"", " cut <1234>"},
	    {"\"12\xE2\x82\xAC\"", " <12\xE2\x82\xAC>"},
	    {"\"12\xE2\x82\xAC\xE2\x82\xAC\"", " cut <12\xE2\x82\xAC>"},
	    {"\"1\\n3456789\"", " cut <1\n345>"},
	    {"\"12\\ud83d\\ude00\"", " cut <12>"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *log;
		assert_int_equal(scan_with(genops_str_of(rows[i].doc), &five, &log), GENOPS_OK);
		const char *at = strchr(log, ')');
		assert_non_null(at);
		assert_memory_equal(at + 1, rows[i].text, strlen(rows[i].text));
		free(log);
	}
	/* keys and numbers have their own bounds */
	assert_int_equal(
	    scan_with(GENOPS_STR("{\"usage\":{\"prompt_tokens\":1234567}}"), &five, NULL),
	    GENOPS_OK);
}

static void test_bounds_of_keys_and_numbers(void **state)
{
	(void)state;
	struct genops_buffer log, doc;
	genops_buffer_init(&log, 1 << 18);
	genops_buffer_init(&doc, 1 << 20);
	for (size_t len = 65536; len <= 65537; len++) {
		char *key = repeat("k", len);
		genops_buffer_clear(&doc);
		genops_buffer_printf(&doc, "{\"%s\":1}", key);
		int code = scan_once(genops_buffer_view(&doc), NULL, &log);
		assert_int_equal(code, len == 65536 ? GENOPS_OK : GENOPS_LIMIT);
		free(key);
	}
	for (size_t len = 1024; len <= 1025; len++) {
		char *number = repeat("7", len);
		assert_int_equal(scan_once(genops_str_of(number), NULL, &log),
		    len == 1024 ? GENOPS_OK : GENOPS_LIMIT);
		genops_buffer_clear(&doc); /* nobody asked for this one */
		genops_buffer_printf(&doc, "{\"x\":%s}", number);
		assert_int_equal(scan_once(genops_buffer_view(&doc), NULL, &log), GENOPS_OK);
		free(number);
	}
	genops_buffer_done(&log);
	genops_buffer_done(&doc);
}

/* Objects with few keys compare, objects with many sort: both find the one that stands twice. */
static void test_duplicates_among_many_keys(void **state)
{
	(void)state;
	static const size_t sizes[] = {2, 31, 32, 33, 34, 64, 1000, 100000};
	struct genops_buffer log, doc;
	genops_buffer_init(&log, 1 << 16);
	genops_buffer_init(&doc, 1 << 23);
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		size_t n = sizes[s];
		for (size_t twice = 0; twice <= n; twice += 1 + n / 5) { /* n: none stands twice */
			genops_buffer_clear(&doc);
			genops_buffer_add_text(&doc, "[{\"x\":{");
			for (size_t i = 0; i < n; i++)
				genops_buffer_printf(&doc, "\"key%zu\":{\"k\":1},", i);
			genops_buffer_printf(&doc, "\"key%zu\":0}}]", twice == 0 ? n : twice - 1);
			int code = scan_once(genops_buffer_view(&doc), NULL, &log);
			assert_int_equal(code, twice == 0 ? GENOPS_OK : GENOPS_SYNTAX);
		}
	}
	genops_buffer_done(&log);
	genops_buffer_done(&doc);
}

static void test_too_many_keys(void **state)
{
	(void)state;
	struct genops_buffer log, doc;
	genops_buffer_init(&log, 1 << 16);
	genops_buffer_init(&doc, 1 << 26);
	genops_buffer_add_text(&doc, "{\"k\":0");
	for (size_t i = 1; i < (1 << 20) + 1; i++)
		genops_buffer_printf(&doc, ",\"%zx\":0", i);
	genops_buffer_add_text(&doc, "}");
	assert_int_equal(doc.error, 0);
	assert_int_equal(scan_once(genops_buffer_view(&doc), NULL, &log), GENOPS_LIMIT);
	const struct genops_json_scan_options answers = {.allow_duplicates = true};
	assert_int_equal(scan_once(genops_buffer_view(&doc), &answers, &log), GENOPS_OK);
	genops_buffer_done(&log);
	genops_buffer_done(&doc);
}

static void test_answers_may_repeat_keys(void **state)
{
	(void)state;
	const struct genops_json_scan_options answers = {.allow_duplicates = true};
	char *log;
	assert_int_equal(
	    scan_with(GENOPS_STR("{\"n\":1,\"x\":0,\"n\":2,\"x\":0}"), &answers, &log), GENOPS_OK);
	assert_non_null(strstr(log, "4 number d1 i0 [5,6) int 1 1 <1>"));
	assert_non_null(strstr(log, "4 number d1 i0 [17,18) int 2 2 <2>"));
	free(log);
	assert_int_equal(
	    scan_with(GENOPS_STR("{\"x\":{\"\\uD800\":1}}"), &answers, NULL), GENOPS_SYNTAX);
}

static void test_faults_name_the_byte_and_stay(void **state)
{
	(void)state;
	struct genops_buffer log;
	genops_buffer_init(&log, 1 << 16);
	struct genops_error err = {0};
	struct genops_json_scan *scan = genops_json_scan_new(paths, NULL, record, &log);
	assert_int_equal(genops_json_scan_feed(scan, GENOPS_STR("{\"secret\":"), &err), GENOPS_OK);
	assert_int_equal(genops_json_scan_feed(scan, GENOPS_STR("secret}"), &err), GENOPS_SYNTAX);
	assert_string_equal(err.message, "JSON: no value where one is due at byte 10");
	assert_int_equal(genops_json_scan_feed(scan, GENOPS_STR("1}"), &err), GENOPS_SYNTAX);
	assert_int_equal(genops_json_scan_end(scan, &err), GENOPS_SYNTAX);
	assert_string_equal(err.message, "JSON: no value where one is due at byte 10");
	assert_int_equal(genops_json_scan_feed(scan, (genops_str){0}, NULL), GENOPS_SYNTAX);
	genops_json_scan_reset(scan);
	assert_int_equal(genops_json_scan_feed(scan, GENOPS_STR("{}"), &err), GENOPS_OK);
	assert_true(genops_json_scan_is_complete(scan));
	assert_int_equal(genops_json_scan_feed(scan, GENOPS_STR(" "), &err), GENOPS_OK);
	assert_int_equal(genops_json_scan_end(scan, &err), GENOPS_OK);
	genops_json_scan_free(scan);
	genops_buffer_done(&log);
}

static void test_paths_are_checked(void **state)
{
	(void)state;
	static const char *const wrong[] = {"a..b", ".a", "a.", "a[0]", "a[", "a[]b"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct genops_json_path row = {wrong[i], 1};
		struct genops_error err = {0};
		if (genops_json_paths_new(&row, 1, &err))
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_int_equal(err.code, GENOPS_MISUSE);
	}
	struct genops_json_path none = {NULL, 1};
	assert_null(genops_json_paths_new(&none, 1, NULL));
	struct genops_json_paths *empty = genops_json_paths_new(NULL, 0, NULL);
	assert_non_null(empty);
	genops_json_paths_free(empty);
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	if (!FAILING_ALLOC)
		skip();
	struct genops_buffer log;
	genops_buffer_init(&log, 1 << 16);
	assert_non_null(
	    genops_buffer_reserve(&log, 1 << 14)); /* so that the record itself allocates nothing */
	long n = 0;
	int code;
	do {
		assert_true(n < 50);
		code = GENOPS_NOMEM;
		struct genops_error err = {0};
		allocs_left = n++;
		struct genops_json_paths *own = genops_json_paths_new(paths_rows, 10, &err);
		struct genops_json_scan *scan =
		    own ? genops_json_scan_new(own, NULL, record, &log) : NULL;
		if (scan)
			code = genops_json_scan_feed(
			    scan, GENOPS_STR("{\"model\":\"\\n\",\"a\":1,\"n\":1"), &err);
		if (scan && !code)
			code = genops_json_scan_feed(scan, GENOPS_STR("2}"), &err);
		if (scan && !code)
			code = genops_json_scan_end(scan, &err);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
		genops_json_scan_free(scan);
		genops_json_paths_free(own);
	} while (code != GENOPS_OK);
	assert_true(n > 5);
	genops_buffer_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid_documents),
	    cmocka_unit_test(test_invalid_documents),
	    cmocka_unit_test(test_tells_what_was_asked),
	    cmocka_unit_test(test_numbers_are_exact),
	    cmocka_unit_test(test_depth_is_bounded),
	    cmocka_unit_test(test_long_texts_are_cut_between_characters),
	    cmocka_unit_test(test_bounds_of_keys_and_numbers),
	    cmocka_unit_test(test_duplicates_among_many_keys),
	    cmocka_unit_test(test_too_many_keys),
	    cmocka_unit_test(test_answers_may_repeat_keys),
	    cmocka_unit_test(test_faults_name_the_byte_and_stay),
	    cmocka_unit_test(test_paths_are_checked),
	    cmocka_unit_test(test_every_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
