/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_state.h - the queue's insides, shared by queue.c (appending, removing),
 * queue_open.c (repairing) and queue_cursor.c.
 *
 * queue.lock guards everything in struct genops_queue and each cursor's `acknowledged`; the rest of
 * a cursor belongs to the one thread that uses it. Bytes before the newest file's `size` never
 * change, so they are read without the lock.
 */
#ifndef STORE_QUEUE_STATE_H
#define STORE_QUEUE_STATE_H

#include <limits.h>
#include <pthread.h>

#include "base/buffer.h"
#include "store/queue.h"
#include "store/queue/queue_block.h"

#define QUEUE_FILE_MAGIC UINT64_C(0x3145554551504f47) /* "GOPQEUE1" */
struct queue_file_header {
	uint64_t magic, number;
};
#define QUEUE_FILE_BEGIN ((uint64_t)sizeof(struct queue_file_header))
#define QUEUE_BUFFER_MAX ((size_t)3 * GENOPS_QUEUE_BLOCK_MAX)
#define QUEUE_NAME_MAX	 224 /* of a cursor's file */

struct queue_file {
	uint64_t number, size;
	uint64_t first_block,
	    first_entry; /* number of the block it begins with; entries before that */
};

/* Where a cursor stands: before block `block`, with `entries` entries in all before it. */
struct queue_place {
	uint64_t file, offset, block, entries;
};

struct genops_queue_cursor {
	struct genops_queue *queue;
	struct genops_queue_cursor *next;
	char name[QUEUE_NAME_MAX];
	bool is_open;
	uint16_t audience; /* its bit */
	int place_fd;	  /* of <name>.cursor */
	uint64_t n_saved; /* picks the slot that is written next */
	struct queue_place acknowledged;
	/* below: the thread that reads */
	struct queue_place at;
	struct queue_place told; /* damage before it was reported */
	int data_fd;		 /* of file data_file; -1: none */
	uint64_t data_file;
	struct genops_buffer block, scratch;
	struct genops_queue_entry *entries;
	size_t max_entries;
};

struct genops_queue {
	pthread_mutex_t lock;
	uint64_t max_bytes,
	    file_bytes; /* file_bytes: a file that is longer is followed by another */
	bool is_compressed, is_synced;
	struct genops_queue_key key;
	int fd;			  /* of the newest file */
	struct queue_file *files; /* ascending; the last is the newest */
	size_t n_files, max_files;
	uint64_t bytes;			 /* of all files */
	uint64_t next_block, next_entry; /* next_entry: entries ever appended */
	struct genops_segment_position
	    *positions; /* by when they last moved; GENOPS_QUEUE_POSITIONS_MAX */
	size_t n_positions;
	struct genops_queue_cursor *cursors;
	struct queue_place corrupt_seen; /* damage before it was counted */
	uint64_t n_corrupt_blocks, n_full, n_torn_bytes;
	struct genops_buffer block, scratch;
	char folder[PATH_MAX];
};

static inline struct queue_file *genops_queue_newest(const struct genops_queue *queue)
{
	return &queue->files[queue->n_files - 1];
}

static inline bool genops_queue_is_before(struct queue_place a, struct queue_place b)
{
	return a.file != b.file ? a.file < b.file : a.offset < b.offset;
}

/* queue.c */
bool genops_queue_path(const struct genops_queue *queue, uint64_t file, char *ret_path);
bool genops_queue_add_file(
    struct genops_queue *queue, struct queue_file file); /* false: no memory */
void genops_queue_merge_positions(
    struct genops_queue *queue, const struct genops_segment_position *positions, size_t n);
/* Makes file `number` with its header; returns its descriptor, or -1 with errno. */
int genops_queue_make_file(const struct genops_queue *queue, uint64_t number);
void genops_queue_remove_passed(struct genops_queue *queue);
struct queue_place genops_queue_end(const struct genops_queue *queue);

/* queue_own.c: the folder of a destination's own queue. False: the path is too long. */
bool genops_queue_own_folder(const char *state_dir, const char *destination, char *ret_folder);

/* queue_file.c: the next whole block at *offset or after, before `end`, into `block` (emptied
 * first; stays empty if there is none). *offset moves to it, *ret_skipped says over how many
 * bytes. */
GENOPS_NODISCARD int genops_queue_file_next(int fd, uint64_t *offset, uint64_t end,
    struct genops_buffer *block, uint64_t *ret_skipped, struct genops_error *err);

/* queue_cursor.c: takes in the cursor in this file of the folder; one that is not readable
 * begins at the oldest block. */
GENOPS_NODISCARD int genops_queue_cursor_load(
    struct genops_queue *queue, const char *name, struct genops_error *err);
/* Moves a place that the files no longer have to the nearest that they do. */
void genops_queue_cursor_clamp(const struct genops_queue *queue, struct queue_place *place);
/* A destination's name as that of its cursor's file, "<name>.cursor", in QUEUE_NAME_MAX bytes. LIMIT, MISUSE. */
GENOPS_NODISCARD int genops_queue_cursor_name(const char *destination, char *ret_name, struct genops_error *err);
/* Stores a place as acknowledged, if it is behind the one that is. Under the lock. */
GENOPS_NODISCARD int genops_queue_cursor_store(struct genops_queue_cursor *cursor, struct queue_place place, struct genops_error *err);
void genops_queue_cursor_free(struct genops_queue_cursor *cursor);

#endif
