/* SPDX-License-Identifier: Apache-2.0
 * store/state_dir.c - see state_dir.h. Checks go through a descriptor, so that what was checked
 * is what is used. */
#include "store/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CIFS_MAGIC UINT32_C(0xff534d42)
#define SMB2_MAGIC UINT32_C(0xfe534d42)

static int fail_make(const char *path, int error, struct genops_error *err)
{
	if (error == ENOSPC || error == EDQUOT)
		return genops_fail_fix(err, GENOPS_FULL,
		    "free some space, or choose another disk with --state",
		    "no space to make the state directory %s", path);
	if (error == EACCES || error == EPERM || error == EROFS)
		return genops_fail_fix(err, GENOPS_DENIED,
		    "choose a directory you may write to: --state DIR or GENOPS_STATE_DIR",
		    "the state directory %s cannot be made: %s", path, strerror(error));
	if (error == ENOTDIR)
		return genops_fail_fix(err, GENOPS_CONFIG, "choose another path with --state DIR",
		    "the state directory %s cannot be made: a part of the path is a file", path);
	return genops_fail_errno(
	    err, GENOPS_IO, error, "the state directory %s cannot be made", path);
}

/* mkdir -p with mode 0700, whatever the umask. */
static int make_path(const char *path, struct genops_error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	/* Names are appended to it everywhere: leave them room. */
	if (!len || len > PATH_MAX - 128)
		return genops_fail_fix(err, GENOPS_CONFIG, "choose a shorter path with --state DIR",
		    "the state directory's path is %s", len ? "too long" : "empty");
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (part[i] != '/' && part[i])
			continue;
		char kept = part[i];
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST &&
		    !(errno == EROFS && access(part, F_OK) == 0))
			return fail_make(path, errno, err);
		part[i] = kept;
	}
	return GENOPS_OK;
}

static bool is_empty(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	if (!dir) {
		if (again >= 0)
			close(again);
		return false;
	}
	bool is_empty = true;
	for (struct dirent *entry; is_empty && (entry = readdir(dir));)
		is_empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(dir);
	return is_empty;
}

static int check_owner(int fd, const char *path, struct genops_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return genops_fail_errno(
		    err, GENOPS_IO, errno, "the state directory %s cannot be examined", path);
	if (st.st_uid != geteuid())
		return genops_fail_fix(err, GENOPS_DENIED,
		    "run as its owner, or use a directory of your own, for example one inside it, with --state",
		    "the state directory %s belongs to user %u, but this is user %u", path,
		    (unsigned)st.st_uid, (unsigned)geteuid());
	/* A fresh directory (mkdir, a new volume) is made private; one with content may be
	 * something else's. */
	if ((st.st_mode & 077) && !(is_empty(fd) && fchmod(fd, 0700) == 0)) {
		char fix[256];
		snprintf(fix, sizeof fix, "chmod 700 %s", path);
		return genops_fail_fix(err, GENOPS_DENIED, fix,
		    "the state directory %s is open to other users (mode %03o): it holds your operations",
		    path, (unsigned)st.st_mode & 0777);
	}
	return GENOPS_OK;
}

/* Locks and shared mappings have to hold for every process that attaches; over a network they do
 * not. */
static int check_file_system(int fd, const char *path, struct genops_error *err)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) != 0)
		return genops_fail_errno(
		    err, GENOPS_IO, errno, "the state directory %s cannot be examined", path);
	uint32_t type = (uint32_t)fs.f_type;
	if (type == NFS_SUPER_MAGIC || type == SMB_SUPER_MAGIC || type == CIFS_MAGIC ||
	    type == SMB2_MAGIC)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED,
		    "use a local directory, or share state between hosts with state: postgresql://...",
		    "the state directory %s is on a network file system", path);
	return GENOPS_OK;
}

static int make_folder(int fd, const char *path, const char *name, struct genops_error *err)
{
	struct stat st;
	if (mkdirat(fd, name, 0700) != 0 && errno != EEXIST)
		return fail_make(path, errno, err);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
		return genops_fail_fix(err, GENOPS_CONFIG,
		    "move it away, or choose another directory with --state",
		    "%s/%s is not a directory", path, name);
	return GENOPS_OK;
}

static int check(int fd, const char *path, struct genops_error *err)
{
	GENOPS_TRY(check_owner(fd, path, err));
	GENOPS_TRY(check_file_system(fd, path, err));
	GENOPS_TRY(make_folder(fd, path, "segments", err));
	return make_folder(fd, path, "queue", err);
}

int genops_state_dir_open(const char *path, struct genops_error *err)
{
	GENOPS_TRY(make_path(path, err));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_make(path, errno, err);
	int code = check(fd, path, err);
	close(fd);
	return code;
}

int genops_state_dir_space(const char *path, uint64_t need_bytes, struct genops_error *err)
{
	struct statvfs fs;
	if (statvfs(path, &fs) != 0)
		return genops_fail_errno(
		    err, GENOPS_IO, errno, "the state directory %s cannot be examined", path);
	uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left < need_bytes)
		return genops_fail_fix(err, GENOPS_FULL,
		    "free some space, or choose another disk with --state",
		    "the file system of %s has %llu MiB left; GenOps wants %llu MiB", path,
		    (unsigned long long)(left >> 20), (unsigned long long)(need_bytes >> 20));
	return GENOPS_OK;
}
