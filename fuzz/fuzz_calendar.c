/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_calendar.c - genops_zone_compile on any bytes; with whatever zone it accepts, genops_period_bounds must give for any time
 * a period that contains it and that begins where the one before it ends. */
#include <stdlib.h>

#include "govern/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct genops_zone *zone, enum genops_period period, int64_t t)
{
	int64_t start, end, next_start, next_end;
	if (period == GENOPS_PERIOD_TOTAL)
		return; /* begins in 1970 */
	genops_period_bounds(zone, period, t, &start, &end);
	if (start > t || t >= end)
		abort();
	if (period == GENOPS_PERIOD_HOURLY)
		return; /* hours are cut at any number of shifts, which only real zones do sparingly */
	genops_period_bounds(zone, period, end, &next_start, &next_end);
	if (next_start != end)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_arena arena;
	struct genops_error err;
	const struct genops_zone *zone;
	genops_arena_init(&arena, 1 << 20);
	if (genops_zone_compile(GENOPS_STR("x"), (genops_str){(const char *)data, size}, &arena, &zone, &err) == GENOPS_OK) {
		for (int period = 0; period < GENOPS_PERIOD_N; period++) {
			for (int64_t t = -4000000000; t < 20000000000; t += 123456789)
				check(zone, (enum genops_period)period, t);
		}
	}
	genops_arena_done(&arena);
	return 0;
}
