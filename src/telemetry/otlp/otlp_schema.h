/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_schema.h - OTLP's messages as rows: number, kind and JSON name of every field. Private to telemetry/otlp.
 *
 * opentelemetry-proto 2026-08 (trace, metrics, logs, common, resource of v1). The check, both ways of JSON and their tests go by these
 * rows, so that a field is written down once. A message's fields are an array that its field numbers index; a gap has no kind.
 */
#ifndef TELEMETRY_OTLP_SCHEMA_H
#define TELEMETRY_OTLP_SCHEMA_H

#include "codec/wire.h"
#include "telemetry/otlp/otlp_request.h"

/* X(symbol, wire type, JSON) */
#define GENOPS_OTLP_KINDS(X)                                                                                                           \
	X(GAP, VARINT)                                                                                                                 \
	X(TEXT, BYTES)                                                                                                                 \
	X(BYTES, BYTES)    /* JSON: base64 */                                                                                          \
	X(TRACE_ID, BYTES) /* JSON: hex; 16 bytes or none */                                                                           \
	X(SPAN_ID, BYTES)  /* 8 */                                                                                                     \
	X(BOOL, VARINT)                                                                                                                \
	X(ENUM, VARINT)    /* JSON: a number only */                                                                                   \
	X(INT32, VARINT)                                                                                                               \
	X(SINT32, VARINT)  /* zigzag */                                                                                                \
	X(UINT32, VARINT)                                                                                                              \
	X(FIXED32, FIXED32)                                                                                                            \
	X(INT64, VARINT)                                                                                                               \
	X(UINT64, VARINT)                                                                                                              \
	X(FIXED64, FIXED64)                                                                                                            \
	X(SFIXED64, FIXED64)                                                                                                           \
	X(DOUBLE, FIXED64)                                                                                                             \
	X(MESSAGE, BYTES)

enum genops_otlp_kind {
#define X(symbol, wire) GENOPS_OTLP_KIND_##symbol,
	GENOPS_OTLP_KINDS(X)
#undef X
};

enum genops_otlp_message_id {
	GENOPS_OTLP_TRACES_REQUEST, GENOPS_OTLP_METRICS_REQUEST, GENOPS_OTLP_LOGS_REQUEST,
	GENOPS_OTLP_RESOURCE_SPANS, GENOPS_OTLP_RESOURCE_METRICS, GENOPS_OTLP_RESOURCE_LOGS,
	GENOPS_OTLP_SCOPE_SPANS, GENOPS_OTLP_SCOPE_METRICS, GENOPS_OTLP_SCOPE_LOGS,
	GENOPS_OTLP_RESOURCE, GENOPS_OTLP_ENTITY_REF, GENOPS_OTLP_SCOPE,
	GENOPS_OTLP_KEY_VALUE, GENOPS_OTLP_ANY_VALUE, GENOPS_OTLP_ARRAY_VALUE, GENOPS_OTLP_KEY_VALUE_LIST,
	GENOPS_OTLP_SPAN, GENOPS_OTLP_EVENT, GENOPS_OTLP_LINK, GENOPS_OTLP_STATUS,
	GENOPS_OTLP_METRIC, GENOPS_OTLP_GAUGE, GENOPS_OTLP_SUM, GENOPS_OTLP_HISTOGRAM, GENOPS_OTLP_EXPONENTIAL_HISTOGRAM,
	GENOPS_OTLP_SUMMARY, GENOPS_OTLP_NUMBER_POINT, GENOPS_OTLP_HISTOGRAM_POINT, GENOPS_OTLP_EXPONENTIAL_POINT, GENOPS_OTLP_BUCKETS,
	GENOPS_OTLP_SUMMARY_POINT, GENOPS_OTLP_QUANTILE, GENOPS_OTLP_EXEMPLAR,
	GENOPS_OTLP_LOG_RECORD,
	GENOPS_OTLP_MESSAGE_N
};

struct genops_otlp_field {
	genops_str name; /* in JSON */
	uint8_t kind;    /* enum genops_otlp_kind */
	uint8_t wire;    /* enum genops_wire_type; repeated numbers may be packed, too */
	uint8_t message; /* MESSAGE: enum genops_otlp_message_id */
	bool is_repeated;
	bool is_explicit; /* of a oneof, or optional: a zero that is there says something */
	bool is_choice;   /* of a oneof: the last one counts */
};

struct genops_otlp_message {
	const char *name; /* as in the .proto files, for messages */
	const struct genops_otlp_field *fields;
	uint8_t n_fields; /* the greatest number and one */
	bool is_item;     /* span, metric, log record */
	bool is_point;    /* of a metric */
};

extern const struct genops_otlp_message genops_otlp_messages[GENOPS_OTLP_MESSAGE_N];

/* NULL: not known. */
static inline const struct genops_otlp_field *genops_otlp_message_field(const struct genops_otlp_message *message, uint32_t number)
{
	return number < message->n_fields && message->fields[number].kind != GENOPS_OTLP_KIND_GAP ? &message->fields[number] : NULL;
}

/* What the three signals are made of. */
struct genops_otlp_signal {
	const char *name, *item; /* "traces", "span" */
	uint8_t request, resource, scope, record; /* enum genops_otlp_message_id */
};
extern const struct genops_otlp_signal genops_otlp_signals[GENOPS_SIGNAL_N];

#endif
