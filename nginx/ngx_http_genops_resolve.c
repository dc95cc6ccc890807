/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_resolve.c - an upstream whose host name is resolved while nginx runs.
 *
 *   upstream genops_openai { genops_resolve api.openai.com:443 30s; keepalive 64; }
 *
 * nginx 1.22 resolves an upstream's server once, at start, and does not start without DNS. Here a thread asks getaddrinfo (so
 * hosts, nsswitch and search domains count) every `ttl`; requests copy the addresses under a lock. When DNS fails, the
 * last addresses go on. Must stand before `keepalive`, which wraps it. TLS sessions are kept per upstream.
 */
#include "ngx_http_genops.h"

#include <netdb.h>

#define ADDRESSES_MAX 8
#define RETRY_S       1

typedef struct {
	ngx_str_t host, name;           /* host NUL-terminated; name: "host:port" for logs */
	char port[8];
	time_t ttl;
	pthread_mutex_t lock;           /* below */
	ngx_uint_t n;
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	socklen_t lengths[ADDRESSES_MAX];
	time_t next_at;
	/* the worker's thread only */
	ngx_uint_t turn;
	ngx_ssl_session_t *session;
} ngx_http_genops_upstream_t;

typedef struct {
	ngx_http_genops_upstream_t *upstream;
	ngx_uint_t n, at;
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	socklen_t lengths[ADDRESSES_MAX];
} peer_data_t;

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	int is_running, must_stop;
	ngx_array_t *upstreams;
	ngx_log_t *log;
} resolver = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* --- the thread --- */

static void resolve(ngx_http_genops_upstream_t *upstream, time_t now)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
	int failure = getaddrinfo((char *)upstream->host.data, upstream->port, &hints, &list);
	if (failure) {
		/* AI_ADDRCONFIG ignores loopback addresses: a host that has nothing else still reaches itself. */
		hints.ai_flags = 0;
		failure = getaddrinfo((char *)upstream->host.data, upstream->port, &hints, &list);
	}
	pthread_mutex_lock(&upstream->lock);
	upstream->next_at = now + (failure ? RETRY_S : upstream->ttl);
	if (!failure) {
		upstream->n = 0;
		for (struct addrinfo *one = list; one && upstream->n < ADDRESSES_MAX; one = one->ai_next) {
			if (one->ai_addrlen > sizeof upstream->addresses[0])
				continue;
			ngx_memcpy(&upstream->addresses[upstream->n], one->ai_addr, one->ai_addrlen);
			upstream->lengths[upstream->n++] = one->ai_addrlen;
		}
	}
	pthread_mutex_unlock(&upstream->lock);
	if (!failure)
		freeaddrinfo(list);
}

static void *run(void *arg)
{
	struct timespec until;
	pthread_mutex_lock(&resolver.lock);
	while (!resolver.must_stop) {
		pthread_mutex_unlock(&resolver.lock);
		ngx_http_genops_upstream_t **upstreams = resolver.upstreams->elts;
		for (ngx_uint_t i = 0; i < resolver.upstreams->nelts && !resolver.must_stop; i++) {
			time_t now = time(NULL);
			if (upstreams[i]->next_at <= now)
				resolve(upstreams[i], now);
		}
		pthread_mutex_lock(&resolver.lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		if (!resolver.must_stop)
			pthread_cond_timedwait(&resolver.wake, &resolver.lock, &until);
	}
	pthread_mutex_unlock(&resolver.lock);
	return arg;
}

ngx_int_t ngx_http_genops_resolver_start(ngx_cycle_t *cycle, ngx_http_genops_main_conf_t *main_conf)
{
	sigset_t all, before;
	if (!main_conf->resolved.nelts)
		return NGX_OK;
	resolver.upstreams = &main_conf->resolved;
	resolver.log = cycle->log;
	resolver.must_stop = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int failure = pthread_create(&resolver.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	resolver.is_running = !failure;
	if (failure)
		ngx_log_error(NGX_LOG_ALERT, cycle->log, failure, "genops: the resolver's thread cannot be started");
	return NGX_OK;
}

void ngx_http_genops_resolver_stop(void)
{
	if (!resolver.is_running)
		return;
	pthread_mutex_lock(&resolver.lock);
	resolver.must_stop = 1;
	pthread_cond_signal(&resolver.wake);
	pthread_mutex_unlock(&resolver.lock);
	/* A look-up that hangs must not hold up the worker's exit: the thread ends with the process. */
	pthread_detach(resolver.thread);
	resolver.is_running = 0;
}

/* --- peers --- */

static ngx_int_t get_peer(ngx_peer_connection_t *pc, void *data)
{
	peer_data_t *peers = data;
	if (!peers->n)
		return NGX_BUSY; /* 502 at once: the name is not resolved yet */
	ngx_uint_t i = peers->at++ % peers->n;
	pc->sockaddr = (struct sockaddr *)&peers->addresses[i];
	pc->socklen = peers->lengths[i];
	pc->name = &peers->upstream->name;
	pc->cached = 0;
	pc->connection = NULL;
	return NGX_OK;
}

static void free_peer(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
	if (pc->tries)
		pc->tries--;
}

static ngx_int_t set_session(ngx_peer_connection_t *pc, void *data)
{
	peer_data_t *peers = data;
	return ngx_ssl_set_session(pc->connection, peers->upstream->session);
}

static void save_session(ngx_peer_connection_t *pc, void *data)
{
	peer_data_t *peers = data;
	ngx_ssl_session_t *session = ngx_ssl_get_session(pc->connection);
	if (!session)
		return;
	if (peers->upstream->session)
		ngx_ssl_free_session(peers->upstream->session);
	peers->upstream->session = session;
}

static ngx_int_t init_peer(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
	ngx_http_genops_upstream_t *upstream = us->peer.data;
	peer_data_t *peers = ngx_pcalloc(r->pool, sizeof *peers);
	if (!peers)
		return NGX_ERROR;
	peers->upstream = upstream;
	pthread_mutex_lock(&upstream->lock);
	peers->n = upstream->n;
	ngx_memcpy(peers->addresses, upstream->addresses, sizeof peers->addresses);
	ngx_memcpy(peers->lengths, upstream->lengths, sizeof peers->lengths);
	pthread_mutex_unlock(&upstream->lock);
	peers->at = upstream->turn++;
	r->upstream->peer.data = peers;
	r->upstream->peer.get = get_peer;
	r->upstream->peer.free = free_peer;
	r->upstream->peer.tries = peers->n ? peers->n : 1;
	r->upstream->peer.set_session = set_session;
	r->upstream->peer.save_session = save_session;
	return NGX_OK;
}

static ngx_int_t init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *us)
{
	us->peer.init = init_peer;
	return NGX_OK;
}

/* --- the directive --- */

static char *split_address(ngx_conf_t *cf, ngx_str_t address, ngx_http_genops_upstream_t *upstream)
{
	u_char *colon = address.len ? address.data + address.len - 1 : NULL;
	while (colon && colon > address.data && *colon != ':')
		colon--;
	size_t port_len = colon ? (size_t)(address.data + address.len - colon - 1) : 0;
	if (!colon || colon == address.data || !port_len || port_len >= sizeof upstream->port)
		return "wants host:port";
	ngx_str_t host = {(size_t)(colon - address.data), address.data};
	if (host.data[0] == '[' && host.len > 2) {
		host.data++;
		host.len -= 2;
	}
	upstream->host.len = host.len;
	upstream->host.data = ngx_pnalloc(cf->pool, host.len + 1);
	if (!upstream->host.data)
		return NGX_CONF_ERROR;
	*ngx_cpymem(upstream->host.data, host.data, host.len) = '\0';
	ngx_memcpy(upstream->port, colon + 1, port_len);
	upstream->name = address;
	return NGX_CONF_OK;
}

char *ngx_http_genops_resolve(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	ngx_str_t *arguments = cf->args->elts;
	ngx_http_upstream_srv_conf_t *us = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);
	ngx_http_genops_main_conf_t *main_conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_genops_module);
	ngx_http_genops_upstream_t *upstream = ngx_pcalloc(cf->pool, sizeof *upstream);
	ngx_http_upstream_server_t *placeholder = us->servers ? ngx_array_push(us->servers) : NULL;
	ngx_http_genops_upstream_t **place = ngx_array_push(&main_conf->resolved);
	if (!upstream || !placeholder || !place || pthread_mutex_init(&upstream->lock, NULL))
		return NGX_CONF_ERROR;
	ngx_memzero(placeholder, sizeof *placeholder); /* nginx wants to see a server in the block */
	upstream->ttl = 30;
	if (cf->args->nelts > 2) {
		upstream->ttl = ngx_parse_time(&arguments[2], 1);
		if (upstream->ttl == (time_t)NGX_ERROR || upstream->ttl < 1)
			return "has a bad time";
	}
	char *rc = split_address(cf, arguments[1], upstream);
	if (rc != NGX_CONF_OK)
		return rc;
	*place = upstream;
	us->peer.init_upstream = init_upstream;
	us->peer.data = upstream;
	us->flags |= NGX_HTTP_UPSTREAM_CREATE;
	return NGX_CONF_OK;
}
