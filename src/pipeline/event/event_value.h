/* SPDX-License-Identifier: Apache-2.0
 * pipeline/event/event_value.h - OTLP's values as values of events, and back. */
#ifndef PIPELINE_EVENT_VALUE_H
#define PIPELINE_EVENT_VALUE_H

#include "pipeline/value.h"
#include "telemetry/otlp/otlp_span.h"

/* Texts borrow; bytes become base64. False: no memory, damaged, or too deep. */
bool genops_event_value_of(const struct genops_otlp_value *otlp, struct genops_arena *arena, struct genops_value *ret_value);
/* The attributes of a message, `n` or so of them. NULL: as above. */
struct genops_value_object *genops_event_value_attributes(genops_str message, uint32_t field, size_t n, struct genops_arena *arena);

/* Appends an attribute as a field of that number. False: see out->error. */
bool genops_event_value_put_attribute(struct genops_buffer *out, uint32_t field, genops_str key, struct genops_value value);

#endif
