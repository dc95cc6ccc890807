/* SPDX-License-Identifier: Apache-2.0
 * pipeline/read/pipeline_read.c - a document of `pipelines` as a compiled pipeline; see pipeline.h. Routes: route_read.c. */
#include "pipeline/read/pipeline_read.h"

#include "base/str.h"
#include "pipeline/function.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)64 << 20)

const struct genops_option genops_pipeline_rows[] = {
    {"id", GENOPS_OPTION_TEXT, offsetof(struct genops_pipeline, id), .is_required = true, .text = "the pipeline's name, in counters and messages"},
    {"description", GENOPS_OPTION_CUSTOM, 0, .text = "for people"},
    {"enabled", GENOPS_OPTION_BOOL, offsetof(struct genops_pipeline, is_enabled), "true", .text = "false: no event enters"},
    {"filters", GENOPS_OPTION_CUSTOM, 0, .text = "which events enter: a list of {name, description, expression}, all of which must say yes"},
    {"processors", GENOPS_OPTION_CUSTOM, 0, .text = "functions in order: {name, type, description, filter, disabled} and what the type wants"},
    {"routes", GENOPS_OPTION_CUSTOM, 0, .text = "where events go: each route whose filter says yes takes the event"},
    {NULL}};

const struct genops_option genops_pipeline_filter_rows[] = {
    {"name", GENOPS_OPTION_TEXT, offsetof(struct genops_pipeline_filter, name), .text = "in counters and messages"},
    {"description", GENOPS_OPTION_CUSTOM, 0, .text = "for people"},
    {"expression", GENOPS_OPTION_CUSTOM, 0, .is_required = true, .text = "says yes to events that enter"},
    {NULL}};

const struct genops_option genops_function_rows[] = {
    {"name", GENOPS_OPTION_TEXT, offsetof(struct genops_function, name), .text = "in counters and messages"},
    {"type", GENOPS_OPTION_CUSTOM, 0, .is_required = true, .text = "which function it is"},
    {"description", GENOPS_OPTION_CUSTOM, 0, .text = "for people"},
    {"filter", GENOPS_OPTION_CUSTOM, 0, .text = "an expression: which events the function sees; all unless set"},
    {"disabled", GENOPS_OPTION_BOOL, offsetof(struct genops_function, is_disabled), "false", .text = "leaves the function out"},
    {NULL}};

bool genops_pipeline_is_document(const struct genops_yaml_node *document)
{
	return genops_yaml_get(document, "id") &&
	       (genops_yaml_get(document, "processors") || genops_yaml_get(document, "routes") || genops_yaml_get(document, "filters"));
}

int genops_pipeline_read_description(const struct genops_node_reader *reader, const struct genops_yaml_node *node, genops_str *ret)
{
	const struct genops_yaml_node *description = genops_yaml_get(node, "description");
	return !description || genops_yaml_is_null(description) ? GENOPS_OK : genops_node_raw(reader, description, "description", ret);
}

/* The value of a key and the key itself, for the places of what stands in a block. */
const struct genops_yaml_node *genops_pipeline_read_key(const struct genops_yaml_node *node, const char *name, const struct genops_yaml_node **ret_key)
{
	const struct genops_yaml_entry *entry = node->kind == GENOPS_YAML_MAPPING ? node->first : NULL;
	while (entry && !genops_str_is(entry->key->text, name))
		entry = entry->next;
	if (!entry || genops_yaml_is_null(entry->value))
		return NULL;
	*ret_key = entry->key;
	return entry->value;
}

int genops_pipeline_read_expression(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *name,
    struct genops_expression **ret, genops_str *ret_source)
{
	const struct genops_yaml_node *key, *value = genops_pipeline_read_key(node, name, &key);
	return value ? genops_node_expression(reader, key, value, name, ret, ret_source) : GENOPS_OK;
}

/* How many entries a list of the document has; *ret_first is the first. */
static int list_of(const struct genops_node_reader *reader, const struct genops_yaml_node *document, const char *name,
    const struct genops_yaml_entry **ret_first, size_t *ret_n)
{
	const struct genops_yaml_node *list = genops_yaml_get(document, name);
	*ret_first = NULL;
	*ret_n = 0;
	if (!list || genops_yaml_is_null(list))
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, list, name, GENOPS_YAML_SEQUENCE));
	if (list->n > GENOPS_PIPELINE_PARTS_MAX)
		return genops_yaml_rows_fail(&reader->rows, list, "make several pipelines of it", "more than %d %s", GENOPS_PIPELINE_PARTS_MAX, name);
	*ret_first = list->first;
	*ret_n = list->n;
	return GENOPS_OK;
}

static int no_memory(const struct genops_node_reader *reader)
{
	return genops_fail(reader->rows.err, GENOPS_NOMEM, "no memory for a pipeline");
}

/* A name for counters where the document gives none. */
static int name_it(const struct genops_node_reader *reader, genops_str *name, size_t i)
{
	char text[32];
	snprintf(text, sizeof text, "%zu", i + 1);
	return name->len || genops_arena_dup(reader->arena, genops_str_of(text), name) ? GENOPS_OK : no_memory(reader);
}

static int read_filters(const struct genops_node_reader *reader, const struct genops_yaml_node *document, struct genops_pipeline *pipeline)
{
	const struct genops_yaml_entry *entry;
	size_t n;
	GENOPS_TRY(list_of(reader, document, "filters", &entry, &n));
	if (!(pipeline->filters = genops_arena_alloc(reader->arena, (n + 1) * sizeof *pipeline->filters)))
		return no_memory(reader);
	for (; entry; entry = entry->next) {
		struct genops_pipeline_filter *filter = &pipeline->filters[pipeline->n_filters];
		GENOPS_TRY(genops_yaml_rows_section(&reader->rows, entry->value, "a filter", genops_pipeline_filter_rows, filter));
		pipeline->n_filters++;
		filter->place = genops_node_place(reader->reading, entry->value);
		GENOPS_TRY(name_it(reader, &filter->name, pipeline->n_filters - 1));
		GENOPS_TRY(genops_pipeline_read_description(reader, entry->value, &filter->description));
		GENOPS_TRY(genops_pipeline_read_expression(reader, entry->value, "expression", &filter->expression, &filter->source));
	}
	pipeline->n_counts = pipeline->n_filters;
	return GENOPS_OK;
}

static int find_type(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const struct genops_function_type **ret)
{
	const char *names[32];
	char fix[256] = "", *at = fix;
	size_t n = 0;
	const struct genops_yaml_node *type = genops_yaml_get(node, "type");
	if (!type)
		return genops_yaml_rows_fail(&reader->rows, node, "add type: eval, or another", "a processor needs \"type\"");
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, type, "type", GENOPS_YAML_SCALAR));
	*ret = genops_function_type_find(type->text);
	if (*ret)
		return GENOPS_OK;
	for (const struct genops_function_type *const *types = genops_function_types(); types[n] && n < 32; n++)
		names[n] = types[n]->name;
	const char *nearest = genops_str_nearest(type->text, names, n);
	at += snprintf(fix, sizeof fix, nearest ? "did you mean \"%s\"?" : "there are", nearest);
	for (size_t i = 0; !nearest && i < n && at < fix + sizeof fix - 40; i++)
		at += snprintf(at, 40, "%s %s", i ? "," : "", names[i]);
	return genops_yaml_rows_fail(&reader->rows, type, fix, "there is no processor of type \"%.*s\"", type->text.len > 64 ? 64 : (int)type->text.len,
	    type->text.ptr ? type->text.ptr : "");
}

static int read_function(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct genops_function *function, size_t i)
{
	const struct genops_function_type *type;
	char what[64];
	struct { int none; } nothing;
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, node, "a processor", GENOPS_YAML_MAPPING));
	GENOPS_TRY(find_type(reader, node, &type));
	snprintf(what, sizeof what, "a processor of type %s", type->name);
	struct genops_yaml_part parts[] = {{genops_function_rows, function}, {type->rows, &nothing}};
	GENOPS_TRY(genops_yaml_rows_parts(&reader->rows, node, what, parts, 2));
	function->type = type; /* from here on `done` frees it */
	function->place = genops_node_place(reader->reading, node);
	GENOPS_TRY(name_it(reader, &function->name, i));
	GENOPS_TRY(genops_pipeline_read_description(reader, node, &function->description));
	GENOPS_TRY(genops_pipeline_read_expression(reader, node, "filter", &function->filter, &function->filter_source));
	return type->read(node, reader->reading, reader->arena, function, reader->rows.err);
}

static int read_functions(const struct genops_node_reader *reader, const struct genops_yaml_node *document, struct genops_pipeline *pipeline)
{
	const struct genops_yaml_entry *entry;
	size_t n;
	GENOPS_TRY(list_of(reader, document, "processors", &entry, &n));
	if (!(pipeline->functions = genops_arena_alloc(reader->arena, (n + 1) * sizeof *pipeline->functions)))
		return no_memory(reader);
	for (; entry; entry = entry->next) {
		struct genops_function *function = &pipeline->functions[pipeline->n_functions];
		pipeline->n_functions++;
		GENOPS_TRY(read_function(reader, entry->value, function, pipeline->n_functions - 1));
		function->first_count = pipeline->n_counts;
		pipeline->n_counts += function->n_counts;
		pipeline->n_fields += function->n_fields;
	}
	return GENOPS_OK;
}

static int read_routes(const struct genops_node_reader *reader, const struct genops_yaml_node *document, struct genops_pipeline *pipeline)
{
	const struct genops_yaml_entry *entry;
	size_t n;
	GENOPS_TRY(list_of(reader, document, "routes", &entry, &n));
	if (!(pipeline->routes = genops_arena_alloc(reader->arena, (n + 1) * sizeof *pipeline->routes)))
		return no_memory(reader);
	for (; entry; entry = entry->next) {
		struct genops_route *route = &pipeline->routes[pipeline->n_routes];
		pipeline->n_routes++;
		GENOPS_TRY(genops_route_read(reader, entry->value, route));
		GENOPS_TRY(name_it(reader, &route->name, pipeline->n_routes - 1));
	}
	pipeline->n_counts += pipeline->n_routes;
	return GENOPS_OK;
}

static void look_for_attributes(void *arg, const struct genops_function_fact *fact)
{
	bool *names_attributes = arg;
	*names_attributes |= fact->expression && genops_expression_names(fact->expression, GENOPS_STR("attributes"));
}

static bool names_attributes(const struct genops_pipeline *pipeline)
{
	bool found = false;
	for (size_t i = 0; i < pipeline->n_functions; i++) {
		const struct genops_function *function = &pipeline->functions[i];
		if (function->type->facts)
			function->type->facts(function, look_for_attributes, &found);
	}
	return found;
}

static int read_all(const struct genops_node_reader *reader, const struct genops_yaml_node *document, struct genops_pipeline *pipeline)
{
	GENOPS_TRY(genops_yaml_rows_section(&reader->rows, document, "a pipeline", genops_pipeline_rows, pipeline));
	GENOPS_TRY(genops_pipeline_read_description(reader, document, &pipeline->description));
	pipeline->place = genops_node_place(reader->reading, document);
	GENOPS_TRY(read_filters(reader, document, pipeline));
	GENOPS_TRY(read_functions(reader, document, pipeline));
	GENOPS_TRY(read_routes(reader, document, pipeline));
	pipeline->names_attributes = names_attributes(pipeline);
	return GENOPS_OK;
}

int genops_pipeline_read(const struct genops_yaml_node *document, const struct genops_pipeline_reading *reading, struct genops_pipeline **ret,
    struct genops_error *err)
{
	struct genops_pipeline *pipeline = calloc(1, sizeof *pipeline);
	if (!pipeline)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a pipeline");
	genops_arena_init(&pipeline->arena, ARENA_MAX);
	struct genops_node_reader reader;
	genops_node_reader_init(&reader, reading, &pipeline->arena, err);
	int code = read_all(&reader, document, pipeline);
	if (code != GENOPS_OK) {
		genops_pipeline_free(pipeline);
		return code;
	}
	*ret = pipeline;
	return GENOPS_OK;
}
