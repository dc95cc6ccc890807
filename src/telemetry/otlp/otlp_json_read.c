/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_json_read.c - see otlp_json.h: JSON in, protobuf out.
 *
 * The scanner tells every value of the document in order ("**", where a member's name comes as a string without extent); the rows of
 * otlp_schema.h say which field it is, and it is written at once. So there is no tree, and what is held is a frame for each open message.
 * Ids of a wrong length are kept, as otlp_request.h rejects only the item that has them; so are values that are too deep, by a level. What is wrong is remembered with its place; from
 * then on values are ignored.
 */
#include "telemetry/otlp/otlp_json.h"

#include "base/base64.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "telemetry/otlp/otlp_schema.h"

#include <math.h>

#define VALUES_MAX	(GENOPS_OTLP_DEPTH_MAX + 1) /* one too many, so that the item is rejected; below it nothing is kept */
#define FRAMES_MAX	(16 + 3 * VALUES_MAX)	    /* a value in a KeyValue in a list takes three */
#define JSON_DEPTH_MAX	1000
#define EXACT_MAX	9007199254740992.0 /* 2^53: integers up to it are themselves as a double */
#define ID_LEN_MAX	16

struct frame {
	const struct genops_otlp_message *message;
	const struct genops_otlp_field *row; /* of the member that is being read; NULL: none, or not known */
	uint32_t number;
	bool is_in_array;
	bool is_bare; /* a list of values without its object */
	size_t mark;       /* of the message */
	size_t array_mark; /* of packed numbers */
};

struct reader {
	struct genops_buffer *out;
	struct frame frames[FRAMES_MAX];
	size_t n_frames;
	unsigned n_values; /* open AnyValues */
	const struct genops_otlp_message *root;
	bool is_skipping; /* what is not known, until the value at skip_depth ends */
	size_t skip_depth;
	int code;
	const char *fault;
	uint64_t fault_at;
	const struct genops_otlp_message *fault_message;
	const struct genops_otlp_field *fault_row;
};

static bool fail(struct reader *reader, int code, const struct genops_json_value *value, const char *fault)
{
	const struct frame *frame = reader->n_frames ? &reader->frames[reader->n_frames - 1] : NULL;
	reader->code = code;
	reader->fault = fault;
	reader->fault_at = value->start;
	reader->fault_message = frame ? frame->message : reader->root;
	reader->fault_row = frame ? frame->row : NULL;
	return false;
}

static bool is_number_kind(enum genops_otlp_kind kind)
{
	return kind >= GENOPS_OTLP_KIND_BOOL && kind <= GENOPS_OTLP_KIND_DOUBLE;
}

/* Digits of a uint64. */
static bool read_digits(genops_str text, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

/* A number, or a text of one, as proto3's JSON has them: 12, "12", 1.2e1. */
static bool read_signed(const struct genops_json_value *value, int64_t *ret_value)
{
	if (value->type == GENOPS_JSON_STRING)
		return genops_str_to_int(value->text, ret_value);
	if (value->type != GENOPS_JSON_NUMBER)
		return false;
	if (value->is_integer) {
		*ret_value = value->integer;
		return true;
	}
	if (!(fabs(value->number) <= EXACT_MAX) || value->number != floor(value->number))
		return false;
	*ret_value = (int64_t)value->number;
	return true;
}

static bool read_unsigned(const struct genops_json_value *value, uint64_t *ret_value)
{
	int64_t number;
	if (read_signed(value, &number)) {
		*ret_value = (uint64_t)number;
		return number >= 0;
	}
	return (value->type == GENOPS_JSON_STRING || value->type == GENOPS_JSON_NUMBER) && read_digits(value->text, ret_value);
}

static bool read_double(const struct genops_json_value *value, double *ret_value)
{
	if (value->type == GENOPS_JSON_NUMBER) {
		*ret_value = value->is_integer && value->integer == 0 && value->text.ptr[0] == '-' ? -0.0 : value->number;
		return isfinite(value->number);
	}
	if (value->type != GENOPS_JSON_STRING)
		return false;
	if (genops_str_is(value->text, "NaN"))
		*ret_value = (double)NAN;
	else if (genops_str_is(value->text, "Infinity"))
		*ret_value = (double)INFINITY;
	else if (genops_str_is(value->text, "-Infinity"))
		*ret_value = -(double)INFINITY;
	else
		return genops_str_to_double(value->text, ret_value) && isfinite(*ret_value);
	return true;
}

/* The bits that stand for a number on the wire, before it is packed or gets a tag. False: it is none of this kind. */
static bool read_number(enum genops_otlp_kind kind, const struct genops_json_value *value, uint64_t *ret_bits)
{
	int64_t number;
	double real;
	switch (kind) {
	case GENOPS_OTLP_KIND_BOOL:
		*ret_bits = value->type == GENOPS_JSON_TRUE;
		return value->type == GENOPS_JSON_TRUE || value->type == GENOPS_JSON_FALSE;
	case GENOPS_OTLP_KIND_ENUM:
	case GENOPS_OTLP_KIND_INT32:
	case GENOPS_OTLP_KIND_SINT32:
		if ((kind == GENOPS_OTLP_KIND_ENUM && value->type != GENOPS_JSON_NUMBER) || !read_signed(value, &number) ||
		    number < INT32_MIN || number > INT32_MAX)
			return false;
		*ret_bits = (uint64_t)number;
		if (kind == GENOPS_OTLP_KIND_SINT32)
			*ret_bits = (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
		return true;
	case GENOPS_OTLP_KIND_UINT32:
	case GENOPS_OTLP_KIND_FIXED32:
		return read_unsigned(value, ret_bits) && *ret_bits <= UINT32_MAX;
	case GENOPS_OTLP_KIND_INT64:
	case GENOPS_OTLP_KIND_SFIXED64:
		*ret_bits = read_signed(value, &number) ? (uint64_t)number : 0;
		return read_signed(value, &number);
	case GENOPS_OTLP_KIND_UINT64:
	case GENOPS_OTLP_KIND_FIXED64:
		return read_unsigned(value, ret_bits);
	case GENOPS_OTLP_KIND_DOUBLE:
		if (!read_double(value, &real))
			return false;
		memcpy(ret_bits, &real, sizeof real);
		return true;
	default:
		return false;
	}
}

static bool put_number(struct reader *reader, struct frame *frame, const struct genops_json_value *value)
{
	const struct genops_otlp_field *row = frame->row;
	uint64_t bits = 0;
	if (!read_number((enum genops_otlp_kind)row->kind, value, &bits))
		return fail(reader, GENOPS_SYNTAX, value,
		    row->kind == GENOPS_OTLP_KIND_ENUM ? "no number where one is due (enums are numbers in OTLP)"
						       : "no number of its range, or no boolean, where one is due");
	if (frame->is_in_array && row->wire == GENOPS_WIRE_VARINT)
		genops_wire_put_varint(reader->out, bits);
	else if (frame->is_in_array)
		genops_wire_put_raw64(reader->out, bits);
	else if (bits == 0 && !row->is_explicit)
		return true;
	else if (row->wire == GENOPS_WIRE_VARINT)
		genops_wire_put_uint(reader->out, frame->number, bits);
	else if (row->wire == GENOPS_WIRE_FIXED32)
		genops_wire_put_fixed32(reader->out, frame->number, (uint32_t)bits);
	else
		genops_wire_put_fixed64(reader->out, frame->number, bits);
	return true;
}

/* One of a wrong length keeps one: its item is to be rejected, not its request. */
static bool put_id(struct reader *reader, const struct frame *frame, const struct genops_json_value *value)
{
	uint8_t id[ID_LEN_MAX + 1] = {0};
	size_t right = frame->row->kind == GENOPS_OTLP_KIND_TRACE_ID ? 16 : 8, n = (value->text.len + 1) / 2;
	if (value->text.len == 2 * right) {
		if (!genops_str_from_hex(value->text, id, right))
			return fail(reader, GENOPS_SYNTAX, value, "an id that is not hex");
	} else if (n == right) {
		n--; /* an odd number of digits */
	} else if (n > sizeof id) {
		n = sizeof id;
	}
	if (n)
		genops_wire_put_bytes(reader->out, frame->number, (genops_str){(const char *)id, n});
	return true;
}

static bool put_base64(struct reader *reader, const struct frame *frame, const struct genops_json_value *value)
{
	struct genops_buffer *out = reader->out;
	size_t mark = genops_wire_begin(out, frame->number), len;
	char *to = genops_buffer_reserve(out, GENOPS_BASE64_MAX(value->text.len));
	if (!to)
		return true; /* told at the end */
	if (!genops_base64_decode(value->text, to, &len))
		return fail(reader, GENOPS_SYNTAX, value, "bytes that are not base64");
	out->len += len;
	genops_wire_end_tight(out, mark);
	return true;
}

static bool put_text(struct reader *reader, const struct frame *frame, const struct genops_json_value *value)
{
	const struct genops_otlp_field *row = frame->row;
	if (value->type != GENOPS_JSON_STRING)
		return fail(reader, GENOPS_SYNTAX, value, "no text where one is due");
	if (row->kind == GENOPS_OTLP_KIND_TRACE_ID || row->kind == GENOPS_OTLP_KIND_SPAN_ID)
		return put_id(reader, frame, value);
	if (row->kind == GENOPS_OTLP_KIND_BYTES)
		return put_base64(reader, frame, value);
	if (value->text.len || row->is_explicit || row->is_repeated)
		genops_wire_put_bytes(reader->out, frame->number, value->text);
	return true;
}

static bool push(struct reader *reader, const struct genops_otlp_message *message, size_t mark, const struct genops_json_value *value)
{
	bool is_value = message == &genops_otlp_messages[GENOPS_OTLP_ANY_VALUE];
	if (reader->n_frames == FRAMES_MAX)
		return fail(reader, GENOPS_LIMIT, value, "values nested too deeply");
	reader->n_values += is_value;
	reader->frames[reader->n_frames++] = (struct frame){.message = message, .mark = mark};
	return true;
}

static void skip(struct reader *reader, const struct genops_json_value *value)
{
	reader->is_skipping = true;
	reader->skip_depth = value->depth;
}

static void pop(struct reader *reader)
{
	struct frame *frame = &reader->frames[--reader->n_frames];
	reader->n_values -= frame->message == &genops_otlp_messages[GENOPS_OTLP_ANY_VALUE];
	if (reader->n_frames)
		genops_wire_end_tight(reader->out, frame->mark);
}

static void on_key(struct reader *reader, const struct genops_json_value *value)
{
	struct frame *frame = &reader->frames[reader->n_frames - 1];
	const struct genops_otlp_message *message = frame->message;
	frame->row = NULL;
	for (uint32_t i = 1; i < message->n_fields; i++) {
		const struct genops_otlp_field *row = &message->fields[i];
		if (row->name.len == value->text.len && row->name.len && row->name.ptr[0] == value->text.ptr[0] &&
		    memcmp(row->name.ptr, value->text.ptr, row->name.len) == 0) {
			frame->row = row;
			frame->number = i;
			return;
		}
	}
}

/* opentelemetry-proto's own examples/events.json has `"kvlistValue": [...]` for `{"values": [...]}`: read as it is meant. */
static bool on_bare_list(struct reader *reader, const struct frame *frame, const struct genops_json_value *value)
{
	const struct genops_otlp_message *list = &genops_otlp_messages[frame->row->message];
	if (!push(reader, list, genops_wire_begin(reader->out, frame->number), value))
		return false;
	struct frame *inner = &reader->frames[reader->n_frames - 1];
	inner->row = &list->fields[1];
	inner->number = 1;
	inner->is_in_array = inner->is_bare = true;
	return true;
}

static bool on_array(struct reader *reader, struct frame *frame, const struct genops_json_value *value)
{
	bool is_list = frame->row->kind == GENOPS_OTLP_KIND_MESSAGE &&
		       (frame->row->message == GENOPS_OTLP_KEY_VALUE_LIST || frame->row->message == GENOPS_OTLP_ARRAY_VALUE);
	if (frame->is_bare && value->is_end) {
		pop(reader);
		return true;
	}
	if (is_list && !frame->is_in_array && !value->is_end)
		return on_bare_list(reader, frame, value);
	bool is_packed = is_number_kind((enum genops_otlp_kind)frame->row->kind);
	if (!frame->row->is_repeated || (frame->is_in_array && !value->is_end))
		return fail(reader, GENOPS_SYNTAX, value, "an array where none is due");
	frame->is_in_array = !value->is_end;
	if (!is_packed)
		return true;
	if (!value->is_end) {
		frame->array_mark = genops_wire_begin(reader->out, frame->number);
	} else if (!reader->out->error && reader->out->len > frame->array_mark) {
		genops_wire_end_tight(reader->out, frame->array_mark);
	} else if (!reader->out->error) {
		reader->out->len -= 5; /* nothing in it: the tag and the length that begin has put */
	}
	return true;
}

static bool on_object(struct reader *reader, struct frame *frame, const struct genops_json_value *value)
{
	if (frame->row->kind != GENOPS_OTLP_KIND_MESSAGE)
		return fail(reader, GENOPS_SYNTAX, value, "an object where none is due");
	if (frame->row->message == GENOPS_OTLP_ANY_VALUE && reader->n_values == VALUES_MAX) {
		skip(reader, value);
		return true;
	}
	return push(reader, &genops_otlp_messages[frame->row->message], genops_wire_begin(reader->out, frame->number), value);
}

/* The value of a member that is known, or an element of it. */
static bool on_known(struct reader *reader, struct frame *frame, const struct genops_json_value *value)
{
	if (value->type == GENOPS_JSON_ARRAY)
		return on_array(reader, frame, value);
	if (value->type == GENOPS_JSON_NULL && !frame->is_in_array)
		return true;
	if (frame->row->is_repeated && !frame->is_in_array)
		return fail(reader, GENOPS_SYNTAX, value, "no array where one is due");
	if (value->type == GENOPS_JSON_OBJECT)
		return on_object(reader, frame, value);
	if (frame->row->kind == GENOPS_OTLP_KIND_MESSAGE)
		return fail(reader, GENOPS_SYNTAX, value, "no object where one is due");
	return is_number_kind((enum genops_otlp_kind)frame->row->kind) ? put_number(reader, frame, value)
									: put_text(reader, frame, value);
}

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct reader *reader = arg;
	if (reader->code != GENOPS_OK)
		return;
	if (reader->is_skipping) {
		reader->is_skipping = !value->is_end || value->depth != reader->skip_depth;
		return;
	}
	if (!reader->n_frames) {
		if (value->depth || value->type != GENOPS_JSON_OBJECT)
			fail(reader, GENOPS_SYNTAX, value, "no object where one is due");
		else if (!value->is_end)
			(void)push(reader, reader->root, 0, value);
		return;
	}
	struct frame *frame = &reader->frames[reader->n_frames - 1];
	if (value->type == GENOPS_JSON_STRING && value->start == value->end) {
		on_key(reader, value);
	} else if (value->type == GENOPS_JSON_OBJECT && value->is_end) {
		pop(reader);
	} else if (frame->row) {
		(void)on_known(reader, frame, value);
	} else if (value->type == GENOPS_JSON_OBJECT || value->type == GENOPS_JSON_ARRAY) {
		skip(reader, value);
	}
}

static int scan(struct reader *reader, genops_str json, struct genops_error *err)
{
	static const struct genops_json_path rows[] = {{"", 0}, {"**", 1}};
	const struct genops_json_scan_options options = {.max_depth = JSON_DEPTH_MAX, .text_max = json.len + 1};
	struct genops_json_paths *paths = genops_json_paths_new(rows, sizeof rows / sizeof *rows, err);
	if (!paths)
		return GENOPS_NOMEM;
	struct genops_json_scan *scan = genops_json_scan_new(paths, &options, on_value, reader);
	int code = GENOPS_OK;
	if (!scan)
		code = genops_fail(err, GENOPS_NOMEM, "no memory to read OTLP in JSON");
	if (code == GENOPS_OK)
		code = genops_json_scan_feed(scan, json, err);
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return code;
}

bool genops_otlp_json_is_foreign(enum genops_signal signal, genops_str json)
{
	genops_str name = genops_otlp_messages[genops_otlp_signals[signal].request].fields[1].name;
	return genops_str_find_char(json, '"') != SIZE_MAX && genops_str_find(json, name) == SIZE_MAX;
}

int genops_otlp_json_read(enum genops_signal signal, genops_str json, struct genops_buffer *out, struct genops_error *err)
{
	struct reader reader = {.out = out, .root = &genops_otlp_messages[genops_otlp_signals[signal].request]};
	size_t before = out->len;
	int code = scan(&reader, json, err);
	if (reader.code != GENOPS_OK)
		code = genops_fail_fix(err, reader.code, "see JSON Protobuf Encoding in the OTLP specification",
		    "OTLP %s in JSON: %s, at byte %llu (%s%s%s)", genops_signal_name(signal), reader.fault,
		    (unsigned long long)reader.fault_at, reader.fault_message->name, reader.fault_row ? "." : "",
		    reader.fault_row ? reader.fault_row->name.ptr : "");
	else if (code == GENOPS_OK && out->error)
		code = genops_fail(err, out->error, "OTLP %s in JSON: no room for its protobuf", genops_signal_name(signal));
	if (code != GENOPS_OK && !out->error)
		out->len = before;
	return code;
}
