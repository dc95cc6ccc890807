/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_points.h - OTLP's data points as Datadog's series, as the Collector's datadog exporter makes them: monotonic sums are
 * counts, what only grows is sent as what it has grown by, histograms are counts of their buckets. Pure but for `delta`. */
#ifndef EXPORT_DATADOG_POINTS_H
#define EXPORT_DATADOG_POINTS_H

#include "export/datadog/datadog_delta.h"
#include "export/datadog/datadog_series.h"

struct genops_datadog_points {
	struct genops_datadog_series *series;
	struct genops_datadog_delta *delta;
	genops_str host;              /* where a resource names none */
	int64_t now_s;
};

/* All points of an Export<Metrics>ServiceRequest. CORRUPT, NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_datadog_points_add(const struct genops_datadog_points *points, genops_str request, struct genops_error *err);

#endif
