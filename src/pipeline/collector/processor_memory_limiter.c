/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_memory_limiter.c - `memory_limiter`: from where on receivers refuse.
 *
 * In the Collector it refuses what enters a pipeline, after it was received. Here what was received is durable and acknowledged already, so
 * the limit acts at the door: the receivers of the pipelines in which it stands answer 503 with a delay (gRPC UNAVAILABLE with RetryInfo),
 * and senders come again. It changes nothing where it stands. */
#include "pipeline/collector/processor.h"

#include <unistd.h>

#define AT(field) offsetof(struct genops_processor_memory_limiter, field)
#define MIB       ((uint64_t)1 << 20)

static const struct genops_option rows[] = {
    {.name = "check_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(check_interval_ns),
	.is_required = true,
	.min = 0.001,
	.max = 3600,
	.text = "how often it is measured"},
    {.name = "limit_mib",
	.type = GENOPS_OPTION_INT,
	.offset = AT(limit_mib),
	.max = 1e9,
	.text = "MiB in use at most: of what was received and is not drained yet, and of the receiving process itself"},
    {.name = "spike_limit_mib",
	.type = GENOPS_OPTION_INT,
	.offset = AT(spike_limit_mib),
	.max = 1e9,
	.text = "refuses from limit less this on; unset: a fifth of the limit"},
    {.name = "limit_percentage",
	.type = GENOPS_OPTION_INT,
	.offset = AT(limit_percentage),
	.max = 100,
	.text = "the same, in percent of the machine's memory; limit_mib is stronger"},
    {.name = "spike_limit_percentage",
	.type = GENOPS_OPTION_INT,
	.offset = AT(spike_limit_percentage),
	.max = 100,
	.text = "the same, in percent; unset: a fifth of the limit"},
    {.name = NULL},
};

static uint64_t memory_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

static int compile(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in)
{
	struct genops_processor_memory_limiter *limiter = processor->settings;
	uint64_t limit, spike;
	if (!limiter->limit_mib && !limiter->limit_percentage)
		return genops_yaml_rows_fail(in, node, "give it limit_mib or limit_percentage", "memory_limiter has no limit");
	if (limiter->limit_mib) {
		limit = (uint64_t)limiter->limit_mib * MIB;
		spike = (uint64_t)limiter->spike_limit_mib * MIB;
	} else {
		limit = memory_bytes() / 100 * (uint64_t)limiter->limit_percentage;
		spike = memory_bytes() / 100 * (uint64_t)limiter->spike_limit_percentage;
	}
	if (spike >= limit)
		return genops_yaml_rows_fail(in, node, "make it smaller than the limit, or leave it out",
		    "the spike limit is not below the limit");
	limiter->limit_bytes = limit;
	limiter->soft_limit_bytes = limit - (spike ? spike : limit / 5);
	return GENOPS_OK;
}

const struct genops_processor_type genops_processor_type_memory_limiter = {
    .name = "memory_limiter",
    .summary = "Receivers refuse for a while when too much is in memory.",
    .rows = rows,
    .settings_size = sizeof(struct genops_processor_memory_limiter),
    .signals = 1u << GENOPS_SIGNAL_TRACES | 1u << GENOPS_SIGNAL_METRICS | 1u << GENOPS_SIGNAL_LOGS,
    .compile = compile,
};
