/* SPDX-License-Identifier: Apache-2.0
 * test_processor_policy_evaluator.c - what a pattern finds leaves redacted, or not at all. proves OTL-063 */
#include "collector_fixture.h"

#define GUIDE                                                                                         \
	"genops/policy_evaluator:\n  policies:\n    - name: \"pii-detection\"\n      pattern: \".*SSN.*|.*credit_card.*\"\n      action: \"redact\"\n"

static void load(struct fixture *fixture, const char *yaml)
{
	if (fixture_load(fixture, yaml) != GENOPS_OK)
		fail_msg("%s", fixture->err.message);
}

static void guide(void **state)
{
	struct fixture fixture;
	(void)state;
	load(&fixture, GUIDE);
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES,
	    fixture_span("s", TEXT_VALUE("prompt", "my SSN is 123-45-6789") "," TEXT_VALUE("other", "fine") "," INT_VALUE("user.credit_card", "4111111111111111"),
		""));
	assert_null(strstr(out, "123-45-6789"));
	assert_null(strstr(out, "4111"));
	assert_non_null(strstr(out, TEXT_VALUE("prompt", "[REDACTED]")));
	assert_non_null(strstr(out, TEXT_VALUE("other", "fine")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.name", "pii-detection")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.result", "warning")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.action", "redact")));
	/* what it does not find goes on as it is */
	const char *plain = fixture_span("s", TEXT_VALUE("prompt", "ssn"), "");
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, plain), "genops.policy"));
	fixture_done(&fixture);
}

static void everywhere(void **state)
{
	struct fixture fixture;
	(void)state;
	load(&fixture, GUIDE);
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES,
	    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"SSN 1\",\"status\":{\"message\":\"SSN 2\",\"code\":2},"
	    "\"attributes\":[{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":["
	    "{\"stringValue\":\"SSN 3\"}]}}}]}}}],"
	    "\"events\":[{\"name\":\"SSN 4\",\"attributes\":[" TEXT_VALUE("a", "SSN 5") "]},{\"name\":\"keep\"}],"
	    "\"links\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\",\"attributes\":[" TEXT_VALUE("a", "SSN 6") "]}]}]}]}]}");
	assert_null(strstr(out, "SSN"));
	assert_non_null(strstr(out, "\"name\":\"keep\""));
	assert_non_null(strstr(out, "\"code\":2"));
	assert_non_null(strstr(out, "\"links\":[{\"traceId\":\"0102030405060708090a0b0c0d0e0f10\""));
	out = fixture_apply(&fixture, GENOPS_SIGNAL_LOGS,
	    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":9,\"body\":{\"stringValue\":\"SSN 1\"}},"
	    "{\"body\":{\"kvlistValue\":{\"values\":[" TEXT_VALUE("credit_card", "1") "]}},\"attributes\":[" TEXT_VALUE("k", "v") "]}]}]}]}");
	assert_null(strstr(out, "SSN"));
	assert_null(strstr(out, "credit_card"));
	assert_non_null(strstr(out, TEXT_VALUE("k", "v")));
	assert_int_equal(fixture.n_items, 2);
	fixture_done(&fixture);
}

static void drop_and_alert(void **state)
{
	struct fixture fixture;
	(void)state;
	load(&fixture, "genops/policy_evaluator/x: {policies: [{name: a, pattern: 'alpha', action: alert}, {name: d, pattern: '^delta$', action: drop},"
		       " {name: r, pattern: '(?i)alpha|delta', action: redact, replacement: '***'}]}");
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", TEXT_VALUE("k", "ALPHA"), ""));
	assert_non_null(strstr(out, TEXT_VALUE("k", "***")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.name", "r")));
	out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", TEXT_VALUE("k", "alpha"), ""));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.name", "a")));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.action", "alert")));
	assert_string_equal(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", TEXT_VALUE("k", "delta"), "")), "");
	fixture_done(&fixture);
}

/* A stricter result that stands there stays. */
static void stricter_results_stay(void **state)
{
	struct fixture fixture;
	(void)state;
	load(&fixture, GUIDE);
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES,
	    fixture_span("s", TEXT_VALUE("p", "SSN") "," TEXT_VALUE("genops.policy.result", "BLOCKED") "," TEXT_VALUE("genops.policy.name", "cap"), ""));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.name", "cap")));
	out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES,
	    fixture_span("s", TEXT_VALUE("p", "SSN") "," TEXT_VALUE("genops.policy.result", "allowed") "," TEXT_VALUE("genops.policy.name", "cap"), ""));
	assert_non_null(strstr(out, TEXT_VALUE("genops.policy.name", "pii-detection")));
	assert_null(strstr(out, "allowed"));
	fixture_done(&fixture);
}

/* The guide's pattern begins and ends in .*: a long text without it is no reason to give up. When a search does, it is redacted. */
static void long_and_bad_texts(void **state)
{
	struct fixture fixture;
	char *text = malloc(60001), *json = malloc(65000);
	(void)state;
	memset(text, 'a', 60000);
	text[60000] = '\0';
	snprintf(json, 65000, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"s\",\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"%s\"}}]}]}]}]}", text);
	load(&fixture, GUIDE);
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, json), "REDACTED"));
	assert_int_equal(fixture.n_faults, 0);
	fixture_done(&fixture);
	load(&fixture, "genops/policy_evaluator: {policies: [{name: bad, pattern: '(a|aa)+[bc]', action: redact}]}");
	assert_non_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, json), "REDACTED"));
	assert_int_equal(fixture.n_faults, 1);
	fixture_done(&fixture);
	free(text);
	free(json);
}

static void refusals(void **state)
{
	static const char *const wrong[][2] = {{"genops/policy_evaluator:", "policies"}, {"genops/policy_evaluator: {policies: []}", "1 to"},
	    {"genops/policy_evaluator: {policies: [{name: a, pattern: x}]}", "action"},
	    {"genops/policy_evaluator: {policies: [{name: a, pattern: '(', action: redact}]}", "pattern of policy"},
	    {"genops/policy_evaluator: {policies: [{name: a, pattern: '', action: redact}]}", "pattern"},
	    {"genops/policy_evaluator: {policies: [{name: a, pattern: 'x', action: block}]}", "action"}};
	(void)state;
	fixture_refuses(wrong, sizeof wrong / sizeof *wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(guide),
	    cmocka_unit_test(everywhere),
	    cmocka_unit_test(drop_and_alert),
	    cmocka_unit_test(stricter_results_stay),
	    cmocka_unit_test(long_and_bad_texts),
	    cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
