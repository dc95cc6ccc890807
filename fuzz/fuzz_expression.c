/* SPDX-License-Identifier: Apache-2.0
 * fuzz_expression.c - genops_expression_compile and _evaluate. The first line is the event, the rest the expression; an event that is no
 * JSON is a fixed one. Properties: a refusal has a message, a place within the source and a caret; a value can be written as JSON, that
 * JSON read again and written the same; two runs say the same; texts are never over their maximum. */
#include "pipeline/expression.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] = "{\"attributes\":{\"genops.cost.total\":\"0.05\",\"n\":1.5},\"a\":[1,\"x\",null,{\"b\":true}],\"t\":\"gr\\u00fc\\ud83d\\ude00\","
			    "\"team\":\"search\",\"z\":null}";

static void check_refusal(genops_str source, const struct genops_error *err)
{
	char caret[512];
	if (!err->message[0])
		abort();
	genops_expression_caret(source, err, caret, sizeof caret);
}

static void check_round_trip(struct genops_value value, struct genops_arena *arena)
{
	struct genops_buffer first, second;
	struct genops_value again;
	genops_buffer_init(&first, 8 << 20);
	genops_buffer_init(&second, 8 << 20);
	if (value.type == GENOPS_VALUE_TEXT && value.len > GENOPS_VALUE_TEXT_MAX)
		abort();
	/* Half a pair is escaped, which strict readers refuse: it is not read again. */
	if (genops_value_to_json(value, &first) && !first.error && genops_value_from_json(genops_buffer_view(&first), arena, &again, NULL) == GENOPS_OK) {
		(void)genops_value_to_json(again, &second);
		if (!second.error && !genops_str_equal(genops_buffer_view(&first), genops_buffer_view(&second)))
			abort();
	}
	genops_buffer_done(&first);
	genops_buffer_done(&second);
}

static int evaluate(const struct genops_expression *expression, struct genops_value event, struct genops_arena *arena, genops_str source,
    struct genops_value *ret_value)
{
	struct genops_expression_run run = {.arena = arena, .now_ms = 1700000000000, .random_state = {1, 2}};
	struct genops_error err = {0};
	int code = genops_expression_evaluate(expression, event, &run, ret_value, &err);
	genops_expression_run_done(&run);
	if (code != GENOPS_OK)
		check_refusal(source, &err);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str source = {(const char *)data, size}, line = genops_str_split(&source, '\n');
	struct genops_arena arena;
	struct genops_value event, first, second;
	struct genops_expression *expression;
	struct genops_error err = {0};
	genops_arena_init(&arena, 16 << 20);
	if (genops_value_from_json(line, &arena, &event, NULL) != GENOPS_OK &&
	    genops_value_from_json(genops_str_of(fixed), &arena, &event, NULL) != GENOPS_OK)
		abort();
	if (genops_expression_compile(source, &expression, &err) != GENOPS_OK) {
		check_refusal(source, &err);
		genops_arena_done(&arena);
		return 0;
	}
	int code = evaluate(expression, event, &arena, source, &first);
	if (code == GENOPS_OK && evaluate(expression, event, &arena, source, &second) == GENOPS_OK) {
		if (first.type != second.type || first.len != second.len)
			abort();
		check_round_trip(first, &arena);
	}
	genops_expression_free(expression);
	genops_arena_done(&arena);
	return 0;
}
