/* SPDX-License-Identifier: Apache-2.0
 * engine/config/documents/config_pipelines.c - `pipelines`: each document compiled (pipeline/), its routes resolved, its traps told. ${} in
 * them is the documents' own: of the environment only what a template names in capitals. */
#include "engine/config/documents/documents.h"

#include "base/str.h"
#include "export/destination.h"
#include "pipeline/lint/lint.h"

#include <stdio.h>

static bool get_variable(void *arg, genops_str name, genops_str *ret_value)
{
	const struct genops_yaml_variables *variables = arg;
	char copy[256];
	if (name.len >= sizeof copy)
		return false;
	memcpy(copy, name.ptr, name.len);
	copy[name.len] = '\0';
	const char *value = variables->get(variables->arg, copy);
	if (value)
		*ret_value = genops_str_of(value);
	return value != NULL;
}

/* A place is a node's but for its text. */
static struct genops_yaml_node node_at(const struct genops_place *place)
{
	return (struct genops_yaml_node){.line = place->line, .column = place->column};
}

struct warner {
	struct genops_config_reader *reader;
	int code;
};

static void warn(void *arg, const struct genops_place *place, const char *message, const char *fix)
{
	struct warner *warner = arg;
	struct genops_config *config = warner->reader->config;
	struct genops_yaml_node node = node_at(place);
	size_t n = config->n_warnings;
	if (warner->code == GENOPS_OK)
		warner->code = genops_config_read_warn(warner->reader, &node, fix, "%s", message);
	for (; n < config->n_warnings; n++)
		config->warnings[n].is_lint = true;
}

/* Which keys a route to this type may have, for a message. */
static void tell_keys(const struct genops_destination_type *type, char *ret_fix, size_t size)
{
	size_t len = (size_t)snprintf(ret_fix, size, "remove it; a route to this type may have%s", type->route_keys ? "" : " none of these settings");
	for (size_t i = 0; type->route_keys && type->route_keys[i] && len < size; i++)
		len += (size_t)snprintf(ret_fix + len, size - len, "%s %s", i ? "," : "", type->route_keys[i]);
}

/* A setting that the destination's type cannot do would be silence. */
static int check_settings(struct genops_config_reader *reader, const struct genops_route *route,
    const struct genops_config_exporter *destination, const struct genops_yaml_node *node)
{
	const struct genops_destination_type *type = genops_destination_type_find(destination->type);
	for (const char *const *key = genops_route_keys_all; type && *key; key++) {
		const struct genops_yaml_node *value = genops_yaml_get(node, *key);
		struct genops_error inner = {0};
		char fix[240];
		if (!value || genops_yaml_is_null(value))
			continue;
		tell_keys(type, fix, sizeof fix);
		if (!genops_destination_type_takes_key(type, genops_str_of(*key)))
			return genops_config_read_fail(reader, value, fix, "route \"%.100s\": %s means nothing to destination \"%.100s\" of type %s",
			    route->name.len ? route->name.ptr : "", *key, destination->name.ptr, type->name);
		if (type->check_route && type->check_route(destination->own, genops_str_of(*key), value->text, &inner) != GENOPS_OK)
			return genops_config_read_fail(reader, value, inner.fix[0] ? inner.fix : NULL, "route \"%.100s\" to \"%.100s\": %s",
			    route->name.len ? route->name.ptr : "", destination->name.ptr, inner.message);
	}
	return GENOPS_OK;
}

static int resolve(struct genops_config_reader *reader, const struct genops_route *route, const struct genops_yaml_node *in_document)
{
	const struct genops_config *config = reader->config;
	struct genops_yaml_node node = node_at(&route->destination_place);
	const struct genops_config_exporter *destination = genops_config_destination_find(config, route->destination);
	const char *names[64];
	char fix[160];
	size_t n = 0;
	if (reader->is_trial)
		return GENOPS_OK;
	if (destination)
		return check_settings(reader, route, destination, in_document);
	for (; n < config->n_destinations && n < 64; n++)
		names[n] = config->destinations[n].name.ptr;
	const char *nearest = genops_str_nearest(route->destination, names, n);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%.100s\"?", nearest);
	else
		snprintf(fix, sizeof fix, "add a document with id: %.100s to destinations", route->destination.ptr);
	return genops_config_read_fail(reader, &node, fix, "route \"%.100s\": there is no destination \"%.100s\"",
	    route->name.len ? route->name.ptr : "", route->destination.ptr);
}

static int keep(struct genops_config_reader *reader, struct genops_pipeline *pipeline)
{
	struct genops_config *config = reader->config;
	if (!config->pipelines)
		config->pipelines = genops_arena_alloc(reader->arena, GENOPS_CONFIG_ITEMS_MAX * sizeof(struct genops_pipeline *));
	if (!config->pipelines) {
		genops_pipeline_free(pipeline);
		return genops_config_read_no_memory(reader);
	}
	config->pipelines[config->n_pipelines++] = pipeline; /* the configuration frees it from now on, whatever follows */
	return GENOPS_OK;
}

static int read_document(struct genops_config_reader *reader, const struct genops_yaml_node *node, void *arg)
{
	struct genops_config *config = reader->config;
	struct warner warner = {reader, GENOPS_OK};
	struct genops_pipeline *pipeline;
	genops_str file;
	(void)arg;
	if (!genops_pipeline_is_document(node))
		return genops_config_read_fail(reader, node,
		    "a pipeline has id, and filters, processors or routes; lookups and destinations have sections of their own",
		    "this document is not a pipeline");
	if (!genops_arena_dup(reader->arena, genops_str_of(reader->file), &file))
		return genops_config_read_no_memory(reader);
	const struct genops_pipeline_reading reading = {.file = file.ptr,
	    .lookups = config->lookups,
	    .variable = get_variable,
	    .variable_arg = &reader->variables,
	    .warn = warn,
	    .warn_arg = &warner};
	int code = genops_pipeline_read(node, &reading, &pipeline, reader->err);
	if (code != GENOPS_OK)
		return genops_config_read_place(reader, node, code);
	for (size_t i = 0; i < config->n_pipelines && code == GENOPS_OK; i++) {
		if (genops_str_equal(config->pipelines[i]->id, pipeline->id))
			code = genops_config_read_fail(reader, genops_yaml_get(node, "id"), "give one of them another id",
			    "there are two pipelines \"%.100s\"", pipeline->id.ptr);
	}
	if (code != GENOPS_OK) {
		genops_pipeline_free(pipeline);
		return code;
	}
	GENOPS_TRY(keep(reader, pipeline));
	const struct genops_yaml_node *routes = genops_yaml_get(node, "routes");
	const struct genops_yaml_entry *entry = routes ? routes->first : NULL;
	for (size_t i = 0; i < pipeline->n_routes && entry; i++, entry = entry->next)
		GENOPS_TRY(resolve(reader, &pipeline->routes[i], entry->value));
	if (reader->on_pipeline)
		reader->on_pipeline(reader->on_pipeline_arg, node);
	GENOPS_TRY(genops_lint_pipeline(pipeline, warn, &warner, reader->err));
	return warner.code;
}

int genops_config_pipelines_read(struct genops_config_reader *reader, const struct genops_yaml_node *section)
{
	return genops_config_documents_each(reader, section, "a pipeline", GENOPS_PART_PIPELINES, read_document, NULL);
}

void genops_config_tell(const struct genops_config *config, const struct genops_log *log)
{
	size_t n = 0;
	for (size_t i = 0; i < config->n_warnings; i++) {
		const struct genops_config_warning *warning = &config->warnings[i];
		n += warning->is_lint;
		if (warning->is_kept)
			genops_log_write(log, GENOPS_LOG_WARN, "%s; %s", warning->message.ptr, warning->fix.ptr);
	}
	if (n)
		genops_log_write(log, GENOPS_LOG_WARN, "%zu place%s in the pipelines may not do what %s; genops validate tells them", n, n == 1 ? "" : "s",
		    n == 1 ? "its author means" : "their authors mean");
}
