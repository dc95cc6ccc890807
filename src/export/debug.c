/* SPDX-License-Identifier: Apache-2.0
 * export/debug.c - destination type debug: one readable line an operation, span, metric, log record or event, on standard output or in a
 * file. Pure. */
#include "export/destination.h"

#include "base/clock.h"
#include "base/str.h"
#include "govern/money.h"
#include "telemetry/conventions.h"
#include "telemetry/otlp/otlp_span.h"

#include <inttypes.h>
#include <time.h>

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	return GENOPS_OK;
}

static void add_time(struct genops_buffer *buf, int64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / GENOPS_NS_PER_S);
	struct tm tm;
	if (!gmtime_r(&seconds, &tm))
		return;
	genops_buffer_printf(buf, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(unix_ns % GENOPS_NS_PER_S / GENOPS_NS_PER_MS));
}

/* What is not printable must not reach a terminal. */
static void add_printable(struct genops_buffer *buf, genops_str text, char replacement)
{
	size_t start = buf->len;
	genops_buffer_add_utf8(buf, text);
	for (size_t i = start; !buf->error && i < buf->len; i++) {
		unsigned char c = (unsigned char)buf->ptr[i];
		if (c < 0x20 || c == 0x7f)
			buf->ptr[i] = replacement;
	}
}

/* " key=value" */
static void add_field(struct genops_buffer *buf, const char *key, genops_str value)
{
	if (!value.len)
		return;
	genops_buffer_printf(buf, " %s=", key);
	add_printable(buf, value, '?');
}

static void add_line(struct genops_buffer *buf, const struct genops_record *record)
{
	genops_str standard[GENOPS_ATTRIBUTE_N_STANDARD];
	char trace_id[33], usd[32];
	genops_conventions_standard_values(record, standard);
	genops_str_to_hex(record->trace_id, sizeof record->trace_id, trace_id);
	genops_money_format(record->actual_nano_usd, 2, usd);
	add_time(buf, record->end_unix_ns);
	add_field(buf, "name", record->name.len ? record->name : GENOPS_STR("ai.completion"));
	add_field(buf, "result", genops_str_of(genops_result_name(record->result)));
	add_field(buf, "outcome", genops_str_of(genops_conventions_outcome(record->outcome)));
	add_field(buf, "provider", record->provider);
	add_field(buf, "model", record->request_model);
	if (genops_conventions_is_executed(record->outcome))
		genops_buffer_printf(buf,
		    " cost_usd=%s input_tokens=%" PRId64 " output_tokens=%" PRId64, usd,
		    record->usage.input_tokens, record->usage.output_tokens);
	genops_buffer_printf(
	    buf, " ms=%" PRId64, (record->end_unix_ns - record->start_unix_ns) / GENOPS_NS_PER_MS);
	add_field(buf, "team", standard[GENOPS_ATTRIBUTE_TEAM]);
	add_field(buf, "project", standard[GENOPS_ATTRIBUTE_PROJECT]);
	add_field(buf, "customer_id", standard[GENOPS_ATTRIBUTE_CUSTOMER_ID]);
	add_field(buf, "environment", standard[GENOPS_ATTRIBUTE_ENVIRONMENT]);
	add_field(buf, "policy", record->policy);
	add_field(buf, "reason_code", genops_str_of(genops_reason_name(record->reason)));
	add_field(buf, "trace_id", genops_str_of(trace_id));
	genops_buffer_add_char(buf, '\n');
}

static void add_event(struct genops_buffer *buf, const struct genops_destination_item *item)
{
	add_time(buf, item->time_unix_ns);
	add_field(buf, "pipeline", item->pipeline);
	add_field(buf, "route", item->route);
	add_field(buf, "settings", item->settings);
	genops_buffer_add_char(buf, ' ');
	add_printable(buf, item->payload.len ? item->payload : item->body, ' ');
	genops_buffer_add_char(buf, '\n');
}

static void add_span(struct genops_buffer *buf, const struct genops_otlp_resource *resource, genops_str item)
{
	struct genops_otlp_span span;
	char id[33];
	if (genops_otlp_span_read(item, &span) != GENOPS_OK)
		return;
	add_time(buf, (int64_t)span.end_unix_ns);
	add_field(buf, "span", span.name);
	add_field(buf, "scope", resource->scope_name);
	genops_buffer_printf(buf, " ms=%" PRId64, (int64_t)(span.end_unix_ns - span.start_unix_ns) / GENOPS_NS_PER_MS);
	if (span.trace_id.len == 16) {
		genops_str_to_hex((const uint8_t *)span.trace_id.ptr, 16, id);
		add_field(buf, "trace_id", genops_str_of(id));
	}
	genops_buffer_add_char(buf, '\n');
}

/* A line a span; of metrics and logs a line a request: who wants to see them has the type file. */
static void add_item(struct genops_buffer *buf, const struct genops_destination_item *item)
{
	struct genops_otlp_reader reader;
	genops_str span;
	if (item->kind == GENOPS_ITEM_EVENT) {
		add_event(buf, item);
		return;
	}
	if (item->kind != GENOPS_ITEM_TRACES) {
		add_time(buf, item->time_unix_ns);
		genops_buffer_printf(buf, " %s=%" PRId64 "\n", item->kind == GENOPS_ITEM_METRICS ? "data_points" : "log_records", item->n);
		return;
	}
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, item->body);
	while (genops_otlp_reader_next(&reader, &span) > 0)
		add_span(buf, &reader.resource, span);
}

static int encode(const struct genops_destination_settings *settings,
    const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	struct genops_request request = {.transport = GENOPS_TRANSPORT_FILE, .method = ""};
	request.url = settings->endpoint.len ? settings->endpoint : GENOPS_STR("-");
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	for (size_t i = 0; i < batch->n_records; i++)
		add_line(&request.body, &batch->records[i]);
	for (size_t i = 0; i < batch->n_items; i++)
		add_item(&request.body, &batch->items[i]);
	if (request.body.error) {
		int code = request.body.error;
		genops_buffer_done(&request.body);
		return genops_fail(err, code, "a batch of %zu lines: %s", batch->n_records + batch->n_items,
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

const struct genops_destination_type genops_destination_type_debug = {
    .name = "debug",
    .alias = "console",
    .summary = "Standard output, one readable line an operation, span or event",
    .route_keys = genops_route_keys_all, /* a stand-in until the real destination is there */
    .takes = GENOPS_TAKES_OTLP | GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .check = check,
    .encode = encode,
    .judge = judge,
};
