/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_check.c - see otlp_check.h. Recurses as deep as the schema, and GENOPS_OTLP_DEPTH_MAX values. Pure. */
#include "telemetry/otlp/otlp_check.h"

#include "base/str.h"
#include "telemetry/otlp/otlp_attribute.h"

#define TRACE_ID_LEN 16
#define SPAN_ID_LEN  8

static bool fault(struct genops_otlp_check *check, int code, const struct genops_otlp_message *message,
    const struct genops_wire_field *field, const char *what, const char *at)
{
	check->code = code;
	check->fault_message = message;
	check->fault_field = field ? field->number : 0;
	check->fault = what;
	check->fault_at = at;
	return false;
}

static bool is_packed(const struct genops_otlp_field *row, genops_str bytes)
{
	struct genops_wire_reader in;
	uint64_t value;
	int code;
	if (row->wire == GENOPS_WIRE_FIXED64)
		return bytes.len % 8 == 0;
	genops_wire_reader_init(&in, bytes, 0);
	while ((code = genops_wire_next_varint(&in, &value)) > 0)
		continue;
	return code == 0;
}

static void check_id(struct genops_otlp_check *check, const struct genops_otlp_field *row, size_t len)
{
	if (len == 0 || len == (row->kind == GENOPS_OTLP_KIND_TRACE_ID ? TRACE_ID_LEN : SPAN_ID_LEN))
		return;
	if (check->wrong_id)
		return;
	check->wrong_id = row;
	check->wrong_len = len;
}

static bool check_fields(struct genops_otlp_check *check, const struct genops_otlp_message *message, genops_str bytes);

static bool check_inner(struct genops_otlp_check *check, const struct genops_otlp_message *message, genops_str bytes)
{
	check->n_points += message->is_point;
	if (!message->is_item)
		return check_fields(check, message, bytes);
	check->n_items++;
	check->is_in_item = true;
	bool is_right = check_fields(check, message, bytes);
	check->is_in_item = false;
	return is_right;
}

/* As genops_str_is_utf8 begins, inline: names and texts are mostly short, and mostly ASCII. */
static inline bool is_ascii(const char *at, size_t len)
{
	uint64_t high = 0, a, b;
	size_t i = 0;
	if (len < 8) {
		for (; i < len; i++)
			high |= (uint64_t)(unsigned char)at[i];
		return high < 0x80;
	}
	for (; i + 16 <= len; i += 16) {
		memcpy(&a, at + i, sizeof a);
		memcpy(&b, at + i + 8, sizeof b);
		high |= a | b;
	}
	/* The last ones, together with some that were looked at. */
	memcpy(&a, at + (i + 8 <= len ? i : 0), sizeof a);
	memcpy(&b, at + len - 8, sizeof b);
	return !((high | a | b) & UINT64_C(0x8080808080808080));
}

static inline bool is_text(genops_str text)
{
	return is_ascii(text.ptr, text.len) || genops_str_is_utf8(text);
}

/* A short ASCII key, and a short ASCII text, a small integer, a double or a boolean. False: may well be right. */
static inline bool is_plain_attribute(genops_str bytes)
{
	genops_str key, value;
	if (!genops_otlp_attribute_split(bytes, &key, &value))
		return false;
	const unsigned char *at = (const unsigned char *)value.ptr;
	switch (at[0]) {
	case 0x0A: /* tags and lengths are ASCII, too */
		return at[1] == value.len - 2 && is_ascii(bytes.ptr, bytes.len);
	case 0x10:
	case 0x18:
		return (value.len == 2 ? at[1] < 0x80 : value.len == 3 && at[1] >= 0x80 && at[2] < 0x80) &&
		       is_ascii(key.ptr, key.len);
	case 0x21:
		return value.len == 9 && is_ascii(key.ptr, key.len);
	default:
		return false;
	}
}

static bool check_value(struct genops_otlp_check *check, const struct genops_otlp_message *outer,
    const struct genops_wire_field *field)
{
	if (check->depth == GENOPS_OTLP_DEPTH_MAX && check->is_in_item) {
		check->is_too_deep = true; /* what is below it goes no further, so it need not be looked at */
		return true;
	}
	if (check->depth == GENOPS_OTLP_DEPTH_MAX)
		return fault(check, GENOPS_LIMIT, outer, field, "values nested too deeply", field->bytes.ptr);
	check->depth++;
	bool is_right = check_fields(check, &genops_otlp_messages[GENOPS_OTLP_ANY_VALUE], field->bytes);
	check->depth--;
	return is_right;
}

/* A field that is known and has its wire type. */
static bool check_known(struct genops_otlp_check *check, const struct genops_otlp_message *message,
    const struct genops_otlp_field *row, const struct genops_wire_field *field, uint32_t *seen)
{
	switch ((enum genops_otlp_kind)row->kind) {
	case GENOPS_OTLP_KIND_TEXT:
		if (is_text(field->bytes))
			return true;
		if (!check->is_in_item)
			return fault(check, GENOPS_SYNTAX, message, field, "a text that is not UTF-8", field->bytes.ptr);
		if (!check->wrong_text)
			check->wrong_text = row;
		return true;
	case GENOPS_OTLP_KIND_TRACE_ID:
	case GENOPS_OTLP_KIND_SPAN_ID:
		check_id(check, row, field->bytes.len);
		return true;
	case GENOPS_OTLP_KIND_MESSAGE:
		if (row->message == GENOPS_OTLP_KEY_VALUE && is_plain_attribute(field->bytes))
			return true;
		if (!row->is_repeated && (*seen & (uint32_t)1 << field->number))
			return fault(check, GENOPS_SYNTAX, message, field, "a message that stands twice", field->bytes.ptr);
		*seen |= (uint32_t)1 << field->number;
		if (row->message == GENOPS_OTLP_ANY_VALUE)
			return check_value(check, message, field);
		return check_inner(check, &genops_otlp_messages[row->message], field->bytes);
	default:
		return true;
	}
}

static bool check_fields(struct genops_otlp_check *check, const struct genops_otlp_message *message, genops_str bytes)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint32_t seen = 0;
	int code;
	genops_wire_reader_init(&in, bytes, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		const struct genops_otlp_field *row = genops_otlp_message_field(message, field.number);
		if (!row)
			continue;
		if (field.type == row->wire) {
			if (!check_known(check, message, row, &field, &seen))
				return false;
		} else if (!row->is_repeated || field.type != GENOPS_WIRE_BYTES || !is_packed(row, field.bytes)) {
			return fault(check, GENOPS_SYNTAX, message, &field, "another type than it has in OTLP", in.at);
		}
	}
	return code == 0 || fault(check, GENOPS_SYNTAX, message, NULL, "bytes that are no protobuf field", in.at);
}

int genops_otlp_check_message(struct genops_otlp_check *check, enum genops_otlp_message_id id, genops_str bytes)
{
	return check_inner(check, &genops_otlp_messages[id], bytes) ? GENOPS_OK : check->code;
}

int genops_otlp_check_fail(
    const struct genops_otlp_check *check, enum genops_signal signal, const char *begin, struct genops_error *err)
{
	const struct genops_otlp_field *row = genops_otlp_message_field(check->fault_message, check->fault_field);
	return genops_fail_fix(err, check->code,
	    check->code == GENOPS_LIMIT ? "send flatter attributes"
					: "send protobuf as opentelemetry-proto has it, or say content-type: application/json",
	    "OTLP %s: %s, at byte %zu (%s%s%s)", genops_otlp_signals[signal].name, check->fault, (size_t)(check->fault_at - begin),
	    check->fault_message->name, row ? "." : "", row ? row->name.ptr : "");
}
