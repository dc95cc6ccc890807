/* SPDX-License-Identifier: Apache-2.0 - engine/observe: calls that others made are counted once, whatever is sent in which order. */
#include "observe_fixture.h"

static const char config[] = "governance: {budgets: [{name: all, daily_budget: 1000.0}]}\n";

/* What the providers counted, by the catalogue's prices. The Anthropic calls are told twice: by OpenLLMetry and by the SDK's own span. */
#define SONNET  INT64_C(3390900) /* 4 x 3000 + 1163 x 300 + 202 x 15000 */
#define HAIKU   INT64_C(119250)  /* 17 x 250 + 92 x 1250 */
#define MINI    INT64_C(846750)  /* 1497 x 150 + 1037 x 600 */
#define STREAM  INT64_C(4950)    /* as the span counts: 1 x 150 + 8 x 600 */
#define NANO    INT64_C(4600)    /* 14 x 100 + 8 x 400 */
#define CAPTURE (SONNET + HAIKU + MINI + STREAM + NANO)

static void a_captured_request(void **state)
{
	struct world world = open_world(*state, config);
	take(&world, read_capture("openllmetry-js-0.27.0"));
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

static void a_captured_request_of_an_sdk_alone(void **state)
{
	struct world world = open_world(*state, config);
	take(&world, read_capture("anthropic-native-otel-js"));
	assert_int_equal(resolve(&world, 2), 3);
	check_books(&world, 3, SONNET + HAIKU);
	struct seen failed = see_all(&world, "outcome", "provider_error");
	assert_int_equal(failed.n, 1);
	assert_int_equal(failed.cost, 0);
	assert_int_equal(failed.http_status, 404);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_captured_request, make_state, remove_state),
	    cmocka_unit_test_setup_teardown(a_captured_request_of_an_sdk_alone, make_state, remove_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
