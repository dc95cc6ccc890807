/* SPDX-License-Identifier: Apache-2.0
 * genops/simulated.h - a provider that is not one: answers OpenAI chat completions without any AI, for demonstrations and tests.
 *
 * Every answer says that it is simulated. Tokens are counted as one for each four bytes of the request's messages and one for each
 * word of the answer, so figures are plausible and repeatable.
 */
#ifndef GENOPS_SIMULATED_H
#define GENOPS_SIMULATED_H

#include <genops/attribute.h>
#include <genops/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct genops_simulated_answer {
	int status;                /* 200, or 400 for a request that no provider would take */
	const char *content_type;  /* static */
	char *body;                /* owned by the caller: free() */
	size_t body_len;
};

/* Answers one POST /v1/chat/completions. Errors: NOMEM. Thread-safe. */
GENOPS_API GENOPS_NODISCARD int genops_simulated_chat(
    genops_str request_body, struct genops_simulated_answer *ret_answer, struct genops_error *err);

#ifdef __cplusplus
}
#endif
#endif
