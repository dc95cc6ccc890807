/* SPDX-License-Identifier: Apache-2.0
 * fuzz_control.c - genops_control_handle: method, target with query, body, a line each. Property: a status and a text, always. */
#include "engine_once.h"

#include <genops/control.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str rest = {(const char *)data, size};
	genops_str method = line_of(&rest), target = line_of(&rest);
	struct genops_control_answer answer = {0};
	struct genops_error err = {0};
	int code = genops_control_handle(engine_once(), method, target, (genops_str){0}, rest, &answer, &err);
	if (code != GENOPS_OK || answer.status < 200 || answer.status > 599 || !answer.body)
		abort();
	free(answer.body);
	return 0;
}
