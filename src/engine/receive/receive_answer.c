/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_answer.c - what a client is told, in the words of OTLP/HTTP or of gRPC.
 *
 * Messages name cause and remedy and never repeat what the client sent as a secret. Every fault is counted here.
 */
#include "engine/receive/receive.h"

#include "base/clock.h"
#include "base/str.h"

#include <openssl/evp.h>
#include <stdio.h>

#define PROTOBUF GENOPS_STR("application/x-protobuf")
#define JSON     GENOPS_STR("application/json")
#define GRPC     GENOPS_STR("application/grpc")
#define FRAME    "\0\0\0\0" /* 5 bytes with its NUL: an empty frame's */

void genops_receive_answer_header(struct genops_receiver_answer *answer, genops_str name, genops_str value)
{
	if (answer->n_headers < sizeof answer->headers / sizeof *answer->headers)
		answer->headers[answer->n_headers++] = (struct genops_header){name, value};
}

static void add_trailer(struct genops_receiver_answer *answer, genops_str name, genops_str value)
{
	if (answer->n_trailers < sizeof answer->trailers / sizeof *answer->trailers)
		answer->trailers[answer->n_trailers++] = (struct genops_header){name, value};
}

/* Percent-encoded: a header holds no line ends. Cut to what fits. */
static genops_str encode_message(const char *message, char *out, size_t size)
{
	size_t n = 0;
	for (const unsigned char *c = (const unsigned char *)message; *c && n + 4 < size; c++) {
		if (*c >= ' ' && *c <= '~' && *c != '%')
			out[n++] = (char)*c;
		else
			n += (size_t)snprintf(out + n, size - n, "%%%02X", *c);
	}
	out[n] = '\0';
	return (genops_str){out, n};
}

static void answer_grpc_fault(struct genops_receiver_request *request, const struct genops_receive_fault *fault,
    const char *message, struct genops_receiver_answer *answer)
{
	struct genops_buffer *details = &request->answer;
	answer->status = 200;
	answer->content_type = GRPC;
	snprintf(request->grpc_status, sizeof request->grpc_status, "%d", (int)fault->grpc);
	add_trailer(answer, GENOPS_STR("grpc-status"), genops_str_of(request->grpc_status));
	add_trailer(answer, GENOPS_STR("grpc-message"), encode_message(message, request->grpc_message, sizeof request->grpc_message));
	genops_buffer_clear(details);
	genops_otlp_answer_status(false, (int)fault->grpc, genops_str_of(message), fault->retry_after_ns, details);
	if (details->error || details->len > sizeof request->grpc_details / 4 * 3 - 3)
		return;
	int n = EVP_EncodeBlock((unsigned char *)request->grpc_details, (const unsigned char *)details->ptr, (int)details->len);
	add_trailer(answer, GENOPS_STR("grpc-status-details-bin"), (genops_str){request->grpc_details, (size_t)n});
}

static void answer_http_fault(struct genops_receiver_request *request, const struct genops_receive_fault *fault,
    const char *message, struct genops_receiver_answer *answer)
{
	genops_buffer_clear(&request->answer);
	genops_otlp_answer_status(request->is_json, (int)fault->grpc, genops_str_of(message), fault->retry_after_ns, &request->answer);
	answer->status = fault->status;
	answer->content_type = request->is_json ? JSON : PROTOBUF;
	if (!request->answer.error)
		answer->body = genops_buffer_view(&request->answer);
	if (fault->retry_after_ns > 0) {
		long long seconds = (fault->retry_after_ns + GENOPS_NS_PER_S - 1) / GENOPS_NS_PER_S;
		snprintf(request->retry_after, sizeof request->retry_after, "%lld", seconds);
		genops_receive_answer_header(answer, GENOPS_STR("retry-after"), genops_str_of(request->retry_after));
	}
	genops_receive_cors(request, answer);
}

void genops_receive_answer_fault(struct genops_receiver_request *request, const struct genops_receive_fault *fault,
    const char *message, struct genops_receiver_answer *ret_answer)
{
	*ret_answer = (struct genops_receiver_answer){0};
	genops_receive_counts_refused(request->engine, request->receiver_name, request->is_grpc, fault->reason);
	if (request->is_grpc)
		answer_grpc_fault(request, fault, message, ret_answer);
	else
		answer_http_fault(request, fault, message, ret_answer);
}

void genops_receive_answer_full(
    struct genops_receiver_request *request, const struct genops_error *err, struct genops_receiver_answer *ret_answer)
{
	bool is_full = err->code == GENOPS_FULL;
	struct genops_receive_fault fault = {
	    503, GENOPS_GRPC_UNAVAILABLE, is_full ? GENOPS_RECEIVE_FULL : GENOPS_RECEIVE_FAILED, GENOPS_RECEIVE_RETRY_NS};
	genops_log_error(&request->engine->log, GENOPS_LOG_DEBUG, "a request of telemetry was not taken", err);
	genops_receive_answer_fault(request, &fault, is_full ? err->message : "nothing of the request is acknowledged; repeat it", ret_answer);
}

void genops_receive_answer_success(struct genops_receiver_request *request, const struct genops_otlp_count *count,
    struct genops_receiver_answer *ret_answer)
{
	struct genops_buffer *body = &request->answer;
	*ret_answer = (struct genops_receiver_answer){.status = 200};
	genops_buffer_clear(body);
	if (request->is_grpc)
		genops_buffer_add(body, (genops_str){FRAME, GENOPS_RECEIVE_FRAME_LEN});
	genops_otlp_answer_success(request->signal, request->is_json, count, body);
	if (body->error) { /* everything is in the log all the same: the least that says so */
		genops_buffer_clear(body);
	}
	ret_answer->body = genops_buffer_view(body);
	if (!request->is_grpc) {
		ret_answer->content_type = request->is_json ? JSON : PROTOBUF;
		genops_receive_cors(request, ret_answer);
		return;
	}
	if (body->len < GENOPS_RECEIVE_FRAME_LEN)
		ret_answer->body = (genops_str){FRAME, GENOPS_RECEIVE_FRAME_LEN};
	else {
		size_t len = body->len - GENOPS_RECEIVE_FRAME_LEN;
		for (int i = 0; i < 4; i++)
			body->ptr[1 + i] = (char)(uint8_t)(len >> (24 - 8 * i));
	}
	ret_answer->content_type = GRPC;
	add_trailer(ret_answer, GENOPS_STR("grpc-status"), GENOPS_STR("0"));
}
