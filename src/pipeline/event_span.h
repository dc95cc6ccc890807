/* SPDX-License-Identifier: Apache-2.0
 * pipeline/event_span.h - spans as events, and events as spans again.
 *
 * An event of a span has, at its top: __inputId, __tenant (if there is one), _time (its begin in seconds), name, kind, trace_id, span_id,
 * parent_span_id (hex), start_time_unix_nano, end_time_unix_nano, duration_ms, status {code, message}, attributes, resource {attributes,
 * schema_url}, scope {name, version, attributes}, events. Attributes are flat: "genops.cost.total" is one key. Integers are JavaScript's
 * numbers. What nobody reads is not made: parts that only few expressions ask for are filled in on demand by what `wanted` names.
 * Log records and data points are events of the same manner (body, severity_number, ...; metric, value, ...).
 */
#ifndef PIPELINE_EVENT_SPAN_H
#define PIPELINE_EVENT_SPAN_H

#include "pipeline/value.h"
#include "telemetry/otlp/envelope.h"
#include "telemetry/otlp/otlp_span.h"

struct genops_event_span {                 /* kept between the spans of one request: values of the resource and scope are made once */
	struct genops_arena *arena;        /* reset by the caller between requests, not between spans */
	unsigned n_resource, n_scope;
	struct genops_value resource, scope;
};

/* The event of one span. Texts borrow from the request. CORRUPT, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_event_of_span(struct genops_event_span *maker, const struct genops_envelope *envelope,
    const struct genops_otlp_resource *resource, const struct genops_otlp_span *span, struct genops_arena *arena,
    struct genops_value *ret_event, struct genops_error *err);

/* The span that `event` has become: as it came, but for attributes that were changed or taken away, and with what was put at the top of the
 * event as attributes of the same names (cost_total, budget_tier, sampling.rate). Appends the Span message to `out`. */
GENOPS_NODISCARD int genops_event_to_span(struct genops_value event, struct genops_value before, const struct genops_otlp_span *span,
    struct genops_buffer *out, struct genops_error *err);

#endif
