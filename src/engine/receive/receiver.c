/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receiver.c - the life of a received request (genops/receiver.h): headers, head, body, answer.
 *
 * Requests and their buffers are kept by the engine for the next ones. Small work is done where the body was read; what is long, or may
 * become long when it is inflated, is told to be LARGE before it is begun.
 */
#include "engine/receive/receive.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/compress.h"
#include "telemetry/otlp/otlp_json.h"

#include <stdio.h>
#include <stdlib.h>

#define PLAIN_QUICK   ((size_t)384 << 10) /* protobuf of that size takes some 200 us; the 512 spans that SDKs send at once fit */
#define JSON_QUICK    ((size_t)64 << 10)
#define INFLATE_QUICK ((size_t)64 << 10)  /* compressed; and what comes out may be PLAIN_QUICK */
#define KEPT_MAX      ((size_t)1 << 20)   /* of a buffer, for the next request */
#define ENTRY_ROOM    ((size_t)1 << 20)
#define ANSWER_MAX    ((size_t)64 << 10)
#define FRAME_LEN     GENOPS_RECEIVE_FRAME_LEN

/* --- life --- */

static void buffers_of(struct genops_receiver_request *request, struct genops_buffer *list[7])
{
	list[0] = &request->decoded;
	list[1] = &request->converted;
	list[2] = &request->bound;
	list[3] = &request->scratch;
	list[4] = &request->entry;
	list[5] = &request->answer;
	list[6] = NULL;
}

static void find_listener(struct genops_receiver_request *request, genops_str name)
{
	const struct genops_config *config = request->config;
	for (size_t i = 0; i < config->n_receivers; i++) {
		if (!genops_str_equal(config->receivers[i].name, name))
			continue;
		request->receiver = &config->receivers[i];
		for (size_t j = 0; j < request->receiver->n_listeners; j++) {
			if (request->receiver->listeners[j].is_grpc == request->is_grpc)
				request->listener = &request->receiver->listeners[j];
		}
	}
}

genops_receiver_request *genops_receiver_new(
    genops_engine *engine, const struct genops_receiver_source *source, struct genops_error *err)
{
	struct genops_receiver_request *request = genops_pool_take(&engine->free_receives);
	struct genops_buffer *list[7], kept[6] = {{0}};
	if (request) {
		buffers_of(request, list);
		for (size_t i = 0; list[i]; i++)
			kept[i] = *list[i];
	} else if (!(request = malloc(sizeof *request))) {
		genops_fail(err, GENOPS_NOMEM, "no memory for a request");
		return NULL;
	}
	memset(request, 0, sizeof *request);
	buffers_of(request, list);
	for (size_t i = 0; list[i]; i++)
		*list[i] = kept[i];
	genops_str path = source->target;
	request->engine = engine;
	request->config = genops_engine_config(engine);
	request->begun_ns = genops_clock_monotonic_ns();
	request->is_grpc = source->is_grpc;
	request->is_local = source->is_local;
	request->method = source->method;
	request->path = genops_str_split(&path, '?');
	request->is_json = !source->is_grpc; /* until the body's type is known */
	snprintf(request->receiver_name, sizeof request->receiver_name, "%.*s", GENOPS_STR_ARG(source->receiver));
	find_listener(request, source->receiver);
	request->answer.max = ANSWER_MAX;
	return request;
}

void genops_receiver_free(genops_receiver_request *request)
{
	struct genops_buffer *list[7];
	if (!request)
		return;
	genops_config_unref(request->config);
	request->config = NULL;
	buffers_of(request, list);
	for (size_t i = 0; list[i]; i++) {
		if (list[i]->cap > KEPT_MAX)
			genops_buffer_done(list[i]);
		genops_buffer_clear(list[i]);
	}
	if (genops_pool_put(&request->engine->free_receives, request))
		return;
	for (size_t i = 0; list[i]; i++)
		genops_buffer_done(list[i]);
	free(request);
}

void genops_receiver_pool_free(genops_engine *engine)
{
	struct genops_buffer *list[7];
	for (struct genops_receiver_request *request; (request = genops_pool_take(&engine->free_receives)); free(request)) {
		buffers_of(request, list);
		for (size_t i = 0; list[i]; i++)
			genops_buffer_done(list[i]);
	}
}

/* --- headers --- */

void genops_receiver_header(genops_receiver_request *request, genops_str name, genops_str value)
{
	const struct {
		genops_str name;
		genops_str *to;
	} rows[] = {
	    {GENOPS_STR("content-type"), &request->content_type},
	    {GENOPS_STR("content-encoding"), &request->content_encoding},
	    {GENOPS_STR("authorization"), &request->authorization},
	    {GENOPS_STR("x-api-key"), &request->api_key},
	    {GENOPS_STR("x-scope-orgid"), &request->tenant},
	    {GENOPS_STR("origin"), &request->origin},
	    {GENOPS_STR("grpc-encoding"), &request->grpc_encoding},
	    {GENOPS_STR("grpc-timeout"), &request->grpc_timeout},
	    {GENOPS_STR("access-control-request-method"), &request->requested_method},
	    {GENOPS_STR("access-control-request-headers"), &request->requested_headers},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].name.len != name.len || !genops_str_equal_nocase(rows[i].name, name))
			continue;
		request->has_many_tenants |= rows[i].to == &request->tenant && rows[i].to->ptr;
		*rows[i].to = value;
		return;
	}
}

enum genops_receiver_step genops_receiver_head(genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	struct genops_error err;
	if (!genops_receive_head(request, ret_answer))
		return GENOPS_RECEIVER_ANSWERED;
	if (genops_receive_memory_begin(request, 0, &err) == GENOPS_OK)
		return GENOPS_RECEIVER_WANTS_BODY;
	genops_receive_answer_full(request, &err, ret_answer); /* before a body takes more of it */
	return GENOPS_RECEIVER_ANSWERED;
}

/* --- body --- */

static void fail(struct genops_receiver_request *request, int status, enum genops_receive_grpc grpc,
    enum genops_receive_reason reason, const char *message, struct genops_receiver_answer *ret_answer)
{
	struct genops_receive_fault fault = {.status = status, .grpc = grpc, .reason = reason};
	genops_receive_answer_fault(request, &fault, message, ret_answer);
}

static void fail_too_large(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	char message[160];
	snprintf(message, sizeof message, "the request is larger than the %lld bytes that this receiver takes (%s)",
	    (long long)request->listener->max_body, request->is_grpc ? "max_recv_msg_size_mib" : "max_request_body_size");
	fail(request, 413, GENOPS_GRPC_RESOURCE_EXHAUSTED, GENOPS_RECEIVE_TOO_LARGE, message, ret_answer);
}

/* Takes the one message out of its frame. */
static bool unframe(struct genops_receiver_request *request, genops_str *body, genops_str *encoding,
    struct genops_receiver_answer *ret_answer)
{
	const uint8_t *bytes = (const uint8_t *)body->ptr;
	if (body->len < FRAME_LEN) {
		fail(request, 400, GENOPS_GRPC_INTERNAL, GENOPS_RECEIVE_MALFORMED, "the request has no whole message", ret_answer);
		return false;
	}
	size_t len = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
	if (len > (size_t)request->listener->max_body) {
		fail_too_large(request, ret_answer);
		return false;
	}
	if (bytes[0] > 1 || len != body->len - FRAME_LEN) {
		fail(request, 400, GENOPS_GRPC_INTERNAL, GENOPS_RECEIVE_MALFORMED, "the request is not one whole message", ret_answer);
		return false;
	}
	*encoding = bytes[0] ? request->grpc_encoding : (genops_str){0};
	if (bytes[0] && (!encoding->len || genops_str_is_nocase(*encoding, "identity"))) {
		fail(request, 400, GENOPS_GRPC_INTERNAL, GENOPS_RECEIVE_MALFORMED,
		    "the message is marked as compressed, and grpc-encoding does not say how", ret_answer);
		return false;
	}
	*body = genops_str_skip(*body, FRAME_LEN);
	return true;
}

/* ANSWERED: it failed. WANTS_BODY: *body is what is inside. */
static enum genops_receiver_step inflate(struct genops_receiver_request *request, genops_str *body, genops_str encoding,
    bool is_patient, struct genops_receiver_answer *ret_answer)
{
	enum genops_compress_kind kind = GENOPS_COMPRESS_NONE;
	struct genops_error err;
	size_t max = (size_t)request->listener->max_body;
	(void)genops_compress_named(encoding, &kind); /* the head has looked at it */
	if (kind == GENOPS_COMPRESS_NONE)
		return GENOPS_RECEIVER_WANTS_BODY;
	if (!is_patient && body->len > INFLATE_QUICK)
		return GENOPS_RECEIVER_LARGE;
	bool is_cut = !is_patient && max > PLAIN_QUICK;
	genops_buffer_clear(&request->decoded);
	request->decoded.max = is_cut ? PLAIN_QUICK : max;
	int code = genops_compress_decode(kind, *body, &request->decoded, &err);
	if (code == GENOPS_LIMIT && is_cut)
		return GENOPS_RECEIVER_LARGE;
	if (code == GENOPS_LIMIT)
		fail_too_large(request, ret_answer);
	else if (code == GENOPS_NOMEM)
		genops_receive_answer_full(request, &err, ret_answer);
	else if (code != GENOPS_OK)
		fail(request, 400, GENOPS_GRPC_INVALID_ARGUMENT, GENOPS_RECEIVE_MALFORMED, err.message, ret_answer);
	*body = genops_buffer_view(&request->decoded);
	return code == GENOPS_OK ? GENOPS_RECEIVER_WANTS_BODY : GENOPS_RECEIVER_ANSWERED;
}

/* The protobuf request into the log. */
static void take(struct genops_receiver_request *request, genops_str bytes, size_t n_wire, struct genops_receiver_answer *ret_answer)
{
	struct genops_otlp_count count = {0};
	struct genops_error err = {0};
	int code = GENOPS_OK;
	bool is_foreign = false;
	if (request->is_json) {
		genops_buffer_clear(&request->converted);
		request->converted.max = 4 * (size_t)request->listener->max_body + 4096;
		code = genops_otlp_json_read(request->signal, bytes, &request->converted, &err);
		is_foreign = !request->converted.len && genops_otlp_json_is_foreign(request->signal, bytes);
		bytes = genops_buffer_view(&request->converted);
	}
	if (code == GENOPS_OK && request->token && request->token->n_attributes) {
		code = genops_receive_bind(request, bytes, &err);
		bytes = genops_buffer_view(&request->bound);
	}
	if (code == GENOPS_OK)
		code = genops_receive_append(request, bytes, &count, &err);
	if (code == GENOPS_OK && is_foreign)
		snprintf(count.reason, sizeof count.reason, "nothing was taken: no resource%s is in it; names are in lowerCamelCase",
		    request->signal == GENOPS_SIGNAL_TRACES ? "Spans" : request->signal == GENOPS_SIGNAL_METRICS ? "Metrics" : "Logs");
	if (code == GENOPS_OK) {
		genops_receive_counts_accepted(request->engine, request->receiver_name, request->is_grpc, request->signal, &count, n_wire);
		genops_receive_answer_success(request, &count, ret_answer);
	} else if (code == GENOPS_SYNTAX || code == GENOPS_LIMIT || code == GENOPS_CORRUPT) {
		fail(request, 400, GENOPS_GRPC_INVALID_ARGUMENT, GENOPS_RECEIVE_MALFORMED, err.message, ret_answer);
	} else {
		genops_receive_answer_full(request, &err, ret_answer);
	}
}

/* Who has given up repeats it anyway: taking it now would only make a duplicate. */
static bool is_late(const struct genops_receiver_request *request)
{
	static const struct {
		char unit;
		int64_t ns;
	} units[] = {{'H', 3600 * GENOPS_NS_PER_S}, {'M', 60 * GENOPS_NS_PER_S}, {'S', GENOPS_NS_PER_S}, {'m', GENOPS_NS_PER_MS},
	    {'u', 1000}, {'n', 1}};
	genops_str text = request->grpc_timeout;
	int64_t n, timeout_ns;
	if (!request->is_grpc || text.len < 2 || text.len > 9 || !genops_str_to_int((genops_str){text.ptr, text.len - 1}, &n) || n < 0)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].unit == text.ptr[text.len - 1] && !__builtin_mul_overflow(n, units[i].ns, &timeout_ns))
			return genops_clock_monotonic_ns() - request->begun_ns > timeout_ns;
	}
	return false;
}

static enum genops_receiver_step read_body(
    struct genops_receiver_request *request, genops_str body, bool is_patient, struct genops_receiver_answer *ret_answer)
{
	size_t n_wire = body.len;
	genops_str encoding = request->content_encoding;
	if (request->is_grpc && !unframe(request, &body, &encoding, ret_answer))
		return GENOPS_RECEIVER_ANSWERED;
	if (body.len > (size_t)request->listener->max_body) {
		fail_too_large(request, ret_answer);
		return GENOPS_RECEIVER_ANSWERED;
	}
	enum genops_receiver_step step = inflate(request, &body, encoding, is_patient, ret_answer);
	if (step != GENOPS_RECEIVER_WANTS_BODY)
		return step;
	if (!is_patient && body.len > (request->is_json ? JSON_QUICK : PLAIN_QUICK))
		return GENOPS_RECEIVER_LARGE;
	if (is_late(request))
		fail(request, 503, GENOPS_GRPC_DEADLINE_EXCEEDED, GENOPS_RECEIVE_LATE, "the client's time is over; nothing was taken", ret_answer);
	else
		take(request, body, n_wire, ret_answer);
	return GENOPS_RECEIVER_ANSWERED;
}

enum genops_receiver_step genops_receiver_body(
    genops_receiver_request *request, genops_str body, bool is_patient, struct genops_receiver_answer *ret_answer)
{
	struct genops_error err;
	enum genops_receiver_step step = GENOPS_RECEIVER_ANSWERED;
	int code = genops_receive_memory_begin(request, body.len, &err);
	if (code == GENOPS_OK)
		step = read_body(request, body, is_patient, ret_answer);
	else if (code == GENOPS_LIMIT)
		fail(request, 413, GENOPS_GRPC_RESOURCE_EXHAUSTED, GENOPS_RECEIVE_TOO_LARGE, err.message, ret_answer);
	else
		genops_receive_answer_full(request, &err, ret_answer);
	genops_receive_memory_end(request);
	return step;
}

/* --- what the host refuses --- */

void genops_receiver_refuse(
    genops_receiver_request *request, int status, const char *message, struct genops_receiver_answer *ret_answer)
{
	static const struct genops_receive_fault rows[] = {
	    {400, GENOPS_GRPC_INTERNAL, GENOPS_RECEIVE_MALFORMED, 0},
	    {403, GENOPS_GRPC_PERMISSION_DENIED, GENOPS_RECEIVE_DENIED, 0},
	    {404, GENOPS_GRPC_UNIMPLEMENTED, GENOPS_RECEIVE_UNSUPPORTED, 0},
	    {408, GENOPS_GRPC_DEADLINE_EXCEEDED, GENOPS_RECEIVE_LATE, 0},
	    {413, GENOPS_GRPC_RESOURCE_EXHAUSTED, GENOPS_RECEIVE_TOO_LARGE, 0},
	    {414, GENOPS_GRPC_INVALID_ARGUMENT, GENOPS_RECEIVE_MALFORMED, 0},
	    {429, GENOPS_GRPC_RESOURCE_EXHAUSTED, GENOPS_RECEIVE_RATE, GENOPS_NS_PER_S},
	    {431, GENOPS_GRPC_INVALID_ARGUMENT, GENOPS_RECEIVE_MALFORMED, 0},
	    {503, GENOPS_GRPC_UNAVAILABLE, GENOPS_RECEIVE_FAILED, GENOPS_RECEIVE_RETRY_NS},
	};
	struct genops_receive_fault other = {status, GENOPS_GRPC_INTERNAL, GENOPS_RECEIVE_FAILED, 0}, *fault = &other;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].status == status)
			other = rows[i];
	}
	genops_receive_head_type(request);
	genops_receive_answer_fault(request, fault, message, ret_answer);
}
