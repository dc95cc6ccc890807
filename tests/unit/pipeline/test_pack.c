/* SPDX-License-Identifier: Apache-2.0
 * test_pack.c - what we ship, as a Cribl pack and back, routes the same events; what one side cannot say is a note; packs that are none are
 * refused. The packs that Cribl publishes are not ours to keep: tests/e2e/pipelines/test_pipeline_cli.py writes some of the same shape. */
#include "pipeline/pack/pack.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "documents.h"
#include "failing_alloc.h"

static const char *const shipped[] = {"data/pipelines/genops-cost-governance.yaml", "data/pipelines/genops-policy-compliance.yaml",
    "data/pipelines/genops-budget-alerting.yaml", "data/pipelines/genops-audit-trail.yaml"};

static const char event_json[] =
    "{\"__inputId\":\"genops_otlp_source\",\"name\":\"chat\",\"trace_id\":\"0102\",\"span_id\":\"03\",\"_time\":1700000000,\"attributes\":{"
    "\"genops.cost.total\":12.5,\"genops.customer_id\":\"enterprise-123\",\"genops.policy.name\":\"p\",\"genops.policy.result\":\"blocked\","
    "\"genops.policy.reason\":\"a rule of Jane Doe, AB123456\",\"genops.budget.name\":\"b\",\"genops.budget.limit\":100,\"genops.budget.consumed\":95,"
    "\"genops.compliance.framework\":\"HIPAA\"}}";

static int export_text(const char *text, struct genops_pack *pack, struct genops_pack_export *export, struct genops_error *err)
{
	struct genops_yaml *yaml;
	GENOPS_TRY(genops_yaml_parse("doc.yaml", genops_str_of(text), &yaml, err));
	genops_pack_export_pipeline(export, yaml->documents[0]);
	genops_yaml_free(yaml);
	return pack->is_full ? GENOPS_LIMIT : GENOPS_OK;
}

static bool has_note(const struct genops_pack *pack, const char *part)
{
	for (size_t i = 0; i < pack->n_notes; i++) {
		if (strstr(pack->notes[i].what.ptr, part))
			return true;
	}
	return false;
}

/* Destinations that take the event, sorted by nothing: a blank behind each. */
static void routes_of(const char *text, char *out, size_t size)
{
	struct genops_lookups *lookups = document_lookups();
	struct genops_pipeline *pipeline;
	struct genops_error err = {0};
	struct document_run *run = malloc(sizeof *run);
	enum genops_pipeline_result result;
	if (document_read(text, lookups, &pipeline, &err) != GENOPS_OK)
		fail_msg("%d:%d %s in\n%s", err.line, err.column, err.message, text);
	document_run_init(run, lookups);
	assert_int_equal(document_apply(pipeline, run, event_json, &result, &err), GENOPS_OK);
	out[0] = '\0';
	for (size_t i = 0; i < pipeline->n_routes; i++) {
		size_t count = pipeline->n_counts - pipeline->n_routes + i, len = strlen(out);
		if (run->counts[count].n_matched)
			snprintf(out + len, size - len, "%.*s ", GENOPS_STR_ARG(pipeline->routes[i].destination));
	}
	document_run_done(run);
	free(run);
	genops_pipeline_free(pipeline);
	genops_lookups_free(lookups);
}

static void there_and_back(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct genops_pack there, packed, back;
		struct genops_pack_export *export = malloc(sizeof *export);
		struct genops_buffer crbl;
		struct genops_error err = {0};
		char before[512], after[512], name[128];
		char *text = document_file(shipped[i]);
		genops_buffer_init(&crbl, 1 << 22);
		assert_int_equal(genops_pack_init(&there, NULL) | genops_pack_init(&packed, NULL) | genops_pack_init(&back, NULL), GENOPS_OK);
		genops_pack_export_begin(export, &there);
		assert_int_equal(export_text(text, &there, export, &err), GENOPS_OK);
		for (size_t k = 0; k < export->n_lookups; k++)
			genops_pack_export_lookup(export, export->lookups[k], GENOPS_STR("customer_id,budget_tier\nenterprise-123,enterprise\n"), 1);
		assert_int_equal(genops_pack_export_end(export, GENOPS_STR("test"), &err), GENOPS_OK);
		assert_int_equal(genops_pack_write(&there, &crbl, &err), GENOPS_OK);
		assert_int_equal(genops_pack_read(genops_buffer_view(&crbl), &packed, &err), GENOPS_OK);
		assert_int_equal(packed.n_files, there.n_files);
		assert_int_equal(genops_pack_import(&packed, &back, &err), GENOPS_OK);
		assert_false(has_note(&back, "left out"));
		snprintf(name, sizeof name, "pipelines/%s", shipped[i] + 15);
		genops_str written = genops_pack_find(&back, name);
		assert_non_null(written.ptr);
		routes_of(text, before, sizeof before);
		routes_of(written.ptr, after, sizeof after);
		assert_string_equal(before, after);
		assert_true(strlen(before) > 0);
		genops_pack_done(&there);
		genops_pack_done(&packed);
		genops_pack_done(&back);
		genops_buffer_done(&crbl);
		free(export);
		free(text);
	}
}

static void exports(const char *text, const char *conf_part, const char *note)
{
	struct genops_pack pack;
	struct genops_pack_export *export = malloc(sizeof *export);
	struct genops_error err = {0};
	assert_int_equal(genops_pack_init(&pack, NULL), GENOPS_OK);
	genops_pack_export_begin(export, &pack);
	assert_int_equal(export_text(text, &pack, export, &err), GENOPS_OK);
	genops_str conf = genops_pack_find(&pack, "default/pipelines/p/conf.yml");
	assert_non_null(conf.ptr);
	if (!strstr(conf.ptr, conf_part))
		fail_msg("no %s in\n%s", conf_part, conf.ptr);
	if (note && !has_note(&pack, note))
		fail_msg("no note %s", note);
	assert_int_equal(genops_pack_export_end(export, GENOPS_STR("x"), &err), GENOPS_OK);
	genops_pack_done(&pack);
	free(export);
}

static void how_things_are_said_in_cribl(void **state)
{
	exports("id: p\nprocessors: [{type: sampling, rules: [{condition: a == 1, sample_rate: 0.3}, {default: 0.1}]}]", "rate: 3\n        - filter: \"true\"\n          rate: 10",
	    "0.3 becomes one of 3");
	exports("id: p\nprocessors: [{type: sampling, rules: [{condition: a == 1, sample_rate: 1}, {default: 0}]}]", "- id: drop\n    filter: \"!(a == 1) && (true)\"", NULL);
	exports("id: p\nprocessors: [{type: mask, rules: [{field: a, pattern: 'x/(y)\\/', flags: i, replacement: \"<$1`$$>\"}]}]",
	    "matchRegex: \"/x\\\\/(y)\\\\//gi\"\n          replaceExpr: \"`<${g1}\\\\`$>`\"", NULL);
	exports("id: p\nprocessors: [{type: mask, rules: [{field: a, pattern: x, replacement: y}, {field: [b, c], pattern: x, replacement: y}]}]",
	    "fields:\n        - \"b\"\n        - \"c\"", NULL);
	exports("id: p\nprocessors: [{type: eval, filter: a > 1, expressions: {x: '1'}}]", "- id: eval\n    filter: \"a > 1\"", NULL);
	exports("id: p\nprocessors: [{type: lookup, lookup_table: t, match_field: [a, b], add_fields: [c, {d: e}], default_values: {e: f}}]",
	    "- lookupField: \"d\"\n          eventField: \"e\"\n          defaultValue: \"f\"", "correct them to those of the table's first line");
	exports("id: p\nprocessors: []\nroutes: [{name: r, destination: d, payload_template: '{}'}]", "functions:", "payload_template cannot be said");
}

static void imports(const char *functions, const char *part, const char *note)
{
	struct genops_pack in, out;
	struct genops_error err = {0};
	char conf[4096];
	assert_int_equal(genops_pack_init(&in, NULL) | genops_pack_init(&out, NULL), GENOPS_OK);
	snprintf(conf, sizeof conf, "functions: [%s]", functions);
	genops_pack_add(&in, GENOPS_STR("default/pipelines/p/conf.yml"), genops_str_of(conf));
	genops_pack_add(&in, GENOPS_STR("data/lookups/t.csv"), GENOPS_STR("k,v\n1,2\n"));
	genops_pack_add(&in, GENOPS_STR("default/pipelines/route.yml"),
	    GENOPS_STR("routes: [{pipeline: other, final: true, filter: a == 1, output: x}, {pipeline: p, final: false, filter: b == 2, output: y}]"));
	assert_int_equal(genops_pack_import(&in, &out, &err), GENOPS_OK);
	genops_str written = genops_pack_find(&out, "pipelines/p.yaml");
	assert_non_null(written.ptr);
	if (!strstr(written.ptr, part) || !strstr(written.ptr, "expression: \"(b == 2) && !(a == 1)\"") || !strstr(written.ptr, "destination: \"y\""))
		fail_msg("no %s in\n%s", part, written.ptr);
	assert_int_equal(note != NULL, strstr(written.ptr, "enabled: false") != NULL);
	if (note && !has_note(&out, note))
		fail_msg("no note %s", note);
	genops_pack_done(&in);
	genops_pack_done(&out);
}

static void how_things_of_cribls_are_said(void **state)
{
	imports("{id: eval, conf: {add: [{name: x, value: \"1 + a\"}, {name: off, value: '2', disabled: true}], remove: [z]}}", "- \"x\": \"1 + a\"\n      - \"z\": \"undefined\"", NULL);
	imports("{id: eval, conf: {add: [{name: x, value: \"1\"}, {name: y, value: \"C.vars.x\"}]}}", "- \"x\": \"1\"\n", "C.vars is not part");
	imports("{id: eval, conf: {remove: ['a*']}}", "routes:", "removed by a pattern");
	imports("{id: sampling, filter: c, conf: {rules: [{filter: 'true', rate: 5}]}}", "filter: \"c\"\n    rules:\n      - filter: \"true\"\n        rate: 5", NULL);
	imports("{id: mask, conf: {fields: [a], rules: [{matchRegex: '/x/g', replaceExpr: \"'y'\"}]}}", "- matchRegex: \"/x/g\"\n        replaceExpr: \"'y'\"", NULL);
	imports("{id: mask, conf: {fields: [a], rules: [{matchRegex: '/[/g', replaceExpr: \"'y'\"}]}}", "routes:", "left out: pattern /[/g");
	imports("{id: lookup, conf: {file: t.csv, inFields: [{eventField: a, lookupField: k}], outFields: [{lookupField: v, eventField: w, defaultValue: d}]}}",
	    "match_field: [\"a\"]\n    add_fields:\n      - {\"v\": \"w\"}\n    default_values:\n      \"w\": \"d\"", NULL);
	imports("{id: lookup, conf: {file: t.mmdb, inFields: [{eventField: a}]}}", "routes:", "no CSV file of the pack");
	imports("{id: lookup, conf: {file: ../../t.csv, inFields: [{eventField: a}]}}", "routes:", "no CSV file of the pack");
	imports("{id: drop, filter: c == 1}", "type: drop\n    filter: \"c == 1\"", NULL);
	imports("{id: drop, final: true, filter: c == 1}", "type: drop", "final");
	imports("{id: serde, conf: {}}", "routes:", "GenOps has no such function");
	imports("{id: serde, disabled: true}, {id: comment, conf: {comment: x}}", "routes:", NULL);
	imports("7, [], {id: }, {id: eval}, {id: mask, conf: 7}, {id: eval, conf: {add: {a: b}}}", "routes:", "without a field");
}

static void what_is_no_pack(void **state)
{
	static const char *const texts[] = {"", "x", "\x1f\x8b"};
	struct genops_error err = {0};
	struct genops_pack pack;
	assert_int_equal(genops_pack_init(&pack, NULL), GENOPS_OK);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(genops_pack_read(genops_str_of(texts[i]), &pack, &err), GENOPS_SYNTAX);
		assert_true(err.message[0]);
	}
	genops_pack_done(&pack);
}

static void without_memory(void **state)
{
#if FAILING_ALLOC
	char *text = document_file(shipped[0]);
	for (long n = 0; n < 300; n++) {
		struct genops_pack pack;
		struct genops_pack_export *export = malloc(sizeof *export);
		struct genops_error err = {0};
		allocs_left = n;
		only_own_allocs = 1;
		if (genops_pack_init(&pack, &err) == GENOPS_OK) {
			genops_pack_export_begin(export, &pack);
			if (export_text(text, &pack, export, &err) == GENOPS_OK)
				(void)!genops_pack_export_end(export, GENOPS_STR("x"), &err);
			genops_buffer_done(&export->routes);
			genops_buffer_done(&export->outputs);
			genops_pack_done(&pack);
		}
		only_own_allocs = 0;
		allocs_left = -1;
		free(export);
	}
	free(text);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(how_things_are_said_in_cribl),
	    cmocka_unit_test(how_things_of_cribls_are_said),
	    cmocka_unit_test(what_is_no_pack),
	    cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
