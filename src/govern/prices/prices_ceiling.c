/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_ceiling.c - what an unknown model is priced at: kind by kind, the dearest
 * rate that its provider asks for any model.
 *
 * Which rows count: chat, completion and responses models whose validity has no end (a price that
 * has ended says nothing of a new model); where a provider has none of these, all its rows. All
 * tiers and contexts count. A ceiling has one standard card and no known maxima, so that an open
 * output is bounded by GENOPS_OUTPUT_TOKENS_DEFAULT_MAX. Pure. */
#include "govern/prices/prices_build.h"

#include "base/str.h"

bool genops_prices_ceiling_counts(const struct genops_price *row)
{
	if (row->valid_until_unix_s != INT64_MAX)
		return false;
	return !row->mode.len || genops_str_is(row->mode, "chat") ||
	       genops_str_is(row->mode, "completion") || genops_str_is(row->mode, "responses");
}

void genops_prices_ceiling_add(struct genops_price *ceiling, const struct genops_price *row)
{
	int64_t *dearest = ceiling->cards[0].nano_per_million;
	for (size_t i = 0; i < row->n_cards; i++) {
		for (int kind = 0; kind < GENOPS_RATE_N; kind++) {
			if (row->cards[i].nano_per_million[kind] > dearest[kind])
				dearest[kind] = row->cards[i].nano_per_million[kind];
		}
	}
}
