/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_state.c - see backup_state.h.
 *
 * The order, each step's copy being newer than the one before: cursors; destinations' own queues; small files (what was exported to Collibra, metrics,
 * what destinations remember); blocks of the queue; audit.head; ledger; segments. So what the ledger's copy has and the queue's has not is in the
 * segments' copy, as after a kill between the two; and a destination may get what it has once more, but nothing is behind its cursor that was not sent. */
#include "engine/backup/backup_state.h"

#include "base/str.h"
#include "base/write.h"
#include "engine/engine.h"
#include "store/ledger.h"
#include "store/state_dir.h"
#include "store/state_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BESIDE      "backup.tmp"
#define TRIES       5
#define HOLD_TRIES  200
#define HOLD_MS     25
#define PRESSED     (GENOPS_ENGINE_SEGMENTS_MAX / 2)
#define PIECE       ((size_t)1 << 20)

struct copying {
	const char *state_dir;
	unsigned includes;
	const volatile int *cancel;
	struct genops_error *err;
};

typedef bool wanted_fn(const char *name);

static int check(const struct copying *copying)
{
	if (copying->cancel && __atomic_load_n((const int *)(uintptr_t)copying->cancel, __ATOMIC_RELAXED))
		return genops_fail(copying->err, GENOPS_BUSY, "the process ends");
	if (genops_segment_bytes(copying->state_dir) > PRESSED)
		return genops_fail_fix(copying->err, GENOPS_BUSY, "it is tried again; state directories on a faster disk help",
		    "the copy for a backup was given up: more came meanwhile than may wait for it");
	return GENOPS_OK;
}

static int copy_bytes(const struct copying *copying, int from, int to, const char *path)
{
	struct stat status;
	if (fstat(from, &status) != 0)
		return genops_fail_errno(copying->err, GENOPS_IO, errno, "%.400s", path);
	for (off_t left = status.st_size; left > 0;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, left < (off_t)PIECE ? (size_t)left : PIECE, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return genops_fail_errno(copying->err, errno == ENOSPC || errno == EDQUOT ? GENOPS_FULL : GENOPS_IO, errno, "a copy of %.400s", path);
		if (!n)
			break; /* it became shorter: segments are, when they are closed */
		left -= n;
		GENOPS_TRY(check(copying));
	}
	return GENOPS_OK;
}

/* NOT_FOUND: it is gone meanwhile. */
static int copy_file(const struct copying *copying, const char *name)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];
	if (snprintf(from_path, sizeof from_path, "%s/%s", copying->state_dir, name) >= (int)sizeof from_path ||
	    snprintf(to_path, sizeof to_path, "%s/" BESIDE "/%s", copying->state_dir, name) >= (int)sizeof to_path)
		return genops_fail(copying->err, GENOPS_IO, "the state directory's path is too long");
	int from = open(from_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0)
		return genops_fail_errno(copying->err, errno == ENOENT ? GENOPS_NOT_FOUND : GENOPS_IO, errno, "%.400s", from_path);
	int to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int code = to < 0 ? genops_fail_errno(copying->err, GENOPS_IO, errno, "%.400s", to_path) : copy_bytes(copying, from, to, from_path);
	close(from);
	if (to >= 0)
		close(to);
	return code;
}

static int make_folder(const struct copying *copying, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/" BESIDE "%s%s", copying->state_dir, *name ? "/" : "", name);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return genops_fail_errno(copying->err, errno == ENOSPC ? GENOPS_FULL : GENOPS_IO, errno, "%.400s", path);
	return GENOPS_OK;
}

/* The wanted plain files of a folder. "" : the state directory itself. */
static int copy_folder(const struct copying *copying, const char *folder, wanted_fn *is_wanted)
{
	char path[PATH_MAX], name[512];
	struct stat status;
	int code = make_folder(copying, folder);
	snprintf(path, sizeof path, "%s/%s", copying->state_dir, folder);
	DIR *stream = opendir(path);
	for (struct dirent *entry; code == GENOPS_OK && stream && (entry = readdir(stream));) {
		bool is_file = is_wanted(entry->d_name) && fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
		if (is_file && snprintf(name, sizeof name, "%s%s%s", folder, *folder ? "/" : "", entry->d_name) < (int)sizeof name)
			code = copy_file(copying, name);
	}
	if (stream)
		closedir(stream);
	return code;
}

static bool ends(const char *name, const char *end)
{
	return genops_str_ends(genops_str_of(name), genops_str_of(end));
}

static bool is_cursor(const char *name)
{
	return ends(name, ".cursor");
}

static bool is_block(const char *name)
{
	return ends(name, ".q");
}

static bool is_segment(const char *name)
{
	return ends(name, ".seg");
}

/* Not: what shared memory and locks are made of, what is told by whoever drains, what is written aside just now. */
static bool is_small(const char *name)
{
	static const char *const others[] = {"counters", "destinations.json", "collibra.ask", "audit.head"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (!strcmp(name, others[i]))
			return false;
	}
	const char *dot = strrchr(name, '.');
	bool is_aside = dot && dot[1] >= '1' && dot[1] <= '9' && dot[2];
	return name[0] != '.' && !ends(name, ".lock") && strncmp(name, "ledger.db", 9) != 0 && strncmp(name, "backup.", 7) != 0 &&
	       strncmp(name, "counters.", 9) != 0 && !is_aside;
}

static int copy_own(const struct copying *copying)
{
	char path[PATH_MAX], name[512];
	int code = GENOPS_OK;
	snprintf(path, sizeof path, "%s/queue", copying->state_dir);
	DIR *stream = opendir(path);
	for (struct dirent *entry; code == GENOPS_OK && stream && (entry = readdir(stream));) {
		if (!ends(entry->d_name, ".own") || snprintf(name, sizeof name, "queue/%s", entry->d_name) >= (int)sizeof name)
			continue;
		code = copy_folder(copying, name, is_cursor);
		if (code == GENOPS_OK)
			code = copy_folder(copying, name, is_block);
	}
	if (stream)
		closedir(stream);
	return code;
}

static int copy_ledger(const struct copying *copying)
{
	char to[PATH_MAX];
	int code = copy_file(copying, "audit.head");
	if (code != GENOPS_OK && code != GENOPS_NOT_FOUND)
		return code;
	snprintf(to, sizeof to, "%s/" BESIDE "/ledger.db", copying->state_dir);
	code = genops_ledger_copy(copying->state_dir, to, (const int *)(uintptr_t)copying->cancel, copying->err);
	return code == GENOPS_NOT_FOUND ? GENOPS_OK : code; /* nothing is recorded yet */
}

static int copy_in_order(const struct copying *copying)
{
	bool has_queues = copying->includes & GENOPS_BACKUP_QUEUES, has_checkpoints = copying->includes & GENOPS_BACKUP_CHECKPOINTS;
	GENOPS_TRY(make_folder(copying, ""));
	if (has_queues) {
		GENOPS_TRY(copy_folder(copying, "queue", is_cursor));
		GENOPS_TRY(copy_own(copying));
	}
	if (has_checkpoints)
		GENOPS_TRY(copy_folder(copying, "", is_small));
	if (has_queues)
		GENOPS_TRY(copy_folder(copying, "queue", is_block));
	if (has_checkpoints)
		GENOPS_TRY(copy_ledger(copying));
	return has_queues ? copy_folder(copying, "segments", is_segment) : GENOPS_OK;
}

/* The drain holds it for moments. */
static int hold(const struct copying *copying, int *ret_fd)
{
	for (int i = 0; i < HOLD_TRIES; i++) {
		int code = genops_state_file_lock(copying->state_dir, GENOPS_STATE_HOLD, ret_fd, copying->err);
		if (code != GENOPS_BUSY)
			return code;
		GENOPS_TRY(check(copying));
		(void)poll(NULL, 0, HOLD_MS);
	}
	return genops_fail(copying->err, GENOPS_BUSY, "the drain does not let a backup begin");
}

static uint64_t size_of(const char *path, int depth)
{
	struct stat status;
	char inner[PATH_MAX];
	uint64_t bytes = 0;
	if (lstat(path, &status) != 0 || (S_ISREG(status.st_mode)))
		return S_ISREG(status.st_mode) ? (uint64_t)status.st_blocks * 512 : 0;
	DIR *stream = S_ISDIR(status.st_mode) && depth ? opendir(path) : NULL;
	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, "counters") != 0 &&
		    snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner)
			bytes += size_of(inner, depth - 1);
	}
	if (stream)
		closedir(stream);
	return bytes;
}

int genops_backup_state_copy(const char *state_dir, unsigned includes, const volatile int *cancel, struct genops_error *err)
{
	struct genops_error own;
	const struct copying copying = {state_dir, includes, cancel, err ? err : &own};
	int fd, code = GENOPS_NOT_FOUND;
	genops_backup_state_forget(state_dir); /* of who was killed */
	GENOPS_TRY(genops_state_dir_space(state_dir, size_of(state_dir, 3) + ((uint64_t)64 << 20), copying.err));
	GENOPS_TRY(hold(&copying, &fd));
	for (int i = 0; i < TRIES && code == GENOPS_NOT_FOUND; i++) { /* a pump took a file away that it had delivered */
		genops_backup_state_forget(state_dir);
		code = copy_in_order(&copying);
	}
	genops_state_file_unlock(fd);
	if (code != GENOPS_OK)
		genops_backup_state_forget(state_dir);
	return code;
}

/* --- the copy --- */

static int pack(struct genops_backup_archive *archive, const char *root, const char *folder, int depth, struct genops_error *err)
{
	char path[PATH_MAX], name[512];
	struct stat status;
	int code = GENOPS_OK;
	snprintf(path, sizeof path, "%s/%s", root, folder);
	DIR *stream = opendir(path);
	if (!stream)
		return genops_fail_errno(err, GENOPS_IO, errno, "%.400s", path);
	for (struct dirent *entry; code == GENOPS_OK && (entry = readdir(stream));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || fstatat(dirfd(stream), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
		    snprintf(name, sizeof name, "%s%s%s", folder, *folder ? "/" : "", entry->d_name) >= (int)sizeof name ||
		    snprintf(path, sizeof path, "%s/%s", root, name) >= (int)sizeof path)
			continue;
		if (S_ISDIR(status.st_mode) && depth)
			code = pack(archive, root, name, depth - 1, err);
		else if (S_ISREG(status.st_mode))
			code = genops_backup_archive_file(archive, genops_str_of(name), path, err);
	}
	closedir(stream);
	return code;
}

int genops_backup_state_pack(struct genops_backup_archive *archive, const char *state_dir, struct genops_error *err)
{
	char root[PATH_MAX];
	snprintf(root, sizeof root, "%s/" BESIDE, state_dir);
	return pack(archive, root, "", 3, err);
}

void genops_backup_folder_forget(const char *path, int depth)
{
	char inner[PATH_MAX + 300];
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); /* nothing behind a link is anybody's to remove */
	DIR *stream = folder >= 0 ? fdopendir(folder) : NULL;
	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) >= (int)sizeof inner)
			continue;
		if (unlink(inner) != 0 && depth)
			genops_backup_folder_forget(inner, depth - 1);
	}
	if (stream)
		closedir(stream);
	else if (folder >= 0)
		close(folder);
	(void)rmdir(path);
}

void genops_backup_state_forget(const char *state_dir)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/" BESIDE, state_dir) < (int)sizeof path)
		genops_backup_folder_forget(path, 3);
}
