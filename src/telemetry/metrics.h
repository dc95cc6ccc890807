/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics.h - governance metrics (contract OTL-072..077, A-071: genops_cost_total, genops_budget_consumed, ai_request_duration, traces ...) as
 * series that the drain counts from records, and the Prometheus text exposition. Bounded cardinality: over series_max, labels
 * become "other" and are counted as such.
 */
#ifndef TELEMETRY_METRICS_H
#define TELEMETRY_METRICS_H

#include "base/buffer.h"
#include "govern/record.h"

struct genops_metrics; /* internally locked */

struct genops_metrics *genops_metrics_new(size_t series_max);
void genops_metrics_free(struct genops_metrics *metrics);
void genops_metrics_add_record(struct genops_metrics *metrics, const struct genops_record *record);
/* A gauge or counter of GenOps itself, by name: genops_self_*; labels as `a="b",c="d"` text already escaped, or "". */
void genops_metrics_set(struct genops_metrics *metrics, const char *name, const char *labels, double value);
/* Full state, for handing over between the drain and whoever serves /metrics; and back. */
void genops_metrics_expose(struct genops_metrics *metrics, struct genops_buffer *buf);

#endif
