/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_budgets.c - AI Budget Tracking: the windows of all budgets as the counters have them now.
 *
 * A window is one asset that is set anew, so only what changed since it was sent last goes along with a batch. */
#include "engine/collibra/collibra_exporter.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>

#define VIEWS_MAX 4096

static uint64_t hash_of(genops_str name)
{
	return genops_hash_checksum(name.ptr, name.len, 1);
}

/* What the budget is for: the rule's match where it names one value, then the label's "name[team=a,project=b]". */
static genops_str owner(const struct genops_budget_rule *rule, genops_str label, const char *key)
{
	size_t at = genops_str_find_char(label, '[');
	genops_str rest = at == SIZE_MAX || label.ptr[label.len - 1] != ']'
			      ? GENOPS_STR("")
			      : (genops_str){label.ptr + at + 1, label.len - at - 2};
	while (rest.len) {
		genops_str pair = genops_str_split(&rest, ',');
		genops_str name = genops_str_split(&pair, '=');
		if (genops_str_is(name, key))
			return pair;
	}
	for (size_t i = 0; i < rule->match.n_entries; i++) {
		const struct genops_match_entry *entry = &rule->match.entries[i];
		if (genops_str_is(entry->key, key) && entry->n_values == 1 && genops_str_find_char(entry->values[0], '*') == SIZE_MAX)
			return entry->values[0];
	}
	return GENOPS_STR("");
}

static struct genops_collibra_sent_budget *find_sent(struct genops_collibra_exporter *exporter, uint64_t name)
{
	for (size_t i = 0; i < exporter->n_budgets; i++) {
		if (exporter->budgets[i].name == name)
			return &exporter->budgets[i];
	}
	return NULL;
}

static int add_window(struct genops_collibra_exporter *exporter, const struct genops_budget_rule *rule, genops_str label,
    enum genops_period period, const struct genops_budget_line *line, struct genops_error *err)
{
	struct genops_collibra_assets *assets = &exporter->batch.assets;
	struct genops_collibra_budget budget = {
	    .name = rule->name,
	    .label = label,
	    .period = period,
	    .start_unix_s = line->period_start_unix_s,
	    .limit_nano_usd = rule->limit_nano_usd[period],
	    .spent_nano_usd = line->consumed_nano_usd,
	    .seen_unix_ns = genops_clock_unix_ns(),
	    .team = owner(rule, label, "team"),
	    .project = owner(rule, label, "project"),
	    .environment = owner(rule, label, "environment"),
	};
	GENOPS_TRY(genops_collibra_assets_add_budget(assets, &budget, err));
	uint64_t name = hash_of(assets->items[assets->n - 1].name);
	struct genops_collibra_sent_budget *sent = find_sent(exporter, name);
	if (sent && sent->limit_nano_usd == budget.limit_nano_usd && sent->spent_nano_usd == budget.spent_nano_usd) {
		assets->n--; /* it is there as it is */
		return GENOPS_OK;
	}
	if (!sent && exporter->n_budgets < GENOPS_COLLIBRA_BUDGETS_KNOWN)
		sent = &exporter->budgets[exporter->n_budgets++];
	else if (!sent)
		sent = &exporter->budgets[name % GENOPS_COLLIBRA_BUDGETS_KNOWN];
	*sent = (struct genops_collibra_sent_budget){name, budget.limit_nano_usd, budget.spent_nano_usd};
	return GENOPS_OK;
}

static int add_view(struct genops_collibra_exporter *exporter, const struct genops_budget_rule *rule, genops_str label,
    struct genops_budget_view *view, struct genops_error *err)
{
	genops_budget_roll(rule, &view->cell, genops_clock_unix_ns() / GENOPS_NS_PER_S);
	for (int period = 0; period < GENOPS_PERIOD_N; period++) {
		if (rule->limit_nano_usd[period] != GENOPS_COST_UNKNOWN)
			GENOPS_TRY(add_window(exporter, rule, label, (enum genops_period)period,
			    &view->cell.lines[period], err));
	}
	return GENOPS_OK;
}

int genops_collibra_budgets_add(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	const struct genops_config *config = exporter->config;
	struct genops_budget_view *views = config->n_budgets ? calloc(VIEWS_MAX, sizeof *views) : NULL;
	int code = GENOPS_OK;
	exporter->n_operations_told = exporter->place.n_operations + exporter->batch.n_operations;
	exporter->budgets_at_ns = genops_clock_monotonic_ns();
	if (!config->n_budgets)
		return GENOPS_OK;
	if (!views)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the budgets");
	size_t n = genops_counters_budgets(exporter->engine->counters, views, VIEWS_MAX);
	for (size_t i = 0; i < config->n_budgets && code == GENOPS_OK; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		bool is_seen = false;
		for (size_t j = 0; j < n && j < VIEWS_MAX && code == GENOPS_OK; j++) {
			genops_str label = genops_str_of(views[j].label);
			if (!genops_str_starts(label, rule->name) || (label.len != rule->name.len && label.ptr[rule->name.len] != '['))
				continue;
			is_seen = true;
			code = add_view(exporter, rule, label, &views[j], err);
		}
		struct genops_budget_view unused = {0};
		if (code == GENOPS_OK && !is_seen && !rule->n_per)
			code = add_view(exporter, rule, rule->name, &unused, err);
	}
	free(views);
	return code;
}

static bool learn(struct genops_collibra_place *place, uint64_t name)
{
	uint32_t n = place->n_budgets < GENOPS_COLLIBRA_BUDGETS_KNOWN ? place->n_budgets : GENOPS_COLLIBRA_BUDGETS_KNOWN;
	for (uint32_t i = 0; i < n; i++) {
		if (place->budgets[i] == name)
			return false;
	}
	place->budgets[place->n_budgets++ % GENOPS_COLLIBRA_BUDGETS_KNOWN] = name;
	return true;
}

size_t genops_collibra_budgets_sent(struct genops_collibra_exporter *exporter, const struct genops_collibra_assets *assets)
{
	size_t n = 0;
	for (size_t i = 0; i < assets->n; i++) {
		const struct genops_collibra_asset *asset = &assets->items[i];
		if (asset->type == GENOPS_COLLIBRA_BUDGET_TRACKING && asset->fate == GENOPS_COLLIBRA_STORED)
			n += learn(&exporter->place, hash_of(asset->name));
	}
	return n;
}
