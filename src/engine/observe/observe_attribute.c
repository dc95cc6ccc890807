/* SPDX-License-Identifier: Apache-2.0
 * engine/observe/observe_attribute.c - who pays for a call that others made: attributes out of its span, weakest first.
 *
 * Order (reference/ecosystem.md A5.5): the configuration's defaults (added by whoever begins the operation), the receiver's tenant,
 * service.name as project and deployment.environment as environment, the resource's genops.*, Traceloop's association properties, the
 * span's own genops.* (baggage that was copied there among them). What the sender's governance key binds is stronger than all. Names that only GenOps writes are no attributes. Texts borrow from
 * the span.
 */
#include "engine/observe/observe_impl.h"

#include "base/str.h"
#include "telemetry/conventions.h"

#define PROPERTIES GENOPS_STR("traceloop.association.properties.")

static void add(struct genops_observe_attributes *attributes, genops_str key, const struct genops_otlp_value *value)
{
	struct genops_attribute attribute = {.key = key};
	if (attributes->n == GENOPS_OBSERVE_ATTRIBUTES_MAX || !key.len || key.len > GENOPS_ATTRIBUTE_KEY_MAX ||
	    !genops_str_is_utf8(key))
		return;
	switch (value->type) {
	case GENOPS_OTLP_STRING:
		attribute.type = GENOPS_ATTRIBUTE_STRING;
		attribute.value.string = value->bytes;
		if (!value->bytes.len || value->bytes.len > GENOPS_ATTRIBUTE_VALUE_MAX || !genops_str_is_utf8(value->bytes))
			return;
		break;
	case GENOPS_OTLP_INT:
		attribute.type = GENOPS_ATTRIBUTE_INT;
		attribute.value.integer = value->integer;
		break;
	case GENOPS_OTLP_DOUBLE:
		attribute.type = GENOPS_ATTRIBUTE_DOUBLE;
		attribute.value.number = value->number;
		break;
	case GENOPS_OTLP_BOOL:
		attribute.type = GENOPS_ATTRIBUTE_BOOL;
		attribute.value.boolean = value->integer != 0;
		break;
	case GENOPS_OTLP_NONE:
	case GENOPS_OTLP_ARRAY:
	case GENOPS_OTLP_KVLIST:
	case GENOPS_OTLP_BYTES:
		return;
	}
	attributes->items[attributes->n++] = attribute;
}

static void add_text(struct genops_observe_attributes *attributes, genops_str key, genops_str text)
{
	add(attributes, key, &(struct genops_otlp_value){.type = GENOPS_OTLP_STRING, .bytes = text});
}

/* Anybody's key that says who pays; not what only GenOps writes. */
static bool is_free(genops_str key)
{
	return genops_attributes_standard_key(key) >= 0 || !genops_conventions_is_reserved(key);
}

static void add_genops(struct genops_observe_attributes *attributes, const struct genops_otlp_attribute *attribute)
{
	if (genops_str_starts(attribute->key, GENOPS_STR("genops.")) && is_free(attribute->key))
		add(attributes, attribute->key, &attribute->value);
}

/* Goes over the attributes of one message; what cannot be read ends it, as it was checked when it came. */
#define EACH(message, field, attribute)                                                               \
	struct genops_otlp_attributes each_;                                                          \
	struct genops_otlp_attribute attribute;                                                       \
	genops_otlp_attributes_init(&each_, message, field);                                          \
	while (genops_otlp_attributes_next(&each_, &attribute) == 1)

static void read_service(const struct genops_observed *span, struct genops_observe_attributes *attributes)
{
	genops_str environment = {0};
	EACH(span->resource.encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, attribute)
	{
		if (attribute.value.type != GENOPS_OTLP_STRING)
			continue;
		if (genops_str_is(attribute.key, "service.name"))
			attributes->service_name = attribute.value.bytes;
		else if (genops_str_is(attribute.key, "deployment.environment.name") ||
			 (genops_str_is(attribute.key, "deployment.environment") && !environment.len))
			environment = attribute.value.bytes;
	}
	/* What an SDK says when nobody has told it. */
	if (!genops_str_starts(attributes->service_name, GENOPS_STR("unknown_service")))
		add_text(attributes, GENOPS_STR("project"), attributes->service_name);
	add_text(attributes, GENOPS_STR("environment"), environment);
	if (attributes->service_name.len > GENOPS_ATTRIBUTE_VALUE_MAX)
		attributes->service_name = (genops_str){0};
}

static void read_resource(const struct genops_observed *span, struct genops_observe_attributes *attributes)
{
	EACH(span->resource.encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, attribute)
	{
		add_genops(attributes, &attribute);
	}
}

static void read_properties(const struct genops_observed *span, struct genops_observe_attributes *attributes)
{
	EACH(span->span.encoded, GENOPS_OTLP_SPAN_ATTRIBUTES, attribute)
	{
		if (!genops_str_starts(attribute.key, PROPERTIES))
			continue;
		genops_str key = genops_str_skip(attribute.key, PROPERTIES.len);
		if (is_free(key))
			add(attributes, key, &attribute.value);
	}
}

static void read_span(const struct genops_observed *span, struct genops_observe_attributes *attributes)
{
	EACH(span->span.encoded, GENOPS_OTLP_SPAN_ATTRIBUTES, attribute)
	{
		bool is_text = attribute.value.type == GENOPS_OTLP_STRING;
		if (is_text && genops_str_is(attribute.key, "genops.operation.name"))
			attributes->name = attribute.value.bytes;
		else if (is_text && genops_str_is(attribute.key, "genops.operation.type"))
			attributes->type = attribute.value.bytes;
		else
			add_genops(attributes, &attribute);
	}
}

void genops_observe_attributes_read(const struct genops_observed *span, struct genops_observe_attributes *ret_attributes)
{
	struct genops_observe_attributes *attributes = ret_attributes;
	attributes->n = 0;
	attributes->service_name = attributes->type = (genops_str){0};
	attributes->name = span->span.name;
	add_text(attributes, GENOPS_STR("tenant"), span->envelope.tenant);
	add_text(attributes, GENOPS_STR("instrumentation"), span->resource.scope_name);
	read_service(span, attributes);
	read_resource(span, attributes);
	read_properties(span, attributes);
	read_span(span, attributes);
}
