/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_trace.c - see datadog_trace.h.
 *
 * Texts of attributes become meta, numbers metrics, so that what they are called in OpenTelemetry is what one filters by in Datadog
 * (genops.team:ml-platform). Resource before span, so that the span's counts. Lengths are cut where Datadog's own agent cuts them. */
#include "export/datadog/datadog_trace.h"

#include "base/str.h"
#include "codec/wire.h"
#include "pipeline/event/event_value.h"
#include "telemetry/otlp/otlp_span.h"

#include <stdio.h>

#define NAME_MAX_LEN     ((size_t)100)
#define RESOURCE_MAX_LEN ((size_t)5000)
#define VALUE_MAX_LEN    ((size_t)25000)

/* Numbers of the messages' fields. */
enum { AGENT_HOST = 1, AGENT_TRACERS = 5, AGENT_VERSION = 7 };
enum { TRACER_LANGUAGE = 2, TRACER_VERSION = 4, TRACER_CHUNKS = 6, TRACER_ENV = 8, TRACER_HOST = 9, TRACER_APP_VERSION = 10 };
enum { CHUNK_PRIORITY = 1, CHUNK_SPANS = 3 };
enum { SPAN_SERVICE = 1, SPAN_NAME, SPAN_RESOURCE, SPAN_TRACE_ID, SPAN_ID, SPAN_PARENT_ID, SPAN_START, SPAN_DURATION, SPAN_ERROR, SPAN_META, SPAN_METRICS, SPAN_TYPE };

struct writer {
	struct genops_buffer *out;
	struct genops_arena *arena;
	genops_str host;
	size_t tracer, chunk;      /* where what is open was begun */
	bool has_tracer, has_chunk;
	unsigned n_resource;
	char trace_id[16];
	genops_str service, env;   /* of the resource */
};

static genops_str cut(genops_str text, size_t max)
{
	size_t len = max;
	if (text.len <= max)
		return text;
	while (len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
		len--;
	return (genops_str){text.ptr, len};
}

static genops_str text_of(genops_str message, uint32_t field, const char *name)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	genops_str found = {"", 0};
	genops_otlp_attributes_init(&attributes, message, field);
	while (genops_otlp_attributes_next(&attributes, &attribute) > 0) {
		if (attribute.value.type == GENOPS_OTLP_STRING && genops_str_is(attribute.key, name))
			found = attribute.value.bytes;
	}
	return found;
}

/* --- maps --- */

static void put_meta(struct genops_buffer *out, genops_str key, genops_str value)
{
	size_t mark;
	if (!value.len)
		return;
	mark = genops_wire_begin(out, SPAN_META);
	genops_wire_put_bytes(out, 1, cut(key, 200));
	genops_wire_put_bytes(out, 2, cut(value, VALUE_MAX_LEN));
	genops_wire_end_tight(out, mark);
}

static void put_metric(struct genops_buffer *out, genops_str key, double value)
{
	size_t mark = genops_wire_begin(out, SPAN_METRICS);
	genops_wire_put_bytes(out, 1, cut(key, 200));
	genops_wire_put_double(out, 2, value);
	genops_wire_end_tight(out, mark);
}

static int put_other(struct writer *writer, const struct genops_otlp_attribute *attribute)
{
	struct genops_value value;
	struct genops_buffer json;
	if (!genops_event_value_of(&attribute->value, writer->arena, &value))
		return GENOPS_LIMIT;
	genops_buffer_init(&json, (size_t)1 << 20);
	if (genops_value_to_json(value, &json) && !json.error)
		put_meta(writer->out, attribute->key, genops_buffer_view(&json));
	genops_buffer_done(&json);
	return GENOPS_OK;
}

static int put_attributes(struct writer *writer, genops_str message, uint32_t field)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	int code;
	genops_otlp_attributes_init(&attributes, message, field);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0) {
		switch (attribute.value.type) {
		case GENOPS_OTLP_NONE:
			break;
		case GENOPS_OTLP_STRING:
			put_meta(writer->out, attribute.key, attribute.value.bytes);
			break;
		case GENOPS_OTLP_BOOL:
			put_meta(writer->out, attribute.key, attribute.value.integer ? GENOPS_STR("true") : GENOPS_STR("false"));
			break;
		case GENOPS_OTLP_INT:
			put_metric(writer->out, attribute.key, (double)attribute.value.integer);
			break;
		case GENOPS_OTLP_DOUBLE:
			put_metric(writer->out, attribute.key, attribute.value.number);
			break;
		default:
			GENOPS_TRY(put_other(writer, &attribute));
		}
	}
	return code;
}

/* --- spans --- */

static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};

static uint64_t id_of(const char *bytes)
{
	uint64_t id = 0;
	for (int i = 0; i < 8; i++)
		id = id << 8 | (unsigned char)bytes[i];
	return id;
}

/* What Datadog calls operation: of few values, so out of scope and kind; the span's name is its resource. */
static void put_name(struct genops_buffer *out, const struct genops_otlp_resource *resource, const char *kind)
{
	char name[NAME_MAX_LEN + 1];
	genops_str scope = resource->scope_name.len ? resource->scope_name : GENOPS_STR("opentelemetry");
	int len = snprintf(name, sizeof name, "%.*s.%s", (int)(scope.len > 80 ? 80 : scope.len), scope.ptr, kind);
	for (int i = 0; i < len; i++) {
		char c = name[i];
		if (c >= 'A' && c <= 'Z')
			name[i] = (char)(c + 'a' - 'A');
		else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_'))
			name[i] = '_';
	}
	genops_wire_put_bytes(out, SPAN_NAME, (genops_str){name, (size_t)len});
}

static void put_own_meta(struct writer *writer, const struct genops_otlp_resource *resource, const struct genops_otlp_span *span, const char *kind)
{
	static const char *const statuses[] = {"Unset", "Ok", "Error"};
	struct genops_buffer *out = writer->out;
	char hex[33];
	genops_str_to_hex((const uint8_t *)span->trace_id.ptr, 16, hex);
	put_meta(out, GENOPS_STR("otel.trace_id"), (genops_str){hex, 32});
	put_meta(out, GENOPS_STR("_dd.p.tid"), (genops_str){hex, 16}); /* the upper half, which traceID has no room for */
	put_meta(out, GENOPS_STR("span.kind"), genops_str_of(kind));
	put_meta(out, GENOPS_STR("otel.library.name"), resource->scope_name);
	put_meta(out, GENOPS_STR("otel.library.version"), resource->scope_version);
	put_meta(out, GENOPS_STR("otel.status_code"), genops_str_of(statuses[span->status_code < 3 ? span->status_code : 0]));
	put_meta(out, GENOPS_STR("error.msg"), span->status_message);
	put_meta(out, GENOPS_STR("w3c.tracestate"), span->trace_state);
	put_meta(out, GENOPS_STR("env"), writer->env);
}

static int put_span(struct writer *writer, const struct genops_otlp_resource *resource, const struct genops_otlp_span *span)
{
	struct genops_buffer *out = writer->out;
	const char *kind = kinds[span->kind < 6 ? span->kind : 0];
	bool is_top = span->parent_span_id.len != 8 || span->kind == 2 || span->kind == 5;
	uint64_t duration = span->end_unix_ns > span->start_unix_ns ? span->end_unix_ns - span->start_unix_ns : 0;
	genops_str service = text_of(span->encoded, GENOPS_OTLP_SPAN_ATTRIBUTES, "service.name");
	size_t mark = genops_wire_begin(out, CHUNK_SPANS);
	service = service.len ? service : writer->service.len ? writer->service : GENOPS_STR("otlpresourcenoservicename");
	genops_wire_put_bytes(out, SPAN_SERVICE, cut(service, NAME_MAX_LEN));
	put_name(out, resource, kind);
	genops_wire_put_bytes(out, SPAN_RESOURCE, cut(span->name, RESOURCE_MAX_LEN));
	genops_wire_put_uint(out, SPAN_TRACE_ID, id_of(span->trace_id.ptr + 8));
	genops_wire_put_uint(out, SPAN_ID, id_of(span->span_id.ptr));
	if (span->parent_span_id.len == 8)
		genops_wire_put_uint(out, SPAN_PARENT_ID, id_of(span->parent_span_id.ptr));
	genops_wire_put_int(out, SPAN_START, (int64_t)span->start_unix_ns);
	genops_wire_put_int(out, SPAN_DURATION, (int64_t)duration);
	genops_wire_put_int(out, SPAN_ERROR, span->status_code == 2);
	int code = put_attributes(writer, resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES);
	if (code == GENOPS_OK)
		code = put_attributes(writer, span->encoded, GENOPS_OTLP_SPAN_ATTRIBUTES);
	put_own_meta(writer, resource, span, kind);
	put_metric(out, GENOPS_STR("_sampling_priority_v1"), 1);
	if (is_top)
		put_metric(out, GENOPS_STR("_top_level"), 1);
	genops_wire_put_bytes(out, SPAN_TYPE, span->kind == 2 ? GENOPS_STR("web") : span->kind == 3 ? GENOPS_STR("http") : GENOPS_STR("custom"));
	genops_wire_end(out, mark);
	return code;
}

/* --- payloads --- */

static void close_chunk(struct writer *writer)
{
	if (writer->has_chunk)
		genops_wire_end(writer->out, writer->chunk);
	writer->has_chunk = false;
}

static void close_tracer(struct writer *writer)
{
	close_chunk(writer);
	if (writer->has_tracer)
		genops_wire_end(writer->out, writer->tracer);
	writer->has_tracer = false;
}

static genops_str resource_text(const struct genops_otlp_resource *resource, const char *name)
{
	return text_of(resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, name);
}

static void put_text(struct genops_buffer *out, uint32_t field, genops_str text)
{
	if (text.len)
		genops_wire_put_bytes(out, field, cut(text, NAME_MAX_LEN));
}

static void open_tracer(struct writer *writer, const struct genops_otlp_resource *resource)
{
	char version[64];
	genops_str sdk = resource_text(resource, "telemetry.sdk.version"), host = resource_text(resource, "host.name");
	close_tracer(writer);
	writer->tracer = genops_wire_begin(writer->out, AGENT_TRACERS);
	writer->has_tracer = true;
	writer->n_resource = resource->n_resource;
	writer->service = resource_text(resource, "service.name");
	writer->env = resource_text(resource, "deployment.environment.name");
	if (!writer->env.len)
		writer->env = resource_text(resource, "deployment.environment");
	int len = snprintf(version, sizeof version, "otlp-%.*s", (int)(sdk.len > 50 ? 50 : sdk.len), sdk.ptr);
	put_text(writer->out, TRACER_LANGUAGE, resource_text(resource, "telemetry.sdk.language"));
	put_text(writer->out, TRACER_VERSION, (genops_str){version, (size_t)len});
	put_text(writer->out, TRACER_ENV, writer->env);
	put_text(writer->out, TRACER_HOST, host.len ? host : writer->host);
	put_text(writer->out, TRACER_APP_VERSION, resource_text(resource, "service.version"));
}

/* A chunk is of one trace; that one trace has several does not matter. */
static void place(struct writer *writer, const struct genops_otlp_resource *resource, const struct genops_otlp_span *span)
{
	if (!writer->has_tracer || writer->n_resource != resource->n_resource)
		open_tracer(writer, resource);
	if (writer->has_chunk && memcmp(writer->trace_id, span->trace_id.ptr, 16) == 0)
		return;
	close_chunk(writer);
	writer->chunk = genops_wire_begin(writer->out, TRACER_CHUNKS);
	writer->has_chunk = true;
	memcpy(writer->trace_id, span->trace_id.ptr, 16);
	genops_wire_put_int(writer->out, CHUNK_PRIORITY, 1);
}

int genops_datadog_trace_write(
    genops_str request, genops_str host, struct genops_arena *arena, struct genops_buffer *out, struct genops_error *err)
{
	struct writer writer = {.out = out, .arena = arena, .host = host};
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	genops_str item;
	int code, fault = GENOPS_OK;
	put_text(out, AGENT_HOST, host);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while (fault == GENOPS_OK && (code = genops_otlp_reader_next(&reader, &item)) > 0) {
		genops_arena_reset(arena);
		fault = genops_otlp_span_read(item, &span);
		if (fault != GENOPS_OK || span.trace_id.len != 16 || span.span_id.len != 8) /* Datadog has no place for a span without ids */
			continue;
		place(&writer, &reader.resource, &span);
		fault = put_span(&writer, &reader.resource, &span);
	}
	close_tracer(&writer);
	genops_wire_put_bytes(out, AGENT_VERSION, GENOPS_STR("genops"));
	if (out->error)
		fault = out->error;
	else if (fault == GENOPS_OK && code < 0)
		fault = code;
	return fault == GENOPS_OK ? GENOPS_OK : genops_fail(err, fault, "spans cannot be written for Datadog: %s", genops_error_text(fault));
}
