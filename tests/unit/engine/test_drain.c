/* SPDX-License-Identifier: Apache-2.0 - engine/drain/drain.c: one drains for all that live. Nothing forks here, so that it runs under TSan. */
#include "drain_fixture.h"

#include <genops/status.h>
#include <pthread.h>

static void only_one_drains(void **state)
{
	genops_engine *engine = open_as(*state, config, GENOPS_DRAIN_ALWAYS);
	struct genops_engine_options options = {
	    .size = sizeof options, .config_text = config, .state_dir = *state, .drain = GENOPS_DRAIN_ALWAYS};
	struct genops_error err = {0};
	assert_null(genops_engine_open(&options, &err));
	assert_int_equal(err.code, GENOPS_BUSY);
	genops_engine *other = open_as(*state, config, GENOPS_DRAIN_NEVER);
	spend(other, 5);
	spend(engine, 6);
	flush(other); /* whoever drains */
	check_agree(other, 11);
	struct genops_status status;
	assert_int_equal(genops_engine_status(other, &status, &err), GENOPS_OK);
	assert_false(status.is_drained_by_us);
	assert_false(status.is_behind);
	assert_int_equal(status.n_processes, 2);
	assert_int_equal(status.n_in_flight, 0);
	genops_engine_close(engine);
	spend(other, 7); /* nobody drains now */
	assert_int_equal(genops_engine_flush(other, 0, &err), GENOPS_TIMEOUT);
	assert_int_equal(genops_engine_status(other, &status, &err), GENOPS_OK);
	assert_true(status.is_behind);
	genops_engine_close(other);
	engine = open_engine(*state, config);
	check_agree(engine, 18);
	genops_engine_close(engine);
}

static void another_takes_over(void **state)
{
	genops_engine *first = open_engine(*state, config);
	genops_engine *second = open_engine(*state, config);
	struct genops_error err;
	spend(second, 5);
	flush(second);
	genops_engine_close(first);
	spend(second, 6);
	flush(second); /* waits until it has the lock itself */
	struct genops_status status;
	assert_int_equal(genops_engine_status(second, &status, &err), GENOPS_OK);
	assert_true(status.is_drained_by_us);
	check_agree(second, 11);
	genops_engine_close(second);
}

/* --- flushing from many threads: each gets its answer --- */

static void *flush_often(void *arg)
{
	struct genops_error err;
	for (int i = 0; i < 100; i++) {
		spend(arg, 1);
		if (genops_engine_flush(arg, FLUSH_MS, &err) != GENOPS_OK)
			return arg;
	}
	return NULL;
}

static void every_flush_is_answered(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, flush_often, engine), 0);
	for (int i = 0; i < 8; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	check_agree(engine, 800);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(only_one_drains),
	    TEST(another_takes_over),
	    TEST(every_flush_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
