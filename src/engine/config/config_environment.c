/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_environment.c - environment variables, stronger than the file (contract A-045); empty ones count as not set.
 *
 * OTEL_EXPORTER_OTLP_* follow the OpenTelemetry specification (protocol/exporter): the TRACES_ form beats the general
 * one, is a whole URL, and headers are percent-encoded. They make an exporter only where the file has none. */
#include "engine/config/config_read.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

#define HEADERS_MAX 64

static const struct genops_config_variable variables[] = {
    {"GENOPS_CONFIG", "the configuration file, where --config is not given"},
    {"GENOPS_STATE_DIR", "the state directory, where --state is not given"},
    {"GENOPS_NODE", "which of worker_nodes this machine is; unset: its host's name says"},
    {"GENOPS_TEAM", "default attribute team"},
    {"GENOPS_PROJECT", "default attribute project"},
    {"GENOPS_ENVIRONMENT", "default attribute environment; unset everywhere: development"},
    {"GENOPS_CUSTOMER_ID", "default attribute customer_id"},
    {"GENOPS_COST_CENTER", "default attribute cost_center"},
    {"GENOPS_FEATURE", "default attribute feature"},
    {"GENOPS_RUN_ID", "attribute run_id: which `genops run` a call belongs to; set by it"},
    {"GENOPS_<PROVIDER>_BASE_URL", "base_url of a built-in provider, stronger than the file: GENOPS_OPENAI_BASE_URL"},
    {"GENOPS_DAILY_BUDGET_LIMIT", "governance.daily_budget_limit, in USD"},
    {"GENOPS_GOVERNANCE_POLICY", "governance.mode: enforced, advisory or audit_only"},
    {"COLLIBRA_URL", "collibra.url; also COLLIBRA_USERNAME, _PASSWORD, _API_TOKEN, _CLIENT_ID, _CLIENT_SECRET"},
    {"GENOPS_COLLIBRA_<KEY>", "any other key of section collibra: GENOPS_COLLIBRA_EXPORT_MODE"},
    {"GENOPS_LOG_LEVEL", "error, warn, info or debug"},
    {"OTEL_LOG_LEVEL", "the same, weaker"},
    {"OTEL_SDK_DISABLED", "true: nothing is exported; governance goes on"},
    {"OTEL_SERVICE_NAME", "resource attribute service.name"},
    {"OTEL_RESOURCE_ATTRIBUTES", "key=value,key=value: resource attributes"},
    {"OTEL_TRACES_EXPORTER", "none: OTEL_EXPORTER_OTLP_* make no exporter"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT", "where OTLP goes when no exporter is configured; TRACES_ENDPOINT: the whole URL"},
    {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf, http/json or grpc; also TRACES_PROTOCOL, as all below"},
    {"OTEL_EXPORTER_OTLP_HEADERS", "key=value,key=value"},
    {"OTEL_EXPORTER_OTLP_COMPRESSION", "none, gzip or zstd"},
    {"OTEL_EXPORTER_OTLP_TIMEOUT", "milliseconds for one request"},
    {"OTEL_EXPORTER_OTLP_CERTIFICATE", "certificate authorities to trust (PEM file)"},
    {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "the client's certificate (PEM file)"},
    {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "its key (PEM file)"},
    {"OTEL_EXPORTER_OTLP_INSECURE", "true: grpc without TLS, where the endpoint has no scheme"},
};

const struct genops_config_variable *genops_config_environment_variables(size_t *ret_n)
{
	*ret_n = sizeof variables / sizeof *variables;
	return variables;
}

const char *genops_config_environment_get(const struct genops_config_reader *reader, const char *name)
{
	const char *value = reader->variables.get(reader->variables.arg, name);
	return value && *value ? value : NULL;
}

static int fail_variable(struct genops_config_reader *reader, const char *name, const char *must_be)
{
	return genops_fail_fix(
	    reader->err, GENOPS_CONFIG, "correct or unset it", "environment variable %s must be %s", name, must_be);
}

int genops_config_environment_attributes(struct genops_config_reader *reader, struct genops_attributes *attributes)
{
	static const struct {
		const char *variable, *name;
	} rows[] = {{"GENOPS_TEAM", "team"}, {"GENOPS_PROJECT", "project"}, {"GENOPS_ENVIRONMENT", "environment"},
	    {"GENOPS_CUSTOMER_ID", "customer_id"}, {"GENOPS_COST_CENTER", "cost_center"}, {"GENOPS_FEATURE", "feature"},
	    {"GENOPS_RUN_ID", "run_id"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *value = genops_config_environment_get(reader, rows[i].variable);
		if (!value)
			continue;
		int code = genops_attributes_set_text(
		    attributes, genops_str_of(rows[i].name), genops_str_of(value), reader->err);
		if (code == GENOPS_NOMEM)
			return code;
		if (code != GENOPS_OK)
			return fail_variable(reader, rows[i].variable, "a short UTF-8 text");
	}
	return GENOPS_OK;
}

static int read_level(struct genops_config_reader *reader, const char *name)
{
	static const char *const levels[] = {"error", "warn", "warning", "info", "debug"};
	const char *value = genops_config_environment_get(reader, name);
	if (!value)
		return GENOPS_OK;
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		if (genops_str_is_nocase(genops_str_of(value), levels[i]))
			return GENOPS_OK;
	}
	return genops_config_read_warn(reader, NULL, "use error, warn, info or debug",
	    "environment variable %s has no level that is known; info is used", name);
}

int genops_config_environment_read(struct genops_config_reader *reader)
{
	static const struct genops_option limit[] = {
	    {.name = "GENOPS_DAILY_BUDGET_LIMIT", .type = GENOPS_OPTION_MONEY, .min = 1e-9, .max = 9e9}, {.name = NULL}};
	const char *mode = genops_config_environment_get(reader, "GENOPS_GOVERNANCE_POLICY");
	const char *daily = genops_config_environment_get(reader, limit->name);
	if (mode && !genops_mode_parse(genops_str_of(mode), &reader->config->mode))
		return fail_variable(reader, "GENOPS_GOVERNANCE_POLICY", "enforced, advisory or audit_only");
	if (daily && genops_option_set(limit, &reader->daily_budget_limit, genops_str_of(daily), NULL, NULL))
		return fail_variable(reader, limit->name, "an amount in USD above 0");
	GENOPS_TRY(read_level(reader, "GENOPS_LOG_LEVEL"));
	return read_level(reader, "OTEL_LOG_LEVEL");
}

/* OTEL_EXPORTER_OTLP_TRACES_<name>, else OTEL_EXPORTER_OTLP_<name>. */
static const char *otlp(const struct genops_config_reader *reader, const char *name)
{
	char full[64];
	snprintf(full, sizeof full, "OTEL_EXPORTER_OTLP_TRACES_%s", name);
	const char *value = genops_config_environment_get(reader, full);
	snprintf(full, sizeof full, "OTEL_EXPORTER_OTLP_%s", name);
	return value ? value : genops_config_environment_get(reader, full);
}

static bool is_header_text(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

/* W3C baggage form without properties: "api-key=a%20b,other=c". */
static int read_pairs(struct genops_config_reader *reader, const char *variable, const char *value,
    struct genops_text_map *ret_map)
{
	static const struct genops_option row = {.name = "pairs", .type = GENOPS_OPTION_MAP};
	struct genops_text_pair pairs[HEADERS_MAX];
	genops_str rest = genops_str_of(value);
	size_t n = 0;
	char *decoded = genops_arena_alloc(reader->arena, rest.len + 1);
	if (!decoded)
		return genops_config_read_no_memory(reader);
	while (rest.ptr) {
		genops_str part = genops_str_trim(genops_str_split(&rest, ','));
		if (!part.len)
			continue;
		genops_str pair = part, key = genops_str_trim(genops_str_split(&pair, '='));
		if (!pair.ptr || !key.len || n == HEADERS_MAX)
			return fail_variable(reader, variable, "key=value,key=value");
		pairs[n].key = genops_str_percent_decode(key, false, decoded);
		pairs[n].value = genops_str_percent_decode(genops_str_trim(pair), false, decoded + pairs[n].key.len);
		decoded += pairs[n].key.len + pairs[n].value.len;
		if (!is_header_text(pairs[n].key) || !is_header_text(pairs[n].value))
			return fail_variable(reader, variable, "key=value,key=value without control characters");
		n++;
	}
	return genops_option_set_pairs(&row, ret_map, pairs, n, reader->arena, reader->err);
}

static bool is_true(const char *value)
{
	return value && genops_str_is_nocase(genops_str_of(value), "true");
}

static int set_files(struct genops_config_reader *reader, struct genops_config_exporter *exporter)
{
	static const char *const names[] = {"CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"};
	genops_str *fields[] = {&exporter->ca_file, &exporter->certificate_file, &exporter->key_file};
	for (size_t i = 0; i < 3; i++) {
		const char *value = otlp(reader, names[i]);
		if (value)
			GENOPS_TRY(genops_config_file_path(reader, genops_str_of(value), (genops_str){0}, fields[i]));
	}
	return GENOPS_OK;
}

static int set_protocol(struct genops_config_reader *reader, struct genops_config_exporter *exporter)
{
	const char *protocol = otlp(reader, "PROTOCOL"), *compression = otlp(reader, "COMPRESSION");
	exporter->type = GENOPS_STR("otlphttp");
	if (protocol && !strcmp(protocol, "grpc"))
		exporter->type = GENOPS_STR("otlp");
	else if (protocol && !strcmp(protocol, "http/json"))
		exporter->is_json = true;
	else if (protocol && strcmp(protocol, "http/protobuf") != 0)
		return fail_variable(reader, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf, http/json or grpc");
	if (compression && !strcmp(compression, "gzip"))
		exporter->compression = GENOPS_STR("gzip");
	else if (compression && !strcmp(compression, "zstd"))
		exporter->compression = GENOPS_STR("zstd");
	else if (compression && strcmp(compression, "none") != 0)
		return fail_variable(reader, "OTEL_EXPORTER_OTLP_COMPRESSION", "none, gzip or zstd");
	return GENOPS_OK;
}

static int set_endpoint(struct genops_config_reader *reader, const char *endpoint, struct genops_config_exporter *exporter)
{
	genops_str url = genops_str_trim(genops_str_of(endpoint));
	bool is_grpc = genops_str_is(exporter->type, "otlp");
	bool is_plain = genops_str_starts(url, GENOPS_STR("http://"));
	bool has_scheme = is_plain || genops_str_starts(url, GENOPS_STR("https://"));
	char full[2048];
	exporter->is_insecure = is_grpc && (is_plain || (!has_scheme && is_true(otlp(reader, "INSECURE"))));
	if ((!has_scheme && (!is_grpc || genops_str_find(url, GENOPS_STR("://")) != SIZE_MAX)) ||
	    url.len > sizeof full - 16 || genops_str_find_char(url, ' ') != SIZE_MAX || !is_header_text(url))
		return fail_variable(reader, "OTEL_EXPORTER_OTLP_ENDPOINT", "a URL like http://localhost:4318");
	snprintf(full, sizeof full, "%s%.*s", has_scheme ? "" : exporter->is_insecure ? "http://" : "https://",
	    GENOPS_STR_ARG(url));
	if (!genops_arena_dup(reader->arena, genops_str_of(full), &exporter->endpoint))
		return genops_config_read_no_memory(reader);
	return GENOPS_OK;
}

static int set_timeout(struct genops_config_reader *reader, struct genops_config_exporter *exporter)
{
	const char *timeout = otlp(reader, "TIMEOUT");
	int64_t ms = 10000;
	if (timeout && (!genops_str_to_int(genops_str_of(timeout), &ms) || ms < 1 || ms > 600000))
		return fail_variable(reader, "OTEL_EXPORTER_OTLP_TIMEOUT", "milliseconds from 1 to 600000");
	exporter->timeout_ns = ms * GENOPS_NS_PER_MS;
	return GENOPS_OK;
}

static int make_exporter(struct genops_config_reader *reader, const char *endpoint, bool is_whole)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	struct genops_config_exporter exporter = {
	    .name = GENOPS_STR("otlp/environment"),
	    .is_retrying = true,
	    .retry_initial_ns = GENOPS_NS_PER_S,
	    .retry_max_ns = 30 * GENOPS_NS_PER_S,
	};
	const char *headers = otlp(reader, "HEADERS");
	GENOPS_TRY(set_protocol(reader, &exporter));
	GENOPS_TRY(set_endpoint(reader, endpoint, &exporter));
	GENOPS_TRY(set_files(reader, &exporter));
	GENOPS_TRY(set_timeout(reader, &exporter));
	if (headers)
		GENOPS_TRY(read_pairs(reader, "OTEL_EXPORTER_OTLP_HEADERS", headers, &exporter.headers));
	exporter.is_signal_url = is_whole && genops_str_is(exporter.type, "otlphttp");
	telemetry->exporters = genops_arena_alloc(reader->arena, sizeof *telemetry->exporters);
	if (!telemetry->exporters)
		return genops_config_read_no_memory(reader);
	exporter.takes_operations = true;
	telemetry->exporters[0] = exporter;
	telemetry->n_exporters = 1;
	return GENOPS_OK;
}

static int read_resource(struct genops_config_reader *reader)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	const char *attributes = genops_config_environment_get(reader, "OTEL_RESOURCE_ATTRIBUTES");
	const char *service = genops_config_environment_get(reader, "OTEL_SERVICE_NAME");
	if (attributes)
		GENOPS_TRY(
		    read_pairs(reader, "OTEL_RESOURCE_ATTRIBUTES", attributes, &telemetry->resource_attributes));
	for (size_t i = 0; i < telemetry->resource_attributes.n; i++) {
		if (genops_str_is(telemetry->resource_attributes.items[i].key, "service.name"))
			telemetry->service_name = telemetry->resource_attributes.items[i].value;
	}
	if (service && !genops_arena_dup(reader->arena, genops_str_of(service), &telemetry->service_name))
		return genops_config_read_no_memory(reader);
	return GENOPS_OK;
}

int genops_config_environment_exporter(struct genops_config_reader *reader)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	const char *whole = genops_config_environment_get(reader, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	const char *base = genops_config_environment_get(reader, "OTEL_EXPORTER_OTLP_ENDPOINT");
	const char *exporter = genops_config_environment_get(reader, "OTEL_TRACES_EXPORTER");
	GENOPS_TRY(read_resource(reader));
	if (is_true(genops_config_environment_get(reader, "OTEL_SDK_DISABLED"))) {
		telemetry->n_exporters = 0;
		return GENOPS_OK;
	}
	if (telemetry->n_exporters || !reader->is_exporting || (!whole && !base) ||
	    (exporter && !strcmp(exporter, "none")))
		return GENOPS_OK;
	return make_exporter(reader, whole ? whole : base, whole != NULL);
}
