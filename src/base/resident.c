/* SPDX-License-Identifier: Apache-2.0
 * base/resident.c - see resident.h. Linux tells it in /proc. */
#include "base/resident.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

uint64_t genops_resident_bytes(uint32_t pid)
{
	char text[128], path[64] = "/proc/self/statm";
	unsigned long long total, resident, shared;
	if (pid)
		snprintf(path, sizeof path, "/proc/%u/statm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu %llu", &total, &resident, &shared) != 3 || shared > resident)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
