/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item_map.h - a message's attributes, to be changed: read, looked up, set, taken away, and written back.
 *
 * The memory is kept from message to message. Keys and values are borrowed: from the request, or from the run's arena. Attributes that
 * nobody touched are written as they came. Of a key that stands twice the first counts, and a change takes the others away.
 */
#ifndef PIPELINE_COLLECTOR_ITEM_ITEM_MAP_H
#define PIPELINE_COLLECTOR_ITEM_ITEM_MAP_H

#include "pipeline/collector/item/item.h"

struct genops_item_entry {
	genops_str key;
	struct genops_otlp_value value;
	genops_str encoded; /* as it came; "" : it was changed */
	bool is_gone;
};

void genops_item_map_done(struct genops_item_map *map);

/* NOMEM, CORRUPT. */
GENOPS_NODISCARD int genops_item_map_load(struct genops_item_map *map, genops_str message, uint32_t field, struct genops_error *err);
struct genops_item_entry *genops_item_map_find(const struct genops_item_map *map, genops_str key); /* NULL: none */
/* Changes the one that is there, or adds one. */
GENOPS_NODISCARD int genops_item_map_set(
    struct genops_item_map *map, genops_str key, struct genops_otlp_value value, struct genops_error *err);
void genops_item_map_change(struct genops_item_map *map, struct genops_item_entry *entry, struct genops_otlp_value value);
void genops_item_map_remove(struct genops_item_map *map, struct genops_item_entry *entry);

/* Appends the message with these attributes instead of its own. */
void genops_item_map_put(const struct genops_item_map *map, genops_str message, uint32_t field, struct genops_buffer *out);

/* Rewrites one message within another; appends nothing and leaves *ret_is_changed false when nothing is to be changed. */
typedef int genops_item_rewrite_fn(void *arg, genops_str message, struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err);
/* Appends `message` with each part of it (BYTES fields of that number) rewritten. */
GENOPS_NODISCARD int genops_item_map_parts(genops_str message, uint32_t number, genops_item_rewrite_fn *fn, void *arg,
    struct genops_buffer *out, bool *ret_is_changed, struct genops_error *err);

#endif
