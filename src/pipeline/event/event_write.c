/* SPDX-License-Identifier: Apache-2.0
 * pipeline/event/event_write.c - genops_event_to_span, see event_span.h: the span's own bytes, but for what has changed.
 *
 * Fields are not written anew: runs of bytes between two changes are copied, unknown fields in them included. */
#include "pipeline/event/event_value.h"
#include "pipeline/event_span.h"

#define NAME_FIELD 5

struct change {
	const struct genops_value_object *top;        /* what was put at the event's top */
	const struct genops_value_object *attributes; /* those that were changed; NULL: none */
	const struct genops_value *name;              /* NULL: as it was */
	uint64_t bits;                                /* of the names in both */
	struct genops_buffer *out;
};

/* Does this member of the event's top become an attribute? */
static bool is_attribute(const struct genops_value_member *member)
{
	genops_str name = member->key.text;
	return !genops_value_is_nullish(member->value) && member->value.type != GENOPS_VALUE_REGEX && name.len &&
	       !genops_str_starts(name, GENOPS_STR("__")) && !genops_event_span_is_part(name);
}

static void put_attribute(struct genops_buffer *out, genops_str key, struct genops_value value)
{
	(void)genops_event_value_put_attribute(out, GENOPS_OTLP_SPAN_ATTRIBUTES, key, value);
}

/* A bit for a name, from what is quick to look at: a name whose bit is not set is none of those whose bits are. */
static uint64_t bit_of(genops_str name)
{
	size_t last = name.len ? (unsigned char)name.ptr[name.len - 1] : 0, middle = name.len ? (unsigned char)name.ptr[name.len / 2] : 0;
	return UINT64_C(1) << ((name.len * 7 + last * 5 + middle) % 64);
}

static uint64_t bits_of(const struct genops_value_object *object)
{
	uint64_t bits = 0;
	for (uint32_t i = 0; object && i < object->n; i++)
		bits |= bit_of(object->members[i].key.text);
	return bits;
}

/* The key of a KeyValue. */
static genops_str name_of(genops_str attribute)
{
	struct genops_wire_reader in;
	struct genops_wire_field part;
	genops_str name = {0};
	genops_wire_reader_init(&in, attribute, 0);
	while (genops_wire_next(&in, &part) > 0) {
		if (part.number == 1)
			name = part.bytes;
	}
	return name.ptr ? name : GENOPS_STR("");
}

/* One field of the span. False: it stays as it stands. True: it was written anew, or left out. */
static bool write_field(const struct change *change, const struct genops_wire_field *field)
{
	if (field->number == NAME_FIELD && change->name)
		return true;
	if (field->number != GENOPS_OTLP_SPAN_ATTRIBUTES || field->type != GENOPS_WIRE_BYTES)
		return false;
	genops_str name = name_of(field->bytes);
	if (!(change->bits & bit_of(name)))
		return false;
	struct genops_value_key key = genops_value_key_of(name);
	const struct genops_value *put = genops_value_object_own(change->top, &key);
	struct genops_value_member member = {key, put ? *put : (struct genops_value){0}};
	if (put && is_attribute(&member))
		return true; /* what was put comes behind all others */
	put = change->attributes ? genops_value_object_own(change->attributes, &key) : NULL;
	if (put && !genops_value_is_nullish(*put))
		put_attribute(change->out, name, *put);
	return put != NULL;
}

/* New attributes, that the span had not. */
static void put_new(const struct change *change, const struct genops_value_object *before)
{
	for (uint32_t i = 0; change->attributes && i < change->attributes->n; i++) {
		const struct genops_value_member *member = &change->attributes->members[i];
		if (!genops_value_is_nullish(member->value) && !(before && genops_value_object_get(before, &member->key)) &&
		    !genops_value_object_own(change->top, &member->key))
			put_attribute(change->out, member->key.text, member->value);
	}
}

static const struct genops_value_object *attributes_of(struct genops_value event)
{
	struct genops_value_key key = genops_value_key_of(GENOPS_STR("attributes"));
	const struct genops_value *value = event.type == GENOPS_VALUE_OBJECT ? genops_value_object_get(event.as.object, &key) : NULL;
	return value && value->type == GENOPS_VALUE_OBJECT ? value->as.object : NULL;
}

static int write_span(struct change *change, struct genops_value event, struct genops_value before, const struct genops_otlp_span *span)
{
	struct genops_value_key name = genops_value_key_of(GENOPS_STR("name")), attributes = genops_value_key_of(GENOPS_STR("attributes"));
	struct genops_wire_reader in;
	struct genops_wire_field field;
	const char *from = span->encoded.ptr;
	int code;
	const struct genops_value *put = genops_value_object_own(change->top, &name);
	change->name = put && put->type == GENOPS_VALUE_TEXT ? put : NULL;
	const struct genops_value_object *was = genops_value_object_own(change->top, &attributes) ? attributes_of(before) : NULL;
	change->attributes = was ? attributes_of(event) : NULL;
	change->attributes = change->attributes == was ? NULL : change->attributes;
	change->bits = bits_of(change->top) | bits_of(change->attributes);
	genops_wire_reader_init(&in, span->encoded, 0);
	for (const char *at = in.at; (code = genops_wire_next(&in, &field)) > 0; at = in.at) {
		size_t len = change->out->len;
		if (!write_field(change, &field))
			continue;
		/* what was written belongs behind the run that ends here: put the run before it */
		size_t run = (size_t)(at - from), written = change->out->len - len;
		if (run && genops_buffer_reserve(change->out, run)) {
			memmove(change->out->ptr + len + run, change->out->ptr + len, written);
			memcpy(change->out->ptr + len, from, run);
			change->out->len += run;
		}
		from = in.at;
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	genops_buffer_add(change->out, (genops_str){from, (size_t)(in.end - from)});
	if (change->name)
		genops_wire_put_text(change->out, NAME_FIELD, genops_value_str(*change->name));
	put_new(change, was);
	for (uint32_t i = 0; i < change->top->n; i++) {
		if (is_attribute(&change->top->members[i]))
			put_attribute(change->out, change->top->members[i].key.text, change->top->members[i].value);
	}
	return GENOPS_OK;
}

int genops_event_to_span(struct genops_value event, struct genops_value before, const struct genops_otlp_span *span, struct genops_buffer *out,
    struct genops_error *err)
{
	if (event.type != GENOPS_VALUE_OBJECT || before.type != GENOPS_VALUE_OBJECT ||
	    (event.as.object != before.as.object && genops_value_object_under(event.as.object) != before.as.object))
		return genops_fail(err, GENOPS_MISUSE, "an event that is not a copy of the span's");
	struct change change = {.top = event.as.object, .out = out};
	if (event.as.object == before.as.object || !event.as.object->n)
		genops_buffer_add(out, span->encoded);
	else if (write_span(&change, event, before, span) != GENOPS_OK)
		return genops_fail(err, GENOPS_CORRUPT, "a span that is damaged");
	if (out->error)
		return genops_fail(err, out->error, "a span is too large, or there is no memory");
	return GENOPS_OK;
}
