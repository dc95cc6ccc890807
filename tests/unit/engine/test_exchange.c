/* SPDX-License-Identifier: Apache-2.0 - engine/exchange: whole exchanges without nginx, OpenAI and Anthropic, every way they go. */
#include "exchange_drive.h"

static const char config[] =
    "governance:\n"
    "  policies:\n"
    "    - {name: words, type: content_filter, blocked_patterns: [hunter2]}\n"
    "    - {name: models, type: model_governance, blocked_models: [gpt-4]}\n"
    "    - {name: pace, type: rate_limit, match: {team: fast}, max_requests_per_minute: 60, burst: 1, max_delay: 5s}\n"
    "    - {name: stop, type: rate_limit, match: {team: faster}, max_requests_per_minute: 1, burst: 1, max_delay: 0s}\n"
    "  budgets:\n"
    "    - {name: poor, match: {team: poor}, total_budget: 0.000000001}\n"
    "    - {name: short, match: {team: short}, total_budget: 0.0002}\n"
    "  keys:\n"
    "    - {name: bot, key: vk-0123456789abcdef0123, attributes: {team: bound}, provider_keys: {openai: sk-own}}\n"
    "gateway:\n"
    "  providers:\n"
    "    openai: {base_url: 'http://127.0.0.1:1'}\n"
    "    anthropic: {base_url: 'http://127.0.0.1:1/base/'}\n";

#define CHAT   "/openai/v1/chat/completions"
#define CLAUDE "/anthropic/v1/messages"

static const char chat[] = "{\"model\":\"gpt-4o-mini\",\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
static const char chat_stream[] =
    "{\"model\":\"gpt-4o-mini\",\"stream\":true,\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
static const char claude_stream[] =
    "{\"model\":\"claude-3-5-haiku-20241022\",\"stream\":true,\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";

static const char chat_answer[] =
    "{\"id\":\"c1\",\"object\":\"chat.completion\",\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
    "\"assistant\",\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}";

/* As OpenAI sends it when usage was asked for, and as a client that did not ask would have got it. */
static const char chat_events[] =
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"he\"}}],\"usage\":null}\n\n"
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}\n\n"
    "data: [DONE]\n\n";
static const char chat_unasked[] =
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"he\"}}]}\n\n"
    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

static const char claude_events[] =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude-3-5-haiku-20241022\",\"usage\":{"
    "\"input_tokens\":9,\"output_tokens\":1}}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static void check_refused(genops_engine *engine, struct visit visit, int status, const char *reason, const char *says)
{
	struct visited *visited = go(engine, visit);
	assert_int_equal(visited->code, GENOPS_OK);
	assert_int_equal(visited->admission, GENOPS_ADMIT_REFUSE);
	if (visited->status != status || !strstr(visited->got, says) || strcmp(visited->reason, reason) != 0)
		fail_msg("%s: %d %s %s", visit.target, visited->status, visited->reason, visited->got);
	assert_non_null(strstr(visited->got, "\"error\""));
}

static void a_call_passes_byte_for_byte(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	for (size_t piece = 0; piece < 40; piece++) {
		struct visited *visited =
		    go(engine, (struct visit){.target = CHAT "?a=b", .body = chat, .piece = piece, .status = 200, .answer = chat_answer});
		assert_int_equal(visited->admission, GENOPS_ADMIT_FORWARD);
		assert_string_equal(visited->path, "/v1/chat/completions?a=b");
		assert_string_equal(visited->edited, chat);
		assert_string_equal(visited->got, chat_answer);
		assert_string_equal(visited->decision, "allowed");
		assert_string_equal(visited->reason, "");
		struct seen seen = look_up(engine, "operation", visited->id);
		assert_string_equal(seen.outcome, "ok");
		assert_string_equal(seen.response_model, "gpt-4o-mini-2024-07-18");
		assert_string_equal(seen.finish_reason, "stop");
		assert_int_equal(seen.input_tokens, 9);
		assert_int_equal(seen.output_tokens, 2);
		assert_int_equal(seen.cost, 2550);
		assert_int_equal(seen.http_status, 200);
		assert_false(seen.is_cost_estimated);
	}
	genops_engine_close(engine);
}

/* Asked for on the client's behalf, hidden from it: the same bytes whatever the pieces. */
static void hidden_usage_at_every_split(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	for (size_t piece = 0; piece <= sizeof chat_events; piece++) {
		struct visited *visited = go(engine, (struct visit){.target = CHAT, .body = chat_stream, .piece = piece, .status = 200,
							 .content_type = "text/event-stream; charset=utf-8", .answer = chat_events});
		assert_non_null(strstr(visited->edited, "\"include_usage\":true"));
		assert_string_equal(visited->got, chat_unasked);
		if (piece % 16)
			continue;
		struct seen seen = look_up(engine, "operation", visited->id);
		assert_string_equal(seen.outcome, "ok");
		assert_int_equal(seen.cost, 2550);
		assert_true(seen.is_stream);
	}
	genops_engine_close(engine);
}

static void anthropic_streams_at_every_split(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	for (size_t piece = 0; piece <= sizeof claude_events; piece++) {
		struct visited *visited = go(engine, (struct visit){.target = CLAUDE, .body = claude_stream, .piece = piece, .status = 200,
							 .content_type = "Text/Event-Stream", .answer = claude_events,
							 .headers = {"x-api-key", "sk-clients"}});
		assert_string_equal(visited->path, "/base/v1/messages");
		assert_string_equal(visited->edited, claude_stream);
		assert_string_equal(visited->got, claude_events);
		assert_null(strstr(visited->sent_headers, "sk-")); /* the client's own key goes as it came */
		if (piece % 16)
			continue;
		struct seen seen = look_up(engine, "operation", visited->id);
		assert_string_equal(seen.outcome, "ok");
		assert_int_equal(seen.input_tokens, 9);
		assert_int_equal(seen.output_tokens, 2);
	}
	genops_engine_close(engine);
}

static void refusals_of_every_kind(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	check_refused(engine, (struct visit){.target = CHAT, .body = chat, .headers = {"X-Genops-Team", "poor"}}, 429, "BUDGET_EXCEEDED", "poor");
	check_refused(engine, (struct visit){.target = "/t/poor" CHAT, .body = chat}, 429, "BUDGET_EXCEEDED", "poor");
	check_refused(engine, (struct visit){.target = CLAUDE, .body = claude_stream, .headers = {"baggage", "genops.team=poor"}}, 429,
	    "BUDGET_EXCEEDED", "poor");
	check_refused(engine,
	    (struct visit){.target = CHAT, .body = "{\"model\":\"gpt-4\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"}, 403,
	    "POLICY_DENY_MODEL", "gpt-4");
	check_refused(engine,
	    (struct visit){.target = CHAT,
		.body = "{\"model\":\"gpt-4o-mini\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"my hunter2\"}]}"},
	    403, "POLICY_DENY_CONTENT", "words");
	struct visited *first = go(engine, (struct visit){.target = CHAT, .body = chat, .headers = {"x-genops-team", "faster"}, .status = 200, .answer = chat_answer});
	assert_int_equal(first->admission, GENOPS_ADMIT_FORWARD);
	check_refused(engine, (struct visit){.target = CHAT, .body = chat, .headers = {"x-genops-team", "faster"}}, 429, "RATE_LIMITED", "stop");
	/* before any decision: no reason code */
	check_refused(engine, (struct visit){.target = "/nobody/v1/chat/completions", .body = chat}, 404, "", "no provider");
	check_refused(engine, (struct visit){.target = "/azure/x/chat/completions", .body = chat}, 404, "", "base_url");
	check_refused(engine, (struct visit){.target = "/openai/v1/nowhere", .body = chat}, 404, "", "unknown_routes");
	check_refused(engine, (struct visit){.target = CHAT, .method = "PUT", .body = chat}, 404, "", "unknown_routes");
	check_refused(engine, (struct visit){.target = "", .body = chat}, 404, "", "no provider");
	check_refused(engine, (struct visit){.target = "/", .body = chat}, 404, "", "no provider");
	check_refused(engine, (struct visit){.target = CHAT, .body = "{"}, 400, "", "GenOps");
	check_refused(engine, (struct visit){.target = CHAT, .body = ""}, 400, "", "GenOps");
	check_refused(engine, (struct visit){.target = CHAT, .body = "{\"model\":\"a\",\"model\":\"b\"}"}, 400, "", "GenOps");
	genops_engine_close(engine);
}

static void ambiguous_paths_are_refused(void **state)
{
	static const char *const targets[] = {"/openai/../openai/v1/chat/completions", "/openai/%2e%2e/openai/v1/chat/completions",
	    "/openai/v1/%2E/chat/completions", "/openai/x%2f..%2fv1/chat/completions", "/t/a%2Fb/openai/v1/chat/completions",
	    "/openai/v1/chat/completions#/v1/moderations", "/openai/v1/chat/completions?a=b#c"};
	genops_engine *engine = open_engine(*state, config);
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
		check_refused(engine, (struct visit){.target = targets[i], .body = chat}, 400, "", "path");
	struct visited *visited = go(engine, (struct visit){.target = "/t/se%20arch/p/bot" CHAT, .body = chat, .status = 200, .answer = chat_answer});
	assert_int_equal(visited->admission, GENOPS_ADMIT_FORWARD);
	struct seen seen = look_up(engine, "operation", visited->id);
	assert_string_equal(seen.team, "se arch");
	assert_string_equal(seen.project, "bot");
	genops_engine_close(engine);
}

static void bad_attributes_are_the_clients_fault(void **state)
{
	char wide[GENOPS_ATTRIBUTE_VALUE_MAX + 2];
	genops_engine *engine = open_engine(*state, config);
	memset(wide, 'w', sizeof wide - 1);
	wide[sizeof wide - 1] = '\0';
	check_refused(engine, (struct visit){.target = CHAT, .body = chat, .headers = {"x-genops-feature", wide}}, 400, "", "x-genops-feature");
	check_refused(engine, (struct visit){.target = CHAT, .body = chat, .headers = {"X-Genops-Team", "caf\xe9"}}, 400, "", "x-genops-team");
	check_refused(engine, (struct visit){.target = "/t/%FF" CHAT, .body = chat}, 400, "", "team in the path");
	/* A header that is no attribute of ours may be as it likes. */
	struct visited *visited = go(engine,
	    (struct visit){.target = CHAT, .body = chat, .headers = {"x-genops-unknown", wide, "tracestate", wide}, .status = 200, .answer = chat_answer});
	assert_int_equal(visited->admission, GENOPS_ADMIT_FORWARD);
	genops_engine_close(engine);
}

/* Eight megabytes of headers: refused with an error, never more than the arena. */
static void headers_without_end(void **state)
{
	static char value[4096];
	genops_engine *engine = open_engine(*state, config);
	genops_exchange *exchange;
	struct genops_error err = {0};
	int code = GENOPS_OK;
	size_t n = 0;
	memset(value, 'v', sizeof value);
	assert_int_equal(genops_exchange_new(engine, GENOPS_STR("POST"), GENOPS_STR(CHAT), &exchange, &err), GENOPS_OK);
	while (code == GENOPS_OK && n++ < 4096)
		code = genops_exchange_header(exchange, GENOPS_STR("x-genops-team"), (genops_str){value, sizeof value}, &err);
	assert_int_equal(code, GENOPS_NOMEM);
	assert_true(n > 1000 && n < 3000);
	genops_exchange_finish(exchange, GENOPS_OUTCOME_NOT_SENT);
	static char target[9000];
	memset(target, '/', sizeof target);
	assert_int_equal(genops_exchange_new(engine, GENOPS_STR("POST"), (genops_str){target, sizeof target}, &exchange, &err), GENOPS_LIMIT);
	assert_int_equal(look_up(engine, NULL, NULL).n, 0);
	genops_engine_close(engine);
}

static void a_virtual_key_becomes_the_providers(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct visited *visited = go(engine, (struct visit){.target = CHAT, .body = chat, .status = 200, .answer = chat_answer,
						 .headers = {"Authorization", "bearer vk-0123456789abcdef0123", "X-Genops-Team", "poor", "baggage", "genops.team=poor,a=b"}});
	assert_int_equal(visited->admission, GENOPS_ADMIT_FORWARD); /* bound: a header cannot make it poor */
	assert_non_null(strstr(visited->sent_headers, "authorization: Bearer sk-own\n"));
	assert_non_null(strstr(visited->sent_headers, "baggage: a=b\n"));
	assert_null(strstr(visited->sent_headers, "vk-"));
	struct seen seen = look_up(engine, "operation", visited->id);
	assert_string_equal(seen.team, "bound");
	assert_string_equal(seen.key_name, "bot");
	/* Good here, but there is no key of that provider for it. */
	check_refused(engine, (struct visit){.target = CLAUDE, .body = claude_stream, .headers = {"x-api-key", "vk-0123456789abcdef0123"}}, 401, "", "anthropic");
	genops_engine_close(engine);
	char strict[2048];
	snprintf(strict, sizeof strict, "%s  require_key: true\n", config);
	engine = open_engine(*state, strict);
	check_refused(engine, (struct visit){.target = CHAT, .body = chat}, 401, "", "no key");
	check_refused(engine, (struct visit){.target = CHAT, .body = chat, .headers = {"authorization", "Bearer sk-nobody"}}, 401, "", "not one of");
	genops_engine_close(engine);
}

static void a_call_may_be_held_back(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct visit visit = {.target = CHAT, .body = chat, .headers = {"x-genops-team", "fast"}, .status = 200, .answer = chat_answer};
	assert_int_equal(go(engine, visit)->delay_ns, 0);
	struct visited *visited = go(engine, visit);
	assert_int_equal(visited->admission, GENOPS_ADMIT_FORWARD);
	assert_true(visited->delay_ns > 0 && visited->delay_ns <= 5000000000);
	assert_string_equal(visited->decision, "rate_limited");
	genops_engine_close(engine);
}

static void providers_errors_cost_nothing(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	static const char error[] = "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}";
	struct visited *visited = go(engine, (struct visit){.target = CHAT, .body = chat, .status = 503, .answer = error});
	assert_string_equal(visited->got, error);
	struct seen seen = look_up(engine, "operation", visited->id);
	assert_string_equal(seen.outcome, "provider_error");
	assert_int_equal(seen.http_status, 503);
	assert_int_equal(seen.cost, 0);
	genops_engine_close(engine);
}

/* Time-out, or closed without a word: the provider has the request and may bill it. An empty answer of it is none of these. */
static void an_unanswered_request_costs_its_input(void **state)
{
	static const struct {
		const char *target, *body;
	} calls[] = {{CHAT, chat}, {CHAT, chat_stream}, {CLAUDE, claude_stream}};
	genops_engine *engine = open_engine(*state, config);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct visited *visited = go(engine,
		    (struct visit){.target = calls[i].target, .body = calls[i].body, .outcome = GENOPS_OUTCOME_PROVIDER_ERROR});
		struct seen seen = look_up(engine, "operation", visited->id);
		assert_string_equal(seen.outcome, "provider_error");
		assert_true(seen.input_tokens > 0 && seen.output_tokens == 0 && seen.is_cost_estimated);
		assert_true(seen.cost > 0 && seen.cost <= seen.reserved);
	}
	struct visited *visited = go(engine, (struct visit){.method = "GET", .target = "/openai/v1/models", .body = "",
						 .outcome = GENOPS_OUTCOME_PROVIDER_ERROR});
	assert_int_equal(look_up(engine, "operation", visited->id).cost, 0);
	genops_engine_close(engine);
}

static int count_event(void *arg, const struct genops_audit_event *event)
{
	(void)event;
	++*(int *)arg;
	return GENOPS_OK;
}

static int alerts_of(genops_engine *engine)
{
	struct genops_report_filter where = {GENOPS_STR("kind"), GENOPS_STR("budget.alert")};
	struct genops_audit_report_query query = {.size = sizeof query, .where = &where, .n_where = 1};
	struct genops_error err;
	int n = 0;
	assert_int_equal(genops_report_audit(engine, &query, count_event, &n, &err), GENOPS_OK);
	return n;
}

/* The one way over a limit: an answer that comes whole and costs more than its own estimate. It is billed, told, and the last. */
static void a_dearer_model_may_pass_the_limit_once(void **state)
{
	static const char answer[] =
	    "{\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":"
	    "\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":20,\"total_tokens\":29}}";
	genops_engine *engine = open_engine(*state, config);
	struct visit visit = {.target = CHAT, .body = chat, .headers = {"x-genops-team", "short"}, .status = 200, .answer = answer};
	struct visited *visited = go(engine, visit);
	assert_string_equal(visited->got, answer);
	struct seen seen = look_up(engine, "operation", visited->id);
	assert_int_equal(seen.cost, 9 * 2500 + 20 * 10000);
	assert_true(seen.cost > seen.reserved && seen.cost > 200000);
	struct genops_budget_window window = budget_of(engine, "short");
	assert_int_equal(window.consumed_nano_usd, seen.cost);
	assert_int_equal(window.remaining_nano_usd, 0);
	assert_int_equal(alerts_of(engine), 3); /* 80, 90, 100 % */
	check_refused(engine, visit, 429, "BUDGET_EXCEEDED", "short");
	assert_int_equal(budget_of(engine, "short").consumed_nano_usd, seen.cost);
	genops_engine_close(engine);
}

static void half_an_answer_is_billed_by_what_came(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct visited *visited = go(engine, (struct visit){.target = CLAUDE, .body = claude_stream, .status = 200, .is_cut_short = true,
						 .content_type = "text/event-stream",
						 .answer = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":"
							   "\"claude-3-5-haiku-20241022\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n"});
	struct seen seen = look_up(engine, "operation", visited->id);
	assert_string_equal(seen.outcome, "provider_error");
	assert_int_equal(seen.input_tokens, 9);
	assert_true(seen.cost > 0);
	genops_engine_close(engine);
}

/* The client goes away: in the middle, or after the request went out and before anything came. */
static void who_leaves_pays_for_what_was_sent(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct visited *visited = go(engine, (struct visit){.target = CHAT, .body = chat, .outcome = GENOPS_OUTCOME_CANCELLED});
	struct seen seen = look_up(engine, "operation", visited->id);
	assert_string_equal(seen.outcome, "cancelled");
	assert_true(seen.input_tokens > 0 && seen.cost > 0 && seen.is_cost_estimated);
	visited = go(engine, (struct visit){.target = CHAT, .body = chat_stream, .status = 200, .content_type = "text/event-stream",
				 .answer = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello there\"}}],\"usage\":null}\n\n",
				 .is_cut_short = true, .outcome = GENOPS_OUTCOME_CANCELLED});
	seen = look_up(engine, "operation", visited->id);
	assert_string_equal(seen.outcome, "cancelled");
	assert_true(seen.output_tokens > 0 && seen.is_cost_estimated);
	visited = go(engine, (struct visit){.target = CHAT, .body = chat, .outcome = GENOPS_OUTCOME_NOT_SENT});
	assert_int_equal(look_up(engine, "operation", visited->id).cost, 0);
	genops_engine_close(engine);
}

/* A stream that passes what its budget has room for is ended between two events, in the provider's form. */
static void a_stream_is_cut_off_at_its_reservation(void **state)
{
	static char events[60000];
	genops_engine *engine = open_engine(*state, config);
	size_t n = 0;
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(events + n, sizeof events - n,
		    "data: {\"id\":\"c1\",\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%0128d\"}}],\"usage\":null}\n\n", i);
	struct visited *visited = go(engine, (struct visit){.target = CHAT, .body = chat_stream, .piece = 77, .status = 200,
						 .headers = {"x-genops-team", "short"}, .content_type = "text/event-stream", .answer = events});
	if (visited->admission != GENOPS_ADMIT_FORWARD)
		fail_msg("%s", visited->got);
	assert_true(visited->was_ended);
	assert_non_null(strstr(visited->got, "budget"));
	size_t len = strlen(visited->got);
	assert_string_equal(visited->got + len - 2, "\n\n");
	struct seen seen = look_up(engine, "operation", visited->id);
	assert_string_equal(seen.outcome, "cut_off");
	assert_true(seen.is_cost_estimated);
	struct genops_budget_window window = budget_of(engine, "short");
	assert_int_equal(window.consumed_nano_usd, seen.cost);
	assert_int_equal(window.reserved_nano_usd, 0);
	genops_engine_close(engine);
}

/* Every function in an order that a broken host might call it in. */
static void a_host_may_stop_anywhere(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	for (int steps = 0; steps < 6; steps++) {
		genops_exchange *exchange;
		struct genops_error err;
		enum genops_admission admission;
		struct genops_forward forward;
		struct genops_refusal refusal;
		struct genops_tap tap;
		assert_int_equal(genops_exchange_new(engine, GENOPS_STR("POST"), GENOPS_STR(CHAT), &exchange, &err), GENOPS_OK);
		assert_null(genops_exchange_operation(exchange));
		if (steps > 0)
			assert_int_equal(genops_exchange_body(exchange, genops_str_of(chat), &err), GENOPS_OK);
		if (steps > 1)
			assert_int_equal(genops_exchange_admit(exchange, &admission, &forward, &refusal, &err), GENOPS_OK);
		if (steps > 2)
			genops_exchange_response_head(exchange, 200, GENOPS_STR("application/json"));
		if (steps > 3)
			genops_exchange_response_body(exchange, genops_str_of(chat_answer), &tap);
		if (steps > 4) {
			genops_exchange_response_end(exchange, &tap);
			genops_exchange_response_end(exchange, &tap);
		}
		genops_exchange_refuse(exchange, 502, "GenOps: test", &refusal);
		assert_int_equal(refusal.status, 502);
		genops_exchange_finish(exchange, GENOPS_OUTCOME_OK);
	}
	genops_exchange_finish(NULL, GENOPS_OUTCOME_OK);
	assert_int_equal(look_up(engine, NULL, NULL).n, 4);
	genops_engine_close(engine);
}

/* What a client was told is in the ledger, also if this process dies before it is told that the answer is out. */
static void a_refusal_is_recorded_before_it_is_told(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct visit visit = {.body = "{\"model\":\"gpt-4\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"};
	struct visited visited = {0};
	genops_exchange *exchange = NULL;
	assert_int_equal(genops_exchange_new(engine, GENOPS_STR("POST"), GENOPS_STR(CHAT), &exchange, &visited.err), GENOPS_OK);
	assert_int_equal(send_request(exchange, &visit, &visited), GENOPS_OK);
	assert_int_equal(visited.admission, GENOPS_ADMIT_REFUSE);
	struct seen seen = look_up(engine, "outcome", "refused");
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.http_status, visited.status);
	genops_exchange_finish(exchange, GENOPS_OUTCOME_NOT_SENT);
	assert_int_equal(look_up(engine, NULL, NULL).n, 1);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(a_call_passes_byte_for_byte),
	    TEST(hidden_usage_at_every_split),
	    TEST(anthropic_streams_at_every_split),
	    TEST(refusals_of_every_kind),
	    TEST(ambiguous_paths_are_refused),
	    TEST(bad_attributes_are_the_clients_fault),
	    TEST(headers_without_end),
	    TEST(a_virtual_key_becomes_the_providers),
	    TEST(a_call_may_be_held_back),
	    TEST(providers_errors_cost_nothing),
	    TEST(an_unanswered_request_costs_its_input),
	    TEST(a_dearer_model_may_pass_the_limit_once),
	    TEST(half_an_answer_is_billed_by_what_came),
	    TEST(who_leaves_pays_for_what_was_sent),
	    TEST(a_stream_is_cut_off_at_its_reservation),
	    TEST(a_host_may_stop_anywhere),
	    TEST(a_refusal_is_recorded_before_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
