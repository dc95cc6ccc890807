/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/event_metrics.c - see event_metrics.h. */
#include "export/prometheus/event_metrics.h"

#include "base/str.h"
#include "pipeline/number_text.h"

#include <math.h>
#include <stdlib.h>

#define TEXT_MAX   ((size_t)64 << 10)
#define RENDERED_MAX ((size_t)16 << 20) /* before it is cut: as much as an event may have */
#define LABEL_MAX  1024   /* bytes of a value */
#define EXACT_MAX  4e6    /* below it a double tells 1e-9 apart */
#define SCALE_MAX  1e6

struct taking {
	const struct genops_event_metrics *metrics;
	struct genops_event_template_run *run;
	struct genops_buffer text, labels;
	struct genops_metric_label list[GENOPS_METRIC_LABELS_MAX], common[GENOPS_METRIC_LABELS_MAX];
	size_t n, n_common;
	double weight;
	int64_t now_unix_ns;
};

/* What a template says of the event, trimmed, in the run's arena; empty: nothing. */
static int render(struct taking *taking, const struct genops_template *template, genops_str *ret_text, struct genops_error *err)
{
	*ret_text = (genops_str){0};
	if (!genops_event_template_is_about(template, taking->run->event))
		return GENOPS_OK;
	genops_buffer_clear(&taking->text);
	GENOPS_TRY(genops_event_template_render(taking->run, template, &taking->text, err));
	genops_str text = genops_str_trim(genops_buffer_view(&taking->text));
	if (text.len > LABEL_MAX) {
		text.len = LABEL_MAX;
		while (text.len && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80)
			text.len--;
	}
	return genops_arena_dup(&taking->run->arena, text, ret_text) ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for labels");
}

static int add_labels(struct taking *taking, const struct genops_event_metric_label *labels, size_t n, struct genops_error *err)
{
	for (size_t i = 0; i < n && taking->n < GENOPS_METRIC_LABELS_MAX; i++) {
		struct genops_metric_label *label = &taking->list[taking->n];
		label->name = labels[i].name;
		GENOPS_TRY(render(taking, labels[i].value, &label->value, err));
		taking->n += label->value.len > 0;
	}
	return GENOPS_OK;
}

/* NaN: the event says nothing of it. */
static int evaluate(struct taking *taking, const struct genops_template *template, double *ret_value, struct genops_error *err)
{
	genops_str text;
	GENOPS_TRY(render(taking, template, &text, err));
	*ret_value = genops_str_is(text, "true") ? 1 : genops_str_is(text, "false") ? 0 : text.len ? genops_number_from_text(text) : NAN;
	return GENOPS_OK;
}

static double weight_of(const struct genops_event_metrics *metrics, struct genops_value event)
{
	struct genops_value_key key = genops_value_key_of(GENOPS_STR("sampled"));
	const struct genops_value *value =
	    metrics->is_scaled && event.type == GENOPS_VALUE_OBJECT ? genops_value_object_get(event.as.object, &key) : NULL;
	if (!value || value->type != GENOPS_VALUE_NUMBER || !(value->as.number >= 1) || value->as.number > SCALE_MAX)
		return 1;
	return value->as.number;
}

/* Sums of decimals stay decimals. */
static double sum_of(double a, double b)
{
	double sum = a + b;
	return fabs(sum) < EXACT_MAX ? (double)llrint(sum * 1e9) / 1e9 : sum;
}

static int observe(struct genops_metric_store *store, struct genops_metric_store_series *series, const struct genops_event_metric *metric, double number, double weight)
{
	struct genops_metric_value *value = &series->value;
	uint64_t n = (uint64_t)llrint(weight);
	if (!value->counts || value->n != metric->n_bounds ||
	    (value->n && memcmp(value->bounds, metric->bounds, value->n * sizeof *metric->bounds) != 0)) {
		if (!genops_metric_store_make_room(store, series, metric->n_bounds))
			return GENOPS_OK;
		double *bounds = malloc((metric->n_bounds + 1) * sizeof *bounds);
		uint64_t *counts = calloc(metric->n_bounds + 1, sizeof *counts);
		if (!bounds || !counts) {
			free(bounds);
			free(counts);
			return GENOPS_NOMEM;
		}
		memcpy(bounds, metric->bounds, metric->n_bounds * sizeof *bounds);
		free((void *)(uintptr_t)value->bounds);
		free((void *)(uintptr_t)value->counts);
		*value = (struct genops_metric_value){.n = metric->n_bounds, .bounds = bounds, .counts = counts, .has_sum = true};
	}
	size_t at = 0;
	while (at < value->n && number > value->bounds[at])
		at++;
	((uint64_t *)(uintptr_t)value->counts)[at] += n;
	value->count += n;
	value->sum = sum_of(value->sum, number * (double)n);
	return GENOPS_OK;
}

static int add(struct taking *taking, const struct genops_event_metric *metric, double number, struct genops_metric_store *store,
    struct genops_error *err)
{
	int64_t n_refused = store->n_refused;
	size_t n = genops_metric_labels_tidy(taking->list, taking->n, &taking->run->arena);
	genops_buffer_clear(&taking->labels);
	if (n != SIZE_MAX)
		genops_metric_store_labels(taking->list, n, &taking->labels);
	struct genops_metric_store_series *series = n == SIZE_MAX || taking->labels.error
	    ? NULL
	    : genops_metric_store_find(store, metric->name, metric->help, metric->kind, genops_buffer_view(&taking->labels));
	if (!series && store->n_refused != n_refused)
		return GENOPS_OK; /* counted */
	int code = series ? GENOPS_OK : GENOPS_NOMEM;
	if (series && metric->kind == GENOPS_METRIC_HISTOGRAM)
		code = observe(store, series, metric, number, taking->weight);
	else if (series && metric->kind == GENOPS_METRIC_COUNTER)
		series->value.number = sum_of(series->value.number, number * taking->weight);
	else if (series)
		series->value.number = number;
	if (code != GENOPS_OK)
		return genops_fail(err, code, "no memory for a series");
	series->arrived_unix_ns = taking->now_unix_ns;
	series->mark = 1;
	return GENOPS_OK;
}

static int take(struct taking *taking, const struct genops_destination_item *item, struct genops_metric_store *store, struct genops_error *err)
{
	const struct genops_event_metrics *metrics = taking->metrics;
	GENOPS_TRY(genops_event_template_run_begin(taking->run, item, err));
	taking->weight = weight_of(metrics, taking->run->event);
	taking->n = 0;
	GENOPS_TRY(add_labels(taking, metrics->labels, metrics->n_labels, err));
	taking->n_common = taking->n;
	memcpy(taking->common, taking->list, taking->n * sizeof *taking->list);
	for (size_t i = 0; i < metrics->n_metrics; i++) {
		const struct genops_event_metric *metric = &metrics->metrics[i];
		double number;
		GENOPS_TRY(evaluate(taking, metric->value, &number, err));
		/* A counter cannot fall; one that nothing is added to need not exist. */
		if (!isfinite(number) || (metric->kind == GENOPS_METRIC_COUNTER && !(number > 0)))
			continue;
		taking->n = taking->n_common; /* tidying puts them into another order */
		memcpy(taking->list, taking->common, taking->n * sizeof *taking->list);
		GENOPS_TRY(add_labels(taking, metric->labels, metric->n_labels, err));
		GENOPS_TRY(add(taking, metric, number, store, err));
	}
	return GENOPS_OK;
}

int genops_event_metrics_take(const struct genops_event_metrics *metrics, struct genops_event_template_run *run,
    const struct genops_destination_item *item, struct genops_metric_store *store, int64_t now_unix_ns, struct genops_error *err)
{
	struct taking *taking = calloc(1, sizeof *taking);
	if (!taking)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an event");
	taking->metrics = metrics;
	taking->run = run;
	taking->now_unix_ns = now_unix_ns;
	genops_buffer_init(&taking->text, RENDERED_MAX);
	genops_buffer_init(&taking->labels, TEXT_MAX);
	int code = take(taking, item, store, err);
	genops_buffer_done(&taking->text);
	genops_buffer_done(&taking->labels);
	free(taking);
	return code;
}
