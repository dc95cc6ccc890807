/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/date.c - times, as milliseconds since 1970 in UTC. A date is never a value of its own: `new Date(x)` is its
 * number, and the method behind it takes that. Local time does not exist here: what an expression says must not depend on the host. */
#include "pipeline/expression/functions.h"

#include "pipeline/number_text.h"

#include <math.h>
#include <stdio.h>

#define ARGUMENTS struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret

#define MS_PER_DAY 86400000.0
#define TIME_MAX   8.64e15

static bool as_number(struct genops_value *ret, double number)
{
	*ret = genops_value_number(number);
	return true;
}

/* Days since 1970 of a civil date (month from 0, any integers), proleptic Gregorian. */
static double days_of(double year, double month, double day)
{
	year += floor(month / 12);
	month = fmod(fmod(month, 12) + 12, 12);
	double y = month < 2 ? year - 1 : year, era = floor(y / 400), of_era = y - era * 400;
	double of_year = floor((153 * (month + (month > 1 ? -2 : 10)) + 2) / 5);
	return era * 146097 + of_era * 365 + floor(of_era / 4) - floor(of_era / 100) + of_year - 719468 + day - 1;
}

struct civil {
	int64_t year;
	int month, day, weekday, hours, minutes, seconds, milliseconds; /* month from 0 */
};

static struct civil civil_of(double time)
{
	int64_t ms = (int64_t)time, days = ms >= 0 ? ms / 86400000 : -((86399999 - ms) / 86400000), rest = ms - days * 86400000;
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100), mp = (5 * of_year + 2) / 153;
	struct civil civil = {.month = (int)(mp < 10 ? mp + 2 : mp - 10), .day = (int)(of_year - (153 * mp + 2) / 5 + 1)};
	civil.year = year_of_era + era * 400 + (civil.month <= 1);
	civil.weekday = (int)(((days + 4) % 7 + 7) % 7);
	civil.hours = (int)(rest / 3600000);
	civil.minutes = (int)(rest / 60000 % 60);
	civil.seconds = (int)(rest / 1000 % 60);
	civil.milliseconds = (int)(rest % 1000);
	return civil;
}

static double clip(double time)
{
	return !(fabs(time) <= TIME_MAX) ? NAN : trunc(time) + 0.0;
}

/* --- reading --- */

/* Exactly n digits; -1: not there. */
static int take_digits(genops_str *text, size_t n)
{
	int value = 0;
	for (size_t i = 0; i < n; i++) {
		if (i >= text->len || text->ptr[i] < '0' || text->ptr[i] > '9')
			return -1;
		value = value * 10 + (text->ptr[i] - '0');
	}
	*text = genops_str_skip(*text, n);
	return value;
}

static bool take(genops_str *text, char c)
{
	if (!text->len || text->ptr[0] != c)
		return false;
	*text = genops_str_skip(*text, 1);
	return true;
}

static bool read_year(genops_str *text, double *ret_year)
{
	bool has_sign = text->len && (text->ptr[0] == '+' || text->ptr[0] == '-'), is_negative = has_sign && text->ptr[0] == '-';
	if (has_sign)
		*text = genops_str_skip(*text, 1);
	int year = take_digits(text, has_sign ? 6 : 4);
	if (year < 0 || (is_negative && !year))
		return false;
	*ret_year = is_negative ? -year : year;
	return true;
}

/* "HH:mm", "HH:mm:ss", "HH:mm:ss.sss" in milliseconds, then "Z" or "+HH:mm" or nothing. */
static bool read_time(genops_str *text, double *ret_ms)
{
	int hours = take_digits(text, 2), minutes = take(text, ':') ? take_digits(text, 2) : -1, seconds = 0;
	double fraction = 0, unit = 100;
	if (hours < 0 || hours > 24 || minutes < 0 || minutes > 59)
		return false;
	if (take(text, ':')) {
		seconds = take_digits(text, 2);
		if (seconds < 0 || seconds > 59)
			return false;
		if (take(text, '.')) {
			int digits = 0;
			for (; text->len && text->ptr[0] >= '0' && text->ptr[0] <= '9'; digits++, unit /= 10) {
				if (digits < 3)
					fraction += unit * (text->ptr[0] - '0');
				*text = genops_str_skip(*text, 1);
			}
			if (!digits)
				return false;
		}
	}
	if (hours == 24 && (minutes || seconds || fraction > 0))
		return false;
	*ret_ms = hours * 3600000.0 + minutes * 60000.0 + seconds * 1000.0 + fraction;
	if (take(text, 'Z') || !text->len)
		return true;
	bool is_east = text->ptr[0] == '+';
	if (!take(text, '+') && !take(text, '-'))
		return false;
	int zone_hours = take_digits(text, 2), zone_minutes = take(text, ':') ? take_digits(text, 2) : -1;
	if (zone_hours < 0 || zone_hours > 23 || zone_minutes < 0 || zone_minutes > 59)
		return false;
	*ret_ms -= (is_east ? 1 : -1) * (zone_hours * 3600000.0 + zone_minutes * 60000.0);
	return true;
}

static bool read_iso(genops_str text, double *ret_time)
{
	int month = 1, day = 1;
	double year, ms = 0;
	if (!read_year(&text, &year))
		return false;
	if (take(&text, '-')) {
		month = take_digits(&text, 2);
		if (take(&text, '-'))
			day = take_digits(&text, 2);
	}
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	if (take(&text, 'T') && !read_time(&text, &ms))
		return false;
	if (text.len)
		return false;
	*ret_time = clip(days_of(year, month - 1, day) * MS_PER_DAY + ms);
	return true;
}

static bool read_text(struct genops_machine *machine, genops_str text, struct genops_value *ret)
{
	double time;
	if (!read_iso(text, &time))
		return genops_run_throw(machine, "write it as 2026-01-31T12:00:00Z; what other forms mean depends on who reads them",
		    "a date's text is not ISO 8601");
	return as_number(ret, time);
}

bool genops_date_now(ARGUMENTS)
{
	return as_number(ret, (double)machine->run->now_ms);
}

bool genops_date_new(ARGUMENTS)
{
	double time = (double)machine->run->now_ms;
	if (n && args[0].type == GENOPS_VALUE_TEXT)
		return read_text(machine, genops_value_str(args[0]), ret);
	if (n && args[0].type > GENOPS_VALUE_TEXT)
		return genops_run_throw(machine, "", "new Date() wants a number or a text");
	return (!n || genops_convert_to_number(machine, args[0], &time)) && as_number(ret, clip(time));
}

bool genops_date_parse(ARGUMENTS)
{
	genops_str text;
	return genops_convert_to_text(machine, args[0], &text) && read_text(machine, text, ret);
}

bool genops_date_utc(ARGUMENTS)
{
	double parts[7] = {NAN, 0, 1, 0, 0, 0, 0};
	bool is_nan = false;
	for (unsigned i = 0; i < n; i++) {
		if (!genops_convert_to_number(machine, args[i], &parts[i]))
			return false;
		is_nan |= !isfinite(parts[i]) || fabs(parts[i]) > 1e16;
		parts[i] = genops_number_to_integer(parts[i]);
	}
	if (is_nan)
		return as_number(ret, NAN);
	if (parts[0] >= 0 && parts[0] <= 99)
		parts[0] += 1900;
	if (fabs(parts[0]) > 400000 || fabs(parts[1]) > 4800000)
		return as_number(ret, NAN);
	return as_number(ret, clip(days_of(parts[0], parts[1], 1) * MS_PER_DAY + (parts[2] - 1) * MS_PER_DAY + parts[3] * 3600000 +
				   parts[4] * 60000 + parts[5] * 1000 + parts[6]));
}

/* --- the methods: args[0] is the time --- */

static bool iso_text(struct genops_machine *machine, double time, struct genops_value *ret)
{
	char text[64];
	genops_str copy;
	struct civil civil = civil_of(time);
	bool is_plain = civil.year >= 0 && civil.year <= 9999;
	long long year = civil.year < 0 ? -civil.year : civil.year;
	int len = snprintf(text, sizeof text, is_plain ? "%s%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ" : "%s%06lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    is_plain ? "" : civil.year < 0 ? "-" : "+", year, civil.month + 1, civil.day, civil.hours, civil.minutes, civil.seconds,
	    civil.milliseconds);
	if (!genops_arena_dup(machine->run->arena, (genops_str){text, (size_t)len}, &copy))
		return genops_run_full(machine);
	return genops_run_text(machine, copy, ret);
}

bool genops_date_iso(ARGUMENTS)
{
	if (isnan(args[0].as.number))
		return genops_run_throw(machine, "", "toISOString of a time that is not one");
	return iso_text(machine, args[0].as.number, ret);
}

bool genops_date_json(ARGUMENTS)
{
	*ret = genops_value_null();
	return isnan(args[0].as.number) || iso_text(machine, args[0].as.number, ret);
}

bool genops_date_time(ARGUMENTS)
{
	return as_number(ret, args[0].as.number);
}

#define PART(name, member)                                                                            \
	bool genops_date_##name(ARGUMENTS)                                                            \
	{                                                                                             \
		double time = args[0].as.number;                                                      \
		return as_number(ret, isnan(time) ? NAN : (double)civil_of(time).member);             \
	}

PART(year, year)
PART(month, month)
PART(day, day)
PART(weekday, weekday)
PART(hours, hours)
PART(minutes, minutes)
PART(seconds, seconds)
PART(milliseconds, milliseconds)
