/* SPDX-License-Identifier: Apache-2.0
 * engine/config/documents/config_destinations.c - `destinations`: documents {id, type, ...}, to which the routes of pipelines lead.
 *
 * The settings of a type are those of the exporter of that name (config_exporter.c), which is why what is common to all documents is taken
 * away before its reader sees the rest. */
#include "engine/config/documents/documents.h"

#include "base/str.h"
#include "export/destination.h"

#include <stdio.h>

struct document {
	genops_str id, type, description;
	bool is_enabled;
};

const struct genops_option genops_config_destination_rows[] = {
    {.name = "id", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct document, id), .is_required = true, .text = "what routes call it"},
    {.name = "type",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct document, type),
	.is_required = true,
	.text = "otlp, otlphttp, debug, file: the other keys are those of the exporter"},
    {.name = "description", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct document, description), .text = "for people"},
    {.name = NULL},
};

static int fail_type(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct document *document)
{
	const struct genops_destination_type *const *types = genops_destination_types();
	const char *names[64];
	char fix[256] = "";
	size_t n = 0, len;
	for (; types[n] && n < 64; n++)
		names[n] = types[n]->name;
	const char *nearest = genops_str_nearest(document->type, names, n);
	len = (size_t)(nearest ? snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest)
			       : snprintf(fix, sizeof fix, "the types of this build are"));
	for (size_t i = 0; !nearest && i < n && len + strlen(names[i]) + 3 < sizeof fix; i++)
		len += (size_t)snprintf(fix + len, sizeof fix - len, "%s %s", i ? "," : "", names[i]);
	return genops_config_read_fail(reader, genops_yaml_get(node, "type"), fix,
	    "destination \"%.100s\": type \"%.64s\" is not available in this build", document->id.ptr, document->type.ptr);
}

/* The document without what all documents have. */
static int strip(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_yaml_node *ret_rest)
{
	struct genops_yaml_entry *entries = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *entries);
	if (!entries)
		return genops_config_read_no_memory(reader);
	*ret_rest = *node;
	ret_rest->n = 0;
	ret_rest->first = NULL;
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		if (genops_option_find(genops_config_destination_rows, entry->key->text))
			continue;
		struct genops_yaml_entry *copy = &entries[ret_rest->n];
		*copy = (struct genops_yaml_entry){NULL, entry->key, entry->value};
		if (ret_rest->n++)
			copy[-1].next = copy;
		else
			ret_rest->first = copy;
	}
	return GENOPS_OK;
}

static int read_settings(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_destination_type *type, const struct document *document, struct genops_config_exporter *ret_exporter)
{
	struct genops_yaml_node rest, key = *genops_yaml_get(node, "type");
	struct genops_yaml_entry entry = {NULL, &key, &rest};
	char name[128];
	bool is_here;
	GENOPS_TRY(strip(reader, node, &rest));
	snprintf(name, sizeof name, "%s/%.100s", type->name, document->id.ptr); /* as messages call it */
	key.text = genops_str_of(name);
	if (!rest.n && !genops_str_is(genops_str_of(type->name), "debug"))
		rest.first = NULL; /* an empty mapping: its reader says what is missing */
	GENOPS_TRY(genops_config_exporter_read(reader, &entry, true, ret_exporter, &is_here));
	if (!is_here)
		return fail_type(reader, node, document);
	ret_exporter->name = document->id;
	return GENOPS_OK;
}

static int read_document(struct genops_config_reader *reader, const struct genops_yaml_node *node, void *arg)
{
	struct genops_config *config = reader->config;
	struct genops_yaml_node common = *node;
	struct document document = {0};
	struct genops_yaml_entry entries[3], *last = NULL;
	(void)arg;
	common.n = 0;
	common.first = NULL;
	for (const struct genops_yaml_entry *entry = node->first; entry && common.n < 3; entry = entry->next) {
		if (!genops_option_find(genops_config_destination_rows, entry->key->text))
			continue;
		entries[common.n] = (struct genops_yaml_entry){NULL, entry->key, entry->value};
		*(last ? &last->next : &common.first) = &entries[common.n];
		last = &entries[common.n++];
	}
	GENOPS_TRY(genops_config_read_section(reader, &common, "a destination", genops_config_destination_rows, &document));
	const struct genops_yaml_node *id = genops_yaml_get(node, "id");
	if (!document.id.len)
		return genops_config_read_fail(reader, id, NULL, "a destination's id is empty");
	if (genops_config_destination_find(config, document.id))
		return genops_config_read_fail(
		    reader, id, "give one of them another id", "there are two destinations \"%.100s\"", document.id.ptr);
	for (size_t i = 0; i < config->telemetry.n_exporters; i++) {
		if (genops_str_equal(config->telemetry.exporters[i].name, document.id)) /* they would share a place in the queue */
			return genops_config_read_fail(reader, id, "give one of them another name",
			    "an exporter and a destination are both called \"%.100s\"", document.id.ptr);
	}
	const struct genops_destination_type *type = genops_destination_type_find(document.type);
	if (!type)
		return fail_type(reader, node, &document);
	if (!config->destinations)
		config->destinations = genops_arena_alloc(reader->arena, GENOPS_CONFIG_ITEMS_MAX * sizeof *config->destinations);
	if (!config->destinations)
		return genops_config_read_no_memory(reader);
	GENOPS_TRY(read_settings(reader, node, type, &document, &config->destinations[config->n_destinations]));
	config->n_destinations++;
	return GENOPS_OK;
}

int genops_config_destinations_read(struct genops_config_reader *reader, const struct genops_yaml_node *section)
{
	return genops_config_documents_each(reader, section, "a destination", GENOPS_PART_DESTINATIONS, read_document, NULL);
}

const struct genops_config_exporter *genops_config_destination_find(const struct genops_config *config, genops_str id)
{
	for (size_t i = 0; i < config->n_destinations; i++) {
		if (genops_str_equal(config->destinations[i].name, id))
			return &config->destinations[i];
	}
	return NULL;
}
