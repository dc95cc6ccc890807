/* SPDX-License-Identifier: Apache-2.0
 * test_refuse.c - refusals: status, body and headers that each API's SDKs take as final, or as soon
 * to be retried. */
#include "base/str.h"
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define NS_PER_MS INT64_C(1000000)

struct refuse_case {
	const char *dialect;
	enum genops_reason reason;
	int wanted; /* status without a decision; reason NONE */
	int64_t retry_after_ns;
	int status;
	const char *body, *headers; /* "name: value\n"... */
};

#define OPENAI(type, code)                                                                         \
	"{\"error\":{\"message\":\"say \\\"why\\\"\",\"type\":\"" type                             \
	"\",\"param\":null,\"code\":\"" code "\"}}"
#define MISTRAL(type, code)                                                                        \
	"{\"object\":\"error\",\"message\":\"say \\\"why\\\"\",\"type\":\"" type                   \
	"\",\"param\":null,\"code\":\"" code "\"}"
#define ANTHROPIC(type)                                                                            \
	"{\"type\":\"error\",\"error\":{\"type\":\"" type                                          \
	"\",\"message\":\"say \\\"why\\\"\"},\"request_id\":\"op-1\"}"
#define FINAL "x-should-retry: false\n"

static const struct refuse_case cases[] = {
    {"openai", GENOPS_REASON_BUDGET_EXCEEDED, 0, 0, 429,
	OPENAI("insufficient_quota", "project_spend_limit_exceeded"), FINAL},
    {"openai", GENOPS_REASON_BUDGET_RESERVATION_FAILED, 0, 0, 429,
	OPENAI("insufficient_quota", "project_spend_limit_exceeded"), FINAL},
    {"openai", GENOPS_REASON_RATE_LIMITED, 0, 1, 429, OPENAI("requests", "rate_limit_exceeded"),
	"retry-after: 1\nretry-after-ms: 1\n"},
    {"openai", GENOPS_REASON_RATE_LIMITED, 0, 1500 * NS_PER_MS + 1, 429,
	OPENAI("requests", "rate_limit_exceeded"), "retry-after: 2\nretry-after-ms: 1501\n"},
    {"openai", GENOPS_REASON_RATE_LIMITED, 0, 60000 * NS_PER_MS, 429,
	OPENAI("requests", "rate_limit_exceeded"), "retry-after: 60\nretry-after-ms: 60000\n"},
    {"openai", GENOPS_REASON_RATE_LIMITED, 0, 60001 * NS_PER_MS, 429,
	OPENAI("requests", "rate_limit_exceeded"), FINAL},
    {"openai", GENOPS_REASON_POLICY_DENY_MODEL, 0, 0, 403,
	OPENAI("permission_error", "POLICY_DENY_MODEL"), ""},
    {"openai", GENOPS_REASON_TEAM_ACCESS, 0, 0, 403, OPENAI("permission_error", "x_team_access"),
	""},
    {"openai", GENOPS_REASON_COST_LIMIT, 0, 0, 403, OPENAI("permission_error", "x_cost_limit"), ""},
    {"openai", GENOPS_REASON_POLICY_DENY_CONTENT, 0, 0, 403,
	OPENAI("permission_error", "content_policy_violation"), ""},
    {"openai", GENOPS_REASON_NONE, 400, 0, 400, OPENAI("invalid_request_error", "invalid_request"),
	""},
    {"openai", GENOPS_REASON_NONE, 401, 0, 401, OPENAI("invalid_request_error", "invalid_api_key"),
	""},
    {"openai", GENOPS_REASON_NONE, 404, 0, 404, OPENAI("invalid_request_error", "unknown_url"), ""},
    {"openai", GENOPS_REASON_NONE, 413, 0, 413,
	OPENAI("invalid_request_error", "request_too_large"), ""},
    {"openai", GENOPS_REASON_NONE, 502, 0, 502, OPENAI("server_error", "upstream_error"), ""},
    {"openai", GENOPS_REASON_NONE, 504, 0, 504, OPENAI("server_error", "upstream_timeout"), ""},
    {"openai", GENOPS_REASON_NONE, 7, 0, 500, OPENAI("server_error", "internal_error"), ""},
    {"azure", GENOPS_REASON_BUDGET_EXCEEDED, 0, 0, 429,
	OPENAI("insufficient_quota", "project_spend_limit_exceeded"), FINAL},
    {"azure", GENOPS_REASON_POLICY_DENY_CONTENT, 0, 0, 403,
	OPENAI("permission_error", "content_filter"), ""},
    {"mistral", GENOPS_REASON_BUDGET_EXCEEDED, 0, 0, 402,
	MISTRAL("insufficient_quota", "project_spend_limit_exceeded"), FINAL},
    {"mistral", GENOPS_REASON_POLICY_DENY_MODEL, 0, 0, 403,
	MISTRAL("permission_error", "POLICY_DENY_MODEL"), ""},
    {"anthropic", GENOPS_REASON_BUDGET_EXCEEDED, 0, 0, 429, ANTHROPIC("billing_error"), FINAL},
    {"anthropic", GENOPS_REASON_RATE_LIMITED, 0, 2000 * NS_PER_MS, 429,
	ANTHROPIC("rate_limit_error"), "retry-after: 2\nretry-after-ms: 2000\n"},
    {"anthropic", GENOPS_REASON_POLICY_DENY_REGION, 0, 0, 403, ANTHROPIC("permission_error"), ""},
    {"anthropic", GENOPS_REASON_NONE, 400, 0, 400, ANTHROPIC("invalid_request_error"), ""},
    {"anthropic", GENOPS_REASON_NONE, 401, 0, 401, ANTHROPIC("authentication_error"), ""},
    {"anthropic", GENOPS_REASON_NONE, 404, 0, 404, ANTHROPIC("not_found_error"), ""},
    {"anthropic", GENOPS_REASON_NONE, 413, 0, 413, ANTHROPIC("request_too_large"), ""},
    {"anthropic", GENOPS_REASON_NONE, 502, 0, 502, ANTHROPIC("api_error"), ""},
    {"anthropic", GENOPS_REASON_NONE, 504, 0, 504, ANTHROPIC("timeout_error"), ""},
};

static void refusals_are_in_the_providers_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct genops_decision decision = {.result = GENOPS_BLOCKED,
		    .reason = cases[i].reason,
		    .retry_after_ns = cases[i].retry_after_ns,
		    .is_refused = true};
		struct genops_refuse_input input = {
		    .decision = cases[i].reason == GENOPS_REASON_NONE ? NULL : &decision,
		    .status = cases[i].wanted,
		    .message = GENOPS_STR("say \"why\""),
		    .operation_id = GENOPS_STR("op-1")};
		struct genops_buffer body, headers;
		struct genops_refusal refusal;
		genops_buffer_init(&body, 65536);
		genops_buffer_init(&headers, 65536);
		genops_dialect_find(genops_str_of(cases[i].dialect))
		    ->refuse(&input, &body, &refusal);
		for (size_t h = 0; h < refusal.n_headers; h++)
			genops_buffer_printf(&headers, "%.*s: %.*s\n",
			    GENOPS_STR_ARG(refusal.headers[h].name),
			    GENOPS_STR_ARG(refusal.headers[h].value));
		if (refusal.status != cases[i].status ||
		    !genops_str_is(refusal.body, cases[i].body) ||
		    !genops_str_is(genops_buffer_view(&headers), cases[i].headers))
			fail_msg("case %zu: %d %.*s %.*s", i, refusal.status,
			    GENOPS_STR_ARG(refusal.body),
			    GENOPS_STR_ARG(genops_buffer_view(&headers)));
		assert_true(genops_str_is(refusal.content_type, "application/json"));
		genops_buffer_done(&body);
		genops_buffer_done(&headers);
	}
}

static void streams_end_in_the_providers_words(void **state)
{
	(void)state;
	static const struct {
		const char *dialect, *target, *out;
	} streams[] = {
	    {"openai", "/v1/chat/completions",
		"data: " OPENAI("insufficient_quota", "project_spend_limit_exceeded") "\n\n"},
	    {"openai", "/v1/responses",
		"event: error\ndata: {\"type\":\"error\",\"code\":\"project_spend_limit_exceeded\",\"message\":\"say "
		"\\\"why\\\"\",\"param\":null,\"error\":{\"message\":\"say \\\"why\\\"\",\"type\":\"insufficient_quota\","
		"\"param\":null,\"code\":\"project_spend_limit_exceeded\"}}\n\n"},
	    {"mistral", "/v1/chat/completions",
		"data: " MISTRAL("insufficient_quota", "project_spend_limit_exceeded") "\n\n"},
	    {"anthropic", "/v1/messages", "event: error\ndata: " ANTHROPIC("billing_error") "\n\n"},
	};
	struct genops_decision decision = {
	    .result = GENOPS_BLOCKED, .reason = GENOPS_REASON_BUDGET_EXCEEDED};
	struct genops_refuse_input input = {.decision = &decision,
	    .message = GENOPS_STR("say \"why\""),
	    .operation_id = GENOPS_STR("op-1")};
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
		const struct genops_dialect *dialect =
		    genops_dialect_find(genops_str_of(streams[i].dialect));
		struct genops_buffer out;
		genops_buffer_init(&out, 65536);
		dialect->refuse_in_stream(&input,
		    genops_dialect_route(
			dialect, GENOPS_STR("POST"), genops_str_of(streams[i].target)),
		    &out);
		if (!genops_str_is(genops_buffer_view(&out), streams[i].out))
			fail_msg("case %zu: %.*s", i, GENOPS_STR_ARG(genops_buffer_view(&out)));
		genops_buffer_done(&out);
	}
}

/* No memory for a body: still the status, still final, a body that is JSON. */
static void a_refusal_never_fails(void **state)
{
	(void)state;
	struct genops_decision decision = {
	    .result = GENOPS_BLOCKED, .reason = GENOPS_REASON_BUDGET_EXCEEDED};
	struct genops_refuse_input input = {.decision = &decision};
	size_t n;
	const struct genops_dialect *const *dialects = genops_dialects(&n);
	for (size_t i = 0; i < n; i++) {
		struct genops_buffer body;
		struct genops_refusal refusal;
		genops_buffer_init(&body, 10);
		dialects[i]->refuse(&input, &body, &refusal);
		assert_true(refusal.status == 429 || refusal.status == 402);
		assert_true(genops_str_starts(refusal.body, GENOPS_STR("{\"error\":{")));
		assert_int_equal(refusal.n_headers, 1);
		genops_buffer_done(&body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refusals_are_in_the_providers_words),
	    cmocka_unit_test(streams_end_in_the_providers_words),
	    cmocka_unit_test(a_refusal_never_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
