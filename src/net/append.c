/* SPDX-License-Identifier: Apache-2.0
 * net/append.c - see append.h. A batch that does not fit is taken back, so that no line is left torn. The file is opened for
 * each batch: whoever rotates it needs to tell nobody.
 *
 * What a killed process has written of a batch stands behind where the file is known to end. If the batch begins with the same bytes, only
 * what is missing is written; nothing that others may have written is ever cut off.
 *
 * What succeeded is on the disk, with its name: behind it the queue lets its own copy go. */
#include "net/append.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BACKUPS_MAX ((size_t)1 << 18) /* that are looked at: over twice as many as may be kept */

static const struct genops_file_request unknown;

static void append(int fd, genops_str path, genops_str bytes, struct genops_incoming *incoming)
{
	struct stat before;
	bool is_regular = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
	if (genops_write_all(fd, bytes) && (!is_regular || fdatasync(fd) == 0)) {
		incoming->status = 200;
		return;
	}
	int why = errno;
	/* Best effort: if this fails too, a reader finds one torn line. What could not be synced is written anew: it may be lost although it can be read. */
	if (is_regular && ftruncate(fd, before.st_size) != 0)
		why = errno;
	genops_incoming_fail(
	    incoming, "cannot write to %.*s: %s", (int)path.len, path.ptr, strerror(why));
}

/* How many of the bytes stand in the file from `at` to its end; 0 if anything else does, too. */
static size_t already_there(const char *name, int64_t at, int64_t end, genops_str bytes)
{
	char piece[16384];
	size_t done = 0;
	int fd = at < end ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	while (fd >= 0 && at + (int64_t)done < end && done < bytes.len) {
		size_t want = bytes.len - done < sizeof piece ? bytes.len - done : sizeof piece;
		ssize_t n = pread(fd, piece, want, at + (int64_t)done);
		if (n <= 0 || memcmp(piece, bytes.ptr + done, (size_t)n) != 0) {
			done = 0;
			break;
		}
		done += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return done;
}

/* Of the folder that the file is in. Best effort: some file systems cannot, and the content is there. */
static void sync_name(const char *name)
{
	const char *slash = strrchr(name, '/');
	char *folder = slash ? strndup(name, slash == name ? 1 : (size_t)(slash - name)) : strdup(".");
	if (folder)
		(void)genops_write_names(folder);
	free(folder);
}

static bool is_file(const char *name, uint64_t inode)
{
	struct stat info;
	return name && inode && stat(name, &info) == 0 && (uint64_t)info.st_ino == inode;
}

/* "prefix 20261121T215000.123-00000007 suffix" of this rotation? */
static bool is_backup(const char *name, genops_str prefix, genops_str suffix)
{
	genops_str text = genops_str_of(name);
	if (!genops_str_starts(text, prefix) || !genops_str_ends(text, suffix) || text.len != prefix.len + suffix.len + 28)
		return false;
	for (size_t i = prefix.len; i < text.len - suffix.len; i++) {
		if (!strchr("0123456789abcdefT.-", text.ptr[i]))
			return false;
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool make_room(char ***names, size_t *max)
{
	size_t more = *max ? 2 * *max : 256;
	char **grown = more <= BACKUPS_MAX ? realloc(*names, more * sizeof *grown) : NULL;
	if (!grown)
		return false;
	*names = grown;
	*max = more;
	return true;
}

/* Removes what is over max_backups, oldest first, and what is too old. What cannot be removed stays. */
static void prune(const struct genops_file_request *file)
{
	char folder[4096], path[8192], **names = NULL;
	size_t base = file->prefix.len, n = 0, max = 0;
	struct stat info;
	while (base && file->prefix.ptr[base - 1] != '/')
		base--;
	snprintf(folder, sizeof folder, "%.*s", base ? (int)base : 1, base ? file->prefix.ptr : ".");
	const genops_str prefix = {file->prefix.ptr + base, file->prefix.len - base};
	DIR *dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		if (!is_backup(entry->d_name, prefix, file->suffix))
			continue;
		if (n == max && !make_room(&names, &max))
			break;
		if ((names[n] = strdup(entry->d_name)) != NULL)
			n++;
	}
	if (dir)
		closedir(dir);
	if (n > 1)
		qsort(names, n, sizeof *names, by_name);
	time_t oldest = time(NULL) - (time_t)(file->max_age_ns / GENOPS_NS_PER_S);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		bool is_over = file->max_backups && i + file->max_backups < n;
		if (is_over || (file->max_age_ns && stat(path, &info) == 0 && info.st_mtime < oldest))
			unlink(path);
		free(names[i]);
	}
	free(names);
}

/* Puts the file aside, unless that was done before a kill. True: what is at `name` now begins with this batch. */
static bool rotate(const char *name, const struct genops_file_request *file)
{
	char *backup = strndup(file->backup.ptr, file->backup.len);
	bool is_done = backup && is_file(backup, file->inode);
	if (!is_done && backup && is_file(name, file->inode))
		is_done = rename(name, backup) == 0;
	free(backup);
	prune(file);
	return is_done;
}

static void append_known(const char *name, int fd, bool is_rotated, genops_str bytes, const struct genops_file_request *file,
    struct genops_incoming *incoming)
{
	struct stat info;
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		append(fd, genops_str_of(name), bytes, incoming);
		return;
	}
	/* Nothing is known yet, and all that is there are the first bytes of the first batch: killed before it could be known. */
	bool is_first = file != &unknown && !file->len && info.st_size <= (int64_t)bytes.len;
	bool is_known = is_rotated || is_first || (file->len && (uint64_t)info.st_ino == file->inode);
	int64_t at = is_rotated ? 0 : file->len;
	size_t there = is_known ? already_there(name, at, info.st_size, bytes) : 0;
	append(fd, genops_str_of(name), genops_str_skip(bytes, there), incoming);
	if (is_rotated || !info.st_size)
		sync_name(name);
	incoming->file_inode = (uint64_t)info.st_ino;
	incoming->file_len = there ? at + (int64_t)bytes.len : info.st_size + (int64_t)bytes.len;
}

/* Beside it first: who reads finds all of it or nothing. */
static void write_whole(const char *name, genops_str bytes, struct genops_incoming *incoming)
{
	char aside[4112];
	snprintf(aside, sizeof aside, "%.4090s.part", name);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool is_written = fd >= 0 && genops_write_all(fd, bytes) && fdatasync(fd) == 0;
	int why = errno;
	if (fd >= 0)
		close(fd);
	if (is_written && rename(aside, name) == 0) {
		sync_name(name);
		incoming->status = 200;
		return;
	}
	why = is_written ? errno : why;
	unlink(aside);
	genops_incoming_fail(incoming, "cannot write %s: %s", name, strerror(why));
}

int genops_append_file(genops_str path, genops_str bytes, const struct genops_file_request *file, struct genops_incoming *incoming,
    struct genops_error *err)
{
	if (path.len == 1 && path.ptr[0] == '-') {
		append(STDOUT_FILENO, GENOPS_STR("standard output"), bytes, incoming);
		return GENOPS_OK;
	}
	char *name = strndup(path.ptr, path.len);
	if (!name)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a file name");
	file = file ? file : &unknown;
	if (file->is_whole) {
		write_whole(name, bytes, incoming);
		free(name);
		return GENOPS_OK;
	}
	bool is_rotated = file->backup.len && rotate(name, file);
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		genops_incoming_fail(incoming, "cannot open %s: %s", name, strerror(errno));
	} else {
		append_known(name, fd, is_rotated, bytes, file, incoming);
		close(fd);
	}
	free(name);
	return GENOPS_OK;
}
