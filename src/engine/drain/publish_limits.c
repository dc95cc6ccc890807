/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/publish_limits.c - what GenOps was told that it may take (section performance_settings, and who says it otherwise), and what of
 * it is taken: gauges of /metrics. The drain's thread. */
#include "engine/drain/drain_state.h"
#include "engine/drain/publish.h"

#include "base/clock.h"
#include "base/resident.h"

#include <stdio.h>

#define PROCESSES_MAX 1024

static double largest_process(struct genops_drain *drain)
{
	uint32_t pids[PROCESSES_MAX];
	size_t n = genops_counters_pids(drain->engine->counters, pids, PROCESSES_MAX);
	uint64_t largest = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t bytes = genops_resident_bytes(pids[i]);
		largest = bytes > largest ? bytes : largest;
	}
	return (double)largest;
}

void genops_publish_limits(struct genops_drain *drain)
{
	const struct genops_config_telemetry *telemetry = &drain->config->telemetry;
	const struct genops_config_gateway *gateway = &drain->config->gateway;
	const struct {
		const char *name;
		double value;
	} limits[] = {
	    {"max_memory_per_worker", (double)gateway->worker_memory},
	    {"max_connections", (double)gateway->connections_max},
	    {"max_concurrent_events", (double)telemetry->events_max},
	    {"batch_size", (double)telemetry->batch_size},
	    {"flush_interval", (double)telemetry->batch_timeout_ns / (double)GENOPS_NS_PER_S},
	    {"memory_size", (double)genops_config_buffer_bytes(drain->config)},
	    {"disk_size", (double)telemetry->queue_disk_size},
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		char label[64];
		snprintf(label, sizeof label, "limit=\"%s\"", limits[i].name);
		genops_metrics_set(drain->metrics, "genops_self_limit", label, limits[i].value);
	}
	genops_metrics_set(drain->metrics, "genops_self_process_memory_bytes", "", largest_process(drain));
	if (telemetry->events_max)
		genops_metrics_set(drain->metrics, "genops_self_pipeline_events", "", (double)drain->forward.most_events);
	drain->forward.most_events = 0;
}
