/* SPDX-License-Identifier: Apache-2.0 - engine/operation/pending.c: death while the disk is full. */
#include "full_disk.h"

#include <sys/wait.h>

/* The process dies before there is room: the committed leases say what its calls cost. */
static void death_meanwhile_loses_nothing(void **state)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct genops_error err;
		signal(SIGXFSZ, SIG_IGN);
		genops_engine *engine = open_as(*state, config, GENOPS_DRAIN_NEVER);
		genops_operation *operation = begin(engine, (struct call){.estimate = 100});
		genops_operation_record_cost(operation, 10, NULL);
		set_file_limit(4096);
		int code = genops_operation_end(operation, GENOPS_OUTCOME_OK, &err);
		_exit(code == GENOPS_FULL ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	genops_engine *engine = open_engine(*state, config);
	flush(engine);
	assert_int_equal(spent(engine), 10);
	assert_int_equal(look_up(engine, "outcome", "abandoned").n, 1);
	assert_int_equal(budget_of(engine, "all").consumed_nano_usd, 10);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(death_meanwhile_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
