/* SPDX-License-Identifier: Apache-2.0
 * engine/catalog.c - the price catalogue in force, row by row (genops/status.h). */
#include "base/clock.h"
#include "base/str.h"
#include "engine/engine.h"

#include <genops/status.h>

static const char *const rate_names[] = {
#define X(symbol, name) name,
    GENOPS_RATES(X)
#undef X
};

static int tell(const struct genops_price *price, genops_catalog_fn *on_row, void *arg)
{
	struct genops_catalog_rate rates[GENOPS_RATE_N];
	struct genops_catalog_row row = {
	    .provider = price->provider,
	    .model = price->model,
	    .mode = price->mode,
	    .source = price->source,
	    .source_date = price->source_date,
	    .max_input_tokens = price->max_input_tokens,
	    .max_output_tokens = price->max_output_tokens,
	    .valid_from_unix_s = price->valid_from_unix_s,
	    .valid_until_unix_s = price->valid_until_unix_s,
	    .is_ceiling = price->is_ceiling,
	    .n_tiers = price->n_cards ? price->n_cards - 1 : 0,
	    .rates = rates,
	};
	for (int kind = 0; price->n_cards && kind < GENOPS_RATE_N; kind++) {
		if (price->cards[0].nano_per_million[kind] == GENOPS_RATE_NONE)
			continue;
		rates[row.n_rates++] =
		    (struct genops_catalog_rate){rate_names[kind], price->cards[0].nano_per_million[kind]};
	}
	return on_row(arg, &row);
}

int genops_catalog_list(genops_engine *engine, genops_str provider, genops_str model, genops_catalog_fn *on_row,
    void *arg, struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	int code = GENOPS_OK;
	for (size_t i = 0; code == GENOPS_OK && i < genops_prices_count(config->prices); i++) {
		const struct genops_price *price = genops_prices_at(config->prices, i);
		if (provider.len && !genops_str_glob(provider, price->provider, true))
			continue;
		if (model.len && !genops_str_glob(model, price->model, true))
			continue;
		code = tell(price, on_row, arg);
	}
	genops_config_unref(config);
	return code == GENOPS_OK ? code : genops_fail(err, code, "the walk over the catalogue was ended");
}

int genops_catalog_find(genops_engine *engine, genops_str provider, genops_str model, genops_catalog_fn *on_row,
    void *arg, struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	int64_t now_s = genops_clock_unix_ns() / GENOPS_NS_PER_S;
	const struct genops_price *price = genops_prices_find(config->prices, provider, model, now_s);
	if (!price)
		price = genops_prices_ceiling(config->prices, now_s);
	int code = price ? tell(price, on_row, arg)
			 : genops_fail(err, GENOPS_NOT_FOUND, "the price catalogue is empty");
	genops_config_unref(config);
	return code;
}
