/* SPDX-License-Identifier: Apache-2.0
 * fuzz_condition.c - conditions of the filter processor and RE2 patterns out of anybody's text: read, or refused with a place; what was
 * read is evaluated. */
#include "pipeline/collector/condition/condition.h"
#include "pipeline/collector/item/re2.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A span with a name, a kind and two attributes; a metric with a sum of one point. */
static const char span[] = "\x12\x08""01234567\x2a\x01""a\x30\x03\x4a\x0a\x0a\x01k\x12\x05\x0a\x03""val\x4a\x07\x0a\x01n\x12\x02\x18\x07";
static const char metric[] = "\x0a\x01m\x3a\x0f\x0a\x0b\x3a\x09\x0a\x01k\x12\x04\x0a\x02vv\x10\x02";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct genops_processor_run *run;
	const struct genops_otlp_resource resource = {.encoded = GENOPS_STR("\x0a\x0a\x0a\x01k\x12\x05\x0a\x03val")};
	genops_str text = {(const char *)data, size};
	struct genops_arena arena;
	struct genops_error err;
	if (!run && genops_service_run_new(NULL, &run, &err) != GENOPS_OK)
		return 0;
	genops_arena_init(&arena, (size_t)4 << 20);
	for (int context = 0; context <= GENOPS_CONDITION_INFERRED; context++) {
		enum genops_signal signal = context == GENOPS_CONDITION_METRIC || context == GENOPS_CONDITION_DATAPOINT ? GENOPS_SIGNAL_METRICS
					    : context == GENOPS_CONDITION_LOG					  ? GENOPS_SIGNAL_LOGS
														  : GENOPS_SIGNAL_TRACES;
		struct genops_condition condition;
		struct genops_item item = {.signal = signal, .resource = &resource, .encoded = {span, sizeof span - 1}, .part = {span, sizeof span - 1}};
		if (signal == GENOPS_SIGNAL_METRICS) {
			item.encoded = (genops_str){metric, sizeof metric - 1};
			item.part = GENOPS_STR("\x3a\x09\x0a\x01k\x12\x04\x0a\x02vv");
			item.data = 7;
		}
		genops_arena_reset(&arena);
		genops_arena_reset(&run->arena);
		err = (struct genops_error){0};
		int code = genops_condition_compile(text, signal, (enum genops_condition_context)context, &arena, &condition, &err);
		if (code == GENOPS_SYNTAX && (err.column < 1 || err.column > (int)size + 1 || !err.message[0]))
			abort();
		if (code != GENOPS_OK)
			continue;
		if (genops_condition_holds(&condition, run, &item, &err) > 1)
			abort();
		genops_condition_done(&condition);
	}
	struct genops_regex *regex;
	struct genops_regex_match match;
	if (genops_re2_compile_search(text, &regex, &err) == GENOPS_OK) {
		(void)genops_regex_find(regex, &run->space, GENOPS_STR("my SSN is 123-45-6789"), 0, &match);
		genops_regex_free(regex);
	}
	genops_arena_done(&arena);
	return 0;
}
