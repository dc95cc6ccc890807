/* SPDX-License-Identifier: Apache-2.0
 * fuzz_anthropic_response.c - response_begin, _feed, _finish of the Anthropic endpoints.
 * Properties: as fuzz_openai_response.c. The first byte chooses endpoint and mode.
 */
#include "../tests/unit/dialect/drive.h"
#include "../tests/unit/dialect/same_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const targets[] = {
	    "/v1/messages", "/v1/complete", "/v1/messages/count_tokens", "/v1/unknown"};
	if (size < 2)
		return 0;
	struct drive_request request = {.dialect = "anthropic",
	    .method = "POST",
	    .target = targets[data[0] & 3],
	    .body =
		GENOPS_STR("{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":[]}")};
	same_answer(&request, data[0] & 8, data[0] & 32 ? 529 : 200,
	    (genops_str){(const char *)data + 2, size - 2},
	    (struct pieces){data[1] & 15, 1 + (data[1] >> 4)});
	return 0;
}
