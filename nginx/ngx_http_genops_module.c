/* SPDX-License-Identifier: Apache-2.0
 * ngx_http_genops_module.c - directives, configuration and the life of the module.
 *
 *   http  { genops_config /etc/genops.yaml; genops_state /var/lib/genops; }
 *   upstream genops_openai { genops_resolve api.openai.com:443 30s; keepalive 64; }
 *   location /openai/ { genops_gateway on; proxy_pass https://genops_openai$genops_path; }
 *   location /api/v1/ { genops_control api; }      also: metrics, health, ready, error
 *   location / { genops_receive "otlp" http; }     telemetry; also: grpc
 *   http  { genops_connections 1000; }             clients at once, all workers together
 *
 * Each worker opens its own engine. A worker that cannot (state directory full, broken) stays up, answers 503 with
 * the reason and tries again every second: an init_process that fails would leave the port open with nobody behind it.
 */
#include "ngx_http_genops.h"

#include <sys/prctl.h>

#define TRY_AGAIN_MS 1000

static void *create_main_conf(ngx_conf_t *cf)
{
	ngx_http_genops_main_conf_t *conf = ngx_pcalloc(cf->pool, sizeof *conf);
	if (!conf || ngx_array_init(&conf->resolved, cf->pool, 16, sizeof(void *)) != NGX_OK)
		return NULL;
	conf->drain = NGX_CONF_UNSET;
	conf->connections = NGX_CONF_UNSET;
	return conf;
}

static void *create_loc_conf(ngx_conf_t *cf)
{
	ngx_http_genops_loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof *conf);
	if (conf)
		conf->gateway = NGX_CONF_UNSET;
	return conf;
}

static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
	ngx_http_genops_loc_conf_t *prev = parent, *conf = child;
	ngx_conf_merge_value(conf->gateway, prev->gateway, 0);
	return NGX_CONF_OK;
}

static ngx_int_t add_variables(ngx_conf_t *cf)
{
	static const struct {
		ngx_str_t name;
		ngx_http_get_variable_pt get;
	} own[] = {
	    {ngx_string("genops_path"), ngx_http_genops_path_variable},
	    {ngx_string("genops_provider"), ngx_http_genops_provider_variable},
	};
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		ngx_str_t name = own[i].name;
		ngx_http_variable_t *variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
		if (!variable)
			return NGX_ERROR;
		variable->get_handler = own[i].get;
	}
	return NGX_OK;
}

static ngx_int_t install(ngx_conf_t *cf)
{
	ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	ngx_http_handler_pt *handler = ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers);
	if (!handler)
		return NGX_ERROR;
	*handler = ngx_http_genops_access_handler;
	ngx_http_genops_install_filters();
	return NGX_OK;
}

static void on_log(void *arg, enum genops_log_level level, const char *line)
{
	static const ngx_uint_t levels[] = {NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_NOTICE, NGX_LOG_INFO};
	/* Any thread: ngx_log_error only formats on its stack and writes once. */
	ngx_log_error(levels[level], (ngx_log_t *)arg, 0, "genops: %s", line);
}

static char *text_or_null(ngx_str_t text)
{
	return text.len ? (char *)text.data : NULL; /* nginx NUL-terminates its configuration's strings */
}

/* A worker whose master was killed would go on for ever: nobody reloads or stops it, and it keeps the port from the next
 * gateway. So it finishes what it has and ends. */
static void end_with_master(void)
{
	if (ngx_process != NGX_PROCESS_WORKER)
		return;
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (getppid() != ngx_parent)
		raise(SIGQUIT);
}

static ngx_int_t open_engine(ngx_http_genops_main_conf_t *conf, ngx_log_t *log)
{
	struct genops_engine_options options = {
	    .size = sizeof options,
	    .config_file = text_or_null(conf->config_file),
	    .state_dir = text_or_null(conf->state_dir),
	    .service_name = "genops-gateway",
	    .drain = conf->drain ? GENOPS_DRAIN_AUTO : GENOPS_DRAIN_NEVER, /* on unless it is set */
	    .on_log = on_log,
	    .log_arg = log,
	};
	struct genops_error before = conf->fault;
	conf->engine = genops_engine_open(&options, &conf->fault);
	/* Once for each reason: it is tried every second. */
	if (!conf->engine && ngx_strcmp(before.message, conf->fault.message) != 0)
		ngx_log_error(NGX_LOG_ALERT, log, 0, "genops: this worker cannot govern: %s; %s", conf->fault.message,
		    conf->fault.fix);
	return conf->engine != NULL;
}

static void try_again_later(ngx_http_genops_main_conf_t *conf, ngx_log_t *log);

static void on_try_again(ngx_event_t *event)
{
	ngx_http_genops_main_conf_t *conf = ((ngx_connection_t *)event->data)->data;
	if (ngx_exiting || ngx_terminate)
		return;
	if (!open_engine(conf, event->log)) {
		try_again_later(conf, event->log);
		return;
	}
	ngx_log_error(NGX_LOG_WARN, event->log, 0, "genops: this worker governs again");
}

/* What is wrong may pass: a full disk, a state directory in use by another version. Until then the answer is 503. */
static void try_again_later(ngx_http_genops_main_conf_t *conf, ngx_log_t *log)
{
	static ngx_connection_t nobody; /* nginx logs a timer's connection */
	static ngx_event_t retry;
	nobody.fd = (ngx_socket_t)-1;
	nobody.data = conf;
	retry.data = &nobody;
	retry.handler = on_try_again;
	retry.log = log;
	retry.cancelable = 1;
	ngx_add_timer(&retry, TRY_AGAIN_MS);
}

static ngx_int_t init_module(ngx_cycle_t *cycle)
{
	ngx_http_genops_main_conf_t *conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_genops_module);
	return conf ? ngx_http_genops_connections_begin(cycle, conf->connections > 0 ? (ngx_uint_t)conf->connections : 0) : NGX_OK;
}

static ngx_int_t init_process(ngx_cycle_t *cycle)
{
	ngx_http_genops_main_conf_t *conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_genops_module);
	if (!conf || ngx_process == NGX_PROCESS_HELPER)
		return NGX_OK;
	end_with_master();
	ngx_http_genops_connections_settle();
	if (!open_engine(conf, cycle->log))
		try_again_later(conf, cycle->log);
	ngx_http_genops_exit_watch(cycle);
	return ngx_http_genops_resolver_start(cycle, conf);
}

static void exit_process(ngx_cycle_t *cycle)
{
	ngx_http_genops_main_conf_t *conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_genops_module);
	ngx_http_genops_resolver_stop();
	ngx_http_genops_exit_done();
	if (!conf)
		return;
	ngx_http_genops_connections_settle();
	genops_engine_close(conf->engine);
	conf->engine = NULL;
}

static ngx_command_t commands[] = {
    {ngx_string("genops_config"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
	offsetof(ngx_http_genops_main_conf_t, config_file), NULL},
    {ngx_string("genops_state"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
	offsetof(ngx_http_genops_main_conf_t, state_dir), NULL},
    {ngx_string("genops_drain"), NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot, NGX_HTTP_MAIN_CONF_OFFSET,
	offsetof(ngx_http_genops_main_conf_t, drain), NULL},
    {ngx_string("genops_connections"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot, NGX_HTTP_MAIN_CONF_OFFSET,
	offsetof(ngx_http_genops_main_conf_t, connections), NULL},
    {ngx_string("genops_gateway"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_FLAG,
	ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_genops_loc_conf_t, gateway), NULL},
    {ngx_string("genops_control"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12, ngx_http_genops_control, NGX_HTTP_LOC_CONF_OFFSET,
	0, NULL},
    {ngx_string("genops_receive"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE23, ngx_http_genops_receive, NGX_HTTP_LOC_CONF_OFFSET,
	0, NULL},
    {ngx_string("genops_resolve"), NGX_HTTP_UPS_CONF | NGX_CONF_TAKE12, ngx_http_genops_resolve, 0, 0, NULL},
    ngx_null_command,
};

static ngx_http_module_t context = {
    .preconfiguration = add_variables,
    .postconfiguration = install,
    .create_main_conf = create_main_conf,
    .create_loc_conf = create_loc_conf,
    .merge_loc_conf = merge_loc_conf,
};

ngx_module_t ngx_http_genops_module = {
    NGX_MODULE_V1,
    &context,
    commands,
    NGX_HTTP_MODULE,
    NULL, /* init master */
    init_module,
    init_process,
    NULL, /* init thread */
    NULL, /* exit thread */
    exit_process,
    NULL, /* exit master */
    NGX_MODULE_V1_PADDING,
};
