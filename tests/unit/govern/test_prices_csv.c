/* SPDX-License-Identifier: Apache-2.0
 * The guides' price table. Proves CRB-323 for the catalogue (the literal CSV of the guide) and part
 * of CORE-027. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/prices.h"

static struct genops_prices *read(const char *text, struct genops_error *err)
{
	struct genops_prices_source source = {
	    "prices.csv", genops_str_of(text), GENOPS_PRICES_DETECT};
	return genops_prices_new(&source, 1, err);
}

static void the_guides_table_is_read(void **state)
{
	struct genops_prices *prices =
	    read("provider,model,input_cost_per_1k,output_cost_per_1k,context_window\n"
		 "openai,gpt-4,0.03,0.06,8192\n"
		 "openai,gpt-4-turbo,0.01,0.03,128000\n"
		 "anthropic,claude-3-opus,0.015,0.075,200000\n"
		 "anthropic,claude-3-sonnet,0.003,0.015,200000\n",
		NULL);
	assert_non_null(prices);
	assert_int_equal(genops_prices_count(prices), 4);
	const struct genops_price *row = genops_prices_at(prices, 3);
	assert_true(genops_str_is(row->model, "claude-3-sonnet"));
	assert_int_equal(row->max_input_tokens, 200000);
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_INPUT], INT64_C(3000000000));
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_OUTPUT], INT64_C(15000000000));
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_CACHE_READ], GENOPS_RATE_NONE);
	assert_true(genops_str_is(row->source, "prices.csv"));
	struct genops_usage usage = {.input_tokens = 500, .output_tokens = 300};
	assert_int_equal(
	    genops_prices_quote(genops_prices_at(prices, 0), &usage).total_nano_usd, 33000000);
	genops_prices_unref(prices);
}

static void what_spreadsheets_make_of_it_is_read(void **state)
{
	struct genops_prices *prices =
	    read("\xEF\xBB\xBF\"Model\",notes,PROVIDER,output_cost_per_1k, input_cost_per_1k ,"
		 "cache_read_cost_per_1k,currency\r\n"
		 "\r\n# a remark\r\n"
		 "\"a, \"\"b\"\"\",\"x,y\",acme,2e-3,.001,0.0001,usd\r\n"
		 "last,,acme,0,0,,",
		NULL);
	assert_non_null(prices);
	assert_int_equal(genops_prices_count(prices), 2);
	const struct genops_price *row = genops_prices_at(prices, 0);
	assert_true(genops_str_is(row->model, "a, \"b\""));
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_INPUT], 1000000000);
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_OUTPUT], 2000000000);
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_CACHE_READ], 100000000);
	assert_int_equal(
	    genops_prices_at(prices, 1)->cards[0].nano_per_million[GENOPS_RATE_INPUT], 0);
	genops_prices_unref(prices);
}

static void errors_name_their_line(void **state)
{
#define HEAD "provider,model,input_cost_per_1k,output_cost_per_1k,context_window\n"
	static const struct {
		const char *text, *says;
		int line;
	} cases[] = {
	    {"", "empty", 1},
	    {"provider,model,input_cost_per_1k\nopenai,gpt-4,1\n", "output_cost_per_1k", 1},
	    {HEAD "openai,gpt-4,0.03,0.06,8192\nopenai,x,three,0.06,8192\n",
		"\"three\" is not a price", 3},
	    {HEAD "openai,gpt-4,-0.03,0.06,8192\n", "is not a price", 2},
	    {HEAD "openai,gpt-4,0.03,,8192\n", "missing", 2},
	    {HEAD "openai,gpt-4,0.03\n", "missing", 2},
	    {HEAD "openai,,0.03,0.06,8192\n", "no model", 2},
	    {HEAD "\n\n,gpt-4,0.03,0.06,8192\n", "no provider", 4},
	    {HEAD "openai,gpt-4,0.03,0.06,8k\n", "not a number of tokens", 2},
	    {HEAD "openai,\"gpt-4,0.03,0.06,8192\n", "quoted", 2},
	    {HEAD "openai,\"gpt-4\"x,0.03,0.06,8192\n", "quoted", 2},
	    {"provider,model,input_cost_per_1k,output_cost_per_1k,currency\na,b,1,1,EUR\n", "EUR",
		2},
	    {"provider,model,input_cost_per_1k,output_cost_per_1k,valid_from\na,b,1,1,20.11.2026\n",
		"date", 2},
	    {HEAD "openai,\xff,0.03,0.06,8192\n", "UTF-8", 2},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_error err = {0};
		assert_null(read(cases[i].text, &err));
		assert_int_equal(err.code, GENOPS_CONFIG);
		assert_string_equal(err.file, "prices.csv");
		assert_int_equal(err.line, cases[i].line);
		if (genops_str_find(genops_str_of(err.message), genops_str_of(cases[i].says)) ==
		    SIZE_MAX)
			fail_msg("case %zu: %s", i, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_guides_table_is_read),
	    cmocka_unit_test(what_spreadsheets_make_of_it_is_read),
	    cmocka_unit_test(errors_name_their_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
