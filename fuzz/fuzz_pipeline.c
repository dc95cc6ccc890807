/* SPDX-License-Identifier: Apache-2.0
 * fuzz_pipeline.c - a pipeline's document: read or refused with a place; what was read takes events of three kinds, and the event stays as it
 * was. */
#include "pipeline/function.h"
#include "pipeline/lookup_table.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const events[] = {
    "{\"__inputId\":\"genops_otlp_source\",\"trace_id\":\"5b8efff798038103d269b633813fc60c\",\"name\":\"chat\",\"attributes\":{\"genops.cost.total\":\"12.5\","
    "\"genops.customer_id\":\"enterprise-123\",\"genops.policy.name\":\"p\",\"genops.policy.result\":\"blocked\",\"genops.policy.reason\":\"Jane Doe\","
    "\"genops.budget.name\":\"b\",\"genops.compliance.framework\":\"HIPAA\",\"genops.eval.metadata.x\":[\"123-45-6789\",{\"a\":1}]}}",
    "{\"cost_total\":5,\"a\":{\"b\":[1,null,\"x\"]},\"attributes\":7}",
    "{}",
};

static int emit(void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload)
{
	struct genops_buffer *json = arg;
	genops_buffer_clear(json);
	(void)genops_value_to_json(event, json);
	return GENOPS_OK;
}

static void run(const struct genops_pipeline *pipeline, const char *text, const struct genops_lookups *lookups)
{
	static struct genops_pipeline_count counts[20000];
	struct genops_arena kept, arena;
	struct genops_buffer json, before, after;
	struct genops_value event;
	enum genops_pipeline_result result;
	struct genops_error err;
	genops_arena_init(&kept, 1 << 20);
	genops_arena_init(&arena, 1 << 22);
	genops_buffer_init(&json, 1 << 22);
	genops_buffer_init(&before, 1 << 20);
	genops_buffer_init(&after, 1 << 20);
	struct genops_pipeline_run running = {.expression = {.arena = &arena, .now_ms = 1700000000000, .random_state = {1, 2}}, .lookups = lookups};
	if (pipeline->n_counts > sizeof counts / sizeof *counts || genops_value_from_json(genops_str_of(text), &kept, &event, &err) != GENOPS_OK)
		abort();
	(void)genops_value_to_json(event, &before);
	int code = genops_pipeline_apply(pipeline, &running, event, counts, emit, &json, &result, &err);
	if (code != GENOPS_OK && code != GENOPS_LIMIT && code != GENOPS_NOMEM)
		abort();
	(void)genops_value_to_json(event, &after);
	if (before.len != after.len || memcmp(before.ptr, after.ptr, before.len) != 0)
		abort();
	genops_pipeline_run_done(&running);
	genops_buffer_done(&json);
	genops_buffer_done(&before);
	genops_buffer_done(&after);
	genops_arena_done(&kept);
	genops_arena_done(&arena);
}

static struct genops_lookups *lookups(void)
{
	static const genops_str key[] = {{"customer_id", 11}};
	struct genops_lookup_settings settings = {.n_keys = 1, .keys = key};
	struct genops_lookup_table *table;
	struct genops_lookups *made = genops_lookups_new();
	if (!made || genops_lookup_table_parse(&settings, GENOPS_STR("customer_id,budget_limit,budget_tier,billing_account,cost_center\nenterprise-123,1,enterprise,a,b\n"), &table, NULL) ||
	    genops_lookups_add(made, GENOPS_STR("customer_budgets"), table, NULL))
		abort();
	genops_lookup_table_unref(table);
	return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct genops_lookups *tables;
	struct genops_yaml *yaml;
	struct genops_pipeline *pipeline;
	struct genops_error err = {0};
	char name[128];
	if (!tables)
		tables = lookups();
	struct genops_pipeline_reading reading = {.file = "fuzz", .lookups = tables};
	if (size > 1 << 16 || genops_yaml_parse("fuzz", (genops_str){(const char *)data, size}, &yaml, &err) != GENOPS_OK)
		return 0;
	for (size_t i = 0; i < yaml->n_documents; i++) {
		int code = genops_pipeline_read(yaml->documents[i], &reading, &pipeline, &err);
		if (code != GENOPS_OK) {
			if (code != GENOPS_NOMEM && code != GENOPS_LIMIT && (code != GENOPS_CONFIG || !err.message[0] || !err.line))
				abort();
			continue;
		}
		for (size_t e = 0; e < sizeof events / sizeof *events; e++)
			run(pipeline, events[e], tables);
		for (size_t c = 0; c < pipeline->n_counts; c++)
			genops_pipeline_count_name(pipeline, c, name, sizeof name);
		genops_pipeline_free(pipeline);
	}
	genops_yaml_free(yaml);
	return 0;
}
