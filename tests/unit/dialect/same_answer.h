/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/dialect/same_answer.h - the property of following a response: whole is the same as in
 * pieces. Aborts if not. */
#ifndef TESTS_DIALECT_SAME_ANSWER_H
#define TESTS_DIALECT_SAME_ANSWER_H

#include "drive.h"

static inline bool is_same_answer(const struct genops_answer *a, const struct genops_answer *b)
{
	return genops_str_equal(a->model, b->model) &&
	       memcmp(&a->usage, &b->usage, sizeof a->usage) == 0 && a->has_usage == b->has_usage &&
	       a->has_input_usage == b->has_input_usage && a->output_bytes == b->output_bytes &&
	       a->is_complete == b->is_complete && a->is_error == b->is_error &&
	       strcmp(a->error_type, b->error_type) == 0 &&
	       strcmp(a->finish_reason, b->finish_reason) == 0 &&
	       a->n_tool_calls == b->n_tool_calls;
}

static inline void check_usage_is_whole(const struct genops_usage *u)
{
#define X(field, unit)                                                                             \
	if (u->field < 0)                                                                          \
		abort();
	GENOPS_USAGE_FIELDS(X)
#undef X
	if (u->cache_read_tokens + u->cache_write_5m_tokens + u->cache_write_1h_tokens +
		    u->audio_input_tokens >
		u->input_tokens ||
	    u->reasoning_tokens + u->audio_output_tokens > u->output_tokens)
		abort();
}

static inline void same_answer(const struct drive_request *request, bool is_stream, int status,
    genops_str body, struct pieces pieces)
{
	struct drive whole, cut;
	drive_init(&whole);
	drive_init(&cut);
	drive_request(&whole, request, WHOLE);
	drive_request(&cut, request, WHOLE);
	if (whole.code != GENOPS_OK)
		abort();
	drive_response(&whole, is_stream, status, body, WHOLE, true);
	drive_response(&cut, is_stream, status, body, pieces, true);
	genops_str seen = genops_buffer_view(&whole.seen);
	if (!is_same_answer(&whole.answer, &cut.answer) ||
	    !genops_str_equal(seen, genops_buffer_view(&cut.seen)))
		abort();
	bool is_rewritten = is_stream && whole.call.asks_usage;
	if (is_rewritten ? seen.len > body.len : !genops_str_equal(seen, body))
		abort();
	check_usage_is_whole(&whole.answer.usage);
	genops_usage settled = genops_answer_settled(&whole.call, &whole.answer);
	check_usage_is_whole(&settled);
	drive_done(&whole);
	drive_done(&cut);
}

#endif
