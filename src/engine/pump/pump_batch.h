/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_batch.h - what a pump has read from the queue and not delivered yet: gathered from blocks, then cut into sends.
 *
 * Entries stay as they came until the batch is due. Cutting decodes them; then come sends: first records, then items, kind by kind, each as
 * long as the destination's row allows. What has been sent is not sent again while the batch lives, whatever fails behind it.
 * One thread: the pump's.
 */
#ifndef ENGINE_PUMP_BATCH_H
#define ENGINE_PUMP_BATCH_H

#include "export/destination.h"
#include "store/queue.h"

struct genops_pump_batch {
	genops_str destination;
	const struct genops_destination_type *type;
	bool takes_operations;               /* records of the engine's own */
	size_t size;                         /* it is full with so many operations, spans, data points ... */
	size_t size_bytes;                   /* or so many bytes as they lie in the queue */
	int64_t send_max;                    /* spans and so on of one request at most, unless one item has more; 0: no bound */
	size_t send_bytes;                   /* of one request's bodies at most, unless one item has more; 0: no bound but the type's */
	int64_t n;                           /* gathered */
	int64_t oldest_unix_ns;              /* when the first of it came into the queue; 0: not known */
	bool is_counting;                    /* what is added is not kept: it will be read again (pump_hold.h) */
	bool is_cut;
	uint64_t n_bad;                      /* entries that could not be read, since the last cut */
	/* private */
	struct genops_arena arena;           /* of the decoded records */
	struct genops_buffer bytes;          /* the entries, one behind the other */
	size_t n_counted;                    /* bytes of those that are only counted */
	struct genops_pump_entry *entries;
	size_t n_entries, max_entries;
	struct genops_record *records;
	size_t n_records, max_records, record_at;
	struct genops_destination_item *items; /* the kinds one after another */
	size_t n_items, max_items, item_at;
	uint64_t *parts;                     /* which items may share a request (the type's partition), one an item; NULL: all */
	size_t narrow;                       /* of the next send at most so many; 0: no bound */
};

void genops_pump_batch_init(struct genops_pump_batch *batch);
void genops_pump_batch_done(struct genops_pump_batch *batch);
/* Forgets what is in it; keeps memory. */
void genops_pump_batch_clear(struct genops_pump_batch *batch);

/* A block's entries: those that are for this destination are copied. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_pump_batch_add(
    struct genops_pump_batch *batch, const struct genops_queue_entry *entries, size_t n, struct genops_error *err);
bool genops_pump_batch_is_ours(struct genops_pump_batch *batch, const struct genops_queue_entry *entry);
bool genops_pump_batch_is_full(const struct genops_pump_batch *batch);

/* No more is added after it. `scratch` is the type's while it parts the items. NOMEM: try again. */
GENOPS_NODISCARD int genops_pump_batch_cut(struct genops_pump_batch *batch, const struct genops_destination_settings *settings,
    struct genops_arena *scratch, struct genops_error *err);
/* False: everything was sent. */
bool genops_pump_batch_next(struct genops_pump_batch *batch, struct genops_destination_batch *ret_send);
/* How much of what is counted: operations, spans, data points, events. */
int64_t genops_pump_batch_weight(const struct genops_destination_batch *send);
/* Has a part of it been sent, and not all? */
bool genops_pump_batch_is_begun(const struct genops_pump_batch *batch);
/* All of it, and it is not acknowledged yet? */
bool genops_pump_batch_is_sent(const struct genops_pump_batch *batch);
/* What has not been sent, as entries again, some at a time; is_last with the last ones, which may be none. What emit returns. */
typedef int genops_pump_batch_emit_fn(void *arg, const struct genops_queue_entry *entries, size_t n, bool is_last, struct genops_error *err);
GENOPS_NODISCARD int genops_pump_batch_rest(
    const struct genops_pump_batch *batch, genops_pump_batch_emit_fn *emit, void *arg, struct genops_error *err);
/* The first `n` records or items of what next gave are done with. */
void genops_pump_batch_sent(struct genops_pump_batch *batch, size_t n);
/* Items that are done with, and: the first `n` of them were, before a kill. */
size_t genops_pump_batch_n_done(const struct genops_pump_batch *batch);
void genops_pump_batch_skip(struct genops_pump_batch *batch, size_t n);
/* Puts the first `n` items that next gave into another order: those that were sent, those that were rejected, those to be tried again. */
void genops_pump_batch_sort(struct genops_pump_batch *batch, const uint8_t *kinds, size_t n, size_t *ret_n_sent, size_t *ret_n_rejected);
/* What next gave is too much at once: it comes again in halves. False: it is one already. */
bool genops_pump_batch_narrow(struct genops_pump_batch *batch, const struct genops_destination_batch *send);

#endif
