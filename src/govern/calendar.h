/* SPDX-License-Identifier: Apache-2.0
 * govern/calendar.h - budget periods in a stated time zone. Pure: zones are parsed from TZif bytes (RFC 8536), time is an argument. */
#ifndef GOVERN_CALENDAR_H
#define GOVERN_CALENDAR_H

#include "base/arena.h"
#include "base/error.h"

/* X(symbol, name of the period, configuration key). Weeks begin on Monday. */
#define GENOPS_PERIODS(X)                                                                             \
	X(HOURLY, "hourly", "hourly_budget")                                                          \
	X(DAILY, "daily", "daily_budget")                                                             \
	X(WEEKLY, "weekly", "weekly_budget")                                                          \
	X(MONTHLY, "monthly", "monthly_budget")                                                       \
	X(TOTAL, "total", "total_budget")

enum genops_period {
#define X(symbol, name, key) GENOPS_PERIOD_##symbol,
	GENOPS_PERIODS(X)
#undef X
	GENOPS_PERIOD_N
};

const char *genops_period_name(enum genops_period period);

struct genops_zone; /* immutable */

/* Compiles the bytes of a TZif file (or none for UTC) into the arena. CORRUPT. */
GENOPS_NODISCARD int genops_zone_compile(genops_str name, genops_str tzif, struct genops_arena *arena,
    const struct genops_zone **ret_zone, struct genops_error *err);
const struct genops_zone *genops_zone_utc(void);
genops_str genops_zone_name(const struct genops_zone *zone);

/* The period that contains unix_s: [*ret_start, *ret_end) in Unix seconds. TOTAL: [0, INT64_MAX). DST-correct. */
void genops_period_bounds(const struct genops_zone *zone, enum genops_period period, int64_t unix_s,
    int64_t *ret_start, int64_t *ret_end);

#endif
