/* SPDX-License-Identifier: Apache-2.0
 * test_request_tokens.c - the bound of input tokens: what is words, what is pictures and sound, and
 * what is not in the request at all. That it holds for recorded calls is test_recorded.c's. */
#include "drive.h"

#include "dialect/read/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct genops_call call_of(const char *dialect, const char *target, genops_str body)
{
	struct drive drive;
	struct drive_request request = {
	    .dialect = dialect, .method = "POST", .target = target, .body = body};
	drive_init(&drive);
	drive_request(&drive, &request, (struct pieces){10, 33});
	assert_int_equal(drive.code, GENOPS_OK);
	struct genops_call call = drive.call;
	drive_done(&drive);
	return call; /* its views are gone, its numbers stay */
}

static void text_counts_its_bytes(void **state)
{
	(void)state;
	struct genops_call plain = call_of(
	    "openai", "/v1/chat/completions", GENOPS_STR("{\"messages\":[{\"content\":\"abc\"}]}"));
	struct genops_call longer = call_of("openai", "/v1/chat/completions",
	    GENOPS_STR("{\"messages\":[{\"content\":\"abcdefg\"}]}"));
	assert_int_equal(longer.expected.input_tokens, plain.expected.input_tokens + 4);
	/* An escape is one byte of text, whatever it looks like. */
	struct genops_call escaped = call_of("openai", "/v1/chat/completions",
	    GENOPS_STR("{\"messages\":[{\"content\":\"\\u0061\\u0062\\u0063\"}]}"));
	assert_int_equal(escaped.expected.input_tokens, plain.expected.input_tokens);
}

/* A tokenizer that normalises first sees more bytes than the request has. */
static void text_may_grow_when_normalised(void **state)
{
	(void)state;
	assert_int_equal(
	    genops_request_growth(GENOPS_STR("plain text, long enough for words of eight")), 0);
	assert_true(
	    genops_request_growth(GENOPS_STR("\xef\xb7\xba")) >= 30); /* U+FDFA: 18 letters */
	assert_true(genops_request_growth(GENOPS_STR("\xe3\x8c\x96")) >= 15); /* U+3316: 6 kana */
	assert_true(genops_request_growth(GENOPS_STR("\xc2\xbd")) >= 3);      /* one half */
	assert_true(genops_request_growth(GENOPS_STR("\xe2\x81\x97")) >= 9);  /* quadruple prime */
	assert_int_equal(
	    genops_request_growth(GENOPS_STR("\xd0\x9f\xd1\x80\xe6\x97\xa5\xe6\x9c\xac")), 0);
}

static void pictures_count_the_documented_most(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"model\":\"%s\",\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":"
	    "{\"url\":\"data:image/png;base64,";
	struct genops_buffer body;
	genops_buffer_init(&body, (size_t)1 << 22);
	for (int is_mini = 0; is_mini < 2; is_mini++) {
		genops_buffer_clear(&body);
		genops_buffer_printf(&body, text, is_mini ? "gpt-4o-mini" : "gpt-4o");
		for (size_t i = 0; i < 1000000; i++)
			genops_buffer_add_char(&body, 'A');
		genops_buffer_add_text(&body, "\"}}]}]}");
		struct genops_call call =
		    call_of("openai", "/v1/chat/completions", genops_buffer_view(&body));
		assert_true(call.expected.image_input_tokens >= (is_mini ? 48169 : 1445));
		assert_true(call.expected.input_tokens < call.expected.image_input_tokens + 1000);
		assert_false(call.is_input_open);
	}
	genops_buffer_done(&body);
	struct genops_call call = call_of("anthropic", "/v1/messages",
	    GENOPS_STR(
		"{\"messages\":[{\"content\":[{\"type\":\"image\",\"source\":{\"data\":\"AAAA\",\"type\":\"base64\"}}]}]}"));
	assert_true(call.expected.image_input_tokens >= 4784);
}

static void sound_counts_by_its_bytes(void **state)
{
	(void)state;
	struct genops_call call = call_of("openai", "/v1/chat/completions",
	    GENOPS_STR(
		"{\"messages\":[{\"content\":[{\"type\":\"input_audio\",\"input_audio\":{\"format\":\"mp3\",\"data\":\""
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}]}]}"));
	assert_true(call.expected.audio_input_tokens >= 2);
	assert_true(call.expected.input_tokens < 400);
}

static void tools_add_preambles(void **state)
{
	(void)state;
	struct genops_call bare =
	    call_of("anthropic", "/v1/messages", GENOPS_STR("{\"messages\":[]}"));
	struct genops_call call = call_of("anthropic", "/v1/messages",
	    GENOPS_STR("{\"messages\":[],\"tools\":[{\"name\":\"f\"}]}"));
	assert_true(call.expected.input_tokens >= bare.expected.input_tokens + 804);
	struct genops_call built = call_of("anthropic", "/v1/messages",
	    GENOPS_STR(
		"{\"messages\":[],\"tools\":[{\"type\":\"computer_20250124\",\"name\":\"computer\"}]}"));
	assert_true(built.expected.input_tokens >= call.expected.input_tokens + 735 + 499);
	assert_false(built.is_input_open);
}

static const struct {
	const char *dialect, *target, *body;
	bool is_open;
} opens[] = {
    {"openai", "/v1/responses", "{\"previous_response_id\":\"resp_1\"}", true},
    {"openai", "/v1/responses",
	"{\"previous_response_id\":null,\"conversation\":\"\",\"prompt\":{}}", false},
    {"openai", "/v1/responses", "{\"conversation\":{\"id\":\"c\"}}", true},
    {"openai", "/v1/responses", "{\"prompt\":{\"id\":\"p\"}}", true},
    {"openai", "/v1/responses", "{\"tools\":[{\"type\":\"web_search_preview\"}]}", true},
    {"openai", "/v1/responses",
	"{\"tools\":[{\"type\":\"function\"},{\"type\":\"custom\"},{\"type\":\"local_shell\"}]}",
	false},
    {"openai", "/v1/responses", "{\"input\":[{\"type\":\"item_reference\",\"id\":\"i\"}]}", true},
    {"openai", "/v1/responses",
	"{\"input\":[{\"content\":[{\"type\":\"input_file\",\"file_id\":\"f\"}]}]}", true},
    {"openai", "/v1/chat/completions", "{\"web_search_options\":{\"search_context_size\":\"low\"}}",
	true},
    {"openai", "/v1/chat/completions",
	"{\"messages\":[{\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}}]}]}", true},
    {"openai", "/v1/chat/completions",
	"{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}", false},
    {"anthropic", "/v1/messages", "{\"mcp_servers\":[{\"url\":\"u\"}]}", true},
    {"anthropic", "/v1/messages", "{\"mcp_servers\":[]}", false},
    {"anthropic", "/v1/messages", "{\"tools\":[{\"type\":\"web_search_20250305\"}]}", true},
    {"anthropic", "/v1/messages",
	"{\"messages\":[{\"content\":[{\"source\":{\"type\":\"base64\",\"data\":\"AA\"},\"type\":\"document\"}]}]}",
	true},
    {"anthropic", "/v1/messages",
	"{\"messages\":[{\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"text\",\"data\":\"words\"}}]}]}",
	false},
};

static void what_the_request_only_names_leaves_the_bound_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof opens / sizeof opens[0]; i++) {
		struct genops_call call =
		    call_of(opens[i].dialect, opens[i].target, genops_str_of(opens[i].body));
		if (call.is_input_open != opens[i].is_open)
			fail_msg("%s", opens[i].body);
	}
}

static void outputs_are_bounded_without_overflow(void **state)
{
	(void)state;
	struct genops_call call = call_of("openai", "/v1/completions",
	    GENOPS_STR(
		"{\"max_tokens\":1000000000,\"n\":1000000000,\"prompt\":[\"a\",\"b\",\"c\"]}"));
	assert_int_equal(call.expected.output_tokens, GENOPS_USAGE_COUNT_MAX);
	call = call_of(
	    "openai", "/v1/images/generations", GENOPS_STR("{\"n\":1000000000,\"prompt\":\"p\"}"));
	assert_true(call.expected.output_tokens > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_counts_its_bytes),
	    cmocka_unit_test(text_may_grow_when_normalised),
	    cmocka_unit_test(pictures_count_the_documented_most),
	    cmocka_unit_test(sound_counts_by_its_bytes),
	    cmocka_unit_test(tools_add_preambles),
	    cmocka_unit_test(what_the_request_only_names_leaves_the_bound_open),
	    cmocka_unit_test(outputs_are_bounded_without_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
