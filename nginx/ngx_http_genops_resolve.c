/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_resolve.c - an upstream whose host name is resolved while nginx runs.
 *
 *   upstream genops_openai { genops_resolve api.openai.com:443 30s; keepalive 64; }
 *
 * nginx 1.22 resolves an upstream's server once, at start, and does not start without DNS. Here addresses that are numbers are
 * known at once; names are asked for by a thread of their own (getaddrinfo, so hosts, nsswitch and search domains
 * count), all at start, then every `ttl` while they are used. Requests copy the addresses under a lock. A request whose
 * provider has none yet is held back a moment (ngx_http_genops_is_resolved). When DNS fails, the last addresses go on. Must
 * stand before `keepalive`, which wraps it. TLS sessions are kept per upstream.
 */
#include "ngx_http_genops.h"

#include <netdb.h>

#define ADDRESSES_MAX 8
#define RETRY_S       1
#define THREAD_STACK  ((size_t)256 * 1024)

typedef struct {
	ngx_str_t group;                /* "genops_openai" */
	ngx_str_t host, name;           /* host NUL-terminated; name: "host:port" for logs */
	char port[8];
	time_t ttl;
	ngx_uint_t is_number;           /* never asked for again */
	pthread_mutex_t lock;           /* below */
	pthread_cond_t wake;
	ngx_uint_t n, has_failed, is_used, must_stop;
	struct sockaddr_storage addresses[ADDRESSES_MAX];
	socklen_t lengths[ADDRESSES_MAX];
	/* the worker's thread only */
	ngx_uint_t turn;
	ngx_ssl_session_t *session;
} ngx_http_genops_upstream_t;

typedef struct {
	struct sockaddr_storage sockaddr;
	socklen_t len;
} address_t;

typedef struct {
	ngx_http_genops_upstream_t *upstream;
	ngx_uint_t n, at;
	address_t addresses[];
} peer_data_t;

static ngx_array_t *running; /* upstreams with a thread; NULL: none */

/* --- resolving --- */

static int ask(const ngx_http_genops_upstream_t *upstream, int flags, struct addrinfo **ret_list)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
	return getaddrinfo((char *)upstream->host.data, upstream->port, &hints, ret_list);
}

static void keep(ngx_http_genops_upstream_t *upstream, const struct addrinfo *list)
{
	upstream->n = 0;
	for (; list && upstream->n < ADDRESSES_MAX; list = list->ai_next) {
		if (list->ai_addrlen > sizeof upstream->addresses[0])
			continue;
		ngx_memcpy(&upstream->addresses[upstream->n], list->ai_addr, list->ai_addrlen);
		upstream->lengths[upstream->n++] = list->ai_addrlen;
	}
}

static void resolve(ngx_http_genops_upstream_t *upstream)
{
	struct addrinfo *list = NULL;
	int failure = ask(upstream, AI_ADDRCONFIG, &list);
	if (failure) /* AI_ADDRCONFIG does not see loopback: a host that has nothing else still reaches itself */
		failure = ask(upstream, 0, &list);
	pthread_mutex_lock(&upstream->lock);
	upstream->has_failed = failure != 0;
	if (!failure)
		keep(upstream, list);
	pthread_mutex_unlock(&upstream->lock);
	if (!failure)
		freeaddrinfo(list);
}

static void *run(void *arg)
{
	ngx_http_genops_upstream_t *upstream = arg;
	struct timespec until;
	pthread_mutex_lock(&upstream->lock);
	while (!upstream->must_stop) {
		upstream->is_used = 0;
		pthread_mutex_unlock(&upstream->lock);
		resolve(upstream);
		pthread_mutex_lock(&upstream->lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += upstream->has_failed ? RETRY_S : upstream->ttl;
		/* Sleeps on while nobody uses the name: no look-ups for providers that are only configured. */
		while (!upstream->must_stop &&
		       (pthread_cond_timedwait(&upstream->wake, &upstream->lock, &until) == 0 || !upstream->is_used)) {
			if (upstream->is_used)
				continue;
			pthread_cond_wait(&upstream->wake, &upstream->lock);
		}
	}
	pthread_mutex_unlock(&upstream->lock);
	return NULL;
}

ngx_int_t ngx_http_genops_resolver_start(ngx_cycle_t *cycle, ngx_http_genops_main_conf_t *main_conf)
{
	ngx_http_genops_upstream_t **upstreams = main_conf->resolved.elts;
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	/* A look-up that hangs must not hold up the worker's exit: the threads end with the process. */
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (ngx_uint_t i = 0; i < main_conf->resolved.nelts; i++) {
		pthread_t thread;
		int failure = upstreams[i]->is_number ? 0 : pthread_create(&thread, &attributes, run, upstreams[i]);
		if (failure)
			ngx_log_error(NGX_LOG_ALERT, cycle->log, failure, "genops: no thread to resolve %V", &upstreams[i]->name);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	running = &main_conf->resolved;
	return NGX_OK;
}

void ngx_http_genops_resolver_stop(void)
{
	ngx_http_genops_upstream_t **upstreams = running ? running->elts : NULL;
	for (ngx_uint_t i = 0; running && i < running->nelts; i++) {
		pthread_mutex_lock(&upstreams[i]->lock);
		upstreams[i]->must_stop = 1;
		pthread_cond_signal(&upstreams[i]->wake);
		pthread_mutex_unlock(&upstreams[i]->lock);
	}
	running = NULL;
}

ngx_int_t ngx_http_genops_is_resolved(ngx_http_genops_main_conf_t *conf, genops_str provider)
{
	static const char prefix[] = "genops_";
	ngx_http_genops_upstream_t **upstreams = conf->resolved.elts;
	for (ngx_uint_t i = 0; i < conf->resolved.nelts; i++) {
		ngx_http_genops_upstream_t *upstream = upstreams[i];
		if (upstream->group.len != sizeof prefix - 1 + provider.len ||
		    ngx_strncmp(upstream->group.data + sizeof prefix - 1, provider.ptr, provider.len) != 0)
			continue;
		if (upstream->is_number)
			return 1;
		pthread_mutex_lock(&upstream->lock);
		ngx_int_t is_resolved = upstream->n > 0;
		if (!upstream->is_used) {
			upstream->is_used = 1;
			pthread_cond_signal(&upstream->wake);
		}
		pthread_mutex_unlock(&upstream->lock);
		return is_resolved;
	}
	return 1; /* an upstream of the user's own */
}

/* --- peers --- */

static ngx_int_t get_peer(ngx_peer_connection_t *pc, void *data)
{
	peer_data_t *peers = data;
	if (!peers->n)
		return NGX_BUSY; /* 502 at once: the name is not resolved yet */
	ngx_uint_t i = peers->at++ % peers->n;
	pc->sockaddr = (struct sockaddr *)&peers->addresses[i].sockaddr;
	pc->socklen = peers->addresses[i].len;
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
	pthread_mutex_lock(&upstream->lock);
	peer_data_t *peers = ngx_palloc(r->pool, sizeof *peers + upstream->n * sizeof peers->addresses[0]);
	if (!peers) {
		pthread_mutex_unlock(&upstream->lock);
		return NGX_ERROR;
	}
	peers->upstream = upstream;
	peers->n = upstream->n;
	for (ngx_uint_t i = 0; i < peers->n; i++) {
		peers->addresses[i].len = upstream->lengths[i];
		ngx_memcpy(&peers->addresses[i].sockaddr, &upstream->addresses[i], upstream->lengths[i]);
	}
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
	if (!upstream || !placeholder || !place || pthread_mutex_init(&upstream->lock, NULL) ||
	    pthread_cond_init(&upstream->wake, NULL))
		return NGX_CONF_ERROR;
	ngx_memzero(placeholder, sizeof *placeholder); /* nginx wants to see a server in the block */
	upstream->group = us->host;
	upstream->ttl = 30;
	if (cf->args->nelts > 2) {
		upstream->ttl = ngx_parse_time(&arguments[2], 1);
		if (upstream->ttl == (time_t)NGX_ERROR || upstream->ttl < 1)
			return "has a bad time";
	}
	char *rc = split_address(cf, arguments[1], upstream);
	if (rc != NGX_CONF_OK)
		return rc;
	struct addrinfo *list = NULL;
	if (ask(upstream, AI_NUMERICHOST, &list) == 0) {
		keep(upstream, list);
		upstream->is_number = 1;
		freeaddrinfo(list);
	}
	*place = upstream;
	us->peer.init_upstream = init_upstream;
	us->peer.data = upstream;
	us->flags |= NGX_HTTP_UPSTREAM_CREATE;
	return NGX_CONF_OK;
}
