/* SPDX-License-Identifier: Apache-2.0
 * govern/calendar_period.c - see calendar.h.
 *
 * A day, week or month begins at the first instant whose local clock reads its midnight or later. So periods are a partition of
 * time whatever a zone does: midnight skipped or repeated, a whole day skipped (Apia, 2011-12-30).
 * An hour is an hour of real time, cut only where a shift of less than an hour moves its boundaries.
 */
#include "govern/calendar_zone.h"

#include <genops/attribute.h>

#define SECONDS_PER_HOUR INT64_C(3600)
#define TIME_MAX         INT64_C(1000000000000) /* year 33658: sums stay in range */

static const char *const period_names[] = {
#define X(symbol, name, key) [GENOPS_PERIOD_##symbol] = name,
	GENOPS_PERIODS(X)
#undef X
};

const char *genops_period_name(enum genops_period period)
{
	return (unsigned)period < GENOPS_PERIOD_N ? period_names[period] : "unknown";
}

static int64_t floor_to(int64_t value, int64_t unit)
{
	int64_t rest = value % unit;
	return value - (rest < 0 ? rest + unit : rest);
}

/* How many transitions have happened at t: the index of the offset that holds. */
static size_t offset_index(const struct genops_zone *zone, int64_t t)
{
	size_t low = 0, high = zone->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (zone->at[middle] <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first instant whose local clock reads `local` or later. */
static int64_t first_instant(const struct genops_zone *zone, int64_t local)
{
	for (size_t i = offset_index(zone, local - GENOPS_ZONE_OFFSET_MAX);; i++) {
		int64_t t = local - zone->offset[i];
		if (i > 0 && t < zone->at[i - 1])
			t = zone->at[i - 1];
		if (i == zone->n || t < zone->at[i])
			return t;
	}
}

static int64_t local_start(enum genops_period period, int64_t local)
{
	int64_t days = floor_to(local, GENOPS_SECONDS_PER_DAY) / GENOPS_SECONDS_PER_DAY;
	if (period == GENOPS_PERIOD_WEEKLY)
		days = floor_to(days + 3, 7) - 3; /* 1970-01-01 was a Thursday */
	if (period == GENOPS_PERIOD_MONTHLY) {
		int64_t year;
		int month;
		genops_calendar_date(days, &year, &month);
		days = genops_calendar_days(year, month, 1);
	}
	return days * GENOPS_SECONDS_PER_DAY;
}

static int64_t local_next(enum genops_period period, int64_t local)
{
	/* Any day of the next period will do. */
	static const int64_t step[GENOPS_PERIOD_N] = {
	    [GENOPS_PERIOD_DAILY] = 1, [GENOPS_PERIOD_WEEKLY] = 7, [GENOPS_PERIOD_MONTHLY] = 31};
	return local_start(period, local + step[period] * GENOPS_SECONDS_PER_DAY);
}

static void hour_bounds(
    const struct genops_zone *zone, int64_t t, int64_t *ret_start, int64_t *ret_end)
{
	size_t i = offset_index(zone, t);
	int64_t offset = zone->offset[i];
	int64_t start = floor_to(t + offset, SECONDS_PER_HOUR) - offset, end = start + SECONDS_PER_HOUR;
	if (i > 0 && start < zone->at[i - 1] && (zone->offset[i - 1] - offset) % SECONDS_PER_HOUR)
		start = zone->at[i - 1];
	if (i < zone->n && end > zone->at[i] && (zone->offset[i + 1] - offset) % SECONDS_PER_HOUR)
		end = zone->at[i];
	*ret_start = start;
	*ret_end = end;
}

static void day_bounds(const struct genops_zone *zone, enum genops_period period, int64_t t,
    int64_t *ret_start, int64_t *ret_end)
{
	int64_t local = local_start(period, t + zone->offset[offset_index(zone, t)]);
	int64_t next = local_next(period, local), end = first_instant(zone, next);
	while (t >= end) { /* the clock went back over midnight: the next period has begun already */
		local = next;
		next = local_next(period, local);
		end = first_instant(zone, next);
	}
	*ret_start = first_instant(zone, local);
	*ret_end = end;
}

void genops_period_bounds(const struct genops_zone *zone, enum genops_period period, int64_t unix_s,
    int64_t *ret_start, int64_t *ret_end)
{
	if (period == GENOPS_PERIOD_TOTAL || (unsigned)period >= GENOPS_PERIOD_N) {
		*ret_start = 0;
		*ret_end = INT64_MAX;
		return;
	}
	int64_t t = unix_s < -TIME_MAX ? -TIME_MAX : unix_s > TIME_MAX ? TIME_MAX : unix_s;
	int64_t shift = 0;
	if (zone->repeats_from < t)
		shift = floor_to(t - zone->repeats_from, GENOPS_CALENDAR_CYCLE);
	if (period == GENOPS_PERIOD_HOURLY)
		hour_bounds(zone, t - shift, ret_start, ret_end);
	else
		day_bounds(zone, period, t - shift, ret_start, ret_end);
	*ret_start += shift;
	*ret_end += shift;
}
