/* SPDX-License-Identifier: Apache-2.0
 * test_follow.c - following answers: usage in every form, errors in and outside of streams, lies,
 * several choices, parallel tools. Every case is also read cut in two at every byte and byte by
 * byte; bytes pass unchanged.
 */
#include "drive.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct answer_case {
	const char *name, *dialect, *target, *request, *response;
	int status;
	bool is_stream;
	/* what should be known */
	bool has_usage, has_input, is_error, is_complete, is_estimated;
	int64_t input, output, cached, written_5m, written_1h, reasoning, n_tools;
	const char *finish, *error, *model;
	enum genops_tier tier;
};

#define CHAT	  "openai", "/v1/chat/completions", "{\"model\":\"m\"}"
#define MESSAGES  "anthropic", "/v1/messages", "{\"model\":\"m\",\"max_tokens\":9}"
#define RESPONSES "openai", "/v1/responses", "{\"model\":\"m\"}"
#define OK_JSON	  200, false
#define OK_STREAM 200, true

static const struct answer_case cases[] = {
    {"several choices, parallel tools", CHAT,
	"{\"model\":\"x\",\"service_tier\":\"priority\",\"choices\":[{\"message\":{\"content\":\"ab\",\"tool_calls\":["
	"{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},"
	"\"finish_reason\":\"tool_calls\"},{\"message\":{\"content\":\"c\"},\"finish_reason\":\"stop\"}],\"usage\":"
	"{\"prompt_tokens\":10,\"completion_tokens\":7,\"total_tokens\":17,\"prompt_tokens_details\":{\"cached_tokens\":4}}}",
	OK_JSON, true, true, false, true, false, 10, 7, 4, 0, 0, 0, 2, "stop", "", "x",
	GENOPS_TIER_PRIORITY},
    {"usage in a chunk with choices", CHAT,
	"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n"
	"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,"
	"\"completion_tokens\":2,\"prompt_tokens_details\":null}}\n\ndata: [DONE]\n\n",
	OK_STREAM, true, true, false, true, false, 5, 2, 0, 0, 0, 0, 0, "stop", "", "",
	GENOPS_TIER_STANDARD},
    {"reasoning left out of the output (xAI)", CHAT,
	"{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":300,"
	"\"completion_tokens_details\":{\"reasoning_tokens\":286}}}",
	OK_JSON, true, true, false, true, false, 9, 291, 0, 0, 0, 286, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"thinking left out without a word (Gemini)", CHAT,
	"{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":100}}",
	OK_JSON, true, true, false, true, true, 9, 91, 0, 0, 0, 0, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"a negative count is not believed", CHAT,
	"{\"choices\":[],\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":5}}", OK_JSON, false,
	false, false, true, true, 0, 0, 0, 0, 0, 0, 0, "", "", "", GENOPS_TIER_STANDARD},
    {"an absurd count is not believed", CHAT,
	"{\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1000000000001}}",
	OK_JSON, false, false, false, true, true, 0, 0, 0, 0, 0, 0, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"text is no count", CHAT, "{\"usage\":{\"prompt_tokens\":\"12\",\"completion_tokens\":5}}",
	OK_JSON, false, false, false, true, true, 0, 0, 0, 0, 0, 0, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"12.0 is 12, 12.5 is nothing", CHAT,
	"{\"usage\":{\"prompt_tokens\":12.0,\"completion_tokens\":5e0}}", OK_JSON, true, true,
	false, true, false, 12, 5, 0, 0, 0, 0, 0, "", "", "", GENOPS_TIER_STANDARD},
    {"more cached than there was", CHAT,
	"{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":90}}}",
	OK_JSON, true, true, false, true, true, 100, 1, 90, 0, 0, 0, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"an error inside a stream", CHAT,
	"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"m\",\"type\":"
	"\"server_error\"}}\n\n",
	OK_STREAM, false, false, true, false, false, 0, 0, 0, 0, 0, 0, 0, "", "server_error", "",
	GENOPS_TIER_STANDARD},
    {"429", CHAT,
	"{\"error\":{\"message\":\"slow\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}",
	429, false, false, false, true, true, false, 0, 0, 0, 0, 0, 0, 0, "", "requests", "",
	GENOPS_TIER_STANDARD},
    {"503 without JSON", CHAT, "<html>upstream connect error</html>", 503, false, false, false,
	true, false, false, 0, 0, 0, 0, 0, 0, 0, "", "", "", GENOPS_TIER_STANDARD},
    {"Mistral's error", "mistral", "/v1/chat/completions", "{}",
	"{\"object\":\"error\",\"message\":\"no\",\"type\":\"invalid_model\",\"param\":null,\"code\":\"1500\"}",
	400, false, false, false, true, true, false, 0, 0, 0, 0, 0, 0, 0, "", "invalid_model", "",
	GENOPS_TIER_STANDARD},
    {"Azure's first chunk has no model", "azure", "/openai/deployments/d/chat/completions", "{}",
	"data: {\"choices\":[],\"model\":\"\",\"prompt_filter_results\":[]}\n\ndata: {\"choices\":[{\"delta\":{},"
	"\"finish_reason\":\"stop\"}],\"model\":\"gpt\"}\n\ndata: [DONE]\n\n",
	OK_STREAM, false, false, false, true, false, 0, 0, 0, 0, 0, 0, 0, "stop", "", "gpt",
	GENOPS_TIER_STANDARD},
    {"events of CR LF, comments, data in two lines", CHAT,
	": keep-alive\r\n\r\ndata: {\"choices\":[],\r\ndata: \"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\r\n"
	"\r\ndata: [DONE]\r\n\r\n",
	OK_STREAM, true, true, false, true, false, 1, 2, 0, 0, 0, 0, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"cache of both lifetimes, searches, tier", MESSAGES,
	"{\"type\":\"message\",\"model\":\"c\",\"content\":[{\"type\":\"server_tool_use\"},{\"type\":\"text\",\"text\":\"x\"}],"
	"\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":30,"
	"\"cache_read_input_tokens\":100,\"cache_creation\":{\"ephemeral_5m_input_tokens\":10,"
	"\"ephemeral_1h_input_tokens\":20},\"output_tokens\":7,\"service_tier\":\"batch\","
	"\"server_tool_use\":{\"web_search_requests\":2}}}",
	OK_JSON, true, true, false, true, false, 133, 7, 100, 10, 20, 0, 1, "end_turn", "", "c",
	GENOPS_TIER_BATCH},
    {"the last word of a stream counts, not the first", MESSAGES,
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"c\",\"usage\":{\"input_tokens\":5,"
	"\"output_tokens\":1,\"cache_creation_input_tokens\":10,\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
	"\"ephemeral_1h_input_tokens\":10}}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
	"{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":50,\"output_tokens\":20,"
	"\"cache_creation_input_tokens\":40,\"server_tool_use\":{\"web_search_requests\":1}}}\n\nevent: message_stop\n"
	"data: {\"type\":\"message_stop\"}\n\n",
	OK_STREAM, true, true, false, true, false, 90, 20, 0, 0, 40, 0, 0, "end_turn", "", "c",
	GENOPS_TIER_STANDARD},
    {"a stream that breaks off knows its input only", MESSAGES,
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,"
	"\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":"
	"{\"type\":\"text_delta\",\"text\":\"abc\"}}\n\n",
	OK_STREAM, false, true, false, false, false, 5, 1, 0, 0, 0, 0, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"overloaded in the middle", MESSAGES,
	"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,"
	"\"output_tokens\":1}}}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
	OK_STREAM, false, true, true, false, false, 5, 1, 0, 0, 0, 0, 0, "", "overloaded_error", "",
	GENOPS_TIER_STANDARD},
    {"529", MESSAGES,
	"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}", 529,
	false, false, false, true, true, false, 0, 0, 0, 0, 0, 0, 0, "", "overloaded_error", "",
	GENOPS_TIER_STANDARD},
    {"a response that failed", RESPONSES,
	"event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\",\"usage\":null}}"
	"\n\nevent: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":"
	"{\"code\":\"server_error\",\"message\":\"m\"},\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\n\n",
	OK_STREAM, true, true, true, true, false, 3, 2, 0, 0, 0, 0, 0, "failed", "server_error", "",
	GENOPS_TIER_STANDARD},
    {"a response that is incomplete, its items told three times", RESPONSES,
	"data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"function_call\"}}\n\n"
	"data: {\"item\":{\"type\":\"function_call\"},\"type\":\"response.output_item.done\"}\n\n"
	"data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"custom_tool_call\"}}\n\n"
	"data: {\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\",\"output\":[{\"type\":"
	"\"function_call\"},{\"type\":\"custom_tool_call\"},{\"type\":\"message\"}],\"usage\":{\"input_tokens\":3,"
	"\"input_tokens_details\":{\"cached_tokens\":1},\"output_tokens\":2,\"output_tokens_details\":"
	"{\"reasoning_tokens\":2},\"total_tokens\":5}}}\n\n",
	OK_STREAM, true, true, false, true, false, 3, 2, 1, 0, 0, 2, 2, "incomplete", "", "",
	GENOPS_TIER_STANDARD},
    {"a background response has no usage yet", RESPONSES,
	"{\"status\":\"queued\",\"usage\":null,\"error\":null}", OK_JSON, false, false, false, true,
	false, 0, 0, 0, 0, 0, 0, 0, "queued", "", "", GENOPS_TIER_STANDARD},
    {"a legacy completion reports nothing", "anthropic", "/v1/complete", "{\"prompt\":\"p\"}",
	"data: {\"type\":\"completion\",\"completion\":\"abc\",\"stop_reason\":null,\"model\":\"c\"}\n\n"
	"data: {\"type\":\"completion\",\"completion\":\"\",\"stop_reason\":\"stop_sequence\",\"model\":\"c\"}\n\n",
	OK_STREAM, false, false, false, true, false, 0, 0, 0, 0, 0, 0, 0, "stop_sequence", "", "c",
	GENOPS_TIER_STANDARD},
    {"Gemini's stream on an unknown route", "openai", "/v1beta/models/g:streamGenerateContent",
	"{}",
	"data: {\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":257,"
	"\"thoughtsTokenCount\":1257,\"totalTokenCount\":1522,\"cachedContentTokenCount\":2}}\n\n",
	OK_STREAM, true, true, false, false, false, 8, 1514, 2, 0, 0, 1257, 0, "", "", "",
	GENOPS_TIER_STANDARD},
    {"Ollama on an unknown route", "openai", "/api/chat", "{\"model\":\"l\"}",
	"{\"model\":\"l\",\"prompt_eval_count\":7,\"eval_count\":9,\"done\":true}", OK_JSON, true,
	true, false, true, false, 7, 9, 0, 0, 0, 0, 0, "", "", "l", GENOPS_TIER_STANDARD},
    {"Converse on an unknown route", "openai", "/model/c/converse", "{}",
	"{\"usage\":{\"inputTokens\":3,\"outputTokens\":4,\"cacheReadInputTokens\":10,\"cacheWriteInputTokens\":20,"
	"\"totalTokens\":37}}",
	OK_JSON, true, true, false, true, false, 33, 4, 10, 20, 0, 0, 0, "", "", "",
	GENOPS_TIER_STANDARD},
};

static void assert_case(const struct answer_case *c, const struct drive *drive)
{
	const struct genops_answer *a = &drive->answer;
	const struct genops_usage *u = &a->usage;
	bool is_as_said = a->has_usage == c->has_usage && a->has_input_usage == c->has_input &&
			  a->is_error == c->is_error && a->is_complete == c->is_complete &&
			  u->is_estimated == c->is_estimated;
	bool is_counted =
	    u->input_tokens == c->input && u->output_tokens == c->output &&
	    u->cache_read_tokens == c->cached && u->cache_write_5m_tokens == c->written_5m &&
	    u->cache_write_1h_tokens == c->written_1h && u->reasoning_tokens == c->reasoning &&
	    a->n_tool_calls == c->n_tools && u->tool_calls == c->n_tools && u->tier == c->tier;
	bool is_named = strcmp(a->finish_reason, c->finish) == 0 &&
			strcmp(a->error_type, c->error) == 0 && genops_str_is(a->model, c->model);
	if (!is_as_said || !is_counted || !is_named)
		fail_msg(
		    "%s: usage %d input %d error %d complete %d estimated %d; %lld %lld cached %lld written %lld "
		    "%lld reasoning %lld tools %lld; \"%s\" \"%s\" \"%.*s\" %d",
		    c->name, a->has_usage, a->has_input_usage, a->is_error, a->is_complete,
		    u->is_estimated, (long long)u->input_tokens, (long long)u->output_tokens,
		    (long long)u->cache_read_tokens, (long long)u->cache_write_5m_tokens,
		    (long long)u->cache_write_1h_tokens, (long long)u->reasoning_tokens,
		    (long long)a->n_tool_calls, a->finish_reason, a->error_type,
		    GENOPS_STR_ARG(a->model), u->tier);
	assert_true(genops_str_is(genops_buffer_view(&drive->seen), c->response));
}

static void answers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = strlen(cases[i].response);
		for (size_t at = 0; at <= len; at++) {
			struct drive drive;
			struct drive_request request = {.dialect = cases[i].dialect,
			    .method = "POST",
			    .target = cases[i].target,
			    .body = genops_str_of(cases[i].request)};
			struct pieces pieces =
			    at == len ? (struct pieces){1, 1} : (struct pieces){at, 0};
			drive_init(&drive);
			drive_request(&drive, &request, WHOLE);
			assert_int_equal(drive.code, GENOPS_OK);
			drive_response(&drive, cases[i].is_stream, cases[i].status,
			    genops_str_of(cases[i].response), pieces, true);
			assert_case(&cases[i], &drive);
			drive_done(&drive);
		}
	}
}

static void follow(struct drive *drive, const char *dialect, const char *target, const char *body,
    bool is_stream, const char *response)
{
	struct drive_request request = {
	    .dialect = dialect, .method = "POST", .target = target, .body = genops_str_of(body)};
	drive_init(drive);
	drive_request(drive, &request, WHOLE);
	assert_int_equal(drive->code, GENOPS_OK);
	drive_response(drive, is_stream, 200, genops_str_of(response), (struct pieces){3, 5}, true);
}

static void images_are_counted(void **state)
{
	(void)state;
	struct drive drive;
	follow(&drive, "openai", "/v1/images/generations",
	    "{\"model\":\"dall-e-3\",\"prompt\":\"p\",\"n\":2}", false,
	    "{\"created\":1,\"data\":[{\"url\":\"a\"},{\"url\":\"b\"}]}");
	assert_true(drive.answer.has_usage);
	assert_int_equal(drive.answer.usage.images, 2);
	assert_int_equal(drive.call.expected.images, 2);
	drive_done(&drive);
	follow(&drive, "openai", "/v1/images/generations",
	    "{\"model\":\"gpt-image-1\",\"prompt\":\"p\",\"stream\":true}", true,
	    "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"AAAA\","
	    "\"usage\":{\"total_tokens\":100,\"input_tokens\":50,\"output_tokens\":50,\"input_tokens_details\":"
	    "{\"text_tokens\":10,\"image_tokens\":40}}}\n\n");
	assert_true(drive.answer.has_usage && drive.answer.is_complete);
	assert_int_equal(drive.answer.usage.images, 1);
	assert_int_equal(drive.answer.usage.image_input_tokens, 40);
	assert_int_equal(drive.answer.usage.image_output_tokens, 50);
	drive_done(&drive);
}

static void speech_is_counted_by_the_character(void **state)
{
	(void)state;
	struct drive drive;
	follow(&drive, "openai", "/v1/audio/speech",
	    "{\"model\":\"tts-1-hd\",\"input\":\"h\xc3\xa9llo\"}", false, "ID3 sound");
	assert_true(drive.answer.has_usage && drive.answer.is_complete);
	assert_int_equal(drive.answer.usage.characters, 5);
	drive_done(&drive);
	follow(&drive, "openai", "/v1/audio/speech",
	    "{\"model\":\"gpt-4o-mini-tts\",\"input\":\"hello\"}", false, "ID3 sound");
	assert_false(drive.answer.has_usage);
	genops_usage settled = genops_answer_settled(&drive.call, &drive.answer);
	assert_true(settled.is_estimated && settled.input_tokens > 0);
	drive_done(&drive);
}

static void output_is_metered_while_it_streams(void **state)
{
	(void)state;
	struct drive drive;
	follow(&drive, "openai", "/v1/chat/completions", "{}", true,
	    "data: {\"choices\":[{\"delta\":{\"content\":\"abc\",\"reasoning_content\":\"de\"}},{\"delta\":{\"tool_calls\":"
	    "[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"\"}}]}}]}\n\n");
	assert_int_equal(drive.answer.output_bytes, 3 + 2 + 1 + 2);
	assert_true(drive.answer.can_cut);
	drive_done(&drive);
	follow(&drive, "anthropic", "/v1/messages", "{}", true,
	    "event: content_block_delta\ndata: {\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"abcd\"}}\n\n"
	    "event: content_block_delta\ndata: {\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n");
	assert_int_equal(drive.answer.output_bytes, 6);
	drive_done(&drive);
}

/* At every place where the answer says that the stream can be cut, the client has whole events
 * only. */
static void streams_are_cut_between_events(void **state)
{
	(void)state;
	static const char text[] =
	    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n: x\n\n"
	    "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\ndata: [DONE]\n\n";
	for (size_t step = 1; step < sizeof text; step++) {
		struct drive drive;
		struct drive_request request = {.dialect = "openai",
		    .method = "POST",
		    .target = "/v1/chat/completions",
		    .body = GENOPS_STR("{}")};
		drive_init(&drive);
		drive_request(&drive, &request, WHOLE);
		struct genops_response_info info = {.endpoint = drive.endpoint,
		    .call = &drive.call,
		    .is_stream = true,
		    .status = 200};
		void *follow_state = calloc(1, drive.endpoint->response_size);
		struct genops_tap tap;
		assert_int_equal(
		    drive.endpoint->response_begin(follow_state, &drive.arena, &info), GENOPS_OK);
		size_t n_cuts = 0;
		for (size_t at = 0; at < sizeof text - 1; at += step) {
			size_t n = sizeof text - 1 - at < step ? sizeof text - 1 - at : step;
			drive.endpoint->response_feed(
			    follow_state, (genops_str){text + at, n}, &tap, &drive.answer);
			if (!drive.answer.can_cut)
				continue;
			genops_str sent = {text, at + drive.answer.cut_offset};
			assert_true(drive.answer.cut_offset <= n);
			assert_true(!sent.len || genops_str_ends(sent, GENOPS_STR("\n\n")));
			n_cuts++;
		}
		assert_true(n_cuts > 0);
		drive.endpoint->response_done(follow_state);
		free(follow_state);
		drive_done(&drive);
	}
}

static void unmetered_answers_count_nothing(void **state)
{
	(void)state;
	struct drive drive;
	struct drive_request request = {
	    .dialect = "openai", .method = "GET", .target = "/v1/responses/resp_1"};
	drive_init(&drive);
	drive_request(&drive, &request, WHOLE);
	assert_false(drive.call.is_metered);
	drive_response(&drive, false, 200,
	    GENOPS_STR("{\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}"), WHOLE, true);
	assert_false(drive.answer.has_usage);
	assert_int_equal(genops_answer_settled(&drive.call, &drive.answer).input_tokens, 0);
	drive_done(&drive);
}

static void request_ids_are_taken_from_headers(void **state)
{
	(void)state;
	struct drive drive;
	follow(&drive, "openai", "/v1/chat/completions", "{}", false, "{}");
	drive.endpoint->response_header(
	    NULL, GENOPS_STR("X-Request-Id"), GENOPS_STR("req_1\r\n"), &drive.answer);
	assert_string_equal(drive.answer.request_id, "req_1  ");
	drive_done(&drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_are_read),
	    cmocka_unit_test(images_are_counted),
	    cmocka_unit_test(speech_is_counted_by_the_character),
	    cmocka_unit_test(output_is_metered_while_it_streams),
	    cmocka_unit_test(streams_are_cut_between_events),
	    cmocka_unit_test(unmetered_answers_count_nothing),
	    cmocka_unit_test(request_ids_are_taken_from_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
