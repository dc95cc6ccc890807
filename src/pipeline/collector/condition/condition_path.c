/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/condition/condition_path.c - paths of conditions: a row each, and how their values are read out of OTLP.
 *
 * Names are those of pkg/ottl/contexts. A number or text that is not in the message is 0 or "", as in the Collector; an attribute that
 * is not there is nil. */
#include "pipeline/collector/condition/condition.h"

#include "base/str.h"

#define R GENOPS_CONDITION_RESOURCE
#define S GENOPS_CONDITION_SCOPE
#define SPAN GENOPS_CONDITION_SPAN
#define EVENT GENOPS_CONDITION_SPANEVENT
#define METRIC GENOPS_CONDITION_METRIC
#define POINT GENOPS_CONDITION_DATAPOINT
#define LOG GENOPS_CONDITION_LOG
#define ROW(context, name, read, number) {context, name, GENOPS_CONDITION_##read, number, {0}, GENOPS_WIRE_VARINT}
#define POINT_ROW(name, wire, ...) {POINT, name, GENOPS_CONDITION_POINT, 0, {__VA_ARGS__}, wire}

const struct genops_condition_path genops_condition_paths[] = {
    ROW(R, "attributes", ATTRIBUTES, GENOPS_OTLP_RESOURCE_ATTRIBUTES),
    ROW(R, "dropped_attributes_count", NUMBER, 2),
    ROW(R, "schema_url", SCHEMA_URL, 0),
    ROW(S, "name", TEXT, 1),
    ROW(S, "version", TEXT, 2),
    ROW(S, "attributes", ATTRIBUTES, GENOPS_OTLP_SCOPE_ATTRIBUTES),
    ROW(S, "dropped_attributes_count", NUMBER, 4),
    ROW(S, "schema_url", SCHEMA_URL, 0),
    ROW(SPAN, "trace_id", ID, 1),
    ROW(SPAN, "trace_id.string", HEX, 1),
    ROW(SPAN, "span_id", ID, 2),
    ROW(SPAN, "span_id.string", HEX, 2),
    ROW(SPAN, "trace_state", TEXT, 3),
    ROW(SPAN, "parent_span_id", ID, 4),
    ROW(SPAN, "parent_span_id.string", HEX, 4),
    ROW(SPAN, "name", TEXT, 5),
    ROW(SPAN, "kind", NUMBER, 6),
    ROW(SPAN, "kind.string", KIND_TEXT, 6),
    ROW(SPAN, "kind.deprecated_string", KIND_OLD_TEXT, 6),
    ROW(SPAN, "start_time_unix_nano", NUMBER, 7),
    ROW(SPAN, "end_time_unix_nano", NUMBER, 8),
    ROW(SPAN, "attributes", ATTRIBUTES, GENOPS_OTLP_SPAN_ATTRIBUTES),
    ROW(SPAN, "dropped_attributes_count", NUMBER, 10),
    ROW(SPAN, "dropped_events_count", NUMBER, 12),
    ROW(SPAN, "dropped_links_count", NUMBER, 14),
    ROW(SPAN, "status.message", STATUS_TEXT, 15),
    ROW(SPAN, "status.code", STATUS_CODE, 15),
    ROW(EVENT, "time_unix_nano", NUMBER, 1),
    ROW(EVENT, "name", TEXT, 2),
    ROW(EVENT, "attributes", ATTRIBUTES, GENOPS_OTLP_EVENT_ATTRIBUTES),
    ROW(EVENT, "dropped_attributes_count", NUMBER, 4),
    ROW(METRIC, "name", TEXT, 1),
    ROW(METRIC, "description", TEXT, 2),
    ROW(METRIC, "unit", TEXT, 3),
    ROW(METRIC, "type", DATA_TYPE, 0),
    ROW(METRIC, "aggregation_temporality", TEMPORALITY, 0),
    ROW(METRIC, "is_monotonic", MONOTONIC, 0),
    ROW(POINT, "attributes", ATTRIBUTES, 0),
    POINT_ROW("start_time_unix_nano", GENOPS_WIRE_FIXED64, 2, 2, 2, 2),
    POINT_ROW("time_unix_nano", GENOPS_WIRE_FIXED64, 3, 3, 3, 3),
    POINT_ROW("value_int", GENOPS_WIRE_FIXED64, 6, 0, 0, 0),
    POINT_ROW("value_double", GENOPS_WIRE_BYTES, 4, 0, 0, 0), /* BYTES: a double */
    POINT_ROW("flags", GENOPS_WIRE_VARINT, 8, 10, 10, 8),
    POINT_ROW("count", GENOPS_WIRE_FIXED64, 0, 4, 4, 4),
    POINT_ROW("sum", GENOPS_WIRE_BYTES, 0, 5, 5, 5),
    ROW(LOG, "time_unix_nano", NUMBER, 1),
    ROW(LOG, "severity_number", NUMBER, 2),
    ROW(LOG, "severity_text", TEXT, 3),
    ROW(LOG, "body", ANY, 5),
    ROW(LOG, "body.string", BODY_TEXT, 5),
    ROW(LOG, "attributes", ATTRIBUTES, GENOPS_OTLP_LOG_ATTRIBUTES),
    ROW(LOG, "dropped_attributes_count", NUMBER, 7),
    ROW(LOG, "flags", NUMBER, 8),
    ROW(LOG, "trace_id", ID, 9),
    ROW(LOG, "trace_id.string", HEX, 9),
    ROW(LOG, "span_id", ID, 10),
    ROW(LOG, "span_id.string", HEX, 10),
    ROW(LOG, "observed_time_unix_nano", NUMBER, 11),
    ROW(LOG, "event_name", TEXT, 12),
    {.name = NULL},
};

const char *genops_condition_context_name(enum genops_condition_context context)
{
	static const char *const names[] = {"resource", "scope", "span", "metric", "log", "spanevent", "datapoint", ""};
	return names[context];
}

bool genops_condition_enum(genops_str name, int64_t *ret_value)
{
	static const struct {
		const char *name;
		int64_t value;
	} rows[] = {{"SPAN_KIND_UNSPECIFIED", 0}, {"SPAN_KIND_INTERNAL", 1}, {"SPAN_KIND_SERVER", 2}, {"SPAN_KIND_CLIENT", 3},
	    {"SPAN_KIND_PRODUCER", 4}, {"SPAN_KIND_CONSUMER", 5}, {"STATUS_CODE_UNSET", 0}, {"STATUS_CODE_OK", 1}, {"STATUS_CODE_ERROR", 2},
	    {"METRIC_DATA_TYPE_NONE", 0}, {"METRIC_DATA_TYPE_GAUGE", 1}, {"METRIC_DATA_TYPE_SUM", 2}, {"METRIC_DATA_TYPE_HISTOGRAM", 3},
	    {"METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM", 4}, {"METRIC_DATA_TYPE_SUMMARY", 5}, {"AGGREGATION_TEMPORALITY_UNSPECIFIED", 0},
	    {"AGGREGATION_TEMPORALITY_DELTA", 1}, {"AGGREGATION_TEMPORALITY_CUMULATIVE", 2}, {"FLAG_NONE", 0}, {"FLAG_NO_RECORDED_VALUE", 1},
	    {"SEVERITY_NUMBER_UNSPECIFIED", 0}};
	const genops_str prefix = GENOPS_STR("SEVERITY_NUMBER_");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!genops_str_is(name, rows[i].name))
			continue;
		*ret_value = rows[i].value;
		return true;
	}
	if (!genops_str_starts(name, prefix))
		return false;
	*ret_value = (int64_t)genops_item_match_severity(genops_str_skip(name, prefix.len));
	return *ret_value != 0;
}

/* --- values --- */

static struct genops_otlp_value text_of(genops_str text)
{
	return (struct genops_otlp_value){.type = GENOPS_OTLP_STRING, .bytes = text};
}

static struct genops_otlp_value integer_of(uint64_t value)
{
	return (struct genops_otlp_value){.type = GENOPS_OTLP_INT, .integer = (int64_t)value};
}

static genops_str message_of(enum genops_condition_context context, const struct genops_item *item)
{
	switch (context) {
	case GENOPS_CONDITION_RESOURCE:
		return item->resource->encoded;
	case GENOPS_CONDITION_SCOPE:
		return item->resource->scope;
	case GENOPS_CONDITION_SPANEVENT:
	case GENOPS_CONDITION_DATAPOINT:
		return item->part;
	default:
		return item->encoded;
	}
}

static struct genops_otlp_value hex_of(genops_str id, struct genops_arena *arena)
{
	char *text = genops_arena_take(arena, 2 * id.len + 1);
	if (!text)
		return (struct genops_otlp_value){0};
	genops_str_to_hex((const uint8_t *)id.ptr, id.len, text);
	return text_of((genops_str){text, 2 * id.len});
}

/* One level into a map or a list. */
static int descend(const struct genops_condition_key *key, struct genops_otlp_value *value, struct genops_error *err)
{
	struct genops_otlp_value found = {0};
	struct genops_wire_reader in;
	int64_t i = 0;
	if (value->type == GENOPS_OTLP_NONE)
		return GENOPS_OK;
	if (value->type != (key->is_index ? GENOPS_OTLP_ARRAY : GENOPS_OTLP_KVLIST))
		return genops_fail(err, GENOPS_UNSUPPORTED, "a value is no %s that has a key", key->is_index ? "list" : "map");
	if (!key->is_index) {
		if (!genops_item_attribute(value->bytes, 1, key->text, &found))
			found = (struct genops_otlp_value){0};
		*value = found;
		return GENOPS_OK;
	}
	genops_wire_reader_init(&in, value->bytes, 0);
	while (genops_otlp_array_next(&in, &found) > 0) {
		if (i++ != key->index)
			continue;
		*value = found;
		return GENOPS_OK;
	}
	return genops_fail(err, GENOPS_UNSUPPORTED, "a list has no element %lld", (long long)key->index);
}

/* Attributes as a whole are only asked whether they are nil, which they never are. */
static int read_attributes(const struct genops_condition_node *node, const struct genops_item *item, genops_str message,
    struct genops_otlp_value *ret_value, struct genops_error *err)
{
	uint32_t number = node->path->number ? node->path->number : genops_item_point_attributes_field(item->data);
	struct genops_otlp_value value = {.type = GENOPS_OTLP_KVLIST};
	size_t i = 0;
	if (node->n_keys) {
		value = (struct genops_otlp_value){0};
		if (!genops_item_attribute(message, number, node->keys[i++].text, &value))
			value = (struct genops_otlp_value){0};
	}
	for (; i < node->n_keys; i++)
		GENOPS_TRY(descend(&node->keys[i], &value, err));
	*ret_value = value;
	return GENOPS_OK;
}

static struct genops_otlp_value read_point(const struct genops_condition_path *path, const struct genops_item *item)
{
	static const uint8_t columns[12] = {[9] = 1, [10] = 2, [11] = 3};
	uint32_t number = path->point[item->data < 12 ? columns[item->data] : 0];
	struct genops_wire_field field;
	if (!number)
		return (struct genops_otlp_value){0};
	if (!genops_item_field(item->part, number, &field)) /* as there, 0: also value_int of a point that has a double */
		field.value = 0;
	if (path->wire == GENOPS_WIRE_BYTES)
		return (struct genops_otlp_value){.type = GENOPS_OTLP_DOUBLE, .number = genops_wire_double(field.value)};
	return integer_of(field.value);
}

static struct genops_otlp_value read_data(const struct genops_condition_path *path, const struct genops_item *item)
{
	static const uint8_t types[12] = {[5] = 1, [7] = 2, [9] = 3, [10] = 4, [11] = 5};
	genops_str data = {0};
	uint32_t number = genops_item_metric_data(item->encoded, &data);
	bool has_temporality = number == 7 || number == 9 || number == 10;
	if (path->read == GENOPS_CONDITION_DATA_TYPE)
		return integer_of(types[number]);
	if (path->read == GENOPS_CONDITION_TEMPORALITY)
		return has_temporality ? integer_of(genops_item_number(data, 2)) : (struct genops_otlp_value){0};
	if (number != 7)
		return (struct genops_otlp_value){0};
	return (struct genops_otlp_value){.type = GENOPS_OTLP_BOOL, .integer = genops_item_number(data, 3) != 0};
}

static int read_body(
    const struct genops_condition_node *node, genops_str message, struct genops_otlp_value *ret_value, struct genops_error *err)
{
	if (genops_otlp_value_read(genops_item_text(message, node->path->number), ret_value) != GENOPS_OK)
		return genops_fail(err, GENOPS_UNSUPPORTED, "a log record's body is damaged");
	for (size_t i = 0; i < node->n_keys; i++)
		GENOPS_TRY(descend(&node->keys[i], ret_value, err));
	return GENOPS_OK;
}

static genops_str kind_text(uint64_t kind)
{
	static const char *const names[] = {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"};
	return genops_str_of(kind < sizeof names / sizeof *names ? names[kind] : "");
}

/* What is one text or number. */
static struct genops_otlp_value read_plain(const struct genops_condition_path *path, const struct genops_item *item, genops_str message,
    struct genops_arena *arena)
{
	static const char zeros[16];
	genops_str text = path->number ? genops_item_text(message, path->number) : (genops_str){0};
	switch (path->read) {
	case GENOPS_CONDITION_TEXT:
		return text_of(text);
	case GENOPS_CONDITION_ID:
		if (!text.len)
			text = (genops_str){zeros, strcmp(path->name, "trace_id") == 0 ? 16 : 8};
		return (struct genops_otlp_value){.type = GENOPS_OTLP_BYTES, .bytes = text};
	case GENOPS_CONDITION_HEX:
		if (!text.len)
			text = (genops_str){zeros, strcmp(path->name, "trace_id.string") == 0 ? 16 : 8};
		return hex_of(text, arena);
	case GENOPS_CONDITION_KIND_TEXT:
		return text_of(kind_text(genops_item_number(message, path->number)));
	case GENOPS_CONDITION_KIND_OLD_TEXT:
		return text_of(genops_str_of(genops_item_match_kind(genops_item_number(message, path->number))));
	case GENOPS_CONDITION_STATUS_TEXT:
		return text_of(genops_item_text(text, 2));
	case GENOPS_CONDITION_STATUS_CODE:
		return integer_of(genops_item_number(text, 3));
	case GENOPS_CONDITION_SCHEMA_URL:
		return text_of(path->context == R ? item->resource->schema_url : item->resource->scope_schema_url);
	default:
		return integer_of(genops_item_number(message, path->number));
	}
}

int genops_condition_value(const struct genops_condition_node *node, struct genops_processor_run *run, const struct genops_item *item,
    struct genops_otlp_value *ret_value, struct genops_error *err)
{
	const struct genops_condition_path *path = node->path;
	if (node->kind == GENOPS_CONDITION_VALUE) {
		*ret_value = node->value;
		return GENOPS_OK;
	}
	genops_str message = message_of(path->context, item);
	switch (path->read) {
	case GENOPS_CONDITION_ATTRIBUTES:
		return read_attributes(node, item, message, ret_value, err);
	case GENOPS_CONDITION_ANY:
		return read_body(node, message, ret_value, err);
	case GENOPS_CONDITION_BODY_TEXT: {
		struct genops_otlp_value body;
		GENOPS_TRY(read_body(node, message, &body, err));
		genops_str text = genops_item_value_text(&body, &run->arena);
		if (!text.ptr)
			return genops_fail(err, GENOPS_NOMEM, "out of memory for a value");
		*ret_value = text_of(text);
		return GENOPS_OK;
	}
	case GENOPS_CONDITION_POINT:
		*ret_value = read_point(path, item);
		return GENOPS_OK;
	case GENOPS_CONDITION_DATA_TYPE:
	case GENOPS_CONDITION_TEMPORALITY:
	case GENOPS_CONDITION_MONOTONIC:
		*ret_value = read_data(path, item);
		return GENOPS_OK;
	default:
		*ret_value = read_plain(path, item, message, &run->arena);
		return GENOPS_OK;
	}
}
