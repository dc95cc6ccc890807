/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_store.c - see metric_store.h: the table. Writing and reading is metric_store_text.c. */
#include "export/prometheus/metric_store.h"

#include "base/hash.h"
#include "base/str.h"

#include <math.h>
#include <stdlib.h>

#define FIRST_SLOTS 256
#define LABELS_MAX  ((size_t)64 << 10)
#define HELP_MAX    1024
/* What a line of each has at most as text, beside names and labels. */
#define FAMILY_LINE 16
#define SERIES_LINE 160
#define BOUND_TEXT  64

bool genops_metric_store_init(struct genops_metric_store *store, size_t max, size_t bytes_max)
{
	*store = (struct genops_metric_store){.max = max, .bytes_max = bytes_max, .n_slots = FIRST_SLOTS};
	store->slots = calloc(FIRST_SLOTS, sizeof(struct genops_metric_store_series *));
	return store->slots != NULL;
}

static void free_value(struct genops_metric_value *value)
{
	free((void *)(uintptr_t)value->bounds);
	free((void *)(uintptr_t)value->counts);
	free((void *)(uintptr_t)value->quantile_values);
}

static void free_series(struct genops_metric_store_series *series)
{
	free_value(&series->value);
	free(series);
}

void genops_metric_store_done(struct genops_metric_store *store)
{
	while (store->families) {
		struct genops_metric_store_family *family = store->families;
		store->families = family->next;
		while (family->first) {
			struct genops_metric_store_series *series = family->first;
			family->first = series->next;
			free_series(series);
		}
		free(family->name);
		free(family->help);
		free(family);
	}
	free(store->slots);
	*store = (struct genops_metric_store){0};
}

static void grow(struct genops_metric_store *store)
{
	size_t n_slots = 2 * store->n_slots;
	struct genops_metric_store_series **slots = store->n < store->n_slots ? NULL : calloc(n_slots, sizeof(struct genops_metric_store_series *));
	if (!slots)
		return; /* chains get longer, that is all */
	for (size_t i = 0; i < store->n_slots; i++) {
		while (store->slots[i]) {
			struct genops_metric_store_series *series = store->slots[i];
			store->slots[i] = series->in_slot;
			series->in_slot = slots[series->hash & (n_slots - 1)];
			slots[series->hash & (n_slots - 1)] = series;
		}
	}
	free(store->slots);
	store->slots = slots;
	store->n_slots = n_slots;
}

static char *copy(genops_str text)
{
	char *out = malloc(text.len + 1);
	if (!out)
		return NULL;
	if (text.len)
		memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return out;
}

/* As strcmp says it. */
static int compare_names(const char *a, genops_str b)
{
	int order = strncmp(a, b.ptr, b.len);
	return order ? order : a[b.len] != '\0';
}

static bool take_bytes(struct genops_metric_store *store, size_t *held, size_t need)
{
	if (store->n_bytes - *held + need > store->bytes_max)
		return false;
	store->n_bytes += need - *held;
	*held = need;
	return true;
}

bool genops_metric_store_make_room(struct genops_metric_store *store, struct genops_metric_store_series *series, size_t n)
{
	size_t need = SERIES_LINE + series->labels_len + (n ? (n + 1) * BOUND_TEXT : 0);
	bool is_refused = !take_bytes(store, &series->n_bytes, need);
	store->n_refused += is_refused;
	return !is_refused;
}

static genops_str cut_help(genops_str help)
{
	if (help.len <= HELP_MAX)
		return help;
	help.len = HELP_MAX;
	while (help.len && ((unsigned char)help.ptr[help.len] & 0xC0) == 0x80)
		help.len--;
	return help;
}

/* NULL: no memory, or (counted) no room. */
static struct genops_metric_store_family *find_family(
    struct genops_metric_store *store, genops_str name, genops_str help, enum genops_metric_kind kind)
{
	struct genops_metric_store_family **at = &store->families;
	while (*at && compare_names((*at)->name, name) < 0)
		at = &(*at)->next;
	if (*at && genops_str_is(name, (*at)->name))
		return *at;
	size_t held = 0;
	help = cut_help(help);
	if (!take_bytes(store, &held, FAMILY_LINE + name.len + 2 * help.len)) {
		store->n_refused++;
		return NULL;
	}
	struct genops_metric_store_family *family = calloc(1, sizeof *family);
	if (!family) {
		store->n_bytes -= held;
		return NULL;
	}
	family->n_bytes = held;
	family->name = copy(name);
	family->help = copy(help);
	family->kind = kind;
	family->next = *at;
	if (!family->name || !family->help) {
		store->n_bytes -= held;
		free(family->name);
		free(family->help);
		free(family);
		return NULL;
	}
	*at = family;
	return family;
}

static uint64_t hash_of(genops_str family, genops_str labels)
{
	return genops_hash_checksum(labels.ptr, labels.len, genops_hash_checksum(family.ptr, family.len, 0));
}

static struct genops_metric_store_series *look_up(const struct genops_metric_store *store, uint64_t hash, genops_str family, genops_str labels)
{
	struct genops_metric_store_series *series = store->slots[hash & (store->n_slots - 1)];
	for (; series; series = series->in_slot) {
		if (series->hash == hash && genops_str_equal((genops_str){series->labels, series->labels_len}, labels) &&
		    genops_str_is(family, series->family->name))
			return series;
	}
	return NULL;
}

static struct genops_metric_store_series *make(struct genops_metric_store *store, struct genops_metric_store_family *family, uint64_t hash, genops_str labels)
{
	struct genops_metric_store_series *series = calloc(1, sizeof *series + labels.len + 1);
	if (!series)
		return NULL;
	series->hash = hash;
	series->family = family;
	series->labels_len = labels.len;
	if (!genops_metric_store_make_room(store, series, 0)) {
		free(series);
		return NULL;
	}
	grow(store);
	if (labels.len)
		memcpy(series->labels, labels.ptr, labels.len);
	series->in_slot = store->slots[hash & (store->n_slots - 1)];
	store->slots[hash & (store->n_slots - 1)] = series;
	if (family->last)
		family->last->next = series;
	else
		family->first = series;
	family->last = series;
	store->n++;
	return series;
}

struct genops_metric_store_series *genops_metric_store_find(
    struct genops_metric_store *store, genops_str family, genops_str help, enum genops_metric_kind kind, genops_str labels)
{
	uint64_t hash = hash_of(family, labels);
	int64_t n_refused = store->n_refused;
	struct genops_metric_store_series *series = look_up(store, hash, family, labels);
	if (!series && store->n < store->max) {
		struct genops_metric_store_family *of = find_family(store, family, help, kind);
		if (!of)
			return NULL;
		if (of->kind == kind)
			series = make(store, of, hash, labels);
	}
	bool is_refused = !series || series->family->kind != kind;
	store->n_refused += is_refused && store->n_refused == n_refused;
	return is_refused ? NULL : series;
}

static void remove_slot(struct genops_metric_store *store, const struct genops_metric_store_series *series)
{
	struct genops_metric_store_series **at = &store->slots[series->hash & (store->n_slots - 1)];
	while (*at != series)
		at = &(*at)->in_slot;
	*at = series->in_slot;
	store->n--;
	store->n_bytes -= series->n_bytes;
}

static void expire_family(struct genops_metric_store *store, struct genops_metric_store_family *family, int64_t before_unix_ns)
{
	struct genops_metric_store_series **at = &family->first;
	family->last = NULL;
	while (*at) {
		struct genops_metric_store_series *series = *at;
		if (series->arrived_unix_ns >= before_unix_ns) {
			family->last = series;
			at = &series->next;
			continue;
		}
		*at = series->next;
		remove_slot(store, series);
		free_series(series);
	}
}

void genops_metric_store_expire(struct genops_metric_store *store, int64_t before_unix_ns)
{
	struct genops_metric_store_family **at = &store->families;
	while (*at) {
		struct genops_metric_store_family *family = *at;
		expire_family(store, family, before_unix_ns);
		if (family->first) {
			at = &family->next;
			continue;
		}
		*at = family->next;
		store->n_bytes -= family->n_bytes;
		free(family->name);
		free(family->help);
		free(family);
	}
}

/* --- points --- */

/* A sum that NaN or infinity was added to would be none for ever, one that something negative was added to a reset to Prometheus. */
static bool is_summable(const struct genops_metric_point *point)
{
	if (point->kind == GENOPS_METRIC_HISTOGRAM)
		return !point->value.has_sum || isfinite(point->value.sum);
	return isfinite(point->value.number) && (point->kind != GENOPS_METRIC_COUNTER || point->value.number >= 0);
}

static const void *copy_list(const void *list, size_t size, bool *failed)
{
	void *out = list && size ? malloc(size) : NULL;
	if (out)
		memcpy(out, list, size);
	*failed |= list && size && !out;
	return out;
}

static bool copy_value(const struct genops_metric_value *value, struct genops_metric_value *ret_value)
{
	bool failed = false;
	*ret_value = *value;
	ret_value->bounds = copy_list(value->bounds, value->n * sizeof *value->bounds, &failed);
	ret_value->counts = copy_list(value->counts, (value->n + 1) * sizeof *value->counts, &failed);
	ret_value->quantile_values = copy_list(value->quantile_values, value->n * sizeof *value->quantile_values, &failed);
	if (failed)
		free_value(ret_value);
	return !failed;
}

static bool is_same_shape(const struct genops_metric_value *a, const struct genops_metric_value *b)
{
	return a->n == b->n && (!a->n || memcmp(a->bounds, b->bounds, a->n * sizeof *a->bounds) == 0) && a->counts && b->counts;
}

/* What is there, and what came since. With other bounds a histogram begins anew: Prometheus sees a reset. */
static int add(struct genops_metric_store_series *series, const struct genops_metric_point *point)
{
	struct genops_metric_value *sum = &series->value, fresh;
	const struct genops_metric_value *more = &point->value;
	if (point->kind != GENOPS_METRIC_HISTOGRAM) {
		sum->number += more->number;
		return GENOPS_OK;
	}
	if (!sum->counts || !is_same_shape(sum, more)) {
		if (!copy_value(more, &fresh))
			return GENOPS_NOMEM;
		free_value(sum);
		*sum = fresh;
		return GENOPS_OK;
	}
	uint64_t *counts = (uint64_t *)(uintptr_t)sum->counts; /* the store's own */
	for (size_t i = 0; i <= sum->n; i++)
		counts[i] += more->counts[i];
	sum->count += more->count;
	sum->sum += more->sum;
	sum->has_sum |= more->has_sum;
	return GENOPS_OK;
}

static int set(struct genops_metric_store_series *series, const struct genops_metric_point *point)
{
	struct genops_metric_value fresh;
	if (!copy_value(&point->value, &fresh))
		return GENOPS_NOMEM;
	free_value(&series->value);
	series->value = fresh;
	return GENOPS_OK;
}

static bool is_taken(const struct genops_metric_store_series *series, const struct genops_metric_point *point)
{
	if (!point->is_delta)
		return series->time_unix_ns && point->time_unix_ns <= series->time_unix_ns;
	if (point->time_unix_ns <= series->passed_unix_ns)
		return series->time_unix_ns != 0;
	for (size_t i = 0; i < series->n_recent; i++) {
		if (series->recent_unix_ns[i] == point->time_unix_ns)
			return true;
	}
	return false;
}

/* The oldest goes when there is no place. */
static void remember(struct genops_metric_store_series *series, uint64_t time_unix_ns)
{
	uint64_t *recent = series->recent_unix_ns;
	size_t oldest = 0;
	if (series->n_recent < GENOPS_METRIC_STORE_RECENT) {
		recent[series->n_recent++] = time_unix_ns;
		return;
	}
	for (size_t i = 1; i < GENOPS_METRIC_STORE_RECENT; i++)
		oldest = recent[i] < recent[oldest] ? i : oldest;
	series->passed_unix_ns = recent[oldest] < time_unix_ns ? recent[oldest] : time_unix_ns;
	if (recent[oldest] < time_unix_ns)
		recent[oldest] = time_unix_ns;
}

int genops_metric_store_take(struct genops_metric_store *store, const struct genops_metric_point *point, int64_t arrived_unix_ns)
{
	struct genops_buffer labels;
	genops_buffer_init(&labels, LABELS_MAX);
	genops_metric_store_labels(point->labels, point->n_labels, &labels);
	int64_t n_refused = store->n_refused;
	store->n_refused += labels.error == GENOPS_LIMIT;
	struct genops_metric_store_series *series = labels.error
	    ? NULL
	    : genops_metric_store_find(store, point->family, point->help, point->kind, genops_buffer_view(&labels));
	bool is_refused = store->n_refused != n_refused;
	store->latest = series;
	genops_buffer_done(&labels);
	if (!series)
		return is_refused ? GENOPS_OK : GENOPS_NOMEM;
	/* Old news: a batch that comes again, or out of order. */
	if (is_taken(series, point))
		return GENOPS_OK;
	if (point->is_gone) {
		series->arrived_unix_ns = INT64_MIN; /* goes with the next expiry */
		return GENOPS_OK;
	}
	bool is_fine = !point->is_delta || is_summable(point);
	store->n_refused += !is_fine;
	if (!is_fine || !genops_metric_store_make_room(store, series, point->value.n)) {
		store->latest = NULL;
		return GENOPS_OK;
	}
	GENOPS_TRY(point->is_delta ? add(series, point) : set(series, point));
	if (point->is_delta)
		remember(series, point->time_unix_ns);
	series->arrived_unix_ns = arrived_unix_ns;
	if (point->time_unix_ns < series->time_unix_ns)
		return GENOPS_OK; /* a delta that was overtaken */
	series->start_unix_ns = point->start_unix_ns;
	series->time_unix_ns = point->time_unix_ns;
	return GENOPS_OK;
}
