/* SPDX-License-Identifier: Apache-2.0
 * test_lint.c - every trap of the guide's documents is found, with its place, and none in the pipelines that we ship; what is clean is let
 * alone; each kind of finding by itself, with its nearest neighbours that are none.
 * Proves DESIGN 6 "Traps in the guides", A-075..A-077, A-079, A-082, A-084, A-085, A-087, A-095, A-105 (as findings). */
#include "pipeline/lint/lint.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "documents.h"
#include "failing_alloc.h"

struct findings {
	size_t n;
	char text[32][900]; /* line:column message | fix */
};

static void found(void *arg, const struct genops_place *place, const char *message, const char *fix)
{
	struct findings *findings = arg;
	assert_true(findings->n < 32);
	assert_true(place->line > 0 && place->column > 0);
	assert_true(message[0] && fix[0]);
	snprintf(findings->text[findings->n++], sizeof *findings->text, "%d:%d %s | %s", place->line, place->column, message, fix);
}

static void look(const char *text, struct findings *findings)
{
	struct genops_pipeline *pipeline;
	struct genops_error err = {0};
	findings->n = 0;
	if (document_read(text, NULL, &pipeline, &err) != GENOPS_OK)
		fail_msg("%d:%d %s in\n%s", err.line, err.column, err.message, text);
	assert_int_equal(genops_lint_pipeline(pipeline, found, findings, &err), GENOPS_OK);
	genops_pipeline_free(pipeline);
}

/* Exactly these, in order; each a part of its line. */
static void finds(const char *text, const char *const *parts)
{
	struct findings findings;
	size_t n = 0;
	look(text, &findings);
	for (; parts[n]; n++) {
		if (n >= findings.n || !strstr(findings.text[n], parts[n]))
			fail_msg("finding %zu is \"%s\", not \"%s\", of\n%s", n + 1, n < findings.n ? findings.text[n] : "", parts[n], text);
	}
	if (findings.n > n)
		fail_msg("one more: %s, of\n%s", findings.text[n], text);
}

static void finds_in_file(const char *name, const char *const *parts)
{
	char *text = document_file(name);
	finds(text, parts);
	free(text);
}

static void the_guides_traps_are_found(void **state)
{
	finds_in_file("tests/guide/pipelines/genops-cost-governance.yaml",
	    (const char *const[]){"67:9 sampling rule 3 keeps everything (customer_id != 'none' && budget_tier == 'enterprise'), but rule 2 (cost_total > 1) "
				  "comes first and drops 50 % of what both match | put the rules that keep everything first",
		NULL});
	finds_in_file("tests/guide/pipelines/genops-policy-compliance.yaml",
	    (const char *const[]){"44:9 the pattern of field policy_reason also takes ordinary words: \"Blocked By policy\", \"Budget Exceeded\" |",
		"44:9 field policy_reason is masked, but attribute genops.policy.reason, which it comes from, goes out as it is |", NULL});
	finds_in_file("tests/guide/pipelines/genops-budget-alerting.yaml",
	    (const char *const[]){"33:27 budget_remaining <= 0 is true of every event without attribute genops.budget.remaining, which counts as 0 there | compute budget_remaining",
		"alert_severity can be 'high', which PagerDuty refuses | map it: critical, error, warning or info",
		"sample rate 0 lets nothing of these events through to any route, also not to to_cribl_lake_budgets, which has no filter |", NULL});
	finds_in_file("tests/guide/pipelines/genops-audit-trail.yaml",
	    (const char *const[]){"7:5 attributes['genops.compliance.audit_trail_required'] == 'true' is false of a boolean attribute",
		"49:24 field audit_version becomes the number 1, not the text 1.0: a value is an expression | for a text write quotes within quotes: \"'1.0'\"",
		"61:9 the pattern of field attributes['genops.cost.metadata.*'] finds e-mail addresses only in capital letters: jane.doe@example.com stays | add flags: i",
		"route to_s3_compliance_longterm: object_lock is the sentence \"COMPLIANCE mode, 7 years\"",
		"audit_trail_required == 'true' is never true: audit_trail_required is only true | write true without quotes", NULL});
}

static void what_we_ship_is_clean(void **state)
{
	static const char *const files[] = {"data/pipelines/genops-cost-governance.yaml", "data/pipelines/genops-policy-compliance.yaml",
	    "data/pipelines/genops-budget-alerting.yaml", "data/pipelines/genops-audit-trail.yaml"};
	for (size_t i = 0; i < 4; i++)
		finds_in_file(files[i], (const char *const[]){NULL});
}

/* The guide's parts stand behind what sets their fields. */
static void finds_in_part(const char *name, const char *section, const char *const *parts)
{
	static const char head[] =
	    "id: part\n"
	    "processors:\n"
	    "- type: eval\n"
	    "  expressions:\n"
	    "  - cost_total: \"parseFloat(attributes['genops.cost.total'])\"\n"
	    "  - policy_result: \"attributes['genops.policy.result']\"\n"
	    "  - compliance_framework: \"attributes['genops.compliance.framework'] || 'none'\"\n"
	    "  - budget_tier: \"attributes['tier']\"\n"
	    "  - customer_id: \"attributes['genops.customer_id'] || 'none'\"\n"
	    "  - is_violation: \"policy_result == 'blocked'\"\n"
	    "  - environment: \"attributes['genops.environment']\"\n"
	    "  - budget_status: \"attributes['status']\"\n"
	    "  - budget_name: \"attributes['genops.budget.name']\"\n"
	    "  - budget_exhausted: \"budget_status == 'exhausted'\"\n"
	    "  - team: \"attributes['genops.team']\"\n"
	    "  - project: \"attributes['genops.project']\"\n"
	    "  - policy_name: \"attributes['genops.policy.name']\"\n"
	    "  - policy_reason: \"attributes['genops.policy.reason']\"\n"
	    "  - violation_severity: \"is_violation ? 'critical' : 'low'\"\n"
	    "  - actual_utilization: \"parseFloat(attributes['genops.budget.utilization_percent'])\"\n"
	    "  - budget_used: \"parseFloat(attributes['genops.budget.used'])\"\n"
	    "  - budget_limit: \"parseFloat(attributes['genops.budget.limit'])\"\n"
	    "  - budget_remaining: \"parseFloat(attributes['genops.budget.remaining'])\"\n";
	char path[256], *part, *whole;
	snprintf(path, sizeof path, "tests/guide/parts/%s.yaml", name);
	part = document_file(path);
	whole = malloc(sizeof head + strlen(part) + strlen(section) + 1);
	sprintf(whole, "%s%s%s", head, section, part);
	finds(whole, parts);
	free(whole);
	free(part);
}

static void the_guides_parts(void **state)
{
	finds_in_part("cost_aware_sampling", "", (const char *const[]){NULL});
	finds_in_part("policy_based_sampling", "",
	    (const char *const[]){"sampling rule 4 keeps everything (compliance_framework != 'none'), but rule 3 (policy_result == 'allowed') comes first and drops 99 %", NULL});
	finds_in_part("customer_tier_sampling", "",
	    (const char *const[]){"sampling rule 4 keeps everything (customer_id != 'none' && is_violation == true), but rule 2 (budget_tier == 'growth')", NULL});
	finds_in_part("environment_sampling", "", (const char *const[]){NULL});
	finds_in_part("to_pagerduty_budget_critical", "routes:\n",
	    (const char *const[]){"route to_pagerduty_budget_critical: dedup_key has Date.now in it and never repeats", NULL});
	finds_in_part("to_slack_policy_violations", "routes:\n", (const char *const[]){NULL});
}

/* --- one by one --- */

static void eval_finds(const char *expression, const char *part)
{
	char text[2048];
	snprintf(text, sizeof text,
	    "id: p\n"
	    "processors:\n"
	    "  - type: eval\n"
	    "    expressions:\n"
	    "      - flag: \"attributes['a'] == 1\"\n"
	    "      - word: \"flag ? 'on' : 'off'\"\n"
	    "      - amount: \"parseFloat(attributes['genops.cost.total'] || '0')\"\n"
	    "      - any: \"attributes['b']\"\n"
	    "      - result: |\n"
	    "          %s\n",
	    expression);
	finds(text, (const char *const[]){part, NULL});
}

static void comparisons_that_never_hold(void **state)
{
	eval_finds("flag == 'true'", "flag == 'true' is never true: flag is only false or true");
	eval_finds("'true' === flag", "'true' === flag is never true");
	eval_finds("flag != 'false'", "flag != 'false' is always true");
	eval_finds("word == 'On'", "word == 'On' is never true: word is only \"on\" or \"off\"");
	eval_finds("word == true", "word == true is never true");
	eval_finds("amount === '1'", "amount === '1' is never true: amount is a number");
	eval_finds("amount == 'one'", "amount == 'one' is never true: amount is a number");
	eval_finds("amount > 'high'", "amount > 'high' is never true");
	eval_finds("(word == 'maybe') || flag", "word == 'maybe' is never true");
	eval_finds("typeof any == 'text'", "is never true");
	eval_finds("flag == '1'", NULL); /* true == '1' */
	eval_finds("amount == '1'", NULL);
	eval_finds("any == 'true'", NULL);
	eval_finds("word != 'off' && flag == true && amount > '1' && any == 5", NULL);
	eval_finds("amount == null || word === undefined", NULL); /* a guard */
	eval_finds("attributes['x'] == 'true'", "false of a boolean attribute");
	eval_finds("String(attributes['x']) == 'true'", NULL);
	eval_finds("attributes['x'] == true || attributes['x'] == 'yes'", NULL);
}

static void defaults_that_count_as_alarms(void **state)
{
	eval_finds("amount <= 0", "amount <= 0 is true of every event without attribute genops.cost.total");
	eval_finds("amount < 5 ? 'low' : 'high'", "amount < 5 is true of every event without");
	eval_finds("amount > 0 || amount >= 1", NULL);
	finds("id: p\n"
	      "filters: [{expression: \"attributes['n'] != null\"}]\n"
	      "processors: [{type: eval, expressions: [{n: \"parseInt(attributes['n'] || '0')\"}, {low: n <= 0}]}]\n",
	    (const char *const[]){NULL});
}

static void names(void **state)
{
	eval_finds("amuont > 1", "nothing sets field amuont: it is always undefined | did you mean \"amount\"?");
	eval_finds("team == 'red'", "nothing sets field team: it is always undefined | write attributes['genops.team']");
	eval_finds("whatever", "nothing sets field whatever: it is always undefined | set it in an eval before");
	eval_finds("attributes['genops.cost.totl'] > 1", "attribute genops.cost.totl is none that GenOps writes | did you mean \"genops.cost.total\"?");
	eval_finds("attributes['genops.eval.anything'] || attributes['gen_ai.x'] || attributes['genops.something.else.of.yours']", NULL);
	eval_finds("name + kind + trace_id + status.code + resource.attributes['service.name'] + duration_ms + __inputId + _time + body", NULL);
	finds("id: p\nprocessors: [{type: eval, expressions: [{a: b}, {b: '1'}]}]", (const char *const[]){"field b is set only further down", NULL});
	finds("id: p\nprocessors: [{type: lookup, lookup_table: t, match_field: customer, add_fields: [tier]}, {type: eval, expressions: [{a: tier}]}]",
	    (const char *const[]){"nothing sets field customer", NULL});
	finds("id: p\nroutes: [{name: r, destination: d, filter: nobody == 1}]", (const char *const[]){"nothing sets field nobody", NULL});
}

static void rules_finds(const char *rules, const char *part)
{
	char text[1024];
	snprintf(text, sizeof text, "id: p\nprocessors: [{type: eval, expressions: [{x: \"attributes['x']\"}, {y: \"attributes['y']\"}]}, {type: sampling, rules: [%s]}]", rules);
	finds(text, (const char *const[]){part, NULL});
}

static void rules_that_are_never_reached(void **state)
{
	rules_finds("{condition: x > 1, sample_rate: 0.5}, {condition: x > 10, sample_rate: 1}", "sampling rule 2 (x > 10) is never reached: rule 1");
	rules_finds("{condition: x > 1, sample_rate: 1}, {condition: x >= 1.5 && y == 2, sample_rate: 0.1}", "rule 2 (x >= 1.5 && y == 2) is never reached");
	rules_finds("{condition: x == 'a' || x == 'b', sample_rate: 1}, {condition: x == 'b', sample_rate: 0.1}", "rule 2 (x == 'b') is never reached");
	rules_finds("{condition: x != 'a', sample_rate: 1}, {condition: x == 'b', sample_rate: 0.1}", "rule 2 (x == 'b') is never reached");
	rules_finds("{condition: x, sample_rate: 1}, {condition: x == true, sample_rate: 0.1}", "is never reached");
	rules_finds("{condition: x == true, sample_rate: 1}, {condition: x, sample_rate: 0.1}", NULL); /* a text */
	rules_finds("{condition: x > 10, sample_rate: 1}, {condition: x > 1, sample_rate: 0.5}, {default: 0.1}", NULL);
	rules_finds("{condition: x >= 1, sample_rate: 1}, {condition: x > 0.5, sample_rate: 0.2}", NULL);
	rules_finds("{condition: Math.random() > 0.5, sample_rate: 1}, {condition: Math.random() > 0.5, sample_rate: 0.5}", NULL);
}

static void what_must_be_kept(void **state)
{
	rules_finds("{condition: x == 1, sample_rate: 0.5}, {condition: y == 1, sample_rate: 1}", "rule 2 keeps everything (y == 1), but rule 1 (x == 1)");
	rules_finds("{condition: x < 1, sample_rate: 0.5}, {condition: x >= 1, sample_rate: 1}", NULL);
	rules_finds("{condition: x < 1 && y, sample_rate: 0.5}, {condition: '!y', sample_rate: 1}", NULL);
	rules_finds("{condition: x == 'a' || x == 'b', sample_rate: 0.5}, {condition: x == 'c', sample_rate: 1}", NULL);
	rules_finds("{condition: x == 'a' || y, sample_rate: 0.5}, {condition: x == 'c', sample_rate: 1}", "rule 2 keeps everything");
	rules_finds("{condition: x == 1, sample_rate: 0.5}, {default: 1}", NULL);
}

static void mask_finds(const char *rule, const char *part)
{
	char text[1024];
	snprintf(text, sizeof text, "id: p\nprocessors:\n  - {type: mask, rules: [{field: name, %s, replacement: x}]}\n", rule);
	finds(text, (const char *const[]){part, NULL});
}

static void patterns(void **state)
{
	mask_finds("pattern: '[A-Z]+@[A-Z.]+'", "finds e-mail addresses only in capital letters");
	mask_finds("pattern: '[A-Z]+@[A-Z.]+', flags: i", NULL);
	mask_finds("pattern: '[\\w.]+@[\\w.]+'", NULL);
	mask_finds("pattern: '[A-Z]{2}\\d{6}'", NULL); /* an identifier is written in capitals */
	mask_finds("pattern: '[A-Z][a-z]+ [A-Z][a-z]+'", "also takes ordinary words");
	mask_finds("pattern: '(?<=by )[A-Z][a-z]+'", NULL);
	mask_finds("pattern: '.+'", NULL); /* all of it, and so meant */
}

static void payload_finds(const char *destination, const char *payload, const char *part)
{
	char text[2048];
	snprintf(text, sizeof text,
	    "id: p\nprocessors:\n  - type: eval\n    expressions:\n      - key: \"`${name}-${Date.now()}`\"\n      - level: \"name == 'x' ? 'critical' : 'high'\"\n"
	    "routes:\n  - name: r\n    destination: %s\n    payload_template: |\n      %s\n", destination, payload);
	finds(text, (const char *const[]){part, NULL});
}

static void payloads(void **state)
{
	payload_finds("d", "{\"dedup_key\": \"a-${name}-${Math.random()}\"}", "dedup_key has Math.random in it");
	payload_finds("d", "{\"a\": {\"dedup_key\": \"${key}\"}}", "dedup_key has Date.now in it"); /* through a field */
	payload_finds("d", "{\"dedup_key\": \"${_random:6}\"}", "dedup_key has _random in it");
	payload_finds("d", "{\"dedup_key\": \"${name}\", \"time\": ${Date.now()}, \"x\": \"${key}\"}", NULL);
	payload_finds("pagerduty", "{\"payload\": {\"severity\": \"${level}\"}}", "severity can be 'high', which PagerDuty refuses");
	payload_finds("d", "{\"routing_key\": \"k\", \"severity\": \"${level}\"}", "severity can be 'high', which PagerDuty refuses");
	payload_finds("d", "{\"severity\": \"${level}\"}", NULL);
	payload_finds("d", "{\"a\": \"${nobody}\"}", "nothing sets field nobody");
}

static void other_findings(void **state)
{
	finds("id: p\nprocessors: [{type: eval, expressions: [{version: '1.0'}, {n: '1'}, {big: '1000000'}, {text: \"'1.0'\"}]}]",
	    (const char *const[]){"field version becomes the number 1", NULL});
	finds("id: p\nprocessors: [{type: sampling, rules: [{condition: name == 'x', sample_rate: 1}, {default: 0}]}]\nroutes: [{name: r, destination: d, filter: name == 'x'}]",
	    (const char *const[]){NULL});
	finds("id: p\nprocessors:\n"
	      "  - {type: eval, filter: name == 'x', expressions: [{flag: 'true'}]}\n"
	      "  - {type: eval, expressions: [{a: \"flag == 'yes'\"}]}\n", /* elsewhere it may be anything */
	    (const char *const[]){NULL});
	finds("id: p\nenabled: false\nprocessors: [{type: eval, expressions: [{a: nobody}]}]", (const char *const[]){NULL});
	finds("id: p\nprocessors: [{type: eval, expressions: [{a: nobody}, {b: nobody}]}]", (const char *const[]){"nothing sets field nobody", NULL}); /* once */
	finds("id: p\nprocessors: [{type: eval, disabled: true, expressions: [{a: nobody}]}]", (const char *const[]){NULL});
	finds("id: p\nroutes: [{name: r, destination: d, object_lock: COMPLIANCE, retention: 7 years}]", (const char *const[]){NULL});
}

static void a_clean_pipeline_has_no_findings(void **state)
{
	finds("id: clean\n"
	      "filters:\n"
	      "  - {name: ours, expression: \"__inputId == 'genops_otlp_source' && name.startsWith('chat')\"}\n"
	      "processors:\n"
	      "  - type: eval\n"
	      "    expressions:\n"
	      "      - model: \"attributes['gen_ai.response.model'] ?? attributes['gen_ai.request.model']\"\n"
	      "      - family: \"model?.split('-')[0]\"\n"
	      "      - slow: \"duration_ms > 5000\"\n"
	      "      - cost: \"Number(attributes['genops.cost.total'])\"\n"
	      "      - size: \"cost >= 1 ? 'large' : cost >= 0.1 ? 'medium' : 'small'\"\n"
	      "      - day: \"new Date(_time * 1000).toISOString().slice(0, 10)\"\n"
	      "  - {type: lookup, lookup_table: models, match_field: model, add_fields: [owner], default_values: {owner: nobody}}\n"
	      "  - type: sampling\n"
	      "    rules:\n"
	      "      - {condition: status.code == 2 || slow, sample_rate: 1.0}\n"
	      "      - {condition: size == 'large', sample_rate: 1.0}\n"
	      "      - {condition: size == 'medium', sample_rate: 0.5}\n"
	      "      - {default: 0.1}\n"
	      "  - {type: drop, filter: \"family == 'test' && !slow\"}\n"
	      "routes:\n"
	      "  - {name: all, destination: lake}\n"
	      "  - name: alarm\n"
	      "    destination: chat\n"
	      "    filter: slow === true && owner != 'nobody'\n"
	      "    payload_template: '{\"text\": \"${owner}: ${name} took ${(duration_ms / 1000).toFixed(1)} s\", \"at\": ${Math.floor(Date.now() / 1000)}}'\n",
	    (const char *const[]){NULL});
}

static void deep_and_wide_expressions(void **state)
{
	char *text = malloc(40000), *at = text;
	struct findings findings;
	at += sprintf(at, "id: p\nprocessors: [{type: eval, expressions: [{x: \"attributes['x']\"}]}, {type: sampling, rules: [");
	for (int rule = 0; rule < 2; rule++) {
		at += sprintf(at, "{condition: \"");
		for (int i = 0; i < 600; i++)
			at += sprintf(at, "%s(x > %d && x < %d)", i ? " || " : "", i, i + 2 * rule + 1);
		at += sprintf(at, "\", sample_rate: 0.5},");
	}
	sprintf(at, "]}]");
	look(text, &findings); /* bounded, whatever it says */
	free(text);
}

/* A load ends in time, whatever is loaded; what is no longer found out is not told. */
static void very_many_fields(void **state)
{
	size_t n = 40000;
	char *text = malloc(64 * n + 200), *at = text;
	struct findings findings;
	at += sprintf(at, "id: p\nprocessors:\n");
	for (size_t i = 0; i < n; i++)
		at += i % 1000 ? sprintf(at, "  - f%zu: f0\n", i) : sprintf(at, "- type: eval\n  expressions:\n  - f%zu: name\n", i);
	look(text, &findings);
	assert_int_equal(findings.n, 0);
	free(text);
}

static void without_memory(void **state)
{
	struct genops_pipeline *pipeline;
	struct genops_error err = {0};
	struct findings findings;
	char *text = document_file("tests/guide/pipelines/genops-budget-alerting.yaml");
	assert_int_equal(document_read(text, NULL, &pipeline, &err), GENOPS_OK);
	for (long n = 0; FAILING_ALLOC && n < 400; n++) {
		findings.n = 0;
		allocs_left = n;
		int code = genops_lint_pipeline(pipeline, found, &findings, &err);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
		assert_true(findings.n <= 3);
	}
	genops_pipeline_free(pipeline);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_guides_traps_are_found),
	    cmocka_unit_test(what_we_ship_is_clean),
	    cmocka_unit_test(the_guides_parts),
	    cmocka_unit_test(comparisons_that_never_hold),
	    cmocka_unit_test(defaults_that_count_as_alarms),
	    cmocka_unit_test(names),
	    cmocka_unit_test(rules_that_are_never_reached),
	    cmocka_unit_test(what_must_be_kept),
	    cmocka_unit_test(patterns),
	    cmocka_unit_test(payloads),
	    cmocka_unit_test(other_findings),
	    cmocka_unit_test(a_clean_pipeline_has_no_findings),
	    cmocka_unit_test(deep_and_wide_expressions),
	    cmocka_unit_test(very_many_fields),
	    cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
