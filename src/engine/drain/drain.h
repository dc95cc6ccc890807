/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain.h - the one consumer of everybody's segments: ledger, audit chain, metrics, export queue, reaping.
 *
 * Exists in the one process that holds the directory's drain lock. Every entry is counted exactly once, because
 * the positions are stored in the same ledger transaction; the queue stores them in its own blocks.
 * One thread (upkeep.c) calls everything here.
 */
#ifndef ENGINE_DRAIN_H
#define ENGINE_DRAIN_H

#include "engine/drain/pace.h"
#include "engine/engine.h"
#include "store/ledger.h"
#include "store/queue.h"
#include "telemetry/metrics/metrics.h"

#define GENOPS_DRAIN_WRITERS_MAX 2048

struct genops_drain;

/* Takes the drain lock and opens ledger and queue. BUSY: another process drains. */
GENOPS_NODISCARD int genops_drain_open(genops_engine *engine, struct genops_drain **ret_drain, struct genops_error *err);
void genops_drain_close(struct genops_drain *drain);

/* Everything that is in the segments now, then the dead processes' leases. Of *pace all but the times are set, whatever is returned.
 * FULL: the queue is full; what is in the segments stays there (back-pressure). */
GENOPS_NODISCARD int genops_drain_pass(struct genops_drain *drain, struct genops_pace *pace, struct genops_error *err);

/* For a process that does not drain: everything that is in the segments now, and whether the ledger has got it since. */
struct genops_drain_mark;
GENOPS_NODISCARD int genops_drain_mark_new(
    const char *state_dir, struct genops_drain_mark **ret_mark, struct genops_error *err);
bool genops_drain_mark_is_reached(struct genops_drain_mark *mark);
void genops_drain_mark_free(struct genops_drain_mark *mark);
/* Is something in the segments that the ledger has not? */
GENOPS_NODISCARD int genops_drain_is_behind(const char *state_dir, bool *ret_is_behind, struct genops_error *err);

/* For the first process to attach: everything that was left behind goes into the ledger, calls of dead processes too, then
 * the ledger's sums into the counters (the order is store/counters.h's). */
GENOPS_NODISCARD int genops_drain_restore(struct genops_drain *drain, struct genops_error *err);

/* What is due: sync of the segments, publishing of the metrics. */
void genops_drain_upkeep(struct genops_drain *drain);

/* Uses a changed configuration from the next pass on. False: it is the one in use already. */
bool genops_drain_configure(struct genops_drain *drain, struct genops_config *config);

/* Has every destination got everything, or tried to since then? */
bool genops_drain_offer(struct genops_drain *drain, int64_t since_monotonic_ns);

/* drain_queue.c: with other settings the queue is opened anew, on the same files; where that cannot be (told in the log), it goes on as
 * it was. No pump runs meanwhile. */
GENOPS_NODISCARD int genops_drain_queue_open(const genops_engine *engine, const struct genops_config *config,
    struct genops_queue **ret_queue, struct genops_error *err);
bool genops_drain_queue_is_changed(const struct genops_config *before, const struct genops_config *after);
void genops_drain_queue_follow(const genops_engine *engine, const struct genops_config *after, struct genops_queue **queue);

#endif
