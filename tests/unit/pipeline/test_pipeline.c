/* SPDX-License-Identifier: Apache-2.0
 * test_pipeline.c - the guide's four pipelines as they are written: which routes take an event, and what it has become; names of counts;
 * what fails is counted and told once. Field by field they are asked of Node in tests/e2e/pipelines/test_pipelines.py.
 * Proves CRB-066, CRB-069, CRB-071, CRB-072, CRB-073, CRB-075, CRB-107, CRB-134, CRB-168, CRB-169, CRB-193, CRB-215; A-075. */
#include "documents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char cost[] = "tests/guide/pipelines/genops-cost-governance.yaml", policy[] = "tests/guide/pipelines/genops-policy-compliance.yaml",
		  budget[] = "tests/guide/pipelines/genops-budget-alerting.yaml", audit[] = "tests/guide/pipelines/genops-audit-trail.yaml";

static struct genops_pipeline *load(const char *file, const struct genops_lookups *lookups)
{
	struct genops_pipeline *pipeline = NULL;
	struct genops_error err = {0};
	char *text = document_file(file);
	if (document_read(text, lookups, &pipeline, &err) != GENOPS_OK)
		fail_msg("%s:%d:%d: %s; %s", file, err.line, err.column, err.message, err.fix);
	free(text);
	return pipeline;
}

static void expect(const char *file, const char *event, enum genops_pipeline_result result, const char *routes, const char *const *parts)
{
	static struct document_run run;
	enum genops_pipeline_result got;
	struct genops_error err = {0};
	struct genops_lookups *lookups = document_lookups();
	struct genops_pipeline *pipeline = load(file, lookups);
	document_run_init(&run, lookups);
	if (document_apply(pipeline, &run, event, &got, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	assert_string_equal(run.faults, "");
	assert_int_equal(got, result);
	assert_string_equal(run.routes, routes);
	for (; parts && *parts; parts++) {
		if (!strstr(run.event, *parts))
			fail_msg("%s is not in %s", *parts, run.event);
	}
	document_run_done(&run);
	genops_pipeline_free(pipeline);
	genops_lookups_free(lookups);
}

static void costs(void **state)
{
	static const char *const parts[] = {"\"cost_total\":12.5", "\"budget_tier\":\"enterprise\"", "\"budget_limit\":\"10000.00\"",
	    "\"cost_per_token\":0.0125", "\"routing_priority\":\"high\"", "\"finops_route\":\"true\"", "\"cost_dashboard_route\":true", "\"environment\":\"unknown\"", NULL};
	expect(cost,
	    "{\"__inputId\":\"genops_otlp_source\",\"trace_id\":\"ab\",\"attributes\":{\"genops.cost.total\":\"12.5\",\"genops.tokens.total\":1000,"
	    "\"genops.customer_id\":\"ENTERPRISE-123\"}}",
	    GENOPS_PIPELINE_ROUTED, "to_datadog_cost to_grafana_prometheus to_s3_cost_analytics to_cribl_lake_cost ", parts);
	expect(cost, "{\"__inputId\":\"genops_otlp_source\",\"attributes\":{}}", GENOPS_PIPELINE_PASSED_BY, "", NULL);
	expect(cost, "{\"__inputId\":\"other\",\"attributes\":{\"genops.cost.total\":1}}", GENOPS_PIPELINE_PASSED_BY, "", NULL);
}

static void policies(void **state)
{
	static const char *const parts[] = {"\"policy_reason\":\"[REDACTED_NAME] used [REDACTED_ID]\"", "\"violation_severity\":\"critical\"",
	    "\"retention_years\":7", "\"genops.policy.reason\":\"Jane Doe used AB123456\"", NULL};
	expect(policy,
	    "{\"__inputId\":\"genops_otlp_source\",\"attributes\":{\"genops.policy.name\":\"pii\",\"genops.policy.result\":\"blocked\","
	    "\"genops.policy.reason\":\"Jane Doe used AB123456\",\"genops.policy.metadata.compliance_framework\":\"HIPAA\"}}",
	    GENOPS_PIPELINE_ROUTED, "to_splunk_siem to_elastic_security to_compliance_audit_s3 to_datadog_monitoring to_webhook_alerts ", parts);
}

static void budgets(void **state)
{
	static const char *const parts[] = {"\"budget_status\":\"critical\"", "\"alert_title\":\"Budget Alert: team-a at 92.3%\"",
	    "Used: $923.00 / $1000.00\\n Remaining: $77.00\"", NULL};
	expect(budget,
	    "{\"__inputId\":\"genops_otlp_source\",\"attributes\":{\"genops.budget.name\":\"team-a\",\"genops.budget.limit\":1000,\"genops.budget.used\":923,"
	    "\"genops.budget.remaining\":\"77\"}}",
	    GENOPS_PIPELINE_ROUTED, "to_pagerduty to_slack to_datadog_budget_metrics to_cribl_lake_budgets ", parts);
	expect(budget,
	    "{\"__inputId\":\"genops_otlp_source\",\"attributes\":{\"genops.budget.name\":\"team-a\",\"genops.budget.limit\":1000,\"genops.budget.used\":10,"
	    "\"genops.budget.remaining\":\"990\"}}",
	    GENOPS_PIPELINE_DROPPED, "", NULL);
}

/* true == 'true' is false: Snowflake gets nothing. */
static void audits(void **state)
{
	static const char *const parts[] = {"\"audit_version\":1,", "\"audit_trail_required\":true", "\"audit_timestamp\":1700000000123",
	    "\"genops.eval.metadata.note\":\"ssn [REDACTED_SSN]\"", "\"genops.cost.metadata.by\":\"[REDACTED_EMAIL] jane@x.com\"", "\"storage_tier\":\"glacier\"", NULL};
	expect(audit,
	    "{\"__inputId\":\"genops_otlp_source\",\"name\":\"chat\",\"attributes\":{\"genops.compliance.framework\":\"HIPAA\","
	    "\"genops.eval.metadata.note\":\"ssn 123-45-6789\",\"genops.cost.metadata.by\":\"JANE@X.COM jane@x.com\"}}",
	    GENOPS_PIPELINE_ROUTED, "to_s3_compliance_longterm to_cribl_lake_audit ", parts);
}

static void slack_payload(void **state)
{
	static struct document_run run;
	enum genops_pipeline_result result;
	struct genops_pipeline *pipeline = load(budget, NULL);
	document_run_init(&run, NULL);
	assert_int_equal(document_apply(pipeline, &run, "{\"__inputId\":\"genops_otlp_source\",\"attributes\":{\"genops.budget.name\":\"q\\\"\\n\"}}", &result, NULL), GENOPS_OK);
	assert_non_null(strstr(run.payload, "{\"title\": \"Budget\", \"value\": \"q\\\"\\n\", \"short\": true}"));
	assert_non_null(strstr(run.payload, "\"color\": \"danger\""));
	document_run_done(&run);
	genops_pipeline_free(pipeline);
}

static void copies(void **state)
{
	struct genops_arena arena;
	struct genops_value event;
	struct genops_buffer before, after;
	static struct document_run run;
	enum genops_pipeline_result result;
	struct genops_pipeline *pipeline = load(audit, NULL);
	genops_arena_init(&arena, 1 << 20);
	genops_buffer_init(&before, 1 << 16);
	genops_buffer_init(&after, 1 << 16);
	document_run_init(&run, NULL);
	assert_int_equal(genops_value_from_json(GENOPS_STR("{\"__inputId\":\"genops_otlp_source\",\"attributes\":{\"genops.compliance.framework\":\"GDPR\","
							   "\"genops.eval.metadata.note\":\"123-45-6789\"}}"),
			     &arena, &event, NULL),
	    GENOPS_OK);
	assert_true(genops_value_to_json(event, &before));
	for (int i = 0; i < 3; i++)
		assert_int_equal(genops_pipeline_apply(pipeline, &run.run, event, run.counts, document_emit, &run, &result, NULL), GENOPS_OK);
	assert_non_null(strstr(run.event, "[REDACTED_SSN]"));
	assert_true(genops_value_to_json(event, &after));
	assert_true(genops_str_equal(genops_buffer_view(&before), genops_buffer_view(&after)));
	genops_buffer_done(&before);
	genops_buffer_done(&after);
	document_run_done(&run);
	genops_arena_done(&arena);
	genops_pipeline_free(pipeline);
}

static void names_of_counts(void **state)
{
	char name[128];
	struct genops_pipeline *pipeline = load(cost, NULL);
	static const char *const names[] = {"filter has_genops_cost", "eval parse_cost_attributes", "eval parse_cost_attributes cost_total"};
	for (size_t i = 0; i < 3; i++) {
		genops_pipeline_count_name(pipeline, i, name, sizeof name);
		assert_string_equal(name, names[i]);
	}
	bool has_rule = false, has_default = false, has_route = false;
	for (size_t i = 0; i < pipeline->n_counts; i++) {
		genops_pipeline_count_name(pipeline, i, name, sizeof name);
		assert_true(name[0]);
		has_rule |= strcmp(name, "sampling intelligent_cost_sampling rule 2") == 0;
		has_default |= strcmp(name, "sampling intelligent_cost_sampling default") == 0;
		has_route |= strcmp(name, "route to_cribl_lake_cost") == 0;
	}
	assert_true(has_rule && has_default && has_route);
	genops_pipeline_free(pipeline);
}

static void failures(void **state)
{
	static struct document_run run;
	enum genops_pipeline_result result;
	struct genops_pipeline *pipeline = NULL;
	struct genops_error err = {0};
	static const char text[] = "id: p\nprocessors:\n  - type: eval\n    expressions:\n      - a: missing.toFixed(2)\n      - b: \"'kept'\"\n"
				   "  - type: eval\n    filter: nothing.x\n    expressions: {b: '2'}\n"
				   "routes:\n  - name: never\n    destination: d\n    filter: missing.x\n  - name: always\n    destination: d\n"
				   "    payload_template: '{\"a\": ${missing.x}}'\n";
	if (document_read(text, NULL, &pipeline, &err) != GENOPS_OK)
		fail_msg("%d:%d %s", err.line, err.column, err.message);
	document_run_init(&run, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(document_apply(pipeline, &run, "{\"a\":1}", &result, NULL), GENOPS_OK);
		assert_string_equal(run.routes, "always ");
		assert_string_equal(run.event, "{\"a\":1,\"b\":\"kept\"}");
		assert_string_equal(run.payload, "{\"a\": null}");
	}
	assert_int_equal(run.counts[1].n_failed, 3);
	size_t lines = 0;
	for (const char *at = run.faults; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 4);
	assert_non_null(strstr(run.faults, "5:12 undefined has no members"));
	document_run_done(&run);
	genops_pipeline_free(pipeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(costs),
	    cmocka_unit_test(policies),
	    cmocka_unit_test(budgets),
	    cmocka_unit_test(audits),
	    cmocka_unit_test(slack_payload),
	    cmocka_unit_test(copies),
	    cmocka_unit_test(names_of_counts),
	    cmocka_unit_test(failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
