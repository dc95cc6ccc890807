/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops.h - what the files of the nginx module share.
 *
 * The module is a thin host for exchanges (genops/exchange.h): ngx_http_genops_request.c reads the body, asks and rewrites,
 * ngx_http_genops_response.c taps the answer, ngx_http_genops_resolve.c finds the provider's addresses, ngx_http_genops_control.c
 * answers /api/v1, /metrics, /health, ngx_http_genops_receiver.c takes telemetry, ngx_http_genops_exit.c lets no idle client hold up a
 * worker's end, ngx_http_genops_connections.c counts clients. Nothing of governance is decided here. One thread (the worker's), but for the
 * resolver's and the control API's, which touch no nginx object.
 */
#ifndef NGX_HTTP_GENOPS_H
#define NGX_HTTP_GENOPS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <genops/exchange.h>

typedef struct {
	ngx_str_t config_file;   /* empty: as genops_engine_open finds it */
	ngx_str_t state_dir;
	ngx_flag_t drain;
	ngx_int_t connections;   /* of clients at most; 0: any */
	genops_engine *engine;   /* this worker's; NULL: could not be opened */
	struct genops_error fault; /* why */
	ngx_int_t path_index;    /* variable $genops_path */
	ngx_array_t resolved;    /* of ngx_http_genops_upstream_t *: for the resolver thread */
} ngx_http_genops_main_conf_t;

typedef struct {
	ngx_flag_t gateway;
	ngx_str_t receiver;      /* genops_receive: its name in the configuration */
	ngx_str_t exporter;      /* genops_control metrics: whose address this is; empty: the gateway's */
	ngx_int_t is_grpc;
} ngx_http_genops_loc_conf_t;

typedef struct {
	ngx_http_request_t *request;
	genops_exchange *exchange;
	ngx_str_t path;          /* at the provider */
	ngx_chain_t *free, *busy; /* copies of rewritten pieces: to be used again, on their way to the client */
	ngx_chain_t *held;       /* pieces whose copies are on their way: the provider's buffer is not free yet */
	ngx_event_t delay;
	genops_str provider;
	ngx_uint_t n_waits;      /* for its address */
	unsigned is_admitted:1;  /* decided: the request may go on */
	unsigned is_refused:1;
	unsigned is_tapped:1;    /* the answer is the provider's: the body filter follows it */
	unsigned is_ended:1;     /* last_buf was sent: nothing may follow */
	unsigned is_complete:1;  /* the provider ended its answer properly */
} ngx_http_genops_ctx_t;

extern ngx_module_t ngx_http_genops_module;

static inline genops_str ngx_http_genops_view(ngx_str_t text)
{
	return (genops_str){(const char *)text.data, text.len};
}

/* ngx_http_genops_request.c */
ngx_int_t ngx_http_genops_access_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_genops_send_refusal(ngx_http_request_t *r, const struct genops_refusal *refusal,
    const struct genops_header *extra, size_t n_extra);
ngx_http_genops_ctx_t *ngx_http_genops_find_ctx(ngx_http_request_t *r); /* NULL: was no exchange */
ngx_int_t ngx_http_genops_path_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
ngx_int_t ngx_http_genops_provider_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
ngx_int_t ngx_http_genops_add_header(ngx_http_request_t *r, genops_str name, genops_str value);

/* ngx_http_genops_response.c */
void ngx_http_genops_install_filters(void);

/* ngx_http_genops_resolve.c */
char *ngx_http_genops_resolve(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_genops_resolver_start(ngx_cycle_t *cycle, ngx_http_genops_main_conf_t *main_conf);
void ngx_http_genops_resolver_stop(void);
/* Has the provider's upstream an address? Also wakes its look-ups. */
ngx_int_t ngx_http_genops_is_resolved(ngx_http_genops_main_conf_t *conf, genops_str provider);

/* ngx_http_genops_connections.c: in the master, for each configuration; in a worker that begins or ends */
ngx_int_t ngx_http_genops_connections_begin(ngx_cycle_t *cycle, ngx_uint_t wanted);
void ngx_http_genops_connections_settle(void);
ngx_int_t ngx_http_genops_is_of_clients(const ngx_listening_t *listening); /* counted or not */

/* ngx_http_genops_control.c */
char *ngx_http_genops_control(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_http_genops_exit.c */
void ngx_http_genops_exit_watch(ngx_cycle_t *cycle);
void ngx_http_genops_exit_done(void);
/* As ngx_http_read_client_request_body; the rest is not waited for when the worker is to end and none of it comes: 503, and why. */
#define NGX_HTTP_GENOPS_STOPPING "GenOps is stopping or restarting, and no more of this request came: repeat it"
ngx_int_t ngx_http_genops_is_cut_short(ngx_http_request_t *r); /* was it refused for that? */
ngx_int_t ngx_http_genops_read_body(ngx_http_request_t *r, ngx_http_client_body_handler_pt then);

/* What the thread pool works at keeps a worker that is to end, until it is done: the event's handler asks first. The event has a log. */
void ngx_http_genops_task_keeps_worker(ngx_event_t *event);
ngx_int_t ngx_http_genops_task_is_done(ngx_event_t *event);

/* ngx_http_genops_receiver.c */
ngx_int_t ngx_http_genops_is_local(ngx_connection_t *c); /* is the client on this machine? */
char *ngx_http_genops_receive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

#endif
