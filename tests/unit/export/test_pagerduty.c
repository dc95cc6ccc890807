/* SPDX-License-Identifier: Apache-2.0 - export/alert/pagerduty.c: events as the API takes them, within its bounds, whatever a template made. */
#include "document_fixture.h"

#include <stdio.h>

#define KEY  "R0UT1NGKEY0123456789abcdefghijkl"
#define OWN  "routing_key: " KEY "\n"
#define HEAD "{\"routing_key\":\"" KEY "\",\"event_action\":\"trigger\",\"dedup_key\":"

static void the_guides_payload(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "pagerduty", "url: http://127.0.0.1:1/v2/enqueue\n");
	document_event(&d, "{\"team\":\"t\"}");
	d.items[0].payload = GENOPS_STR("{\"routing_key\":\"" KEY "\",\"event_action\":\"trigger\",\"dedup_key\":\"genops-budget-b-1\","
					"\"payload\":{\"summary\":\"s\",\"severity\":\"error\",\"source\":\"genops-cribl\",\"component\":\"c\",\"group\":\"g\","
					"\"class\":\"k\",\"custom_details\":{\"a\":\"1\"}}}");
	assert_string_equal(document_body(&d), HEAD
	    "\"genops-budget-b-1\",\"payload\":{\"summary\":\"s\",\"severity\":\"error\",\"source\":\"genops-cribl\","
	    "\"timestamp\":\"2027-01-15T07:59:59Z\",\"component\":\"c\",\"group\":\"g\",\"class\":\"k\",\"custom_details\":{\"a\":\"1\"}}}");
	document_done(&d);
}

static void without_a_template(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "pagerduty", OWN "client: GenOps\nsource: s\n");
	document_event(&d, "{\"alert_title\":\"t\",\"alert_severity\":\"medium\",\"n\":1.5,\"ok\":true,\"attributes\":{\"a\":1},\"_time\":3}");
	assert_string_equal(document_body(&d), HEAD
	    "\"genops-0000000000000001\",\"payload\":{\"summary\":\"t\",\"severity\":\"warning\",\"source\":\"s\",\"timestamp\":\"2027-01-15T07:59:59Z\","
	    "\"custom_details\":{\"alert_title\":\"t\",\"alert_severity\":\"medium\",\"n\":1.5,\"ok\":true}},\"client\":\"GenOps\"}");
	document_done(&d);
}

/* What fires and what is over have the rules' key, whatever the template says. */
static void rules_close_what_they_opened(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "pagerduty", OWN "payload_template: '{\"dedup_key\": \"x-${Date.now()}\", \"event_action\": \"trigger\", \"payload\": {\"summary\": \"s\"}}'\n");
	document_event(&d, "{\"alert_key\":\"k\",\"alert_state\":\"firing\",\"alert_severity\":\"Critical\"}");
	assert_non_null(strstr(document_body(&d), "\"dedup_key\":\"x-1799999999123\""));
	d.items[0].pipeline = GENOPS_STR("");
	assert_non_null(strstr(document_body(&d), HEAD "\"k\""));
	assert_non_null(strstr(document_body(&d), "\"severity\":\"critical\""));
	d.items[0].body = GENOPS_STR("{\"alert_key\":\"k\",\"alert_state\":\"resolved\"}");
	assert_string_equal(document_body(&d), "{\"routing_key\":\"" KEY "\",\"event_action\":\"resolve\",\"dedup_key\":\"k\"}");
	document_done(&d);
}

static void bounds(void **state)
{
	struct document d;
	(void)state;
	char *text = malloc(2 << 20);
	assert_non_null(text);
	document_open(&d, "pagerduty", OWN "dedup_key: '${long}'\npayload_template: '{\"payload\": {\"summary\": \"${long}\", \"custom_details\": {\"l\": \"${long}\"}}}'\n");
	size_t n = (size_t)sprintf(text, "{\"long\":\"");
	for (int i = 0; i < 300000; i++)
		n += (size_t)sprintf(text + n, "\xc3\xa4");
	sprintf(text + n, "\"}");
	document_event(&d, text);
	const char *body = document_body(&d);
	assert_non_null(strstr(body, "left_out"));
	assert_true(strlen(body) < 8192);
	const char *key = strstr(body, "\"dedup_key\":\"") + 13;
	size_t key_len = (size_t)(strchr(key, '"') - key);
	assert_int_equal(key_len, 238 * 2 + 17); /* 255 characters */
	const char *summary = strstr(body, "\"summary\":\"") + 11;
	assert_int_equal(strchr(summary, '"') - summary, 2048);
	assert_true(genops_str_is_utf8(genops_str_of(body)));
	document_done(&d);
	document_open(&d, "pagerduty", OWN);
	document_event(&d, "{}");
	n = (size_t)sprintf(text, "{\"payload\":{\"summary\":\"s\",\"custom_details\":[\"");
	text = realloc(text, 6 << 20);
	assert_non_null(text);
	memset(text + n, 'x', 5 << 20);
	for (size_t i = n + 1000000; i < n + (5 << 20); i += 1000000)
		memcpy(text + i, "\",\"", 3);
	strcpy(text + n + (5 << 20), "\"]}}");
	d.items[0].payload = genops_str_of(text);
	assert_non_null(strstr(document_body(&d), "left_out"));
	free(text);
	document_done(&d);
}

/* One that is none would cost the whole alert. */
static void times(void **state)
{
	static const char *const cases[][2] = {{"\"2026-11-21T22:00:00Z\"", "\"timestamp\":\"2026-11-21T22:00:00Z\""}, {"1799999999.5", "\"timestamp\":\"2027-01-15T07:59:59Z\""},
	    {"null", "\"timestamp\":\"2027-01-15T07:59:59Z\""}, {"\"undefined\"", "\"timestamp\":\"2027-01-15T07:59:59Z\""}, {"\"\"", "\"timestamp\":\"2027-01-15T07:59:59Z\""}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct document d;
		char payload[128];
		document_open(&d, "pagerduty", OWN);
		document_event(&d, "{}");
		snprintf(payload, sizeof payload, "{\"payload\":{\"timestamp\":%s}}", cases[i][0]);
		d.items[0].payload = genops_str_of(payload);
		if (!strstr(document_body(&d), cases[i][1]))
			fail_msg("%s", document_body(&d));
		document_done(&d);
	}
}

static void what_cannot_be_an_event(void **state)
{
	static const struct {
		const char *payload, *says;
	} cases[] = {{"[1]", "object"}, {"{\"event_action\":\"delete\"}", "event_action"}, {"{\"payload\":", ""}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct document d;
		document_open(&d, "pagerduty", OWN);
		document_event(&d, "{}");
		d.items[0].payload = genops_str_of(cases[i].payload);
		assert_int_not_equal(document_encode(&d), GENOPS_OK);
		assert_non_null(strstr(d.err.message, cases[i].says));
		document_done(&d);
	}
	struct document d;
	document_open(&d, "pagerduty", "source: x\n");
	document_event(&d, "{}");
	assert_int_equal(document_encode(&d), GENOPS_CONFIG);
	assert_non_null(strstr(d.err.fix, "PAGERDUTY_ROUTING_KEY"));
	document_done(&d);
}

static void severities(void **state)
{
	static const char *const cases[][2] = {{"critical", "critical"}, {"HIGH", "error"}, {"Medium", "warning"}, {"low", "info"}, {"info", "info"},
	    {"warning", "warning"}, {"", "error"}, {"whatever", "error"}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct document d;
		char payload[128], wanted[64];
		document_open(&d, "pagerduty", OWN);
		document_event(&d, "{}");
		snprintf(payload, sizeof payload, "{\"payload\":{\"severity\":\"%s\"}}", cases[i][0]);
		snprintf(wanted, sizeof wanted, "\"severity\":\"%s\"", cases[i][1]);
		d.items[0].payload = genops_str_of(payload);
		assert_non_null(strstr(document_body(&d), wanted));
		document_done(&d);
	}
}

static void answers(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "pagerduty", OWN);
	assert_int_equal(document_judge(&d, 202, "{\"status\":\"success\"}").kind, GENOPS_SENT);
	struct genops_send_verdict verdict =
	    document_judge(&d, 400, "{\"status\":\"invalid event\",\"message\":\"m\",\"errors\":[\"'a' is\\nwrong\",\"two\"]}");
	assert_int_equal(verdict.kind, GENOPS_REJECTED);
	assert_string_equal(verdict.reason, "HTTP 400: m; 'a' is wrong; two; check the payload_template and routing_key");
	assert_int_equal(document_judge(&d, 400, "oops").kind, GENOPS_REJECTED);
	assert_int_equal(document_judge(&d, 429, "").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 503, "").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 200, "<html>a proxy's").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 404, "").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 413, "").kind, GENOPS_REJECTED);
	document_done(&d);
}

/* A key that was renewed over there: no alert is lost for it. A key that a payload made up is that payload's fault. */
static void a_routing_key_that_is_refused(void **state)
{
	static const char refused[] = "{\"status\":\"invalid event\",\"message\":\"Event object is invalid\",\"errors\":[\"Invalid routing key\"]}";
	struct document d;
	(void)state;
	document_open(&d, "pagerduty", OWN);
	document_event(&d, "{\"alert_title\":\"t\"}");
	(void)document_body(&d);
	struct genops_send_verdict verdict = document_judge(&d, 400, refused);
	assert_int_equal(verdict.kind, GENOPS_RETRY);
	assert_true(verdict.retry_after_ns >= INT64_C(60000000000));
	assert_non_null(strstr(verdict.reason, "what waits is kept: check routing_key"));
	assert_null(strstr(verdict.reason, KEY));
	assert_int_equal(document_judge(&d, 400, "{\"errors\":[\"'payload.summary' is missing or blank\"]}").kind, GENOPS_REJECTED);
	d.items[0].payload = GENOPS_STR("{\"routing_key\":\"ffffffffffffffffffffffffffffffff\",\"event_action\":\"trigger\",\"payload\":{\"summary\":\"s\"}}");
	(void)document_body(&d);
	assert_int_equal(document_judge(&d, 400, refused).kind, GENOPS_REJECTED);
	document_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_guides_payload),
	    cmocka_unit_test(without_a_template),
	    cmocka_unit_test(rules_close_what_they_opened),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(times),
	    cmocka_unit_test(what_cannot_be_an_event),
	    cmocka_unit_test(severities),
	    cmocka_unit_test(answers),
	    cmocka_unit_test(a_routing_key_that_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
