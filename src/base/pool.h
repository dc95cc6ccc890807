/* SPDX-License-Identifier: Apache-2.0
 * base/pool.h - a few things kept to be used again: taken out of a slot by one thread, put back by any.
 *
 * No lock and no list: safe after fork and at thread exit. Each thread begins at slots of its own, so that threads do not
 * write the same cache lines. The pool owns nothing: what finds no free slot, and what is left at the end, is its user's.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>

#define GENOPS_POOL_SIZE 64

struct genops_pool {
	void *_Atomic slots[GENOPS_POOL_SIZE];
};

void *genops_pool_take(struct genops_pool *pool);           /* NULL: none free */
bool genops_pool_put(struct genops_pool *pool, void *item); /* false: full */

#endif
