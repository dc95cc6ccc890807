/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_span.c - see otlp_span.h: one span, its attributes, their values. As in protobuf, of a field that stands twice the
 * last one counts. Pure. */
#include "telemetry/otlp/otlp_span.h"

#include "telemetry/otlp/otlp_attribute.h"

#include <endian.h>

static bool take_bytes(const struct genops_wire_field *field, genops_str *ret_bytes)
{
	*ret_bytes = field->bytes;
	return field->type == GENOPS_WIRE_BYTES;
}

static bool take_number(const struct genops_wire_field *field, enum genops_wire_type type, uint64_t *ret_value)
{
	*ret_value = field->value;
	return field->type == type;
}

static bool take_uint32(const struct genops_wire_field *field, enum genops_wire_type type, uint32_t *ret_value)
{
	*ret_value = (uint32_t)field->value;
	return field->type == type;
}

static bool read_status(const struct genops_wire_field *outer, struct genops_otlp_span *span)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	bool is_right = outer->type == GENOPS_WIRE_BYTES;
	int code = 0;
	genops_wire_reader_init(&in, outer->bytes, 0);
	while (is_right && (code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 2)
			is_right = take_bytes(&field, &span->status_message);
		else if (field.number == 3)
			is_right = take_uint32(&field, GENOPS_WIRE_VARINT, &span->status_code);
	}
	return is_right && code == 0;
}

static bool read_field(const struct genops_wire_field *field, struct genops_otlp_span *span)
{
	switch (field->number) {
	case 1:
		return take_bytes(field, &span->trace_id);
	case 2:
		return take_bytes(field, &span->span_id);
	case 3:
		return take_bytes(field, &span->trace_state);
	case 4:
		return take_bytes(field, &span->parent_span_id);
	case 5:
		return take_bytes(field, &span->name);
	case 6:
		return take_uint32(field, GENOPS_WIRE_VARINT, &span->kind);
	case 7:
		return take_number(field, GENOPS_WIRE_FIXED64, &span->start_unix_ns);
	case 8:
		return take_number(field, GENOPS_WIRE_FIXED64, &span->end_unix_ns);
	case GENOPS_OTLP_SPAN_ATTRIBUTES:
		span->n_attributes++;
		return true;
	case 11:
		span->n_events++;
		return true;
	case 13:
		span->n_links++;
		return true;
	case 15:
		return read_status(field, span);
	case 16:
		return take_uint32(field, GENOPS_WIRE_FIXED32, &span->flags);
	default:
		return true;
	}
}

int genops_otlp_span_read(genops_str item, struct genops_otlp_span *ret_span)
{
	struct genops_otlp_span span = {.encoded = item};
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	genops_wire_reader_init(&in, item, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (!read_field(&field, &span))
			return GENOPS_CORRUPT;
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	*ret_span = span;
	return GENOPS_OK;
}

/* Types by field number of AnyValue; 8 is an index into a profile's texts, and no value here. */
static const struct {
	uint8_t type, wire;
} values[] = {
    [1] = {GENOPS_OTLP_STRING, GENOPS_WIRE_BYTES},
    [2] = {GENOPS_OTLP_BOOL, GENOPS_WIRE_VARINT},
    [3] = {GENOPS_OTLP_INT, GENOPS_WIRE_VARINT},
    [4] = {GENOPS_OTLP_DOUBLE, GENOPS_WIRE_FIXED64},
    [5] = {GENOPS_OTLP_ARRAY, GENOPS_WIRE_BYTES},
    [6] = {GENOPS_OTLP_KVLIST, GENOPS_WIRE_BYTES},
    [7] = {GENOPS_OTLP_BYTES, GENOPS_WIRE_BYTES},
    [8] = {GENOPS_OTLP_NONE, GENOPS_WIRE_VARINT},
};

/* A short text or a double, which nearly all are, in one step. False: to be read field by field. */
static inline bool read_short_value(genops_str any_value, struct genops_otlp_value *value)
{
	const unsigned char *at = (const unsigned char *)any_value.ptr;
	if (any_value.len >= 2 && at[0] == 0x0A && at[1] < 0x80 && at[1] == any_value.len - 2) {
		*value = (struct genops_otlp_value){.type = GENOPS_OTLP_STRING, .bytes = {any_value.ptr + 2, any_value.len - 2}};
		return true;
	}
	if (any_value.len == 9 && at[0] == 0x21) {
		uint64_t bits;
		memcpy(&bits, at + 1, sizeof bits);
		*value = (struct genops_otlp_value){.type = GENOPS_OTLP_DOUBLE, .number = genops_wire_double(le64toh(bits))};
		return true;
	}
	return false;
}

int genops_otlp_value_read(genops_str any_value, struct genops_otlp_value *ret_value)
{
	if (read_short_value(any_value, ret_value))
		return GENOPS_OK;
	const unsigned char *at = (const unsigned char *)any_value.ptr;
	if (any_value.len >= 2 && at[0] == 0x0A && at[1] == any_value.len - 2 && at[1] < 0x80) {
		*ret_value = (struct genops_otlp_value){.type = GENOPS_OTLP_STRING, .bytes = {any_value.ptr + 2, at[1]}};
		return GENOPS_OK;
	}
	struct genops_otlp_value value = {.type = GENOPS_OTLP_NONE};
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	genops_wire_reader_init(&in, any_value, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number >= sizeof values / sizeof *values)
			continue;
		if (field.type != values[field.number].wire)
			return GENOPS_CORRUPT;
		value = (struct genops_otlp_value){.type = values[field.number].type, .bytes = field.bytes};
		if (value.type == GENOPS_OTLP_DOUBLE)
			value.number = genops_wire_double(field.value);
		else if (value.type != GENOPS_OTLP_NONE)
			value.integer = value.type == GENOPS_OTLP_BOOL ? field.value != 0 : (int64_t)field.value;
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	*ret_value = value;
	return GENOPS_OK;
}

static bool read_attribute(genops_str key_value, struct genops_otlp_attribute *attribute)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_str value;
	bool is_right = true;
	int code = 0;
	attribute->encoded = key_value;
	if (genops_otlp_attribute_split(key_value, &attribute->key, &value))
		return genops_otlp_value_read(value, &attribute->value) == GENOPS_OK;
	*attribute = (struct genops_otlp_attribute){.encoded = key_value};
	genops_wire_reader_init(&in, key_value, 0);
	while (is_right && (code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 1)
			is_right = take_bytes(&field, &attribute->key);
		else if (field.number == 2)
			is_right = field.type == GENOPS_WIRE_BYTES &&
				   genops_otlp_value_read(field.bytes, &attribute->value) == GENOPS_OK;
	}
	return is_right && code == 0;
}

/* All of it in one step; nothing is touched if it is to be read field by field. */
static inline bool read_short_attribute(genops_str key_value, struct genops_otlp_attribute *attribute)
{
	genops_str key, value;
	if (!genops_otlp_attribute_split(key_value, &key, &value) || !read_short_value(value, &attribute->value))
		return false;
	attribute->key = key;
	attribute->encoded = key_value;
	return true;
}

/* An attribute that stands next, in fewer than 128 bytes: without the steps of a reader that takes any field. False: nothing was read. */
static inline bool next_short(struct genops_otlp_attributes *attributes, struct genops_otlp_attribute *ret_attribute)
{
	const unsigned char *at = (const unsigned char *)attributes->reader.at;
	size_t left = (size_t)(attributes->reader.end - attributes->reader.at);
	if (left < 2 || at[0] != (attributes->field << 3 | GENOPS_WIRE_BYTES) || at[1] >= 0x80 || at[1] > left - 2)
		return false;
	if (!read_short_attribute((genops_str){attributes->reader.at + 2, at[1]}, ret_attribute))
		return false;
	attributes->reader.at += 2 + at[1];
	return true;
}

void genops_otlp_attributes_init(struct genops_otlp_attributes *attributes, genops_str message, uint32_t field)
{
	genops_wire_reader_init(&attributes->reader, message, 0);
	attributes->field = field;
}

int genops_otlp_attributes_next(struct genops_otlp_attributes *attributes, struct genops_otlp_attribute *ret_attribute)
{
	struct genops_wire_field field;
	struct genops_otlp_attribute attribute;
	int code;
	if (next_short(attributes, ret_attribute))
		return 1;
	while ((code = genops_wire_next(&attributes->reader, &field)) > 0) {
		if (field.number != attributes->field)
			continue;
		if (field.type != GENOPS_WIRE_BYTES || !read_attribute(field.bytes, &attribute))
			return GENOPS_CORRUPT;
		*ret_attribute = attribute;
		return 1;
	}
	return code < 0 ? GENOPS_CORRUPT : 0;
}

int genops_otlp_array_next(struct genops_wire_reader *reader, struct genops_otlp_value *ret_value)
{
	struct genops_wire_field field;
	int code;
	while ((code = genops_wire_next(reader, &field)) > 0) {
		if (field.number != 1)
			continue;
		if (field.type != GENOPS_WIRE_BYTES || genops_otlp_value_read(field.bytes, ret_value) != GENOPS_OK)
			return GENOPS_CORRUPT;
		return 1;
	}
	return code < 0 ? GENOPS_CORRUPT : 0;
}
