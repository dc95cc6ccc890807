/* SPDX-License-Identifier: Apache-2.0
 * base/pool.c - see pool.h. */
#include "base/pool.h"

#include <stddef.h>

#define LINE 8 /* slots as long as a cache line */

static _Thread_local unsigned own_number; /* of the thread, from 1; 0: not given yet */
static atomic_uint n_threads;

static size_t first_slot(void)
{
	if (!own_number)
		own_number = 1 + atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed);
	return (size_t)own_number * LINE % GENOPS_POOL_SIZE;
}

void *genops_pool_take(struct genops_pool *pool)
{
	size_t first = first_slot();
	for (size_t i = 0; i < GENOPS_POOL_SIZE; i++) {
		void *_Atomic *slot = &pool->slots[(first + i) % GENOPS_POOL_SIZE];
		/* Looked at before it is exchanged, so that empty slots cost no bus lock. */
		if (!atomic_load_explicit(slot, memory_order_relaxed))
			continue;
		void *item = atomic_exchange_explicit(slot, NULL, memory_order_acquire);
		if (item)
			return item;
	}
	return NULL;
}

bool genops_pool_put(struct genops_pool *pool, void *item)
{
	size_t first = first_slot();
	for (size_t i = 0; i < GENOPS_POOL_SIZE; i++) {
		void *_Atomic *slot = &pool->slots[(first + i) % GENOPS_POOL_SIZE];
		void *expected = NULL;
		if (!atomic_load_explicit(slot, memory_order_relaxed) &&
		    atomic_compare_exchange_strong_explicit(
			slot, &expected, item, memory_order_release, memory_order_relaxed))
			return true;
	}
	return false;
}
