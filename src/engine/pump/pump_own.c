/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_own.c - see pump_own.h. */
#include "engine/pump/pump_state.h"

#include "base/clock.h"
#include "engine/dead_letter.h"

#include <stdio.h>
#include <stdlib.h>

#define MOVE_BYTES ((uint64_t)1 << 20)
#define MOVE_NS    GENOPS_NS_PER_S
#define SPILL_MAX  ((uint64_t)128 << 20)
#define FILE_MIN   ((uint64_t)64 << 10)
#define FILE_MAX   ((uint64_t)16 << 20)

static uint64_t waiting_bytes(struct genops_queue_cursor *cursor)
{
	uint64_t bytes, entries;
	genops_queue_cursor_behind(cursor, &bytes, &entries);
	return bytes;
}

/* --- opening --- */

static int open_own(struct genops_pump *pump, struct genops_error *err)
{
	struct genops_pump_own *own = &pump->own;
	char name[GENOPS_PUMP_NAME_SIZE];
	if (own->queue)
		return GENOPS_OK;
	genops_pump_name(pump->settings.name, name);
	uint64_t file = own->cap / 8;
	const struct genops_queue_options options = {
	    .max_bytes = UINT64_MAX / 4, /* what may wait is decided here */
	    .file_bytes = file < FILE_MIN ? FILE_MIN : file > FILE_MAX ? FILE_MAX : file,
	    .is_compressed = pump->config->telemetry.queue_compression != 0,
	    .encryption_key = pump->config->telemetry.queue_encryption_key,
	    .own = name,
	};
	GENOPS_TRY(genops_queue_open(pump->engine->state_dir, &options, &own->queue, err));
	int code = genops_queue_cursor_open(own->queue, name, true, &own->cursor, err);
	if (code == GENOPS_OK)
		code = genops_queue_own_resume(own->queue, pump->shared, err);
	if (code == GENOPS_OK)
		return GENOPS_OK;
	genops_queue_close(own->queue);
	own->queue = NULL;
	own->cursor = NULL;
	return code;
}

int genops_pump_own_begin(struct genops_pump *pump, const struct genops_config_exporter *exporter, struct genops_error *err)
{
	struct genops_pump_own *own = &pump->own;
	const struct genops_config_telemetry *telemetry = &pump->config->telemetry;
	char name[GENOPS_PUMP_NAME_SIZE];
	genops_pump_name(pump->settings.name, name);
	own->is_always = pump->type->is_repeatable;
	own->cap = (uint64_t)(exporter->queue_max_size ? exporter->queue_max_size : telemetry->queue_own_max ? telemetry->queue_own_max : telemetry->queue_max_size);
	own->overflow = exporter->overflow ? exporter->overflow : telemetry->overflow;
	own->spill_from = (uint64_t)telemetry->queue_max_size / 2;
	if (own->spill_from > SPILL_MAX)
		own->spill_from = SPILL_MAX;
	own->taken.type = pump->type;
	own->taken.destination = pump->settings.name;
	own->taken.takes_operations = pump->batch.takes_operations;
	pump->cursor = pump->shared;
	if (!own->is_always && !genops_queue_own_exists(pump->engine->state_dir, name))
		return GENOPS_OK;
	GENOPS_TRY(open_own(pump, err));
	pump->cursor = own->cursor;
	return GENOPS_OK;
}

void genops_pump_own_end(struct genops_pump *pump)
{
	genops_queue_cursor_close(pump->own.cursor);
	genops_queue_close(pump->own.queue);
	genops_pump_batch_done(&pump->own.taken);
	free(pump->own.list);
}

/* --- dropping --- */

/* All that is left of a batch goes to the dead letters. */
static int drop(struct genops_pump *pump, struct genops_pump_batch *batch, const char *reason, struct genops_error *err)
{
	struct genops_destination_batch send;
	const struct genops_dead_letter letter = {pump->engine->state_dir, &pump->engine->log, pump->settings.name, genops_str_of(reason),
	    pump->config->telemetry.content == GENOPS_CONTENT_FULL};
	if (!batch->is_cut)
		GENOPS_TRY(genops_pump_batch_cut(batch, &pump->settings, &pump->arena, err));
	while (genops_pump_batch_next(batch, &send)) {
		int64_t n = genops_pump_batch_weight(&send);
		genops_dead_letter_batch(&letter, &send);
		genops_pump_count(pump, "genops_self_export_dead_letters_total", (double)n);
		genops_pump_status_dropped(pump, n);
		genops_pump_batch_sent(batch, send.n_records + send.n_items);
	}
	genops_pump_batch_clear(batch);
	return GENOPS_OK;
}

static int drop_newest(struct genops_pump *pump, size_t n, struct genops_error *err)
{
	static const char reason[] = "as much waits for this destination as may (queue: max_size): the newest is dropped";
	struct genops_pump_batch *taken = &pump->own.taken;
	genops_pump_complain(pump, reason);
	genops_pump_batch_clear(taken);
	GENOPS_TRY(genops_pump_batch_add(taken, pump->own.list, n, err));
	return drop(pump, taken, reason, err);
}

/* What has been gathered is the oldest; it was read before. */
static int drop_oldest(struct genops_pump *pump, bool *ret_is_dropped, struct genops_error *err)
{
	static const char reason[] = "as much waits for this destination as may (queue: max_size): the oldest is dropped";
	struct genops_pump_own *own = &pump->own;
	const struct genops_queue_entry *entries;
	size_t n = 0;
	*ret_is_dropped = false;
	genops_pump_complain(pump, reason);
	if (pump->cursor == own->cursor && genops_pump_batch_is_begun(&pump->batch)) {
		GENOPS_TRY(drop(pump, &pump->batch, reason, err));
	} else {
		if (pump->cursor == own->cursor) {
			genops_pump_batch_clear(&pump->batch);
			genops_queue_rewind(own->cursor);
		}
		int code = genops_queue_read(own->cursor, &entries, &n, err);
		if (code != GENOPS_OK && code != GENOPS_CORRUPT)
			return code;
		if (code == GENOPS_OK && !n)
			return GENOPS_OK;
		genops_pump_batch_clear(&own->taken);
		GENOPS_TRY(genops_pump_batch_add(&own->taken, entries, code == GENOPS_OK ? n : 0, err));
		GENOPS_TRY(drop(pump, &own->taken, reason, err));
	}
	pump->gathered_since_ns = 0;
	genops_pump_hold_over(&pump->hold, &pump->batch);
	*ret_is_dropped = true;
	return genops_queue_acknowledge(own->cursor, err);
}

/* Makes room for so many bytes. *ret_is_dropped: what would have gone in was dropped. */
static int make_room(struct genops_pump *pump, size_t n, size_t bytes, bool *ret_is_dropped, struct genops_error *err)
{
	struct genops_pump_own *own = &pump->own;
	bool is_disk_full = genops_pump_is_set(&own->is_disk_full), is_older = true;
	uint64_t waiting = waiting_bytes(own->cursor);
	*ret_is_dropped = false;
	if (!is_disk_full && waiting + bytes <= own->cap)
		return GENOPS_OK;
	if (own->overflow == GENOPS_OVERFLOW_BLOCK)
		__atomic_store_n(&own->is_blocking, 1, __ATOMIC_RELAXED);
	if (own->overflow == GENOPS_OVERFLOW_BLOCK && waiting + bytes <= own->cap + GENOPS_PUMP_OWN_RESERVE)
		return GENOPS_OK;
	/* While the far side takes one request after the other, a batch that it has a part of is not given up for room that is there soon. */
	bool is_going = genops_pump_batch_is_begun(&pump->batch) && !pump->retry.n_failures;
	while (own->overflow == GENOPS_OVERFLOW_DROP_OLDEST && is_older && !is_going && waiting && waiting + bytes > (is_disk_full ? 0 : own->cap)) {
		GENOPS_TRY(drop_oldest(pump, &is_older, err));
		waiting = waiting_bytes(own->cursor);
	}
	if (own->overflow == GENOPS_OVERFLOW_DROP_OLDEST)
		return GENOPS_OK;
	*ret_is_dropped = true;
	return drop_newest(pump, n, err);
}

/* --- moving --- */

/* The entries that are for this destination, into own->list. */
static int pick(struct genops_pump *pump, const struct genops_queue_entry *entries, size_t n, size_t *ret_n, size_t *ret_bytes,
    struct genops_error *err)
{
	struct genops_pump_own *own = &pump->own;
	*ret_n = *ret_bytes = 0;
	if (n > own->max_list) {
		struct genops_queue_entry *grown = realloc(own->list, n * sizeof *grown);
		if (!grown)
			return genops_fail(err, GENOPS_NOMEM, "no memory for what waits for a destination");
		own->list = grown;
		own->max_list = n;
	}
	for (size_t i = 0; i < n; i++) {
		if (!genops_pump_batch_is_ours(&pump->batch, &entries[i]))
			continue;
		own->list[(*ret_n)++] = entries[i];
		*ret_bytes += entries[i].payload.len;
	}
	return GENOPS_OK;
}

static int append(void *arg, const struct genops_queue_entry *entries, size_t n, bool is_last, struct genops_error *err)
{
	struct genops_pump *pump = arg;
	struct genops_segment_position place[GENOPS_QUEUE_OWN_POSITIONS];
	genops_queue_own_place(pump->shared, place);
	return genops_queue_append(pump->own.queue, entries, n, place, is_last ? GENOPS_QUEUE_OWN_POSITIONS : 0, err);
}

/* What has been gathered from the shared queue: read again, or if a part was sent, the rest as it is. */
static int move_batch(struct genops_pump *pump, struct genops_error *err)
{
	if (pump->cursor != pump->shared)
		return GENOPS_OK;
	if (genops_pump_batch_is_begun(&pump->batch))
		GENOPS_TRY(genops_pump_memory_keep(&pump->memory, err));
	if (genops_pump_batch_is_begun(&pump->batch))
		GENOPS_TRY(genops_pump_batch_rest(&pump->batch, append, pump, err));
	else
		genops_queue_rewind(pump->shared);
	genops_pump_batch_clear(&pump->batch);
	pump->cursor = pump->own.cursor;
	return GENOPS_OK;
}

static int move_blocks(struct genops_pump *pump, struct genops_error *err)
{
	const struct genops_queue_entry *entries;
	for (;;) {
		size_t n = 0, n_ours, bytes;
		bool is_dropped = false;
		if (genops_pump_is_set(&pump->must_abort)) /* before it is read: what was read is acknowledged */
			return GENOPS_OK;
		int code = genops_queue_read(pump->shared, &entries, &n, err);
		if (code == GENOPS_CORRUPT) {
			genops_log_error(&pump->engine->log, GENOPS_LOG_ERROR, "the export queue is damaged", err);
			genops_pump_count(pump, "genops_self_damaged_blocks_total", 1);
			continue;
		}
		if (code != GENOPS_OK || !n)
			return code;
		GENOPS_TRY(pick(pump, entries, n, &n_ours, &bytes, err));
		if (n_ours)
			GENOPS_TRY(make_room(pump, n_ours, bytes, &is_dropped, err));
		if (n_ours && !is_dropped)
			GENOPS_TRY(append(pump, pump->own.list, n_ours, true, err));
	}
}

int genops_pump_own_move(struct genops_pump *pump, struct genops_error *err)
{
	struct genops_error fault;
	pump->own.moved_ns = genops_clock_monotonic_ns();
	GENOPS_TRY(open_own(pump, err));
	int code = move_batch(pump, err);
	if (code == GENOPS_OK)
		code = move_blocks(pump, err);
	/* It must be on the disk before the shared queue forgets it. */
	int synced = genops_queue_sync(pump->own.queue, &fault);
	if (code == GENOPS_OK && synced == GENOPS_OK)
		return genops_queue_acknowledge(pump->shared, err);
	if (synced == GENOPS_OK)
		synced = genops_queue_own_resume(pump->own.queue, pump->shared, &fault);
	if (pump->cursor != pump->shared)
		genops_queue_rewind(pump->shared);
	if (code == GENOPS_OK)
		*err = fault;
	return code == GENOPS_OK ? synced : code;
}

/* --- when --- */

bool genops_pump_own_is_pending(struct genops_pump *pump)
{
	return pump->cursor != pump->shared && waiting_bytes(pump->shared) > 0;
}

bool genops_pump_own_wants(struct genops_pump *pump)
{
	struct genops_pump_own *own = &pump->own;
	if (own->queue && genops_pump_is_set(&own->is_blocking) && !genops_pump_is_set(&own->is_disk_full) &&
	    waiting_bytes(own->cursor) < own->cap / 10 * 9)
		__atomic_store_n(&own->is_blocking, 0, __ATOMIC_RELAXED);
	uint64_t behind = waiting_bytes(pump->shared);
	if (!behind || pump->engine->drain_option == GENOPS_DRAIN_NEVER) /* who only takes over what was left behind moves nothing */
		return false;
	if (!own->queue)
		return behind > (pump->retry.n_failures ? own->spill_from / 4 : own->spill_from);
	return behind >= MOVE_BYTES || genops_pump_is_flushing(pump) || genops_clock_monotonic_ns() - own->moved_ns >= MOVE_NS;
}

bool genops_pump_own_leave(struct genops_pump *pump)
{
	struct genops_pump_own *own = &pump->own;
	char name[GENOPS_PUMP_NAME_SIZE];
	if (!own->queue || own->is_always || pump->batch.n || waiting_bytes(own->cursor))
		return false;
	genops_pump_name(pump->settings.name, name);
	genops_queue_cursor_close(own->cursor);
	genops_queue_close(own->queue);
	own->queue = NULL;
	own->cursor = NULL;
	genops_queue_own_remove(pump->engine->state_dir, name);
	__atomic_store_n(&own->is_blocking, 0, __ATOMIC_RELAXED);
	pump->cursor = pump->shared;
	return true;
}
