/* SPDX-License-Identifier: Apache-2.0
 * test_backup_name.c - names of archives, which of them are too old, and when the next one is due, by a clock that runs as fast as the test.
 *
 * Proves: CRB-416, CRB-417, CRB-420, CRB-421. */
#include "engine/backup/backup_name.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HOUR  (INT64_C(3600) * GENOPS_NS_PER_S)
#define DAY   (24 * HOUR)
#define NOV22 (INT64_C(20779) * DAY) /* 2026-11-22T00:00:00Z, a Sunday */

static void a_name_is_read_again(void **state)
{
	char name[GENOPS_BACKUP_NAME_SIZE];
	enum genops_backup_kind kind;
	int64_t unix_ns;
	genops_backup_name(GENOPS_BACKUP_CONFIG, NOV22 + HOUR + 5, name);
	assert_string_equal(name, "config-20261122T010000Z.tar.zst");
	assert_true(genops_backup_name_read(genops_str_of(name), &kind, &unix_ns));
	assert_true(kind == GENOPS_BACKUP_CONFIG && unix_ns == NOV22 + HOUR);
	genops_backup_name(GENOPS_BACKUP_STATE, NOV22, name);
	assert_string_equal(name, "state-20261122T000000Z.tar.zst");
	assert_true(genops_backup_name_read(genops_str_of(name), &kind, &unix_ns) && kind == GENOPS_BACKUP_STATE);
}

static void other_names_are_left_alone(void **state)
{
	static const char *const names[] = {"", "config-", "config-20261122T010000Z.tar", "config-20261122T010000Z.tar.zst.part", ".config-20261122T010000Z.tar.zst",
	    "config-20261322T010000Z.tar.zst", "config-20261122T250000Z.tar.zst", "config-2026112xT010000Z.tar.zst", "config-20261122 010000Z.tar.zst",
	    "mine-20261122T010000Z.tar.zst", "config-20261122T010000Z.tar.gz", "config-00000000T000000Z.tar.zst", "report.pdf"};
	enum genops_backup_kind kind;
	int64_t unix_ns;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_false(genops_backup_name_read(genops_str_of(names[i]), &kind, &unix_ns));
}

/* A clock of ten seconds a tick over three days: as many archives as there are days and hours. */
static size_t count(int64_t every_ns, int64_t from, int64_t until)
{
	size_t n = 0;
	int64_t last = 0;
	for (int64_t now = from; now < until; now += 10 * GENOPS_NS_PER_S) {
		if (genops_backup_next(every_ns, last, 0, 0, now) > now)
			continue;
		last = now;
		n++;
	}
	return n;
}

static void one_a_day_and_one_an_hour(void **state)
{
	assert_int_equal(count(DAY, NOV22, NOV22 + 3 * DAY), 3);
	assert_int_equal(count(HOUR, NOV22, NOV22 + 3 * DAY), 72);
	assert_int_equal(count(DAY, NOV22 + 23 * HOUR, NOV22 + 25 * HOUR), 2); /* one at once, one with the day */
	assert_int_equal(genops_backup_next(HOUR, NOV22 + 10 * GENOPS_NS_PER_MIN, 0, 0, NOV22 + 11 * GENOPS_NS_PER_MIN), NOV22 + HOUR);
	assert_int_equal(genops_backup_next(7 * DAY, NOV22, 0, 0, NOV22 + 1), NOV22 + DAY); /* weeks begin on Monday */
}

static void what_was_missed_is_made_up_for_once(void **state)
{
	int64_t now = NOV22 + 40 * DAY;
	assert_true(genops_backup_next(DAY, NOV22, 0, 0, now) <= now);
	assert_true(genops_backup_next(DAY, now, 0, 0, now) > now);
}

static void a_clock_that_was_put_back_stops_nothing(void **state)
{
	assert_true(genops_backup_next(DAY, NOV22 + 400 * DAY, 0, 0, NOV22) <= NOV22);
	assert_true(genops_backup_next(DAY, 0, NOV22 + 400 * DAY, 9, NOV22) <= NOV22);
}

/* 1 minute, 2, 4 ... an hour at most; and the next regular one is not missed for it. */
static void failures_are_tried_again_ever_later(void **state)
{
	int64_t last = NOV22 - DAY, failed = NOV22 + GENOPS_NS_PER_MIN;
	assert_int_equal(genops_backup_next(DAY, last, failed, 1, failed), failed + GENOPS_NS_PER_MIN);
	assert_int_equal(genops_backup_next(DAY, last, failed, 2, failed), failed + 2 * GENOPS_NS_PER_MIN);
	assert_int_equal(genops_backup_next(DAY, last, failed, 5, failed), failed + 16 * GENOPS_NS_PER_MIN);
	assert_int_equal(genops_backup_next(DAY, last, failed, 100, failed), failed + 64 * GENOPS_NS_PER_MIN);
	assert_int_equal(genops_backup_next(HOUR, last, failed, 100, failed), NOV22 + HOUR);
	assert_int_equal(genops_backup_next(DAY, 0, failed, 1, failed), failed + GENOPS_NS_PER_MIN);
}

/* 30 days of daily ones, 7 days of hourly ones; never the newest, nor one of a time to come. */
static void older_than_the_retention_go_but_never_the_newest(void **state)
{
	int64_t now = NOV22, newest = now - HOUR;
	assert_false(genops_backup_is_expired(now - 30 * DAY, newest, 30 * DAY, now));
	assert_true(genops_backup_is_expired(now - 30 * DAY - 1, newest, 30 * DAY, now));
	assert_true(genops_backup_is_expired(now - 8 * DAY, newest, 7 * DAY, now));
	assert_false(genops_backup_is_expired(now - 100 * DAY, now - 100 * DAY, 30 * DAY, now));
	assert_false(genops_backup_is_expired(now + DAY, now + 2 * DAY, 30 * DAY, now));
	assert_false(genops_backup_is_expired(0, newest, 0, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_read_again),
	    cmocka_unit_test(other_names_are_left_alone),
	    cmocka_unit_test(one_a_day_and_one_an_hour),
	    cmocka_unit_test(what_was_missed_is_made_up_for_once),
	    cmocka_unit_test(a_clock_that_was_put_back_stops_nothing),
	    cmocka_unit_test(failures_are_tried_again_ever_later),
	    cmocka_unit_test(older_than_the_retention_go_but_never_the_newest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
