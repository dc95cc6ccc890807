/* SPDX-License-Identifier: Apache-2.0 - engine/config/machine/config_nodes.c, config_balancer.c: which machine is which, what it runs, and what of the
 * Cribl guide's cluster GenOps does not do. Proves CRB-387, CRB-388..411 as far as one machine can. */
#include "config_fixture.h"

#define PIPELINES                                                                                     \
	"destinations: [{id: out, type: file, path: /tmp/out}]\n"                                     \
	"pipelines:\n"                                                                                \
	"  - {id: genops-cost-governance, routes: [{name: r, destination: out}]}\n"                   \
	"  - {id: genops-policy-compliance, routes: [{name: r, destination: out}]}\n"                 \
	"  - {id: genops-budget-alerting, routes: [{name: r, destination: out}]}\n"                   \
	"  - {id: genops-audit-trail, routes: [{name: r, destination: out}]}\n"

static struct genops_config *guide(const char *node, const char *more)
{
	static char text[65536];
	if (node)
		setenv("GENOPS_NODE", node, 1);
	FILE *file = fopen(SOURCE_DIR "/tests/guide/parts/worker_nodes.yaml", "r");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof text / 2, file);
	fclose(file);
	snprintf(text + n, sizeof text - n, "\n%s", more);
	return load(NULL, text, NULL);
}

static void a_node_runs_its_pipelines(void **state)
{
	static const struct {
		const char *node, *run;
	} cases[] = {{"cribl-worker-01", "1100"}, {"cribl-worker-02", "0011"}, {"cribl-worker-03", "1111"}, {"CRIBL-worker-02.example.com", "0011"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_config *config = guide(cases[i].node, PIPELINES);
		assert_int_equal(config->n_pipelines, 4);
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(config->pipelines[k]->is_enabled, cases[i].run[k] == '1');
		assert_false(warns(config, "is none of them"));
		assert_false(warns(config, "there is no pipeline"));
		genops_config_unref(config);
	}
}

static void a_machine_that_is_none_runs_all(void **state)
{
	struct genops_config *config = guide(NULL, PIPELINES);
	for (size_t k = 0; k < 4; k++)
		assert_true(config->pipelines[k]->is_enabled);
	is(config->node, "");
	assert_true(warns(config, "is none of them, and runs all pipelines"));
	assert_true(warns(config, "leader_nodes has no effect"));
	assert_true(warns(config, "target cribl-worker-01:4318 answers no balancer"));
	assert_true(warns(config, "GenOps answers /health and stands no balancer up"));
	is(config->gateway.health_path, "/health");
	genops_config_unref(config);
}

static void a_node_that_is_not_there(void **state)
{
	struct genops_error err = {0};
	setenv("GENOPS_NODE", "cribl-worker-04", 1);
	struct genops_config_source source = {.text = "worker_nodes: {cribl-worker-03: {}}"};
	assert_null(genops_config_load(&source, &err));
	assert_int_equal(err.code, GENOPS_CONFIG);
	assert_string_equal(err.message, "environment variable GENOPS_NODE: worker_nodes has no \"cribl-worker-04\"");
	assert_string_equal(err.fix, "did you mean \"cribl-worker-03\"?");
}

static void what_does_not_fit_is_told(void **state)
{
	setenv("GENOPS_NODE", "a", 1);
	struct genops_config *config = load(NULL,
	    "worker_nodes:\n"
	    "  - a: {cpu: 100000 cores, memory: 900 TB, pipelines: [genops-cost, genops-bugdet-alerting, genops]}\n"
	    "  - b: {pipelines: []}\n" PIPELINES
	    "load_balancer: {health_check: {path: /alive}, targets: ['10.0.0.1:4318', '10.0.0.1:9', '127.0.0.1:4318', '10.0.0.1:4319']}\n", NULL);
	assert_true(warns(config, "this machine has"));
	assert_true(warns(config, "not 100000"));
	assert_true(warns(config, "MiB of memory, not 858306884"));
	assert_true(warns(config, "there is no pipeline \"genops-bugdet-alerting\" for a"));
	assert_true(warns(config, "nothing listens on port 9 here"));
	assert_true(warns(config, "port 4319 can be reached from this machine only"));
	assert_false(warns(config, "127.0.0.1:4318"));
	is(config->gateway.health_path, "/alive");
	is(config->node, "a");
	genops_config_unref(config);
}

static void a_pipeline_that_nobody_runs(void **state)
{
	struct genops_config *config = guide("cribl-worker-01", PIPELINES);
	assert_false(warns(config, "no node runs"));
	genops_config_unref(config);
	config = load(NULL, "worker_nodes: {cribl-worker-01: {pipelines: [genops-cost]}, cribl-worker-02: {pipelines: genops-policy}}\n" PIPELINES, NULL);
	assert_true(warns(config, "no node runs pipeline \"genops-budget-alerting\""));
	assert_true(warns(config, "no node runs pipeline \"genops-audit-trail\""));
	assert_true(config->pipelines[0]->is_enabled);
	assert_false(config->pipelines[1]->is_enabled);
	genops_config_unref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_node_runs_its_pipelines, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_machine_that_is_none_runs_all, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_node_that_is_not_there, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_does_not_fit_is_told, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_pipeline_that_nobody_runs, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
