/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_response.c - the answer half: follow the provider's bytes on their way to the client.
 *
 * The filters stand right behind copy_filter, before chunked, gzip and HTTP/2, so they see what the provider sent. Bytes pass
 * as they are; only what a stream was asked for on behalf of governance is taken out, and a stream that must end gets its
 * last words. Nothing is buffered but the bytes that the exchange itself holds back. The exchange is settled before the last
 * byte goes out: who has an answer and asks again finds its budget as that answer left it, and no death can come between.
 */
#include "ngx_http_genops.h"

static ngx_http_output_header_filter_pt next_header_filter;
static ngx_http_output_body_filter_pt next_body_filter;

/* --- headers --- */

static void add_answer_headers(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx)
{
	struct genops_header headers[4];
	size_t n = genops_exchange_answer_headers(ctx->exchange, headers, 4);
	for (size_t i = 0; i < n; i++)
		(void)ngx_http_genops_add_header(r, headers[i].name, headers[i].value);
}

/* A provider does not speak for us: its x-genops-* are left out. */
static void tell_headers(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx)
{
	for (ngx_list_part_t *part = &r->headers_out.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (headers[i].key.len > 9 && ngx_strncasecmp(headers[i].key.data, (u_char *)"x-genops-", 9) == 0)
				headers[i].hash = 0;
			if (headers[i].hash)
				genops_exchange_response_header(ctx->exchange, ngx_http_genops_view(headers[i].key),
				    ngx_http_genops_view(headers[i].value));
		}
	}
}

static ngx_int_t header_filter(ngx_http_request_t *r)
{
	ngx_http_genops_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_genops_module);
	if (!ctx || !ctx->exchange || r != r->main || !r->upstream || !ctx->is_admitted || ctx->is_tapped)
		return next_header_filter(r);
	if (r->http_version == NGX_HTTP_VERSION_9 && r->http_major) {
		/* nginx takes an answer without a status line for HTTP/0.9 and would pass it on as such, unmetered. */
		r->http_version = r->http_major * 1000 + r->http_minor;
		return NGX_HTTP_BAD_GATEWAY;
	}
	/* u->headers_in.status_n is 0 when nginx itself answers (502, 504): that is no provider's answer. */
	if (!r->upstream->headers_in.status_n)
		return next_header_filter(r);
	ctx->is_tapped = 1;
	bool is_stream = genops_exchange_response_head(ctx->exchange, (int)r->headers_out.status,
	    ngx_http_genops_view(r->headers_out.content_type));
	tell_headers(r, ctx);
	add_answer_headers(r, ctx);
	r->upstream->buffering = 0;
	if (is_stream) {
		/* What is hidden or added changes the length; what passes a stream must not wait for company. */
		ngx_http_clear_content_length(r);
		ngx_http_clear_accept_ranges(r);
	}
	ngx_int_t rc = next_header_filter(r);
	if (r->header_only) { /* 204, 304, the answer to HEAD: no body will come */
		struct genops_tap tap;
		genops_exchange_response_end(ctx->exchange, &tap);
		ctx->is_complete = ctx->is_ended = 1;
	}
	return rc;
}

/* --- body --- */

#define COPY_SIZE 16384 /* proxy_buffer_size: a piece fits */

struct output {
	ngx_http_request_t *r;
	ngx_http_genops_ctx_t *ctx;
	ngx_chain_t *first, **tail;
	ngx_int_t failed;
};

static void append(struct output *out, ngx_buf_t *buffer)
{
	ngx_chain_t *link = buffer ? ngx_alloc_chain_link(out->r->pool) : NULL;
	if (!link) {
		out->failed = 1;
		return;
	}
	link->buf = buffer;
	link->next = NULL;
	*out->tail = link;
	out->tail = &link->next;
}

/* A copy in a buffer of our own, which comes back to ctx->free when it is sent. */
static void append_copy(struct output *out, const char *bytes, size_t len)
{
	if (!len)
		return;
	ngx_chain_t *link = ngx_chain_get_free_buf(out->r->pool, &out->ctx->free);
	if (!link) {
		out->failed = 1;
		return;
	}
	ngx_buf_t *buffer = link->buf;
	if ((size_t)(buffer->end - buffer->start) < len) {
		size_t size = ngx_max(len, COPY_SIZE);
		u_char *memory = ngx_palloc(out->r->pool, size);
		if (!memory) {
			out->failed = 1;
			return;
		}
		ngx_memzero(buffer, sizeof *buffer);
		buffer->start = memory;
		buffer->end = memory + size;
	}
	buffer->pos = buffer->start;
	buffer->last = ngx_cpymem(buffer->pos, bytes, len);
	buffer->tag = (ngx_buf_tag_t)&ngx_http_genops_module;
	buffer->temporary = 1;
	buffer->flush = 1; /* else nginx waits until there are 1460 bytes (postpone_output) */
	link->next = NULL;
	*out->tail = link;
	out->tail = &link->next;
}

/* The provider's buffer may be filled again only when the copies are sent: that is the back-pressure, too. */
static void hold(struct output *out, ngx_buf_t *whole)
{
	ngx_chain_t *link = ngx_alloc_chain_link(out->r->pool);
	if (!link) {
		out->failed = 1;
		return;
	}
	link->buf = whole;
	link->next = out->ctx->held;
	out->ctx->held = link;
}

static void release_held(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx)
{
	for (ngx_chain_t *link = ctx->held, *next; link; link = next) {
		next = link->next;
		link->buf->pos = link->buf->last;
		ngx_free_chain(r->pool, link);
	}
	ctx->held = NULL;
}

static void end_upstream(ngx_http_request_t *r)
{
	ngx_http_upstream_t *u = r->upstream;
	/* Nothing more is read: the connection cannot be used again. */
	u->keepalive = 0;
	u->length = 0;
}

static void settle(ngx_http_genops_ctx_t *ctx)
{
	genops_exchange_finish(ctx->exchange, GENOPS_OUTCOME_OK);
	ctx->exchange = NULL;
}

static void pass_piece(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, ngx_buf_t *whole, struct output *out)
{
	struct genops_tap tap;
	genops_str piece = {(char *)whole->pos, (size_t)(whole->last - whole->pos)};
	genops_exchange_response_body(ctx->exchange, piece, &tap);
	if (!tap.n_hidden && !tap.before.len && !tap.must_end) {
		append(out, whole);
		return;
	}
	size_t at = 0, end = tap.must_end ? tap.end_offset : piece.len;
	append_copy(out, tap.before.ptr, tap.before.len);
	for (size_t i = 0; i < tap.n_hidden; i++) {
		size_t until = ngx_min(tap.hidden[i].offset, end);
		if (until > at)
			append_copy(out, piece.ptr + at, until - at);
		at = tap.hidden[i].offset + tap.hidden[i].len;
	}
	if (end > at)
		append_copy(out, piece.ptr + at, end - at);
	if (tap.must_end) {
		append_copy(out, tap.last.ptr, tap.last.len);
		ctx->is_ended = 1;
		end_upstream(r);
		settle(ctx);
	}
	hold(out, whole);
}

static void pass_end(ngx_http_genops_ctx_t *ctx, struct output *out)
{
	struct genops_tap tap;
	genops_exchange_response_end(ctx->exchange, &tap);
	append_copy(out, tap.before.ptr, tap.before.len);
	append_copy(out, tap.last.ptr, tap.last.len);
	ctx->is_complete = 1;
	settle(ctx);
}

static ngx_buf_t *last_buffer(ngx_http_request_t *r)
{
	ngx_buf_t *buffer = ngx_calloc_buf(r->pool);
	if (buffer) {
		buffer->last_buf = 1;
		buffer->last_in_chain = 1;
		buffer->sync = 1;
	}
	return buffer;
}

/* Did the provider end its answer as it announced, or just go away? nginx sends last_buf in both cases. */
static int is_answer_whole(const ngx_http_request_t *r)
{
	const ngx_http_upstream_t *u = r->upstream;
	if (u->headers_in.chunked)
		return u->length == 0;
	return u->headers_in.content_length_n < 0 || u->length <= 0;
}

/* The API's own end was seen, or there is no more to come. */
static int is_at_end(ngx_http_request_t *r, const ngx_http_genops_ctx_t *ctx, const ngx_chain_t *link, bool is_last)
{
	if (genops_exchange_is_answered(ctx->exchange))
		return 1;
	return is_last ? is_answer_whole(r) : !link->next && r->upstream->length == 0;
}

static void filter(ngx_http_request_t *r, ngx_http_genops_ctx_t *ctx, ngx_chain_t *in, struct output *out)
{
	bool was_ended = ctx->is_ended;
	for (ngx_chain_t *link = in; link; link = link->next) {
		ngx_buf_t *buffer = link->buf;
		bool is_last = buffer->last_buf;
		if (ctx->is_ended) {
			buffer->pos = buffer->last;
			continue;
		}
		if (!ctx->exchange) { /* settled: what may follow the end passes as it is */
			append(out, buffer);
			continue;
		}
		if (ngx_buf_in_memory(buffer) && buffer->last > buffer->pos) {
			buffer->last_buf = 0;
			pass_piece(r, ctx, buffer, out);
		} else if (!is_last) {
			append(out, buffer); /* flush */
		}
		if (!ctx->is_ended && is_at_end(r, ctx, link, is_last))
			pass_end(ctx, out);
		if (is_last || (ctx->is_ended && !was_ended))
			append(out, last_buffer(r));
		was_ended = ctx->is_ended;
	}
}

static ngx_int_t body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
	ngx_http_genops_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_genops_module);
	if (!ctx || !ctx->is_tapped || (!in && !ctx->busy))
		return next_body_filter(r, in);
	struct output out = {.r = r, .ctx = ctx, .tail = &out.first};
	filter(r, ctx, in, &out);
	if (out.failed)
		return NGX_ERROR;
	ngx_int_t rc = next_body_filter(r, out.first);
	ngx_chain_update_chains(r->pool, &ctx->free, &ctx->busy, &out.first, (ngx_buf_tag_t)&ngx_http_genops_module);
	if (!ctx->busy)
		release_held(r, ctx);
	return rc;
}

void ngx_http_genops_install_filters(void)
{
	next_header_filter = ngx_http_top_header_filter;
	ngx_http_top_header_filter = header_filter;
	next_body_filter = ngx_http_top_body_filter;
	ngx_http_top_body_filter = body_filter;
}
