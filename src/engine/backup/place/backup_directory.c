/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/place/backup_directory.c - archives in a directory: 0600, written beside under a name that nobody takes for one, synced, renamed. */
#include "engine/backup/backup_name.h"
#include "engine/backup/place/backup_place.h"

#include "base/clock.h"
#include "base/write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART     ".part"
#define STALE_NS (INT64_C(86400) * GENOPS_NS_PER_S)
#define PIECE    ((size_t)16384)

struct directory {
	struct genops_backup_place place;
	int fd, file;                   /* -1: none */
	char name[GENOPS_BACKUP_NAME_SIZE];
	char aside[GENOPS_BACKUP_NAME_SIZE + 8];
};

static int fail(const struct genops_backup_place *place, const char *what, struct genops_error *err)
{
	bool is_full = errno == ENOSPC || errno == EDQUOT;
	genops_fail_errno(err, is_full ? GENOPS_FULL : GENOPS_IO, errno, "%.300s: %s", place->settings->directory.ptr, what);
	if (err)
		snprintf(err->fix, sizeof err->fix, "%s", is_full ? "free some space there, or name another destination" : "let this user write there, or name another destination");
	return is_full ? GENOPS_FULL : GENOPS_IO;
}

/* All folders on the way, private. */
static void make(const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(copy, 0700);
		*slash = '/';
	}
	(void)mkdir(copy, 0700);
}

static int open_place(struct genops_backup_place *place, struct genops_error *err)
{
	struct directory *self = (struct directory *)place;
	const char *path = place->settings->directory.ptr;
	self->file = -1;
	self->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return self->fd < 0 && errno != ENOENT ? fail(place, "cannot be opened", err) : GENOPS_OK; /* the first archive makes it */
}

static void close_place(struct genops_backup_place *place)
{
	struct directory *self = (struct directory *)place;
	if (self->fd >= 0)
		close(self->fd);
}

static int begin(struct genops_backup_place *place, const char *name, struct genops_error *err)
{
	struct directory *self = (struct directory *)place;
	if (self->fd < 0) {
		make(place->settings->directory.ptr);
		self->fd = open(place->settings->directory.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (self->fd < 0)
		return fail(place, "cannot be made", err);
	snprintf(self->name, sizeof self->name, "%s", name);
	snprintf(self->aside, sizeof self->aside, ".%s" PART, self->name);
	self->file = openat(self->fd, self->aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return self->file < 0 ? fail(place, "an archive cannot be made", err) : GENOPS_OK;
}

static int add_bytes(struct genops_backup_place *place, genops_str bytes, struct genops_error *err)
{
	struct directory *self = (struct directory *)place;
	return genops_write_all(self->file, bytes) ? GENOPS_OK : fail(place, "an archive cannot be written", err);
}

static int commit(struct genops_backup_place *place, struct genops_error *err)
{
	struct directory *self = (struct directory *)place;
	bool ok = fsync(self->file) == 0;
	ok = close(self->file) == 0 && ok;
	self->file = -1;
	if (!ok || renameat(self->fd, self->aside, self->fd, self->name) != 0 || fsync(self->fd) != 0)
		return fail(place, "an archive cannot be written", err);
	return GENOPS_OK;
}

static void abort_archive(struct genops_backup_place *place)
{
	struct directory *self = (struct directory *)place;
	if (self->file >= 0)
		close(self->file);
	self->file = -1;
	(void)unlinkat(self->fd, self->aside, 0);
}

/* A stream of its own: readdir moves. NULL: err. */
static DIR *stream(struct genops_backup_place *place, struct genops_error *err)
{
	DIR *folder = opendir(place->settings->directory.ptr);
	if (!folder)
		(void)fail(place, "cannot be read", err);
	return folder;
}

static int list(struct genops_backup_place *place, genops_backup_found_fn *on_found, void *arg, struct genops_error *err)
{
	struct directory *self = (struct directory *)place;
	struct stat status;
	int code = GENOPS_OK;
	if (self->fd < 0)
		return GENOPS_OK;
	DIR *folder = stream(place, err);
	if (!folder)
		return GENOPS_IO;
	for (struct dirent *entry; code == GENOPS_OK && (entry = readdir(folder));) {
		if (fstatat(self->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
			code = on_found(arg, genops_str_of(entry->d_name), (uint64_t)status.st_size, err);
	}
	closedir(folder);
	return code;
}

static int remove_archive(struct genops_backup_place *place, const char *name, struct genops_error *err)
{
	struct directory *self = (struct directory *)place;
	return unlinkat(self->fd, name, 0) == 0 || errno == ENOENT ? GENOPS_OK : fail(place, "an old archive cannot be removed", err);
}

static int read_archive(struct genops_backup_place *place, const char *name, genops_backup_bytes_fn *on_bytes, void *arg, struct genops_error *err)
{
	struct directory *self = (struct directory *)place;
	char piece[PIECE];
	int code = GENOPS_OK;
	int fd = self->fd < 0 ? -1 : openat(self->fd, name, O_RDONLY | O_CLOEXEC);
	if (self->fd < 0)
		errno = ENOENT;
	if (fd < 0)
		return genops_fail_errno(err, errno == ENOENT ? GENOPS_NOT_FOUND : GENOPS_IO, errno, "%.300s/%s", place->settings->directory.ptr, name);
	while (code == GENOPS_OK) {
		ssize_t n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			code = fail(place, "an archive cannot be read", err);
		if (n <= 0)
			break;
		code = on_bytes(arg, (genops_str){piece, (size_t)n}, err);
	}
	close(fd);
	return code;
}

static bool is_part(const char *name)
{
	enum genops_backup_kind kind;
	int64_t unix_ns;
	genops_str inner = genops_str_of(name);
	if (name[0] != '.' || !genops_str_ends(inner, GENOPS_STR(PART)))
		return false;
	inner = genops_str_skip(inner, 1);
	inner.len -= sizeof PART - 1;
	return genops_backup_name_read(inner, &kind, &unix_ns);
}

static void sweep(struct genops_backup_place *place, int64_t now_unix_ns)
{
	struct directory *self = (struct directory *)place;
	struct stat status;
	DIR *folder = self->fd < 0 ? NULL : stream(place, NULL);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		bool is_stale = is_part(entry->d_name) && fstatat(self->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
				now_unix_ns - (int64_t)status.st_mtim.tv_sec * GENOPS_NS_PER_S > STALE_NS;
		if (is_stale)
			(void)unlinkat(self->fd, entry->d_name, 0);
	}
	if (folder)
		closedir(folder);
}

const struct genops_backup_place_type genops_backup_place_directory = {
    .size = sizeof(struct directory),
    .open = open_place,
    .close = close_place,
    .begin = begin,
    .bytes = add_bytes,
    .commit = commit,
    .abort = abort_archive,
    .list = list,
    .remove = remove_archive,
    .read = read_archive,
    .sweep = sweep,
};
