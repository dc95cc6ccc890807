/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_memory.c - the processor memory_limiter, as far as receivers go.
 *
 * What it bounds: the bytes that were received by anybody and are not drained yet (they lie in mapped segments) and this process's own
 * memory, without what it maps of files. Looked at every check_interval; in between, what this process appends is counted.
 */
#include "engine/receive/receive.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Resident pages less those of files; 0: not known. */
static uint64_t own_memory(void)
{
	char text[128];
	unsigned long long total, resident, shared;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
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

int genops_receive_memory(struct genops_receiver_request *request, size_t len, struct genops_error *err)
{
	const struct genops_processor_memory_limiter *limiter = request->receiver->memory;
	genops_engine *engine = request->engine;
	if (!limiter)
		return GENOPS_OK;
	int64_t now_ns = genops_clock_monotonic_ns(), seen_at = atomic_load(&engine->memory_at_ns);
	if ((!seen_at || now_ns - seen_at >= limiter->check_interval_ns) &&
	    atomic_compare_exchange_strong(&engine->memory_at_ns, &seen_at, now_ns)) {
		atomic_store(&engine->memory_seen, own_memory());
		atomic_store(&engine->segment_bytes_seen, genops_segment_bytes(engine->state_dir));
		atomic_store(&engine->segment_bytes_since, len);
	}
	uint64_t waiting = atomic_load(&engine->segment_bytes_seen) + atomic_load(&engine->segment_bytes_since);
	uint64_t used = waiting + atomic_load(&engine->memory_seen);
	if (used <= limiter->soft_limit_bytes)
		return GENOPS_OK;
	return genops_fail_fix(err, GENOPS_FULL, "raise limit_mib of memory_limiter, or send less",
	    "memory_limiter: %llu MiB are in use, and from %llu MiB on nothing is received", (unsigned long long)(used >> 20),
	    (unsigned long long)(limiter->soft_limit_bytes >> 20));
}
