/* SPDX-License-Identifier: Apache-2.0
 * telemetry/propagation.h - W3C trace context and baggage: read, continue, and strip what is ours before it leaves. */
#ifndef TELEMETRY_PROPAGATION_H
#define TELEMETRY_PROPAGATION_H

#include "govern/attributes.h"

struct genops_trace_context {
	uint8_t trace_id[16], span_id[8];
	uint8_t flags;
};

/* False: absent or malformed (then a new trace begins, as the specification wants). */
bool genops_traceparent_parse(genops_str header, struct genops_trace_context *ret_context);
void genops_traceparent_format(const struct genops_trace_context *context, char out[56]);

/* Adds the genops.* members of a baggage header (percent-decoded) as attributes; malformed members are skipped. */
void genops_baggage_read(genops_str header, struct genops_attributes *attributes);
/* The header without genops.* members, into the arena; empty: drop the header. */
bool genops_baggage_strip(genops_str header, struct genops_arena *arena, genops_str *ret_rest);

/* 128 and 64 random bits that are not all zero (getrandom, buffered per thread; safe after fork). */
void genops_trace_id_new(uint8_t trace_id[16]);
void genops_span_id_new(uint8_t span_id[8]);

#endif
