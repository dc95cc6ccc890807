/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_request.h - OTLP requests as bytes: is this one, what is in it, and how is it cut into pieces?
 *
 * opentelemetry-proto, docs/specification.md (2026-08). Inside of GenOps OTLP is always protobuf: JSON becomes protobuf at the door
 * (otlp_json.h). Nothing is copied that need not be: a request is walked over with codec/wire.h, its depth is bounded, texts must be
 * UTF-8. Two requests of one signal, put behind one another, are a request (repeated fields), so batching is appending. Fields that
 * this file does not know are kept as they came.
 */
#ifndef TELEMETRY_OTLP_REQUEST_H
#define TELEMETRY_OTLP_REQUEST_H

#include "base/buffer.h"
#include "base/error.h"

enum genops_signal { GENOPS_SIGNAL_TRACES, GENOPS_SIGNAL_METRICS, GENOPS_SIGNAL_LOGS };
#define GENOPS_SIGNAL_N 3
const char *genops_signal_name(enum genops_signal signal); /* "traces" ... */

/* Values in one another. Many backends' protobuf (C++, Java, Python, Rust) refuses a whole request in which messages are more than 100
 * deep: 30 lists stay below it in every place, so that no item spoils a batch at the far end. */
#define GENOPS_OTLP_DEPTH_MAX 30
#define GENOPS_OTLP_PIECE_MAX ((size_t)512 << 10) /* bytes of one stored piece; one item at most: GENOPS_OTLP_ITEM_MAX */
#define GENOPS_OTLP_PIECE_ITEMS 4096              /* spans, data points, log records of one stored piece, at most */
#define GENOPS_OTLP_ITEM_MAX  ((size_t)768 << 10) /* bytes of one span, metric or log record with its resource and scope */

/* What was taken and what not; items are spans, data points, log records. A rejected item does not spoil its neighbours. */
struct genops_otlp_count {
	int64_t n_accepted, n_rejected;
	char reason[256]; /* of the first rejected one, for partial_success: which item, what is wrong, what to do; "" : none */
};

/* Takes one piece: a whole request of the same signal, at most GENOPS_OTLP_ITEM_MAX bytes, borrowed for the call. Any code but OK ends
 * the walk and is passed on. */
typedef int genops_otlp_piece_fn(void *arg, genops_str piece, struct genops_error *err);

/* Walks over a protobuf request, checks everything in it and hands it on in pieces of about GENOPS_OTLP_PIECE_MAX, in order; a request
 * that is smaller, with nothing rejected, is handed on as it came, unknown fields included. Empty ones have no piece. A metric that is too
 * large for one piece is cut between its points. Rejected: an item over GENOPS_OTLP_ITEM_MAX, or with a resource and scope over 128 KiB;
 * ids of a wrong length (all zero or absent is fine: the guides' curl has none); values too deep; texts that are not UTF-8. Errors: SYNTAX (not a request: nothing
 * of it was handed on), LIMIT (values too deep in a resource or scope), NOMEM, and the function's. `scratch` is overwritten. */
GENOPS_NODISCARD int genops_otlp_request_pieces(enum genops_signal signal, genops_str request, struct genops_buffer *scratch,
    genops_otlp_piece_fn *fn, void *arg, struct genops_otlp_count *ret_count, struct genops_error *err);

#endif
