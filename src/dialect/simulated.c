/* SPDX-License-Identifier: Apache-2.0
 * dialect/simulated.c - see genops/simulated.h. Pure. */
#include "base/buffer.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"

#include <genops/simulated.h>

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MAX ((size_t)1 << 20)

static const char *const words[] = {"This ", "answer ", "is ", "simulated ", "by ", "GenOps: ", "no ", "AI ", "was ",
    "called, ", "no ", "money ", "was ", "spent. "};
#define N_WORDS ((int64_t)(sizeof words / sizeof words[0]))

enum field { MODEL, MAX_TOKENS, MAX_COMPLETION_TOKENS, STREAM, INCLUDE_USAGE, CONTENT };

static const struct genops_json_path paths[] = {
    {"model", MODEL},
    {"max_tokens", MAX_TOKENS},
    {"max_completion_tokens", MAX_COMPLETION_TOKENS},
    {"stream", STREAM},
    {"stream_options.include_usage", INCLUDE_USAGE},
    {"messages[].content", CONTENT},
    {"messages[].content[].text", CONTENT},
};

struct question {
	char model[128];
	int64_t max_tokens, prompt_bytes;
	bool is_stream, wants_usage;
};

static void on_value(void *arg, const struct genops_json_value *value)
{
	struct question *question = arg;
	switch ((enum field)value->id) {
	case MODEL:
		if (value->type == GENOPS_JSON_STRING)
			snprintf(question->model, sizeof question->model, "%.*s", (int)value->text.len, value->text.ptr);
		break;
	case MAX_TOKENS:
	case MAX_COMPLETION_TOKENS:
		if (value->is_integer && value->integer > 0)
			question->max_tokens = value->integer;
		break;
	case STREAM:
		question->is_stream = value->type == GENOPS_JSON_TRUE;
		break;
	case INCLUDE_USAGE:
		question->wants_usage = value->type == GENOPS_JSON_TRUE;
		break;
	case CONTENT:
		if (value->type == GENOPS_JSON_STRING)
			question->prompt_bytes += (int64_t)value->text.len;
		break;
	}
}

static int read_question(genops_str body, struct question *question, struct genops_error *err)
{
	*question = (struct question){.max_tokens = 64};
	struct genops_json_paths *compiled = genops_json_paths_new(paths, sizeof paths / sizeof paths[0], err);
	if (!compiled)
		return err->code;
	struct genops_json_scan_options options = {.text_max = (size_t)4 << 20};
	struct genops_json_scan *scan = genops_json_scan_new(compiled, &options, on_value, question);
	int code = scan ? genops_json_scan_feed(scan, body, err)
			: genops_fail(err, GENOPS_NOMEM, "no memory to read the request");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(compiled);
	return code;
}

static int64_t answer_tokens(const struct question *question)
{
	int64_t n = question->max_tokens;
	return n < 1 ? 1 : n > 256 ? 256 : n;
}

static void write_usage(struct genops_json_writer *json, const struct question *question)
{
	int64_t input = question->prompt_bytes / 4 + 7, output = answer_tokens(question);
	genops_json_key(json, GENOPS_STR("usage"));
	genops_json_object_begin(json);
	genops_json_key_int(json, "prompt_tokens", input);
	genops_json_key_int(json, "completion_tokens", output);
	genops_json_key_int(json, "total_tokens", input + output);
	genops_json_object_end(json);
}

static void write_head(struct genops_json_writer *json, const struct question *question, const char *object)
{
	genops_json_object_begin(json);
	genops_json_key_string(json, "id", GENOPS_STR("chatcmpl-simulated"));
	genops_json_key_string(json, "object", genops_str_of(object));
	genops_json_key_int(json, "created", 0);
	genops_json_key_string(json, "model", genops_str_of(question->model));
}

static void write_whole(struct genops_buffer *buf, const struct question *question)
{
	struct genops_json_writer json;
	struct genops_buffer text;
	genops_buffer_init(&text, ANSWER_MAX);
	for (int64_t i = 0; i < answer_tokens(question); i++)
		genops_buffer_add_text(&text, words[i % N_WORDS]);
	genops_json_writer_init(&json, buf);
	write_head(&json, question, "chat.completion");
	genops_json_key(&json, GENOPS_STR("choices"));
	genops_json_array_begin(&json);
	genops_json_object_begin(&json);
	genops_json_key_int(&json, "index", 0);
	genops_json_key(&json, GENOPS_STR("message"));
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "role", GENOPS_STR("assistant"));
	genops_json_key_string(&json, "content", genops_buffer_view(&text));
	genops_json_object_end(&json);
	genops_json_key_string(&json, "finish_reason", GENOPS_STR("stop"));
	genops_json_object_end(&json);
	genops_json_array_end(&json);
	write_usage(&json, question);
	genops_json_object_end(&json);
	genops_buffer_done(&text);
}

static void write_chunk(struct genops_buffer *buf, const struct question *question, const char *word, bool is_last)
{
	struct genops_json_writer json;
	genops_buffer_add_text(buf, "data: ");
	genops_json_writer_init(&json, buf);
	write_head(&json, question, "chat.completion.chunk");
	genops_json_key(&json, GENOPS_STR("choices"));
	genops_json_array_begin(&json);
	genops_json_object_begin(&json);
	genops_json_key_int(&json, "index", 0);
	genops_json_key(&json, GENOPS_STR("delta"));
	genops_json_object_begin(&json);
	if (word)
		genops_json_key_string(&json, "content", genops_str_of(word));
	genops_json_object_end(&json);
	genops_json_key(&json, GENOPS_STR("finish_reason"));
	if (is_last)
		genops_json_string(&json, GENOPS_STR("stop"));
	else
		genops_json_null(&json);
	genops_json_object_end(&json);
	genops_json_array_end(&json);
	genops_json_object_end(&json);
	genops_buffer_add_text(buf, "\n\n");
}

static void write_stream(struct genops_buffer *buf, const struct question *question)
{
	for (int64_t i = 0; i < answer_tokens(question); i++)
		write_chunk(buf, question, words[i % N_WORDS], false);
	write_chunk(buf, question, NULL, true);
	if (question->wants_usage) {
		struct genops_json_writer json;
		genops_buffer_add_text(buf, "data: ");
		genops_json_writer_init(&json, buf);
		write_head(&json, question, "chat.completion.chunk");
		genops_json_key(&json, GENOPS_STR("choices"));
		genops_json_array_begin(&json);
		genops_json_array_end(&json);
		write_usage(&json, question);
		genops_json_object_end(&json);
		genops_buffer_add_text(buf, "\n\n");
	}
	genops_buffer_add_text(buf, "data: [DONE]\n\n");
}

static void write_fault(struct genops_buffer *buf, const char *message)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, buf);
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("error"));
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "message", genops_str_of(message));
	genops_json_key_string(&json, "type", GENOPS_STR("invalid_request_error"));
	genops_json_object_end(&json);
	genops_json_object_end(&json);
}

int genops_simulated_chat(
    genops_str request_body, struct genops_simulated_answer *ret_answer, struct genops_error *err)
{
	struct genops_simulated_answer answer = {.status = 200, .content_type = "application/json"};
	struct question question;
	struct genops_buffer buf;
	struct genops_error fault;
	genops_buffer_init(&buf, ANSWER_MAX);
	int code = read_question(request_body, &question, &fault);
	if (code != GENOPS_OK || !question.model[0]) {
		answer.status = 400;
		write_fault(&buf, code != GENOPS_OK ? fault.message : "you must provide a model parameter");
	} else if (question.is_stream) {
		answer.content_type = "text/event-stream";
		write_stream(&buf, &question);
	} else {
		write_whole(&buf, &question);
	}
	answer.body = genops_buffer_take(&buf, &answer.body_len);
	genops_buffer_done(&buf);
	if (!answer.body)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an answer");
	*ret_answer = answer;
	return GENOPS_OK;
}
