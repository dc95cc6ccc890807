/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_exporter.c - destination type datadog: the Collector's datadog exporter. Spans, and operations as spans, to the trace
 * intake, data points as v2 series. Pure but for its memory of counters. */
#include "export/datadog/datadog.h"
#include "export/datadog/datadog_points.h"
#include "export/datadog/datadog_trace.h"
#include "export/datadog/datadog_verdict.h"

#include "base/clock.h"
#include "base/str.h"
#include "export/otlp_outgoing.h"

#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX ((size_t)1 << 20) /* of OTLP in one request: twice as much at Datadog, whose intake takes 3.2 MB */

struct own {
	struct genops_datadog_account account; /* of metrics; endpoint is made of site */
	struct genops_datadog_account traces;
};

struct api {
	genops_str key, site;
};

struct part {
	genops_str endpoint;
};

/* --- settings --- */

static const struct genops_option rows[] = {
    {.name = "api", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "key, site"},
    {.name = "hostname", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct own, account.host), .text = "where a resource has no host.name; unset: this machine's name"},
    {.name = "metrics", .type = GENOPS_OPTION_CUSTOM, .text = "endpoint"},
    {.name = "traces", .type = GENOPS_OPTION_CUSTOM, .text = "endpoint"},
    {.name = NULL}};

static const struct genops_option api_rows[] = {
    {.name = "key", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct api, key), .is_required = true, .is_secret = true, .text = "the API key"},
    {.name = "site", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct api, site), .default_text = "datadoghq.com", .text = "datadoghq.com, datadoghq.eu, us5.datadoghq.com ..."},
    {.name = NULL}};

static const struct genops_option part_rows[] = {
    {.name = "endpoint", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct part, endpoint), .text = "instead of the site's"}, {.name = NULL}};

static int read_part(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *name, const char *prefix,
    const struct api *api, genops_str *ret_endpoint)
{
	const struct genops_yaml_node *section = genops_yaml_rows_get(node, rows, name);
	struct part part = {0};
	char url[256];
	GENOPS_TRY(genops_yaml_rows_section(in, section, name, part_rows, &part));
	*ret_endpoint = part.endpoint;
	snprintf(url, sizeof url, "%s%.*s", prefix, (int)(api->site.len > 200 ? 200 : api->site.len), api->site.ptr);
	if (!part.endpoint.len && !genops_arena_dup(in->arena, genops_str_of(url), ret_endpoint))
		return genops_fail(in->err, GENOPS_NOMEM, "no memory for settings");
	return GENOPS_OK;
}

static int read(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *arg)
{
	struct own *own = arg;
	struct api api = {0};
	const struct genops_yaml_node *section = genops_yaml_rows_get(node, rows, "api");
	GENOPS_TRY(genops_yaml_rows_section(in, section, "api", api_rows, &api));
	own->account.api_key = api.key;
	own->traces = own->account;
	GENOPS_TRY(read_part(in, node, "metrics", "https://api.", &api, &own->account.endpoint));
	GENOPS_TRY(read_part(in, node, "traces", "https://trace.agent.", &api, &own->traces.endpoint));
	GENOPS_TRY(genops_datadog_account_read(in, node, &own->account));
	return genops_datadog_account_read(in, node, &own->traces);
}

/* --- memory --- */

static void *open_memory(const struct genops_destination_settings *settings, genops_str kept)
{
	struct genops_datadog_delta *delta = genops_datadog_delta_new(genops_clock_unix_ns());
	if (delta)
		genops_datadog_delta_read(delta, kept);
	return delta;
}

static void close_memory(void *memory)
{
	genops_datadog_delta_free(memory);
}

static void keep_memory(const void *memory, struct genops_buffer *out)
{
	genops_datadog_delta_write(memory, out);
}

/* --- requests --- */

static int write_traces(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_buffer *body, struct genops_error *err)
{
	const struct own *own = settings->own;
	struct genops_buffer otlp;
	struct genops_arena scratch;
	genops_str host = own->account.host.len ? own->account.host : settings->host;
	genops_datadog_delta_begin(settings->memory, batch->now_unix_ns); /* nothing of it is in this one */
	genops_buffer_init(&otlp, GENOPS_DESTINATION_BODY_MAX);
	genops_arena_init(&scratch, (size_t)16 << 20);
	int code = genops_otlp_outgoing_encode(settings, batch, false, &otlp, err);
	if (code == GENOPS_OK)
		code = genops_datadog_trace_write(genops_buffer_view(&otlp), host, &scratch, body, err);
	genops_arena_done(&scratch);
	genops_buffer_done(&otlp);
	return code;
}

static int write_metrics(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_buffer *body, struct genops_error *err)
{
	const struct own *own = settings->own;
	struct genops_datadog_series series;
	const struct genops_datadog_points points = {&series, settings->memory, own->account.host.len ? own->account.host : settings->host,
	    batch->now_unix_ns / GENOPS_NS_PER_S};
	genops_datadog_series_init(&series, arena);
	genops_datadog_delta_begin(settings->memory, batch->now_unix_ns);
	for (size_t i = 0; i < batch->n_items; i++)
		GENOPS_TRY(genops_datadog_points_add(&points, batch->items[i].body, err));
	if (!series.n)
		return GENOPS_OK;
	genops_datadog_series_write(&series, body);
	if (body->error || body->len > GENOPS_DATADOG_BODY_MAX)
		return genops_fail(err, body->error == GENOPS_NOMEM ? GENOPS_NOMEM : GENOPS_LIMIT, "metrics are over Datadog's 5 MB; send smaller batches");
	return GENOPS_OK;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct own *own = settings->own;
	bool is_metrics = batch->n_items && batch->items[0].kind == GENOPS_ITEM_METRICS;
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST"};
	genops_str encoding = {"", 0};
	GENOPS_TRY(is_metrics ? genops_datadog_request(settings, &own->account, "/api/v2/series", "application/json", &request, arena, err)
			      : genops_datadog_request(settings, &own->traces, "/api/v0.2/traces", "application/x-protobuf", &request, arena, err));
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	int code = is_metrics ? write_metrics(settings, batch, arena, &request.body, err) : write_traces(settings, batch, arena, &request.body, err);
	if (code == GENOPS_OK)
		code = genops_datadog_compress(is_metrics ? &own->account : &own->traces, &request.body, &encoding, err);
	if (code == GENOPS_OK && encoding.len)
		code = genops_otlp_outgoing_header(&request, GENOPS_STR("content-encoding"), encoding, arena, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	if (!request.body.len)
		request.transport = GENOPS_TRANSPORT_NONE; /* first values of counters that began before us */
	*ret_request = request;
	return GENOPS_OK;
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_datadog_verdict(response, ret_verdict);
	if (ret_verdict->kind == GENOPS_SENT || ret_verdict->kind == GENOPS_SENT_PARTLY)
		genops_datadog_delta_taken(settings->memory);
}

static int probe(const struct genops_destination_settings *settings, struct genops_arena *arena, struct genops_request *ret_request,
    struct genops_error *err)
{
	const struct own *own = settings->own;
	return genops_datadog_probe(settings, &own->account, ret_request, arena, err);
}

static void judge_probe(
    const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_datadog_verdict_probe(response, ret_verdict);
}

static const struct genops_destination_form exporter = {.rows = rows, .size = sizeof(struct own), .read = read};
static const struct genops_destination_memory memory = {.open = open_memory, .close = close_memory, .keep = keep_memory};

const struct genops_destination_type genops_destination_type_datadog = {
    .name = "datadog",
    .summary = "Datadog, as the Collector's exporter: traces and metrics",
    .exporter = &exporter,
    .takes = GENOPS_TAKES_RECORDS | GENOPS_TAKES(GENOPS_ITEM_TRACES) | GENOPS_TAKES(GENOPS_ITEM_METRICS),
    .bytes_max = BYTES_MAX,
    .check = genops_otlp_outgoing_check,
    .memory = &memory,
    .encode = encode,
    .judge = judge,
    .probe = probe,
    .judge_probe = judge_probe,
};
