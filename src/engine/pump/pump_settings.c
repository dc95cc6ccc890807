/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_settings.c - a destination's configuration as its pump uses it. Borrows from the pump's reference to it. */
#include "engine/pump/pump_state.h"

#include <stdio.h>

#define BATCH_MAX     8192
#define BATCH_COUNT_MAX ((size_t)262144) /* of batches that are told by their bytes */
#define BATCH_BYTES_MAX ((int64_t)16 << 20)

void genops_pump_settings_fill(struct genops_pump *pump, const struct genops_config_exporter *exporter)
{
	pump->settings = (struct genops_destination_settings){
	    .name = exporter->name,
	    .type = exporter->type,
	    .endpoint = exporter->endpoint,
	    .headers = exporter->headers,
	    .resource = pump->config->telemetry.resource_attributes,
	    .is_json = exporter->is_json,
	    .is_insecure = exporter->is_insecure,
	    .skip_verify = exporter->skip_verify,
	    .is_signal_url = exporter->is_signal_url,
	    .ca_file = exporter->ca_file,
	    .certificate_file = exporter->certificate_file,
	    .key_file = exporter->key_file,
	    .compression = exporter->compression,
	    .timeout_ns = exporter->timeout_ns,
	    .profile = (enum genops_profile)pump->config->telemetry.profile,
	    .own = exporter->own,
	    .host = genops_str_of(pump->engine->host),
	};
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
	pump->batch.size = size < 1 ? 1 : size > BATCH_MAX ? BATCH_MAX : (size_t)size;
	if (exporter->batch_bytes && !batch->size)
		pump->batch.size = BATCH_COUNT_MAX;
	/* Enough for several requests, and not so much that a small queue is full before; bounds what comes twice after a kill, too. */
	int64_t quarter = pump->config->telemetry.queue_max_size / 4;
	int64_t bytes_max = exporter->batch_bytes ? exporter->batch_bytes : BATCH_BYTES_MAX;
	pump->batch.size_bytes = (size_t)(quarter && quarter < bytes_max ? quarter : bytes_max);
	pump->batch.destination = pump->settings.name;
	pump->batch.takes_operations = exporter->takes_operations;
	pump->is_retrying = exporter->is_retrying;
	pump->retry_elapsed_ns = exporter->retry_elapsed_ns;
	pump->retries_max = exporter->retries_max;
	if (exporter->retry_multiplier > 0)
		pump->retry.multiplier = exporter->retry_multiplier;
	if (exporter->retry_initial_ns)
		pump->retry.initial_ns = exporter->retry_initial_ns;
	if (exporter->retry_max_ns) /* whatever has failed how often: nobody waits longer than max_interval for a probe */
		pump->retry.max_ns = pump->retry.breaker_open_ns = exporter->retry_max_ns;
	snprintf(pump->labels, sizeof pump->labels, "destination=\"%.*s\"",
	    (int)(exporter->name.len > 120 ? 120 : exporter->name.len), exporter->name.ptr);
}
