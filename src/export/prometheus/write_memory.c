/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/write_memory.c - see write_memory.h.
 *
 *   genops-remote-write 1
 *   P <ms>              the last push
 *   I <id>              an event, in hex
 *   T <series> <ms>     a received series' last sample
 *   events, deltas      each followed by its store (metric_store.h) */
#include "export/prometheus/write_memory.h"

#include "base/str.h"
#include "export/destination.h"

#include <inttypes.h>
#include <stdlib.h>

#define STORE_MAX (GENOPS_DESTINATION_MEMORY_MAX / 2 - ((size_t)4 << 20)) /* of two; ids and times take the rest */
#define HEAD   "genops-remote-write 1\n"
#define EVENTS "\nevents\n"
#define DELTAS "\ndeltas\n"

bool genops_write_memory_init(struct genops_write_memory *memory, size_t max_series)
{
	*memory = (struct genops_write_memory){.pushed_ms = 0};
	bool is_fine = genops_metric_store_init(&memory->events, max_series, STORE_MAX);
	is_fine &= genops_metric_store_init(&memory->deltas, max_series, STORE_MAX);
	for (int i = 0; i < 2; i++) {
		memory->ids[i] = calloc(1, sizeof *memory->ids[i]);
		memory->times[i] = calloc(1, sizeof *memory->times[i]);
		is_fine &= memory->ids[i] && memory->times[i];
	}
	if (!is_fine)
		genops_write_memory_done(memory);
	return is_fine;
}

void genops_write_memory_done(struct genops_write_memory *memory)
{
	genops_metric_store_done(&memory->events);
	genops_metric_store_done(&memory->deltas);
	for (int i = 0; i < 2; i++) {
		free(memory->ids[i]);
		free(memory->times[i]);
	}
	*memory = (struct genops_write_memory){.pushed_ms = 0};
}

static uint64_t *id_slot(struct genops_write_ids *ids, uint64_t id)
{
	size_t mask = 2 * GENOPS_WRITE_IDS - 1, at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
	while (ids->slots[at] && ids->slots[at] != id)
		at = (at + 1) & mask;
	return &ids->slots[at];
}

bool genops_write_memory_knows(const struct genops_write_memory *memory, uint64_t id)
{
	return id && (*id_slot(memory->ids[0], id) || *id_slot(memory->ids[1], id));
}

void genops_write_memory_learn(struct genops_write_memory *memory, uint64_t id)
{
	if (!id || genops_write_memory_knows(memory, id))
		return;
	if (memory->ids[0]->n == GENOPS_WRITE_IDS) {
		struct genops_write_ids *older = memory->ids[1];
		memory->ids[1] = memory->ids[0];
		memory->ids[0] = older;
		memset(older, 0, sizeof *older);
	}
	*id_slot(memory->ids[0], id) = id;
	memory->ids[0]->n++;
}

static struct genops_write_time *time_slot(struct genops_write_times *times, uint64_t series)
{
	size_t mask = 2 * GENOPS_WRITE_SERIES - 1, at = (size_t)(series * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
	while (times->slots[at].series && times->slots[at].series != series)
		at = (at + 1) & mask;
	return &times->slots[at];
}

int64_t genops_write_memory_time(const struct genops_write_memory *memory, uint64_t series)
{
	for (int i = 0; i < 2; i++) {
		const struct genops_write_time *slot = time_slot(memory->times[i], series ? series : 1);
		if (slot->series)
			return slot->time_ms;
	}
	return INT64_MIN;
}

void genops_write_memory_sent(struct genops_write_memory *memory, uint64_t series, int64_t time_ms)
{
	struct genops_write_time *slot = time_slot(memory->times[0], series ? series : 1);
	if (!slot->series && memory->times[0]->n == GENOPS_WRITE_SERIES) {
		struct genops_write_times *older = memory->times[1];
		memory->times[1] = memory->times[0];
		memory->times[0] = older;
		memset(older, 0, sizeof *older);
		slot = time_slot(older, series ? series : 1);
	}
	memory->times[0]->n += !slot->series;
	*slot = (struct genops_write_time){series ? series : 1, time_ms};
}

void genops_write_memory_write(const struct genops_write_memory *memory, struct genops_buffer *out)
{
	genops_buffer_printf(out, HEAD "P %" PRId64 "\n", memory->pushed_ms);
	for (int k = 1; k >= 0; k--) { /* the older ones first, as they were learnt */
		for (size_t i = 0; memory->ids[k]->n && i < 2 * GENOPS_WRITE_IDS; i++) {
			if (memory->ids[k]->slots[i])
				genops_buffer_printf(out, "I %" PRIx64 "\n", memory->ids[k]->slots[i]);
		}
		for (size_t i = 0; memory->times[k]->n && i < 2 * GENOPS_WRITE_SERIES; i++) {
			const struct genops_write_time *slot = &memory->times[k]->slots[i];
			if (slot->series)
				genops_buffer_printf(out, "T %" PRIx64 " %" PRId64 "\n", slot->series, slot->time_ms);
		}
	}
	genops_buffer_add_text(out, &EVENTS[1]);
	genops_metric_store_write(&memory->events, out);
	genops_buffer_add_text(out, &DELTAS[1]);
	genops_metric_store_write(&memory->deltas, out);
}

static uint64_t from_hex(genops_str text)
{
	uint64_t value = 0;
	for (size_t i = 0; i < text.len && i < 16; i++) {
		char c = text.ptr[i];
		value = value << 4 | (uint64_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	return value;
}

static void read_line(struct genops_write_memory *memory, genops_str line)
{
	genops_str kind = genops_str_split(&line, ' '), first = genops_str_split(&line, ' ');
	int64_t number;
	if (genops_str_is(kind, "P") && genops_str_to_int(first, &number))
		memory->pushed_ms = number;
	else if (genops_str_is(kind, "I"))
		genops_write_memory_learn(memory, from_hex(first));
	else if (genops_str_is(kind, "T") && genops_str_to_int(line, &number))
		genops_write_memory_sent(memory, from_hex(first), number);
}

int genops_write_memory_read(struct genops_write_memory *memory, genops_str text)
{
	if (!genops_str_starts(text, GENOPS_STR(HEAD)))
		return GENOPS_OK;
	size_t events = genops_str_find(text, GENOPS_STR(EVENTS)), deltas = genops_str_find(text, GENOPS_STR(DELTAS));
	if (events == SIZE_MAX || deltas == SIZE_MAX || deltas < events)
		return GENOPS_OK; /* damage: begun anew */
	genops_str lines = {text.ptr, events};
	while (lines.len)
		read_line(memory, genops_str_split(&lines, '\n'));
	GENOPS_TRY(genops_metric_store_read(&memory->events, (genops_str){text.ptr + events, deltas - events}));
	return genops_metric_store_read(&memory->deltas, genops_str_skip(text, deltas));
}
