/* SPDX-License-Identifier: Apache-2.0
 * pipeline/event/event_value.c - see event_value.h. */
#include "pipeline/event/event_value.h"

#include "base/base64.h"

#include <endian.h>

#define DEPTH_MAX (GENOPS_VALUE_DEPTH_MAX / 2)

static bool value_of(const struct genops_otlp_value *otlp, struct genops_arena *arena, unsigned depth, struct genops_value *ret);

static bool list_of(genops_str array, struct genops_arena *arena, unsigned depth, struct genops_value *ret)
{
	struct genops_wire_reader in, count;
	struct genops_otlp_value item;
	size_t n = 0;
	int code;
	genops_wire_reader_init(&in, array, 1);
	count = in;
	while ((code = genops_otlp_array_next(&count, &item)) > 0)
		n++;
	struct genops_value_list *list = code < 0 ? NULL : genops_value_list_new(arena, n);
	for (size_t i = 0; list && i < n && genops_otlp_array_next(&in, &item) > 0; i++) {
		if (!value_of(&item, arena, depth + 1, &list->items[i]))
			return false;
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return list != NULL;
}

static struct genops_value_object *object_of(genops_str message, uint32_t field, size_t n, struct genops_arena *arena, unsigned depth)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	struct genops_value value;
	int code;
	struct genops_value_object *object = genops_value_object_new(arena, n < 4096 ? (uint32_t)n : 4096);
	genops_otlp_attributes_init(&attributes, message, field);
	while (object && (code = genops_otlp_attributes_next(&attributes, &attribute)) != 0) {
		if (code < 0)
			return NULL;
		if (attribute.value.type == GENOPS_OTLP_STRING && attribute.value.bytes.len) /* as most are */
			value = genops_value_text(attribute.value.bytes);
		else if (!value_of(&attribute.value, arena, depth + 1, &value))
			return NULL;
		if (!genops_value_object_put(arena, object, genops_value_key_of(attribute.key.ptr ? attribute.key : GENOPS_STR("")), value))
			return NULL;
	}
	return object;
}

static bool base64(genops_str bytes, struct genops_arena *arena, struct genops_value *ret)
{
	struct genops_buffer text;
	genops_str copy;
	genops_buffer_init(&text, GENOPS_VALUE_TEXT_MAX);
	genops_base64_add(&text, bytes);
	bool is_kept = !text.error && genops_arena_dup(arena, genops_buffer_view(&text), &copy);
	genops_buffer_done(&text);
	if (is_kept)
		*ret = genops_value_text(copy);
	return is_kept;
}

static bool value_of(const struct genops_otlp_value *otlp, struct genops_arena *arena, unsigned depth, struct genops_value *ret)
{
	if (depth > DEPTH_MAX)
		return false;
	switch (otlp->type) {
	case GENOPS_OTLP_STRING:
		*ret = genops_value_text(otlp->bytes.ptr ? otlp->bytes : GENOPS_STR(""));
		return true;
	case GENOPS_OTLP_BOOL:
		*ret = genops_value_boolean(otlp->integer != 0);
		return true;
	case GENOPS_OTLP_INT:
		*ret = genops_value_number((double)otlp->integer);
		return true;
	case GENOPS_OTLP_DOUBLE:
		*ret = genops_value_number(otlp->number);
		return true;
	case GENOPS_OTLP_ARRAY:
		return list_of(otlp->bytes, arena, depth, ret);
	case GENOPS_OTLP_KVLIST:
		*ret = (struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = object_of(otlp->bytes, 1, 4, arena, depth)};
		return ret->as.object != NULL;
	case GENOPS_OTLP_BYTES:
		return base64(otlp->bytes, arena, ret);
	case GENOPS_OTLP_NONE:
		break;
	}
	*ret = genops_value_null();
	return true;
}

bool genops_event_value_of(const struct genops_otlp_value *otlp, struct genops_arena *arena, struct genops_value *ret_value)
{
	return value_of(otlp, arena, 0, ret_value);
}

struct genops_value_object *genops_event_value_attributes(genops_str message, uint32_t field, size_t n, struct genops_arena *arena)
{
	return object_of(message, field, n, arena, 0);
}

/* --- and back --- */

static void put_value(struct genops_buffer *out, struct genops_value value, unsigned depth);

static void put_key_value(struct genops_buffer *out, genops_str key, struct genops_value value, unsigned depth)
{
	genops_wire_put_text(out, 1, key);
	size_t mark = genops_wire_begin(out, 2);
	put_value(out, value, depth);
	genops_wire_end(out, mark);
}

static void put_object(struct genops_buffer *out, const struct genops_value_object *object, unsigned depth)
{
	const struct genops_value_object *whole = genops_value_object_whole(object);
	if (!whole)
		out->error = out->error ? out->error : GENOPS_LIMIT;
	for (uint32_t i = 0; whole && i < whole->n; i++) {
		size_t mark = genops_wire_begin(out, 1);
		put_key_value(out, whole->members[i].key.text, whole->members[i].value, depth);
		genops_wire_end(out, mark);
	}
}

/* The fields of an AnyValue. */
static void put_value(struct genops_buffer *out, struct genops_value value, unsigned depth)
{
	size_t mark;
	if (depth > DEPTH_MAX)
		out->error = out->error ? out->error : GENOPS_LIMIT;
	if (out->error)
		return;
	switch ((enum genops_value_type)value.type) {
	case GENOPS_VALUE_TEXT:
		genops_wire_put_text(out, 1, genops_value_str(value));
		break;
	case GENOPS_VALUE_BOOLEAN:
		genops_wire_put_bool(out, 2, value.as.boolean);
		break;
	case GENOPS_VALUE_NUMBER:
		genops_wire_put_double(out, 4, value.as.number);
		break;
	case GENOPS_VALUE_LIST:
		mark = genops_wire_begin(out, 5);
		for (uint32_t i = 0; i < value.as.list->n; i++) {
			size_t item = genops_wire_begin(out, 1);
			put_value(out, value.as.list->items[i], depth + 1);
			genops_wire_end(out, item);
		}
		genops_wire_end(out, mark);
		break;
	case GENOPS_VALUE_OBJECT:
		mark = genops_wire_begin(out, 6);
		put_object(out, value.as.object, depth + 1);
		genops_wire_end(out, mark);
		break;
	case GENOPS_VALUE_UNDEFINED:
	case GENOPS_VALUE_NULL:
	case GENOPS_VALUE_REGEX:
		break;
	}
}

/* Of an AnyValue that holds a text which goes in as it is, a number or a boolean; 0: of another. */
static size_t short_len(struct genops_value value)
{
	switch ((enum genops_value_type)value.type) {
	case GENOPS_VALUE_TEXT:
		return genops_str_ascii_len(genops_value_str(value)) == value.len ? 1 + genops_wire_varint_len(value.len) + value.len : 0;
	case GENOPS_VALUE_BOOLEAN:
		return 2;
	case GENOPS_VALUE_NUMBER:
		return 9;
	default:
		return 0;
	}
}

static char *head(char *at, unsigned char tag, size_t len)
{
	*at++ = (char)tag;
	for (; len >= 0x80; len >>= 7)
		*at++ = (char)(len | 0x80);
	*at++ = (char)len;
	return at;
}

static char *text(char *at, unsigned char tag, genops_str bytes)
{
	at = head(at, tag, bytes.len);
	if (bytes.len)
		memcpy(at, bytes.ptr, bytes.len);
	return at + bytes.len;
}

bool genops_event_value_put_attribute(struct genops_buffer *out, uint32_t field, genops_str key, struct genops_value value)
{
	size_t len = short_len(value), inner = 2 + genops_wire_varint_len(key.len) + key.len + genops_wire_varint_len(len) + len;
	if (!len || field > 15 || genops_str_ascii_len(key) != key.len) {
		size_t mark = genops_wire_begin(out, field);
		put_key_value(out, key, value, 0);
		genops_wire_end_tight(out, mark);
		return !out->error;
	}
	char *begin = genops_buffer_reserve(out, inner + 11), *at = begin;
	if (!begin)
		return false;
	at = head(at, (unsigned char)(field << 3 | GENOPS_WIRE_BYTES), inner);
	at = text(at, 0x0a, key);
	at = head(at, 0x12, len);
	if (value.type == GENOPS_VALUE_TEXT) {
		at = text(at, 0x0a, genops_value_str(value));
	} else if (value.type == GENOPS_VALUE_BOOLEAN) {
		*at++ = 0x10;
		*at++ = value.as.boolean;
	} else {
		uint64_t bits;
		memcpy(&bits, &value.as.number, sizeof bits);
		bits = htole64(bits);
		*at++ = 0x21;
		memcpy(at, &bits, sizeof bits);
		at += sizeof bits;
	}
	out->len += (size_t)(at - begin);
	return true;
}
