/* SPDX-License-Identifier: Apache-2.0
 * store/counters/counters_seed.c - the seed of all hashes of a state directory, in a file of its own: the ledger keeps hashes, so the
 * seed must outlive a counters file that is rebuilt. 16 hex digits and a newline; written whole by a rename. */
#include "base/str.h"
#include "base/write.h"
#include "store/counters/counters_attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#define FILE_NAME "hash-seed"
#define TEXT_LEN  17

static int fail_write(int errno_value, const char *path, struct genops_error *err)
{
	int code = errno_value == ENOSPC || errno_value == EDQUOT || errno_value == EFBIG ? GENOPS_FULL : GENOPS_IO;
	return genops_fail_errno(err, code, errno_value, "%s cannot be written", path);
}

static int write_whole(int fd, const char *text, size_t len)
{
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return errno;
	if ((size_t)n != len)
		return ENOSPC;
	return fsync(fd) ? errno : 0;
}

static int store(const char *state_dir, const char *path, uint64_t seed, struct genops_error *err)
{
	char fresh[4200], text[TEXT_LEN + 1];
	snprintf(fresh, sizeof fresh, "%s.new", path);
	snprintf(text, sizeof text, "%016llx\n", (unsigned long long)seed);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_write(errno, fresh, err);
	int failure = write_whole(fd, text, TEXT_LEN);
	close(fd);
	if (!failure && rename(fresh, path) != 0)
		failure = errno;
	if (failure) {
		unlink(fresh);
		return fail_write(failure, path, err);
	}
	(void)genops_write_names(state_dir); /* lost only by a power failure within seconds of the first start */
	return GENOPS_OK;
}

static int parse(const char *path, const char *text, ssize_t len, uint64_t *ret_seed, struct genops_error *err)
{
	uint8_t bytes[8];
	if (len != TEXT_LEN || text[16] != '\n' || !genops_str_from_hex((genops_str){text, 16}, bytes, sizeof bytes))
		return genops_fail_fix(err, GENOPS_CORRUPT, "restore it from a backup of the state directory",
		    "%s is not 16 hex digits and a newline", path);
	uint64_t seed = 0;
	for (size_t i = 0; i < sizeof bytes; i++)
		seed = seed << 8 | bytes[i];
	*ret_seed = seed;
	return GENOPS_OK;
}

int genops_counters_seed_load(const char *state_dir, uint64_t known, uint64_t *ret_seed, struct genops_error *err)
{
	char path[4160], text[TEXT_LEN + 1];
	if ((size_t)snprintf(path, sizeof path, "%s/" FILE_NAME, state_dir) >= sizeof path)
		return genops_fail(err, GENOPS_LIMIT, "the path of the state directory is too long");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		ssize_t n = read(fd, text, sizeof text);
		close(fd);
		return parse(path, text, n, ret_seed, err);
	}
	if (errno != ENOENT)
		return genops_fail_errno(err, GENOPS_IO, errno, "%s cannot be read", path);
	uint64_t seed = known;
	if (!seed && getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return genops_fail_errno(err, GENOPS_IO, errno, "the system gives no random bytes");
	GENOPS_TRY(store(state_dir, path, seed, err));
	*ret_seed = seed;
	return GENOPS_OK;
}
