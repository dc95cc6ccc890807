/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_receiver.c - OTLP in: HTTP's side of a received request (genops/receiver.h).
 *
 *   location / { genops_receive "otlp" http; }                               or grpc, in a server that listens with http2
 *   location = /genops-error { internal; genops_receive "otlp" http error; } for error_page: nginx's own refusals in OTLP's words
 *
 * What is small is done on the worker's own thread, where it costs no switch; what is large, inflates or lies in a file goes to the
 * thread pool, so that nobody waits for it. An answer is sent only when the engine says that all of it is in the log.
 */
#include "ngx_http_genops.h"

#include <genops/receiver.h>
#include <ngx_thread_pool.h>

typedef struct {
	ngx_http_request_t *request;
	genops_receiver_request *received;
	genops_str body;
	ngx_fd_t file;           /* NGX_INVALID_FILE: the body is in memory */
	unsigned has_failed:1;   /* could not be read */
	struct genops_receiver_answer answer;
} task_t;

/* --- answers --- */

static ngx_int_t add_trailer(ngx_http_request_t *r, const struct genops_header *from)
{
	ngx_table_elt_t *trailer = ngx_list_push(&r->headers_out.trailers);
	if (!trailer)
		return NGX_ERROR;
	trailer->hash = 1;
	trailer->key.data = trailer->lowcase_key = (u_char *)from->name.ptr;
	trailer->key.len = from->name.len;
	trailer->value.data = (u_char *)from->value.ptr;
	trailer->value.len = from->value.len;
	return NGX_OK;
}

static ngx_int_t add_headers(ngx_http_request_t *r, const struct genops_receiver_answer *answer)
{
	ngx_int_t rc = NGX_OK;
	for (size_t i = 0; i < answer->n_headers && rc == NGX_OK; i++)
		rc = ngx_http_genops_add_header(r, answer->headers[i].name, answer->headers[i].value);
	for (size_t i = 0; i < answer->n_trailers && rc == NGX_OK; i++)
		rc = answer->body.len ? add_trailer(r, &answer->trailers[i])
				      : ngx_http_genops_add_header(r, answer->trailers[i].name, answer->trailers[i].value);
	return rc;
}

/* Views of the answer live as long as the request's pool. */
static ngx_int_t send_answer(ngx_http_request_t *r, const struct genops_receiver_answer *answer)
{
	ngx_buf_t *buffer = ngx_calloc_buf(r->pool);
	if (!buffer || add_headers(r, answer) != NGX_OK)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	r->err_status = 0;
	r->headers_out.status = (ngx_uint_t)answer->status;
	r->headers_out.content_type.data = (u_char *)answer->content_type.ptr;
	r->headers_out.content_type.len = r->headers_out.content_type_len = answer->content_type.len;
	/* With a length some clients stop before the trailers. */
	r->headers_out.content_length_n = answer->n_trailers ? -1 : (off_t)answer->body.len;
	r->expect_trailers = answer->n_trailers && answer->body.len;
	if (!answer->body.len)
		r->header_only = 1;
	ngx_int_t rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	buffer->pos = (u_char *)answer->body.ptr;
	buffer->last = buffer->pos + answer->body.len;
	buffer->memory = 1;
	buffer->last_buf = r == r->main;
	buffer->last_in_chain = 1;
	ngx_chain_t out = {.buf = buffer};
	return ngx_http_output_filter(r, &out);
}

/* Before there is an engine to ask. */
static ngx_int_t send_unable(ngx_http_request_t *r, ngx_int_t is_grpc)
{
	static const struct genops_receiver_answer http = {
	    .status = 503,
	    .content_type = {"application/json", 16},
	    .body = {"{\"code\":14,\"message\":\"GenOps cannot take telemetry now: its log says why\"}", 74},
	    .n_headers = 1,
	    .headers = {{{"retry-after", 11}, {"2", 1}}},
	};
	static const struct genops_receiver_answer grpc = {
	    .status = 200,
	    .content_type = {"application/grpc", 16},
	    .n_trailers = 2,
	    .trailers = {{{"grpc-status", 11}, {"14", 2}}, {{"grpc-message", 12}, {"GenOps cannot take telemetry now: its log says why", 50}}},
	};
	ngx_int_t rc = ngx_http_discard_request_body(r);
	return rc == NGX_OK ? send_answer(r, is_grpc ? &grpc : &http) : rc;
}

/* --- the request --- */

static void end_request(void *data)
{
	genops_receiver_free(data);
}

/* The module's context is an exchange's (its filters look at it): here the pool remembers. */
static genops_receiver_request *find_received(const ngx_http_request_t *r)
{
	for (ngx_pool_cleanup_t *cleanup = r->pool->cleanup; cleanup; cleanup = cleanup->next) {
		if (cleanup->handler == end_request)
			return cleanup->data;
	}
	return NULL;
}

static ngx_int_t is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	switch (address->sa_family) {
	case AF_INET:
		return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
	default:
		return address->sa_family == AF_UNIX;
	}
}

/* Who comes from the very address that he came to is here, too. */
ngx_int_t ngx_http_genops_is_local(ngx_connection_t *c)
{
	return is_loopback(c->sockaddr) ||
	       (ngx_connection_local_sockaddr(c, NULL, 0) == NGX_OK &&
		   ngx_cmp_sockaddr(c->sockaddr, c->socklen, c->local_sockaddr, c->local_socklen, 0) == NGX_OK);
}

static genops_receiver_request *begin(ngx_http_request_t *r, genops_engine *engine, const ngx_http_genops_loc_conf_t *location)
{
	struct genops_error err;
	struct genops_receiver_source source = {
	    .receiver = ngx_http_genops_view(location->receiver),
	    .is_grpc = location->is_grpc,
	    .is_local = ngx_http_genops_is_local(r->connection),
	    .method = ngx_http_genops_view(r->method_name),
	    .target = ngx_http_genops_view(r->unparsed_uri),
	};
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, 0);
	genops_receiver_request *received = cleanup ? genops_receiver_new(engine, &source, &err) : NULL;
	if (!received)
		return NULL;
	cleanup->handler = end_request;
	cleanup->data = received;
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++)
			genops_receiver_header(received, ngx_http_genops_view(headers[i].key), ngx_http_genops_view(headers[i].value));
	}
	return received;
}

/* --- the body --- */

static void run_task(void *data, ngx_log_t *log)
{
	task_t *task = data;
	char *bytes = NULL;
	if (task->file != NGX_INVALID_FILE) {
		size_t at = 0;
		bytes = malloc(task->body.len + 1);
		while (bytes && at < task->body.len) {
			ssize_t n = pread(task->file, bytes + at, task->body.len - at, (off_t)at);
			if (n <= 0 && !(n < 0 && errno == EINTR))
				break;
			at += n > 0 ? (size_t)n : 0;
		}
		task->has_failed = !bytes || at < task->body.len;
		task->body.ptr = bytes;
	}
	if (!task->has_failed)
		(void)genops_receiver_body(task->received, task->body, true, &task->answer);
	free(bytes);
}

static void finish_task(ngx_event_t *event)
{
	task_t *task = event->data;
	ngx_http_request_t *r = task->request;
	ngx_connection_t *c = r->connection;
	ngx_http_set_log_request(c->log, r);
	if (!ngx_http_genops_task_is_done(event))
		return;
	r->main->blocked--;
	r->aio = 0;
	if (task->has_failed)
		genops_receiver_refuse(task->received, 503, "the request could not be read", &task->answer);
	ngx_http_finalize_request(r, send_answer(r, &task->answer));
	ngx_http_run_posted_requests(c);
}

static ngx_int_t post_task(ngx_http_request_t *r, const task_t *from)
{
	static ngx_str_t pool_name = ngx_string("default");
	ngx_thread_pool_t *pool = ngx_thread_pool_get((ngx_cycle_t *)ngx_cycle, &pool_name);
	ngx_thread_task_t *task = ngx_thread_task_alloc(r->pool, sizeof(task_t));
	if (!pool || !task)
		return NGX_ERROR;
	*(task_t *)task->ctx = *from;
	task->handler = run_task;
	task->event.handler = finish_task;
	task->event.data = task->ctx;
	task->event.log = r->connection->log;
	if (ngx_thread_task_post(pool, task) != NGX_OK)
		return NGX_ERROR;
	/* Keeps the request alive until finish_task, whatever the client does. */
	r->main->blocked++;
	r->aio = 1;
	ngx_http_genops_task_keeps_worker(&task->event);
	return NGX_OK;
}

/* The body as one piece, or the file that it is in. */
static ngx_int_t gather(ngx_http_request_t *r, task_t *task)
{
	ngx_chain_t *first = r->request_body ? r->request_body->bufs : NULL;
	size_t size = 0;
	for (ngx_chain_t *link = first; link; link = link->next) {
		size += (size_t)ngx_buf_size(link->buf);
		if (link->buf->in_file && (link != first || link->next || link->buf->file_pos))
			return NGX_ERROR; /* nginx writes all of it to the file, or nothing */
	}
	task->body = (genops_str){NULL, size};
	if (!size)
		return NGX_OK;
	if (first->buf->in_file) {
		task->file = first->buf->file->fd;
		return NGX_OK;
	}
	if (!first->next) {
		task->body.ptr = (char *)first->buf->pos;
		return NGX_OK;
	}
	u_char *copy = ngx_palloc(r->pool, size), *at = copy;
	if (!copy)
		return NGX_ERROR;
	for (ngx_chain_t *link = first; link; link = link->next)
		if (ngx_buf_size(link->buf) > 0) /* an empty one may have no memory at all */
			at = ngx_cpymem(at, link->buf->pos, link->buf->last - link->buf->pos);
	task->body.ptr = (char *)copy;
	return NGX_OK;
}

static void on_body(ngx_http_request_t *r)
{
	task_t task = {.request = r, .received = find_received(r), .file = NGX_INVALID_FILE};
	enum genops_receiver_step step = GENOPS_RECEIVER_LARGE;
	ngx_int_t rc = gather(r, &task);
	if (rc == NGX_OK && task.file == NGX_INVALID_FILE)
		step = genops_receiver_body(task.received, task.body, false, &task.answer);
	if (rc == NGX_OK && step == GENOPS_RECEIVER_LARGE) {
		rc = post_task(r, &task);
		if (rc == NGX_OK)
			return;
	}
	if (rc != NGX_OK)
		genops_receiver_refuse(task.received, 503, "too much is being received at once", &task.answer);
	ngx_http_finalize_request(r, send_answer(r, &task.answer));
}

/* --- handlers --- */

static ngx_int_t receive(ngx_http_request_t *r)
{
	ngx_http_genops_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_genops_module);
	ngx_http_genops_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_genops_module);
	struct genops_receiver_answer answer;
	genops_receiver_request *received = conf->engine ? begin(r, conf->engine, location) : NULL;
	if (!received)
		return send_unable(r, location->is_grpc);
	if (genops_receiver_head(received, &answer) == GENOPS_RECEIVER_ANSWERED) {
		ngx_int_t rc = ngx_http_discard_request_body(r);
		return rc == NGX_OK ? send_answer(r, &answer) : rc;
	}
	r->request_body_in_single_buf = 1;
	ngx_int_t rc = ngx_http_genops_read_body(r, on_body);
	return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

/* nginx's own refusal. */
static ngx_int_t answer_error(ngx_http_request_t *r)
{
	static const struct {
		ngx_uint_t status, as;
		const char *message;
	} rows[] = {
	    {400, 400, "the request is not well formed HTTP"},
	    {403, 403, "this address may not send to this receiver"},
	    {404, 404, "there is no such path"},
	    {413, 413, "the request is larger than this receiver takes"},
	    {414, 414, "the request target is too long"},
	    {429, 429, "more requests a second than one address may send to this receiver"},
	    {431, 431, "the request headers are too large"},
	    {494, 431, "the request headers are too large"},
	    {495, 400, "the client's certificate is not one of this receiver's"},
	    {496, 400, "no client certificate was sent, and this receiver asks for one"},
	    {497, 400, "this port speaks TLS"},
	    {503, 503, "the receiver is overloaded"},
	};
	ngx_http_genops_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_genops_module);
	ngx_http_genops_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_genops_module);
	struct genops_receiver_answer answer;
	const char *message = "the request could not be served";
	ngx_uint_t status = r->err_status ? r->err_status : NGX_HTTP_INTERNAL_SERVER_ERROR;
	genops_receiver_request *received = conf->engine ? begin(r, conf->engine, location) : NULL;
	if (!received)
		return send_unable(r, location->is_grpc);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].status != status)
			continue;
		message = rows[i].message;
		status = rows[i].as;
		break;
	}
	if (ngx_http_genops_is_cut_short(r))
		message = NGX_HTTP_GENOPS_STOPPING;
	genops_receiver_refuse(received, (int)status, message, &answer);
	return send_answer(r, &answer);
}

char *ngx_http_genops_receive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	static ngx_str_t pool_name = ngx_string("default");
	ngx_http_core_loc_conf_t *location = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
	ngx_http_genops_loc_conf_t *own = conf;
	ngx_str_t *arguments = cf->args->elts;
	if (!ngx_thread_pool_add(cf, &pool_name))
		return NGX_CONF_ERROR;
	own->receiver = arguments[1];
	own->is_grpc = ngx_strcmp(arguments[2].data, "grpc") == 0;
	if (!own->is_grpc && ngx_strcmp(arguments[2].data, "http") != 0)
		return "wants http or grpc";
	if (cf->args->nelts > 3 && ngx_strcmp(arguments[3].data, "error") != 0)
		return "wants error, or nothing";
	location->handler = cf->args->nelts > 3 ? answer_error : receive;
	return NGX_CONF_OK;
}
