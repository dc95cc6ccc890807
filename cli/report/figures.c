/* SPDX-License-Identifier: Apache-2.0
 * figures.c - see figures.h. */
#include "figures.h"

#include <time.h>

#define NANO_PER_USD UINT64_C(1000000000)

void figures_number(struct table *table, int64_t value)
{
	char digits[32], text[48];
	int n = snprintf(digits, sizeof digits, "%lld", (long long)value), k = 0, first = digits[0] == '-';
	for (int i = 0; i < n; i++) {
		if (i > first && (n - i) % 3 == 0)
			text[k++] = ',';
		text[k++] = digits[i];
	}
	text[k] = 0;
	table_add(table, text);
}

void figures_money(struct table *table, int64_t nano_usd)
{
	char text[40];
	uint64_t all = nano_usd < 0 ? 0 - (uint64_t)nano_usd : (uint64_t)nano_usd;
	int n = snprintf(text, sizeof text, "%s$%llu.%09llu", nano_usd < 0 ? "-" : "",
	    (unsigned long long)(all / NANO_PER_USD), (unsigned long long)(all % NANO_PER_USD));
	for (int least = n - 7; n > least && text[n - 1] == '0'; n--)
		text[n - 1] = 0;
	table_add(table, text);
}

void figures_percent(struct table *table, double percent)
{
	char text[32];
	snprintf(text, sizeof text, "%.1f %%", percent);
	table_add(table, text);
}

void figures_time(struct table *table, int64_t unix_s, const char *none)
{
	char text[32];
	struct tm tm;
	time_t time = unix_s;
	if (unix_s && gmtime_r(&time, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
		none = text;
	table_add(table, none);
}
