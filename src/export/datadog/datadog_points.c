/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/datadog_points.c - see datadog_points.h. */
#include "export/datadog/datadog_points.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "telemetry/otlp/otlp_span.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define TAGS_MAX     ((size_t)64 << 10)
#define BUCKETS_MAX  256
#define AGE_MAX_S    INT64_C(3300)  /* Datadog drops silently what is over an hour old */
#define AHEAD_MAX_S  INT64_C(540)   /* and what is over ten minutes in the future */
#define NAME_BYTES   (GENOPS_DATADOG_NAME_MAX + 1)
#define TEMPORALITY_DELTA 1
#define NO_RECORDED_VALUE 1

/* Numbers of Metric's data. */
enum { GAUGE = 5, SUM = 7, HISTOGRAM = 9, EXPONENTIAL = 10, SUMMARY = 11 };

struct walk {
	const struct genops_datadog_points *points;
	struct genops_buffer resource_tags, tags; /* the point's begin with the resource's */
	genops_str host;
	unsigned n_resource;
	char name[NAME_BYTES];
	genops_str unit;
	uint32_t kind;
	bool is_delta, is_monotonic;
	struct genops_error *err;
};

struct point {
	uint64_t start_ns, time_ns, flags, count;
	double number, sum;
	bool has_sum;
	size_t n_counts, n_bounds;
	uint64_t counts[BUCKETS_MAX + 1];
	double bounds[BUCKETS_MAX];
};

/* --- tags --- */

static void add_tag(struct genops_buffer *tags, genops_str key, const struct genops_otlp_value *value)
{
	char text[GENOPS_DATADOG_TAG_MAX + 64];
	int len = 0;
	if (value->type == GENOPS_OTLP_STRING)
		len = snprintf(text, sizeof text, "%.*s:%.*s", (int)(key.len > 100 ? 100 : key.len), key.ptr,
		    (int)(value->bytes.len > 201 ? 201 : value->bytes.len), value->bytes.len ? value->bytes.ptr : "");
	else if (value->type == GENOPS_OTLP_BOOL)
		len = snprintf(text, sizeof text, "%.*s:%s", (int)(key.len > 100 ? 100 : key.len), key.ptr, value->integer ? "true" : "false");
	else if (value->type == GENOPS_OTLP_INT)
		len = snprintf(text, sizeof text, "%.*s:%" PRId64, (int)(key.len > 100 ? 100 : key.len), key.ptr, value->integer);
	else if (value->type == GENOPS_OTLP_DOUBLE)
		len = snprintf(text, sizeof text, "%.*s:%g", (int)(key.len > 100 ? 100 : key.len), key.ptr, value->number);
	if (len > 0)
		genops_datadog_series_tag(tags, (genops_str){text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1});
}

/* Datadog's own names for what they call unified service tagging; of the rest of a resource only ours. */
static const char *const renamed[][2] = {{"service.name", "service"}, {"service.version", "version"}, {"deployment.environment.name", "env"},
    {"deployment.environment", "env"}};

static int read_resource(struct walk *walk, const struct genops_otlp_resource *resource)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	int code;
	genops_buffer_clear(&walk->resource_tags);
	walk->n_resource = resource->n_resource;
	walk->host = walk->points->host;
	genops_otlp_attributes_init(&attributes, resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0) {
		genops_str key = attribute.key;
		bool is_wanted = genops_str_starts(key, GENOPS_STR("genops."));
		for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++) {
			if (!genops_str_is(attribute.key, renamed[i][0]))
				continue;
			key = genops_str_of(renamed[i][1]);
			is_wanted = true;
		}
		if (genops_str_is(key, "host.name") && attribute.value.type == GENOPS_OTLP_STRING && attribute.value.bytes.len)
			walk->host = attribute.value.bytes;
		if (is_wanted)
			add_tag(&walk->resource_tags, key, &attribute.value);
	}
	return code;
}

static int read_tags(struct walk *walk, genops_str point, uint32_t field)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	int code;
	genops_buffer_clear(&walk->tags);
	genops_buffer_add(&walk->tags, genops_buffer_view(&walk->resource_tags));
	genops_otlp_attributes_init(&attributes, point, field);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0)
		add_tag(&walk->tags, attribute.key, &attribute.value);
	return code;
}

/* --- series --- */

/* `part` behind the name, `tag` beside the others; both may be "". */
static int add(struct walk *walk, const char *part, const char *tag, enum genops_datadog_type type, double value, const struct point *point)
{
	char name[NAME_BYTES + 16];
	size_t len = walk->tags.len;
	int64_t at = (int64_t)(point->time_ns / GENOPS_NS_PER_S), interval = (int64_t)((point->time_ns - point->start_ns) / GENOPS_NS_PER_S);
	bool is_ahead = at - walk->points->now_s > AHEAD_MAX_S; /* somebody's clock is wrong; the value is not */
	bool is_old = walk->points->now_s - at > AGE_MAX_S, is_count = type == GENOPS_DATADOG_COUNT;
	if (!isfinite(value) || (is_old && !is_count))
		return GENOPS_OK; /* what was true an hour ago is not what is true now; what was counted stays counted */
	snprintf(name, sizeof name, "%.*s%s", (int)(GENOPS_DATADOG_NAME_MAX - strlen(part)), walk->name, part);
	if (*tag)
		genops_datadog_series_tag(&walk->tags, genops_str_of(tag));
	struct genops_datadog_point made = {.name = genops_str_of(name),
	    .unit = walk->unit,
	    .tags = genops_buffer_view(&walk->tags),
	    .host = walk->host,
	    .type = type,
	    .keep = is_count ? GENOPS_DATADOG_SUM : GENOPS_DATADOG_LAST,
	    .timestamp = is_old || is_ahead ? walk->points->now_s : at,
	    .interval = walk->is_delta && point->start_ns && point->start_ns < point->time_ns && interval > 0 ? interval : 0,
	    .value = value};
	int code = walk->tags.error ? genops_fail(walk->err, walk->tags.error, "a data point's tags are over %zu bytes", TAGS_MAX)
				    : genops_datadog_series_add(walk->points->series, &made, walk->err);
	walk->tags.len = len;
	return code;
}

/* Something that counts up. */
static int add_count(struct walk *walk, const char *part, const char *tag, double value, const struct point *point)
{
	uint64_t which = genops_hash_checksum(walk->name, strlen(walk->name), 0);
	double growth = value;
	which = genops_hash_checksum(part, strlen(part), which);
	which = genops_hash_checksum(tag, strlen(tag), which);
	which = genops_hash_checksum(walk->tags.ptr, walk->tags.len, which);
	which = genops_hash_checksum(walk->host.ptr, walk->host.len, which);
	if (!walk->is_delta && !genops_datadog_delta_of(walk->points->delta, which, value, point->start_ns, point->time_ns, &growth))
		return GENOPS_OK;
	return add(walk, part, tag, GENOPS_DATADOG_COUNT, growth, point);
}

static int add_buckets(struct walk *walk, const struct point *point)
{
	char tag[100], low[40] = "-inf", high[40];
	if (point->n_counts != point->n_bounds + 1 || point->n_bounds > BUCKETS_MAX)
		return GENOPS_OK;
	for (size_t i = 0; i < point->n_counts; i++) {
		if (i < point->n_bounds)
			snprintf(high, sizeof high, "%g", point->bounds[i]);
		else
			snprintf(high, sizeof high, "inf");
		snprintf(tag, sizeof tag, "lower_bound:%s", low);
		size_t len = walk->tags.len;
		genops_datadog_series_tag(&walk->tags, genops_str_of(tag));
		snprintf(tag, sizeof tag, "upper_bound:%s", high);
		int code = add_count(walk, ".bucket", tag, (double)point->counts[i], point);
		walk->tags.len = len;
		GENOPS_TRY(code);
		memcpy(low, high, sizeof low);
	}
	return GENOPS_OK;
}

static int add_point(struct walk *walk, const struct point *point)
{
	if ((point->flags & NO_RECORDED_VALUE) || !point->time_ns)
		return GENOPS_OK;
	if (walk->kind == GAUGE || (walk->kind == SUM && !walk->is_monotonic))
		return add(walk, "", "", GENOPS_DATADOG_GAUGE, point->number, point);
	if (walk->kind == SUM)
		return add_count(walk, "", "", point->number, point);
	GENOPS_TRY(add_count(walk, ".count", "", (double)point->count, point));
	if (point->has_sum || walk->kind == SUMMARY)
		GENOPS_TRY(add_count(walk, ".sum", "", point->sum, point));
	return walk->kind == HISTOGRAM ? add_buckets(walk, point) : GENOPS_OK;
}

/* --- reading --- */

/* Packed or one by one. */
static int read_numbers(const struct genops_wire_field *field, size_t max, size_t *n, uint64_t *list)
{
	struct genops_wire_reader in;
	uint64_t value = field->value;
	int code = 0;
	genops_wire_reader_init(&in, field->bytes, 0);
	while (field->type != GENOPS_WIRE_BYTES || (code = genops_wire_next_fixed64(&in, &value)) > 0) {
		if (*n < max)
			list[*n] = value;
		++*n;
		if (field->type != GENOPS_WIRE_BYTES)
			return 1;
	}
	return code < 0 ? code : 1;
}

static void read_number(struct walk *walk, const struct genops_wire_field *field, struct point *point)
{
	bool is_number = walk->kind == GAUGE || walk->kind == SUM;
	if (field->number == 2)
		point->start_ns = field->value;
	else if (field->number == 3)
		point->time_ns = field->value;
	else if (is_number && field->number == 4)
		point->number = genops_wire_double(field->value);
	else if (is_number && field->number == 6)
		point->number = (double)(int64_t)field->value;
	else if (field->number == 4)
		point->count = field->value;
	else if (field->number == 5) {
		point->sum = genops_wire_double(field->value);
		point->has_sum = true;
	}
}

static int read_quantile(struct walk *walk, genops_str message, const struct point *point)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	double quantile = 0, value = 0;
	char tag[64];
	int code;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 1 && field.type == GENOPS_WIRE_FIXED64)
			quantile = genops_wire_double(field.value);
		if (field.number == 2 && field.type == GENOPS_WIRE_FIXED64)
			value = genops_wire_double(field.value);
	}
	snprintf(tag, sizeof tag, "quantile:%g", quantile);
	return code < 0 ? GENOPS_CORRUPT : add(walk, ".quantile", tag, GENOPS_DATADOG_GAUGE, value, point);
}

static int read_point(struct walk *walk, genops_str message)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	struct point point = {0};
	bool is_histogram = walk->kind == HISTOGRAM || walk->kind == EXPONENTIAL;
	uint64_t bounds[BUCKETS_MAX];
	int code;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == (walk->kind == HISTOGRAM ? 10U : walk->kind == EXPONENTIAL ? 10U : 8U) && field.type == GENOPS_WIRE_VARINT)
			point.flags = field.value;
		else if (walk->kind == HISTOGRAM && field.number == 6)
			code = read_numbers(&field, BUCKETS_MAX + 1, &point.n_counts, point.counts);
		else if (walk->kind == HISTOGRAM && field.number == 7)
			code = read_numbers(&field, BUCKETS_MAX, &point.n_bounds, bounds);
		else if (field.type == GENOPS_WIRE_FIXED64)
			read_number(walk, &field, &point);
		if (code < 0)
			break;
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	for (size_t i = 0; i < point.n_bounds && i < BUCKETS_MAX; i++)
		point.bounds[i] = genops_wire_double(bounds[i]);
	GENOPS_TRY(read_tags(walk, message, walk->kind == EXPONENTIAL ? 1 : is_histogram ? 9 : 7));
	GENOPS_TRY(add_point(walk, &point));
	genops_wire_reader_init(&in, walk->kind == SUMMARY ? message : (genops_str){0}, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == 6 && field.type == GENOPS_WIRE_BYTES && point.time_ns)
			GENOPS_TRY(read_quantile(walk, field.bytes, &point));
	}
	return GENOPS_OK;
}

static void set_name(struct walk *walk, genops_str name)
{
	size_t at = 0;
	bool begins_with_letter = name.len && ((name.ptr[0] >= 'a' && name.ptr[0] <= 'z') || (name.ptr[0] >= 'A' && name.ptr[0] <= 'Z'));
	if (!begins_with_letter)
		at = (size_t)snprintf(walk->name, sizeof walk->name, "otel.");
	for (size_t i = 0; i < name.len && at + 1 < sizeof walk->name; i++) {
		char c = name.ptr[i];
		bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
		walk->name[at++] = is_fine ? c : '_';
	}
	walk->name[at] = '\0';
}

static int read_data(struct walk *walk, genops_str data)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	walk->is_delta = walk->is_monotonic = false;
	genops_wire_reader_init(&in, data, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) { /* in whichever order */
		if (field.number == 2 && field.type == GENOPS_WIRE_VARINT)
			walk->is_delta = field.value == TEMPORALITY_DELTA;
		if (field.number == 3 && field.type == GENOPS_WIRE_VARINT)
			walk->is_monotonic = field.value;
	}
	genops_wire_reader_init(&in, data, 0);
	while (code >= 0 && (code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 1 && field.type == GENOPS_WIRE_BYTES)
			GENOPS_TRY(read_point(walk, field.bytes));
	}
	return code < 0 ? GENOPS_CORRUPT : GENOPS_OK;
}

static int read_metric(struct walk *walk, genops_str message)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_str name = {0}, data = {0};
	int code;
	walk->unit = (genops_str){"", 0};
	walk->kind = 0;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.type != GENOPS_WIRE_BYTES)
			continue;
		if (field.number == 1)
			name = field.bytes;
		else if (field.number == 3 && field.bytes.len <= 100 && !genops_str_is(field.bytes, "1"))
			walk->unit = field.bytes;
		else if (field.number == GAUGE || field.number == SUM || field.number == HISTOGRAM || field.number == EXPONENTIAL || field.number == SUMMARY) {
			walk->kind = field.number;
			data = field.bytes;
		}
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	set_name(walk, name);
	return walk->kind ? read_data(walk, data) : GENOPS_OK;
}

int genops_datadog_points_add(const struct genops_datadog_points *points, genops_str request, struct genops_error *err)
{
	struct walk walk = {.points = points, .err = err};
	struct genops_otlp_reader reader;
	genops_str metric;
	int code = GENOPS_OK, next = 0;
	genops_buffer_init(&walk.resource_tags, TAGS_MAX);
	genops_buffer_init(&walk.tags, TAGS_MAX);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_METRICS, request);
	while (code == GENOPS_OK && (next = genops_otlp_reader_next(&reader, &metric)) > 0) {
		if (walk.n_resource != reader.resource.n_resource)
			code = read_resource(&walk, &reader.resource);
		if (code == GENOPS_OK)
			code = read_metric(&walk, metric);
	}
	genops_buffer_done(&walk.resource_tags);
	genops_buffer_done(&walk.tags);
	code = code == GENOPS_OK && next < 0 ? next : code;
	if (code == GENOPS_CORRUPT)
		return genops_fail(err, code, "metrics cannot be read");
	return code;
}
