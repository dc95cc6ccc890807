/* SPDX-License-Identifier: Apache-2.0
 * base/write.c - see write.h. */
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool genops_write_all(int fd, genops_str bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes.ptr += n;
		bytes.len -= (size_t)n;
	}
	return true;
}

bool genops_write_names(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_safe = fsync(fd) == 0;
	int why = errno;
	close(fd);
	errno = why;
	return is_safe;
}
