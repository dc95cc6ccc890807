/* SPDX-License-Identifier: Apache-2.0
 * test_dialect_memory.c - the n-th allocation fails, for every n: a request is then refused with
 * NOMEM; a response passes on complete, at worst with the usage that should have been hidden. */
#include "base/arena.h"
#include "base/str.h"
#include "dialect/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "failing_alloc.h"

#define N_MAX 500

static _Alignas(16) char state_memory[16384];

static int read_request(
    const struct genops_endpoint *endpoint, struct genops_arena *arena, struct genops_call *call)
{
	static const char body[] =
	    "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"tell \\u006de\"}],\"n\":2}";
	struct genops_request_info info = {.endpoint = endpoint,
	    .target = GENOPS_STR("/v1/chat/completions"),
	    .want_content = true,
	    .may_ask_usage = true};
	assert_true(endpoint->request_size <= sizeof state_memory);
	int code = endpoint->request_begin(state_memory, arena, &info);
	for (size_t at = 0; at < sizeof body - 1 && code == GENOPS_OK; at += 9) {
		size_t n = sizeof body - 1 - at < 9 ? sizeof body - 1 - at : 9;
		code = endpoint->request_feed(state_memory, (genops_str){body + at, n}, NULL);
	}
	if (code == GENOPS_OK)
		code = endpoint->request_finish(state_memory, call, NULL);
	endpoint->request_done(state_memory);
	return code;
}

static const struct genops_endpoint *chat(void)
{
	return genops_dialect_route(genops_dialect_find(GENOPS_STR("openai")), GENOPS_STR("POST"),
	    GENOPS_STR("/v1/chat/completions"));
}

static void requests_without_memory_are_refused(void **state)
{
	(void)state;
	int code = GENOPS_NOMEM;
	long n = 0;
	for (; FAILING_ALLOC && code != GENOPS_OK && n < N_MAX; n++) {
		struct genops_arena arena;
		struct genops_call call = {0};
		genops_arena_init(&arena, 65536);
		allocs_left = n;
		code = read_request(chat(), &arena, &call);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
		assert_true(code == GENOPS_OK || !call.content.ptr); /* untouched on failure */
		genops_buffer_done(&call.content);
		genops_arena_done(&arena);
	}
	assert_true(!FAILING_ALLOC || (code == GENOPS_OK && n > 3));
}

static const char asked[] =
    "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"one\"}}],\"usage\":null}\n\n"
    "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"two\"}}],\"usage\":null}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n";
static char seen[sizeof asked];
static size_t n_seen;

static void see(genops_str bytes)
{
	assert_true(bytes.len <= sizeof seen - n_seen);
	if (bytes.len)
		memcpy(seen + n_seen, bytes.ptr, bytes.len);
	n_seen += bytes.len;
}

static bool follow(const struct genops_endpoint *endpoint, struct genops_arena *arena,
    const struct genops_call *call)
{
	struct genops_response_info info = {
	    .endpoint = endpoint, .call = call, .is_stream = true, .status = 200};
	struct genops_answer answer = {0};
	struct genops_tap tap;
	n_seen = 0;
	int code = endpoint->response_begin(state_memory, arena, &info);
	for (size_t at = 0; at < sizeof asked - 1 && code == GENOPS_OK; at += 9) {
		genops_str piece = {
		    asked + at, sizeof asked - 1 - at < 9 ? sizeof asked - 1 - at : 9};
		endpoint->response_feed(state_memory, piece, &tap, &answer);
		see(tap.before);
		if (!tap.n_hidden)
			see(piece);
	}
	if (code == GENOPS_OK) {
		endpoint->response_finish(state_memory, &tap, &answer);
		see(tap.before);
	}
	endpoint->response_done(state_memory);
	return code == GENOPS_OK;
}

static void responses_without_memory_pass_on_complete(void **state)
{
	(void)state;
	struct genops_arena arena;
	struct genops_call call = {0};
	long n_passed = 0;
	genops_arena_init(&arena, 65536);
	assert_int_equal(read_request(chat(), &arena, &call), GENOPS_OK);
	for (long n = 0; FAILING_ALLOC && n < 60; n++) {
		allocs_left = n;
		bool is_followed = follow(chat(), &arena, &call);
		allocs_left = -1;
		if (!is_followed)
			continue;
		genops_str all = {seen, n_seen};
		size_t one = genops_str_find(all, GENOPS_STR("{\"content\":\"one\"}}]"));
		size_t two = genops_str_find(all, GENOPS_STR("{\"content\":\"two\"}}]"));
		assert_true(genops_str_starts(all, GENOPS_STR("data: {\"model\":\"m\"")));
		assert_true(one < two && two < n_seen);
		assert_true(genops_str_ends(all, GENOPS_STR("\n\ndata: [DONE]\n\n")));
		n_passed++;
	}
	assert_true(!FAILING_ALLOC || n_passed > 0);
	genops_buffer_done(&call.content);
	genops_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_without_memory_are_refused),
	    cmocka_unit_test(responses_without_memory_pass_on_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
