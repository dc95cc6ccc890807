/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_label.c - see metric_label.h; and what values are as texts. */
#include "export/prometheus/metric_label.h"

#include "base/str.h"
#include "pipeline/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define VALUE_MAX 1024 /* bytes of a label's value */

genops_str genops_metric_number_text(double value, char out[GENOPS_METRIC_NUMBER_MAX])
{
	char text[GENOPS_NUMBER_TEXT_MAX];
	if (isnan(value))
		return GENOPS_STR("NaN");
	if (isinf(value))
		return value < 0 ? GENOPS_STR("-Inf") : GENOPS_STR("+Inf");
	genops_str shortest = genops_number_to_text(value, text);
	size_t len = shortest.len < GENOPS_METRIC_NUMBER_MAX ? shortest.len : GENOPS_METRIC_NUMBER_MAX - 1;
	memcpy(out, shortest.ptr, len);
	return (genops_str){out, len};
}

static genops_str text_of(const struct genops_otlp_value *value, struct genops_arena *arena)
{
	char text[GENOPS_METRIC_NUMBER_MAX];
	genops_str out = {0};
	switch (value->type) {
	case GENOPS_OTLP_STRING:
		out = value->bytes;
		break;
	case GENOPS_OTLP_BOOL:
		return value->integer ? GENOPS_STR("true") : GENOPS_STR("false");
	case GENOPS_OTLP_INT:
		out = (genops_str){text, (size_t)snprintf(text, sizeof text, "%" PRId64, value->integer)};
		break;
	case GENOPS_OTLP_DOUBLE:
		out = genops_metric_number_text(value->number, text);
		break;
	default:
		return out; /* lists, maps and bytes are no labels */
	}
	if (out.len > VALUE_MAX) {
		out.len = VALUE_MAX;
		while (out.len && ((unsigned char)out.ptr[out.len] & 0xC0) == 0x80)
			out.len--;
	}
	genops_str kept = {0};
	return genops_arena_dup(arena, out, &kept) ? kept : (genops_str){0};
}

static int compare(const void *a, const void *b)
{
	const struct genops_metric_label *x = a, *y = b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = memcmp(x->name.ptr, y->name.ptr, len);
	if (order)
		return order;
	if (x->name.len != y->name.len)
		return x->name.len < y->name.len ? -1 : 1;
	return (x->value.len > y->value.len) - (x->value.len < y->value.len);
}

static bool join(struct genops_metric_label *label, genops_str more, struct genops_arena *arena)
{
	char *text = genops_arena_take(arena, label->value.len + more.len + 1);
	if (!text)
		return false;
	memcpy(text, label->value.ptr, label->value.len);
	text[label->value.len] = ';';
	memcpy(text + label->value.len + 1, more.ptr, more.len);
	label->value = (genops_str){text, label->value.len + more.len + 1};
	return true;
}

size_t genops_metric_labels_tidy(struct genops_metric_label *labels, size_t n, struct genops_arena *arena)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (labels[i].name.len && labels[i].value.len)
			labels[kept++] = labels[i];
	}
	n = kept;
	kept = 0;
	if (n > 1)
		qsort(labels, n, sizeof *labels, compare);
	for (size_t i = 0; i < n; i++) {
		if (kept && genops_str_equal(labels[kept - 1].name, labels[i].name)) {
			if (!join(&labels[kept - 1], labels[i].value, arena))
				return SIZE_MAX;
			continue;
		}
		labels[kept++] = labels[i];
	}
	return kept;
}

static bool name_label(genops_str name, struct genops_arena *arena, genops_str *ret_name)
{
	struct genops_buffer text;
	genops_buffer_init(&text, 1024);
	genops_metric_label_write(name, &text);
	bool is_fine = genops_arena_dup(arena, text.error ? (genops_str){0} : genops_buffer_view(&text), ret_name);
	genops_buffer_done(&text);
	return is_fine;
}

static void put(struct genops_metric_label_set *set, const char *name, genops_str value)
{
	if (value.len && set->n < GENOPS_METRIC_LABELS_MAX)
		set->labels[set->n++] = (struct genops_metric_label){genops_str_of(name), value};
}

/* Attributes of a message behind what is in the list. */
static int add_attributes(genops_str message, uint32_t number, struct genops_arena *arena, struct genops_metric_label *labels, size_t *n)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	int code;
	genops_otlp_attributes_init(&attributes, message, number);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0) {
		if (*n == GENOPS_METRIC_LABELS_MAX)
			continue;
		if (!name_label(attribute.key, arena, &labels[*n].name))
			return GENOPS_LIMIT;
		labels[*n].value = text_of(&attribute.value, arena);
		/* What this service and Prometheus give themselves. */
		bool is_taken = genops_str_starts(labels[*n].name, GENOPS_STR("__")) || genops_str_is(labels[*n].name, "le") ||
		    genops_str_is(labels[*n].name, "quantile");
		*n += !is_taken;
	}
	return code < 0 ? GENOPS_CORRUPT : GENOPS_OK;
}

int genops_metric_label_set_resource(struct genops_metric_label_set *set, const struct genops_otlp_resource *resource,
    const struct genops_metric_rules *rules, struct genops_arena *arena)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	genops_str name = {0}, space = {0}, instance = {0};
	struct genops_metric_label job = {.value = {0}};
	int code;
	set->n = 0;
	genops_otlp_attributes_init(&attributes, resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0) {
		genops_str *to = genops_str_is(attribute.key, "service.name") ? &name
		    : genops_str_is(attribute.key, "service.namespace")	  ? &space
		    : genops_str_is(attribute.key, "service.instance.id") ? &instance
									  : NULL;
		if (to)
			*to = text_of(&attribute.value, arena);
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	job.value = name;
	if (name.len && space.len) {
		char *text = genops_arena_take(arena, name.len + space.len + 1);
		if (!text)
			return GENOPS_LIMIT;
		memcpy(text, space.ptr, space.len);
		text[space.len] = '/';
		memcpy(text + space.len + 1, name.ptr, name.len);
		job.value = (genops_str){text, name.len + space.len + 1};
	}
	put(set, "job", job.value);
	put(set, "instance", instance);
	if (rules->has_scope) {
		genops_str scope, version;
		if (!genops_arena_dup(arena, resource->scope_name, &scope) || !genops_arena_dup(arena, resource->scope_version, &version))
			return GENOPS_LIMIT;
		put(set, "otel_scope_name", scope);
		put(set, "otel_scope_version", version);
	}
	if (rules->has_resource)
		return add_attributes(resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, arena, set->labels, &set->n);
	return GENOPS_OK;
}

/* A point's own label beats the resource's of that name. */
static size_t without_overruled(struct genops_metric_label *labels, size_t n_set, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_overruled = false;
		for (size_t j = n_set; i < n_set && j < n; j++)
			is_overruled |= genops_str_equal(labels[i].name, labels[j].name);
		if (!is_overruled)
			labels[kept++] = labels[i];
	}
	return kept;
}

int genops_metric_label_set_point(const struct genops_metric_label_set *set, genops_str message, uint32_t number,
    struct genops_arena *arena, const struct genops_metric_label **ret_labels, size_t *ret_n)
{
	struct genops_metric_label labels[GENOPS_METRIC_LABELS_MAX];
	size_t n = set->n;
	memcpy(labels, set->labels, n * sizeof *labels);
	GENOPS_TRY(add_attributes(message, number, arena, labels, &n));
	n = genops_metric_labels_tidy(labels, without_overruled(labels, set->n, n), arena);
	struct genops_metric_label *kept = n == SIZE_MAX ? NULL : genops_arena_take(arena, (n + 1) * sizeof *kept);
	if (!kept)
		return GENOPS_LIMIT;
	memcpy(kept, labels, n * sizeof *kept);
	*ret_labels = kept;
	*ret_n = n;
	return GENOPS_OK;
}

void genops_metric_samples_each(enum genops_metric_kind kind, const struct genops_metric_value *value, genops_metric_sample_fn *fn, void *arg)
{
	char text[GENOPS_METRIC_NUMBER_MAX];
	uint64_t below = 0;
	if (kind != GENOPS_METRIC_HISTOGRAM && kind != GENOPS_METRIC_SUMMARY) {
		fn(arg, "", "", (genops_str){0}, value->number);
		return;
	}
	for (size_t i = 0; i < value->n; i++) {
		genops_str bound = genops_metric_number_text(value->bounds[i], text);
		if (kind == GENOPS_METRIC_SUMMARY)
			fn(arg, "", "quantile", bound, value->quantile_values[i]);
		else if (!isinf(value->bounds[i])) {
			below += value->counts[i];
			fn(arg, "_bucket", "le", bound, (double)below);
		}
	}
	if (kind == GENOPS_METRIC_HISTOGRAM)
		fn(arg, "_bucket", "le", GENOPS_STR("+Inf"), (double)value->count);
	if (value->has_sum)
		fn(arg, "_sum", "", (genops_str){0}, value->sum);
	fn(arg, "_count", "", (genops_str){0}, (double)value->count);
}
