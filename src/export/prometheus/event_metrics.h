/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/event_metrics.h - events of pipelines as metrics that Prometheus can add up: what each event adds to which series.
 *
 * A counter's value is the sum of what all events said since the state directory was made, so that a sample that is lost is made up for by
 * the next; a gauge's is the last event's. Money stays exact to 1e-9. An event of which sampling dropped others (`sampled` says how many it
 * stands for) counts for these, too. Without mappings of its own a destination has the guides' metrics, of the fields that the guides'
 * pipelines give an event. */
#ifndef EXPORT_EVENT_METRICS_H
#define EXPORT_EVENT_METRICS_H

#include "export/event_template.h"
#include "export/prometheus/metric_store.h"

struct genops_event_metric_label {
	genops_str name;
	struct genops_template *value;
};

struct genops_event_metric {
	genops_str name, help;
	enum genops_metric_kind kind;
	struct genops_template *value;
	size_t n_labels, n_bounds;
	struct genops_event_metric_label *labels; /* beside those of all */
	double *bounds;                           /* HISTOGRAM */
};

struct genops_event_metrics {
	genops_str prefix;
	bool is_scaled;
	size_t n_labels, n_metrics;
	struct genops_event_metric_label *labels;
	struct genops_event_metric *metrics;
};

/* The setting `metrics` of a document; absent: the guides'. CONFIG with place, NOMEM. What it has compiled goes with done. */
extern const struct genops_option genops_event_metrics_rows[], genops_event_metrics_mapping_rows[];
GENOPS_NODISCARD int genops_event_metrics_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_event_metrics *metrics);
void genops_event_metrics_done(struct genops_event_metrics *metrics);

/* Adds an event to the series; each that it touches is marked 1. An event that cannot be read is an error: SYNTAX, LIMIT; NOMEM. */
GENOPS_NODISCARD int genops_event_metrics_take(const struct genops_event_metrics *metrics, struct genops_event_template_run *run,
    const struct genops_destination_item *item, struct genops_metric_store *store, int64_t now_unix_ns, struct genops_error *err);

#endif
