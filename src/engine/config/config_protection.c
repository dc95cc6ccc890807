/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_protection.c - section `data_protection`, as the Cribl guide writes it.
 *
 * Masks are compiled here and run by the flow, before anything that was received or recorded goes to pipelines and destinations. What the
 * section asks of the queue, of receivers and of exporters is checked against how they are configured: a promise that is not kept is an
 * error, never a silence. What is not done (sealed segments, ageing) is warned about. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <stdio.h>

struct protection {
	int buffer_storage, persistent_queues, genops_to_cribl, cribl_to_destinations, action; /* -1: not said */
	genops_str buffer, persistent_queue, audit_logs;
};

#define AT(field) offsetof(struct protection, field)
static const char *const ciphers[] = {"AES-256", "AES-256-GCM", NULL};
static const char *const transports[] = {"TLS 1.2+", NULL};
static const char *const actions[] = {"redact", NULL};

const struct genops_option genops_config_protection_rows[] = {
    {.name = "encryption_at_rest", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "encryption_in_transit", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "masking", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = "retention", .type = GENOPS_OPTION_CUSTOM, .text = "as below"},
    {.name = NULL},
};

const struct genops_option genops_config_protection_rest_rows[] = {
    {.name = "persistent_queues",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(persistent_queues),
	.names = ciphers,
	.text = "the durable queue is sealed: telemetry.queue.encryption_key or GENOPS_QUEUE_KEY has to be set"},
    {.name = "buffer_storage",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(buffer_storage),
	.names = ciphers,
	.text = "not done: what has just come lies in segments as it came; warned about"},
    {.name = NULL},
};

const struct genops_option genops_config_protection_transit_rows[] = {
    {.name = "genops_to_cribl",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(genops_to_cribl),
	.names = transports,
	.text = "receivers on addresses that others reach have certificates, or the configuration is an error"},
    {.name = "cribl_to_destinations",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(cribl_to_destinations),
	.names = transports,
	.text = "exporters and destinations on other machines are sent to over TLS, or the configuration is an error"},
    {.name = NULL},
};

const struct genops_option genops_config_protection_masking_rows[] = {
    {.name = "pii_patterns",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "name and JavaScript pattern, upper and lower case alike: what they find in what spans, metrics, log records and events say is [REDACTED]"},
    {.name = "action", .type = GENOPS_OPTION_ENUM, .offset = AT(action), .default_text = "redact", .names = actions, .text = "what is found is replaced, the rest stays"},
    {.name = NULL},
};

const struct genops_option genops_config_protection_retention_rows[] = {
    {.name = "buffer", .type = GENOPS_OPTION_TEXT, .offset = AT(buffer), .text = "not done: nothing is thrown away for its age; warned about"},
    {.name = "persistent_queue", .type = GENOPS_OPTION_TEXT, .offset = AT(persistent_queue), .text = "the same"},
    {.name = "audit_logs", .type = GENOPS_OPTION_TEXT, .offset = AT(audit_logs), .text = "the same"},
    {.name = NULL},
};

static const struct {
	const char *name;
	const struct genops_option *rows;
} parts[] = {
    {"encryption_at_rest", genops_config_protection_rest_rows},
    {"encryption_in_transit", genops_config_protection_transit_rows},
    {"masking", genops_config_protection_masking_rows},
    {"retention", genops_config_protection_retention_rows},
};

/* --- masks --- */

static int add_pattern(struct genops_config_reader *reader, const struct genops_yaml_entry *entry)
{
	struct genops_otlp_mask *mask = reader->config->mask;
	const struct genops_yaml_node *node = entry->value;
	struct genops_error why = {0};
	GENOPS_TRY(genops_config_read_expect(reader, node, "a pattern", GENOPS_YAML_SCALAR));
	if (mask->n == GENOPS_OTLP_MASK_PATTERNS_MAX)
		return genops_config_read_fail(reader, node, NULL, "pii_patterns: there are more than %d", GENOPS_OTLP_MASK_PATTERNS_MAX);
	int code = node->text.len ? genops_regex_compile(node->text, GENOPS_STR("gi"), &mask->patterns[mask->n], &why)
				  : genops_fail(&why, GENOPS_SYNTAX, "it is empty");
	if (code == GENOPS_NOMEM)
		return genops_config_read_no_memory(reader);
	if (code != GENOPS_OK)
		return genops_config_read_fail(reader, node, why.fix, "the pattern %.*s: %s",
		    entry->key->text.len > 64 ? 64 : (int)entry->key->text.len, entry->key->text.ptr, why.message);
	mask->n++;
	return GENOPS_OK;
}

/* A list of {name: pattern}, as the guide has it, or one mapping of them. */
static int read_patterns(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	bool is_list = node->kind == GENOPS_YAML_SEQUENCE;
	const struct genops_yaml_entry *item = is_list ? node->first : NULL;
	if (!is_list)
		GENOPS_TRY(genops_config_read_expect(reader, node, "pii_patterns", GENOPS_YAML_MAPPING));
	reader->config->mask = genops_arena_alloc(reader->arena, sizeof *reader->config->mask);
	if (!reader->config->mask)
		return genops_config_read_no_memory(reader);
	*reader->config->mask = (struct genops_otlp_mask){0};
	for (const struct genops_yaml_node *patterns = is_list ? NULL : node; patterns || item; item = item ? item->next : NULL) {
		if (item)
			GENOPS_TRY(genops_config_read_expect(reader, patterns = item->value, "an entry of pii_patterns", GENOPS_YAML_MAPPING));
		for (const struct genops_yaml_entry *entry = patterns->first; entry; entry = entry->next)
			GENOPS_TRY(add_pattern(reader, entry));
		patterns = NULL;
	}
	if (!reader->config->mask->n)
		return genops_config_read_fail(reader, node, "name a pattern, or remove the section", "pii_patterns is empty");
	return GENOPS_OK;
}

/* --- promises --- */

static int warn_undone(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct protection *protection)
{
	const struct genops_yaml_node *retention = genops_yaml_get(node, "retention");
	if (protection->buffer_storage >= 0)
		GENOPS_TRY(genops_config_read_warn(reader, genops_yaml_get(node, "encryption_at_rest"), "keep the state directory on an encrypted disk",
		    "buffer_storage: what has just been received is not encrypted before it reaches the queue"));
	if (!retention)
		return GENOPS_OK;
	return genops_config_read_warn(reader, retention, "bound the queue by telemetry.queue.max_size",
	    "data_protection.retention has no effect yet: nothing is thrown away for its age");
}

static int read_queue_key(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	const char *variable = genops_config_environment_get(reader, "GENOPS_QUEUE_KEY");
	if (reader->config->telemetry.queue_encryption_key.len)
		return GENOPS_OK;
	if (variable && *variable)
		return genops_config_telemetry_queue_key(reader, node, genops_str_of(variable));
	return genops_config_read_fail(reader, node, "set GENOPS_QUEUE_KEY or telemetry.queue.encryption_key to what openssl rand -hex 32 prints",
	    "persistent_queues are to be encrypted, and there is no key");
}

int genops_config_protection_read(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct protection protection = {-1, -1, -1, -1, -1};
	const struct genops_yaml_node *patterns;
	GENOPS_TRY(genops_config_read_section(reader, node, "data_protection", genops_config_protection_rows, &protection));
	if (!node)
		return GENOPS_OK;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		GENOPS_TRY(genops_config_read_section(reader, genops_config_read_get(node, genops_config_protection_rows, parts[i].name), parts[i].name, parts[i].rows, &protection));
	reader->wants_tls_in = protection.genops_to_cribl >= 0;
	reader->wants_tls_out = protection.cribl_to_destinations >= 0;
	if (protection.persistent_queues >= 0)
		GENOPS_TRY(read_queue_key(reader, genops_yaml_get(genops_yaml_get(node, "encryption_at_rest"), "persistent_queues")));
	patterns = genops_config_read_get(
	    genops_config_read_get(node, genops_config_protection_rows, "masking"), genops_config_protection_masking_rows, "pii_patterns");
	if (patterns)
		GENOPS_TRY(read_patterns(reader, patterns));
	return warn_undone(reader, node, &protection);
}

static int check_receivers(struct genops_config_reader *reader, const struct genops_yaml_node *place)
{
	const struct genops_config *config = reader->config;
	for (size_t i = 0; i < config->n_receivers; i++) {
		for (size_t j = 0; j < config->receivers[i].n_listeners; j++) {
			const struct genops_config_listener *listener = &config->receivers[i].listeners[j];
			if (!listener->tls_certificate.len && !genops_config_gateway_is_loopback(listener->host))
				return genops_config_read_fail(reader, place, "set tls.cert_file and tls.key_file there",
				    "data_protection asks for TLS, and receiver %.*s listens without it", GENOPS_STR_ARG(config->receivers[i].name));
		}
	}
	return GENOPS_OK;
}

/* http://host:port: sent in clear over the network. What stays on this machine may. */
static bool is_in_clear(const struct genops_config_exporter *exporter)
{
	genops_str url = exporter->endpoint, host;
	bool is_http = genops_str_starts(url, GENOPS_STR("http://"));
	if (!url.len || (!is_http && !exporter->is_insecure))
		return false;
	if (is_http)
		url = genops_str_skip(url, 7);
	host = genops_str_split(&url, '/');
	size_t colon = host.len;
	while (colon && host.ptr[colon - 1] != ':' && host.ptr[colon - 1] != ']')
		colon--;
	if (colon && host.ptr[colon - 1] == ':')
		host.len = colon - 1;
	if (host.len > 1 && host.ptr[0] == '[')
		host = (genops_str){host.ptr + 1, host.len - 2};
	return !genops_config_gateway_is_loopback(host);
}

static int check_exporter(struct genops_config_reader *reader, const struct genops_yaml_node *place, const struct genops_config_exporter *exporter)
{
	if (!is_in_clear(exporter))
		return GENOPS_OK;
	return genops_config_read_fail(reader, place, "let its address begin with https://, without tls.insecure",
	    "data_protection asks for TLS, and %.*s is sent to without it", GENOPS_STR_ARG(exporter->name));
}

int genops_config_protection_check(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	const struct genops_config *config = reader->config;
	const struct genops_yaml_node *place = node ? genops_yaml_get(node, "encryption_in_transit") : NULL;
	if (reader->wants_tls_in)
		GENOPS_TRY(check_receivers(reader, place));
	for (size_t i = 0; reader->wants_tls_out && i < config->telemetry.n_exporters; i++)
		GENOPS_TRY(check_exporter(reader, place, &config->telemetry.exporters[i]));
	for (size_t i = 0; reader->wants_tls_out && i < config->n_destinations; i++)
		GENOPS_TRY(check_exporter(reader, place, &config->destinations[i]));
	return GENOPS_OK;
}
