/* SPDX-License-Identifier: Apache-2.0
 * fuzz_openai_response.c - response_begin, _feed, _finish of the OpenAI endpoints and of unknown
 * routes, with and without rewriting. Properties: what is known and what the client sees do not
 * depend on where the body is cut; without rewriting the client sees the body; with it never more;
 * counts are not negative and parts never exceed their whole. The first byte chooses endpoint and
 * mode.
 */
#include "../tests/unit/dialect/drive.h"
#include "../tests/unit/dialect/same_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const targets[] = {"/v1/chat/completions", "/v1/completions", "/v1/responses",
    "/v1/embeddings", "/v1/images/generations", "/v1/audio/speech", "/v1/unknown", "/v1/models"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	bool is_stream = data[0] & 8, may_ask = data[0] & 16;
	struct drive_request request = {.dialect = "openai",
	    .method = "POST",
	    .target = targets[data[0] & 7],
	    .body =
		GENOPS_STR("{\"model\":\"m\",\"stream\":true,\"input\":\"x\",\"prompt\":\"x\"}"),
	    .may_ask_usage = may_ask};
	if (strcmp(request.target, "/v1/models") == 0)
		request.method = "GET";
	same_answer(&request, is_stream, data[0] & 32 ? 500 : 200,
	    (genops_str){(const char *)data + 2, size - 2},
	    (struct pieces){data[1] & 15, 1 + (data[1] >> 4)});
	return 0;
}
