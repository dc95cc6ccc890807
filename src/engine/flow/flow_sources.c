/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_sources.c - see flow_sources.h. */
#include "engine/flow/flow_sources.h"

#include "base/clock.h"
#include "base/str.h"

struct giving {
	genops_service_costs_fn *fn;
	void *arg;
};

static int give(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums)
{
	struct giving *giving = arg;
	(void)n_keys;
	return giving->fn(giving->arg, keys, sums->cost_nano_usd);
}

static int take_time(void *arg, const struct genops_audit_row *row)
{
	*(int64_t *)arg = row->unix_ns;
	return GENOPS_OK;
}

int genops_flow_sources_costs(const struct genops_flow_sources *sources, const genops_str *by, size_t n_by,
    genops_service_costs_fn *fn, void *fn_arg, int64_t *ret_begin_unix_ns, struct genops_error *err)
{
	struct genops_sums_query query = {.n_by = n_by};
	const struct genops_audit_query first = {.limit = 1};
	struct giving giving = {fn, fn_arg};
	int64_t begin = *ret_begin_unix_ns;
	if (!sources->ledger)
		return GENOPS_OK;
	for (size_t i = 0; i < n_by && i < sizeof query.by / sizeof *query.by; i++)
		query.by[i] = by[i];
	GENOPS_TRY(genops_ledger_audit(sources->ledger, &first, take_time, &begin, err));
	GENOPS_TRY(genops_ledger_sums(sources->ledger, &query, give, &giving, err));
	*ret_begin_unix_ns = begin;
	return GENOPS_OK;
}

bool genops_flow_sources_budget(const struct genops_flow_sources *sources, const struct genops_config *config, genops_str name,
    int64_t now_unix_ns, int64_t *ret_limit_nano_usd, int64_t *ret_consumed_nano_usd)
{
	struct genops_budget_view view;
	if (!sources->engine)
		return false;
	struct genops_counters *counters = sources->engine->counters;
	for (size_t i = 0; i < config->n_budgets; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		if (!genops_str_equal(rule->name, name) || rule->n_per ||
		    !genops_counters_budget(counters, genops_hash_of(rule->name, genops_counters_hash_seed(counters)), &view))
			continue;
		genops_budget_roll(rule, &view.cell, now_unix_ns / GENOPS_NS_PER_S);
		for (int period = 0; period < GENOPS_PERIOD_N; period++) {
			if (rule->limit_nano_usd[period] < 0)
				continue;
			*ret_limit_nano_usd = rule->limit_nano_usd[period];
			*ret_consumed_nano_usd = view.cell.lines[period].consumed_nano_usd;
			return true;
		}
	}
	return false;
}
