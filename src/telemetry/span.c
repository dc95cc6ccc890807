/* SPDX-License-Identifier: Apache-2.0
 * telemetry/span.c - see span.h: requests, resources, spans and the attributes that are not in span_events.c. Pure; any
 * thread. Field numbers are those of opentelemetry/proto/{collector/trace,trace,resource,common}/v1. */
#include "telemetry/span.h"

#include "base/clock.h"
#include "base/str.h"
#include "telemetry/span_events.h"

enum { REQUEST_RESOURCE_SPANS = 1 };
enum { RESOURCE_SPANS_RESOURCE = 1, RESOURCE_SPANS_SCOPE_SPANS = 2, RESOURCE_ATTRIBUTES = 1 };
enum { SCOPE_SPANS_SCOPE = 1, SCOPE_SPANS_SPANS = 2, SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum {
	SPAN_TRACE_ID = 1,
	SPAN_ID = 2,
	SPAN_TRACE_STATE = 3,
	SPAN_PARENT_ID = 4,
	SPAN_NAME = 5,
	SPAN_KIND = 6,
	SPAN_START = 7,
	SPAN_END = 8,
	SPAN_ATTRIBUTES = 9,
	SPAN_STATUS = 15,
};
enum { STATUS_MESSAGE = 2, STATUS_CODE = 3, STATUS_OK = 1, STATUS_ERROR = 2 };
enum { KIND_INTERNAL = 1, KIND_CLIENT = 3 };

static genops_str first_of(genops_str a, const char *otherwise)
{
	return a.len ? a : genops_str_of(otherwise);
}

static genops_str name_of(const struct genops_record *record)
{
	return first_of(record->name, "ai.completion");
}

static void add_standard(struct genops_span_writer *out, const struct genops_record *record)
{
	static const enum genops_convention rows[GENOPS_ATTRIBUTE_N_STANDARD] = {
#define X(symbol, name, key, header) [GENOPS_ATTRIBUTE_##symbol] = GENOPS_CONVENTION_##symbol,
	    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	};
	genops_str values[GENOPS_ATTRIBUTE_N_STANDARD];
	genops_conventions_standard_values(record, values);
	for (size_t i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++)
		genops_span_writer_string(out, rows[i], values[i]);
}

static void add_custom(struct genops_span_writer *out, const struct genops_record *record)
{
	for (size_t i = 0; i < record->n_attributes; i++) {
		const struct genops_attribute *attribute = &record->attributes[i];
		if (!genops_conventions_is_standard(attribute->key) &&
		    !genops_conventions_is_reserved(attribute->key))
			genops_span_writer_custom(out, attribute);
	}
}

static void add_operation(struct genops_span_writer *out, const struct genops_record *record)
{
	genops_span_writer_string(out, GENOPS_CONVENTION_SPEC_VERSION, GENOPS_STR("0.1.0"));
	genops_span_writer_string(out, GENOPS_CONVENTION_OPERATION_NAME, name_of(record));
	genops_span_writer_string(
	    out, GENOPS_CONVENTION_OPERATION_TYPE, first_of(record->type, "ai.inference"));
	genops_span_writer_string(out, GENOPS_CONVENTION_OUTCOME,
	    genops_str_of(genops_conventions_outcome(record->outcome)));
	genops_span_writer_string(out, GENOPS_CONVENTION_KEY_NAME, record->key_name);
	if (record->delayed_ns > 0)
		genops_span_writer_int(
		    out, GENOPS_CONVENTION_OPERATION_DELAY, record->delayed_ns / GENOPS_NS_PER_MS);
}

static bool is_same_attribute(const struct genops_attribute *a, const struct genops_attribute *b)
{
	if (a->type != b->type || !genops_str_equal(a->key, b->key))
		return false;
	if (a->type == GENOPS_ATTRIBUTE_STRING)
		return genops_str_equal(a->value.string, b->value.string);
	return a->type == GENOPS_ATTRIBUTE_BOOL ? a->value.boolean == b->value.boolean
						: memcmp(&a->value, &b->value, sizeof(int64_t)) == 0;
}

/* Whose they are and what they are called: the same for most that follow one another? */
static bool is_of_the_same(const struct genops_record *a, const struct genops_record *b)
{
	bool is_same = a->n_attributes == b->n_attributes && a->outcome == b->outcome && a->delayed_ns == b->delayed_ns &&
		       genops_str_equal(a->name, b->name) && genops_str_equal(a->type, b->type) &&
		       genops_str_equal(a->key_name, b->key_name);
	for (size_t i = 0; is_same && i < a->n_attributes; i++)
		is_same = is_same_attribute(&a->attributes[i], &b->attributes[i]);
	return is_same;
}

static void add_who(struct genops_span_writer *out, const struct genops_record *record)
{
	const struct genops_record *told = genops_span_writer_told(out, GENOPS_SPAN_TOLD_WHO);
	size_t from = out->buf->len;
	if (told && is_of_the_same(told, record)) {
		genops_span_writer_tell_again(out, GENOPS_SPAN_TOLD_WHO);
		return;
	}
	add_standard(out, record);
	add_operation(out, record);
	add_custom(out, record);
	genops_span_writer_remember(out, GENOPS_SPAN_TOLD_WHO, record, from);
}

/* Does this operation use a model? A tracked block of a program's own may not. */
static bool has_model(const struct genops_record *record)
{
	return record->provider.len || record->request_model.len || record->usage.input_tokens ||
	       record->usage.output_tokens;
}

static void add_tokens(struct genops_span_writer *out, const struct genops_record *record)
{
	const genops_usage *usage = &record->usage;
	int64_t cache_write = usage->cache_write_5m_tokens + usage->cache_write_1h_tokens;
	genops_span_writer_int(out, GENOPS_CONVENTION_TOKENS_INPUT, usage->input_tokens);
	genops_span_writer_int(out, GENOPS_CONVENTION_TOKENS_OUTPUT, usage->output_tokens);
	genops_span_writer_int(
	    out, GENOPS_CONVENTION_TOKENS_TOTAL, usage->input_tokens + usage->output_tokens);
	genops_span_writer_int(out, GENOPS_CONVENTION_AI_INPUT_TOKENS, usage->input_tokens);
	genops_span_writer_int(out, GENOPS_CONVENTION_AI_OUTPUT_TOKENS, usage->output_tokens);
	genops_span_writer_int(out, GENOPS_CONVENTION_GEN_AI_INPUT_TOKENS, usage->input_tokens);
	genops_span_writer_int(out, GENOPS_CONVENTION_GEN_AI_OUTPUT_TOKENS, usage->output_tokens);
	if (usage->cache_read_tokens)
		genops_span_writer_int(
		    out, GENOPS_CONVENTION_GEN_AI_CACHE_READ, usage->cache_read_tokens);
	if (cache_write)
		genops_span_writer_int(out, GENOPS_CONVENTION_GEN_AI_CACHE_WRITE, cache_write);
	if (usage->reasoning_tokens)
		genops_span_writer_int(
		    out, GENOPS_CONVENTION_GEN_AI_REASONING, usage->reasoning_tokens);
}

static void add_request(struct genops_span_writer *out, const struct genops_record *record)
{
	if (record->max_output_tokens > 0) {
		genops_span_writer_int(
		    out, GENOPS_CONVENTION_AI_MAX_TOKENS, record->max_output_tokens);
		genops_span_writer_int(
		    out, GENOPS_CONVENTION_GEN_AI_MAX_TOKENS, record->max_output_tokens);
	}
	if (record->has_temperature) {
		genops_span_writer_double(
		    out, GENOPS_CONVENTION_AI_TEMPERATURE, record->temperature);
		genops_span_writer_double(
		    out, GENOPS_CONVENTION_GEN_AI_TEMPERATURE, record->temperature);
	}
	if (record->is_stream)
		genops_span_writer_bool(out, GENOPS_CONVENTION_GEN_AI_STREAM, true);
	if (record->is_stream && record->first_byte_unix_ns > record->start_unix_ns)
		genops_span_writer_double(out, GENOPS_CONVENTION_GEN_AI_FIRST_CHUNK,
		    (double)(record->first_byte_unix_ns - record->start_unix_ns) / 1e9);
}

static void add_model(struct genops_span_writer *out, const struct genops_record *record)
{
	if (!has_model(record))
		return;
	genops_span_writer_string(out, GENOPS_CONVENTION_AI_PROVIDER, record->provider);
	genops_span_writer_string(out, GENOPS_CONVENTION_AI_MODEL,
	    record->request_model.len ? record->request_model : record->response_model);
	genops_span_writer_string(out, GENOPS_CONVENTION_GEN_AI_PROVIDER,
	    genops_conventions_gen_ai_provider(record->provider));
	genops_span_writer_string(out, GENOPS_CONVENTION_GEN_AI_OPERATION,
	    genops_conventions_gen_ai_operation(record->dialect));
	genops_span_writer_string(
	    out, GENOPS_CONVENTION_GEN_AI_REQUEST_MODEL, record->request_model);
	genops_span_writer_string(
	    out, GENOPS_CONVENTION_GEN_AI_RESPONSE_MODEL, record->response_model);
	genops_span_writer_string(out, GENOPS_CONVENTION_GEN_AI_RESPONSE_ID, record->response_id);
	add_request(out, record);
	if (genops_conventions_is_executed(record->outcome))
		add_tokens(out, record);
	genops_span_writer_strings(
	    out, GENOPS_CONVENTION_GEN_AI_FINISH_REASONS, record->finish_reason);
}

/* OpenTelemetry wants error.type on whatever failed; ours when the provider named none. */
static void add_answer(struct genops_span_writer *out, const struct genops_record *record)
{
	if (record->outcome != GENOPS_OUTCOME_OK)
		genops_span_writer_string(out, GENOPS_CONVENTION_ERROR_TYPE,
		    first_of(record->error_type, genops_conventions_outcome(record->outcome)));
	if (record->http_status)
		genops_span_writer_int(out, GENOPS_CONVENTION_HTTP_STATUS, record->http_status);
	genops_span_writer_string(out, GENOPS_CONVENTION_REQUEST_ID, record->provider_request_id);
}

static genops_str status_message(const struct genops_record *record)
{
	switch (record->outcome) {
	case GENOPS_OUTCOME_OK:
		break;
	case GENOPS_OUTCOME_REFUSED:
		return first_of(record->message, "refused by governance");
	case GENOPS_OUTCOME_PROVIDER_ERROR:
		return first_of(record->error_type, "the provider answered with an error");
	case GENOPS_OUTCOME_NOT_SENT:
		return first_of(record->error_type, "the provider was not reached");
	case GENOPS_OUTCOME_CANCELLED:
		return GENOPS_STR("cancelled by the client");
	case GENOPS_OUTCOME_CUT_OFF:
		return GENOPS_STR("ended at its reservation");
	case GENOPS_OUTCOME_ABANDONED:
		return GENOPS_STR("its process died");
	}
	return (genops_str){0};
}

static void write_status(struct genops_span_writer *out, const struct genops_record *record)
{
	bool is_ok = record->outcome == GENOPS_OUTCOME_OK || genops_conventions_is_alert(record);
	genops_span_writer_open(out, SPAN_STATUS, "status", 0);
	if (!is_ok)
		genops_span_writer_text(out, STATUS_MESSAGE, "message", status_message(record));
	genops_span_writer_enum(out, STATUS_CODE, "code", is_ok ? STATUS_OK : STATUS_ERROR);
	genops_span_writer_close(out);
}

static void write_attributes(struct genops_span_writer *out, const struct genops_record *record)
{
	genops_span_writer_open_list(out, "attributes");
	add_who(out, record);
	if (!genops_conventions_is_alert(record)) {
		genops_span_events_decision(out, record);
		genops_span_events_cost(out, record);
		genops_span_events_accounting(out, record);
		add_model(out, record);
		add_answer(out, record);
	}
	genops_span_events_budget(out, record);
	genops_span_writer_close_list(out);
}

static void write_span(struct genops_span_writer *out, const struct genops_record *record)
{
	int64_t end = record->end_unix_ns ? record->end_unix_ns : record->start_unix_ns;
	genops_span_writer_open_element(out, SCOPE_SPANS_SPANS, SPAN_ATTRIBUTES);
	genops_span_writer_id(
	    out, SPAN_TRACE_ID, "traceId", record->trace_id, sizeof record->trace_id);
	genops_span_writer_id(out, SPAN_ID, "spanId", record->span_id, sizeof record->span_id);
	genops_span_writer_text(out, SPAN_TRACE_STATE, "traceState", record->tracestate);
	genops_span_writer_id(out, SPAN_PARENT_ID, "parentSpanId", record->parent_span_id,
	    sizeof record->parent_span_id);
	genops_span_writer_text(out, SPAN_NAME, "name", name_of(record));
	genops_span_writer_enum(out, SPAN_KIND, "kind",
	    genops_conventions_is_alert(record) ? KIND_INTERNAL : KIND_CLIENT);
	genops_span_writer_time(out, SPAN_START, "startTimeUnixNano", record->start_unix_ns);
	genops_span_writer_time(out, SPAN_END, "endTimeUnixNano", end);
	write_attributes(out, record);
	genops_span_writer_open_list(out, "events");
	genops_span_events_write(out, record);
	genops_span_writer_close_list(out);
	write_status(out, record);
	genops_span_writer_close(out);
}

/* What is written anyway does not come twice. */
static bool is_own_resource_key(genops_str key)
{
	static const enum genops_convention own[] = {GENOPS_CONVENTION_SERVICE_NAME, GENOPS_CONVENTION_HOST_NAME,
	    GENOPS_CONVENTION_SDK_NAME, GENOPS_CONVENTION_SDK_LANGUAGE, GENOPS_CONVENTION_SDK_VERSION};
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (genops_str_equal(key, genops_conventions[own[i]].name))
			return true;
	}
	return false;
}

static void add_resource(struct genops_span_writer *out, const struct genops_text_map *map)
{
	for (size_t i = 0; map && i < map->n; i++) {
		struct genops_attribute attribute = {.key = map->items[i].key, .value.string = map->items[i].value};
		if (!is_own_resource_key(attribute.key))
			genops_span_writer_custom(out, &attribute);
	}
}

static void write_resource(struct genops_span_writer *out, const struct genops_record *record,
    const struct genops_text_map *more)
{
	genops_span_writer_open(out, RESOURCE_SPANS_RESOURCE, "resource", RESOURCE_ATTRIBUTES);
	genops_span_writer_open_list(out, "attributes");
	genops_span_writer_string(
	    out, GENOPS_CONVENTION_SERVICE_NAME, first_of(record->service_name, "genops"));
	genops_span_writer_string(out, GENOPS_CONVENTION_HOST_NAME, record->host);
	genops_span_writer_string(out, GENOPS_CONVENTION_SDK_NAME, GENOPS_STR("genops"));
	genops_span_writer_string(out, GENOPS_CONVENTION_SDK_LANGUAGE, GENOPS_STR("c"));
	genops_span_writer_string(out, GENOPS_CONVENTION_SDK_VERSION, GENOPS_STR(GENOPS_VERSION));
	add_resource(out, more);
	genops_span_writer_close_list(out);
	genops_span_writer_close(out);
}

static bool same_resource(const struct genops_record *a, const struct genops_record *b)
{
	return genops_str_equal(a->service_name, b->service_name) &&
	       genops_str_equal(a->host, b->host);
}

/* All records of one resource, of which records[first] is the first. */
static void write_group(
    struct genops_span_writer *out, const struct genops_span_batch *batch, size_t first)
{
	genops_span_writer_open_element(out, REQUEST_RESOURCE_SPANS, 0);
	write_resource(out, &batch->records[first], batch->resource);
	genops_span_writer_open_list(out, "scopeSpans");
	genops_span_writer_open_element(out, RESOURCE_SPANS_SCOPE_SPANS, 0);
	genops_span_writer_open(out, SCOPE_SPANS_SCOPE, "scope", 0);
	genops_span_writer_text(out, SCOPE_NAME, "name", GENOPS_STR("genops"));
	genops_span_writer_text(out, SCOPE_VERSION, "version", GENOPS_STR(GENOPS_VERSION));
	genops_span_writer_close(out);
	genops_span_writer_open_list(out, "spans");
	for (size_t i = first; i < batch->n_records; i++) {
		if (same_resource(&batch->records[first], &batch->records[i]))
			write_span(out, &batch->records[i]);
	}
	genops_span_writer_close_list(out);
	genops_span_writer_close(out);
	genops_span_writer_close_list(out);
	genops_span_writer_close(out);
}

/* A batch has few services, mostly one: looking back for each record costs one comparison then. */
static void write_groups(struct genops_span_writer *out, const struct genops_span_batch *batch)
{
	for (size_t i = 0; i < batch->n_records; i++) {
		size_t j = 0;
		while (j < i && !same_resource(&batch->records[j], &batch->records[i]))
			j++;
		if (j == i)
			write_group(out, batch, i);
	}
}

void genops_span_encode_protobuf(const struct genops_span_batch *batch, struct genops_buffer *buf)
{
	struct genops_span_writer out;
	genops_span_writer_init(&out, batch->profile, false, buf);
	write_groups(&out, batch);
}

void genops_span_encode_json(const struct genops_span_batch *batch, struct genops_buffer *buf)
{
	struct genops_span_writer out;
	genops_span_writer_init(&out, batch->profile, true, buf);
	genops_json_object_begin(&out.json);
	genops_span_writer_open_list(&out, "resourceSpans");
	write_groups(&out, batch);
	genops_span_writer_close_list(&out);
	genops_json_object_end(&out.json);
}

void genops_span_encode_governance(const struct genops_record *record, enum genops_profile profile,
    struct genops_buffer *attributes, struct genops_buffer *events)
{
	struct genops_span_writer out;
	genops_span_writer_init(&out, profile, false, attributes);
	out.attributes_field = SPAN_ATTRIBUTES;
	add_standard(&out, record);
	add_operation(&out, record);
	genops_span_events_decision(&out, record);
	genops_span_events_cost(&out, record);
	genops_span_events_accounting(&out, record);
	if (genops_conventions_is_executed(record->outcome))
		add_tokens(&out, record);
	genops_span_events_budget(&out, record);
	add_custom(&out, record);
	genops_span_writer_init(&out, profile, false, events);
	genops_span_events_write(&out, record);
}
