/* SPDX-License-Identifier: Apache-2.0
 * govern/prices.h - the price catalogue: immutable snapshots of what each model costs, since when,
 * and who says so.
 *
 * Pure: sources are given as texts (shipped facts, the guides' CSV, LiteLLM's JSON map); later
 * sources win per provider and model. Rates are nano-USD per million units, so that no known price
 * needs rounding. */
#ifndef GOVERN_PRICES_H
#define GOVERN_PRICES_H

#include "base/error.h"

#include <genops/usage.h>
#include <genops/attribute.h>

/* X(symbol, name in the catalogue files). Rates per 1,000,000 units of the kind. */
#define GENOPS_RATES(X)                                                                               \
	X(INPUT, "input")                                                                             \
	X(OUTPUT, "output")                                                                           \
	X(CACHE_READ, "cache_read")                                                                   \
	X(CACHE_WRITE_5M, "cache_write_5m")                                                           \
	X(CACHE_WRITE_1H, "cache_write_1h")                                                           \
	X(REASONING, "reasoning")                                                                     \
	X(AUDIO_INPUT, "audio_input")                                                                 \
	X(AUDIO_OUTPUT, "audio_output")                                                               \
	X(IMAGE_INPUT, "image_input")                                                                 \
	X(IMAGE_OUTPUT, "image_output")                                                               \
	X(IMAGE, "image")                                                                             \
	X(CHARACTER, "character")                                                                     \
	X(AUDIO_SECOND, "audio_second")                                                               \
	X(REQUEST, "request")                                                                         \
	X(WEB_SEARCH, "web_search")

enum genops_rate_kind {
#define X(symbol, name) GENOPS_RATE_##symbol,
	GENOPS_RATES(X)
#undef X
	GENOPS_RATE_N
};

#define GENOPS_RATE_NONE INT64_C(-1) /* not priced apart: falls back as prices.c documents (cache_read -> input, ...) */

/* One set of rates: the standard one, or that of a tier, from a context length on. */
struct genops_rate_card {
	enum genops_tier tier;
	int64_t input_tokens_above; /* applies when input_tokens > this; 0: always */
	int64_t nano_per_million[GENOPS_RATE_N];
	/* For upper bounds, made of the rates once all are there (prices_build.h): */
	int64_t dearest_input, dearest_output; /* of all kinds of such tokens */
	bool is_outdone; /* some other card applies wherever this one does, and is nowhere cheaper */
};

#define GENOPS_RATE_CARDS_MAX 8

struct genops_price {
	genops_str provider, model;
	genops_str source, source_date; /* URL or file; "2026-11-20" */
	genops_str mode;                /* "chat", "embedding", "image", ... */
	int64_t valid_from_unix_s, valid_until_unix_s; /* until: exclusive; INT64_MAX: open */
	int64_t max_input_tokens, max_output_tokens;   /* 0: unknown */
	bool is_ceiling;                /* stands in for an unknown model: dearest of the provider, estimated */
	size_t n_cards;
	struct genops_rate_card cards[GENOPS_RATE_CARDS_MAX]; /* [0] is the standard card */
};

struct genops_prices; /* immutable, counted */

struct genops_prices_source {
	const char *name;   /* for messages: file name */
	genops_str text;
	enum { GENOPS_PRICES_OWN_JSON, GENOPS_PRICES_CSV, GENOPS_PRICES_LITELLM_JSON, GENOPS_PRICES_DETECT } format;
};

/* The catalogue that is built in (data/prices/), format GENOPS_PRICES_OWN_JSON. Static. */
genops_str genops_prices_shipped(void);

/* Parses all sources, earlier ones weaker. Returns an owned reference, or NULL with err (file,
 * line). */
struct genops_prices *genops_prices_new(
    const struct genops_prices_source *sources, size_t n_sources, struct genops_error *err);
struct genops_prices *genops_prices_ref(struct genops_prices *prices);
void genops_prices_unref(struct genops_prices *prices);

/* The price of a model at a moment. Matching: exact, then without a date or version suffix and
 * provider prefixes as prices.c documents ("gpt-4o-2024-08-06" -> "gpt-4o",
 * "us.anthropic.claude-..." -> ...). Never NULL for a provider that has rates: an unknown model
 * gets the provider's ceiling (is_ceiling). NULL: provider unknown altogether -> use
 * genops_prices_ceiling. */
const struct genops_price *genops_prices_find(
    const struct genops_prices *prices, genops_str provider, genops_str model, int64_t unix_s);
/* The dearest of everything known, for a provider that nobody knows. Never NULL when the catalogue
 * has one row. */
const struct genops_price *genops_prices_ceiling(const struct genops_prices *prices, int64_t unix_s);

size_t genops_prices_count(const struct genops_prices *prices);
const struct genops_price *genops_prices_at(const struct genops_prices *prices, size_t index);

struct genops_quote {
	int64_t total_nano_usd, input_nano_usd, output_nano_usd; /* total = input + output, exactly */
};

/* What `usage` costs: the right card for tier and context, cached and audio parts at their own
 * rates. Saturates. */
struct genops_quote genops_prices_quote(const struct genops_price *price, const struct genops_usage *usage);

/* The upper bound for a call that may use up to input_tokens_max and output_tokens_max (0: the
 * model's maximum, or GENOPS_OUTPUT_TOKENS_DEFAULT_MAX), whatever tier and cache state it is served
 * with: the dearest applicable card and kind. `usage` carries images, characters, audio_ms where
 * they are known. */
#define GENOPS_OUTPUT_TOKENS_DEFAULT_MAX 16384
int64_t genops_prices_upper_bound(const struct genops_price *price, const struct genops_usage *expected);

#endif
