/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_filter.h - the filter processor's settings, between what reads and what applies them. */
#ifndef PIPELINE_COLLECTOR_PROCESSOR_FILTER_H
#define PIPELINE_COLLECTOR_PROCESSOR_FILTER_H

#include "pipeline/collector/condition/condition.h"
#include "pipeline/collector/processor.h"

#define GENOPS_FILTER_CONDITIONS_MAX 1000 /* of one signal */

enum genops_filter_error_mode { GENOPS_FILTER_PROPAGATE, GENOPS_FILTER_IGNORE, GENOPS_FILTER_SILENT };

struct genops_filter_condition {
	struct genops_condition condition;
	enum genops_filter_error_mode error_mode;
};

struct genops_filter_conditions {
	size_t n;
	struct genops_filter_condition *items;
};

struct genops_filter_signal {
	struct genops_item_match include, exclude;
	struct genops_filter_conditions items; /* drop a span, metric or log record */
	struct genops_filter_conditions parts; /* drop a span event or data point */
};

struct genops_filter {
	int error_mode;
	struct genops_filter_signal signals[GENOPS_SIGNAL_N];
};

extern const struct genops_option genops_filter_rows[];
extern const struct genops_processor_part genops_filter_parts[];

/* struct genops_processor_type.compile */
int genops_filter_read(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in);

#endif
