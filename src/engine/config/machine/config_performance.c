/* SPDX-License-Identifier: Apache-2.0
 * engine/config/machine/config_performance.c - section `performance_settings`, as the Cribl guide writes it: how much of the machine GenOps may take.
 *
 * It says what other sections can say, too, and those are stronger: what a receiver, a destination, gateway.workers or telemetry.queue say
 * themselves stays. So it is read first, and each of them asks it for what it was not told. What is larger than what is ever used is taken
 * for all of it, with a warning. */
#include "engine/config/config_read.h"

#include "base/str.h"
#include "telemetry/otlp/otlp_request.h"

#define WORKERS_MAX     256
#define MIB             1048576.0
#define BATCH_MAX       8192
#define CONNECTIONS_MAX 30000

struct genops_config_performance {
	genops_str workers_text;
	int64_t workers;                /* 0: not said, or one for each processor */
	bool has_workers;
	int buffer_type;
	int64_t worker_memory, events_max, batch_size, flush_ns;
	int64_t memory_size, disk_size;
	bool is_compressed, has_compression;
	int64_t connections_max;
	bool is_keeping_alive, has_no_delay;
};

#define AT(field) offsetof(struct genops_config_performance, field)

const struct genops_option genops_config_performance_rows[] = {
    {.name = "worker_processes", .type = GENOPS_OPTION_TEXT, .offset = AT(workers_text), .text = "of the gateway, 1 to 256; auto: one for each processor; gateway.workers is stronger"},
    {.name = "max_memory_per_worker",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(worker_memory),
	.min = 64 * MIB,
	.max = 1e15,
	.text = "a worker that has four fifths of it in use receives no telemetry (503, UNAVAILABLE) until it has less"},
    {.name = "pipeline", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "buffer", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "network", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = NULL},
};

const struct genops_option genops_config_performance_pipeline_rows[] = {
    {.name = "max_concurrent_events",
	.type = GENOPS_OPTION_INT,
	.offset = AT(events_max),
	.min = GENOPS_OTLP_PIECE_ITEMS,
	.max = 1e9,
	.text = "events that are in pipelines at once; what is received meanwhile waits in the buffer; unset: as many as are in half a megabyte"},
    {.name = "batch_size",
	.type = GENOPS_OPTION_INT,
	.offset = AT(batch_size),
	.min = 1,
	.max = BATCH_MAX,
	.text = "a batch for a destination waits for so many, where neither the destination nor a batch processor says; unset: 512"},
    {.name = "flush_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(flush_ns),
	.min = 0.001,
	.max = 86400,
	.text = "how long it waits at most; observability.export_interval_seconds is stronger; unset: 5s"},
    {.name = NULL},
};

const struct genops_option genops_config_performance_buffer_rows[] = {
    {.name = "type",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(buffer_type),
	.default_text = "memory + disk",
	.names = (const char *const[]){"memory + disk", NULL},
	.text = "there is no other: what was acknowledged is on the disk"},
    {.name = "memory_size",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(memory_size),
	.min = 8 * MIB,
	.max = 1e15,
	.text = "of what was received and waits for pipelines, in files that are mapped to memory: max_buffer_size of receivers that say none; never more than 1536 MiB"},
    {.name = "disk_size",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(disk_size),
	.min = 2 * MIB,
	.max = 1e15,
	.text = "of what waits for all destinations together, and so for any one of them: telemetry.queue.disk_size, and a destination's max_size, where they are not said"},
    {.name = "compression",
	.type = GENOPS_OPTION_BOOL,
	.offset = AT(is_compressed),
	.default_text = "true",
	.text = "zstd on the disk; telemetry.queue.compression is stronger"},
    {.name = NULL},
};

const struct genops_option genops_config_performance_network_rows[] = {
    {.name = "max_connections",
	.type = GENOPS_OPTION_INT,
	.offset = AT(connections_max),
	.min = 1,
	.max = CONNECTIONS_MAX,
	.text = "of clients, over all workers and addresses; one more is closed at once; unset: as many as there is room for"},
    {.name = "keepalive",
	.type = GENOPS_OPTION_BOOL,
	.offset = AT(is_keeping_alive),
	.default_text = "true",
	.text = "several requests a connection; false: of clients and receivers none is kept"},
    {.name = "tcp_nodelay", .type = GENOPS_OPTION_BOOL, .offset = AT(has_no_delay), .default_text = "true", .text = "small answers leave at once"},
    {.name = NULL},
};

/* --- the section --- */

static const struct genops_yaml_node *part(const struct genops_yaml_node *node, const char *name)
{
	return node ? genops_yaml_get(node, name) : NULL;
}

static int read_workers(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_performance *to)
{
	genops_str text = genops_str_trim(to->workers_text);
	to->has_workers = node != NULL;
	if (!node || genops_str_is(text, "auto"))
		return GENOPS_OK;
	if (!genops_str_to_int(text, &to->workers) || to->workers < 1 || to->workers > WORKERS_MAX)
		return genops_config_read_fail(reader, node, "write auto, or how many", "worker_processes: it must be auto, or from 1 to %d", WORKERS_MAX);
	return GENOPS_OK;
}

static int read_buffer(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_performance *to)
{
	if (!node)
		return GENOPS_OK;
	to->has_compression = part(node, "compression") != NULL;
	GENOPS_TRY(genops_config_read_section(reader, node, "buffer", genops_config_performance_buffer_rows, to));
	if (to->memory_size <= GENOPS_CONFIG_BUFFER_MAX)
		return GENOPS_OK;
	to->memory_size = GENOPS_CONFIG_BUFFER_MAX;
	return genops_config_read_warn(reader, part(node, "memory_size"), "leave it; what destinations are behind with lies on the disk (disk_size)",
	    "buffer.memory_size: no more than %lld MiB are ever used", (long long)(GENOPS_CONFIG_BUFFER_MAX >> 20));
}

int genops_config_performance_read(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_performance *to = genops_arena_alloc(reader->arena, sizeof *to);
	if (!to)
		return genops_config_read_no_memory(reader);
	*to = (struct genops_config_performance){.is_keeping_alive = true, .has_no_delay = true};
	reader->performance = to;
	GENOPS_TRY(genops_config_read_section(reader, node, "performance_settings", genops_config_performance_rows, to));
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(read_workers(reader, part(node, "worker_processes"), to));
	GENOPS_TRY(genops_config_read_section(reader, part(node, "pipeline"), "pipeline", genops_config_performance_pipeline_rows, to));
	GENOPS_TRY(read_buffer(reader, part(node, "buffer"), to));
	return genops_config_read_section(reader, part(node, "network"), "network", genops_config_performance_network_rows, to);
}

/* --- who was not told --- */

static int warn_stronger(struct genops_config_reader *reader, const char *group, const char *name, const char *stronger)
{
	const struct genops_yaml_node *section = genops_config_read_get(reader->root, genops_config_rows, "performance_settings");
	const struct genops_yaml_node *place = part(*group ? part(section, group) : section, name);
	return place ? genops_config_read_warn(reader, place, "remove one of the two", "%s has no effect: %s says it, too", name, stronger) : GENOPS_OK;
}

int genops_config_performance_gateway(struct genops_config_reader *reader, const struct genops_yaml_node *gateway)
{
	const struct genops_config_performance *from = reader->performance;
	struct genops_config_gateway *to = &reader->config->gateway;
	to->worker_memory = from->worker_memory;
	to->connections_max = from->connections_max;
	to->is_keeping_alive = from->is_keeping_alive;
	to->has_no_delay = from->has_no_delay;
	if (part(gateway, "workers"))
		return warn_stronger(reader, "", "worker_processes", "gateway.workers");
	if (from->has_workers)
		to->workers = from->workers;
	return GENOPS_OK;
}

uint64_t genops_config_buffer_bytes(const struct genops_config *config)
{
	int64_t most = 0;
	for (size_t i = 0; i < config->n_receivers; i++)
		most = config->receivers[i].buffer_max > most ? config->receivers[i].buffer_max : most;
	return (uint64_t)(most ? most : GENOPS_CONFIG_BUFFER_MAX);
}

int64_t genops_config_performance_buffer(const struct genops_config_reader *reader, int64_t said)
{
	int64_t size = reader->performance->memory_size;
	return said ? said : size ? size : GENOPS_CONFIG_BUFFER_MAX;
}

bool genops_config_performance_is_keeping_alive(const struct genops_config_reader *reader)
{
	return reader->performance->is_keeping_alive;
}

static int set_disk(struct genops_config_reader *reader, const struct genops_yaml_node *queue)
{
	int64_t size = reader->performance->disk_size;
	struct genops_config_telemetry *to = &reader->config->telemetry;
	bool is_max_said = part(queue, "max_size"), is_disk_said = part(queue, "disk_size");
	if (!size)
		return GENOPS_OK;
	if (is_disk_said)
		GENOPS_TRY(warn_stronger(reader, "buffer", "disk_size", "telemetry.queue.disk_size"));
	else
		to->queue_disk_size = size;
	if (is_max_said || is_disk_said)
		return GENOPS_OK;
	to->queue_own_max = size;
	if (to->queue_max_size > size / 2) /* what all share is part of it */
		to->queue_max_size = size / 2;
	return GENOPS_OK;
}

int genops_config_performance_telemetry(struct genops_config_reader *reader, const struct genops_yaml_node *telemetry)
{
	const struct genops_config_performance *from = reader->performance;
	struct genops_config_telemetry *to = &reader->config->telemetry;
	const struct genops_yaml_node *queue = part(telemetry, "queue");
	to->events_max = from->events_max;
	to->batch_size = from->batch_size;
	if (from->flush_ns && to->batch_timeout_ns)
		GENOPS_TRY(warn_stronger(reader, "pipeline", "flush_interval", "observability.export_interval_seconds"));
	else if (from->flush_ns)
		to->batch_timeout_ns = from->flush_ns;
	if (part(queue, "compression"))
		GENOPS_TRY(warn_stronger(reader, "buffer", "compression", "telemetry.queue.compression"));
	else if (from->has_compression)
		to->queue_compression = from->is_compressed;
	return set_disk(reader, queue);
}
