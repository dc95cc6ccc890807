/* SPDX-License-Identifier: Apache-2.0 - engine/drain/drain.c, reap.c: one drains for all, and what the dead leave behind. */
#include "engine_fixture.h"

#include "store/state_dir.h"

#include <genops/status.h>
#include <pthread.h>
#include <sys/wait.h>

static const char config[] = "governance: {budgets: [{name: all, total_budget: 1.0}]}\n";

static void spend(genops_engine *engine, int64_t amount)
{
	genops_operation *operation = begin(engine, (struct call){.estimate = amount});
	genops_operation_record_cost(operation, amount, NULL);
	end(operation, GENOPS_OUTCOME_OK);
}

static void check_agree(genops_engine *engine, int64_t amount)
{
	struct genops_budget_window window = budget_of(engine, "all");
	assert_int_equal(spent(engine), amount);
	assert_int_equal(window.consumed_nano_usd, amount);
	assert_int_equal(window.reserved_nano_usd, 0);
	struct genops_audit_verification verification;
	struct genops_error err;
	assert_int_equal(genops_report_audit_verify(engine, &verification, &err), GENOPS_OK);
	assert_int_equal(verification.first_bad, 0);
}

/* Runs `child` in a process of its own that dies without closing anything. */
static void in_a_process_that_dies(const char *dir, void (*child)(const char *dir))
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child(dir);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static genops_engine *child_open(const char *dir, enum genops_drain_mode mode)
{
	struct genops_engine_options options = {.size = sizeof options, .config_text = config, .state_dir = dir, .drain = mode};
	genops_engine *engine = genops_engine_open(&options, NULL);
	if (!engine)
		_exit(1);
	return engine;
}

static genops_operation *child_begin(genops_engine *engine, int64_t estimate)
{
	struct genops_operation_options options;
	genops_operation *operation;
	genops_operation_options_init(&options);
	options.estimated_cost_nano_usd = estimate;
	if (genops_operation_begin(engine, &options, &operation, NULL) != GENOPS_OK)
		_exit(2);
	return operation;
}

/* Three calls ended, one metered, one only begun; then death. */
static void dies_in_the_middle(const char *dir)
{
	genops_engine *engine = child_open(dir, GENOPS_DRAIN_NEVER);
	for (int i = 0; i < 3; i++) {
		genops_operation *operation = child_begin(engine, 100);
		genops_operation_record_cost(operation, 30, NULL);
		if (genops_operation_end(operation, GENOPS_OUTCOME_OK, NULL) != GENOPS_OK)
			_exit(3);
	}
	genops_operation_record_cost(child_begin(engine, 100), 7, NULL);
	child_begin(engine, 100);
}

static void check_what_died(genops_engine *engine, size_t n)
{
	/* A dead process is found in one pass and reaped in the next. */
	for (int i = 0; i < 100 && budget_of(engine, "all").reserved_nano_usd; i++)
		flush(engine);
	struct seen seen = look_up(engine, "outcome", "abandoned");
	assert_int_equal(seen.n, 2 * n);
	assert_true(seen.is_cost_estimated);
	assert_string_equal(seen.error_type, "process_died");
	check_agree(engine, (int64_t)n * 97);
}

static void the_first_to_come_restores(void **state)
{
	for (size_t n = 1; n <= 3; n++) {
		in_a_process_that_dies(*state, dies_in_the_middle);
		genops_engine *engine = open_engine(*state, config);
		check_what_died(engine, n);
		genops_engine_close(engine);
	}
}

static void the_living_reap_the_dead(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	spend(engine, 0);
	for (size_t n = 1; n <= 3; n++) {
		in_a_process_that_dies(*state, dies_in_the_middle);
		check_what_died(engine, n);
	}
	genops_engine_close(engine);
}

static void dies_draining(const char *dir)
{
	genops_engine *engine = child_open(dir, GENOPS_DRAIN_ALWAYS);
	struct genops_error err;
	for (int i = 0; i < 50; i++) {
		genops_operation *operation = child_begin(engine, 10);
		genops_operation_record_cost(operation, 10, NULL);
		(void)genops_operation_end(operation, GENOPS_OUTCOME_OK, NULL);
		if (i == 25 && genops_engine_flush(engine, FLUSH_MS, &err) != GENOPS_OK)
			_exit(4);
	}
}

static void a_drain_that_dies_is_followed(void **state)
{
	for (int n = 1; n <= 3; n++) {
		in_a_process_that_dies(*state, dies_draining);
		genops_engine *engine = open_engine(*state, config);
		flush(engine);
		check_agree(engine, n * 500);
		genops_engine_close(engine);
	}
}

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

/* A forked child takes a place of its own; the parent's open calls stay the parent's. */
static void a_forked_child_goes_on(void **state)
{
#ifdef __SANITIZE_THREAD__
	skip(); /* it does not survive a thread in a forked child */
#endif
	genops_engine *engine = open_engine(*state, config);
	genops_operation *mine = begin(engine, (struct call){.estimate = 50});
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (genops_engine_after_fork(engine, NULL) != GENOPS_OK)
			_exit(1);
		genops_operation *operation = child_begin(engine, 20);
		genops_operation_record_cost(operation, 20, NULL);
		if (genops_operation_end(operation, GENOPS_OUTCOME_OK, NULL) != GENOPS_OK)
			_exit(2);
		genops_engine_close(engine);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 50);
	genops_operation_record_cost(mine, 1, NULL);
	end(mine, GENOPS_OUTCOME_OK);
	check_agree(engine, 21);
	genops_engine_close(engine);
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
	    TEST(the_first_to_come_restores),
	    TEST(the_living_reap_the_dead),
	    TEST(a_drain_that_dies_is_followed),
	    TEST(only_one_drains),
	    TEST(another_takes_over),
	    TEST(a_forked_child_goes_on),
	    TEST(every_flush_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
