/* SPDX-License-Identifier: Apache-2.0
 * export/splunk/: envelopes byte for byte, whose value counts, what fits into a request, codes, acknowledgements. */
#include "../failing_alloc.h"
#include "document_fixture.h"

#include "export/http_verdict.h"

#include <stdio.h>

#define HEAD    "endpoint: http://s:8088/services/collector\ntoken: ${SECRET}\ncompression: none\n"
#define CHANNEL "0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba"
#define TIME    "1799999999.123"

static const char guide[] = HEAD "source: genops_ai\nsourcetype: genops:policy:violation\nindex: security\nevent_template: |\n"
				 "  {\n    \"time\": ${timestamp},\n    \"host\": \"${environment}\",\n    \"source\": \"genops\",\n"
				 "    \"sourcetype\": \"genops:policy\",\n    \"event\": {\"policy_name\": \"${policy_name}\", "
				 "\"requires_investigation\": ${requires_investigation}}\n  }\n";

static void the_guides_template(void **state)
{
	struct document d;
	document_open(&d, "splunk_hec", guide);
	document_event(&d, "{\"environment\": \"pro\\\"d\\n\", \"policy_name\": \"x\\\\\\u0000\", \"requires_investigation\": true}");
	document_event(&d, "{\"environment\": \"\", \"timestamp\": 7.5}");
	assert_string_equal(document_body(&d),
	    "{\"index\":\"security\",\"time\":" TIME ",\"host\":\"pro\\\"d\\n\",\"source\":\"genops\",\"sourcetype\":\"genops:policy\","
	    "\"event\":{\"policy_name\":\"x\\\\\\u0000\",\"requires_investigation\":true}}"
	    "{\"index\":\"security\",\"time\":7.5,\"source\":\"genops\",\"sourcetype\":\"genops:policy\","
	    "\"event\":{\"policy_name\":\"undefined\",\"requires_investigation\":null}}");
	assert_string_equal(document_header(&d, "authorization"), "Splunk s3cret");
	assert_string_equal(document_header(&d, "x-splunk-request-channel"), "");
	assert_true(genops_str_is(d.request.url, "http://s:8088/services/collector"));
	assert_int_equal(d.request.n_items, 2);
	document_done(&d);
}

static void whose_value_counts(void **state)
{
	static const struct {
		const char *settings, *payload, *body;
	} cases[] = {
	    {"", "", "{\"time\":" TIME ",\"event\":{\"a\":1}}"},
	    {"host: h\nindex: i\n", "", "{\"time\":" TIME ",\"host\":\"h\",\"index\":\"i\",\"event\":{\"a\":1}}"},
	    {"event_template: '{\"b\": ${a}}'\n", "", "{\"time\":" TIME ",\"event\":{\"b\": 1}}"},
	    {"event_template: '{\"b\": ${a}}'\n", "{\"event\": \"mine\", \"time\": null, \"host\": \"\"}", "{\"time\":" TIME ",\"event\":\"mine\"}"},
	    {"host: h\nsource: s\n", "{\"event\": \"mine\", \"source\": \"t\", \"fields\": {\"x\": [1]}}",
		"{\"time\":" TIME ",\"host\":\"h\",\"event\":\"mine\",\"source\":\"t\",\"fields\":{\"x\":[1]}}"},
	    {"", "[1]", "{\"time\":" TIME ",\"event\":[1]}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct document d;
		char text[400];
		snprintf(text, sizeof text, HEAD "%s", cases[i].settings);
		document_open(&d, "splunk_hec", text);
		document_event(&d, "{\"a\":1}");
		d.items[0].payload = genops_str_of(cases[i].payload);
		assert_string_equal(document_body(&d), cases[i].body);
		document_done(&d);
	}
}

static void addresses(void **state)
{
	static const struct {
		const char *endpoint, *url;
	} cases[] = {{"http://s:8088", "http://s:8088/services/collector/event"}, {"https://s/", "https://s/services/collector/event"},
	    {"http://s/services/collector/event", "http://s/services/collector/event"}, {"http://s/x/services/collector", "http://s/x/services/collector"},
	    {"http://s/services/collector/raw", "http://s/services/collector/raw?source=a%20b&index=i"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct document d;
		struct genops_request request;
		char text[400];
		snprintf(text, sizeof text, "endpoint: %s\ntoken: t\nsource: a b\nindex: i\nack: true\nchannel: " CHANNEL "\n", cases[i].endpoint);
		document_open(&d, "splunk_hec", text);
		document_event(&d, "{\"a\":1}");
		const char *body = document_body(&d);
		assert_true(genops_str_is(d.request.url, cases[i].url));
		assert_string_equal(document_header(&d, "x-splunk-request-channel"), CHANNEL);
		if (i == 4)
			assert_string_equal(body, "{\"a\":1}\n");
		assert_int_equal(d.type->probe(&d.settings, &d.scratch, &request, &d.err), GENOPS_OK);
		assert_true(genops_str_ends(request.url, GENOPS_STR("/services/collector/health")));
		document_done(&d);
	}
}

static void what_fits_into_a_request(void **state)
{
	struct document d;
	char event[600] = "{\"a\":\"";
	document_open(&d, "splunk_hec", HEAD "max_content_length: 1024\n");
	memset(event + 6, 'x', 400);
	memcpy(event + 406, "\"}", 3);
	for (int i = 0; i < 5; i++)
		document_event(&d, event);
	assert_true(strlen(document_body(&d)) <= 1024);
	assert_int_equal(d.request.n_items, 2);
	d.items[0].body = genops_str_of(event);
	memset(event + 6, 'x', 590);
	document_done(&d);
	document_open(&d, "splunk_hec", HEAD "max_content_length: 1024\nevent_template: '{\"a\": \"${\"x\".repeat(3000)}\"}'\n");
	document_event(&d, "{}");
	document_event(&d, "{}");
	assert_true(strlen(document_body(&d)) > 3000); /* alone it goes, whatever it is */
	assert_int_equal(d.request.n_items, 1);
	document_done(&d);
}

static void a_broken_event_is_an_error_of_encoding(void **state)
{
	static const char *const events[] = {"{\"a\":", "[1]", "7", ""};
	for (size_t i = 0; i < 4; i++) {
		struct document d;
		document_open(&d, "splunk_hec", guide);
		document_event(&d, events[i]);
		int code = document_encode(&d);
		assert_true(code != GENOPS_OK && code != GENOPS_NOMEM);
		assert_null(d.request.body.ptr);
		document_done(&d);
	}
}

static void codes(void **state)
{
	static const struct {
		int status, code, kind;
	} cases[] = {{200, 0, GENOPS_SENT}, {403, 1, GENOPS_RETRY}, {401, 2, GENOPS_RETRY}, {401, 3, GENOPS_RETRY}, {403, 4, GENOPS_RETRY},
	    {400, 5, GENOPS_REJECTED}, {400, 6, GENOPS_REJECTED}, {400, 7, GENOPS_REJECTED}, {500, 8, GENOPS_RETRY}, {503, 9, GENOPS_RETRY},
	    {400, 10, GENOPS_RETRY}, {400, 11, GENOPS_RETRY}, {400, 12, GENOPS_REJECTED}, {400, 13, GENOPS_REJECTED}, {400, 14, GENOPS_RETRY},
	    {400, 15, GENOPS_REJECTED}, {400, 16, GENOPS_RETRY}, {503, 18, GENOPS_RETRY}, {503, 19, GENOPS_RETRY}, {503, 20, GENOPS_RETRY},
	    {400, 21, GENOPS_RETRY}, {400, 22, GENOPS_RETRY}, {503, 23, GENOPS_RETRY}};
	struct document d;
	document_open(&d, "splunk_hec", HEAD);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char body[100];
		snprintf(body, sizeof body, "{\"text\":\"Words\\n\",\"code\":%d}", cases[i].code);
		struct genops_send_verdict verdict = document_judge(&d, cases[i].status, body);
		assert_int_equal(verdict.kind, cases[i].kind);
		assert_int_equal(verdict.n_kinds, 0);
		assert_null(strstr(verdict.reason, "s3cret"));
		if (cases[i].status >= 400)
			assert_non_null(strstr(verdict.reason, "code "));
		if (cases[i].status == 400 && cases[i].kind == GENOPS_RETRY)
			assert_int_equal(verdict.retry_after_ns, GENOPS_HTTP_CREDENTIALS_HOLD_NS);
	}
	assert_int_equal(document_judge(&d, 404, "<html>").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 413, "").kind, GENOPS_REJECTED);
	assert_int_equal(document_judge(&d, 200, "").kind, GENOPS_SENT);
	assert_int_equal(document_judge(&d, 200, "<!DOCTYPE html><title>Sign in").kind, GENOPS_RETRY); /* a proxy's page */
	document_done(&d);
}

static void which_event_it_was(void **state)
{
	static const struct {
		int status;
		const char *body;
		size_t n;
		int last;
	} cases[] = {{400, "{\"code\":6,\"invalid-event-number\":0}", 1, GENOPS_REJECTED}, {400, "{\"code\":12,\"invalid-event-number\":3}", 4, GENOPS_REJECTED},
	    {400, "{\"code\":7,\"invalid-event-number\":1}", 1, GENOPS_REJECTED}, {400, "{\"code\":7,\"invalid-event-number\":0}", 1, GENOPS_REJECTED},
	    {503, "{\"code\":9,\"invalid-event-number\":2}", 3, GENOPS_RETRY}, {503, "{\"code\":9,\"invalid-event-number\":0}", 0, 0},
	    {400, "{\"code\":6,\"invalid-event-number\":-1}", 0, 0}, {400, "{\"code\":6,\"invalid-event-number\":99999999999}", 0, 0},
	    {400, "{\"code\":6,\"invalid-event-number\":1.5}", 0, 0}, {400, "{\"code\":6,\"invalid-event-number\":4095}", 4096, GENOPS_REJECTED},
	    {400, "{\"code\":6,\"invalid-event-number\":4096}", 0, 0}, {400, "{\"code\":6}", 0, 0}};
	static struct genops_destination_item items[GENOPS_VERDICT_ITEMS_MAX];
	struct genops_destination_batch batch = {.items = items, .n_items = GENOPS_VERDICT_ITEMS_MAX};
	struct document d;
	document_open(&d, "splunk_hec", HEAD);
	document_event(&d, "{}");
	for (size_t i = 0; i < GENOPS_VERDICT_ITEMS_MAX; i++)
		items[i] = d.items[0];
	assert_int_equal(d.type->encode(&d.settings, &batch, &d.scratch, &d.request, &d.err), GENOPS_OK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_send_verdict verdict = document_judge(&d, cases[i].status, cases[i].body);
		assert_int_equal(verdict.n_kinds, cases[i].n);
		/* not told which: halving finds it out, for its neighbours are good */
		assert_true(verdict.n_kinds || cases[i].status != 400 || (verdict.kind == GENOPS_REJECTED && verdict.is_divisible));
		for (size_t k = 0; k < verdict.n_kinds; k++)
			assert_int_equal(verdict.kinds[k], k + 1 < cases[i].n ? GENOPS_SENT : cases[i].last);
	}
	document_done(&d);
}

/* A number that is none of the request's is no reason to take the rest for sent. */
static void a_number_beyond_the_request(void **state)
{
	struct document d;
	document_open(&d, "splunk_hec", HEAD);
	document_event(&d, "{}");
	document_event(&d, "{}");
	document_body(&d);
	struct genops_send_verdict verdict = document_judge(&d, 400, "{\"code\":6,\"invalid-event-number\":2}");
	assert_true(verdict.kind == GENOPS_REJECTED && !verdict.n_kinds && verdict.is_divisible);
	verdict = document_judge(&d, 503, "{\"code\":9,\"invalid-event-number\":2}");
	assert_true(verdict.kind == GENOPS_RETRY && !verdict.n_kinds);
	verdict = document_judge(&d, 400, "{\"code\":6,\"invalid-event-number\":1}");
	assert_int_equal(verdict.n_kinds, 2);
	document_done(&d);
}

static struct genops_send_verdict judge_at(struct document *d, int64_t seconds, int status, const char *body)
{
	struct genops_response response = {.status = status, .body = genops_str_of(body), .received_unix_ns = DOCUMENT_NOW_NS + seconds * 1000000000};
	struct genops_send_verdict verdict = {0};
	d->type->judge(&d->settings, &response, &verdict);
	return verdict;
}

static void acknowledgements(void **state)
{
	struct document d;
	document_open(&d, "splunk_hec", HEAD "ack: true\nack_timeout: 60s\nchannel: " CHANNEL "\n");
	document_event(&d, "{\"a\":1}");
	assert_string_equal(document_body(&d), "{\"time\":" TIME ",\"event\":{\"a\":1}}");
	struct genops_send_verdict verdict = judge_at(&d, 0, 200, "{\"text\":\"Success\",\"code\":0,\"ackId\":7}");
	assert_true(verdict.kind == GENOPS_RETRY && verdict.is_unfinished);
	assert_string_equal(document_body(&d), "{\"acks\":[7]}");
	assert_true(genops_str_is(d.request.url, "http://s:8088/services/collector/ack?channel=" CHANNEL));
	assert_int_equal(d.request.n_items, 1);
	static const char *const nothing[] = {"{\"acks\":{\"7\":false}}", "", "{\"acks\":{}}", "<html>"};
	for (size_t i = 0; i < 4; i++) {
		verdict = judge_at(&d, 10, 200, nothing[i]);
		assert_true(verdict.kind == GENOPS_RETRY && verdict.is_unfinished && verdict.retry_after_ns >= 1000000000);
	}
	static const int failures[] = {503, 0, 403, 404};
	for (size_t i = 0; i < 4; i++) { /* nobody there to ask: that is told, and the question stands */
		verdict = judge_at(&d, 20, failures[i], "");
		assert_true(verdict.kind == GENOPS_RETRY && !verdict.is_unfinished && verdict.reason[0]);
		assert_string_equal(document_body(&d), "{\"acks\":[7]}");
	}
	assert_int_equal(judge_at(&d, 59, 200, "{\"acks\":{\"7\":true}}").kind, GENOPS_SENT);
	d.items[0].id++;
	assert_non_null(strstr(document_body(&d), "event")); /* the next ones */
	verdict = judge_at(&d, 0, 200, "{\"code\":0,\"ackId\":8}");
	verdict = judge_at(&d, 61, 200, "{\"acks\":{\"8\":false}}");
	assert_true(verdict.kind == GENOPS_RETRY && !verdict.is_unfinished);
	assert_non_null(strstr(verdict.reason, "no indexer has acknowledged"));
	assert_non_null(strstr(document_body(&d), "event")); /* again */
	verdict = judge_at(&d, 0, 200, "{\"code\":0,\"ackId\":10}");
	verdict = judge_at(&d, -30, 200, "{\"acks\":{\"10\":false}}");
	assert_true(verdict.is_unfinished);
	verdict = judge_at(&d, -86400, 200, "{\"acks\":{\"10\":false}}"); /* the clock was set back by a day: that is not waited for */
	assert_true(verdict.kind == GENOPS_RETRY && !verdict.is_unfinished);
	assert_non_null(strstr(document_body(&d), "event"));
	verdict = judge_at(&d, 0, 200, "{\"code\":0,\"ackId\":9}");
	verdict = judge_at(&d, 1, 400, "{\"code\":11}");
	assert_true(verdict.kind == GENOPS_RETRY && !verdict.is_unfinished); /* the channel is gone */
	document_body(&d);
	assert_int_equal(judge_at(&d, 0, 200, "{\"code\":0}").kind, GENOPS_SENT_PARTLY); /* no acknowledgements there */
	document_done(&d);
}

static void another_batch_is_no_question(void **state)
{
	struct document d;
	document_open(&d, "splunk_hec", HEAD "ack: true\n");
	document_event(&d, "{\"a\":1}");
	document_body(&d);
	(void)judge_at(&d, 0, 200, "{\"code\":0,\"ackId\":0}");
	document_event(&d, "{\"a\":2}");
	assert_non_null(strstr(document_body(&d), "\"a\":2"));
	document_done(&d);
}

static void no_memory_leaves_nothing_behind(void **state)
{
	(void)state;
	document_without_memory("splunk_hec", guide, "{\"environment\": \"x\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_guides_template),
	    cmocka_unit_test(whose_value_counts),
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(what_fits_into_a_request),
	    cmocka_unit_test(a_broken_event_is_an_error_of_encoding),
	    cmocka_unit_test(codes),
	    cmocka_unit_test(which_event_it_was),
	    cmocka_unit_test(a_number_beyond_the_request),
	    cmocka_unit_test(acknowledgements),
	    cmocka_unit_test(another_batch_is_no_question),
	    cmocka_unit_test(no_memory_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
