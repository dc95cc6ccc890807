/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_exporter.c - one entry of `exporters`, in the OpenTelemetry Collector's own format.
 *
 * What of a Collector's exporter is not done here is an error that names it: silence would be a setting that does
 * nothing. Types that this build cannot do are accepted with a warning, so that a Collector's file loads. */
#include "engine/config/service/config_delivery.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "export/prometheus/prometheus.h"

#include <stdio.h>

/* Types by what becomes of them: a destination of export/, or NULL, which another version may do. */
static const struct {
	const char *type, *destination;
} types[] = {{"otlp", "otlp"}, {"otlphttp", "otlphttp"}, {"debug", "debug"}, {"console", "debug"}, {"logging", "debug"},
    {"opensearch", NULL}, {"prometheus", NULL},
    {"prometheusremotewrite", NULL}, {"splunk_hec", NULL}, {"loki", NULL}, {"awss3", NULL},
    {"awsxray", NULL}, {"awsemf", NULL}, {"awscloudwatchlogs", NULL}, {"googlecloud", NULL}, {"azuremonitor", NULL},
    {"clickhouse", NULL}, {"jaeger", NULL}, {"zipkin", NULL}, {"honeycombmarker", NULL}, {"dynatrace", NULL},
    {"signalfx", NULL}, {"sumologic", NULL}, {"syslog", NULL}, {"loadbalancing", NULL}, {"otelarrow", NULL},
    {"coralogix", NULL}, {"logzio", NULL}, {"pulsar", NULL}, {"rabbitmq", NULL}, {"webhook", NULL}, {"slack", NULL},
    {"nop", NULL}};
#define N_TYPES (sizeof types / sizeof *types)

struct exporter {
	genops_str endpoint, traces_endpoint;
	struct genops_text_map headers;
	int compression, encoding;
	int64_t timeout_ns;
};

#define AT(field) offsetof(struct exporter, field)
const struct genops_option genops_config_exporter_rows[] = {
    {.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(endpoint), .text = "otlp: host:port or URL; otlphttp: URL"},
    {.name = "headers",
	.type = GENOPS_OPTION_MAP,
	.offset = AT(headers),
	.is_secret = true,
	.text = "sent with every request"},
    {.name = "compression",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(compression),
	.default_text = "none",
	.names = (const char *const[]){"none", "gzip", "zstd", NULL},
	.text = "of requests"},
    {.name = "timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = AT(timeout_ns),
	.default_text = "10s",
	.min = 0.001,
	.max = 600,
	.text = "for one request"},
    {.name = NULL},
};

const struct genops_option genops_config_exporter_http_rows[] = {
    {.name = "encoding",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(encoding),
	.default_text = "proto",
	.names = (const char *const[]){"proto", "json", NULL},
	.text = "of requests"},
    {.name = "traces_endpoint", .type = GENOPS_OPTION_TEXT, .offset = AT(traces_endpoint), .text = "the whole URL, instead of endpoint"},
    {.name = NULL},
};

static const struct genops_option no_rows[] = {{.name = NULL}};

static bool is_url_text(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	}
	return text.len > 0;
}

/* otlp: a scheme decides about TLS, without one tls.insecure does. otlphttp: a URL. */
static int set_endpoint(struct genops_config_reader *reader, const struct genops_yaml_node *node, bool is_grpc,
    const struct exporter *raw, struct genops_config_exporter *exporter)
{
	bool is_plain, is_tls;
	genops_str url = raw->traces_endpoint.len ? raw->traces_endpoint : raw->endpoint;
	const struct genops_yaml_node *place =
	    genops_yaml_get(node, raw->traces_endpoint.len ? "traces_endpoint" : "endpoint");
	url = genops_str_trim(url);
	is_plain = genops_str_starts(url, GENOPS_STR("http://"));
	is_tls = genops_str_starts(url, GENOPS_STR("https://"));
	exporter->is_signal_url = raw->traces_endpoint.len > 0;
	if (!url.len)
		return genops_config_read_fail(
		    reader, node, NULL, "exporter \"%s\" needs \"endpoint\"", exporter->name.ptr);
	if (!is_url_text(url) || (!is_plain && !is_tls && (!is_grpc || genops_str_find(url, GENOPS_STR("://")) != SIZE_MAX)))
		return genops_config_read_fail(reader, place,
		    is_grpc ? "write host:4317, http://host:4317 or https://host:4317" : "write http://host:4318 or https://host:4318",
		    "endpoint of exporter \"%s\" is not an address", exporter->name.ptr);
	if (is_plain && is_grpc)
		exporter->is_insecure = true;
	if (is_plain || is_tls) {
		exporter->endpoint = url;
		return GENOPS_OK;
	}
	char *full = genops_arena_alloc(reader->arena, url.len + 9);
	if (!full)
		return genops_config_read_no_memory(reader);
	snprintf(full, url.len + 9, "%s%.*s", exporter->is_insecure ? "http://" : "https://", GENOPS_STR_ARG(url));
	exporter->endpoint = genops_str_of(full);
	return GENOPS_OK;
}

static int read_otlp(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct genops_config_exporter *exporter)
{
	static const char *const compressions[] = {"", "gzip", "zstd"};
	const struct genops_option *rows = genops_config_exporter_rows;
	bool is_grpc = genops_str_is(exporter->type, "otlp");
	struct exporter raw = {0};
	const struct genops_yaml_part parts[] = {{rows, &raw}, {genops_config_delivery_rows, &raw}, {genops_config_exporter_http_rows, &raw}};
	if (node->kind != GENOPS_YAML_MAPPING)
		return genops_config_read_fail(reader, node, NULL, "%s needs \"endpoint\"", what);
	GENOPS_TRY(genops_config_delivery_known(reader, node, genops_config_delivery_rows, what));
	GENOPS_TRY(genops_config_read_parts(reader, node, what, parts, is_grpc ? 2 : 3));
	exporter->headers = raw.headers;
	exporter->compression = genops_str_of(compressions[raw.compression]);
	exporter->is_json = raw.encoding == 1;
	exporter->timeout_ns = raw.timeout_ns;
	GENOPS_TRY(genops_config_delivery_read(reader, node, false, NULL, exporter));
	return set_endpoint(reader, node, is_grpc, &raw, exporter);
}

static int read_debug(struct genops_config_reader *reader, const struct genops_yaml_node *key, const struct genops_yaml_node *node, const char *what)
{
	int none = 0;
	if (node == key)
		return GENOPS_OK;
	if (node->kind == GENOPS_YAML_MAPPING)
		GENOPS_TRY(genops_config_delivery_known(reader, node, no_rows, what));
	return genops_config_read_section(reader, node, what, no_rows, &none);
}

/* What all documents of `destinations` have, and all exporters of a type with a form. */
struct common {
	struct genops_text_map headers;
	int64_t timeout_ns;
	bool verify_tls;
};

#define COMMON(field) offsetof(struct common, field)
const struct genops_option genops_config_form_exporter_rows[] = {
    {.name = "headers", .type = GENOPS_OPTION_MAP, .offset = COMMON(headers), .is_secret = true, .text = "sent with every request"},
    {.name = "timeout", .type = GENOPS_OPTION_DURATION, .offset = COMMON(timeout_ns), .default_text = "10s", .min = 0.001, .max = 600, .text = "for one request"},
    {.name = NULL},
};

const struct genops_option genops_config_form_document_rows[] = {
    {.name = "headers", .type = GENOPS_OPTION_MAP, .offset = COMMON(headers), .is_secret = true, .text = "sent with every request"},
    {.name = "timeout", .type = GENOPS_OPTION_DURATION, .offset = COMMON(timeout_ns), .default_text = "10s", .min = 0.001, .max = 600, .text = "for one request"},
    {.name = "verify_tls", .type = GENOPS_OPTION_BOOL, .offset = COMMON(verify_tls), .default_text = "true", .text = "false: any certificate is taken, as with tls.insecure_skip_verify"},
    {.name = NULL},
};

static int warn(void *arg, const struct genops_yaml_node *node, const char *fix, const char *message)
{
	return genops_config_read_warn(arg, node, fix, "%s", message);
}

/* Each remembers how far it has written, and puts the file aside when that is too much: of one file that can only be one's work. */
static int read_path(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_form *kept,
    struct genops_config_exporter *exporter)
{
	const char *row = kept->form->file_row;
	genops_str path = *(const genops_str *)((const char *)kept->own + genops_option_find(kept->form->rows, genops_str_of(row))->offset);
	GENOPS_TRY(genops_config_file_path(reader, path, reader->folder, &exporter->endpoint));
	bool is_device = genops_str_starts(exporter->endpoint, GENOPS_STR("/dev/"));
	for (const struct genops_config_form *other = kept->next; other && !is_device; other = other->next) {
		if (exporter->endpoint.len && genops_str_equal(other->file, exporter->endpoint))
			return genops_config_read_fail(reader, genops_yaml_get(node, row), "give each a file of its own", "%s: another destination writes %.*s, too",
			    row, GENOPS_STR_ARG(path));
	}
	kept->file = exporter->endpoint;
	return GENOPS_OK;
}

static int read_form(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    const struct genops_destination_form *form, bool is_document, struct genops_config_exporter *exporter)
{
	struct genops_yaml_rows in = genops_config_read_in(reader);
	struct common common = {0};
	void *own = genops_arena_alloc(reader->arena, form->size ? form->size : 1);
	struct genops_config_form *kept = genops_arena_alloc(reader->arena, sizeof *kept);
	const struct genops_option *rows = is_document ? genops_config_form_document_rows : genops_config_form_exporter_rows;
	struct genops_config_retry beside = *reader->retry;
	struct genops_config_batching batching = {0};
	const struct genops_yaml_part parts[] = {{form->rows, own}, {rows, &common}, {genops_config_delivery_rows, &common},
	    {genops_config_retry_rows, &beside}, {genops_config_delivery_document_rows, &common}, {genops_config_batching_rows, &batching}};
	if (!own || !kept)
		return genops_config_read_no_memory(reader);
	*kept = (struct genops_config_form){reader->config->forms, form, own, {0}};
	reader->config->forms = kept;
	GENOPS_TRY(genops_config_read_parts(reader, node, what, parts, is_document ? 6 : 3));
	exporter->headers = common.headers;
	exporter->timeout_ns = common.timeout_ns;
	bool is_alone = genops_destination_type_find(exporter->type)->items_max == 1;
	if (is_document)
		GENOPS_TRY(genops_config_batching_set(reader, node, &batching, is_alone, exporter));
	else if (is_alone)
		exporter->batch.size = 1;
	GENOPS_TRY(genops_config_delivery_read(reader, node, is_document, is_document ? &beside : NULL, exporter));
	in.warn = warn;
	in.warn_arg = reader;
	exporter->skip_verify |= is_document && !common.verify_tls;
	if (form->read)
		GENOPS_TRY(form->read(&in, node, own));
	exporter->own = own;
	if (!form->file_row)
		return GENOPS_OK;
	return read_path(reader, node, kept, exporter);
}

/* A type that describes itself; NULL: read by hand, or not there. */
static const struct genops_destination_form *form_of(genops_str type, bool is_document)
{
	const struct genops_destination_type *row = genops_destination_type_find(type);
	return !row ? NULL : is_document ? row->document : row->exporter;
}

static int find_type(struct genops_config_reader *reader, const struct genops_yaml_node *key, size_t *ret_index)
{
	const char *names[N_TYPES];
	char fix[96] = "";
	genops_str rest = key->text, type = genops_str_split(&rest, '/');
	for (size_t i = 0; i < N_TYPES; i++) {
		names[i] = types[i].type;
		if (genops_str_is(type, types[i].type)) {
			*ret_index = i;
			return GENOPS_OK;
		}
	}
	const char *nearest = genops_str_nearest(type, names, N_TYPES);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(reader, key, fix, "there is no exporter type \"%.*s\"",
	    type.len > 64 ? 64 : (int)type.len, type.len ? type.ptr : "");
}

/* Relative paths start at the file's folder. */
static uint64_t fingerprint(struct genops_config_reader *reader, const struct genops_yaml_node *key, const struct genops_yaml_node *node)
{
	uint64_t sum = genops_hash_checksum(key->text.ptr, key->text.len, 0);
	if (reader->folder.len)
		sum = genops_hash_checksum(reader->folder.ptr, reader->folder.len, sum);
	return genops_config_delivery_fingerprint(reader, node, sum);
}

/* As receivers do: nobody is let in unawares, and who wonders why is told. */
static int warn_of_scraping(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct genops_config_exporter *exporter)
{
	const struct genops_prometheus_settings *settings = genops_prometheus_settings_of(exporter->type, exporter->own);
	if (!settings || genops_config_gateway_is_loopback(settings->host) || (!settings->is_open && reader->config->n_keys))
		return GENOPS_OK;
	return genops_config_read_warn(reader, genops_yaml_get(node, "endpoint"),
	    settings->is_open ? "give the scraper a key with control: all where it is not a network of your own"
			      : "give the scraper a key of governance.keys with control: all, or set auth: none to let everybody in",
	    settings->is_open ? "exporter \"%.*s\": whoever can reach %.*s may read everybody's costs"
			      : "exporter \"%.*s\": others can reach %.*s, and nothing asks them for a key: only this machine is let in",
	    GENOPS_STR_ARG(exporter->name), GENOPS_STR_ARG(settings->host));
}

int genops_config_exporter_read(struct genops_config_reader *reader, const struct genops_yaml_entry *entry, bool is_document,
    struct genops_config_exporter *ret_exporter, bool *ret_is_here)
{
	struct genops_config_exporter exporter = {.is_retrying = true};
	/* An entry without content, "debug:", still has a place: its key's. */
	const struct genops_yaml_node *node = genops_yaml_is_null(entry->value) ? entry->key : entry->value;
	genops_str rest = entry->key->text, type = genops_str_split(&rest, '/');
	const struct genops_destination_form *form = form_of(type, is_document);
	char what[128];
	size_t index = 0;
	if (form) {
		*ret_is_here = true;
		if (!genops_arena_dup(reader->arena, type, &exporter.type) || !genops_arena_dup(reader->arena, entry->key->text, &exporter.name))
			return genops_config_read_no_memory(reader);
		snprintf(what, sizeof what, "%s \"%.100s\"", is_document ? "destination" : "exporter", is_document ? rest.ptr : exporter.name.ptr);
		GENOPS_TRY(read_form(reader, node, what, form, is_document, &exporter));
		exporter.fingerprint = fingerprint(reader, entry->key, node) + (is_document ? reader->delivery_sum : 0);
		*ret_exporter = exporter;
		return is_document ? GENOPS_OK : warn_of_scraping(reader, node, &exporter);
	}
	GENOPS_TRY(find_type(reader, entry->key, &index));
	*ret_is_here = types[index].destination != NULL;
	if (!*ret_is_here) {
		GENOPS_TRY(genops_config_read_check_variables(reader, node));
		return genops_config_read_warn(reader, entry->key, "send OTLP to a Collector that has it",
		    "exporter type \"%s\" is not available in this build: nothing is sent to \"%.*s\"",
		    types[index].type, entry->key->text.len > 100 ? 100 : (int)entry->key->text.len,
		    entry->key->text.ptr);
	}
	exporter.type = genops_str_of(types[index].destination);
	if (!genops_arena_dup(reader->arena, entry->key->text, &exporter.name))
		return genops_config_read_no_memory(reader);
	snprintf(what, sizeof what, "exporter \"%.100s\"", exporter.name.ptr);
	if (genops_str_starts(exporter.type, GENOPS_STR("otlp")))
		GENOPS_TRY(read_otlp(reader, node, what, &exporter));
	else
		GENOPS_TRY(read_debug(reader, entry->key, node, what));
	exporter.fingerprint = fingerprint(reader, entry->key, node);
	*ret_exporter = exporter;
	return GENOPS_OK;
}

void genops_config_exporter_forget(struct genops_config *config)
{
	for (const struct genops_config_form *read = config->forms; read; read = read->next) {
		if (read->form->done)
			read->form->done(read->own);
	}
	config->forms = NULL;
}
