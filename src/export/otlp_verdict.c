/* SPDX-License-Identifier: Apache-2.0
 * export/otlp_verdict.c - see otlp_verdict.h. What a server says is believed only for counts and texts of a sane size; what
 * cannot be read in a success is a success. */
#include "export/otlp_verdict.h"

#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/wire.h"
#include "export/http_verdict.h"

#include <inttypes.h>
#include <stdio.h>

#define MESSAGE_MAX 160

/* What a body says: an export response's partial_success, or a google.rpc.Status. */
struct said {
	int64_t n_rejected;
	char message[MESSAGE_MAX];
};

static void keep_message(struct said *said, genops_str text)
{
	genops_http_verdict_text(said->message, sizeof said->message, text);
}

/* {rejected_spans = 1, error_message = 2}, and Status {code = 1, message = 2}: one shape, but for the meaning of 1. */
static void read_pair(struct genops_wire_reader in, struct said *said)
{
	struct genops_wire_field field;
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == 1 && field.type == GENOPS_WIRE_VARINT)
			said->n_rejected = (int64_t)field.value;
		else if (field.number == 2 && field.type == GENOPS_WIRE_BYTES)
			keep_message(said, field.bytes);
	}
}

static void read_partial_success(genops_str body, struct said *said)
{
	struct genops_wire_reader in, inner;
	struct genops_wire_field field;
	genops_wire_reader_init(&in, body, 2);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == 1 && genops_wire_enter(&in, &field, &inner) == GENOPS_OK)
			read_pair(inner, said);
	}
}

enum { JSON_REJECTED = 1, JSON_MESSAGE };

static void on_json(void *arg, const struct genops_json_value *value)
{
	struct said *said = arg;
	int64_t n;
	if (value->id == JSON_MESSAGE && value->type == GENOPS_JSON_STRING)
		keep_message(said, value->text);
	/* proto3's JSON writes int64 as a string; readers take a number too. */
	if (value->id == JSON_REJECTED && value->is_integer)
		said->n_rejected = value->integer;
	else if (value->id == JSON_REJECTED && value->type == GENOPS_JSON_STRING &&
		 genops_str_to_int(value->text, &n))
		said->n_rejected = n;
}

static void read_json(
    genops_str body, const struct genops_json_path *rows, size_t n, struct said *said)
{
	const struct genops_json_scan_options options = {
	    .text_max = MESSAGE_MAX, .allow_duplicates = true};
	struct said found = {0};
	struct genops_error ignored;
	struct genops_json_paths *paths = genops_json_paths_new(rows, n, NULL);
	struct genops_json_scan *scan =
	    paths ? genops_json_scan_new(paths, &options, on_json, &found) : NULL;
	if (scan && genops_json_scan_feed(scan, body, &ignored) == GENOPS_OK &&
	    genops_json_scan_end(scan, &ignored) == GENOPS_OK)
		*said = found;
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

static bool is_json(const struct genops_response *response)
{
	genops_str rest = response->content_type;
	return genops_str_is_nocase(
	    genops_str_trim(genops_str_split(&rest, ';')), "application/json");
}

static void read_success(const struct genops_response *response, struct said *said)
{
	static const struct genops_json_path rows[] = {
	    {"partialSuccess.rejectedSpans", JSON_REJECTED},
	    {"partialSuccess.rejectedDataPoints", JSON_REJECTED},
	    {"partialSuccess.rejectedLogRecords", JSON_REJECTED},
	    {"partialSuccess.errorMessage", JSON_MESSAGE}};
	if (!response->body.len)
		return;
	if (is_json(response))
		read_json(response->body, rows, 4, said);
	else
		read_partial_success(response->body, said);
}

static void read_failure(const struct genops_response *response, struct said *said)
{
	static const struct genops_json_path rows[] = {{"message", JSON_MESSAGE}};
	genops_str rest = response->content_type;
	genops_str type = genops_str_trim(genops_str_split(&rest, ';'));
	struct genops_wire_reader in;
	if (is_json(response)) {
		read_json(response->body, rows, 1, said);
	} else if (genops_str_is_nocase(type, "application/x-protobuf")) {
		genops_wire_reader_init(&in, response->body, 1);
		read_pair(in, said);
	} else if (genops_str_is_nocase(type, "text/plain")) {
		keep_message(said, response->body);
	}
}

/* A partial success must not be repeated: what was rejected would be rejected again. Nothing rejected but a message: a
 * warning about what was taken. */
static void judge_success(
    const struct genops_response *response, struct genops_send_verdict *verdict)
{
	struct said said = {0};
	read_success(response, &said);
	verdict->kind = said.n_rejected > 0 ? GENOPS_SENT_PARTLY : GENOPS_SENT;
	verdict->n_rejected = said.n_rejected > 0 ? said.n_rejected : 0;
	if (said.n_rejected > 0)
		snprintf(verdict->reason, sizeof verdict->reason,
		    "the server rejected %" PRId64 " spans: %s", said.n_rejected,
		    said.message[0] ? said.message : "it gave no reason");
	else if (said.message[0])
		snprintf(
		    verdict->reason, sizeof verdict->reason, "the server warns: %s", said.message);
}

static const char *http_remedy(int status)
{
	if (status >= 300 && status < 400)
		return "; redirects are not followed, set the final address as endpoint";
	switch (status) {
	case 401:
	case 403:
	case 407:
		return "; what waits is kept: check the credentials in headers";
	case 404:
	case 405:
		return "; check the endpoint: /v1/traces is added to it";
	case 413:
		return "; send smaller batches (processors: batch: send_batch_size)";
	case 415:
		return "; check encoding and compression";
	}
	return "";
}

void genops_otlp_verdict_http(
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	struct said said = {0};
	*ret_verdict = (struct genops_send_verdict){0};
	/* A connection that breaks off without a response is tried again. */
	if (response->status == 0) {
		genops_http_verdict_no_answer(response, ret_verdict);
		return;
	}
	if (response->status >= 200 && response->status < 300) {
		judge_success(response, ret_verdict);
		return;
	}
	read_failure(response, &said);
	/* Only these four may be retried; all other 4xx and 5xx, 500 among them, must not be. But what was refused for credentials that have
	 * expired is good: it waits until somebody has renewed them, asked for once a minute. */
	bool is_refusal = response->status == 401 || response->status == 403 || response->status == 407;
	bool is_retryable = response->status == 429 || response->status == 502 ||
			    response->status == 503 || response->status == 504;
	ret_verdict->kind = is_retryable || is_refusal ? GENOPS_RETRY : GENOPS_REJECTED;
	if (is_refusal)
		ret_verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	/* Retry-After should be honoured whichever of them came with it. */
	if (is_retryable)
		ret_verdict->retry_after_ns = genops_http_retry_after(
		    response->retry_after, response->received_unix_ns);
	snprintf(ret_verdict->reason, sizeof ret_verdict->reason, "HTTP %d%s%s%s", response->status,
	    said.message[0] ? ": " : "", said.message,
	    is_retryable ? "" : http_remedy(response->status));
}

/* X(number, name, may it be tried again): the specification's table for gRPC. RESOURCE_EXHAUSTED only if the server adds a
 * RetryInfo, which says that it can recover. Ours: refused credentials, as over HTTP. */
enum again { NEVER, ALWAYS, WITH_RETRY_INFO, WHEN_RENEWED };

static const struct {
	const char *name;
	enum again again;
} grpc_codes[] = {
    {"OK", NEVER},
    {"CANCELLED", ALWAYS},
    {"UNKNOWN", NEVER},
    {"INVALID_ARGUMENT", NEVER},
    {"DEADLINE_EXCEEDED", ALWAYS},
    {"NOT_FOUND", NEVER},
    {"ALREADY_EXISTS", NEVER},
    {"PERMISSION_DENIED", WHEN_RENEWED},
    {"RESOURCE_EXHAUSTED", WITH_RETRY_INFO},
    {"FAILED_PRECONDITION", NEVER},
    {"ABORTED", ALWAYS},
    {"OUT_OF_RANGE", ALWAYS},
    {"UNIMPLEMENTED", NEVER},
    {"INTERNAL", NEVER},
    {"UNAVAILABLE", ALWAYS},
    {"DATA_LOSS", ALWAYS},
    {"UNAUTHENTICATED", WHEN_RENEWED},
};

/* Without a grpc-status something between us and the server answered: gRPC's own table from HTTP. */
static int grpc_of_http(int status)
{
	switch (status) {
	case 400:
		return 13;
	case 401:
		return 16;
	case 403:
		return 7;
	case 404:
		return 12;
	case 429:
	case 502:
	case 503:
	case 504:
		return 14;
	}
	return 2;
}

static const char *grpc_remedy(int code)
{
	switch (code) {
	case 7:
	case 16:
		return "; what waits is kept: check the credentials in headers";
	case 8:
		return "; send smaller batches (processors: batch: send_batch_size)";
	case 12:
		return "; check that the endpoint speaks OTLP/gRPC (for OTLP/HTTP use the type otlphttp)";
	}
	return "";
}

static void judge_grpc_failure(
    const struct genops_response *response, int code, struct genops_send_verdict *verdict)
{
	bool has_retry_info = response->retry_info_ns >= 0;
	enum again again = grpc_codes[code].again;
	genops_str message = response->grpc_message;
	char source[32] = "";
	verdict->kind = again == ALWAYS || again == WHEN_RENEWED || (again == WITH_RETRY_INFO && has_retry_info)
			    ? GENOPS_RETRY
			    : GENOPS_REJECTED;
	if (again == WHEN_RENEWED)
		verdict->retry_after_ns = GENOPS_HTTP_CREDENTIALS_HOLD_NS;
	/* The client should wait as long as a RetryInfo says. */
	if (verdict->kind == GENOPS_RETRY && has_retry_info)
		verdict->retry_after_ns = response->retry_info_ns;
	if (response->grpc_status < 0)
		snprintf(source, sizeof source, " (HTTP %d)", response->status);
	snprintf(verdict->reason, sizeof verdict->reason, "gRPC %s%s%s%.*s%s",
	    grpc_codes[code].name, source, message.len ? ": " : "",
	    (int)(message.len < MESSAGE_MAX ? message.len : MESSAGE_MAX),
	    message.len ? message.ptr : "", verdict->kind == GENOPS_RETRY && again != WHEN_RENEWED ? "" : grpc_remedy(code));
}

void genops_otlp_verdict_grpc(
    const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	int code = response->grpc_status;
	*ret_verdict = (struct genops_send_verdict){0};
	if (response->status == 0) {
		genops_http_verdict_no_answer(response, ret_verdict);
		return;
	}
	/* 200 without trailers: the answer was cut off, so it is not known whether it was taken. */
	if (code < 0 && response->status == 200)
		code = 14;
	else if (code < 0)
		code = grpc_of_http(response->status);
	if (code == 0)
		judge_success(response, ret_verdict);
	else if ((size_t)code < sizeof grpc_codes / sizeof *grpc_codes)
		judge_grpc_failure(response, code, ret_verdict);
	else
		judge_grpc_failure(response, 2, ret_verdict);
}
