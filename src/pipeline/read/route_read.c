/* SPDX-License-Identifier: Apache-2.0
 * pipeline/read/route_read.c - one of a pipeline's routes: where to, filter, payload, and settings for the destination. */
#include "pipeline/read/pipeline_read.h"

#include "base/str.h"
#include "codec/json_write.h"

#include <stddef.h>

#define SETTINGS_MAX 16384

const struct genops_option genops_route_rows[] = {
    {"name", GENOPS_OPTION_TEXT, offsetof(struct genops_route, name), .text = "in counters and messages"},
    {"description", GENOPS_OPTION_CUSTOM, 0, .text = "for people"},
    {"destination", GENOPS_OPTION_TEXT, offsetof(struct genops_route, destination), .is_required = true, .text = "the id of a destination"},
    {"filter", GENOPS_OPTION_CUSTOM, 0, .text = "an expression: which events the route takes; all unless set"},
    {"payload_template", GENOPS_OPTION_CUSTOM, 0, .text = "JSON with ${...}, sent in place of the event"},
    {"disabled", GENOPS_OPTION_BOOL, offsetof(struct genops_route, is_disabled), "false", .text = "the route takes nothing"},
    {NULL}};

/* Handed on to the destination as they are. */
const struct genops_option genops_route_setting_rows[] = {
    {"output_format", GENOPS_OPTION_CUSTOM, 0, .text = "how the destination writes the event"},
    {"compression", GENOPS_OPTION_CUSTOM, 0, .text = "of what is stored: gzip, zstd"},
    {"dataset", GENOPS_OPTION_CUSTOM, 0, .text = "where in the destination"},
    {"retention", GENOPS_OPTION_CUSTOM, 0, .text = "how long it is kept: 7 years, 2555 days"},
    {"encryption", GENOPS_OPTION_CUSTOM, 0, .text = "of what is stored: AES-256"},
    {"versioning", GENOPS_OPTION_CUSTOM, 0, .text = "enabled: what was stored is never overwritten"},
    {"object_lock", GENOPS_OPTION_CUSTOM, 0, .text = "COMPLIANCE mode, 7 years"},
    {"table", GENOPS_OPTION_CUSTOM, 0, .text = "where in the destination"},
    {NULL}};

static int read_payload(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct genops_route *route)
{
	struct genops_error inner = {0};
	const struct genops_yaml_node *key, *value = genops_pipeline_read_key(node, "payload_template", &key);
	if (!value)
		return GENOPS_OK;
	GENOPS_TRY(genops_node_raw(reader, value, "payload_template", &route->payload_source));
	if (genops_template_compile(value->text, GENOPS_TEMPLATE_JSON, reader->reading->variable, reader->reading->variable_arg, &route->payload, &inner) !=
	    GENOPS_OK)
		return genops_node_fail_in(reader, key, value, "payload_template", &inner);
	return GENOPS_OK;
}

static int write_settings(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct genops_buffer *out, size_t *ret_n)
{
	struct genops_json_writer json;
	size_t n = 0;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	for (const struct genops_option *row = genops_route_setting_rows; row->name; row++) {
		struct genops_value value;
		const struct genops_yaml_node *setting = genops_yaml_get(node, row->name);
		if (!setting || genops_yaml_is_null(setting))
			continue;
		GENOPS_TRY(genops_node_value(reader, setting, row->name, &value));
		genops_json_key(&json, genops_str_of(row->name));
		if (value.type == GENOPS_VALUE_NUMBER)
			genops_json_double(&json, value.as.number);
		else if (value.type == GENOPS_VALUE_BOOLEAN)
			genops_json_bool(&json, value.as.boolean);
		else
			genops_json_string(&json, genops_value_str(value));
		n++;
	}
	genops_json_object_end(&json);
	*ret_n = n;
	if (out->error == GENOPS_NOMEM)
		return genops_fail(reader->rows.err, GENOPS_NOMEM, "no memory for a pipeline");
	if (out->error)
		return genops_yaml_rows_fail(&reader->rows, node, NULL, "the route's settings are over %d bytes", SETTINGS_MAX);
	return GENOPS_OK;
}

static int read_settings(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct genops_route *route)
{
	struct genops_buffer out;
	size_t n = 0;
	genops_buffer_init(&out, SETTINGS_MAX);
	int code = write_settings(reader, node, &out, &n);
	if (code == GENOPS_OK && n && !genops_arena_dup(reader->arena, genops_buffer_view(&out), &route->settings))
		code = genops_fail(reader->rows.err, GENOPS_NOMEM, "no memory for a pipeline");
	genops_buffer_done(&out);
	return code;
}

int genops_route_read(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct genops_route *route)
{
	struct { int none; } nothing;
	struct genops_yaml_part parts[] = {{genops_route_rows, route}, {genops_route_setting_rows, &nothing}};
	GENOPS_TRY(genops_yaml_rows_parts(&reader->rows, node, "a route", parts, 2));
	route->place = genops_node_place(reader->reading, node);
	route->destination_place = genops_node_place(reader->reading, genops_yaml_get(node, "destination"));
	GENOPS_TRY(genops_pipeline_read_description(reader, node, &route->description));
	GENOPS_TRY(genops_pipeline_read_expression(reader, node, "filter", &route->filter, &route->filter_source));
	GENOPS_TRY(read_payload(reader, node, route));
	return read_settings(reader, node, route);
}
