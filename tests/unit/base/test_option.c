/* SPDX-License-Identifier: Apache-2.0
 * test_option.c - option rows: each type's texts, bounds, defaults, names, and what a wrong value is told. */
#include "base/option.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const old_names[] = {"amount", "price", NULL};

struct sample {
	bool is_on;
	int64_t count, wait, room, cost;
	double ratio;
	genops_str title, token;
	int colour;
	struct genops_texts tags;
	struct genops_text_map headers;
	int64_t left_alone;
};

#define AT(field) offsetof(struct sample, field)
static const struct genops_option rows[] = {
    {"is_on", GENOPS_OPTION_BOOL, AT(is_on), "true"},
    {"count", GENOPS_OPTION_INT, AT(count), "7", 1, 100},
    {"ratio", GENOPS_OPTION_DOUBLE, AT(ratio), "0.5", 0, 1},
    {"title", GENOPS_OPTION_TEXT, AT(title), "none"},
    {"token", GENOPS_OPTION_INT, AT(token), NULL, .is_secret = true},
    {"colour", GENOPS_OPTION_ENUM, AT(colour), "green", .names = colours},
    {"wait", GENOPS_OPTION_DURATION, AT(wait), "2s", 1, 0},
    {"room", GENOPS_OPTION_SIZE, AT(room), "64MiB"},
    {"max_cost", GENOPS_OPTION_MONEY, AT(cost), "10.0", 0, 1000, .aliases = old_names},
    {"tags", GENOPS_OPTION_LIST, AT(tags), "a, b"},
    {"headers", GENOPS_OPTION_MAP, AT(headers), NULL},
    {"rest", GENOPS_OPTION_CUSTOM, 0, "not read"},
    {NULL},
};

static int set(struct sample *sample, struct genops_arena *arena, const char *name, const char *text,
    struct genops_error *err)
{
	const struct genops_option *row = genops_option_find(rows, genops_str_of(name));
	assert_non_null(row);
	return genops_option_set(row, sample, genops_str_of(text), arena, err);
}

static void defaults_fill_every_field(void **state)
{
	struct genops_arena arena;
	struct sample s = {.left_alone = 3};
	genops_arena_init(&arena, 1 << 16);
	assert_int_equal(genops_option_defaults(rows, &s, &arena, NULL), GENOPS_OK);
	assert_true(s.is_on);
	assert_int_equal(s.count, 7);
	assert_true(s.ratio > 0.49 && s.ratio < 0.51);
	assert_true(genops_str_is(s.title, "none"));
	assert_int_equal(s.colour, 1);
	assert_int_equal(s.wait, INT64_C(2000000000));
	assert_int_equal(s.room, 64 << 20);
	assert_int_equal(s.cost, INT64_C(10000000000));
	assert_int_equal(s.tags.n, 2);
	assert_true(genops_str_is(s.tags.items[1], "b"));
	assert_int_equal(s.headers.n, 0);
	assert_int_equal(s.left_alone, 3);
	genops_arena_done(&arena);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} cases[] = {{"300s", INT64_C(300000000000)}, {"30 days", INT64_C(2592000000000000)}, {"5m", INT64_C(300000000000)}, {"2h", INT64_C(7200000000000)},
	    {"1d", INT64_C(86400000000000)}, {"250ms", 250000000}, {"10us", 10000}, {"7ns", 7}, {"30", INT64_C(30000000000)},
	    {"0", 0}, {"1.5h", INT64_C(5400000000000)}, {"0.1", 100000000}, {" 2 min ", INT64_C(120000000000)},
	    {"", -1}, {"s", -1}, {"-1s", -1}, {"1 fortnight", -1}, {"1e30s", -1}, {"999999d99", -1}, {"9999999999999999d", -1}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t ns = -1;
		assert_int_equal(genops_option_parse_duration(genops_str_of(cases[i].text), &ns), cases[i].ns >= 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} cases[] = {{"64MiB", 64 << 20}, {"500MB", 500000000}, {"10k", 10000}, {"0", 0}, {"123", 123}, {"1.5KiB", 1536},
	    {"2GiB", INT64_C(2) << 30}, {"1t", INT64_C(1000000000000)}, {"5EB", -1}, {"MB", -1}, {"-1", -1}, {"9999999999t", -1}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t bytes = -1;
		assert_int_equal(genops_option_parse_size(genops_str_of(cases[i].text), &bytes), cases[i].bytes >= 0);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void money_is_exact_and_rounds_half_to_even(void **state)
{
	static const struct {
		const char *text;
		int64_t nano;
	} cases[] = {{"10", INT64_C(10000000000)}, {"0.1", 100000000}, {"0.0375", 37500000}, {"1e-6", 1000}, {"1e2", INT64_C(100000000000)},
	    {"0.0000000005", 0}, {"0.0000000015", 2}, {"0.0000000025", 2}, {"0.00000000250000000000000000000000000000000000001", 3},
	    {"1e-400", 0}, {"4e-10", 0}, {"6e-10", 1}, {"0.00000000049999", 0}, {"0e99", 0}, {".5", 500000000}};
	static const char *const bad[] = {"", "-1", "+1", "1 USD", "ten", "1001", "1e400", "nan", "0x10", "1,5",
	    "99999999999999999999999999999999999999999999999999999999999"};
	struct sample s = {0};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		s.cost = -1;
		assert_int_equal(set(&s, NULL, "max_cost", cases[i].text, NULL), GENOPS_OK);
		assert_int_equal(s.cost, cases[i].nano);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		s.cost = 77;
		assert_int_equal(set(&s, NULL, "max_cost", bad[i], NULL), GENOPS_CONFIG);
		assert_int_equal(s.cost, 77);
	}
}

static void says(const char *name, const char *text, const char *message, const char *fix)
{
	struct sample s = {0}, before = {0};
	struct genops_error err = {0};
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 16);
	assert_int_equal(set(&s, &arena, name, text, &err), GENOPS_CONFIG);
	assert_string_equal(err.message, message);
	assert_string_equal(err.fix, fix);
	assert_memory_equal(&s, &before, sizeof s);
	genops_arena_done(&arena);
}

static void wrong_values_say_what_would_be_right(void **state)
{
	says("is_on", "maybe", "is_on: \"maybe\" is not true or false", "");
	says("count", "1.5", "count: \"1.5\" is not a whole number", "");
	says("count", "0", "count: it must be from 1 to 100", "");
	says("ratio", "x", "ratio: \"x\" is not a number", "");
	says("ratio", "1e999", "ratio: \"1e999\" is not a number", "");
	says("ratio", "-0.1", "ratio: it must be from 0 to 1", "");
	says("wait", "0.5s", "wait: it must be at least 1", "");
	says("wait", "soon", "wait: \"soon\" is not a duration like 300s, 5m, 2h, 250ms", "");
	says("room", "big", "room: \"big\" is not a size like 64MiB, 500MB, 10k", "");
	says("max_cost", "-5", "max_cost: \"-5\" is not an amount in USD like 10.0, not negative", "");
	says("max_cost", "1000.5", "max_cost: it must be from 0 to 1000", "");
	says("colour", "gren", "colour: \"gren\" is not one of red, green, blue", "did you mean \"green\"?");
	says("colour", "mauve", "colour: \"mauve\" is not one of red, green, blue", "");
	says("headers", "a", "headers: \"a\" is not a mapping of names to texts", "");
}

/* proves CORE-052 for option values */
static void a_secret_is_in_no_message(void **state)
{
	struct sample s = {0};
	struct genops_error err = {0};
	assert_int_equal(set(&s, NULL, "token", "sk-MARKER", &err), GENOPS_CONFIG);
	assert_null(strstr(err.message, "MARKER"));
	assert_null(strstr(err.fix, "MARKER"));
	struct genops_option quiet = *genops_option_find(rows, GENOPS_STR("colour"));
	quiet.is_secret = true;
	assert_int_equal(genops_option_set(&quiet, &s, GENOPS_STR("sk-MARKER"), NULL, &err), GENOPS_CONFIG);
	assert_string_equal(err.message, "colour: this value is not one of red, green, blue");
}

static void lists_and_maps(void **state)
{
	struct genops_arena arena;
	struct sample s = {0};
	genops_arena_init(&arena, 1 << 16);
	assert_int_equal(set(&s, &arena, "tags", " gpt-4 ,, claude-3,", NULL), GENOPS_OK);
	assert_int_equal(s.tags.n, 2);
	assert_true(genops_str_is(s.tags.items[0], "gpt-4"));
	assert_true(genops_str_is(s.tags.items[1], "claude-3"));
	assert_int_equal(set(&s, &arena, "tags", "", NULL), GENOPS_OK);
	assert_int_equal(s.tags.n, 0);
	assert_int_equal(set(&s, &arena, "headers", "a=1, b = c=d ,", NULL), GENOPS_OK);
	assert_int_equal(s.headers.n, 2);
	assert_true(genops_str_is(s.headers.items[1].key, "b"));
	assert_true(genops_str_is(s.headers.items[1].value, "c=d"));
	genops_str items[] = {GENOPS_STR("x,y"), GENOPS_STR("  ")};
	assert_int_equal(genops_option_set_items(genops_option_find(rows, GENOPS_STR("tags")), &s, items, 2, &arena, NULL), GENOPS_OK);
	assert_int_equal(s.tags.n, 1);
	assert_true(genops_str_is(s.tags.items[0], "x,y"));
	genops_arena_done(&arena);
}

static void no_memory_is_told(void **state)
{
	static const char *const names[] = {"title", "tags", "headers"};
	for (size_t i = 0; i < 3; i++) {
		struct sample s = {0}, before = {0};
		struct genops_arena arena;
		genops_arena_init(&arena, 8);
		assert_int_equal(set(&s, &arena, names[i], "some=text, that=does, not=fit", NULL), GENOPS_NOMEM);
		assert_memory_equal(&s, &before, sizeof s);
		genops_arena_done(&arena);
	}
}

static void names(void **state)
{
	assert_ptr_equal(genops_option_find(rows, GENOPS_STR("price")), genops_option_find(rows, GENOPS_STR("max_cost")));
	assert_null(genops_option_find(rows, GENOPS_STR("cost")));
	assert_null(genops_option_find(rows, GENOPS_STR("")));
	assert_string_equal(genops_option_nearest(rows, GENOPS_STR("max_cots")), "max_cost");
	assert_string_equal(genops_option_nearest(rows, GENOPS_STR("pricee")), "price");
	assert_null(genops_option_nearest(rows, GENOPS_STR("something_else")));
	struct genops_error err;
	assert_int_equal(genops_option_set(genops_option_find(rows, GENOPS_STR("rest")), NULL, GENOPS_STR("x"), NULL, &err), GENOPS_MISUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_fill_every_field),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(money_is_exact_and_rounds_half_to_even),
	    cmocka_unit_test(wrong_values_say_what_would_be_right),
	    cmocka_unit_test(a_secret_is_in_no_message),
	    cmocka_unit_test(lists_and_maps),
	    cmocka_unit_test(no_memory_is_told),
	    cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
