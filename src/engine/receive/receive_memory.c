/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_memory.c - max_memory_per_worker, and the processor memory_limiter, as far as receivers go.
 *
 * What the latter bounds: the bytes that were received by anybody and are not drained yet (they lie in mapped segments) and this process's own
 * memory, without what it maps of files. Looked at every check_interval; in between, what this process appends is counted.
 */
#include "engine/receive/receive.h"

#include "base/clock.h"
#include "base/resident.h"

#include <malloc.h>

#define WORKER_EVERY_NS (100 * GENOPS_NS_PER_MS)
#define LARGE           (1 << 20)
#define REQUEST_TIMES   2 /* a body, and what is made of it */

/* glibc keeps what threads free for later: the end of their heaps, which malloc_trim leaves alone, and after the first large piece also pieces
 * as large as that. A process that must not have more than so much gives large ones back at once. */
static void keep_less(void)
{
	static _Atomic bool is_done;
	if (!atomic_exchange(&is_done, true)) {
		mallopt(M_MMAP_THRESHOLD, LARGE);
		mallopt(M_TRIM_THRESHOLD, LARGE);
	}
}

/* A worker that has four fifths of what it may have takes nothing more until it has less. */
static uint64_t worker_memory(genops_engine *engine, uint64_t bound)
{
	keep_less();
	int64_t now_ns = genops_clock_monotonic_ns(), seen_at = atomic_load(&engine->worker_memory_at_ns);
	if ((!seen_at || now_ns - seen_at >= WORKER_EVERY_NS) && atomic_compare_exchange_strong(&engine->worker_memory_at_ns, &seen_at, now_ns)) {
		uint64_t bytes = genops_resident_bytes(0);
		if (bytes > bound) {
			malloc_trim(0);
			bytes = genops_resident_bytes(0);
		}
		atomic_store(&engine->worker_memory_seen, bytes);
		/* Without what requests have just now: no request is refused for good because of another. One at a time comes here. */
		uint64_t taken = atomic_load(&engine->worker_memory_taken), idle = bytes > taken ? bytes - taken : 1;
		uint64_t least = atomic_load(&engine->worker_memory_least);
		if (!least || idle < least)
			atomic_store(&engine->worker_memory_least, idle);
	}
	return atomic_load(&engine->worker_memory_seen);
}

int genops_receive_memory_begin(struct genops_receiver_request *request, size_t len, struct genops_error *err)
{
	genops_engine *engine = request->engine;
	uint64_t max = request->receiver ? (uint64_t)request->receiver->worker_memory : 0, bound = max / 5 * 4;
	if (!max)
		return GENOPS_OK;
	uint64_t used = worker_memory(engine, bound);
	if (atomic_fetch_add(&engine->worker_memory_taken, REQUEST_TIMES * len) + REQUEST_TIMES * len + used <= bound) {
		request->n_memory_taken = REQUEST_TIMES * len;
		return GENOPS_OK;
	}
	atomic_fetch_sub(&engine->worker_memory_taken, REQUEST_TIMES * len);
	uint64_t least = atomic_load(&engine->worker_memory_least);
	if (least <= bound && REQUEST_TIMES * len > bound - least)
		return genops_fail_fix(err, GENOPS_LIMIT, "raise max_memory_per_worker of performance_settings, or send smaller requests",
		    "the request of %zu bytes, counted %d times, never fits into what a worker may take: four fifths of max_memory_per_worker of "
		    "performance_settings (%llu MiB), less the %llu MiB that it has in use anyway",
		    len, REQUEST_TIMES, (unsigned long long)(max >> 20), (unsigned long long)(least >> 20));
	return genops_fail_fix(err, GENOPS_FULL, "raise max_memory_per_worker of performance_settings, or send less at once",
	    "this worker has %llu MiB in use, and takes no more than four fifths of max_memory_per_worker (%llu MiB)",
	    (unsigned long long)(used >> 20), (unsigned long long)(max >> 20));
}

void genops_receive_memory_end(struct genops_receiver_request *request)
{
	atomic_fetch_sub(&request->engine->worker_memory_taken, request->n_memory_taken);
	request->n_memory_taken = 0;
}

int genops_receive_memory(struct genops_receiver_request *request, size_t len, struct genops_error *err)
{
	const struct genops_processor_memory_limiter *limiter = request->receiver->memory;
	genops_engine *engine = request->engine;
	if (!limiter)
		return GENOPS_OK;
	keep_less();
	int64_t now_ns = genops_clock_monotonic_ns(), seen_at = atomic_load(&engine->memory_at_ns);
	if ((!seen_at || now_ns - seen_at >= limiter->check_interval_ns) &&
	    atomic_compare_exchange_strong(&engine->memory_at_ns, &seen_at, now_ns)) {
		atomic_store(&engine->memory_seen, genops_resident_bytes(0));
		atomic_store(&engine->segment_bytes_seen, genops_segment_bytes(engine->state_dir));
		atomic_store(&engine->segment_bytes_since, len);
	}
	uint64_t waiting = atomic_load(&engine->segment_bytes_seen) + atomic_load(&engine->segment_bytes_since);
	uint64_t used = waiting + atomic_load(&engine->memory_seen);
	if (used <= limiter->soft_limit_bytes)
		return GENOPS_OK;
	genops_counters_ask_drain(engine->counters); /* what waits is in the sum */
	return genops_fail_fix(err, GENOPS_FULL, "raise limit_mib of memory_limiter, or send less",
	    "memory_limiter: %llu MiB are in use, and from %llu MiB on nothing is received", (unsigned long long)(used >> 20),
	    (unsigned long long)(limiter->soft_limit_bytes >> 20));
}
