/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_json_write.c - see otlp_json.h: protobuf in, JSON out, one line.
 *
 * Protobuf's fields stand in any order, JSON's members once: each message is walked over first to see what it has, then written in the
 * order of its numbers, repeated ones with a walk of their own. Recurses as deep as the schema, and GENOPS_OTLP_DEPTH_MAX values. Pure.
 */
#include "telemetry/otlp/otlp_json.h"

#include "base/base64.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "telemetry/otlp/otlp_schema.h"

#include <math.h>

#define FIELDS_MAX 17 /* of any message, by its greatest number and one */
#define ID_LEN_MAX 64

struct writer {
	struct genops_buffer *out;
	unsigned depth; /* of values */
	int code;
};

static bool write_message(struct writer *writer, const struct genops_otlp_message *message, genops_str bytes);

static bool fail(struct writer *writer, int code)
{
	writer->code = code;
	return false;
}

static void write_integer(struct genops_buffer *out, bool is_quoted, bool is_signed, uint64_t bits)
{
	char text[24];
	size_t at = sizeof text;
	bool is_negative = is_signed && (int64_t)bits < 0;
	uint64_t rest = is_negative ? 0 - bits : bits;
	if (is_quoted)
		text[--at] = '"';
	do {
		text[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (is_negative)
		text[--at] = '-';
	if (is_quoted)
		text[--at] = '"';
	genops_buffer_add(out, (genops_str){text + at, sizeof text - at});
}

/* `"name":`, behind a comma if it is not the first. */
static void write_name(struct genops_buffer *out, genops_str name, bool is_first)
{
	char *to = genops_buffer_reserve(out, name.len + 4);
	if (!to)
		return;
	if (!is_first)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, name.ptr, name.len);
	to[name.len] = '"';
	to[name.len + 1] = ':';
	out->len += name.len + 3 + !is_first;
}

static void write_double(struct genops_buffer *out, double value)
{
	if (isnan(value))
		genops_buffer_add_text(out, "\"NaN\"");
	else if (isinf(value))
		genops_buffer_add_text(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
	else if (value == 0 && signbit(value))
		genops_buffer_add_text(out, "-0.0"); /* most readers take -0 for an integer, which has no sign */
	else
		genops_json_add_double(out, value);
}

static void write_hex(struct genops_buffer *out, genops_str id)
{
	char text[2 * ID_LEN_MAX + 1];
	genops_buffer_add_char(out, '"');
	while (id.len) {
		size_t n = id.len < ID_LEN_MAX ? id.len : ID_LEN_MAX;
		genops_str_to_hex((const uint8_t *)id.ptr, n, text);
		genops_buffer_add(out, (genops_str){text, 2 * n});
		id = genops_str_skip(id, n);
	}
	genops_buffer_add_char(out, '"');
}

static bool write_inner(struct writer *writer, enum genops_otlp_message_id id, genops_str bytes)
{
	if (id != GENOPS_OTLP_ANY_VALUE)
		return write_message(writer, &genops_otlp_messages[id], bytes);
	if (writer->depth == GENOPS_OTLP_DEPTH_MAX)
		return fail(writer, GENOPS_LIMIT);
	writer->depth++;
	bool is_right = write_message(writer, &genops_otlp_messages[id], bytes);
	writer->depth--;
	return is_right;
}

static bool write_value(struct writer *writer, const struct genops_otlp_field *row, const struct genops_wire_field *field)
{
	struct genops_buffer *out = writer->out;
	switch ((enum genops_otlp_kind)row->kind) {
	case GENOPS_OTLP_KIND_TEXT:
		genops_json_add_string(out, field->bytes);
		return true;
	case GENOPS_OTLP_KIND_BYTES:
		genops_buffer_add_char(out, '"');
		genops_base64_add(out, field->bytes);
		genops_buffer_add_char(out, '"');
		return true;
	case GENOPS_OTLP_KIND_TRACE_ID:
	case GENOPS_OTLP_KIND_SPAN_ID:
		write_hex(out, field->bytes);
		return true;
	case GENOPS_OTLP_KIND_BOOL:
		genops_buffer_add_text(out, field->value ? "true" : "false");
		return true;
	case GENOPS_OTLP_KIND_ENUM:
	case GENOPS_OTLP_KIND_INT32:
		write_integer(out, false, true, (uint64_t)(int64_t)(int32_t)(uint32_t)field->value);
		return true;
	case GENOPS_OTLP_KIND_SINT32:
		write_integer(out, false, true, (uint64_t)(int64_t)(int32_t)genops_wire_unzigzag((uint32_t)field->value));
		return true;
	case GENOPS_OTLP_KIND_UINT32:
	case GENOPS_OTLP_KIND_FIXED32:
		write_integer(out, false, false, (uint32_t)field->value);
		return true;
	case GENOPS_OTLP_KIND_INT64:
	case GENOPS_OTLP_KIND_SFIXED64:
		write_integer(out, true, true, field->value);
		return true;
	case GENOPS_OTLP_KIND_UINT64:
	case GENOPS_OTLP_KIND_FIXED64:
		write_integer(out, true, false, field->value);
		return true;
	case GENOPS_OTLP_KIND_DOUBLE:
		write_double(out, genops_wire_double(field->value));
		return true;
	case GENOPS_OTLP_KIND_MESSAGE:
		return write_inner(writer, (enum genops_otlp_message_id)row->message, field->bytes);
	case GENOPS_OTLP_KIND_GAP:
		break;
	}
	return fail(writer, GENOPS_CORRUPT);
}

static void comma(struct genops_buffer *out, bool *is_first)
{
	if (!*is_first)
		genops_buffer_add_char(out, ',');
	*is_first = false;
}

static bool write_packed(struct writer *writer, const struct genops_otlp_field *row, genops_str bytes, bool *is_first)
{
	struct genops_wire_reader in;
	struct genops_wire_field element = {0};
	int code;
	genops_wire_reader_init(&in, bytes, 0);
	while ((code = row->wire == GENOPS_WIRE_VARINT ? genops_wire_next_varint(&in, &element.value)
						       : genops_wire_next_fixed64(&in, &element.value)) > 0) {
		comma(writer->out, is_first);
		if (!write_value(writer, row, &element))
			return false;
	}
	return code == 0 || fail(writer, GENOPS_CORRUPT);
}

/* All of one number, from the first of them to the end of the message. */
static bool write_array(
    struct writer *writer, const struct genops_otlp_field *row, uint32_t number, struct genops_wire_reader in)
{
	struct genops_wire_field field;
	bool is_first = true;
	genops_buffer_add_char(writer->out, '[');
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number != number)
			continue;
		if (field.type != row->wire) {
			if (!write_packed(writer, row, field.bytes, &is_first))
				return false;
			continue;
		}
		comma(writer->out, &is_first);
		if (!write_value(writer, row, &field))
			return false;
	}
	genops_buffer_add_char(writer->out, ']');
	return true;
}

/* A zero says nothing, except in a oneof and where presence is told. */
static bool is_default(const struct genops_otlp_field *row, const struct genops_wire_field *field)
{
	return !row->is_explicit && (row->wire == GENOPS_WIRE_BYTES ? field->bytes.len == 0 : field->value == 0);
}

/* Finds what is there: where each number stands first (repeated) or last. */
static bool find_fields(const struct genops_otlp_message *message, genops_str bytes, const char *found[FIELDS_MAX])
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint32_t choice = 0;
	int code;
	for (uint32_t i = 0; i < message->n_fields; i++)
		found[i] = NULL;
	genops_wire_reader_init(&in, bytes, 0);
	for (const char *from = in.at; (code = genops_wire_next(&in, &field)) > 0; from = in.at) {
		const struct genops_otlp_field *row = genops_otlp_message_field(message, field.number);
		if (!row)
			continue;
		bool is_packed = row->is_repeated && row->wire != GENOPS_WIRE_BYTES && field.type == GENOPS_WIRE_BYTES;
		if (field.type != row->wire && !is_packed)
			return false;
		if (row->is_choice) {
			found[choice] = NULL;
			choice = field.number;
		}
		if (!row->is_repeated || !found[field.number])
			found[field.number] = from;
	}
	return code == 0;
}

static bool write_message(struct writer *writer, const struct genops_otlp_message *message, genops_str bytes)
{
	const char *found[FIELDS_MAX], *end = bytes.len ? bytes.ptr + bytes.len : bytes.ptr;
	struct genops_buffer *out = writer->out;
	bool is_first = true;
	if (!find_fields(message, bytes, found))
		return fail(writer, GENOPS_CORRUPT);
	genops_buffer_add_char(out, '{');
	for (uint32_t i = 1; i < message->n_fields; i++) {
		const struct genops_otlp_field *row = &message->fields[i];
		struct genops_wire_reader in = {found[i], end, 0};
		struct genops_wire_field field;
		if (!found[i])
			continue;
		if (!row->is_repeated && (genops_wire_next(&in, &field) <= 0 || is_default(row, &field)))
			continue;
		write_name(out, row->name, is_first);
		is_first = false;
		if (!(row->is_repeated ? write_array(writer, row, i, in) : write_value(writer, row, &field)))
			return false;
	}
	genops_buffer_add_char(out, '}');
	return !out->error || fail(writer, out->error);
}

int genops_otlp_json_write(enum genops_signal signal, genops_str request, struct genops_buffer *out, struct genops_error *err)
{
	struct writer writer = {.out = out};
	size_t before = out->len;
	if (write_message(&writer, &genops_otlp_messages[genops_otlp_signals[signal].request], request))
		return GENOPS_OK;
	if (!out->error)
		out->len = before;
	return genops_fail(err, writer.code, "OTLP %s as JSON: %s", genops_signal_name(signal),
	    writer.code == GENOPS_CORRUPT ? "the request is damaged"
	    : writer.code == GENOPS_NOMEM ? "no memory"
					  : "too large, or values nested too deeply");
}
