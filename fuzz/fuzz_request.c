/* SPDX-License-Identifier: Apache-2.0
 * fuzz_request.c - request_begin, _feed, _finish of every endpoint that reads a body (OpenAI's chat,
 * completions, responses, embeddings, images, audio forms; Anthropic's) and of unknown routes.
 * Properties: what is read does not depend on where the body is cut; edits lie in the body; bounds
 * are not negative. The first byte chooses the endpoint, the second the pieces' length.
 */
#include "../tests/unit/dialect/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *dialect, *target;
} endpoints[] = {{"openai", "/v1/chat/completions"}, {"openai", "/v1/completions"},
    {"openai", "/v1/responses"}, {"openai", "/v1/embeddings"}, {"openai", "/v1/images/generations"},
    {"openai", "/v1/audio/speech"}, {"openai", "/v1/moderations"},
    {"openai", "/v1/audio/transcriptions"}, {"openai", "/v1/unknown"},
    {"openai", "/openai/deployments/d/chat/completions"}, {"anthropic", "/v1/messages"},
    {"anthropic", "/v1/messages/count_tokens"}, {"anthropic", "/v1/complete"}};

static bool is_same(const struct drive *a, const struct drive *b)
{
	if (a->code != b->code)
		return false;
	if (a->code != GENOPS_OK)
		return strcmp(a->err.message, b->err.message) == 0;
	const struct genops_call *x = &a->call, *y = &b->call;
	return genops_str_equal(x->model, y->model) && x->is_stream == y->is_stream &&
	       x->tier == y->tier && x->n_choices == y->n_choices &&
	       x->max_output_tokens == y->max_output_tokens &&
	       x->is_input_open == y->is_input_open && x->has_content == y->has_content &&
	       x->n_edits == y->n_edits &&
	       memcmp(&x->expected, &y->expected, sizeof x->expected) == 0 &&
	       (!x->n_edits ||
		   memcmp(&x->edits[0].offset, &y->edits[0].offset, 2 * sizeof(uint64_t)) == 0) &&
	       genops_str_equal(genops_buffer_view(&x->content), genops_buffer_view(&y->content));
}

static void check(const struct drive *drive, size_t len)
{
	const struct genops_call *call = &drive->call;
	if (drive->code != GENOPS_OK)
		return;
	if (call->expected.input_tokens < 0 || call->expected.output_tokens < 0 ||
	    call->input_text_bytes < 0 || call->n_choices < 1)
		abort();
	for (size_t i = 0; i < call->n_edits; i++)
		if (call->edits[i].offset + call->edits[i].removed > len)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t which = data[0] % (sizeof endpoints / sizeof endpoints[0]);
	struct drive_request request = {.dialect = endpoints[which].dialect,
	    .method = "POST",
	    .target = endpoints[which].target,
	    .content_type = "multipart/form-data; boundary=XX",
	    .body = {(const char *)data + 2, size - 2},
	    .want_content = true,
	    .may_ask_usage = true};
	struct drive whole, pieces;
	drive_init(&whole);
	drive_init(&pieces);
	drive_request(&whole, &request, WHOLE);
	drive_request(&pieces, &request, (struct pieces){data[1] & 15, 1 + (data[1] >> 4)});
	if (!is_same(&whole, &pieces))
		abort();
	check(&whole, request.body.len);
	drive_done(&whole);
	drive_done(&pieces);
	return 0;
}
