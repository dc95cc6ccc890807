/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_backup.c - `backup_strategy`, as the Cribl guide writes it: what is archived, how often, for how long, and where to. */
#include "engine/config/config_read.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/backup/place/backup_settings.h"
#include "export/s3/s3_settings.h"

#include <stdio.h>

#define DAY_NS (INT64_C(86400) * GENOPS_NS_PER_S)

struct backup {
	genops_str frequency, retention, destination;
	struct genops_texts includes;
};

struct replication {
	bool is_on;
	genops_str lag;
};

const struct genops_option genops_config_backup_strategy_rows[] = {
    {.name = "config_backup", .type = GENOPS_OPTION_CUSTOM, .text = "of the configuration's file and the documents that it names; never of secrets"},
    {.name = "state_backup", .type = GENOPS_OPTION_CUSTOM, .text = "of the state directory: ledger, audit chain, queues"},
    {.name = "s3", .type = GENOPS_OPTION_CUSTOM, .text = "whose bucket s3://... is, by the keys of destinations of type s3: region, endpoint, access_key_id, role_arn, server_side_encryption ...; unset: as AWS's variables and roles say"},
    {.name = "replication", .type = GENOPS_OPTION_CUSTOM, .text = "read, and warned about: a copy for another gateway is an exporter (../operations.md)"},
    {.name = NULL},
};

#define AT(field) offsetof(struct backup, field)
const struct genops_option genops_config_backup_rows[] = {
    {.name = "destination", .type = GENOPS_OPTION_TEXT, .offset = AT(destination), .is_required = true, .text = "s3://bucket/prefix, or a directory; with a prefix of its own for each state directory"},
    {.name = "frequency", .type = GENOPS_OPTION_TEXT, .offset = AT(frequency), .text = "hourly, daily, weekly (by UTC), or a duration of at least a minute: 6h; unset: daily of the configuration, hourly of the state"},
    {.name = "retention", .type = GENOPS_OPTION_TEXT, .offset = AT(retention), .text = "older archives are removed, but for the newest: 30 days, 12 hours; unset: 30 days of the configuration, 7 of the state"},
    {.name = "includes", .type = GENOPS_OPTION_LIST, .offset = AT(includes), .text = "of config_backup: pipelines, sources, destinations, lookups; of state_backup: persistent_queues, checkpoints; unset: all of them"},
    {.name = NULL},
};

const struct genops_option genops_config_replication_rows[] = {
    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .offset = offsetof(struct replication, is_on), .default_text = "true", .text = "false: nothing is sent"},
    {.name = "regions", .type = GENOPS_OPTION_CUSTOM, .text = "names of regions; they name no address, so nothing is copied there: an exporter otlphttp with the other gateway's address does it"},
    {.name = "replication_lag", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct replication, lag), .text = "has no effect: an alert rule over a destination's lag tells (../alerts.md)"},
    {.name = NULL},
};

static const struct {
	const char *name;
	enum genops_backup_kind kind;
	unsigned bit;
} includes[] = {{"pipelines", GENOPS_BACKUP_CONFIG, 1U << GENOPS_PART_PIPELINES}, {"sources", GENOPS_BACKUP_CONFIG, 1U << GENOPS_PART_SOURCES},
    {"destinations", GENOPS_BACKUP_CONFIG, 1U << GENOPS_PART_DESTINATIONS}, {"lookups", GENOPS_BACKUP_CONFIG, 1U << GENOPS_PART_LOOKUPS | 1U << GENOPS_PART_TABLES},
    {"persistent_queues", GENOPS_BACKUP_STATE, GENOPS_BACKUP_QUEUES}, {"checkpoints", GENOPS_BACKUP_STATE, GENOPS_BACKUP_CHECKPOINTS}};

static int read_includes(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_texts *texts,
    enum genops_backup_kind kind, unsigned *ret_includes)
{
	char fix[128] = "write";
	unsigned bits = 0, all = kind == GENOPS_BACKUP_STATE ? 0 : 1U << GENOPS_PART_MAIN | 1U << GENOPS_PART_PRICES;
	for (size_t j = 0; j < sizeof includes / sizeof *includes; j++) {
		size_t n = strlen(fix);
		if (includes[j].kind == kind)
			snprintf(fix + n, sizeof fix - n, "%s %s", n > 5 ? "," : "", includes[j].name);
		all |= includes[j].kind == kind && !texts->n ? includes[j].bit : 0;
	}
	for (size_t i = 0; i < texts->n; i++) {
		unsigned bit = 0;
		for (size_t j = 0; j < sizeof includes / sizeof *includes; j++)
			bit |= includes[j].kind == kind && genops_str_is_nocase(texts->items[i], includes[j].name) ? includes[j].bit : 0;
		if (!bit)
			return genops_config_read_fail(reader, node, fix, "includes: \"%.64s\" is nothing that this backup can have", texts->items[i].ptr);
		bits |= bit;
	}
	*ret_includes = bits | all;
	return GENOPS_OK;
}

static bool read_frequency(genops_str text, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} names[] = {{"hourly", 3600 * GENOPS_NS_PER_S}, {"daily", DAY_NS}, {"weekly", 7 * DAY_NS}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (genops_str_is_nocase(text, names[i].name)) {
			*ret_ns = names[i].ns;
			return true;
		}
	}
	return genops_option_parse_duration(text, ret_ns) && *ret_ns >= GENOPS_NS_PER_MIN && *ret_ns <= 366 * DAY_NS;
}

static int read_place(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str text,
    const struct genops_yaml_node *s3, struct genops_config_backup_place *place)
{
	if (!genops_backup_settings_is_s3(text)) {
		if (genops_str_find(text, GENOPS_STR("://")) != SIZE_MAX)
			return genops_config_read_fail(reader, node, "write s3://bucket/prefix, or a directory", "backups cannot be written to %.100s", text.ptr);
		GENOPS_TRY(genops_config_read_place(reader, node, genops_config_file_path(reader, text, reader->folder, &place->directory)));
		place->text = place->directory;
		return GENOPS_OK;
	}
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	struct genops_config_form *kept = genops_arena_alloc(reader->arena, sizeof *kept);
	void *own = NULL;
	if (!kept)
		return genops_config_read_no_memory(reader);
	int code = genops_backup_settings_s3(&in, node, text, s3, place, &own);
	if (own) {
		*kept = (struct genops_config_form){reader->config->forms, &genops_s3_form, own};
		reader->config->forms = kept;
	}
	return code;
}

static int read_backup(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what, enum genops_backup_kind kind,
    const struct genops_yaml_node *s3)
{
	const struct genops_option *rows = genops_config_backup_rows;
	struct genops_config_backup *backup = &reader->config->backups[kind];
	struct backup read = {0};
	bool is_state = kind == GENOPS_BACKUP_STATE;
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, node, what, rows, &read));
	*backup = (struct genops_config_backup){
	    .is_on = true, .every_ns = is_state ? 3600 * GENOPS_NS_PER_S : DAY_NS, .retention_ns = (is_state ? 7 : 30) * DAY_NS};
	if (read.frequency.len && !read_frequency(genops_str_trim(read.frequency), &backup->every_ns))
		return genops_config_read_fail(reader, genops_config_read_get(node, rows, "frequency"), "write hourly, daily, weekly, or 6h",
		    "frequency: \"%.64s\" is not understood", read.frequency.ptr);
	if (read.retention.len && !genops_s3_term_days(read.retention, &backup->retention_ns))
		return genops_config_read_fail(reader, genops_config_read_get(node, rows, "retention"), "write 30 days, or 12 hours",
		    "retention: \"%.64s\" is not understood", read.retention.ptr);
	GENOPS_TRY(read_includes(reader, genops_config_read_get(node, rows, "includes"), &read.includes, kind, &backup->includes));
	return read_place(reader, genops_config_read_get(node, rows, "destination"), read.destination, s3, &backup->place);
}

static int read_replication(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct replication replication = {0};
	const struct genops_yaml_node *regions = genops_config_read_get(node, genops_config_replication_rows, "regions");
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, node, "backup_strategy.replication", genops_config_replication_rows, &replication));
	for (const struct genops_yaml_entry *entry = replication.is_on && regions ? regions->first : NULL; entry; entry = entry->next)
		GENOPS_TRY(genops_config_read_warn(reader, entry->value, "give endpoint: an exporter otlphttp with the other gateway's address, named in service.pipelines",
		    "replication: region \"%.80s\" names no address: nothing is copied there", entry->value->kind == GENOPS_YAML_SCALAR ? entry->value->text.ptr : ""));
	return GENOPS_OK;
}

int genops_config_backup_read(struct genops_config_reader *reader, const struct genops_yaml_node *section)
{
	const struct genops_option *rows = genops_config_backup_strategy_rows;
	const struct genops_yaml_node *s3 = genops_config_read_get(section, rows, "s3");
	if (!section)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_section(reader, section, "backup_strategy", rows, reader->config));
	if (s3)
		GENOPS_TRY(genops_config_read_expect(reader, s3, "backup_strategy.s3", GENOPS_YAML_MAPPING));
	GENOPS_TRY(read_backup(
	    reader, genops_config_read_get(section, rows, "config_backup"), "backup_strategy.config_backup", GENOPS_BACKUP_CONFIG, s3));
	GENOPS_TRY(read_backup(
	    reader, genops_config_read_get(section, rows, "state_backup"), "backup_strategy.state_backup", GENOPS_BACKUP_STATE, s3));
	return read_replication(reader, genops_config_read_get(section, rows, "replication"));
}
