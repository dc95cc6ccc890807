/* SPDX-License-Identifier: Apache-2.0 - engine/drain/reap.c: what the dead leave behind, and a child that was forked. */
#include "drain_fixture.h"

#include <sys/wait.h>

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

/* A forked child takes a place of its own; the parent's open calls stay the parent's. */
static void a_forked_child_goes_on(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	genops_operation *mine = begin(engine, (struct call){.estimate = 50});
#ifdef __SANITIZE_ADDRESS__
	flush(engine); /* its thread rests then: the child gets locks of gcc's ASan as they are, and for ever */
#endif
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(the_first_to_come_restores),
	    TEST(the_living_reap_the_dead),
	    TEST(a_drain_that_dies_is_followed),
	    TEST(a_forked_child_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
