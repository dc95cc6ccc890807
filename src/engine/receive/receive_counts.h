/* SPDX-License-Identifier: Apache-2.0
 * engine/receive/receive_counts.h - what receivers took and refused, for /metrics: one tally of all processes (store/tally.h). */
#ifndef ENGINE_RECEIVE_COUNTS_H
#define ENGINE_RECEIVE_COUNTS_H

#include "engine/engine.h"
#include "telemetry/otlp/otlp_request.h"

/* X(symbol, label) */
#define GENOPS_RECEIVE_REASONS(X)                                                                     \
	X(UNAUTHENTICATED, "unauthenticated")                                                         \
	X(DENIED, "denied")                                                                           \
	X(RATE, "rate_limited")                                                                       \
	X(UNSUPPORTED, "unsupported")                                                                 \
	X(TOO_LARGE, "too_large")                                                                     \
	X(MALFORMED, "malformed")                                                                     \
	X(LATE, "late")                                                                               \
	X(FULL, "full")                                                                               \
	X(FAILED, "failed")

enum genops_receive_reason {
#define X(symbol, label) GENOPS_RECEIVE_##symbol,
	GENOPS_RECEIVE_REASONS(X)
#undef X
};

void genops_receive_counts_accepted(genops_engine *engine, const char *receiver, bool is_grpc, enum genops_signal signal,
    const struct genops_otlp_count *count, size_t bytes);
void genops_receive_counts_refused(genops_engine *engine, const char *receiver, bool is_grpc, enum genops_receive_reason reason);

/* The tally; NULL: there is none, and none can be made. */
struct genops_tally *genops_receive_counts_tally(genops_engine *engine);

/* Appends the exposition of what all processes of the state directory have counted. */
void genops_receive_counts_expose(genops_engine *engine, struct genops_buffer *text);

#endif
