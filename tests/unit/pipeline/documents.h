/* SPDX-License-Identifier: Apache-2.0
 * documents.h - pipelines out of YAML text and files for the tests of pipelines, a run for them, and the routes that took an event. */
#ifndef TESTS_DOCUMENTS_H
#define TESTS_DOCUMENTS_H

#include "pipeline/function.h"
#include "pipeline/lookup_table.h"

#include <stdio.h>
#include <stdlib.h>

/* A file below the source, NUL-terminated; the caller frees it. */
static inline char *document_file(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", SOURCE_DIR, name);
	FILE *file = fopen(path, "rb");
	if (!file)
		abort();
	char *text = calloc(1, 1 << 20);
	if (fread(text, 1, (1 << 20) - 1, file) == 0)
		abort();
	fclose(file);
	return text;
}

static inline bool document_variable(void *arg, genops_str name, genops_str *ret_value)
{
	*ret_value = GENOPS_STR("r0ut1ng");
	return genops_str_is(name, "PAGERDUTY_ROUTING_KEY");
}

static inline int document_read(const char *text, const struct genops_lookups *lookups, struct genops_pipeline **ret, struct genops_error *err)
{
	struct genops_yaml *yaml;
	struct genops_pipeline_reading reading = {.file = "doc.yaml", .lookups = lookups, .variable = document_variable};
	int code = genops_yaml_parse("doc.yaml", genops_str_of(text), &yaml, err);
	if (code != GENOPS_OK)
		return code;
	code = genops_pipeline_read(yaml->documents[0], &reading, ret, err);
	genops_yaml_free(yaml);
	return code;
}

/* The guide's lookup of customers, by id. */
static inline struct genops_lookups *document_lookups(void)
{
	static const genops_str keys[] = {{"customer_id", 11}};
	struct genops_lookup_settings settings = {.id = GENOPS_STR("customer_budgets"), .n_keys = 1, .keys = keys};
	struct genops_lookups *lookups = genops_lookups_new();
	struct genops_lookup_table *table;
	char *csv = document_file("tests/guide/lookups/customer_budgets.csv");
	if (genops_lookup_table_parse(&settings, genops_str_of(csv), &table, NULL) != GENOPS_OK ||
	    genops_lookups_add(lookups, settings.id, table, NULL) != GENOPS_OK)
		abort();
	genops_lookup_table_unref(table);
	free(csv);
	return lookups;
}

struct document_run {
	struct genops_arena arena;
	struct genops_pipeline_run run;
	struct genops_pipeline_count counts[256];
	char routes[512];   /* their names, a blank behind each */
	char event[16384];  /* of the last one that took it, as JSON */
	char payload[4096]; /* the last that was not empty */
	char faults[2048];
};

static inline void document_fault(void *arg, const struct genops_pipeline *pipeline, const struct genops_place *place, const struct genops_error *err)
{
	struct document_run *run = arg;
	size_t len = strlen(run->faults);
	snprintf(run->faults + len, sizeof run->faults - len, "%d:%d %s\n", place->line, place->column, err->message);
}

static inline int document_emit(
    void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload)
{
	struct document_run *run = arg;
	struct genops_buffer json;
	size_t len = strlen(run->routes);
	snprintf(run->routes + len, sizeof run->routes - len, "%.*s ", GENOPS_STR_ARG(route->name));
	genops_buffer_init(&json, sizeof run->event - 1);
	if (!genops_value_to_json(event, &json) || json.error)
		return GENOPS_LIMIT;
	snprintf(run->event, sizeof run->event, "%.*s", GENOPS_STR_ARG(genops_buffer_view(&json)));
	genops_buffer_done(&json);
	if (payload.len)
		snprintf(run->payload, sizeof run->payload, "%.*s", GENOPS_STR_ARG(payload));
	return GENOPS_OK;
}

static inline void document_run_init(struct document_run *run, const struct genops_lookups *lookups)
{
	*run = (struct document_run){0};
	genops_arena_init(&run->arena, 1 << 22);
	run->run = (struct genops_pipeline_run){.expression = {.arena = &run->arena, .now_ms = 1700000000123, .random_state = {1, 2}},
	    .lookups = lookups, .sampling_seed = 7, .fault = document_fault, .fault_arg = run};
}

/* Over an event of JSON. What came out is in `run`. */
static inline int document_apply(const struct genops_pipeline *pipeline, struct document_run *run, const char *event, enum genops_pipeline_result *ret_result,
    struct genops_error *err)
{
	struct genops_value value;
	run->routes[0] = run->event[0] = run->payload[0] = '\0';
	genops_arena_reset(&run->arena);
	int code = genops_value_from_json(genops_str_of(event), &run->arena, &value, err);
	return code == GENOPS_OK ? genops_pipeline_apply(pipeline, &run->run, value, run->counts, document_emit, run, ret_result, err) : code;
}

static inline void document_run_done(struct document_run *run)
{
	genops_pipeline_run_done(&run->run);
	genops_arena_done(&run->arena);
}

#endif
