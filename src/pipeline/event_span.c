/* SPDX-License-Identifier: Apache-2.0
 * pipeline/event_span.c - see event_span.h: the parts of a span's event, each made when it is read. */
#include "pipeline/event_span.h"

#include "pipeline/event/event_value.h"

enum part {
	INPUT,
	TENANT,
	TIME,
	NAME,
	KIND,
	TRACE_ID,
	SPAN_ID,
	PARENT_SPAN_ID,
	START,
	END,
	DURATION,
	STATUS,
	ATTRIBUTES,
	RESOURCE,
	SCOPE,
	EVENTS,
};

const char *const genops_event_span_parts[GENOPS_EVENT_PARTS] = {"__inputId", "__tenant", "_time", "name", "kind", "trace_id", "span_id", "parent_span_id",
    "start_time_unix_nano", "end_time_unix_nano", "duration_ms", "status", "attributes", "resource", "scope", "events"};

struct event {
	struct genops_value_source source;
	struct genops_event_span *maker;
	const struct genops_envelope *envelope;
	const struct genops_otlp_resource *resource;
	const struct genops_otlp_span *span;
	struct genops_arena *arena;
	uint32_t made;  /* bit a part */
	uint32_t found; /* bit a part: it is there */
	struct genops_value values[GENOPS_EVENT_PARTS];
};

static void make_ready(struct genops_event_span *maker)
{
	for (unsigned i = 0; i < GENOPS_EVENT_PARTS; i++) {
		maker->keys[i] = genops_value_key_of(genops_str_of(genops_event_span_parts[i]));
		unsigned at = maker->keys[i].hash % 64;
		while (maker->parts[at])
			at = (at + 1) % 64;
		maker->parts[at] = (uint8_t)(i + 1);
	}
	maker->is_ready = true;
}

bool genops_event_span_is_part(genops_str name)
{
	/* By length and first letter most names are none of them. */
	static const bool is_first[128] = {['_'] = true, ['n'] = true, ['k'] = true, ['t'] = true, ['s'] = true, ['p'] = true, ['e'] = true, ['d'] = true, ['a'] = true, ['r'] = true};
	if (name.len < 4 || name.len > 20 || !is_first[name.ptr[0] & 127])
		return false;
	for (unsigned i = 0; i < GENOPS_EVENT_PARTS; i++) {
		if (genops_event_span_parts[i][0] == name.ptr[0] && genops_str_is(name, genops_event_span_parts[i]))
			return true;
	}
	return false;
}

void genops_event_span_begin(struct genops_event_span *maker)
{
	genops_arena_reset(maker->arena);
	maker->n_resource = maker->n_scope = 0;
}

/* --- the parts --- */

static bool hex(const struct event *event, genops_str bytes, struct genops_value *ret)
{
	char *text = bytes.len <= 64 ? genops_arena_take(event->arena, 2 * bytes.len + 1) : NULL;
	if (!text)
		return false;
	genops_str_to_hex((const uint8_t *)bytes.ptr, bytes.len, text);
	*ret = genops_value_text((genops_str){text, 2 * bytes.len});
	return true;
}

static bool put(struct genops_arena *arena, struct genops_value_object *object, const char *name, struct genops_value value)
{
	return genops_value_object_put(arena, object, genops_value_key_of(genops_str_of(name)), value);
}

static bool put_text(struct genops_arena *arena, struct genops_value_object *object, const char *name, genops_str text)
{
	return !text.len || put(arena, object, name, genops_value_text(text));
}

static struct genops_value object_value(struct genops_value_object *object)
{
	return (struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = object};
}

static bool put_attributes(struct genops_arena *arena, struct genops_value_object *object, genops_str message, uint32_t field)
{
	struct genops_value_object *attributes = genops_event_value_attributes(message, field, 8, arena);
	return attributes && put(arena, object, "attributes", object_value(attributes));
}

static bool status(const struct event *event, struct genops_value *ret)
{
	struct genops_value_object *object = genops_value_object_new(event->arena, 2);
	*ret = object_value(object);
	return object && put(event->arena, object, "code", genops_value_number(event->span->status_code)) &&
	       put_text(event->arena, object, "message", event->span->status_message);
}

/* Of the maker's arena, and of the next span, too. */
static bool resource(const struct event *event, struct genops_value *ret)
{
	struct genops_event_span *maker = event->maker;
	if (maker->n_resource != event->resource->n_resource || !maker->n_resource) {
		struct genops_value_object *object = genops_value_object_new(maker->arena, 2);
		if (!object || !put_attributes(maker->arena, object, event->resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES) ||
		    !put_text(maker->arena, object, "schema_url", event->resource->schema_url))
			return false;
		maker->resource = object_value(object);
		maker->n_resource = event->resource->n_resource;
	}
	*ret = maker->resource;
	return true;
}

static bool scope(const struct event *event, struct genops_value *ret)
{
	struct genops_event_span *maker = event->maker;
	if (maker->n_scope != event->resource->n_scope || !maker->n_scope) {
		struct genops_value_object *object = genops_value_object_new(maker->arena, 4);
		if (!object || !put_text(maker->arena, object, "name", event->resource->scope_name) ||
		    !put_text(maker->arena, object, "version", event->resource->scope_version) ||
		    !put_attributes(maker->arena, object, event->resource->scope, GENOPS_OTLP_SCOPE_ATTRIBUTES) ||
		    !put_text(maker->arena, object, "schema_url", event->resource->scope_schema_url))
			return false;
		maker->scope = object_value(object);
		maker->n_scope = event->resource->n_scope;
	}
	*ret = maker->scope;
	return true;
}

static bool span_event(const struct event *event, genops_str message, struct genops_value *ret)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint64_t time = 0;
	genops_str name = {0};
	int code;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 1)
			time = field.value;
		else if (field.number == 2)
			name = field.bytes;
	}
	struct genops_value_object *object = code < 0 ? NULL : genops_value_object_new(event->arena, 3);
	*ret = object_value(object);
	return object && put(event->arena, object, "time_unix_nano", genops_value_number((double)time)) && put_text(event->arena, object, "name", name) &&
	       put_attributes(event->arena, object, message, GENOPS_OTLP_EVENT_ATTRIBUTES);
}

static bool events(const struct event *event, struct genops_value *ret)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint32_t n = 0;
	int code = 0;
	struct genops_value_list *list = genops_value_list_new(event->arena, event->span->n_events);
	genops_wire_reader_init(&in, event->span->encoded, 0);
	while (list && (code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 11 && n < list->n && !span_event(event, field.bytes, &list->items[n++]))
			return false;
	}
	*ret = (struct genops_value){.type = GENOPS_VALUE_LIST, .as.list = list};
	return list && code == 0;
}

static bool attributes(const struct event *event, struct genops_value *ret)
{
	*ret = object_value(
	    genops_event_value_attributes(event->span->encoded, GENOPS_OTLP_SPAN_ATTRIBUTES, event->span->n_attributes, event->arena));
	return ret->as.object != NULL;
}

/* Is the part there at all? */
static bool has(const struct event *event, enum part part)
{
	switch (part) {
	case TENANT:
		return event->envelope->tenant.len;
	case TRACE_ID:
		return event->span->trace_id.len;
	case SPAN_ID:
		return event->span->span_id.len;
	case PARENT_SPAN_ID:
		return event->span->parent_span_id.len;
	default:
		return true;
	}
}

static bool make(const struct event *event, enum part part, struct genops_value *ret)
{
	const struct genops_otlp_span *span = event->span;
	switch (part) {
	case INPUT:
		*ret = genops_value_text(event->envelope->input.ptr ? event->envelope->input : GENOPS_STR(""));
		return true;
	case TENANT:
		*ret = genops_value_text(event->envelope->tenant);
		return true;
	case TIME:
		*ret = genops_value_number((double)(span->start_unix_ns ? span->start_unix_ns : (uint64_t)event->envelope->received_unix_ns) / 1e9);
		return true;
	case NAME:
		*ret = genops_value_text(span->name.ptr ? span->name : GENOPS_STR(""));
		return true;
	case KIND:
		*ret = genops_value_number(span->kind);
		return true;
	case TRACE_ID:
		return hex(event, span->trace_id, ret);
	case SPAN_ID:
		return hex(event, span->span_id, ret);
	case PARENT_SPAN_ID:
		return hex(event, span->parent_span_id, ret);
	case START:
		*ret = genops_value_number((double)span->start_unix_ns);
		return true;
	case END:
		*ret = genops_value_number((double)span->end_unix_ns);
		return true;
	case DURATION:
		*ret = genops_value_number(span->end_unix_ns > span->start_unix_ns ? (double)(span->end_unix_ns - span->start_unix_ns) / 1e6 : 0);
		return true;
	case STATUS:
		return status(event, ret);
	case ATTRIBUTES:
		return attributes(event, ret);
	case RESOURCE:
		return resource(event, ret);
	case SCOPE:
		return scope(event, ret);
	case EVENTS:
		return events(event, ret);
	}
	return false;
}

static const struct genops_value *get_part(struct event *event, enum part part)
{
	uint32_t bit = 1U << part;
	if (!(event->made & bit)) {
		event->made |= bit;
		if (has(event, part) && make(event, part, &event->values[part]))
			event->found |= bit;
		else
			event->source.is_full |= has(event, part);
	}
	return event->found & bit ? &event->values[part] : NULL;
}

/* --- the event --- */

static const struct genops_value *event_get(struct genops_value_source *source, const struct genops_value_key *key)
{
	struct event *event = (struct event *)source;
	const struct genops_event_span *maker = event->maker;
	for (unsigned at = key->hash % 64; maker->parts[at]; at = (at + 1) % 64) {
		unsigned part = maker->parts[at] - 1U;
		if (maker->keys[part].hash == key->hash && genops_str_equal(maker->keys[part].text, key->text))
			return get_part(event, part);
	}
	return NULL;
}

static struct genops_value_object *event_whole(struct genops_value_source *source, const struct genops_value_object *object)
{
	struct event *event = (struct event *)source;
	struct genops_value_object *whole = genops_value_object_new(event->arena, GENOPS_EVENT_PARTS);
	for (unsigned part = 0; whole && part < GENOPS_EVENT_PARTS; part++) {
		const struct genops_value *value = get_part(event, part);
		if (value && !genops_value_object_put(event->arena, whole, event->maker->keys[part], *value))
			return NULL;
	}
	return event->source.is_full ? NULL : whole;
}

int genops_event_of_span(struct genops_event_span *maker, const struct genops_envelope *envelope, const struct genops_otlp_resource *resource,
    const struct genops_otlp_span *span, struct genops_arena *arena, struct genops_value *ret_event, struct genops_error *err)
{
	struct genops_value_object *object = genops_arena_alloc(arena, sizeof *object);
	struct event *event = genops_arena_take(arena, sizeof *event);
	if (!object || !event)
		return genops_fail(err, GENOPS_LIMIT, "no memory for an event");
	if (!maker->is_ready)
		make_ready(maker);
	event->source = (struct genops_value_source){.get = event_get, .whole = event_whole};
	event->maker = maker;
	event->envelope = envelope;
	event->resource = resource;
	event->span = span;
	event->arena = arena;
	event->made = event->found = 0;
	object->source = &event->source;
	*ret_event = object_value(object);
	return GENOPS_OK;
}
