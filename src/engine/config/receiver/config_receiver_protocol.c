/* SPDX-License-Identifier: Apache-2.0
 * engine/config/receiver/config_receiver_protocol.c - `protocols.http` and `protocols.grpc` of an otlp receiver, by the Collector's names. */
#include "engine/config/receiver/config_receiver.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

#define MIB ((int64_t)1 << 20)

#define AT(field) offsetof(struct genops_config_listener, field)
#define PATH(signal) paths[GENOPS_SIGNAL_##signal]

struct protocol {
	genops_str endpoint;
	int transport;
	bool has_metadata;
	int64_t max_mib, max_streams;
};

static const char *const transports[] = {"tcp", NULL};

#define PROTOCOL_ROWS(default_endpoint)                                                                        \
	{.name = "endpoint",                                                                                   \
	    .type = GENOPS_OPTION_TEXT,                                                                        \
	    .offset = offsetof(struct protocol, endpoint),                                                     \
	    .default_text = default_endpoint,                                                                  \
	    .text = "host:port; an address that others can reach needs authentication, or only this machine is let in"}, \
	    {.name = "transport",                                                                              \
		.type = GENOPS_OPTION_ENUM,                                                                    \
		.offset = offsetof(struct protocol, transport),                                                \
		.default_text = "tcp",                                                                         \
		.names = transports,                                                                           \
		.text = "tcp"},                                                                                \
	    {.name = "include_metadata",                                                                       \
		.type = GENOPS_OPTION_BOOL,                                                                    \
		.offset = offsetof(struct protocol, has_metadata),                                             \
		.default_text = "false",                                                                       \
		.text = "only false: no processor reads a client's headers here"},                             \
	    {.name = "tls", .type = GENOPS_OPTION_CUSTOM, .text = "TLS instead of plain text"},                \
	{                                                                                                      \
		.name = "auth", .type = GENOPS_OPTION_CUSTOM, .text = "as the receiver's, for this protocol only" \
	}

const struct genops_option genops_config_receiver_protocol_rows[2][8] = {
    {PROTOCOL_ROWS("127.0.0.1:4318"), {.name = NULL}},
    {PROTOCOL_ROWS("127.0.0.1:4317"), {.name = NULL}},
};

const struct genops_option genops_config_receiver_http_rows[] = {
    {.name = "max_request_body_size",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(max_body),
	.default_text = "64MiB",
	.min = 1024,
	.max = 1073741824.0,
	.text = "of a request, also when it is inflated; a larger one gets 413"},
    {.name = "traces_url_path", .type = GENOPS_OPTION_TEXT, .offset = AT(PATH(TRACES)), .default_text = "/v1/traces", .text = "where traces are posted to"},
    {.name = "metrics_url_path",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(PATH(METRICS)),
	.default_text = "/v1/metrics",
	.text = "where metrics are posted to"},
    {.name = "logs_url_path", .type = GENOPS_OPTION_TEXT, .offset = AT(PATH(LOGS)), .default_text = "/v1/logs", .text = "where logs are posted to"},
    {.name = "read_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(read_timeout_ns),
	.default_text = "30s",
	.min = 0.001,
	.max = 3600,
	.text = "between two pieces of a request's body; a slower client is cut off"},
    {.name = "read_header_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(header_timeout_ns),
	.default_text = "30s",
	.min = 0.001,
	.max = 3600,
	.text = "for a request's headers"},
    {.name = "write_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(write_timeout_ns),
	.default_text = "30s",
	.min = 0.001,
	.max = 3600,
	.text = "between two pieces of an answer"},
    {.name = "idle_timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(idle_timeout_ns),
	.default_text = "75s",
	.min = 0.001,
	.max = 86400,
	.text = "until a connection without a request is closed"},
    {.name = "keep_alives_enabled",
	.type = GENOPS_OPTION_BOOL,
	.offset = AT(is_keeping_alive),
	.default_text = "true",
	.text = "false: one request a connection"},
    {.name = "cors", .type = GENOPS_OPTION_CUSTOM, .text = "for browsers that send from other origins"},
    {.name = NULL},
};

const struct genops_option genops_config_receiver_cors_rows[] = {
    {.name = "allowed_origins",
	.type = GENOPS_OPTION_LIST,
	.offset = AT(cors_origins),
	.text = "https://app.example.com, https://*.example.com or *"},
    {.name = "allowed_headers",
	.type = GENOPS_OPTION_LIST,
	.offset = AT(cors_header_list),
	.text = "headers that a browser may send beside accept, content-type and x-requested-with; *: any"},
    {.name = "max_age",
	.type = GENOPS_OPTION_INT,
	.offset = AT(cors_max_age_s),
	.default_text = "0",
	.max = 86400,
	.text = "seconds for which a browser may remember the answer; 0: its own measure"},
    {.name = NULL},
};

const struct genops_option genops_config_receiver_grpc_rows[] = {
    {.name = "max_recv_msg_size_mib",
	.type = GENOPS_OPTION_INT,
	.offset = offsetof(struct protocol, max_mib),
	.default_text = "64",
	.min = 1,
	.max = 1024,
	.text = "MiB of a message, also when it is inflated; a larger one gets RESOURCE_EXHAUSTED"},
    {.name = "max_concurrent_streams",
	.type = GENOPS_OPTION_INT,
	.offset = offsetof(struct protocol, max_streams),
	.default_text = "128",
	.min = 1,
	.max = 65535,
	.text = "requests at once on a connection"},
    {.name = "keepalive", .type = GENOPS_OPTION_CUSTOM, .text = "how long connections live"},
    {.name = NULL},
};

const struct genops_option genops_config_receiver_keepalive_rows[] = {
    {.name = "server_parameters", .type = GENOPS_OPTION_CUSTOM, .text = "max_connection_idle, max_connection_age"}, {.name = NULL}};

const struct genops_option genops_config_receiver_age_rows[] = {
    {.name = "max_connection_idle",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(idle_timeout_ns),
	.default_text = "1h",
	.min = 0.001,
	.max = 86400,
	.text = "until a connection without a request is closed"},
    {.name = "max_connection_age",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(max_age_ns),
	.default_text = "24h",
	.min = 1,
	.max = 31536000,
	.text = "after which a connection is closed behind its next request, so that load spreads anew"},
    {.name = NULL},
};

#define TLS_AT(field) AT(field)
const struct genops_option genops_config_receiver_tls_rows[] = {
    {.name = "cert_file", .type = GENOPS_OPTION_TEXT, .offset = TLS_AT(tls_certificate), .is_required = true, .text = "PEM file with the certificate chain"},
    {.name = "key_file", .type = GENOPS_OPTION_TEXT, .offset = TLS_AT(tls_key), .is_required = true, .text = "PEM file with its key"},
    {.name = "client_ca_file",
	.type = GENOPS_OPTION_TEXT,
	.offset = TLS_AT(tls_client_ca),
	.text = "PEM file with authorities: only clients with a certificate of theirs get in"},
    {.name = "min_version",
	.type = GENOPS_OPTION_ENUM,
	.offset = TLS_AT(tls_min),
	.default_text = "1.2",
	.names = (const char *const[]){"1.2", "1.3", NULL},
	.text = "of TLS"},
    {.name = NULL},
};

/* --- addresses --- */

int genops_config_receiver_endpoint(struct genops_config_reader *reader, const struct genops_yaml_node *place,
    genops_str endpoint, struct genops_config_listener *listener)
{
	genops_str text = genops_str_trim(endpoint);
	char full[300];
	int64_t port;
	if (text.len && text.ptr[0] == ':' && text.len < 16) { /* the Collector's word for: every address */
		snprintf(full, sizeof full, "0.0.0.0%.*s", GENOPS_STR_ARG(text));
		text = genops_str_of(full);
	}
	if (text.len >= sizeof full || !genops_config_gateway_split(text, &listener->host, &port))
		return genops_config_read_fail(reader, place, "write host:port, like 127.0.0.1:4318",
		    "endpoint: \"%.*s\" is not an address", text.len > 80 ? 80 : (int)text.len, text.ptr ? text.ptr : "");
	listener->port = (int)port;
	if (genops_str_is_nocase(listener->host, "localhost"))
		listener->host = GENOPS_STR("127.0.0.1");
	if (!genops_arena_dup(reader->arena, listener->host, &listener->host))
		return genops_config_read_no_memory(reader);
	return GENOPS_OK;
}

static int check_paths(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_config_listener *listener)
{
	static const char *const names[] = {"traces_url_path", "metrics_url_path", "logs_url_path"};
	for (size_t i = 0; i < GENOPS_SIGNAL_N; i++) {
		genops_str path = listener->paths[i];
		for (size_t j = 0; j < path.len; j++) {
			if (path.ptr[0] != '/' || path.ptr[j] <= ' ' || path.ptr[j] > '~' || path.ptr[j] == '?')
				return genops_config_read_fail(reader, genops_yaml_get(node, names[i]), "write it like /v1/traces",
				    "%s is not a path", names[i]);
		}
		if (genops_str_is(path, "/health") || genops_str_is(path, "/ready"))
			return genops_config_read_fail(reader, genops_yaml_get(node, names[i]), "take another path",
			    "%s: %.*s is where this address tells whether it is well", names[i], GENOPS_STR_ARG(path));
		for (size_t j = 0; j < i; j++) {
			const struct genops_yaml_node *said = node ? genops_yaml_get(node, names[i]) : NULL;
			if (genops_str_equal(path, listener->paths[j]))
				return genops_config_read_fail(reader, said ? said : genops_yaml_get(node, names[j]), "give each a path of its own",
				    "%s and %s are the same", names[j], names[i]);
		}
	}
	return GENOPS_OK;
}

/* --- parts --- */

static int read_tls(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct genops_config_listener *listener)
{
	genops_str *paths[] = {&listener->tls_certificate, &listener->tls_key, &listener->tls_client_ca};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_receiver_check_done(reader, node, genops_config_receiver_tls_rows, what));
	GENOPS_TRY(genops_config_read_section(reader, node, what, genops_config_receiver_tls_rows, listener));
	for (size_t i = 0; i < 3; i++) {
		if (!paths[i]->len)
			continue;
		GENOPS_TRY(genops_config_file_path(reader, *paths[i], reader->folder, paths[i]));
		if (genops_str_find_char(*paths[i], '$') != SIZE_MAX) /* as in gateway.tls */
			return genops_config_read_fail(reader, node, "move the file", "%s: nginx takes no path with a $ in it here", what);
	}
	return GENOPS_OK;
}

static int read_cors(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct genops_config_listener *listener)
{
	char text[1024] = "accept, content-type, x-requested-with";
	size_t len = strlen(text);
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_receiver_check_done(reader, node, genops_config_receiver_cors_rows, what));
	GENOPS_TRY(genops_config_read_section(reader, node, what, genops_config_receiver_cors_rows, listener));
	for (size_t i = 0; i < listener->cors_header_list.n; i++) {
		genops_str name = listener->cors_header_list.items[i];
		listener->cors_takes_any_header |= genops_str_is(name, "*");
		for (size_t j = 0; j < name.len; j++) {
			if (name.ptr[j] <= ' ' || name.ptr[j] > '~' || len + name.len + 4 > sizeof text)
				return genops_config_read_fail(reader, node, NULL, "%s: allowed_headers are not names of headers", what);
		}
		len += (size_t)snprintf(text + len, sizeof text - len, ", %.*s", GENOPS_STR_ARG(name));
	}
	if (!genops_arena_dup(reader->arena, genops_str_of(text), &listener->cors_headers))
		return genops_config_read_no_memory(reader);
	if (listener->cors_max_age_s) {
		snprintf(text, sizeof text, "%lld", (long long)listener->cors_max_age_s);
		if (!genops_arena_dup(reader->arena, genops_str_of(text), &listener->cors_max_age))
			return genops_config_read_no_memory(reader);
	}
	return GENOPS_OK;
}

static int read_keepalive(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct genops_config_listener *listener)
{
	const struct genops_option *rows = genops_config_receiver_keepalive_rows;
	if (node)
		GENOPS_TRY(genops_config_receiver_check_done(reader, node, rows, what));
	GENOPS_TRY(genops_config_read_section(reader, node, what, rows, listener));
	const struct genops_yaml_node *age = genops_config_read_get(node, rows, "server_parameters");
	if (age)
		GENOPS_TRY(genops_config_receiver_check_done(reader, age, genops_config_receiver_age_rows, what));
	return genops_config_read_section(reader, age, what, genops_config_receiver_age_rows, listener);
}

static int read_parts(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct protocol *raw, struct genops_config_listener *listener)
{
	bool is_grpc = listener->is_grpc;
	const struct genops_yaml_part parts[] = {{genops_config_receiver_protocol_rows[is_grpc], raw},
	    {is_grpc ? genops_config_receiver_grpc_rows : genops_config_receiver_http_rows, is_grpc ? (void *)raw : listener}};
	if (node && node->kind == GENOPS_YAML_MAPPING)
		GENOPS_TRY(genops_config_receiver_check_done(reader, node, parts[1].rows, what));
	return genops_config_read_parts(reader, node, what, parts, 2);
}

int genops_config_receiver_protocol(struct genops_config_reader *reader, const struct genops_yaml_node *key,
    const struct genops_yaml_node *node, bool is_grpc, struct genops_config_listener *ret_listener)
{
	const char *what = is_grpc ? "protocols.grpc" : "protocols.http";
	struct genops_config_listener listener = {.is_grpc = is_grpc};
	struct protocol raw = {0};
	if (node && genops_yaml_is_null(node))
		node = NULL;
	GENOPS_TRY(read_parts(reader, node, what, &raw, &listener));
	if (!node || !genops_yaml_get(node, "keep_alives_enabled"))
		listener.is_keeping_alive = genops_config_performance_is_keeping_alive(reader);
	if (raw.has_metadata)
		return genops_config_read_fail(reader, genops_yaml_get(node, "include_metadata"), "remove it",
		    "%s: include_metadata has no effect here: no processor reads a client's headers", what);
	const struct genops_yaml_node *endpoint = node ? genops_yaml_get(node, "endpoint") : NULL;
	GENOPS_TRY(genops_config_receiver_endpoint(reader, endpoint ? endpoint : key, raw.endpoint, &listener));
	GENOPS_TRY(read_tls(reader, genops_config_read_get(node, genops_config_receiver_protocol_rows[is_grpc], "tls"), "tls", &listener));
	if (is_grpc) {
		listener.max_body = raw.max_mib * MIB;
		listener.max_streams = raw.max_streams;
		listener.read_timeout_ns = listener.header_timeout_ns = listener.write_timeout_ns = 60 * GENOPS_NS_PER_S;
		GENOPS_TRY(read_keepalive(
		    reader, genops_config_read_get(node, genops_config_receiver_grpc_rows, "keepalive"), "keepalive", &listener));
	} else {
		GENOPS_TRY(check_paths(reader, node, &listener));
		GENOPS_TRY(read_cors(reader, genops_config_read_get(node, genops_config_receiver_http_rows, "cors"), "cors", &listener));
	}
	const struct genops_yaml_node *auth = node ? genops_yaml_get(node, "auth") : NULL;
	if (auth)
		GENOPS_TRY(genops_config_receiver_auth(reader, auth, &listener.access));
	*ret_listener = listener;
	return GENOPS_OK;
}
