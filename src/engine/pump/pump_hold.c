/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_hold.c - see pump_hold.h. */
#include "engine/pump/pump_hold.h"

#include "base/clock.h"

/* The disk knows the wall clock, who waits the other one. */
static int64_t monotonic_of(int64_t unix_ns)
{
	int64_t ago = genops_clock_unix_ns() - unix_ns, now = genops_clock_monotonic_ns();
	return ago <= 0 ? now : ago >= now ? 1 : now - ago;
}

static int64_t unix_of(int64_t monotonic_ns)
{
	return genops_clock_unix_ns() - (genops_clock_monotonic_ns() - monotonic_ns);
}

bool genops_pump_hold_is_whole(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, struct genops_pump_batch *batch)
{
	int64_t since_unix_ns;
	if (!hold->is_used)
		return false;
	if (!hold->is_begun && !batch->n && !hold->end) {
		batch->is_counting = true;
		if (genops_queue_cut_load(cursor, &hold->end, &since_unix_ns) && hold->end) {
			batch->is_counting = false;
			hold->n_done = genops_queue_cut_done_load(cursor, hold->end);
		}
	}
	return hold->end && genops_queue_cursor_block(cursor) >= hold->end;
}

int genops_pump_hold_added(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, bool is_long, int64_t *gathered_since_ns,
    struct genops_error *err)
{
	uint64_t end;
	int64_t since_unix_ns, now_ns = genops_clock_monotonic_ns();
	bool is_first = !*gathered_since_ns;
	if (is_first)
		*gathered_since_ns = now_ns;
	if (!hold->is_used)
		return GENOPS_OK;
	hold->counted = genops_queue_cursor_block(cursor);
	hold->is_begun = true;
	if (!is_first || !is_long)
		return GENOPS_OK;
	if (genops_queue_cut_load(cursor, &end, &since_unix_ns)) {
		*gathered_since_ns = monotonic_of(since_unix_ns);
		return GENOPS_OK;
	}
	return genops_queue_cut_save(cursor, 0, unix_of(now_ns), err);
}

bool genops_pump_hold_cut(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, struct genops_pump_batch *batch,
    int64_t gathered_since_ns, struct genops_error *err)
{
	if (!hold->is_used || hold->end)
		return false;
	if (genops_queue_cut_save(cursor, hold->counted, unix_of(gathered_since_ns), err) == GENOPS_OK)
		*err = (struct genops_error){0};
	hold->end = hold->counted;
	genops_pump_batch_clear(batch);
	batch->is_counting = false;
	genops_queue_rewind(cursor);
	return true;
}

int genops_pump_hold_done(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, uint64_t n_done, struct genops_error *err)
{
	return hold->end ? genops_queue_cut_done(cursor, hold->end, n_done, err) : GENOPS_OK;
}

void genops_pump_hold_over(struct genops_pump_hold *hold, struct genops_pump_batch *batch)
{
	*hold = (struct genops_pump_hold){.is_used = hold->is_used};
	batch->is_counting = hold->is_used;
}
