/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive.h - the inside of a genops_receiver_request, for the files of this folder.
 *
 * The request holds its own reference to the configuration: who was let in by a snapshot is served by it. Its buffers stay with the
 * engine for the next request, up to a bound.
 */
#ifndef ENGINE_RECEIVE_H
#define ENGINE_RECEIVE_H

#include "engine/engine.h"
#include "engine/receive/receive_counts.h"
#include "telemetry/otlp/envelope.h"
#include "telemetry/otlp/otlp_answer.h"

#include <genops/receiver.h>

/* google.rpc.Code, as far as this folder says them. */
enum genops_receive_grpc {
	GENOPS_GRPC_OK = 0,
	GENOPS_GRPC_INVALID_ARGUMENT = 3,
	GENOPS_GRPC_DEADLINE_EXCEEDED = 4,
	GENOPS_GRPC_PERMISSION_DENIED = 7,
	GENOPS_GRPC_RESOURCE_EXHAUSTED = 8,
	GENOPS_GRPC_UNIMPLEMENTED = 12,
	GENOPS_GRPC_INTERNAL = 13,
	GENOPS_GRPC_UNAVAILABLE = 14,
	GENOPS_GRPC_UNAUTHENTICATED = 16,
};

struct genops_receiver_request {
	genops_engine *engine;
	struct genops_config *config;                 /* reference */
	const struct genops_config_receiver *receiver; /* NULL: this configuration has it no more */
	const struct genops_config_listener *listener;
	const struct genops_config_token *token;      /* who sends; NULL: nobody in particular */
	genops_str method, path;
	genops_str content_type, content_encoding, authorization, api_key, tenant, origin, grpc_encoding, grpc_timeout;
	genops_str requested_method, requested_headers; /* of a CORS preflight */
	int64_t begun_ns;                             /* monotonic */
	enum genops_signal signal;
	bool is_grpc, is_local;
	bool is_json;                                 /* the answer's encoding is the request's */
	bool has_many_tenants;                        /* the header came twice: whose is it? */
	size_t n_memory_taken;                        /* of what this worker may have */
	char receiver_name[64];
	char tenant_text[160];                        /* of the token or the header */
	char retry_after[24], grpc_status[12], grpc_message[1024], grpc_details[2048]; /* of the answer */
	struct genops_buffer decoded;                 /* the request, inflated */
	struct genops_buffer converted;               /* the request as protobuf, out of JSON */
	struct genops_buffer bound;                   /* the request with what its token binds */
	struct genops_buffer scratch, entry, answer;
};

#define GENOPS_RECEIVE_FRAME_LEN 5 /* before a message of gRPC */
#define GENOPS_RECEIVE_RETRY_NS (2 * INT64_C(1000000000)) /* who finds everything full comes again after this */

/* receiver.c: the engine ends. */
void genops_receiver_pool_free(genops_engine *engine);

/* receive_head.c: what is asked for, by whom. False: the answer is made. */
bool genops_receive_head(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer);
/* In which encoding it must be answered, by the content type alone. */
void genops_receive_head_type(struct genops_receiver_request *request);

/* receive_access.c: is the sender let in, and for which tenant? False: the answer is made. */
bool genops_receive_access(struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer);

/* receive_memory.c: may a request with a body of so many bytes be taken, as far as max_memory_per_worker says? FULL: not now. LIMIT: never.
 * `end` gives back what `begin` has promised it; also where it failed. Any thread. */
GENOPS_NODISCARD int genops_receive_memory_begin(struct genops_receiver_request *request, size_t len, struct genops_error *err);
void genops_receive_memory_end(struct genops_receiver_request *request);
/* May `len` bytes more be received, as far as memory_limiter says? FULL. */
GENOPS_NODISCARD int genops_receive_memory(struct genops_receiver_request *request, size_t len, struct genops_error *err);

/* receive_append.c: the protobuf request into the segments. FULL, IO, NOMEM: not all of it; SYNTAX, LIMIT: it is no request. */
GENOPS_NODISCARD int genops_receive_append(struct genops_receiver_request *request, genops_str bytes,
    struct genops_otlp_count *ret_count, struct genops_error *err);

/* receive_bind.c: into request->bound, with the token's attributes in place of its own. SYNTAX, NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_receive_bind(struct genops_receiver_request *request, genops_str bytes, struct genops_error *err);

/* receive_answer.c */
struct genops_receive_fault {
	int status;               /* HTTP */
	enum genops_receive_grpc grpc;
	enum genops_receive_reason reason; /* for the counters */
	int64_t retry_after_ns;   /* 0: none */
};
void genops_receive_answer_fault(struct genops_receiver_request *request, const struct genops_receive_fault *fault,
    const char *message, struct genops_receiver_answer *ret_answer);
/* Not all of it is in the log: the client comes again. */
void genops_receive_answer_full(
    struct genops_receiver_request *request, const struct genops_error *err, struct genops_receiver_answer *ret_answer);
void genops_receive_answer_success(struct genops_receiver_request *request, const struct genops_otlp_count *count,
    struct genops_receiver_answer *ret_answer);
void genops_receive_answer_header(struct genops_receiver_answer *answer, genops_str name, genops_str value);

/* receive_cors.c: what a browser needs to be told, on every answer; and the answer to its preflight. */
void genops_receive_cors(const struct genops_receiver_request *request, struct genops_receiver_answer *answer);
bool genops_receive_cors_preflight(const struct genops_receiver_request *request, struct genops_receiver_answer *ret_answer);

#endif
