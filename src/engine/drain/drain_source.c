/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain_source.c - whose segments there are, and how far ledger and queue have come in each. The drain's thread. */
#include "engine/drain/drain_state.h"

struct genops_drain_source *genops_drain_source_find(struct genops_drain *drain, struct genops_segment_position at)
{
	for (size_t i = 0; i < drain->n_sources; i++) {
		struct genops_segment_position *known = &drain->sources[i].ledger_at;
		if (known->process == at.process && known->epoch == at.epoch)
			return &drain->sources[i];
	}
	return NULL;
}

static void add_source(struct genops_drain *drain, struct genops_segment_position first)
{
	if (drain->n_sources == GENOPS_DRAIN_WRITERS_MAX || genops_drain_source_find(drain, first))
		return;
	drain->sources[drain->n_sources++] = (struct genops_drain_source){.ledger_at = first, .queue_at = first};
}

static void drop_source(struct genops_drain *drain, size_t i)
{
	const struct genops_segment_position *gone = &drain->sources[i].ledger_at;
	struct genops_error err;
	/* Without success its row stays, and the next drain that is opened drops it. */
	if (genops_ledger_begin(drain->ledger, &err) == GENOPS_OK &&
	    (genops_ledger_position_forget(drain->ledger, gone->process, gone->epoch, &err) != GENOPS_OK ||
		genops_ledger_commit(drain->ledger, &err) != GENOPS_OK))
		genops_ledger_rollback(drain->ledger);
	genops_segment_reader_free(drain->sources[i].reader);
	drain->sources[i] = drain->sources[--drain->n_sources];
}

void genops_drain_source_discover(struct genops_drain *drain)
{
	struct genops_segment_position *firsts = drain->list;
	size_t n = genops_segment_list(drain->engine->state_dir, firsts, GENOPS_DRAIN_WRITERS_MAX);
	if (n > GENOPS_DRAIN_WRITERS_MAX)
		n = GENOPS_DRAIN_WRITERS_MAX;
	for (size_t i = 0; i < n; i++)
		add_source(drain, firsts[i]);
	for (size_t i = drain->n_sources; i-- > 0;) {
		bool is_listed = false;
		for (size_t j = 0; j < n && !is_listed; j++)
			is_listed = firsts[j].process == drain->sources[i].ledger_at.process &&
				    firsts[j].epoch == drain->sources[i].ledger_at.epoch;
		if (!is_listed)
			drop_source(drain, i);
	}
}

/* The ledger is never behind the queue. A writer that the queue does not know has nothing there (the drain died, or the queue was
 * full, before its first block): all that is still in its segments is due. */
void genops_drain_source_load(struct genops_drain *drain)
{
	struct genops_segment_position *list = drain->list;
	size_t n = genops_ledger_positions(drain->ledger, list, GENOPS_DRAIN_WRITERS_MAX);
	for (size_t i = 0; i < n && i < GENOPS_DRAIN_WRITERS_MAX; i++)
		add_source(drain, list[i]);
	for (size_t i = 0; i < drain->n_sources; i++)
		drain->sources[i].queue_at.sequence = 0;
	n = genops_queue_positions(drain->queue, list, GENOPS_DRAIN_WRITERS_MAX);
	for (size_t i = 0; i < n && i < GENOPS_DRAIN_WRITERS_MAX; i++) {
		struct genops_drain_source *source = genops_drain_source_find(drain, list[i]);
		if (source)
			source->queue_at = list[i].sequence < source->ledger_at.sequence ? list[i] : source->ledger_at;
	}
	/* What was drained and removed while no destination was configured is not lost: it was never due. */
	n = genops_segment_list(drain->engine->state_dir, list, GENOPS_DRAIN_WRITERS_MAX);
	for (size_t i = 0; i < n && i < GENOPS_DRAIN_WRITERS_MAX; i++) {
		struct genops_drain_source *source = genops_drain_source_find(drain, list[i]);
		if (source && (!source->queue_at.sequence || source->queue_at.sequence < list[i].sequence))
			source->queue_at = list[i];
	}
}
