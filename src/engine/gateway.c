/* SPDX-License-Identifier: Apache-2.0
 * engine/gateway.c - the gateway's settings for whoever hosts it (genops/gateway.h): a copy out of a snapshot. */
#include "base/str.h"
#include "dialect/dialect.h"
#include "engine/config.h"
#include "export/prometheus/prometheus.h"

#include <genops/gateway.h>

#include <stdlib.h>

#define ARENA_MAX ((size_t)4 << 20)

struct owned {
	struct genops_gateway gateway; /* first: what the caller sees */
	struct genops_arena arena;
};

static const char *copy(struct owned *owned, genops_str text, bool *failed)
{
	char *out = genops_arena_dup_text(&owned->arena, text);
	if (!out)
		*failed = true;
	return out ? out : "";
}

/* "host:port" or "[::1]:port"; no port: -1. */
static void split_address(genops_str address, genops_str *ret_host, int *ret_port)
{
	size_t at = SIZE_MAX;
	int64_t port;
	for (size_t i = address.len; i-- > 0 && address.ptr[i] != ']';) {
		if (address.ptr[i] == ':') {
			at = i;
			break;
		}
	}
	*ret_host = at == SIZE_MAX ? address : (genops_str){address.ptr, at};
	*ret_port = -1;
	if (at != SIZE_MAX && genops_str_to_int(genops_str_skip(address, at + 1), &port) && port >= 0 && port < 65536)
		*ret_port = (int)port;
}

static void fill_provider(struct owned *owned, const struct genops_config_provider *from,
    struct genops_gateway_provider *to, bool *failed)
{
	static const char *const no_variables[] = {NULL};
	const struct genops_provider_row *row = genops_provider_row_find(from->name);
	*to = (struct genops_gateway_provider){
	    .name = copy(owned, from->name, failed),
	    .scheme = copy(owned, from->scheme, failed),
	    .host = copy(owned, from->host, failed),
	    .port = from->port,
	    .ca_file = copy(owned, from->tls_ca_file, failed),
	    .connect_timeout_ms = from->connect_timeout_ns / 1000000,
	    .read_timeout_ms = from->read_timeout_ns / 1000000,
	    .base_url_variables = row ? row->base_url_variables : no_variables,
	    .base_url_suffix = row && row->base_url_suffix ? row->base_url_suffix : "",
	    .key_variable = row && row->key_variable ? row->key_variable : "",
	    .has_key = from->api_key.len > 0,
	};
}

static const char *const *copy_all(struct owned *owned, const struct genops_texts *texts, bool *failed)
{
	static const char *const none[] = {NULL};
	const char **out = genops_arena_alloc(&owned->arena, (texts->n + 1) * sizeof *out);
	if (!out) {
		*failed = true;
		return none;
	}
	for (size_t i = 0; i < texts->n; i++)
		out[i] = copy(owned, texts->items[i], failed);
	out[texts->n] = NULL;
	return out;
}

static void fill_listener(struct owned *owned, const struct genops_config_receiver *receiver,
    const struct genops_config_listener *from, struct genops_gateway_listener *to, bool *failed)
{
	*to = (struct genops_gateway_listener){
	    .receiver = copy(owned, receiver->name, failed),
	    .is_grpc = from->is_grpc,
	    .is_implicit = receiver->is_implicit,
	    .host = copy(owned, from->host, failed),
	    .port = from->port,
	    .tls_certificate = copy(owned, from->tls_certificate, failed),
	    .tls_key = copy(owned, from->tls_key, failed),
	    .tls_client_ca = copy(owned, from->tls_client_ca, failed),
	    .wants_tls13 = from->tls_min == 1,
	    .max_body_bytes = from->max_body,
	    .read_timeout_ms = from->read_timeout_ns / 1000000,
	    .header_timeout_ms = from->header_timeout_ns / 1000000,
	    .write_timeout_ms = from->write_timeout_ns / 1000000,
	    .idle_timeout_ms = from->is_keeping_alive ? from->idle_timeout_ns / 1000000 : 0,
	    .max_age_ms = from->max_age_ns / 1000000,
	    .max_streams = from->max_streams,
	    .rate_per_second = receiver->rate_per_second,
	    .allow = copy_all(owned, &receiver->allow, failed),
	    .deny = copy_all(owned, &receiver->deny, failed),
	};
}

/* Scrapers are few and quick. */
static void fill_scraped(struct owned *owned, const struct genops_config_exporter *exporter,
    const struct genops_prometheus_settings *settings, bool *failed)
{
	static const char *const none[] = {NULL};
	struct genops_gateway_listener *listeners = (struct genops_gateway_listener *)(uintptr_t)owned->gateway.listeners;
	listeners[owned->gateway.n_listeners++] = (struct genops_gateway_listener){
	    .receiver = copy(owned, exporter->name, failed),
	    .is_metrics = true,
	    .host = copy(owned, settings->host, failed),
	    .port = settings->port,
	    .tls_certificate = copy(owned, exporter->certificate_file, failed),
	    .tls_key = copy(owned, exporter->key_file, failed),
	    .tls_client_ca = copy(owned, exporter->ca_file, failed),
	    .max_body_bytes = 1024,
	    .read_timeout_ms = 10000,
	    .header_timeout_ms = 10000,
	    .write_timeout_ms = 30000,
	    .idle_timeout_ms = 90000,
	    .allow = none,
	    .deny = none,
	};
}

static bool fill_listeners(struct owned *owned, const struct genops_config *config)
{
	struct genops_gateway_listener *listeners =
	    genops_arena_alloc(&owned->arena, (2 * config->n_receivers + config->telemetry.n_exporters + 1) * sizeof *listeners);
	bool failed = false;
	if (!listeners)
		return false;
	for (size_t i = 0; i < config->n_receivers; i++) {
		const struct genops_config_receiver *receiver = &config->receivers[i];
		for (size_t j = 0; j < receiver->n_listeners; j++)
			fill_listener(owned, receiver, &receiver->listeners[j], &listeners[owned->gateway.n_listeners++], &failed);
	}
	owned->gateway.listeners = listeners;
	for (size_t i = 0; i < config->telemetry.n_exporters; i++) {
		const struct genops_config_exporter *exporter = &config->telemetry.exporters[i];
		const struct genops_prometheus_settings *settings = genops_prometheus_settings_of(exporter->type, exporter->own);
		if (settings)
			fill_scraped(owned, exporter, settings, &failed);
	}
	return !failed;
}

static bool fill(struct owned *owned, const struct genops_config *config)
{
	const struct genops_config_gateway *from = &config->gateway;
	struct genops_gateway *to = &owned->gateway;
	bool failed = false;
	genops_str host, host_h2c;
	split_address(from->listen, &host, &to->listen_port);
	split_address(from->listen_h2c, &host_h2c, &to->listen_h2c_port);
	to->listen_host = copy(owned, host, &failed);
	to->listen_h2c_host = copy(owned, host_h2c, &failed);
	to->workers = (int)from->workers;
	to->connections_max = (int)from->connections_max;
	to->health_path = copy(owned, from->health_path, &failed);
	to->is_keeping_alive = from->is_keeping_alive;
	to->has_no_delay = from->has_no_delay;
	to->max_body_bytes = from->max_body;
	to->tls_certificate = copy(owned, from->tls_certificate, &failed);
	to->tls_key = copy(owned, from->tls_key, &failed);
	to->state_dir = copy(owned, config->state_dir, &failed);
	to->config_file = copy(owned, config->file, &failed);
	struct genops_gateway_provider *providers =
	    genops_arena_alloc(&owned->arena, (from->n_providers + 1) * sizeof *providers);
	if (!providers)
		return false;
	for (size_t i = 0; i < from->n_providers; i++) {
		if (from->providers[i].host.len)
			fill_provider(owned, &from->providers[i], &providers[to->n_providers++], &failed);
	}
	to->providers = providers;
	return !failed;
}

struct genops_gateway *genops_gateway_load(const struct genops_engine_options *options, struct genops_error *err)
{
	/* Whoever serves opens an engine too, which reads the prices and tells their faults. */
	struct genops_config_source source = {.without_prices = true};
	if (options) {
		source.file = options->config_file;
		source.text = options->config_text;
		source.state_dir = options->state_dir;
	}
	struct genops_config *config = genops_config_load(&source, err);
	if (!config)
		return NULL;
	struct owned *owned = calloc(1, sizeof *owned);
	bool is_filled = false;
	if (owned) {
		genops_arena_init(&owned->arena, ARENA_MAX);
		is_filled = fill(owned, config) && fill_listeners(owned, config);
	}
	genops_config_unref(config);
	if (!is_filled) {
		if (owned)
			genops_gateway_free(&owned->gateway);
		genops_fail(err, GENOPS_NOMEM, "no memory for the gateway's settings");
		return NULL;
	}
	return &owned->gateway;
}

void genops_gateway_free(struct genops_gateway *gateway)
{
	struct owned *owned = (struct owned *)(void *)gateway;
	if (!owned)
		return;
	genops_arena_done(&owned->arena);
	free(owned);
}
