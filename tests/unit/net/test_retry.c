/* SPDX-License-Identifier: Apache-2.0
 * Back-off, jitter, server delays and breaker; time and randomness are arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/retry.h"

#define NOW (1000 * GENOPS_NS_PER_S)

static int64_t delay_after(struct genops_retry *retry, int64_t server_ns, uint64_t random)
{
	genops_retry_failed(retry, server_ns, random, NOW);
	return retry->next_at_ns - NOW;
}

static void test_grows_to_its_maximum(void **state)
{
	(void)state;
	static const int64_t seconds[] = {1, 2, 4, 8, 16, 30, 30, 30};
	struct genops_retry retry;
	genops_retry_init(&retry);
	retry.breaker_failures = 0;
	assert_true(genops_retry_may_send(&retry, 0));
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		/* random = bound gives the whole bound: the jitter is even over [0, bound] */
		int64_t bound = seconds[i] * GENOPS_NS_PER_S;
		assert_int_equal(delay_after(&retry, 0, (uint64_t)bound), bound);
		assert_false(genops_retry_may_send(&retry, NOW + bound - 1));
		assert_true(genops_retry_may_send(&retry, NOW + bound));
	}
	genops_retry_succeeded(&retry);
	assert_true(genops_retry_may_send(&retry, 0));
	assert_int_equal(delay_after(&retry, 0, GENOPS_NS_PER_S), GENOPS_NS_PER_S);
}

static void test_jitter_stays_in_bounds(void **state)
{
	(void)state;
	uint64_t random = 88172645463325252u;
	int64_t smallest = INT64_MAX, largest = 0;
	for (int i = 0; i < 10000; i++) {
		struct genops_retry retry;
		genops_retry_init(&retry);
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		int64_t delay = delay_after(&retry, 0, random);
		assert_in_range(delay, GENOPS_NS_PER_S / 10, GENOPS_NS_PER_S);
		smallest = delay < smallest ? delay : smallest;
		largest = delay > largest ? delay : largest;
	}
	assert_true(smallest < GENOPS_NS_PER_S / 5 && largest > GENOPS_NS_PER_S * 9 / 10);
}

static void test_server_delay_is_a_lower_bound(void **state)
{
	(void)state;
	struct genops_retry retry;
	genops_retry_init(&retry);
	assert_int_equal(delay_after(&retry, 45 * GENOPS_NS_PER_S, 0), 45 * GENOPS_NS_PER_S);
	assert_in_range(delay_after(&retry, 45 * GENOPS_NS_PER_S, UINT64_MAX), 45 * GENOPS_NS_PER_S,
	    46 * GENOPS_NS_PER_S);
	assert_int_equal(delay_after(&retry, INT64_MAX, 0), GENOPS_RETRY_SERVER_DELAY_MAX_NS);
}

static void test_breaker(void **state)
{
	(void)state;
	struct genops_retry retry;
	genops_retry_init(&retry);
	for (uint32_t i = 1; i < retry.breaker_failures; i++) {
		genops_retry_failed(&retry, 0, 0, NOW);
		assert_false(retry.is_open);
	}
	assert_int_equal(delay_after(&retry, 0, 0), GENOPS_NS_PER_MIN);
	assert_true(retry.is_open);
	assert_true(genops_retry_may_send(&retry, NOW + GENOPS_NS_PER_MIN)); /* one probe */
	genops_retry_failed(&retry, 0, 0, NOW + GENOPS_NS_PER_MIN);
	assert_true(retry.is_open);
	assert_false(genops_retry_may_send(&retry, NOW + 2 * GENOPS_NS_PER_MIN - 1));
	genops_retry_succeeded(&retry);
	assert_false(retry.is_open);
}

static void test_odd_settings(void **state)
{
	(void)state;
	struct genops_retry retry;
	genops_retry_init(&retry);
	retry.multiplier = __builtin_nan("");
	retry.initial_ns = 0;
	for (int i = 0; i < 5; i++)
		assert_true(delay_after(&retry, 0, UINT64_MAX) >= 0);
	genops_retry_init(&retry);
	genops_retry_failed(&retry, 5, 0, INT64_MAX - 1);
	assert_int_equal(retry.next_at_ns, INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grows_to_its_maximum),
	    cmocka_unit_test(test_jitter_stays_in_bounds),
	    cmocka_unit_test(test_server_delay_is_a_lower_bound),
	    cmocka_unit_test(test_breaker),
	    cmocka_unit_test(test_odd_settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
