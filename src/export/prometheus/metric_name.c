/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/metric_name.c - see metric_name.h. */
#include "export/prometheus/metric_name.h"

#include "base/str.h"
#include "telemetry/metrics/metrics.h"

#include <string.h>

#define NAME_MAX_BYTES 512

static const char *const own_families[] = {
#define X(symbol, name, type, unit, labels, text) name,
    GENOPS_METRIC_FAMILIES(X)
#undef X
};

/* UCUM's words that have another one in Prometheus; others stand for themselves. */
static const struct {
	const char *unit, *word;
} units[] = {{"d", "days"}, {"h", "hours"}, {"min", "minutes"}, {"s", "seconds"}, {"ms", "milliseconds"}, {"us", "microseconds"},
    {"ns", "nanoseconds"}, {"By", "bytes"}, {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"}, {"GiBy", "gibibytes"}, {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"}, {"MBy", "megabytes"}, {"GBy", "gigabytes"}, {"TBy", "terabytes"}, {"m", "meters"}, {"V", "volts"},
    {"A", "amperes"}, {"J", "joules"}, {"W", "watts"}, {"g", "grams"}, {"Cel", "celsius"}, {"Hz", "hertz"}, {"1", ""}, {"%", "percent"}},
  per_units[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"}, {"w", "week"}, {"mo", "month"}, {"y", "year"}};

const char *genops_metric_kind_name(enum genops_metric_kind kind)
{
	static const char *const names[] = {"gauge", "counter", "histogram", "summary"};
	return names[kind];
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool genops_metric_name_is_valid(genops_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!is_letter(name.ptr[i]) && name.ptr[i] != '_' && name.ptr[i] != ':' && (!i || !is_digit(name.ptr[i])))
			return false;
	}
	return name.len > 0;
}

bool genops_metric_label_is_valid(genops_str name)
{
	return genops_metric_name_is_valid(name) && genops_str_find_char(name, ':') == SIZE_MAX && !genops_str_starts(name, GENOPS_STR("__"));
}

/* The words of a text, cut at whatever a name cannot have, joined by one underscore behind what is there. */
static void add_words(genops_str text, struct genops_buffer *out)
{
	bool is_between = true;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_kept = is_letter(c) || is_digit(c) || c == ':';
		if (is_kept && is_between && out->len)
			genops_buffer_add_char(out, '_');
		if (is_kept)
			genops_buffer_add_char(out, c);
		is_between = !is_kept;
	}
}

static bool has_word(genops_str name, genops_str word)
{
	while (name.len) {
		if (genops_str_equal(genops_str_split(&name, '_'), word))
			return true;
	}
	return false;
}

static void add_new_word(struct genops_buffer *name, genops_str word)
{
	if (!word.len || has_word(genops_buffer_view(name), word))
		return;
	add_words(word, name);
}

static void add_unit(struct genops_buffer *name, genops_str unit)
{
	genops_str word = genops_str_trim(genops_str_split(&unit, '/')), per = genops_str_trim(unit);
	if (genops_str_find_char(word, '{') == SIZE_MAX) {
		for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
			if (genops_str_is(word, units[i].unit)) {
				word = genops_str_of(units[i].word);
				break;
			}
		}
		add_new_word(name, word);
	}
	if (!per.len || genops_str_find_char(per, '{') != SIZE_MAX)
		return;
	for (size_t i = 0; i < sizeof per_units / sizeof *per_units; i++) {
		if (genops_str_is(per, per_units[i].unit)) {
			per = genops_str_of(per_units[i].word);
			break;
		}
	}
	if (has_word(genops_buffer_view(name), per))
		return;
	add_words(GENOPS_STR("per"), name);
	add_words(per, name);
}

/* A counter's last word is total, wherever it stood. */
static void move_total(struct genops_buffer *name)
{
	char kept[NAME_MAX_BYTES];
	if (name->error || name->len >= sizeof kept)
		return;
	memcpy(kept, name->ptr, name->len);
	genops_str rest = {kept, name->len};
	genops_buffer_clear(name);
	while (rest.len) {
		genops_str word = genops_str_split(&rest, '_');
		if (!genops_str_is(word, "total"))
			add_words(word, name);
	}
	add_words(GENOPS_STR("total"), name);
}

static bool is_own(genops_str name, genops_str unit)
{
	static const char *const sizes[] = {"ms", "us", "ns", "min", "h", "d", "%"};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		if (genops_str_is(unit, sizes[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof own_families / sizeof *own_families; i++) {
		if (genops_str_is(name, own_families[i]))
			return true;
	}
	return false;
}

void genops_metric_name_write(genops_str name, genops_str unit, enum genops_metric_kind kind, bool has_suffixes, struct genops_buffer *out)
{
	struct genops_buffer made;
	genops_buffer_init(&made, NAME_MAX_BYTES);
	add_words(name, &made);
	if (made.len && has_suffixes && !is_own(genops_buffer_view(&made), unit)) {
		add_unit(&made, unit);
		if (kind == GENOPS_METRIC_COUNTER)
			move_total(&made);
		else if (kind == GENOPS_METRIC_GAUGE && genops_str_is(unit, "1"))
			add_new_word(&made, GENOPS_STR("ratio"));
	}
	if (made.len && is_digit(made.ptr[0]))
		genops_buffer_add_char(out, '_');
	if (made.error)
		out->error = made.error;
	genops_buffer_add(out, genops_buffer_view(&made));
	genops_buffer_done(&made);
}

void genops_metric_label_write(genops_str name, struct genops_buffer *out)
{
	size_t start = out->len;
	bool is_reserved = name.len > 4 && genops_str_starts(name, GENOPS_STR("__")) && genops_str_ends(name, GENOPS_STR("__"));
	if (name.len && is_digit(name.ptr[0]))
		genops_buffer_add_text(out, "key_");
	for (size_t i = 0; i < name.len; i++) {
		char c = is_letter(name.ptr[i]) || is_digit(name.ptr[i]) ? name.ptr[i] : '_';
		bool is_run = c == '_' && !is_reserved && out->len > start && out->ptr[out->len - 1] == '_';
		if (!out->error && !is_run)
			genops_buffer_add_char(out, c);
	}
}
