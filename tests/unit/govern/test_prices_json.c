/* SPDX-License-Identifier: Apache-2.0
 * GenOps' own price format: every field, and errors with their lines. */
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
	    "p.json", genops_str_of(text), GENOPS_PRICES_OWN_JSON};
	return genops_prices_new(&source, 1, err);
}

static void every_field_is_read(void **state)
{
	struct genops_prices *prices = read(
	    "[{\"provider\": \"acme\", \"source\": \"https://acme/prices\", \"source_date\": \"2026-01-02\", \"prices\": [\n"
	    "{\"model\": \"m\", \"aliases\": [\"n\", \"o\"], \"mode\": \"embedding\", \"valid_from\": \"1970-01-02\",\n"
	    " \"valid_until\": \"2000-03-01\", \"max_input_tokens\": 10, \"max_output_tokens\": 20, \"cards\": [\n"
	    " {\"input\": 2.5, \"output\": 1e1, \"web_search\": 10000},\n"
	    " {\"tier\": \"flex\", \"above\": 200000, \"input\": 0.000000001}]}]},\n"
	    " {\"provider\": \"acme\", \"prices\": [{\"model\": \"free\", \"cards\": [{\"input\": 0}]}]}]",
	    NULL);
	assert_non_null(prices);
	assert_int_equal(genops_prices_count(prices), 2);
	const struct genops_price *row = genops_prices_at(prices, 0);
	assert_true(genops_str_is(row->source, "https://acme/prices"));
	assert_true(genops_str_is(row->source_date, "2026-01-02"));
	assert_true(genops_str_is(row->mode, "embedding"));
	assert_int_equal(row->valid_from_unix_s, 86400);
	assert_int_equal(row->valid_until_unix_s, 951868800);
	assert_int_equal(row->max_input_tokens, 10);
	assert_int_equal(row->max_output_tokens, 20);
	assert_int_equal(row->n_cards, 2);
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_INPUT], 2500000000);
	assert_int_equal(row->cards[0].nano_per_million[GENOPS_RATE_OUTPUT], 10000000000);
	assert_int_equal(
	    row->cards[0].nano_per_million[GENOPS_RATE_WEB_SEARCH], INT64_C(10000000000000));
	assert_int_equal(row->cards[1].tier, GENOPS_TIER_FLEX);
	assert_int_equal(row->cards[1].input_tokens_above, 200000);
	assert_int_equal(row->cards[1].nano_per_million[GENOPS_RATE_INPUT], 1);
	assert_ptr_equal(
	    genops_prices_find(prices, GENOPS_STR("acme"), GENOPS_STR("o"), 951868799), row);
	genops_prices_unref(prices);
}

static void errors_name_their_line(void **state)
{
	static const struct {
		const char *text;
		int line, code;
	} cases[] = {
	    {"{\"provider\": \"a\", \"prices\": [\n{\"model\": \"m\",\n\"cards\": [{\"input\": \"x\"}]}]}",
		3, GENOPS_CONFIG},
	    {"{\"provider\": \"a\", \"prices\": [\n{\"model\": \"m\",\n\"cards\": [{\"input\": -1}]}]}",
		3, GENOPS_CONFIG},
	    {"{\"provider\": \"a\", \"prices\": [{\"model\": \"m\",\n \"cards\": []}]}", 2,
		GENOPS_CONFIG},
	    {"{\"provider\": \"a\", \"prices\": [{\"model\": \"m\",\n \"cards\": [{\"inptu\": 1}]}]}",
		2, GENOPS_CONFIG},
	    {"{\"provider\": \"a\", \"prices\": [{\"cards\": [{\"input\": 1}]}]}", 1,
		GENOPS_CONFIG},
	    {"{\"prices\": [{\"model\": \"m\", \"cards\": [{\"input\": 1}]}], \"provider\": \"a\"}",
		1, GENOPS_CONFIG},
	    {"{\"provider\": \"a\", \"prices\": [{\"valid_from\": \"soon\"}]}", 1, GENOPS_CONFIG},
	    {"{\"provider\": \"a\", \"prices\": [{\"max_input_tokens\": -1}]}", 1, GENOPS_CONFIG},
	    {"{\"provider\": \"a\", \"prices\": [{\"cards\": [{\"tier\": \"gold\"}]}]}", 1,
		GENOPS_CONFIG},
	    {"{\"provider\": \"a\",\n\n\"prices\": [}", 3, GENOPS_SYNTAX},
	    {"{\"provider\": \"a\",\n\"provider\": \"b\"}", 2, GENOPS_SYNTAX},
	    {"{\"provider\": \"a\",\n", 2, GENOPS_SYNTAX},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_error err = {0};
		assert_null(read(cases[i].text, &err));
		assert_string_equal(err.file, "p.json");
		if (err.line != cases[i].line || err.code != cases[i].code)
			fail_msg(
			    "case %zu: line %d, code %d, %s", i, err.line, err.code, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_field_is_read),
	    cmocka_unit_test(errors_name_their_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
