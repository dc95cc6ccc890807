/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_map.c - see item_map.h. */
#include "pipeline/collector/item/item_map.h"

#include "base/str.h"

#include <stdlib.h>

void genops_item_map_done(struct genops_item_map *map)
{
	free(map->entries);
	*map = (struct genops_item_map){0};
}

static int add(struct genops_item_map *map, const struct genops_item_entry *entry, struct genops_error *err)
{
	if (map->n == map->cap) {
		size_t cap = map->cap ? 2 * map->cap : 64;
		struct genops_item_entry *entries = realloc(map->entries, cap * sizeof *entries);
		if (!entries)
			return genops_fail(err, GENOPS_NOMEM, "out of memory for attributes");
		map->entries = entries;
		map->cap = cap;
	}
	map->entries[map->n++] = *entry;
	return GENOPS_OK;
}

int genops_item_map_load(struct genops_item_map *map, genops_str message, uint32_t field, struct genops_error *err)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	int code;
	map->n = 0;
	map->is_changed = false;
	genops_otlp_attributes_init(&attributes, message, field);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0) {
		const struct genops_item_entry entry = {attribute.key, attribute.value, attribute.encoded, false};
		GENOPS_TRY(add(map, &entry, err));
	}
	return code < 0 ? genops_fail(err, GENOPS_CORRUPT, "attributes are damaged") : GENOPS_OK;
}

struct genops_item_entry *genops_item_map_find(const struct genops_item_map *map, genops_str key)
{
	for (size_t i = 0; i < map->n; i++) {
		if (!map->entries[i].is_gone && genops_str_equal(map->entries[i].key, key))
			return &map->entries[i];
	}
	return NULL;
}

/* Those behind it. */
static void remove_twins(struct genops_item_map *map, const struct genops_item_entry *entry)
{
	for (size_t i = (size_t)(entry - map->entries) + 1; i < map->n; i++)
		map->entries[i].is_gone |= genops_str_equal(map->entries[i].key, entry->key);
}

void genops_item_map_change(struct genops_item_map *map, struct genops_item_entry *entry, struct genops_otlp_value value)
{
	entry->value = value;
	entry->encoded = (genops_str){0};
	map->is_changed = true;
	remove_twins(map, entry);
}

int genops_item_map_set(struct genops_item_map *map, genops_str key, struct genops_otlp_value value, struct genops_error *err)
{
	struct genops_item_entry *found = genops_item_map_find(map, key);
	const struct genops_item_entry entry = {.key = key, .value = value};
	if (found) {
		genops_item_map_change(map, found, value);
		return GENOPS_OK;
	}
	map->is_changed = true;
	return add(map, &entry, err);
}

void genops_item_map_remove(struct genops_item_map *map, struct genops_item_entry *entry)
{
	entry->is_gone = true;
	map->is_changed = true;
	remove_twins(map, entry);
}

/* All fields but those of that number, as they came. */
static void copy_others(genops_str message, uint32_t number, struct genops_buffer *out)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	const char *start = message.ptr, *from = message.ptr;
	genops_wire_reader_init(&in, message, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == number) {
			genops_buffer_add(out, (genops_str){from, (size_t)(start - from)});
			from = in.at;
		}
		start = in.at;
	}
	genops_buffer_add(out, (genops_str){from, (size_t)(start - from)});
}

void genops_item_map_put(const struct genops_item_map *map, genops_str message, uint32_t field, struct genops_buffer *out)
{
	copy_others(message, field, out);
	for (size_t i = 0; i < map->n; i++) {
		const struct genops_item_entry *entry = &map->entries[i];
		if (entry->is_gone)
			continue;
		if (entry->encoded.ptr)
			genops_wire_put_bytes(out, field, entry->encoded);
		else
			genops_item_value_put_attribute(out, field, entry->key, &entry->value);
	}
}

int genops_item_map_parts(genops_str message, uint32_t number, genops_item_rewrite_fn *fn, void *arg, struct genops_buffer *out,
    bool *ret_is_changed, struct genops_error *err)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	const char *start = message.ptr;
	genops_wire_reader_init(&in, message, 0);
	while (genops_wire_next(&in, &field) > 0) {
		genops_str whole = {start, (size_t)(in.at - start)};
		bool is_changed = false;
		start = in.at;
		if (field.number == number && field.type == GENOPS_WIRE_BYTES) {
			size_t before = out->len, mark = genops_wire_begin(out, number);
			GENOPS_TRY(fn(arg, field.bytes, out, &is_changed, err));
			if (is_changed)
				genops_wire_end(out, mark);
			else if (!out->error)
				out->len = before;
		}
		if (!is_changed)
			genops_buffer_add(out, whole);
		*ret_is_changed |= is_changed;
	}
	return GENOPS_OK;
}
