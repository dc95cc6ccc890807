/* SPDX-License-Identifier: Apache-2.0
 * telemetry/span_writer.c - see span_writer.h. Protobuf attributes are one reservation and straight stores each, lengths
 * computed up front; that is most of what a span costs. JSON follows OTLP's rules: hex ids, 64-bit integers as strings. */
#include "telemetry/span_writer.h"

#include "base/str.h"
#include "codec/wire.h"
#include "govern/money.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* AnyValue and KeyValue of opentelemetry/proto/common/v1/common.proto. */
enum { VALUE_STRING = 1, VALUE_BOOL = 2, VALUE_INT = 3, VALUE_DOUBLE = 4, VALUE_ARRAY = 5 };
enum { KV_KEY = 1, KV_VALUE = 2 };

#define TAG(field, type) (char)((field) << 3 | (type))
#define HEAD_MAX	 32 /* tags and lengths around a key and a value */

void genops_span_writer_init(struct genops_span_writer *out, enum genops_profile profile,
    bool is_json, struct genops_buffer *buf)
{
	*out = (struct genops_span_writer){.buf = buf, .is_json = is_json};
	out->profiles =
	    profile == GENOPS_PROFILE_SPEC ? GENOPS_CONVENTION_SPEC : GENOPS_CONVENTION_GUIDES;
	genops_json_writer_init(&out->json, buf);
}

/* --- what is said again --- */

const struct genops_record *genops_span_writer_told(const struct genops_span_writer *out, enum genops_span_told_part part)
{
	return out->is_json ? NULL : out->told[part].record;
}

static char *copy_told(struct genops_span_writer *out, enum genops_span_told_part part)
{
	const struct genops_span_told *told = &out->told[part];
	char *to = genops_buffer_reserve(out->buf, told->len);
	if (!to)
		return NULL;
	memcpy(to, out->buf->ptr + told->at, told->len);
	out->buf->len += told->len;
	return to;
}

void genops_span_writer_tell_again(struct genops_span_writer *out, enum genops_span_told_part part)
{
	(void)copy_told(out, part);
}

void genops_span_writer_remember(
    struct genops_span_writer *out, enum genops_span_told_part part, const struct genops_record *record, size_t from)
{
	if (out->is_json || out->buf->error || out->buf->len == from)
		return;
	out->told[part] = (struct genops_span_told){record, from, out->buf->len - from};
}

/* An event: a byte of tag, four of length, then its time: a byte of tag, eight of value. */
#define EVENT_HEAD ((size_t)1 + 4)
#define EVENT_MIN  (EVENT_HEAD + 1 + 8)

void genops_span_writer_tell_events_again(struct genops_span_writer *out, enum genops_span_told_part part, int64_t unix_ns)
{
	char *at = copy_told(out, part);
	for (size_t left = at ? out->told[part].len : 0; left >= EVENT_MIN;) {
		size_t len = 0;
		for (size_t i = 1; i < EVENT_HEAD; i++)
			len |= (size_t)(at[i] & 0x7f) << 7 * (i - 1);
		for (size_t i = 0; i < sizeof unix_ns; i++)
			at[EVENT_HEAD + 1 + i] = (char)((uint64_t)unix_ns >> 8 * i);
		at += EVENT_HEAD + len;
		left -= EVENT_HEAD + len;
	}
}

void genops_span_writer_open_element(
    struct genops_span_writer *out, uint32_t field, uint32_t attributes_field)
{
	if (out->is_json)
		genops_json_object_begin(&out->json);
	else
		out->marks[out->depth++] = genops_wire_begin(out->buf, field);
	out->attributes_field = attributes_field;
}

void genops_span_writer_open(struct genops_span_writer *out, uint32_t field, const char *json_name,
    uint32_t attributes_field)
{
	if (out->is_json)
		genops_json_key(&out->json, genops_str_of(json_name));
	genops_span_writer_open_element(out, field, attributes_field);
}

void genops_span_writer_close(struct genops_span_writer *out)
{
	if (out->is_json)
		genops_json_object_end(&out->json);
	else
		genops_wire_end(out->buf, out->marks[--out->depth]);
}

void genops_span_writer_open_list(struct genops_span_writer *out, const char *json_name)
{
	if (!out->is_json)
		return;
	genops_json_key(&out->json, genops_str_of(json_name));
	genops_json_array_begin(&out->json);
}

void genops_span_writer_close_list(struct genops_span_writer *out)
{
	if (out->is_json)
		genops_json_array_end(&out->json);
}

void genops_span_writer_id(struct genops_span_writer *out, uint32_t field, const char *json_name,
    const uint8_t *id, size_t n)
{
	char hex[33];
	uint8_t any = 0;
	for (size_t i = 0; i < n; i++)
		any |= id[i];
	if (!any)
		return;
	if (!out->is_json) {
		genops_wire_put_bytes(out->buf, field, (genops_str){(const char *)id, n});
		return;
	}
	genops_str_to_hex(id, n, hex);
	genops_json_key_string(&out->json, json_name, (genops_str){hex, 2 * n});
}

void genops_span_writer_text(
    struct genops_span_writer *out, uint32_t field, const char *json_name, genops_str text)
{
	if (!text.len)
		return;
	if (out->is_json)
		genops_json_key_string(&out->json, json_name, text);
	else
		genops_wire_put_text(out->buf, field, text);
}

void genops_span_writer_enum(
    struct genops_span_writer *out, uint32_t field, const char *json_name, uint32_t value)
{
	if (out->is_json)
		genops_json_key_int(&out->json, json_name, value);
	else
		genops_wire_put_uint(out->buf, field, value);
}

static genops_str decimal(char digits[24], int64_t value)
{
	int n = snprintf(digits, 24, "%" PRId64, value);
	return (genops_str){digits, (size_t)n};
}

void genops_span_writer_time(
    struct genops_span_writer *out, uint32_t field, const char *json_name, int64_t unix_ns)
{
	char digits[24];
	if (out->is_json)
		genops_json_key_string(&out->json, json_name, decimal(digits, unix_ns));
	else
		genops_wire_put_fixed64(out->buf, field, (uint64_t)unix_ns);
}

static inline char *store_varint(char *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (char)(value | 0x80);
		value >>= 7;
	}
	*at++ = (char)value;
	return at;
}

/* genops_buffer_reserve, but for the common case that there is room. */
static inline char *room(struct genops_buffer *buf, size_t more)
{
	char *at = genops_buffer_room(buf, more);
	return at ? at : genops_buffer_reserve(buf, more);
}

/* The KeyValue up to its AnyValue, of which value_len bytes are to follow at the returned place; NULL: no room. */
static inline char *begin_value(struct genops_span_writer *out, genops_str key, size_t value_len)
{
	size_t inner = 2 + genops_wire_varint_len(key.len) + key.len +
		       genops_wire_varint_len(value_len) + value_len;
	char *at = room(out->buf, inner + HEAD_MAX);
	if (!at)
		return NULL;
	*at++ = TAG(out->attributes_field, GENOPS_WIRE_BYTES);
	at = store_varint(at, inner);
	*at++ = TAG(KV_KEY, GENOPS_WIRE_BYTES);
	at = genops_str_put(store_varint(at, key.len), key);
	*at++ = TAG(KV_VALUE, GENOPS_WIRE_BYTES);
	return store_varint(at, value_len);
}

static void end_value(struct genops_span_writer *out, const char *at)
{
	out->buf->len = (size_t)(at - out->buf->ptr);
}

/* Nearly every string: all lengths are one byte then. */
#define SHORT_KEY   48
#define SHORT_VALUE 64

static void put_short_string(struct genops_span_writer *out, genops_str key, genops_str value)
{
	char *at = room(out->buf, SHORT_KEY + SHORT_VALUE + HEAD_MAX);
	if (!at)
		return;
	*at++ = TAG(out->attributes_field, GENOPS_WIRE_BYTES);
	*at++ = (char)(key.len + value.len + 6);
	*at++ = TAG(KV_KEY, GENOPS_WIRE_BYTES);
	*at++ = (char)key.len;
	at = genops_str_put(at, key);
	*at++ = TAG(KV_VALUE, GENOPS_WIRE_BYTES);
	*at++ = (char)(value.len + 2);
	*at++ = TAG(VALUE_STRING, GENOPS_WIRE_BYTES);
	*at++ = (char)value.len;
	end_value(out, genops_str_put(at, value));
}

static void put_string(struct genops_span_writer *out, genops_str key, genops_str value)
{
	if (key.len <= SHORT_KEY && value.len <= SHORT_VALUE) {
		put_short_string(out, key, value);
		return;
	}
	char *at = begin_value(out, key, 1 + genops_wire_varint_len(value.len) + value.len);
	if (!at)
		return;
	*at++ = TAG(VALUE_STRING, GENOPS_WIRE_BYTES);
	end_value(out, genops_str_put(store_varint(at, value.len), value));
}

/* Texts that are not UTF-8 are repaired on the way; rare, so lengths are patched here. */
static void put_bad_string(struct genops_span_writer *out, genops_str key, genops_str value)
{
	size_t pair = genops_wire_begin(out->buf, out->attributes_field);
	genops_wire_put_text(out->buf, KV_KEY, key);
	size_t any = genops_wire_begin(out->buf, KV_VALUE);
	genops_wire_put_text(out->buf, VALUE_STRING, value);
	genops_wire_end(out->buf, any);
	genops_wire_end(out->buf, pair);
}

static void begin_json(struct genops_span_writer *out, genops_str key, const char *kind)
{
	genops_json_object_begin(&out->json);
	genops_json_key_string(&out->json, "key", key);
	genops_json_key(&out->json, GENOPS_STR("value"));
	genops_json_object_begin(&out->json);
	genops_json_key(&out->json, genops_str_of(kind));
}

static void end_json(struct genops_span_writer *out)
{
	genops_json_object_end(&out->json);
	genops_json_object_end(&out->json);
}

/* Well-formed, and told without the call that knows UTF-8: nearly every value is. The last word overlaps the one before. */
static inline bool is_plain(genops_str text)
{
	uint64_t all, word;
	if (text.len < sizeof word)
		return genops_str_is_utf8(text);
	memcpy(&all, text.ptr + text.len - sizeof all, sizeof all);
	for (size_t i = 0; i + sizeof word < text.len; i += sizeof word) {
		memcpy(&word, text.ptr + i, sizeof word);
		all |= word;
	}
	return !(all & UINT64_C(0x8080808080808080));
}

static void add_string(struct genops_span_writer *out, genops_str key, genops_str value)
{
	if (!value.len)
		return;
	if (out->is_json) {
		begin_json(out, key, "stringValue");
		genops_json_string(&out->json, value);
		end_json(out);
	} else if (is_plain(value) || genops_str_is_utf8(value)) {
		put_string(out, key, value);
	} else {
		put_bad_string(out, key, value);
	}
}

static void add_int(struct genops_span_writer *out, genops_str key, int64_t value)
{
	char digits[24];
	if (out->is_json) {
		begin_json(out, key, "intValue");
		genops_json_string(&out->json, decimal(digits, value));
		end_json(out);
		return;
	}
	char *at = begin_value(out, key, 1 + genops_wire_varint_len((uint64_t)value));
	if (!at)
		return;
	*at++ = TAG(VALUE_INT, GENOPS_WIRE_VARINT);
	end_value(out, store_varint(at, (uint64_t)value));
}

static void add_double(struct genops_span_writer *out, genops_str key, double value)
{
	uint64_t bits;
	if (out->is_json) {
		begin_json(out, key, "doubleValue");
		if (isfinite(value))
			genops_json_double(&out->json, value);
		else /* proto3's JSON says these in words */
			genops_json_string(&out->json, genops_str_of(isnan(value) ? "NaN"
								     : value < 0  ? "-Infinity"
										  : "Infinity"));
		end_json(out);
		return;
	}
	char *at = begin_value(out, key, 1 + sizeof bits);
	if (!at)
		return;
	memcpy(&bits, &value, sizeof bits);
	*at++ = TAG(VALUE_DOUBLE, GENOPS_WIRE_FIXED64);
	for (size_t i = 0; i < sizeof bits; i++)
		*at++ = (char)(bits >> 8 * i);
	end_value(out, at);
}

static void add_bool(struct genops_span_writer *out, genops_str key, bool value)
{
	if (out->is_json) {
		begin_json(out, key, "boolValue");
		genops_json_bool(&out->json, value);
		end_json(out);
		return;
	}
	char *at = begin_value(out, key, 2);
	if (!at)
		return;
	*at++ = TAG(VALUE_BOOL, GENOPS_WIRE_VARINT);
	*at++ = (char)value;
	end_value(out, at);
}

static bool is_wanted(const struct genops_span_writer *out, enum genops_convention row)
{
	return (genops_conventions[row].profiles & out->profiles) != 0;
}

void genops_span_writer_string(
    struct genops_span_writer *out, enum genops_convention row, genops_str value)
{
	if (is_wanted(out, row))
		add_string(out, genops_conventions[row].name, value);
}

void genops_span_writer_int(
    struct genops_span_writer *out, enum genops_convention row, int64_t value)
{
	if (is_wanted(out, row))
		add_int(out, genops_conventions[row].name, value);
}

void genops_span_writer_double(
    struct genops_span_writer *out, enum genops_convention row, double value)
{
	if (is_wanted(out, row))
		add_double(out, genops_conventions[row].name, value);
}

void genops_span_writer_money(
    struct genops_span_writer *out, enum genops_convention row, int64_t nano_usd)
{
	genops_span_writer_double(out, row, genops_money_to_usd(nano_usd));
}

void genops_span_writer_bool(struct genops_span_writer *out, enum genops_convention row, bool value)
{
	if (is_wanted(out, row))
		add_bool(out, genops_conventions[row].name, value);
}

void genops_span_writer_strings(
    struct genops_span_writer *out, enum genops_convention row, genops_str value)
{
	if (!value.len || !is_wanted(out, row))
		return;
	if (out->is_json) {
		begin_json(out, genops_conventions[row].name, "arrayValue");
		genops_json_object_begin(&out->json);
		genops_json_key(&out->json, GENOPS_STR("values"));
		genops_json_array_begin(&out->json);
		genops_json_object_begin(&out->json);
		genops_json_key_string(&out->json, "stringValue", value);
		genops_json_object_end(&out->json);
		genops_json_array_end(&out->json);
		genops_json_object_end(&out->json);
		end_json(out);
		return;
	}
	size_t pair = genops_wire_begin(out->buf, out->attributes_field);
	genops_wire_put_text(out->buf, KV_KEY, genops_conventions[row].name);
	size_t any = genops_wire_begin(out->buf, KV_VALUE);
	size_t array = genops_wire_begin(out->buf, VALUE_ARRAY);
	size_t element = genops_wire_begin(out->buf, 1);
	genops_wire_put_text(out->buf, VALUE_STRING, value);
	genops_wire_end(out->buf, element);
	genops_wire_end(out->buf, array);
	genops_wire_end(out->buf, any);
	genops_wire_end(out->buf, pair);
}

void genops_span_writer_custom(
    struct genops_span_writer *out, const struct genops_attribute *attribute)
{
	genops_str key = attribute->key;
	if (!key.len || (!out->is_json && !is_plain(key) &&
			    !genops_str_is_utf8(key))) /* the set never lets such a key in */
		return;
	switch (attribute->type) {
	case GENOPS_ATTRIBUTE_STRING:
		add_string(out, key, attribute->value.string);
		break;
	case GENOPS_ATTRIBUTE_INT:
		add_int(out, key, attribute->value.integer);
		break;
	case GENOPS_ATTRIBUTE_DOUBLE:
		add_double(out, key, attribute->value.number);
		break;
	case GENOPS_ATTRIBUTE_BOOL:
		add_bool(out, key, attribute->value.boolean);
		break;
	}
}
