/* SPDX-License-Identifier: Apache-2.0
 * base/option.c - see option.h: texts into fields, with messages that say what would be right.
 *
 * Numbers with units are read as exact decimals scaled by 1e9 in 128 bits, so that "0.1" USD is 100000000
 * nano-USD and never 99999999. A secret's value is in no message. Pure; any thread.
 */
#include "base/option.h"

#include "base/str.h"

#include <float.h>
#include <limits.h>
#include <stdio.h>

#define ITEMS_MAX   4096 /* of one list or map */
#define CHOICES_MAX 160  /* names and aliases that "did you mean" looks at */
#define SHOWN_MAX   60   /* bytes of a value in a message */
#define NANO        INT64_C(1000000000)

__extension__ typedef unsigned __int128 wide;

/* mantissa * 10^exponent, half to even; `is_sticky` when digits were dropped behind the mantissa. */
static bool scale(wide mantissa, int exponent, bool is_sticky, int64_t *ret_value)
{
	unsigned digit = 0; /* the last one cut off */
	for (; exponent > 0 && mantissa; exponent--) {
		mantissa *= 10;
		if (mantissa > INT64_MAX)
			return false;
	}
	for (; exponent < 0 && (mantissa || digit); exponent++) {
		is_sticky |= digit != 0;
		digit = (unsigned)(mantissa % 10);
		mantissa /= 10;
	}
	mantissa += digit > 5 || (digit == 5 && (is_sticky || mantissa % 2));
	if (mantissa > INT64_MAX)
		return false;
	*ret_value = (int64_t)mantissa;
	return true;
}

static bool is_digit(genops_str text, size_t at)
{
	return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

/* Takes "e-6" from the front, only if digits follow: the E of "5EB" is none. */
static int take_exponent(genops_str *text)
{
	size_t at = 1;
	int power = 0;
	if (!text->len || (text->ptr[0] != 'e' && text->ptr[0] != 'E'))
		return 0;
	bool is_negative = at < text->len && text->ptr[at] == '-';
	if (at < text->len && (text->ptr[at] == '-' || text->ptr[at] == '+'))
		at++;
	if (!is_digit(*text, at))
		return 0;
	for (; is_digit(*text, at); at++)
		power = power > 999 ? power : power * 10 + (text->ptr[at] - '0');
	*text = genops_str_skip(*text, at);
	return is_negative ? -power : power;
}

/* The first number of `text` times 1e9; *ret_rest is what stands behind it. */
static bool scaled_parse(genops_str text, int64_t *ret_nano, genops_str *ret_rest)
{
	wide mantissa = 0;
	int exponent = 9;
	size_t i = 0;
	bool is_fraction = false, is_sticky = false;
	if (!is_digit(text, 0) && !(text.len && text.ptr[0] == '.' && is_digit(text, 1)))
		return false;
	for (; is_digit(text, i) || (i < text.len && text.ptr[i] == '.' && !is_fraction); i++) {
		if (text.ptr[i] == '.') {
			is_fraction = true;
		} else if (mantissa < (wide)1 << 100) {
			mantissa = mantissa * 10 + (unsigned)(text.ptr[i] - '0');
			exponent -= is_fraction;
		} else if (is_fraction) {
			is_sticky |= text.ptr[i] != '0';
		} else {
			return false; /* far above any bound */
		}
	}
	genops_str rest = genops_str_skip(text, i);
	exponent += take_exponent(&rest);
	if (!scale(mantissa, exponent, is_sticky, ret_nano))
		return false;
	*ret_rest = rest;
	return true;
}

struct unit {
	const char *name;
	int64_t scale;
};

/* "1.5h" by a table of units; `base_nano` is what 1e9 scaled parts of a unit of scale 1 count. */
static bool unit_parse(genops_str text, const struct unit *units, int64_t divisor, int64_t *ret_value)
{
	int64_t nano;
	genops_str rest;
	if (!scaled_parse(genops_str_trim(text), &nano, &rest))
		return false;
	rest = genops_str_trim(rest);
	for (; units->name; units++) {
		if (!genops_str_is_nocase(rest, units->name))
			continue;
		wide value = (wide)nano * (wide)units->scale / (wide)divisor;
		if (value > INT64_MAX)
			return false;
		*ret_value = (int64_t)value;
		return true;
	}
	return false;
}

bool genops_option_parse_duration(genops_str text, int64_t *ret_ns)
{
	static const struct unit units[] = {{"", NANO}, {"s", NANO}, {"ms", 1000000}, {"us", 1000}, {"ns", 1},
	    {"m", 60 * NANO}, {"min", 60 * NANO}, {"h", 3600 * NANO}, {"d", 86400 * NANO}, {"second", NANO},
	    {"seconds", NANO}, {"minute", 60 * NANO}, {"minutes", 60 * NANO}, {"hour", 3600 * NANO}, {"hours", 3600 * NANO},
	    {"day", 86400 * NANO}, {"days", 86400 * NANO}, {NULL, 0}};
	return unit_parse(text, units, NANO, ret_ns);
}

bool genops_option_parse_size(genops_str text, int64_t *ret_bytes)
{
	static const struct unit units[] = {{"", 1}, {"b", 1}, {"k", 1000}, {"kb", 1000}, {"kib", 1024},
	    {"m", 1000000}, {"mb", 1000000}, {"mib", INT64_C(1) << 20}, {"g", 1000000000},
	    {"gb", 1000000000}, {"gib", INT64_C(1) << 30}, {"t", INT64_C(1000000000000)},
	    {"tb", INT64_C(1000000000000)}, {"tib", INT64_C(1) << 40}, {NULL, 0}};
	return unit_parse(text, units, NANO, ret_bytes);
}

static bool money_parse(genops_str text, int64_t *ret_nano)
{
	int64_t nano;
	genops_str rest;
	if (!scaled_parse(text, &nano, &rest) || rest.len || nano > 9000000000 * NANO)
		return false;
	*ret_nano = nano;
	return true;
}

static bool bool_parse(genops_str text, bool *ret_value)
{
	static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
	for (size_t i = 0; i < 4; i++) {
		if (genops_str_is_nocase(text, yes[i]) || genops_str_is_nocase(text, no[i])) {
			*ret_value = genops_str_is_nocase(text, yes[i]);
			return true;
		}
	}
	return false;
}

const char *genops_option_type_text(enum genops_option_type type)
{
	switch (type) {
	case GENOPS_OPTION_BOOL:
		return "true or false";
	case GENOPS_OPTION_INT:
		return "a whole number";
	case GENOPS_OPTION_DOUBLE:
		return "a number";
	case GENOPS_OPTION_TEXT:
		return "a text";
	case GENOPS_OPTION_ENUM:
		return "one of the names";
	case GENOPS_OPTION_DURATION:
		return "a duration like 300s, 5m, 2h, 250ms";
	case GENOPS_OPTION_SIZE:
		return "a size like 64MiB, 500MB, 10k";
	case GENOPS_OPTION_MONEY:
		return "an amount in USD like 10.0, not negative";
	case GENOPS_OPTION_LIST:
		return "a list, or one text with commas";
	case GENOPS_OPTION_MAP:
		return "a mapping of names to texts";
	case GENOPS_OPTION_CUSTOM:
		break;
	}
	return "a section of its own";
}

/* What of a value a message may show. `out` holds SHOWN_MAX + 8 bytes. */
static const char *shown(const struct genops_option *option, genops_str text, char *out)
{
	if (option->is_secret)
		return "this value";
	snprintf(out, SHOWN_MAX + 8, "\"%.*s\"", text.len > SHOWN_MAX ? SHOWN_MAX : (int)text.len,
	    text.len ? text.ptr : "");
	return out;
}

static int fail_value(const struct genops_option *option, genops_str text, struct genops_error *err)
{
	char out[SHOWN_MAX + 8];
	return genops_fail(err, GENOPS_CONFIG, "%s: %s is not %s", option->name, shown(option, text, out),
	    genops_option_type_text(option->type));
}

static int fail_enum(const struct genops_option *option, genops_str text, struct genops_error *err)
{
	char list[256] = "", out[SHOWN_MAX + 8], fix[128] = "";
	size_t n = 0, len = 0;
	for (; option->names[n]; n++) {
		int more = snprintf(list + len, sizeof list - len, "%s%s", n ? ", " : "", option->names[n]);
		len += more > 0 && (size_t)more < sizeof list - len ? (size_t)more : 0;
	}
	const char *nearest = option->is_secret ? NULL : genops_str_nearest(text, option->names, n);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_fail_fix(err, GENOPS_CONFIG, fix, "%s: %s is not one of %s", option->name,
	    shown(option, text, out), list);
}

static int check_bounds(const struct genops_option *option, double value, struct genops_error *err)
{
	double min = option->min, max = option->max;
	if ((min == 0 && max == 0) || (value >= min && (max < min || value <= max)))
		return GENOPS_OK;
	if (max < min)
		return genops_fail(err, GENOPS_CONFIG, "%s: it must be at least %.15g", option->name, min);
	return genops_fail(
	    err, GENOPS_CONFIG, "%s: it must be from %.15g to %.15g", option->name, min, max);
}

static void *field(const struct genops_option *option, void *object)
{
	return (char *)object + option->offset;
}

static int set_enum(const struct genops_option *option, void *object, genops_str text, struct genops_error *err)
{
	for (int i = 0; option->names[i]; i++) {
		if (genops_str_is_nocase(text, option->names[i])) {
			*(int *)field(option, object) = i;
			return GENOPS_OK;
		}
	}
	return fail_enum(option, text, err);
}

static int set_double(const struct genops_option *option, void *object, genops_str text, struct genops_error *err)
{
	double value;
	if (!genops_str_to_double(text, &value) || value > DBL_MAX || value < -DBL_MAX)
		return fail_value(option, text, err);
	GENOPS_TRY(check_bounds(option, value, err));
	*(double *)field(option, object) = value;
	return GENOPS_OK;
}

/* All that is kept as int64_t; `unit` is what one of the bounds' units counts. */
static int set_int64(const struct genops_option *option, void *object, genops_str text,
    bool (*parse)(genops_str, int64_t *), double unit, struct genops_error *err)
{
	int64_t value;
	if (!parse(text, &value))
		return fail_value(option, text, err);
	GENOPS_TRY(check_bounds(option, (double)value / unit, err));
	*(int64_t *)field(option, object) = value;
	return GENOPS_OK;
}

static int set_bool(const struct genops_option *option, void *object, genops_str text, struct genops_error *err)
{
	bool value;
	if (!bool_parse(text, &value))
		return fail_value(option, text, err);
	*(bool *)field(option, object) = value;
	return GENOPS_OK;
}

static int no_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "%s", genops_error_text(GENOPS_NOMEM));
}

static int set_text(const struct genops_option *option, void *object, genops_str text,
    struct genops_arena *arena, struct genops_error *err)
{
	if (!genops_arena_dup(arena, text, field(option, object)))
		return no_memory(err);
	return GENOPS_OK;
}

static size_t count_parts(genops_str text)
{
	size_t n = 1;
	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == ',';
	return n;
}

static int check_count(const struct genops_option *option, size_t n, struct genops_error *err)
{
	if (n <= ITEMS_MAX)
		return GENOPS_OK;
	return genops_fail(
	    err, GENOPS_CONFIG, "%s: more than %d entries", option->name, ITEMS_MAX);
}

int genops_option_set_items(const struct genops_option *option, void *object, const genops_str *items,
    size_t n_items, struct genops_arena *arena, struct genops_error *err)
{
	struct genops_texts texts = {0};
	GENOPS_TRY(check_count(option, n_items, err));
	if (n_items && !(texts.items = genops_arena_alloc(arena, n_items * sizeof *texts.items)))
		return no_memory(err);
	for (size_t i = 0; i < n_items; i++) {
		genops_str item = genops_str_trim(items[i]);
		if (item.len && !genops_arena_dup(arena, item, &texts.items[texts.n++]))
			return no_memory(err);
	}
	*(struct genops_texts *)field(option, object) = texts;
	return GENOPS_OK;
}

int genops_option_set_pairs(const struct genops_option *option, void *object,
    const struct genops_text_pair *pairs, size_t n_pairs, struct genops_arena *arena, struct genops_error *err)
{
	struct genops_text_map map = {0};
	GENOPS_TRY(check_count(option, n_pairs, err));
	if (n_pairs && !(map.items = genops_arena_alloc(arena, n_pairs * sizeof *map.items)))
		return no_memory(err);
	for (size_t i = 0; i < n_pairs; i++) {
		if (!genops_arena_dup(arena, pairs[i].key, &map.items[i].key) ||
		    !genops_arena_dup(arena, pairs[i].value, &map.items[i].value))
			return no_memory(err);
		map.n++;
	}
	*(struct genops_text_map *)field(option, object) = map;
	return GENOPS_OK;
}

static int set_list(const struct genops_option *option, void *object, genops_str text,
    struct genops_arena *arena, struct genops_error *err)
{
	size_t n = count_parts(text);
	GENOPS_TRY(check_count(option, n, err));
	genops_str *items = genops_arena_alloc(arena, n * sizeof *items);
	if (!items)
		return no_memory(err);
	for (size_t i = 0; i < n; i++)
		items[i] = genops_str_split(&text, ',');
	return genops_option_set_items(option, object, items, n, arena, err);
}

static int set_map(const struct genops_option *option, void *object, genops_str text,
    struct genops_arena *arena, struct genops_error *err)
{
	size_t n = count_parts(text), used = 0;
	GENOPS_TRY(check_count(option, n, err));
	struct genops_text_pair *pairs = genops_arena_alloc(arena, n * sizeof *pairs);
	if (!pairs)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		genops_str part = genops_str_trim(genops_str_split(&text, ','));
		if (!part.len)
			continue;
		if (genops_str_find_char(part, '=') == SIZE_MAX)
			return fail_value(option, part, err);
		pairs[used].key = genops_str_trim(genops_str_split(&part, '='));
		pairs[used++].value = genops_str_trim(part);
	}
	return genops_option_set_pairs(option, object, pairs, used, arena, err);
}

int genops_option_set(const struct genops_option *option, void *object, genops_str text,
    struct genops_arena *arena, struct genops_error *err)
{
	genops_str word = genops_str_trim(text);
	switch (option->type) {
	case GENOPS_OPTION_BOOL:
		return set_bool(option, object, word, err);
	case GENOPS_OPTION_INT:
		return set_int64(option, object, word, genops_str_to_int, 1, err);
	case GENOPS_OPTION_DOUBLE:
		return set_double(option, object, word, err);
	case GENOPS_OPTION_TEXT:
		return set_text(option, object, text, arena, err);
	case GENOPS_OPTION_ENUM:
		return set_enum(option, object, word, err);
	case GENOPS_OPTION_DURATION:
		return set_int64(option, object, word, genops_option_parse_duration, (double)NANO, err);
	case GENOPS_OPTION_SIZE:
		return set_int64(option, object, word, genops_option_parse_size, 1, err);
	case GENOPS_OPTION_MONEY:
		return set_int64(option, object, word, money_parse, (double)NANO, err);
	case GENOPS_OPTION_LIST:
		return set_list(option, object, text, arena, err);
	case GENOPS_OPTION_MAP:
		return set_map(option, object, text, arena, err);
	case GENOPS_OPTION_CUSTOM:
		break;
	}
	return genops_fail(err, GENOPS_MISUSE, "%s: it is not read from one text", option->name);
}

int genops_option_defaults(const struct genops_option *options, void *object, struct genops_arena *arena,
    struct genops_error *err)
{
	for (const struct genops_option *option = options; option->name; option++) {
		if (!option->default_text || option->type == GENOPS_OPTION_CUSTOM)
			continue;
		GENOPS_TRY(genops_option_set(
		    option, object, genops_str_of(option->default_text), arena, err));
	}
	return GENOPS_OK;
}

static bool is_named(const struct genops_option *option, genops_str name)
{
	if (genops_str_is(name, option->name))
		return true;
	for (const char *const *alias = option->aliases; alias && *alias; alias++) {
		if (genops_str_is(name, *alias))
			return true;
	}
	return false;
}

const struct genops_option *genops_option_find(const struct genops_option *options, genops_str name)
{
	for (const struct genops_option *option = options; option->name; option++) {
		if (is_named(option, name))
			return option;
	}
	return NULL;
}

const char *genops_option_nearest(const struct genops_option *options, genops_str name)
{
	const char *choices[CHOICES_MAX];
	size_t n = 0;
	for (const struct genops_option *option = options; option->name; option++) {
		if (n < CHOICES_MAX)
			choices[n++] = option->name;
		for (const char *const *alias = option->aliases; alias && *alias && n < CHOICES_MAX; alias++)
			choices[n++] = *alias;
	}
	return genops_str_nearest(name, choices, n);
}
