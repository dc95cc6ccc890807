/* SPDX-License-Identifier: Apache-2.0 - engine/observe: killed anywhere, calls count once, and counters and ledger agree.
 *
 * A child receives spans and drains; SIGKILL comes from a timer, at any instruction. What it said it had appended must be there in the
 * end, once. With a survivor attached the counters outlive each death; without one they are restored from the ledger. */
#include "observe_fixture.h"

#include "engine/operation/operation.h"
#include "store/ledger/ledger_impl.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define CHAT   INT64_C(210000) /* of gpt-4o-mini: 1000 in, 100 out */
#define ROUNDS 24
#define CALLS  4    /* of one entry */
#define APPENDS 100 /* of one life */

static const char config[] =
    "governance: {budgets: [{name: all, daily_budget: 1000.0}, {name: each, per: team, daily_budget: 1000.0}]}\n"
    "telemetry: {dedup_window: 0s}\n";

/* Both spans of each call: the inner one of the SDK, the outer one of an instrumentation. */
static struct genops_buffer some_calls(uint32_t number)
{
	struct span spans[2 * CALLS];
	char response[CALLS][32];
	for (uint32_t i = 0; i < CALLS; i++) {
		struct span outer = {.trace = (uint8_t)(number % 250 + 1), .id = (uint8_t)(2 * i + 1), .model = "gpt-4o-mini",
		    .start_s = -9, .end_s = -2, .in = 1000, .out = 100, .keys = {"genops.team"}, .values = {"a"}};
		snprintf(response[i], sizeof response[i], "chatcmpl-%u-%u", number, i);
		outer.response_id = response[i];
		struct span inner = outer;
		inner.id = (uint8_t)(2 * i + 2), inner.parent = outer.id, inner.scope = "com.anthropic.sdk";
		spans[2 * i] = inner;
		spans[2 * i + 1] = outer;
	}
	struct genops_buffer request = request_of(spans, 2 * CALLS);
	/* More traces than a byte has numbers. */
	char id[16];
	memset(id, (int)(number % 250 + 1), sizeof id);
	for (size_t i = 0; i + sizeof id < request.len; i++) {
		if (!memcmp(request.ptr + i, id, sizeof id))
			memcpy(request.ptr + i + 4, &number, sizeof number);
	}
	return request;
}

static bool append_calls(genops_engine *engine, uint32_t number)
{
	struct genops_buffer request = some_calls(number), bytes;
	genops_buffer_init(&bytes, 1 << 20);
	genops_envelope_encode(&(struct genops_envelope){.received_unix_ns = genops_clock_unix_ns(),
				   .receiver = GENOPS_STR("otlp"),
				   .input = GENOPS_STR(GENOPS_INPUT_OTLP),
				   .request = genops_buffer_view(&request)},
	    &bytes);
	int code = genops_segment_append(engine->segments, GENOPS_ENTRY_SPANS, genops_buffer_view(&bytes), NULL, NULL);
	genops_buffer_done(&request);
	genops_buffer_done(&bytes);
	return code == GENOPS_OK;
}

static void die_after(int64_t ns)
{
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec when = {.it_value = {.tv_sec = ns / GENOPS_NS_PER_S, .tv_nsec = ns % GENOPS_NS_PER_S}};
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &when, NULL) != 0)
		_exit(3);
}

/* Appends and drains until it is killed; says after each append how many there are. */
static void receive_and_die(const char *dir, uint32_t first, int64_t life_ns, int out)
{
	struct genops_engine_options options = {.size = sizeof options, .config_text = config, .state_dir = dir};
	genops_engine *engine = genops_engine_open(&options, NULL);
	if (!engine)
		_exit(1);
	die_after(life_ns);
	for (uint32_t number = first; number < first + APPENDS; number++) {
		if (!append_calls(engine, number) || write(out, &number, sizeof number) != sizeof number)
			_exit(2);
		genops_upkeep_wake(engine);
	}
	for (;;)
		pause();
}

/* Returns the number behind the last that may be there; *ret_sure: behind the last that is. */
static uint32_t live_and_die(const char *dir, uint32_t first, int64_t life_ns, uint32_t *ret_sure)
{
	int ends[2], status;
	uint32_t number;
	*ret_sure = first;
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		receive_and_die(dir, first, life_ns, ends[1]);
	}
	close(ends[1]);
	while (read(ends[0], &number, sizeof number) == sizeof number)
		*ret_sure = number + 1;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return *ret_sure + 1;
}

static size_t operations(genops_engine *engine)
{
	struct genops_cost_query query = {.size = sizeof query};
	struct genops_cost_report *report;
	assert_int_equal(genops_report_cost(engine, &query, &report, NULL), GENOPS_OK);
	size_t n = (size_t)report->total.operations;
	genops_report_cost_free(report);
	return n;
}

static void check_all(genops_engine *engine, size_t at_least, size_t at_most)
{
	for (int i = 0; i < 200 && (operations(engine) < at_least || budget_of(engine, "all").reserved_nano_usd ||
				       budget_of(engine, "all").consumed_nano_usd != spent(engine));
	     i++)
		flush(engine);
	size_t n = operations(engine);
	assert_true(n >= at_least && n <= at_most);
	assert_int_equal(spent(engine), (int64_t)n * CHAT);
	assert_int_equal(budget_of(engine, "all").consumed_nano_usd, (int64_t)n * CHAT);
	assert_int_equal(budget_of(engine, "each[team=a]").consumed_nano_usd, (int64_t)n * CHAT);
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
	assert_int_equal(look_up(engine, "outcome", "abandoned").n, 0);
	struct genops_audit_verification verification;
	struct genops_error err;
	assert_int_equal(genops_report_audit_verify(engine, &verification, &err), GENOPS_OK);
	assert_int_equal(verification.first_bad, 0);
}

static void check_nothing_waits(const char *dir)
{
	struct genops_ledger *ledger;
	struct genops_error err;
	assert_int_equal(genops_ledger_open(dir, true, &ledger, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_candidate_bytes(ledger), 0);
	genops_ledger_close(ledger);
}

/* Attached to a new state, so that the counters outlive others. No engine: its thread may hold a lock of gcc's ASan when the parent forks, and the
 * child, which gets it locked, would wait for ever. */
static struct genops_counters *survive(const char *dir)
{
	struct genops_counters *survivor;
	bool is_first = false;
	assert_int_equal(genops_counters_open(dir, &survivor, &is_first, NULL), GENOPS_OK);
	assert_true(is_first);
	genops_counters_ready(survivor); /* there is no ledger to restore them from */
	return survivor;
}

static void die_often(const char *dir, bool has_survivor)
{
	struct genops_counters *survivor = has_survivor ? survive(dir) : NULL;
	uint32_t next = 0, sure = 0;
	size_t n = 0, unsure = 0;
	srand(4711);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t first = next;
		next = live_and_die(dir, first, (int64_t)(rand() % 120000) * 1000 + 1000, &sure);
		n += sure - first;
		unsure++;
	}
	genops_engine *engine = open_engine(dir, config);
	check_all(engine, n * CALLS, (n + unsure) * CALLS);
	genops_engine_close(engine);
	genops_counters_close(survivor);
	check_nothing_waits(dir);
}

static void with_a_survivor(void **state)
{
	die_often(*state, true);
}

static void alone(void **state)
{
	die_often(*state, false);
}

/* The narrowest places, each for sure: reserved; settled in the counters; recorded in a transaction that was never committed. */
static void settle_and_die(const char *dir, int place)
{
	struct world world = open_world(dir, config);
	struct genops_operation_options options;
	struct genops_operation_observed observed = {.trace_id = {1}, .span_id = {1}, .start_unix_ns = genops_clock_unix_ns()};
	struct genops_operation_origin origin = {.observed = &observed};
	genops_operation *operation;
	genops_operation_options_init(&options);
	options.estimated_cost_nano_usd = CHAT;
	if (genops_operation_begin_from(world.engine, &options, &origin, &operation, NULL) != GENOPS_OK)
		_exit(1);
	if (place > 0 && genops_settle_observed(operation, GENOPS_OUTCOME_OK, genops_clock_unix_ns(), CHAT, NULL) != GENOPS_OK)
		_exit(2);
	bool is_new;
	if (place > 1 && (genops_ledger_begin(world.ledger, NULL) != GENOPS_OK ||
			     genops_ledger_add(world.ledger, &operation->record, genops_buffer_view(&operation->encoded), &is_new,
				 NULL) != GENOPS_OK))
		_exit(3);
	if (place > 2 && genops_ledger_commit(world.ledger, NULL) != GENOPS_OK)
		_exit(4);
	_exit(0);
}

static void die_at(const char *dir, int place)
{
	int status;
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		settle_and_die(dir, place);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void in_the_narrowest_places(void **state)
{
	struct genops_counters *survivor = survive(*state);
	for (int place = 0; place < 4; place++) {
		die_at(*state, place);
		genops_engine *engine = open_engine(*state, config);
		for (int i = 0; i < 100 && genops_counters_has_observed(survivor); i++)
			flush(engine);
		assert_false(genops_counters_has_observed(survivor));
		int64_t cost = place == 3 ? CHAT : 0;
		assert_int_equal(budget_of(engine, "all").consumed_nano_usd, cost);
		assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
		assert_int_equal(spent(engine), cost);
		assert_int_equal(look_up(engine, "outcome", "abandoned").n, 0);
		genops_engine_close(engine);
	}
	genops_counters_close(survivor);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {TEST(in_the_narrowest_places), TEST(with_a_survivor), TEST(alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
