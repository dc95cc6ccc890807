/* SPDX-License-Identifier: Apache-2.0
 * pipeline/event_span.h - spans as events, and events as spans again.
 *
 * An event of a span has, at its top: __inputId, __tenant (if there is one), _time (its begin in seconds), name, kind, trace_id, span_id,
 * parent_span_id (hex), start_time_unix_nano, end_time_unix_nano, duration_ms, status {code, message}, attributes, resource {attributes,
 * schema_url}, scope {name, version, attributes}, events. Attributes are flat: "genops.cost.total" is one key. Integers are JavaScript's
 * numbers. A part is made when it is first read (value.h: an object with a source), and what was made is there for the next pipeline, so
 * that a span costs what is asked of it, not what it holds.
 *
 * Log records and data points have no events: the documents of pipelines are about spans.
 * One thread a maker. Nothing outside of the two arenas is owned.
 */
#ifndef PIPELINE_EVENT_SPAN_H
#define PIPELINE_EVENT_SPAN_H

#include "pipeline/value.h"
#include "telemetry/otlp/envelope.h"
#include "telemetry/otlp/otlp_span.h"

#define GENOPS_EVENT_PARTS 16

/* Kept between spans: the values of a request's resource and scope are made once. Fill arena; the rest is zero at first. */
struct genops_event_span {
	struct genops_arena *arena;        /* of resource and scope */
	struct genops_value resource, scope;
	unsigned n_resource, n_scope;      /* of which these are; 0: of none */
	struct genops_value_key keys[GENOPS_EVENT_PARTS];
	uint8_t parts[64];                 /* by the low bits of the key's hash: number of the part + 1 */
	bool is_ready;
};

/* Before the first span of a request, and before its bytes go: forgets the last one's resource and scope and resets the arena. */
void genops_event_span_begin(struct genops_event_span *maker);

/* The event of one span. Texts borrow from the request; the event is gone with the arena, and must not be read any more when `span`, the
 * reader's resource or the maker change. LIMIT, NOMEM; damage, and an arena that is too small, come to light when a part is read: it is
 * then undefined, and is_full of the event's source says so. */
GENOPS_NODISCARD int genops_event_of_span(struct genops_event_span *maker, const struct genops_envelope *envelope,
    const struct genops_otlp_resource *resource, const struct genops_otlp_span *span, struct genops_arena *arena,
    struct genops_value *ret_event, struct genops_error *err);

extern const char *const genops_event_span_parts[GENOPS_EVENT_PARTS]; /* the names above */
/* Is it one of them? */
bool genops_event_span_is_part(genops_str name);

/* The span that `event` has become (event/event_write.c): as it came, but for attributes that were changed, its name if that was, and with
 * what else was put at the top of the event as attributes of the same names (cost_total, budget_tier, sampling.rate), which take the place
 * of those that it had. Numbers that were put are doubles, always: a field has one type. undefined, null and names that begin with __ stay
 * inside, and so do ids, times and other parts of a span that were put anew. Appends the Span message. LIMIT, NOMEM, CORRUPT. */
GENOPS_NODISCARD int genops_event_to_span(struct genops_value event, struct genops_value before, const struct genops_otlp_span *span,
    struct genops_buffer *out, struct genops_error *err);

#endif
