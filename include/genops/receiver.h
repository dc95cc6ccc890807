/* SPDX-License-Identifier: Apache-2.0
 * genops/receiver.h - one request of OTLP, received, for any HTTP host.
 *
 * The host (the nginx module, a test, another server) owns the sockets; this owns the protocol: who may send, for whom, what the body
 * is, whether all of it is in the durable log, and what the client is told. OTLP/HTTP and OTLP/gRPC differ in nothing else.
 *
 *   new -> header* -> head -+-> answered: send it, read no body
 *                           +-> read the body -> body -+-> answered
 *                                                      +-> large: body again, on a thread that may take its time
 *   free
 *
 * A 200 (gRPC: status 0) is given only when everything that it acknowledges is in the segments. Nothing here does I/O on sockets or
 * sleeps. Threads: one request, one thread at a time.
 */
#ifndef GENOPS_RECEIVER_H
#define GENOPS_RECEIVER_H

#include <genops/exchange.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct genops_receiver_request genops_receiver_request;

/* Where a request came in. Views are borrowed for the call. */
struct genops_receiver_source {
	genops_str receiver;  /* its name in the configuration: "otlp", "otlp/edge" */
	bool is_grpc;
	bool is_local;        /* the client is on this machine */
	genops_str method;    /* "POST" */
	genops_str target;    /* as sent, with query */
};

/* What the client is told. Views live until the request is freed. */
struct genops_receiver_answer {
	int status;               /* HTTP; with gRPC 200, but for what is no gRPC at all */
	genops_str content_type;  /* empty: no body */
	genops_str body;          /* gRPC: with its frame */
	size_t n_headers;
	struct genops_header headers[8];
	size_t n_trailers;        /* gRPC only; without a body they are headers (Trailers-Only) */
	struct genops_header trailers[4];
};

enum genops_receiver_step {
	GENOPS_RECEIVER_ANSWERED,  /* *ret_answer is what to send */
	GENOPS_RECEIVER_WANTS_BODY,
	GENOPS_RECEIVER_LARGE,     /* too much work for a thread on which others wait: call genops_receiver_body again from another one */
};

/* Begins. NULL with err: NOMEM. */
GENOPS_API genops_receiver_request *genops_receiver_new(
    genops_engine *engine, const struct genops_receiver_source *source, struct genops_error *err);
/* NULL is fine. */
GENOPS_API void genops_receiver_free(genops_receiver_request *request);

/* One request header, name in any case. Both views are borrowed until the request is freed. */
GENOPS_API void genops_receiver_header(genops_receiver_request *request, genops_str name, genops_str value);

/* After the headers: WANTS_BODY, or ANSWERED where no body can make it right (401, 404, 405, 415 ...). */
GENOPS_API enum genops_receiver_step genops_receiver_head(
    genops_receiver_request *request, struct genops_receiver_answer *ret_answer);

/* The whole body, borrowed for the call. ANSWERED; or LARGE, unless is_patient. */
GENOPS_API enum genops_receiver_step genops_receiver_body(
    genops_receiver_request *request, genops_str body, bool is_patient, struct genops_receiver_answer *ret_answer);

/* What the host itself must refuse, by HTTP's status (400, 403, 404, 408, 413, 414, 429, 431, 500, 503), in the protocol's words. */
GENOPS_API void genops_receiver_refuse(
    genops_receiver_request *request, int status, const char *message, struct genops_receiver_answer *ret_answer);

#ifdef __cplusplus
}
#endif
#endif
