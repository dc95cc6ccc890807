/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_batching.c - how much a destination waits for, and for how long: `batch_size` and `flush_interval`.
 *
 * The Cribl guide writes them beside a document's other keys, and where it says what to change for a destination that limits its rate, as a
 * group `destination_config`. The group may stand in a document, or in the configuration for all documents; so may `retry`. What a document
 * says itself is stronger, key by key. Destinations that tell somebody of one event at a time (chats, pagers) wait for nothing unless they
 * are told to themselves. */
#include "engine/config/service/config_delivery.h"

#include "base/clock.h"
#include "base/str.h"

#define FLUSH_NS (5 * GENOPS_NS_PER_S)

#define AT(field) offsetof(struct genops_config_batching, field)
const struct genops_option genops_config_batching_rows[] = {
    {.name = "batch_size", .type = GENOPS_OPTION_TEXT, .offset = AT(size_text), .text = "a batch waits for so many events (1000), or for so much (100 MB); unset: destination_config, performance_settings, or 512"},
    {.name = "flush_interval", .type = GENOPS_OPTION_DURATION, .offset = AT(flush_interval_ns), .max = 86400, .text = "how long a batch may wait; unset: destination_config, performance_settings, or 5s"},
    {.name = NULL},
};

static int check_size(struct genops_config_reader *reader, const struct genops_yaml_node *place, const struct genops_config_batching *batching,
    int64_t *ret_n, bool *ret_is_count)
{
	*ret_is_count = genops_str_to_int(batching->size_text, ret_n);
	bool is_read = (*ret_is_count || genops_option_parse_size(batching->size_text, ret_n)) && *ret_n >= 1;
	if (is_read && !*ret_is_count && *ret_n > GENOPS_CONFIG_BATCH_BYTES_MAX)
		return genops_config_read_fail(reader, genops_yaml_get(place, "batch_size"), "write 100 MB, or less", "batch_size is over 100 MiB");
	if (is_read)
		return GENOPS_OK;
	return genops_config_read_fail(
	    reader, genops_yaml_get(place, "batch_size"), "write 1000, or 100 MB", "batch_size is neither a number of events nor a size");
}

static int read_group(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_batching *batching)
{
	int64_t n;
	bool is_count;
	GENOPS_TRY(genops_config_read_section(reader, node, "destination_config", genops_config_batching_rows, batching));
	return genops_yaml_get(node, "batch_size") ? check_size(reader, node, batching, &n, &is_count) : GENOPS_OK;
}

int genops_config_batching_read(struct genops_config_reader *reader, const struct genops_yaml_node *root)
{
	const struct genops_yaml_node *batching_node = genops_config_read_get(root, genops_config_rows, "destination_config");
	const struct genops_yaml_node *retry_node = genops_config_read_get(root, genops_config_rows, "retry");
	struct genops_config_batching *batching = genops_arena_alloc(reader->arena, sizeof *batching);
	struct genops_config_retry *retry = genops_arena_alloc(reader->arena, sizeof *retry);
	if (!batching || !retry)
		return genops_config_read_no_memory(reader);
	*batching = (struct genops_config_batching){0};
	*retry = (struct genops_config_retry){0};
	reader->batching = batching;
	reader->retry = retry;
	if (batching_node)
		reader->delivery_sum = genops_config_delivery_fingerprint(reader, batching_node, 1);
	if (retry_node)
		reader->delivery_sum = genops_config_delivery_fingerprint(reader, retry_node, reader->delivery_sum + 2);
	if (batching_node)
		GENOPS_TRY(read_group(reader, batching_node, batching));
	return genops_config_delivery_retry(reader, retry_node, retry);
}

/* A key in the group, and beside the others: which one is meant? */
static int check_twice(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_yaml_node *group)
{
	for (const struct genops_option *row = genops_config_batching_rows; row->name; row++) {
		if (genops_yaml_get(node, row->name) && genops_yaml_get(group, row->name))
			return genops_config_read_fail(
			    reader, genops_yaml_get(group, row->name), "remove one of the two", "%s is said twice: beside destination_config, too", row->name);
	}
	return GENOPS_OK;
}

int genops_config_batching_set(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_config_batching *beside,
    bool is_alone, struct genops_config_exporter *exporter)
{
	const struct genops_yaml_node *group = genops_config_read_get(node, genops_config_delivery_document_rows, "destination_config");
	const struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	struct genops_config_batching said = *beside;
	const struct genops_yaml_node *place = node;
	int64_t n = 0;
	bool is_count = true;
	if (group) {
		GENOPS_TRY(genops_config_read_expect(reader, group, "destination_config", GENOPS_YAML_MAPPING));
		GENOPS_TRY(check_twice(reader, node, group));
		GENOPS_TRY(read_group(reader, group, &said));
		place = genops_yaml_get(group, "batch_size") ? group : node;
	}
	if (!said.size_text.len && !said.flush_interval_ns && is_alone) {
		exporter->batch.size = 1; /* nothing to wait for: what alerts goes at once */
		return GENOPS_OK;
	}
	if (!said.flush_interval_ns)
		said.flush_interval_ns = reader->batching->flush_interval_ns;
	if (!said.size_text.len && !is_alone)
		said.size_text = reader->batching->size_text;
	if (!said.size_text.len && !said.flush_interval_ns)
		return GENOPS_OK; /* as telemetry has it */
	exporter->batch.timeout_ns = said.flush_interval_ns ? said.flush_interval_ns : telemetry->batch_timeout_ns ? telemetry->batch_timeout_ns : FLUSH_NS;
	exporter->batch.size = is_alone ? 1 : telemetry->batch_size;
	if (!said.size_text.len)
		return GENOPS_OK;
	GENOPS_TRY(check_size(reader, place, &said, &n, &is_count));
	exporter->batch.size = exporter->batch.size_max = is_count ? n : 0;
	exporter->batch_bytes = is_count ? 0 : n;
	return GENOPS_OK;
}
