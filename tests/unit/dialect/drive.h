/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/dialect/drive.h - drives an endpoint as engine/exchange.c does: a request and a
 * response in pieces, and the bytes that the client would see. Shared by the dialect tests, the
 * benchmark and the fuzz targets.
 */
#ifndef TESTS_DIALECT_DRIVE_H
#define TESTS_DIALECT_DRIVE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/str.h"
#include "dialect/dialect.h"

#include <stdlib.h>

/* Where pieces end: at `first`, then every `step` bytes; step 0: no more ends. */
struct pieces {
	size_t first, step;
};

static const struct pieces WHOLE = {0, 0};

struct drive {
	struct genops_arena arena;
	const struct genops_endpoint *endpoint;
	struct genops_call call;
	struct genops_answer answer;
	struct genops_buffer seen; /* by the client */
	struct genops_error err;
	int code;	 /* of the request */
	size_t max_held; /* most bytes that were held back at once */
};

struct drive_request {
	const char *dialect, *method, *target, *content_type;
	genops_str body;
	bool want_content, may_ask_usage;
};

static inline size_t next_piece(size_t at, size_t len, struct pieces pieces)
{
	if (at < pieces.first && pieces.first < len)
		return pieces.first - at;
	return pieces.step && pieces.step < len - at ? pieces.step : len - at;
}

static inline void drive_init(struct drive *drive)
{
	*drive = (struct drive){0};
	genops_arena_init(&drive->arena, (size_t)1 << 24);
	genops_buffer_init(&drive->seen, (size_t)1 << 28);
}

static inline void drive_done(struct drive *drive)
{
	genops_buffer_done(&drive->call.content);
	genops_buffer_done(&drive->seen);
	genops_arena_done(&drive->arena);
}

static inline const struct genops_endpoint *drive_route(const struct drive_request *request)
{
	const struct genops_dialect *dialect = genops_dialect_find(genops_str_of(request->dialect));
	const struct genops_endpoint *endpoint =
	    dialect ? genops_dialect_route(
			  dialect, genops_str_of(request->method), genops_str_of(request->target))
		    : NULL;
	return endpoint ? endpoint : &genops_dialect_detect;
}

/* Reads a request; drive->code says how it went. */
static inline void drive_request(
    struct drive *drive, const struct drive_request *request, struct pieces pieces)
{
	drive->endpoint = drive_route(request);
	struct genops_request_info info = {.endpoint = drive->endpoint,
	    .target = genops_str_of(request->target),
	    .content_type = genops_str_of(request->content_type),
	    .want_content = request->want_content,
	    .may_ask_usage = request->may_ask_usage};
	void *state = calloc(1, drive->endpoint->request_size);
	if (!state)
		abort();
	drive->code = drive->endpoint->request_begin(state, &drive->arena, &info);
	for (size_t at = 0; at < request->body.len && drive->code == GENOPS_OK;) {
		size_t n = next_piece(at, request->body.len, pieces);
		/* A copy of its own, so that reading beyond a piece is seen by the sanitizer. */
		char *copy = malloc(n);
		if (!copy)
			abort();
		memcpy(copy, request->body.ptr + at, n);
		drive->code =
		    drive->endpoint->request_feed(state, (genops_str){copy, n}, &drive->err);
		free(copy);
		at += n;
	}
	if (drive->code == GENOPS_OK)
		drive->code = drive->endpoint->request_finish(state, &drive->call, &drive->err);
	drive->endpoint->request_done(state);
	free(state);
}

/* What the client gets of a piece. */
static inline void drive_tap(struct drive *drive, genops_str piece, const struct genops_tap *tap)
{
	genops_buffer_add(&drive->seen, tap->before);
	size_t at = 0;
	for (size_t i = 0; i < tap->n_hidden; i++) {
		genops_buffer_add(
		    &drive->seen, (genops_str){piece.ptr + at, tap->hidden[i].offset - at});
		at = tap->hidden[i].offset + tap->hidden[i].len;
	}
	genops_buffer_add(&drive->seen, genops_str_skip(piece, at));
}

/* Follows a response for drive->call. `is_ended`: the provider ended it properly (else only what
 * was read is known). */
static inline void drive_response(struct drive *drive, bool is_stream, int status, genops_str body,
    struct pieces pieces, bool is_ended)
{
	const struct genops_endpoint *endpoint = drive->endpoint;
	struct genops_response_info info = {
	    .endpoint = endpoint, .call = &drive->call, .is_stream = is_stream, .status = status};
	struct genops_tap tap;
	void *state = calloc(1, endpoint->response_size);
	if (!state)
		abort();
	if (endpoint->response_begin(state, &drive->arena, &info) != GENOPS_OK)
		abort();
	for (size_t at = 0; at < body.len;) {
		size_t n = next_piece(at, body.len, pieces);
		char *copy = malloc(n);
		if (!copy)
			abort();
		memcpy(copy, body.ptr + at, n);
		endpoint->response_feed(state, (genops_str){copy, n}, &tap, &drive->answer);
		drive_tap(drive, (genops_str){copy, n}, &tap);
		free(copy);
		at += n;
		if (drive->seen.len < at && at - drive->seen.len > drive->max_held)
			drive->max_held = at - drive->seen.len;
	}
	if (is_ended) {
		endpoint->response_finish(state, &tap, &drive->answer);
		drive_tap(drive, (genops_str){0}, &tap);
	}
	endpoint->response_done(state);
	free(state);
}

#endif
