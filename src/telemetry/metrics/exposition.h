/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/exposition.h - series as Prometheus text, format 0.0.4: families together, HELP and TYPE first, values exact. */
#ifndef TELEMETRY_EXPOSITION_H
#define TELEMETRY_EXPOSITION_H

#include "telemetry/metrics/series.h"

struct genops_exposition_self {
	char *name, *labels;
	double value;
	double before; /* what the counter had when this process began */
};

/* `self` is sorted by name. Check buf->error. */
void genops_exposition_write(const struct genops_series_table *table, const struct genops_exposition_self *self,
    size_t n_self, struct genops_buffer *buf);

#endif
