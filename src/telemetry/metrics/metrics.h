/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/metrics.h - governance metrics (contract OTL-072..077, A-071: genops_cost_total, genops_budget_consumed,
 * ai_request_duration, traces ...) as series that the drain counts from records, and the Prometheus text exposition.
 *
 * Bounded cardinality: over series_max, the labels of new series become "other" and are counted as such. One family is one
 * row below: the row feeds the exposition and the reference page. Money is summed as integers and printed exactly.
 */
#ifndef TELEMETRY_METRICS_H
#define TELEMETRY_METRICS_H

#include "base/buffer.h"
#include "govern/record.h"

/* X(symbol, name, Prometheus type, unit of the value, labels, text). Names are the guides' where they name one: no unit in
 * them, no _total behind `traces` (contract ), which is why promtool wants it untyped. */
#define GENOPS_METRIC_WHO   "genops_team, genops_project, genops_environment"
#define GENOPS_METRIC_MODEL GENOPS_METRIC_WHO ", ai_model_provider, ai_model_name"
#define GENOPS_METRIC_BUDGET "genops_budget_name, genops_budget_scope, genops_budget_period"
#define GENOPS_METRIC_FAMILIES(X)                                                                     \
	X(COST, "genops_cost_total", COUNTER, NANO_USD,                                               \
	    GENOPS_METRIC_MODEL ", genops_customer_id, genops_cost_center, genops_feature",           \
	    "Cost of AI operations in USD.")                                                          \
	X(OPERATIONS, "genops_operations_total", COUNTER, COUNT,                                      \
	    GENOPS_METRIC_MODEL ", genops_policy_result, genops_outcome",                             \
	    "Governed AI operations by result of governance and by outcome.")                         \
	X(TOKENS, "genops_tokens_total", COUNTER, COUNT, GENOPS_METRIC_MODEL ", type",                \
	    "Tokens by type, input or output.")                                                       \
	X(TOKEN_PARTS, "genops_token_parts_total", COUNTER, COUNT, GENOPS_METRIC_MODEL ", type",      \
	    "Tokens of a kind that is part of input or output: cached, reasoning, audio, image.")     \
	X(VIOLATIONS, "genops_policy_violations_total", COUNTER, COUNT,                               \
	    GENOPS_METRIC_WHO ", genops_policy_name, genops_policy_type, genops_policy_result, "      \
			      "genops_policy_reason_code",                                            \
	    "Violated policies and budgets, whatever the level made of the violation.")               \
	X(ALERTS, "genops_budget_alerts_total", COUNTER, COUNT,                                       \
	    "genops_budget_name, genops_budget_period, percent", "Budget alert thresholds crossed.")  \
	X(BUDGET_LIMIT, "genops_budget_limit", GAUGE, NANO_USD, GENOPS_METRIC_BUDGET,                 \
	    "Limit of a budget's window in USD.")                                                     \
	X(BUDGET_CONSUMED, "genops_budget_consumed", GAUGE, NANO_USD, GENOPS_METRIC_BUDGET,           \
	    "Settled cost in a budget's current window in USD; falls only when the window begins anew.") \
	X(BUDGET_REMAINING, "genops_budget_remaining", GAUGE, NANO_USD, GENOPS_METRIC_BUDGET,         \
	    "Limit less consumed of a budget's window in USD; below 0 it is overspent.")              \
	X(BUDGET_UTILIZATION, "genops_budget_utilization", GAUGE, RATIO, GENOPS_METRIC_BUDGET,        \
	    "Settled part of a budget's window, 0 to 1; above 1 it is overspent.")                    \
	X(DURATION, "ai_request_duration", HISTOGRAM, NANO_S, GENOPS_METRIC_MODEL,                    \
	    "Duration of AI requests in seconds.")                                                    \
	X(TRACES, "traces", UNTYPED, COUNT, GENOPS_METRIC_WHO,                                        \
	    "Counter of spans made from AI operations; untyped, as a typed one would need _total.")   \
	X(SELF_SERIES, "genops_self_metric_series", GAUGE, COUNT, "", "Metric series held.")          \
	X(SELF_OTHER, "genops_self_metric_other_total", COUNTER, COUNT, "",                           \
	    "Samples counted under the label value \"other\" because the maximum of series is reached.")

/* GenOps itself, by name: X(name, labels, text). A name that ends in _total is a counter, the others are gauges. */
#define GENOPS_METRIC_SELF(X)                                                                         \
	X("genops_self_processes", "", "Processes attached to the state directory.")                  \
	X("genops_self_operations_in_flight", "", "Governed calls that run now, in all processes.")   \
	X("genops_self_repaired_transactions", "",                                                          \
	    "Transactions undone because their process died in them.")                                \
	X("genops_self_queue_bytes", "", "Size of the export queue.")                                 \
	X("genops_self_queue_waiting", "", "Records that the slowest destination has not taken yet.") \
	X("genops_self_queue_full_total", "", "Appends that the export queue was too full for; tried again.") \
	X("genops_self_queue_damaged_blocks_total", "", "Blocks of the export queue that were found damaged.") \
	X("genops_self_exported_total", "destination", "Records that a destination has taken.")       \
	X("genops_self_export_failures_total", "destination", "Requests that failed and are tried again, and checks of health_check.") \
	X("genops_self_export_retries_total", "destination", "Requests that were sent again.")         \
	X("genops_self_export_connection_errors_total", "destination", "Requests without an answer.")  \
	X("genops_self_export_auth_failures_total", "destination", "Requests whose credentials were refused.") \
	X("genops_self_export_throttled_total", "destination", "Requests that came too fast (429).")   \
	X("genops_self_export_dropped_total", "destination", "Records dropped since as much waited as may.") \
	X("genops_self_export_dead_letters_total", "destination", "Records in dead-letter.jsonl, rejected or dropped.") \
	X("genops_self_destination_waiting", "destination", "Entries of the queue that wait for it; in the queue that all share also others'.") \
	X("genops_self_destination_waiting_bytes", "destination", "Their bytes on disk.")              \
	X("genops_self_destination_lag_seconds", "destination", "How long the first of them has waited.") \
	X("genops_self_destination_up", "destination", "1: the last request was taken, or there was none; 0: it failed.") \
	X("genops_self_destination_breaker_open", "destination", "1: it failed so often that only probes are sent.") \
	X("genops_self_export_rejected_total", "destination",                                         \
	    "Records rejected for ever; they are in dead-letter.jsonl.")                              \
	X("genops_self_damaged_blocks_total", "destination", "Damaged blocks that a destination passed over.") \
	X("genops_self_damaged_segments_total", "", "Damaged places passed over in segments.")        \
	X("genops_self_received_requests_total", "receiver, transport, signal",                       \
	    "Requests of telemetry that were taken, since the state directory was made.")             \
	X("genops_self_received_items_total", "receiver, transport, signal",                          \
	    "Spans, data points and log records that were taken: they are in the durable log.")       \
	X("genops_self_received_rejected_items_total", "receiver, transport, signal",                 \
	    "Spans, data points and log records that were told back as rejected (partial success).")  \
	X("genops_self_received_bytes_total", "receiver, transport, signal",                          \
	    "Bytes of the requests that were taken, as they came.")                                   \
	X("genops_self_refused_requests_total", "receiver, transport, reason",                        \
	    "Requests of telemetry that were refused: nothing of them is acknowledged.")              \
	X("genops_self_tally_other_total", "", "Samples of the five above without a series of their own: there are too many.") \
	X("genops_self_limit", "limit", "What GenOps may take, by the names of performance_settings, whoever said it; bytes, seconds; 0: any.") \
	X("genops_self_process_memory_bytes", "",                                                     \
	    "Memory of the largest process attached to the state directory, without files that it maps.") \
	X("genops_self_pipeline_events", "", "Most events that were in pipelines at once lately, where max_concurrent_events bounds them.") \
	X("genops_self_health", "gauge", "What alert rules ask for (docs/alerts.md), as it is now.")  \
	X("genops_self_backups_total", "kind", "Backups that were made, since the state directory was made.") \
	X("genops_self_backup_failures_total", "kind", "Backups that failed; they are tried again.")   \
	X("genops_self_backup_failing", "kind", "1: the last backup failed.")                          \
	X("genops_self_backup_last_bytes", "kind", "Size of the newest archive.")                      \
	X("genops_self_backup_last_timestamp_seconds", "kind", "Of which time the newest archive is; 0: there is none.") \
	X("genops_self_collibra_waiting", "", "Operations that Collibra has not confirmed yet.")      \
	X("genops_self_collibra_failing", "", "1 while the export to Collibra fails and is tried again.") \
	X("genops_self_collibra_operations_total", "", "Operations exported to Collibra, since the state directory was made.") \
	X("genops_self_collibra_assets_total", "", "Assets created in Collibra, since the state directory was made.") \
	X("genops_self_collibra_rejected_total", "",                                                  \
	    "Assets that Collibra rejected for ever; they are in dead-letter.jsonl.")                 \
	X("genops_self_collibra_calls_total", "", "Requests to Collibra, repeated ones included.")    \
	X("genops_self_collibra_repeats_total", "", "Requests to Collibra that were repeats.")        \
	X("genops_self_observed_spans_total", "what",                                                 \
	    "Received spans of AI calls: counted as operations, duplicate (of a counted call), repeated (sent again), unpriced.") \
	X("genops_self_observed_waiting_bytes", "", "Received spans of AI calls that wait to be settled or handed on.") \
	X("genops_self_undecodable_records_total", "destination",                                     \
	    "Records that could not be read; without the label: by the ledger.")

/* Pipelines, by rule and route (engine/flow/flow_counts.c): X(symbol, name, labels, text). All are counters. Of pipelines of `service` the
 * things counted are spans, data points and log records, of the documents of `pipelines` events. */
#define GENOPS_METRIC_PIPELINE(X)                                                                     \
	X(IN, "genops_pipeline_in_total", "pipeline, kind, name",                                     \
	    "What came to a filter, function, rule, route or processor.")                             \
	X(MATCHED, "genops_pipeline_matched_total", "pipeline, kind, name",                           \
	    "What it took: a filter or route said yes, a lookup found, a rule sampled; of a processor what left it.") \
	X(DROPPED, "genops_pipeline_dropped_total", "pipeline, kind, name", "What ended there on purpose.") \
	X(FAILED, "genops_pipeline_failed_total", "pipeline, kind, name", "Expressions and the like that failed; told in the log.") \
	X(DEAD, "genops_pipeline_dead_letters_total", "pipeline",                                     \
	    "What could not be processed; it is in dead-letter.jsonl with the reason.")

struct genops_metrics; /* internally locked */

/* NULL: out of memory. */
struct genops_metrics *genops_metrics_new(size_t series_max);
void genops_metrics_free(struct genops_metrics *metrics);

/* Counts one record. Without memory for a new series the sample goes to "other". */
void genops_metrics_add_record(struct genops_metrics *metrics, const struct genops_record *record);
/* Takes back what add_record counted; budgets keep the figures they were told. */
void genops_metrics_remove_record(struct genops_metrics *metrics, const struct genops_record *record);

/* Only the gauges of one budget: for budgets that no operation has touched since start. */
void genops_metrics_add_budget(struct genops_metrics *metrics, const struct genops_record_budget *budget);

/* A gauge or counter (name ends in _total) of GenOps itself, by name: genops_self_*; `labels` as `a="b",c="d"` text already
 * escaped, or "". Copied. Other names, and more than 256 series, are ignored. set replaces, add adds to what is there. */
void genops_metrics_set(struct genops_metrics *metrics, const char *name, const char *labels, double value);
void genops_metrics_add(struct genops_metrics *metrics, const char *name, const char *labels, double value);
/* A counter of which only this process's part is known: what was restored stands before it. */
void genops_metrics_set_since(struct genops_metrics *metrics, const char *name, const char *labels, double value);

/* Appends the text exposition (format 0.0.4). It is the whole state: whoever drains writes it, whoever serves /metrics
 * passes it on. Check buf->error. */
void genops_metrics_expose(struct genops_metrics *metrics, struct genops_buffer *buf);

/* Counters and histograms out of such a text, into metrics that are new: who takes over from another process goes on counting where that one
 * was. Gauges are left out: they are told anew. Lines that cannot be read are passed over. */
void genops_metrics_restore(struct genops_metrics *metrics, genops_str text);

#endif
