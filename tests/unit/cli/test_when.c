/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/cli/test_when.c - times as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "command.h"
#include "report/when.h"

#define NOW INT64_C(1793880000) /* 2026-11-05T12:00:00Z, a Thursday */
#define DAY INT64_C(86400)

int complain_text(int exit_code, const char *format, ...)
{
	return exit_code;
}

static void test_reads(void **state)
{
	const int64_t midnight = NOW - NOW % DAY;
	const struct {
		const char *text;
		int64_t start, end;
	} cases[] = {
	    {"now", NOW, NOW},
	    {"24h", NOW - DAY, NOW - DAY},
	    {"90s", NOW - 90, NOW - 90},
	    {"15m", NOW - 900, NOW - 900},
	    {"7d", NOW - 7 * DAY, NOW - 7 * DAY},
	    {"2w", NOW - 14 * DAY, NOW - 14 * DAY},
	    {"today", midnight, midnight + DAY},
	    {"yesterday", midnight - DAY, midnight},
	    {"2026-11-05", midnight, midnight + DAY},
	    {"2026-11", midnight - 4 * DAY, midnight + 26 * DAY},
	    {"2026-12", midnight + 26 * DAY, midnight + 57 * DAY}, /* over the year's end */
	    {"2024-02-29", 1709164800, 1709164800 + DAY},
	    {"2026-11-05T12:00:00Z", NOW, NOW},
	    {"2026-11-05 12:00", NOW, NOW},
	    {"2026-11-05T12:00:01", NOW + 1, NOW + 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t start = -1, end = -1;
		if (!when_parse(cases[i].text, NOW, false, &start) || !when_parse(cases[i].text, NOW, true, &end))
			fail_msg("%s is not understood", cases[i].text);
		if (start != cases[i].start || end != cases[i].end)
			fail_msg("%s: %lld..%lld", cases[i].text, (long long)start, (long long)end);
	}
}

static void test_refuses(void **state)
{
	static const char *const texts[] = {"", "h", "24", "24x", "24hh", "-1h", "99999999999999999999h", "2026", "2026-13", "2026-00",
	    "2026-02-30", "2026-11-5", "2026-11-05T", "2026-11-05T24:00", "2026-11-05T12", "2026-11-05T12:00:00+01:00", "2026-11-05x",
	    "1969-12-31", "20261105", "tomorrow"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int64_t time = -7;
		if (when_parse(texts[i], NOW, false, &time) || time != -7)
			fail_msg("\"%s\" was read as %lld", texts[i], (long long)time);
	}
}

static void test_range(void **state)
{
	int64_t since, until;
	assert_int_equal(when_range(NULL, NULL, &since, &until), -1);
	assert_int_equal(since, 0);
	assert_int_equal(until, 0);
	assert_int_equal(when_range("2026-11", "2026-11", &since, &until), -1);
	assert_int_equal(until - since, 30 * DAY);
	assert_int_equal(when_range("2026-11-02", "2026-11-01", &since, &until), EXIT_WRONG_USE);
	assert_int_equal(when_range("soon", NULL, &since, &until), EXIT_WRONG_USE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reads),
	    cmocka_unit_test(test_refuses),
	    cmocka_unit_test(test_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
