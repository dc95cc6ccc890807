/* SPDX-License-Identifier: Apache-2.0
 * telemetry/span.h - a record as an OpenTelemetry span: names from attribute rows, encoded as OTLP protobuf or JSON.
 *
 * One span an operation (OTL rows, specification 0.1.0, gen_ai.* v1.41); events policy.evaluated, cost.calculated and the
 * specification's genops.* events; budget alerts as events. Direct encoder: lengths as padded varints, no objects.
 */
#ifndef TELEMETRY_SPAN_H
#define TELEMETRY_SPAN_H

#include "base/buffer.h"
#include "base/option.h"
#include "govern/record.h"

enum genops_profile { GENOPS_PROFILE_GUIDES, GENOPS_PROFILE_SPEC };

struct genops_span_batch {
	enum genops_profile profile;
	const struct genops_record *records; /* grouped into one resource per service_name */
	size_t n_records;
	const struct genops_text_map *resource; /* more attributes of every resource (OTEL_RESOURCE_ATTRIBUTES), or NULL */
};

/* Appends an ExportTraceServiceRequest. Check buf->error. */
void genops_span_encode_protobuf(const struct genops_span_batch *batch, struct genops_buffer *buf);
void genops_span_encode_json(const struct genops_span_batch *batch, struct genops_buffer *buf);

/* What governance says of one operation, as fields of a Span message: for a span that somebody else made. Attributes and events. */
void genops_span_encode_governance(const struct genops_record *record, enum genops_profile profile,
    struct genops_buffer *attributes, struct genops_buffer *events);

#endif
