/* SPDX-License-Identifier: Apache-2.0 - engine/operation/pending.c: a disk that is full, and has room again. Nothing forks here, for TSan. */
#include "full_disk.h"

#include "engine/engine.h"

static void a_full_disk_loses_nothing(void **state)
{
	struct genops_error err = {0};
	signal(SIGXFSZ, SIG_IGN);
	genops_engine *engine = open_engine(*state, config);
	flush(engine);
	genops_operation *first = begin(engine, (struct call){.estimate = 100}), *second = begin(engine, (struct call){.estimate = 100});
	genops_operation_record_cost(first, 10, NULL);
	genops_operation_record_cost(second, 20, NULL);
	set_file_limit(4096); /* this process's segment is not there yet, and cannot be made */
	assert_int_equal(genops_operation_end(first, GENOPS_OUTCOME_OK, &err), GENOPS_FULL);
	assert_true(err.fix[0]);
	struct genops_budget_window window = budget_of(engine, "all");
	assert_int_equal(window.consumed_nano_usd, 10); /* settled, though not recorded yet */
	assert_int_equal(window.reserved_nano_usd, 100);
	genops_operation *third = NULL;
	assert_int_equal(try_begin(engine, (struct call){.estimate = 1}, &third, &err), GENOPS_FULL); /* never accept and drop */
	assert_null(third);
	genops_operation *dry = begin(engine, (struct call){.estimate = 1, .is_dry_run = true});
	end(dry, GENOPS_OUTCOME_NOT_SENT);
	assert_int_equal(genops_operation_end(second, GENOPS_OUTCOME_OK, &err), GENOPS_FULL);
	set_file_limit(RLIM_INFINITY);
	for (int i = 0; i < 5000 && atomic_load(&engine->n_pending); i++)
		flush(engine);
	assert_int_equal(atomic_load(&engine->n_pending), 0);
	assert_int_equal(spent(engine), 30);
	window = budget_of(engine, "all");
	assert_int_equal(window.consumed_nano_usd, 30);
	assert_int_equal(window.reserved_nano_usd, 0);
	assert_int_equal(look_up(engine, "outcome", "ok").n, 2);
	end(begin(engine, (struct call){.estimate = 1}), GENOPS_OUTCOME_OK);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(a_full_disk_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
