/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_telemetry.c - sections `telemetry` and `observability` (the guides' ~/.genops/config.yaml, contract WDB-024..026). */
#include "engine/config/config_read.h"

#include "base/clock.h"
#include "base/str.h"

#include <openssl/evp.h>

struct queue {
	int64_t max_size, disk_size;
	int compression, overflow;
	genops_str encryption_key;
};

struct observability {
	bool is_exporting, wants_detailed_metrics;
	int64_t interval_s;
};

#define AT(field) offsetof(struct genops_config_telemetry, field)
const struct genops_option genops_config_telemetry_rows[] = {
    {.name = "profile",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(profile),
	.default_text = "guides",
	.names = (const char *const[]){"guides", "spec", NULL},
	.text = "names on the wire: the guides', or strict conformance with the specification"},
    {.name = "content",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(content),
	.default_text = "none",
	.names = (const char *const[]){"none", "masked", "full", NULL},
	.text = "what of prompts and completions may leave"},
    {.name = "dedup_window",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(dedup_window_ns),
	.default_text = "10s",
	.max = 600,
	.text = "how long a received span of an AI call waits for a better one of the same call; a provider's own SDK's waits for 1 s at most"},
    {.name = "queue", .type = GENOPS_OPTION_CUSTOM, .text = "the durable queue in front of the exporters"},
    {.name = NULL},
};

const struct genops_option genops_config_queue_rows[] = {
    {.name = "max_size",
	.type = GENOPS_OPTION_SIZE,
	.offset = offsetof(struct queue, max_size),
	.default_text = "500MiB",
	.min = 1048576,
	.max = 1e15,
	.text = "bytes on disk of what all destinations share, and of what may wait for each of them"},
    {.name = "overflow",
	.type = GENOPS_OPTION_ENUM,
	.offset = offsetof(struct queue, overflow),
	.default_text = "block",
	.names = (const char *const[]){"block", "drop_oldest", "drop_newest", NULL},
	.text = "when as much waits for a destination as may: senders of telemetry are refused (429, 503), or that destination loses its oldest or newest to the dead letters"},
    {.name = "disk_size",
	.type = GENOPS_OPTION_SIZE,
	.offset = offsetof(struct queue, disk_size),
	.default_text = "100GB",
	.min = 1048576,
	.max = 1e15,
	.text = "bytes on disk that may wait for all destinations together"},
    {.name = "compression",
	.type = GENOPS_OPTION_ENUM,
	.offset = offsetof(struct queue, compression),
	.default_text = "zstd",
	.names = (const char *const[]){"none", "zstd", NULL},
	.text = "on disk, of what waits for a destination that is behind"},
    {.name = "encryption_key",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct queue, encryption_key),
	.is_secret = true,
	.text = "AES-256-GCM on disk: 64 hex digits or 32 bytes of base64; empty: not encrypted"},
    {.name = NULL},
};

const struct genops_option genops_config_observability_rows[] = {
    {.name = "export_to_otel",
	.type = GENOPS_OPTION_BOOL,
	.offset = offsetof(struct observability, is_exporting),
	.default_text = "true",
	.text = "false: no OTLP leaves"},
    {.name = "export_interval_seconds",
	.type = GENOPS_OPTION_INT,
	.offset = offsetof(struct observability, interval_s),
	.min = 1,
	.max = 3600,
	.text = "how long a batch may wait; a batch processor's timeout is stronger"},
    {.name = "enable_detailed_metrics",
	.type = GENOPS_OPTION_BOOL,
	.offset = offsetof(struct observability, wants_detailed_metrics),
	.default_text = "false",
	.text = "more metrics, by model and customer"},
    {.name = NULL},
};

static bool is_aes_key(genops_str text)
{
	uint8_t bytes[36];
	if (text.len == 64)
		return genops_str_from_hex(text, bytes, 32);
	bool is_base64 = text.len == 44 && text.ptr[43] == '=' && text.ptr[42] != '=' &&
			 EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, 44) == 33;
	explicit_bzero(bytes, sizeof bytes);
	return is_base64;
}

int genops_config_telemetry_queue_key(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str text)
{
	genops_str *key = &reader->config->telemetry.queue_encryption_key;
	text = genops_str_trim(text);
	if (text.len && !is_aes_key(text))
		return genops_config_read_fail(reader, node, "make one with openssl rand -hex 32",
		    "the queue's encryption_key is not 64 hex digits or 32 bytes of base64");
	return genops_arena_dup(reader->arena, text, key) ? GENOPS_OK : genops_config_read_no_memory(reader);
}

static int read_queue(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	struct queue queue = {0};
	GENOPS_TRY(genops_config_read_section(reader, node, "telemetry.queue", genops_config_queue_rows, &queue));
	telemetry->queue_max_size = queue.max_size;
	telemetry->queue_disk_size = queue.disk_size;
	telemetry->overflow = (enum genops_overflow)(GENOPS_OVERFLOW_BLOCK + queue.overflow);
	telemetry->queue_compression = queue.compression;
	return genops_config_telemetry_queue_key(reader, node ? genops_yaml_get(node, "encryption_key") : NULL, queue.encryption_key);
}

static int read_observability(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	struct observability observability = {0};
	GENOPS_TRY(genops_config_read_section(
	    reader, node, "observability", genops_config_observability_rows, &observability));
	reader->is_exporting = observability.is_exporting;
	if (observability.wants_detailed_metrics)
		GENOPS_TRY(genops_config_read_warn(reader, genops_yaml_get(node, "enable_detailed_metrics"), NULL,
		    "metrics carry model and customer anyway; enable_detailed_metrics has no effect of its own"));
	if (observability.interval_s)
		telemetry->batch_timeout_ns = observability.interval_s * GENOPS_NS_PER_S;
	return GENOPS_OK;
}

int genops_config_telemetry_read(struct genops_config_reader *reader, const struct genops_yaml_node *telemetry,
    const struct genops_yaml_node *observability)
{
	struct genops_config_telemetry *to = &reader->config->telemetry;
	GENOPS_TRY(genops_config_read_section(reader, telemetry, "telemetry", genops_config_telemetry_rows, to));
	GENOPS_TRY(read_queue(reader, genops_config_read_get(telemetry, genops_config_telemetry_rows, "queue")));
	if (to->content)
		GENOPS_TRY(genops_config_read_warn(reader, genops_yaml_get(telemetry, "content"), "leave it at none",
		    "prompts and completions are not exported in this version; content has no effect yet"));
	GENOPS_TRY(read_observability(reader, observability));
	return genops_config_performance_telemetry(reader, telemetry);
}
