/* SPDX-License-Identifier: Apache-2.0
 * export/otlphttp.c - destination type otlphttp: OTLP over HTTP, protobuf or JSON. Pure. */
#include "export/otlp_request.h"
#include "export/otlp_verdict.h"

#include "base/str.h"

#define EXAMPLE "as endpoint: http://localhost:4318"

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	GENOPS_TRY(genops_otlp_request_check_url(settings->endpoint, EXAMPLE, err));
	return genops_otlp_request_check(settings, err);
}

/* A base endpoint gets the signal's path; the URL of a signal is taken as it is. One that has the path already is what its
 * author meant. */
static int make_url(const struct genops_destination_settings *settings, struct genops_arena *arena,
    genops_str *ret_url, struct genops_error *err)
{
	genops_str base = settings->endpoint, path = GENOPS_STR("/v1/traces");
	if (settings->is_signal_url || genops_str_ends(base, path)) {
		*ret_url = base;
		return GENOPS_OK;
	}
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
	GENOPS_TRY(make_url(settings, arena, &request.url, err));
	GENOPS_TRY(
	    genops_otlp_request_header(&request, GENOPS_STR("content-type"), type, arena, err));
	GENOPS_TRY(genops_otlp_request_headers(settings, &request, arena, err));
	GENOPS_TRY(
	    genops_otlp_request_body(settings, batch, settings->is_json, &request, &encoding, err));
	int code = GENOPS_OK;
	if (*encoding)
		code = genops_otlp_request_header(
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
    .check = check,
    .encode = encode,
    .judge = judge,
};
