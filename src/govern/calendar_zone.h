/* SPDX-License-Identifier: Apache-2.0
 * govern/calendar_zone.h - a compiled time zone, as calendar_period.c reads it and calendar_zone.c makes it. Inner header. */
#ifndef GOVERN_CALENDAR_ZONE_H
#define GOVERN_CALENDAR_ZONE_H

#include "govern/calendar.h"

#define GENOPS_SECONDS_PER_DAY INT64_C(86400)
#define GENOPS_ZONE_OFFSET_MAX (26 * 3600) /* seconds either way, RFC 8536 */
/* The Gregorian calendar, weekdays included, repeats after 400 years. */
#define GENOPS_CALENDAR_CYCLE (INT64_C(146097) * GENOPS_SECONDS_PER_DAY)

struct genops_zone {
	genops_str name;
	size_t n;              /* transitions */
	const int64_t *at;     /* when they happen, ascending */
	const int32_t *offset; /* n + 1: offset[i] holds before at[i], offset[n] after the last; seconds east */
	int64_t repeats_from;  /* from here on, transitions repeat every cycle; INT64_MAX: no more come */
};

int64_t genops_calendar_days(int64_t year, int month, int day); /* since 1970-01-01 */
void genops_calendar_date(int64_t days, int64_t *ret_year, int *ret_month);

#endif
