/* SPDX-License-Identifier: Apache-2.0
 * genops/gateway.h - what an HTTP host needs to know of the configuration to stand a gateway up.
 *
 * For `genops serve`, which writes nginx's configuration from it, and for anybody who hosts exchanges
 * (genops/exchange.h) himself. All texts are owned by the struct; a change of these settings needs a new host,
 * everything else reloads by itself.
 */
#ifndef GENOPS_GATEWAY_H
#define GENOPS_GATEWAY_H

#include <genops/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

struct genops_gateway_provider {
	const char *name;          /* first path segment */
	const char *scheme, *host; /* "https", "api.openai.com" */
	int port;
	const char *ca_file;       /* "" : the system's */
	int64_t connect_timeout_ms, read_timeout_ms;
	const char *const *base_url_variables; /* NULL-ended: what SDKs read (OPENAI_BASE_URL) */
	const char *base_url_suffix;           /* behind http://host:port/<name> in those variables ("/v1") */
	const char *key_variable;              /* "OPENAI_API_KEY"; "" : none */
	bool has_key;              /* the gateway has a key of its own for it */
};

/* Where telemetry comes in: one protocol of a receiver (genops/receiver.h); or where metrics are scraped (genops/control.h). */
struct genops_gateway_listener {
	const char *receiver;      /* "otlp"; is_metrics: the exporter, "prometheus" */
	bool is_metrics;           /* GET /metrics, nothing else */
	bool is_grpc;
	bool is_implicit;          /* nobody asked for it: a port that is taken is no reason not to start */
	const char *host;
	int port;                  /* 0: pick one */
	const char *tls_certificate, *tls_key, *tls_client_ca; /* "" : plain, none */
	bool wants_tls13;          /* only 1.3; else 1.2 too */
	int64_t max_body_bytes;
	int64_t read_timeout_ms, header_timeout_ms, write_timeout_ms, idle_timeout_ms; /* idle 0: one request a connection */
	int64_t max_age_ms;        /* of a connection; 0: any */
	int64_t max_streams;       /* of a connection; 0: as the host likes */
	int64_t rate_per_second;   /* requests of one client address; 0: any */
	const char *const *allow, *const *deny; /* addresses, networks, "all"; NULL-ended */
};

struct genops_gateway {
	const char *listen_host;   /* "127.0.0.1" */
	int listen_port;           /* 0: pick one */
	const char *listen_h2c_host;
	int listen_h2c_port;       /* -1: none */
	int workers;               /* 0: one per processor */
	int connections_max;       /* of clients, all workers and addresses together; 0: any */
	const char *health_path;   /* answered as /health is, beside it; "" : none */
	bool is_keeping_alive, has_no_delay; /* several requests a connection; TCP_NODELAY */
	int64_t max_body_bytes;
	const char *tls_certificate, *tls_key; /* "" : plain */
	const char *state_dir, *config_file;   /* resolved; config_file "" : none */
	size_t n_providers;        /* those that have an address */
	const struct genops_gateway_provider *providers;
	size_t n_listeners;
	const struct genops_gateway_listener *listeners;
};

/* Reads the gateway's settings from a configuration (as genops_engine_open finds it) without opening anything. Returns the owned
 * settings, or NULL with err: CONFIG, SYNTAX, IO, NOMEM. */
GENOPS_API struct genops_gateway *genops_gateway_load(
    const struct genops_engine_options *options, struct genops_error *err);
GENOPS_API void genops_gateway_free(struct genops_gateway *gateway);

#ifdef __cplusplus
}
#endif
#endif
