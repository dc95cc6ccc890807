/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/write_memory.h - what a remote write destination remembers over restarts: its own series, which events are in them, and
 * when the last sample of each received series was.
 *
 * Bounded: of the events' ids the last 8192 at least are known (more than a batch has, and only the last batch can come again), of series
 * the last 65536. One thread. */
#ifndef EXPORT_WRITE_MEMORY_H
#define EXPORT_WRITE_MEMORY_H

#include "export/prometheus/metric_store.h"

#define GENOPS_WRITE_IDS    8192
#define GENOPS_WRITE_SERIES 65536

struct genops_write_ids { /* 0 is no id here */
	size_t n;
	uint64_t slots[2 * GENOPS_WRITE_IDS];
};

struct genops_write_times {
	size_t n;
	struct genops_write_time {
		uint64_t series; /* 0: free */
		int64_t time_ms;
	} slots[2 * GENOPS_WRITE_SERIES];
};

struct genops_write_memory {
	struct genops_metric_store events; /* counters and so on that events add to */
	struct genops_metric_store deltas; /* received deltas, added up */
	struct genops_write_ids *ids[2];   /* the newer ones, and those before them */
	struct genops_write_times *times[2];
	int64_t pushed_ms;                 /* the time of the last samples of `events` */
};

bool genops_write_memory_init(struct genops_write_memory *memory, size_t max_series);
void genops_write_memory_done(struct genops_write_memory *memory);

bool genops_write_memory_knows(const struct genops_write_memory *memory, uint64_t id);
void genops_write_memory_learn(struct genops_write_memory *memory, uint64_t id);
/* INT64_MIN: none is known. */
int64_t genops_write_memory_time(const struct genops_write_memory *memory, uint64_t series);
void genops_write_memory_sent(struct genops_write_memory *memory, uint64_t series, int64_t time_ms);

/* As text, and back; what cannot be read is left out. NOMEM. */
void genops_write_memory_write(const struct genops_write_memory *memory, struct genops_buffer *out);
GENOPS_NODISCARD int genops_write_memory_read(struct genops_write_memory *memory, genops_str text);

#endif
