/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_quote.c - what usage costs, and what it can cost at most. Pure integer
 * arithmetic; any thread.
 *
 * The card: of the usage's tier, the one for the longest context that the prompt exceeds (the whole
 * call moves to it). A tier without a card is charged at the standard one, and so is a tier whose
 * card is for a shorter context than the standard one that applies, if that is dearer. The rate of
 * a kind: the card's own; else the standard card's, where it prices the kind apart; else that of
 * the kind it is part of: cache_write_1h -> cache_write_5m -> input; cache_read, audio_input,
 * image_input -> input; reasoning, audio_output, image_output -> output. image, character,
 * audio_second, request and web_search cost nothing where they have no rate. Rounding: once for the
 * input side and once for the output side, half to even; the total is their sum. */
#include "govern/prices/prices_build.h"

#include "govern/money.h"

__extension__ typedef unsigned __int128 uint128;

/* Everything is summed in nano-USD times this: rates are per million, and audio comes in
 * milliseconds. */
#define SCALE	  INT64_C(1000000000)
#define PER_UNIT  1000
#define PER_MILLI 1

struct side {
	uint128 sum; /* nano-USD * SCALE */
};

static enum genops_rate_kind parent_of(enum genops_rate_kind kind)
{
	switch (kind) {
	case GENOPS_RATE_CACHE_WRITE_1H:
		return GENOPS_RATE_CACHE_WRITE_5M;
	case GENOPS_RATE_CACHE_READ:
	case GENOPS_RATE_CACHE_WRITE_5M:
	case GENOPS_RATE_AUDIO_INPUT:
	case GENOPS_RATE_IMAGE_INPUT:
		return GENOPS_RATE_INPUT;
	case GENOPS_RATE_REASONING:
	case GENOPS_RATE_AUDIO_OUTPUT:
	case GENOPS_RATE_IMAGE_OUTPUT:
		return GENOPS_RATE_OUTPUT;
	default:
		return GENOPS_RATE_N;
	}
}

/* What the card, or else the standard one, asks for the kind apart; NONE. */
static int64_t apart(const struct genops_price *price, const struct genops_rate_card *card,
    enum genops_rate_kind kind)
{
	int64_t rate = card->nano_per_million[kind];
	return rate >= 0 ? rate : price->cards[0].nano_per_million[kind];
}

static int64_t rate_of(const struct genops_price *price, const struct genops_rate_card *card,
    enum genops_rate_kind kind)
{
	for (; kind != GENOPS_RATE_N; kind = parent_of(kind)) {
		int64_t rate = apart(price, card, kind);
		if (rate >= 0)
			return rate;
	}
	return 0;
}

static int64_t clamp(int64_t count)
{
	if (count < 0)
		return 0;
	return count > GENOPS_USAGE_COUNT_MAX ? GENOPS_USAGE_COUNT_MAX : count;
}

static void add(struct side *side, int64_t count, int64_t rate, int64_t per)
{
	if (count <= 0 || rate <= 0)
		return;
	/* 1e12 counted * 9e18 nano a million * 1000 stays far below 2^128, also a dozen times. */
	side->sum += (uint128)(uint64_t)clamp(count) * (uint64_t)rate * (uint64_t)per;
}

/* Nearly every sum fits into 64 bits, where a division takes a fraction of the time. */
static uint128 divide(uint128 sum, uint64_t *ret_rest)
{
	if (!(sum >> 64)) {
		*ret_rest = (uint64_t)sum % (uint64_t)SCALE;
		return (uint64_t)sum / (uint64_t)SCALE;
	}
	*ret_rest = (uint64_t)(sum % (uint64_t)SCALE);
	return sum / (uint64_t)SCALE;
}

static int64_t round_half_even(uint128 sum)
{
	uint64_t rest;
	uint128 whole = divide(sum, &rest);
	if (rest > SCALE / 2 || (rest == SCALE / 2 && (whole & 1)))
		whole++;
	return whole > (uint128)GENOPS_MONEY_MAX ? GENOPS_MONEY_MAX : (int64_t)whole;
}

static int64_t round_up(uint128 sum)
{
	uint64_t rest;
	uint128 whole = divide(sum, &rest);
	whole += rest > 0;
	return whole > (uint128)GENOPS_MONEY_MAX ? GENOPS_MONEY_MAX : (int64_t)whole;
}

static const struct genops_rate_card *card_of_tier(
    const struct genops_price *price, enum genops_tier tier, int64_t input_tokens)
{
	const struct genops_rate_card *best = NULL;
	for (size_t i = 0; i < price->n_cards; i++) {
		const struct genops_rate_card *card = &price->cards[i];
		bool applies =
		    card->input_tokens_above == 0 || input_tokens > card->input_tokens_above;
		if (card->tier == tier && applies &&
		    (!best || card->input_tokens_above > best->input_tokens_above))
			best = card;
	}
	return best;
}

static const struct genops_rate_card *card_of(
    const struct genops_price *price, enum genops_tier tier, int64_t input_tokens)
{
	const struct genops_rate_card *standard =
	    card_of_tier(price, GENOPS_TIER_STANDARD, input_tokens);
	if (!standard)
		standard = &price->cards[0];
	const struct genops_rate_card *own =
	    tier == GENOPS_TIER_STANDARD ? NULL : card_of_tier(price, tier, input_tokens);
	if (!own)
		return standard;
	bool is_shorter = own->input_tokens_above < standard->input_tokens_above;
	bool is_cheaper =
	    rate_of(price, own, GENOPS_RATE_INPUT) < rate_of(price, standard, GENOPS_RATE_INPUT);
	return is_shorter && is_cheaper ? standard : own;
}

/* What is counted besides tokens; both sides of a quote and of a bound take it alike. */
static void add_units(struct side *input, struct side *output, const struct genops_price *price,
    const struct genops_rate_card *card, const struct genops_usage *usage)
{
	if (usage->characters)
		add(input, usage->characters, apart(price, card, GENOPS_RATE_CHARACTER), PER_UNIT);
	if (usage->audio_ms)
		add(input, usage->audio_ms, apart(price, card, GENOPS_RATE_AUDIO_SECOND), PER_MILLI);
	add(input, 1, apart(price, card, GENOPS_RATE_REQUEST), PER_UNIT);
	if (usage->images)
		add(output, usage->images, apart(price, card, GENOPS_RATE_IMAGE), PER_UNIT);
	if (usage->web_searches)
		add(output, usage->web_searches, apart(price, card, GENOPS_RATE_WEB_SEARCH), PER_UNIT);
}

struct part {
	int64_t count;
	enum genops_rate_kind kind;
};

/* The parts at their own rates, and what is left of the whole at the plain rate. */
static void add_tokens(struct side *side, const struct genops_price *price,
    const struct genops_rate_card *card, int64_t whole, enum genops_rate_kind plain,
    const struct part *parts, size_t n)
{
	int64_t rest = clamp(whole);
	for (size_t i = 0; i < n; i++) {
		if (parts[i].count <= 0)
			continue;
		/* Parts that claim more than the whole are charged for the whole only. */
		int64_t count = clamp(parts[i].count) < rest ? clamp(parts[i].count) : rest;
		add(side, count, rate_of(price, card, parts[i].kind), PER_UNIT);
		rest -= count;
	}
	add(side, rest, rate_of(price, card, plain), PER_UNIT);
}

struct genops_quote genops_prices_quote(
    const struct genops_price *price, const struct genops_usage *usage)
{
	const struct genops_rate_card *card =
	    card_of(price, usage->tier, clamp(usage->input_tokens));
	struct side input = {0}, output = {0};
	const struct part input_parts[] = {
	    {usage->cache_write_1h_tokens, GENOPS_RATE_CACHE_WRITE_1H},
	    {usage->cache_write_5m_tokens, GENOPS_RATE_CACHE_WRITE_5M},
	    {usage->cache_read_tokens, GENOPS_RATE_CACHE_READ},
	    {usage->audio_input_tokens, GENOPS_RATE_AUDIO_INPUT},
	    {usage->image_input_tokens, GENOPS_RATE_IMAGE_INPUT},
	};
	const struct part output_parts[] = {
	    {usage->reasoning_tokens, GENOPS_RATE_REASONING},
	    {usage->audio_output_tokens, GENOPS_RATE_AUDIO_OUTPUT},
	    {usage->image_output_tokens, GENOPS_RATE_IMAGE_OUTPUT},
	};
	add_tokens(&input, price, card, usage->input_tokens, GENOPS_RATE_INPUT, input_parts, 5);
	add_tokens(&output, price, card, usage->output_tokens, GENOPS_RATE_OUTPUT, output_parts, 3);
	add_units(&input, &output, price, card, usage);
	struct genops_quote quote = {.input_nano_usd = round_half_even(input.sum)};
	quote.total_nano_usd = genops_money_add(quote.input_nano_usd, round_half_even(output.sum));
	/* Also where the total saturates, it is the sum of its two sides. */
	quote.output_nano_usd = quote.total_nano_usd - quote.input_nano_usd;
	return quote;
}

static int64_t dearest_of(const struct genops_price *price, const struct genops_rate_card *card,
    const enum genops_rate_kind *kinds, size_t n)
{
	/* Kinds without a rate fall back to one that is among them: the dearest of those that have
	 * one is enough. */
	int64_t dearest = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t rate = apart(price, card, kinds[i]);
		if (rate > dearest)
			dearest = rate;
	}
	return dearest;
}

static bool is_outdone_by(const struct genops_price *price, const struct genops_rate_card *card,
    const struct genops_rate_card *other)
{
	static const enum genops_rate_kind units[] = {GENOPS_RATE_CHARACTER, GENOPS_RATE_AUDIO_SECOND,
	    GENOPS_RATE_REQUEST, GENOPS_RATE_IMAGE, GENOPS_RATE_WEB_SEARCH};
	if (other->input_tokens_above > card->input_tokens_above || other->dearest_input < card->dearest_input ||
	    other->dearest_output < card->dearest_output)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (apart(price, other, units[i]) < apart(price, card, units[i]))
			return false;
	}
	return true;
}

void genops_prices_quote_prepare(struct genops_price *price)
{
	static const enum genops_rate_kind input_kinds[] = {GENOPS_RATE_INPUT,
	    GENOPS_RATE_CACHE_READ, GENOPS_RATE_CACHE_WRITE_5M, GENOPS_RATE_CACHE_WRITE_1H,
	    GENOPS_RATE_AUDIO_INPUT, GENOPS_RATE_IMAGE_INPUT};
	static const enum genops_rate_kind output_kinds[] = {GENOPS_RATE_OUTPUT,
	    GENOPS_RATE_REASONING, GENOPS_RATE_AUDIO_OUTPUT, GENOPS_RATE_IMAGE_OUTPUT};
	for (size_t i = 0; i < price->n_cards; i++) {
		struct genops_rate_card *card = &price->cards[i];
		card->dearest_input = dearest_of(price, card, input_kinds, 6);
		card->dearest_output = dearest_of(price, card, output_kinds, 4);
		card->is_outdone = false;
	}
	/* Of two that are alike the first stays: the second is outdone by one that is not. */
	for (size_t i = 0; i < price->n_cards; i++) {
		for (size_t j = 0; j < price->n_cards && !price->cards[i].is_outdone; j++)
			price->cards[i].is_outdone = j != i && !price->cards[j].is_outdone &&
						     is_outdone_by(price, &price->cards[i], &price->cards[j]);
	}
}

int64_t genops_prices_upper_bound(
    const struct genops_price *price, const struct genops_usage *expected)
{
	int64_t input_max = clamp(expected->input_tokens),
		output_max = clamp(expected->output_tokens);
	int64_t bound = 0;
	if (!output_max)
		output_max = price->max_output_tokens > 0 ? price->max_output_tokens
							  : GENOPS_OUTPUT_TOKENS_DEFAULT_MAX;
	for (size_t i = 0; i < price->n_cards; i++) {
		const struct genops_rate_card *card = &price->cards[i];
		struct side input = {0}, output = {0};
		if (card->is_outdone || (card->input_tokens_above && input_max <= card->input_tokens_above))
			continue;
		add(&input, input_max, card->dearest_input, PER_UNIT);
		add(&output, output_max, card->dearest_output, PER_UNIT);
		add_units(&input, &output, price, card, expected);
		int64_t total = genops_money_add(round_up(input.sum), round_up(output.sum));
		if (total > bound)
			bound = total;
	}
	return bound;
}
