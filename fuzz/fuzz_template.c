/* SPDX-License-Identifier: Apache-2.0
 * fuzz_template.c - genops_template_compile and _render. The first line is the event, the rest the template. Property: what a JSON template
 * makes of any event is JSON (the scanner takes it, strictly); a refusal has a message. */
#include "codec/json_scan.h"
#include "pipeline/template.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool variable(void *arg, genops_str name, genops_str *ret_value)
{
	*ret_value = GENOPS_STR("va\"l\\ue\n");
	return name.len != 3;
}

static void check_json(genops_str text)
{
	/* Two keys of an object may come out equal if their texts have places: that is the author's. */
	const struct genops_json_scan_options options = {.max_depth = 1024, .allow_duplicates = true};
	struct genops_json_paths *paths = genops_json_paths_new(NULL, 0, NULL);
	struct genops_json_scan *scan = genops_json_scan_new(paths, &options, NULL, NULL);
	if (genops_json_scan_feed(scan, text, NULL) != GENOPS_OK || genops_json_scan_end(scan, NULL) != GENOPS_OK)
		abort();
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
}

static void render(genops_str source, enum genops_template_kind kind, struct genops_value event, struct genops_arena *arena)
{
	struct genops_template *template;
	struct genops_template_faults faults;
	struct genops_buffer out;
	struct genops_error err = {0};
	struct genops_expression_run run = {.arena = arena, .now_ms = 1700000000000, .random_state = {1, 2}};
	if (genops_template_compile(source, kind, variable, NULL, &template, &err) != GENOPS_OK) {
		if (!err.message[0])
			abort();
		return;
	}
	genops_buffer_init(&out, 8 << 20);
	if (genops_template_render(template, event, &run, &out, &faults, &err) == GENOPS_OK) {
		if (kind == GENOPS_TEMPLATE_JSON)
			check_json(genops_buffer_view(&out));
		if (faults.n && !faults.first.message[0])
			abort();
	}
	genops_buffer_done(&out);
	genops_expression_run_done(&run);
	genops_template_free(template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str source = {(const char *)data, size}, line = genops_str_split(&source, '\n');
	struct genops_arena arena;
	struct genops_value event;
	genops_arena_init(&arena, 16 << 20);
	if (genops_value_from_json(line, &arena, &event, NULL) == GENOPS_OK ||
	    genops_value_from_json(GENOPS_STR("{\"a\":[1,\"x\\\"\\\\\"],\"t\":\"gr\\u00fc\\ud83d\\ude00\\n\",\"j\":\"{\\\"a\\\":1}\",\"n\":1.5}"), &arena, &event, NULL) ==
		GENOPS_OK) {
		render(source, GENOPS_TEMPLATE_JSON, event, &arena);
		render(source, GENOPS_TEMPLATE_TEXT, event, &arena);
	}
	genops_arena_done(&arena);
	return 0;
}
