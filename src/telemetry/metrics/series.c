/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/series.c - see series.h. Owns its series. Not locked. */
#include "telemetry/metrics/series.h"

#include "base/hash.h"
#include "base/str.h"

#include <stdlib.h>

#define LABEL_VALUE_MAX 256
#define FIRST_SLOTS	64

bool genops_series_table_init(struct genops_series_table *table, size_t max)
{
	*table = (struct genops_series_table){.max = max, .n_slots = FIRST_SLOTS};
	table->slots = calloc(FIRST_SLOTS, sizeof(struct genops_series *));
	return table->slots != NULL;
}

void genops_series_table_done(struct genops_series_table *table)
{
	for (size_t i = 0; i < GENOPS_METRIC_N; i++) {
		struct genops_series *series = table->families[i].first;
		while (series) {
			struct genops_series *next = series->next;
			free(series->buckets);
			free(series);
			series = next;
		}
	}
	free(table->slots);
	*table = (struct genops_series_table){0};
}

static void insert(struct genops_series **slots, size_t n_slots, struct genops_series *series)
{
	size_t at = series->key.low & (n_slots - 1);
	while (slots[at])
		at = (at + 1) & (n_slots - 1);
	slots[at] = series;
}

static bool grow(struct genops_series_table *table)
{
	if (2 * (table->n + 1) <= table->n_slots)
		return true;
	size_t n_slots = 2 * table->n_slots;
	struct genops_series **slots = calloc(n_slots, sizeof(struct genops_series *));
	if (!slots)
		return false;
	for (size_t i = 0; i < table->n_slots; i++) {
		if (table->slots[i])
			insert(slots, n_slots, table->slots[i]);
	}
	free(table->slots);
	table->slots = slots;
	table->n_slots = n_slots;
	return true;
}

static struct genops_series *make(
    struct genops_series_table *table, enum genops_metric_family family, genops_str labels)
{
	struct genops_series *series = calloc(1, sizeof *series + labels.len + 1);
	if (!series)
		return NULL;
	if (family == GENOPS_METRIC_DURATION) {
		series->buckets = calloc(1, sizeof *series->buckets);
		if (!series->buckets) {
			free(series);
			return NULL;
		}
	}
	if (labels.len)
		memcpy(series->labels, labels.ptr, labels.len);
	series->labels_len = labels.len;
	series->window_start_unix_s = INT64_MIN;
	if (table->families[family].last)
		table->families[family].last->next = series;
	else
		table->families[family].first = series;
	table->families[family].last = series;
	return series;
}

/* `a="1",b="2"` -> `a="other",b="other"`. A quote inside a value is escaped, so that values end at a bare one. */
static void generalise(genops_str labels, struct genops_buffer *out)
{
	for (size_t i = 0; i < labels.len; i++) {
		genops_buffer_add_char(out, labels.ptr[i]);
		if (labels.ptr[i] != '"')
			continue;
		for (i++; i < labels.len && labels.ptr[i] != '"'; i++)
			i += labels.ptr[i] == '\\';
		genops_buffer_add_text(out, "other\"");
	}
}

static struct genops_series *look_up(
    const struct genops_series_table *table, struct genops_hash key)
{
	size_t at = key.low & (table->n_slots - 1);
	for (; table->slots[at]; at = (at + 1) & (table->n_slots - 1)) {
		if (genops_hash_equal(table->slots[at]->key, key))
			return table->slots[at];
	}
	return NULL;
}

static struct genops_hash key_of(enum genops_metric_family family, genops_str labels)
{
	return genops_hash_of(labels, (uint64_t)family + 1);
}

/* Somebody's team may really be called "other": then that series is shared, as one label set must appear only once. */
static struct genops_series *other(
    struct genops_series_table *table, enum genops_metric_family family, genops_str labels)
{
	struct genops_buffer text;
	struct genops_series *series = table->families[family].other;
	table->n_other++;
	if (series)
		return series;
	genops_buffer_init(&text, 4096);
	generalise(labels, &text);
	if (!text.error) {
		struct genops_hash key = key_of(family, genops_buffer_view(&text));
		series = look_up(table, key);
		bool is_new = !series;
		if (is_new)
			series = make(table, family, genops_buffer_view(&text));
		if (is_new && series) {
			/* Beyond the maximum by one a family: the table is half empty, there is a slot. */
			series->key = key;
			insert(table->slots, table->n_slots, series);
		}
	}
	genops_buffer_done(&text);
	table->families[family].other = series;
	return series;
}

struct genops_series *genops_series_find(struct genops_series_table *table,
    enum genops_metric_family family, const struct genops_buffer *labels)
{
	genops_str text = genops_buffer_view(labels);
	if (labels->error)
		return other(table, family, (genops_str){0});
	struct genops_hash key = key_of(family, text);
	struct genops_series *series = look_up(table, key);
	if (series)
		return series;
	if (table->n < table->max && grow(table))
		series = make(table, family, text);
	if (!series)
		return other(table, family, text);
	series->key = key;
	table->n++;
	insert(table->slots, table->n_slots, series);
	return series;
}

/* How many bytes from the start are ASCII and stand for themselves. */
static size_t plain_run(genops_str text)
{
	size_t n = 0;
	while (n < text.len && (unsigned char)text.ptr[n] < 0x80 && text.ptr[n] != '"' &&
	       text.ptr[n] != '\\' && text.ptr[n] != '\n')
		n++;
	return n;
}

static void add_escaped(struct genops_buffer *labels, genops_str value)
{
	for (;;) {
		size_t run = plain_run(value);
		genops_buffer_add(labels, (genops_str){value.ptr, run});
		value = genops_str_skip(value, run);
		if (!value.len)
			return;
		size_t len = genops_str_utf8_sequence(value);
		char c = value.ptr[0];
		if (!len)
			genops_buffer_add_text(labels, "\xEF\xBF\xBD");
		else if (c == '\n')
			genops_buffer_add_text(labels, "\\n");
		else if (c == '"' || c == '\\')
			genops_buffer_add(labels, (genops_str){c == '"' ? "\\\"" : "\\\\", 2});
		else
			genops_buffer_add(labels, (genops_str){value.ptr, len});
		value = genops_str_skip(value, len ? len : 1);
	}
}

void genops_series_label(struct genops_buffer *labels, const char *name, genops_str value)
{
	if (!value.len)
		return;
	/* Not in the middle of a character: continuation bytes are 10xxxxxx, at most three in a row. */
	if (value.len > LABEL_VALUE_MAX) {
		value.len = LABEL_VALUE_MAX;
		for (int i = 0; i < 3 && ((unsigned char)value.ptr[value.len] & 0xC0) == 0x80; i++)
			value.len--;
	}
	if (labels->len)
		genops_buffer_add_char(labels, ',');
	genops_buffer_add_text(labels, name);
	genops_buffer_add_text(labels, "=\"");
	add_escaped(labels, value);
	genops_buffer_add_char(labels, '"');
}
