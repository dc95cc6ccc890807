/* SPDX-License-Identifier: Apache-2.0
 * test_engine_memory.c - the n-th allocation of each public function fails, for every n: a clean NOMEM, or the work is done.
 *
 * The engine's own thread allocates too, and does not fail: the count is a thread's. After each failure the books are compared: nothing reserved, nothing settled twice.
 */
#include "exchange_drive.h"

#include "../failing_alloc.h"

#include <genops/control.h>

#if FAILING_ALLOC
static const char config[] =
    "governance:\n"
    "  attributes: {team: search, project: bot}\n"
    "  policies:\n"
    "    - {name: words, type: content_filter, blocked_patterns: [hunter2]}\n"
    "    - {name: cap, type: cost_limit, max_cost: 1.0}\n"
    "  budgets: [{name: all, total_budget: 1.0, per: [team]}]\n"
    "gateway: {providers: {openai: {base_url: 'http://127.0.0.1:1', api_key: sk-own}}}\n";

static const char chat[] =
    "{\"model\":\"gpt-4o-mini\",\"stream\":true,\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
static const char events[] =
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}\n\n"
    "data: [DONE]\n\n";

#define ROUNDS_MAX 20000

/* Nobody drains meanwhile. */
static genops_engine *open_quiet(const char *dir)
{
	return open_as(dir, config, GENOPS_DRAIN_NEVER);
}

static void check_books(genops_engine *engine)
{
	struct genops_budget_report *report;
	struct genops_error err;
	assert_int_equal(genops_report_budgets(engine, (genops_str){0}, &report, &err), GENOPS_OK);
	for (size_t i = 0; i < report->n_budgets; i++)
		assert_int_equal(report->budgets[i].windows[0].reserved_nano_usd, 0);
	genops_report_budgets_free(report);
}

/* Returns whether it was done in spite of the failures; fails the test on anything but a clean NOMEM. */
typedef bool attempt_fn(genops_engine *engine, long n);

static void walk(genops_engine *engine, attempt_fn *attempt)
{
	for (long n = 0; n < ROUNDS_MAX; n++) {
		bool is_done = attempt(engine, n);
		bool is_exhausted = allocs_left > 0; /* fewer allocations than n: nothing failed */
		allocs_left = -1;
		check_books(engine);
		if (is_done && is_exhausted)
			return;
	}
	fail_msg("it did not end");
}

static bool one_operation(genops_engine *engine, long n)
{
	static const genops_usage usage = {.input_tokens = 9, .output_tokens = 2};
	struct genops_attribute attributes[] = {text_attribute("customer_id", "acme"), text_attribute("x.y", "z")};
	genops_operation *operation = NULL;
	struct genops_error err = {0};
	allocs_left = n;
	int code = try_begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .content = "hello", .in = 10, .out = 10,
						 .baggage = "genops.feature=f", .attributes = attributes, .n_attributes = 2}, &operation, &err);
	if (code != GENOPS_OK) {
		assert_int_equal(code, GENOPS_NOMEM);
		assert_null(operation);
		return false;
	}
	assert_int_equal(genops_operation_record_usage(operation, &usage, &err), GENOPS_OK);
	code = genops_operation_record_model(operation, GENOPS_STR("gpt-4o-mini"), &err);
	assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
	code = genops_operation_set_attribute(operation, &attributes[1], &err);
	assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
	code = genops_operation_end(operation, GENOPS_OUTCOME_OK, &err);
	assert_int_equal(code, GENOPS_OK); /* the room for its record was taken when it began */
	return true;
}

static bool one_exchange(genops_engine *engine, long n)
{
	struct visit visit = {.target = "/t/a/openai/v1/chat/completions", .body = chat, .piece = 50, .status = 200, .content_type = "text/event-stream",
	    .answer = events, .headers = {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x-genops-feature", "f",
					    "baggage", "genops.customer_id=c,a=b"}};
	allocs_left = n;
	struct visited *visited = go(engine, visit);
	if (visited->code != GENOPS_OK) {
		assert_int_equal(visited->code, GENOPS_NOMEM);
		return false;
	}
	/* A forwarded call may have gone unread, never unsettled; a refusal may only be for want of memory. */
	if (visited->admission == GENOPS_ADMIT_REFUSE)
		assert_true(visited->status >= 400);
	return visited->admission == GENOPS_ADMIT_FORWARD && allocs_left > 0;
}

static bool one_control_call(genops_engine *engine, long n)
{
	static const struct {
		const char *method, *target, *body;
	} calls[] = {
	    {"POST", "/api/v1/decide", "{\"provider\":\"openai\",\"model\":\"gpt-4o-mini\",\"content\":\"x\",\"attributes\":{\"team\":\"a\"}}"},
	    {"GET", "/api/v1/policies?x=y", ""},
	    {"GET", "/api/v1/budgets", ""},
	};
	bool is_done = true;
	for (size_t i = 0; i < 3; i++) {
		struct genops_control_answer answer = {0};
		struct genops_error err;
		allocs_left = n;
		int code = genops_control_handle(engine, genops_str_of(calls[i].method), genops_str_of(calls[i].target), (genops_str){0},
		    genops_str_of(calls[i].body), &answer, &err);
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
		is_done &= code == GENOPS_OK && answer.status == 200 && allocs_left > 0;
		if (code == GENOPS_OK)
			free(answer.body);
	}
	return is_done;
}

static void begin_and_end(void **state)
{
	genops_engine *engine = open_quiet(*state);
	for (int i = 0; i < 3; i++) /* an empty pool, then a warm one */
		walk(engine, one_operation);
	genops_engine_close(engine);
	engine = open_engine(*state, config);
	flush(engine);
	struct genops_cost_query query = {.size = sizeof query};
	struct genops_cost_report *report;
	struct genops_error err;
	assert_int_equal(genops_report_cost(engine, &query, &report, &err), GENOPS_OK);
	/* Those refused: a policy that lacked memory to look is closed. */
	assert_int_equal(report->total.cost_nano_usd, 2550 * (report->total.operations - report->total.refused));
	genops_report_cost_free(report);
	assert_int_equal(look_up(engine, "outcome", "abandoned").n, 0);
	genops_engine_close(engine);
}

static void exchanges(void **state)
{
	genops_engine *engine = open_quiet(*state);
	walk(engine, one_exchange);
	genops_engine_close(engine);
	engine = open_engine(*state, config);
	flush(engine);
	int64_t cost = spent(engine);
	assert_int_equal(budget_of(engine, "all[team=a]").consumed_nano_usd, cost);
	genops_engine_close(engine);
}

static void control(void **state)
{
	genops_engine *engine = open_quiet(*state);
	walk(engine, one_control_call);
	genops_engine_close(engine);
}

/* The first to come drains and restores, which allocates; it fails at each of these, and the next one finds all in order. */
static void opening_and_closing(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	(void)one_operation(engine, -1);
	genops_engine_close(engine);
	struct genops_engine_options options = {
	    .size = sizeof options, .config_text = config, .state_dir = *state, .drain = GENOPS_DRAIN_NEVER};
	only_own_allocs = 1;
	for (long n = 0;; n++) {
		struct genops_error err = {0};
		allocs_left = n;
		engine = genops_engine_open(&options, &err);
		bool is_exhausted = allocs_left > 0;
		allocs_left = -1;
		if (!engine && err.code != GENOPS_NOMEM)
			fail_msg("allocation %ld: %d %s", n, err.code, err.message);
		genops_engine_close(engine);
		if (engine && is_exhausted)
			break;
	}
	engine = open_engine(*state, config);
	assert_int_equal(spent(engine), 2550);
	assert_int_equal(look_up(engine, NULL, NULL).n, 1);
	genops_engine_close(engine);
}
#else
static void nothing(void **state)
{
	(void)state;
	skip(); /* a sanitizer owns malloc */
}
#endif

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
#if FAILING_ALLOC
	    TEST(begin_and_end),
	    TEST(exchanges),
	    TEST(control),
	    TEST(opening_and_closing),
#else
	    cmocka_unit_test(nothing),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
