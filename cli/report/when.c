/* SPDX-License-Identifier: Apache-2.0
 * when.c - see when.h. */
#include "when.h"

#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S INT64_C(86400)

static bool parse_ago(const char *text, int64_t now_unix_s, int64_t *ret_unix_s)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY_S}, {'w', 7 * DAY_S}};
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return false;
	long long n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (end[0] == units[i].letter && !end[1] && n <= now_unix_s / units[i].seconds) {
			*ret_unix_s = now_unix_s - n * units[i].seconds;
			return true;
		}
	return false;
}

/* Exactly n digits; moves on. */
static bool take_number(const char **text, int n, int least, int most, int *ret)
{
	int value = 0;
	for (int i = 0; i < n; i++) {
		if ((*text)[i] < '0' || (*text)[i] > '9')
			return false;
		value = value * 10 + (*text)[i] - '0';
	}
	*text += n;
	*ret = value;
	return value >= least && value <= most;
}

static bool take(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

static bool parse_time(const char *text, struct tm *tm)
{
	if (!take_number(&text, 2, 0, 23, &tm->tm_hour) || !take(&text, ':') || !take_number(&text, 2, 0, 59, &tm->tm_min))
		return false;
	if (take(&text, ':') && !take_number(&text, 2, 0, 59, &tm->tm_sec))
		return false;
	take(&text, 'Z');
	return !*text;
}

static bool is_same_day(struct tm tm, int64_t unix_s)
{
	struct tm real;
	time_t time = unix_s;
	return gmtime_r(&time, &real) && real.tm_mday == tm.tm_mday && real.tm_mon == tm.tm_mon;
}

static bool parse_date(const char *text, bool is_end, int64_t *ret_unix_s)
{
	struct tm tm = {.tm_mday = 1};
	bool has_day = false, has_time = false;
	if (!take_number(&text, 4, 1970, 9999, &tm.tm_year) || !take(&text, '-') || !take_number(&text, 2, 1, 12, &tm.tm_mon))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (take(&text, '-')) {
		has_day = true;
		if (!take_number(&text, 2, 1, 31, &tm.tm_mday))
			return false;
	}
	if (has_day && (take(&text, 'T') || take(&text, ' '))) {
		has_time = true;
		if (!parse_time(text, &tm))
			return false;
	} else if (*text) {
		return false;
	}
	struct tm first = tm;
	int64_t start = timegm(&first);
	if (!is_same_day(tm, start)) /* 31 February */
		return false;
	if (is_end && !has_time) {
		tm.tm_mday += has_day;
		tm.tm_mon += !has_day;
		start = timegm(&tm);
	}
	*ret_unix_s = start;
	return true;
}

bool when_parse(const char *text, int64_t now_unix_s, bool is_end, int64_t *ret_unix_s)
{
	int64_t today = now_unix_s - now_unix_s % DAY_S;
	if (!strcmp(text, "now"))
		*ret_unix_s = now_unix_s;
	else if (!strcmp(text, "today"))
		*ret_unix_s = is_end ? today + DAY_S : today;
	else if (!strcmp(text, "yesterday"))
		*ret_unix_s = is_end ? today : today - DAY_S;
	else
		return parse_ago(text, now_unix_s, ret_unix_s) || parse_date(text, is_end, ret_unix_s);
	return true;
}

int when_range(const char *since, const char *until, int64_t *ret_since_unix_s, int64_t *ret_until_unix_s)
{
	int64_t now = time(NULL);
	*ret_since_unix_s = *ret_until_unix_s = 0;
	if (since && !when_parse(since, now, false, ret_since_unix_s))
		return complain_text(EXIT_WRONG_USE, "--since: \"%s\" is no time; write %s", since, WHEN_HELP);
	if (until && !when_parse(until, now, true, ret_until_unix_s))
		return complain_text(EXIT_WRONG_USE, "--until: \"%s\" is no time; write %s", until, WHEN_HELP);
	if (since && until && *ret_since_unix_s >= *ret_until_unix_s)
		return complain_text(EXIT_WRONG_USE, "--since %s is not before --until %s", since, until);
	return -1;
}
