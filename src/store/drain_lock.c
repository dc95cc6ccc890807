/* SPDX-License-Identifier: Apache-2.0
 * store/drain_lock.c - see drain_lock.h. A lock of the open file description: the kernel gives it back when its process dies,
 * whatever killed it, and a second engine of the same process does not get it either. */
#include "store/drain_lock.h"

#include "store/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct genops_drain_lock {
	int fd;
	unsigned generation;
};

static int fail_busy(int fd, struct genops_error *err)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	text[n > 0 ? strspn(text, "0123456789") : 0] = '\0';
	return genops_fail_fix(err, GENOPS_BUSY,
	    "nothing to do: it takes care of this process's records too",
	    "process %s drains this state directory", text[0] ? text : "(unknown)");
}

static int lock_file(int fd, struct genops_error *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
		/* Only for messages: nobody decides anything by it. */
		char text[24];
		int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
		if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) < 0)
			errno = 0;
		return GENOPS_OK;
	}
	if (errno == EAGAIN || errno == EACCES)
		return fail_busy(fd, err);
	return genops_fail_errno(err, GENOPS_IO, errno, "drain.lock cannot be locked");
}

int genops_drain_lock_try(
    const char *state_dir, struct genops_drain_lock **ret_lock, struct genops_error *err)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/drain.lock", state_dir) >= (int)sizeof path)
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	struct genops_drain_lock *lock = malloc(sizeof *lock);
	if (!lock)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the drain's lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int code = fd < 0 ? genops_fail_errno(err, errno == ENOSPC ? GENOPS_FULL : GENOPS_IO, errno,
				"%s cannot be opened", path)
			  : lock_file(fd, err);
	if (code != GENOPS_OK) {
		if (fd >= 0)
			close(fd);
		free(lock);
		return code;
	}
	genops_fork_guard(fd);
	*lock = (struct genops_drain_lock){fd, genops_fork_generation()};
	*ret_lock = lock;
	return GENOPS_OK;
}

void genops_drain_lock_release(struct genops_drain_lock *lock)
{
	if (!lock)
		return;
	/* In a forked child the descriptor was closed by the fork. */
	if (lock->generation == genops_fork_generation()) {
		genops_fork_unguard(lock->fd);
		close(lock->fd);
	}
	free(lock);
}
