/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_request.c - the request half: read the whole body, let the engine decide, rewrite or refuse.
 *
 * Runs in the access phase, twice: the first time it reads the body and answers NGX_DONE, the second time (the decision is
 * made, a delay is over) it lets the request go on to proxy_pass. The exchange ends with the request's pool, so it
 * settles on every way out: success, error, time-out, a client that went away.
 */
#include "ngx_http_genops.h"

#define FILE_PIECE        65536
#define ADDRESS_WAIT_NS   10000000
#define ADDRESS_WAITS_MAX 500 /* 5 s for a provider's first look-up; then 502 */

/* --- answers of our own --- */

ngx_int_t ngx_http_genops_add_header(ngx_http_request_t *r, genops_str name, genops_str value)
{
	ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);
	u_char *copy = ngx_pnalloc(r->pool, name.len + value.len);
	if (!header || !copy)
		return NGX_ERROR;
	ngx_memcpy(copy, name.ptr, name.len);
	ngx_memcpy(copy + name.len, value.ptr, value.len);
	header->hash = 1;
	header->key.data = copy;
	header->key.len = name.len;
	header->lowcase_key = copy;
	header->value.data = copy + name.len;
	header->value.len = value.len;
	return NGX_OK;
}

ngx_int_t ngx_http_genops_send_refusal(ngx_http_request_t *r, const struct genops_refusal *refusal,
    const struct genops_header *extra, size_t n_extra)
{
	u_char *body = ngx_pnalloc(r->pool, refusal->body.len + 1);
	ngx_buf_t *buffer = ngx_calloc_buf(r->pool);
	if (!body || !buffer)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ngx_memcpy(body, refusal->body.ptr, refusal->body.len);
	r->headers_out.status = (ngx_uint_t)refusal->status;
	r->headers_out.content_length_n = (off_t)refusal->body.len;
	r->headers_out.content_type.data = (u_char *)"application/json";
	r->headers_out.content_type.len = sizeof("application/json") - 1;
	r->headers_out.content_type_len = r->headers_out.content_type.len;
	for (size_t i = 0; i < refusal->n_headers; i++)
		(void)ngx_http_genops_add_header(r, refusal->headers[i].name, refusal->headers[i].value);
	for (size_t i = 0; i < n_extra; i++)
		(void)ngx_http_genops_add_header(r, extra[i].name, extra[i].value);
	ngx_int_t rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	buffer->pos = body;
	buffer->last = body + refusal->body.len;
	buffer->memory = 1;
	buffer->last_buf = r == r->main;
	buffer->last_in_chain = 1;
	ngx_chain_t out = {.buf = buffer};
	return ngx_http_output_filter(r, &out);
}

static void refuse(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, const struct genops_refusal *refusal)
{
	struct genops_header extra[4];
	size_t n = genops_exchange_answer_headers(ctx->exchange, extra, 4);
	ctx->is_refused = 1;
	ngx_http_finalize_request(r, ngx_http_genops_send_refusal(r, refusal, extra, n));
}

static void refuse_because(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, int status, const char *message)
{
	struct genops_refusal refusal;
	genops_exchange_refuse(ctx->exchange, status, message, &refusal);
	refuse(r, ctx, &refusal);
}

/* --- the exchange's life --- */

static enum genops_outcome outcome_of(const ngx_http_genops_ctx_t *ctx)
{
	const ngx_http_request_t *r = ctx->request;
	const ngx_http_upstream_t *u = r->upstream;
	if (!u || !ctx->is_admitted)
		return GENOPS_OUTCOME_NOT_SENT;
	if (ctx->is_complete)
		return GENOPS_OUTCOME_OK;
	if (!u->request_body_sent && !ctx->is_tapped)
		return GENOPS_OUTCOME_NOT_SENT; /* half a request is none */
	if (r->connection->error || r->connection->timedout || r->headers_out.status == NGX_HTTP_CLIENT_CLOSED_REQUEST)
		return GENOPS_OUTCOME_CANCELLED;
	return ctx->is_tapped ? GENOPS_OUTCOME_OK : GENOPS_OUTCOME_PROVIDER_ERROR;
}

static void end_exchange(void *data)
{
	ngx_http_genops_ctx_t *ctx = data;
	if (ctx->delay.timer_set)
		ngx_del_timer(&ctx->delay);
	genops_exchange_finish(ctx->exchange, outcome_of(ctx));
	ctx->exchange = NULL;
}

/* After an internal redirect (error_page) nginx has forgotten the context, the pool's clean-up has not. */
ngx_http_genops_ctx_t *ngx_http_genops_find_ctx(ngx_http_request_t *r)
{
	for (ngx_pool_cleanup_t *cleanup = r->pool->cleanup; cleanup; cleanup = cleanup->next) {
		if (cleanup->handler == end_exchange)
			return cleanup->data;
	}
	return NULL;
}

static ngx_int_t read_headers(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, struct genops_error *err)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (genops_exchange_header(ctx->exchange, ngx_http_genops_view(headers[i].key),
				ngx_http_genops_view(headers[i].value), err) != GENOPS_OK)
				return NGX_ERROR;
		}
	}
	return NGX_OK;
}

/* NGX_OK, or the status to end with. */
static ngx_int_t begin(ngx_http_request_t *r, genops_engine *engine)
{
	struct genops_error err;
	ngx_http_genops_ctx_t *ctx = ngx_pcalloc(r->pool, sizeof *ctx);
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, 0);
	if (!ctx || !cleanup)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ctx->request = r;
	if (genops_exchange_new(engine, ngx_http_genops_view(r->method_name), ngx_http_genops_view(r->unparsed_uri),
		&ctx->exchange, &err) != GENOPS_OK) {
		ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "genops: %s", err.message);
		return err.code == GENOPS_LIMIT ? NGX_HTTP_REQUEST_URI_TOO_LARGE : NGX_HTTP_INTERNAL_SERVER_ERROR;
	}
	cleanup->handler = end_exchange;
	cleanup->data = ctx;
	ngx_http_set_ctx(r, ctx, ngx_http_genops_module);
	return read_headers(r, ctx, &err) == NGX_OK ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

/* --- the body --- */

static ngx_int_t feed_file(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, ngx_buf_t *buffer)
{
	struct genops_error err;
	u_char *piece = ngx_palloc(r->pool, FILE_PIECE);
	if (!piece)
		return NGX_ERROR;
	for (off_t at = buffer->file_pos; at < buffer->file_last;) {
		size_t size = (size_t)ngx_min((off_t)FILE_PIECE, buffer->file_last - at);
		ssize_t n = ngx_read_file(buffer->file, piece, size, at);
		if (n <= 0 ||
		    genops_exchange_body(ctx->exchange, (genops_str){(char *)piece, (size_t)n}, &err) != GENOPS_OK)
			return NGX_ERROR;
		at += n;
	}
	return NGX_OK;
}

static ngx_int_t feed_body(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx)
{
	struct genops_error err;
	for (ngx_chain_t *link = r->request_body ? r->request_body->bufs : NULL; link; link = link->next) {
		ngx_buf_t *buffer = link->buf;
		if (!ngx_buf_in_memory(buffer) && buffer->in_file) {
			if (feed_file(r, ctx, buffer) != NGX_OK)
				return NGX_ERROR;
		} else {
			genops_str piece = {(char *)buffer->pos, (size_t)(buffer->last - buffer->pos)};
			if (genops_exchange_body(ctx->exchange, piece, &err) != GENOPS_OK)
				return NGX_ERROR;
		}
	}
	return NGX_OK;
}

/* A copy of `from` that covers bytes [start, start + len) of it. */
static ngx_chain_t *slice(ngx_pool_t *pool, ngx_buf_t *from, off_t start, off_t len)
{
	ngx_chain_t *link = ngx_alloc_chain_link(pool);
	ngx_buf_t *buffer = ngx_alloc_buf(pool);
	if (!link || !buffer)
		return NULL;
	*buffer = *from;
	if (!ngx_buf_in_memory(from)) {
		buffer->file_pos = from->file_pos + start;
		buffer->file_last = buffer->file_pos + len;
	} else {
		buffer->pos = from->pos + start;
		buffer->last = buffer->pos + len;
		buffer->in_file = 0;
	}
	link->buf = buffer;
	link->next = NULL;
	return link;
}

static ngx_chain_t *insertion(ngx_pool_t *pool, genops_str text)
{
	ngx_chain_t *link = ngx_alloc_chain_link(pool);
	ngx_buf_t *buffer = ngx_calloc_buf(pool);
	u_char *copy = ngx_pnalloc(pool, text.len);
	if (!link || !buffer || !copy)
		return NULL;
	ngx_memcpy(copy, text.ptr, text.len);
	buffer->pos = buffer->start = copy;
	buffer->last = buffer->end = copy + text.len;
	buffer->memory = 1;
	link->buf = buffer;
	link->next = NULL;
	return link;
}

static ngx_int_t apply_edits(ngx_http_request_t *r, const struct genops_forward *forward)
{
	ngx_chain_t *out = NULL, **tail = &out;
	off_t at = 0, skip = 0;
	size_t edit = 0;
	for (ngx_chain_t *link = r->request_body->bufs; link; link = link->next) {
		off_t size = ngx_buf_size(link->buf), used = 0;
		while (used < size || (edit < forward->n_edits && (off_t)forward->edits[edit].offset == at && !skip)) {
			if (skip) {
				off_t n = ngx_min(skip, size - used);
				used += n, at += n, skip -= n;
				continue;
			}
			off_t until = size - used;
			if (edit < forward->n_edits && (off_t)forward->edits[edit].offset - at < until)
				until = (off_t)forward->edits[edit].offset - at;
			if (until > 0) {
				if (!(*tail = slice(r->pool, link->buf, used, until)))
					return NGX_ERROR;
				tail = &(*tail)->next;
				used += until, at += until;
			}
			if (edit < forward->n_edits && (off_t)forward->edits[edit].offset == at) {
				if (forward->edits[edit].inserted.len) {
					if (!(*tail = insertion(r->pool, forward->edits[edit].inserted)))
						return NGX_ERROR;
					tail = &(*tail)->next;
				}
				skip = (off_t)forward->edits[edit++].removed;
			}
		}
	}
	off_t length = 0;
	for (ngx_chain_t *link = out; link; link = link->next) {
		link->buf->last_buf = link->next == NULL;
		length += ngx_buf_size(link->buf);
	}
	r->request_body->bufs = out;
	r->headers_in.content_length_n = length;
	return NGX_OK;
}

/* --- the headers that go to the provider --- */

static void drop_header(ngx_table_elt_t *header)
{
	/* proxy_pass leaves out headers that proxy_set_header sets empty; serve sets this one. */
	static u_char name[] = "x-genops-removed";
	header->key.data = header->lowcase_key = name;
	header->key.len = sizeof name - 1;
	header->hash = ngx_hash_key(name, sizeof name - 1);
	ngx_str_null(&header->value);
}

/* `name` is in small letters, as all names are that the engine gives. */
static ngx_table_elt_t *find_header(ngx_http_request_t *r, genops_str name)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (headers[i].key.len == name.len && ngx_memcmp(headers[i].lowcase_key, name.ptr, name.len) == 0)
				return &headers[i];
		}
	}
	return NULL;
}

/* A header that came more than once goes out once. */
static void drop_others(ngx_http_request_t *r, const ngx_table_elt_t *kept)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (&headers[i] != kept && headers[i].key.len == kept->key.len &&
			    ngx_memcmp(headers[i].lowcase_key, kept->lowcase_key, kept->key.len) == 0)
				drop_header(&headers[i]);
		}
	}
}

static void drop_our_headers(ngx_http_request_t *r)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (headers[i].key.len > 9 && ngx_strncasecmp(headers[i].key.data, (u_char *)"x-genops-", 9) == 0)
				drop_header(&headers[i]);
		}
	}
}

static ngx_int_t set_header(ngx_http_request_t *r, const struct genops_header *wanted)
{
	ngx_table_elt_t *header = find_header(r, wanted->name);
	if (!wanted->value.len) {
		for (; header; header = find_header(r, wanted->name))
			drop_header(header);
		return NGX_OK;
	}
	if (!header) {
		header = ngx_list_push(&r->headers_in.headers);
		if (!header)
			return NGX_ERROR;
		*header = (ngx_table_elt_t){0};
		header->key.len = wanted->name.len;
		header->key.data = ngx_pnalloc(r->pool, wanted->name.len);
		if (!header->key.data)
			return NGX_ERROR;
		ngx_memcpy(header->key.data, wanted->name.ptr, wanted->name.len);
		header->lowcase_key = header->key.data;
		header->hash = ngx_hash_key(header->key.data, wanted->name.len);
	}
	header->value.len = wanted->value.len;
	header->value.data = ngx_pnalloc(r->pool, wanted->value.len + 1);
	if (!header->value.data)
		return NGX_ERROR;
	ngx_memcpy(header->value.data, wanted->value.ptr, wanted->value.len);
	header->value.data[wanted->value.len] = '\0';
	drop_others(r, header);
	return NGX_OK;
}

static ngx_int_t rewrite(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, const struct genops_forward *forward)
{
	drop_our_headers(r);
	for (size_t i = 0; i < forward->n_headers; i++) {
		if (set_header(r, &forward->headers[i]) != NGX_OK)
			return NGX_ERROR;
	}
	ctx->path.len = forward->path.len;
	ctx->path.data = ngx_pnalloc(r->pool, forward->path.len);
	if (!ctx->path.data)
		return NGX_ERROR;
	ngx_memcpy(ctx->path.data, forward->path.ptr, forward->path.len);
	if (forward->n_edits && r->request_body && r->request_body->bufs)
		return apply_edits(r, forward);
	return NGX_OK;
}

/* --- deciding --- */

static void hold_back(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, int64_t delay_ns);

static void go_on(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx)
{
	ngx_http_genops_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_genops_module);
	if (!ngx_http_genops_is_resolved(conf, ctx->provider) && ctx->n_waits++ < ADDRESS_WAITS_MAX) {
		hold_back(r, ctx, ADDRESS_WAIT_NS);
		return;
	}
	ctx->is_admitted = 1;
	r->preserve_body = 1;
	r->write_event_handler = ngx_http_core_run_phases;
	ngx_http_core_run_phases(r);
}

static void on_delay_over(ngx_event_t *event)
{
	ngx_http_genops_ctx_t *ctx = event->data;
	ngx_connection_t *c = ctx->request->connection;
	ngx_http_set_log_request(c->log, ctx->request);
	go_on(ctx->request, ctx);
	ngx_http_run_posted_requests(c);
}

static void hold_back(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, int64_t delay_ns)
{
	/* A client that gives up while it waits ends the request: it is never sent. */
	r->read_event_handler = ngx_http_test_reading;
	r->write_event_handler = ngx_http_request_empty_handler;
	ctx->delay.handler = on_delay_over;
	ctx->delay.data = ctx;
	ctx->delay.log = r->connection->log;
	ngx_add_timer(&ctx->delay, (ngx_msec_t)((delay_ns + 999999) / 1000000));
	/* It may have left already: the end came with the body, and no event will tell it again. */
	if (r->connection->read->ready) {
		ngx_post_event(r->connection->read, &ngx_posted_events);
	} else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
		ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
	}
}

static void decide(ngx_http_request_t *r)
{
	ngx_http_genops_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_genops_module);
	enum genops_admission admission;
	struct genops_forward forward;
	struct genops_refusal refusal;
	struct genops_error err;
	if (feed_body(r, ctx) != NGX_OK) {
		refuse_because(r, ctx, 500, "GenOps could not read the request body");
		return;
	}
	if (genops_exchange_admit(ctx->exchange, &admission, &forward, &refusal, &err) != GENOPS_OK) {
		ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "genops: %s; %s", err.message, err.fix);
		refuse_because(r, ctx, err.code == GENOPS_FULL || err.code == GENOPS_LIMIT ? 503 : 500, err.message);
		return;
	}
	if (admission == GENOPS_ADMIT_REFUSE) {
		refuse(r, ctx, &refusal);
		return;
	}
	ctx->provider = forward.provider;
	if (rewrite(r, ctx, &forward) != NGX_OK) {
		refuse_because(r, ctx, 500, "GenOps is out of memory");
		return;
	}
	if (forward.delay_ns > 0)
		hold_back(r, ctx, forward.delay_ns);
	else
		go_on(r, ctx);
}

static ngx_int_t answer_unable(ngx_http_request_t *r, const ngx_http_genops_main_conf_t *conf)
{
	static const char body[] = "{\"error\":{\"message\":\"GenOps cannot govern now: the gateway's log says why\","
				   "\"type\":\"api_error\",\"param\":null,\"code\":\"governance_unavailable\"}}";
	struct genops_refusal refusal = {.status = 503, .body = {body, sizeof body - 1}};
	ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "genops: no engine: %s; %s", conf->fault.message, conf->fault.fix);
	ngx_int_t rc = ngx_http_discard_request_body(r);
	if (rc != NGX_OK)
		return rc;
	ngx_http_finalize_request(r, ngx_http_genops_send_refusal(r, &refusal, NULL, 0));
	return NGX_DONE;
}

ngx_int_t ngx_http_genops_access_handler(ngx_http_request_t *r)
{
	ngx_http_genops_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_genops_module);
	ngx_http_genops_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_genops_module);
	if (!location->gateway)
		return NGX_DECLINED;
	if (r != r->main)
		return NGX_HTTP_FORBIDDEN; /* a subrequest (mirror, SSI) would go out ungoverned */
	ngx_http_genops_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_genops_module);
	if (ctx)
		return ctx->is_admitted ? NGX_DECLINED : NGX_DONE;
	if (!conf->engine)
		return answer_unable(r, conf);
	ngx_int_t rc = begin(r, conf->engine);
	if (rc != NGX_OK)
		return rc;
	rc = ngx_http_genops_read_body(r, decide);
	if (rc >= NGX_HTTP_SPECIAL_RESPONSE)
		return rc;
	ngx_http_finalize_request(r, NGX_DONE);
	return NGX_DONE;
}

static ngx_int_t set_variable(ngx_http_variable_value_t *v, const ngx_http_genops_ctx_t *ctx, const u_char *data, size_t len)
{
	v->not_found = !ctx || !ctx->is_admitted;
	v->valid = !v->not_found;
	v->no_cacheable = 1;
	v->data = (u_char *)(uintptr_t)data;
	v->len = (unsigned)len & 0xfffffff;
	return NGX_OK;
}

ngx_int_t ngx_http_genops_path_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	const ngx_http_genops_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_genops_module);
	return set_variable(v, ctx, ctx ? ctx->path.data : NULL, ctx ? ctx->path.len : 0);
}

ngx_int_t ngx_http_genops_provider_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	const ngx_http_genops_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_genops_module);
	return set_variable(v, ctx, ctx ? (const u_char *)ctx->provider.ptr : NULL, ctx ? ctx->provider.len : 0);
}
