/* SPDX-License-Identifier: Apache-2.0
 * store/queue.h - the durable queue in front of the exporters: batches of entries, one cursor per
 * destination.
 *
 * <state>/queue/<n>.q: blocks of entries, each block checksummed, optionally zstd-compressed and
 * then AES-256-GCM-sealed. One writer (the drain). A block also holds the segment positions it was
 * made from, so that after a crash the drain goes on without a gap or a repeat. A destination's
 * cursor is stored after its far side has acknowledged; files before all cursors are removed. Files
 * are read and written in the machine's byte order; docs/queue-format.md has the bytes. Over
 * max_bytes append is GENOPS_FULL (back-pressure; segments then keep growing up to their own
 * maximum): never a drop.
 *
 * Threads: the queue's functions any thread; one cursor is used by one thread at a time.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "base/option.h"
#include "store/segment.h"

struct genops_queue;

#define GENOPS_QUEUE_BLOCK_MAX     ((size_t)16 << 20) /* of the entries in one block, before compression */
#define GENOPS_QUEUE_POSITIONS_MAX 2048               /* writers that are remembered */

struct genops_queue_options {
	uint64_t max_bytes;          /* 0: 500 MiB */
	bool is_synced;              /* every append and acknowledgement reaches the disk before it returns; else genops_queue_sync does it */
	bool is_compressed;          /* zstd, while a destination is thousands of entries behind */
	genops_str encryption_key;   /* 64 hex digits or 32 bytes of base64; empty: not encrypted */
	uint64_t file_bytes;         /* a file that is longer is followed by another; 0: an eighth of max_bytes, 64 KiB to 16 MiB */
	const char *own;             /* a destination's name: a queue for it alone, queue/<name>.own/, made if it is not there; NULL: the one that all share */
};

/* The caller holds the drain's lock: opening repairs. What a dead writer had not finished is cut
 * off (stats.n_torn_bytes). CONFIG: the key is not one, or blocks that wait for delivery need
 * another key. UNSUPPORTED: a newer GenOps wrote them. FULL, IO, NOMEM. */
GENOPS_NODISCARD int genops_queue_open(const char *state_dir, const struct genops_queue_options *options,
    struct genops_queue **ret_queue, struct genops_error *err);
void genops_queue_close(struct genops_queue *queue);

struct genops_queue_entry {
	enum genops_entry_kind kind;
	genops_str payload;
	uint16_t audience; /* genops_queue_audience of each destination that it is for, or-ed; 0: everybody */
};

/* A bit that stands for a destination, and for some others: a block in which no entry has a cursor's bit is passed over by its header. */
uint16_t genops_queue_audience(genops_str destination);

/* Appends one block, all or nothing. FULL (nothing was stored; try again when a destination has
 * acknowledged), LIMIT (over GENOPS_QUEUE_BLOCK_MAX), IO, NOMEM. */
GENOPS_NODISCARD int genops_queue_append(struct genops_queue *queue, const struct genops_queue_entry *entries, size_t n_entries,
    const struct genops_segment_position *positions, size_t n_positions, struct genops_error *err);
/* Makes durable against power loss what was appended and acknowledged. Do it before segments
 * that it came from are removed. */
GENOPS_NODISCARD int genops_queue_sync(struct genops_queue *queue, struct genops_error *err);
/* On a disk that is nearly full, what everybody has acknowledged goes at once and not only with the next append, for which segments may
 * need just this room. Elsewhere it does nothing. Call it now and then. FULL, IO, NOMEM: nothing has gone. */
GENOPS_NODISCARD int genops_queue_release(struct genops_queue *queue, struct genops_error *err);
/* For resuming: the newest position that was ever appended with a block, of each writer (of the
 * GENOPS_QUEUE_POSITIONS_MAX that appended last). Returns how many there are. */
size_t genops_queue_positions(struct genops_queue *queue, struct genops_segment_position *ret_positions, size_t max);

/* A destination's place. Cursors that are new start at the oldest block if from_start, else at
 * the end. A cursor counts from the moment it is made until genops_queue_keep_cursors forgets
 * it, open or not. EXISTS: it is open already. */
struct genops_queue_cursor;
GENOPS_NODISCARD int genops_queue_cursor_open(struct genops_queue *queue, const char *destination, bool from_start,
    struct genops_queue_cursor **ret_cursor, struct genops_error *err);
void genops_queue_cursor_close(struct genops_queue_cursor *cursor);
/* The next block's entries (borrowed until the next call); n 0: nothing waiting. Bad blocks:
 * CORRUPT, skipped, told once (call again). Any other error leaves the cursor where it is. */
GENOPS_NODISCARD int genops_queue_read(struct genops_queue_cursor *cursor, const struct genops_queue_entry **ret_entries,
    size_t *ret_n, struct genops_error *err);
/* Everything read so far was acknowledged by the far side: durable. */
GENOPS_NODISCARD int genops_queue_acknowledge(struct genops_queue_cursor *cursor, struct genops_error *err);
/* Goes back to the last acknowledged place (after a failed send). */
void genops_queue_rewind(struct genops_queue_cursor *cursor);

/* queue_cut.c: where the batch ends that begins at the last acknowledged place, so that after a kill the same one comes
 * again. `end`: number of the block behind its last one; 0: not known yet, only since when its first entry waits. On the disk
 * when save returns. IO, FULL. */
GENOPS_NODISCARD int genops_queue_cut_save(
    struct genops_queue_cursor *cursor, uint64_t end, int64_t since_unix_ns, struct genops_error *err);
/* False: there is none of a batch that begins there. */
bool genops_queue_cut_load(const struct genops_queue_cursor *cursor, uint64_t *ret_end, int64_t *ret_since_unix_ns);
/* How much of that batch is done with, in the owner's count; survives SIGKILL, not a power failure. IO, FULL. Load: 0 for another batch. */
GENOPS_NODISCARD int genops_queue_cut_done(struct genops_queue_cursor *cursor, uint64_t end, uint64_t n_done, struct genops_error *err);
uint64_t genops_queue_cut_done_load(const struct genops_queue_cursor *cursor, uint64_t end);
/* The number of the block that is read next, or one before it that is others'. */
uint64_t genops_queue_cursor_block(const struct genops_queue_cursor *cursor);

/* What is not acknowledged: bytes on disk (in the queue that all share, others' too), and entries. */
void genops_queue_cursor_behind(struct genops_queue_cursor *cursor, uint64_t *ret_bytes, uint64_t *ret_entries);

/* queue_own.c: a destination that is behind has what is its own moved from the queue that all share into one of its own, so that the others
 * go on. What is moved carries the place behind it, as positions of a block: whatever dies between the two, nothing is moved twice. */
#define GENOPS_QUEUE_OWN_POSITIONS 2
void genops_queue_own_place(const struct genops_queue_cursor *from, struct genops_segment_position ret_positions[GENOPS_QUEUE_OWN_POSITIONS]);
/* Acknowledges in the queue that all share what its own queue has. IO, FULL. */
GENOPS_NODISCARD int genops_queue_own_resume(struct genops_queue *own, struct genops_queue_cursor *from, struct genops_error *err);
bool genops_queue_own_exists(const char *state_dir, const char *destination);
/* All of it was delivered, or is given up; it is not open. */
void genops_queue_own_remove(const char *state_dir, const char *destination);
/* Removes those of all other destinations. */
void genops_queue_own_keep(const char *state_dir, const char *const *destinations, size_t n);

/* Forgets the cursors of all other destinations (those that the configuration no longer has), so
 * that nothing is kept for them. Open ones stay. */
GENOPS_NODISCARD int genops_queue_keep_cursors(
    struct genops_queue *queue, const char *const *destinations, size_t n, struct genops_error *err);

struct genops_queue_stats {
	uint64_t bytes, n_blocks, n_waiting_entries; /* waiting: of the slowest cursor */
	uint64_t n_corrupt_blocks, n_full;
	uint64_t n_torn_bytes; /* cut off when it was opened */
};
void genops_queue_stats(struct genops_queue *queue, struct genops_queue_stats *ret_stats);

#endif
