/* SPDX-License-Identifier: Apache-2.0
 * export/otlphttp.c - destination type otlphttp: OTLP over HTTP, protobuf or JSON. Pure. */
#include "export/otlp_outgoing.h"
#include "export/otlp_verdict.h"

#include "base/str.h"

#define EXAMPLE "as endpoint: http://localhost:4318"

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	GENOPS_TRY(genops_otlp_outgoing_check_url(settings->endpoint, EXAMPLE, err));
	return genops_otlp_outgoing_check(settings, err);
}

static const char *const paths[GENOPS_SIGNAL_N] = {"/v1/traces", "/v1/metrics", "/v1/logs"};

/* A base endpoint gets the signal's path; the URL of a signal is taken as it is, for that signal. One that has the path of traces already
 * is what its author meant for traces, and says where the others are. */
static int make_url(const struct genops_destination_settings *settings, enum genops_signal signal, struct genops_arena *arena,
    genops_str *ret_url, struct genops_error *err)
{
	genops_str base = settings->endpoint, traces = genops_str_of(paths[GENOPS_SIGNAL_TRACES]);
	genops_str path = genops_str_of(paths[signal]);
	bool is_of_traces = genops_str_ends(base, traces);
	if (genops_str_ends(base, path) || (settings->is_signal_url && signal == GENOPS_SIGNAL_TRACES)) {
		*ret_url = base;
		return GENOPS_OK;
	}
	if (settings->is_signal_url && !is_of_traces)
		return genops_fail_fix(err, GENOPS_CONFIG, "set endpoint, the address without the signal's path",
		    "endpoint: it is one for traces, and there is none for %s", genops_signal_name(signal));
	if (is_of_traces)
		base.len -= traces.len;
	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	char *url = genops_arena_alloc(arena, base.len + path.len + 1);
	if (!url)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a URL");
	memcpy(url, base.ptr, base.len);
	memcpy(url + base.len, path.ptr, path.len);
	*ret_url = (genops_str){url, base.len + path.len};
	return GENOPS_OK;
}

static int encode(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_request request = {.transport = GENOPS_TRANSPORT_HTTP, .method = "POST"};
	genops_str type = settings->is_json ? GENOPS_STR("application/json")
					    : GENOPS_STR("application/x-protobuf");
	const char *encoding;
	GENOPS_TRY(make_url(settings, genops_otlp_outgoing_signal(batch), arena, &request.url, err));
	GENOPS_TRY(
	    genops_otlp_outgoing_header(&request, GENOPS_STR("content-type"), type, arena, err));
	GENOPS_TRY(genops_otlp_outgoing_headers(settings, &request, arena, err));
	GENOPS_TRY(
	    genops_otlp_outgoing_body(settings, batch, settings->is_json, &request, &encoding, err));
	int code = GENOPS_OK;
	if (*encoding)
		code = genops_otlp_outgoing_header(
		    &request, GENOPS_STR("content-encoding"), genops_str_of(encoding), arena, err);
	if (code == GENOPS_OK)
		*ret_request = request;
	else
		genops_buffer_done(&request.body);
	return code;
}

static void judge(const struct genops_destination_settings *settings,
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_otlp_verdict_http(response, ret_verdict);
}

const struct genops_destination_type genops_destination_type_otlphttp = {
    .name = "otlphttp",
    .alias = "otlp_http",
    .summary =
	"OpenTelemetry over HTTP, protobuf or JSON: Collector, Tempo, Cribl, Grafana Cloud, Honeycomb",
    .takes = GENOPS_TAKES_OTLP,
    .bytes_max = GENOPS_OTLP_BYTES_MAX,
    .check = check,
    .encode = encode,
    .judge = judge,
};
