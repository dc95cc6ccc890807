/* SPDX-License-Identifier: Apache-2.0 - engine/control: routes, who may, what a bound key sees, hypothetical calls. */
#include "engine_fixture.h"

#include <genops/control.h>

static const char config[] = "governance:\n"
			     "  policies: [{name: models, type: model_governance, blocked_models: [gpt-4]}]\n"
			     "  budgets: [{name: all, total_budget: 0.001}]\n"
			     "  keys:\n"
			     "    - {name: root, key: vk-root-0123456789abcdef}\n"
			     "    - {name: tenant, key: vk-five-0123456789abcdef, attributes: {tenant: 5}}\n"
			     "    - {name: team, key: vk-team-0123456789abcdef, attributes: {team: a}}\n"
			     "    - {name: caller, key: vk-call-0123456789abcdef, control: false}\n";

#define ROOT "vk-root-0123456789abcdef"

static char body[1 << 20];

static int ask(genops_engine *engine, const char *method, const char *target, const char *secret, const char *question)
{
	struct genops_control_answer answer;
	struct genops_error err = {0};
	assert_int_equal(genops_control_handle(engine, genops_str_of(method), genops_str_of(target), genops_str_of(secret),
			     genops_str_of(question), &answer, &err),
	    GENOPS_OK);
	assert_int_equal(strlen(answer.body), answer.body_len);
	assert_true(answer.body[0] == '{' && strchr("}\n", answer.body[answer.body_len - 1]));
	snprintf(body, sizeof body, "%s", answer.body);
	free(answer.body);
	return answer.status;
}

static void spend(genops_engine *engine, const char *key, const char *value, bool is_number)
{
	struct genops_attribute attribute = text_attribute(key, value);
	if (is_number) {
		attribute.type = GENOPS_ATTRIBUTE_INT;
		attribute.value.integer = atoi(value);
	}
	genops_operation *operation = begin(engine, (struct call){.estimate = 10, .attributes = &attribute, .n_attributes = 1});
	genops_operation_record_cost(operation, 10, NULL);
	end(operation, GENOPS_OUTCOME_OK);
	flush(engine);
}

static void routes_and_keys(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", "", ""), 200); /* a loopback gateway without require_key */
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", ROOT, ""), 200);
	assert_int_equal(ask(engine, "GET", "/api/v1/policies", ROOT, ""), 200);
	assert_int_equal(ask(engine, "GET", "/api/v1/cost?by=team", ROOT, ""), 200);
	assert_int_equal(ask(engine, "GET", "/api/v1/operations?limit=1", ROOT, ""), 200);
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", "vk-root-0123456789abcdeF", ""), 401);
	assert_null(strstr(body, "vk-"));
	assert_int_equal(ask(engine, "GET", "/api/v1/cost", "vk-call-0123456789abcdef", ""), 403);
	assert_int_equal(ask(engine, "POST", "/api/v1/decide", "vk-call-0123456789abcdef", "{}"), 200);
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", "vk-team-0123456789abcdef", ""), 403);
	assert_int_equal(ask(engine, "POST", "/api/v1/cost", ROOT, ""), 405);
	assert_int_equal(ask(engine, "GET", "/api/v1/nothing", ROOT, ""), 404);
	assert_int_equal(ask(engine, "GET", "/api/v1/cost/../budgets", ROOT, ""), 404);
	assert_int_equal(ask(engine, "GET", "", ROOT, ""), 404);
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets?name=nobody", ROOT, ""), 404);
	genops_engine_close(engine);
	char strict[2048];
	snprintf(strict, sizeof strict, "%sgateway: {require_key: true}\n", config);
	engine = open_engine(*state, strict);
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", "", ""), 401);
	assert_int_equal(ask(engine, "POST", "/api/v1/decide", "", "{}"), 401);
	genops_engine_close(engine);
}

/* Whatever type the binding has: a key sees its own and nothing else. */
static void a_bound_key_sees_its_own(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	spend(engine, "team", "a", false);
	spend(engine, "team", "b", false);
	spend(engine, "tenant", "5", true);
	spend(engine, "tenant", "6", true);
	assert_int_equal(ask(engine, "GET", "/api/v1/cost", ROOT, ""), 200);
	assert_non_null(strstr(body, "\"cost_nano_usd\":40"));
	assert_int_equal(ask(engine, "GET", "/api/v1/cost?by=team", "vk-team-0123456789abcdef", ""), 200);
	assert_non_null(strstr(body, "\"cost_nano_usd\":10"));
	assert_null(strstr(body, "\"b\""));
	assert_int_equal(ask(engine, "GET", "/api/v1/cost?where=team%3Db", "vk-team-0123456789abcdef", ""), 200);
	assert_non_null(strstr(body, "\"operations\":0"));
	assert_int_equal(ask(engine, "GET", "/api/v1/cost", "vk-five-0123456789abcdef", ""), 200);
	assert_non_null(strstr(body, "\"cost_nano_usd\":10"));
	assert_int_equal(ask(engine, "GET", "/api/v1/operations", "vk-five-0123456789abcdef", ""), 200);
	assert_non_null(strstr(body, "\"operation_id\""));
	assert_null(strstr(strstr(body, "\"operation_id\"") + 1, "\"operation_id\""));
	genops_engine_close(engine);
}

static void bad_questions(void **state)
{
	static const char *const queries[] = {"/api/v1/cost?where=team", "/api/v1/cost?where==x", "/api/v1/cost?since=yesterdayish",
	    "/api/v1/operations?limit=0", "/api/v1/operations?limit=99999", "/api/v1/operations?limit=x", "/api/v1/operations?until=-1"};
	static const char *const questions[] = {"", "{", "[]]", "{\"model\":1}", "{\"input_tokens\":-1}", "{\"input_tokens\":1.5}",
	    "{\"estimated_cost_usd\":\"1\"}", "{\"attributes\":{\"team\":1}}", "{\"model\":\"a\",\"model\":\"b\"}"};
	genops_engine *engine = open_engine(*state, config);
	for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
		if (ask(engine, "GET", queries[i], ROOT, "") != 400)
			fail_msg("%s: %s", queries[i], body);
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		if (ask(engine, "POST", "/api/v1/decide", ROOT, questions[i]) != 400)
			fail_msg("%s: %s", questions[i], body);
	/* A filter is never dropped in silence. */
	for (int n = 15; n < 40; n++) {
		char target[2048] = "/api/v1/cost?x=y";
		for (int i = 0; i < n; i++)
			strcat(target, "&where=team%3Da");
		assert_int_equal(ask(engine, "GET", target, ROOT, ""), n <= 16 ? 200 : 400);
		assert_int_equal(ask(engine, "GET", target, "vk-team-0123456789abcdef", ""), n <= 15 ? 200 : 400);
	}
	genops_engine_close(engine);
}

static void a_hypothetical_call(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	assert_int_equal(ask(engine, "POST", "/api/v1/decide", ROOT,
			     "{\"provider\":\"openai\",\"model\":\"gpt-4o-mini\",\"input_tokens\":100,\"max_output_tokens\":10}"),
	    200);
	assert_non_null(strstr(body, "\"decision\":\"allowed\""));
	assert_null(strstr(body, "reason_code"));
	assert_int_equal(ask(engine, "POST", "/api/v1/decide", ROOT, "{\"provider\":\"openai\",\"model\":\"gpt-4\"}"), 200);
	assert_non_null(strstr(body, "\"decision\":\"blocked\""));
	assert_non_null(strstr(body, "POLICY_DENY_MODEL"));
	assert_int_equal(ask(engine, "POST", "/api/v1/decide", ROOT, "{\"estimated_cost_usd\":0.002}"), 200);
	assert_non_null(strstr(body, "BUDGET_EXCEEDED"));
	assert_int_equal(look_up(engine, NULL, NULL).n, 0);
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(routes_and_keys),
	    TEST(a_bound_key_sees_its_own),
	    TEST(bad_questions),
	    TEST(a_hypothetical_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
