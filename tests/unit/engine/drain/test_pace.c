/* SPDX-License-Identifier: Apache-2.0 - engine/drain/pace.c: little is taken soon, much is gathered, and neither time nor room runs out meanwhile. */
#include "engine/drain/pace.h"

#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MIB ((uint64_t)1 << 20)
#define MS  GENOPS_NS_PER_MS

static struct genops_pace usual(size_t n, uint64_t bytes, int64_t since_ns)
{
	return (struct genops_pace){.n = n, .bytes = bytes, .since_ns = since_ns, .room = 2048 * MIB, .unsynced_ns = GENOPS_NS_PER_S};
}

static void little_is_taken_at_the_next_tick(void **state)
{
	struct genops_pace pace = usual(0, 0, 50 * MS);
	assert_int_equal(genops_pace_wait_ns(&pace), 50 * MS);
	pace = usual(255, MIB / 4, 50 * MS);
	assert_int_equal(genops_pace_wait_ns(&pace), 50 * MS);
	/* after a long gathering: how fast it came counts, not how much it was */
	pace = usual(5000, 5 * MIB, GENOPS_NS_PER_S);
	assert_int_equal(genops_pace_wait_ns(&pace), 50 * MS);
	/* a pass that took long does not make the next one follow at once: nothing presses */
	pace.took_ns = 300 * MS;
	assert_int_equal(genops_pace_wait_ns(&pace), 50 * MS);
	/* the first pass of a process: since when is not known */
	pace = usual(100000, MIB, 1000 * GENOPS_NS_PER_S);
	assert_int_equal(genops_pace_wait_ns(&pace), 50 * MS);
}

static void much_is_gathered(void **state)
{
	struct genops_pace pace = usual(300, MIB / 4, 50 * MS);
	assert_int_equal(genops_pace_wait_ns(&pace), GENOPS_NS_PER_S);
	/* 40 MiB a second: 24 MiB after 600 ms, of which the pass took 100 */
	pace = usual(2000, 2 * MIB, 50 * MS);
	assert_int_equal(genops_pace_wait_ns(&pace), 600 * MS);
	pace.took_ns = 100 * MS;
	assert_int_equal(genops_pace_wait_ns(&pace), 500 * MS);
	/* a gigabyte a second, in few large entries */
	pace = usual(100, 48 * MIB, 48 * MS);
	assert_int_equal(genops_pace_wait_ns(&pace), 24 * MS);
	pace.took_ns = 30 * MS;
	assert_int_equal(genops_pace_wait_ns(&pace), 0);
}

static void what_waits_has_room_and_is_not_lost_to_a_power_failure(void **state)
{
	struct genops_pace pace = usual(2000, 2 * MIB, 50 * MS);
	pace.room = 16 * MIB;
	assert_int_equal(genops_pace_wait_ns(&pace), 100 * MS);
	pace.room = 0;
	assert_int_equal(genops_pace_wait_ns(&pace), 0);
	pace = usual(2000, 2 * MIB, 50 * MS);
	pace.unsynced_ns = 200 * MS;
	assert_int_equal(genops_pace_wait_ns(&pace), 200 * MS);
	pace.unsynced_ns = 60 * GENOPS_NS_PER_S; /* who gives more time than that still wants to see what happens */
	pace = usual(300, 1, 50 * MS);
	assert_int_equal(genops_pace_wait_ns(&pace), GENOPS_NS_PER_S);
	pace = usual(0, 0, 50 * MS);
	pace.unsynced_ns = 10 * MS;
	assert_int_equal(genops_pace_wait_ns(&pace), 10 * MS);
}

static void nothing_that_cannot_be_divided_by(void **state)
{
	struct genops_pace pace = usual(1000, 0, 0);
	assert_int_equal(genops_pace_wait_ns(&pace), 0);
	pace = usual(SIZE_MAX, UINT64_MAX, INT64_MAX);
	assert_in_range(genops_pace_wait_ns(&pace), 0, GENOPS_NS_PER_S);
	pace.took_ns = INT64_MAX;
	assert_int_equal(genops_pace_wait_ns(&pace), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(little_is_taken_at_the_next_tick),
	    cmocka_unit_test(much_is_gathered),
	    cmocka_unit_test(what_waits_has_room_and_is_not_lost_to_a_power_failure),
	    cmocka_unit_test(nothing_that_cannot_be_divided_by),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
