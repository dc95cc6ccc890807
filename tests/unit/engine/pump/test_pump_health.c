/* SPDX-License-Identifier: Apache-2.0 - engine/pump/pump_health.c: who gets nothing is asked whether it is there. */
#include "far_side.h"

static genops_engine *open_with_checks(const char *dir, const struct loopback *loopback, const char *timeout)
{
	char config[1024];
	snprintf(config, sizeof config,
	    "exporters:\n  otlphttp/far: {endpoint: 'http://127.0.0.1:%d', encoding: json, compression: none, timeout: 20s,\n"
	    "    health_check: {interval: 10ms, timeout: %s, unhealthy_threshold: 3}}\n", loopback->port, timeout);
	return open_engine(dir, config);
}

/* CRB-056, CRB-058: asked at its interval while nothing is sent; down on the third failure in a row, and back. Nothing of it is data. */
static void who_gets_nothing_is_asked(void **state)
{
	struct loopback loopback;
	char trace[33];
	reset(503);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with_checks(*state, &loopback, "10s");
	struct doing seen = wait_for_state(engine, "down");
	assert_true(seen.failures >= 3);
	assert_int_equal(seen.sent, 0);
	atomic_store(&far.status, 200);
	assert_int_equal(wait_for_state(engine, "idle").sent, 0);
	atomic_store(&far.status, 503);
	(void)wait_for_state(engine, "down");
	atomic_store(&far.status, 200);
	one_call(engine, trace); /* is tried at once, whatever the checks found */
	flush_until(engine, trace);
	assert_int_equal(wait_for_state(engine, "up").sent, 1);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

/* CRB-057: a check that hangs has failed; and nobody who stops waits for one. */
static void a_check_that_hangs_has_failed(void **state)
{
	struct loopback loopback;
	reset(-1);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with_checks(*state, &loopback, "20ms");
	(void)wait_for_state(engine, "failing");
	genops_engine_close(engine);
	loopback_stop(&loopback);
	loopback_start(&loopback, serve, NULL);
	engine = open_with_checks(*state, &loopback, "60s");
	for (int i = 0; i < 5000 && !atomic_load(&loopback.n_requests); i++)
		usleep(1000);
	assert_true(atomic_load(&loopback.n_requests) > 0);
	struct timespec begun, ended;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	genops_engine_close(engine);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_true(ended.tv_sec - begun.tv_sec < 10); /* and not a minute */
	loopback_stop(&loopback);
}

/* Nobody is asked who did not ask for it. */
static void without_a_setting_nobody_is_asked(void **state)
{
	struct loopback loopback;
	char trace[33];
	reset(200);
	loopback_start(&loopback, serve, NULL);
	genops_engine *engine = open_with(*state, &loopback);
	one_call(engine, trace);
	flush_until(engine, trace);
	(void)wait_for_state(engine, "up");
	assert_int_equal(atomic_load(&loopback.n_requests), 1);
	genops_engine_close(engine);
	loopback_stop(&loopback);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(who_gets_nothing_is_asked),
	    TEST(a_check_that_hangs_has_failed),
	    TEST(without_a_setting_nobody_is_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
