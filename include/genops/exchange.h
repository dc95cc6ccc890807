/* SPDX-License-Identifier: Apache-2.0
 * genops/exchange.h - one HTTP exchange with an AI provider, governed, for any HTTP host.
 *
 * The host (the nginx module, a test, another proxy) owns the sockets; this owns the governance:
 *
 *   new -> header* -> body* -> admit -+-> refused: send refusal, finish
 *                                     +-> forward upstream: path, header edits, body edits
 *          response_head -> response_body* -> response_end -> finish
 *
 * Nothing here does I/O on sockets, sleeps or blocks. Bytes are read in pieces of any size; the result never
 * depends on where the pieces end. Threads: one exchange, one thread at a time.
 */
#ifndef GENOPS_EXCHANGE_H
#define GENOPS_EXCHANGE_H

#include <genops/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct genops_exchange genops_exchange;

/* Begins an exchange. `method` is "POST"; `target` the request target as sent, with path prefix, provider and
 * query ("/t/search/p/bot/openai/v1/chat/completions?x=y"). Both are copied. Errors: NOMEM, LIMIT. */
GENOPS_API GENOPS_NODISCARD int genops_exchange_new(genops_engine *engine, genops_str method, genops_str target,
    genops_exchange **ret_exchange, struct genops_error *err);

/* One request header, any case. Copied as far as needed. */
GENOPS_API GENOPS_NODISCARD int genops_exchange_header(
    genops_exchange *exchange, genops_str name, genops_str value, struct genops_error *err);

/* A piece of the request body. Keeps nothing of it but what governance reads; the host keeps the body.
 * Never fails on bad content: that is told by admit. Errors: NOMEM. */
GENOPS_API GENOPS_NODISCARD int genops_exchange_body(
    genops_exchange *exchange, genops_str piece, struct genops_error *err);

enum genops_admission {
	GENOPS_ADMIT_FORWARD, /* after waiting delay_ns */
	GENOPS_ADMIT_REFUSE,  /* send `refusal` to the client; nothing is forwarded */
};

struct genops_header {
	genops_str name, value;    /* value empty in an edit of a forwarded request: remove the header */
};

/* An answer made by GenOps in the provider's own form. */
struct genops_refusal {
	int status;                /* HTTP status */
	genops_str content_type;
	genops_str body;
	size_t n_headers;          /* governance headers are in genops_exchange_answer_headers */
	struct genops_header headers[16];
};

/* Replace request-body bytes [offset, offset + removed) with `inserted`. Ascending, not overlapping. */
struct genops_edit {
	uint64_t offset, removed;
	genops_str inserted;
};

struct genops_forward {
	genops_str provider;       /* name of the provider in the configuration: chooses the connection */
	genops_str path;           /* target at the provider, prefix (/t/...) removed, base path added */
	int64_t delay_ns;          /* hold the call back this long first */
	size_t n_headers;          /* set or remove: authentication, traceparent, baggage, accept-encoding */
	struct genops_header headers[16]; /* names in small letters; the host also removes every x-genops-* header */
	size_t n_edits;
	struct genops_edit edits[4];
};

/* Ends the request body and decides. Exactly one of *ret_forward, *ret_refusal is filled; their views live
 * until the exchange is freed. Errors only for NOMEM, FULL and the like; the host answers 500 then. */
GENOPS_API GENOPS_NODISCARD int genops_exchange_admit(genops_exchange *exchange,
    enum genops_admission *ret_admission, struct genops_forward *ret_forward,
    struct genops_refusal *ret_refusal, struct genops_error *err);

/* The same refusal shape for what the host itself must refuse (413, 502, 504, 400 two lengths): message and
 * status in the provider's words. Always succeeds; falls back to a static body. */
GENOPS_API void genops_exchange_refuse(genops_exchange *exchange, int status, const char *message,
    struct genops_refusal *ret_refusal);

/* Headers for the client, on every governed answer: x-genops-decision, x-genops-operation-id, and on a
 * refusal x-genops-reason-code. Borrowed until freed; returns how many (at most max). */
GENOPS_API size_t genops_exchange_answer_headers(
    const genops_exchange *exchange, struct genops_header *headers, size_t max);

/* The provider's status and content type. Returns whether the body is a stream that must be passed on without
 * buffering. Then the other response headers, one by one. */
GENOPS_API bool genops_exchange_response_head(genops_exchange *exchange, int status, genops_str content_type);
GENOPS_API void genops_exchange_response_header(genops_exchange *exchange, genops_str name, genops_str value);

/* What to do with the piece just read. The host sends, in this order: `before`; the piece without its hidden ranges (with
 * must_end only its first end_offset bytes); `last`.
 *
 * Bytes are held back only in a stream whose usage GenOps asked for on the client's behalf: then every piece is hidden whole and
 * `before` is what is due of it and of what was held, namely all events that are complete, less the usage chunk and the "usage":null
 * of the others, which a client that did not ask would never have seen. So at most one unfinished event is delayed, and of that at most
 * 64 KiB. All other answers pass untouched: n_hidden 0, `before` empty. must_end comes between two events only. */
struct genops_tap {
	size_t n_hidden;           /* ranges of this piece that the client must not see, ascending */
	struct {
		size_t offset, len;
	} hidden[8];
	genops_str before;         /* bytes held back from earlier pieces, to be sent before this one */
	bool must_end;             /* stop reading the provider: send `last` and end the response */
	size_t end_offset;         /* with must_end: bytes of this piece that still go out */
	genops_str last;
};

/* A piece of the response body, as it passes. Views in *ret_tap live until the next call. */
GENOPS_API void genops_exchange_response_body(
    genops_exchange *exchange, genops_str piece, struct genops_tap *ret_tap);

/* The response body is complete (the provider ended it properly). Bytes still held back go out first. */
GENOPS_API void genops_exchange_response_end(genops_exchange *exchange, struct genops_tap *ret_tap);

/* Was a stream's own end seen ([DONE], message_stop ...), after which nothing that costs can follow? A host that then calls response_end
 * and finish before it sends on what showed the end has settled before the client can act on the answer. */
GENOPS_API bool genops_exchange_is_answered(const genops_exchange *exchange);

/* Settles and frees. `outcome` OK lets the exchange judge by status and completeness. PROVIDER_ERROR and CANCELLED say that the whole
 * request was sent: without an answer it is settled at what its input costs by estimate. NULL is fine. */
GENOPS_API void genops_exchange_finish(genops_exchange *exchange, enum genops_outcome outcome);

/* What is known now, for hosts and tests: borrowed, NULL before admit. */
GENOPS_API const genops_operation *genops_exchange_operation(const genops_exchange *exchange);
GENOPS_API const genops_usage *genops_exchange_usage(const genops_exchange *exchange);

#ifdef __cplusplus
}
#endif
#endif
