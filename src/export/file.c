/* SPDX-License-Identifier: Apache-2.0
 * export/file.c - destination type file: one OTLP JSON request a line, as the Collector's file exporter writes it. Pure. */
#include "export/destination.h"

#include "base/str.h"

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	if (!settings->endpoint.len || memchr(settings->endpoint.ptr, '\0', settings->endpoint.len))
		return genops_fail_fix(err, GENOPS_CONFIG, "as path: /var/log/genops/traces.jsonl",
		    "path: is missing");
	return GENOPS_OK;
}

static int encode(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_span_batch spans = {settings->profile, batch->records, batch->n_records, &settings->resource};
	struct genops_request request = {
	    .transport = GENOPS_TRANSPORT_FILE, .method = "", .url = settings->endpoint};
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	genops_span_encode_json(&spans, &request.body);
	genops_buffer_add_char(&request.body, '\n');
	if (request.body.error) {
		int code = request.body.error;
		genops_buffer_done(&request.body);
		return genops_fail(err, code, "a batch of %zu spans: %s", batch->n_records,
		    genops_error_text(code));
	}
	*ret_request = request;
	return GENOPS_OK;
}

static void judge(const struct genops_destination_settings *settings,
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_destination_judge_file(response, ret_verdict);
}

const struct genops_destination_type genops_destination_type_file = {
    .name = "file",
    .summary = "A file, one OTLP JSON request a line",
    .check = check,
    .encode = encode,
    .judge = judge,
};
