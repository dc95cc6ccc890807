/* SPDX-License-Identifier: Apache-2.0
 * store/state_file.c - see state_file.h. Written aside, synced, renamed. */
#include "store/state_file.h"

#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(struct genops_error *err, const char *path, const char *what)
{
	int code = errno == ENOSPC || errno == EDQUOT ? GENOPS_FULL : GENOPS_IO;
	return genops_fail_errno(err, code, errno, "%.400s cannot be %s", path, what);
}

int genops_state_file_write(const char *state_dir, const char *name, genops_str bytes, struct genops_error *err)
{
	char path[PATH_MAX], aside[PATH_MAX + 32];
	if (snprintf(path, sizeof path, "%s/%s", state_dir, name) >= (int)sizeof path)
		return genops_fail(err, GENOPS_IO, "the state directory's path is too long");
	snprintf(aside, sizeof aside, "%s.%ld", path, (long)getpid());
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(err, aside, "opened");
	bool is_written = genops_write_all(fd, bytes) && fsync(fd) == 0;
	int code = is_written ? GENOPS_OK : fail(err, aside, "written");
	close(fd);
	if (code == GENOPS_OK && rename(aside, path) != 0)
		code = fail(err, path, "replaced");
	if (code == GENOPS_OK)
		(void)genops_write_names(state_dir);
	else
		(void)unlink(aside);
	return code;
}

int genops_state_file_read(
    const char *state_dir, const char *name, size_t max, struct genops_buffer *out, struct genops_error *err)
{
	char path[PATH_MAX];
	genops_buffer_init(out, max);
	if (snprintf(path, sizeof path, "%s/%s", state_dir, name) >= (int)sizeof path)
		return genops_fail(err, GENOPS_IO, "the state directory's path is too long");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return genops_fail(err, GENOPS_NOT_FOUND, "%.400s is not there", path);
	if (fd < 0)
		return fail(err, path, "opened");
	int code = GENOPS_OK;
	for (;;) {
		char piece[16384];
		ssize_t n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			code = fail(err, path, "read");
		if (n <= 0)
			break;
		genops_buffer_add(out, (genops_str){piece, (size_t)n});
	}
	close(fd);
	if (code == GENOPS_OK && out->error)
		code = genops_fail(err, out->error, "%.400s does not fit into memory", path);
	return code;
}

int genops_state_file_lock(const char *state_dir, const char *name, int *ret_fd, struct genops_error *err)
{
	char path[PATH_MAX];
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (snprintf(path, sizeof path, "%s/%s", state_dir, name) >= (int)sizeof path)
		return genops_fail(err, GENOPS_IO, "the state directory's path is too long");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(err, path, "opened");
	if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
		*ret_fd = fd;
		return GENOPS_OK;
	}
	int code = errno == EAGAIN || errno == EACCES ? genops_fail(err, GENOPS_BUSY, "another process works on it (%.400s)", path)
						      : fail(err, path, "locked");
	close(fd);
	return code;
}

void genops_state_file_unlock(int fd)
{
	close(fd);
}
