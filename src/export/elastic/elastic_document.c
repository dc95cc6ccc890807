/* SPDX-License-Identifier: Apache-2.0
 * export/elastic/elastic_document.c - see elastic_document.h. */
#include "export/elastic/elastic_document.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"
#include "export/elastic/elastic_attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* --- what it is --- */

static void set_id(struct genops_elastic_document *document, const void *key, size_t len, genops_str tenant)
{
	uint64_t seed = tenant.len ? genops_hash_checksum(tenant.ptr, tenant.len, 0) : 0;
	struct genops_hash hash = genops_hash_of((genops_str){key, len}, seed);
	snprintf(document->id, sizeof document->id, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
}

static bool is_zero(genops_str bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i])
			return false;
	}
	return true;
}

static int64_t time_of(uint64_t unix_ns)
{
	return unix_ns <= INT64_MAX ? (int64_t)unix_ns : 0;
}

/* By its ids and times, for a pipeline may change the rest when a span comes again. What has no ids is told by what it says. */
static void set_span_id(struct genops_elastic_document *document, genops_str tenant, unsigned n)
{
	const struct genops_otlp_span *span = &document->span;
	uint64_t words[5] = {0, 0, 0, span->start_unix_ns, span->end_unix_ns};
	if (span->trace_id.len == 16 && span->span_id.len == 8 && !is_zero(span->trace_id) && !is_zero(span->span_id)) {
		memcpy(words, span->trace_id.ptr, 16);
		memcpy(words + 2, span->span_id.ptr, 8);
	} else {
		words[0] = genops_hash_checksum(document->encoded.ptr, document->encoded.len, 0);
		words[1] = genops_hash_checksum(document->encoded.ptr, document->encoded.len, 1);
		words[2] = n;
	}
	set_id(document, words, sizeof words, tenant);
}

/* Two equal lines of a log are two: its place in the request tells them apart. */
static int read_log(struct genops_elastic_document *document, genops_str tenant, unsigned n)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint64_t time = 0, observed = 0;
	int code;
	genops_wire_reader_init(&in, document->encoded, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		time = field.number == 1 ? field.value : time;
		observed = field.number == 11 ? field.value : observed;
	}
	const struct genops_otlp_resource *resource = document->resource;
	const uint64_t words[5] = {genops_hash_checksum(document->encoded.ptr, document->encoded.len, 0),
	    genops_hash_checksum(document->encoded.ptr, document->encoded.len, 1),
	    genops_hash_checksum(resource->encoded.ptr, resource->encoded.len, 0), genops_hash_checksum(resource->scope.ptr, resource->scope.len, 0),
	    n};
	document->time_unix_ns = time_of(time ? time : observed);
	set_id(document, words, sizeof words, tenant);
	return code;
}

int genops_elastic_document_of_telemetry(enum genops_item_kind kind, const struct genops_otlp_resource *resource, genops_str encoded,
    genops_str tenant, unsigned n, struct genops_elastic_document *ret, struct genops_error *err)
{
	*ret = (struct genops_elastic_document){.kind = kind, .resource = resource, .encoded = encoded};
	int code = kind == GENOPS_ITEM_LOGS ? read_log(ret, tenant, n) : genops_otlp_span_read(encoded, &ret->span);
	if (code < 0)
		return genops_fail(err, GENOPS_CORRUPT, "telemetry in the queue is damaged");
	if (kind == GENOPS_ITEM_TRACES) {
		ret->time_unix_ns = time_of(ret->span.start_unix_ns);
		set_span_id(ret, tenant, n);
	}
	return GENOPS_OK;
}

void genops_elastic_document_of_event(const struct genops_destination_item *item, struct genops_elastic_document *ret)
{
	const uint64_t words[4] = {item->id, (uint64_t)item->time_unix_ns, genops_hash_checksum(item->pipeline.ptr, item->pipeline.len, 0),
	    genops_hash_checksum(item->route.ptr, item->route.len, 0)};
	*ret = (struct genops_elastic_document){.kind = GENOPS_ITEM_EVENT, .event = item, .time_unix_ns = item->time_unix_ns};
	set_id(ret, words, sizeof words, item->tenant);
}

/* --- writing --- */

static void put_time(struct genops_json_writer *json, const char *key, int64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / GENOPS_NS_PER_S);
	char text[48];
	struct tm tm;
	int64_t ns = unix_ns % GENOPS_NS_PER_S;
	if (ns < 0) {
		ns += GENOPS_NS_PER_S;
		seconds--;
	}
	if (!gmtime_r(&seconds, &tm))
		return;
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)ns);
	genops_json_key_string(json, key, genops_str_of(text));
}

static void put_text(struct genops_json_writer *json, const char *key, genops_str text)
{
	if (text.len)
		genops_json_key_string(json, key, text);
}

static void put_hex(struct genops_json_writer *json, const char *key, genops_str id)
{
	char text[33];
	if (!id.len || id.len > 16)
		return;
	genops_str_to_hex((const uint8_t *)id.ptr, id.len, text);
	genops_json_key_string(json, key, (genops_str){text, 2 * id.len});
}

static int put_attributes(struct genops_json_writer *json, genops_str message, uint32_t field, struct genops_arena *arena)
{
	genops_json_key(json, GENOPS_STR("attributes"));
	return genops_elastic_attributes_write(message, field, arena, json);
}

static int put_resource(struct genops_json_writer *json, const struct genops_otlp_resource *resource, struct genops_arena *arena)
{
	genops_json_key(json, GENOPS_STR("resource"));
	genops_json_object_begin(json);
	put_text(json, "schema_url", resource->schema_url);
	GENOPS_TRY(put_attributes(json, resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, arena));
	genops_json_object_end(json);
	genops_json_key(json, GENOPS_STR("scope"));
	genops_json_object_begin(json);
	put_text(json, "schema_url", resource->scope_schema_url);
	put_text(json, "name", resource->scope_name);
	put_text(json, "version", resource->scope_version);
	GENOPS_TRY(put_attributes(json, resource->scope, GENOPS_OTLP_SCOPE_ATTRIBUTES, arena));
	genops_json_object_end(json);
	return GENOPS_OK;
}

static void put_status(struct genops_json_writer *json, const struct genops_otlp_span *span)
{
	static const char *const codes[] = {"Unset", "Ok", "Error"};
	genops_json_key(json, GENOPS_STR("status"));
	genops_json_object_begin(json);
	put_text(json, "message", span->status_message);
	genops_json_key_string(json, "code", genops_str_of(codes[span->status_code < 3 ? span->status_code : 0]));
	genops_json_object_end(json);
}

static int put_event(struct genops_json_writer *json, genops_str message, struct genops_arena *arena)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint64_t time = 0;
	genops_str name = {0};
	int code;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		time = field.number == 1 ? field.value : time;
		name = field.number == 2 ? field.bytes : name;
	}
	if (code < 0)
		return code;
	genops_json_object_begin(json);
	if (time)
		put_time(json, "@timestamp", time_of(time));
	put_text(json, "name", name);
	GENOPS_TRY(put_attributes(json, message, GENOPS_OTLP_EVENT_ATTRIBUTES, arena));
	genops_json_object_end(json);
	return GENOPS_OK;
}

/* trace_id 1, span_id 2, attributes 4 */
static int put_link(struct genops_json_writer *json, genops_str message, struct genops_arena *arena)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_str ids[2] = {{0}};
	int code;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 1 || field.number == 2)
			ids[field.number - 1] = field.bytes;
	}
	if (code < 0)
		return code;
	genops_json_object_begin(json);
	put_hex(json, "trace_id", ids[0]);
	put_hex(json, "span_id", ids[1]);
	GENOPS_TRY(put_attributes(json, message, 4, arena));
	genops_json_object_end(json);
	return GENOPS_OK;
}

/* The messages of a repeated field. */
static int put_list(struct genops_json_writer *json, const char *key, genops_str span, uint32_t number, struct genops_arena *arena,
    int (*put)(struct genops_json_writer *, genops_str, struct genops_arena *))
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	genops_json_key(json, genops_str_of(key));
	genops_json_array_begin(json);
	genops_wire_reader_init(&in, span, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == number && field.type == GENOPS_WIRE_BYTES)
			GENOPS_TRY(put(json, field.bytes, arena));
	}
	genops_json_array_end(json);
	return code;
}

static int put_span(struct genops_json_writer *json, const struct genops_elastic_document *document, struct genops_arena *arena)
{
	static const char *const kinds[] = {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"};
	const struct genops_otlp_span *span = &document->span;
	put_hex(json, "trace_id", span->trace_id);
	put_hex(json, "span_id", span->span_id);
	put_text(json, "trace_state", span->trace_state);
	put_hex(json, "parent_span_id", span->parent_span_id);
	put_text(json, "name", span->name);
	genops_json_key_string(json, "kind", genops_str_of(kinds[span->kind < 6 ? span->kind : 0]));
	genops_json_key_int(json, "duration", span->end_unix_ns > span->start_unix_ns ? time_of(span->end_unix_ns - span->start_unix_ns) : 0);
	GENOPS_TRY(put_attributes(json, span->encoded, GENOPS_OTLP_SPAN_ATTRIBUTES, arena));
	if (span->n_events)
		GENOPS_TRY(put_list(json, "events", span->encoded, 11, arena, put_event));
	if (span->n_links)
		GENOPS_TRY(put_list(json, "links", span->encoded, 13, arena, put_link));
	put_status(json, span);
	return GENOPS_OK;
}

/* A text body is searched, anything else keeps its structure. */
static int put_body(struct genops_json_writer *json, genops_str any_value, struct genops_arena *arena)
{
	struct genops_otlp_value value;
	int code = genops_otlp_value_read(any_value, &value);
	if (code < 0)
		return code;
	genops_json_key(json, GENOPS_STR("body"));
	genops_json_object_begin(json);
	genops_json_key(json, value.type == GENOPS_OTLP_STRING ? GENOPS_STR("text") : GENOPS_STR("structured"));
	code = genops_elastic_attributes_value(any_value, arena, json);
	genops_json_object_end(json);
	return code;
}

static int put_log(struct genops_json_writer *json, const struct genops_elastic_document *document, struct genops_arena *arena)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	struct {
		uint64_t severity, observed;
		genops_str severity_text, body, trace_id, span_id, event_name;
	} log = {0};
	int code;
	genops_wire_reader_init(&in, document->encoded, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		genops_str *const texts[] = {[3] = &log.severity_text, [5] = &log.body, [9] = &log.trace_id, [10] = &log.span_id, [12] = &log.event_name};
		if (field.type == GENOPS_WIRE_BYTES && field.number <= 12 && texts[field.number])
			*texts[field.number] = field.bytes;
		log.severity = field.number == 2 ? field.value : log.severity;
		log.observed = field.number == 11 ? field.value : log.observed;
	}
	if (code < 0)
		return code;
	if (log.observed)
		put_time(json, "observed_timestamp", time_of(log.observed));
	put_hex(json, "trace_id", log.trace_id);
	put_hex(json, "span_id", log.span_id);
	put_text(json, "severity_text", log.severity_text);
	if (log.severity && log.severity <= INT32_MAX)
		genops_json_key_int(json, "severity_number", (int64_t)log.severity);
	put_text(json, "event_name", log.event_name);
	GENOPS_TRY(put_attributes(json, document->encoded, GENOPS_OTLP_LOG_ATTRIBUTES, arena));
	return log.body.ptr ? put_body(json, log.body, arena) : GENOPS_OK;
}

/* --- events --- */

static void on_timestamp(void *arg, const struct genops_json_value *value)
{
	(void)value;
	*(bool *)arg = true;
}

/* Equal members are refused over there, so one must not be added. A JSON text seldom has the word at all. */
static bool has_timestamp(genops_str json)
{
	static const struct genops_json_path path = {"@timestamp", 1};
	const struct genops_json_scan_options options = {.text_max = 64, .allow_duplicates = true};
	struct genops_error ignored;
	bool is_there = false;
	if (genops_str_find(json, GENOPS_STR("timestamp")) == SIZE_MAX)
		return false;
	struct genops_json_paths *paths = genops_json_paths_new(&path, 1, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, &options, on_timestamp, &is_there) : NULL;
	if (scan && (genops_json_scan_feed(scan, json, &ignored) != GENOPS_OK || genops_json_scan_end(scan, &ignored) != GENOPS_OK))
		is_there = true; /* no JSON: goes as it is, to be refused with a reason */
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	return is_there;
}

/* A template may have line breaks between its values, never in one: JSON escapes them. */
static void add_line(struct genops_buffer *out, genops_str json)
{
	size_t start = out->len;
	genops_buffer_add(out, json);
	for (size_t i = start; !out->error && i < out->len; i++) {
		if (out->ptr[i] == '\n' || out->ptr[i] == '\r')
			out->ptr[i] = ' ';
	}
}

static void write_event(const struct genops_elastic_document *document, struct genops_buffer *out)
{
	genops_str json = genops_str_trim(document->event->payload.len ? document->event->payload : document->event->body);
	struct genops_json_writer writer;
	if (json.len < 2 || json.ptr[0] != '{' || has_timestamp(json)) {
		add_line(out, json);
		return;
	}
	genops_json_writer_init(&writer, out);
	genops_json_object_begin(&writer);
	put_time(&writer, "@timestamp", document->time_unix_ns);
	genops_str rest = genops_str_trim(genops_str_skip(json, 1));
	if (rest.ptr[0] != '}')
		genops_buffer_add_char(out, ',');
	add_line(out, rest);
}

int genops_elastic_document_write(const struct genops_elastic_document *document, genops_str data_stream, struct genops_arena *arena,
    struct genops_buffer *out, struct genops_error *err)
{
	struct genops_json_writer json;
	if (document->kind == GENOPS_ITEM_EVENT) {
		write_event(document, out);
		return GENOPS_OK;
	}
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	put_time(&json, "@timestamp", document->time_unix_ns);
	if (data_stream.len) {
		genops_json_key(&json, GENOPS_STR("data_stream"));
		genops_json_raw(&json, data_stream);
	}
	int code = document->kind == GENOPS_ITEM_LOGS ? put_log(&json, document, arena) : put_span(&json, document, arena);
	if (code == GENOPS_OK)
		code = put_resource(&json, document->resource, arena);
	if (code == GENOPS_NOMEM)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a document");
	if (code == GENOPS_LIMIT)
		return genops_fail(err, GENOPS_LIMIT, "a span or log record has too many attributes, or too deep ones");
	if (code != GENOPS_OK)
		return genops_fail(err, GENOPS_CORRUPT, "telemetry in the queue is damaged");
	genops_json_object_end(&json);
	return GENOPS_OK;
}
