/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_head.c - what of a request can be judged before its body is read: path, method, sender, type, encoding. */
#include "engine/receive/receive.h"

#include "base/str.h"
#include "codec/compress.h"

#include <stdio.h>

static const char *const grpc_paths[GENOPS_SIGNAL_N] = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
};

static void refuse(struct genops_receiver_request *request, int status, enum genops_receive_grpc grpc,
    enum genops_receive_reason reason, const char *message, struct genops_receiver_answer *ret_answer)
{
	struct genops_receive_fault fault = {.status = status, .grpc = grpc, .reason = reason};
	genops_receive_answer_fault(request, &fault, message, ret_answer);
}

/* --- media type --- */

static genops_str media_type(genops_str content_type)
{
	return genops_str_trim(genops_str_split(&content_type, ';'));
}

/* False: neither of the two. */
static bool find_type(genops_str content_type, bool *ret_is_json)
{
	genops_str type = media_type(content_type);
	*ret_is_json = genops_str_is_nocase(type, "application/json");
	return *ret_is_json || genops_str_is_nocase(type, "application/x-protobuf") || genops_str_is_nocase(type, "application/protobuf");
}

void genops_receive_head_type(struct genops_receiver_request *request)
{
	bool is_json;
	if (!request->is_grpc)
		request->is_json = !find_type(request->content_type, &is_json) || is_json;
}

/* --- gRPC --- */

/* What speaks no gRPC gets HTTP's own answer. */
static bool check_grpc(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	genops_str type = media_type(request->content_type);
	enum genops_compress_kind kind;
	if (!genops_str_is(request->method, "POST") ||
	    (!genops_str_is_nocase(type, "application/grpc") && !genops_str_is_nocase(type, "application/grpc+proto"))) {
		bool is_post = genops_str_is(request->method, "POST");
		request->is_grpc = false;
		request->is_json = true;
		refuse(request, is_post ? 415 : 405, GENOPS_GRPC_OK, GENOPS_RECEIVE_UNSUPPORTED,
		    is_post ? "this port takes application/grpc; OTLP over HTTP has its own" : "this port takes gRPC: POST only", ret_answer);
		return false;
	}
	for (size_t i = 0; i < GENOPS_SIGNAL_N; i++) {
		if (!genops_str_is(request->path, grpc_paths[i]))
			continue;
		request->signal = (enum genops_signal)i;
		if (!genops_compress_named(request->grpc_encoding, &kind)) {
			refuse(request, 415, GENOPS_GRPC_UNIMPLEMENTED, GENOPS_RECEIVE_UNSUPPORTED,
			    "this grpc-encoding is not known here; identity, gzip, deflate and zstd are", ret_answer);
			genops_receive_answer_header(ret_answer, GENOPS_STR("grpc-accept-encoding"), GENOPS_STR("identity,gzip,deflate,zstd"));
			return false;
		}
		return true;
	}
	refuse(request, 404, GENOPS_GRPC_UNIMPLEMENTED, GENOPS_RECEIVE_UNSUPPORTED,
	    "there is no such method; Export of TraceService, MetricsService and LogsService are", ret_answer);
	return false;
}

/* --- HTTP --- */

static bool find_signal(struct genops_receiver_request *request)
{
	for (size_t i = 0; i < GENOPS_SIGNAL_N; i++) {
		genops_str path = request->listener->paths[i];
		if (path.len && genops_str_equal(request->path, path)) {
			request->signal = (enum genops_signal)i;
			return true;
		}
	}
	return false;
}

static bool check_path(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	char message[512];
	size_t len = 0;
	if (!find_signal(request)) {
		len = (size_t)snprintf(message, sizeof message, "there is no such path; this receiver has");
		for (size_t i = 0; i < GENOPS_SIGNAL_N && len < sizeof message; i++) {
			genops_str path = request->listener->paths[i];
			if (path.len && path.len < 100)
				len += (size_t)snprintf(message + len, sizeof message - len, " %.*s", GENOPS_STR_ARG(path));
		}
		refuse(request, 404, GENOPS_GRPC_UNIMPLEMENTED, GENOPS_RECEIVE_UNSUPPORTED, message, ret_answer);
		return false;
	}
	if (genops_str_is(request->method, "POST"))
		return true;
	refuse(request, 405, GENOPS_GRPC_UNIMPLEMENTED, GENOPS_RECEIVE_UNSUPPORTED, "OTLP is sent with POST", ret_answer);
	genops_receive_answer_header(ret_answer, GENOPS_STR("allow"), GENOPS_STR("POST"));
	return false;
}

static bool check_types(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	enum genops_compress_kind kind;
	if (!find_type(request->content_type, &request->is_json)) {
		request->is_json = true;
		refuse(request, 415, GENOPS_GRPC_UNIMPLEMENTED, GENOPS_RECEIVE_UNSUPPORTED,
		    "the content type must be application/x-protobuf or application/json", ret_answer);
		return false;
	}
	if (genops_compress_named(genops_str_trim(request->content_encoding), &kind))
		return true;
	refuse(request, 415, GENOPS_GRPC_UNIMPLEMENTED, GENOPS_RECEIVE_UNSUPPORTED,
	    "this content encoding is not known here; identity, gzip, deflate and zstd are", ret_answer);
	genops_receive_answer_header(ret_answer, GENOPS_STR("accept-encoding"), GENOPS_STR("gzip, deflate, zstd"));
	return false;
}

bool genops_receive_head(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer)
{
	genops_receive_head_type(request);
	if (!request->listener) {
		struct genops_receive_fault fault = {503, GENOPS_GRPC_UNAVAILABLE, GENOPS_RECEIVE_FAILED, GENOPS_RECEIVE_RETRY_NS};
		genops_receive_answer_fault(request, &fault, "this receiver is being taken down; repeat the request", ret_answer);
		return false;
	}
	if (request->is_grpc)
		return check_grpc(request, ret_answer) && genops_receive_access(request, ret_answer);
	if (genops_receive_cors_preflight(request, ret_answer))
		return false;
	return check_path(request, ret_answer) && genops_receive_access(request, ret_answer) && check_types(request, ret_answer);
}
