/* SPDX-License-Identifier: Apache-2.0
 * test_rewrite.c - usage that GenOps asked for is taken out of the stream again: the client gets,
 * byte for byte, the stream of a provider that was not asked. However it is cut; and never is more
 * held back than one event. */
#include "drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct stream_case {
	const char *name, *asked, *unasked;
	bool has_usage;
};

#define USAGE "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}"

static const struct stream_case cases[] = {
    {"OpenAI",
	"data: {\"choices\":[{\"delta\":{}}],\"usage\":null,\"obfuscation\":\"x\"}\n\n"
	"data: {\"choices\":[]," USAGE ",\"obfuscation\":\"y\"}\n\ndata: [DONE]\n\n",
	"data: {\"choices\":[{\"delta\":{}}],\"obfuscation\":\"x\"}\n\ndata: [DONE]\n\n", true},
    {"null last",
	"data: {\"choices\":[{\"delta\":{}}],\"usage\":null}\n\ndata: {\"choices\":[]," USAGE
	"}\n\n",
	"data: {\"choices\":[{\"delta\":{}}]}\n\n", true},
    {"null first", "data: {\"usage\":null,\"choices\":[{}]}\n\n", "data: {\"choices\":[{}]}\n\n",
	false},
    {"with spaces",
	"data: {\"choices\": [{}], \"usage\": null, \"x\": 1}\n\ndata: {\"choices\": [], " USAGE
	"}\n\n",
	"data: {\"choices\": [{}], \"x\": 1}\n\n", true},
    {"spaces, null last", "data: {\"choices\": [{}], \"usage\" : null }\n\n",
	"data: {\"choices\": [{}] }\n\n", false},
    {"without the space behind data:",
	"data:{\"choices\":[{}],\"usage\":null}\n\ndata:{\"choices\":[]," USAGE "}\n\n",
	"data:{\"choices\":[{}]}\n\n", true},
    {"CR LF",
	"data: {\"choices\":[{}],\"usage\":null}\r\n\r\ndata: {\"choices\":[]," USAGE
	"}\r\n\r\ndata: [DONE]\r\n\r\n",
	"data: {\"choices\":[{}]}\r\n\r\ndata: [DONE]\r\n\r\n", true},
    {"comments and ids",
	": hi\n\nid: 1\ndata: {\"choices\":[{}],\"usage\":null}\n\n: PING\n\ndata: {\"choices\":[]," USAGE
	"}\n\n: bye\n\n",
	": hi\n\nid: 1\ndata: {\"choices\":[{}]}\n\n: PING\n\n: bye\n\n", true},
    {"no blank line at the end", "data: {\"choices\":[{}]}\n\ndata: {\"choices\":[]," USAGE "}",
	"data: {\"choices\":[{}]}\n\n", true},
    {"broken off inside the usage chunk",
	"data: {\"choices\":[{}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt",
	"data: {\"choices\":[{}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt", false},
    {"usage in a chunk with choices stays", "data: {\"choices\":[{\"index\":0}]," USAGE "}\n\n",
	"data: {\"choices\":[{\"index\":0}]," USAGE "}\n\n", true},
    {"a provider that ignores the question",
	"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n",
	"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n", false},
    {"Azure's prelude stays",
	"data: {\"choices\":[],\"prompt_filter_results\":[]}\n\ndata: {\"choices\":[]," USAGE
	"}\n\n",
	"data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n", true},
    {"usage:null inside a text stays",
	"data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":null\"}}]}\n\n",
	"data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":null\"}}]}\n\n", false},
    {"data in two lines is left as it is", "data: {\"choices\":[{}],\ndata: \"usage\":null}\n\n",
	"data: {\"choices\":[{}],\ndata: \"usage\":null}\n\n", false},
    {"an error", "data: {\"error\":{\"message\":\"m\"}}\n\n",
	"data: {\"error\":{\"message\":\"m\"}}\n\n", false},
    {"no stream at all", "garbage", "garbage", false},
    {"nothing", "", "", false},
};

static void ask(struct drive *drive)
{
	struct drive_request request = {.dialect = "openai",
	    .method = "POST",
	    .target = "/v1/chat/completions",
	    .body = GENOPS_STR("{\"model\":\"m\",\"stream\":true}"),
	    .may_ask_usage = true};
	drive_init(drive);
	drive_request(drive, &request, WHOLE);
	assert_true(drive->call.asks_usage);
}

static void check(const struct stream_case *c, struct pieces pieces)
{
	struct drive drive;
	ask(&drive);
	drive_response(&drive, true, 200, genops_str_of(c->asked), pieces, true);
	genops_str seen = genops_buffer_view(&drive.seen);
	if (!genops_str_is(seen, c->unasked) || drive.answer.has_usage != c->has_usage)
		fail_msg("%s, cut at %zu: usage %d, seen %.*s", c->name, pieces.first,
		    drive.answer.has_usage, GENOPS_STR_ARG(seen));
	assert_int_equal(drive.answer.usage.output_tokens, c->has_usage ? 4 : 0);
	drive_done(&drive);
}

static void clients_see_the_stream_that_they_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = strlen(cases[i].asked);
		for (size_t at = 0; at <= len; at++) {
			check(&cases[i], (struct pieces){at, 0});
			check(&cases[i], (struct pieces){at, 7});
		}
		check(&cases[i], (struct pieces){1, 1});
	}
}

/* What is not the usage chunk is not held back: an event over 64 KiB passes while it comes. */
static void long_events_pass_as_they_come(void **state)
{
	(void)state;
	enum { LONG = 300000 };
	struct genops_buffer text;
	genops_buffer_init(&text, (size_t)1 << 20);
	genops_buffer_add_text(&text, "data: {\"choices\":[{\"delta\":{\"content\":\"");
	for (size_t i = 0; i < LONG; i++)
		genops_buffer_add_char(&text, 'x');
	genops_buffer_add_text(&text, "\"}}],\"usage\":null}\n\n");
	size_t long_len = text.len;
	genops_buffer_add_text(&text, "data: {\"choices\":[]," USAGE "}\n\ndata: [DONE]\n\n");
	struct drive drive;
	ask(&drive);
	drive_response(
	    &drive, true, 200, genops_buffer_view(&text), (struct pieces){1000, 1000}, true);
	assert_true(drive.max_held <= 65536 + 1000);
	assert_true(drive.answer.has_usage && drive.answer.is_complete);
	assert_int_equal(drive.answer.output_bytes, LONG);
	genops_str seen = genops_buffer_view(&drive.seen);
	assert_int_equal(seen.len, long_len + sizeof "data: [DONE]\n\n" - 1);
	assert_memory_equal(
	    seen.ptr, text.ptr, long_len); /* its usage:null stays: it was on its way */
	genops_buffer_done(&text);
	drive_done(&drive);
}

static void a_client_that_asked_sees_everything(void **state)
{
	(void)state;
	struct drive drive;
	struct drive_request request = {.dialect = "openai",
	    .method = "POST",
	    .target = "/v1/chat/completions",
	    .body = GENOPS_STR("{\"stream\":true,\"stream_options\":{\"include_usage\":true}}"),
	    .may_ask_usage = true};
	drive_init(&drive);
	drive_request(&drive, &request, WHOLE);
	assert_true(drive.call.wants_stream_usage && !drive.call.asks_usage);
	drive_response(
	    &drive, true, 200, genops_str_of(cases[0].asked), (struct pieces){5, 11}, true);
	assert_true(genops_str_is(genops_buffer_view(&drive.seen), cases[0].asked));
	assert_true(drive.answer.has_usage);
	drive_done(&drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clients_see_the_stream_that_they_asked_for),
	    cmocka_unit_test(long_events_pass_as_they_come),
	    cmocka_unit_test(a_client_that_asked_sees_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
