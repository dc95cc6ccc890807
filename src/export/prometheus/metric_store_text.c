/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_store_text.c - a store as text: what is kept over restarts, and what a scrape shows.
 *
 * Kept, a line a family and a line a series:
 *   F <kind> <name> <help>
 *   S <start> <time> <arrived> <number> <count> <sum or -> <n> [bound:count or quantile:value ...] | <labels>
 * Numbers are the shortest that read back, or the bits of a double in hex where that is not enough (infinities, NaN). */
#include "base/str.h"
#include "export/prometheus/metric_store.h"
#include "pipeline/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* --- labels --- */

static void add_escaped(struct genops_buffer *out, genops_str value, bool is_label)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c == '\n')
			genops_buffer_add_text(out, "\\n");
		else if (c == '\\' || (c == '"' && is_label))
			genops_buffer_printf(out, "\\%c", c);
		else
			genops_buffer_add_char(out, c);
	}
}

void genops_metric_store_labels(const struct genops_metric_label *labels, size_t n, struct genops_buffer *out)
{
	struct genops_buffer clean;
	for (size_t i = 0; i < n; i++) {
		if (i)
			genops_buffer_add_char(out, ',');
		genops_buffer_add(out, labels[i].name);
		genops_buffer_add_text(out, "=\"");
		if (genops_str_is_utf8(labels[i].value)) {
			add_escaped(out, labels[i].value, true);
		} else {
			genops_buffer_init(&clean, 4 * labels[i].value.len + 16);
			genops_buffer_add_utf8(&clean, labels[i].value);
			add_escaped(out, genops_buffer_view(&clean), true);
			if (clean.error)
				out->error = clean.error;
			genops_buffer_done(&clean);
		}
		genops_buffer_add_char(out, '"');
	}
}

bool genops_metric_store_next_label(genops_str *rest, genops_str *ret_name, genops_str *ret_value, struct genops_buffer *scratch)
{
	genops_buffer_clear(scratch);
	size_t at = genops_str_find(*rest, GENOPS_STR("=\""));
	if (at == SIZE_MAX)
		return false;
	*ret_name = (genops_str){rest->ptr, at};
	for (at += 2; at < rest->len && rest->ptr[at] != '"'; at++) {
		char c = rest->ptr[at];
		if (c == '\\' && at + 1 < rest->len)
			c = rest->ptr[++at] == 'n' ? '\n' : rest->ptr[at];
		genops_buffer_add_char(scratch, c);
	}
	if (at >= rest->len || scratch->error)
		return false;
	*rest = genops_str_skip(*rest, at + 1);
	if (rest->len && rest->ptr[0] == ',')
		*rest = genops_str_skip(*rest, 1);
	*ret_value = genops_buffer_view(scratch);
	return true;
}

/* --- kept --- */

static void add_number(struct genops_buffer *out, double value)
{
	char text[GENOPS_METRIC_NUMBER_MAX];
	uint64_t bits;
	if (isfinite(value)) {
		genops_buffer_add(out, genops_metric_number_text(value, text));
		return;
	}
	memcpy(&bits, &value, sizeof bits);
	genops_buffer_printf(out, "x%016" PRIx64, bits);
}

static double read_number(genops_str text)
{
	double value = 0;
	uint64_t bits = 0;
	if (!text.len || text.ptr[0] != 'x')
		return genops_number_from_text(text);
	for (size_t i = 1; i < text.len; i++) {
		char c = text.ptr[i];
		bits = bits << 4 | (uint64_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	memcpy(&value, &bits, sizeof value);
	return value;
}

static void write_series(const struct genops_metric_store_series *series, struct genops_buffer *out)
{
	const struct genops_metric_value *value = &series->value;
	genops_buffer_printf(out, "S %" PRIu64 " %" PRIu64 " %" PRId64 " ", series->start_unix_ns, series->time_unix_ns, series->arrived_unix_ns);
	add_number(out, value->number);
	genops_buffer_printf(out, " %" PRIu64 " ", value->count);
	if (value->has_sum)
		add_number(out, value->sum);
	else
		genops_buffer_add_char(out, '-');
	bool is_summary = series->family->kind == GENOPS_METRIC_SUMMARY;
	size_t n = value->counts ? value->n + 1 : is_summary ? value->n : 0;
	genops_buffer_printf(out, " %zu", n);
	for (size_t i = 0; i < n; i++) {
		genops_buffer_add_char(out, ' ');
		add_number(out, i < value->n ? value->bounds[i] : INFINITY);
		genops_buffer_add_char(out, ':');
		if (is_summary)
			add_number(out, value->quantile_values[i]);
		else
			genops_buffer_printf(out, "%" PRIu64, value->counts[i]);
	}
	genops_buffer_add_text(out, " | ");
	genops_buffer_add(out, (genops_str){series->labels, series->labels_len});
	genops_buffer_add_char(out, '\n');
}

void genops_metric_store_write(const struct genops_metric_store *store, struct genops_buffer *out)
{
	for (const struct genops_metric_store_family *family = store->families; family; family = family->next) {
		if (!family->first)
			continue;
		genops_buffer_printf(out, "F %d %s ", (int)family->kind, family->name);
		add_escaped(out, genops_str_of(family->help), false);
		genops_buffer_add_char(out, '\n');
		for (const struct genops_metric_store_series *series = family->first; series; series = series->next)
			write_series(series, out);
	}
}

static uint64_t read_unsigned(genops_str text)
{
	uint64_t value = 0;
	for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(text.ptr[i] - '0');
	return value;
}

static genops_str next_word(genops_str *rest)
{
	return genops_str_split(rest, ' ');
}

struct reading {
	struct genops_metric_store *store;
	genops_str family, help;
	enum genops_metric_kind kind;
	double bounds[GENOPS_METRIC_BOUNDS_MAX + 1], values[GENOPS_METRIC_BOUNDS_MAX + 1];
	uint64_t counts[GENOPS_METRIC_BOUNDS_MAX + 1];
};

static int give_lists(struct reading *reading, struct genops_metric_store_series *series, size_t n)
{
	struct genops_metric_value *value = &series->value;
	bool is_summary = reading->kind == GENOPS_METRIC_SUMMARY;
	value->n = is_summary || !n ? n : n - 1;
	double *bounds = malloc((n + 1) * sizeof *bounds), *values = is_summary ? malloc((n + 1) * sizeof *values) : NULL;
	uint64_t *counts = is_summary ? NULL : malloc((n + 1) * sizeof *counts);
	if (!bounds || (is_summary ? !values : !counts)) {
		free(bounds);
		free(values);
		free(counts);
		value->n = 0;
		return GENOPS_NOMEM;
	}
	memcpy(bounds, reading->bounds, value->n * sizeof *bounds);
	if (values)
		memcpy(values, reading->values, n * sizeof *values);
	if (counts)
		memcpy(counts, reading->counts, n * sizeof *counts);
	value->bounds = bounds;
	value->quantile_values = values;
	value->counts = counts;
	return GENOPS_OK;
}

/* name="value",... to the end, escaped as it was written. */
static bool is_labels(genops_str text)
{
	while (text.len) {
		size_t at = genops_str_find(text, GENOPS_STR("=\""));
		if (at == SIZE_MAX || !genops_metric_label_is_valid((genops_str){text.ptr, at}))
			return false;
		for (at += 2; at < text.len && text.ptr[at] != '"'; at++)
			at += text.ptr[at] == '\\';
		if (at >= text.len || (at + 1 < text.len && (text.ptr[at + 1] != ',' || at + 2 == text.len)))
			return false;
		text = genops_str_skip(text, at + 2);
	}
	return true;
}

static int read_series(struct reading *reading, genops_str line)
{
	genops_str head = line;
	size_t at = genops_str_find(line, GENOPS_STR(" | "));
	if (at == SIZE_MAX || !reading->family.len)
		return GENOPS_OK;
	head.len = at;
	genops_str labels = genops_str_skip(line, at + 3), words[7];
	for (size_t i = 0; i < 7; i++)
		words[i] = next_word(&head);
	uint64_t n = read_unsigned(words[6]);
	bool is_plain = reading->kind == GENOPS_METRIC_GAUGE || reading->kind == GENOPS_METRIC_COUNTER;
	if (!is_labels(labels) || !words[6].len || n > GENOPS_METRIC_BOUNDS_MAX + 1 || (n && is_plain) || (!n && reading->kind == GENOPS_METRIC_HISTOGRAM))
		return GENOPS_OK;
	for (size_t i = 0; i < n; i++) {
		genops_str count = next_word(&head), bound = genops_str_split(&count, ':');
		reading->bounds[i] = read_number(bound);
		reading->counts[i] = read_unsigned(count);
		reading->values[i] = read_number(count);
	}
	int64_t n_refused = reading->store->n_refused;
	struct genops_metric_store_series *series =
	    genops_metric_store_find(reading->store, reading->family, reading->help, reading->kind, labels);
	if (!series)
		return reading->store->n_refused == n_refused ? GENOPS_NOMEM : GENOPS_OK;
	if (series->time_unix_ns || series->arrived_unix_ns || series->value.bounds)
		return GENOPS_OK; /* there twice: damage */
	if (!genops_metric_store_make_room(reading->store, series, (size_t)n))
		return GENOPS_OK;
	series->start_unix_ns = read_unsigned(words[0]);
	series->time_unix_ns = series->passed_unix_ns = read_unsigned(words[1]);
	(void)genops_str_to_int(words[2], &series->arrived_unix_ns);
	series->value.number = read_number(words[3]);
	series->value.count = read_unsigned(words[4]);
	series->value.has_sum = !genops_str_is(words[5], "-");
	series->value.sum = series->value.has_sum ? read_number(words[5]) : 0;
	return is_plain ? GENOPS_OK : give_lists(reading, series, (size_t)n);
}

static void read_family(struct reading *reading, genops_str line, struct genops_buffer *help)
{
	genops_str kind = next_word(&line);
	reading->family = next_word(&line);
	uint64_t number = read_unsigned(kind);
	if (number > GENOPS_METRIC_SUMMARY || !genops_metric_name_is_valid(reading->family)) {
		reading->family = (genops_str){0};
		return;
	}
	reading->kind = (enum genops_metric_kind)number;
	genops_buffer_clear(help);
	for (size_t i = 0; i < line.len; i++) {
		bool is_escape = line.ptr[i] == '\\' && i + 1 < line.len;
		i += is_escape;
		genops_buffer_add_char(help, is_escape && line.ptr[i] == 'n' ? '\n' : line.ptr[i]);
	}
	reading->help = help->error ? (genops_str){0} : genops_buffer_view(help);
}

int genops_metric_store_read(struct genops_metric_store *store, genops_str text)
{
	struct reading *reading = calloc(1, sizeof *reading);
	struct genops_buffer help;
	int code = reading ? GENOPS_OK : GENOPS_NOMEM;
	genops_buffer_init(&help, (size_t)64 << 10);
	if (reading)
		reading->store = store;
	while (code == GENOPS_OK && text.len) {
		genops_str line = genops_str_split(&text, '\n');
		if (genops_str_starts(line, GENOPS_STR("F ")))
			read_family(reading, genops_str_skip(line, 2), &help);
		else if (genops_str_starts(line, GENOPS_STR("S ")))
			code = read_series(reading, genops_str_skip(line, 2));
	}
	genops_buffer_done(&help);
	free(reading);
	return code;
}

/* --- shown --- */

struct showing {
	struct genops_buffer *out;
	const struct genops_metric_store_series *series;
	bool with_times;
};

static void show_sample(void *arg, const char *suffix, const char *label, genops_str text, double value)
{
	const struct showing *showing = arg;
	const struct genops_metric_store_series *series = showing->series;
	struct genops_buffer *out = showing->out;
	char number[GENOPS_METRIC_NUMBER_MAX];
	genops_buffer_printf(out, "%s%s", series->family->name, suffix);
	if (series->labels_len || label[0])
		genops_buffer_add_char(out, '{');
	genops_buffer_add(out, (genops_str){series->labels, series->labels_len});
	if (label[0])
		genops_buffer_printf(out, "%s%s=\"%.*s\"", series->labels_len ? "," : "", label, GENOPS_STR_ARG(text));
	if (series->labels_len || label[0])
		genops_buffer_add_char(out, '}');
	genops_buffer_add_char(out, ' ');
	genops_buffer_add(out, genops_metric_number_text(value, number));
	if (showing->with_times)
		genops_buffer_printf(out, " %" PRIu64, series->time_unix_ns / 1000000);
	genops_buffer_add_char(out, '\n');
}

void genops_metric_store_expose(
    const struct genops_metric_store *store, int64_t arrived_since_unix_ns, bool with_times, struct genops_buffer *out)
{
	for (const struct genops_metric_store_family *family = store->families; family; family = family->next) {
		bool has_head = false;
		for (const struct genops_metric_store_series *series = family->first; series; series = series->next) {
			struct showing showing = {out, series, with_times};
			if (series->arrived_unix_ns < arrived_since_unix_ns)
				continue;
			if (!has_head) {
				genops_buffer_printf(out, "# HELP %s ", family->name);
				add_escaped(out, genops_str_of(family->help[0] ? family->help : family->name), false);
				genops_buffer_printf(out, "\n# TYPE %s %s\n", family->name, genops_metric_kind_name(family->kind));
			}
			has_head = true;
			genops_metric_samples_each(family->kind, &series->value, show_sample, &showing);
		}
	}
}
