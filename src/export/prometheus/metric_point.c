/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_point.c - see metric_point.h. */
#include "export/prometheus/metric_point.h"

#include "base/str.h"
#include "export/prometheus/metric_label.h"
#include "telemetry/otlp/otlp_span.h"

#define TEMPORALITY_DELTA 1
#define NO_RECORDED_VALUE 1 /* of a point's flags */

struct walk {
	const struct genops_metric_rules *rules;
	struct genops_arena *arena;
	genops_metric_point_fn *fn;
	void *arg;
	struct genops_metric_refusal *refusal;
	struct genops_metric_label_set resource; /* of what the reader is in now */
	unsigned n_resource, n_scope;
	struct genops_metric_point point; /* the metric's part is filled */
};

/* Where the kinds of points have what they have in common. */
enum { POINT_NUMBER, POINT_HISTOGRAM, POINT_SUMMARY };
static const struct {
	uint32_t attributes, flags;
} layouts[] = {{7, 8}, {9, 10}, {7, 8}};

static void refuse(struct walk *walk, const char *why)
{
	if (!walk->refusal->n++)
		walk->refusal->why = why;
}

/* Packed or one by one: both are allowed. Returns 1, or CORRUPT, or NOMEM. */
static int add_number(const struct genops_wire_field *field, uint64_t *list, size_t max, size_t *n)
{
	struct genops_wire_reader in;
	int code;
	if (field->type == GENOPS_WIRE_FIXED64) {
		if (*n < max)
			list[*n] = field->value;
		++*n;
		return 1;
	}
	if (field->type != GENOPS_WIRE_BYTES)
		return GENOPS_CORRUPT;
	genops_wire_reader_init(&in, field->bytes, 0);
	uint64_t value;
	while ((code = genops_wire_next_fixed64(&in, &value)) > 0) {
		if (*n < max)
			list[*n] = value;
		++*n;
	}
	return code < 0 ? GENOPS_CORRUPT : 1;
}

struct raw { /* a point as it is read */
	size_t n_counts, n_bounds, n_quantiles;
	uint64_t counts[GENOPS_METRIC_BOUNDS_MAX + 1], bounds[GENOPS_METRIC_BOUNDS_MAX];
	double quantiles[GENOPS_METRIC_BOUNDS_MAX], values[GENOPS_METRIC_BOUNDS_MAX];
	uint64_t flags;
};

static int add_quantile(genops_str message, struct raw *raw)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	double pair[2] = {0, 0};
	int code;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if ((field.number == 1 || field.number == 2) && field.type == GENOPS_WIRE_FIXED64)
			pair[field.number - 1] = genops_wire_double(field.value);
	}
	if (raw->n_quantiles < GENOPS_METRIC_BOUNDS_MAX) {
		raw->quantiles[raw->n_quantiles] = pair[0];
		raw->values[raw->n_quantiles] = pair[1];
	}
	raw->n_quantiles++;
	return code < 0 ? GENOPS_CORRUPT : 1;
}

/* Fields that only one kind of point has. */
static int read_value(int layout, const struct genops_wire_field *field, struct genops_metric_value *value, struct raw *raw)
{
	if (layout == POINT_NUMBER) {
		if (field->number == 4 && field->type == GENOPS_WIRE_FIXED64)
			value->number = genops_wire_double(field->value);
		else if (field->number == 6 && field->type == GENOPS_WIRE_FIXED64)
			value->number = (double)(int64_t)field->value;
		return 1;
	}
	if (field->number == 4 && field->type == GENOPS_WIRE_FIXED64) {
		value->count = field->value;
	} else if (field->number == 5 && field->type == GENOPS_WIRE_FIXED64) {
		value->sum = genops_wire_double(field->value);
		value->has_sum = true;
	} else if (layout == POINT_HISTOGRAM && field->number == 6) {
		return add_number(field, raw->counts, GENOPS_METRIC_BOUNDS_MAX + 1, &raw->n_counts);
	} else if (layout == POINT_HISTOGRAM && field->number == 7) {
		return add_number(field, raw->bounds, GENOPS_METRIC_BOUNDS_MAX, &raw->n_bounds);
	} else if (layout == POINT_SUMMARY && field->number == 6 && field->type == GENOPS_WIRE_BYTES) {
		return add_quantile(field->bytes, raw);
	}
	return 1;
}

static void *keep(struct genops_arena *arena, const void *from, size_t size)
{
	void *to = genops_arena_alloc(arena, size ? size : 1);
	if (to && size)
		memcpy(to, from, size);
	return to;
}

/* NULL: it is right. */
static const char *fault_of(int layout, const struct raw *raw)
{
	if (raw->n_bounds > GENOPS_METRIC_BOUNDS_MAX || raw->n_counts > GENOPS_METRIC_BOUNDS_MAX + 1 || raw->n_quantiles > GENOPS_METRIC_BOUNDS_MAX)
		return "a histogram has more than 256 buckets, or a summary as many quantiles";
	if (layout == POINT_HISTOGRAM && raw->n_counts && raw->n_counts != raw->n_bounds + 1)
		return "a histogram has not one bucket more than bounds";
	for (size_t i = 1; i < raw->n_bounds; i++) {
		if (!(genops_wire_double(raw->bounds[i - 1]) < genops_wire_double(raw->bounds[i])))
			return "a histogram's bounds do not rise";
	}
	return NULL;
}

static int keep_value(struct walk *walk, int layout, struct raw *raw)
{
	struct genops_metric_value *value = &walk->point.value;
	if (layout == POINT_NUMBER)
		return GENOPS_OK;
	if (layout == POINT_SUMMARY) {
		value->n = raw->n_quantiles;
		value->bounds = keep(walk->arena, raw->quantiles, value->n * sizeof *raw->quantiles);
		value->quantile_values = keep(walk->arena, raw->values, value->n * sizeof *raw->values);
		return value->bounds && value->quantile_values ? GENOPS_OK : GENOPS_LIMIT;
	}
	if (!raw->n_counts) /* only count and sum are known */
		raw->counts[raw->n_bounds = 0] = value->count;
	/* Prometheus has +Inf equal to the count. */
	value->count = 0;
	for (size_t i = 0; i <= raw->n_bounds; i++)
		value->count += raw->counts[i];
	/* The last bound may be +Inf itself: then there is nothing above it. */
	value->n = raw->n_bounds;
	value->bounds = keep(walk->arena, raw->bounds, value->n * sizeof *raw->bounds);
	value->counts = keep(walk->arena, raw->counts, (value->n + 1) * sizeof *raw->counts);
	return value->bounds && value->counts ? GENOPS_OK : GENOPS_LIMIT;
}

static int read_point(struct walk *walk, int layout, genops_str message)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	struct raw raw;
	struct genops_metric_point *point = &walk->point;
	int code;
	raw.n_counts = raw.n_bounds = raw.n_quantiles = 0;
	raw.flags = 0;
	point->value = (struct genops_metric_value){0};
	point->start_unix_ns = point->time_unix_ns = 0;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 2 && field.type == GENOPS_WIRE_FIXED64)
			point->start_unix_ns = field.value;
		else if (field.number == 3 && field.type == GENOPS_WIRE_FIXED64)
			point->time_unix_ns = field.value;
		else if (field.number == layouts[layout].flags && field.type == GENOPS_WIRE_VARINT)
			raw.flags = field.value;
		else if ((code = read_value(layout, &field, &point->value, &raw)) < 0)
			return code;
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	const char *fault = fault_of(layout, &raw);
	if (fault) {
		refuse(walk, fault);
		return GENOPS_OK;
	}
	point->is_gone = raw.flags & NO_RECORDED_VALUE;
	GENOPS_TRY(keep_value(walk, layout, &raw));
	GENOPS_TRY(genops_metric_label_set_point(
	    &walk->resource, message, layouts[layout].attributes, walk->arena, &point->labels, &point->n_labels));
	return walk->fn(walk->arg, point);
}

/* Gauge, Sum, Histogram, Summary: points are field 1, temporality 2, is_monotonic 3. */
static int read_data(struct walk *walk, int layout, genops_str data)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	genops_wire_reader_init(&in, data, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 1 && field.type == GENOPS_WIRE_BYTES)
			GENOPS_TRY(read_point(walk, layout, field.bytes));
	}
	return code < 0 ? GENOPS_CORRUPT : GENOPS_OK;
}

struct metric {
	genops_str name, help, unit, data;
	uint32_t number; /* of the data's field; 0: none */
	uint64_t temporality;
	bool is_monotonic;
};

static int read_metric(genops_str message, struct metric *metric)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	int code;
	genops_wire_reader_init(&in, message, 0);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		if (field.type != GENOPS_WIRE_BYTES)
			continue;
		if (field.number <= 3)
			*(field.number == 1 ? &metric->name : field.number == 2 ? &metric->help : &metric->unit) = field.bytes;
		else if (field.number == 5 || field.number == 7 || (field.number >= 9 && field.number <= 11)) {
			metric->number = field.number;
			metric->data = field.bytes;
		}
	}
	genops_wire_reader_init(&in, metric->data, 0);
	while (code >= 0 && (code = genops_wire_next(&in, &field)) > 0) {
		if (field.number == 2 && field.type == GENOPS_WIRE_VARINT)
			metric->temporality = field.value;
		if (field.number == 3 && field.type == GENOPS_WIRE_VARINT)
			metric->is_monotonic = field.value;
	}
	return code < 0 ? GENOPS_CORRUPT : GENOPS_OK;
}

static int name_metric(struct walk *walk, const struct metric *metric)
{
	struct genops_buffer name;
	genops_buffer_init(&name, 2048);
	genops_metric_name_write(metric->name, metric->unit, walk->point.kind, walk->rules->has_suffixes, &name);
	bool is_fine = genops_arena_dup(walk->arena, name.error ? (genops_str){0} : genops_buffer_view(&name), &walk->point.family);
	genops_buffer_done(&name);
	return is_fine ? GENOPS_OK : GENOPS_LIMIT;
}

static int walk_metric(struct walk *walk, genops_str message)
{
	struct metric metric = {0};
	GENOPS_TRY(read_metric(message, &metric));
	walk->point = (struct genops_metric_point){.help = metric.help, .is_delta = metric.temporality == TEMPORALITY_DELTA};
	int layout = metric.number == 9 ? POINT_HISTOGRAM : metric.number == 11 ? POINT_SUMMARY : POINT_NUMBER;
	walk->point.kind = metric.number == 7 && metric.is_monotonic ? GENOPS_METRIC_COUNTER
	    : metric.number == 9				     ? GENOPS_METRIC_HISTOGRAM
	    : metric.number == 11				     ? GENOPS_METRIC_SUMMARY
								     : GENOPS_METRIC_GAUGE;
	if (!metric.number)
		return GENOPS_OK;
	if (metric.number == 10) {
		refuse(walk, "exponential histograms are not taken: have the SDK use explicit buckets");
		return GENOPS_OK;
	}
	if (metric.number == 7 && !metric.is_monotonic && walk->point.is_delta) {
		refuse(walk, "a sum that goes up and down cannot be a delta: have the SDK send it cumulative");
		return GENOPS_OK;
	}
	GENOPS_TRY(name_metric(walk, &metric));
	if (!walk->point.family.len) {
		refuse(walk, "a metric's name has no letter");
		return GENOPS_OK;
	}
	return read_data(walk, layout, metric.data);
}

int genops_metric_points_each(genops_str request, const struct genops_metric_rules *rules, struct genops_arena *arena,
    genops_metric_point_fn *fn, void *arg, struct genops_metric_refusal *refusal)
{
	struct walk walk = {.rules = rules, .arena = arena, .fn = fn, .arg = arg, .refusal = refusal};
	struct genops_otlp_reader reader;
	genops_str item;
	int code;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_METRICS, request);
	while ((code = genops_otlp_reader_next(&reader, &item)) > 0) {
		if (walk.n_resource != reader.resource.n_resource || walk.n_scope != reader.resource.n_scope) {
			GENOPS_TRY(genops_metric_label_set_resource(&walk.resource, &reader.resource, rules, arena));
			walk.n_resource = reader.resource.n_resource;
			walk.n_scope = reader.resource.n_scope;
		}
		GENOPS_TRY(walk_metric(&walk, item));
	}
	return code < 0 ? GENOPS_CORRUPT : GENOPS_OK;
}
