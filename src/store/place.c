/* SPDX-License-Identifier: Apache-2.0
 * store/place.c - see place.h. The lock is one of the open file description, as in drain_lock.c. */
#include "store/place.h"

#include "base/hash.h"
#include "base/write.h"
#include "store/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PLACE_MAGIC UINT64_C(0x31434c50534f4e47) /* "GNOSPLC1" */

struct genops_place {
	int lock_fd, ask_fd;
	unsigned generation;
	char path[PATH_MAX], aside[PATH_MAX + 8];
};

struct head {
	uint64_t magic, len, checksum;
};

static int path_of(const char *state_dir, const char *name, const char *ending, char out[PATH_MAX], struct genops_error *err)
{
	if (snprintf(out, PATH_MAX, "%s/%s.%s", state_dir, name, ending) >= PATH_MAX)
		return genops_fail(err, GENOPS_CONFIG, "the state directory's path is too long");
	return GENOPS_OK;
}

static int open_file(const char *path, int *ret_fd, struct genops_error *err)
{
	*ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*ret_fd < 0)
		return genops_fail_errno(err, errno == ENOSPC ? GENOPS_FULL : GENOPS_IO, errno, "%s cannot be opened", path);
	return GENOPS_OK;
}

static int take_lock(struct genops_place *place, const char *name, struct genops_error *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(place->lock_fd, F_OFD_SETLK, &whole) == 0)
		return GENOPS_OK;
	if (errno == EAGAIN || errno == EACCES)
		return genops_fail(err, GENOPS_BUSY, "another process has %s.lock", name);
	return genops_fail_errno(err, GENOPS_IO, errno, "%s.lock cannot be locked", name);
}

static int open_files(struct genops_place *place, const char *state_dir, const char *name, struct genops_error *err)
{
	char lock[PATH_MAX], ask[PATH_MAX];
	GENOPS_TRY(path_of(state_dir, name, "lock", lock, err));
	GENOPS_TRY(path_of(state_dir, name, "ask", ask, err));
	GENOPS_TRY(path_of(state_dir, name, "place", place->path, err));
	snprintf(place->aside, sizeof place->aside, "%s.new", place->path);
	GENOPS_TRY(open_file(lock, &place->lock_fd, err));
	GENOPS_TRY(take_lock(place, name, err));
	return open_file(ask, &place->ask_fd, err);
}

int genops_place_open(
    const char *state_dir, const char *name, struct genops_place **ret_place, struct genops_error *err)
{
	struct genops_place *place = calloc(1, sizeof *place);
	if (!place)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a place");
	place->lock_fd = place->ask_fd = -1;
	int code = open_files(place, state_dir, name, err);
	if (code != GENOPS_OK) {
		if (place->lock_fd >= 0)
			close(place->lock_fd);
		free(place);
		return code;
	}
	genops_fork_guard(place->lock_fd);
	place->generation = genops_fork_generation();
	*ret_place = place;
	return GENOPS_OK;
}

void genops_place_close(struct genops_place *place)
{
	if (!place)
		return;
	/* In a forked child the lock was closed by the fork. */
	if (place->generation == genops_fork_generation()) {
		genops_fork_unguard(place->lock_fd);
		close(place->lock_fd);
	}
	close(place->ask_fd);
	free(place);
}

int genops_place_save(
    struct genops_place *place, const void *bytes, size_t len, bool is_synced, struct genops_error *err)
{
	struct head head = {PLACE_MAGIC, len, genops_hash_checksum(bytes, len, len)};
	int fd = open(place->aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool is_written = fd >= 0 && genops_write_all(fd, (genops_str){(const char *)&head, sizeof head}) &&
			  genops_write_all(fd, (genops_str){bytes, len}) &&
			  (!is_synced || fdatasync(fd) == 0);
	int failure = errno;
	if (fd >= 0)
		close(fd);
	if (is_written && rename(place->aside, place->path) == 0)
		return GENOPS_OK;
	failure = is_written ? errno : failure;
	return genops_fail_errno(err, failure == ENOSPC || failure == EDQUOT ? GENOPS_FULL : GENOPS_IO, failure,
	    "%s cannot be written", place->path);
}

static struct genops_place_asking read_asking(int fd)
{
	struct genops_place_asking asking = {0};
	if (pread(fd, &asking, sizeof asking, 0) != sizeof asking)
		return (struct genops_place_asking){0};
	return asking;
}

struct genops_place_asking genops_place_asked(const struct genops_place *place)
{
	return read_asking(place->ask_fd);
}

static int read_place(int fd, const char *name, void *out, size_t len, struct genops_error *err)
{
	struct head head;
	char bytes[GENOPS_PLACE_MAX];
	if (len > sizeof bytes || pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head || head.magic != PLACE_MAGIC ||
	    head.len != len || pread(fd, bytes, len, sizeof head) != (ssize_t)len ||
	    head.checksum != genops_hash_checksum(bytes, len, len))
		return genops_fail(err, GENOPS_CORRUPT, "%s.place cannot be read", name);
	memcpy(out, bytes, len);
	return GENOPS_OK;
}

int genops_place_load(const char *state_dir, const char *name, void *out, size_t len, struct genops_error *err)
{
	char path[PATH_MAX];
	GENOPS_TRY(path_of(state_dir, name, "place", path, err));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return genops_fail_errno(err, errno == ENOENT ? GENOPS_NOT_FOUND : GENOPS_IO, errno, "%s", path);
	int code = read_place(fd, name, out, len, err);
	close(fd);
	return code;
}

int genops_place_ask(const char *state_dir, const char *name, int64_t target, struct genops_error *err)
{
	char path[PATH_MAX];
	int fd;
	GENOPS_TRY(path_of(state_dir, name, "ask", path, err));
	GENOPS_TRY(open_file(path, &fd, err));
	/* Two who ask at once ask for much the same; whoever waits asks again. */
	struct genops_place_asking asking = read_asking(fd);
	asking.target = asking.target > target ? asking.target : target;
	asking.ticket++;
	bool is_asked = pwrite(fd, &asking, sizeof asking, 0) == sizeof asking;
	int failure = errno;
	close(fd);
	return is_asked ? GENOPS_OK : genops_fail_errno(err, GENOPS_IO, failure, "%s cannot be written", path);
}
