/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_settings.c - a destination's configuration as its pump uses it. Borrows from the pump's reference to it. */
#include "engine/pump/pump_state.h"

#include "base/hash.h"

#include <stdio.h>

#define BATCH_MAX     8192
#define BATCH_COUNT_MAX ((size_t)262144) /* of batches that are told by their bytes */
#define BATCH_BYTES_MAX ((int64_t)16 << 20)

/* After max_retries quick repetitions, or unhealthy_threshold failures in a row, the destination counts as down: it is probed with what waits,
 * and nothing of that is given up. */
static void fill_retry(struct genops_pump *pump, const struct genops_config_exporter *exporter)
{
	struct genops_retry *retry = &pump->retry;
	pump->is_retrying = exporter->is_retrying;
	pump->retry_elapsed_ns = exporter->retry_elapsed_ns;
	pump->n_retry_statuses = exporter->n_retry_statuses;
	memcpy(pump->retry_statuses, exporter->retry_statuses, sizeof pump->retry_statuses);
	if (exporter->retry_multiplier > 0)
		retry->multiplier = exporter->retry_multiplier;
	if (exporter->retry_initial_ns)
		retry->initial_ns = exporter->retry_initial_ns;
	if (exporter->retry_max_ns) /* whatever has failed how often: nobody waits longer than max_interval for a probe */
		retry->max_ns = retry->breaker_open_ns = exporter->retry_max_ns;
	if (exporter->retries_max)
		retry->breaker_failures = (uint32_t)exporter->retries_max + 1;
	if (exporter->unhealthy_threshold)
		retry->breaker_failures = (uint32_t)exporter->unhealthy_threshold;
	if (exporter->health_interval_ns)
		retry->breaker_open_ns = exporter->health_interval_ns;
	pump->health_interval_ns = exporter->health_interval_ns;
	pump->health_timeout_ns = exporter->health_timeout_ns;
}

static uint64_t add_text(uint64_t sum, genops_str text)
{
	return genops_hash_checksum(text.len ? text.ptr : "", text.len, sum * 31 + text.len);
}

static uint64_t add_map(uint64_t sum, const struct genops_text_map *map)
{
	for (size_t i = 0; i < map->n; i++)
		sum = add_text(add_text(sum, map->items[i].key), map->items[i].value);
	return sum;
}

uint64_t genops_pump_settings_sum(const struct genops_config_exporter *exporter, const struct genops_config *config)
{
	const struct genops_config_telemetry *telemetry = &config->telemetry;
	const int64_t numbers[] = {(int64_t)exporter->fingerprint, exporter->takes_operations, exporter->is_json, exporter->is_insecure,
	    exporter->skip_verify, exporter->timeout_ns, exporter->is_signal_url, exporter->batch.timeout_ns, exporter->batch.size,
	    exporter->batch.size_max, telemetry->profile, telemetry->content, telemetry->queue_max_size, telemetry->queue_disk_size, telemetry->queue_own_max,
	    telemetry->overflow, telemetry->batch_timeout_ns, telemetry->batch_size};
	uint64_t sum = genops_hash_checksum(numbers, sizeof numbers, 0);
	const genops_str texts[] = {exporter->name, exporter->type, exporter->endpoint, exporter->compression, exporter->ca_file,
	    exporter->certificate_file, exporter->key_file};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		sum = add_text(sum, texts[i]);
	return add_map(add_map(sum, &exporter->headers), &telemetry->resource_attributes);
}

void genops_pump_settings_of(const genops_engine *engine, const struct genops_config_exporter *exporter,
    const struct genops_config *config, struct genops_destination_settings *ret_settings)
{
	*ret_settings = (struct genops_destination_settings){
	    .name = exporter->name,
	    .type = exporter->type,
	    .endpoint = exporter->endpoint,
	    .headers = exporter->headers,
	    .resource = config->telemetry.resource_attributes,
	    .is_json = exporter->is_json,
	    .is_insecure = exporter->is_insecure,
	    .skip_verify = exporter->skip_verify,
	    .is_signal_url = exporter->is_signal_url,
	    .ca_file = exporter->ca_file,
	    .certificate_file = exporter->certificate_file,
	    .key_file = exporter->key_file,
	    .compression = exporter->compression,
	    .timeout_ns = exporter->timeout_ns,
	    .is_tls13 = exporter->tls_min == 1,
	    .profile = (enum genops_profile)config->telemetry.profile,
	    .own = exporter->own,
	    .host = engine->host,
	};
}

void genops_pump_settings_fill(struct genops_pump *pump, const struct genops_config_exporter *exporter)
{
	genops_pump_settings_of(pump->engine, exporter, pump->config, &pump->settings);
	const struct genops_processor_batch *batch = &exporter->batch;
	int64_t size = batch->size_max && batch->size_max < batch->size ? batch->size_max : batch->size;
	if (!batch->size && !batch->timeout_ns) { /* no pipeline of the service leads there */
		size = pump->config->telemetry.batch_size;
		pump->batch_timeout_ns = pump->config->telemetry.batch_timeout_ns;
	} else {
		pump->batch_timeout_ns = batch->timeout_ns;
	}
	pump->settings.batch_timeout_ns = pump->batch_timeout_ns;
	pump->batch.send_max = batch->size_max;
	pump->batch.send_bytes = (size_t)exporter->batch_bytes;
	pump->batch.size = size < 1 ? 1 : size > BATCH_MAX ? BATCH_MAX : (size_t)size;
	if (exporter->batch_bytes && !batch->size)
		pump->batch.size = BATCH_COUNT_MAX;
	/* Enough for several requests, and not so much that a small queue is full before; bounds what comes twice after a kill, too. */
	int64_t quarter = pump->config->telemetry.queue_max_size / 4;
	int64_t bytes_max = exporter->batch_bytes ? exporter->batch_bytes : BATCH_BYTES_MAX;
	pump->batch.size_bytes = (size_t)(quarter && quarter < bytes_max ? quarter : bytes_max);
	pump->batch.destination = pump->settings.name;
	pump->batch.takes_operations = exporter->takes_operations;
	fill_retry(pump, exporter);
	pump->fingerprint = genops_pump_settings_sum(exporter, pump->config);
	snprintf(pump->labels, sizeof pump->labels, "destination=\"%.*s\"",
	    (int)(exporter->name.len > 120 ? 120 : exporter->name.len), exporter->name.ptr);
}
