/* SPDX-License-Identifier: Apache-2.0
 * telemetry/metrics/exposition.c - see exposition.h. Amounts are integers of 1e-9 and are written as decimals, digit by digit, so that
 * a sum in Prometheus is the ledger's sum as far as a double can say it. */
#include "telemetry/metrics/exposition.h"

#include "base/str.h"

#include <inttypes.h>
#include <math.h>

enum type { COUNTER, GAUGE, HISTOGRAM, UNTYPED };
enum unit { COUNT, NANO_USD, NANO_S, RATIO };

static const struct {
	const char *name;
	enum type type;
	enum unit unit;
	const char *text;
} families[GENOPS_METRIC_N] = {
#define X(symbol, name, type, unit, labels, text) {name, type, unit, text},
    GENOPS_METRIC_FAMILIES(X)
#undef X
};

static void add_head(struct genops_buffer *buf, const char *name, enum type type, const char *text)
{
	static const char *const names[] = {"counter", "gauge", "histogram", "untyped"};
	genops_buffer_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, text, name, names[type]);
}

/* Integer of 1e-9 as a decimal without trailing zeros. */
static void add_nano(struct genops_buffer *buf, int64_t nano)
{
	uint64_t amount = nano < 0 ? 0 - (uint64_t)nano : (uint64_t)nano;
	uint64_t part = amount % 1000000000;
	genops_buffer_printf(buf, "%s%" PRIu64, nano < 0 ? "-" : "", amount / 1000000000);
	if (!part)
		return;
	genops_buffer_printf(buf, ".%09" PRIu64, part);
	while (buf->len && buf->ptr[buf->len - 1] == '0')
		buf->len--;
}

/* Without printf's %g, which writes a comma in some locales. Finer than 1e-9 is rounded. */
static void add_double(struct genops_buffer *buf, double value)
{
	if (isnan(value))
		genops_buffer_add_text(buf, "NaN");
	else if (isinf(value))
		genops_buffer_add_text(buf, value < 0 ? "-Inf" : "+Inf");
	else if (fabs(value) < 9e9)
		add_nano(buf, llrint(value * 1e9));
	else if (fabs(value) < 9e18)
		genops_buffer_add_int(buf, (int64_t)value);
	else
		genops_buffer_add_text(buf, value < 0 ? "-Inf" : "+Inf");
}

/* name_suffix{labels,extra} without the value; extra may be "". */
static void add_name(struct genops_buffer *buf, const char *name, const char *suffix,
    genops_str labels, const char *extra)
{
	genops_buffer_add_text(buf, name);
	genops_buffer_add_text(buf, suffix);
	if (labels.len || *extra) {
		genops_buffer_add_char(buf, '{');
		genops_buffer_add(buf, labels);
		if (labels.len && *extra)
			genops_buffer_add_char(buf, ',');
		genops_buffer_add_text(buf, extra);
		genops_buffer_add_char(buf, '}');
	}
	genops_buffer_add_char(buf, ' ');
}

static void add_histogram(
    struct genops_buffer *buf, const char *name, const struct genops_series *series)
{
#define X(ms, seconds) "le=\"" seconds "\"",
	static const char *const bounds[] = {GENOPS_DURATION_BUCKETS(X)};
#undef X
	genops_str labels = {series->labels, series->labels_len};
	uint64_t n = 0;
	for (size_t i = 0; i < GENOPS_DURATION_BOUNDS; i++) {
		n += series->buckets->counts[i];
		add_name(buf, name, "_bucket", labels, bounds[i]);
		genops_buffer_printf(buf, "%" PRIu64 "\n", n);
	}
	n += series->buckets->counts[GENOPS_DURATION_BOUNDS];
	add_name(buf, name, "_bucket", labels, "le=\"+Inf\"");
	genops_buffer_printf(buf, "%" PRIu64 "\n", n);
	add_name(buf, name, "_sum", labels, "");
	add_nano(buf, (int64_t)series->buckets->sum_ns);
	genops_buffer_add_char(buf, '\n');
	add_name(buf, name, "_count", labels, "");
	genops_buffer_printf(buf, "%" PRIu64 "\n", n);
}

static void add_series(struct genops_buffer *buf, size_t family, const struct genops_series *series)
{
	const char *name = families[family].name;
	if (families[family].type == HISTOGRAM) {
		add_histogram(buf, name, series);
		return;
	}
	add_name(buf, name, "", (genops_str){series->labels, series->labels_len}, "");
	if (families[family].unit == NANO_USD)
		add_nano(buf, series->value);
	else if (families[family].unit == RATIO)
		add_double(buf, series->ratio);
	else
		genops_buffer_add_int(buf, series->value);
	genops_buffer_add_char(buf, '\n');
}

static const char *self_text(const char *name)
{
	static const char *const rows[][2] = {
#define X(name, labels, text) {name, text},
	    GENOPS_METRIC_SELF(X)
#undef X
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(rows[i][0], name) == 0)
			return rows[i][1];
	}
	return "Of GenOps itself.";
}

static void add_self(
    struct genops_buffer *buf, const struct genops_exposition_self *self, size_t n_self)
{
	for (size_t i = 0; i < n_self; i++) {
		bool is_total = genops_str_ends(genops_str_of(self[i].name), GENOPS_STR("_total"));
		if (i == 0 || strcmp(self[i].name, self[i - 1].name) != 0)
			add_head(buf, self[i].name, is_total ? COUNTER : GAUGE, self_text(self[i].name));
		add_name(buf, self[i].name, "", genops_str_of(self[i].labels), "");
		add_double(buf, self[i].value);
		genops_buffer_add_char(buf, '\n');
	}
}

void genops_exposition_write(const struct genops_series_table *table,
    const struct genops_exposition_self *self, size_t n_self, struct genops_buffer *buf)
{
	for (size_t i = 0; i < GENOPS_METRIC_N; i++) {
		const struct genops_series *series = table->families[i].first;
		if (series)
			add_head(buf, families[i].name, families[i].type, families[i].text);
		for (; series; series = series->next)
			add_series(buf, i, series);
	}
	add_self(buf, self, n_self);
}
