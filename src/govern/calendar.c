/* SPDX-License-Identifier: Apache-2.0
 * govern/calendar.c - dates to days and back, by Howard Hinnant's algorithms: years begin in March, eras are 400 years. */
#include "govern/calendar_zone.h"

static int64_t floor_div(int64_t value, int64_t unit)
{
	return value / unit - (value % unit < 0);
}

int64_t genops_calendar_days(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = floor_div(year, 400);
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

void genops_calendar_date(int64_t days, int64_t *ret_year, int *ret_month)
{
	days += 719468;
	int64_t era = floor_div(days, 146097);
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (int)((5 * day_of_year + 2) / 153);
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}
