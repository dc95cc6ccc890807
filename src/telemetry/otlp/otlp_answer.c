/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_answer.c - see otlp_answer.h. Texts that are not UTF-8 are repaired: reasons may quote what a client sent. Pure. */
#include "telemetry/otlp/otlp_answer.h"

#include "codec/json_write.h"
#include "codec/wire.h"

#include <inttypes.h>
#include <stdio.h>

#define RETRY_INFO "type.googleapis.com/google.rpc.RetryInfo"
#define NS_A_SECOND INT64_C(1000000000)

static const char *const rejected_names[GENOPS_SIGNAL_N] = {
    [GENOPS_SIGNAL_TRACES] = "rejectedSpans",
    [GENOPS_SIGNAL_METRICS] = "rejectedDataPoints",
    [GENOPS_SIGNAL_LOGS] = "rejectedLogRecords",
};

static void json_success(enum genops_signal signal, const struct genops_otlp_count *count, bool is_partial, struct genops_buffer *out)
{
	struct genops_json_writer json;
	char number[24];
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	if (is_partial) {
		genops_json_key(&json, GENOPS_STR("partialSuccess"));
		genops_json_object_begin(&json);
		if (count->n_rejected) {
			snprintf(number, sizeof number, "%" PRId64, count->n_rejected);
			genops_json_key_string(&json, rejected_names[signal], genops_str_of(number));
		}
		if (count->reason[0])
			genops_json_key_string(&json, "errorMessage", genops_str_of(count->reason));
		genops_json_object_end(&json);
	}
	genops_json_object_end(&json);
}

void genops_otlp_answer_success(
    enum genops_signal signal, bool is_json, const struct genops_otlp_count *count, struct genops_buffer *out)
{
	bool is_partial = count->n_rejected || count->reason[0];
	if (is_json) {
		json_success(signal, count, is_partial, out);
		return;
	}
	if (!is_partial)
		return;
	size_t partial = genops_wire_begin(out, 1);
	if (count->n_rejected)
		genops_wire_put_int(out, 1, count->n_rejected);
	if (count->reason[0])
		genops_wire_put_text(out, 2, genops_str_of(count->reason));
	genops_wire_end(out, partial);
}

/* As proto3's JSON writes a Duration: "1.500s". */
static void json_status(int grpc_code, genops_str message, int64_t retry_after_ns, struct genops_buffer *out)
{
	struct genops_json_writer json;
	char delay[40];
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key_int(&json, "code", grpc_code);
	genops_json_key_string(&json, "message", message);
	if (retry_after_ns > 0) {
		snprintf(delay, sizeof delay, "%" PRId64 ".%09" PRId64 "s", retry_after_ns / NS_A_SECOND, retry_after_ns % NS_A_SECOND);
		genops_json_key(&json, GENOPS_STR("details"));
		genops_json_array_begin(&json);
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "@type", GENOPS_STR(RETRY_INFO));
		genops_json_key_string(&json, "retryDelay", genops_str_of(delay));
		genops_json_object_end(&json);
		genops_json_array_end(&json);
	}
	genops_json_object_end(&json);
}

void genops_otlp_answer_status(bool is_json, int grpc_code, genops_str message, int64_t retry_after_ns, struct genops_buffer *out)
{
	if (is_json) {
		json_status(grpc_code, message, retry_after_ns, out);
		return;
	}
	if (grpc_code)
		genops_wire_put_int(out, 1, grpc_code);
	if (message.len)
		genops_wire_put_text(out, 2, message);
	if (retry_after_ns <= 0)
		return;
	size_t any = genops_wire_begin(out, 3);
	genops_wire_put_bytes(out, 1, GENOPS_STR(RETRY_INFO));
	size_t info = genops_wire_begin(out, 2);
	size_t delay = genops_wire_begin(out, 1);
	if (retry_after_ns >= NS_A_SECOND)
		genops_wire_put_int(out, 1, retry_after_ns / NS_A_SECOND);
	if (retry_after_ns % NS_A_SECOND)
		genops_wire_put_int(out, 2, retry_after_ns % NS_A_SECOND);
	genops_wire_end(out, delay);
	genops_wire_end(out, info);
	genops_wire_end(out, any);
}
