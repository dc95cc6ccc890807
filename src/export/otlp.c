/* SPDX-License-Identifier: Apache-2.0
 * export/otlp.c - destination type otlp: OTLP over gRPC, with TLS unless the endpoint or `tls: insecure` says otherwise. Pure. */
#include "export/otlp_outgoing.h"
#include "export/otlp_verdict.h"

#include "base/str.h"

#define EXAMPLE "as endpoint: http://localhost:4317, or api.honeycomb.io:443"
#define PATH(package, service) "/opentelemetry.proto.collector." package ".v1." service "/Export"

static const char *const paths[GENOPS_SIGNAL_N] = {
    PATH("trace", "TraceService"), PATH("metrics", "MetricsService"), PATH("logs", "LogsService")};

/* host:port is written with and without a scheme (OTEL_EXPORTER_OTLP_ENDPOINT, the Collector), or in gRPC's own way. A
 * scheme decides about TLS; without one `tls: insecure` does. No path belongs behind it. */
static int make_url(const struct genops_destination_settings *settings, struct genops_arena *arena,
    genops_str *ret_url, struct genops_error *err)
{
	genops_str scheme = settings->is_insecure ? GENOPS_STR("http://") : GENOPS_STR("https://");
	genops_str rest = settings->endpoint;
	if (genops_str_starts(rest, GENOPS_STR("http://")))
		scheme = GENOPS_STR("http://");
	else if (genops_str_starts(rest, GENOPS_STR("https://")))
		scheme = GENOPS_STR("https://");
	if (genops_str_starts(rest, scheme))
		rest = genops_str_skip(rest, scheme.len);
	else if (genops_str_starts(rest, GENOPS_STR("dns:///")))
		rest = genops_str_skip(rest, strlen("dns:///"));
	genops_str path = rest;
	genops_str host = genops_str_split(&path, '/');
	if (path.len || (!host.len && rest.len))
		return genops_fail_fix(err, GENOPS_CONFIG,
		    EXAMPLE "; for a URL with a path use the type otlphttp",
		    "endpoint: \"%.*s\" is not a gRPC server's host and port",
		    GENOPS_STR_ARG(settings->endpoint));
	char *url = genops_arena_alloc(arena, scheme.len + host.len + 1);
	if (!url)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a URL");
	memcpy(url, scheme.ptr, scheme.len);
	if (host.len)
		memcpy(url + scheme.len, host.ptr, host.len);
	*ret_url = (genops_str){url, scheme.len + host.len};
	return GENOPS_OK;
}

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	struct genops_arena arena;
	genops_str url;
	if (!settings->endpoint.len)
		return genops_fail_fix(err, GENOPS_CONFIG, EXAMPLE, "endpoint: is missing");
	if (settings->is_json)
		return genops_fail_fix(err, GENOPS_CONFIG, "remove it, or use the type otlphttp",
		    "encoding: gRPC is protobuf, not JSON");
	genops_arena_init(&arena, 65536);
	int code = make_url(settings, &arena, &url, err);
	if (code == GENOPS_OK)
		code = genops_otlp_outgoing_check_url(url, EXAMPLE, err);
	genops_arena_done(&arena);
	if (code != GENOPS_OK)
		return code;
	return genops_otlp_outgoing_check(settings, err);
}

static int encode(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_request request = {.transport = GENOPS_TRANSPORT_GRPC, .method = "POST"};
	const char *encoding;
	request.grpc_path = genops_str_of(paths[genops_otlp_outgoing_signal(batch)]);
	GENOPS_TRY(make_url(settings, arena, &request.url, err));
	GENOPS_TRY(genops_otlp_outgoing_headers(settings, &request, arena, err));
	GENOPS_TRY(genops_otlp_outgoing_body(settings, batch, false, &request, &encoding, err));
	int code = GENOPS_OK;
	request.is_compressed = *encoding != '\0';
	if (request.is_compressed)
		code = genops_otlp_outgoing_header(
		    &request, GENOPS_STR("grpc-encoding"), genops_str_of(encoding), arena, err);
	if (code == GENOPS_OK)
		*ret_request = request;
	else
		genops_buffer_done(&request.body);
	return code;
}

static void judge(const struct genops_destination_settings *settings,
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_otlp_verdict_grpc(response, ret_verdict);
}

const struct genops_destination_type genops_destination_type_otlp = {
    .name = "otlp",
    .alias = "otlp_grpc",
    .summary = "OpenTelemetry over gRPC: Collector, Tempo, Honeycomb",
    .takes = GENOPS_TAKES_OTLP,
    .bytes_max = GENOPS_OTLP_BYTES_MAX,
    .check = check,
    .encode = encode,
    .judge = judge,
};
