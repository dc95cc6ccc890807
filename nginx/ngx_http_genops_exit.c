/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_exit.c - a worker that is to end, after a stop or a reload, waits for calls and not for clients.
 *
 * nginx asks each connection once, when it is told to quit, whether it is idle, and then waits until the last timer of a connection is
 * gone. What became idle a moment later holds the worker until worker_shutdown_timeout: nginx before 1.27.1 never sends GOAWAY on an
 * HTTP/2 connection whose first byte came after that moment, so a client that reconnected meanwhile (as gRPC's do, when another worker
 * has sent them away) is served on and on; a connection on which nothing was ever sent keeps client_header_timeout, as browsers and
 * health checks open them; half a request keeps client_body_timeout. So here it is asked again, until the worker has ended:
 *
 *   a connection of HTTP/2 that began since then      is told to go (GOAWAY); what it has begun is answered
 *   one that has got that and goes on all the same    is closed after QUIET_MS, unless a stream of it runs
 *   one on which no request has begun                 is closed when it was silent for SILENT_MS
 *   half a request                                    is answered 503 when nothing more of it came for QUIET_MS: it may be repeated
 *
 * Whatever is being answered has all of worker_shutdown_timeout; also what is worked at in the thread pool, of which nginx knows nothing.
 *
 * Invariants: nothing happens before nginx has begun to quit. The timer is cancelable, so it keeps no worker alive. One thread, the worker's.
 */
#include "ngx_http_genops.h"

#include <sys/eventfd.h>

#define LOOK_EVERY_MS 100
#define SILENT_MS     2000
#define QUIET_MS      5000
#define TASK_TIMER_MS 60000

/* A request that is half there. It lives in the request's pool. */
typedef struct {
	ngx_queue_t link;
	ngx_http_request_t *request;
	ngx_http_client_body_handler_pt then;
	off_t seen;             /* bytes of it */
	ngx_msec_t since;       /* when the last of them came, as far as was looked */
	unsigned is_cut:1;      /* refused */
} upload_t;

typedef struct {
	ngx_atomic_uint_t number; /* of the connection that had this place; 0: none */
	ngx_msec_t at;
} told_t;

static ngx_queue_t uploads = {&uploads, &uploads};
static ngx_connection_t *bell;     /* idle for nginx, which tells it so when it begins to quit */
static ngx_event_t look_again;
static told_t *told;               /* a place for each of the cycle's connections; NULL: nothing ends */

/* --- the thread pool's work --- */

/* A worker that is to end does so when no timer is left. */
void ngx_http_genops_task_keeps_worker(ngx_event_t *event)
{
	ngx_add_timer(event, TASK_TIMER_MS);
}

ngx_int_t ngx_http_genops_task_is_done(ngx_event_t *event)
{
	if (event->timedout) {
		event->timedout = 0;
		ngx_add_timer(event, TASK_TIMER_MS);
		return 0;
	}
	if (event->timer_set)
		ngx_del_timer(event);
	return 1;
}

/* --- half requests --- */

static void forget_upload(void *data)
{
	upload_t *upload = data;
	ngx_queue_remove(&upload->link);
	ngx_queue_init(&upload->link);
}

static upload_t *find_upload(const ngx_http_request_t *r)
{
	for (ngx_pool_cleanup_t *cleanup = r->pool->cleanup; cleanup; cleanup = cleanup->next) {
		if (cleanup->handler == forget_upload)
			return cleanup->data;
	}
	return NULL;
}

ngx_int_t ngx_http_genops_is_cut_short(ngx_http_request_t *r)
{
	const upload_t *upload = find_upload(r);
	return upload && upload->is_cut;
}

static void on_whole_body(ngx_http_request_t *r)
{
	upload_t *upload = find_upload(r);
	forget_upload(upload);
	upload->then(r);
}

ngx_int_t ngx_http_genops_read_body(ngx_http_request_t *r, ngx_http_client_body_handler_pt then)
{
	ngx_int_t rc = ngx_http_read_client_request_body(r, then);
	ngx_pool_cleanup_t *cleanup = rc == NGX_AGAIN ? ngx_pool_cleanup_add(r->pool, sizeof(upload_t)) : NULL;
	if (!cleanup)
		return rc;
	upload_t *upload = cleanup->data;
	upload->request = r;
	upload->then = then;
	upload->seen = r->request_length;
	upload->since = ngx_current_msec;
	ngx_queue_insert_tail(&uploads, &upload->link);
	cleanup->handler = forget_upload;
	r->request_body->post_handler = on_whole_body;
	return rc;
}

static void refuse_upload(ngx_http_request_t *r)
{
	ngx_connection_t *c = r->connection;
	ngx_http_set_log_request(c->log, r);
	ngx_log_error(NGX_LOG_INFO, c->log, 0, "genops: the worker ends, and nothing more of this request has come");
#if (NGX_HTTP_V2)
	if (r->stream)
		r->stream->skip_data = 1;
#endif
	ngx_http_finalize_request(r, NGX_HTTP_SERVICE_UNAVAILABLE);
	ngx_http_run_posted_requests(c);
}

static void look_at_uploads(void)
{
	ngx_queue_t *next;
	for (ngx_queue_t *at = ngx_queue_head(&uploads); at != ngx_queue_sentinel(&uploads); at = next) {
		upload_t *upload = ngx_queue_data(at, upload_t, link);
		next = ngx_queue_next(at);
		if (upload->seen != upload->request->request_length) {
			upload->seen = upload->request->request_length;
			upload->since = ngx_current_msec;
		} else if (ngx_current_msec - upload->since >= QUIET_MS) {
			forget_upload(upload);
			upload->is_cut = 1;
			refuse_upload(upload->request);
		}
	}
}

/* --- connections --- */

static ngx_int_t is_client(const ngx_connection_t *c)
{
	return c->fd != (ngx_socket_t)-1 && c->read && !c->read->accept && c->listening && ngx_http_genops_is_of_clients(c->listening);
}

/* What nginx has just done, or does next, with those that are idle now. */
static void note_told(ngx_cycle_t *cycle)
{
	for (ngx_uint_t i = 0; i < cycle->connection_n; i++) {
		const ngx_connection_t *c = &cycle->connections[i];
		if (is_client(c) && c->idle)
			told[i] = (told_t){c->number, ngx_current_msec};
	}
}

/* As nginx itself does it: the handler sends GOAWAY, or closes what has nothing left to do. */
static void tell(ngx_connection_t *c, told_t *place)
{
	*place = (told_t){c->number, ngx_current_msec};
	c->close = 1;
	c->read->handler(c->read);
}

/* A client's connection has a read timer only while something of the client's is waited for. */
static void hurry(ngx_connection_t *c)
{
	/* An upload is refused in words first. */
	ngx_msec_t most = c->reusable ? SILENT_MS : QUIET_MS + 1000;
	if (c->read->timer_set && (ngx_msec_int_t)(c->read->timer.key - ngx_current_msec) > (ngx_msec_int_t)(most + NGX_TIMER_LAZY_DELAY))
		ngx_add_timer(c->read, most);
}

static void look_at_connections(ngx_cycle_t *cycle)
{
	for (ngx_uint_t i = 0; i < cycle->connection_n; i++) {
		ngx_connection_t *c = &cycle->connections[i];
		if (!is_client(c))
			continue;
		if (c->idle && (told[i].number != c->number || ngx_current_msec - told[i].at >= QUIET_MS))
			tell(c, &told[i]);
		else
			hurry(c);
	}
}

/* --- the end --- */

static void on_look(ngx_event_t *event)
{
	look_at_uploads();
	look_at_connections((ngx_cycle_t *)ngx_cycle);
	ngx_add_timer(event, LOOK_EVERY_MS);
}

static void on_bell(ngx_event_t *event)
{
	ngx_cycle_t *cycle = (ngx_cycle_t *)ngx_cycle;
	bell->close = 0;
	if (told || !ngx_exiting)
		return;
	told = ngx_calloc(cycle->connection_n * sizeof *told, cycle->log);
	if (!told)
		return; /* then it takes as long as nginx lets it */
	note_told(cycle);
	look_again.handler = on_look;
	look_again.data = bell;
	look_again.log = cycle->log;
	look_again.cancelable = 1;
	ngx_add_timer(&look_again, LOOK_EVERY_MS);
}

void ngx_http_genops_exit_watch(ngx_cycle_t *cycle)
{
	int fd = eventfd(0, EFD_CLOEXEC); /* nobody writes to it: nginx looks only at connections that have one */
	bell = fd >= 0 ? ngx_get_connection(fd, cycle->log) : NULL;
	if (!bell) {
		ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno, "genops: clients that do nothing may hold up this worker's end");
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	bell->idle = 1;
	bell->read->handler = on_bell;
	bell->read->log = bell->write->log = bell->log = cycle->log;
}

void ngx_http_genops_exit_done(void)
{
	if (bell) {
		(void)close(bell->fd);
		ngx_free_connection(bell);
		bell->fd = (ngx_socket_t)-1; /* else nginx reports it as left open */
		bell = NULL;
	}
	ngx_free(told);
	told = NULL;
}
