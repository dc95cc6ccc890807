/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai.c - is a span an AI call? See genai.h.
 *
 * Asked for every span, most of which are none: the keys are gone over by their first bytes, without making values of them. Rules (reference/ecosystem.md A5.1): a
 * span of traceloop.span.kind is a workflow's, task's, agent's or tool's; then the operation's name; then a cost that somebody put on
 * it; then usage on a CLIENT span; then the span's name. Agents and tools repeat the usage of the calls within them.
 */
#include "telemetry/genai/genai_fields.h"
#include "telemetry/genai/genai_rows.h"

#include "base/str.h"

enum { SPAN_ATTRIBUTES_TAG = 9 << 3 | 2, KEY_TAG = 1 << 3 | 2, KIND_CLIENT = 3 };

/* What the keys of a span say. */
struct marks {
	const char *operation, *request_type; /* where the attribute stands; NULL: it does not */
	bool has_span_kind, has_cost, has_usage, has_provider, has_model, has_guide_usage;
};

static bool read_len(const char **at, const char *end, uint64_t *ret)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
		uint64_t byte = (unsigned char)*(*at)++;
		value |= (byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* The content of a field behind its tag; false: these bytes are no message. */
static bool skip_field(const char **at, const char *end, uint64_t tag, genops_str *ret_bytes)
{
	uint64_t len = 0;
	*ret_bytes = (genops_str){0};
	switch (tag & 7) {
	case GENOPS_WIRE_VARINT:
		return read_len(at, end, &len);
	case GENOPS_WIRE_FIXED64:
		len = 8;
		break;
	case GENOPS_WIRE_FIXED32:
		len = 4;
		break;
	case GENOPS_WIRE_BYTES:
		if (!read_len(at, end, &len))
			return false;
		break;
	default:
		return false;
	}
	if (len > (uint64_t)(end - *at))
		return false;
	*ret_bytes = (genops_str){*at, (size_t)len};
	*at += len;
	return true;
}

static genops_str key_of(genops_str attribute)
{
	const char *at = attribute.ptr, *end = at + attribute.len;
	uint64_t tag;
	genops_str bytes;
	while (at < end && read_len(&at, end, &tag) && skip_field(&at, end, tag, &bytes)) {
		if (tag == KEY_TAG)
			return bytes;
	}
	return (genops_str){0};
}

static bool is_key(genops_str key, const char *text)
{
	return genops_str_equal(key, genops_str_of(text));
}

static void mark_field(struct marks *marks, enum genops_genai_field field, genops_str key, const char *at)
{
	bool is_guides = key.ptr[0] == 'a' || key.ptr[1] == 'e'; /* the guides' ai.* and genops.*: also on INTERNAL spans */
	switch ((int)field) {
	case GENOPS_GENAI_SPAN_KIND:
		marks->has_span_kind = true;
		break;
	case GENOPS_GENAI_COST:
		marks->has_cost = true;
		break;
	case GENOPS_GENAI_OPERATION:
		marks->operation = at;
		break;
	case GENOPS_GENAI_REQUEST_TYPE:
		marks->request_type = at;
		break;
	case GENOPS_GENAI_PROVIDER:
		marks->has_provider = true;
		break;
	case GENOPS_GENAI_REQUEST_MODEL:
	case GENOPS_GENAI_RESPONSE_MODEL:
		marks->has_model = true;
		break;
	case GENOPS_GENAI_INPUT:
	case GENOPS_GENAI_OUTPUT:
	case GENOPS_GENAI_TOTAL:
		marks->has_usage = true;
		marks->has_guide_usage |= is_guides;
		break;
	}
}

static void mark(struct marks *marks, genops_str key, const char *at)
{
#define X(field, name)                                                                                \
	if (key.len == sizeof name - 1 && memcmp(key.ptr, name, sizeof name - 1) == 0) {              \
		mark_field(marks, GENOPS_GENAI_##field, key, at);                                     \
		return;                                                                               \
	}
	GENOPS_GENAI_ROWS(X)
#undef X
}

/* All rows begin with one of these. */
static bool may_be_ours(genops_str key)
{
	if (key.len < 6)
		return false;
	switch (key.ptr[0]) {
	case 'g':
		return memcmp(key.ptr, "gen_ai.", 7) == 0 || memcmp(key.ptr, "genops.", 7) == 0;
	case 'l':
		return memcmp(key.ptr, "llm.", 4) == 0;
	case 'a':
		return memcmp(key.ptr, "ai.", 3) == 0;
	case 't':
		return is_key(key, "traceloop.span.kind");
	}
	return false;
}

static bool collect_marks(genops_str span, struct marks *ret_marks)
{
	const char *at = span.ptr, *end = at + span.len;
	*ret_marks = (struct marks){0};
	bool is_any = false;
	while (at < end) {
		const char *begin = at;
		uint64_t tag;
		genops_str bytes, key;
		if (!read_len(&at, end, &tag) || !skip_field(&at, end, tag, &bytes))
			return false;
		if (tag != SPAN_ATTRIBUTES_TAG)
			continue;
		/* As everybody writes it: the key first, and short. */
		if (bytes.len > 2 && bytes.ptr[0] == KEY_TAG && (unsigned char)bytes.ptr[1] < 0x80 &&
		    (size_t)bytes.ptr[1] + 2 <= bytes.len)
			key = (genops_str){bytes.ptr + 2, (size_t)bytes.ptr[1]};
		else
			key = key_of(bytes);
		if (key.len > 6 && may_be_ours(key)) {
			mark(ret_marks, key, begin);
			is_any = true;
		}
	}
	return is_any;
}

struct genops_genai_operation genops_genai_operation_of(genops_str name)
{
#define X(text, is_priced, canonical)                                                                 \
	if (genops_str_is_nocase(name, text))                                                         \
		return (struct genops_genai_operation){GENOPS_STR(canonical), true, is_priced};
	GENOPS_GENAI_OPERATIONS(X)
#undef X
	return (struct genops_genai_operation){.name = name};
}

struct genops_genai_operation genops_genai_operation_of_span(genops_str span_name)
{
	genops_str end = {0};
#define X(prefix, provider)                                                                           \
	if (!end.len && genops_str_starts(span_name, GENOPS_STR(prefix)))                             \
		end = genops_str_skip(span_name, sizeof prefix - 1);
	GENOPS_GENAI_SPANS(X)
#undef X
#define X(text, canonical)                                                                            \
	if (genops_str_is(end, text))                                                                 \
		return (struct genops_genai_operation){GENOPS_STR(canonical), true, true};
	GENOPS_GENAI_SPAN_ENDS(X)
#undef X
	return (struct genops_genai_operation){0};
}

static struct genops_genai_operation operation_at(const struct genops_otlp_span *span, const char *at)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	if (!at)
		return (struct genops_genai_operation){0};
	genops_otlp_attributes_init(&attributes,
	    (genops_str){at, (size_t)(span->encoded.ptr + span->encoded.len - at)}, GENOPS_OTLP_SPAN_ATTRIBUTES);
	if (genops_otlp_attributes_next(&attributes, &attribute) != 1 || attribute.value.type != GENOPS_OTLP_STRING)
		return (struct genops_genai_operation){0};
	return genops_genai_operation_of(attribute.value.bytes);
}

bool genops_genai_is_call(const struct genops_otlp_resource *resource, const struct genops_otlp_span *span)
{
	struct marks marks;
	(void)resource;
	if (!collect_marks(span->encoded, &marks) || marks.has_span_kind)
		return false;
	struct genops_genai_operation operation = operation_at(span, marks.operation);
	if (operation.is_known)
		return operation.is_priced;
	operation = operation_at(span, marks.request_type);
	if (operation.is_known)
		return operation.is_priced;
	if (marks.has_cost || (marks.has_usage && span->kind == KIND_CLIENT) || (marks.has_guide_usage && marks.has_model))
		return true;
	return (marks.has_provider || marks.has_model) && genops_genai_operation_of_span(span->name).is_priced;
}
