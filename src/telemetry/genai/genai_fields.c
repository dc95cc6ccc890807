/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai_fields.c - see genai_fields.h. */
#include "telemetry/genai/genai_fields.h"
#include "telemetry/genai/genai_rows.h"

#include "base/error.h"
#include "base/str.h"

struct row {
	genops_str name;
	enum genops_genai_field field;
};

static const struct row rows[] = {
#define X(field, name) {{"" name, sizeof name - 1}, GENOPS_GENAI_##field},
    GENOPS_GENAI_ROWS(X)
#undef X
};

static const struct row *find_row(genops_str key)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].name.len == key.len && memcmp(rows[i].name.ptr, key.ptr, key.len) == 0)
			return &rows[i];
	}
	return NULL;
}

static bool is_indexed(genops_str key, genops_str prefix, genops_str end)
{
	return genops_str_starts(key, prefix) && key.len > prefix.len && key.ptr[prefix.len] >= '0' &&
	       key.ptr[prefix.len] <= '9' && genops_str_ends(key, end);
}

/* The texts themselves are not looked at, only how long they are. */
static void measure(struct genops_genai_fields *fields, const struct genops_otlp_attribute *attribute)
{
	if (is_indexed(attribute->key, GENOPS_STR("gen_ai.prompt."), GENOPS_STR(".content")))
		fields->input_bytes += attribute->value.bytes.len;
	else if (is_indexed(attribute->key, GENOPS_STR("gen_ai.completion."), GENOPS_STR(".content")))
		fields->output_bytes += attribute->value.bytes.len;
}

static void keep(struct genops_genai_fields *fields, const struct row *row, const struct genops_otlp_attribute *attribute)
{
	unsigned char at = (unsigned char)(row - rows);
	enum genops_genai_field field = row->field;
	if (field == GENOPS_GENAI_PROVIDER && attribute->value.type == GENOPS_OTLP_STRING) {
		size_t first = 0;
		while (rows[first].field != GENOPS_GENAI_PROVIDER)
			first++;
		fields->provider_names[(size_t)(at - first) % 4] = attribute->value.bytes;
	}
	if (field == GENOPS_GENAI_INPUT_TEXT)
		fields->input_bytes += attribute->value.bytes.len;
	if (field == GENOPS_GENAI_OUTPUT_TEXT)
		fields->output_bytes += attribute->value.bytes.len;
	if (fields->values[field].type != GENOPS_OTLP_NONE && fields->rows[field] < at)
		return;
	fields->values[field] = attribute->value;
	fields->rows[field] = at;
}

int genops_genai_fields_read(
    const struct genops_otlp_span *span, struct genops_genai_fields *ret_fields, struct genops_error *err)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	int more;
	*ret_fields = (struct genops_genai_fields){0};
	genops_otlp_attributes_init(&attributes, span->encoded, GENOPS_OTLP_SPAN_ATTRIBUTES);
	while ((more = genops_otlp_attributes_next(&attributes, &attribute)) == 1) {
		const struct row *row = attribute.value.type == GENOPS_OTLP_NONE ? NULL : find_row(attribute.key);
		if (row)
			keep(ret_fields, row, &attribute);
		else
			measure(ret_fields, &attribute);
	}
	return more == 0 ? GENOPS_OK : genops_fail(err, GENOPS_CORRUPT, "a span's attributes cannot be read");
}

bool genops_genai_fields_count(const struct genops_genai_fields *fields, enum genops_genai_field field, int64_t *ret_count, bool *ret_is_sane)
{
	const struct genops_otlp_value *value = &fields->values[field];
	int64_t count = 0;
	*ret_is_sane = true;
	switch (value->type) {
	case GENOPS_OTLP_INT:
		count = value->integer;
		break;
	case GENOPS_OTLP_DOUBLE:
		/* Not a number compares as false. */
		if (!(value->number >= 0 && value->number <= (double)GENOPS_USAGE_COUNT_MAX))
			*ret_is_sane = false;
		else
			count = (int64_t)value->number;
		break;
	case GENOPS_OTLP_STRING:
		if (!genops_str_to_int(value->bytes, &count))
			return false;
		break;
	case GENOPS_OTLP_NONE:
	case GENOPS_OTLP_BOOL:
	case GENOPS_OTLP_ARRAY:
	case GENOPS_OTLP_KVLIST:
	case GENOPS_OTLP_BYTES:
		return false;
	}
	if (count < 0 || count > GENOPS_USAGE_COUNT_MAX)
		*ret_is_sane = false;
	*ret_count = *ret_is_sane ? count : 0;
	return true;
}

genops_str genops_genai_fields_text(const struct genops_genai_fields *fields, enum genops_genai_field field)
{
	const struct genops_otlp_value *value = &fields->values[field];
	struct genops_otlp_value first;
	struct genops_wire_reader array;
	if (value->type == GENOPS_OTLP_STRING)
		return value->bytes;
	if (value->type != GENOPS_OTLP_ARRAY)
		return (genops_str){0};
	genops_wire_reader_init(&array, value->bytes, GENOPS_OTLP_DEPTH_MAX);
	if (genops_otlp_array_next(&array, &first) != 1 || first.type != GENOPS_OTLP_STRING)
		return (genops_str){0};
	return first.bytes;
}
