/* SPDX-License-Identifier: Apache-2.0
 * govern/calendar_zone.c - compiles TZif files (RFC 8536, versions 1 to 4) for calendar_period.c.
 *
 * The rule in the footer is written out once for 400 years, so that looking up is a search in one array. The bytes
 * come from outside: every count is bounded and every offset checked.
 */
#include "govern/calendar_zone.h"

#include "base/str.h"

#include <string.h>

#define TRANSITIONS_MAX 4096
#define TYPES_MAX       256
#define HEADER_SIZE     ((size_t)44)
#define RULE_YEARS      403 /* a cycle, and a margin for periods that reach over its ends */
#define RULE_HOURS_MAX  167

static const int32_t utc_offset[] = {0};
static const struct genops_zone utc = {
    .name = {"UTC", 3}, .offset = utc_offset, .repeats_from = INT64_MAX};

const struct genops_zone *genops_zone_utc(void)
{
	return &utc;
}

genops_str genops_zone_name(const struct genops_zone *zone)
{
	return zone->name;
}

/* --- the rule in the footer: a POSIX TZ text such as CET-1CEST,M3.5.0,M10.5.0/3 --- */

struct change {
	enum { MONTH_WEEK_DAY, JULIAN, ZERO_BASED } kind;
	int month, week, day;
	int32_t seconds; /* of local time, after midnight; may be negative */
};

struct rule {
	int32_t standard, daylight; /* seconds east */
	bool has_daylight;
	struct change begin, end;
};

static bool take_char(genops_str *text, char c)
{
	if (text->len == 0 || text->ptr[0] != c)
		return false;
	*text = genops_str_skip(*text, 1);
	return true;
}

static bool take_number(genops_str *text, int max, int *ret_number)
{
	int number = 0;
	size_t n = 0;
	for (; n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9'; n++) {
		number = number * 10 + (text->ptr[n] - '0');
		if (number > max)
			return false;
	}
	*text = genops_str_skip(*text, n);
	*ret_number = number;
	return n > 0;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(genops_str *text, int max_hours, int32_t *ret_seconds)
{
	int hours, minutes = 0, seconds = 0;
	bool is_negative = take_char(text, '-');
	if (!is_negative)
		take_char(text, '+');
	if (!take_number(text, max_hours, &hours))
		return false;
	if (take_char(text, ':') && !take_number(text, 59, &minutes))
		return false;
	if (take_char(text, ':') && !take_number(text, 59, &seconds))
		return false;
	int32_t sum = hours * 3600 + minutes * 60 + seconds;
	*ret_seconds = is_negative ? -sum : sum;
	return true;
}

/* Letters, or anything between < and >. */
static bool take_name(genops_str *text)
{
	bool is_quoted = take_char(text, '<');
	size_t n = 0;
	while (n < text->len && (is_quoted ? text->ptr[n] != '>'
					   : (text->ptr[n] | 0x20) >= 'a' && (text->ptr[n] | 0x20) <= 'z'))
		n++;
	*text = genops_str_skip(*text, n);
	return n >= 3 && (!is_quoted || take_char(text, '>'));
}

static bool take_change(genops_str *text, struct change *ret_change)
{
	struct change change = {.kind = ZERO_BASED, .seconds = 2 * 3600};
	if (take_char(text, 'M')) {
		change.kind = MONTH_WEEK_DAY;
		if (!take_number(text, 12, &change.month) || change.month < 1 || !take_char(text, '.') ||
		    !take_number(text, 5, &change.week) || change.week < 1 || !take_char(text, '.') ||
		    !take_number(text, 6, &change.day))
			return false;
	} else if (take_char(text, 'J')) {
		change.kind = JULIAN;
		if (!take_number(text, 365, &change.day) || change.day < 1)
			return false;
	} else if (!take_number(text, 365, &change.day)) {
		return false;
	}
	if (take_char(text, '/') && !take_time(text, RULE_HOURS_MAX, &change.seconds))
		return false;
	*ret_change = change;
	return true;
}

static bool parse_rule(genops_str text, struct rule *ret_rule)
{
	struct rule rule = {0};
	int32_t west;
	if (!take_name(&text) || !take_time(&text, 24, &west))
		return false;
	rule.standard = -west;
	rule.has_daylight = text.len > 0;
	if (rule.has_daylight) {
		if (!take_name(&text))
			return false;
		rule.daylight = rule.standard + 3600;
		if (text.len > 0 && text.ptr[0] != ',') {
			if (!take_time(&text, 24, &west))
				return false;
			rule.daylight = -west;
		}
		if (!take_char(&text, ',') || !take_change(&text, &rule.begin) ||
		    !take_char(&text, ',') || !take_change(&text, &rule.end))
			return false;
	}
	*ret_rule = rule;
	return text.len == 0;
}

/* Local seconds since 1970-01-01 00:00 local at which `change` happens in `year`. */
static int64_t change_local(const struct change *change, int64_t year)
{
	int64_t day = genops_calendar_days(year, 1, 1);
	bool is_leap = genops_calendar_days(year, 3, 1) - day == 60;
	if (change->kind == ZERO_BASED)
		day += change->day;
	if (change->kind == JULIAN) /* 29 February is never counted */
		day += change->day - 1 + (is_leap && change->day >= 60);
	if (change->kind == MONTH_WEEK_DAY) {
		day = genops_calendar_days(year, change->month, 1);
		int64_t next_month = change->month < 12 ? genops_calendar_days(year, change->month + 1, 1)
						        : genops_calendar_days(year + 1, 1, 1);
		int64_t weekday = ((day + 4) % 7 + 7) % 7; /* Sunday is 0 */
		day += (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
		if (day >= next_month)
			day -= 7; /* week 5 is the last one */
	}
	return day * GENOPS_SECONDS_PER_DAY + change->seconds;
}

/* --- the file --- */

struct transitions {
	int64_t *at;
	int32_t *offset; /* one more than at */
	size_t n;
};

/* Keeps order whatever a rule says; of two at the same instant the later one holds, and the table before any rule. */
static void add_transition(struct transitions *transitions, size_t n_fixed, int64_t at, int32_t offset)
{
	size_t i = transitions->n;
	while (i > n_fixed && transitions->at[i - 1] > at)
		i--;
	if (i > 0 && transitions->at[i - 1] > at)
		return;
	if (i > 0 && transitions->at[i - 1] == at) {
		transitions->offset[i] = offset;
		return;
	}
	size_t n_after = transitions->n - i;
	memmove(transitions->at + i + 1, transitions->at + i, n_after * sizeof *transitions->at);
	memmove(transitions->offset + i + 2, transitions->offset + i + 1, n_after * sizeof *transitions->offset);
	transitions->at[i] = at;
	transitions->offset[i + 1] = offset;
	transitions->n++;
}

/* Writes the rule out behind the table; returns from when on it repeats. */
static int64_t add_rule(struct transitions *transitions, const struct rule *rule)
{
	size_t n_fixed = transitions->n;
	if (!rule->has_daylight) {
		transitions->offset[n_fixed] = rule->standard;
		return INT64_MAX;
	}
	int64_t from = n_fixed ? transitions->at[n_fixed - 1] : 0, year;
	int month;
	if (from < 0)
		from = 0; /* rules of the present, not of 1800 */
	genops_calendar_date(from / GENOPS_SECONDS_PER_DAY, &year, &month);
	for (int64_t y = year; y < year + RULE_YEARS; y++) {
		int64_t begin = change_local(&rule->begin, y) - rule->standard;
		int64_t end = change_local(&rule->end, y) - rule->daylight;
		add_transition(transitions, n_fixed, end, rule->standard);
		add_transition(transitions, n_fixed, begin, rule->daylight);
	}
	return genops_calendar_days(year + 1, 1, 1) * GENOPS_SECONDS_PER_DAY;
}

struct tzif {
	genops_str body; /* times, type indices, types, abbreviations, leap seconds, indicators */
	size_t n_times, n_types, time_size;
	genops_str footer;
};

static uint64_t read_big_endian(const char *bytes, size_t n)
{
	uint64_t value = 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | (uint8_t)bytes[i];
	return value;
}

static int64_t read_signed(const char *bytes, size_t n)
{
	uint64_t value = read_big_endian(bytes, n);
	return n == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

/* One header and the data behind it. */
static bool read_block(genops_str bytes, size_t time_size, struct tzif *ret_tzif, size_t *ret_size)
{
	if (bytes.len < HEADER_SIZE || memcmp(bytes.ptr, "TZif", 4) != 0)
		return false;
	size_t count[6]; /* UT/local, standard/wall, leap, time, type, character */
	for (size_t i = 0; i < 6; i++)
		count[i] = (size_t)read_big_endian(bytes.ptr + 20 + 4 * i, 4);
	if (count[0] > TYPES_MAX || count[1] > TYPES_MAX || count[2] > TRANSITIONS_MAX ||
	    count[3] > TRANSITIONS_MAX || count[4] > TYPES_MAX || count[4] == 0 || count[5] > 4096)
		return false;
	size_t size = count[3] * (time_size + 1) + count[4] * 6 + count[5] +
		      count[2] * (time_size + 4) + count[1] + count[0];
	if (bytes.len - HEADER_SIZE < size)
		return false;
	*ret_tzif = (struct tzif){.body = {bytes.ptr + HEADER_SIZE, size},
	    .n_times = count[3], .n_types = count[4], .time_size = time_size};
	*ret_size = HEADER_SIZE + size;
	return count[2] == 0 || time_size == 4; /* Unix time has no leap seconds; old blocks are skipped */
}

static bool read_tzif(genops_str bytes, struct tzif *ret_tzif)
{
	size_t size;
	if (!read_block(bytes, 4, ret_tzif, &size))
		return false;
	if (bytes.ptr[4] == '\0')
		return true; /* version 1 */
	bytes = genops_str_skip(bytes, size);
	if (!read_block(bytes, 8, ret_tzif, &size))
		return false;
	bytes = genops_str_skip(bytes, size);
	if (!take_char(&bytes, '\n') || genops_str_find_char(bytes, '\n') == SIZE_MAX)
		return false;
	ret_tzif->footer = genops_str_split(&bytes, '\n');
	return true;
}

/* Fills from the table; false when it is out of order or out of range. */
static bool read_table(const struct tzif *tzif, struct transitions *transitions)
{
	const char *indices = tzif->body.ptr + tzif->n_times * tzif->time_size;
	const char *types = indices + tzif->n_times;
	for (size_t i = 0; i <= tzif->n_times; i++) {
		size_t type = i ? (uint8_t)indices[i - 1] : 0;
		if (type >= tzif->n_types)
			return false;
		int64_t offset = read_signed(types + type * 6, 4);
		if (offset < -GENOPS_ZONE_OFFSET_MAX || offset > GENOPS_ZONE_OFFSET_MAX)
			return false;
		transitions->offset[i] = (int32_t)offset;
		if (i == tzif->n_times)
			break;
		int64_t at = read_signed(tzif->body.ptr + i * tzif->time_size, tzif->time_size);
		if (at < -(INT64_C(1) << 60) || at > GENOPS_CALENDAR_CYCLE * 20 ||
		    (i > 0 && at <= transitions->at[i - 1]))
			return false;
		transitions->at[i] = at;
	}
	transitions->n = tzif->n_times;
	return true;
}

int genops_zone_compile(genops_str name, genops_str tzif, struct genops_arena *arena,
    const struct genops_zone **ret_zone, struct genops_error *err)
{
	struct tzif parts = {.footer = {NULL, 0}};
	struct rule rule = {0};
	bool is_utc = tzif.len == 0;
	if (!is_utc && (!read_tzif(tzif, &parts) || (parts.footer.len && !parse_rule(parts.footer, &rule))))
		return genops_fail_fix(err, GENOPS_CORRUPT, "install the package tzdata, or use another zone",
		    "time zone \"%.*s\" is not a TZif file that can be read", GENOPS_STR_ARG(name));
	size_t room = parts.n_times + (rule.has_daylight ? 2 * RULE_YEARS : 0);
	struct genops_zone *zone = genops_arena_alloc(arena, sizeof *zone);
	struct transitions transitions = {
	    .at = genops_arena_alloc(arena, (room + 1) * sizeof *transitions.at),
	    .offset = genops_arena_alloc(arena, (room + 2) * sizeof *transitions.offset)};
	if (!zone || !transitions.at || !transitions.offset ||
	    !genops_arena_dup(arena, is_utc && !name.len ? utc.name : name, &zone->name))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a time zone");
	if (!is_utc && !read_table(&parts, &transitions))
		return genops_fail(err, GENOPS_CORRUPT, "time zone \"%.*s\": the table of transitions is wrong",
		    GENOPS_STR_ARG(name));
	zone->repeats_from = parts.footer.len ? add_rule(&transitions, &rule) : INT64_MAX;
	zone->at = transitions.at;
	zone->offset = transitions.offset;
	zone->n = transitions.n;
	*ret_zone = zone;
	return GENOPS_OK;
}
