/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_governance.c - section `governance`: mode, attributes, prices; its lists have files of their own.
 *
 * The keys of the guides' ~/.genops/config.yaml (daily_budget_limit, max_experiment_cost, policy_enforcement,
 * enable_cost_alerts) are read here too: contract WDB-020..023. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <genops/operation.h>

#include <stdio.h>

struct governance {
	int64_t daily_budget_limit, max_experiment_cost;
	bool is_alerting;
};

struct pricing {
	int unknown_model;
	struct genops_texts files;
	int64_t reload_interval_ns;
};

struct approvals {
	int64_t threshold;
};

#define AT(field) offsetof(struct governance, field)
const struct genops_option genops_config_governance_rows[] = {
    {.name = "mode",
	.type = GENOPS_OPTION_CUSTOM,
	.default_text = "enforced",
	.text = "enforced (or strict) blocks, advisory only warns, audit_only only records",
	.aliases = (const char *const[]){"policy_enforcement", "governance_policy", NULL}},
    {.name = "attributes",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "team, project, environment ...: defaults for every operation"},
    {.name = "pricing", .type = GENOPS_OPTION_CUSTOM, .text = "where prices come from"},
    {.name = "policies", .type = GENOPS_OPTION_CUSTOM, .text = "what is not allowed"},
    {.name = "budgets", .type = GENOPS_OPTION_CUSTOM, .text = "what may be spent"},
    {.name = "approvals", .type = GENOPS_OPTION_CUSTOM, .text = "what a person has to allow first"},
    {.name = "keys", .type = GENOPS_OPTION_CUSTOM, .text = "virtual keys: what clients send instead of a provider's key"},
    {.name = "daily_budget_limit",
	.type = GENOPS_OPTION_MONEY,
	.offset = AT(daily_budget_limit),
	.min = 1e-9,
	.max = 9e9,
	.text = "USD a day for everything together: a budget of this name"},
    {.name = "max_experiment_cost",
	.type = GENOPS_OPTION_MONEY,
	.offset = AT(max_experiment_cost),
	.min = 1e-9,
	.max = 9e9,
	.text = "USD that one W&B run may cost"},
    {.name = "enable_cost_alerts",
	.type = GENOPS_OPTION_BOOL,
	.offset = AT(is_alerting),
	.default_text = "true",
	.text = "false silences the alerts of all budgets"},
    {.name = NULL},
};

const struct genops_option genops_config_pricing_rows[] = {
    {.name = "unknown_model",
	.type = GENOPS_OPTION_ENUM,
	.offset = offsetof(struct pricing, unknown_model),
	.default_text = "ceiling",
	.names = (const char *const[]){"ceiling", "block", NULL},
	.text = "a model without a price is priced at its provider's dearest known rate, or blocked"},
    {.name = "files",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct pricing, files),
	.text = "price files, CSV or LiteLLM's JSON map, from the configuration's folder; later ones win"},
    {.name = "reload_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct pricing, reload_interval_ns),
	.default_text = "300s",
	.min = 1,
	.max = 86400,
	.text = "how often the files are looked at"},
    {.name = NULL},
};

const struct genops_option genops_config_approval_rows[] = {
    {.name = "cost_approval_threshold",
	.type = GENOPS_OPTION_MONEY,
	.offset = offsetof(struct approvals, threshold),
	.max = 9e9,
	.text = "USD; an estimate above it waits for a person"},
    {.name = NULL},
};

static int read_mode(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	static const char *const names[] = {"enforced", "strict", "advisory", "audit_only"};
	char fix[64] = "";
	genops_str text;
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_text(reader, node, "mode", &text));
	if (genops_mode_parse(text, &reader->config->mode))
		return GENOPS_OK;
	const char *nearest = genops_str_nearest(text, names, sizeof names / sizeof *names);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(reader, node, fix, "mode: \"%.*s\" is not one of enforced, advisory, audit_only",
	    text.len > 40 ? 40 : (int)text.len, text.ptr);
}

static int read_attributes(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_attributes attributes;
	genops_attributes_init(&attributes, reader->arena);
	GENOPS_TRY(genops_attributes_set_text(
	    &attributes, GENOPS_STR("environment"), GENOPS_STR("development"), reader->err));
	GENOPS_TRY(genops_config_match_attributes(reader, node, "governance.attributes", &attributes));
	GENOPS_TRY(genops_config_environment_attributes(reader, &attributes));
	reader->config->attributes = attributes.items;
	reader->config->n_attributes = attributes.n;
	return GENOPS_OK;
}

static int read_pricing(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config *config = reader->config;
	struct pricing pricing = {0};
	GENOPS_TRY(genops_config_read_section(
	    reader, node, "governance.pricing", genops_config_pricing_rows, &pricing));
	config->blocks_unknown_model = pricing.unknown_model == 1;
	config->price_reload_interval_ns = pricing.reload_interval_ns;
	reader->price_files = genops_config_read_get(node, genops_config_pricing_rows, "files");
	for (size_t i = 0; i < pricing.files.n; i++)
		GENOPS_TRY(genops_config_read_place(reader, reader->price_files,
		    genops_config_file_path(
			reader, pricing.files.items[i], reader->folder, &pricing.files.items[i])));
	config->price_files = pricing.files;
	return GENOPS_OK;
}

static int read_approvals(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct approvals approvals = {.threshold = GENOPS_COST_UNKNOWN};
	GENOPS_TRY(genops_config_read_section(
	    reader, node, "governance.approvals", genops_config_approval_rows, &approvals));
	reader->config->approval_threshold_nano_usd = approvals.threshold;
	if (approvals.threshold == GENOPS_COST_UNKNOWN)
		return GENOPS_OK;
	return genops_config_read_warn(reader, node, "limit calls with a policy of type cost_limit meanwhile",
	    "approvals are read by a later version: no call waits for approval yet");
}

static int read_lists(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	const struct genops_option *rows = genops_config_governance_rows;
	GENOPS_TRY(genops_config_policy_read(reader, genops_config_read_get(node, rows, "policies")));
	GENOPS_TRY(genops_config_budget_read(reader, genops_config_read_get(node, rows, "budgets")));
	/* A key may name any budget, also the one that a limit of the environment makes. */
	GENOPS_TRY(genops_config_environment_read(reader));
	if (reader->parameters && reader->parameters->daily_budget_nano_usd != GENOPS_COST_UNKNOWN)
		reader->daily_budget_limit = reader->parameters->daily_budget_nano_usd;
	GENOPS_TRY(genops_config_budget_add_daily(reader));
	return genops_config_key_read(reader, genops_config_read_get(node, rows, "keys"));
}

int genops_config_governance_read(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	const struct genops_option *rows = genops_config_governance_rows;
	struct governance governance = {
	    .daily_budget_limit = GENOPS_COST_UNKNOWN, .max_experiment_cost = GENOPS_COST_UNKNOWN};
	GENOPS_TRY(genops_config_read_section(reader, node, "governance", rows, &governance));
	reader->daily_budget_limit = governance.daily_budget_limit;
	reader->is_alerting = governance.is_alerting;
	if (reader->parameters && reader->parameters->is_alerting >= 0)
		reader->is_alerting = reader->parameters->is_alerting;
	reader->config->max_experiment_cost_nano_usd = governance.max_experiment_cost;
	GENOPS_TRY(read_mode(reader, genops_config_read_get(node, rows, "mode")));
	GENOPS_TRY(read_attributes(reader, genops_config_read_get(node, rows, "attributes")));
	GENOPS_TRY(read_pricing(reader, genops_config_read_get(node, rows, "pricing")));
	GENOPS_TRY(read_approvals(reader, genops_config_read_get(node, rows, "approvals")));
	GENOPS_TRY(read_lists(reader, node));
	if (governance.max_experiment_cost == GENOPS_COST_UNKNOWN)
		return GENOPS_OK;
	return genops_config_read_warn(reader, genops_yaml_get(node, "max_experiment_cost"), "",
	    "max_experiment_cost limits W&B runs, which a later version follows; has no effect yet");
}
