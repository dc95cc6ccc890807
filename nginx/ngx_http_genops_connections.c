/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_connections.c - genops_connections N: clients that are connected at once, all workers and addresses together.
 *
 * worker_connections cannot say it: it is of one worker, counts connections to providers, and lets the ones above wait where nobody answers
 * them. Here whoever accepts counts, in memory that all workers share, and closes what is one too many at once, so that a client goes
 * elsewhere. The memory outlives a reload, since workers of before still hold connections. What a killed worker held is taken off by the
 * one that gets its place. One thread (each worker's); the counts are atomic.
 */
#include "ngx_http_genops.h"

#define TELL_EVERY_S 10

struct shared {
	ngx_atomic_t n;
	ngx_atomic_t of_process[NGX_MAX_PROCESSES];
};

static struct shared *shared; /* NULL: nobody ever asked for a maximum */
static ngx_uint_t max;        /* this cycle's; 0: none */
static time_t told_at;
static ngx_uint_t n_untold;

static ngx_atomic_t *own(void)
{
	return &shared->of_process[ngx_process_slot];
}

static void forget(void *data)
{
	(void)data;
	(void)ngx_atomic_fetch_add(own(), -1);
	(void)ngx_atomic_fetch_add(&shared->n, -1);
}

static void refuse(ngx_connection_t *c)
{
	n_untold++;
	if (ngx_time() - told_at >= TELL_EVERY_S) {
		ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "genops: %ui connections were closed at once: as many clients as may (%ui) are connected; see network.max_connections of performance_settings",
		    n_untold, max);
		told_at = ngx_time();
		n_untold = 0;
	}
	ngx_http_close_connection(c);
}

static void on_connection(ngx_connection_t *c)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(c->pool, 0);
	if (!cleanup || (ngx_uint_t)ngx_atomic_fetch_add(&shared->n, 1) >= max) {
		if (cleanup)
			(void)ngx_atomic_fetch_add(&shared->n, -1);
		refuse(c);
		return;
	}
	(void)ngx_atomic_fetch_add(own(), 1);
	cleanup->handler = forget;
	ngx_http_init_connection(c);
}

ngx_int_t ngx_http_genops_connections_begin(ngx_cycle_t *cycle, ngx_uint_t wanted)
{
	ngx_listening_t *listening = cycle->listening.elts;
	max = wanted;
	if (!max)
		return NGX_OK;
	if (!shared) {
		ngx_shm_t memory = {.size = sizeof *shared, .log = cycle->log};
		ngx_str_set(&memory.name, "genops_connections");
		if (ngx_shm_alloc(&memory) != NGX_OK)
			return NGX_ERROR;
		shared = (struct shared *)(void *)memory.addr;
	}
	for (ngx_uint_t i = 0; i < cycle->listening.nelts; i++) {
		if (listening[i].handler == ngx_http_init_connection)
			listening[i].handler = on_connection;
	}
	return NGX_OK;
}

ngx_int_t ngx_http_genops_is_of_clients(const ngx_listening_t *listening)
{
	return listening->handler == ngx_http_init_connection || listening->handler == on_connection;
}

/* Of a worker's place: what was counted there and is no more. */
void ngx_http_genops_connections_settle(void)
{
	ngx_atomic_int_t left = shared ? (ngx_atomic_int_t)*own() : 0;
	if (left) {
		(void)ngx_atomic_fetch_add(own(), -left);
		(void)ngx_atomic_fetch_add(&shared->n, -left);
	}
}
