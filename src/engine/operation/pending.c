/* SPDX-License-Identifier: Apache-2.0
 * engine/operation/pending.c - see pending.h. Any thread adds, upkeep retries. */
#include "engine/operation/pending.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct genops_pending {
	struct genops_pending *next;
	uint32_t lease;
	size_t len;
	char bytes[];
};

void genops_pending_add(genops_engine *engine, uint32_t lease, genops_str encoded)
{
	struct genops_pending *pending = malloc(sizeof *pending + encoded.len);
	/* Without a place for it the lease alone keeps the amount, for the reaper. */
	if (!pending || !encoded.len || atomic_load(&engine->n_pending) >= GENOPS_PENDING_MAX) {
		free(pending);
		return;
	}
	pending->lease = lease;
	pending->len = encoded.len;
	memcpy(pending->bytes, encoded.ptr, encoded.len);
	pthread_mutex_lock(&engine->lock);
	pending->next = engine->pending;
	engine->pending = pending;
	atomic_fetch_add(&engine->n_pending, 1);
	pthread_mutex_unlock(&engine->lock);
}

static struct genops_pending *take(genops_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	struct genops_pending *pending = engine->pending;
	if (pending)
		engine->pending = pending->next;
	pthread_mutex_unlock(&engine->lock);
	return pending;
}

static void put_back(genops_engine *engine, struct genops_pending *pending)
{
	pthread_mutex_lock(&engine->lock);
	pending->next = engine->pending;
	engine->pending = pending;
	pthread_mutex_unlock(&engine->lock);
}

void genops_pending_retry(genops_engine *engine)
{
	struct genops_error err;
	while (atomic_load(&engine->n_pending)) {
		struct genops_pending *pending = take(engine);
		if (!pending)
			return;
		genops_str bytes = {pending->bytes, pending->len};
		if (genops_segment_append(engine->segments, GENOPS_ENTRY_OPERATION, bytes, NULL, &err) != GENOPS_OK) {
			put_back(engine, pending);
			return;
		}
		if (pending->lease != GENOPS_LEASE_NONE)
			genops_counters_free(engine->counters, pending->lease);
		free(pending);
		atomic_fetch_sub(&engine->n_pending, 1);
	}
}

void genops_pending_free(genops_engine *engine)
{
	for (struct genops_pending *pending; (pending = take(engine));)
		free(pending);
	atomic_store(&engine->n_pending, 0);
}
