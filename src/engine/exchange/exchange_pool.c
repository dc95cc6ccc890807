/* SPDX-License-Identifier: Apache-2.0
 * engine/exchange/exchange_pool.c - the memory of exchanges, kept by the engine for the next ones: an exchange that begins
 * finds its first arena block at hand, and warm. Any thread takes and gives back.
 */
#include "engine/exchange/exchange_state.h"

#include <stdlib.h>

#define KEPT_ARENA_MAX ((size_t)64 << 10) /* what a larger request has taken is freed with it */

genops_exchange *genops_exchange_pool_take(genops_engine *engine)
{
	genops_exchange *exchange = genops_pool_take(&engine->free_exchanges);
	if (exchange) {
		struct genops_arena arena = exchange->arena;
		memset(exchange, 0, offsetof(genops_exchange, fault));
		exchange->fault.code = GENOPS_OK;
		exchange->arena = arena;
	} else {
		exchange = calloc(1, sizeof *exchange);
		if (!exchange)
			return NULL;
		genops_arena_init(&exchange->arena, GENOPS_EXCHANGE_ARENA_MAX);
	}
	exchange->engine = engine;
	return exchange;
}

static void free_exchange(genops_exchange *exchange)
{
	genops_arena_done(&exchange->arena);
	free(exchange);
}

void genops_exchange_pool_put(genops_exchange *exchange)
{
	bool is_small = exchange->arena.used <= KEPT_ARENA_MAX;
	genops_arena_reset(&exchange->arena);
	if (!is_small || !genops_pool_put(&exchange->engine->free_exchanges, exchange))
		free_exchange(exchange);
}

void genops_exchange_pool_free(genops_engine *engine)
{
	for (genops_exchange *exchange; (exchange = genops_pool_take(&engine->free_exchanges));)
		free_exchange(exchange);
}
