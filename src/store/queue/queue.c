/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue.c - appending to the durable queue, removing what everybody has, syncing (see
 * queue.h, queue_state.h).
 *
 * A block is written with one call behind the last one; `size` moves only when all of it is there,
 * so a reader never sees a part. A partial write is cut off again. A new file begins with a block
 * without entries that holds every writer's position, so that the older files are never needed to
 * resume. Files go from the oldest on, once every cursor is past them; the newest stays.
 */
#include "store/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/write.h"
#include "store/queue/queue_state.h"

#define RELEASED_FROM   ((uint64_t)256 << 10)
#define COMPRESSED_FROM 65536 /* entries that wait: more than one pass of the drain brings */
#define COMPRESSED_FROM_IF_FULL 8192 /* the same when a quarter of the room is used */

bool genops_queue_path(const struct genops_queue *queue, uint64_t file, char *ret_path)
{
	return snprintf(ret_path, PATH_MAX, "%s/%" PRIu64 ".q", queue->folder, file) < PATH_MAX;
}

bool genops_queue_add_file(struct genops_queue *queue, struct queue_file file)
{
	if (queue->n_files == queue->max_files) {
		size_t max = queue->max_files ? 2 * queue->max_files : 16;
		struct queue_file *files = realloc(queue->files, max * sizeof *files);
		if (!files)
			return false;
		queue->files = files;
		queue->max_files = max;
	}
	queue->files[queue->n_files++] = file;
	queue->bytes += file.size;
	return true;
}

struct queue_place genops_queue_end(const struct genops_queue *queue)
{
	const struct queue_file *newest = genops_queue_newest(queue);
	return (struct queue_place){
	    newest->number, newest->size, queue->next_block, queue->next_entry};
}

/* The one that moved last goes to the end; the one that has not moved for longest makes room. */
void genops_queue_merge_positions(
    struct genops_queue *queue, const struct genops_segment_position *positions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = 0;
		while (at < queue->n_positions &&
		       (queue->positions[at].process != positions[i].process ||
			   queue->positions[at].epoch != positions[i].epoch))
			at++;
		if (at == GENOPS_QUEUE_POSITIONS_MAX)
			at = 0;
		else if (at == queue->n_positions)
			queue->n_positions++;
		memmove(&queue->positions[at], &queue->positions[at + 1],
		    (queue->n_positions - 1 - at) * sizeof *queue->positions);
		queue->positions[queue->n_positions - 1] = positions[i];
	}
}

size_t genops_queue_positions(
    struct genops_queue *queue, struct genops_segment_position *ret_positions, size_t max)
{
	pthread_mutex_lock(&queue->lock);
	size_t n = queue->n_positions, n_copied = n < max ? n : max;
	if (n_copied)
		memcpy(ret_positions, queue->positions, n_copied * sizeof *ret_positions);
	pthread_mutex_unlock(&queue->lock);
	return n;
}

/* ---- files ---- */

int genops_queue_make_file(const struct genops_queue *queue, uint64_t number)
{
	char path[PATH_MAX];
	struct queue_file_header header = {QUEUE_FILE_MAGIC, number};
	if (!genops_queue_path(queue, number, path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	ssize_t n = pwrite(fd, &header, sizeof header, 0);
	if (n != sizeof header) {
		int error = n < 0 ? errno : ENOSPC;
		unlink(path);
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* The first file that some cursor still needs. Without cursors that is the oldest: whoever comes
 * first may want all. */
static uint64_t first_needed(const struct genops_queue *queue)
{
	if (!queue->cursors)
		return queue->files[0].number;
	uint64_t needed = genops_queue_newest(queue)->number;
	for (const struct genops_queue_cursor *cursor = queue->cursors; cursor;
	     cursor = cursor->next) {
		const struct queue_place *place = &cursor->acknowledged;
		for (size_t i = 0; i < queue->n_files && queue->files[i].number < needed; i++) {
			bool is_passed = place->file > queue->files[i].number ||
					 (place->file == queue->files[i].number &&
					     place->offset >= queue->files[i].size);
			if (!is_passed)
				needed = queue->files[i].number;
		}
	}
	return needed;
}

void genops_queue_remove_passed(struct genops_queue *queue)
{
	uint64_t needed = first_needed(queue);
	size_t n = 0;
	while (n + 1 < queue->n_files && queue->files[n].number < needed) {
		char path[PATH_MAX];
		if (!genops_queue_path(queue, queue->files[n].number, path) ||
		    (unlink(path) != 0 && errno != ENOENT))
			break;
		queue->bytes -= queue->files[n].size;
		n++;
	}
	if (n) {
		memmove(
		    queue->files, queue->files + n, (queue->n_files - n) * sizeof *queue->files);
		queue->n_files -= n;
	}
}

/* ---- appending ---- */

static int fail_write(int error, struct genops_error *err)
{
	if (error == ENOSPC || error == EDQUOT || error == EFBIG)
		return genops_fail_fix(err, GENOPS_FULL,
		    "free some space, or move the state to another disk (--state)",
		    "no space left on the disk for the queue");
	return genops_fail_errno(err, GENOPS_IO, error, "the queue cannot be written");
}

/* The encoded block in queue->block goes behind the newest file's last. */
static int write_block(struct genops_queue *queue, struct genops_error *err)
{
	struct queue_file *newest = genops_queue_newest(queue);
	size_t done = 0;
	int error = 0;
	while (done < queue->block.len && !error) {
		ssize_t n = pwrite(queue->fd, queue->block.ptr + done, queue->block.len - done,
		    (off_t)(newest->size + done));
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			error = n == 0 ? ENOSPC : errno;
	}
	if (!error && queue->is_synced && fdatasync(queue->fd) != 0)
		error = errno;
	if (error) {
		/* Should even this fail: the next block is written over it, and opening cuts it
		 * off. */
		int cut = ftruncate(queue->fd, (off_t)newest->size);
		(void)cut;
		return fail_write(error, err);
	}
	newest->size += queue->block.len;
	queue->bytes += queue->block.len;
	queue->next_block++;
	return GENOPS_OK;
}

/* Compressing saves room, which a queue that is emptied at once does not need: it begins when a destination falls behind. */
static bool is_worth_compressing(const struct genops_queue *queue)
{
	bool is_behind = !queue->cursors;
	uint64_t from = queue->bytes > queue->max_bytes / 4 ? COMPRESSED_FROM_IF_FULL : COMPRESSED_FROM;
	for (const struct genops_queue_cursor *cursor = queue->cursors; cursor; cursor = cursor->next)
		is_behind |= queue->next_entry - cursor->acknowledged.entries > from;
	return queue->is_compressed && is_behind;
}

static int encode(struct genops_queue *queue, const struct genops_queue_entry *entries,
    size_t n_entries, const struct genops_segment_position *positions, size_t n_positions,
    struct genops_error *err)
{
	struct genops_queue_block block = {
	    .number = queue->next_block,
	    .entries_before = queue->next_entry,
	    .entries = entries,
	    .n_entries = n_entries,
	    .positions = positions,
	    .n_positions = n_positions,
	};
	return genops_queue_block_encode(
	    &block, is_worth_compressing(queue), &queue->key, &queue->scratch, &queue->block, err);
}

static int start_file(struct genops_queue *queue, struct genops_error *err)
{
	uint64_t number = genops_queue_newest(queue)->number + 1;
	int fd = genops_queue_make_file(queue, number);
	if (fd < 0)
		return fail_write(errno, err);
	/* The old file is complete on disk before anything can be removed on the strength of the
	 * new one. */
	bool is_safe = fdatasync(queue->fd) == 0 && genops_write_names(queue->folder);
	int error = is_safe ? 0 : errno;
	struct queue_file file = {.number = number,
	    .size = QUEUE_FILE_BEGIN,
	    .first_block = queue->next_block,
	    .first_entry = queue->next_entry};
	if (!is_safe || !genops_queue_add_file(queue, file)) {
		char path[PATH_MAX];
		close(fd);
		if (genops_queue_path(queue, number, path))
			unlink(path);
		return is_safe ? genops_fail(err, GENOPS_NOMEM, "no memory for the queue")
			       : fail_write(error, err);
	}
	close(queue->fd);
	queue->fd = fd;
	return GENOPS_OK;
}

/* Is everything delivered, so that a new file makes the old ones removable? */
static bool is_all_passed(const struct genops_queue *queue)
{
	struct queue_place end = genops_queue_end(queue);
	for (const struct genops_queue_cursor *cursor = queue->cursors; cursor;
	     cursor = cursor->next) {
		if (genops_queue_is_before(cursor->acknowledged, end))
			return false;
	}
	return queue->cursors != NULL;
}

static int make_room(
    struct genops_queue *queue, uint64_t need, bool *ret_wants_file, struct genops_error *err)
{
	bool has_blocks = genops_queue_newest(queue)->size > QUEUE_FILE_BEGIN;
	*ret_wants_file = genops_queue_newest(queue)->size >= queue->file_bytes;
	if (queue->bytes + need > queue->max_bytes)
		genops_queue_remove_passed(queue);
	if (queue->bytes + need <= queue->max_bytes)
		return GENOPS_OK;
	if (need <= queue->max_bytes && has_blocks && is_all_passed(queue)) {
		*ret_wants_file = true;
		return GENOPS_OK;
	}
	queue->n_full++;
	return genops_fail_fix(err, GENOPS_FULL,
	    "see `genops status` for the destination that does not take its data, or raise telemetry.queue.max_size",
	    "the export queue has reached its maximum of %llu MiB",
	    (unsigned long long)(queue->max_bytes >> 20));
}

/* Bytes that are free above what segments leave free, which may be less than none. */
static int64_t free_of_segments(const struct genops_queue *queue, uint64_t *ret_leaves)
{
	struct statvfs disk;
	if (fstatvfs(queue->fd, &disk) != 0)
		return INT64_MAX;
	uint64_t part = (uint64_t)disk.f_blocks * disk.f_frsize / GENOPS_SEGMENT_LEAVES_PART;
	*ret_leaves = part < GENOPS_SEGMENT_LEAVES ? part : GENOPS_SEGMENT_LEAVES;
	return (int64_t)((uint64_t)disk.f_bavail * disk.f_frsize) - (int64_t)*ret_leaves;
}

/* The disk is left some room: for the ledger, and for a new file, without which no delivered one goes. Half of what segments leave, so that
 * what they hold still finds its way here. */
static int leave_room(const struct genops_queue *queue, struct genops_error *err)
{
	uint64_t leaves = 0;
	int64_t n_free = free_of_segments(queue, &leaves);
	return n_free < (int64_t)queue->block.len - (int64_t)(leaves / 2) ? fail_write(ENOSPC, err) : GENOPS_OK;
}

/* A new file begins with every writer's position. */
static int write_positions(struct genops_queue *queue, struct genops_error *err)
{
	if (!queue->n_positions || genops_queue_newest(queue)->size > QUEUE_FILE_BEGIN)
		return GENOPS_OK;
	GENOPS_TRY(encode(queue, NULL, 0, queue->positions, queue->n_positions, err));
	return write_block(queue, err);
}

/* Once the new file has the positions the old ones go, if everybody has them: on a full disk that makes room. */
static int next_file(struct genops_queue *queue, struct genops_error *err)
{
	GENOPS_TRY(start_file(queue, err));
	GENOPS_TRY(write_positions(queue, err));
	genops_queue_remove_passed(queue);
	return GENOPS_OK;
}

static int append(struct genops_queue *queue, const struct genops_queue_entry *entries,
    size_t n_entries, const struct genops_segment_position *positions, size_t n_positions,
    struct genops_error *err)
{
	bool wants_file;
	GENOPS_TRY(encode(queue, entries, n_entries, positions, n_positions, err));
	GENOPS_TRY(make_room(queue, queue->block.len, &wants_file, err));
	if (wants_file || genops_queue_newest(queue)->size == QUEUE_FILE_BEGIN) {
		GENOPS_TRY(wants_file ? next_file(queue, err) : write_positions(queue, err));
		GENOPS_TRY(encode(queue, entries, n_entries, positions, n_positions, err));
	}
	int code = leave_room(queue, err);
	if (code == GENOPS_OK)
		code = write_block(queue, err);
	if (code == GENOPS_FULL && genops_queue_newest(queue)->size > QUEUE_FILE_BEGIN && is_all_passed(queue)) {
		GENOPS_TRY(next_file(queue, err));
		GENOPS_TRY(encode(queue, entries, n_entries, positions, n_positions, err));
		code = write_block(queue, err);
	}
	if (code != GENOPS_OK)
		return code;
	queue->next_entry += n_entries;
	genops_queue_merge_positions(queue, positions, n_positions);
	return GENOPS_OK;
}

int genops_queue_append(struct genops_queue *queue, const struct genops_queue_entry *entries,
    size_t n_entries, const struct genops_segment_position *positions, size_t n_positions,
    struct genops_error *err)
{
	pthread_mutex_lock(&queue->lock);
	int code = append(queue, entries, n_entries, positions, n_positions, err);
	pthread_mutex_unlock(&queue->lock);
	return code;
}

int genops_queue_sync(struct genops_queue *queue, struct genops_error *err)
{
	pthread_mutex_lock(&queue->lock);
	int fd = dup(queue->fd); /* so that appending need not wait for the disk */
	pthread_mutex_unlock(&queue->lock);
	int error = fd >= 0 && fdatasync(fd) == 0 && genops_write_names(queue->folder) ? 0 : errno;
	if (fd >= 0)
		close(fd);
	return error ? fail_write(error, err) : GENOPS_OK;
}

int genops_queue_release(struct genops_queue *queue, struct genops_error *err)
{
	uint64_t leaves;
	pthread_mutex_lock(&queue->lock);
	/* A segment of full size should have room. A file of next to nothing frees none. */
	bool is_due = genops_queue_newest(queue)->size > RELEASED_FROM && is_all_passed(queue) &&
		      free_of_segments(queue, &leaves) < (int64_t)GENOPS_SEGMENT_SIZE;
	int code = is_due ? next_file(queue, err) : GENOPS_OK;
	pthread_mutex_unlock(&queue->lock);
	return code;
}

void genops_queue_stats(struct genops_queue *queue, struct genops_queue_stats *ret_stats)
{
	pthread_mutex_lock(&queue->lock);
	uint64_t waiting = 0;
	for (const struct genops_queue_cursor *cursor = queue->cursors; cursor;
	     cursor = cursor->next) {
		uint64_t behind = queue->next_entry - cursor->acknowledged.entries;
		waiting = behind > waiting ? behind : waiting;
	}
	*ret_stats = (struct genops_queue_stats){
	    .bytes = queue->bytes,
	    .n_blocks = queue->next_block - queue->files[0].first_block,
	    .n_waiting_entries = waiting,
	    .n_corrupt_blocks = queue->n_corrupt_blocks,
	    .n_full = queue->n_full,
	    .n_torn_bytes = queue->n_torn_bytes,
	};
	pthread_mutex_unlock(&queue->lock);
}
