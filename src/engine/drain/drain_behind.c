/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain_behind.c - for those who do not drain: has the ledger all that is in the segments? Any thread. */
#include "engine/drain/drain.h"

#include <stdlib.h>

static bool has_more(const char *state_dir, struct genops_segment_position at)
{
	struct genops_segment_entry entry;
	struct genops_error err;
	bool is_found = false;
	struct genops_segment_reader *reader = genops_segment_reader_new(state_dir, at, &err);
	if (!reader)
		return true;
	int code = genops_segment_next(reader, &entry, &is_found, &err);
	genops_segment_reader_free(reader);
	return code != GENOPS_OK || is_found;
}

static int compare(struct genops_ledger *ledger, const char *state_dir, bool *ret_is_behind, struct genops_error *err)
{
	struct genops_segment_position *lists = calloc(2 * GENOPS_DRAIN_WRITERS_MAX, sizeof *lists);
	if (!lists)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the list of segments");
	struct genops_segment_position *stored = lists, *there = lists + GENOPS_DRAIN_WRITERS_MAX;
	size_t n_there = genops_segment_list(state_dir, there, GENOPS_DRAIN_WRITERS_MAX);
	size_t n_stored = genops_ledger_positions(ledger, stored, GENOPS_DRAIN_WRITERS_MAX);
	bool is_behind = false;
	for (size_t i = 0; i < n_there && i < GENOPS_DRAIN_WRITERS_MAX && !is_behind; i++) {
		struct genops_segment_position at = there[i];
		for (size_t j = 0; j < n_stored && j < GENOPS_DRAIN_WRITERS_MAX; j++) {
			if (stored[j].process == at.process && stored[j].epoch == at.epoch)
				at = stored[j];
		}
		is_behind = has_more(state_dir, at);
	}
	free(lists);
	*ret_is_behind = is_behind;
	return GENOPS_OK;
}

int genops_drain_is_behind(const char *state_dir, bool *ret_is_behind, struct genops_error *err)
{
	struct genops_ledger *ledger;
	GENOPS_TRY(genops_ledger_open(state_dir, false, &ledger, err));
	int code = compare(ledger, state_dir, ret_is_behind, err);
	genops_ledger_close(ledger);
	return code;
}
