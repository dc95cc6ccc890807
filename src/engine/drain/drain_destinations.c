/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain_destinations.c - which pumps run: one for each destination of the configuration, and who did not change goes on over a
 * reload. The drain's thread. */
#include "engine/drain/drain_state.h"

#include "base/clock.h"

#include <stdlib.h>

#define SEND_GRACE_NS   (2 * GENOPS_NS_PER_S)
#define ANSWER_GRACE_NS (3 * GENOPS_NS_PER_S) /* after it */

/* Exporters, then the documents' destinations. NULL: there are no more. */
static const struct genops_config_exporter *destination_at(const struct genops_config *config, size_t i)
{
	if (i < config->telemetry.n_exporters)
		return &config->telemetry.exporters[i];
	i -= config->telemetry.n_exporters;
	return i < config->n_destinations ? &config->destinations[i] : NULL;
}

static bool is_unchanged(const struct genops_pump *pump, const struct genops_config *config)
{
	const struct genops_config_exporter *destination;
	for (size_t i = 0; (destination = destination_at(config, i)); i++) {
		if (genops_pump_is_same(pump, destination, config))
			return true;
	}
	return false;
}

static bool is_running(const struct genops_drain *drain, const struct genops_config_exporter *destination)
{
	for (size_t i = 0; i < drain->n_pumps; i++) {
		if (genops_pump_is_same(drain->pumps[i], destination, drain->config))
			return true;
	}
	return false;
}

void genops_drain_destinations_stop(struct genops_drain *drain, const struct genops_config *config)
{
	int64_t send_until_ns = genops_clock_monotonic_ns() + SEND_GRACE_NS; /* of all together */
	size_t n_kept = 0;
	for (size_t i = 0; i < drain->n_pumps; i++) {
		if (!config || !is_unchanged(drain->pumps[i], config))
			genops_pump_stop_begin(drain->pumps[i]);
	}
	for (size_t i = 0; i < drain->n_pumps; i++) {
		if (config && is_unchanged(drain->pumps[i], config))
			drain->pumps[n_kept++] = drain->pumps[i];
		else
			genops_pump_stop(drain->pumps[i], send_until_ns, send_until_ns + ANSWER_GRACE_NS);
	}
	drain->n_pumps = n_kept;
}

/* Nothing is kept for destinations that the configuration no longer has. One without any (a command that was started with another
 * configuration) forgets nothing. */
static void keep_cursors(struct genops_drain *drain)
{
	const struct genops_config_exporter *destination;
	size_t n = drain->config->telemetry.n_exporters + drain->config->n_destinations;
	char(*texts)[GENOPS_PUMP_NAME_SIZE] = calloc(n + 1, sizeof *texts);
	const char **names = calloc(n + 1, sizeof *names);
	struct genops_error err;
	for (size_t i = 0; texts && names && (destination = destination_at(drain->config, i)); i++) {
		genops_pump_name(destination->name, texts[i]);
		names[i] = texts[i];
	}
	int code = texts && names ? GENOPS_OK : genops_fail(&err, GENOPS_NOMEM, "no memory for the names of destinations");
	if (code == GENOPS_OK && n && drain->engine->drain_option != GENOPS_DRAIN_NEVER)
		code = genops_queue_keep_cursors(drain->queue, names, n, &err);
	if (code == GENOPS_OK && n && drain->engine->drain_option != GENOPS_DRAIN_NEVER)
		genops_queue_own_keep(drain->engine->state_dir, names, n);
	if (code != GENOPS_OK)
		genops_log_error(&drain->engine->log, GENOPS_LOG_WARN, "a former destination's place stays", &err);
	free(texts);
	free(names);
}

void genops_drain_destinations_start(struct genops_drain *drain)
{
	const struct genops_config_exporter *destination;
	struct genops_error err;
	for (size_t i = 0; (destination = destination_at(drain->config, i)); i++) {
		if (is_running(drain, destination))
			continue;
		int code = drain->n_pumps < PUMPS_MAX ? genops_pump_start(drain->engine, drain->queue, destination, drain->config,
							drain->metrics, &drain->pumps[drain->n_pumps], &err)
						      : genops_fail(&err, GENOPS_LIMIT, "there are more than %d", PUMPS_MAX);
		if (code == GENOPS_OK)
			drain->n_pumps++;
		else
			genops_log_error(&drain->engine->log, GENOPS_LOG_ERROR, "a destination cannot be started", &err);
	}
	keep_cursors(drain);
}
