/* SPDX-License-Identifier: Apache-2.0
 * engine/config/receiver/config_receiver.c - `receivers`: where OTLP comes in, in the OpenTelemetry Collector's own format.
 *
 * What of a Collector's receiver is not done here is an error that names it: silence would be a setting that does nothing. Types that this
 * build cannot do are accepted with a warning, so that a Collector's file loads. The address decides who is let in where nothing is said. */
#include "engine/config/receiver/config_receiver.h"

#include "base/str.h"
#include "telemetry/otlp/envelope.h"

#include <arpa/inet.h>
#include <stdio.h>

#define OTLP 0

static const char *const types[] = {"otlp", "prometheus", "jaeger", "zipkin", "kafka", "hostmetrics", "filelog", "k8s_cluster",
    "k8s_events", "k8sobjects", "kubeletstats", "opencensus", "statsd", "syslog", "splunk_hec", "datadog", "loki", "fluentforward",
    "journald", "redis", "postgresql", "mysql", "nginx", "docker_stats", "carbon", "collectd", "webhookevent", "otelarrow",
    "awsxray", "otlpjsonfile", "prometheusremotewrite", "tcplog", "udplog", "skywalking", "nop"};
#define N_TYPES (sizeof types / sizeof *types)

struct receiver {
	genops_str input, rate_limit;
	struct genops_texts allow, deny;
	int64_t buffer_max;
};

#define AT(field) offsetof(struct receiver, field)
const struct genops_option genops_config_receiver_rows[] = {
    {.name = "protocols", .type = GENOPS_OPTION_CUSTOM, .text = "http and grpc; unset: both, on their usual ports of this machine"},
    {.name = "auth", .type = GENOPS_OPTION_CUSTOM, .text = "who may send: bearer_tokens, authenticator, or none; keys of governance always may"},
    {.name = "input_id",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(input),
	.text = "__inputId of its events; unset: genops_otlp_source for otlp, else the receiver's name"},
    {.name = "allow", .type = GENOPS_OPTION_LIST, .offset = AT(allow), .text = "addresses and networks (10.0.0.0/8) that may connect; unset: all; the narrowest of allow and deny counts"},
    {.name = "deny", .type = GENOPS_OPTION_LIST, .offset = AT(deny), .text = "addresses and networks that may not; all"},
    {.name = "rate_limit",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(rate_limit),
	.text = "requests of one client address, like 10000/second/ip; more get 429"},
    {.name = "max_buffer_size",
	.type = GENOPS_OPTION_SIZE,
	.offset = AT(buffer_max),
	.min = 8388608,
	.max = 1610612736.0,
	.text = "of what waits to be drained; over it requests get 503 with Retry-After; unset: 1536MiB, or performance_settings.buffer.memory_size"},
    {.name = NULL},
};

static const struct genops_option protocols_rows[] = {
    {.name = "http", .type = GENOPS_OPTION_CUSTOM}, {.name = "grpc", .type = GENOPS_OPTION_CUSTOM}, {.name = NULL}};

static const char *const not_done[] = {"response_headers", "compression_algorithms", "middlewares", "read_buffer_size",
    "write_buffer_size", "enforcement_policy", "time", "timeout", "max_connection_age_grace", "ca_file", "ca_pem", "cert_pem", "key_pem",
    "client_ca_file_reload", "reload_interval", "max_version", "cipher_suites", "curve_preferences", "include_system_ca_certs_pool", "tpm",
    "exposed_headers", "profiles_url_path", "dialer", "request_params"};

int genops_config_receiver_check_done(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_option *rows, const char *what)
{
	for (const struct genops_yaml_entry *entry = node->kind == GENOPS_YAML_MAPPING ? node->first : NULL; entry; entry = entry->next) {
		for (size_t i = 0; i < sizeof not_done / sizeof *not_done; i++) {
			if (genops_str_is(entry->key->text, not_done[i]) && !genops_option_find(rows, entry->key->text))
				return genops_config_read_fail(reader, entry->key, "remove it",
				    "%s: the Collector's \"%s\" is not done here", what, not_done[i]);
		}
	}
	return GENOPS_OK;
}

/* --- networks and rates: they end up in nginx's configuration --- */

bool genops_config_receiver_is_network(genops_str text)
{
	char address[64];
	struct in6_addr bytes;
	genops_str rest = text, host = genops_str_split(&rest, '/');
	int64_t bits = 0;
	bool is_v6 = genops_str_find_char(host, ':') != SIZE_MAX;
	if (!host.len || host.len >= sizeof address || (rest.ptr && (!genops_str_to_int(rest, &bits) || bits < 0 || bits > (is_v6 ? 128 : 32))))
		return false;
	snprintf(address, sizeof address, "%.*s", GENOPS_STR_ARG(host));
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, address, &bytes) == 1;
}

static int check_networks(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *name,
    const struct genops_texts *texts)
{
	const struct genops_yaml_node *said = node ? genops_yaml_get(node, name) : NULL;
	if (said && !genops_yaml_is_null(said) && !texts->n) /* an unset ${VARIABLE} is not everybody */
		return genops_config_read_fail(reader, said, "name addresses, all, or remove it", "%s is empty", name);
	for (size_t i = 0; i < texts->n; i++) {
		if (!genops_config_receiver_is_network(texts->items[i]) && !genops_str_is(texts->items[i], "all"))
			return genops_config_read_fail(reader, genops_yaml_get(node, name), "write addresses and networks, like 10.0.0.0/8",
			    "%s: \"%.*s\" is neither", name, texts->items[i].len > 64 ? 64 : (int)texts->items[i].len, texts->items[i].ptr);
	}
	return GENOPS_OK;
}

int genops_config_receiver_rate(
    struct genops_config_reader *reader, const struct genops_yaml_node *place, genops_str text, int64_t *ret_per_second)
{
	genops_str rest = text, count = genops_str_trim(genops_str_split(&rest, '/'));
	genops_str unit = genops_str_trim(genops_str_split(&rest, '/')), whose = genops_str_trim(rest);
	int64_t n;
	bool is_second = !unit.len || genops_str_is(unit, "second") || genops_str_is(unit, "s");
	bool is_minute = genops_str_is(unit, "minute") || genops_str_is(unit, "m");
	if (!text.len)
		return GENOPS_OK;
	if (!genops_str_to_int(count, &n) || n < 1 || n > 10000000 || (!is_second && !is_minute) || (whose.len && !genops_str_is(whose, "ip")) ||
	    (is_minute && n < 60))
		return genops_config_read_fail(reader, place, "write it like 10000/second/ip", "rate_limit: \"%.*s\" is no rate",
		    text.len > 64 ? 64 : (int)text.len, text.ptr);
	*ret_per_second = is_minute ? n / 60 : n;
	return GENOPS_OK;
}

/* --- a receiver --- */

static int read_protocols(struct genops_config_reader *reader, const struct genops_yaml_node *key, const struct genops_yaml_node *node,
    struct genops_config_receiver *receiver)
{
	GENOPS_TRY(genops_config_read_section(reader, node, "protocols", protocols_rows, receiver));
	for (int is_grpc = 0; is_grpc < 2; is_grpc++) {
		const char *name = is_grpc ? "grpc" : "http";
		const struct genops_yaml_node *protocol = node ? genops_yaml_get(node, name) : NULL;
		if (node && !protocol)
			continue; /* not asked for; `http:` without content is */
		GENOPS_TRY(genops_config_receiver_protocol(
		    reader, protocol ? protocol : key, protocol, is_grpc, &receiver->listeners[receiver->n_listeners++]));
	}
	if (!receiver->n_listeners)
		return genops_config_read_fail(reader, node, "name http, grpc or both", "protocols is empty: nothing would listen");
	return GENOPS_OK;
}

static int read_access(struct genops_config_reader *reader, const struct genops_yaml_node *key, const struct genops_yaml_node *node,
    struct genops_config_receiver *receiver)
{
	struct genops_config_access access = {0};
	const struct genops_yaml_node *auth = genops_config_read_get(node, genops_config_receiver_rows, "auth");
	const struct genops_yaml_node *protocols = genops_config_read_get(node, genops_config_receiver_rows, "protocols");
	if (auth)
		GENOPS_TRY(genops_config_receiver_auth(reader, auth, &access));
	for (size_t i = 0; i < receiver->n_listeners; i++) {
		struct genops_config_listener *listener = &receiver->listeners[i];
		const struct genops_yaml_node *protocol = protocols ? genops_yaml_get(protocols, listener->is_grpc ? "grpc" : "http") : NULL;
		const struct genops_yaml_node *endpoint =
		    protocol && protocol->kind == GENOPS_YAML_MAPPING ? genops_yaml_get(protocol, "endpoint") : NULL;
		if (!listener->access.is_set) {
			listener->access = access;
			GENOPS_TRY(genops_config_receiver_own_tokens(reader, &listener->access));
		}
		GENOPS_TRY(genops_config_receiver_close_access(reader, endpoint ? endpoint : protocol ? protocol : key, "endpoint", listener));
	}
	return GENOPS_OK;
}

static int read_otlp(struct genops_config_reader *reader, const struct genops_yaml_node *key, const struct genops_yaml_node *node,
    struct genops_config_receiver *receiver)
{
	const struct genops_option *rows = genops_config_receiver_rows;
	struct receiver raw = {0};
	char what[128];
	snprintf(what, sizeof what, "receiver \"%.100s\"", receiver->name.ptr);
	if (node && genops_yaml_is_null(node))
		node = NULL;
	GENOPS_TRY(genops_config_read_section(reader, node, what, rows, &raw));
	receiver->input = raw.input;
	receiver->allow = raw.allow;
	receiver->deny = raw.deny;
	receiver->buffer_max = genops_config_performance_buffer(reader, raw.buffer_max);
	if (!receiver->input.len)
		receiver->input = genops_str_is(receiver->name, "otlp") ? GENOPS_STR(GENOPS_INPUT_OTLP) : receiver->name;
	GENOPS_TRY(check_networks(reader, node, "allow", &raw.allow));
	GENOPS_TRY(check_networks(reader, node, "deny", &raw.deny));
	GENOPS_TRY(genops_config_receiver_rate(reader, node ? genops_yaml_get(node, "rate_limit") : NULL, genops_str_trim(raw.rate_limit), &receiver->rate_per_second));
	GENOPS_TRY(read_protocols(reader, key, genops_config_read_get(node, rows, "protocols"), receiver));
	return read_access(reader, key, node, receiver);
}

static int find_type(struct genops_config_reader *reader, const struct genops_yaml_node *key, size_t *ret_index)
{
	char fix[96] = "";
	genops_str rest = key->text, type = genops_str_split(&rest, '/');
	for (size_t i = 0; i < N_TYPES; i++) {
		if (genops_str_is(type, types[i])) {
			*ret_index = i;
			return GENOPS_OK;
		}
	}
	const char *nearest = genops_str_nearest(type, types, N_TYPES);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(
	    reader, key, fix, "there is no receiver type \"%.*s\"", type.len > 64 ? 64 : (int)type.len, type.len ? type.ptr : "");
}

/* It stands in nginx's configuration and in labels. */
static int check_name(struct genops_config_reader *reader, const struct genops_yaml_node *key, genops_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if ((!is_word && !strchr("/_-.", c)) || name.len > 60)
			return genops_config_read_fail(reader, key, "use letters, digits, - _ and .", "a receiver cannot have this name");
	}
	return GENOPS_OK;
}

int genops_config_receiver_add(struct genops_config_reader *reader, const struct genops_yaml_node *place, genops_str name,
    struct genops_config_receiver **ret_receiver)
{
	struct genops_config *config = reader->config;
	size_t n = config->n_receivers;
	GENOPS_TRY(check_name(reader, place, name));
	if (n >= GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(reader, place, NULL, "there are more than %d receivers", GENOPS_CONFIG_ITEMS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (genops_str_equal(config->receivers[i].name, name))
			return genops_config_read_fail(reader, place, "give each a name of its own", "there are two receivers \"%.*s\"", GENOPS_STR_ARG(name));
	}
	if (!(n & (n - 1))) { /* room for the next power of two */
		struct genops_config_receiver *grown = genops_arena_alloc(reader->arena, (n ? 2 * n : 1) * sizeof *grown);
		if (!grown)
			return genops_config_read_no_memory(reader);
		if (n)
			memcpy(grown, config->receivers, n * sizeof *grown);
		config->receivers = grown;
	}
	struct genops_config_receiver *receiver = &config->receivers[n];
	*receiver = (struct genops_config_receiver){0};
	if (!genops_arena_dup(reader->arena, name, &receiver->name))
		return genops_config_read_no_memory(reader);
	config->n_receivers++;
	*ret_receiver = receiver;
	return GENOPS_OK;
}

/* Two that want one address. */
int genops_config_receiver_check(struct genops_config_reader *reader, const struct genops_yaml_node *key)
{
	const struct genops_config *config = reader->config;
	struct genops_config_receiver *last = &config->receivers[config->n_receivers - 1];
	genops_config_receiver_secure(reader, last);
	last->worker_memory = config->gateway.worker_memory;
	for (size_t i = 0; i < last->n_listeners; i++) {
		const struct genops_config_listener *listener = &last->listeners[i];
		for (size_t j = 0; listener->port && j < config->n_receivers; j++) {
			for (size_t k = 0; k < config->receivers[j].n_listeners; k++) {
				const struct genops_config_listener *other = &config->receivers[j].listeners[k];
				if (other != listener && other->port == listener->port && genops_str_equal(other->host, listener->host))
					return genops_config_read_fail(reader, key, "give each an address of its own", "%.*s:%d is said twice",
					    GENOPS_STR_ARG(listener->host), listener->port);
			}
		}
	}
	return GENOPS_OK;
}

static int read_entry(struct genops_config_reader *reader, const struct genops_yaml_entry *entry)
{
	struct genops_config_receiver *receiver;
	size_t index = 0;
	GENOPS_TRY(find_type(reader, entry->key, &index));
	if (index != OTLP) {
		GENOPS_TRY(genops_config_read_check_variables(reader, entry->value));
		return genops_config_read_warn(reader, entry->key, "let a Collector receive it, and send OTLP here",
		    "receiver type \"%s\" is not available in this build: \"%.*s\" receives nothing", types[index],
		    entry->key->text.len > 100 ? 100 : (int)entry->key->text.len, entry->key->text.ptr);
	}
	GENOPS_TRY(genops_config_receiver_add(reader, entry->key, entry->key->text, &receiver));
	GENOPS_TRY(read_otlp(reader, entry->key, entry->value, receiver));
	return genops_config_receiver_check(reader, entry->key);
}

/* Nobody said anything: the usual ports of this machine. */
static int read_usual(struct genops_config_reader *reader)
{
	struct genops_config_receiver *receiver;
	GENOPS_TRY(genops_config_receiver_add(reader, NULL, GENOPS_STR("otlp"), &receiver));
	receiver->is_implicit = true;
	GENOPS_TRY(read_otlp(reader, NULL, NULL, receiver));
	return genops_config_receiver_check(reader, NULL);
}

int genops_config_receiver_read(struct genops_config_reader *reader)
{
	const struct genops_yaml_node *node = genops_config_read_get(reader->root, genops_config_rows, "receivers");
	const struct genops_yaml_node *sources = genops_config_read_get(reader->root, genops_config_rows, "sources");
	GENOPS_TRY(genops_config_receiver_security(reader, genops_config_read_get(reader->root, genops_config_rows, "security")));
	if (node)
		GENOPS_TRY(genops_config_read_expect(reader, node, "receivers", GENOPS_YAML_MAPPING));
	for (const struct genops_yaml_entry *entry = node ? node->first : NULL; entry; entry = entry->next)
		GENOPS_TRY(read_entry(reader, entry));
	if (!node && !sources)
		return read_usual(reader);
	return genops_config_receiver_sources(reader, sources);
}
