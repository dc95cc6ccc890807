/* SPDX-License-Identifier: Apache-2.0
 * test_request.c - reading JSON requests: facts, content for filters, what is refused and in which
 * words, the edits that ask for usage. Every case is also read cut in two at every byte. */
#include "drive.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char chat[] = "/v1/chat/completions";

static struct drive_request post(const char *dialect, const char *target, const char *body)
{
	return (struct drive_request){.dialect = dialect,
	    .method = "POST",
	    .target = target,
	    .content_type = "application/json",
	    .body = genops_str_of(body),
	    .want_content = true,
	    .may_ask_usage = true};
}

/* Reads whole and cut at every byte; the last reading stays in *drive. */
static void read_all_ways(struct drive *drive, const struct drive_request *request)
{
	drive_init(drive);
	drive_request(drive, request, WHOLE);
	for (size_t at = 1; at <= request->body.len; at++) {
		struct drive other;
		drive_init(&other);
		drive_request(&other, request,
		    at == request->body.len ? (struct pieces){1, 1} : (struct pieces){at, 0});
		assert_int_equal(other.code, drive->code);
		assert_string_equal(other.err.message, drive->err.message);
		assert_true(genops_str_equal(other.call.model, drive->call.model));
		assert_memory_equal(
		    &other.call.expected, &drive->call.expected, sizeof other.call.expected);
		assert_true(genops_str_equal(genops_buffer_view(&other.call.content),
		    genops_buffer_view(&drive->call.content)));
		assert_int_equal(other.call.n_edits, drive->call.n_edits);
		if (other.call.n_edits)
			assert_int_equal(other.call.edits[0].offset, drive->call.edits[0].offset);
		drive_done(&other);
	}
}

static void facts_of_a_chat_request(void **state)
{
	(void)state;
	struct drive drive;
	struct drive_request request = post("openai", chat,
	    "{\"model\":\"gpt-4o\",\"n\":3,\"max_tokens\":5,\"max_completion_tokens\":10,\"temperature\":0.5,"
	    "\"service_tier\":\"flex\",\"messages\":[]}");
	read_all_ways(&drive, &request);
	assert_int_equal(drive.code, GENOPS_OK);
	assert_true(genops_str_is(drive.call.model, "gpt-4o"));
	assert_int_equal(drive.call.n_choices, 3);
	assert_int_equal(drive.call.max_output_tokens, 10);
	assert_int_equal(drive.call.expected.output_tokens, 30);
	assert_true(drive.call.has_temperature && drive.call.temperature == 0.5);
	assert_int_equal(drive.call.tier, GENOPS_TIER_FLEX);
	assert_string_equal(drive.call.operation, "chat");
	assert_false(drive.call.is_stream || drive.call.is_input_open || drive.call.has_content);
	drive_done(&drive);
}

struct content_case {
	const char *dialect, *target, *body, *content;
};

/* All words that reach the model reach the filters. */
static const struct content_case contents[] = {
    {"openai", chat,
	"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"name\":\"b\",\"content\":"
	"[{\"type\":\"text\",\"text\":\"c\\u0064\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]},"
	"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"e\",\"arguments\":\"f\"}}]},"
	"{\"role\":\"tool\",\"content\":\"g\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"h\","
	"\"description\":\"i\"}}],\"functions\":[{\"name\":\"j\",\"description\":\"k\"}],\"user\":\"not this\"}",
	"a\nb\ncd\ne\nf\ng\nh\ni\nj\nk"},
    {"openai", "/v1/completions", "{\"prompt\":[\"a\",\"b\"],\"suffix\":\"c\"}", "a\nb\nc"},
    {"openai", "/v1/completions", "{\"prompt\":\"a\",\"messages\":[{\"content\":\"b\"}]}", "a\nb"},
    {"openai", "/v1/responses", "{\"instructions\":\"a\",\"input\":\"b\"}", "a\nb"},
    {"openai", "/v1/responses",
	"{\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":\"message\",\"content\":[{\"type\":\"input_text\","
	"\"text\":\"b\"}]},{\"type\":\"function_call\",\"name\":\"c\",\"arguments\":\"d\"},{\"type\":"
	"\"function_call_output\",\"output\":\"e\"}],\"tools\":[{\"type\":\"function\",\"description\":\"f\"}]}",
	"a\nb\nc\nd\ne\nf"},
    {"openai", "/v1/embeddings", "{\"input\":[\"a\",\"b\"]}", "a\nb"},
    {"openai", "/v1/images/generations", "{\"prompt\":\"a\"}", "a"},
    {"openai", "/v1/audio/speech", "{\"input\":\"a\",\"instructions\":\"b\"}", "a\nb"},
    {"openai", "/v1/moderations", "{\"input\":[{\"type\":\"text\",\"text\":\"a\"}]}", "a"},
    {"anthropic", "/v1/messages",
	"{\"system\":[{\"type\":\"text\",\"text\":\"a\"}],\"messages\":[{\"role\":\"user\",\"content\":\"b\"},{\"content\":"
	"[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\",\"text\":\"d\"}]},"
	"{\"type\":\"tool_result\",\"content\":\"e\"},{\"type\":\"document\",\"source\":{\"type\":\"text\",\"data\":\"f\"},"
	"\"title\":\"g\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"AAAA\"}}]}],"
	"\"tools\":[{\"name\":\"h\",\"description\":\"i\"}]}",
	"a\nb\nc\nd\ne\nf\ng\nh\ni"},
    /* however deep in schemas and in what tools are given and give back, the names of members too */
    {"openai", chat,
	"{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":{\"b\":{\"c\":[{\"description\":\"\\u0064\"},"
	"[\"e\"]],\"f\":1,\"g\":true}}}}],\"response_format\":{\"type\":\"h\",\"json_schema\":{\"description\":\"i\",\"schema\":{\"j\":\"k\"}}}}",
	"a\nparameters\nb\nc\ndescription\nd\ne\nf\ng\ntype\nh\ni\nschema\nj\nk"},
    {"openai", "/v1/responses",
	"{\"tools\":[{\"type\":\"function\",\"name\":\"a\",\"parameters\":{\"b\":\"c\"}}],\"text\":{\"format\":{\"schema\":{\"d\":\"e\"}}}}",
	"a\nparameters\nb\nc\nschema\nd\ne"},
    {"anthropic", "/v1/messages",
	"{\"messages\":[{\"content\":[{\"type\":\"tool_use\",\"name\":\"a\",\"input\":{\"b\":[\"c\",{\"d\":\"e\"}]}},{\"type\":\"tool_result\","
	"\"content\":[{\"type\":\"search_result\",\"title\":\"f\",\"content\":[{\"type\":\"text\",\"text\":\"g\"}]}]}]}],"
	"\"tools\":[{\"name\":\"h\",\"input_schema\":{\"properties\":{\"i\":{\"description\":\"j\"}}}}]}",
	"a\nb\nc\nd\ne\nf\ng\nh\ninput_schema\nproperties\ni\ndescription\nj"},
    {"anthropic", "/v1/messages/count_tokens",
	"{\"system\":\"a\",\"messages\":[{\"content\":\"b\"}]}", "a\nb"},
    {"anthropic", "/v1/complete", "{\"prompt\":\"a\"}", "a"},
    {"openai", "/v1/unheard-of", "{\"prompt\":\"a\",\"messages\":[{\"content\":\"b\"}]}", "a\nb"},
};

static void content_reaches_the_filters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		struct drive drive;
		struct drive_request request =
		    post(contents[i].dialect, contents[i].target, contents[i].body);
		read_all_ways(&drive, &request);
		assert_int_equal(drive.code, GENOPS_OK);
		assert_true(drive.call.has_content);
		if (!genops_str_is(genops_buffer_view(&drive.call.content), contents[i].content))
			fail_msg("case %zu: %.*s", i,
			    GENOPS_STR_ARG(genops_buffer_view(&drive.call.content)));
		drive_done(&drive);
	}
}

/* The bounds, and so the money, do not depend on whether a filter is on. */
static void filters_do_not_change_the_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		struct drive with, without;
		struct drive_request request = post(contents[i].dialect, contents[i].target, contents[i].body);
		drive_init(&with);
		drive_request(&with, &request, WHOLE);
		request.want_content = false;
		drive_init(&without);
		drive_request(&without, &request, WHOLE);
		assert_memory_equal(&with.call.expected, &without.call.expected, sizeof with.call.expected);
		assert_false(without.call.has_content);
		drive_done(&with);
		drive_done(&without);
	}
}

static void token_ids_are_no_content(void **state)
{
	(void)state;
	struct drive drive;
	struct drive_request request =
	    post("openai", "/v1/embeddings", "{\"model\":\"m\",\"input\":[[1,2],[3]]}");
	read_all_ways(&drive, &request);
	assert_false(drive.call.has_content);
	assert_true(drive.call.expected.input_tokens >= 3);
	drive_done(&drive);
}

struct refused_case {
	const char *dialect, *target, *body, *message; /* its beginning */
};

static const struct refused_case refused[] = {
    {"openai", chat, "", "JSON: the document ends too early"},
    {"openai", chat, "[]", "the body must be a JSON object"},
    {"openai", chat, "{\"model\":1}", "model must be text"},
    {"openai", chat, "{\"model\":\"a\\u0000b\"}", "model has control characters"},
    {"openai", chat, "{\"model\":\"a\",\"model\":\"b\"}", "JSON: a key stands twice"},
    {"openai", chat, "{\"model\":\"a\",\"mod\\u0065l\":\"b\"}", "JSON: a key stands twice"},
    {"openai", chat, "{\"stream\":\"true\"}", "stream must be true or false"},
    {"openai", chat, "{\"stream\":1}", "stream must be true or false"},
    {"openai", chat, "{\"n\":-1}", "n must be between 0 and"},
    {"openai", chat, "{\"n\":1.5}", "n must be a whole number"},
    {"openai", chat, "{\"n\":\"2\"}", "n must be a whole number"},
    {"openai", chat, "{\"max_tokens\":-1}", "max_tokens must be between 0 and"},
    {"openai", chat, "{\"max_tokens\":1e3}", "max_tokens must be a whole number"},
    {"openai", chat, "{\"max_tokens\":1000000001}", "max_tokens must be between 0 and"},
    {"openai", chat, "{\"max_tokens\":99999999999999999999}", "max_tokens must be a whole number"},
    {"openai", chat, "{\"max_completion_tokens\":true}",
	"max_completion_tokens must be a whole number"},
    {"openai", chat, "{\"temperature\":\"hot\"}", "temperature must be a number"},
    {"openai", chat, "{\"service_tier\":7}", "service_tier must be text"},
    {"openai", chat, "{\"stream_options\":[]}", "stream_options must be an object"},
    {"openai", chat, "{\"stream_options\":{\"include_usage\":1}}",
	"stream_options.include_usage must be true or false"},
    {"openai", "/v1/responses", "{\"max_output_tokens\":-5}",
	"max_output_tokens must be between 0 and"},
    {"anthropic", "/v1/messages", "{\"max_tokens\":\"5\"}", "max_tokens must be a whole number"},
    {"anthropic", "/v1/complete", "{\"max_tokens_to_sample\":0.5}",
	"max_tokens_to_sample must be a whole number"},
    {"openai", chat, "{\"model\":\"\xff\"}", "JSON: "},
    {"openai", chat, "{} {}", "JSON: something behind the value"},
};

static void ambiguous_requests_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct drive drive;
		struct drive_request request =
		    post(refused[i].dialect, refused[i].target, refused[i].body);
		read_all_ways(&drive, &request);
		assert_int_equal(drive.code, GENOPS_SYNTAX);
		if (!genops_str_starts(
			genops_str_of(drive.err.message), genops_str_of(refused[i].message)))
			fail_msg("case %zu: %s", i, drive.err.message);
		drive_done(&drive);
	}
}

static void too_long_models_are_refused(void **state)
{
	(void)state;
	char body[400];
	int n = snprintf(body, sizeof body, "{\"model\":\"%0257d\"}", 0);
	assert_true(n > 257);
	struct drive drive;
	struct drive_request request = post("openai", chat, body);
	read_all_ways(&drive, &request);
	assert_string_equal(drive.err.message, "model is longer than 256 bytes");
	drive_done(&drive);
}

static void null_means_not_said(void **state)
{
	(void)state;
	struct drive drive;
	struct drive_request request = post("openai", chat,
	    "{\"model\":\"m\",\"n\":null,\"max_tokens\":null,\"temperature\":null,\"stream\":null,\"tools\":null,"
	    "\"service_tier\":null,\"stream_options\":null}");
	read_all_ways(&drive, &request);
	assert_int_equal(drive.code, GENOPS_OK);
	assert_int_equal(drive.call.n_choices, 1);
	assert_int_equal(drive.call.max_output_tokens, 0);
	assert_false(drive.call.is_stream || drive.call.has_temperature);
	drive_done(&drive);
}

static void prompts_times_choices(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int64_t n;
	} cases[] = {{"{\"prompt\":[\"a\",\"b\"],\"n\":2,\"best_of\":5,\"max_tokens\":7}", 10},
	    {"{\"prompt\":[1,2,3],\"max_tokens\":7}", 1},
	    {"{\"prompt\":[[1,2],[3]],\"max_tokens\":7}", 2}};
	for (size_t i = 0; i < 3; i++) {
		struct drive drive;
		struct drive_request request = post("openai", "/v1/completions", cases[i].body);
		read_all_ways(&drive, &request);
		assert_int_equal(drive.call.n_choices, cases[i].n);
		assert_int_equal(drive.call.expected.output_tokens, 7 * cases[i].n);
		drive_done(&drive);
	}
}

struct edit_case {
	const char *body, *edited; /* NULL: not edited */
};

static const struct edit_case edits[] = {
    {"{\"stream\":true}", "{\"stream_options\":{\"include_usage\":true},\"stream\":true}"},
    {" { \"stream\" : true } ",
	" {\"stream_options\":{\"include_usage\":true}, \"stream\" : true } "},
    {"{\"stream\":true,\"stream_options\":null}",
	"{\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
    {"{\"stream\":true,\"stream_options\":{}}",
	"{\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
    {"{\"stream_options\":{ \n},\"stream\":true}",
	"{\"stream_options\":{\"include_usage\":true \n},\"stream\":true}"},
    {"{\"stream\":true,\"stream_options\":{ \"include_obfuscation\":false}}",
	"{\"stream\":true,\"stream_options\":{\"include_usage\":true, \"include_obfuscation\":false}}"},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":false}}",
	"{\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":null,\"x\":1}}",
	"{\"stream\":true,\"stream_options\":{\"include_usage\":true,\"x\":1}}"},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":true}}", NULL},
    {"{\"stream\":false}", NULL},
    {"{\"stream_options\":{}}", NULL},
};

static void apply_edits(const struct genops_call *call, genops_str body, struct genops_buffer *out)
{
	size_t at = 0;
	for (size_t i = 0; i < call->n_edits; i++) {
		genops_buffer_add(
		    out, (genops_str){body.ptr + at, (size_t)call->edits[i].offset - at});
		genops_buffer_add(out, call->edits[i].inserted);
		at = (size_t)(call->edits[i].offset + call->edits[i].removed);
	}
	genops_buffer_add(out, genops_str_skip(body, at));
}

static void usage_is_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		struct drive drive;
		struct drive_request request = post("openai", chat, edits[i].body);
		read_all_ways(&drive, &request);
		assert_int_equal(drive.code, GENOPS_OK);
		assert_int_equal(drive.call.asks_usage, edits[i].edited != NULL);
		assert_int_equal(drive.call.n_edits, edits[i].edited != NULL);
		struct genops_buffer out;
		genops_buffer_init(&out, 4096);
		apply_edits(&drive.call, request.body, &out);
		const char *should = edits[i].edited ? edits[i].edited : edits[i].body;
		if (!genops_str_is(genops_buffer_view(&out), should))
			fail_msg("case %zu: %.*s", i, GENOPS_STR_ARG(genops_buffer_view(&out)));
		genops_buffer_done(&out);
		drive_done(&drive);
	}
}

static void usage_is_not_asked_for_where_it_would_be_refused(void **state)
{
	(void)state;
	static const char body[] = "{\"model\":\"m\",\"stream\":true}";
	struct drive_request requests[] = {post("openai", chat, body),
	    post("openai", "/v1/responses", body),
	    post("azure", "/openai/deployments/d/chat/completions?api-version=2024-02-01", body),
	    post("anthropic", "/v1/messages", body)};
	requests[0].may_ask_usage = false;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct drive drive;
		read_all_ways(&drive, &requests[i]);
		assert_true(drive.call.is_stream);
		assert_int_equal(drive.call.n_edits, 0);
		drive_done(&drive);
	}
	struct drive drive;
	struct drive_request newer =
	    post("azure", "/openai/deployments/d/chat/completions?api-version=2024-10-21", body);
	read_all_ways(&drive, &newer);
	assert_int_equal(drive.call.n_edits, 1);
	assert_true(genops_str_is(drive.call.model, "d"));
	drive_done(&drive);
}

static void unknown_routes_are_never_refused_here(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "", "no JSON", "{\"model\":1}", "{\"model\":\"a\",\"model\":\"b\"}", "\xff\xfe"};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct drive drive;
		struct drive_request request = post("openai", "/v1/unheard-of", bodies[i]);
		read_all_ways(&drive, &request);
		assert_int_equal(drive.code, GENOPS_OK);
		drive_done(&drive);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(facts_of_a_chat_request),
	    cmocka_unit_test(content_reaches_the_filters),
	    cmocka_unit_test(filters_do_not_change_the_bounds),
	    cmocka_unit_test(token_ids_are_no_content),
	    cmocka_unit_test(ambiguous_requests_are_refused),
	    cmocka_unit_test(too_long_models_are_refused),
	    cmocka_unit_test(null_means_not_said),
	    cmocka_unit_test(prompts_times_choices),
	    cmocka_unit_test(usage_is_asked_for),
	    cmocka_unit_test(usage_is_not_asked_for_where_it_would_be_refused),
	    cmocka_unit_test(unknown_routes_are_never_refused_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
