/* SPDX-License-Identifier: Apache-2.0
 * store/segment.h - append-only files of checksummed entries: what was appended survives SIGKILL of
 * anybody.
 *
 * <state>/segments/<process slot>-<epoch>-<sequence>.seg, made and fully allocated by its writer (a
 * full disk is GENOPS_FULL at append, never SIGBUS), mapped shared, written by one process (any
 * thread of it), read by the drain. Entry: u32 length, u32 kind, u64 sequence, u64 checksum (XXH3,
 * mixed with file id and offset), payload, padding to 8. The length is stored last, with release
 * order: an entry is there whole or not at all. A torn tail ends the file for readers and is
 * counted. Durability against power loss: the drain calls sync every state.sync_interval.
 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "base/error.h"

#include <genops/attribute.h>

#define GENOPS_SEGMENT_SIZE      ((size_t)4 << 20)
#define GENOPS_SEGMENT_ENTRY_MAX ((size_t)1 << 20)
/* Drained files of full size that a state directory keeps, zeroed, for writers to come: 32 MiB. */
#define GENOPS_SEGMENT_SPARES_MAX ((size_t)8)

/* What a new file leaves free on the disk: who drains needs room to go on, and only that makes room again. On a small disk it is a part
 * of it. The queue leaves half as much (queue.c). */
#define GENOPS_SEGMENT_LEAVES      ((uint64_t)4 << 20)
#define GENOPS_SEGMENT_LEAVES_PART 12

enum genops_entry_kind {
	GENOPS_ENTRY_OPERATION = 1, /* govern/record.h */
	GENOPS_ENTRY_SPANS = 2,     /* received OTLP of any signal: telemetry/otlp/envelope.h */
	GENOPS_ENTRY_EVENT = 3,     /* audit events that are no operation: configuration changes, key use, start, stop */
	GENOPS_ENTRY_ROUTED = 4,    /* only in the queue: items for one destination, engine/flow/routed.h */
};

struct genops_segment_writer;

/* Opens nothing yet: the first append makes the file. `max_bytes`: of all segments of this
 * directory not yet drained. */
struct genops_segment_writer *genops_segment_writer_new(const char *state_dir, uint32_t process, uint64_t epoch,
    uint64_t max_bytes, struct genops_error *err);
/* Marks the last segment closed. In a forked child it lets go of the parent's segment without
 * touching it. */
void genops_segment_writer_free(struct genops_segment_writer *writer);

/* Appends one entry; thread-safe. *ret_sequence (may be NULL) counts from 1 over the writer's
 * life. FULL, LIMIT, IO, NOMEM; MISUSE in a forked child: it needs a writer of its own. */
GENOPS_NODISCARD int genops_segment_append(struct genops_segment_writer *writer, enum genops_entry_kind kind,
    genops_str payload, uint64_t *ret_sequence, struct genops_error *err);
uint64_t genops_segment_last_sequence(const struct genops_segment_writer *writer);

struct genops_segment_position {
	uint32_t process;
	uint64_t epoch, file;   /* file: the <sequence> in the name */
	uint64_t offset;        /* next byte to read */
	uint64_t sequence;      /* last entry read */
};

struct genops_segment_entry {
	enum genops_entry_kind kind;
	uint64_t sequence;
	genops_str payload;     /* borrowed until the next call on the reader */
	struct genops_segment_position after;
};

/* Reads one writer's files in order from a position. */
struct genops_segment_reader;
struct genops_segment_reader *genops_segment_reader_new(const char *state_dir, struct genops_segment_position from, struct genops_error *err);
void genops_segment_reader_free(struct genops_segment_reader *reader);

/* What this reader had to pass over. A torn tail is what a dead writer had not yet committed:
 * nobody was told that it was there. */
struct genops_segment_reader_stats {
	uint64_t lost_bytes, lost_entries, torn_bytes;
};
void genops_segment_reader_stats(const struct genops_segment_reader *reader, struct genops_segment_reader_stats *ret_stats);

/* OK with *ret_found false: nothing more for now. CORRUPT: a bad entry was skipped to the next
 * good one or the file's end; the error says how many bytes were lost (the caller logs, counts
 * and goes on). UNSUPPORTED: a newer GenOps wrote it. IO, NOMEM. */
GENOPS_NODISCARD int genops_segment_next(struct genops_segment_reader *reader, struct genops_segment_entry *ret_entry,
    bool *ret_found, struct genops_error *err);

/* Every (process, epoch) that has files; returns how many, fills up to max with their first
 * position. */
size_t genops_segment_list(const char *state_dir, struct genops_segment_position *ret_firsts, size_t max);
/* The number of the newest file of one of them; 0: it has none. */
uint64_t genops_segment_newest(const char *state_dir, uint32_t process, uint64_t epoch);
/* Bytes of all files not yet drained; spare ones are not among them. */
uint64_t genops_segment_bytes(const char *state_dir);
/* Deletes files wholly before the position, and the position's own when it is read to its end
 * and its writer has closed it or is dead. Call it while a writer is listed; the last call makes
 * a dead one vanish from the list. Some files are kept as spares. Only who drains may call it. */
void genops_segment_remove_before(const char *state_dir, struct genops_segment_position position);
/* fsync of everything appended by anybody. */
GENOPS_NODISCARD int genops_segment_sync(const char *state_dir, struct genops_error *err);

#endif
