/* SPDX-License-Identifier: Apache-2.0
 * test_pipeline_read.c - what is wrong in a document is told with its place and a remedy; settings of routes; every allocation failing while
 * the guide's documents are read and run.
 * Proves CRB-067, CRB-068, CRB-070, CRB-071, CRB-074, CRB-089 in part, CRB-328. */
#include "documents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "failing_alloc.h"

#define ONE(text) "id: p\nprocessors:\n  - " text "\n"

static const struct {
	const char *text;
	int line, column;
	const char *says, *fix;
} wrong[] = {
    {"description: x\n", 1, 1, "needs \"id\"", ""},
    {"id: p\nprocesors: []\n", 2, 1, "unknown key \"procesors\"", "processors"},
    {"id: p\nfilters:\n  - name: f\n", 3, 5, "needs \"expression\"", ""},
    {"id: p\nfilters:\n  - name: f\n    expression: |\n      a == 1 &&\n      b = 2\n", 6, 9, "assign", "write =="},
    {"id: p\nfilters:\n  - expression: \"a == '\"\n", 3, 23, "expression: ", ""},
    {"id: p\nfilters: {a: 1}\n", 2, 10, "must be a list", ""},
    {ONE("type: evil"), 3, 11, "no processor of type \"evil\"", "eval"},
    {ONE("type: aggregation"), 3, 11, "no processor of type \"aggregation\"", "there are eval, lookup, sampling, mask, drop"},
    {ONE("name: x"), 3, 5, "needs \"type\"", ""},
    {ONE("{type: eval, expresions: []}"), 3, 18, "unknown key \"expresions\"", "expressions"},
    {ONE("type: eval"), 3, 5, "needs \"expressions\"", ""},
    {ONE("{type: eval, expressions: 5}"), 3, 31, "must be a list", ""},
    {ONE("{type: eval, expressions: [a]}"), 3, 32, "must be a mapping", ""},
    {ONE("{type: eval, expressions: [{a: }]}"), 3, 33, "is empty", ""},
    {ONE("{type: eval, expressions: [{'a*': '1'}]}"), 3, 33, "pattern", "name each field"},
    {ONE("{type: eval, expressions: [{\"attributes['\": '1'}]}"), 3, 33, "is no field", ""},
    {ONE("{type: eval, expressions: [{a: 'x.nothing()'}]}"), 3, 39, "nothing", ""},
    {ONE("{type: sampling, rules: 5}"), 3, 29, "must be a list", ""},
    {ONE("{type: sampling, rules: [{condition: a}]}"), 3, 30, "needs a rate", ""},
    {ONE("{type: sampling, rules: [{sample_rate: 1}]}"), 3, 30, "needs a condition", ""},
    {ONE("{type: sampling, rules: [{condition: a, sample_rate: 1.5}]}"), 3, 58, "not from 0 to 1", ""},
    {ONE("{type: sampling, rules: [{condition: a, sample_rate: -0.1}]}"), 3, 58, "not from 0 to 1", ""},
    {ONE("{type: sampling, rules: [{condition: a, sample_rate: half}]}"), 3, 58, "must be a number", ""},
    {ONE("{type: sampling, rules: [{condition: a, sample_rate: .nan}]}"), 3, 58, "must be a number", ""},
    {ONE("{type: sampling, rules: [{filter: a, rate: 0}]}"), 3, 48, "whole number", "sample_rate"},
    {ONE("{type: sampling, rules: [{filter: a, rate: 0.5}]}"), 3, 48, "whole number", "sample_rate"},
    {ONE("{type: sampling, rules: [{default: 2}]}"), 3, 40, "default is 2", ""},
    {ONE("{type: sampling, rules: [{default: 1}, {default: 0}]}"), 3, 44, "two defaults", ""},
    {ONE("{type: sampling, rules: [{default: 1, condition: a}]}"), 3, 30, "or a default", ""},
    {ONE("{type: sampling, rules: [{condition: a, sample_rate: 1, filter: b}]}"), 3, 61, "means the same", ""},
    {ONE("{type: mask, rules: [{pattern: a, replacement: b}]}"), 3, 26, "without a field", ""},
    {ONE("{type: mask, rules: [{field: a, replacement: b}]}"), 3, 26, "needs \"pattern\"", ""},
    {ONE("{type: mask, rules: [{field: a, pattern: b}]}"), 3, 26, "needs \"replacement\"", ""},
    {ONE("{type: mask, rules: [{field: a, type: hash, pattern: b, replacement: c}]}"), 3, 43, "type \"hash\"", "regex"},
    {ONE("{type: mask, rules: [{field: a, pattern: '(', replacement: b}]}"), 3, 48, "the pattern: ", ""},
    {ONE("{type: mask, rules: [{field: a, pattern: a, flags: q, replacement: b}]}"), 3, 46, "the pattern: ", ""},
    {ONE("{type: mask, rules: [{field: a, matchRegex: /a/}]}"), 3, 26, "both of one kind", ""},
    {ONE("{type: sampling, rules: [{disabled: maybe}]}"), 3, 41, "true or false", ""},
    {ONE("{type: mask, depth: 99, rules: []}"), 3, 25, "depth is 99", ""},
    {ONE("{type: lookup, match_field: a}"), 3, 5, "needs \"lookup_table\"", ""},
    {ONE("{type: lookup, lookup_table: customer_budget, match_field: a}"), 3, 34, "no lookup table", "customer_budgets"},
    {ONE("{type: lookup, lookup_table: customer_budgets, match_field: a, add_fields: [tier]}"), 3, 80, "no column \"tier\"", "first line"},
    {ONE("{type: lookup, lookup_table: customer_budgets, match_field: []}"), 3, 65, "names 0 fields", ""},
    {ONE("{type: lookup, lookup_table: customer_budgets, match_field: a, default_values: {x: [1]}}"), 3, 88, "must be a", ""},
    {"id: p\nroutes:\n  - name: r\n", 3, 5, "needs \"destination\"", ""},
    {"id: p\nroutes:\n  - {destination: d, compresion: gzip}\n", 3, 22, "unknown key", "compression"},
    {"id: p\nroutes:\n  - destination: d\n    payload_template: |\n      {\"a\": ${x.},\n", 5, 17, "payload_template", ""},
    {"id: p\nroutes:\n  - destination: d\n    payload_template: '{\"a\": '\n", 4, 0, "payload_template", ""},
    {"id: ${NOT_SET}\nroutes: []\n", 1, 5, "NOT_SET", ""},
};

static void what_is_wrong_is_told(void **state)
{
	struct genops_lookups *lookups = document_lookups();
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct genops_pipeline *pipeline = NULL;
		struct genops_error err = {0};
		int code = document_read(wrong[i].text, lookups, &pipeline, &err);
		if (code != GENOPS_CONFIG || pipeline || err.line != wrong[i].line || (wrong[i].column && err.column != wrong[i].column) ||
		    !strstr(err.message, wrong[i].says) || !strstr(err.fix, wrong[i].fix) || strcmp(err.file, "doc.yaml") != 0)
			fail_msg("%s: %d %s:%d:%d: %s; %s", wrong[i].text, code, err.file, err.line, err.column, err.message, err.fix);
	}
	genops_lookups_free(lookups);
}

static struct genops_pipeline *read_right(const char *text)
{
	struct genops_pipeline *pipeline = NULL;
	struct genops_error err = {0};
	if (document_read(text, NULL, &pipeline, &err) != GENOPS_OK)
		fail_msg("%d:%d: %s", err.line, err.column, err.message);
	return pipeline;
}

static void routes_keep_their_settings(void **state)
{
	struct genops_pipeline *pipeline = read_right("id: p\nroutes:\n  - name: a\n    destination: d\n    compression: gzip\n    retention: \"7 years\"\n    encryption: AES-256\n"
						      "    versioning: enabled\n    object_lock: \"COMPLIANCE mode, 7 years\"\n    table: t\n    dataset: 5\n    output_format: \"5\"\n"
						      "  - destination: e\n    disabled: true\n");
	assert_true(genops_str_is(pipeline->routes[0].settings,
	    "{\"output_format\":\"5\",\"compression\":\"gzip\",\"dataset\":5,\"retention\":\"7 years\",\"encryption\":\"AES-256\",\"versioning\":\"enabled\","
	    "\"object_lock\":\"COMPLIANCE mode, 7 years\",\"table\":\"t\"}"));
	assert_int_equal(pipeline->routes[1].settings.len, 0);
	assert_true(genops_str_is(pipeline->routes[1].name, "2") && pipeline->routes[1].is_disabled);
	assert_int_equal(pipeline->routes[1].destination_place.line, 13);
	genops_pipeline_free(pipeline);
}

static void disabled_parts_do_nothing(void **state)
{
	static struct document_run run;
	enum genops_pipeline_result result;
	struct genops_pipeline *pipeline = read_right("id: p\nprocessors:\n  - {type: drop, disabled: true}\n  - {type: drop, filter: a == 2}\n"
						      "  - {type: sampling, rules: [{condition: 'true', sample_rate: 0, disabled: true}]}\n"
						      "routes: [{destination: d}, {name: off, destination: d, disabled: true}]\n");
	document_run_init(&run, NULL);
	assert_int_equal(document_apply(pipeline, &run, "{\"a\":1}", &result, NULL), GENOPS_OK);
	assert_string_equal(run.routes, "1 ");
	assert_int_equal(document_apply(pipeline, &run, "{\"a\":2}", &result, NULL), GENOPS_OK);
	assert_int_equal(result, GENOPS_PIPELINE_DROPPED);
	document_run_done(&run);
	genops_pipeline_free(pipeline);
	pipeline = read_right("id: p\nenabled: false\nroutes: [{destination: d}]\n");
	document_run_init(&run, NULL);
	assert_int_equal(document_apply(pipeline, &run, "{}", &result, NULL), GENOPS_OK);
	assert_int_equal(result, GENOPS_PIPELINE_PASSED_BY);
	document_run_done(&run);
	genops_pipeline_free(pipeline);
}

static void documents_are_known(void **state)
{
	static const struct {
		const char *text;
		bool is_one;
	} rows[] = {{"id: a\nroutes: []\n", true}, {"id: a\nprocessors: []\n", true}, {"id: a\n", false}, {"routes: []\n", false}, {"- a\n", false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_yaml *yaml;
		assert_int_equal(genops_yaml_parse("x", genops_str_of(rows[i].text), &yaml, NULL), GENOPS_OK);
		assert_int_equal(genops_pipeline_is_document(yaml->documents[0]), rows[i].is_one);
		genops_yaml_free(yaml);
	}
}

static void paths_put_values(void **state)
{
	static struct document_run run;
	enum genops_pipeline_result result;
	struct genops_pipeline *pipeline = read_right("id: p\nprocessors:\n  - type: eval\n    expressions:\n      - \"attributes['genops.team']\": \"'new'\"\n"
						      "      - attributes.other.key: \"1\"\n      - made.here: \"2\"\n      - text.x: \"3\"\n"
						      "  - {type: mask, rules: [{field: \"attributes['genops.*']\", pattern: e, replacement: E}]}\nroutes: [{destination: d}]\n");
	document_run_init(&run, NULL);
	assert_int_equal(document_apply(pipeline, &run, "{\"attributes\":{\"genops.team\":\"old\",\"genops.x\":\"eye\",\"y\":\"eye\"},\"text\":\"t\"}", &result, NULL), GENOPS_OK);
	assert_string_equal(run.event, "{\"attributes\":{\"genops.team\":\"nEw\",\"genops.x\":\"EyE\",\"y\":\"eye\",\"other.key\":1},\"text\":\"t\",\"made\":{\"here\":2}}");
	assert_non_null(strstr(run.faults, "text.x cannot be set"));
	document_run_done(&run);
	genops_pipeline_free(pipeline);
}

/* --- memory --- */

#if FAILING_ALLOC
static char told[512];

static int read_and_run(const char *text, const struct genops_lookups *lookups, const char *event)
{
	static struct document_run run;
	enum genops_pipeline_result result;
	struct genops_pipeline *pipeline = NULL;
	struct genops_error err = {0};
	int code = document_read(text, lookups, &pipeline, &err);
	snprintf(told, sizeof told, "%s", err.message);
	if (code != GENOPS_OK)
		return code;
	document_run_init(&run, lookups);
	code = document_apply(pipeline, &run, event, &result, &err);
	if (code == GENOPS_OK && run.faults[0])
		code = GENOPS_NOMEM; /* an expression had none: told, and the event goes on */
	document_run_done(&run);
	genops_pipeline_free(pipeline);
	return code;
}

static void out_of_memory_is_an_error(void **state)
{
	static const char *const files[] = {"genops-cost-governance", "genops-policy-compliance", "genops-budget-alerting", "genops-audit-trail"};
	static const char event[] = "{\"__inputId\":\"genops_otlp_source\",\"attributes\":{\"genops.cost.total\":20,\"genops.customer_id\":\"ENTERPRISE-123\",\"genops.policy.name\":\"p\","
				    "\"genops.policy.result\":\"blocked\",\"genops.policy.reason\":\"Jane Doe\",\"genops.budget.name\":\"b\",\"genops.compliance.framework\":\"GDPR\","
				    "\"genops.eval.metadata.x\":\"123-45-6789\"}}";
	struct genops_lookups *lookups = document_lookups();
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[256];
		snprintf(path, sizeof path, "tests/guide/pipelines/%s.yaml", files[i]);
		char *text = document_file(path);
		only_own_allocs = 1;
		for (long n = 0;; n++) {
			allocs_left = n;
			int code = read_and_run(text, lookups, event);
			allocs_left = -1;
			if (code == GENOPS_OK)
				break;
			if (code != GENOPS_NOMEM && code != GENOPS_LIMIT)
				fail_msg("%s, allocation %ld: %d %s", files[i], n, code, told);
			assert_true(n < 5000);
		}
		only_own_allocs = 0;
		free(text);
	}
	genops_lookups_free(lookups);
}
#else
static void out_of_memory_is_an_error(void **state)
{
	skip();
}
#endif

/* With any arena an event comes out whole, or is an error; never half. */
static void little_memory(void **state)
{
	static struct document_run run;
	enum genops_pipeline_result result;
	char *text = document_file("tests/guide/pipelines/genops-audit-trail.yaml");
	struct genops_pipeline *pipeline = read_right(text);
	struct genops_value event;
	struct genops_arena kept;
	static char whole[16384];
	genops_arena_init(&kept, 1 << 20);
	assert_int_equal(genops_value_from_json(GENOPS_STR("{\"__inputId\":\"genops_otlp_source\",\"attributes\":{\"genops.compliance.framework\":\"GDPR\","
							   "\"genops.eval.metadata.note\":\"123-45-6789\"}}"),
			     &kept, &event, NULL),
	    GENOPS_OK);
	for (size_t max = 1 << 16; max != SIZE_MAX; max = max == 1 << 16 ? 0 : max < 8192 ? max + 32 : SIZE_MAX) {
		document_run_init(&run, NULL);
		run.run.expression.random_state[0] = 1;
		run.arena.max = max;
		int code = genops_pipeline_apply(pipeline, &run.run, event, run.counts, document_emit, &run, &result, NULL);
		if (!whole[0])
			snprintf(whole, sizeof whole, "%s", run.event);
		if (code == GENOPS_OK && !run.faults[0])
			assert_string_equal(run.event, whole);
		else
			assert_true(code == GENOPS_OK || code == GENOPS_LIMIT);
		if (run.event[0])
			assert_null(strstr(run.event, "123-45-6789"));
		document_run_done(&run);
	}
	genops_arena_done(&kept);
	genops_pipeline_free(pipeline);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_wrong_is_told),
	    cmocka_unit_test(routes_keep_their_settings),
	    cmocka_unit_test(disabled_parts_do_nothing),
	    cmocka_unit_test(documents_are_known),
	    cmocka_unit_test(paths_put_values),
	    cmocka_unit_test(out_of_memory_is_an_error),
	    cmocka_unit_test(little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
