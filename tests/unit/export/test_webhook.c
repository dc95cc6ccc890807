/* SPDX-License-Identifier: Apache-2.0 - export/alert/webhook.c, alert_event.c, alert_message.c: bodies as they go out, settings that are
 * refused, answers in Slack's words. */
#include "document_fixture.h"

#include "export/http_verdict.h"

#define URL "url: https://hooks.example.com/x\n"

static void the_event_itself(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "webhook", URL);
	document_event(&d, "{\"a\":\"q\\\"\"}");
	assert_string_equal(document_body(&d), "{\"a\":\"q\\\"\"}");
	assert_string_equal(d.request.method, "POST");
	assert_string_equal(document_header(&d, "content-type"), "application/json");
	assert_int_equal(d.request.n_items, 1);
	document_done(&d);
}

static void templates(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "webhook", URL "payload_template: '{\"t\": \"${a}\", \"now\": ${Date.now()}, \"k\": \"${SECRET}\"}'\n");
	document_event(&d, "{\"a\":\"q\\\"\\n${b}\"}");
	assert_string_equal(document_body(&d), "{\"t\": \"q\\\"\\n${b}\", \"now\": 1799999999123, \"k\": \"s3cret\"}");
	d.items[0].payload = GENOPS_STR("{\"of\":\"the route\"}"); /* A-093 */
	assert_string_equal(document_body(&d), "{\"of\":\"the route\"}");
	document_done(&d);
}

/* The headers are the configuration's part; the kind of the template is read from them here. */
static void a_text_where_the_headers_say_so(void **state)
{
	static const struct genops_yaml_variables variables = {document_variable, NULL};
	struct genops_yaml *yaml;
	struct document d;
	(void)state;
	assert_int_equal(document_read(&d, "webhook", URL "payload_template: 'a \" ${a}'\n"), GENOPS_CONFIG);
	document_done(&d);
	document_open(&d, "webhook", URL);
	d.err = (struct genops_error){0};
	const struct genops_yaml_rows in = {"d.yaml", &d.arena, &variables, &d.err};
	const char *text = "headers: {Content-Type: text/plain}\npayload_template: 'a \" ${a}'\n" URL;
	assert_int_equal(genops_yaml_parse("d.yaml", genops_str_of(text), &yaml, &d.err), GENOPS_OK);
	assert_int_equal(d.type->document->read(&in, yaml->documents[0], d.own), GENOPS_OK);
	document_event(&d, "{\"a\":\"\\n\"}");
	assert_string_equal(document_body(&d), "a \" \n");
	genops_yaml_free(yaml);
	document_done(&d);
}

static void messages(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "slack", URL);
	document_event(&d, "{\"alert_title\":\"<!channel> & co\",\"team\":\"t\",\"budget_status\":\"exhausted\",\"nothing\":null}");
	assert_string_equal(document_body(&d),
	    "{\"text\":\"&lt;!channel&gt; &amp; co\",\"attachments\":[{\"color\":\"danger\",\"fields\":[{\"title\":\"Team\",\"value\":\"t\",\"short\":true},"
	    "{\"title\":\"Status\",\"value\":\"exhausted\",\"short\":true}],\"footer\":\"GenOps\",\"ts\":1799999999}]}");
	d.n_items = 0;
	document_event(&d, "{\"policy_name\":\"pii\",\"policy_result\":\"blocked\"}");
	assert_non_null(strstr(document_body(&d), "{\"text\":\"pii: blocked\""));
	d.n_items = 0;
	document_event(&d, "{}");
	assert_non_null(strstr(document_body(&d), "{\"text\":\"GenOps: p, r\""));
	static const char row[] = "pipelinerouteSECRET"; /* names lie behind one another, without an end */
	d.items[0].pipeline = (genops_str){row, 8};
	d.items[0].route = (genops_str){row + 8, 5};
	assert_non_null(strstr(document_body(&d), "{\"text\":\"GenOps: pipeline, route\""));
	d.items[0].pipeline = GENOPS_STR(""); /* a rule's, that is over */
	d.items[0].body = GENOPS_STR("{\"alert_state\":\"resolved\",\"alert_title\":\"x\"}");
	assert_non_null(strstr(document_body(&d), "\"color\":\"good\""));
	document_done(&d);
}

/* A template about budgets says nothing of a source that is silent. */
static void a_template_about_something_else(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "webhook", URL "payload_template: '{\"text\": \"${budget_name}\"}'\n");
	document_event(&d, "{\"alert_title\":\"GenOps Source Down\",\"alert_state\":\"firing\"}");
	assert_string_equal(document_body(&d), "{\"text\": \"undefined\"}"); /* a pipeline's: literally */
	d.items[0].pipeline = GENOPS_STR("");
	assert_non_null(strstr(document_body(&d), "{\"text\":\"GenOps Source Down\""));
	document_done(&d);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *type, *text, *says;
	} cases[] = {{"webhook", "method: POST\n", "url"}, {"webhook", "url: hooks.example.com\n", "not an address"},
	    {"webhook", URL "method: GET\n", "method"}, {"webhook", URL "payload_template: '{\"a\": ${b}'\n", "payload_template"},
	    {"webhook", URL "payload_template: '{\"a\": \"${b +}\"}'\n", "payload_template"}, {"webhook", URL "auth: {type: bearer}\n", "token"},
	    {"webhook", URL "auth: {type: basic, password: x}\n", "username"}, {"webhook", URL "auth: {type: oauth}\n", "type"},
	    {"webhook", URL "auth: {type: bearer, token: \"a\\r\\nx: y\"}\n", "control characters"}, {"webhook", URL "auth: {type: header, header: \"x: y\", token: a}\n", "header"},
	    {"webhook", URL "auth: {type: header, header: Content-Length, token: a}\n", "header"},
	    {"slack", URL "chanel: x\n", "chanel"}, {"pagerduty", "routing_key: short\n", "32"}, {"pagerduty", "url: x\n", "not an address"},
	    {"pagerduty", "dedup_key: '${'\n", "dedup_key"}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct document d;
		int code = document_read(&d, cases[i].type, cases[i].text);
		assert_int_equal(code, GENOPS_CONFIG);
		if (!strstr(d.err.message, cases[i].says))
			fail_msg("%s: %s", cases[i].text, d.err.message);
		assert_true(d.err.line > 0);
		document_done(&d);
	}
}

static void headers_that_cannot_be_sent(void **state)
{
	struct genops_text_pair pairs[] = {{GENOPS_STR("x"), GENOPS_STR("a\nb")}};
	struct document d;
	(void)state;
	document_open(&d, "webhook", URL);
	d.settings.headers = (struct genops_text_map){1, pairs};
	assert_int_equal(d.type->check(&d.settings, &d.err), GENOPS_CONFIG);
	pairs[0] = (struct genops_text_pair){GENOPS_STR("Host"), GENOPS_STR("a")};
	assert_int_equal(d.type->check(&d.settings, &d.err), GENOPS_CONFIG);
	pairs[0] = (struct genops_text_pair){GENOPS_STR("X-A"), GENOPS_STR("\xc3\xbc b")};
	assert_int_equal(d.type->check(&d.settings, &d.err), GENOPS_OK);
	document_done(&d);
}

static void answers(void **state)
{
	static const struct {
		const char *type;
		int status;
		const char *body;
		enum genops_verdict_kind kind;
	} cases[] = {{"slack", 200, "ok", GENOPS_SENT}, {"slack", 200, "ok\n", GENOPS_SENT}, {"slack", 200, "<html>", GENOPS_RETRY},
	    {"slack", 200, "{\"ok\":true}", GENOPS_SENT}, {"slack", 200, "{ \"success\": true }", GENOPS_SENT},
	    {"slack", 200, "{\"ok\":false,\"error\":\"x\"}", GENOPS_RETRY}, {"slack", 200, "", GENOPS_RETRY}, {"webhook", 200, "<html>", GENOPS_SENT}, {"webhook", 204, "", GENOPS_SENT},
	    {"slack", 400, "invalid_payload", GENOPS_REJECTED}, {"slack", 400, "no_text", GENOPS_REJECTED},
	    {"slack", 404, "no_service", GENOPS_RETRY}, {"slack", 404, "channel_not_found", GENOPS_RETRY},
	    {"slack", 410, "channel_is_archived", GENOPS_RETRY}, {"slack", 403, "action_prohibited", GENOPS_RETRY},
	    {"slack", 404, "<html>", GENOPS_REJECTED}, {"slack", 500, "rollup_error", GENOPS_RETRY}, {"slack", 429, "rate_limited", GENOPS_RETRY},
	    {"webhook", 0, "", GENOPS_RETRY}, {"webhook", 404, "no_service", GENOPS_RETRY}, {"webhook", 422, "bad", GENOPS_REJECTED},
	    {"webhook", 401, "", GENOPS_RETRY}, {"webhook", 302, "", GENOPS_REJECTED}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct document d;
		document_open(&d, cases[i].type, URL);
		struct genops_send_verdict verdict = document_judge(&d, cases[i].status, cases[i].body);
		if (verdict.kind != cases[i].kind)
			fail_msg("%s %d %s: %d %s", cases[i].type, cases[i].status, cases[i].body, verdict.kind, verdict.reason);
		assert_true(verdict.kind == GENOPS_SENT || verdict.reason[0]);
		document_done(&d);
	}
	struct document d;
	document_open(&d, "slack", URL);
	assert_int_equal(document_judge(&d, 404, "no_service").retry_after_ns, GENOPS_HTTP_CREDENTIALS_HOLD_NS);
	document_done(&d);
}

static void odd_batches(void **state)
{
	struct document d;
	(void)state;
	document_open(&d, "slack", URL);
	assert_int_equal(document_encode(&d), GENOPS_UNSUPPORTED);
	document_event(&d, "[1]");
	assert_int_equal(document_encode(&d), GENOPS_SYNTAX);
	d.items[0].body = GENOPS_STR("{\"a\":");
	assert_int_equal(document_encode(&d), GENOPS_SYNTAX);
	d.items[0].kind = GENOPS_ITEM_TRACES;
	assert_int_equal(document_encode(&d), GENOPS_UNSUPPORTED);
	document_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_event_itself),
	    cmocka_unit_test(templates),
	    cmocka_unit_test(a_text_where_the_headers_say_so),
	    cmocka_unit_test(messages),
	    cmocka_unit_test(a_template_about_something_else),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(headers_that_cannot_be_sent),
	    cmocka_unit_test(answers),
	    cmocka_unit_test(odd_batches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
