/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_signal.c - the three signals as rows, see otlp_schema.h. Constant data. */
#include "telemetry/otlp/otlp_schema.h"

const struct genops_otlp_signal genops_otlp_signals[GENOPS_SIGNAL_N] = {
    [GENOPS_SIGNAL_TRACES] = {"traces", "span", GENOPS_OTLP_TRACES_REQUEST, GENOPS_OTLP_RESOURCE_SPANS, GENOPS_OTLP_SCOPE_SPANS,
	GENOPS_OTLP_SPAN},
    [GENOPS_SIGNAL_METRICS] = {"metrics", "metric", GENOPS_OTLP_METRICS_REQUEST, GENOPS_OTLP_RESOURCE_METRICS,
	GENOPS_OTLP_SCOPE_METRICS, GENOPS_OTLP_METRIC},
    [GENOPS_SIGNAL_LOGS] = {"logs", "log record", GENOPS_OTLP_LOGS_REQUEST, GENOPS_OTLP_RESOURCE_LOGS, GENOPS_OTLP_SCOPE_LOGS,
	GENOPS_OTLP_LOG_RECORD},
};

const char *genops_signal_name(enum genops_signal signal)
{
	return genops_otlp_signals[signal].name;
}
