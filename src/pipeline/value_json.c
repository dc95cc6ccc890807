/* SPDX-License-Identifier: Apache-2.0
 * pipeline/value_json.c - values from and to JSON text, see value.h. Reading is the scanner's of codec/; writing follows
 * JSON.stringify, which is not the JSON writer's: undefined is left out, half surrogates are escaped, array indexes come first. */
#include "pipeline/value.h"

#include "codec/json_scan.h"
#include "pipeline/number_text.h"

#include <math.h>
#include <stdlib.h>

/* --- reading --- */

struct frame {
	struct genops_value_object *object; /* NULL: a list */
	struct genops_value_key key;        /* of the value that comes next */
	size_t first_item;                  /* list: where its items begin among the pending ones */
};

struct reader {
	struct genops_arena *arena;
	struct genops_buffer pending; /* items of lists that are not ended, side by side */
	struct frame frames[GENOPS_VALUE_DEPTH_MAX];
	size_t depth;
	struct genops_value root;
	int error; /* 0, NOMEM or LIMIT */
};

static void add(struct reader *reader, struct genops_value value)
{
	struct frame *frame = reader->depth ? &reader->frames[reader->depth - 1] : NULL;
	if (!frame)
		reader->root = value;
	else if (!frame->object)
		genops_buffer_add(&reader->pending, (genops_str){(const char *)&value, sizeof value});
	else if (!genops_value_object_put(reader->arena, frame->object, frame->key, value))
		reader->error = GENOPS_LIMIT;
	if (reader->pending.error)
		reader->error = reader->pending.error;
}

static void begin(struct reader *reader, bool is_object)
{
	if (reader->depth == GENOPS_VALUE_DEPTH_MAX) {
		reader->error = GENOPS_LIMIT;
		return;
	}
	struct frame *frame = &reader->frames[reader->depth++];
	*frame = (struct frame){.first_item = reader->pending.len};
	if (is_object && !(frame->object = genops_value_object_new(reader->arena, 0)))
		reader->error = GENOPS_LIMIT;
}

static void end(struct reader *reader)
{
	struct frame *frame = &reader->frames[--reader->depth];
	struct genops_value value = {.type = GENOPS_VALUE_OBJECT, .as.object = frame->object};
	if (!frame->object) {
		size_t bytes = reader->pending.len - frame->first_item;
		struct genops_value_list *list = genops_value_list_new(reader->arena, bytes / sizeof value);
		if (!list) {
			reader->error = GENOPS_LIMIT;
			return;
		}
		if (bytes)
			memcpy(list->items, reader->pending.ptr + frame->first_item, bytes);
		reader->pending.len = frame->first_item;
		value = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	}
	add(reader, value);
}

static void on_text(struct reader *reader, const struct genops_json_value *told)
{
	genops_str copy;
	if (told->is_cut || !genops_arena_dup(reader->arena, told->text, &copy))
		reader->error = GENOPS_LIMIT;
	else if (told->start == told->end) /* a name */
		reader->frames[reader->depth - 1].key = genops_value_key_of(copy);
	else
		add(reader, genops_value_text(copy));
}

static void on_value(void *arg, const struct genops_json_value *told)
{
	struct reader *reader = arg;
	if (reader->error)
		return;
	switch (told->type) {
	case GENOPS_JSON_NULL:
		add(reader, genops_value_null());
		break;
	case GENOPS_JSON_FALSE:
	case GENOPS_JSON_TRUE:
		add(reader, genops_value_boolean(told->type == GENOPS_JSON_TRUE));
		break;
	case GENOPS_JSON_NUMBER:
		add(reader, genops_value_number(told->number == 0 && told->text.ptr[0] == '-' ? -0.0 : told->number));
		break;
	case GENOPS_JSON_STRING:
		on_text(reader, told);
		break;
	case GENOPS_JSON_OBJECT:
	case GENOPS_JSON_ARRAY:
		if (told->is_end)
			end(reader);
		else
			begin(reader, told->type == GENOPS_JSON_OBJECT);
		break;
	}
}

int genops_value_from_json(genops_str json, struct genops_arena *arena, struct genops_value *ret_value, struct genops_error *err)
{
	static const struct genops_json_path rows[] = {{"", 0}, {"**", 1}};
	const struct genops_json_scan_options options = {
	    .max_depth = GENOPS_VALUE_DEPTH_MAX, .text_max = GENOPS_VALUE_TEXT_MAX, .allow_duplicates = true};
	struct reader reader = {.arena = arena};
	struct genops_json_paths *paths = genops_json_paths_new(rows, sizeof rows / sizeof *rows, err);
	if (!paths)
		return GENOPS_NOMEM;
	genops_buffer_init(&reader.pending, (size_t)64 << 20);
	struct genops_json_scan *scan = genops_json_scan_new(paths, &options, on_value, &reader);
	int code = scan ? genops_json_scan_feed(scan, json, err) : genops_fail(err, GENOPS_NOMEM, "no memory");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	if (code == GENOPS_OK && reader.error)
		code = genops_fail(err, reader.error, "the document is too large, or a text in it is over %zu bytes", GENOPS_VALUE_TEXT_MAX);
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	genops_buffer_done(&reader.pending);
	if (code == GENOPS_OK)
		*ret_value = reader.root;
	return code;
}

/* --- writing --- */

/* The bytes that stand for a half of a surrogate pair. */
static bool is_half(genops_str text, size_t at)
{
	return text.len - at >= 3 && (unsigned char)text.ptr[at] == 0xED && (unsigned char)text.ptr[at + 1] >= 0xA0;
}

static void add_escape(struct genops_buffer *buf, genops_str text, size_t at)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	unsigned char c = (unsigned char)text.ptr[at];
	const char *found = c && c < 0x80 ? strchr(from, c) : NULL;
	if (found) {
		genops_buffer_add_char(buf, '\\');
		genops_buffer_add_char(buf, to[found - from]);
	} else if (c == 0xED) {
		genops_buffer_printf(buf, "\\u%04x",
		    0xD000U | ((unsigned)(unsigned char)text.ptr[at + 1] & 0x3FU) << 6 | ((unsigned)(unsigned char)text.ptr[at + 2] & 0x3FU));
	} else {
		genops_buffer_printf(buf, "\\u%04x", c);
	}
}

static void write_text(struct genops_buffer *buf, genops_str text)
{
	size_t from = 0;
	genops_buffer_add_char(buf, '"');
	for (size_t at = 0; at < text.len; at++) {
		unsigned char c = (unsigned char)text.ptr[at];
		size_t len = c < 0x20 || c == '"' || c == '\\' ? 1 : is_half(text, at) ? 3 : 0;
		if (!len)
			continue;
		genops_buffer_add(buf, (genops_str){text.ptr + from, at - from});
		add_escape(buf, text, at);
		from = at + len;
		at = from - 1;
	}
	genops_buffer_add(buf, genops_str_skip(text, from));
	genops_buffer_add_char(buf, '"');
}

static void write_value(struct genops_value value, struct genops_buffer *buf, int depth);

static void write_list(const struct genops_value_list *list, struct genops_buffer *buf, int depth)
{
	genops_buffer_add_char(buf, '[');
	for (uint32_t i = 0; i < list->n; i++) {
		if (i)
			genops_buffer_add_char(buf, ',');
		write_value(list->items[i], buf, depth);
	}
	genops_buffer_add_char(buf, ']');
}

static void write_member(const struct genops_value_member *member, struct genops_buffer *buf, int depth, bool *is_first)
{
	if (member->value.type == GENOPS_VALUE_UNDEFINED)
		return;
	if (!*is_first)
		genops_buffer_add_char(buf, ',');
	*is_first = false;
	write_text(buf, member->key.text);
	genops_buffer_add_char(buf, ':');
	write_value(member->value, buf, depth);
}

static void write_object(const struct genops_value_object *written, struct genops_buffer *buf, int depth)
{
	bool is_first = true, has_index = false;
	uint32_t ignored;
	const struct genops_value_object *object = genops_value_object_whole(written);
	if (!object) {
		buf->error = buf->error ? buf->error : GENOPS_LIMIT;
		return;
	}
	for (uint32_t i = 0; i < object->n && !has_index; i++)
		has_index = genops_value_is_index(object->members[i].key.text, &ignored);
	uint32_t *order = has_index ? malloc(sizeof *order * object->n) : NULL;
	if (has_index && !order)
		buf->error = buf->error ? buf->error : GENOPS_NOMEM;
	if (order)
		genops_value_object_order(object, order);
	genops_buffer_add_char(buf, '{');
	for (uint32_t i = 0; i < object->n; i++)
		write_member(&object->members[order ? order[i] : i], buf, depth, &is_first);
	genops_buffer_add_char(buf, '}');
	free(order);
}

static void write_value(struct genops_value value, struct genops_buffer *buf, int depth)
{
	char number[GENOPS_NUMBER_TEXT_MAX];
	if (depth > 2 * GENOPS_VALUE_DEPTH_MAX)
		buf->error = buf->error ? buf->error : GENOPS_LIMIT;
	if (buf->error)
		return;
	switch ((enum genops_value_type)value.type) {
	case GENOPS_VALUE_BOOLEAN:
		genops_buffer_add_text(buf, value.as.boolean ? "true" : "false");
		break;
	case GENOPS_VALUE_NUMBER:
		if (isfinite(value.as.number))
			genops_buffer_add(buf, genops_number_to_text(value.as.number, number));
		else
			genops_buffer_add(buf, GENOPS_STR("null"));
		break;
	case GENOPS_VALUE_TEXT:
		write_text(buf, genops_value_str(value));
		break;
	case GENOPS_VALUE_LIST:
		write_list(value.as.list, buf, depth + 1);
		break;
	case GENOPS_VALUE_OBJECT:
		write_object(value.as.object, buf, depth + 1);
		break;
	case GENOPS_VALUE_REGEX:
		genops_buffer_add(buf, GENOPS_STR("{}"));
		break;
	case GENOPS_VALUE_UNDEFINED:
	case GENOPS_VALUE_NULL:
		genops_buffer_add(buf, GENOPS_STR("null"));
		break;
	}
}

bool genops_value_to_json(struct genops_value value, struct genops_buffer *buf)
{
	if (value.type == GENOPS_VALUE_UNDEFINED)
		return false;
	write_value(value, buf, 0);
	return true;
}
