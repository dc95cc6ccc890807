/* SPDX-License-Identifier: Apache-2.0
 * test_observe_memory.c - the n-th allocation of taking and resolving fails, for every n: tried again, it comes out the same; the books agree
 * after each failure. */
#include "observe_fixture.h"

#include "../failing_alloc.h"

#if FAILING_ALLOC
#define ROUNDS_MAX 20000
#define CHAT       INT64_C(210000) /* of gpt-4o-mini: 1000 in, 100 out */

static const char config[] = "governance: {policies: [{name: cap, type: cost_limit, max_cost: 0.0001}],"
			     " budgets: [{name: all, daily_budget: 1000.0, alerts: [1]}]}\n";

static struct genops_buffer both_spans(uint32_t number)
{
	struct span spans[] = {{.trace = 7, .id = 1, .model = "gpt-4o-mini", .start_s = -9, .end_s = -2, .in = 1000, .out = 100,
				   .response_id = "r", .keys = {"genops.team"}, .values = {"a"}},
	    {.trace = 7, .id = 2, .parent = 1, .model = "gpt-4o-mini", .start_s = -8, .end_s = -3, .in = 1000, .out = 100}};
	struct genops_buffer request = request_of(spans, 2);
	/* A trace of its own each time. */
	for (size_t i = 0; i + 16 < request.len; i++) {
		if (!memcmp(request.ptr + i, "\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7", 16))
			memcpy(request.ptr + i + 4, &number, sizeof number);
	}
	return request;
}

static int try_take(struct world *world, genops_str request)
{
	struct genops_error err;
	struct genops_envelope envelope = {.received_unix_ns = genops_clock_unix_ns(),
	    .receiver = GENOPS_STR("otlp"), .input = GENOPS_STR(GENOPS_INPUT_OTLP), .request = request};
	int code = genops_ledger_begin(world->ledger, &err);
	if (code == GENOPS_OK)
		code = genops_observer_take(world->observer, &envelope, &err);
	if (code == GENOPS_OK)
		code = genops_ledger_commit(world->ledger, &err);
	if (code != GENOPS_OK)
		genops_ledger_rollback(world->ledger);
	return code;
}

static void check_agreement(struct world *world)
{
	bring_back(world);
	struct genops_budget_window window = budget_of(world->engine, "all");
	assert_int_equal(window.reserved_nano_usd, 0);
	assert_int_equal(window.consumed_nano_usd, spent(world->engine));
}

static void without_memory(void **state)
{
	struct world world = open_world(*state, config);
	int64_t n_done = 0;
	for (long n = 0; n < ROUNDS_MAX; n += 1 + n / 24) { /* SQLite allocates for each page: not every number */
		struct genops_buffer request = both_spans((uint32_t)n + 1);
		allocs_left = n;
		int code = try_take(&world, genops_buffer_view(&request));
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM || code == GENOPS_FULL || code == GENOPS_IO);
		size_t settled = 0;
		struct genops_error err;
		code = genops_observer_resolve(world.observer, genops_clock_unix_ns() + 11 * SECOND, &settled, &err);
		bool is_exhausted = allocs_left > 0;
		allocs_left = -1;
		check_agreement(&world);
		take(&world, genops_buffer_view(&request)); /* at the latest now */
		resolve(&world, 30);
		check_agreement(&world);
		assert_int_equal(spent(world.engine), ++n_done * CHAT);
		genops_buffer_done(&request);
		if (is_exhausted && code == GENOPS_OK) {
			close_world(&world);
			return;
		}
	}
	fail_msg("it did not end");
}

static void without_memory_to_begin(void **state)
{
	genops_engine *engine = open_as(*state, config, GENOPS_DRAIN_NEVER);
	struct genops_observer *observer = NULL;
	struct genops_error err;
	for (long n = 0; n < 2; n++) {
		allocs_left = n;
		int code = genops_observer_new(engine, NULL, NULL, &observer, &err);
		allocs_left = -1;
		assert_int_equal(code, n ? GENOPS_OK : GENOPS_NOMEM);
	}
	genops_observer_free(observer);
	genops_engine_close(engine);
}
#endif

int main(void)
{
#if FAILING_ALLOC
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(without_memory, make_state, remove_state),
	    cmocka_unit_test_setup_teardown(without_memory_to_begin, make_state, remove_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
