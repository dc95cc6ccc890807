/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_cursor.c - a destination's place in the durable queue (see queue.h,
 * queue_state.h).
 *
 * <state>/queue/<destination>.cursor holds two slots, 4096 bytes apart, written in turn: whatever
 * dies while one is written leaves the other, which is at most one acknowledgement older. Both
 * unreadable: everything that is still there is delivered again. Threads: a cursor by one at a
 * time; what it shares with the queue goes under the queue's lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "store/queue/queue_state.h"

#define SLOT_MAGIC    UINT64_C(0x315255435147504f) /* "OPGQCUR1" */
#define SLOT_DISTANCE 4096
#define AUDIENCE_NAME ((size_t)100) /* bytes of a name that count: pumps shorten long ones */

struct slot {
	uint64_t magic, n_saved;
	uint64_t file, offset, block, entries;
	uint64_t checksum; /* of all before it */
};
static_assert(sizeof(struct slot) == 56, "the layout is fixed");

/* Letters, digits, - and _ stay, the rest becomes %XX: any name is a file name, and no two are
 * the same. */
int genops_queue_cursor_name(const char *destination, char *ret_name, struct genops_error *err)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t at = 0;
	for (const char *c = destination; *c; c++) {
		bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || *c == '-' || *c == '_';
		if (at + 3 + sizeof ".cursor" > QUEUE_NAME_MAX)
			return genops_fail(err, GENOPS_LIMIT,
			    "the destination's name \"%.40s...\" is too long", destination);
		if (!is_plain) {
			ret_name[at++] = '%';
			ret_name[at++] = digits[(unsigned char)*c >> 4];
		}
		ret_name[at++] = is_plain ? *c : digits[(unsigned char)*c & 15];
	}
	if (!at)
		return genops_fail(err, GENOPS_MISUSE, "a destination without a name");
	memcpy(ret_name + at, ".cursor", sizeof ".cursor");
	return GENOPS_OK;
}

static bool place_path(const struct genops_queue *queue, const char *name, char *ret_path)
{
	return snprintf(ret_path, PATH_MAX, "%s/%s", queue->folder, name) < PATH_MAX;
}

static int open_place(const struct genops_queue *queue, const char *name, int flags, int *ret_fd,
    struct genops_error *err)
{
	char path[PATH_MAX];
	if (!place_path(queue, name, path))
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	int fd = open(path, O_RDWR | flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return genops_fail_errno(err, errno == ENOSPC ? GENOPS_FULL : GENOPS_IO, errno,
		    "%s cannot be opened", path);
	*ret_fd = fd;
	return GENOPS_OK;
}

/* ---- the place on disk ---- */

static uint64_t slot_checksum(const struct slot *slot)
{
	return genops_hash_checksum(slot, offsetof(struct slot, checksum), SLOT_MAGIC);
}

static void read_place(struct genops_queue_cursor *cursor)
{
	for (off_t at = 0; at <= SLOT_DISTANCE; at += SLOT_DISTANCE) {
		struct slot slot;
		if (pread(cursor->place_fd, &slot, sizeof slot, at) != sizeof slot ||
		    slot.magic != SLOT_MAGIC || slot.checksum != slot_checksum(&slot) ||
		    slot.n_saved < cursor->n_saved)
			continue;
		cursor->n_saved = slot.n_saved;
		cursor->acknowledged =
		    (struct queue_place){slot.file, slot.offset, slot.block, slot.entries};
	}
}

static int write_place(
    struct genops_queue_cursor *cursor, struct queue_place place, struct genops_error *err)
{
	struct slot slot = {.magic = SLOT_MAGIC,
	    .n_saved = cursor->n_saved + 1,
	    .file = place.file,
	    .offset = place.offset,
	    .block = place.block,
	    .entries = place.entries};
	slot.checksum = slot_checksum(&slot);
	ssize_t n =
	    pwrite(cursor->place_fd, &slot, sizeof slot, slot.n_saved % 2 ? SLOT_DISTANCE : 0);
	if (n != sizeof slot || (cursor->queue->is_synced && fdatasync(cursor->place_fd) != 0)) {
		int error = n >= 0 && n != sizeof slot ? ENOSPC : errno;
		return genops_fail_errno(err, error == ENOSPC ? GENOPS_FULL : GENOPS_IO, error,
		    "the place of a destination cannot be stored (%s)", cursor->name);
	}
	cursor->n_saved++;
	return GENOPS_OK;
}

void genops_queue_cursor_clamp(const struct genops_queue *queue, struct queue_place *place)
{
	const struct queue_file *oldest = &queue->files[0];
	const struct queue_place begin = {
	    oldest->number, QUEUE_FILE_BEGIN, oldest->first_block, oldest->first_entry};
	const struct queue_place end = genops_queue_end(queue);
	if (place->file < oldest->number)
		*place = begin;
	if (!genops_queue_is_before(*place, end))
		*place = end;
	if (place->offset < QUEUE_FILE_BEGIN)
		place->offset = QUEUE_FILE_BEGIN;
	place->offset = QUEUE_ALIGNED(place->offset);
	if (place->entries > end.entries)
		place->entries = end.entries;
}

/* ---- life ---- */

static struct genops_queue_cursor *new_cursor(struct genops_queue *queue, const char *name)
{
	struct genops_queue_cursor *cursor = calloc(1, sizeof *cursor);
	if (!cursor)
		return NULL;
	cursor->queue = queue;
	cursor->place_fd = -1;
	cursor->data_fd = -1;
	snprintf(cursor->name, sizeof cursor->name, "%s", name);
	genops_buffer_init(&cursor->block, QUEUE_BUFFER_MAX);
	genops_buffer_init(&cursor->scratch, QUEUE_BUFFER_MAX);
	return cursor;
}

static void close_files(struct genops_queue_cursor *cursor)
{
	if (cursor->place_fd >= 0)
		close(cursor->place_fd);
	if (cursor->data_fd >= 0)
		close(cursor->data_fd);
	cursor->place_fd = cursor->data_fd = -1;
}

void genops_queue_cursor_free(struct genops_queue_cursor *cursor)
{
	close_files(cursor);
	genops_buffer_done(&cursor->block);
	genops_buffer_done(&cursor->scratch);
	free(cursor->entries);
	free(cursor);
}

int genops_queue_cursor_load(struct genops_queue *queue, const char *name, struct genops_error *err)
{
	if (strlen(name) >= QUEUE_NAME_MAX)
		return GENOPS_OK; /* not one of ours */
	struct genops_queue_cursor *cursor = new_cursor(queue, name);
	if (!cursor)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the queue's destinations");
	int code = open_place(queue, name, 0, &cursor->place_fd, err);
	if (code != GENOPS_OK) {
		genops_queue_cursor_free(cursor);
		return code;
	}
	read_place(cursor);
	close_files(cursor);
	cursor->next = queue->cursors;
	queue->cursors = cursor;
	return GENOPS_OK;
}

static struct genops_queue_cursor *find_cursor(const struct genops_queue *queue, const char *name)
{
	struct genops_queue_cursor *cursor = queue->cursors;
	while (cursor && strcmp(cursor->name, name) != 0)
		cursor = cursor->next;
	return cursor;
}

static int make_cursor(struct genops_queue *queue, const char *name, bool from_start,
    struct genops_queue_cursor **ret_cursor, struct genops_error *err)
{
	struct genops_queue_cursor *cursor = new_cursor(queue, name);
	if (!cursor)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a destination's place");
	struct queue_place place = {0};
	if (!from_start)
		place = genops_queue_end(queue);
	genops_queue_cursor_clamp(queue, &place);
	int code = open_place(queue, name, O_CREAT, &cursor->place_fd, err);
	if (code == GENOPS_OK)
		code = write_place(cursor, place, err);
	if (code != GENOPS_OK) {
		genops_queue_cursor_free(cursor);
		return code;
	}
	cursor->acknowledged = place;
	cursor->next = queue->cursors;
	queue->cursors = cursor;
	*ret_cursor = cursor;
	return GENOPS_OK;
}

static int open_cursor(struct genops_queue *queue, const char *name, bool from_start,
    struct genops_queue_cursor **ret_cursor, struct genops_error *err)
{
	struct genops_queue_cursor *cursor = find_cursor(queue, name);
	if (cursor && cursor->is_open)
		return genops_fail(err, GENOPS_EXISTS, "two destinations share the place %s", name);
	if (cursor)
		GENOPS_TRY(open_place(queue, name, 0, &cursor->place_fd, err));
	else
		GENOPS_TRY(make_cursor(queue, name, from_start, &cursor, err));
	cursor->is_open = true;
	cursor->at = cursor->acknowledged;
	cursor->told = (struct queue_place){0};
	*ret_cursor = cursor;
	return GENOPS_OK;
}

uint16_t genops_queue_audience(genops_str destination)
{
	size_t len = destination.len < AUDIENCE_NAME ? destination.len : AUDIENCE_NAME;
	return (uint16_t)(1U << genops_hash_checksum(destination.ptr, len, 0) % 16);
}

int genops_queue_cursor_open(struct genops_queue *queue, const char *destination, bool from_start,
    struct genops_queue_cursor **ret_cursor, struct genops_error *err)
{
	char name[QUEUE_NAME_MAX];
	GENOPS_TRY(genops_queue_cursor_name(destination, name, err));
	pthread_mutex_lock(&queue->lock);
	int code = open_cursor(queue, name, from_start, ret_cursor, err);
	if (code == GENOPS_OK)
		(*ret_cursor)->audience = genops_queue_audience(genops_str_of(destination));
	pthread_mutex_unlock(&queue->lock);
	return code;
}

void genops_queue_cursor_close(struct genops_queue_cursor *cursor)
{
	if (!cursor)
		return;
	pthread_mutex_lock(&cursor->queue->lock);
	close_files(cursor);
	cursor->is_open = false;
	pthread_mutex_unlock(&cursor->queue->lock);
}

static bool is_kept(
    const struct genops_queue_cursor *cursor, const char *const *destinations, size_t n)
{
	char name[QUEUE_NAME_MAX];
	bool is_kept = cursor->is_open;
	for (size_t i = 0; i < n && !is_kept; i++)
		is_kept = genops_queue_cursor_name(destinations[i], name, NULL) == GENOPS_OK &&
			  !strcmp(name, cursor->name);
	return is_kept;
}

int genops_queue_keep_cursors(
    struct genops_queue *queue, const char *const *destinations, size_t n, struct genops_error *err)
{
	int code = GENOPS_OK;
	pthread_mutex_lock(&queue->lock);
	for (struct genops_queue_cursor **at = &queue->cursors, *cursor; (cursor = *at);) {
		char path[PATH_MAX];
		if (is_kept(cursor, destinations, n) || !place_path(queue, cursor->name, path)) {
			at = &cursor->next;
		} else if (unlink(path) != 0 && errno != ENOENT) {
			code =
			    genops_fail_errno(err, GENOPS_IO, errno, "%s cannot be removed", path);
			at = &cursor->next;
		} else {
			*at = cursor->next;
			genops_queue_cursor_free(cursor);
		}
	}
	genops_queue_remove_passed(queue);
	pthread_mutex_unlock(&queue->lock);
	return code;
}

/* ---- reading ---- */

enum where { WHERE_BLOCKS, WHERE_END, WHERE_NEXT_FILE };

/* What there is at the cursor's place; moves over the end of a file. *ret_end: as far as the
 * file may be read. */
static enum where look(struct genops_queue_cursor *cursor, uint64_t *ret_end)
{
	struct genops_queue *queue = cursor->queue;
	struct queue_place *at = &cursor->at;
	enum where where = WHERE_END;
	pthread_mutex_lock(&queue->lock);
	for (size_t i = 0; i < queue->n_files; i++) {
		const struct queue_file *file = &queue->files[i];
		if (file->number < at->file)
			continue;
		if (file->number > at->file) {
			at->file = file->number;
			at->offset = QUEUE_FILE_BEGIN;
			where = WHERE_NEXT_FILE;
			break;
		}
		if (at->offset < file->size || i + 1 == queue->n_files) {
			where = at->offset < file->size ? WHERE_BLOCKS : WHERE_END;
			*ret_end = file->size;
			break;
		}
	}
	pthread_mutex_unlock(&queue->lock);
	return where;
}

static int open_data(struct genops_queue_cursor *cursor, struct genops_error *err)
{
	if (cursor->data_fd >= 0 && cursor->data_file == cursor->at.file)
		return GENOPS_OK;
	char path[PATH_MAX];
	if (cursor->data_fd >= 0)
		close(cursor->data_fd);
	cursor->data_fd = -1;
	if (!genops_queue_path(cursor->queue, cursor->at.file, path))
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	cursor->data_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	cursor->data_file = cursor->at.file;
	if (cursor->data_fd < 0)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s cannot be opened", path);
	return GENOPS_OK;
}

/* Steps over damage up to `to`; CORRUPT, unless it was told before (a rewind leads over it
 * again). */
static int pass_damage(
    struct genops_queue_cursor *cursor, uint64_t to, uint64_t bytes, struct genops_error *err)
{
	struct genops_queue *queue = cursor->queue;
	bool is_told = genops_queue_is_before(cursor->at, cursor->told);
	pthread_mutex_lock(&queue->lock);
	if (!genops_queue_is_before(cursor->at, queue->corrupt_seen)) {
		queue->n_corrupt_blocks++;
		queue->corrupt_seen = cursor->at;
		queue->corrupt_seen.offset = to;
	}
	pthread_mutex_unlock(&queue->lock);
	cursor->at.offset = to;
	if (is_told)
		return GENOPS_OK;
	cursor->told = cursor->at;
	return genops_fail(err, GENOPS_CORRUPT,
	    "the queue's file %llu is damaged; lost: %llu bytes",
	    (unsigned long long)cursor->at.file, (unsigned long long)bytes);
}

/* Blocks that have nothing for this destination are passed over by their headers, which are not verified for that: what stands there must
 * be what is due, and say twice for whom it is. Else the block is read. */
static int pass_others(struct genops_queue_cursor *cursor, uint64_t end, struct genops_error *err)
{
	struct queue_place *at = &cursor->at;
	struct queue_block_header header;
	char bytes[sizeof header];
	GENOPS_TRY(open_data(cursor, err));
	while (at->offset < end && pread(cursor->data_fd, bytes, sizeof bytes, (off_t)at->offset) == (ssize_t)sizeof bytes) {
		uint64_t after = at->offset;
		bool is_due = genops_queue_block_header((genops_str){bytes, sizeof bytes}, &header) &&
			      header.version == QUEUE_BLOCK_VERSION && header.number == at->block &&
			      header.entries_before == at->entries &&
			      header.audience_check == QUEUE_BLOCK_AUDIENCE_CHECK(header.audience);
		if (!is_due || !header.audience || header.audience & cursor->audience)
			return GENOPS_OK;
		after += QUEUE_ALIGNED(header.length);
		if (after > end)
			return GENOPS_OK;
		*at = (struct queue_place){at->file, after, header.number + 1, header.entries_before + header.n_entries};
	}
	return GENOPS_OK;
}

/* The block at the cursor's place. *ret_n stays 0 when it has no entries or damage was passed
 * over. */
static int read_block(
    struct genops_queue_cursor *cursor, uint64_t end, size_t *ret_n, struct genops_error *err)
{
	uint64_t offset = cursor->at.offset, skipped;
	GENOPS_TRY(open_data(cursor, err));
	GENOPS_TRY(
	    genops_queue_file_next(cursor->data_fd, &offset, end, &cursor->block, &skipped, err));
	if (!cursor->block.len)
		return pass_damage(cursor, end, skipped, err);
	if (skipped)
		return pass_damage(cursor, offset, skipped, err);
	struct queue_block_header header = {0};
	size_t n = 0;
	genops_queue_block_header(genops_buffer_view(&cursor->block), &header);
	uint64_t after = offset + QUEUE_ALIGNED(header.length);
	if (header.n_entries) {
		int code = genops_queue_block_decode(genops_buffer_view(&cursor->block),
		    &cursor->queue->key, &cursor->scratch, &cursor->entries, &cursor->max_entries,
		    &n, err);
		if (code == GENOPS_CORRUPT)
			return pass_damage(cursor, after, header.length, err);
		if (code != GENOPS_OK)
			return code;
	}
	cursor->at.offset = after;
	cursor->at.block = header.number + 1;
	cursor->at.entries = header.entries_before + header.n_entries;
	*ret_n = n;
	return GENOPS_OK;
}

int genops_queue_read(struct genops_queue_cursor *cursor,
    const struct genops_queue_entry **ret_entries, size_t *ret_n, struct genops_error *err)
{
	size_t n = 0;
	while (!n) {
		uint64_t end = 0;
		enum where where = look(cursor, &end);
		if (where == WHERE_END)
			break;
		if (where == WHERE_BLOCKS)
			GENOPS_TRY(pass_others(cursor, end, err));
		if (where == WHERE_BLOCKS && cursor->at.offset < end)
			GENOPS_TRY(read_block(cursor, end, &n, err));
	}
	*ret_entries = cursor->entries;
	*ret_n = n;
	return GENOPS_OK;
}

int genops_queue_cursor_store(struct genops_queue_cursor *cursor, struct queue_place place, struct genops_error *err)
{
	if (!genops_queue_is_before(cursor->acknowledged, place))
		return GENOPS_OK;
	GENOPS_TRY(write_place(cursor, place, err));
	cursor->acknowledged = place;
	genops_queue_remove_passed(cursor->queue);
	return GENOPS_OK;
}

int genops_queue_acknowledge(struct genops_queue_cursor *cursor, struct genops_error *err)
{
	pthread_mutex_lock(&cursor->queue->lock);
	int code = genops_queue_cursor_store(cursor, cursor->at, err);
	pthread_mutex_unlock(&cursor->queue->lock);
	return code;
}

void genops_queue_cursor_behind(struct genops_queue_cursor *cursor, uint64_t *ret_bytes, uint64_t *ret_entries)
{
	struct genops_queue *queue = cursor->queue;
	const struct queue_place *at = &cursor->acknowledged;
	uint64_t bytes = 0;
	pthread_mutex_lock(&queue->lock);
	for (size_t i = 0; i < queue->n_files; i++) {
		const struct queue_file *file = &queue->files[i];
		uint64_t from = file->number == at->file && at->offset > QUEUE_FILE_BEGIN ? at->offset : QUEUE_FILE_BEGIN;
		if (file->number >= at->file && file->size > from)
			bytes += file->size - from;
	}
	*ret_bytes = bytes;
	*ret_entries = queue->next_entry > at->entries ? queue->next_entry - at->entries : 0;
	pthread_mutex_unlock(&queue->lock);
}

void genops_queue_rewind(struct genops_queue_cursor *cursor)
{
	cursor->at = cursor->acknowledged;
}
