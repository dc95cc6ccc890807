/* SPDX-License-Identifier: Apache-2.0
 * telemetry/otlp/otlp_schema.c - see otlp_schema.h. Constant data. */
#include "telemetry/otlp/otlp_schema.h"

enum {
#define X(symbol, wire) WIRE_OF_##symbol = GENOPS_WIRE_##wire,
	GENOPS_OTLP_KINDS(X)
#undef X
};

#define NAME(text) {"" text, sizeof(text) - 1}
#define ROW(text, symbol, message, repeated, explicit, choice)                                                                         \
	{                                                                                                                              \
		NAME(text), GENOPS_OTLP_KIND_##symbol, WIRE_OF_##symbol, message, repeated, explicit, choice                           \
	}
#define ONE(text, symbol)        ROW(text, symbol, 0, false, false, false)
#define OPTIONAL(text, symbol)   ROW(text, symbol, 0, false, true, false)
#define CHOICE(text, symbol)     ROW(text, symbol, 0, false, true, true)
#define MANY(text, symbol)       ROW(text, symbol, 0, true, false, false)
#define OF(text, message)        ROW(text, MESSAGE, GENOPS_OTLP_##message, false, true, false)
#define CHOICE_OF(text, message) ROW(text, MESSAGE, GENOPS_OTLP_##message, false, true, true)
#define MANY_OF(text, message)   ROW(text, MESSAGE, GENOPS_OTLP_##message, true, false, false)

static const struct genops_otlp_field traces_request[] = {[1] = MANY_OF("resourceSpans", RESOURCE_SPANS)};
static const struct genops_otlp_field metrics_request[] = {[1] = MANY_OF("resourceMetrics", RESOURCE_METRICS)};
static const struct genops_otlp_field logs_request[] = {[1] = MANY_OF("resourceLogs", RESOURCE_LOGS)};

static const struct genops_otlp_field resource_spans[] = {
    [1] = OF("resource", RESOURCE), [2] = MANY_OF("scopeSpans", SCOPE_SPANS), [3] = ONE("schemaUrl", TEXT)};
static const struct genops_otlp_field resource_metrics[] = {
    [1] = OF("resource", RESOURCE), [2] = MANY_OF("scopeMetrics", SCOPE_METRICS), [3] = ONE("schemaUrl", TEXT)};
static const struct genops_otlp_field resource_logs[] = {
    [1] = OF("resource", RESOURCE), [2] = MANY_OF("scopeLogs", SCOPE_LOGS), [3] = ONE("schemaUrl", TEXT)};

static const struct genops_otlp_field scope_spans[] = {
    [1] = OF("scope", SCOPE), [2] = MANY_OF("spans", SPAN), [3] = ONE("schemaUrl", TEXT)};
static const struct genops_otlp_field scope_metrics[] = {
    [1] = OF("scope", SCOPE), [2] = MANY_OF("metrics", METRIC), [3] = ONE("schemaUrl", TEXT)};
static const struct genops_otlp_field scope_logs[] = {
    [1] = OF("scope", SCOPE), [2] = MANY_OF("logRecords", LOG_RECORD), [3] = ONE("schemaUrl", TEXT)};

static const struct genops_otlp_field resource[] = {[1] = MANY_OF("attributes", KEY_VALUE),
    [2] = ONE("droppedAttributesCount", UINT32), [3] = MANY_OF("entityRefs", ENTITY_REF)};
static const struct genops_otlp_field entity_ref[] = {
    [1] = ONE("schemaUrl", TEXT), [2] = ONE("type", TEXT), [3] = MANY("idKeys", TEXT), [4] = MANY("descriptionKeys", TEXT)};
static const struct genops_otlp_field scope[] = {[1] = ONE("name", TEXT), [2] = ONE("version", TEXT),
    [3] = MANY_OF("attributes", KEY_VALUE), [4] = ONE("droppedAttributesCount", UINT32)};

/* The two strindex fields are for profiles only; here they mean nothing, and are kept. */
static const struct genops_otlp_field key_value[] = {
    [1] = ONE("key", TEXT), [2] = OF("value", ANY_VALUE), [3] = ONE("keyStrindex", INT32)};
static const struct genops_otlp_field any_value[] = {[1] = CHOICE("stringValue", TEXT), [2] = CHOICE("boolValue", BOOL),
    [3] = CHOICE("intValue", INT64), [4] = CHOICE("doubleValue", DOUBLE), [5] = CHOICE_OF("arrayValue", ARRAY_VALUE),
    [6] = CHOICE_OF("kvlistValue", KEY_VALUE_LIST), [7] = CHOICE("bytesValue", BYTES), [8] = CHOICE("stringValueStrindex", INT32)};
static const struct genops_otlp_field array_value[] = {[1] = MANY_OF("values", ANY_VALUE)};
static const struct genops_otlp_field key_value_list[] = {[1] = MANY_OF("values", KEY_VALUE)};

static const struct genops_otlp_field span[] = {[1] = ONE("traceId", TRACE_ID), [2] = ONE("spanId", SPAN_ID),
    [3] = ONE("traceState", TEXT), [4] = ONE("parentSpanId", SPAN_ID), [5] = ONE("name", TEXT), [6] = ONE("kind", ENUM),
    [7] = ONE("startTimeUnixNano", FIXED64), [8] = ONE("endTimeUnixNano", FIXED64), [9] = MANY_OF("attributes", KEY_VALUE),
    [10] = ONE("droppedAttributesCount", UINT32), [11] = MANY_OF("events", EVENT), [12] = ONE("droppedEventsCount", UINT32),
    [13] = MANY_OF("links", LINK), [14] = ONE("droppedLinksCount", UINT32), [15] = OF("status", STATUS), [16] = ONE("flags", FIXED32)};
static const struct genops_otlp_field event[] = {[1] = ONE("timeUnixNano", FIXED64), [2] = ONE("name", TEXT),
    [3] = MANY_OF("attributes", KEY_VALUE), [4] = ONE("droppedAttributesCount", UINT32)};
static const struct genops_otlp_field span_link[] = {[1] = ONE("traceId", TRACE_ID), [2] = ONE("spanId", SPAN_ID),
    [3] = ONE("traceState", TEXT), [4] = MANY_OF("attributes", KEY_VALUE), [5] = ONE("droppedAttributesCount", UINT32),
    [6] = ONE("flags", FIXED32)};
static const struct genops_otlp_field status[] = {[2] = ONE("message", TEXT), [3] = ONE("code", ENUM)};

static const struct genops_otlp_field metric[] = {[1] = ONE("name", TEXT), [2] = ONE("description", TEXT), [3] = ONE("unit", TEXT),
    [5] = CHOICE_OF("gauge", GAUGE), [7] = CHOICE_OF("sum", SUM), [9] = CHOICE_OF("histogram", HISTOGRAM),
    [10] = CHOICE_OF("exponentialHistogram", EXPONENTIAL_HISTOGRAM), [11] = CHOICE_OF("summary", SUMMARY), [12] = MANY_OF("metadata", KEY_VALUE)};
static const struct genops_otlp_field gauge[] = {[1] = MANY_OF("dataPoints", NUMBER_POINT)};
static const struct genops_otlp_field sum[] = {
    [1] = MANY_OF("dataPoints", NUMBER_POINT), [2] = ONE("aggregationTemporality", ENUM), [3] = ONE("isMonotonic", BOOL)};
static const struct genops_otlp_field histogram[] = {
    [1] = MANY_OF("dataPoints", HISTOGRAM_POINT), [2] = ONE("aggregationTemporality", ENUM)};
static const struct genops_otlp_field exponential_histogram[] = {
    [1] = MANY_OF("dataPoints", EXPONENTIAL_POINT), [2] = ONE("aggregationTemporality", ENUM)};
static const struct genops_otlp_field summary[] = {[1] = MANY_OF("dataPoints", SUMMARY_POINT)};
static const struct genops_otlp_field number_point[] = {[2] = ONE("startTimeUnixNano", FIXED64), [3] = ONE("timeUnixNano", FIXED64),
    [4] = CHOICE("asDouble", DOUBLE), [5] = MANY_OF("exemplars", EXEMPLAR), [6] = CHOICE("asInt", SFIXED64),
    [7] = MANY_OF("attributes", KEY_VALUE), [8] = ONE("flags", UINT32)};
static const struct genops_otlp_field histogram_point[] = {[2] = ONE("startTimeUnixNano", FIXED64), [3] = ONE("timeUnixNano", FIXED64),
    [4] = ONE("count", FIXED64), [5] = OPTIONAL("sum", DOUBLE), [6] = MANY("bucketCounts", FIXED64), [7] = MANY("explicitBounds", DOUBLE),
    [8] = MANY_OF("exemplars", EXEMPLAR), [9] = MANY_OF("attributes", KEY_VALUE), [10] = ONE("flags", UINT32),
    [11] = OPTIONAL("min", DOUBLE), [12] = OPTIONAL("max", DOUBLE)};
static const struct genops_otlp_field exponential_point[] = {[1] = MANY_OF("attributes", KEY_VALUE),
    [2] = ONE("startTimeUnixNano", FIXED64), [3] = ONE("timeUnixNano", FIXED64), [4] = ONE("count", FIXED64), [5] = OPTIONAL("sum", DOUBLE),
    [6] = ONE("scale", SINT32), [7] = ONE("zeroCount", FIXED64), [8] = OF("positive", BUCKETS), [9] = OF("negative", BUCKETS),
    [10] = ONE("flags", UINT32), [11] = MANY_OF("exemplars", EXEMPLAR), [12] = OPTIONAL("min", DOUBLE), [13] = OPTIONAL("max", DOUBLE),
    [14] = ONE("zeroThreshold", DOUBLE)};
static const struct genops_otlp_field buckets[] = {[1] = ONE("offset", SINT32), [2] = MANY("bucketCounts", UINT64)};
static const struct genops_otlp_field summary_point[] = {[2] = ONE("startTimeUnixNano", FIXED64), [3] = ONE("timeUnixNano", FIXED64),
    [4] = ONE("count", FIXED64), [5] = ONE("sum", DOUBLE), [6] = MANY_OF("quantileValues", QUANTILE),
    [7] = MANY_OF("attributes", KEY_VALUE), [8] = ONE("flags", UINT32)};
static const struct genops_otlp_field quantile[] = {[1] = ONE("quantile", DOUBLE), [2] = ONE("value", DOUBLE)};
static const struct genops_otlp_field exemplar[] = {[2] = ONE("timeUnixNano", FIXED64), [3] = CHOICE("asDouble", DOUBLE),
    [4] = ONE("spanId", SPAN_ID), [5] = ONE("traceId", TRACE_ID), [6] = CHOICE("asInt", SFIXED64),
    [7] = MANY_OF("filteredAttributes", KEY_VALUE)};

static const struct genops_otlp_field log_record[] = {[1] = ONE("timeUnixNano", FIXED64), [2] = ONE("severityNumber", ENUM),
    [3] = ONE("severityText", TEXT), [5] = OF("body", ANY_VALUE), [6] = MANY_OF("attributes", KEY_VALUE),
    [7] = ONE("droppedAttributesCount", UINT32), [8] = ONE("flags", FIXED32), [9] = ONE("traceId", TRACE_ID),
    [10] = ONE("spanId", SPAN_ID), [11] = ONE("observedTimeUnixNano", FIXED64), [12] = ONE("eventName", TEXT)};

#define MESSAGE(symbol, name, rows) [GENOPS_OTLP_##symbol] = {name, rows, sizeof(rows) / sizeof *(rows), false, false}
#define ITEM(symbol, name, rows)    [GENOPS_OTLP_##symbol] = {name, rows, sizeof(rows) / sizeof *(rows), true, false}
#define POINT(symbol, name, rows)   [GENOPS_OTLP_##symbol] = {name, rows, sizeof(rows) / sizeof *(rows), false, true}

const struct genops_otlp_message genops_otlp_messages[GENOPS_OTLP_MESSAGE_N] = {
    MESSAGE(TRACES_REQUEST, "ExportTraceServiceRequest", traces_request),
    MESSAGE(METRICS_REQUEST, "ExportMetricsServiceRequest", metrics_request),
    MESSAGE(LOGS_REQUEST, "ExportLogsServiceRequest", logs_request),
    MESSAGE(RESOURCE_SPANS, "ResourceSpans", resource_spans),
    MESSAGE(RESOURCE_METRICS, "ResourceMetrics", resource_metrics),
    MESSAGE(RESOURCE_LOGS, "ResourceLogs", resource_logs),
    MESSAGE(SCOPE_SPANS, "ScopeSpans", scope_spans),
    MESSAGE(SCOPE_METRICS, "ScopeMetrics", scope_metrics),
    MESSAGE(SCOPE_LOGS, "ScopeLogs", scope_logs),
    MESSAGE(RESOURCE, "Resource", resource),
    MESSAGE(ENTITY_REF, "EntityRef", entity_ref),
    MESSAGE(SCOPE, "InstrumentationScope", scope),
    MESSAGE(KEY_VALUE, "KeyValue", key_value),
    MESSAGE(ANY_VALUE, "AnyValue", any_value),
    MESSAGE(ARRAY_VALUE, "ArrayValue", array_value),
    MESSAGE(KEY_VALUE_LIST, "KeyValueList", key_value_list),
    ITEM(SPAN, "Span", span),
    MESSAGE(EVENT, "Event", event),
    MESSAGE(LINK, "Link", span_link),
    MESSAGE(STATUS, "Status", status),
    ITEM(METRIC, "Metric", metric),
    MESSAGE(GAUGE, "Gauge", gauge),
    MESSAGE(SUM, "Sum", sum),
    MESSAGE(HISTOGRAM, "Histogram", histogram),
    MESSAGE(EXPONENTIAL_HISTOGRAM, "ExponentialHistogram", exponential_histogram),
    MESSAGE(SUMMARY, "Summary", summary),
    POINT(NUMBER_POINT, "NumberDataPoint", number_point),
    POINT(HISTOGRAM_POINT, "HistogramDataPoint", histogram_point),
    POINT(EXPONENTIAL_POINT, "ExponentialHistogramDataPoint", exponential_point),
    MESSAGE(BUCKETS, "Buckets", buckets),
    POINT(SUMMARY_POINT, "SummaryDataPoint", summary_point),
    MESSAGE(QUANTILE, "ValueAtQuantile", quantile),
    MESSAGE(EXEMPLAR, "Exemplar", exemplar),
    ITEM(LOG_RECORD, "LogRecord", log_record),
};
