/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/metrics.c - see metrics.h: which record counts in which series. One mutex; no allocation once a series exists.
 *
 * Most records are like one before: the series of the last 1024 combinations of attributes are kept by a hash of the texts, so
 * that no label is written for these. A combination that finds its place taken takes it. */
#include "telemetry/metrics/metrics_state.h"

#include "base/hash.h"
#include "base/str.h"
#include "telemetry/conventions.h"

#include <stdio.h>
#include <stdlib.h>

#define LABELS_MAX ((size_t)8192)

/* What the series of one record have in common. */
struct subject {
	const struct genops_record *record;
	genops_str standard[GENOPS_ATTRIBUTE_N_STANDARD];
	genops_str model;
	struct series_set *set;
	bool is_taken_back, has_labels;
	size_t who_len, model_len; /* of the labels that begin all of its series */
};

struct genops_metrics *genops_metrics_new(size_t series_max)
{
	struct genops_metrics *metrics = calloc(1, sizeof *metrics);
	if (!metrics)
		return NULL;
	if (!genops_series_table_init(&metrics->table, series_max)) {
		free(metrics);
		return NULL;
	}
	pthread_mutex_init(&metrics->lock, NULL);
	genops_buffer_init(&metrics->labels, LABELS_MAX);
	return metrics;
}

void genops_metrics_free(struct genops_metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < metrics->n_self; i++) {
		free(metrics->self[i].name);
		free(metrics->self[i].labels);
	}
	genops_series_table_done(&metrics->table);
	genops_buffer_done(&metrics->labels);
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}

static struct genops_series *find(struct genops_metrics *metrics, enum genops_metric_family family)
{
	return genops_series_find(&metrics->table, family, &metrics->labels);
}

/* The series of the labels that are written, kept in its place for the next such record. */
static struct genops_series *keep(
    struct genops_metrics *metrics, enum genops_metric_family family, struct genops_series **place)
{
	uint64_t n_other = metrics->table.n_other;
	struct genops_series *series = find(metrics, family);
	if (metrics->table.n_other == n_other) /* samples of "other" are counted one by one */
		*place = series;
	return series;
}

static void count(const struct subject *subject, struct genops_series *series, int64_t more)
{
	if (!series || more <= 0)
		return;
	if (subject->is_taken_back)
		series->value = series->value > more ? series->value - more : 0;
	else if (__builtin_add_overflow(series->value, more, &series->value))
		series->value = INT64_MAX;
}

static void label(struct genops_metrics *metrics, const char *name, genops_str value)
{
	genops_series_label(&metrics->labels, name, value);
}

/* Labels that many series share stand at the front of the buffer, so that they are written at most once a record: team,
 * project, environment, then provider and model. What is behind these is cut off. */
static void begin_labels(struct genops_metrics *metrics, struct subject *subject, bool has_model)
{
	if (!subject->has_labels) {
		subject->has_labels = true;
		genops_buffer_clear(&metrics->labels);
		label(metrics, "genops_team", subject->standard[GENOPS_ATTRIBUTE_TEAM]);
		label(metrics, "genops_project", subject->standard[GENOPS_ATTRIBUTE_PROJECT]);
		label(metrics, "genops_environment", subject->standard[GENOPS_ATTRIBUTE_ENVIRONMENT]);
		subject->who_len = metrics->labels.len;
		label(metrics, "ai_model_provider", subject->record->provider);
		label(metrics, "ai_model_name", subject->model);
		subject->model_len = metrics->labels.len;
	}
	metrics->labels.len = has_model ? subject->model_len : subject->who_len;
}

static void count_cost(struct genops_metrics *metrics, struct subject *subject)
{
	struct genops_series *series = subject->set->cost;
	if (!series) {
		begin_labels(metrics, subject, true);
		label(metrics, "genops_customer_id", subject->standard[GENOPS_ATTRIBUTE_CUSTOMER_ID]);
		label(metrics, "genops_cost_center", subject->standard[GENOPS_ATTRIBUTE_COST_CENTER]);
		label(metrics, "genops_feature", subject->standard[GENOPS_ATTRIBUTE_FEATURE]);
		series = keep(metrics, GENOPS_METRIC_COST, &subject->set->cost);
	}
	count(subject, series, subject->record->actual_nano_usd);
}

static void count_operation(struct genops_metrics *metrics, struct subject *subject)
{
	const struct genops_record *record = subject->record;
	struct genops_series *series = subject->set->operations;
	if (!series) {
		begin_labels(metrics, subject, true);
		label(metrics, "genops_policy_result", genops_str_of(genops_result_name(record->result)));
		label(metrics, "genops_outcome", genops_str_of(genops_conventions_outcome(record->outcome)));
		series = keep(metrics, GENOPS_METRIC_OPERATIONS, &subject->set->operations);
	}
	count(subject, series, 1);
}

static void count_tokens(struct genops_metrics *metrics, struct subject *subject)
{
	const genops_usage *usage = &subject->record->usage;
	const struct {
		enum genops_metric_family family;
		const char *type;
		int64_t n;
	} rows[GENOPS_METRICS_TOKENS_N] = {
	    {GENOPS_METRIC_TOKENS, "input", usage->input_tokens},
	    {GENOPS_METRIC_TOKENS, "output", usage->output_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "cache_read", usage->cache_read_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "cache_write_5m", usage->cache_write_5m_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "cache_write_1h", usage->cache_write_1h_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "reasoning", usage->reasoning_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "audio_input", usage->audio_input_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "audio_output", usage->audio_output_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "image_input", usage->image_input_tokens},
	    {GENOPS_METRIC_TOKEN_PARTS, "image_output", usage->image_output_tokens},
	};
	for (size_t i = 0; i < GENOPS_METRICS_TOKENS_N; i++) {
		struct genops_series *series = subject->set->tokens[i];
		if (rows[i].n <= 0)
			continue;
		if (!series) {
			begin_labels(metrics, subject, true);
			label(metrics, "type", genops_str_of(rows[i].type));
			series = keep(metrics, rows[i].family, &subject->set->tokens[i]);
		}
		count(subject, series, rows[i].n);
	}
}

static void count_duration(struct genops_metrics *metrics, struct subject *subject)
{
#define X(ms, seconds) INT64_C(1000000) * (ms),
	static const int64_t bounds_ns[] = {GENOPS_DURATION_BUCKETS(X)};
#undef X
	/* A wall clock may have been set back in between: that is no negative duration. */
	int64_t ns = subject->record->end_unix_ns - subject->record->start_unix_ns;
	size_t at = 0;
	if (ns < 0 || !subject->record->start_unix_ns)
		ns = 0;
	while (at < GENOPS_DURATION_BOUNDS && ns > bounds_ns[at])
		at++;
	struct genops_series *series = subject->set->duration;
	if (!series) {
		begin_labels(metrics, subject, true);
		series = keep(metrics, GENOPS_METRIC_DURATION, &subject->set->duration);
	}
	if (!series)
		return;
	series->buckets->counts[at] += subject->is_taken_back ? UINT64_MAX : 1; /* modulo 2^64 */
	series->buckets->sum_ns += subject->is_taken_back ? 0 - (uint64_t)ns : (uint64_t)ns;
}

static void count_trace(struct genops_metrics *metrics, struct subject *subject)
{
	struct genops_series *series = subject->set->traces;
	if (!series) {
		begin_labels(metrics, subject, false);
		series = keep(metrics, GENOPS_METRIC_TRACES, &subject->set->traces);
	}
	count(subject, series, 1);
}

/* Last of all: these write over the labels of the model. */
static void count_violations(struct genops_metrics *metrics, struct subject *subject)
{
	for (size_t i = 0; i < subject->record->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &subject->record->evaluations[i];
		if (!evaluation->is_violation)
			continue;
		begin_labels(metrics, subject, false);
		label(metrics, "genops_policy_name", evaluation->policy);
		label(metrics, "genops_policy_type", evaluation->policy_type);
		label(metrics, "genops_policy_result",
		    genops_str_of(genops_result_name(evaluation->result)));
		label(metrics, "genops_policy_reason_code",
		    genops_str_of(genops_reason_name(evaluation->reason)));
		count(subject, find(metrics, GENOPS_METRIC_VIOLATIONS), 1);
	}
}

static struct genops_hash fold(struct genops_hash hash, genops_str text)
{
	return genops_hash_of(text, hash.low ^ (hash.high << 1 | hash.high >> 63));
}

static struct series_set *set_of(struct genops_metrics *metrics, const struct subject *subject)
{
	const struct genops_record *record = subject->record;
	struct genops_hash key = {.low = (uint64_t)record->result, .high = (uint64_t)record->outcome};
	for (size_t i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++)
		key = fold(key, subject->standard[i]);
	key = fold(fold(key, record->provider), subject->model);
	struct series_set *set = &metrics->sets[key.low & (GENOPS_METRICS_SETS_N - 1)];
	if (!genops_hash_equal(set->key, key))
		*set = (struct series_set){.key = key};
	return set;
}

static void count_all(struct genops_metrics *metrics, struct subject *subject)
{
	subject->set = set_of(metrics, subject);
	count_operation(metrics, subject);
	if (genops_conventions_is_executed(subject->record->outcome)) {
		count_cost(metrics, subject);
		count_tokens(metrics, subject);
		count_duration(metrics, subject);
	}
	count_trace(metrics, subject);
	count_violations(metrics, subject);
}

static void count_alerts(struct genops_metrics *metrics, const struct subject *subject)
{
	for (size_t i = 0; i < subject->record->n_alerts; i++) {
		const struct genops_record_alert *alert = &subject->record->alerts[i];
		char percent[16];
		struct genops_buffer *labels = &metrics->labels;
		genops_buffer_clear(labels);
		label(metrics, "genops_budget_name", alert->budget);
		label(metrics, "genops_budget_period",
		    genops_str_of(genops_period_name(alert->alert.period)));
		snprintf(percent, sizeof percent, "%d", alert->alert.percent);
		label(metrics, "percent", genops_str_of(percent));
		count(subject, find(metrics, GENOPS_METRIC_ALERTS), 1);
	}
}

static int64_t window_start(const struct genops_record_budget *budget)
{
	size_t n = budget->n_lines < GENOPS_PERIOD_N ? budget->n_lines : GENOPS_PERIOD_N;
	for (size_t i = 0; i < n; i++) {
		if (budget->lines[i].period == budget->period)
			return budget->lines[i].start_unix_s;
	}
	return 0;
}

static void find_budget(
    struct genops_metrics *metrics, const struct genops_record_budget *budget, struct budget_set *set)
{
	genops_buffer_clear(&metrics->labels);
	label(metrics, "genops_budget_name", budget->name);
	if (!genops_str_equal(budget->label, budget->name))
		label(metrics, "genops_budget_scope", budget->label);
	label(metrics, "genops_budget_period", genops_str_of(genops_period_name(budget->period)));
	set->consumed = find(metrics, GENOPS_METRIC_BUDGET_CONSUMED);
	set->limit = find(metrics, GENOPS_METRIC_BUDGET_LIMIT);
	set->remaining = find(metrics, GENOPS_METRIC_BUDGET_REMAINING);
	set->utilization = find(metrics, GENOPS_METRIC_BUDGET_UTILIZATION);
}

static struct budget_set *budget_set_of(struct genops_metrics *metrics, const struct genops_record_budget *budget)
{
	struct genops_hash key = {.low = (uint64_t)budget->period};
	key = fold(fold(key, budget->name), budget->label);
	struct budget_set *set = &metrics->budgets[key.low & (GENOPS_METRICS_BUDGETS_N - 1)];
	if (!genops_hash_equal(set->key, key) || !set->utilization) {
		uint64_t n_other = metrics->table.n_other;
		find_budget(metrics, budget, set);
		set->key = metrics->table.n_other == n_other ? key : (struct genops_hash){0};
	}
	return set;
}

static void set_gauge(struct genops_series *series, int64_t value)
{
	if (series)
		series->value = value;
}

/* Records of several processes arrive in any order: within one window consumed only rises, and an older window's figures
 * say nothing about the current one (contract OTL-075). */
static void set_budget(struct genops_metrics *metrics, const struct genops_record_budget *budget)
{
	int64_t start = window_start(budget);
	const struct budget_set *set = budget_set_of(metrics, budget);
	struct genops_series *series = set->consumed;
	if (!series || start < series->window_start_unix_s)
		return;
	if (start == series->window_start_unix_s && budget->consumed_nano_usd < series->value)
		return;
	series->window_start_unix_s = start;
	series->value = budget->consumed_nano_usd;
	set_gauge(set->limit, budget->limit_nano_usd);
	set_gauge(set->remaining, budget->limit_nano_usd - budget->consumed_nano_usd);
	if (set->utilization && budget->limit_nano_usd > 0)
		set->utilization->ratio = (double)budget->consumed_nano_usd / (double)budget->limit_nano_usd;
	else if (set->utilization)
		set->utilization->ratio = 1; /* a limit of nothing is used up */
}

static void count_record(struct genops_metrics *metrics, const struct genops_record *record, bool is_taken_back)
{
	struct subject subject = {.record = record, .model = record->request_model, .is_taken_back = is_taken_back};
	if (record->is_dry_run)
		return;
	if (!subject.model.len)
		subject.model = record->response_model;
	genops_conventions_standard_values(record, subject.standard);
	pthread_mutex_lock(&metrics->lock);
	if (!genops_conventions_is_alert(record))
		count_all(metrics, &subject);
	count_alerts(metrics, &subject);
	for (size_t i = 0; i < record->n_budgets && !is_taken_back; i++)
		set_budget(metrics, &record->budgets[i]);
	pthread_mutex_unlock(&metrics->lock);
}

void genops_metrics_add_record(struct genops_metrics *metrics, const struct genops_record *record)
{
	count_record(metrics, record, false);
}

void genops_metrics_remove_record(struct genops_metrics *metrics, const struct genops_record *record)
{
	count_record(metrics, record, true);
}

void genops_metrics_add_budget(
    struct genops_metrics *metrics, const struct genops_record_budget *budget)
{
	pthread_mutex_lock(&metrics->lock);
	set_budget(metrics, budget);
	pthread_mutex_unlock(&metrics->lock);
}

static bool is_self_name(const char *name)
{
	if (strncmp(name, "genops_self_", strlen("genops_self_")) != 0)
		return false;
	/* These are families of our own. */
	if (strncmp(name, "genops_self_metric_", strlen("genops_self_metric_")) == 0)
		return false;
	for (const char *at = name; *at; at++) {
		if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_'))
			return false;
	}
	return true;
}

/* Where a name and labels stand, or belong. */
static size_t self_place(
    const struct genops_metrics *metrics, const char *name, const char *labels, bool *ret_found)
{
	size_t at = 0;
	*ret_found = false;
	for (; at < metrics->n_self; at++) {
		int order = strcmp(metrics->self[at].name, name);
		if (order == 0)
			order = strcmp(metrics->self[at].labels, labels);
		*ret_found = order == 0;
		if (order >= 0)
			break;
	}
	return at;
}

static void self_insert(
    struct genops_metrics *metrics, size_t at, const char *name, const char *labels, double value)
{
	struct genops_exposition_self self = {.value = value};
	if (metrics->n_self == GENOPS_METRICS_SELF_MAX)
		return;
	self.name = strdup(name);
	self.labels = strdup(labels);
	if (!self.name || !self.labels) {
		free(self.name);
		free(self.labels);
		return;
	}
	memmove(&metrics->self[at + 1], &metrics->self[at], (metrics->n_self - at) * sizeof self);
	metrics->self[at] = self;
	metrics->n_self++;
}

enum self_change { SELF_SET, SELF_ADD, SELF_SINCE };

static void self_change(
    struct genops_metrics *metrics, const char *name, const char *labels, double value, enum self_change how)
{
	bool is_found;
	if (!is_self_name(name))
		return;
	pthread_mutex_lock(&metrics->lock);
	size_t at = self_place(metrics, name, labels, &is_found);
	if (!is_found)
		self_insert(metrics, at, name, labels, value);
	else if (how == SELF_ADD)
		metrics->self[at].value += value;
	else
		metrics->self[at].value = value + (how == SELF_SINCE ? metrics->self[at].before : 0);
	pthread_mutex_unlock(&metrics->lock);
}

void genops_metrics_set(
    struct genops_metrics *metrics, const char *name, const char *labels, double value)
{
	self_change(metrics, name, labels, value, SELF_SET);
}

void genops_metrics_add(
    struct genops_metrics *metrics, const char *name, const char *labels, double value)
{
	self_change(metrics, name, labels, value, SELF_ADD);
}

void genops_metrics_set_since(
    struct genops_metrics *metrics, const char *name, const char *labels, double value)
{
	self_change(metrics, name, labels, value, SELF_SINCE);
}

void genops_metrics_expose(struct genops_metrics *metrics, struct genops_buffer *buf)
{
	pthread_mutex_lock(&metrics->lock);
	genops_buffer_clear(&metrics->labels);
	set_gauge(find(metrics, GENOPS_METRIC_SELF_SERIES), (int64_t)metrics->table.n);
	set_gauge(find(metrics, GENOPS_METRIC_SELF_OTHER), (int64_t)metrics->table.n_other);
	genops_exposition_write(&metrics->table, metrics->self, metrics->n_self, buf);
	pthread_mutex_unlock(&metrics->lock);
}
