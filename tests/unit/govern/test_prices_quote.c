/* SPDX-License-Identifier: Apache-2.0
 * What usage costs: cards, fall-backs, rounding, saturation; and that the bound is one. Part of
 * CORE-027, DESIGN 6 "Money". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "govern/money.h"
#include "govern/prices/prices_build.h"

#define USD_PER_MILLION INT64_C(1000000000)

static struct genops_price simple(int64_t input, int64_t output)
{
	struct genops_price price;
	genops_prices_build_row_init(&price);
	price.cards[0].nano_per_million[GENOPS_RATE_INPUT] = input;
	price.cards[0].nano_per_million[GENOPS_RATE_OUTPUT] = output;
	genops_prices_quote_prepare(&price);
	return price;
}

static int64_t total(const struct genops_price *price, struct genops_usage usage)
{
	return genops_prices_quote(price, &usage).total_nano_usd;
}

static void parts_without_a_rate_fall_back(void **state)
{
	struct genops_price price = simple(2 * USD_PER_MILLION, 8 * USD_PER_MILLION);
	struct genops_usage usage = {.input_tokens = 1000,
	    .cache_read_tokens = 100,
	    .cache_write_5m_tokens = 100,
	    .cache_write_1h_tokens = 100,
	    .audio_input_tokens = 100,
	    .image_input_tokens = 100,
	    .output_tokens = 100,
	    .reasoning_tokens = 20,
	    .audio_output_tokens = 20,
	    .image_output_tokens = 20};
	assert_int_equal(total(&price, usage), 1000 * 2000 + 100 * 8000);
	price.cards[0].nano_per_million[GENOPS_RATE_CACHE_WRITE_5M] =
	    3 * USD_PER_MILLION; /* 1 h follows 5 m */
	assert_int_equal(total(&price, usage), 800 * 2000 + 200 * 3000 + 100 * 8000);
	price.cards[0].nano_per_million[GENOPS_RATE_REASONING] = 9 * USD_PER_MILLION;
	assert_int_equal(total(&price, usage), 800 * 2000 + 200 * 3000 + 80 * 8000 + 20 * 9000);
	usage = (struct genops_usage){
	    .images = 5, .characters = 5, .audio_ms = 5, .web_searches = 5, .tool_calls = 5};
	assert_int_equal(total(&price, usage), 0);
}

static void a_card_without_a_kind_takes_the_standard_one(void **state)
{
	struct genops_price price = simple(2 * USD_PER_MILLION, 8 * USD_PER_MILLION);
	price.cards[0].nano_per_million[GENOPS_RATE_CACHE_READ] = USD_PER_MILLION / 5;
	struct genops_rate_card *batch = genops_prices_build_card(&price, GENOPS_TIER_BATCH, 0);
	batch->nano_per_million[GENOPS_RATE_INPUT] = USD_PER_MILLION;
	batch->nano_per_million[GENOPS_RATE_OUTPUT] = 4 * USD_PER_MILLION;
	struct genops_usage usage = {.input_tokens = 1000,
	    .cache_read_tokens = 400,
	    .output_tokens = 10,
	    .tier = GENOPS_TIER_BATCH};
	assert_int_equal(total(&price, usage), 600 * 1000 + 400 * 200 + 10 * 4000);
	usage.tier = GENOPS_TIER_FLEX; /* not sold: the standard price */
	assert_int_equal(total(&price, usage), 600 * 2000 + 400 * 200 + 10 * 8000);
}

static void the_card_follows_tier_and_context(void **state)
{
	struct genops_price price = simple(USD_PER_MILLION, USD_PER_MILLION);
	static const struct {
		enum genops_tier tier;
		int64_t above, input;
	} cards[] = {{GENOPS_TIER_STANDARD, 200, 2}, {GENOPS_TIER_STANDARD, 1000, 4},
	    {GENOPS_TIER_PRIORITY, 0, 3}, {GENOPS_TIER_BATCH, 0, 0}};
	for (size_t i = 0; i < 4; i++)
		genops_prices_build_card(&price, cards[i].tier, cards[i].above)
		    ->nano_per_million[GENOPS_RATE_INPUT] = cards[i].input * USD_PER_MILLION;
	static const struct {
		enum genops_tier tier;
		int64_t tokens, rate;
	} cases[] = {
	    {GENOPS_TIER_STANDARD, 200, 1},
	    {GENOPS_TIER_STANDARD, 201, 2},
	    {GENOPS_TIER_STANDARD, 1001, 4},
	    {GENOPS_TIER_PRIORITY, 100, 3},
	    {GENOPS_TIER_PRIORITY, 201, 3},  /* dearer than the longer one */
	    {GENOPS_TIER_PRIORITY, 1001, 4}, /* cheaper than the longer one */
	    {GENOPS_TIER_BATCH, 100, 0},
	    {GENOPS_TIER_BATCH, 300, 2},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_usage usage = {
		    .input_tokens = cases[i].tokens, .tier = cases[i].tier};
		assert_int_equal(total(&price, usage), cases[i].tokens * cases[i].rate * 1000);
	}
}

static void each_side_is_rounded_once_half_to_even(void **state)
{
	struct genops_price price = simple(500000, 1500000); /* 0.5 and 1.5 nano a token */
	struct genops_usage usage = {.input_tokens = 1, .output_tokens = 1};
	struct genops_quote quote = genops_prices_quote(&price, &usage);
	assert_int_equal(quote.input_nano_usd, 0);
	assert_int_equal(quote.output_nano_usd, 2);
	assert_int_equal(quote.total_nano_usd, 2);
	usage = (struct genops_usage){.input_tokens = 3, .cache_read_tokens = 2};
	quote = genops_prices_quote(&price, &usage); /* parts are not rounded apart: 1.5 */
	assert_int_equal(quote.input_nano_usd, 2);
}

static void lies_are_bounded(void **state)
{
	struct genops_price price = simple(GENOPS_MONEY_MAX, GENOPS_MONEY_MAX);
	struct genops_usage usage = {
	    .input_tokens = INT64_MAX, .output_tokens = INT64_MAX, .images = INT64_MAX};
	struct genops_quote quote = genops_prices_quote(&price, &usage);
	assert_int_equal(quote.total_nano_usd, GENOPS_MONEY_MAX);
	assert_int_equal(quote.input_nano_usd + quote.output_nano_usd, quote.total_nano_usd);
	usage = (struct genops_usage){
	    .input_tokens = -5, .output_tokens = INT64_MIN, .cache_read_tokens = -1};
	assert_int_equal(total(&price, usage), 0);
	price = simple(USD_PER_MILLION, USD_PER_MILLION);
	usage = (struct genops_usage){
	    .input_tokens = 10, .cache_read_tokens = 1000, .cache_write_5m_tokens = 7};
	assert_int_equal(total(&price, usage), 10000); /* parts over the whole */
	assert_int_equal(
	    genops_prices_upper_bound(&price, &(struct genops_usage){.input_tokens = INT64_MAX}),
	    INT64_C(1000000000000000) + GENOPS_OUTPUT_TOKENS_DEFAULT_MAX * 1000);
}

static void an_open_output_is_bounded_by_the_model_or_the_default(void **state)
{
	struct genops_price price = simple(0, USD_PER_MILLION);
	struct genops_usage expected = {.input_tokens = 10};
	assert_int_equal(
	    genops_prices_upper_bound(&price, &expected), GENOPS_OUTPUT_TOKENS_DEFAULT_MAX * 1000);
	price.max_output_tokens = 500;
	assert_int_equal(genops_prices_upper_bound(&price, &expected), 500000);
	expected.output_tokens = 7;
	assert_int_equal(genops_prices_upper_bound(&price, &expected), 7000);
}

static void the_bound_is_that_of_the_dearest_card_that_applies(void **state)
{
	struct genops_price price = simple(2 * USD_PER_MILLION, USD_PER_MILLION);
	struct genops_usage small = {.input_tokens = 1000, .output_tokens = 1000};
	struct genops_usage large = {.input_tokens = 3000, .output_tokens = 1000};
	genops_prices_build_card(&price, GENOPS_TIER_BATCH, 0)->nano_per_million[GENOPS_RATE_INPUT] = USD_PER_MILLION;
	struct genops_rate_card *longer = genops_prices_build_card(&price, GENOPS_TIER_STANDARD, 2000);
	longer->nano_per_million[GENOPS_RATE_INPUT] = 4 * USD_PER_MILLION;
	struct genops_rate_card *first = genops_prices_build_card(&price, GENOPS_TIER_PRIORITY, 0);
	first->nano_per_million[GENOPS_RATE_INPUT] = 2 * USD_PER_MILLION; /* just as dear: one of the two is enough */
	genops_prices_quote_prepare(&price);
	assert_int_equal(genops_prices_upper_bound(&price, &small), 1000 * 2000 + 1000 * 1000);
	assert_int_equal(genops_prices_upper_bound(&price, &large), 3000 * 4000 + 1000 * 1000);
	assert_int_equal(!price.cards[0].is_outdone + !price.cards[1].is_outdone + !price.cards[3].is_outdone, 1);
	assert_false(price.cards[2].is_outdone);
	/* Cheaper tokens, but a fee for each request: neither outdoes the other. */
	first->nano_per_million[GENOPS_RATE_INPUT] = USD_PER_MILLION;
	first->nano_per_million[GENOPS_RATE_REQUEST] = INT64_C(5000000000000);
	genops_prices_quote_prepare(&price);
	assert_int_equal(genops_prices_upper_bound(&price, &small), 1000 * 1000 + 5000000 + 1000 * 1000);
}

static uint64_t random_state = 0x2545F4914F6CDD1D;

static int64_t pick(int64_t max)
{
	random_state ^= random_state << 13, random_state ^= random_state >> 7,
	    random_state ^= random_state << 17;
	return max <= 0 ? 0 : (int64_t)(random_state % (uint64_t)(max + 1));
}

static struct genops_usage within(const struct genops_usage *bound, int64_t output_max)
{
	struct genops_usage usage = {
	    .input_tokens = pick(bound->input_tokens),
	    .output_tokens = pick(output_max),
	    .images = pick(bound->images),
	    .characters = pick(bound->characters),
	    .audio_ms = pick(bound->audio_ms),
	    .web_searches = pick(bound->web_searches),
	    .tier = (enum genops_tier)pick(3),
	};
	int64_t rest = usage.input_tokens;
	int64_t *parts[] = {&usage.cache_read_tokens, &usage.cache_write_5m_tokens,
	    &usage.cache_write_1h_tokens, &usage.audio_input_tokens, &usage.image_input_tokens};
	for (int i = 0; i < 5; i++)
		rest -= *parts[i] = pick(1) ? pick(rest) : 0;
	usage.reasoning_tokens = pick(usage.output_tokens);
	usage.audio_output_tokens = pick(usage.output_tokens - usage.reasoning_tokens);
	return usage;
}

/* Whatever the call turns out to use within what was announced, it costs no more than was
 * reserved. */
static void the_bound_holds_for_every_shipped_price(void **state)
{
	struct genops_prices_source source = {
	    "shipped", genops_prices_shipped(), GENOPS_PRICES_OWN_JSON};
	struct genops_prices *prices = genops_prices_new(&source, 1, NULL);
	assert_non_null(prices);
	for (size_t i = 0; i < genops_prices_count(prices); i++) {
		const struct genops_price *price = genops_prices_at(prices, i);
		for (int round = 0; round < 40; round++) {
			struct genops_usage bound = {
			    .input_tokens = pick(round % 2 ? 2000000 : 2000),
			    .output_tokens = round % 3 ? pick(50000) : 0,
			    .images = pick(3),
			    .characters = pick(500),
			    .audio_ms = pick(5000),
			    .web_searches = pick(2)};
			int64_t output_max = bound.output_tokens;
			if (!output_max)
				output_max = price->max_output_tokens
						 ? price->max_output_tokens
						 : GENOPS_OUTPUT_TOKENS_DEFAULT_MAX;
			int64_t limit = genops_prices_upper_bound(price, &bound);
			for (int j = 0; j < 10; j++) {
				struct genops_usage usage = within(&bound, output_max);
				struct genops_quote quote = genops_prices_quote(price, &usage);
				assert_int_equal(quote.total_nano_usd,
				    quote.input_nano_usd + quote.output_nano_usd);
				if (quote.total_nano_usd > limit)
					fail_msg("%.*s: %lld > %lld", (int)price->model.len,
					    price->model.ptr, (long long)quote.total_nano_usd,
					    (long long)limit);
			}
		}
	}
	genops_prices_unref(prices);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_without_a_rate_fall_back),
	    cmocka_unit_test(a_card_without_a_kind_takes_the_standard_one),
	    cmocka_unit_test(the_card_follows_tier_and_context),
	    cmocka_unit_test(each_side_is_rounded_once_half_to_even),
	    cmocka_unit_test(lies_are_bounded),
	    cmocka_unit_test(an_open_output_is_bounded_by_the_model_or_the_default),
	    cmocka_unit_test(the_bound_is_that_of_the_dearest_card_that_applies),
	    cmocka_unit_test(the_bound_holds_for_every_shipped_price),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
