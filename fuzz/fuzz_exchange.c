/* SPDX-License-Identifier: Apache-2.0
 * fuzz_exchange.c - genops_exchange_new, _header, _body, _admit, the answer's functions and _finish: any request line, headers and
 * body that a client may send. Lines: method, target, "name: value" ..., an empty one, the body. Properties: admitted with a path and
 * edits within the body, or refused with a status and a body; the answer is not longer than what the provider sent. */
#include "engine_once.h"

#include <genops/exchange.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(genops_exchange *exchange, genops_str rest, genops_str *ret_body)
{
	struct genops_error err = {0};
	for (genops_str line = line_of(&rest); line.len; line = line_of(&rest)) {
		genops_str name = genops_str_split(&line, ':');
		int code = genops_exchange_header(exchange, name, genops_str_trim(line), &err);
		if (code != GENOPS_OK)
			return code;
	}
	*ret_body = rest;
	return genops_exchange_body(exchange, rest, &err);
}

static void answer(genops_exchange *exchange, genops_str body)
{
	struct genops_tap tap;
	genops_exchange_response_head(exchange, 200, GENOPS_STR("text/event-stream"));
	genops_exchange_response_header(exchange, GENOPS_STR("x-request-id"), body);
	genops_exchange_response_body(exchange, body, &tap);
	if (tap.must_end && tap.end_offset > body.len)
		abort();
	genops_exchange_response_end(exchange, &tap);
}

static void admit(genops_exchange *exchange, genops_str body)
{
	enum genops_admission admission;
	struct genops_forward forward;
	struct genops_refusal refusal = {0};
	struct genops_error err = {0};
	struct genops_header headers[4];
	if (genops_exchange_admit(exchange, &admission, &forward, &refusal, &err) != GENOPS_OK) {
		if (!err.message[0])
			abort();
		return;
	}
	if (genops_exchange_answer_headers(exchange, headers, 4) > 4)
		abort();
	if (admission == GENOPS_ADMIT_REFUSE) {
		if (refusal.status < 400 || !refusal.body.len)
			abort();
		return;
	}
	for (size_t i = 0; i < forward.n_edits; i++)
		if (forward.edits[i].offset + forward.edits[i].removed > body.len)
			abort();
	if (!forward.path.len || !forward.provider.len)
		abort();
	answer(exchange, body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str rest = {(const char *)data, size}, body = {0};
	genops_str method = line_of(&rest), target = line_of(&rest);
	genops_exchange *exchange = NULL;
	struct genops_error err = {0};
	if (genops_exchange_new(engine_once(), method, target, &exchange, &err) != GENOPS_OK)
		return 0;
	if (feed(exchange, rest, &body) == GENOPS_OK)
		admit(exchange, body);
	genops_exchange_finish(exchange, GENOPS_OUTCOME_CANCELLED);
	return 0;
}
