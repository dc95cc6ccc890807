/* SPDX-License-Identifier: Apache-2.0
 * test_config_documents.c - pipelines, lookups and destinations: inline, in files, by patterns; what is watched; tables that are taken over or
 * kept; what is wrong with its place. Proves CRB-214 in part (unresolved destinations are errors), A-092; CRB-311, CRB-312, CRB-313, CRB-314, CRB-316. */
#include "config_fixture.h"

#include "pipeline/function.h"

static struct genops_config *load_after(const struct genops_config *before)
{
	struct genops_error err = {0};
	struct genops_config_source source = {.file = "genops.yaml", .before = before, .without_prices = true};
	struct genops_config *config = genops_config_load(&source, &err);
	if (!config)
		fail_msg("%s:%d:%d: %s", err.file, err.line, err.column, err.message);
	return config;
}

static void fails(const char *text, const char *place, const char *part)
{
	struct genops_error err = {0};
	char got[1200];
	put("genops.yaml", text);
	struct genops_config_source source = {.file = "genops.yaml", .without_prices = true};
	struct genops_config *config = genops_config_load(&source, &err);
	if (config)
		fail_msg("it loads: %s", text);
	const char *slash = strrchr(err.file, '/');
	snprintf(got, sizeof got, "%s:%d:%d: %s; %s", slash ? slash + 1 : err.file, err.line, err.column, err.message, err.fix);
	if (strncmp(got, place, strlen(place)) != 0 || !strstr(got, part))
		fail_msg("\"%s\" is not at %s or without \"%s\"", got, place, part);
	assert_int_equal(genops_error_exit_code(err.code), 2);
}

static void documents_stand_anywhere(void **state)
{
	assert_int_equal(mkdir("p", 0700), 0);
	put("p/a.yaml", "id: a\nroutes: [{name: r, destination: d}]\n---\nid: b\nroutes: []\n");
	put("p/c.yaml", "- {id: c, routes: []}\n- {id: d, routes: []}\n");
	put("t.csv", "k,v\n1,2\n");
	put("genops.yaml", "pipelines:\n  - p/*.yaml\n  - {id: e, routes: []}\n"
			   "destinations: {id: d, type: debug}\n"
			   "lookups: [{id: t, file: t.csv, key_field: k}]\n");
	struct genops_config *config = load_after(NULL);
	assert_int_equal(config->n_pipelines, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(config->pipelines[i]->id.ptr[0], "abcde"[i]);
	assert_non_null(strstr(config->pipelines[0]->place.file, "/p/a.yaml"));
	assert_int_equal(config->n_destinations, 1);
	is(config->destinations[0].name, "d");
	is(config->destinations[0].type, "debug");
	assert_ptr_equal(genops_config_destination_find(config, GENOPS_STR("d")), &config->destinations[0]);
	assert_null(genops_config_destination_find(config, GENOPS_STR("e")));
	assert_non_null(genops_lookups_find(config->lookups, GENOPS_STR("t")));
	assert_int_equal(config->n_warnings, 0);
	assert_false(genops_config_is_stale(config));
	put("p/z.yaml", "id: z\nroutes: []\n"); /* a new name that fits */
	assert_true(genops_config_is_stale(config));
	genops_config_unref(config);
	config = load_after(NULL);
	assert_int_equal(config->n_pipelines, 6);
	put("p/c.yaml", "id: other\nroutes: []\n");
	assert_true(genops_config_is_stale(config));
	genops_config_unref(config);
	put("genops.yaml", "pipelines: nothing/*.yaml\n");
	config = load_after(NULL);
	assert_true(warns(config, "no file fits"));
	genops_config_unref(config);
}

static void paths_start_at_the_documents_file(void **state)
{
	assert_int_equal(mkdir("deep", 0700), 0);
	put("deep/lookups.yaml", "id: t\nfile: t.csv\n");
	put("deep/t.csv", "k,v\n1,2\n");
	put("deep/out.yaml", "id: d\ntype: file\npath: here.jsonl\n");
	put("genops.yaml", "lookups: deep/lookups.yaml\ndestinations: [deep/out.yaml]\n");
	struct genops_config *config = load_after(NULL);
	assert_int_equal(genops_lookup_table_n_rows(genops_lookups_find(config->lookups, GENOPS_STR("t"))), 1);
	assert_true(genops_str_ends(config->destinations[0].endpoint, GENOPS_STR("/deep/here.jsonl")));
	genops_config_unref(config);
}

static void a_folder_is_no_pattern(void **state)
{
	(void)state;
	assert_int_equal(mkdir("[prod] *", 0700), 0);
	put("[prod] */one.yaml", "id: one\nroutes: [{destination: out}]\n");
	put("[prod] */genops.yaml", "destinations: [{id: out, type: debug}]\npipelines: \"*ne.yaml\"\n");
	struct genops_config *config = load("[prod] */genops.yaml", NULL, NULL);
	assert_int_equal(config->n_pipelines, 1);
	genops_config_unref(config);
}

static void findings_have_their_file(void **state)
{
	put("p.yaml", "id: p\nprocessors:\n  - {name: e, type: eval, expressions: [{a: nobody}]}\n");
	put("genops.yaml", "pipelines:\n  - p.yaml\n  - id: q\n    processors: [{name: e, type: eval, expressions: [{a: somebody}]}]\n");
	struct genops_config *config = load_after(NULL);
	assert_int_equal(config->n_warnings, 2);
	assert_true(genops_str_ends(config->warnings[0].file, GENOPS_STR("/p.yaml")));
	assert_int_equal(config->warnings[0].line, 3);
	assert_int_equal(config->warnings[1].file.len, 0); /* the configuration's own */
	assert_int_equal(config->warnings[1].line, 4);
	assert_true(config->warnings[0].is_lint && config->warnings[1].is_lint);
	genops_config_unref(config);
}

/* --- lookups --- */

static void a_table_is_taken_over_or_kept(void **state)
{
	put("t.csv", "k,v\n1,2\n");
	put("genops.yaml", "lookups: [{id: t, file: t.csv, reload_interval: 0.000001s}]\n");
	struct genops_config *first = load_after(NULL);
	struct genops_lookup_table *table = genops_lookups_find(first->lookups, GENOPS_STR("t"));
	struct genops_config *second = load_after(first);
	assert_ptr_equal(genops_lookups_find(second->lookups, GENOPS_STR("t")), table); /* nothing has changed */
	genops_config_unref(first);
	put("t.csv", "k,v\n1,2\n3,4\n");
	struct genops_config *third = load_after(second);
	table = genops_lookups_find(third->lookups, GENOPS_STR("t"));
	assert_int_equal(genops_lookup_table_n_rows(table), 2);
	put("t.csv", "k,v\n\"1,2\n");
	struct genops_config *fourth = load_after(third);
	assert_ptr_equal(genops_lookups_find(fourth->lookups, GENOPS_STR("t")), table); /* the last good one */
	assert_true(warns(fourth, "lookup \"t\" stays as it was: "));
	assert_true(fourth->warnings[0].is_kept);
	genops_config_unref(second);
	genops_config_unref(third);
	assert_int_equal(unlink("t.csv"), 0);
	struct genops_config *fifth = load_after(fourth);
	assert_ptr_equal(genops_lookups_find(fifth->lookups, GENOPS_STR("t")), table);
	put("t.csv", "k,v\n9,9\n9,8\n9,7\n");
	assert_true(genops_config_is_stale(fifth));
	struct genops_config *sixth = load_after(fifth);
	assert_int_equal(genops_lookup_table_n_rows(genops_lookups_find(sixth->lookups, GENOPS_STR("t"))), 3);
	assert_int_equal(sixth->n_warnings, 0);
	genops_config_unref(fourth);
	genops_config_unref(fifth);
	genops_config_unref(sixth);
}

static void a_table_is_looked_at_in_its_own_time(void **state)
{
	put("t.csv", "k,v\n1,2\n");
	put("genops.yaml", "lookups: [{id: t, file: t.csv, reload_interval: 1h}]\n");
	struct genops_config *config = load_after(NULL);
	put("t.csv", "k,v\n1,2\n3,4\n");
	assert_false(genops_config_is_stale(config));
	genops_config_unref(config);
	put("genops.yaml", "lookups: [{id: t, file: t.csv, reload_interval: 0s}]\n");
	config = load_after(NULL);
	put("t.csv", "k,v\n");
	assert_false(genops_config_is_stale(config));
	genops_config_unref(config);
}

/* --- what is wrong --- */

static void what_is_wrong_has_its_place(void **state)
{
	put("t.csv", "k,v\n1,2\n");
	put("bad.csv", "k,v\n1,2,3\n");
	put("two.yaml", "id: a\nroutes: []\n---\nid: b\nfilters: [{name: f, expression: 'a =='}]\n");
	put("lookup.yaml", "id: t\nfile: t.csv\n");
	fails("pipelines: [{id: p, routes: [{name: r, destination: slak}]}]\ndestinations: [{id: slack, type: debug}]\n",
	    "genops.yaml:1:", "there is no destination \"slak\"; did you mean \"slack\"?");
	fails("pipelines: [{id: p, routes: [{name: r, destination: x}]}]\n", "genops.yaml:1:", "add a document with id: x to destinations");
	fails("pipelines: [{id: p, processors: [{name: l, type: lookup, lookup_table: tt, match_field: name}]}]\nlookups: [{id: t, file: t.csv}]\n",
	    "genops.yaml:1:", "did you mean \"t\"?");
	fails("pipelines: [{id: p, processors: [{name: l, type: lookup, lookup_table: t, match_field: name}]}]\n", "genops.yaml:1:", "\"t\"");
	fails("pipelines: [{id: p, routes: []}, {id: p, routes: []}]\n", "genops.yaml:1:", "there are two pipelines \"p\"");
	fails("pipelines: two.yaml\n", "two.yaml:5:", "");
	fails("pipelines: lookup.yaml\n", "lookup.yaml:1:1", "not a pipeline");
	fails("pipelines: none.yaml\n", "genops.yaml:1:12", "No such file or directory; name a file that is there and can be read");
	fails("pipelines: [7]\n", "genops.yaml:1:", "7: No such file");
	fails("pipelines: [[a]]\n", "genops.yaml:1:", "must be a mapping");
	fails("lookups: [{id: t, file: none.csv}]\n", "genops.yaml:1:25", "No such file");
	fails("lookups: [{id: t, file: bad.csv}]\n", "bad.csv:2:", "a row of 3 fields");
	fails("lookups: [{id: t, file: t.csv}, {id: t, file: t.csv}]\n", "genops.yaml:1:", "there are two lookups \"t\"");
	fails("lookups: [{id: t, file: t.csv, case_sensitiv: true}]\n", "genops.yaml:1:", "did you mean \"case_sensitive\"?");
	fails("lookups: [{id: t, type: mmdb, file: t.csv}]\n", "genops.yaml:1:", "csv");
	fails("lookups: [{id: t, file: t.csv, match_type: cidr}]\n", "genops.yaml:1:", "exact");
	fails("lookups: [{file: t.csv}]\n", "genops.yaml:1:", "needs \"id\"");
	fails("destinations: [{id: d, type: debugg}]\n", "genops.yaml:1:", "is not available in this build; did you mean \"debug\"?");
	fails("destinations: [{id: d}]\n", "genops.yaml:1:", "needs \"type\"");
	fails("destinations: [{id: d, type: file}]\n", "genops.yaml:1:", "needs \"path\"");
	fails("destinations: [{id: d, type: file, path: out.jsonl}, {id: e, type: file, path: out.jsonl}]\n", "genops.yaml:1:", "another destination writes out.jsonl, too");
	fails("exporters: {file: {path: out.jsonl}}\ndestinations: [{id: e, type: file, path: out.jsonl}]\n", "genops.yaml:2:", "another destination writes out.jsonl, too");
	fails("destinations: [{id: d, type: otlphttp, endpoint: 'http://127.0.0.1:1', compresion: gzip}]\n", "genops.yaml:1:", "did you mean \"compression\"?");
	fails("destinations: [{id: d, type: debug}, {id: d, type: debug}]\n", "genops.yaml:1:", "there are two destinations \"d\"");
}

/* CRB-071: a route's key that its destination's type can do nothing with is no silence. */
static void a_setting_that_means_nothing_is_an_error(void **state)
{
	fails("pipelines:\n- id: p\n  routes:\n  - name: r\n    destination: far\n    dataset: genops_cost\n"
	      "destinations: [{id: far, type: otlphttp, endpoint: 'http://127.0.0.1:1'}]\n",
	    "genops.yaml:6:14", "route \"r\": dataset means nothing to destination \"far\" of type otlphttp; remove it");
	fails("pipelines:\n- id: p\n  routes:\n  - {name: q, destination: near, table: t}\n  - name: r\n    destination: far\n    payload_template: '{}'\n"
	      "destinations: [{id: near, type: debug}, {id: far, type: otlphttp, endpoint: 'http://127.0.0.1:1'}]\n",
	    "genops.yaml:7:23", "payload_template means nothing");
	put("genops.yaml", "pipelines: [{id: p, routes: [{name: r, destination: near, table: t, retention: 7 years, payload_template: '{}'}]}]\n"
			   "destinations: [{id: near, type: debug}]\n");
	struct genops_config *config = load_after(NULL);
	assert_int_equal(config->n_warnings, 0);
	genops_config_unref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(documents_stand_anywhere, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(paths_start_at_the_documents_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_folder_is_no_pattern, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(findings_have_their_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_table_is_taken_over_or_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_table_is_looked_at_in_its_own_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_wrong_has_its_place, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_setting_that_means_nothing_is_an_error, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
