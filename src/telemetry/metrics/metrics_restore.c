/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/metrics_restore.c - counters out of an exposition that genops_metrics_expose wrote (metrics.h). Labels are taken as they stand,
 * so that a series is found again by the same text. */
#include "base/str.h"
#include "telemetry/metrics/exposition_text.h"
#include "telemetry/metrics/metrics_state.h"

#include <stdio.h>

enum type { COUNTER, GAUGE, HISTOGRAM, UNTYPED };
enum unit { COUNT, NANO_USD, NANO_S, RATIO };

static const struct {
	const char *name;
	enum type type;
	enum unit unit;
} families[GENOPS_METRIC_N] = {
#define X(symbol, name, type, unit, labels, text) {name, type, unit},
    GENOPS_METRIC_FAMILIES(X)
#undef X
};

/* "12.5" as 12500000000; exact, as it was written. False: it is no such number. */
static bool read_nano(genops_str text, int64_t *ret_nano)
{
	int64_t whole, part = 0, scale = 100000000;
	genops_str rest = text;
	if (!genops_str_to_int(genops_str_split(&rest, '.'), &whole) || whole < 0 || rest.len > 9)
		return false;
	for (size_t i = 0; i < rest.len; i++, scale /= 10) {
		if (rest.ptr[i] < '0' || rest.ptr[i] > '9')
			return false;
		part += (rest.ptr[i] - '0') * scale;
	}
	return !__builtin_mul_overflow(whole, INT64_C(1000000000), ret_nano) && !__builtin_add_overflow(*ret_nano, part, ret_nano);
}

static struct genops_series *find(struct genops_metrics *metrics, size_t family, genops_str labels)
{
	genops_buffer_clear(&metrics->labels);
	genops_buffer_add(&metrics->labels, labels);
	return genops_series_find(&metrics->table, (enum genops_metric_family)family, &metrics->labels);
}

static void restore_number(struct genops_metrics *metrics, size_t family, genops_str labels, genops_str value)
{
	int64_t number;
	bool is_read = families[family].unit == COUNT ? genops_str_to_int(value, &number) && number >= 0 : read_nano(value, &number);
	struct genops_series *series = is_read ? find(metrics, family, labels) : NULL;
	if (series)
		series->value = number;
}

/* le stands last. The bucket's place among the bounds; SIZE_MAX: none of them. */
static size_t split_bound(genops_str *labels)
{
#define X(ms, seconds) seconds,
	static const char *const bounds[] = {GENOPS_DURATION_BUCKETS(X) "+Inf"};
#undef X
	for (size_t i = 0; i <= GENOPS_DURATION_BOUNDS; i++) {
		char text[32];
		size_t len = (size_t)snprintf(text, sizeof text, "le=\"%s\"", bounds[i]);
		if (!genops_str_ends(*labels, (genops_str){text, len}))
			continue;
		labels->len -= len;
		labels->len -= labels->len > 0; /* its comma */
		return i;
	}
	return SIZE_MAX;
}

/* Buckets rise from line to line: each is what it has beyond the one before. */
static void restore_histogram(struct genops_metrics *metrics, size_t family, genops_str suffix, genops_str labels, genops_str value)
{
	int64_t number = 0;
	bool is_bucket = genops_str_is(suffix, "_bucket");
	size_t at = is_bucket ? split_bound(&labels) : 0;
	if (at == SIZE_MAX || !(is_bucket ? genops_str_to_int(value, &number) : genops_str_is(suffix, "_sum") && read_nano(value, &number)) || number < 0)
		return;
	struct genops_series *series = find(metrics, family, labels);
	if (!series || !series->buckets)
		return;
	if (!is_bucket) {
		series->buckets->sum_ns = (uint64_t)number;
		return;
	}
	uint64_t below = 0;
	for (size_t i = 0; i < at; i++)
		below += series->buckets->counts[i];
	series->buckets->counts[at] = (uint64_t)number >= below ? (uint64_t)number - below : 0;
}

static void restore_self(struct genops_metrics *metrics, genops_str name, genops_str labels, genops_str value)
{
	char name_text[128], label_text[512];
	double number;
	bool is_other = genops_str_is(name, families[GENOPS_METRIC_SELF_OTHER].name);
	if (!genops_str_to_double(value, &number) || !(number >= 0) || name.len >= sizeof name_text || labels.len >= sizeof label_text)
		return;
	if (is_other)
		metrics->table.n_other = (uint64_t)number;
	if (is_other || !genops_str_ends(name, GENOPS_STR("_total")))
		return;
	snprintf(name_text, sizeof name_text, "%.*s", GENOPS_STR_ARG(name));
	snprintf(label_text, sizeof label_text, "%.*s", GENOPS_STR_ARG(labels));
	genops_metrics_set(metrics, name_text, label_text, number);
	for (size_t i = 0; i < metrics->n_self; i++) {
		if (!strcmp(metrics->self[i].name, name_text) && !strcmp(metrics->self[i].labels, label_text))
			metrics->self[i].before = number;
	}
}

static void restore_line(struct genops_metrics *metrics, genops_str line)
{
	size_t len = genops_exposition_series_len(line), open = genops_str_find_char((genops_str){line.ptr, len}, '{');
	genops_str name = {line.ptr, open == SIZE_MAX ? len : open}, labels = {0}, value = genops_str_skip(line, len + 1);
	if (open != SIZE_MAX && len >= open + 2)
		labels = (genops_str){line.ptr + open + 1, len - open - 2};
	for (size_t i = 0; i < GENOPS_METRIC_N; i++) {
		genops_str family = genops_str_of(families[i].name);
		if (!genops_str_starts(name, family) || i == GENOPS_METRIC_SELF_SERIES || i == GENOPS_METRIC_SELF_OTHER)
			continue;
		if (families[i].type == HISTOGRAM)
			restore_histogram(metrics, i, genops_str_skip(name, family.len), labels, value);
		else if (name.len == family.len && families[i].type != GAUGE)
			restore_number(metrics, i, labels, value);
		if (name.len == family.len || families[i].type == HISTOGRAM)
			return;
	}
	if (genops_str_starts(name, GENOPS_STR("genops_self_")))
		restore_self(metrics, name, labels, value);
}

void genops_metrics_restore(struct genops_metrics *metrics, genops_str text)
{
	while (text.len) {
		genops_str line = genops_str_split(&text, '\n');
		if (line.len && line.ptr[0] != '#')
			restore_line(metrics, line);
	}
}
