/* SPDX-License-Identifier: Apache-2.0
 * Token bucket: burst, smooth delays, refusal, changes of rate. Time is an argument. proves COL-135, COL-136 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "govern/rate.h"

#include <math.h>

#define MS INT64_C(1000000)
#define S  (1000 * MS)

static bool take(struct genops_rate_bucket *bucket, int64_t max_delay, int64_t now, int64_t *ret_delay)
{
	return genops_rate_take(bucket, 100, 100, max_delay, now, false, ret_delay);
}

/* proves COL-135: 100 a minute: a burst of 100 passes, the 101st waits 0.6 s, the 102nd 1.2 s */
static void burst_then_delays(void **state)
{
	struct genops_rate_bucket bucket = {0};
	int64_t delay, now = 1000 * S;
	for (int i = 0; i < 100; i++) {
		assert_true(take(&bucket, 0, now, &delay));
		assert_int_equal(delay, 0);
	}
	assert_true(take(&bucket, 5 * S, now, &delay));
	assert_int_equal(delay, 600 * MS);
	assert_true(take(&bucket, 5 * S, now, &delay));
	assert_int_equal(delay, 1200 * MS);
}

/* proves COL-135: one call every 0.6 s is never delayed, however long, even with burst 1 */
static void steady_is_never_delayed(void **state)
{
	for (int64_t burst = 1; burst <= 100; burst += 99) {
		struct genops_rate_bucket bucket = {0};
		for (int64_t i = 0; i < 5000; i++) {
			int64_t delay;
			assert_true(genops_rate_take(&bucket, 100, burst, 0, i * 600 * MS, false, &delay));
			assert_int_equal(delay, 0);
		}
	}
}

/* proves COL-135: over the bound of delay nothing is taken, and the wait that is told is true */
static void refusal_takes_nothing(void **state)
{
	struct genops_rate_bucket bucket = {0};
	int64_t delay, now = 0;
	for (int i = 0; i < 100; i++)
		assert_true(take(&bucket, 0, now, &delay));
	struct genops_rate_bucket before = bucket;
	for (int i = 0; i < 10; i++) {
		assert_false(take(&bucket, 599 * MS, now, &delay));
		assert_int_equal(delay, 600 * MS);
	}
	assert_memory_equal(&bucket, &before, sizeof bucket);
	assert_false(take(&bucket, 0, now + 600 * MS - 1, &delay));
	assert_int_equal(delay, 1);
	assert_true(take(&bucket, 0, now + 600 * MS, &delay));
}

/* Whatever the arrivals: in no span of time T are more than burst + rate * T calls let go. */
static void never_more_than_the_rate(void **state)
{
	struct genops_rate_bucket bucket = {0};
	static int64_t passed[20000];
	size_t n = 0;
	uint64_t random = 88172645463325252u;
	int64_t now = 0;
	for (int i = 0; i < 20000; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		now += (int64_t)(random % 200) * MS;
		int64_t delay;
		if (genops_rate_take(&bucket, 300, 20, 2 * S, now, false, &delay))
			passed[n++] = now + delay;
	}
	assert_in_range(n, 1000, 20000);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 1; i + k < n && k < 200; k++) {
			assert_true(passed[i + k] >= passed[i]); /* first come, first served */
			int64_t span = passed[i + k] - passed[i];
			assert_true((double)(k + 1) <= 20 + (double)span * 300 / 60e9 + 1e-6);
		}
	}
}

static void dry_run_takes_nothing(void **state)
{
	struct genops_rate_bucket bucket = {0}, empty = {0};
	int64_t delay;
	for (int i = 0; i < 500; i++)
		assert_true(genops_rate_take(&bucket, 100, 100, 0, 0, true, &delay));
	assert_memory_equal(&bucket, &empty, sizeof bucket);
}

static void changes_take_effect_at_once(void **state)
{
	struct genops_rate_bucket bucket = {0};
	int64_t delay, now = 50 * S;
	for (int i = 0; i < 10; i++)
		assert_true(genops_rate_take(&bucket, 60, 10, 0, now, false, &delay));
	assert_false(genops_rate_take(&bucket, 60, 10, 0, now, false, &delay));
	assert_int_equal(delay, 1 * S);
	assert_false(genops_rate_take(&bucket, 600, 10, 0, now, false, &delay));
	assert_int_equal(delay, 100 * MS); /* still ten owed, each ten times as fast */
	assert_true(genops_rate_take(&bucket, 60, 11, 0, now, false, &delay)); /* a larger burst */
	struct genops_rate_bucket other = {0}; /* COL-136: another key's bucket is not touched */
	assert_true(genops_rate_take(&other, 60, 10, 0, now, false, &delay));
}

static void odd_arguments_are_harmless(void **state)
{
	static const double rates[] = {0, -1, NAN, INFINITY, 1e-300, 1e300, 1e-9};
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		for (int64_t burst = -1; burst < INT64_MAX / 1000; burst = burst < 2 ? burst + 1 : burst * 999) {
			struct genops_rate_bucket bucket = {0};
			for (int k = 0; k < 5; k++) {
				int64_t delay = -1;
				bool passed = genops_rate_take(
				    &bucket, rates[i], burst, S, INT64_C(1) << 60, false, &delay);
				assert_true(delay >= 0);
				assert_true(passed || delay > S);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(burst_then_delays),
	    cmocka_unit_test(steady_is_never_delayed),
	    cmocka_unit_test(refusal_takes_nothing),
	    cmocka_unit_test(never_more_than_the_rate),
	    cmocka_unit_test(dry_run_takes_nothing),
	    cmocka_unit_test(changes_take_effect_at_once),
	    cmocka_unit_test(odd_arguments_are_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
