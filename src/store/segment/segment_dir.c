/* SPDX-License-Identifier: Apache-2.0
 * store/segment/segment_dir.c - the folder of segments as a whole: who has files, which may go, and
 * syncing (see segment.h, segment_spare.h).
 *
 * A file may go when its writer will add nothing to it (it is closed, has a successor, or its
 * writer's lock is free) and a reader at the given position finds nothing more in it. Threads: any.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/segment/segment_spare.h"

/* A file whose writer died before it was ready is kept this long, since its writer may be about
 * to lock it. */
#define UNREADY_KEPT_S 60

/* ---- who has files ---- */

struct list {
	struct genops_segment_position *items;
	size_t n, cap;
};

static bool list_put(struct list *list, const struct genops_segment_position *first)
{
	for (size_t i = list->n; i-- > 0;) {
		struct genops_segment_position *known = &list->items[i];
		if (known->process != first->process || known->epoch != first->epoch)
			continue;
		if (first->file < known->file)
			*known = *first;
		return true;
	}
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		struct genops_segment_position *items = realloc(list->items, cap * sizeof *items);
		if (!items)
			return false;
		list->items = items;
		list->cap = cap;
	}
	list->items[list->n++] = *first;
	return true;
}

static int by_writer(const void *left, const void *right)
{
	const struct genops_segment_position *a = left, *b = right;
	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return a->epoch < b->epoch ? -1 : a->epoch > b->epoch;
}

/* Before its first entry: the sequence that the header names, less one. */
static void fill_sequence(int folder, struct genops_segment_position *first)
{
	char name[80];
	snprintf(name, sizeof name, "%u-%llu-%llu.seg", first->process,
	    (unsigned long long)first->epoch, (unsigned long long)first->file);
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	struct segment_header header;
	struct stat st;
	enum segment_state state;
	if (genops_segment_format_load(fd, &header, &st, &state) == 0 &&
	    (state == SEGMENT_OPEN || state == SEGMENT_CLOSED))
		first->sequence = header.first_sequence - 1;
	close(fd);
}

size_t genops_segment_list(
    const char *state_dir, struct genops_segment_position *ret_firsts, size_t max)
{
	char path[PATH_MAX];
	DIR *dir = genops_segment_format_folder(state_dir, path) ? opendir(path) : NULL;
	if (!dir)
		return 0;
	struct list list = {0};
	struct genops_segment_position first;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (genops_segment_format_parse(entry, &first) && !list_put(&list, &first))
			break; /* without memory: the rest next time */
	}
	if (list.n)
		qsort(list.items, list.n, sizeof *list.items, by_writer);
	for (size_t i = 0; i < list.n && i < max; i++) {
		ret_firsts[i] = list.items[i];
		fill_sequence(dirfd(dir), &ret_firsts[i]);
	}
	closedir(dir);
	free(list.items);
	return list.n;
}

uint64_t genops_segment_newest(const char *state_dir, uint32_t process, uint64_t epoch)
{
	char path[PATH_MAX];
	DIR *dir = genops_segment_format_folder(state_dir, path) ? opendir(path) : NULL;
	struct genops_segment_position at;
	uint64_t newest = 0;
	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (genops_segment_format_parse(entry, &at) && at.process == process && at.epoch == epoch &&
		    at.file > newest)
			newest = at.file;
	}
	closedir(dir);
	return newest;
}

uint64_t genops_segment_bytes(const char *state_dir)
{
	char path[PATH_MAX];
	DIR *dir = genops_segment_format_folder(state_dir, path) ? opendir(path) : NULL;
	uint64_t sum = 0;
	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct genops_segment_position first;
		struct stat st;
		/* A file that vanishes meanwhile was drained. */
		if (genops_segment_format_parse(entry, &first) &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			sum += (uint64_t)st.st_size;
	}
	closedir(dir);
	return sum;
}

/* ---- removing ---- */

/* Will nobody write into the file again? */
static bool is_finished(int fd)
{
	struct segment_header header;
	struct stat st;
	enum segment_state state;
	if (genops_segment_format_load(fd, &header, &st, &state) != 0)
		return false;
	switch (state) {
	case SEGMENT_CLOSED:
		return true;
	case SEGMENT_NEW:
		if (st.st_mtime + UNREADY_KEPT_S > genops_clock_unix_ns() / GENOPS_NS_PER_S)
			return false;
		break;
	case SEGMENT_OPEN:
	case SEGMENT_DAMAGED:
		break;
	}
	return !genops_segment_format_has_writer(fd);
}

static bool has_nothing_left(const char *state_dir, struct genops_segment_position position)
{
	struct genops_segment_reader *reader = genops_segment_reader_new(state_dir, position, NULL);
	if (!reader)
		return false;
	struct genops_segment_entry entry;
	bool is_found = false;
	int code;
	do {
		code = genops_segment_next(reader, &entry, &is_found, NULL);
	} while (code == GENOPS_CORRUPT);
	genops_segment_reader_free(reader);
	return code == GENOPS_OK && (!is_found || entry.after.file > position.file);
}

/* A later file goes too if nothing was ever put into it: its writer died before. */
static bool may_go(int folder, const char *name, const char *state_dir,
    struct genops_segment_position first, struct genops_segment_position position)
{
	if (first.file < position.file)
		return true;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	bool is_over = is_finished(fd);
	close(fd);
	return is_over &&
	       has_nothing_left(state_dir, first.file > position.file ? first : position);
}

void genops_segment_remove_before(const char *state_dir, struct genops_segment_position position)
{
	char path[PATH_MAX];
	DIR *dir = genops_segment_format_folder(state_dir, path) ? opendir(path) : NULL;
	if (!dir)
		return;
	size_t n_spares = genops_segment_spare_count(path);
	struct genops_segment_position first;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (genops_segment_format_parse(entry, &first) &&
		    first.process == position.process && first.epoch == position.epoch &&
		    may_go(dirfd(dir), entry->d_name, state_dir, first, position))
			genops_segment_spare_retire(dirfd(dir), entry->d_name, &n_spares);
	}
	closedir(dir);
}

/* ---- syncing ---- */

static int sync_file(int folder, const char *name, struct genops_error *err)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) /* drained meanwhile */
		return errno == ENOENT ? GENOPS_OK
				       : genops_fail_errno(err, GENOPS_IO, errno,
					     "segment %s cannot be opened", name);
	int error = fdatasync(fd) == 0 ? 0 : errno;
	close(fd);
	if (error)
		return genops_fail_errno(err, error == ENOSPC ? GENOPS_FULL : GENOPS_IO, error,
		    "segment %s cannot be written to disk", name);
	return GENOPS_OK;
}

int genops_segment_sync(const char *state_dir, struct genops_error *err)
{
	char path[PATH_MAX];
	if (!genops_segment_format_folder(state_dir, path))
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	DIR *dir = opendir(path);
	if (!dir)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s cannot be opened", path);
	int result = GENOPS_OK;
	struct genops_segment_position first;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (!genops_segment_format_parse(entry, &first))
			continue;
		int code = sync_file(
		    dirfd(dir), entry->d_name, err); /* the others still have their turn */
		if (code != GENOPS_OK)
			result = code;
	}
	if (fsync(dirfd(dir)) != 0 && result == GENOPS_OK)
		result = genops_fail_errno(err, GENOPS_IO, errno, "%s cannot be synced", path);
	closedir(dir);
	return result;
}
