/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_batch.c - `batch`: how much an exporter's requests wait for.
 *
 * The Collector batches in memory before its exporters, and a crash loses what waits. Here what reaches an exporter lies in the durable
 * queue first; the exporter's pump (engine/pump/pump.c) makes the batches out of it by these settings. So this processor changes nothing
 * where it stands. */
#include "pipeline/collector/processor.h"

#define AT(field) offsetof(struct genops_processor_batch, field)

static const struct genops_option rows[] = {
    {.name = "timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(timeout_ns),
	.default_text = "200ms",
	.max = 3600,
	.text = "how long a batch may wait for more; 0: it does not wait"},
    {.name = "send_batch_size",
	.type = GENOPS_OPTION_INT,
	.offset = AT(size),
	.default_text = "8192",
	.max = 1e9,
	.text = "spans, data points or log records that end the wait; 0: nothing waits"},
    {.name = "send_batch_max_size",
	.type = GENOPS_OPTION_INT,
	.offset = AT(size_max),
	.default_text = "0",
	.max = 1e9,
	.text = "of one request at most; 0: no maximum"},
    {.name = NULL},
};

static int compile(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in)
{
	const struct genops_processor_batch *batch = processor->settings;
	if (batch->size_max && batch->size_max < batch->size)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "send_batch_max_size"), "make it send_batch_size or more",
		    "send_batch_max_size is below send_batch_size");
	return GENOPS_OK;
}

const struct genops_processor_type genops_processor_type_batch = {
    .name = "batch",
    .summary = "How long and for how many items requests to exporters wait.",
    .rows = rows,
    .settings_size = sizeof(struct genops_processor_batch),
    .signals = 1u << GENOPS_SIGNAL_TRACES | 1u << GENOPS_SIGNAL_METRICS | 1u << GENOPS_SIGNAL_LOGS,
    .compile = compile,
};
