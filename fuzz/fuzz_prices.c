/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_prices.c - the three price importers on any bytes (the first byte says which, or
 * detection). What is accepted must be found again under its own name, a refusal must name its
 * cause, and no usage within a bound may cost more than the bound. */
#include <stdlib.h>

#include "govern/prices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(
    const struct genops_prices *prices, const struct genops_price *row, int64_t count)
{
	struct genops_usage bound = {.input_tokens = count,
	    .output_tokens = 1 + count / 2,
	    .images = count % 5,
	    .characters = count % 1000,
	    .audio_ms = count % 10000,
	    .web_searches = count % 3};
	struct genops_usage usage = bound;
	usage.tier = (enum genops_tier)(count & 3);
	usage.cache_read_tokens = count / 3;
	usage.cache_write_1h_tokens = count / 4;
	usage.reasoning_tokens = usage.output_tokens / 3;
	int64_t moment = row->valid_from_unix_s == INT64_MIN ? 0 : row->valid_from_unix_s;
	if (row->valid_until_unix_s > moment && row->valid_from_unix_s <= moment) {
		const struct genops_price *found =
		    genops_prices_find(prices, row->provider, row->model, moment);
		if (!found || found->is_ceiling)
			abort();
	}
	struct genops_quote quote = genops_prices_quote(row, &usage);
	if (quote.total_nano_usd != quote.input_nano_usd + quote.output_nano_usd ||
	    quote.total_nano_usd < 0)
		abort();
	if (genops_prices_upper_bound(row, &bound) < quote.total_nano_usd)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_error err = {0};
	if (!size)
		return 0;
	struct genops_prices_source source = {
	    "fuzz", {(const char *)data + 1, size - 1}, GENOPS_PRICES_DETECT};
	if (data[0] % 4 == 1)
		source.format = GENOPS_PRICES_OWN_JSON;
	if (data[0] % 4 == 2)
		source.format = GENOPS_PRICES_CSV;
	if (data[0] % 4 == 3)
		source.format = GENOPS_PRICES_LITELLM_JSON;
	struct genops_prices *prices = genops_prices_new(&source, 1, &err);
	if (!prices) {
		if (err.code == GENOPS_OK || !err.message[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < genops_prices_count(prices); i++)
		check_row(prices, genops_prices_at(prices, i),
		    (int64_t)(size * 7919 * (i + 1) % 3000000));
	genops_prices_unref(prices);
	return 0;
}
