/* SPDX-License-Identifier: Apache-2.0 - engine/observe: calls that others made are counted once, whatever is sent in which order.
 *
 * proves OTL-010, OTL-047, CRB-033 (what is received is priced and attributed without a change of the program) */
#include "observe_fixture.h"

#include "store/ledger/ledger_impl.h"

static const char config[] = "governance: {budgets: [{name: all, daily_budget: 1000.0}]}\n";

/* What the providers counted, by the catalogue's prices. The Anthropic calls are told twice: by OpenLLMetry and by the SDK's own span. */
#define SONNET  INT64_C(3390900) /* 4 x 3000 + 1163 x 300 + 202 x 15000 */
#define HAIKU   INT64_C(119250)  /* 17 x 250 + 92 x 1250 */
#define MINI    INT64_C(846750)  /* 1497 x 150 + 1037 x 600 */
#define STREAM  INT64_C(4950)    /* as the span counts: 1 x 150 + 8 x 600 */
#define NANO    INT64_C(4600)    /* 14 x 100 + 8 x 400 */
#define OPENAI  (MINI + STREAM + NANO)
#define CAPTURE (SONNET + HAIKU + OPENAI)
#define CHAT    INT64_C(210000)  /* of gpt-4o-mini: 1000 in, 100 out */

#define CAPTURED    "openllmetry-js-0.27.0"
#define NATIVE      "com.anthropic.sdk"
#define OPENLLMETRY "@traceloop/"

static void take_part(struct world *world, const char *scope, int nth)
{
	struct genops_buffer part = part_of(read_capture(CAPTURED), scope, nth);
	take(world, genops_buffer_view(&part));
	genops_buffer_done(&part);
}

static void a_captured_request(void **state)
{
	struct world world = open_world(*state, config);
	take(&world, read_capture(CAPTURED));
	check_books(&world, 0, 0);
	assert_int_equal(resolve(&world, 11), 5);
	check_books(&world, 5, CAPTURE);
	assert_int_equal(resolve(&world, 1000), 0);
	struct seen sonnet = see_all(&world, "model", "claude-3-5-sonnet-20240620");
	assert_int_equal(sonnet.n, 1);
	assert_int_equal(sonnet.cost, SONNET);
	assert_int_equal(sonnet.input_tokens, 1167);
	assert_false(sonnet.is_cost_estimated);
	assert_string_equal(sonnet.team, "ml"); /* the association property beats the resource */
	assert_string_equal(sonnet.project, "chatbot");
	assert_string_equal(sonnet.customer_id, "c-42");
	assert_string_equal(sonnet.environment, "production");
	close_world(&world);
}

static void an_sdk_alone(void **state)
{
	struct world world = open_world(*state, config);
	take(&world, read_capture("anthropic-native-otel-js"));
	assert_int_equal(resolve(&world, 2), 3);
	check_books(&world, 3, SONNET + HAIKU);
	struct seen failed = see_all(&world, "outcome", "provider_error");
	assert_int_equal(failed.n, 1);
	assert_int_equal(failed.cost, 0);
	assert_int_equal(failed.http_status, 404);
	assert_string_equal(failed.customer_id, "c-42");
	close_world(&world);
}

/* Its input leaves the cached tokens out: repaired, so that the sum is the same. */
static void openllmetry_alone(void **state)
{
	struct world world = open_world(*state, config);
	take_part(&world, OPENLLMETRY, -1);
	assert_int_equal(resolve(&world, 9), 0); /* a better one may come */
	assert_int_equal(resolve(&world, 11), 5);
	check_books(&world, 5, CAPTURE);
	close_world(&world);
}

static void both_in_batches_of_their_own(void **state)
{
	struct world world = open_world(*state, config);
	take_part(&world, OPENLLMETRY, -1);
	take_part(&world, NATIVE, -1);
	assert_int_equal(resolve(&world, 2), 2); /* the SDK's own are the best there will be, and take the others with them */
	check_books(&world, 2, SONNET + HAIKU);
	assert_int_equal(resolve(&world, 11), 3);
	check_books(&world, 5, CAPTURE);
	close_world(&world);
}

static void what_comes_when_it_is_settled(void **state)
{
	struct world world = open_world(*state, config);
	take_part(&world, NATIVE, -1);
	assert_int_equal(resolve(&world, 2), 2);
	take_part(&world, OPENLLMETRY, -1);
	assert_int_equal(resolve(&world, 11), 3);
	check_books(&world, 5, CAPTURE);
	close_world(&world);
}

static void the_better_one_comes_too_late(void **state)
{
	struct world world = open_world(*state, config);
	take_part(&world, OPENLLMETRY, -1);
	assert_int_equal(resolve(&world, 11), 5);
	take_part(&world, NATIVE, -1);
	assert_int_equal(resolve(&world, 30), 0);
	check_books(&world, 5, CAPTURE);
	close_world(&world);
}

static void span_by_span(void **state)
{
	struct world world = open_world(*state, config);
	for (int i = 10; i >= 0; i--)
		take_part(&world, "", i);
	assert_int_equal(resolve(&world, 11), 5);
	check_books(&world, 5, CAPTURE);
	close_world(&world);
}

static void repeated_batches(void **state)
{
	struct world world = open_world(*state, config);
	for (int i = 0; i < 3; i++)
		take(&world, read_capture(CAPTURED));
	assert_int_equal(resolve(&world, 11), 5);
	for (int i = 0; i < 3; i++)
		take(&world, read_capture(CAPTURED));
	assert_int_equal(resolve(&world, 30), 0);
	check_books(&world, 5, CAPTURE);
	/* And by who drains after us. */
	close_world(&world);
	world = open_world(*state, config);
	take(&world, read_capture(CAPTURED));
	assert_int_equal(resolve(&world, 30), 0);
	check_books(&world, 5, CAPTURE);
	close_world(&world);
}

static const struct span outer = {.trace = 1, .id = 1, .model = "gpt-4o-mini", .start_s = -9, .end_s = -2, .in = 1000, .out = 100};

/* By parent and child, without a response id; the same model, or not. */
static void nested_spans(void **state)
{
	struct world world = open_world(*state, config);
	struct span inner = outer;
	take_span(&world, outer);
	inner.id = 2, inner.parent = 1, inner.start_s = -8, inner.end_s = -3, inner.model = "gpt-4o-mini-2024-07-18";
	take_span(&world, inner);
	inner.id = 3, inner.parent = 2, inner.start_s = -7; /* three deep */
	take_span(&world, inner);
	inner.id = 4, inner.model = "gpt-4.1-nano"; /* another call, within: 1000 x 100 + 100 x 400 */
	take_span(&world, inner);
	inner.id = 5, inner.parent = 1, inner.model = "gpt-4o-mini", inner.start_s = -1, inner.end_s = 0; /* behind */
	take_span(&world, inner);
	assert_int_equal(resolve(&world, 11), 3);
	check_books(&world, 3, 2 * CHAT + 140000);
	/* What comes late, from outside and from within. */
	struct span late = outer;
	late.id = 9, late.parent = 2;
	take_span(&world, late);
	late = outer, late.id = 7, late.parent = 0;
	take_span(&world, late); /* a call of its own: nobody's parent, nobody's child */
	assert_int_equal(resolve(&world, 30), 1);
	check_books(&world, 4, 3 * CHAT + 140000);
	close_world(&world);
}

/* Parallel and repeated calls of one trace, by a provider that gives every answer the same id. */
static void calls_beside_each_other(void **state)
{
	struct world world = open_world(*state, config);
	for (uint8_t i = 0; i < 4; i++) {
		struct span span = outer;
		span.id = (uint8_t)(i + 1), span.response_id = "always-the-same";
		span.start_s = -20 + 2 * i, span.end_s = span.start_s + 1;
		take_span(&world, span);
	}
	for (uint8_t i = 0; i < 3; i++) {
		struct span span = outer;
		span.id = (uint8_t)(i + 11);
		take_span(&world, span);
	}
	assert_int_equal(resolve(&world, 11), 7);
	check_books(&world, 7, 7 * CHAT);
	close_world(&world);
}

static void a_cost_that_stands_on_the_span(void **state)
{
	struct world world = open_world(*state, config);
	struct span span = outer;
	span.keys[0] = "genops.cost.total", span.values[0] = "#0.05";
	span.keys[1] = "genops.team", span.values[1] = "search";
	span.keys[2] = "traceloop.association.properties.team", span.values[2] = "nobody";
	take_span(&world, span);
	span = outer, span.id = 2, span.parent = 1;
	take_span(&world, span);
	assert_int_equal(resolve(&world, 2), 1);
	check_books(&world, 1, 50000000);
	struct seen seen = see_all(&world, "team", "search");
	assert_int_equal(seen.n, 1);
	assert_false(seen.is_cost_estimated);
	close_world(&world);
}

static void what_cannot_be_true(void **state)
{
	struct world world = open_world(*state, config);
	struct span span = outer;
	span.in = -5, span.out = INT64_MAX;
	take_span(&world, span);
	span = outer, span.id = 2, span.start_s = -900000000, span.end_s = -899999999; /* 1998 */
	take_span(&world, span);
	span = outer, span.id = 3, span.start_s = 900000000, span.end_s = 900000007;
	take_span(&world, span);
	span = outer, span.id = 4, span.start_s = 8, span.end_s = -8;
	take_span(&world, span);
	span = outer, span.id = 5, span.keys[0] = "genops.cost.total", span.values[0] = "#-1.0";
	take_span(&world, span);
	assert_int_equal(resolve(&world, 11), 5);
	check_books(&world, 5, 4 * CHAT);
	struct genops_cost_query query = {.size = sizeof query, .since_unix_s = genops_clock_unix_ns() / SECOND - 3600};
	struct genops_cost_report *report;
	assert_int_equal(genops_report_cost(world.engine, &query, &report, NULL), GENOPS_OK);
	assert_int_equal(report->total.operations, 5); /* all in the hour in which they came */
	genops_report_cost_free(report);
	close_world(&world);
}

/* A file of the guide has no ids: every one of them counts. */
static void spans_without_ids(void **state)
{
	struct world world = open_world(*state, config);
	struct span span = outer;
	span.trace = span.id = 0;
	take_span(&world, span);
	take_span(&world, span);
	assert_int_equal(resolve(&world, 11), 2);
	check_books(&world, 2, 2 * CHAT);
	close_world(&world);
}

static void the_tenant_and_the_defaults(void **state)
{
	struct world world = open_world(*state,
	    "governance: {attributes: {team: nobody, project: none, cost_center: c1}, budgets: [{name: all, daily_budget: 1.0}]}\n");
	struct genops_buffer request = request_of(&outer, 1);
	take_from(&world, genops_buffer_view(&request), "acme");
	genops_buffer_done(&request);
	assert_int_equal(resolve(&world, 11), 1);
	struct seen seen = see_all(&world, NULL, NULL);
	assert_string_equal(seen.team, "nobody");
	assert_string_equal(seen.project, "app"); /* service.name */
	assert_non_null(strstr(seen.attributes, "\"tenant\":\"acme\""));
	assert_non_null(strstr(seen.attributes, "\"instrumentation\":\"some.instrumentation\""));
	close_world(&world);
}

/* What a key binds, a span cannot change. */
static void the_senders_key(void **state)
{
	struct world world = open_world(*state,
	    "governance: {keys: [{name: app, key: vk-0123456789abcdef0123456789, attributes: {team: bound}, models: [gpt-4.1*]}],"
	    " budgets: [{name: all, daily_budget: 1.0}]}\n");
	struct span span = outer;
	struct genops_error err;
	span.keys[0] = "genops.team", span.values[0] = "free";
	struct genops_buffer request = request_of(&span, 1);
	struct genops_envelope envelope = {.received_unix_ns = genops_clock_unix_ns(), .key = GENOPS_STR("app"), .request = genops_buffer_view(&request)};
	assert_int_equal(genops_ledger_begin(world.ledger, &err), GENOPS_OK);
	assert_int_equal(genops_observer_take(world.observer, &envelope, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_commit(world.ledger, &err), GENOPS_OK);
	genops_buffer_done(&request);
	assert_int_equal(resolve(&world, 11), 1);
	struct seen seen = see_all(&world, NULL, NULL);
	assert_string_equal(seen.team, "bound");
	assert_string_equal(seen.key_name, "app");
	assert_string_equal(seen.reason, "x_key_binding");
	check_books(&world, 1, CHAT);
	close_world(&world);
}

/* Nothing is refused, since it has happened; budgets go over their limit, alerts are told, and then live calls are refused. */
static void policies_look_on(void **state)
{
	struct world world = open_world(*state,
	    "governance:\n"
	    "  budgets: [{name: all, daily_budget: 0.0003, alerts: [50, 100]}]\n"
	    "  policies:\n"
	    "    - {name: models, type: model_governance, blocked_models: gpt-4o-mini}\n"
	    "    - {name: pace, type: rate_limit, max_requests_per_minute: 1, max_delay: 0s}\n");
	for (uint8_t i = 1; i <= 3; i++) {
		struct span span = outer;
		span.trace = i;
		take_span(&world, span);
	}
	assert_int_equal(resolve(&world, 11), 3);
	check_books(&world, 3, 3 * CHAT);
	struct seen seen = see_all(&world, NULL, NULL);
	assert_string_equal(seen.outcome, "ok");
	assert_string_equal(seen.result, "blocked");
	assert_string_equal(seen.policy, "models");
	assert_false(seen.is_refused);
	assert_null(strstr(seen.evaluations, "rate_limited")); /* spans come in batches: their pace says nothing */
	struct genops_report_filter alerts[] = {{GENOPS_STR("kind"), GENOPS_STR("budget.alert")}};
	struct genops_audit_report_query query = {.size = sizeof query, .where = alerts, .n_where = 1};
	struct seen told = {0};
	assert_int_equal(genops_report_audit(world.engine, &query, see, &told, NULL), GENOPS_OK);
	assert_int_equal(told.n, 2);
	genops_operation *operation = begin(world.engine, (struct call){.estimate = 1});
	assert_true(genops_operation_decision(operation)->is_refused);
	assert_int_equal(genops_operation_decision(operation)->reason, GENOPS_REASON_BUDGET_EXCEEDED);
	end(operation, GENOPS_OUTCOME_REFUSED);
	close_world(&world);
}

/* --- what the gateway or a library recorded itself --- */

static void record_call(struct world *world, uint8_t trace, uint8_t parent, const char *response_id)
{
	struct genops_error err;
	struct genops_record record = {.start_unix_ns = genops_clock_unix_ns() - 8 * SECOND,
	    .end_unix_ns = genops_clock_unix_ns() - 3 * SECOND,
	    .response_id = genops_str_of(response_id)};
	memset(record.trace_id, trace, sizeof record.trace_id);
	memset(record.span_id, 200, sizeof record.span_id);
	memset(record.parent_span_id, parent, sizeof record.parent_span_id);
	assert_int_equal(genops_ledger_begin(world->ledger, &err), GENOPS_OK);
	assert_int_equal(genops_observer_know(world->observer, &record, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_commit(world->ledger, &err), GENOPS_OK);
}

static void the_gateways_own_wins(void **state)
{
	struct world world = open_world(*state, config);
	struct span span = outer;
	take_span(&world, span);
	record_call(&world, 1, 1, NULL); /* made within the span */
	span.trace = 2, span.response_id = "chatcmpl-1";
	take_span(&world, span);
	record_call(&world, 3, 0, "chatcmpl-1"); /* no propagation: the same answer */
	span.trace = 4, span.response_id = "chatcmpl-2";
	take_span(&world, span); /* past the gateway */
	span.trace = 5, span.id = 1, span.response_id = NULL;
	take_span(&world, span);
	span.id = 2, span.parent = 1, span.start_s = -8;
	take_span(&world, span);
	record_call(&world, 5, 2, NULL); /* within the inner one of two */
	assert_int_equal(resolve(&world, 11), 1);
	check_books(&world, 1, CHAT);
	close_world(&world);
}

/* --- bounds, clocks --- */

static void too_many_wait(void **state)
{
	struct world world = open_world(*state, config);
	struct genops_error err;
	take_span(&world, outer);
	world.ledger->candidate_bytes = GENOPS_CANDIDATES_BYTES_MAX;
	struct span span = outer;
	span.id = 2;
	struct genops_buffer request = request_of(&span, 1);
	struct genops_envelope envelope = {.received_unix_ns = genops_clock_unix_ns(), .request = genops_buffer_view(&request)};
	assert_int_equal(genops_ledger_begin(world.ledger, &err), GENOPS_OK);
	assert_int_equal(genops_observer_take(world.observer, &envelope, &err), GENOPS_BUSY);
	genops_ledger_rollback(world.ledger);
	assert_int_equal(resolve(&world, 11), 1);
	take(&world, genops_buffer_view(&request));
	assert_int_equal(resolve(&world, 11), 1);
	check_books(&world, 2, 2 * CHAT);
	genops_buffer_done(&request);
	close_world(&world);
}

static void the_clock_goes_back(void **state)
{
	struct world world = open_world(*state, config);
	assert_int_equal(resolve(&world, 0), 0);
	take_span(&world, outer);
	assert_int_equal(resolve(&world, -7200), 0);
	assert_int_equal(resolve(&world, -7200 + 11), 1);
	check_books(&world, 1, CHAT);
	close_world(&world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(a_captured_request),
	    TEST(an_sdk_alone),
	    TEST(openllmetry_alone),
	    TEST(both_in_batches_of_their_own),
	    TEST(what_comes_when_it_is_settled),
	    TEST(the_better_one_comes_too_late),
	    TEST(span_by_span),
	    TEST(repeated_batches),
	    TEST(nested_spans),
	    TEST(calls_beside_each_other),
	    TEST(a_cost_that_stands_on_the_span),
	    TEST(what_cannot_be_true),
	    TEST(spans_without_ids),
	    TEST(the_tenant_and_the_defaults),
	    TEST(the_senders_key),
	    TEST(policies_look_on),
	    TEST(the_gateways_own_wins),
	    TEST(too_many_wait),
	    TEST(the_clock_goes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
