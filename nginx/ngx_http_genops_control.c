/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_control.c - what the gateway answers itself: control API, metrics, health, readiness, nginx's own errors.
 *
 *   location /api/v1/ { genops_control api; }       location = /metrics { genops_control metrics; }       also: metrics "prometheus"
 *   location = /health { genops_control health; }   location = /ready { genops_control ready; }
 *   location = /genops-error { internal; genops_control error; }      for error_page: 400, 413, 502, 504 in the provider's words
 *
 * The control API reads SQLite, so it runs in nginx's thread pool; the worker's own thread never waits for a disk.
 */
#include "ngx_http_genops.h"

#include <genops/control.h>
#include <genops/simulated.h>
#include <ngx_thread_pool.h>

#define BODY_MAX    (1 << 20)
#define TARGET_SEEN 1024

typedef struct {
	ngx_http_request_t *request;
	genops_engine *engine;
	genops_str method, target, secret, body;
	ngx_int_t is_metrics;
	struct genops_metrics_request metrics;
	struct genops_control_answer answer;
	int code;
} task_t;

static ngx_int_t send_text(ngx_http_request_t *r, ngx_uint_t status, const char *type, const char *text, size_t len)
{
	u_char *copy = ngx_pnalloc(r->pool, len + 1);
	ngx_buf_t *buffer = ngx_calloc_buf(r->pool);
	if (!copy || !buffer)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	ngx_memcpy(copy, text, len);
	r->headers_out.status = status;
	r->headers_out.content_length_n = (off_t)len;
	r->headers_out.content_type.data = (u_char *)type;
	r->headers_out.content_type.len = r->headers_out.content_type_len = ngx_strlen(type);
	ngx_int_t rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	buffer->pos = copy;
	buffer->last = copy + len;
	buffer->memory = len > 0;
	buffer->last_buf = r == r->main;
	buffer->last_in_chain = 1;
	ngx_chain_t out = {.buf = buffer};
	return ngx_http_output_filter(r, &out);
}

static genops_engine *engine_of(ngx_http_request_t *r)
{
	ngx_http_genops_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_genops_module);
	return conf->engine;
}

/* --- small ones --- */

#define JSON "application/json"

static ngx_int_t answer_health(ngx_http_request_t *r)
{
	static const char body[] = "{\"status\":\"ok\"}\n";
	ngx_int_t rc = ngx_http_discard_request_body(r);
	return rc == NGX_OK ? send_text(r, NGX_HTTP_OK, JSON, body, sizeof body - 1) : rc;
}

static ngx_int_t answer_ready(ngx_http_request_t *r)
{
	static const char ready[] = "{\"status\":\"ready\"}\n";
	static const char not_ready[] = "{\"status\":\"not ready\",\"reason\":\"governance cannot be loaded; the log says why\"}\n";
	ngx_int_t rc = ngx_http_discard_request_body(r);
	if (rc != NGX_OK)
		return rc;
	return engine_of(r) ? send_text(r, NGX_HTTP_OK, JSON, ready, sizeof ready - 1)
			    : send_text(r, NGX_HTTP_SERVICE_UNAVAILABLE, JSON, not_ready, sizeof not_ready - 1);
}

/* The engine knows a new configuration a moment before nginx does: a worker of the old one admits calls to a provider
 * that it has no upstream for, and nginx says 500. Nothing was sent and nothing is spent: the client may repeat it. */
static ngx_int_t is_outdated(const ngx_http_genops_ctx_t *failed, ngx_uint_t status)
{
	return status == NGX_HTTP_INTERNAL_SERVER_ERROR && failed && failed->is_admitted && !failed->is_tapped &&
	       !(failed->request->upstream && failed->request->upstream->request_sent);
}

/* nginx's own refusal (body too large, provider unreachable, a request it cannot read), in the provider's words. */
static ngx_int_t answer_error(ngx_http_request_t *r)
{
	static const struct {
		ngx_uint_t status;
		const char *message;
	} texts[] = {
	    {400, "GenOps: the request is not well formed HTTP"},
	    {408, "GenOps: the request did not arrive in time"},
	    {413, "GenOps: the request body is larger than gateway.max_body"},
	    {414, "GenOps: the request target is too long"},
	    {431, "GenOps: the request headers are too large"},
	    {502, "GenOps: the provider cannot be reached"},
	    {503, "GenOps: the gateway is taking up a new configuration; nothing was sent, repeat the request"},
	    {504, "GenOps: the provider did not answer in time (gateway.read_timeout)"},
	};
	const char *message = "GenOps: the request could not be served";
	struct genops_refusal refusal;
	struct genops_header extra[5];
	struct genops_error err;
	genops_exchange *exchange = NULL;
	ngx_http_genops_ctx_t *failed = ngx_http_genops_find_ctx(r);
	ngx_uint_t status = r->err_status ? r->err_status : NGX_HTTP_BAD_GATEWAY;
	genops_str target = ngx_http_genops_view(r->unparsed_uri);
	if (target.len > TARGET_SEEN)
		target.len = TARGET_SEEN; /* enough to see whose words to use */
	if (status == NGX_HTTP_REQUEST_HEADER_TOO_LARGE)
		status = 431; /* 494 is nginx's own name for it */
	ngx_int_t must_repeat = is_outdated(failed, status);
	if (must_repeat)
		status = NGX_HTTP_SERVICE_UNAVAILABLE;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (texts[i].status == status)
			message = texts[i].message;
	}
	if (ngx_http_genops_is_cut_short(r))
		message = NGX_HTTP_GENOPS_STOPPING;
	if (!engine_of(r) || !target.len ||
	    genops_exchange_new(engine_of(r), ngx_http_genops_view(r->method_name), target, &exchange, &err) != GENOPS_OK)
		return send_text(r, status, JSON, message, ngx_strlen(message));
	genops_exchange_refuse(exchange, (int)status, message, &refusal);
	refusal.status = (int)status;
	r->err_status = 0;
	size_t n = failed && failed->exchange ? genops_exchange_answer_headers(failed->exchange, extra, 4) : 0;
	if (must_repeat)
		extra[n++] = (struct genops_header){GENOPS_STR("retry-after"), GENOPS_STR("1")};
	ngx_int_t rc = ngx_http_genops_send_refusal(r, &refusal, extra, n);
	genops_exchange_finish(exchange, GENOPS_OUTCOME_NOT_SENT);
	return rc;
}

/* --- the control API and the metrics, for whoever may read them --- */

static void run_task(void *data, ngx_log_t *log)
{
	task_t *task = data;
	struct genops_error err;
	if (task->is_metrics)
		task->code = genops_metrics_answer(task->engine, &task->metrics, &task->answer, &err);
	else
		task->code = genops_control_handle(task->engine, task->method, task->target, task->secret, task->body, &task->answer, &err);
}

static ngx_int_t send_answer(ngx_http_request_t *r, const struct genops_control_answer *answer)
{
	if (answer->status == NGX_HTTP_UNAUTHORIZED) {
		ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);
		if (!header)
			return NGX_HTTP_INTERNAL_SERVER_ERROR;
		header->hash = 1;
		ngx_str_set(&header->key, "WWW-Authenticate");
		ngx_str_set(&header->value, "Bearer realm=\"genops\"");
		r->headers_out.www_authenticate = header;
	}
	return send_text(r, (ngx_uint_t)answer->status, answer->content_type, answer->body, answer->body_len);
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
	ngx_int_t rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (task->code == GENOPS_OK) {
		rc = send_answer(r, &task->answer);
		free(task->answer.body);
	}
	ngx_http_finalize_request(r, rc);
	ngx_http_run_posted_requests(c);
}

/* The password of "user:password" in base64, as Prometheus' basic_auth sends it; whose it is, the key itself tells. */
static genops_str find_password(ngx_http_request_t *r, ngx_str_t encoded)
{
	ngx_str_t text = {.data = ngx_pnalloc(r->pool, ngx_base64_decoded_length(encoded.len) + 1)};
	if (!text.data || ngx_decode_base64(&text, &encoded) != NGX_OK)
		return GENOPS_STR("?"); /* something was sent, and it is no key */
	u_char *colon = ngx_strlchr(text.data, text.data + text.len, ':');
	return colon ? (genops_str){(char *)colon + 1, (size_t)(text.data + text.len - colon - 1)} : GENOPS_STR("?");
}

static genops_str find_authorization(ngx_http_request_t *r, ngx_str_t value)
{
	static const char bearer[] = "bearer ", basic[] = "basic ";
	if (value.len > sizeof bearer - 1 && !ngx_strncasecmp(value.data, (u_char *)bearer, sizeof bearer - 1))
		return (genops_str){(char *)value.data + sizeof bearer - 1, value.len - (sizeof bearer - 1)};
	if (value.len > sizeof basic - 1 && !ngx_strncasecmp(value.data, (u_char *)basic, sizeof basic - 1))
		return find_password(r, (ngx_str_t){value.len - (sizeof basic - 1), value.data + sizeof basic - 1});
	return (genops_str){0};
}

static genops_str find_accept(ngx_http_request_t *r)
{
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			if (headers[i].key.len == 6 && !ngx_strncasecmp(headers[i].key.data, (u_char *)"accept", 6))
				return ngx_http_genops_view(headers[i].value);
		}
	}
	return (genops_str){0};
}

static genops_str find_secret(ngx_http_request_t *r)
{
	genops_str authorization = {0};
	for (ngx_list_part_t *part = &r->headers_in.headers.part; part; part = part->next) {
		ngx_table_elt_t *headers = part->elts;
		for (ngx_uint_t i = 0; i < part->nelts; i++) {
			ngx_str_t value = headers[i].value;
			if (headers[i].key.len == 9 && !ngx_strncasecmp(headers[i].key.data, (u_char *)"x-api-key", 9))
				return ngx_http_genops_view(value);
			if (headers[i].key.len == 13 && !ngx_strncasecmp(headers[i].key.data, (u_char *)"authorization", 13))
				authorization = find_authorization(r, value);
		}
	}
	return authorization;
}

static ngx_int_t gather_body(ngx_http_request_t *r, genops_str *ret_body)
{
	size_t size = 0;
	u_char *copy, *at;
	for (ngx_chain_t *link = r->request_body ? r->request_body->bufs : NULL; link; link = link->next) {
		if (link->buf->in_file)
			return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
		size += (size_t)ngx_buf_size(link->buf);
	}
	if (size > BODY_MAX)
		return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
	copy = at = ngx_pnalloc(r->pool, size + 1);
	if (!copy)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	for (ngx_chain_t *link = r->request_body ? r->request_body->bufs : NULL; link; link = link->next)
		if (ngx_buf_size(link->buf) > 0) /* an empty one may have no memory at all */
			at = ngx_cpymem(at, link->buf->pos, link->buf->last - link->buf->pos);
	*ret_body = (genops_str){(char *)copy, size};
	return NGX_OK;
}

static void post_task(ngx_http_request_t *r, genops_str target, ngx_int_t is_metrics)
{
	ngx_http_genops_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_genops_module);
	static ngx_str_t pool_name = ngx_string("default");
	ngx_thread_pool_t *pool = ngx_thread_pool_get((ngx_cycle_t *)ngx_cycle, &pool_name);
	ngx_thread_task_t *task = ngx_thread_task_alloc(r->pool, sizeof(task_t));
	task_t *work = task ? task->ctx : NULL;
	genops_str body = {0};
	ngx_int_t rc = work && pool ? gather_body(r, &body) : NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (rc != NGX_OK) {
		ngx_http_finalize_request(r, rc);
		return;
	}
	*work = (task_t){
	    .request = r,
	    .engine = engine_of(r),
	    .method = ngx_http_genops_view(r->method_name),
	    .target = target,
	    .secret = find_secret(r),
	    .body = body,
	    .is_metrics = is_metrics,
	};
	work->metrics = (struct genops_metrics_request){
	    .exporter = ngx_http_genops_view(location->exporter),
	    .accept = find_accept(r),
	    .secret = work->secret,
	    .is_local = ngx_http_genops_is_local(r->connection),
	};
	task->handler = run_task;
	task->event.handler = finish_task;
	task->event.data = work;
	task->event.log = r->connection->log;
	if (ngx_thread_task_post(pool, task) != NGX_OK) {
		ngx_http_finalize_request(r, NGX_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	/* Keeps the request alive until finish_task, whatever the client does. */
	r->main->blocked++;
	r->aio = 1;
	ngx_http_genops_task_keeps_worker(&task->event);
}

static void post_api(ngx_http_request_t *r)
{
	post_task(r, ngx_http_genops_view(r->unparsed_uri), 0);
}

/* Whatever its location is called. */
static void post_metrics(ngx_http_request_t *r)
{
	post_task(r, GENOPS_STR("/metrics"), r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD));
}

static ngx_int_t answer_with(ngx_http_request_t *r, ngx_http_client_body_handler_pt post)
{
	if (!engine_of(r))
		return NGX_HTTP_SERVICE_UNAVAILABLE;
	ngx_int_t rc = ngx_http_genops_read_body(r, post);
	return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

static ngx_int_t answer_api(ngx_http_request_t *r)
{
	return answer_with(r, post_api);
}

static ngx_int_t answer_metrics(ngx_http_request_t *r)
{
	return answer_with(r, post_metrics);
}

/* --- the simulated provider --- */

static void simulate(ngx_http_request_t *r)
{
	struct genops_simulated_answer answer;
	struct genops_error err;
	genops_str body = {0};
	ngx_int_t rc = gather_body(r, &body);
	if (rc == NGX_OK && genops_simulated_chat(body, &answer, &err) != GENOPS_OK)
		rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
	if (rc == NGX_OK) {
		rc = send_text(r, (ngx_uint_t)answer.status, answer.content_type, answer.body, answer.body_len);
		free(answer.body);
	}
	ngx_http_finalize_request(r, rc);
}

static ngx_int_t answer_simulated(ngx_http_request_t *r)
{
	ngx_int_t rc = ngx_http_genops_read_body(r, simulate);
	return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

/* --- the directive --- */

static const struct {
	ngx_str_t name;
	ngx_http_handler_pt handler;
} kinds[] = {
    {ngx_string("api"), answer_api},
    {ngx_string("metrics"), answer_metrics},
    {ngx_string("health"), answer_health},
    {ngx_string("ready"), answer_ready},
    {ngx_string("error"), answer_error},
    {ngx_string("simulated"), answer_simulated},
};

char *ngx_http_genops_control(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
	static ngx_str_t pool_name = ngx_string("default");
	ngx_http_core_loc_conf_t *location = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
	ngx_str_t *arguments = cf->args->elts;
	if (!ngx_thread_pool_add(cf, &pool_name))
		return NGX_CONF_ERROR;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (kinds[i].name.len == arguments[1].len &&
		    ngx_strncmp(kinds[i].name.data, arguments[1].data, arguments[1].len) == 0) {
			location->handler = kinds[i].handler;
			if (cf->args->nelts == 3)
				((ngx_http_genops_loc_conf_t *)conf)->exporter = arguments[2];
			return NGX_CONF_OK;
		}
	}
	return "wants api, metrics, health, ready, error or simulated";
}
