/* SPDX-License-Identifier: Apache-2.0
 * store/queue/queue_open.c - opening the durable queue after whatever happened to it, and closing
 * it (see queue.h).
 *
 * Only the newest file can have a torn tail: it is read whole, cut behind its last whole block, and
 * gives the numbers and positions to go on with. Of older files that nobody has delivered yet only
 * block headers are read, to see that the key fits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "store/queue/queue_state.h"

#define DEFAULT_MAX_BYTES ((uint64_t)500 << 20)
#define FILE_BYTES_MAX	  ((uint64_t)16 << 20)
#define FILE_BYTES_MIN	  ((uint64_t)64 << 10)

static int fail_open(const char *path, struct genops_error *err)
{
	int error = errno;
	return genops_fail_errno(
	    err, error == ENOSPC ? GENOPS_FULL : GENOPS_IO, error, "%s cannot be opened", path);
}

static bool parse_name(const char *name, uint64_t *ret_number)
{
	genops_str text = genops_str_of(name);
	int64_t number;
	if (!genops_str_ends(text, GENOPS_STR(".q")) || text.ptr[0] < '1' || text.ptr[0] > '9')
		return false;
	text.len -= 2;
	if (!genops_str_to_int(text, &number))
		return false;
	*ret_number = (uint64_t)number;
	return true;
}

static int by_number(const void *left, const void *right)
{
	const struct queue_file *a = left, *b = right;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Puts all queue files into queue->files, ascending. */
static int list_files(struct genops_queue *queue, DIR *dir, struct genops_error *err)
{
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct queue_file file = {0};
		struct stat st;
		if (!parse_name(entry->d_name, &file.number) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		file.size = (uint64_t)st.st_size;
		if (!genops_queue_add_file(queue, file))
			return genops_fail(err, GENOPS_NOMEM, "no memory to open the queue");
	}
	if (queue->n_files)
		qsort(queue->files, queue->n_files, sizeof *queue->files, by_number);
	return GENOPS_OK;
}

static int load_cursors(struct genops_queue *queue, DIR *dir, struct genops_error *err)
{
	rewinddir(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (genops_str_ends(genops_str_of(entry->d_name), GENOPS_STR(".cursor")))
			GENOPS_TRY(genops_queue_cursor_load(queue, entry->d_name, err));
	}
	return GENOPS_OK;
}

static int take_positions(struct genops_queue *queue, genops_str block, struct genops_error *err)
{
	size_t n = genops_queue_block_positions(block, NULL, 0);
	struct genops_segment_position *positions = n ? calloc(n, sizeof *positions) : NULL;
	if (n && !positions)
		return genops_fail(err, GENOPS_NOMEM, "no memory to open the queue");
	genops_queue_block_positions(block, positions, n);
	genops_queue_merge_positions(queue, positions, n);
	free(positions);
	return GENOPS_OK;
}

/* Reads a file whole: numbers, positions; *ret_end: behind its last whole block. *ret_n: how
 * many blocks it has. */
static int scan(struct genops_queue *queue, int fd, const struct queue_file *file,
    uint64_t *ret_end, uint64_t *ret_n, struct genops_error *err)
{
	uint64_t offset = QUEUE_FILE_BEGIN, skipped, n = 0;
	for (;;) {
		struct queue_block_header header = {0};
		GENOPS_TRY(
		    genops_queue_file_next(fd, &offset, file->size, &queue->block, &skipped, err));
		if (!queue->block.len)
			break;
		genops_queue_block_header(genops_buffer_view(&queue->block), &header);
		if (header.version != QUEUE_BLOCK_VERSION)
			return genops_queue_block_may_open(&header, &queue->key, err);
		GENOPS_TRY(take_positions(queue, genops_buffer_view(&queue->block), err));
		queue->next_block = header.number + 1;
		queue->next_entry = header.entries_before + header.n_entries;
		offset += QUEUE_ALIGNED(header.length);
		n++;
	}
	*ret_end = offset < QUEUE_FILE_BEGIN ? QUEUE_FILE_BEGIN : offset;
	*ret_n = n;
	return GENOPS_OK;
}

static int open_file(const struct genops_queue *queue, uint64_t number, int flags, int *ret_fd,
    struct genops_error *err)
{
	char path[PATH_MAX];
	if (!genops_queue_path(queue, number, path))
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_open(path, err);
	*ret_fd = fd;
	return GENOPS_OK;
}

/* Numbers and positions from older files, when the newest has no block: it was only just begun. */
static int scan_older(struct genops_queue *queue, struct genops_error *err)
{
	uint64_t n = 0, end;
	for (size_t i = queue->n_files - 1; i-- > 0 && !n;) {
		int fd;
		GENOPS_TRY(open_file(queue, queue->files[i].number, O_RDONLY, &fd, err));
		int code = scan(queue, fd, &queue->files[i], &end, &n, err);
		close(fd);
		if (code != GENOPS_OK)
			return code;
	}
	return GENOPS_OK;
}

/* Opens the newest file for appending, cut behind its last whole block. */
static int repair_newest(struct genops_queue *queue, struct genops_error *err)
{
	struct queue_file *newest = genops_queue_newest(queue);
	struct queue_file_header header = {QUEUE_FILE_MAGIC, newest->number};
	uint64_t end, n;
	GENOPS_TRY(open_file(queue, newest->number, O_RDWR, &queue->fd, err));
	GENOPS_TRY(scan(queue, queue->fd, newest, &end, &n, err));
	if (!n)
		GENOPS_TRY(scan_older(queue, err));
	if (newest->size < end && newest->size < QUEUE_FILE_BEGIN &&
	    pwrite(queue->fd, &header, sizeof header, 0) != sizeof header)
		return fail_open("the newest file of the queue", err);
	if (newest->size != end && ftruncate(queue->fd, (off_t)end) != 0)
		return fail_open("the newest file of the queue", err);
	if (newest->size > end)
		queue->n_torn_bytes = newest->size - end;
	queue->bytes = queue->bytes - newest->size + end;
	newest->size = end;
	return GENOPS_OK;
}

static int make_first(struct genops_queue *queue, struct genops_error *err)
{
	queue->fd = genops_queue_make_file(queue, 1);
	if (queue->fd < 0)
		return fail_open("the first file of the queue", err);
	if (!genops_queue_add_file(queue,
		(struct queue_file){.number = 1, .size = QUEUE_FILE_BEGIN, .first_block = 1}))
		return genops_fail(err, GENOPS_NOMEM, "no memory to open the queue");
	return GENOPS_OK;
}

/* The first place that some cursor has not acknowledged; without cursors the very first. */
static struct queue_place first_waiting(const struct genops_queue *queue)
{
	struct queue_place first = {.file = queue->files[0].number, .offset = QUEUE_FILE_BEGIN};
	if (queue->cursors)
		first = queue->cursors->acknowledged;
	for (const struct genops_queue_cursor *cursor = queue->cursors; cursor;
	     cursor = cursor->next) {
		if (genops_queue_is_before(cursor->acknowledged, first))
			first = cursor->acknowledged;
	}
	return first;
}

/* What each file begins with. */
static int read_firsts(struct genops_queue *queue, struct genops_error *err)
{
	for (size_t i = 0; i < queue->n_files; i++) {
		struct queue_file *file = &queue->files[i];
		struct queue_block_header header = {
		    .number = queue->next_block, .entries_before = queue->next_entry};
		char bytes[sizeof header];
		int fd;
		GENOPS_TRY(open_file(queue, file->number, O_RDONLY, &fd, err));
		if (pread(fd, bytes, sizeof bytes, (off_t)QUEUE_FILE_BEGIN) == sizeof bytes)
			genops_queue_block_header((genops_str){bytes, sizeof bytes}, &header);
		close(fd);
		file->first_block = header.number;
		file->first_entry = header.entries_before;
	}
	return GENOPS_OK;
}

/* Refuses blocks from `from` on that this key does not open. Damage is for the cursors. */
static int check_file(struct genops_queue *queue, const struct queue_file *file, uint64_t from,
    struct genops_error *err)
{
	int fd, code = GENOPS_OK;
	GENOPS_TRY(open_file(queue, file->number, O_RDONLY, &fd, err));
	struct queue_block_header header;
	char bytes[sizeof header];
	for (uint64_t at = from; at < file->size && code == GENOPS_OK;
	     at += QUEUE_ALIGNED(header.length)) {
		if (pread(fd, bytes, sizeof bytes, (off_t)at) != sizeof bytes ||
		    !genops_queue_block_header((genops_str){bytes, sizeof bytes}, &header))
			break;
		if (header.n_entries)
			code = genops_queue_block_may_open(&header, &queue->key, err);
	}
	close(fd);
	return code;
}

static int check_files(struct genops_queue *queue, struct genops_error *err)
{
	struct queue_place first = first_waiting(queue);
	for (size_t i = 0; i < queue->n_files; i++) {
		const struct queue_file *file = &queue->files[i];
		uint64_t from = file->number == first.file ? first.offset : QUEUE_FILE_BEGIN;
		if (file->number >= first.file)
			GENOPS_TRY(check_file(queue, file, from, err));
	}
	return GENOPS_OK;
}

static int open_in(struct genops_queue *queue, DIR *dir, struct genops_error *err)
{
	GENOPS_TRY(list_files(queue, dir, err));
	if (queue->n_files)
		GENOPS_TRY(repair_newest(queue, err));
	else
		GENOPS_TRY(make_first(queue, err));
	GENOPS_TRY(read_firsts(queue, err));
	GENOPS_TRY(load_cursors(queue, dir, err));
	for (struct genops_queue_cursor *cursor = queue->cursors; cursor; cursor = cursor->next)
		genops_queue_cursor_clamp(queue, &cursor->acknowledged);
	return check_files(queue, err);
}

static int set_options(struct genops_queue *queue, const struct genops_queue_options *options,
    struct genops_error *err)
{
	queue->max_bytes = options->max_bytes ? options->max_bytes : DEFAULT_MAX_BYTES;
	queue->file_bytes = options->file_bytes ? options->file_bytes : queue->max_bytes / 8;
	if (queue->file_bytes > FILE_BYTES_MAX)
		queue->file_bytes = FILE_BYTES_MAX;
	if (queue->file_bytes < FILE_BYTES_MIN)
		queue->file_bytes = FILE_BYTES_MIN;
	queue->is_compressed = options->is_compressed;
	queue->is_synced = options->is_synced;
	return genops_queue_block_key(options->encryption_key, &queue->key, err);
}

static int open_queue(struct genops_queue *queue, const char *state_dir,
    const struct genops_queue_options *options, struct genops_error *err)
{
	GENOPS_TRY(set_options(queue, options, err));
	bool is_fitting = options->own ? genops_queue_own_folder(state_dir, options->own, queue->folder)
				       : snprintf(queue->folder, sizeof queue->folder, "%s/queue", state_dir) < PATH_MAX;
	if (!is_fitting)
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	if (options->own && mkdir(queue->folder, 0700) != 0 && errno != EEXIST)
		return fail_open(queue->folder, err);
	DIR *dir = opendir(queue->folder);
	if (!dir)
		return fail_open(queue->folder, err);
	int code = open_in(queue, dir, err);
	closedir(dir);
	return code;
}

int genops_queue_open(const char *state_dir, const struct genops_queue_options *options,
    struct genops_queue **ret_queue, struct genops_error *err)
{
	struct genops_queue *queue = calloc(1, sizeof *queue);
	struct genops_segment_position *positions =
	    calloc(GENOPS_QUEUE_POSITIONS_MAX, sizeof *positions);
	if (!queue || !positions) {
		free(queue);
		free(positions);
		return genops_fail(err, GENOPS_NOMEM, "no memory to open the queue");
	}
	pthread_mutex_init(&queue->lock, NULL);
	queue->positions = positions;
	queue->fd = -1;
	queue->next_block = 1;
	genops_buffer_init(&queue->block, QUEUE_BUFFER_MAX);
	genops_buffer_init(&queue->scratch, QUEUE_BUFFER_MAX);
	int code = open_queue(queue, state_dir, options, err);
	if (code != GENOPS_OK) {
		genops_queue_close(queue);
		return code;
	}
	*ret_queue = queue;
	return GENOPS_OK;
}

void genops_queue_close(struct genops_queue *queue)
{
	if (!queue)
		return;
	for (struct genops_queue_cursor *cursor = queue->cursors, *next; cursor; cursor = next) {
		next = cursor->next;
		genops_queue_cursor_free(cursor);
	}
	if (queue->fd >= 0)
		close(queue->fd);
	genops_queue_block_key_done(&queue->key);
	genops_buffer_done(&queue->block);
	genops_buffer_done(&queue->scratch);
	free(queue->positions);
	free(queue->files);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}
