/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_point.h - the data points of an OTLP metrics request, as Prometheus sees them: a family, labels, values.
 *
 * Everything lives in the request or in the arena. Pure. */
#ifndef EXPORT_METRIC_POINT_H
#define EXPORT_METRIC_POINT_H

#include "base/arena.h"
#include "base/error.h"
#include "export/prometheus/metric_name.h"

#define GENOPS_METRIC_BOUNDS_MAX 256 /* of a histogram, quantiles of a summary */
#define GENOPS_METRIC_LABELS_MAX 128

struct genops_metric_label {
	genops_str name, value;
};

/* One histogram or summary; else only `number`. */
struct genops_metric_value {
	double number;
	double sum;
	bool has_sum;
	uint64_t count;
	size_t n;                     /* bounds, or quantiles */
	const double *bounds;         /* ascending; or the quantiles */
	const uint64_t *counts;       /* HISTOGRAM: n + 1, each bucket by itself, the last above all bounds */
	const double *quantile_values; /* SUMMARY: n */
};

struct genops_metric_point {
	genops_str family, help;
	enum genops_metric_kind kind;
	bool is_delta;                /* counts since start_unix_ns, not since for ever */
	bool is_gone;                 /* no recorded value: the series ends */
	uint64_t start_unix_ns, time_unix_ns;
	size_t n_labels;
	const struct genops_metric_label *labels; /* sorted by name, each once, none empty */
	struct genops_metric_value value;
};

struct genops_metric_rules {
	bool has_suffixes;            /* units and _total */
	bool has_scope;               /* otel_scope_name, otel_scope_version */
	bool has_resource;            /* every attribute of the resource, not job and instance only */
};

/* What could not be made a point. */
struct genops_metric_refusal {
	int64_t n;
	const char *why;              /* the first one's; static */
};

/* Calls fn for each point, in the request's order, until it returns an error. `arena` is taken from, never reset. What fn returned; NOMEM,
 * LIMIT (the arena is full), CORRUPT. */
typedef int genops_metric_point_fn(void *arg, const struct genops_metric_point *point);
GENOPS_NODISCARD int genops_metric_points_each(genops_str request, const struct genops_metric_rules *rules, struct genops_arena *arena,
    genops_metric_point_fn *fn, void *arg, struct genops_metric_refusal *refusal);

/* What a value is in Prometheus' own words: one call a sample. `suffix` "_bucket" and so on, `label` "le", "quantile" or "" with its text. */
typedef void genops_metric_sample_fn(void *arg, const char *suffix, const char *label, genops_str text, double value);
void genops_metric_samples_each(
    enum genops_metric_kind kind, const struct genops_metric_value *value, genops_metric_sample_fn *fn, void *arg);

/* A value as both wires read it: 17, 0.25, +Inf, NaN. Returns a view of `out`. */
#define GENOPS_METRIC_NUMBER_MAX 64
genops_str genops_metric_number_text(double value, char out[GENOPS_METRIC_NUMBER_MAX]);

/* Sorts, joins values of equal names with ";", leaves out what is empty. In place. Returns how many are left. NOMEM: SIZE_MAX. */
size_t genops_metric_labels_tidy(struct genops_metric_label *labels, size_t n, struct genops_arena *arena);

#endif
