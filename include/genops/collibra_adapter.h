/* SPDX-License-Identifier: Apache-2.0
 * genops/collibra_adapter.h - the guide's GenOpsCollibraAdapter for any language: an engine whose Collibra settings are parameters, and
 * its operations.
 *
 *   struct genops_collibra_options options;
 *   genops_collibra_options_init(&options);
 *   options.team = "ml-platform";                       the rest from COLLIBRA_URL, COLLIBRA_API_TOKEN ...
 *   genops_collibra_adapter *adapter = genops_collibra_adapter_open(&options, &err);
 *   genops_collibra_adapter_begin(adapter, GENOPS_STR("gpt-4-completion"), GENOPS_STR(""), NULL, 0, &operation, &err);
 *   genops_collibra_adapter_cost(adapter, operation, &cost, &err);
 *   genops_operation_end(operation, GENOPS_OUTCOME_OK, &err);
 *   genops_collibra_adapter_close(adapter, 5000);
 *
 * Parameters beat environment variables beat the configuration file beat the guide's defaults. Nothing here but open, flush and
 * close waits for Collibra; what is recorded is durable when genops_operation_end returns, and sent even if this process dies.
 *
 * Threads: any number at once; open and close alone.
 */
#ifndef GENOPS_COLLIBRA_ADAPTER_H
#define GENOPS_COLLIBRA_ADAPTER_H

#include <genops/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct genops_collibra_adapter genops_collibra_adapter;

/* Not given: NULL for texts, a negative number for numbers, GENOPS_UNSET for switches. */
#define GENOPS_UNSET (-1)

struct genops_collibra_options {
	size_t size;                 /* sizeof(struct genops_collibra_options) */
	const char *collibra_url, *username, *password, *api_token, *client_id, *client_secret, *domain_id, *domain, *ca_file;
	const char *team, *project, *environment, *customer_id, *cost_center, *feature; /* of every operation that does not say otherwise */
	const char *export_mode;     /* "batch", "realtime", "hybrid", "off"; default batch */
	int64_t batch_size;          /* default 100 */
	double batch_interval_seconds; /* default 60 */
	int enable_policy_sync;      /* default false */
	double policy_sync_interval_minutes; /* default 5 */
	int enable_cost_tracking;    /* default true */
	double daily_budget_limit;   /* USD; default none */
	int enable_cost_alerts;      /* default false */
	int auto_validate;           /* default true: opening fails if Collibra cannot be reached or refuses the credentials */
	double timeout;              /* seconds; default 30 */
	int64_t max_retries;         /* default 3 */
	int64_t rate_limit_per_second; /* default 10 */
	const char *config_file, *state_dir; /* as in genops/engine.h */
	genops_log_fn *on_log;
	void *log_arg;
};

GENOPS_API void genops_collibra_options_init(struct genops_collibra_options *options);

/* Borrows everything for the call only. NULL with *err: CONFIG (no URL - the message names COLLIBRA_URL -, no credentials, a bad
 * value), DENIED (401, 403), TIMEOUT, REMOTE, BUSY (429), and what genops_engine_open says. */
GENOPS_API genops_collibra_adapter *genops_collibra_adapter_open(
    const struct genops_collibra_options *options, struct genops_error *err);

/* Sends what waits, at most so long (negative: until it is there), then closes: what is still not sent is sent by the next process of
 * the state directory. Ends open operations as cancelled. NULL is fine. */
GENOPS_API void genops_collibra_adapter_close(genops_collibra_adapter *adapter, int64_t timeout_ms);

/* For everything else: policies, sync, reports. Borrowed until the adapter is closed. */
GENOPS_API genops_engine *genops_collibra_adapter_engine(genops_collibra_adapter *adapter);

/* track_ai_operation: begins an operation with the adapter's attributes under the given ones, which may be custom ones, too. `type`
 * empty: "ai.inference". Look at genops_operation_decision: a refusal is not a failure. As genops_operation_begin. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_adapter_begin(genops_collibra_adapter *adapter, genops_str name, genops_str type,
    const struct genops_attribute *attributes, size_t n_attributes, genops_operation **ret_operation, struct genops_error *err);

struct genops_collibra_cost {
	double cost;                 /* USD */
	genops_str provider, model;  /* empty: not said */
	int64_t tokens_input, tokens_output; /* negative: not said */
	const struct genops_attribute *metadata; /* exported as genops.cost.metadata.<key> */
	size_t n_metadata;
};

/* record_cost: adds to what the operation cost. MISUSE: a cost below zero or not a number. */
GENOPS_API GENOPS_NODISCARD int genops_collibra_adapter_cost(genops_collibra_adapter *adapter, genops_operation *operation,
    const struct genops_collibra_cost *cost, struct genops_error *err);

/* record_policy is genops_operation_record_policy (genops/operation.h). */

/* flush: as genops_collibra_flush (genops/collibra_export.h). */
GENOPS_API GENOPS_NODISCARD int genops_collibra_adapter_flush(
    genops_collibra_adapter *adapter, int64_t timeout_ms, uint64_t *ret_created, struct genops_error *err);

/* get_metrics and get_export_summary. Assets, batches and times are of the state directory's export since this adapter was opened. */
struct genops_collibra_metrics {
	uint64_t operation_count;
	double total_cost;           /* USD, of record_cost */
	bool has_daily_budget;
	double daily_budget_limit, budget_remaining;
	uint64_t assets_exported, assets_failed;
	uint64_t buffer_size;        /* operations that Collibra has not confirmed */
	uint64_t assets_created;     /* the same as assets_exported */
	uint64_t batches_sent;
	double average_export_time_ms; /* 0: nothing was sent */
};
GENOPS_API GENOPS_NODISCARD int genops_collibra_adapter_metrics(
    genops_collibra_adapter *adapter, struct genops_collibra_metrics *ret_metrics, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
