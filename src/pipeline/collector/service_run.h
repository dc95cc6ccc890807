/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/service_run.h - the inside of a run, for processors: where they write, what they may ask, whom they tell. */
#ifndef PIPELINE_COLLECTOR_SERVICE_RUN_H
#define PIPELINE_COLLECTOR_SERVICE_RUN_H

#include "base/arena.h"
#include "pipeline/collector/service.h"
#include "pipeline/regex.h"

#define GENOPS_SERVICE_REQUEST_MAX  ((size_t)16 << 20) /* of what processors make of one request */
#define GENOPS_SERVICE_MEMORIES_MAX 4096
#define GENOPS_SERVICE_ITEM_MAX     ((size_t)16 << 20) /* of values made for one item */

struct genops_item_entry;

/* item/item_map.h */
struct genops_item_map {
	struct genops_item_entry *entries;
	size_t n, cap;
	bool is_changed;
};

/* What is remembered of one processor between batches and over reloads. */
struct genops_service_memory {
	char *name;
	struct genops_processor_count count;
	int64_t last_tick_unix_ns, told_unix_ns;
};

struct genops_processor_run {
	struct genops_service_asks asks;
	int64_t now_unix_ns;
	struct genops_buffer buffers[2], metrics;
	struct genops_buffer item;              /* one item as it shall be */
	struct genops_buffer part, steps[2];    /* of what an item becomes on the way */
	struct genops_arena arena;              /* of values made for one item */
	struct genops_item_map map;             /* of attributes that are changed */
	struct genops_regex_space *space;       /* of searches; made at the first */
	struct genops_service_memory *memories;
	size_t n_memories;
	struct genops_service_memory *current;  /* of the processor that is being applied; its counts are the processor's to count */
};

/* An item could not be judged and goes on (or not) all the same: counted, and told once a minute. */
void genops_service_run_fault(struct genops_processor_run *run, const struct genops_processor *processor, const struct genops_error *why);

#endif
