/* SPDX-License-Identifier: Apache-2.0
 * export/file.c - destination type file: one OTLP JSON request a line, as the Collector's file exporter writes it; of pipelines
 * one event a line, or what the route's template made of it. Pure. */
#include "export/otlp_outgoing.h"

#include "base/str.h"

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	if (!settings->endpoint.len || memchr(settings->endpoint.ptr, '\0', settings->endpoint.len))
		return genops_fail_fix(err, GENOPS_CONFIG, "as path: /var/log/genops/traces.jsonl",
		    "path: is missing");
	return GENOPS_OK;
}

/* A payload may have line breaks between its values, never in one: JSON escapes them. */
static void add_line(struct genops_buffer *body, genops_str json)
{
	size_t start = body->len;
	genops_buffer_add(body, json);
	for (size_t i = start; !body->error && i < body->len; i++) {
		if (body->ptr[i] == '\n' || body->ptr[i] == '\r')
			body->ptr[i] = ' ';
	}
	genops_buffer_add_char(body, '\n');
}

static int add_batch(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_buffer *body, struct genops_error *err)
{
	if (!batch->n_items || batch->items[0].kind != GENOPS_ITEM_EVENT) {
		GENOPS_TRY(genops_otlp_outgoing_encode(settings, batch, true, body, err));
		genops_buffer_add_char(body, '\n');
	}
	for (size_t i = 0; i < batch->n_items && batch->items[0].kind == GENOPS_ITEM_EVENT; i++)
		add_line(body, batch->items[i].payload.len ? batch->items[i].payload : batch->items[i].body);
	return body->error ? genops_fail(err, body->error, "a batch of %zu lines: %s", batch->n_records + batch->n_items,
				 genops_error_text(body->error))
			   : GENOPS_OK;
}

static int encode(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_request request = {
	    .transport = GENOPS_TRANSPORT_FILE, .method = "", .url = settings->endpoint};
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	int code = add_batch(settings, batch, &request.body, err);
	if (code == GENOPS_OK)
		*ret_request = request;
	else
		genops_buffer_done(&request.body);
	return code;
}

static void judge(const struct genops_destination_settings *settings,
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_destination_judge_file(response, ret_verdict);
}

const struct genops_destination_type genops_destination_type_file = {
    .name = "file",
    .summary = "A file, one OTLP JSON request or one event a line",
    .route_keys = genops_route_keys_all, /* a stand-in until the real destination is there */
    .takes = GENOPS_TAKES_OTLP | GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .bytes_max = GENOPS_OTLP_BYTES_MAX,
    .check = check,
    .encode = encode,
    .judge = judge,
};
