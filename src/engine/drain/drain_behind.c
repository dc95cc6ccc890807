/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain_behind.c - for those who do not drain: has the ledger what is in the segments? Any thread.
 *
 * Waiting until nothing is left would never end beside writers that go on: who waits marks where everybody is, once, and waits for
 * these entries.
 */
#include "engine/drain/batch.h"
#include "engine/drain/drain.h"

#include <stdlib.h>

#define WRITERS_MAX GENOPS_DRAIN_WRITERS_MAX

struct genops_drain_mark {
	char *state_dir;
	struct genops_ledger *ledger; /* NULL: there is none yet */
	size_t n;
	struct genops_segment_position *ends; /* up to WRITERS_MAX; sequence: the last entry that was there */
	struct genops_segment_position *scratch; /* WRITERS_MAX */
};

static const struct genops_segment_position *find(
    const struct genops_segment_position *list, size_t n, const struct genops_segment_position *writer)
{
	for (size_t i = 0; i < n && i < WRITERS_MAX; i++) {
		if (list[i].process == writer->process && list[i].epoch == writer->epoch)
			return &list[i];
	}
	return NULL;
}

/* From a position to behind the last entry; of a writer that goes on while it is read, not into files begun since. */
static int find_end(const char *state_dir, struct genops_segment_position *at, struct genops_error *err)
{
	struct genops_segment_entry entry;
	bool is_found = true;
	uint64_t newest = 0;
	size_t n = 0;
	struct genops_segment_reader *reader = genops_segment_reader_new(state_dir, *at, err);
	if (!reader)
		return GENOPS_NOMEM;
	int code = GENOPS_OK;
	while (code == GENOPS_OK && is_found && (!newest || at->file <= newest)) {
		if (n++ == GENOPS_BATCH_ENTRIES)
			newest = genops_segment_newest(state_dir, at->process, at->epoch);
		code = genops_segment_next(reader, &entry, &is_found, err);
		if (code == GENOPS_CORRUPT) /* who drains tells it */
			code = GENOPS_OK;
		else if (code == GENOPS_OK && is_found)
			*at = entry.after;
	}
	genops_segment_reader_free(reader);
	return code;
}

static int open_ledger(struct genops_drain_mark *mark, struct genops_error *err)
{
	int code = mark->ledger ? GENOPS_OK : genops_ledger_open(mark->state_dir, false, &mark->ledger, err);
	return code == GENOPS_NOT_FOUND ? GENOPS_OK : code;
}

static size_t stored_positions(const struct genops_drain_mark *mark)
{
	return mark->ledger ? genops_ledger_positions(mark->ledger, mark->scratch, WRITERS_MAX) : 0;
}

static int set_mark(struct genops_drain_mark *mark, struct genops_error *err)
{
	GENOPS_TRY(open_ledger(mark, err));
	size_t n_there = genops_segment_list(mark->state_dir, mark->ends, WRITERS_MAX);
	size_t n_stored = stored_positions(mark);
	for (size_t i = 0; i < n_there && i < WRITERS_MAX; i++) {
		const struct genops_segment_position *stored = find(mark->scratch, n_stored, &mark->ends[i]);
		struct genops_segment_position at = stored ? *stored : mark->ends[i], end = at;
		GENOPS_TRY(find_end(mark->state_dir, &end, err));
		if (end.sequence > at.sequence)
			mark->ends[mark->n++] = end;
	}
	return GENOPS_OK;
}

int genops_drain_mark_new(const char *state_dir, struct genops_drain_mark **ret_mark, struct genops_error *err)
{
	struct genops_drain_mark *mark = calloc(1, sizeof *mark);
	if (mark) {
		mark->state_dir = strdup(state_dir);
		mark->ends = calloc(2 * WRITERS_MAX, sizeof *mark->ends);
		mark->scratch = mark->ends ? mark->ends + WRITERS_MAX : NULL;
	}
	int code = mark && mark->state_dir && mark->ends ? set_mark(mark, err)
							 : genops_fail(err, GENOPS_NOMEM, "no memory for the list of segments");
	if (code != GENOPS_OK) {
		genops_drain_mark_free(mark);
		return code;
	}
	*ret_mark = mark;
	return GENOPS_OK;
}

void genops_drain_mark_free(struct genops_drain_mark *mark)
{
	if (!mark)
		return;
	genops_ledger_close(mark->ledger);
	free(mark->state_dir);
	free(mark->ends);
	free(mark);
}

/* A writer whose files are gone was drained to its end, and is forgotten by the ledger. */
static bool has_files(struct genops_drain_mark *mark, const struct genops_segment_position *writer)
{
	return genops_segment_newest(mark->state_dir, writer->process, writer->epoch) != 0;
}

bool genops_drain_mark_is_reached(struct genops_drain_mark *mark)
{
	struct genops_error err;
	if (open_ledger(mark, &err) != GENOPS_OK)
		return false;
	size_t n_stored = stored_positions(mark);
	while (mark->n) {
		const struct genops_segment_position *end = &mark->ends[mark->n - 1];
		const struct genops_segment_position *stored = find(mark->scratch, n_stored, end);
		if (stored ? stored->sequence < end->sequence : has_files(mark, end))
			return false;
		mark->n--;
	}
	return true;
}

int genops_drain_is_behind(const char *state_dir, bool *ret_is_behind, struct genops_error *err)
{
	struct genops_drain_mark *mark;
	GENOPS_TRY(genops_drain_mark_new(state_dir, &mark, err));
	*ret_is_behind = mark->n > 0;
	genops_drain_mark_free(mark);
	return GENOPS_OK;
}
