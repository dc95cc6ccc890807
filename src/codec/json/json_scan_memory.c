/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_scan_memory.c - a scanner's life: made, used again for the next document, freed. See json_scan.h. */
#include "codec/json/json_scan_state.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_LIMIT	 ((size_t)1024)
#define TEXT_MAX_DEFAULT ((size_t)65536)

struct genops_json_scan *genops_json_scan_new(const struct genops_json_paths *paths,
    const struct genops_json_scan_options *options, genops_json_value_fn *on_value, void *arg)
{
	struct genops_json_scan_options set =
	    options ? *options : (struct genops_json_scan_options){0};
	if (!set.max_depth)
		set.max_depth = GENOPS_JSON_DEPTH_MAX;
	if (set.max_depth > DEPTH_LIMIT)
		set.max_depth = DEPTH_LIMIT;
	if (!set.text_max)
		set.text_max = TEXT_MAX_DEFAULT;
	struct genops_json_scan *scan = set.arena ? genops_arena_take(set.arena, sizeof *scan) : malloc(sizeof *scan);
	if (!scan)
		return NULL;
	memset(scan, 0, offsetof(struct genops_json_scan, keys));
	scan->frames = scan->first_frames;
	scan->max_frames = GENOPS_JSON_FIRST_FRAMES;
	scan->paths = paths;
	scan->options = set;
	scan->on_value = on_value;
	scan->arg = arg;
	genops_json_keys_init(&scan->keys, (uint64_t)(uintptr_t)scan * UINT64_C(0x9E3779B97F4A7C15));
	genops_buffer_init(&scan->text.buf, 0);
	genops_json_scan_reset(scan);
	return scan;
}

void genops_json_scan_free(struct genops_json_scan *scan)
{
	if (!scan)
		return;
	genops_buffer_done(&scan->text.buf);
	genops_json_keys_done(&scan->keys);
	if (scan->frames != scan->first_frames)
		free(scan->frames);
	if (!scan->options.arena)
		free(scan);
}

void genops_json_scan_reset(struct genops_json_scan *scan)
{
	scan->state = VALUE;
	scan->node = 0;
	scan->depth = 0;
	scan->base = 0;
	scan->keys.n = 0;
	scan->code = GENOPS_OK;
}
