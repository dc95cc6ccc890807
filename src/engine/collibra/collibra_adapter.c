/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_adapter.c - genops/collibra_adapter.h: the guide's options as parameters of an engine, and its own counts. */
#include "base/clock.h"
#include "base/str.h"
#include "engine/collibra/collibra_export.h"
#include "engine/collibra/collibra_session.h"
#include "engine/drain/drain.h"
#include "engine/operation/operation.h"
#include "govern/money.h"

#include <genops/collibra_adapter.h>
#include <genops/collibra_export.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAIRS_MAX	 24
#define TEXTS_MAX	 ((size_t)1 << 20)
#define METADATA_PREFIX	 "genops.cost.metadata."
#define DAILY_BUDGET	 "daily_budget_limit" /* config_budget.c */
#define SETTLE_WAIT_NS	 (200 * GENOPS_NS_PER_MS)

struct genops_collibra_adapter {
	genops_engine *engine;
	struct genops_arena arena;
	struct genops_text_pair pairs[PAIRS_MAX];
	struct genops_config_parameters parameters;
	struct genops_attribute attributes[GENOPS_ATTRIBUTE_N_STANDARD];
	size_t n_attributes;
	struct genops_collibra_export_status before; /* of the state directory, when this was opened */
	_Atomic uint64_t n_operations;
	_Atomic int64_t cost_nano_usd;
};

void genops_collibra_options_init(struct genops_collibra_options *options)
{
	*options = (struct genops_collibra_options){
	    .size = sizeof *options,
	    .batch_size = -1,
	    .batch_interval_seconds = -1,
	    .enable_policy_sync = GENOPS_UNSET,
	    .policy_sync_interval_minutes = -1,
	    .enable_cost_tracking = GENOPS_UNSET,
	    .daily_budget_limit = -1,
	    .enable_cost_alerts = GENOPS_UNSET,
	    .auto_validate = GENOPS_UNSET,
	    .timeout = -1,
	    .max_retries = -1,
	    .rate_limit_per_second = -1,
	};
}

/* --- parameters --- */

static void add(struct genops_collibra_adapter *adapter, const char *key, const char *value, bool *is_complete)
{
	char *copy = value && *value ? genops_arena_dup_text(&adapter->arena, genops_str_of(value)) : NULL;
	if (!value || !*value)
		return;
	if (!copy || adapter->parameters.n_collibra == PAIRS_MAX) {
		*is_complete = false;
		return;
	}
	adapter->pairs[adapter->parameters.n_collibra++] = (struct genops_text_pair){genops_str_of(key), genops_str_of(copy)};
}

static void add_number(struct genops_collibra_adapter *adapter, const char *key, double value, bool *is_complete)
{
	char text[40];
	if (value < 0)
		return;
	snprintf(text, sizeof text, "%.15g", value);
	add(adapter, key, text, is_complete);
}

static void add_switch(struct genops_collibra_adapter *adapter, const char *key, int value, bool *is_complete)
{
	if (value >= 0)
		add(adapter, key, value ? "true" : "false", is_complete);
}

static int take_parameters(
    struct genops_collibra_adapter *adapter, const struct genops_collibra_options *options, struct genops_error *err)
{
	bool is_complete = true;
	const struct {
		const char *key, *value;
	} texts[] = {{"url", options->collibra_url}, {"username", options->username}, {"password", options->password},
	    {"api_token", options->api_token}, {"client_id", options->client_id}, {"client_secret", options->client_secret},
	    {"domain_id", options->domain_id}, {"domain", options->domain}, {"ca_file", options->ca_file},
	    {"export_mode", options->export_mode}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		add(adapter, texts[i].key, texts[i].value, &is_complete);
	add_number(adapter, "batch_size", (double)options->batch_size, &is_complete);
	add_number(adapter, "batch_interval_seconds", options->batch_interval_seconds, &is_complete);
	add_switch(adapter, "enable_policy_sync", options->enable_policy_sync, &is_complete);
	add_number(adapter, "policy_sync_interval_minutes", options->policy_sync_interval_minutes, &is_complete);
	add_switch(adapter, "enable_cost_tracking", options->enable_cost_tracking, &is_complete);
	add_number(adapter, "timeout", options->timeout, &is_complete);
	add_number(adapter, "max_retries", (double)options->max_retries, &is_complete);
	add_number(adapter, "rate_limit_per_second", (double)options->rate_limit_per_second, &is_complete);
	adapter->parameters.collibra = adapter->pairs;
	adapter->parameters.is_alerting = options->enable_cost_alerts > 0; /* the guide's default is off */
	adapter->parameters.daily_budget_nano_usd = GENOPS_COST_UNKNOWN;
	if (isnan(options->daily_budget_limit) ||
	    (options->daily_budget_limit >= 0 &&
		!genops_money_from_usd(options->daily_budget_limit, &adapter->parameters.daily_budget_nano_usd)))
		return genops_fail(err, GENOPS_MISUSE, "daily_budget_limit is an amount in USD, or negative for none");
	return is_complete ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for the options of Collibra");
}

static int take_attributes(
    struct genops_collibra_adapter *adapter, const struct genops_collibra_options *options, struct genops_error *err)
{
	const char *const values[GENOPS_ATTRIBUTE_N_STANDARD] = {
	    [GENOPS_ATTRIBUTE_TEAM] = options->team,
	    [GENOPS_ATTRIBUTE_PROJECT] = options->project,
	    [GENOPS_ATTRIBUTE_CUSTOMER_ID] = options->customer_id,
	    [GENOPS_ATTRIBUTE_ENVIRONMENT] = options->environment,
	    [GENOPS_ATTRIBUTE_COST_CENTER] = options->cost_center,
	    [GENOPS_ATTRIBUTE_FEATURE] = options->feature,
	};
	static const char *const names[] = {
#define X(symbol, name, key, header) name,
	    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	};
	for (size_t i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++) {
		struct genops_attribute *to = &adapter->attributes[adapter->n_attributes];
		if (!values[i] || !*values[i])
			continue;
		*to = (struct genops_attribute){.key = genops_str_of(names[i])};
		if (!genops_arena_dup(&adapter->arena, genops_str_of(values[i]), &to->value.string))
			return genops_fail(err, GENOPS_NOMEM, "no memory for the attributes");
		adapter->n_attributes++;
	}
	return GENOPS_OK;
}

/* --- opening --- */

/* Reachable, and the credentials are good. A domain or types that are missing do not stop a program: the export says so and waits. */
static int validate(genops_engine *engine, struct genops_error *err)
{
	struct genops_collibra_session *session = calloc(1, sizeof *session);
	if (!session)
		return genops_fail(err, GENOPS_NOMEM, "no memory to look for Collibra");
	struct genops_config *config = genops_engine_config(engine);
	int code = genops_collibra_session_open(session, engine, config, NULL, err);
	if (code == GENOPS_OK)
		code = genops_collibra_session_resolve(session, config, err);
	genops_config_unref(config);
	genops_collibra_session_close(session);
	free(session);
	if (code != GENOPS_NOT_FOUND && code != GENOPS_CONFIG)
		return code;
	genops_log_error(&engine->log, GENOPS_LOG_WARN, "collibra", err);
	return GENOPS_OK;
}

static int open_engine(
    struct genops_collibra_adapter *adapter, const struct genops_collibra_options *options, struct genops_error *err)
{
	const struct genops_engine_options settings = {
	    .size = sizeof settings,
	    .config_file = options->config_file,
	    .state_dir = options->state_dir,
	    .on_log = options->on_log,
	    .log_arg = options->log_arg,
	};
	adapter->engine = genops_engine_open_with(&settings, &adapter->parameters, err);
	if (!adapter->engine)
		return err->code;
	struct genops_config *config = genops_engine_config(adapter->engine);
	bool has_url = config->collibra.url.len;
	genops_config_unref(config);
	if (!has_url)
		return genops_fail_fix(err, GENOPS_CONFIG, "give collibra_url or set COLLIBRA_URL", "there is no URL of a Collibra");
	if (options->auto_validate)
		GENOPS_TRY(validate(adapter->engine, err));
	return genops_collibra_export_status(adapter->engine, &adapter->before, err);
}

genops_collibra_adapter *genops_collibra_adapter_open(const struct genops_collibra_options *options, struct genops_error *err)
{
	struct genops_error own;
	err = err ? err : &own;
	if (!options || options->size != sizeof *options) {
		genops_fail_fix(err, GENOPS_MISUSE, "call genops_collibra_options_init first", "these options are not this library's");
		return NULL;
	}
	struct genops_collibra_adapter *adapter = calloc(1, sizeof *adapter);
	if (!adapter) {
		genops_fail(err, GENOPS_NOMEM, "no memory for an adapter");
		return NULL;
	}
	genops_arena_init(&adapter->arena, TEXTS_MAX);
	int code = take_parameters(adapter, options, err);
	if (code == GENOPS_OK)
		code = take_attributes(adapter, options, err);
	if (code == GENOPS_OK)
		code = open_engine(adapter, options, err);
	if (code == GENOPS_OK)
		return adapter;
	genops_engine_close(adapter->engine);
	genops_arena_done(&adapter->arena);
	free(adapter);
	return NULL;
}

void genops_collibra_adapter_close(genops_collibra_adapter *adapter, int64_t timeout_ms)
{
	struct genops_error err;
	if (!adapter)
		return;
	/* What is not confirmed by then is in the ledger. */
	if (genops_collibra_flush(adapter->engine, timeout_ms, NULL, &err) != GENOPS_OK) {
		genops_log_error(&adapter->engine->log, GENOPS_LOG_WARN, "collibra: not everything was exported before the end", &err);
		genops_collibra_export_hurry(adapter->engine->collibra_exporter);
	}
	genops_engine_close(adapter->engine);
	genops_arena_done(&adapter->arena);
	free(adapter);
}

genops_engine *genops_collibra_adapter_engine(genops_collibra_adapter *adapter)
{
	return adapter->engine;
}

/* --- operations --- */

int genops_collibra_adapter_begin(genops_collibra_adapter *adapter, genops_str name, genops_str type,
    const struct genops_attribute *attributes, size_t n_attributes, genops_operation **ret_operation, struct genops_error *err)
{
	struct genops_attribute merged[GENOPS_ATTRIBUTES_MAX];
	struct genops_operation_options options;
	if (n_attributes > GENOPS_ATTRIBUTES_MAX - adapter->n_attributes)
		return genops_fail(err, GENOPS_LIMIT, "an operation carries at most %d attributes", GENOPS_ATTRIBUTES_MAX);
	memcpy(merged, adapter->attributes, adapter->n_attributes * sizeof *merged);
	if (n_attributes)
		memcpy(merged + adapter->n_attributes, attributes, n_attributes * sizeof *merged); /* the later one wins */
	genops_operation_options_init(&options);
	options.name = name;
	options.type = type;
	options.attributes = merged;
	options.n_attributes = adapter->n_attributes + n_attributes;
	GENOPS_TRY(genops_operation_begin(adapter->engine, &options, ret_operation, err));
	atomic_fetch_add_explicit(&adapter->n_operations, 1, memory_order_relaxed);
	return GENOPS_OK;
}

static int add_metadata(genops_operation *operation, const struct genops_attribute *metadata, struct genops_error *err)
{
	char key[GENOPS_ATTRIBUTE_KEY_MAX + sizeof METADATA_PREFIX];
	struct genops_attribute attribute = *metadata;
	int n = snprintf(key, sizeof key, METADATA_PREFIX "%.*s", GENOPS_STR_ARG(metadata->key));
	if (!metadata->key.len || n >= (int)sizeof key)
		return genops_fail(err, GENOPS_LIMIT, "a cost's metadata has a key of 1 to %d bytes", GENOPS_ATTRIBUTE_KEY_MAX);
	attribute.key = (genops_str){key, (size_t)n};
	return genops_operation_set_attribute(operation, &attribute, err);
}

static int record_who(genops_operation *operation, const struct genops_collibra_cost *cost, struct genops_error *err)
{
	struct genops_record *record = &operation->record;
	if (cost->provider.len && !genops_arena_dup(&operation->arena, cost->provider, &record->provider))
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation");
	if (cost->model.len)
		GENOPS_TRY(genops_operation_record_model(operation, cost->model, err));
	if (cost->model.len && !record->request_model.len)
		record->request_model = record->response_model;
	if (cost->tokens_input < 0 && cost->tokens_output < 0)
		return GENOPS_OK;
	genops_usage usage = record->usage;
	usage.input_tokens += cost->tokens_input > 0 ? cost->tokens_input : 0;
	usage.output_tokens += cost->tokens_output > 0 ? cost->tokens_output : 0;
	return genops_operation_record_usage(operation, &usage, err);
}

int genops_collibra_adapter_cost(genops_collibra_adapter *adapter, genops_operation *operation,
    const struct genops_collibra_cost *cost, struct genops_error *err)
{
	int64_t nano_usd;
	if (!genops_money_from_usd(cost->cost, &nano_usd))
		return genops_fail(err, GENOPS_MISUSE, "a cost is an amount in USD, not below zero");
	if (!genops_str_is_utf8(cost->provider) || !genops_str_is_utf8(cost->model) ||
	    cost->provider.len > GENOPS_ATTRIBUTE_VALUE_MAX || cost->model.len > GENOPS_ATTRIBUTE_VALUE_MAX)
		return genops_fail(err, GENOPS_MISUSE, "provider and model are short UTF-8 texts");
	GENOPS_TRY(record_who(operation, cost, err));
	for (size_t i = 0; i < cost->n_metadata; i++)
		GENOPS_TRY(add_metadata(operation, &cost->metadata[i], err));
	GENOPS_TRY(genops_operation_record_cost(operation, nano_usd, err));
	atomic_fetch_add_explicit(&adapter->cost_nano_usd, nano_usd, memory_order_relaxed);
	return GENOPS_OK;
}

/* --- flush and figures --- */

int genops_collibra_adapter_flush(
    genops_collibra_adapter *adapter, int64_t timeout_ms, uint64_t *ret_created, struct genops_error *err)
{
	return genops_collibra_flush(adapter->engine, timeout_ms, ret_created, err);
}

static int64_t spent_today(genops_engine *engine, const struct genops_config *config)
{
	const struct genops_budget_rule *rule = NULL;
	struct genops_budget_view view;
	struct genops_match_subject subject = {0};
	struct genops_arena arena;
	struct genops_hash key;
	genops_str label;
	for (size_t i = 0; i < config->n_budgets && !rule; i++) {
		if (genops_str_is(config->budgets[i].name, DAILY_BUDGET))
			rule = &config->budgets[i];
	}
	genops_arena_init(&arena, 4096);
	bool is_there = rule &&
			genops_budget_key(rule, &subject, &arena, genops_counters_hash_seed(engine->counters), &key, &label, NULL) ==
			    GENOPS_OK &&
			genops_counters_budget(engine->counters, key, &view);
	genops_arena_done(&arena);
	if (!is_there)
		return 0;
	genops_budget_roll(rule, &view.cell, genops_clock_unix_ns() / GENOPS_NS_PER_S);
	return view.cell.lines[GENOPS_PERIOD_DAILY].consumed_nano_usd;
}

/* What was just ended is in the ledger a moment later. */
static void wait_for_ledger(const genops_engine *engine)
{
	int64_t until_ns = genops_clock_monotonic_ns() + SETTLE_WAIT_NS;
	struct genops_drain_mark *mark;
	struct genops_error err;
	if (genops_drain_mark_new(engine->state_dir, &mark, &err) != GENOPS_OK)
		return;
	while (!genops_drain_mark_is_reached(mark) && genops_clock_monotonic_ns() < until_ns)
		usleep(2000);
	genops_drain_mark_free(mark);
}

int genops_collibra_adapter_metrics(
    genops_collibra_adapter *adapter, struct genops_collibra_metrics *ret_metrics, struct genops_error *err)
{
	const struct genops_collibra_export_status *before = &adapter->before;
	struct genops_collibra_export_status now;
	struct genops_collibra_metrics metrics = {
	    .operation_count = atomic_load(&adapter->n_operations),
	    .total_cost = genops_money_to_usd(atomic_load(&adapter->cost_nano_usd)),
	};
	wait_for_ledger(adapter->engine);
	GENOPS_TRY(genops_collibra_export_status(adapter->engine, &now, err));
	struct genops_config *config = genops_engine_config(adapter->engine);
	int64_t limit = adapter->parameters.daily_budget_nano_usd;
	metrics.has_daily_budget = limit != GENOPS_COST_UNKNOWN;
	if (metrics.has_daily_budget) {
		int64_t left = limit - spent_today(adapter->engine, config);
		metrics.daily_budget_limit = genops_money_to_usd(limit);
		metrics.budget_remaining = left < 0 ? -genops_money_to_usd(-left) : genops_money_to_usd(left);
	}
	genops_config_unref(config);
	metrics.assets_created = metrics.assets_exported = now.assets_created - before->assets_created;
	metrics.assets_failed = now.assets_failed > before->assets_failed ? now.assets_failed - before->assets_failed : 0;
	metrics.buffer_size = now.operations_waiting;
	metrics.batches_sent = now.batches_sent - before->batches_sent;
	if (metrics.batches_sent)
		metrics.average_export_time_ms = (now.average_export_time_ms * (double)now.batches_sent -
						     before->average_export_time_ms * (double)before->batches_sent) /
						 (double)metrics.batches_sent;
	*ret_metrics = metrics;
	return GENOPS_OK;
}
