/* SPDX-License-Identifier: Apache-2.0
 * telemetry/propagation.h - W3C trace context and baggage: read, continue, and strip what is ours before it leaves.
 *
 * Headers come from anybody: every function takes any bytes. tracestate is not looked into; hosts hand it on as it came.
 */
#ifndef TELEMETRY_PROPAGATION_H
#define TELEMETRY_PROPAGATION_H

#include "govern/attributes.h"

struct genops_trace_context {
	uint8_t trace_id[16], span_id[8];
	uint8_t flags;
};

#define GENOPS_TRACEPARENT_SIZE 56 /* "00-" 32 "-" 16 "-" 2, and a NUL */

/* What is read of a baggage header (W3C Baggage 3.3.2); what lies beyond is ignored, never cut in the middle. */
#define GENOPS_BAGGAGE_BYTES_MAX   8192
#define GENOPS_BAGGAGE_MEMBERS_MAX 180

/* False: absent or malformed (then a new trace begins, as the specification wants). */
bool genops_traceparent_parse(genops_str header, struct genops_trace_context *ret_context);
void genops_traceparent_format(const struct genops_trace_context *context, char out[GENOPS_TRACEPARENT_SIZE]);

/* Adds the genops.* members of a baggage header (percent-decoded) as attributes; malformed members are skipped. */
void genops_baggage_read(genops_str header, struct genops_attributes *attributes);
/* The header without genops.* members; empty: drop the header. Borrows from `header` when nothing was in it, else
 * lives in the arena. False: no memory, *ret_rest untouched. */
bool genops_baggage_strip(genops_str header, struct genops_arena *arena, genops_str *ret_rest);

/* 128 and 64 random bits that are not all zero (getrandom, buffered per thread; safe after fork). */
void genops_trace_id_new(uint8_t trace_id[16]);
void genops_span_id_new(uint8_t span_id[8]);
void genops_trace_span_id_new(uint8_t trace_id[16], uint8_t span_id[8]); /* both at once, for less than one by one */

#endif
