/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_dialect.c - CPU time to read a 1 KB chat request and follow its answer: 2 KB of JSON,
 * 52 events whole, and the same events rewritten because usage was asked for on the client's
 * behalf. Allocation of state included. */
#include <stdio.h>
#include <time.h>

#include "../tests/unit/dialect/drive.h"

#define ROUNDS 100000

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const char word[] = "Telemetry is the art of knowing what one's software did, and why. ";

static void add_words(struct genops_buffer *buf, size_t len)
{
	for (size_t end = buf->len + len; buf->len < end;)
		genops_buffer_add_text(buf, word);
}

static void make_request(struct genops_buffer *buf, bool is_stream)
{
	genops_buffer_add_text(buf,
	    "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
	    "{\"role\":\"user\",\"content\":\"");
	add_words(buf, 850);
	genops_buffer_printf(buf, "\"}],\"max_tokens\":256,\"temperature\":0.2,\"stream\":%s}",
	    is_stream ? "true" : "false");
}

static void make_answer(struct genops_buffer *buf)
{
	genops_buffer_add_text(buf,
	    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":"
	    "\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
	    "\"content\":\"");
	add_words(buf, 1600);
	genops_buffer_add_text(buf,
	    "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
	    "\"prompt_tokens\":200,\"completion_tokens\":400,\"total_tokens\":600,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":0}},\"service_tier\":\"default\"}");
}

static void make_stream(struct genops_buffer *buf)
{
	static const char head[] =
	    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
	    "\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",";
	for (int i = 0; i < 50; i++)
		genops_buffer_printf(buf,
		    "%s\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,"
		    "\"finish_reason\":null}],\"usage\":null}\n\n",
		    head);
	genops_buffer_printf(buf,
	    "%s\"choices\":[],\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":50}}\n\n"
	    "data: [DONE]\n\n",
	    head);
}

/* What one exchange costs the dialect; the client's bytes are not put together here. */
static void exchange(
    const struct drive_request *request, genops_str answer, bool is_stream, size_t piece)
{
	static _Alignas(16) char state[8192];
	struct genops_arena arena;
	struct genops_call call = {0};
	struct genops_answer known = {0};
	struct genops_tap tap;
	const struct genops_endpoint *endpoint = drive_route(request);
	struct genops_request_info info = {.endpoint = endpoint,
	    .target = genops_str_of(request->target),
	    .want_content = request->want_content,
	    .may_ask_usage = request->may_ask_usage};
	genops_arena_init(&arena, 65536);
	bool is_good = endpoint->request_size <= sizeof state &&
		       endpoint->response_size <= sizeof state &&
		       endpoint->request_begin(state, &arena, &info) == GENOPS_OK &&
		       endpoint->request_feed(state, request->body, NULL) == GENOPS_OK &&
		       endpoint->request_finish(state, &call, NULL) == GENOPS_OK;
	endpoint->request_done(state);
	struct genops_response_info response = {
	    .endpoint = endpoint, .call = &call, .is_stream = is_stream, .status = 200};
	is_good = is_good && endpoint->response_begin(state, &arena, &response) == GENOPS_OK;
	for (size_t at = 0; is_good && at < answer.len; at += piece) {
		size_t n = answer.len - at < piece ? answer.len - at : piece;
		endpoint->response_feed(state, (genops_str){answer.ptr + at, n}, &tap, &known);
	}
	endpoint->response_finish(state, &tap, &known);
	endpoint->response_done(state);
	if (!is_good || !known.has_usage || known.usage.input_tokens != 200)
		abort();
	genops_buffer_done(&call.content);
	genops_arena_done(&arena);
}

static void measure(const char *what, bool is_stream, bool wants_content, bool asks, size_t piece)
{
	struct genops_buffer request_body, answer;
	genops_buffer_init(&request_body, 65536);
	genops_buffer_init(&answer, 65536);
	make_request(&request_body, is_stream);
	if (is_stream)
		make_stream(&answer);
	else
		make_answer(&answer);
	struct drive_request request = {.dialect = "openai",
	    .method = "POST",
	    .target = "/v1/chat/completions",
	    .body = genops_buffer_view(&request_body),
	    .want_content = wants_content,
	    .may_ask_usage = asks};
	double best = 1e18;
	for (int round = 0; round < 5; round++) {
		double start = cpu_ns();
		for (int i = 0; i < ROUNDS / 5; i++)
			exchange(&request, genops_buffer_view(&answer), is_stream, piece);
		double spent = (cpu_ns() - start) / (ROUNDS / 5);
		best = spent < best ? spent : best;
	}
	printf(
	    "%-52s %5zu + %5zu bytes %8.2f us\n", what, request_body.len, answer.len, best / 1000);
	genops_buffer_done(&request_body);
	genops_buffer_done(&answer);
}

int main(void)
{
	measure("chat, JSON answer", false, false, false, 65536);
	measure("chat, JSON answer, content for filters", false, true, false, 65536);
	measure("chat, 51 events in one piece", true, false, false, 65536);
	measure("chat, 51 events, a piece each", true, false, false, 245);
	measure("chat, 51 events in one piece, rewritten", true, false, true, 65536);
	return 0;
}
