/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_rule.h - rules about the engine's own health: a condition over gauges, how long it must hold, who is told.
 *
 * Conditions are expressions of pipelines (pipeline/expression.h) over the gauges below, with percentages as the guides write them:
 * error_rate > 5%. A rule is immutable, part of the configuration's snapshot; what is going on with it is in struct genops_alert_watch.
 * Pure: time is an argument.
 */
#ifndef ENGINE_ALERT_RULE_H
#define ENGINE_ALERT_RULE_H

#include "pipeline/expression.h"

/* X(name, what it is). Numbers in percent, seconds or things a second; of what happened, over the last minute. */
#define GENOPS_ALERT_GAUGES(X)                                                                        \
	X(source_status, "\"down\": nothing was received for `alerts.silence`, or everything was refused for it; else \"up\"") \
	X(source_silence, "seconds since something was received")                                     \
	X(error_rate, "percent of requests to receivers that were refused")                           \
	X(throughput, "spans, data points and log records received a second")                         \
	X(buffer_utilization, "percent: the fullest of the queue, the segments, the disk that destinations may use")                      \
	X(queue_utilization, "percent of telemetry.queue.max_size")                                   \
	X(pipeline_lag, "seconds since everything received was in the queue")                         \
	X(delivery_lag, "seconds for which the first of what waits for a destination has waited; of the worst")                        \
	X(destinations_failing, "destinations whose last attempt failed")                             \
	X(cpu_utilization, "percent of this machine's processors")                                    \
	X(memory_utilization, "percent of this machine's memory")                                     \
	X(disk_utilization, "percent of the disk of the state directory")

enum genops_alert_gauge {
#define X(name, text) GENOPS_ALERT_GAUGE_##name,
	GENOPS_ALERT_GAUGES(X)
#undef X
	GENOPS_ALERT_GAUGE_N
};
extern const char *const genops_alert_gauge_names[GENOPS_ALERT_GAUGE_N + 1]; /* NULL-ended */
extern const char *const genops_alert_gauge_texts[GENOPS_ALERT_GAUGE_N];

struct genops_alert_gauges {
	double values[GENOPS_ALERT_GAUGE_N]; /* NaN: not known yet; source_status: 1 up, 0 down */
	char failing[256];                   /* which destinations do, for people */
};

struct genops_alert_rule {
	genops_str name, condition, severity, remedy; /* severity: critical, high, medium, low, warning, info */
	struct genops_expression *expression;         /* owned */
	int64_t for_ns;
	const genops_str *targets;                    /* ids of destinations */
	size_t n_targets;
};

/* Errors: SYNTAX with what is wrong and the nearest gauge, NOMEM. */
GENOPS_NODISCARD int genops_alert_rule_compile(genops_str condition, struct genops_expression **ret, struct genops_error *err);

/* Does it hold? 1, 0; -1: a gauge that it asks for is not known. The run's arena is reset. */
int genops_alert_rule_holds(const struct genops_alert_rule *rule, const struct genops_alert_gauges *gauges, struct genops_expression_run *run);

/* What to do, where the rule says nothing of its own: by the first gauge that it names. */
const char *genops_alert_rule_remedy(const struct genops_alert_rule *rule);
/* "error_rate 7.3, source_status up": the gauges that it names, for people. */
void genops_alert_rule_tell(const struct genops_alert_rule *rule, const struct genops_alert_gauges *gauges, char *out, size_t size);

struct genops_alert_watch {
	bool is_firing;
	int64_t since_ns;   /* holds since, or no longer holds since; 0: not so */
};

enum genops_alert_step { GENOPS_ALERT_NOTHING, GENOPS_ALERT_FIRES, GENOPS_ALERT_IS_OVER };
/* `holds` as above, at this time of a clock that never goes back. What fires once it has held for rule->for_ns is over when it has not held
 * for CLEAR_NS: what flutters around its bound is one alert. Unknown: nothing changes. */
#define GENOPS_ALERT_CLEAR_NS (INT64_C(10) * 1000000000)
enum genops_alert_step genops_alert_watch_step(
    struct genops_alert_watch *watch, const struct genops_alert_rule *rule, int holds, int64_t monotonic_ns);

#endif
