/* SPDX-License-Identifier: Apache-2.0
 * store/queue.h - the durable queue in front of the exporters: batches of entries, one cursor per destination.
 *
 * <state>/queue/<n>.q: blocks of entries, each block checksummed, optionally zstd-compressed and then AES-256-GCM-sealed. One writer
 * (the drain). A block also holds the segment positions it was made from, so that after a crash the drain goes on without a
 * gap or a repeat. A destination's cursor is stored after its far side has acknowledged; files before all cursors are removed.
 * Over max_bytes append is GENOPS_FULL (back-pressure; segments then keep growing up to their own maximum): never a drop.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "base/option.h"
#include "store/segment.h"

struct genops_queue;

struct genops_queue_options {
	uint64_t max_bytes;          /* default 500 MiB */
	bool is_compressed;          /* zstd */
	genops_str encryption_key;   /* 64 hex digits or 32 bytes of base64; empty: not encrypted */
};

GENOPS_NODISCARD int genops_queue_open(const char *state_dir, const struct genops_queue_options *options,
    struct genops_queue **ret_queue, struct genops_error *err);
void genops_queue_close(struct genops_queue *queue);

struct genops_queue_entry {
	enum genops_entry_kind kind;
	genops_str payload;
};

/* Appends one block and syncs it according to the options. FULL, IO. */
GENOPS_NODISCARD int genops_queue_append(struct genops_queue *queue, const struct genops_queue_entry *entries, size_t n_entries,
    const struct genops_segment_position *positions, size_t n_positions, struct genops_error *err);
/* Positions of the newest block, for resuming. */
size_t genops_queue_positions(struct genops_queue *queue, struct genops_segment_position *ret_positions, size_t max);

/* A destination's place. Cursors that are new start at the oldest block if from_start, else at the end. */
struct genops_queue_cursor;
GENOPS_NODISCARD int genops_queue_cursor_open(struct genops_queue *queue, const char *destination, bool from_start,
    struct genops_queue_cursor **ret_cursor, struct genops_error *err);
void genops_queue_cursor_close(struct genops_queue_cursor *cursor);
/* The next block's entries (borrowed until the next call); n 0: nothing waiting. Bad blocks: CORRUPT, skipped, told once. */
GENOPS_NODISCARD int genops_queue_read(struct genops_queue_cursor *cursor, const struct genops_queue_entry **ret_entries,
    size_t *ret_n, struct genops_error *err);
/* Everything read so far was acknowledged by the far side: durable. */
GENOPS_NODISCARD int genops_queue_acknowledge(struct genops_queue_cursor *cursor, struct genops_error *err);
/* Goes back to the last acknowledged place (after a failed send). */
void genops_queue_rewind(struct genops_queue_cursor *cursor);

struct genops_queue_stats {
	uint64_t bytes, n_blocks, n_waiting_entries; /* waiting: of the slowest cursor */
	uint64_t n_corrupt_blocks, n_full;
};
void genops_queue_stats(struct genops_queue *queue, struct genops_queue_stats *ret_stats);

#endif
