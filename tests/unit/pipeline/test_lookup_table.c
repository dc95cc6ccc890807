/* SPDX-License-Identifier: Apache-2.0
 * test_lookup_table.c - CSV as RFC 4180 has it, what is refused and where; rows found by one and several columns, with and without case; the
 * last of several rows; two threads that ask at once; every allocation failing.
 * Proves CRB-313 in part, CRB-315..319, CRB-321, CRB-323, CRB-325, CRB-327. */
#include "pipeline/lookup_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "failing_alloc.h"

static struct genops_lookup_settings settings_of(const genops_str *keys, size_t n_keys, bool is_case_sensitive)
{
	return (struct genops_lookup_settings){.id = GENOPS_STR("t"), .is_case_sensitive = is_case_sensitive, .n_keys = n_keys, .keys = keys};
}

static struct genops_lookup_table *parse(const struct genops_lookup_settings *settings, const char *csv)
{
	struct genops_lookup_table *table;
	struct genops_error err = {0};
	if (genops_lookup_table_parse(settings, genops_str_of(csv), &table, &err) != GENOPS_OK)
		fail_msg("%d: %s", err.line, err.message);
	return table;
}

/* The cells that come out, with | behind each; "-": no row; "!": no such question. */
static const char *ask(struct genops_lookup_table *table, const char *keys, const char *outputs, const char *texts)
{
	static char answer[512];
	genops_str names[2][16], values[16], rest[3] = {genops_str_of(keys), genops_str_of(outputs), genops_str_of(texts)};
	size_t n[3] = {0};
	for (int i = 0; i < 3; i++) {
		while (rest[i].len)
			(i < 2 ? names[i] : values)[n[i]++] = genops_str_split(&rest[i], ' ');
	}
	struct genops_lookup_question question = {n[0], n[1], names[0], names[1], 0};
	const struct genops_lookup_view *view;
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 16);
	genops_lookup_question_init(&question);
	answer[0] = '\0';
	if (genops_lookup_table_view(table, &question, &view, NULL) != GENOPS_OK)
		return strcpy(answer, "!");
	const genops_str *cells = genops_lookup_view_find(view, &arena, values);
	for (size_t i = 0; cells && i < genops_lookup_view_n_outputs(view); i++)
		snprintf(answer + strlen(answer), sizeof answer - strlen(answer), "%.*s|", GENOPS_STR_ARG(cells[i]));
	genops_arena_done(&arena);
	return cells ? answer : strcpy(answer, "-");
}

static const char customers[] = "customer_id,budget_limit,budget_tier\nenterprise-123,10000.00,enterprise\nStraße,5,growth\nstartup-789,500.00,growth\n"
				"startup-789,600.00,second\n";

static void rows_are_found(void **state)
{
	static const genops_str key[] = {{"customer_id", 11}};
	struct genops_lookup_settings settings = settings_of(key, 1, false);
	struct genops_lookup_table *table = parse(&settings, customers);
	assert_int_equal(genops_lookup_table_n_rows(table), 4);
	assert_string_equal(ask(table, "any", "budget_tier budget_limit", "enterprise-123"), "enterprise|10000.00|");
	assert_string_equal(ask(table, "any", "budget_tier", "ENTERPRISE-123"), "enterprise|");
	assert_string_equal(ask(table, "any", "budget_tier", "STRAßE"), "growth|");
	assert_string_equal(ask(table, "any", "budget_limit", "startup-789"), "600.00|");
	assert_string_equal(ask(table, "any", "budget_limit", "startup-78"), "-");
	assert_string_equal(ask(table, "any", "", "enterprise-123"), "10000.00|enterprise|");
	assert_string_equal(ask(table, "any", "none", "enterprise-123"), "!");
	assert_string_equal(ask(table, "a b", "budget_tier", "enterprise-123 10000.00"), "!"); /* key_field has one */
	assert_string_equal(ask(table, "a b c d", "budget_tier", "1 2 3 4"), "!");
	genops_lookup_table_unref(table);
	settings.is_case_sensitive = true;
	table = parse(&settings, customers);
	assert_string_equal(ask(table, "any", "budget_tier", "ENTERPRISE-123"), "-");
	assert_string_equal(ask(table, "any", "budget_tier", "enterprise-123"), "enterprise|");
	genops_lookup_table_unref(table);
}

static void several_columns(void **state)
{
	static const char prices[] = "provider,model,input,output\nopenai,gpt-4,0.03,0.06\nopenai,gpt-4-turbo,0.01,0.03\nanthropic,claude,0.015,0.075\n";
	struct genops_lookup_settings settings = settings_of(NULL, 0, false);
	struct genops_lookup_table *table = parse(&settings, prices);
	/* by position, as no field is called like a column; and by names, in any order */
	assert_string_equal(ask(table, "cost_provider cost_model", "input output", "openai gpt-4"), "0.03|0.06|");
	assert_string_equal(ask(table, "cost_provider cost_model", "input", "anthropic gpt-4"), "-");
	assert_string_equal(ask(table, "model provider", "input", "claude anthropic"), "0.015|");
	assert_string_equal(ask(table, "model", "", "gpt-4"), "openai|0.03|0.06|");
	genops_lookup_table_unref(table);
	static const genops_str keys[] = {{"provider", 8}, {"model", 5}}, outputs[] = {{"input", 5}};
	settings = settings_of(keys, 2, false);
	settings.n_outputs = 1;
	settings.outputs = outputs;
	table = parse(&settings, prices);
	assert_string_equal(ask(table, "a b", "", "anthropic claude"), "0.015|");
	assert_string_equal(ask(table, "model provider", "input", "claude anthropic"), "0.015|");
	assert_string_equal(ask(table, "a b", "output", "anthropic claude"), "!"); /* not among output_fields */
	assert_string_equal(ask(table, "input", "", "0.03"), "!");                 /* not in key_field */
	genops_lookup_table_unref(table);
}

static void csv_is_rfc_4180(void **state)
{
	struct genops_lookup_settings settings = settings_of(NULL, 0, true);
	struct genops_lookup_table *table = parse(&settings, "\xef\xbb\xbfk,a,b\r\nx,\"one, two\",\"say \"\"hi\"\"\"\r\n\r\ny,#not a comment\r\nz,\"two\nlines\",");
	assert_int_equal(genops_lookup_table_column(table, GENOPS_STR("k")), 0);
	assert_int_equal(genops_lookup_table_column(table, GENOPS_STR("none")), SIZE_MAX);
	assert_string_equal(ask(table, "k", "a b", "x"), "one, two|say \"hi\"|");
	assert_string_equal(ask(table, "k", "a b", "y"), "#not a comment||");
	assert_string_equal(ask(table, "k", "a b", "z"), "two\nlines||");
	genops_lookup_table_unref(table);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *csv;
		int code, line;
		const char *says;
	} rows[] = {
	    {"", GENOPS_SYNTAX, 0, "empty"},
	    {"\n\n", GENOPS_SYNTAX, 0, "empty"},
	    {"k,v\na,b,c\n", GENOPS_SYNTAX, 2, "3 fields"},
	    {"k,v\n\"a\nb\",1\nc,d,e\n", GENOPS_SYNTAX, 4, "3 fields"},
	    {"k,v\nx,\"open\n", GENOPS_SYNTAX, 2, "no end"},
	    {"k,v\nx,\"a\"b\n", GENOPS_SYNTAX, 2, "behind"},
	    {"k,k\n", GENOPS_SYNTAX, 1, "two columns"},
	    {"k,v\n\xff,1\n", GENOPS_SYNTAX, 0, "UTF-8"},
	    {"other,v\nx,1\n", GENOPS_NOT_FOUND, 0, "key_field"},
	};
	static const genops_str key[] = {{"k", 1}};
	struct genops_lookup_settings settings = settings_of(key, 1, false);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_lookup_table *table = NULL;
		struct genops_error err = {0};
		assert_int_equal(genops_lookup_table_parse(&settings, genops_str_of(rows[i].csv), &table, &err), rows[i].code);
		assert_null(table);
		if (err.line != rows[i].line || !strstr(err.message, rows[i].says))
			fail_msg("%zu: %d: %s", i, err.line, err.message);
	}
}

static void views_are_bounded(void **state)
{
	struct genops_lookup_settings settings = settings_of(NULL, 0, false);
	struct genops_lookup_table *table = parse(&settings, "k,a\nx,1\n");
	char name[16];
	const char *answer = "";
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "field%d", i);
		answer = ask(table, name, "a", "x");
	}
	assert_string_equal(answer, "!");
	assert_string_equal(ask(table, "field1", "a", "x"), "1|");
	genops_lookup_table_unref(table);
}

static void *ask_often(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		genops_str keys[] = {GENOPS_STR("f")}, outputs[] = {GENOPS_STR("a")}, values[] = {GENOPS_STR("X")};
		struct genops_lookup_question question = {1, 1, keys, outputs, 0};
		const struct genops_lookup_view *view;
		struct genops_arena arena;
		genops_arena_init(&arena, 1 << 16);
		genops_lookup_question_init(&question);
		if (genops_lookup_table_view(arg, &question, &view, NULL) != GENOPS_OK || !genops_lookup_view_find(view, &arena, values))
			return arg;
		genops_arena_done(&arena);
	}
	return NULL;
}

static void threads_ask_at_once(void **state)
{
	struct genops_lookup_settings settings = settings_of(NULL, 0, false);
	for (int round = 0; round < 20; round++) {
		struct genops_lookup_table *table = parse(&settings, "k,a\nx,1\n");
		pthread_t threads[2];
		void *result;
		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, ask_often, table), 0);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(pthread_join(threads[i], &result), 0);
			assert_null(result);
		}
		genops_lookup_table_unref(table);
	}
}

static void by_id(void **state)
{
	struct genops_lookup_settings settings = settings_of(NULL, 0, false);
	struct genops_lookup_table *table = parse(&settings, "k,a\nx,1\n");
	struct genops_lookups *lookups = genops_lookups_new();
	assert_int_equal(genops_lookups_add(lookups, GENOPS_STR("prices"), table, NULL), GENOPS_OK);
	assert_int_equal(genops_lookups_add(lookups, GENOPS_STR("prices"), table, NULL), GENOPS_EXISTS);
	genops_lookup_table_unref(table);
	assert_ptr_equal(genops_lookups_find(lookups, GENOPS_STR("prices")), table);
	assert_null(genops_lookups_find(lookups, GENOPS_STR("price")));
	assert_string_equal(genops_lookups_nearest(lookups, GENOPS_STR("price")), "prices");
	genops_lookups_free(lookups);
}

static void out_of_memory_is_an_error(void **state)
{
	if (!FAILING_ALLOC)
		skip();
	static const genops_str key[] = {{"customer_id", 11}};
	struct genops_lookup_settings settings = settings_of(key, 1, false);
	for (long n = 0;; n++) {
		struct genops_lookup_table *table = NULL;
		struct genops_error err = {0};
		allocs_left = n;
		int code = genops_lookup_table_parse(&settings, genops_str_of(customers), &table, &err);
		const char *answer = code == GENOPS_OK ? ask(table, "any", "budget_tier", "ENTERPRISE-123") : "";
		bool is_done = strcmp(answer, "enterprise|") == 0;
		allocs_left = -1;
		assert_true(is_done || code == GENOPS_NOMEM || strcmp(answer, "!") == 0 || strcmp(answer, "-") == 0);
		genops_lookup_table_unref(table);
		if (is_done)
			break;
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_found),
	    cmocka_unit_test(several_columns),
	    cmocka_unit_test(csv_is_rfc_4180),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(views_are_bounded),
	    cmocka_unit_test(threads_ask_at_once),
	    cmocka_unit_test(by_id),
	    cmocka_unit_test(out_of_memory_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
