/* SPDX-License-Identifier: Apache-2.0
 * base/write.c - see write.h. */
#include "base/write.h"

#include <errno.h>
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
