/* SPDX-License-Identifier: Apache-2.0
 * test_recorded.c - every recorded exchange of these dialects and every sample of our own, replayed:
 * facts as expected.tsv says, bytes unchanged, the input bound never below the true count; and all
 * that again cut in two at every place, byte by byte, and broken off. */
#include "drive.h"
#include "recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct kind {
	const char *provider, *dialect;
};

static const struct kind kinds[] = {{"openai", "openai"}, {"azure_openai", "azure"},
    {"anthropic", "anthropic"}, {"groq", "openai"}, {"together", "openai"}, {"deepseek", "openai"},
    {"mistral", "mistral"}, {"openrouter", "openai"}, {"xai", "openai"}, {"fireworks", "openai"},
    {"perplexity", "openai"}};

typedef void on_exchange_fn(const struct recording *recording, const struct expected *expected);

static const char *dialect_of(const struct expected *expected)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (genops_str_is(expected->columns[PROVIDER], kinds[i].provider))
			return kinds[i].dialect;
	return NULL;
}

static void assert_text(const char *what, genops_str file, genops_str is, genops_str should)
{
	if (!genops_str_equal(is, should))
		fail_msg("%.*s: %s is \"%.*s\", not \"%.*s\"", GENOPS_STR_ARG(file), what,
		    GENOPS_STR_ARG(is), GENOPS_STR_ARG(should));
}

static void assert_count(const char *what, genops_str file, int64_t is, int64_t should)
{
	if (should >= 0 && is != should)
		fail_msg("%.*s: %s is %lld, not %lld", GENOPS_STR_ARG(file), what, (long long)is,
		    (long long)should);
}

static struct drive_request request_of(const struct recording *recording, const char *dialect)
{
	return (struct drive_request){.dialect = dialect,
	    .method = recording->parts[METHOD].ptr,
	    .target = recording->parts[PATH].ptr,
	    .content_type = recording->parts[REQUEST_TYPE].ptr,
	    .body = recording->parts[REQUEST_BODY],
	    .want_content = true};
}

static bool is_stream(const struct recording *recording)
{
	return genops_str_starts(recording->parts[CONTENT_TYPE], GENOPS_STR("text/event-stream"));
}

static bool is_form(const struct drive_request *request)
{
	return genops_str_starts(
	    genops_str_of(request->content_type), GENOPS_STR("multipart/form-data"));
}

static bool is_error(const struct expected *expected)
{
	return genops_str_starts(expected->columns[USAGE_SOURCE], GENOPS_STR("error"));
}

static void check_request(const struct drive *drive, const struct drive_request *request,
    const struct expected *expected)
{
	genops_str file = expected->columns[FILE_NAME];
	const struct genops_call *call = &drive->call;
	int64_t input = expected_count(expected, INPUT_TOKENS);
	assert_count("request code", file, -drive->code, 0);
	assert_text("model asked", file, call->model, expected_text(expected, MODEL_REQUEST));
	if (expected_count(expected, STATUS_CODE) < 400) /* else the column says what came */
		assert_count(
		    "stream asked", file, call->is_stream, expected_count(expected, STREAM));
	assert_true(call->is_metered);
	if (!is_form(request))
		assert_true(call->has_content && call->content.len > 0);
	bool is_bounded = call->expected.input_tokens >= input || call->is_input_open;
	if (!is_bounded)
		fail_msg("%.*s: bound %lld < %lld", GENOPS_STR_ARG(file),
		    (long long)call->expected.input_tokens, (long long)input);
}

static void check_usage(const struct genops_usage *usage, const struct expected *expected)
{
	genops_str file = expected->columns[FILE_NAME];
	assert_count("input", file, usage->input_tokens, expected_count(expected, INPUT_TOKENS));
	assert_count("output", file, usage->output_tokens, expected_count(expected, OUTPUT_TOKENS));
	assert_count(
	    "cache read", file, usage->cache_read_tokens, expected_count(expected, CACHE_READ));
	assert_count("cache write", file,
	    usage->cache_write_5m_tokens + usage->cache_write_1h_tokens,
	    expected_count(expected, CACHE_WRITE));
	assert_count(
	    "reasoning", file, usage->reasoning_tokens, expected_count(expected, REASONING));
	assert_count(
	    "audio in", file, usage->audio_input_tokens, expected_count(expected, AUDIO_IN));
	assert_count(
	    "audio out", file, usage->audio_output_tokens, expected_count(expected, AUDIO_OUT));
	assert_count("cache write 1h", file, usage->cache_write_1h_tokens,
	    expected_count(expected, CACHE_WRITE_1H));
	assert_count("searches", file, usage->web_searches, expected_count(expected, WEB_SEARCHES));
	assert_count(
	    "image in", file, usage->image_input_tokens, expected_count(expected, IMAGE_IN));
	assert_count(
	    "image out", file, usage->image_output_tokens, expected_count(expected, IMAGE_OUT));
	assert_false(usage->is_estimated);
}

static void check_answer(const struct drive *drive, const struct expected *expected)
{
	genops_str file = expected->columns[FILE_NAME];
	const struct genops_answer *answer = &drive->answer;
	bool has_usage = expected_count(expected, INPUT_TOKENS) >= 0;
	if (!is_error(expected))
		assert_count("is complete", file, answer->is_complete, true);
	assert_count("has usage", file, answer->has_usage, has_usage);
	assert_count("is error", file, answer->is_error, is_error(expected));
	assert_text("model answered", file, answer->model, expected_text(expected, MODEL_RESPONSE));
	assert_text("finish", file, genops_str_of(answer->finish_reason),
	    expected_text(expected, FINISH_REASON));
	assert_text(
	    "error", file, genops_str_of(answer->error_type), expected_text(expected, ERROR_TYPE));
	assert_count(
	    "tool calls", file, answer->n_tool_calls, expected_count(expected, TOOL_CALLS));
	if (has_usage)
		check_usage(&answer->usage, expected);
	else if (!answer->is_error)
		assert_true(answer->output_bytes > 0);
}

static void replay(const struct recording *recording, const struct expected *expected,
    struct pieces request_pieces, struct pieces response_pieces)
{
	struct drive drive;
	struct drive_request request = request_of(recording, dialect_of(expected));
	drive_init(&drive);
	drive_request(&drive, &request, request_pieces);
	assert_ptr_not_equal(drive.endpoint, &genops_dialect_detect);
	check_request(&drive, &request, expected);
	drive_response(&drive, is_stream(recording), recording->status,
	    recording->parts[RESPONSE_BODY], response_pieces, true);
	check_answer(&drive, expected);
	assert_text("bytes", expected->columns[FILE_NAME], genops_buffer_view(&drive.seen),
	    recording->parts[RESPONSE_BODY]);
	drive_done(&drive);
}

/* Streams are cut at every byte; of long documents, to keep quadratic work small, at every so
 * manieth. */
static size_t stride(const struct recording *recording, genops_str body)
{
	bool is_all = body.len <= 2048 || (is_stream(recording) &&
					      body.ptr == recording->parts[RESPONSE_BODY].ptr);
	return is_all ? 1 : body.len / 512 | 1;
}

static void replay_cut(const struct recording *recording, const struct expected *expected)
{
	genops_str request = recording->parts[REQUEST_BODY],
		   response = recording->parts[RESPONSE_BODY];
	for (size_t at = 1; at < request.len; at += stride(recording, request))
		replay(recording, expected, (struct pieces){at, 0}, WHOLE);
	for (size_t at = 1; at < response.len; at += stride(recording, response))
		replay(recording, expected, WHOLE, (struct pieces){at, 0});
	replay(recording, expected, (struct pieces){1, 1}, (struct pieces){1, 1});
	replay(recording, expected, (struct pieces){7, 13}, (struct pieces){7, 13});
}

/* Usage that is told while an answer runs never exceeds that at its end. */
static void check_usage_so_far(const struct genops_usage *usage, const struct expected *expected)
{
	if (expected_count(expected, IS_RUNNING) != 1) {
		check_usage(usage, expected);
		return;
	}
	assert_true(usage->input_tokens <= expected_count(expected, INPUT_TOKENS));
	assert_true(usage->output_tokens <= expected_count(expected, OUTPUT_TOKENS));
}

/* Broken off at every place: nothing is invented, what passed is what came. */
static void replay_broken(const struct recording *recording, const struct expected *expected)
{
	genops_str body = recording->parts[RESPONSE_BODY];
	struct drive_request request = request_of(recording, dialect_of(expected));
	for (size_t len = 0; len + 2 < body.len; len += stride(recording, body)) {
		for (int is_ended = 0; is_ended < 2; is_ended++) {
			struct drive drive;
			drive_init(&drive);
			drive_request(&drive, &request, WHOLE);
			drive_response(&drive, is_stream(recording), recording->status,
			    (genops_str){body.ptr, len}, (struct pieces){len / 2, 0}, is_ended);
			assert_text("bytes", expected->columns[FILE_NAME],
			    genops_buffer_view(&drive.seen), (genops_str){body.ptr, len});
			if (drive.answer.has_usage)
				check_usage_so_far(&drive.answer.usage, expected);
			genops_usage settled = genops_answer_settled(&drive.call, &drive.answer);
			assert_true(settled.input_tokens >= 0 && settled.output_tokens >= 0);
			assert_true(drive.answer.has_usage || settled.is_estimated ||
				    drive.answer.is_error);
			drive_done(&drive);
		}
	}
}

static int for_each_in(const char *folder, on_exchange_fn *on_exchange)
{
	size_t len = 0;
	int n = 0;
	char path[512];
	snprintf(path, sizeof path, "%s/expected.tsv", folder);
	char *tsv = read_file(path, &len);
	assert_non_null(tsv);
	genops_str rest = {tsv, len};
	struct expected expected;
	while (expected_next(&rest, &expected)) {
		struct recording recording;
		genops_str file = expected.columns[FILE_NAME];
		if (!dialect_of(&expected))
			continue;
		file =
		    genops_str_starts(file, GENOPS_STR("open/")) ? genops_str_skip(file, 5) : file;
		snprintf(path, sizeof path, "%s/%.*s", folder, GENOPS_STR_ARG(file));
		if (!recording_read(&recording, path))
			fail_msg("%s cannot be read", path);
		on_exchange(&recording, &expected);
		recording_done(&recording);
		n++;
	}
	free(tsv);
	return n;
}

static int for_each(on_exchange_fn *on_exchange)
{
	return for_each_in(RECORDED_DIR, on_exchange) + for_each_in(SAMPLES_DIR, on_exchange);
}

static void replay_whole(const struct recording *recording, const struct expected *expected)
{
	replay(recording, expected, WHOLE, WHOLE);
}

static void recorded_exchanges_are_read(void **state)
{
	(void)state;
	assert_true(for_each_in(RECORDED_DIR, replay_whole) >= 40);
}

static void samples_are_read(void **state)
{
	(void)state;
	assert_true(for_each_in(SAMPLES_DIR, replay_whole) >= 45);
}

static void recorded_exchanges_are_read_however_they_are_cut(void **state)
{
	(void)state;
	for_each(replay_cut);
}

static void recorded_exchanges_may_break_off_anywhere(void **state)
{
	(void)state;
	for_each(replay_broken);
}

/* What a client that did not ask would have seen of a stream that was asked for usage: the
 * recording without it. */
static void usage_asked_for_is_hidden(
    const struct recording *recording, const struct expected *expected)
{
	struct drive_request request = request_of(recording, dialect_of(expected));
	genops_str body = recording->parts[RESPONSE_BODY];
	if (!genops_str_is(expected->columns[PROVIDER], "openai") || !is_stream(recording) ||
	    genops_str_find(body, GENOPS_STR("\"usage\":null")) == SIZE_MAX)
		return;
	request.body = GENOPS_STR("{\"model\":\"m\",\"stream\":true}");
	request.may_ask_usage = true;
	if (genops_str_find(recording->parts[PATH], GENOPS_STR("/chat/completions")) == SIZE_MAX)
		return;
	for (size_t at = 0; at < body.len; at += at < 4096 ? 1 : 7) {
		struct drive drive;
		drive_init(&drive);
		drive_request(&drive, &request, WHOLE);
		assert_true(drive.call.asks_usage);
		drive_response(
		    &drive, true, 200, body, (struct pieces){at, at % 3 ? 0 : 100}, true);
		check_answer(&drive, expected);
		genops_str seen = genops_buffer_view(&drive.seen);
		assert_true(genops_str_find(seen, GENOPS_STR("usage")) == SIZE_MAX);
		assert_true(genops_str_ends(seen, GENOPS_STR("}\n\ndata: [DONE]\n\n")));
		assert_true(genops_str_find(seen, GENOPS_STR("}],\"obfuscation\":")) != SIZE_MAX);
		drive_done(&drive);
	}
}

static void recorded_usage_chunks_are_hidden_from_clients_that_did_not_ask(void **state)
{
	(void)state;
	for_each_in(RECORDED_DIR, usage_asked_for_is_hidden);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recorded_exchanges_are_read),
	    cmocka_unit_test(samples_are_read),
	    cmocka_unit_test(recorded_exchanges_are_read_however_they_are_cut),
	    cmocka_unit_test(recorded_exchanges_may_break_off_anywhere),
	    cmocka_unit_test(recorded_usage_chunks_are_hidden_from_clients_that_did_not_ask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
