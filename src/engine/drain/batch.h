/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/batch.h - entries of one writer's segments, read together and stored together. */
#ifndef ENGINE_BATCH_H
#define ENGINE_BATCH_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/log.h"
#include "engine/observe/observe.h"
#include "store/ledger.h"
#include "store/segment.h"
#include "telemetry/metrics/metrics.h"

#define GENOPS_BATCH_ENTRIES 2048 /* each transaction has a price of its own: a sync, roll-ups, the chain's head */
#define GENOPS_BATCH_BYTES   ((size_t)2 << 20)

struct genops_batch {
	struct genops_arena arena;           /* the record that is being decoded, and some before it */
	struct genops_record_before before;
	size_t n_decoded;
	struct genops_buffer bytes;
	struct genops_segment_position after; /* behind the last entry */
	size_t n;
	bool is_cut;                         /* what follows could not be read */
	struct {
		enum genops_entry_kind kind;
		enum { GENOPS_BATCH_KNOWN, GENOPS_BATCH_FRESH, GENOPS_BATCH_ALERTING } state; /* FRESH and on: new to the ledger */
		size_t offset, len;
		struct genops_segment_position after;
	} entries[GENOPS_BATCH_ENTRIES];
};

void genops_batch_init(struct genops_batch *batch);
void genops_batch_done(struct genops_batch *batch);
genops_str genops_batch_entry(const struct genops_batch *batch, size_t i); /* borrowed until the next read */

/* Reads up to a batch, none with a sequence over `until` (0: no bound). Damage is logged, counted and skipped. */
GENOPS_NODISCARD int genops_batch_read(struct genops_batch *batch, struct genops_segment_reader *reader,
    struct genops_segment_position at, uint64_t until, const struct genops_log *log, struct genops_metrics *metrics,
    struct genops_error *err);

/* One ledger transaction: rows, roll-ups, audit links, candidates and the position. Counts new operations in `metrics`. BUSY: there are
 * too many candidates; the batch comes again later. `observer` NULL: received spans are not looked at. */
GENOPS_NODISCARD int genops_batch_store(struct genops_batch *batch, struct genops_ledger *ledger,
    struct genops_observer *observer, const struct genops_log *log, struct genops_metrics *metrics, struct genops_error *err);

/* One record in the transaction that is open, with the alerts that it crossed; and telling them, once that is committed. */
GENOPS_NODISCARD int genops_batch_add_record(struct genops_ledger *ledger, const struct genops_record *record,
    genops_str encoded, bool *ret_is_new, struct genops_error *err);
void genops_batch_tell_alerts(const struct genops_record *record, const struct genops_log *log);

#endif
