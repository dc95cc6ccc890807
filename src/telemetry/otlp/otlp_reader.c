/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_reader.c - see otlp_span.h: from item to item. Protobuf's fields may stand in any order, so a resource is looked for
 * in all of its message before the first item of it is handed out, and a scope likewise; items are passed over by their lengths. Pure. */
#include "telemetry/otlp/otlp_span.h"

#define HEAD_FIELD   1 /* Resource, InstrumentationScope */
#define ITEMS_FIELD  2
#define SCHEMA_FIELD 3

void genops_otlp_reader_init(struct genops_otlp_reader *reader, enum genops_signal signal, genops_str request)
{
	*reader = (struct genops_otlp_reader){.signal = signal};
	genops_wire_reader_init(&reader->request, request, 0);
}

/* What stands beside the items. */
static bool read_head(genops_str message, genops_str *ret_head, genops_str *ret_schema_url)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	*ret_head = *ret_schema_url = (genops_str){0};
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number > SCHEMA_FIELD)
			continue;
		if (field.type != GENOPS_WIRE_BYTES)
			return false;
		if (field.number == HEAD_FIELD)
			*ret_head = field.bytes;
		else if (field.number == SCHEMA_FIELD)
			*ret_schema_url = field.bytes;
	}
	return code == 0;
}

static bool read_scope(struct genops_otlp_resource *resource)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	resource->scope_name = resource->scope_version = (genops_str){0};
	genops_wire_reader_init(&in, resource->scope, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number > 2)
			continue;
		if (field.type != GENOPS_WIRE_BYTES)
			return false;
		*(field.number == 1 ? &resource->scope_name : &resource->scope_version) = field.bytes;
	}
	return code == 0;
}

static bool open_resource(struct genops_otlp_reader *reader, genops_str message)
{
	genops_wire_reader_init(&reader->resource_items, message, 0);
	reader->is_in_resource = true;
	reader->resource.n_resource++;
	return read_head(message, &reader->resource.encoded, &reader->resource.schema_url);
}

static bool open_scope(struct genops_otlp_reader *reader, genops_str message)
{
	genops_wire_reader_init(&reader->scope_items, message, 0);
	reader->is_in_scope = true;
	reader->resource.n_scope++;
	return read_head(message, &reader->resource.scope, &reader->resource.scope_schema_url) && read_scope(&reader->resource);
}

/* The next BYTES field of that number: 1, 0, CORRUPT. */
static int next_message(struct genops_wire_reader *in, uint32_t number, genops_str *ret_message)
{
	struct genops_wire_field field;
	int code;
	while ((code = genops_wire_next(in, &field)) > 0) {
		if (field.number != number)
			continue;
		*ret_message = field.bytes;
		return field.type == GENOPS_WIRE_BYTES ? 1 : GENOPS_CORRUPT;
	}
	return code < 0 ? GENOPS_CORRUPT : 0;
}

int genops_otlp_reader_next(struct genops_otlp_reader *reader, genops_str *ret_item)
{
	for (;;) {
		genops_str message;
		int code;
		if (reader->is_in_scope) {
			code = next_message(&reader->scope_items, ITEMS_FIELD, ret_item);
			if (code != 0)
				return code;
			reader->is_in_scope = false;
		} else if (reader->is_in_resource) {
			code = next_message(&reader->resource_items, ITEMS_FIELD, &message);
			if (code < 0 || (code > 0 && !open_scope(reader, message)))
				return GENOPS_CORRUPT;
			reader->is_in_resource = code > 0;
		} else {
			code = next_message(&reader->request, 1, &message);
			if (code <= 0)
				return code;
			if (!open_resource(reader, message))
				return GENOPS_CORRUPT;
		}
	}
}
