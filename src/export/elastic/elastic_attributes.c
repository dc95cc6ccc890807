/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/elastic_attributes.c - see elastic_attributes.h. Recurses as deep as GENOPS_OTLP_DEPTH_MAX. */
#include "export/elastic/elastic_attributes.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/str.h"

struct member {
	genops_str key;
	struct genops_otlp_value value;
};

/* Members in order, found again by their keys. */
struct members {
	struct member *items;
	uint32_t *places; /* number of the member + 1, or 0 */
	uint32_t n, n_places;
};

static int write_value(const struct genops_otlp_value *value, unsigned depth, struct genops_arena *arena, struct genops_json_writer *json);

static int count_attributes(genops_str message, uint32_t field, uint32_t *ret_n)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	int code;
	*ret_n = 0;
	genops_otlp_attributes_init(&attributes, message, field);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0)
		++*ret_n;
	return code;
}

static void put(struct members *members, const struct genops_otlp_attribute *attribute)
{
	genops_str key = attribute->key.ptr ? attribute->key : GENOPS_STR("");
	uint32_t at = (uint32_t)genops_hash_checksum(key.ptr, key.len, 0) & (members->n_places - 1);
	while (members->places[at] && !genops_str_equal(members->items[members->places[at] - 1].key, key))
		at = (at + 1) & (members->n_places - 1);
	if (!members->places[at])
		members->places[at] = ++members->n;
	members->items[members->places[at] - 1] = (struct member){key, attribute->value};
}

static int gather(genops_str message, uint32_t field, struct genops_arena *arena, struct members *ret)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	uint32_t n;
	int code = count_attributes(message, field, &n);
	if (code < 0)
		return code;
	*ret = (struct members){.n_places = 8};
	while (ret->n_places < 2 * n)
		ret->n_places *= 2;
	if (arena->used + (n + 1) * sizeof *ret->items + ret->n_places * sizeof *ret->places + 32 > arena->max)
		return GENOPS_LIMIT; /* no want of memory: there will never be enough */
	ret->items = genops_arena_take(arena, (n + 1) * sizeof *ret->items);
	ret->places = genops_arena_alloc(arena, ret->n_places * sizeof *ret->places);
	if (!ret->items || !ret->places)
		return GENOPS_NOMEM;
	genops_otlp_attributes_init(&attributes, message, field);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0)
		put(ret, &attribute);
	return code;
}

static int write_object(genops_str message, uint32_t field, unsigned depth, struct genops_arena *arena, struct genops_json_writer *json)
{
	struct members members;
	int code = gather(message, field, arena, &members);
	if (code != GENOPS_OK)
		return code;
	genops_json_object_begin(json);
	for (uint32_t i = 0; i < members.n; i++) {
		genops_json_key(json, members.items[i].key);
		GENOPS_TRY(write_value(&members.items[i].value, depth, arena, json)); /* what is open then is given up with the request */
	}
	genops_json_object_end(json);
	return GENOPS_OK;
}

static int write_array(genops_str array, unsigned depth, struct genops_arena *arena, struct genops_json_writer *json)
{
	struct genops_wire_reader in;
	struct genops_otlp_value item;
	int code;
	genops_wire_reader_init(&in, array, 1);
	genops_json_array_begin(json);
	while ((code = genops_otlp_array_next(&in, &item)) > 0)
		GENOPS_TRY(write_value(&item, depth, arena, json));
	genops_json_array_end(json);
	return code;
}

static void write_bytes(genops_str bytes, struct genops_json_writer *json)
{
	struct genops_buffer text;
	genops_buffer_init(&text, bytes.len * 4 / 3 + 8);
	genops_base64_add(&text, bytes);
	if (text.error && !json->buf->error)
		json->buf->error = text.error;
	genops_json_string(json, genops_buffer_view(&text));
	genops_buffer_done(&text);
}

static int write_value(const struct genops_otlp_value *value, unsigned depth, struct genops_arena *arena, struct genops_json_writer *json)
{
	if (depth > GENOPS_OTLP_DEPTH_MAX)
		return GENOPS_LIMIT;
	switch (value->type) {
	case GENOPS_OTLP_STRING:
		genops_json_string(json, value->bytes);
		break;
	case GENOPS_OTLP_BOOL:
		genops_json_bool(json, value->integer != 0);
		break;
	case GENOPS_OTLP_INT:
		genops_json_int(json, value->integer);
		break;
	case GENOPS_OTLP_DOUBLE:
		genops_json_double(json, value->number);
		break;
	case GENOPS_OTLP_ARRAY:
		return write_array(value->bytes, depth + 1, arena, json);
	case GENOPS_OTLP_KVLIST:
		return write_object(value->bytes, 1, depth + 1, arena, json);
	case GENOPS_OTLP_BYTES:
		write_bytes(value->bytes, json);
		break;
	case GENOPS_OTLP_NONE:
		genops_json_null(json);
		break;
	}
	return GENOPS_OK;
}

int genops_elastic_attributes_write(
    genops_str message, uint32_t field, struct genops_arena *arena, struct genops_json_writer *json)
{
	return write_object(message, field, 0, arena, json);
}

int genops_elastic_attributes_value(genops_str any_value, struct genops_arena *arena, struct genops_json_writer *json)
{
	struct genops_otlp_value value;
	int code = genops_otlp_value_read(any_value, &value);
	return code < 0 ? code : write_value(&value, 0, arena, json);
}
