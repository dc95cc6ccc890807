/* SPDX-License-Identifier: Apache-2.0
 * LiteLLM's price map: names, every kind and tier that we charge by, and what is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "govern/prices.h"

static const char map[] =
    "{\n"
    "  \"sample_spec\": {\"input_cost_per_token\": \"a number\", \"litellm_provider\": \"one of ...\"},\n"
    "  \"gpt-5.5\": {\n"
    "    \"litellm_provider\": \"openai\", \"mode\": \"chat\", \"source\": \"https://openai/pricing\",\n"
    "    \"max_input_tokens\": 1050000, \"max_output_tokens\": \"128000\",\n"
    "    \"input_cost_per_token\": 5e-06, \"output_cost_per_token\": 3e-05, \"cache_read_input_token_cost\": 5e-07,\n"
    "    \"input_cost_per_token_above_272k_tokens\": 1e-05, \"output_cost_per_token_above_272k_tokens\": 4.5e-05,\n"
    "    \"input_cost_per_token_priority\": 1.25e-05, \"output_cost_per_token_priority\": 7.5e-05,\n"
    "    \"input_cost_per_token_flex\": 2.5e-06, \"input_cost_per_token_batches\": 2.5e-06,\n"
    "    \"input_cost_per_token_above_272k_tokens_batches\": 5e-06,\n"
    "    \"input_cost_per_token_ultrafast\": 1, \"supports_vision\": true, \"deprecation_date\": null,\n"
    "    \"search_context_cost_per_query\": {\"search_context_size_high\": 0.05, \"search_context_size_low\": 0.03}\n"
    "  },\n"
    "  \"gemini/gemini-x\": {\"litellm_provider\": \"gemini\", \"mode\": \"chat\",\n"
    "    \"input_cost_per_token\": 1e-07, \"output_cost_per_token\": 4e-07, \"input_cost_per_audio_token\": 7e-07,\n"
    "    \"input_cost_per_character\": 1, \"output_cost_per_image\": 0.04, \"output_cost_per_reasoning_token\": 3.5e-06},\n"
    "  \"claude-x\": {\"litellm_provider\": \"anthropic\", \"input_cost_per_token\": 3e-06,\n"
    "    \"output_cost_per_token\": 1.5e-05, \"cache_creation_input_token_cost\": 3.75e-06,\n"
    "    \"cache_creation_input_token_cost_above_1hr\": 6e-06, \"cache_creation_input_token_cost_above_200k_tokens\": 7.5e-06},\n"
    "  \"azure/eu/gpt-x\": {\"litellm_provider\": \"azure\", \"input_cost_per_token\": \"1e-06\", \"output_cost_per_token\": 2e-06},\n"
    "  \"groq/openai/gpt-oss-x\": {\"litellm_provider\": \"groq\", \"input_cost_per_token\": 1e-07, \"output_cost_per_token\": 1e-07},\n"
    "  \"dall-e-x\": {\"litellm_provider\": \"openai\", \"mode\": \"image_generation\", \"input_cost_per_image\": 0.04},\n"
    "  \"whisper-x\": {\"litellm_provider\": \"openai\", \"mode\": \"audio_transcription\", \"input_cost_per_second\": 0.0001},\n"
    "  \"rerank-x\": {\"litellm_provider\": \"cohere\", \"mode\": \"rerank\", \"input_cost_per_token\": 0.0, \"input_cost_per_query\": 0.002},\n"
    "  \"sora-x\": {\"litellm_provider\": \"openai\", \"mode\": \"video_generation\", \"output_cost_per_video_per_second\": 0.1}\n"
    "}\n";

static struct genops_prices *read(const char *text, struct genops_error *err)
{
	struct genops_prices_source source = {
	    "litellm.json", genops_str_of(text), GENOPS_PRICES_DETECT};
	return genops_prices_new(&source, 1, err);
}

static const struct genops_price *find(
    const struct genops_prices *prices, const char *provider, const char *model)
{
	const struct genops_price *row =
	    genops_prices_find(prices, genops_str_of(provider), genops_str_of(model), 1792540800);
	assert_non_null(row);
	assert_false(row->is_ceiling);
	return row;
}

static int64_t rate(const struct genops_price *row, enum genops_tier tier, int64_t above,
    enum genops_rate_kind kind)
{
	for (size_t i = 0; i < row->n_cards; i++) {
		if (row->cards[i].tier == tier && row->cards[i].input_tokens_above == above)
			return row->cards[i].nano_per_million[kind];
	}
	return -2;
}

static void kinds_tiers_and_contexts_are_read(void **state)
{
	struct genops_prices *prices = read(map, NULL);
	assert_non_null(prices);
	assert_int_equal(genops_prices_count(prices), 8);
	const struct genops_price *gpt = find(prices, "openai", "gpt-5.5");
	assert_true(genops_str_is(gpt->source, "https://openai/pricing"));
	assert_int_equal(gpt->max_input_tokens, 1050000);
	assert_int_equal(gpt->max_output_tokens, 128000);
	assert_int_equal(rate(gpt, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_INPUT), 5000000000);
	assert_int_equal(rate(gpt, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_CACHE_READ), 500000000);
	assert_int_equal(rate(gpt, GENOPS_TIER_STANDARD, 272000, GENOPS_RATE_OUTPUT), 45000000000);
	assert_int_equal(rate(gpt, GENOPS_TIER_PRIORITY, 0, GENOPS_RATE_INPUT), 12500000000);
	assert_int_equal(rate(gpt, GENOPS_TIER_FLEX, 0, GENOPS_RATE_INPUT), 2500000000);
	assert_int_equal(rate(gpt, GENOPS_TIER_BATCH, 272000, GENOPS_RATE_INPUT), 5000000000);
	assert_int_equal(
	    rate(gpt, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_WEB_SEARCH), INT64_C(50000000000000));
	assert_int_equal(gpt->n_cards, 6);
	const struct genops_price *claude = find(prices, "anthropic", "claude-x");
	assert_int_equal(
	    rate(claude, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_CACHE_WRITE_1H), 6000000000);
	assert_int_equal(
	    rate(claude, GENOPS_TIER_STANDARD, 200000, GENOPS_RATE_CACHE_WRITE_5M), 7500000000);
	genops_prices_unref(prices);
}

static void names_and_other_units_are_read(void **state)
{
	struct genops_prices *prices = read(map, NULL);
	const struct genops_price *gemini = find(prices, "google", "gemini-x");
	assert_int_equal(rate(gemini, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_AUDIO_INPUT), 700000000);
	assert_int_equal(rate(gemini, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_REASONING), 3500000000);
	/* By characters and by images is the same money in other words. */
	assert_int_equal(
	    rate(gemini, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_CHARACTER), GENOPS_RATE_NONE);
	assert_int_equal(
	    rate(gemini, GENOPS_TIER_STANDARD, 0, GENOPS_RATE_IMAGE), GENOPS_RATE_NONE);
	(void)find(prices, "azure_openai", "eu/gpt-x");
	(void)find(prices, "groq", "openai/gpt-oss-x");
	struct genops_usage usage = {.images = 2, .audio_ms = 60000};
	assert_int_equal(
	    genops_prices_quote(find(prices, "openai", "dall-e-x"), &usage).total_nano_usd,
	    80000000);
	assert_int_equal(
	    genops_prices_quote(find(prices, "openai", "whisper-x"), &usage).total_nano_usd,
	    6000000);
	assert_int_equal(
	    genops_prices_quote(find(prices, "cohere", "rerank-x"), &usage).total_nano_usd,
	    2000000);
	/* Priced only by what we do not count: not known, not free. */
	assert_true(
	    genops_prices_find(prices, GENOPS_STR("openai"), GENOPS_STR("sora-x"), 0)->is_ceiling);
	genops_prices_unref(prices);
}

static void errors_name_their_line(void **state)
{
	static const struct {
		const char *text;
		int line, code;
	} cases[] = {
	    {"{\"a\": {\n\"litellm_provider\": \"x\",\n\"input_cost_per_token\": \"dear\"}}", 3,
		GENOPS_CONFIG},
	    {"{\n\"a\": {\"litellm_provider\": \"x\", \"input_cost_per_token\": -1e-6}}", 2,
		GENOPS_CONFIG},
	    {"{\n\n\"a\": 5}", 3, GENOPS_CONFIG},
	    {"{\n\"a\": {\"max_input_tokens\": []}}", 2, GENOPS_CONFIG},
	    {"{\n\"a\": {]}", 2, GENOPS_SYNTAX},
	    {"{\n\"a\": {}, \"a\": {}}", 2, GENOPS_SYNTAX},
	    {"{\"a\": {}}\n{", 2, GENOPS_SYNTAX},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_error err = {0};
		assert_null(read(cases[i].text, &err));
		assert_string_equal(err.file, "litellm.json");
		if (err.line != cases[i].line || err.code != cases[i].code)
			fail_msg(
			    "case %zu: line %d, code %d, %s", i, err.line, err.code, err.message);
	}
	struct genops_prices *nothing = read("{}", NULL);
	assert_non_null(nothing);
	assert_int_equal(genops_prices_count(nothing), 0);
	genops_prices_unref(nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_tiers_and_contexts_are_read),
	    cmocka_unit_test(names_and_other_units_are_read),
	    cmocka_unit_test(errors_name_their_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
