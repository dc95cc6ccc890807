/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_writer.c - see otlp_span.h: items back into requests.
 *
 * What is open is told from its bytes in `out`: the resource's head is the resource_len bytes behind resource_mark, made by the same
 * function as the one it is compared with. Pure. */
#include "telemetry/otlp/otlp_span.h"

#include "base/str.h"

static size_t field_len(genops_str bytes)
{
	return bytes.len ? 1 + genops_wire_varint_len(bytes.len) + bytes.len : 0;
}

/* Reads one field back that head_put may have written; compares and moves on. */
static bool is_field(const char **at, const char *end, uint32_t number, genops_str bytes)
{
	struct genops_wire_reader in = {*at, end, 0};
	struct genops_wire_field field;
	if (!bytes.len)
		return true;
	if (genops_wire_next(&in, &field) <= 0 || field.number != number || !genops_str_equal(field.bytes, bytes))
		return false;
	*at = in.at;
	return true;
}

/* Field 1, the resource or the scope, and field 3, its schema_url. */
static bool is_head(const struct genops_otlp_writer *writer, size_t mark, size_t len, genops_str head, genops_str schema_url)
{
	if (len != field_len(head) + field_len(schema_url))
		return false;
	const char *at = writer->out->ptr + mark, *end = at + len;
	return is_field(&at, end, 1, head) && is_field(&at, end, 3, schema_url);
}

static size_t put_head(struct genops_buffer *out, genops_str head, genops_str schema_url)
{
	size_t before = out->len;
	if (head.len)
		genops_wire_put_bytes(out, 1, head);
	if (schema_url.len)
		genops_wire_put_bytes(out, 3, schema_url);
	return out->len - before;
}

static void open_scope(struct genops_otlp_writer *writer, const struct genops_otlp_resource *resource)
{
	writer->scope_mark = genops_wire_begin(writer->out, 2);
	writer->scope_len = put_head(writer->out, resource->scope, resource->scope_schema_url);
}

void genops_otlp_writer_place(struct genops_otlp_writer *writer, const struct genops_otlp_resource *resource)
{
	struct genops_buffer *out = writer->out;
	writer->n_items++;
	if (out->error)
		return;
	bool is_same = writer->is_open &&
		       is_head(writer, writer->resource_mark, writer->resource_len, resource->encoded, resource->schema_url);
	if (is_same && is_head(writer, writer->scope_mark, writer->scope_len, resource->scope, resource->scope_schema_url))
		return;
	if (writer->is_open)
		genops_wire_end(out, writer->scope_mark);
	if (!is_same) {
		if (writer->is_open)
			genops_wire_end(out, writer->resource_mark);
		writer->resource_mark = genops_wire_begin(out, 1);
		writer->resource_len = put_head(out, resource->encoded, resource->schema_url);
	}
	open_scope(writer, resource);
	writer->is_open = true;
}

void genops_otlp_writer_end(struct genops_otlp_writer *writer)
{
	if (writer->is_open) {
		genops_wire_end(writer->out, writer->scope_mark);
		genops_wire_end(writer->out, writer->resource_mark);
	}
	writer->is_open = false;
}
