/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_name.h - OpenTelemetry's names as Prometheus': dots become underscores, units and _total are appended
 * (specification "Prometheus and OpenMetrics compatibility").
 *
 * The guides' queries ask for names without units (contract A-071): a metric that has the name of one of GenOps' own families keeps that
 * name, unless its unit says that its values are of another size. Pure. */
#ifndef EXPORT_METRIC_NAME_H
#define EXPORT_METRIC_NAME_H

#include "base/buffer.h"

enum genops_metric_kind { GENOPS_METRIC_GAUGE, GENOPS_METRIC_COUNTER, GENOPS_METRIC_HISTOGRAM, GENOPS_METRIC_SUMMARY };

const char *genops_metric_kind_name(enum genops_metric_kind kind); /* "gauge" ... */

/* Appends nothing where no letter or digit is left of the name. Check out->error. */
void genops_metric_name_write(genops_str name, genops_str unit, enum genops_metric_kind kind, bool has_suffixes, struct genops_buffer *out);
/* A label's: "genops.team" is genops_team, "1st" is key_1st. */
void genops_metric_label_write(genops_str name, struct genops_buffer *out);

/* Are they such names as they are? */
bool genops_metric_name_is_valid(genops_str name);
bool genops_metric_label_is_valid(genops_str name); /* not __name__ and the like either */

#endif
