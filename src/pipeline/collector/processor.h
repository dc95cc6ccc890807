/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor.h - processors of the OpenTelemetry Collector's format: the row that each type fills.
 *
 * One type is one file ending in const struct genops_processor_type genops_processor_type_<name>, plus one row in GENOPS_PROCESSOR_TYPES. An
 * instance is a key under `processors`: its type ("filter"), or its type and a name of its own ("filter/team",
 * "genops/cost_aggregator/by_model"). Settings are compiled once, with the configuration, and are immutable.
 *
 * A processor works on OTLP bytes: it goes over a request with telemetry/otlp/otlp_span.h, copies what it does not touch byte for byte and
 * takes no memory a span. What an option means is what it means in the Collector (v0.159); an option that is not done is refused by name
 * when the configuration is read, never ignored. Pure: time is an argument, sums and budgets come in through the run.
 */
#ifndef PIPELINE_COLLECTOR_PROCESSOR_H
#define PIPELINE_COLLECTOR_PROCESSOR_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/option.h"
#include "codec/yaml_rows.h"
#include "telemetry/otlp/envelope.h"

#define GENOPS_PROCESSOR_TYPES(X)                                                                     \
	X(batch)                                                                                      \
	X(memory_limiter)                                                                             \
	X(filter)                                                                                     \
	X(attributes)                                                                                 \
	X(cost_aggregator)                                                                            \
	X(budget_enforcer)                                                                            \
	X(policy_evaluator)

struct genops_processor_type;
struct genops_processor_run; /* service.h */

struct genops_processor {
	genops_str name;                /* as configured */
	const struct genops_processor_type *type;
	void *settings;                 /* of type->settings_size, in the configuration's arena */
	bool is_used;                   /* a pipeline names it */
};

struct genops_processor_part { /* a part of a section, for the reference page */
	const char *name, *text; /* "spans.include" */
	const struct genops_option *rows;
};

struct genops_processor_type {
	const char *name;               /* "filter", "genops/cost_aggregator" */
	const char *summary;
	const struct genops_option *rows; /* feed parser, nearest names and the reference page */
	const struct genops_processor_part *parts; /* ends in one without a name; NULL: none */
	size_t settings_size;
	unsigned signals;               /* 1 << GENOPS_SIGNAL_TRACES ...: which pipelines it may stand in */
	/* After the rows have filled the settings: CUSTOM rows, and what rows cannot check. node: the section; its key if it is empty. NULL:
	 * nothing to do. */
	int (*compile)(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in);
	/* Why it cannot stand in a pipeline of this signal, though its type can; NULL: it can. May be NULL. */
	const char *(*misfit)(const struct genops_processor *processor, enum genops_signal signal);
	void (*done)(void *settings);   /* what compile took beside the arena; NULL: nothing */
	/* Takes a request of its signal, appends what is left of it to `out` (empty: nothing is). *ret_is_same: it is as it came, `out` was not
	 * written. NOMEM; any other code: it cannot be processed (damage, too long, error_mode: propagate), and goes to the dead letters with
	 * that reason. NULL: everything passes as it is. */
	int (*apply)(const struct genops_processor *processor, struct genops_processor_run *run, const struct genops_envelope *envelope,
	    struct genops_buffer *out, bool *ret_is_same, struct genops_error *err);
	/* Something of its own accord, each `interval`: appends a request of signal METRICS to `out` (nothing: has nothing to say). NULL: never. */
	int64_t (*interval_ns)(const struct genops_processor *processor);
	int (*tick)(const struct genops_processor *processor, struct genops_processor_run *run, int64_t now_unix_ns, struct genops_buffer *out,
	    struct genops_error *err);
};

#define X(name) extern const struct genops_processor_type genops_processor_type_##name;
GENOPS_PROCESSOR_TYPES(X)
#undef X

/* By an instance's name: its type, or "<type>/<anything>"; NULL: there is none. */
const struct genops_processor_type *genops_processor_type_find(genops_str name);
/* The nearest type, for "did you mean"; NULL: none is near. */
const char *genops_processor_type_nearest(genops_str name);
const struct genops_processor_type *const *genops_processor_types(void); /* all rows, NULL-ended */

/* --- settings that others act upon --- */

/* batch: what reaches an exporter is durable before it is batched, so its pump does it. */
struct genops_processor_batch {
	int64_t timeout_ns;             /* how long a batch may wait for more; 0: it does not wait */
	int64_t size;                   /* items that a batch waits for; 0: does not wait for items */
	int64_t size_max;               /* items of a batch at most; 0: no maximum */
};

/* memory_limiter: receivers refuse above the limit (engine/receive/). */
struct genops_processor_memory_limiter {
	int64_t check_interval_ns;
	int64_t limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage;
	uint64_t limit_bytes, soft_limit_bytes; /* after compile; soft: limit less spike, from which on it refuses */
};

/* genops/budget_enforcer: each line becomes a budget of the configuration. */
struct genops_processor_budget {
	genops_str name;                /* of the budget: "genops/budget_enforcer: team=ml-platform daily" */
	genops_str timezone;            /* "" : UTC */
	size_t n_match;                 /* attributes that an operation must have: "team" -> "ml-platform" */
	struct genops_text_pair *match;
	int64_t limit_nano_usd;
	int period;                     /* enum genops_period */
	bool is_blocking;               /* action: block; else alert */
	const struct genops_yaml_node *node; /* only while the configuration is read */
};
struct genops_processor_budget_enforcer {
	size_t n_budgets;
	struct genops_processor_budget *budgets;
};

#endif
