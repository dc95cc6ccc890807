/* SPDX-License-Identifier: Apache-2.0
 * engine/config/documents/config_lookups.c - `lookups`: documents {id, type: csv, file, ...}, and the tables that they name.
 *
 * A table's file is looked at every reload_interval; a change loads the configuration anew, in which a table whose file did not change is
 * taken over from the snapshot in force, and one whose file is missing or bad stays as it was, with a warning. Only at a start, when there is
 * nothing to stay with, is that an error. */
#include "engine/config/documents/documents.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

struct document {
	genops_str id, description, file;
	int type, match_type;
	bool is_case_sensitive;
	int64_t reload_interval_ns;
	struct genops_texts keys, outputs;
};

#define AT(field) offsetof(struct document, field)
const struct genops_option genops_config_lookup_rows[] = {
    {.name = "id", .type = GENOPS_OPTION_TEXT, .offset = AT(id), .is_required = true, .text = "what a lookup's lookup_table says"},
    {.name = "type",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(type),
	.default_text = "csv",
	.names = (const char *const[]){"csv", NULL},
	.text = "of the file; its first line names the columns"},
    {.name = "file", .type = GENOPS_OPTION_TEXT, .offset = AT(file), .is_required = true, .text = "at most 64 MiB"},
    {.name = "reload_interval",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(reload_interval_ns),
	.default_text = "300s",
	.max = 86400 * 365,
	.text = "how often the file is looked at; 0: never"},
    {.name = "case_sensitive",
	.type = GENOPS_OPTION_BOOL,
	.offset = AT(is_case_sensitive),
	.default_text = "false",
	.text = "false: keys are compared without regard to case"},
    {.name = "match_type",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(match_type),
	.default_text = "exact",
	.names = (const char *const[]){"exact", NULL},
	.text = "how keys are compared"},
    {.name = "key_field", .type = GENOPS_OPTION_LIST, .offset = AT(keys), .text = "the columns that may be matched; unset: all"},
    {.name = "output_fields", .type = GENOPS_OPTION_LIST, .offset = AT(outputs), .text = "the columns that may be added; unset: all"},
    {.name = "description", .type = GENOPS_OPTION_TEXT, .offset = AT(description), .text = "for people"},
    {.name = NULL},
};

static bool is_same(const struct genops_config_lookup *a, const struct genops_config_lookup *b)
{
	bool is_same = genops_str_equal(a->settings.id, b->settings.id) && genops_str_equal(a->settings.file, b->settings.file) &&
		       a->settings.is_case_sensitive == b->settings.is_case_sensitive && a->settings.n_keys == b->settings.n_keys &&
		       a->settings.n_outputs == b->settings.n_outputs;
	for (size_t i = 0; is_same && i < a->settings.n_keys; i++)
		is_same = genops_str_equal(a->settings.keys[i], b->settings.keys[i]);
	for (size_t i = 0; is_same && i < a->settings.n_outputs; i++)
		is_same = genops_str_equal(a->settings.outputs[i], b->settings.outputs[i]);
	return is_same;
}

static const struct genops_config_lookup *find_before(
    const struct genops_config_reader *reader, const struct genops_config_lookup *lookup)
{
	for (size_t i = 0; reader->before && i < reader->before->n_lookups; i++) {
		if (is_same(&reader->before->lookup_settings[i], lookup))
			return &reader->before->lookup_settings[i];
	}
	return NULL;
}

static int parse_file(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_lookup_settings *settings, struct genops_lookup_table **ret_table)
{
	struct genops_buffer csv;
	int code = genops_config_file_read(settings->file.ptr, GENOPS_LOOKUP_BYTES_MAX, &csv, reader->err);
	if (code != GENOPS_OK)
		return genops_config_read_missing(reader, node, code);
	code = genops_lookup_table_parse(settings, genops_buffer_view(&csv), ret_table, reader->err);
	if (code == GENOPS_SYNTAX) {
		reader->err->code = code = GENOPS_CONFIG;
		snprintf(reader->err->file, sizeof reader->err->file, "%s", settings->file.ptr); /* its line is the table's */
	}
	genops_buffer_done(&csv);
	return genops_config_read_place(reader, node, code);
}

/* The table of a file that cannot be used stays the last good one. */
static int keep(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_config_lookup *before,
    int code, struct genops_lookup_table **ret_table)
{
	struct genops_lookup_table *table = before ? genops_lookups_find(reader->before->lookups, before->settings.id) : NULL;
	if (!table || code == GENOPS_NOMEM)
		return code;
	struct genops_error cause = *reader->err;
	memset(reader->err, 0, sizeof *reader->err);
	*ret_table = genops_lookup_table_ref(table);
	size_t n = reader->config->n_warnings;
	GENOPS_TRY(genops_config_read_warn(reader, node, "mend the file: it is read again when it changes",
	    "lookup \"%.100s\" stays as it was: %.300s%s%.0d", before->settings.id.ptr, cause.message, cause.line ? ", line " : "", cause.line));
	for (; n < reader->config->n_warnings; n++)
		reader->config->warnings[n].is_kept = true;
	return GENOPS_OK;
}

static int make_table(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_lookup *lookup)
{
	const struct genops_yaml_node *place = genops_yaml_get(node, "file");
	const struct genops_config_lookup *before = find_before(reader, lookup);
	struct genops_config *config = reader->config;
	struct genops_lookup_table *table = NULL;
	GENOPS_TRY(genops_config_file_watch(reader, lookup->settings.file));
	struct genops_config_watch *watch = &config->watches[config->n_watches - 1];
	watch->every_ns = lookup->settings.reload_interval_ns ? lookup->settings.reload_interval_ns : INT64_MAX;
	watch->part = GENOPS_PART_TABLES;
	lookup->watch = *watch;
	int code = GENOPS_OK;
	if (before && before->is_good && !genops_config_file_is_changed(&before->watch)) {
		table = genops_lookup_table_ref(genops_lookups_find(reader->before->lookups, before->settings.id));
		lookup->is_good = true;
	} else {
		code = parse_file(reader, place, &lookup->settings, &table);
		lookup->is_good = code == GENOPS_OK;
		if (code != GENOPS_OK)
			code = keep(reader, place, before, code, &table);
	}
	if (code == GENOPS_OK)
		code = genops_lookups_add(config->lookups, lookup->settings.id, table, reader->err);
	genops_lookup_table_unref(table);
	if (code == GENOPS_EXISTS)
		reader->err->code = code = GENOPS_CONFIG;
	return genops_config_read_place(reader, genops_yaml_get(node, "id"), code);
}

static int read_document(struct genops_config_reader *reader, const struct genops_yaml_node *node, void *arg)
{
	struct genops_config *config = reader->config;
	struct document document = {0};
	(void)arg;
	GENOPS_TRY(genops_config_read_section(reader, node, "a lookup", genops_config_lookup_rows, &document));
	if (!document.id.len || !document.file.len)
		return genops_config_read_fail(reader, genops_yaml_get(node, document.id.len ? "file" : "id"), NULL, "it is empty");
	if (document.keys.n > GENOPS_LOOKUP_KEYS_MAX)
		return genops_config_read_fail(reader, genops_yaml_get(node, "key_field"), NULL, "key_field has more than %d columns",
		    GENOPS_LOOKUP_KEYS_MAX);
	GENOPS_TRY(genops_config_read_place(
	    reader, node, genops_config_file_path(reader, document.file, reader->folder, &document.file)));
	if (!config->lookup_settings) {
		config->lookup_settings = genops_arena_alloc(reader->arena, GENOPS_CONFIG_ITEMS_MAX * sizeof *config->lookup_settings);
	}
	if (!config->lookup_settings)
		return genops_config_read_no_memory(reader);
	struct genops_config_lookup *lookup = &config->lookup_settings[config->n_lookups];
	lookup->settings = (struct genops_lookup_settings){.id = document.id,
	    .description = document.description,
	    .file = document.file,
	    .is_case_sensitive = document.is_case_sensitive,
	    .reload_interval_ns = document.reload_interval_ns,
	    .n_keys = document.keys.n,
	    .keys = document.keys.items,
	    .n_outputs = document.outputs.n,
	    .outputs = document.outputs.items};
	GENOPS_TRY(make_table(reader, node, lookup));
	config->n_lookups++;
	return GENOPS_OK;
}

int genops_config_lookups_read(struct genops_config_reader *reader, const struct genops_yaml_node *section)
{
	reader->config->lookups = genops_lookups_new(); /* also empty: then every lookup_table is unknown */
	if (!reader->config->lookups)
		return genops_config_read_no_memory(reader);
	return genops_config_documents_each(reader, section, "a lookup", GENOPS_PART_LOOKUPS, read_document, NULL);
}
