/* SPDX-License-Identifier: Apache-2.0
 * Budget periods: known answers, and properties checked against the C library's own localtime, which reads the same
 * zone files (tests/golden/zoneinfo, from tzdata) with code of its own. proves A-061 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "govern/calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DAY INT64_C(86400)

static char tzif[16384];

static genops_str read_zone(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, GOLDEN_DIR "/zoneinfo/%s", name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t n = fread(tzif, 1, sizeof tzif, file);
	fclose(file);
	return (genops_str){tzif, n};
}

static const struct genops_zone *zone_of(const char *name, struct genops_arena *arena)
{
	const struct genops_zone *zone = NULL;
	struct genops_error err;
	assert_int_equal(
	    genops_zone_compile(genops_str_of(name), read_zone(name), arena, &zone, &err), GENOPS_OK);
	return zone;
}

static void expect_bounds(const struct genops_zone *zone, enum genops_period period, int64_t t, int64_t start, int64_t end)
{
	int64_t got_start, got_end;
	genops_period_bounds(zone, period, t, &got_start, &got_end);
	assert_int_equal(got_start, start);
	assert_int_equal(got_end, end);
}

/* --- UTC --- */

static void utc_is_the_default(void **state)
{
	const struct genops_zone *utc = genops_zone_utc();
	const int64_t t = 1709214245; /* 2024-02-29 13:44:05, a Thursday */
	assert_memory_equal(genops_zone_name(utc).ptr, "UTC", 3);
	expect_bounds(utc, GENOPS_PERIOD_HOURLY, t, 1709211600, 1709215200);
	expect_bounds(utc, GENOPS_PERIOD_DAILY, t, 1709164800, 1709251200);
	expect_bounds(utc, GENOPS_PERIOD_WEEKLY, t, 1708905600, 1709510400); /* Monday 26 February */
	expect_bounds(utc, GENOPS_PERIOD_MONTHLY, t, 1706745600, 1709251200);
	expect_bounds(utc, GENOPS_PERIOD_TOTAL, t, 0, INT64_MAX);
	expect_bounds(utc, GENOPS_PERIOD_DAILY, -1, -DAY, 0);
	expect_bounds(utc, GENOPS_PERIOD_MONTHLY, 1704067199, 1701388800, 1704067200); /* the last second of 2023 */
	expect_bounds(utc, GENOPS_PERIOD_DAILY, 0, 0, DAY);
}

static void names(void **state)
{
	assert_string_equal(genops_period_name(GENOPS_PERIOD_HOURLY), "hourly");
	assert_string_equal(genops_period_name(GENOPS_PERIOD_TOTAL), "total");
	assert_string_equal(genops_period_name(GENOPS_PERIOD_N), "unknown");
}

/* --- zones, known answers --- */

static void a_day_of_23_and_of_25_hours(void **state)
{
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	const struct genops_zone *berlin = zone_of("Berlin", &arena);
	expect_bounds(berlin, GENOPS_PERIOD_DAILY, 1711843200, 1711839600, 1711922400); /* 2024-03-31: 23 hours */
	expect_bounds(berlin, GENOPS_PERIOD_DAILY, 1729987200, 1729980000, 1730070000); /* 2024-10-27: 25 hours */
	/* 02:30 comes twice; each of the two hours is a period */
	expect_bounds(berlin, GENOPS_PERIOD_HOURLY, 1729989000, 1729987200, 1729990800);
	expect_bounds(berlin, GENOPS_PERIOD_HOURLY, 1729992600, 1729990800, 1729994400);
	/* far beyond the table, and beyond 400 years: 2100-07-01 and 2900-07-01 12:00 in summer time */
	expect_bounds(berlin, GENOPS_PERIOD_DAILY, 4118126400, 4118076000, 4118162400);
	int64_t start, end, later_start, later_end;
	const int64_t cycle = 146097 * DAY;
	genops_period_bounds(berlin, GENOPS_PERIOD_MONTHLY, 4118126400, &start, &end);
	genops_period_bounds(berlin, GENOPS_PERIOD_MONTHLY, 4118126400 + 2 * cycle, &later_start, &later_end);
	assert_int_equal(later_start - start, 2 * cycle);
	assert_int_equal(later_end - end, 2 * cycle);
	genops_arena_done(&arena);
}

static void a_day_that_never_was(void **state)
{
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	const struct genops_zone *apia = zone_of("Apia", &arena);
	const int64_t jump = 1325239200; /* 2011-12-29 24:00 became 2011-12-31 00:00 */
	expect_bounds(apia, GENOPS_PERIOD_DAILY, jump - 1, jump - DAY, jump);
	expect_bounds(apia, GENOPS_PERIOD_DAILY, jump, jump, jump + DAY);
	genops_arena_done(&arena);
}

/* The clock goes back by half an hour in the middle of an hour: the periods stay a partition. */
static void half_an_hour_of_summer(void **state)
{
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	const struct genops_zone *howe = zone_of("Lord_Howe", &arena);
	const int64_t back = 1712415600; /* 2024-04-06 15:00 UTC: 02:00 +11 becomes 01:30 +10:30 */
	expect_bounds(howe, GENOPS_PERIOD_HOURLY, back - 1, back - 3600, back);
	expect_bounds(howe, GENOPS_PERIOD_HOURLY, back, back, back + 1800);
	expect_bounds(howe, GENOPS_PERIOD_HOURLY, back + 1800, back + 1800, back + 5400);
	expect_bounds(howe, GENOPS_PERIOD_DAILY, back, 1712408400, 1712496600);
	genops_arena_done(&arena);
}

/* --- properties, against localtime --- */

static struct tm local(int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;
	localtime_r(&at, &tm);
	return tm;
}

static long day_of(int64_t t)
{
	struct tm tm = local(t);
	return (tm.tm_year * 12L + tm.tm_mon) * 31 + tm.tm_mday;
}

static long month_of(int64_t t)
{
	struct tm tm = local(t);
	return tm.tm_year * 12L + tm.tm_mon;
}

/* Days since Monday; Sunday is 0 in struct tm. */
static int weekday_of(int64_t t)
{
	return (local(t).tm_wday + 6) % 7;
}

#define MUST(condition)                                                                               \
	do {                                                                                          \
		if (!(condition)) {                                                                   \
			fprintf(stderr, "%s: %s: t %lld, period %d: [%lld, %lld): %s\n", __func__,    \
			    getenv("TZ"), (long long)t, period, (long long)start, (long long)end,     \
			    #condition);                                                              \
			return false;                                                                 \
		}                                                                                     \
	} while (0)

static bool begins_at_midnight(int64_t t)
{
	struct tm tm = local(t);
	return (tm.tm_hour == 0 && tm.tm_min == 0 && tm.tm_sec == 0) ||
	       local(t - 1).tm_gmtoff != tm.tm_gmtoff; /* midnight was skipped */
}

static bool check_one(const struct genops_zone *zone, int period, int64_t t)
{
	int64_t start, end, again_start, again_end;
	genops_period_bounds(zone, (enum genops_period)period, t, &start, &end);
	MUST(start <= t && t < end);
	genops_period_bounds(zone, (enum genops_period)period, start, &again_start, &again_end);
	MUST(again_start == start && again_end == end);
	genops_period_bounds(zone, (enum genops_period)period, end - 1, &again_start, &again_end);
	MUST(again_start == start && again_end == end);
	genops_period_bounds(zone, (enum genops_period)period, end, &again_start, &again_end);
	MUST(again_start == end);
	struct tm at = local(t), first = local(start), last = local(end - 1);
	if (period == GENOPS_PERIOD_HOURLY) {
		MUST(end - start <= 3600);
		MUST(at.tm_hour == first.tm_hour && at.tm_hour == last.tm_hour && at.tm_mday == first.tm_mday);
		MUST((first.tm_min == 0 && first.tm_sec == 0) || local(start - 1).tm_gmtoff != first.tm_gmtoff);
		return true;
	}
	MUST(begins_at_midnight(start) && begins_at_midnight(end));
	MUST(day_of(start - 1) < day_of(start) && day_of(end - 1) < day_of(end));
	if (period == GENOPS_PERIOD_DAILY)
		MUST(day_of(start) == day_of(t) && day_of(end - 1) == day_of(t));
	if (period == GENOPS_PERIOD_WEEKLY) {
		MUST(weekday_of(start) == 0 || local(start - 1).tm_gmtoff != first.tm_gmtoff);
		MUST(weekday_of(end - 1) == 6 || local(end).tm_gmtoff != last.tm_gmtoff);
		MUST(end - start > 5 * DAY && end - start < 8 * DAY);
	}
	if (period == GENOPS_PERIOD_MONTHLY) {
		MUST(first.tm_mday == 1 && month_of(start) == month_of(t) && month_of(end - 1) == month_of(t));
		MUST(local(end).tm_mday == 1 && month_of(end) == month_of(t) + 1);
	}
	return true;
}

/* A year and a bit in half-hour steps, each step off by some seconds. */
static bool check_years(const struct genops_zone *zone, int64_t from)
{
	for (int64_t i = 0; i < 48 * 400; i++) {
		for (int period = GENOPS_PERIOD_HOURLY; period <= GENOPS_PERIOD_MONTHLY; period++) {
			int64_t t = from + i * 1800 + (i % 7 ? i * 7919 % 1800 : 0);
			if (!check_one(zone, period, t))
				return false;
		}
	}
	return true;
}

static void like_localtime(void **state)
{
	static const char *const zones[] = {"New_York", "Berlin", "Kolkata", "Lord_Howe", "Apia", "Sao_Paulo",
	    "Casablanca", "Dublin", "Kathmandu"};
	/* 2011 (Apia skips a day), 2017 (Sao Paulo skips midnights), 2024, 2060 (from the rule alone) */
	static const int64_t starts[] = {1293840000, 1483228800, 1704067200, 2840140800};
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		struct genops_arena arena;
		genops_arena_init(&arena, 1 << 20);
		const struct genops_zone *zone = zone_of(zones[i], &arena);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			char tz[512];
			snprintf(tz, sizeof tz, ":" GOLDEN_DIR "/zoneinfo/%s", zones[i]);
			setenv("TZ", tz, 1);
			tzset();
			bool is_good = true;
			for (size_t k = 0; k < sizeof starts / sizeof *starts; k++)
				is_good = is_good && check_years(zone, starts[k]);
			_exit(is_good ? 0 : 1);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		genops_arena_done(&arena);
	}
}

/* --- bytes that are no zone --- */

static void refuses_what_is_no_zone(void **state)
{
	struct genops_arena arena;
	struct genops_error err;
	const struct genops_zone *zone = NULL;
	genops_str whole = read_zone("Berlin");
	genops_arena_init(&arena, 1 << 24);
	for (size_t n = 1; n < whole.len; n++) { /* every cut */
		char *copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, whole.ptr, n);
		int code = genops_zone_compile(GENOPS_STR("x"), (genops_str){copy, n}, &arena, &zone, &err);
		free(copy);
		assert_int_equal(code, GENOPS_CORRUPT);
		assert_null(zone);
		assert_non_null(strstr(err.message, "\"x\""));
	}
	assert_int_equal(
	    genops_zone_compile(GENOPS_STR("x"), GENOPS_STR("Europe/Berlin"), &arena, &zone, &err), GENOPS_CORRUPT);
	assert_int_equal(genops_zone_compile(GENOPS_STR("Etc/UTC"), GENOPS_STR(""), &arena, &zone, &err), GENOPS_OK);
	expect_bounds(zone, GENOPS_PERIOD_DAILY, DAY + 5, DAY, 2 * DAY);
	genops_arena_done(&arena);
}

/* A zone file of one type (standard time) with this rule. */
static int compile_rule(const char *rule, struct genops_arena *arena, const struct genops_zone **ret_zone)
{
	char bytes[256] = {0};
	struct genops_error err;
	size_t n = 0;
	for (int block = 0; block < 2; block++) {
		memcpy(bytes + n, "TZif2", 5);
		bytes[n + 39] = 1; /* one type */
		bytes[n + 43] = 4; /* "AAA" and NUL */
		n += 44 + 6;
		memcpy(bytes + n, "AAA", 4);
		n += 4;
	}
	n += (size_t)snprintf(bytes + n, sizeof bytes - n, "\n%s\n", rule);
	return genops_zone_compile(GENOPS_STR("rule"), (genops_str){bytes, n}, arena, ret_zone, &err);
}

static void rules(void **state)
{
	static const char *const bad[] = {"A1", "AAA", "AAA25", "AAA1BBB", "AAA1BBB,M3.2.0", "AAA1BBB,M13.1.0,M3.2.0",
	    "AAA1BBB,M0.1.0,M3.2.0", "AAA1BBB,M3.6.0,M3.2.0", "AAA1BBB,M3.2.7,M4.2.0", "AAA1BBB,J0,J5", "AAA1BBB,366,5",
	    "AAA1BBB,J1/168,J5", "<+0>1", "<+01-1", "AAA1BBB,M3.2.0,M11.1.0x", "AAA1:60", "AAA99999999999"};
	struct genops_arena arena;
	const struct genops_zone *zone = NULL;
	genops_arena_init(&arena, 1 << 22);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(compile_rule(bad[i], &arena, &zone), GENOPS_CORRUPT);
	assert_int_equal(compile_rule("<+0530>-5:30", &arena, &zone), GENOPS_OK);
	expect_bounds(zone, GENOPS_PERIOD_DAILY, 0, -19800, DAY - 19800);
	/* Summer all year round: the shift at each new year is none. */
	assert_int_equal(compile_rule("XXX3EDT4,0/0,J365/23", &arena, &zone), GENOPS_OK);
	expect_bounds(zone, GENOPS_PERIOD_DAILY, 1704067200, 1703995200, 1704081600);
	/* J60 is 1 March in every year, 59 is 29 February in leap years; and the time before midnight. */
	assert_int_equal(compile_rule("AAA0BBB-1,J60/0,J61/1", &arena, &zone), GENOPS_OK);
	expect_bounds(zone, GENOPS_PERIOD_DAILY, 1709251200, 1709251200, 1709334000);
	assert_int_equal(compile_rule("AAA0BBB-1,59/-1,61/0", &arena, &zone), GENOPS_OK);
	expect_bounds(zone, GENOPS_PERIOD_DAILY, 1709161200, 1709161200, 1709247600);
	genops_arena_done(&arena);
}

static void no_memory_is_told(void **state)
{
	genops_str bytes = read_zone("Berlin");
	struct genops_error err;
	const struct genops_zone *zone = NULL;
	int code = GENOPS_NOMEM;
	for (size_t max = 0; code != GENOPS_OK && max < (1 << 20); max += 64) {
		struct genops_arena arena;
		genops_arena_init(&arena, max);
		code = genops_zone_compile(GENOPS_STR("Berlin"), bytes, &arena, &zone, &err);
		assert_true(code == GENOPS_OK || (code == GENOPS_NOMEM && !zone));
		genops_arena_done(&arena);
	}
	assert_int_equal(code, GENOPS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utc_is_the_default),
	    cmocka_unit_test(names),
	    cmocka_unit_test(a_day_of_23_and_of_25_hours),
	    cmocka_unit_test(a_day_that_never_was),
	    cmocka_unit_test(half_an_hour_of_summer),
	    cmocka_unit_test(like_localtime),
	    cmocka_unit_test(refuses_what_is_no_zone),
	    cmocka_unit_test(rules),
	    cmocka_unit_test(no_memory_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
