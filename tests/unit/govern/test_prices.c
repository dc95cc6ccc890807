/* SPDX-License-Identifier: Apache-2.0
 * The catalogue: what is shipped, finding under many names, validity, ceilings, references. Proves
 * CORE-027. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/prices.h"

#include <genops/operation.h>

#include <stdio.h>
#include <stdlib.h>

#define NOW INT64_C(1792540800) /* 2026-10-21 */

static struct genops_prices *shipped;

static struct genops_prices *make(const char *text, const char *more)
{
	struct genops_prices_source sources[] = {
	    {"first", genops_str_of(text), GENOPS_PRICES_DETECT},
	    {"second", genops_str_of(more), GENOPS_PRICES_DETECT}};
	struct genops_error err;
	struct genops_prices *prices = genops_prices_new(sources, more ? 2 : 1, &err);
	if (!prices)
		fail_msg("%s:%d: %s", err.file, err.line, err.message);
	return prices;
}

static int setup(void **state)
{
	struct genops_prices_source source = {
	    "shipped", genops_prices_shipped(), GENOPS_PRICES_OWN_JSON};
	struct genops_error err;
	shipped = genops_prices_new(&source, 1, &err);
	if (!shipped)
		print_error("%s:%d: %s\n", err.file, err.line, err.message);
	return shipped ? 0 : -1;
}

static int teardown(void **state)
{
	genops_prices_unref(shipped);
	return 0;
}

static const struct genops_price *find(const char *provider, const char *model)
{
	return genops_prices_find(shipped, genops_str_of(provider), genops_str_of(model), NOW);
}

static int64_t cost(const char *provider, const char *model, struct genops_usage usage)
{
	const struct genops_price *price = find(provider, model);
	assert_non_null(price);
	assert_false(price->is_ceiling);
	struct genops_quote quote = genops_prices_quote(price, &usage);
	assert_int_equal(quote.total_nano_usd, quote.input_nano_usd + quote.output_nano_usd);
	return quote.total_nano_usd;
}

static void the_guides_prices_hold(void **state)
{
	struct genops_usage usage = {.input_tokens = 500, .output_tokens = 300};
	assert_int_equal(cost("openai", "gpt-4", usage), 33000000); /* 0.015 + 0.018 */
	usage = (struct genops_usage){.input_tokens = 1000, .output_tokens = 1000};
	assert_int_equal(cost("openai", "gpt-4-turbo", usage), 40000000);
	assert_int_equal(cost("anthropic", "claude-3-opus", usage), 90000000);
	assert_int_equal(cost("anthropic", "claude-3-sonnet", usage), 18000000);
	assert_int_equal(find("openai", "gpt-4")->max_input_tokens, 8192);
	assert_int_equal(find("openai", "gpt-4-turbo")->max_input_tokens, 128000);
	assert_int_equal(find("anthropic", "claude-3-opus")->max_input_tokens, 200000);
	assert_int_equal(find("anthropic", "claude-3-sonnet")->max_input_tokens, 200000);
}

static void known_answers(void **state)
{
	/* The tier of a long context takes the whole call: 0.6 M * 6 + 0.4 M * 0.6 + 0.1 M *
	 * 22.5. */
	struct genops_usage usage = {
	    .input_tokens = 1000000, .cache_read_tokens = 400000, .output_tokens = 100000};
	assert_int_equal(cost("anthropic", "claude-sonnet-4-5", usage), INT64_C(6090000000));
	usage = (struct genops_usage){.input_tokens = 200000, .output_tokens = 0};
	assert_int_equal(cost("anthropic", "claude-sonnet-4-5", usage), 600000000); /* not above */
	usage.input_tokens++;
	assert_int_equal(cost("anthropic", "claude-sonnet-4-5", usage), 1200006000);
	/* Caches: 5 minutes 1.25 of input, 1 hour 2, read 0.1. */
	usage = (struct genops_usage){.input_tokens = 4000,
	    .cache_write_5m_tokens = 1000,
	    .cache_write_1h_tokens = 1000,
	    .cache_read_tokens = 1000};
	assert_int_equal(cost("anthropic", "claude-haiku-4-5-20251001", usage), 4350000);
	usage = (struct genops_usage){
	    .input_tokens = 1497, .cache_read_tokens = 1408, .output_tokens = 1037};
	assert_int_equal(
	    cost("openai", "gpt-4o-mini-2024-07-18", usage), 89 * 150 + 1408 * 75 + 1037 * 600);
	usage.tier = GENOPS_TIER_PRIORITY;
	assert_int_equal(cost("openai", "gpt-4o", usage), 89 * 4250 + 1408 * 2125 + 1037 * 17000);
	usage = (struct genops_usage){.input_tokens = 1000,
	    .audio_input_tokens = 600,
	    .output_tokens = 10,
	    .reasoning_tokens = 4};
	assert_int_equal(
	    cost("gemini", "gemini-2.5-flash", usage), 400 * 300 + 600 * 1000 + 10 * 2500);
	usage = (struct genops_usage){.characters = 100};
	assert_int_equal(cost("openai", "tts-1", usage), 1500000);
	usage = (struct genops_usage){.audio_ms = 90000};
	assert_int_equal(cost("openai", "whisper-1", usage), 9000000);
	usage = (struct genops_usage){.images = 3};
	assert_int_equal(cost("openai", "dall-e-3", usage), 120000000);
	usage = (struct genops_usage){.input_tokens = 17, .output_tokens = 63};
	assert_int_equal(cost("ollama", "llama3", usage), 0);
	assert_int_equal(cost("ollama", "gemma3:1b", usage), 0);
}

static void prices_have_a_past(void **state)
{
	struct genops_usage usage = {.input_tokens = 1000000};
	genops_str openai = GENOPS_STR("openai"), o3 = GENOPS_STR("o3");
	int64_t day = 1749513600; /* 2025-06-10 */
	assert_int_equal(
	    genops_prices_quote(genops_prices_find(shipped, openai, o3, day - 1), &usage)
		.total_nano_usd,
	    10000000000);
	assert_int_equal(genops_prices_quote(genops_prices_find(shipped, openai, o3, day), &usage)
			     .total_nano_usd,
	    2000000000);
}

static void names_lead_to_the_same_price(void **state)
{
	static const char *const same[][4] = {
	    {"openai", "gpt-4o-2024-08-06", "openai", "gpt-4o"},
	    {"OpenAI", "GPT-4o", "openai", "gpt-4o"},
	    {"azure_openai", "gpt-4.1-mini-2025-04-14", "openai", "gpt-4.1-mini"},
	    {"openai", "gpt-4-0613", "openai", "gpt-4"},
	    {"openai", "gpt-4-1106-vision-preview", "openai", "gpt-4-turbo"},
	    {"anthropic", "claude-3-5-haiku-20241022", "anthropic", "claude-3-5-haiku-latest"},
	    {"anthropic", "claude-3-opus-20240229", "anthropic", "claude-3-opus"},
	    {"anthropic", "claude-instant-1.2", "anthropic", "claude-instant-1"},
	    {"google", "models/gemini-2.5-flash", "gemini", "gemini-2.5-flash"},
	    {"gemini", "gemini-2.0-flash-exp", "gemini", "gemini-2.0-flash"},
	    {"gemini", "gemini-2.0-flash-001", "gemini", "gemini-2.0-flash"},
	    {"vertex", "publishers/google/models/gemini-2.5-flash", "gemini", "gemini-2.5-flash"},
	    {"vertex_ai", "claude-3-5-sonnet@20240620", "anthropic", "claude-3-5-sonnet"},
	    {"bedrock",
		"arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
		"bedrock", "us.anthropic.claude-3-7-sonnet-20250219-v1:0"},
	    {"aws.bedrock", "eu.amazon.nova-micro-v1:0", "bedrock", "eu.amazon.nova-micro-v1:0"},
	    {"bedrock", "me.meta.llama3-2-1b-instruct-v1:0", "bedrock",
		"meta.llama3-2-1b-instruct-v1:0"},
	    {"bedrock", "claude-3-sonnet-20240229", "anthropic", "claude-3-sonnet"},
	    {"together_ai", "mistralai/mixtral-8x7b-instruct-v0.1", "together",
		"mistralai/Mixtral-8x7B-Instruct-v0.1"},
	    {"openrouter", "openai/gpt-4o-2024-08-06", "openrouter", "openai/gpt-4o-2024-08-06"},
	};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		const struct genops_price *a = find(same[i][0], same[i][1]),
					  *b = find(same[i][2], same[i][3]);
		if (!a || !b || a->is_ceiling || a != b)
			fail_msg("%s %s", same[i][0], same[i][1]);
	}
}

static void fine_tuned_models_are_not_priced_as_their_base(void **state)
{
	const struct genops_price *tuned = find("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123");
	assert_non_null(tuned);
	assert_true(genops_str_starts(tuned->model, GENOPS_STR("ft:")) || tuned->is_ceiling);
	assert_true(tuned->cards[0].nano_per_million[GENOPS_RATE_INPUT] >
		    find("openai", "gpt-4o-mini")->cards[0].nano_per_million[GENOPS_RATE_INPUT]);
}

static void an_unknown_model_is_never_free(void **state)
{
	static const char *const unknown[][2] = {{"openai", "gpt-99"},
	    {"azure_openai", "openllmetry-testing"}, {"anthropic", "claude-sonet-4-5"},
	    {"bedrock", "does-not-exist"}, {"gemini", "gemini-3.6-flahs"}, {"groq", ""}};
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		const struct genops_price *ceiling = find(unknown[i][0], unknown[i][1]);
		assert_non_null(ceiling);
		assert_true(ceiling->is_ceiling);
		assert_true(ceiling->cards[0].nano_per_million[GENOPS_RATE_INPUT] > 0);
		assert_true(ceiling->cards[0].nano_per_million[GENOPS_RATE_OUTPUT] > 0);
	}
	assert_null(find("nobody", "gpt-4"));
	const struct genops_price *all = genops_prices_ceiling(shipped, NOW);
	for (size_t i = 0; i < genops_prices_count(shipped); i++) {
		const struct genops_price *row = genops_prices_at(shipped, i);
		if (!genops_str_is(row->mode, "chat") || row->valid_until_unix_s != INT64_MAX)
			continue;
		genops_str none = GENOPS_STR("no such model");
		const struct genops_price *own =
		    genops_prices_find(shipped, row->provider, none, NOW);
		for (int kind = 0; kind < GENOPS_RATE_N; kind++) {
			int64_t rate = row->cards[0].nano_per_million[kind];
			assert_true(own->cards[0].nano_per_million[kind] >= rate);
			assert_true(all->cards[0].nano_per_million[kind] >= rate);
		}
	}
	char name[400];
	memset(name, 'x', sizeof name);
	assert_true(
	    genops_prices_find(shipped, GENOPS_STR("openai"), (genops_str){name, sizeof name}, NOW)
		->is_ceiling);
}

/* Every model of the recorded traffic that was really answered has its own price. */
static void recorded_models_are_priced(void **state)
{
	FILE *file = fopen(RECORDED_DIR "/expected.tsv", "r");
	char line[2048];
	int n = 0;
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	while (fgets(line, sizeof line, file)) {
		genops_str rest = genops_str_of(line), fields[7];
		for (int i = 0; i < 7; i++)
			fields[i] = genops_str_split(&rest, '\t');
		genops_str provider = fields[1], request = fields[5], response = fields[6];
		bool is_deployment = genops_str_is(request, "openllmetry-testing");
		if (!genops_str_is(fields[4], "200"))
			continue;
		genops_str models[] = {is_deployment ? response : request,
		    genops_str_is(response, "-") ? request : response};
		for (int i = 0; i < 2; i++) {
			const struct genops_price *price =
			    genops_prices_find(shipped, provider, models[i], NOW);
			if (!price || price->is_ceiling)
				fail_msg("%.*s %.*s has no price", GENOPS_STR_ARG(provider),
				    GENOPS_STR_ARG(models[i]));
		}
		n++;
	}
	fclose(file);
	assert_true(n > 50);
}

static void each_shipped_row_says_whence(void **state)
{
	assert_true(genops_prices_count(shipped) > 1000);
	for (size_t i = 0; i < genops_prices_count(shipped); i++) {
		const struct genops_price *row = genops_prices_at(shipped, i);
		assert_true(genops_str_starts(row->source, GENOPS_STR("https://")));
		assert_int_equal(row->source_date.len, 10);
		assert_int_equal(row->cards[0].tier, GENOPS_TIER_STANDARD);
		assert_int_equal(row->cards[0].input_tokens_above, 0);
	}
	assert_null(genops_prices_at(shipped, genops_prices_count(shipped)));
}

/* Letters and nothing else: not what stands beside them in ASCII, and no byte of UTF-8. */
static void names_are_compared_without_case(void **state)
{
	struct genops_prices *prices =
	    make("provider,model,input_cost_per_1k,output_cost_per_1k\n"
		 "acme,AbcXYZ@[`{-\xc3\x81,1,1\n", "provider,model,input_cost_per_1k,output_cost_per_1k\nother,o,1,1\n");
	assert_non_null(prices);
	genops_str acme = GENOPS_STR("ACME");
	const struct genops_price *row = genops_prices_find(prices, acme, GENOPS_STR("aBCxyz@[`{-\xc3\x81"), 0);
	assert_non_null(row);
	assert_false(row->is_ceiling);
	static const char *const others[] = {"abcxyz`[`{-\xc3\x81", "abcxyz@{`{-\xc3\x81", "abcxyz@[@{-\xc3\x81",
	    "abcxyz@[`[-\xc3\x81", "abcxyz@[`{-\xc3\xa1", "abcxyz@[`{-\xe3\x81"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		row = genops_prices_find(prices, acme, genops_str_of(others[i]), 0);
		if (row && !row->is_ceiling)
			fail_msg("%s", others[i]);
	}
	genops_prices_unref(prices);
}

static void a_later_source_wins(void **state)
{
	struct genops_prices *prices =
	    make("provider,model,input_cost_per_1k,output_cost_per_1k,context_window\n"
		 "openai,gpt-4,0.03,0.06,8192\nacme,one,1,1,0\n",
		"provider,model,input_cost_per_1k,output_cost_per_1k,valid_from,valid_until\n"
		"openai,gpt-4,0.01,0.02,,\nacme,one,2,2,2026-01-01,2027-01-01\n");
	const struct genops_price *gpt =
	    genops_prices_find(prices, GENOPS_STR("openai"), GENOPS_STR("gpt-4"), NOW);
	assert_int_equal(gpt->cards[0].nano_per_million[GENOPS_RATE_INPUT], 10000000000);
	assert_true(genops_str_is(gpt->source, "second"));
	genops_str acme = GENOPS_STR("acme"), one = GENOPS_STR("one");
	int64_t begin = 1767225600, end = 1798761600; /* the year 2026 */
	assert_int_equal(genops_prices_find(prices, acme, one, begin)->cards[0].nano_per_million[0],
	    INT64_C(2000000000000));
	assert_int_equal(
	    genops_prices_find(prices, acme, one, begin - 1)->cards[0].nano_per_million[0],
	    INT64_C(1000000000000));
	assert_int_equal(genops_prices_find(prices, acme, one, end)->cards[0].nano_per_million[0],
	    INT64_C(1000000000000));
	struct genops_prices *again = genops_prices_ref(prices);
	genops_prices_unref(prices);
	assert_int_equal(genops_prices_count(again), 4);
	genops_prices_unref(again);
	genops_prices_unref(NULL);
}

/* What a dated name came to is remembered: no longer than it holds, for no other name, and for more names than there are places. */
static void what_was_found_holds_as_long_as_it_is_valid(void **state)
{
	struct genops_prices *prices =
	    make("provider,model,input_cost_per_1k,output_cost_per_1k\nacme,one,1,1\n",
		"provider,model,input_cost_per_1k,output_cost_per_1k,valid_from,valid_until\n"
		"acme,one,2,2,2026-01-01,2027-01-01\n");
	genops_str acme = GENOPS_STR("acme"), dated = GENOPS_STR("one-2025-12-31");
	int64_t begin = 1767225600, end = 1798761600; /* the year 2026 */
	const struct {
		int64_t now, rate;
	} rows[] = {{begin, 2}, {begin - 1, 1}, {begin, 2}, {end - 1, 2}, {end, 1}, {begin + 5, 2}, {end, 1}};
	for (int turn = 0; turn < 3; turn++) {
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			assert_int_equal(genops_prices_find(prices, acme, dated, rows[i].now)->cards[0].nano_per_million[0],
			    rows[i].rate * INT64_C(1000000000000));
		assert_true(genops_prices_find(prices, acme, GENOPS_STR("ONE-LATEST"), begin)->is_ceiling);
		assert_false(genops_prices_find(prices, acme, GENOPS_STR("one-latest"), begin)->is_ceiling);
		for (int i = 0; i < 1000; i++) {
			char name[32];
			snprintf(name, sizeof name, i % 2 ? "one-2026-%04d" : "two-%04d", i);
			const struct genops_price *row = genops_prices_find(prices, acme, genops_str_of(name), begin);
			assert_int_equal(row->is_ceiling, i % 2 == 0);
		}
	}
	genops_prices_unref(prices);
}

static void an_empty_catalogue_knows_nothing(void **state)
{
	struct genops_prices *prices = genops_prices_new(NULL, 0, NULL);
	assert_non_null(prices);
	assert_null(genops_prices_find(prices, GENOPS_STR("openai"), GENOPS_STR("gpt-4"), NOW));
	assert_null(genops_prices_ceiling(prices, NOW));
	genops_prices_unref(prices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_guides_prices_hold),
	    cmocka_unit_test(known_answers),
	    cmocka_unit_test(prices_have_a_past),
	    cmocka_unit_test(names_lead_to_the_same_price),
	    cmocka_unit_test(fine_tuned_models_are_not_priced_as_their_base),
	    cmocka_unit_test(an_unknown_model_is_never_free),
	    cmocka_unit_test(recorded_models_are_priced),
	    cmocka_unit_test(each_shipped_row_says_whence),
	    cmocka_unit_test(names_are_compared_without_case),
	    cmocka_unit_test(a_later_source_wins),
	    cmocka_unit_test(what_was_found_holds_as_long_as_it_is_valid),
	    cmocka_unit_test(an_empty_catalogue_knows_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
