/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_label.h - attributes of OTLP as labels: names translated, sorted, values as texts. Pure. */
#ifndef EXPORT_METRIC_LABEL_H
#define EXPORT_METRIC_LABEL_H

#include "export/prometheus/metric_point.h"
#include "telemetry/otlp/otlp_span.h"

/* What all points of a resource and scope have: job, instance, otel_scope_... */
struct genops_metric_label_set {
	size_t n;
	struct genops_metric_label labels[GENOPS_METRIC_LABELS_MAX];
};

/* LIMIT: the arena is full; CORRUPT. */
GENOPS_NODISCARD int genops_metric_label_set_resource(struct genops_metric_label_set *set, const struct genops_otlp_resource *resource,
    const struct genops_metric_rules *rules, struct genops_arena *arena);
/* Those, and the attributes that stand in field `number` of a point's message. */
GENOPS_NODISCARD int genops_metric_label_set_point(const struct genops_metric_label_set *set, genops_str message, uint32_t number,
    struct genops_arena *arena, const struct genops_metric_label **ret_labels, size_t *ret_n);

#endif
