/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_value.c - attributes' values: as texts, compared, written, and out of the configuration. Pure. */
#include "pipeline/collector/item/item.h"

#include "base/base64.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "pipeline/number_text.h"

#include <math.h>

#define DEPTH_MAX 32
#define TEXT_MAX  ((size_t)1 << 20)
#define STEPS_MAX ((size_t)1 << 20)

/* --- as text --- */

static void add_json(struct genops_json_writer *json, const struct genops_otlp_value *value, int depth);

static void add_array(struct genops_json_writer *json, genops_str bytes, int depth)
{
	struct genops_wire_reader in;
	struct genops_otlp_value element;
	genops_json_array_begin(json);
	genops_wire_reader_init(&in, bytes, 0);
	while (depth < DEPTH_MAX && genops_otlp_array_next(&in, &element) > 0)
		add_json(json, &element, depth + 1);
	genops_json_array_end(json);
}

static void add_map(struct genops_json_writer *json, genops_str bytes, int depth)
{
	struct genops_otlp_attributes entries;
	struct genops_otlp_attribute entry;
	genops_json_object_begin(json);
	genops_otlp_attributes_init(&entries, bytes, 1);
	while (depth < DEPTH_MAX && genops_otlp_attributes_next(&entries, &entry) > 0) {
		genops_json_key(json, entry.key);
		add_json(json, &entry.value, depth + 1);
	}
	genops_json_object_end(json);
}

static void add_json(struct genops_json_writer *json, const struct genops_otlp_value *value, int depth)
{
	switch (value->type) {
	case GENOPS_OTLP_STRING:
		genops_json_string(json, value->bytes);
		break;
	case GENOPS_OTLP_BOOL:
		genops_json_bool(json, value->integer);
		break;
	case GENOPS_OTLP_INT:
		genops_json_int(json, value->integer);
		break;
	case GENOPS_OTLP_DOUBLE:
		genops_json_double(json, value->number);
		break;
	case GENOPS_OTLP_ARRAY:
		add_array(json, value->bytes, depth);
		break;
	case GENOPS_OTLP_KVLIST:
		add_map(json, value->bytes, depth);
		break;
	case GENOPS_OTLP_BYTES: {
		struct genops_buffer text;
		genops_buffer_init(&text, TEXT_MAX * 2);
		genops_base64_add(&text, value->bytes);
		genops_json_string(json, genops_buffer_view(&text));
		genops_buffer_done(&text);
		break;
	}
	default:
		genops_json_null(json);
	}
}

/* What is no plain number or text, and so seldom asked for that memory of its own does no harm. */
static genops_str make_text(const struct genops_otlp_value *value, struct genops_arena *arena)
{
	struct genops_json_writer json;
	struct genops_buffer text;
	genops_str made = {0};
	genops_buffer_init(&text, TEXT_MAX);
	if (value->type == GENOPS_OTLP_BYTES) {
		genops_base64_add(&text, value->bytes);
	} else {
		genops_json_writer_init(&json, &text);
		add_json(&json, value, 0);
	}
	if (!text.error)
		genops_arena_dup(arena, genops_buffer_view(&text), &made);
	genops_buffer_done(&text);
	return made;
}

genops_str genops_item_value_text(const struct genops_otlp_value *value, struct genops_arena *arena)
{
	char number[GENOPS_NUMBER_TEXT_MAX];
	struct genops_buffer digits;
	genops_str made = {0};
	switch (value->type) {
	case GENOPS_OTLP_NONE:
		return GENOPS_STR("");
	case GENOPS_OTLP_STRING:
		return value->bytes.ptr ? value->bytes : GENOPS_STR("");
	case GENOPS_OTLP_BOOL:
		return value->integer ? GENOPS_STR("true") : GENOPS_STR("false");
	case GENOPS_OTLP_INT:
		genops_buffer_init(&digits, 32);
		genops_buffer_add_int(&digits, value->integer);
		if (!digits.error)
			genops_arena_dup(arena, genops_buffer_view(&digits), &made);
		genops_buffer_done(&digits);
		return made;
	case GENOPS_OTLP_DOUBLE:
		if (value->number == 0 && signbit(value->number))
			return GENOPS_STR("-0");
		genops_arena_dup(arena, genops_number_to_text(value->number, number), &made);
		return made;
	default:
		return make_text(value, arena);
	}
}

/* --- compared and written --- */

static bool equal(const struct genops_otlp_value *a, const struct genops_otlp_value *b, size_t *steps, int depth);

static bool equal_arrays(genops_str a, genops_str b, size_t *steps, int depth)
{
	struct genops_wire_reader in_a, in_b;
	struct genops_otlp_value one, other;
	genops_wire_reader_init(&in_a, a, 0);
	genops_wire_reader_init(&in_b, b, 0);
	while (genops_otlp_array_next(&in_a, &one) > 0) {
		if (genops_otlp_array_next(&in_b, &other) <= 0 || !equal(&one, &other, steps, depth))
			return false;
	}
	return genops_otlp_array_next(&in_b, &other) <= 0;
}

static size_t count_entries(genops_str map)
{
	struct genops_otlp_attributes entries;
	struct genops_otlp_attribute entry;
	size_t n = 0;
	genops_otlp_attributes_init(&entries, map, 1);
	while (genops_otlp_attributes_next(&entries, &entry) > 0)
		n++;
	return n;
}

/* The value of a key: mostly the maps have one order, so the next entry is looked at before all of them are. */
static bool find_entry(genops_str map, struct genops_otlp_attributes *next, genops_str key, struct genops_otlp_attribute *ret_entry, size_t *steps)
{
	if (genops_otlp_attributes_next(next, ret_entry) > 0 && genops_str_equal(ret_entry->key, key))
		return true;
	genops_otlp_attributes_init(next, map, 1);
	while (*steps && genops_otlp_attributes_next(next, ret_entry) > 0) {
		(*steps)--;
		if (genops_str_equal(ret_entry->key, key))
			return true;
	}
	return false;
}

static bool equal_maps(genops_str a, genops_str b, size_t *steps, int depth)
{
	struct genops_otlp_attributes of_a, of_b;
	struct genops_otlp_attribute one, other;
	if (count_entries(a) != count_entries(b))
		return false;
	genops_otlp_attributes_init(&of_a, a, 1);
	genops_otlp_attributes_init(&of_b, b, 1);
	while (genops_otlp_attributes_next(&of_a, &one) > 0) {
		if (!find_entry(b, &of_b, one.key, &other, steps) || !equal(&one.value, &other.value, steps, depth))
			return false;
	}
	return true;
}

static bool equal(const struct genops_otlp_value *a, const struct genops_otlp_value *b, size_t *steps, int depth)
{
	if (a->type != b->type || depth > DEPTH_MAX)
		return false;
	switch (a->type) {
	case GENOPS_OTLP_NONE:
		return true;
	case GENOPS_OTLP_BOOL:
	case GENOPS_OTLP_INT:
		return a->integer == b->integer;
	case GENOPS_OTLP_DOUBLE:
		return a->number == b->number;
	case GENOPS_OTLP_ARRAY:
		return equal_arrays(a->bytes, b->bytes, steps, depth + 1);
	case GENOPS_OTLP_KVLIST:
		return equal_maps(a->bytes, b->bytes, steps, depth + 1);
	default:
		return genops_str_equal(a->bytes, b->bytes);
	}
}

bool genops_item_value_equal(const struct genops_otlp_value *a, const struct genops_otlp_value *b)
{
	size_t steps = STEPS_MAX;
	return equal(a, b, &steps, 0);
}

void genops_item_value_put(struct genops_buffer *out, uint32_t number, const struct genops_otlp_value *value)
{
	size_t mark = genops_wire_begin(out, number);
	switch (value->type) {
	case GENOPS_OTLP_NONE:
		break;
	case GENOPS_OTLP_STRING:
		genops_wire_put_text(out, 1, value->bytes);
		break;
	case GENOPS_OTLP_BOOL:
		genops_wire_put_bool(out, 2, value->integer != 0);
		break;
	case GENOPS_OTLP_INT:
		genops_wire_put_int(out, 3, value->integer);
		break;
	case GENOPS_OTLP_DOUBLE:
		genops_wire_put_double(out, 4, value->number);
		break;
	case GENOPS_OTLP_ARRAY:
		genops_wire_put_bytes(out, 5, value->bytes);
		break;
	case GENOPS_OTLP_KVLIST:
		genops_wire_put_bytes(out, 6, value->bytes);
		break;
	case GENOPS_OTLP_BYTES:
		genops_wire_put_bytes(out, 7, value->bytes);
	}
	genops_wire_end(out, mark);
}

void genops_item_value_put_attribute(struct genops_buffer *out, uint32_t number, genops_str key, const struct genops_otlp_value *value)
{
	size_t mark = genops_wire_begin(out, number);
	genops_wire_put_text(out, 1, key);
	genops_item_value_put(out, 2, value);
	genops_wire_end(out, mark);
}

/* --- out of the configuration --- */

/* YAML 1.2's core schema, as far as values of attributes need it. */
static struct genops_otlp_value resolve(genops_str text)
{
	struct genops_otlp_value value = {.type = GENOPS_OTLP_STRING, .bytes = text};
	int64_t integer;
	double number;
	bool is_true = genops_str_is(text, "true") || genops_str_is(text, "True") || genops_str_is(text, "TRUE");
	if (is_true || genops_str_is(text, "false") || genops_str_is(text, "False") || genops_str_is(text, "FALSE"))
		return (struct genops_otlp_value){.type = GENOPS_OTLP_BOOL, .integer = is_true};
	if (genops_str_to_int(text, &integer))
		return (struct genops_otlp_value){.type = GENOPS_OTLP_INT, .integer = integer};
	if (genops_str_to_double(text, &number))
		return (struct genops_otlp_value){.type = GENOPS_OTLP_DOUBLE, .number = number};
	return value;
}

int genops_item_value_read(
    const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what, struct genops_otlp_value *ret_value)
{
	genops_str text;
	if (node->kind != GENOPS_YAML_SCALAR)
		return genops_yaml_rows_fail(in, node, "write a text, a number or true or false", "%s is %s, which is not done here", what,
		    genops_yaml_kind_text(node->kind));
	GENOPS_TRY(genops_yaml_rows_text(in, node, what, &text));
	if (node->is_plain)
		*ret_value = resolve(text);
	else
		*ret_value = (struct genops_otlp_value){.type = GENOPS_OTLP_STRING, .bytes = text};
	return GENOPS_OK;
}
