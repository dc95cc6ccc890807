/* SPDX-License-Identifier: Apache-2.0 - engine/control: routes, who may, what a bound key sees, hypothetical calls. */
#include "engine_fixture.h"

#include <genops/control.h>

static const char config[] = "governance:\n"
			     "  policies: [{name: models, type: model_governance, blocked_models: [gpt-4]}]\n"
			     "  budgets:\n"
			     "    - {name: all, total_budget: 0.001}\n"
			     "    - {name: of a, match: {team: a}, total_budget: 1}\n"
			     "    - {name: of b, match: {team: b}, total_budget: 1}\n"
			     "    - {name: each, match: {team: '*'}, per: [team], total_budget: 1}\n"
			     "    - {name: prepaid, match: {team: nobody}, total_budget: 1}\n"
			     "  keys:\n"
			     "    - {name: root, key: vk-root-0123456789abcdef, control: all}\n"
			     "    - {name: tenant, key: vk-five-0123456789abcdef, attributes: {tenant: 5}}\n"
			     "    - {name: team, key: vk-team-0123456789abcdef, attributes: {team: a}}\n"
			     "    - {name: caller, key: vk-call-0123456789abcdef, control: false}\n"
			     "    - {name: free, key: vk-free-0123456789abcdef, budgets: [prepaid]}\n";

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
	assert_int_equal(ask(engine, "GET", "/api/v1/policies", "vk-team-0123456789abcdef", ""), 403);
	assert_int_equal(ask(engine, "HEAD", "/api/v1/cost", ROOT, ""), 200);
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

static bool has(const char *text)
{
	return strstr(body, text) != NULL;
}

/* Least privilege: what it is bound to by name or by its attributes, and of a budget kept per team its own counter. */
static void a_key_sees_its_own_budgets(void **state)
{
	static const char team[] = "vk-team-0123456789abcdef", unbound[] = "vk-free-0123456789abcdef";
	genops_engine *engine = open_engine(*state, config);
	spend(engine, "team", "a", false);
	spend(engine, "team", "b", false);
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", ROOT, ""), 200);
	assert_true(has("\"all\"") && has("\"of b\"") && has("\"each[team=a]\"") && has("\"each[team=b]\"") && has("\"prepaid\""));
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", team, ""), 200);
	assert_true(has("\"of a\"") && has("\"each[team=a]\""));
	assert_false(has("\"all\"") || has("\"of b\"") || has("team=b") || has("\"prepaid\""));
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets", unbound, ""), 200);
	assert_true(has("\"prepaid\""));
	assert_false(has("\"all\"") || has("\"of") || has("team="));
	/* Another's and nobody's look the same. */
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets?name=of%20b", team, ""), 404);
	char *other = strdup(body);
	assert_int_equal(ask(engine, "GET", "/api/v1/budgets?name=of%20c", team, ""), 404);
	assert_string_equal(body, other);
	free(other);
	genops_engine_close(engine);
}

/* Nothing is bound to it but its own calls. */
static void an_unbound_key_sees_its_own_calls(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	spend(engine, "team", "a", false);
	assert_int_equal(ask(engine, "GET", "/api/v1/cost?by=team", "vk-free-0123456789abcdef", ""), 200);
	assert_true(has("\"operations\":0"));
	assert_int_equal(ask(engine, "GET", "/api/v1/cost?where=key_name%3D", "vk-free-0123456789abcdef", ""), 200);
	assert_true(has("\"operations\":0"));
	assert_int_equal(ask(engine, "GET", "/api/v1/operations", "vk-free-0123456789abcdef", ""), 200);
	assert_false(has("operation_id"));
	genops_engine_close(engine);
}

/* They tell every team and its costs. */
static void metrics_want_a_right(void **state)
{
	static const struct {
		const char *secret;
		int status, strict_status;
	} rows[] = {{"", 200, 401}, {ROOT, 200, 200}, {"vk-team-0123456789abcdef", 403, 403}, {"vk-free-0123456789abcdef", 403, 403},
	    {"vk-call-0123456789abcdef", 403, 403}, {"nobody's", 401, 401}};
	char strict[2048];
	snprintf(strict, sizeof strict, "%sgateway: {require_key: true}\n", config);
	for (int is_strict = 0; is_strict < 2; is_strict++) {
		genops_engine *engine = open_engine(*state, is_strict ? strict : config);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			struct genops_control_answer answer;
			struct genops_error err;
			assert_int_equal(genops_control_handle(engine, GENOPS_STR("GET"), GENOPS_STR("/metrics"),
					     genops_str_of(rows[i].secret), GENOPS_STR(""), &answer, &err),
			    GENOPS_OK);
			int wanted = is_strict ? rows[i].strict_status : rows[i].status;
			assert_int_equal(answer.status, wanted);
			assert_string_equal(answer.content_type, wanted == 200 ? "text/plain; version=0.0.4; charset=utf-8" : "application/json");
			assert_true(wanted == 200 ? !strncmp(answer.body, "# HELP", 6) : answer.body[0] == '{');
			free(answer.body);
		}
		genops_engine_close(engine);
	}
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
	    TEST(a_key_sees_its_own_budgets),
	    TEST(an_unbound_key_sees_its_own_calls),
	    TEST(metrics_want_a_right),
	    TEST(bad_questions),
	    TEST(a_hypothetical_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
