/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_restore.c - see genops_backup_restore: unpacked and checked in a folder beside, which then takes the name that was asked for.
 *
 * Who unpacks holds a lock on the folder beside, whose name has his process. A folder whose process is gone and that nobody locks was left by one that
 * was killed: the next restore to the same name removes it. The lock is for processes of other containers, whose numbers say nothing here. */
#include "engine/backup/place/backup_place.h"
#include "engine/backup/place/backup_settings.h"
#include "engine/backup/backup_state.h"
#include "engine/backup/backup_unpack.h"
#include "store/drain_lock.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH     (GENOPS_TAR_NAME_MAX / 2) /* of folders in an archive */
#define RESTORING ".restoring-"

struct restoring {
	char to[PATH_MAX], beside[PATH_MAX + 32], before[PATH_MAX + 64];
	char parent[PATH_MAX]; /* of `to` and what is beside */
	bool is_there, is_empty;
	int fd;                /* beside, locked; -1: not made */
	struct genops_drain_lock *lock; /* of the directory that is there */
};

/* --- where to --- */

static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
}

static bool is_empty(const char *path)
{
	DIR *stream = opendir(path);
	bool empty = stream != NULL;
	for (struct dirent *entry; empty && (entry = readdir(stream));)
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (stream)
		closedir(stream);
	return empty;
}

/* Nobody may be at work on what is moved aside. */
static int lock(struct restoring *restoring, struct genops_error *err)
{
	char path[PATH_MAX + 32];
	snprintf(path, sizeof path, "%s/drain.lock", restoring->to);
	if (access(path, F_OK) != 0)
		return GENOPS_OK;
	int code = genops_drain_lock_try(restoring->to, &restoring->lock, err);
	if (code == GENOPS_BUSY && err)
		snprintf(err->fix, sizeof err->fix, "stop what uses the state directory, or restore to another one");
	return code;
}

static int look(struct restoring *restoring, const char *to, bool is_forced, struct genops_error *err)
{
	struct stat status;
	int n = snprintf(restoring->to, sizeof restoring->to, "%s", to);
	while (n > 1 && n < (int)sizeof restoring->to && restoring->to[n - 1] == '/')
		restoring->to[--n] = '\0';
	if (n <= 0 || n >= (int)sizeof restoring->to - 32)
		return genops_fail_fix(err, GENOPS_MISUSE, "name one with --to", "there is no directory to restore to");
	snprintf(restoring->beside, sizeof restoring->beside, "%s" RESTORING "%ld", restoring->to, (long)getpid());
	const char *slash = strrchr(restoring->to, '/');
	int parent_len = !slash ? 1 : slash == restoring->to ? 1 : (int)(slash - restoring->to);
	snprintf(restoring->parent, sizeof restoring->parent, "%.*s", parent_len, slash ? restoring->to : ".");
	restoring->is_there = lstat(restoring->to, &status) == 0;
	if (!restoring->is_there)
		return GENOPS_OK;
	if (!S_ISDIR(status.st_mode))
		return genops_fail_fix(err, GENOPS_EXISTS, "name a directory", "%.400s is no directory", restoring->to);
	restoring->is_empty = is_empty(restoring->to);
	if (!restoring->is_empty && !is_forced)
		return genops_fail_fix(err, GENOPS_EXISTS, "name another, or say --force: what is there is then moved aside", "%.400s is not empty", restoring->to);
	return lock(restoring, err);
}

/* --- what killed ones left --- */

/* `path` names the process that made it. Ours is none that lives: this one has not made anything yet. */
static bool is_left(const char *path, genops_str process)
{
	int64_t pid;
	struct stat status;
	if (!genops_str_to_int(process, &pid) || pid <= 0 || pid > INT_MAX)
		return false;
	if (pid != getpid() && (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
		return false;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool is = fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0;
	if (fd >= 0)
		close(fd);
	return is;
}

static uint64_t remove_left(const struct restoring *restoring)
{
	char path[PATH_MAX + 300];
	const char *slash = strrchr(restoring->to, '/');
	genops_str name = genops_str_of(slash ? slash + 1 : restoring->to);
	uint64_t n = 0;
	DIR *stream = opendir(restoring->parent);
	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		genops_str rest = genops_str_of(entry->d_name);
		if (!genops_str_starts(rest, name) || !genops_str_starts(genops_str_skip(rest, name.len), GENOPS_STR(RESTORING)))
			continue;
		snprintf(path, sizeof path, "%s/%s", restoring->parent, entry->d_name);
		if (!is_left(path, genops_str_skip(rest, name.len + sizeof RESTORING - 1)))
			continue;
		genops_backup_folder_forget(path, DEPTH);
		n += access(path, F_OK) != 0;
	}
	if (stream)
		closedir(stream);
	return n;
}

/* --- unpacking --- */

static int open_beside(struct restoring *restoring, struct genops_error *err)
{
	int done = mkdir(restoring->beside, 0700);
	if (done != 0 && errno == ENOENT) {
		make_parents(restoring->beside);
		done = mkdir(restoring->beside, 0700);
	}
	restoring->fd = done == 0 ? open(restoring->beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (restoring->fd < 0) {
		int code = genops_fail_errno(err, GENOPS_IO, errno, "%.400s cannot be made", restoring->beside);
		if (done == 0)
			(void)rmdir(restoring->beside);
		return code;
	}
	(void)flock(restoring->fd, LOCK_EX | LOCK_NB); /* where a file system has no locks, nobody's folder is taken for one that was left */
	return GENOPS_OK;
}

/* The place and the name in it, at the last "/". */
static int read_archive(const char *archive, struct genops_backup_unpack *unpack, struct genops_error *err)
{
	struct genops_backup_named named;
	const char *slash = strrchr(archive, '/');
	genops_str folder = slash ? (genops_str){archive, slash == archive ? 1 : (size_t)(slash - archive)} : GENOPS_STR(".");
	const char *name = slash ? slash + 1 : archive;
	if (!*name)
		return genops_fail_fix(err, GENOPS_MISUSE, "genops backup list names them", "%.300s is no archive", archive);
	int code = genops_backup_named_read(&named, folder, err);
	struct genops_backup_place *place = code == GENOPS_OK ? genops_backup_place_open(&named.settings, NULL, err) : NULL;
	if (code == GENOPS_OK && !place)
		code = GENOPS_IO;
	if (code == GENOPS_OK)
		code = place->type->read(place, name, genops_backup_unpack_feed, unpack, err);
	genops_backup_place_close(place);
	genops_backup_named_forget(&named);
	return code;
}

static void fill(const struct genops_backup_manifest *manifest, uint64_t bytes, struct genops_restored *restored)
{
	restored->kind = manifest->kind;
	restored->unix_ns = manifest->unix_ns;
	restored->n_files = manifest->n_entries;
	restored->bytes = bytes;
	snprintf(restored->config, sizeof restored->config, "%.*s", GENOPS_STR_ARG(manifest->main));
	restored->n_secrets = manifest->n_secrets;
	snprintf(restored->variables, sizeof restored->variables, "%s", manifest->variables);
	for (size_t i = 0; i < manifest->n_entries; i++)
		restored->n_outside += genops_str_starts(manifest->entries[i].name, GENOPS_STR("outside/"));
}

static int unpack_beside(struct restoring *restoring, const char *archive, struct genops_restored *restored, struct genops_error *err)
{
	const struct genops_backup_manifest *manifest;
	uint64_t bytes = 0;
	GENOPS_TRY(open_beside(restoring, err));
	struct genops_backup_unpack *unpack = genops_backup_unpack_new(restoring->fd, err);
	int code = unpack ? read_archive(archive, unpack, err) : GENOPS_NOMEM;
	if (code == GENOPS_OK)
		code = genops_backup_unpack_end(unpack, &manifest, &bytes, err);
	if (code == GENOPS_OK)
		fill(manifest, bytes, restored);
	if (code == GENOPS_OK && syncfs(restoring->fd) != 0) /* names in all its folders */
		code = genops_fail_errno(err, GENOPS_IO, errno, "%.400s", restoring->beside);
	genops_backup_unpack_free(unpack);
	return code;
}

/* --- taking the name --- */

static int take_name(struct restoring *restoring, struct genops_error *err)
{
	char date[32];
	time_t now = (time_t)(genops_clock_unix_ns() / GENOPS_NS_PER_S);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm);
	if (restoring->is_there && !restoring->is_empty) {
		snprintf(restoring->before, sizeof restoring->before, "%s.before-%s", restoring->to, date);
		if (rename(restoring->to, restoring->before) != 0)
			return genops_fail_errno(err, GENOPS_IO, errno, "%.400s cannot be moved aside", restoring->to);
	}
	if (rename(restoring->beside, restoring->to) == 0)
		return genops_write_names(restoring->parent) ? GENOPS_OK
			: genops_fail_errno(err, GENOPS_IO, errno, "%.400s is restored, but a power failure may undo it", restoring->to);
	int code = genops_fail_errno(err, GENOPS_IO, errno, "%.400s cannot be replaced", restoring->to);
	if (restoring->before[0])
		(void)rename(restoring->before, restoring->to);
	return code;
}

int genops_backup_restore(const char *archive, const char *to, bool is_forced, struct genops_restored *ret_restored, struct genops_error *err)
{
	struct restoring restoring = {.fd = -1};
	struct genops_restored restored = {0};
	int code = look(&restoring, to, is_forced, err);
	if (code == GENOPS_OK) {
		restored.n_leftovers = remove_left(&restoring);
		code = unpack_beside(&restoring, archive, &restored, err);
		if (code == GENOPS_OK)
			code = take_name(&restoring, err);
	}
	if (restoring.fd >= 0) {
		if (code != GENOPS_OK)
			genops_backup_folder_forget(restoring.beside, DEPTH);
		close(restoring.fd);
	}
	genops_drain_lock_release(restoring.lock);
	if (code != GENOPS_OK)
		return code;
	snprintf(restored.to, sizeof restored.to, "%.511s", restoring.to);
	snprintf(restored.before, sizeof restored.before, "%.511s", restoring.before);
	*ret_restored = restored;
	return GENOPS_OK;
}
