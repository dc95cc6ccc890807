/* SPDX-License-Identifier: Apache-2.0
 * export/datadog/: events become series, byte for byte; what is put together, what is left out, which second a request gets; answers. */
#include "../failing_alloc.h"
#include "document_fixture.h"


#include "export/datadog/datadog_series.h"

#include <stdio.h>

#define HEAD "endpoint: http://d\napi_key: ${SECRET}\nhost: h\ncompression: none\n"
#define COST "{name: cost.total, type: gauge, value: \"${cost_total}\", unit: USD}"

static void start(struct document *d, const char *metrics)
{
	char text[4096];
	snprintf(text, sizeof text, HEAD "metrics: {%s}\n", metrics);
	document_open(d, "datadog_metrics", text);
}

static void the_guides_mappings(void **state)
{
	struct document d;
	start(&d, "tags: ['team:${team}', 'project:${project}', 'source:cribl'], mappings: [" COST
		  ", {name: tokens.total, type: count, value: '${tokens_total}'}, {name: budget.utilization, type: gauge, value: "
		  "'${utilization_percent}', unit: percent}, {name: policy.violations, type: count, value: '${is_violation ? 1 : 0}'}]");
	document_event(&d, "{\"cost_total\": 0.5, \"tokens_total\": \"1500\", \"team\": \"ML Platform\", \"project\": null}");
	document_event(&d, "{\"cost_total\": 0.25, \"tokens_total\": 5, \"team\": \"ml_platform\"}");
	document_event(&d, "{\"is_violation\": false, \"team\": \"x\"}");
	document_event(&d, "{\"utilization_percent\": 90, \"team\": \"x\"}");
	document_event(&d, "{\"utilization_percent\": 80, \"team\": \"x\"}");
	assert_string_equal(document_body(&d),
	    "{\"series\":["
	    "{\"metric\":\"genops.cost.total\",\"type\":3,\"points\":[{\"timestamp\":1800000000,\"value\":0.75}],"
	    "\"resources\":[{\"name\":\"h\",\"type\":\"host\"}],\"tags\":[\"team:ml_platform\",\"source:cribl\"],\"unit\":\"USD\"},"
	    "{\"metric\":\"genops.tokens.total\",\"type\":1,\"interval\":10,\"points\":[{\"timestamp\":1800000000,\"value\":1505}],"
	    "\"resources\":[{\"name\":\"h\",\"type\":\"host\"}],\"tags\":[\"team:ml_platform\",\"source:cribl\"]},"
	    "{\"metric\":\"genops.policy.violations\",\"type\":1,\"interval\":10,\"points\":[{\"timestamp\":1800000000,\"value\":0}],"
	    "\"resources\":[{\"name\":\"h\",\"type\":\"host\"}],\"tags\":[\"team:x\",\"source:cribl\"]},"
	    "{\"metric\":\"genops.budget.utilization\",\"type\":3,\"points\":[{\"timestamp\":1800000000,\"value\":80}],"
	    "\"resources\":[{\"name\":\"h\",\"type\":\"host\"}],\"tags\":[\"team:x\",\"source:cribl\"],\"unit\":\"percent\"}]}");
	assert_string_equal(document_header(&d, "dd-api-key"), "s3cret");
	assert_true(genops_str_is(d.request.url, "http://d/api/v2/series"));
	assert_int_equal(d.request.n_items, 5);
	document_done(&d);
}

static void what_says_nothing_is_no_point(void **state)
{
	static const char *const events[] = {"{}", "{\"cost_total\": null}", "{\"cost_total\": \"\"}", "{\"cost_total\": \"x\"}", "{\"cost_total\": {}}",
	    "{\"cost_total\": \"1e999\"}", "{\"cost_total\": \"NaN\"}"};
	struct document d;
	start(&d, "mappings: [" COST "]");
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		document_event(&d, events[i]);
	assert_int_equal(document_encode(&d), GENOPS_OK);
	assert_int_equal(d.request.transport, GENOPS_TRANSPORT_NONE);
	assert_int_equal(d.request.n_items, d.n_items);
	assert_int_equal(document_judge(&d, 200, "").kind, GENOPS_SENT);
	document_event(&d, "{\"cost_total\": true}");
	assert_non_null(strstr(document_body(&d), "\"value\":1}"));
	document_done(&d);
}

static void how_several_values_become_one(void **state)
{
	static const struct {
		const char *keep, *value;
	} cases[] = {{"last", "\"value\":2}"}, {"sum", "\"value\":9}"}, {"max", "\"value\":4}"}, {"min", "\"value\":2}"}};
	char text[200];
	for (size_t i = 0; i < 4; i++) {
		struct document d;
		snprintf(text, sizeof text, "mappings: [{name: a, value: '${a}', aggregate: %s}]", cases[i].keep);
		start(&d, text);
		document_event(&d, "{\"a\": 3}");
		document_event(&d, "{\"a\": 4}");
		document_event(&d, "{\"a\": 2}");
		assert_non_null(strstr(document_body(&d), cases[i].value));
		document_done(&d);
	}
}

static int64_t second_of(struct document *d)
{
	const char *at = strstr(document_body(d), "\"timestamp\":");
	return atoll(at + 12);
}

static void each_request_has_a_second_of_its_own_and_a_repetition_the_same(void **state)
{
	struct document d;
	struct genops_request request = {0};
	start(&d, "mappings: [" COST "]");
	document_event(&d, "{\"cost_total\": 1}");
	assert_int_equal(second_of(&d), 1800000000);
	assert_int_equal(second_of(&d), 1800000000);
	for (int i = 1; i <= 541; i++) {
		d.items[0].id++;
		assert_int_equal(second_of(&d), 1800000000 + i);
	}
	assert_int_equal(d.type->prepare(&d.settings, DOCUMENT_NOW_NS, &d.scratch, &request, &d.err), GENOPS_FULL); /* too far ahead */
	assert_int_equal(d.type->prepare(&d.settings, DOCUMENT_NOW_NS + 1000000000, &d.scratch, &request, &d.err), 0);
	/* a clock that was wrong and is set right: nothing is held back for as long as it was ahead */
	assert_int_equal(d.type->prepare(&d.settings, DOCUMENT_NOW_NS - INT64_C(86400000000000), &d.scratch, &request, &d.err), 0);
	document_done(&d);
}

/* One event's nonsense does not make the body of all others unreadable. */
static void sums_stay_numbers(void **state)
{
	struct document d;
	start(&d, "mappings: [" COST "]");
	document_event(&d, "{\"cost_total\": 1.7e308}");
	document_event(&d, "{\"cost_total\": 1.7e308}");
	document_event(&d, "{\"cost_total\": 1.7e308}");
	assert_non_null(strstr(document_body(&d), "\"value\":1.7976931348623157e+308}"));
	d.n_items = 0;
	document_event(&d, "{\"cost_total\": -1.7e308}");
	document_event(&d, "{\"cost_total\": -1.7e308}");
	assert_non_null(strstr(document_body(&d), "\"value\":-1.7976931348623157e+308}"));
	document_done(&d);
}

static void tags_are_as_datadog_stores_them(void **state)
{
	struct genops_buffer tags;
	char text[300] = "k:", want[300];
	genops_buffer_init(&tags, 4096);
	genops_datadog_series_tag(&tags, GENOPS_STR("Team:A b,c\"\n"));
	genops_datadog_series_tag(&tags, GENOPS_STR("team:"));
	genops_datadog_series_tag(&tags, GENOPS_STR(""));
	genops_datadog_series_tag(&tags, GENOPS_STR("stadt:\xc3\xbc/x.y-z"));
	genops_buffer_add_char(&tags, '\0');
	assert_string_equal(tags.ptr, "team:a_b_c_,stadt:\xc3\xbc/x.y-z");
	for (size_t i = 0; i < 99; i++)
		memcpy(text + 2 + 2 * i, "\xc3\xbc", 3);
	memcpy(want, text, 301 - 1);
	strcat(text, "\xc3\xbc\xc3\xbc");
	genops_buffer_clear(&tags);
	genops_datadog_series_tag(&tags, genops_str_of(text));
	assert_int_equal(tags.len, 200);
	assert_memory_equal(tags.ptr, want, 200);
	genops_buffer_done(&tags);
}

/* What hardly compresses: series of random hosts and tags, more than 500 kB of them, go in several requests. */
static void what_does_not_fit_comes_with_the_next_request(void **state)
{
	enum { N = 4096, LEN = 420 };
	struct document d;
	char *text = malloc((size_t)N * LEN);
	struct genops_destination_item *items = calloc(N, sizeof *items);
	uint64_t random = 1;
	size_t n_sent = 0, n_requests = 0;
	document_open(&d, "datadog_metrics", "endpoint: http://d\napi_key: k\nmetrics: {tags: ['a:${a}', 'b:${b}'], mappings: [" COST "]}\n");
	for (size_t i = 0; i < N; i++) {
		char *at = text + i * LEN, hex[2][161];
		for (size_t k = 0; k < 320; k++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			hex[k / 160][k % 160] = "0123456789abcdefghijklmnopqrstuvwxyz._-/"[random >> 58 & 31];
		}
		hex[0][160] = hex[1][160] = '\0';
		snprintf(at, LEN, "{\"cost_total\": 1, \"a\": \"%s\", \"b\": \"%s\"}", hex[0], hex[1]);
		items[i] = (struct genops_destination_item){.kind = GENOPS_ITEM_EVENT, .n = 1, .id = i, .body = genops_str_of(at)};
	}
	while (n_sent < N) {
		struct genops_destination_batch batch = {.items = items + n_sent, .n_items = N - n_sent, .now_unix_ns = DOCUMENT_NOW_NS};
		genops_buffer_done(&d.request.body);
		genops_arena_reset(&d.scratch);
		assert_int_equal(d.type->encode(&d.settings, &batch, &d.scratch, &d.request, &d.err), GENOPS_OK);
		assert_true(d.request.n_items >= 1 && d.request.n_items <= N - n_sent);
		assert_true(d.request.body.len <= GENOPS_DATADOG_COMPRESSED_MAX);
		n_sent += d.request.n_items;
		n_requests++;
	}
	assert_true(n_requests >= 2 && n_requests < 64);
	free(items);
	free(text);
	document_done(&d);
}

static void answers(void **state)
{
	struct document d;
	start(&d, "mappings: [" COST "]");
	assert_int_equal(document_judge(&d, 202, "{\"errors\":[]}").kind, GENOPS_SENT);
	assert_int_equal(document_judge(&d, 202, "what").kind, GENOPS_SENT);
	struct genops_send_verdict verdict = document_judge(&d, 202, "{\"errors\":[\"too old\",{\"title\":\"x\"}]}");
	assert_int_equal(verdict.kind, GENOPS_SENT_PARTLY);
	assert_string_equal(verdict.reason, "Datadog took it with 2 errors, the first: too old");
	verdict = document_judge(&d, 403, "{\"errors\":[\"Forbidden\"]}");
	assert_int_equal(verdict.kind, GENOPS_RETRY);
	assert_non_null(strstr(verdict.reason, "refuses the API key: Forbidden"));
	assert_null(strstr(verdict.reason, "s3cret"));
	assert_int_equal(document_judge(&d, 413, "").kind, GENOPS_REJECTED);
	assert_int_equal(document_judge(&d, 400, "{\"errors\":[{\"title\":\"t\",\"detail\":\"bad series\"}]}").kind, GENOPS_REJECTED);
	for (int status = 500; status < 505; status++)
		assert_int_equal(document_judge(&d, status, "").kind, GENOPS_RETRY);
	assert_int_equal(document_judge(&d, 0, "").kind, GENOPS_RETRY);
	struct genops_request request = {0};
	assert_int_equal(d.type->probe(&d.settings, &d.scratch, &request, &d.err), GENOPS_OK);
	assert_true(genops_str_is(request.url, "http://d/api/v1/validate") && !strcmp(request.method, "GET"));
	struct genops_response response = {.status = 200, .body = GENOPS_STR("{\"valid\":false}")};
	d.type->judge_probe(&d.settings, &response, &verdict);
	assert_int_equal(verdict.kind, GENOPS_REJECTED);
	response.body = GENOPS_STR("{\"valid\":true}");
	d.type->judge_probe(&d.settings, &response, &verdict);
	assert_int_equal(verdict.kind, GENOPS_SENT);
	document_done(&d);
}

static void a_site_and_a_large_body(void **state)
{
	struct document d;
	char event[256], pad[201] = "";
	static char events[DOCUMENT_ITEMS_MAX][256];
	document_open(&d, "datadog_metrics", "site: datadoghq.eu\napi_key: k\nmetrics: {tags: ['pad:${pad}'], mappings: [" COST "]}\n");
	for (int i = 0; i < DOCUMENT_ITEMS_MAX; i++) {
		for (int k = 0; k < 150; k++)
			pad[k] = (char)('a' + (k * 7 + i * 11) % 26);
		snprintf(event, sizeof event, "{\"cost_total\": 1, \"pad\": \"%s\"}", pad);
		memcpy(events[i], event, sizeof event);
		document_event(&d, events[i]);
	}
	document_body(&d);
	assert_string_equal(document_header(&d, "content-encoding"), "gzip");
	assert_true(genops_str_is(d.request.url, "https://api.datadoghq.eu/api/v2/series"));
	document_done(&d);
	assert_int_equal(document_read(&d, "datadog_metrics", "site: a/b\napi_key: k\nmetrics: {mappings: [" COST "]}\n"), GENOPS_CONFIG);
	document_done(&d);
	assert_int_equal(document_read(&d, "datadog_metrics", "endpoint: http://a\napi_key: k k\nmetrics: {mappings: [" COST "]}\n"), GENOPS_CONFIG);
	document_done(&d);
}

static void no_memory_leaves_nothing_behind(void **state)
{
	(void)state;
	document_without_memory("datadog_metrics", HEAD "metrics: {tags: ['team:${team}'], mappings: [" COST "]}", "{\"cost_total\": 0.5, \"team\": \"x\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_guides_mappings),
	    cmocka_unit_test(what_says_nothing_is_no_point),
	    cmocka_unit_test(how_several_values_become_one),
	    cmocka_unit_test(each_request_has_a_second_of_its_own_and_a_repetition_the_same),
	    cmocka_unit_test(sums_stay_numbers),
	    cmocka_unit_test(tags_are_as_datadog_stores_them),
	    cmocka_unit_test(what_does_not_fit_comes_with_the_next_request),
	    cmocka_unit_test(answers),
	    cmocka_unit_test(a_site_and_a_large_body),
	    cmocka_unit_test(no_memory_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
