/* SPDX-License-Identifier: Apache-2.0
 * store/fork.c - see fork.h. */
#include "store/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#define GUARDED_MAX 64

static atomic_int guarded[GUARDED_MAX]; /* fd + 1; 0: free */
static atomic_uint generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
	for (size_t i = 0; i < GUARDED_MAX; i++) {
		int fd = atomic_exchange(&guarded[i], 0) - 1;
		if (fd >= 0)
			close(fd);
	}
	atomic_fetch_add(&generation, 1);
}

static void install(void)
{
	/* Fails only without memory; then children inherit, as they would without it. */
	(void)pthread_atfork(NULL, NULL, in_child);
}

unsigned genops_fork_generation(void)
{
	return atomic_load_explicit(&generation, memory_order_relaxed);
}

void genops_fork_guard(int fd)
{
	pthread_once(&once, install);
	for (size_t i = 0; i < GUARDED_MAX; i++) {
		int expected = 0;
		if (atomic_compare_exchange_strong(&guarded[i], &expected, fd + 1))
			return;
	}
}

void genops_fork_unguard(int fd)
{
	for (size_t i = 0; i < GUARDED_MAX; i++) {
		int expected = fd + 1;
		if (atomic_compare_exchange_strong(&guarded[i], &expected, 0))
			return;
	}
}
