/* SPDX-License-Identifier: Apache-2.0
 * fuzz_receiver.c - a received request: transport, method, target, content type, encoding, tenant, a line each, then the body. Properties:
 * it is always answered, in one of the statuses that a client knows; asked again it is answered the same; the patient way agrees with
 * the quick one. */
#include "engine_once.h"

#include <genops/receiver.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sent {
	bool is_grpc;
	genops_str method, target, type, encoding, tenant, body;
};

static int answer(const struct sent *sent, bool is_patient)
{
	struct genops_receiver_source source = {
	    .receiver = GENOPS_STR("otlp"), .is_grpc = sent->is_grpc, .is_local = true, .method = sent->method, .target = sent->target};
	struct genops_receiver_answer answer = {0};
	struct genops_error err;
	genops_receiver_request *request = genops_receiver_new(engine_once(), &source, &err);
	if (!request)
		abort();
	genops_receiver_header(request, GENOPS_STR("Content-Type"), sent->type);
	genops_receiver_header(request, sent->is_grpc ? GENOPS_STR("grpc-encoding") : GENOPS_STR("content-encoding"), sent->encoding);
	genops_receiver_header(request, GENOPS_STR("x-scope-orgid"), sent->tenant);
	enum genops_receiver_step step = genops_receiver_head(request, &answer);
	if (step == GENOPS_RECEIVER_WANTS_BODY)
		step = genops_receiver_body(request, sent->body, is_patient, &answer);
	if (step == GENOPS_RECEIVER_LARGE && !is_patient)
		step = genops_receiver_body(request, sent->body, true, &answer);
	bool is_told = answer.status == 200 || answer.status == 400 || answer.status == 404 || answer.status == 405 || answer.status == 413 ||
		       answer.status == 415 || answer.status == 503;
	if (step != GENOPS_RECEIVER_ANSWERED || !is_told || (answer.n_trailers && answer.status != 200))
		abort();
	/* gRPC's status is its first trailer. */
	int status = answer.n_trailers ? 1000 + answer.trailers[0].value.ptr[0] + (int)answer.trailers[0].value.len : answer.status;
	genops_receiver_free(request);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str rest = {(const char *)data, size};
	struct sent sent = {0};
	genops_str transport = line_of(&rest);
	sent.is_grpc = transport.len && transport.ptr[0] == 'g';
	sent.method = line_of(&rest);
	sent.target = line_of(&rest);
	sent.type = line_of(&rest);
	sent.encoding = line_of(&rest);
	sent.tenant = line_of(&rest);
	sent.body = rest;
	int quick = answer(&sent, false), patient = answer(&sent, true);
	bool is_full = quick == 503 || patient == 503 || quick >= 1000;
	if (quick != patient && !is_full)
		abort();
	return 0;
}
