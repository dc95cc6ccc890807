/* SPDX-License-Identifier: Apache-2.0
 * Elasticsearch: what is written, under which id, into which index; what settings are refused. */
#include "elastic_fixture.h"

#include "failing_alloc.h"

/* Without the ids, which a test of their own looks at. */
static void assert_lines(const char *body, const char *expected)
{
	char text[8192];
	size_t n = 0;
	for (const char *at = body; *at && n + 1 < sizeof text; at++) {
		if (strncmp(at, "\"_id\":\"", 7) == 0) {
			at += 7 + 32;
			memcpy(text + n, "ID", 2);
			n += 2;
		} else {
			text[n++] = *at;
		}
	}
	text[n] = '\0';
	assert_string_equal(text, expected);
}

/* --- OTLP --- */

/* proves OTL-040, OTL-052: the guide's exporter */
static void test_spans(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_buffer requests[2];
	struct genops_destination_item items[2] = {{.kind = GENOPS_ITEM_TRACES, .n = 2}, {.kind = GENOPS_ITEM_TRACES, .n = 1}};
	for (int i = 0; i < 2; i++)
		genops_buffer_init(&requests[i], 1 << 16);
	put_request(&requests[0], "a", 1);
	put_request(&requests[0], "b", 2);
	put_request(&requests[1], "c", 3);
	for (int i = 0; i < 2; i++)
		items[i].body = genops_buffer_view(&requests[i]);
	start(&f, type->exporter, "endpoints: [\"http://elasticsearch:9200\"]\nindex: genops-ai-traces\ncompression: none\n");
	const char *body = encode(&f, items, 2);
#define ACTION "{\"create\":{\"_index\":\"genops-ai-traces\",ID}}\n"
	assert_lines(body, ACTION SPAN("a", "01") ACTION SPAN("b", "02") ACTION SPAN("c", "03"));
	assert_string_equal(f.request.method, "POST");
	assert_true(genops_str_starts(f.request.url, GENOPS_STR("http://elasticsearch:9200/_bulk?filter_path=errors,")));
	assert_string_equal(header(&f, "content-type"), "application/x-ndjson");
	assert_null(header(&f, "content-encoding"));
	assert_null(header(&f, "authorization"));
	unload(&f);
	/* its default is the data stream of the Collector's mode otel, in gzip */
	start(&f, type->exporter, "endpoint: https://h:9200/es/\npipeline: a b\napi_key: bXk6a2V5\nlogstash_format: {enabled: true}\n");
	const struct genops_destination_item many[] = {items[0], items[1], items[0], items[1]}; /* what is short goes as it is */
	(void)encode(&f, many, 4);
	assert_string_equal(header(&f, "authorization"), "ApiKey bXk6a2V5");
	assert_string_equal(header(&f, "content-encoding"), "gzip");
	assert_true(genops_str_ends(f.request.url, GENOPS_STR("&pipeline=a%20b")));
	struct genops_buffer plain;
	genops_buffer_init(&plain, 1 << 16);
	f.request.body.len--;
	assert_int_equal(genops_compress_decode(GENOPS_COMPRESS_GZIP, genops_buffer_view(&f.request.body), &plain, &f.err), GENOPS_OK);
	assert_true(genops_str_find(genops_buffer_view(&plain), GENOPS_STR("{\"create\":{\"_index\":\"traces-generic.otel-default-2023.11.14\"")) == 0);
	assert_true(genops_str_find(genops_buffer_view(&plain),
			GENOPS_STR("\"data_stream\":{\"type\":\"traces\",\"dataset\":\"generic.otel\",\"namespace\":\"default\"}")) != SIZE_MAX);
	genops_buffer_done(&plain);
	unload(&f);
	for (int i = 0; i < 2; i++)
		genops_buffer_done(&requests[i]);
}

static void id_of(const char *body, char *ret)
{
	const char *at = strstr(body, "\"_id\":\"");
	assert_non_null(at);
	memcpy(ret, at + 7, 32);
	ret[32] = '\0';
}

/* The same when it comes again, whatever has happened to its attributes; another one for another span, tenant, event. */
static void test_ids(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_buffer request;
	char first[33], again[33];
	genops_buffer_init(&request, 1 << 16);
	put_request(&request, "a", 1);
	start(&f, type->exporter, "endpoint: http://h:9200\ncompression: none\n");
	struct genops_destination_item item = {.kind = GENOPS_ITEM_TRACES, .n = 1, .body = genops_buffer_view(&request)};
	id_of(encode(&f, &item, 1), first);
	genops_buffer_clear(&request);
	put_request(&request, "renamed", 1);
	item.body = genops_buffer_view(&request);
	id_of(encode(&f, &item, 1), again);
	assert_string_equal(first, again);
	item.tenant = GENOPS_STR("acme");
	id_of(encode(&f, &item, 1), again);
	assert_string_not_equal(first, again);
	unload(&f);
	genops_buffer_done(&request);
	start(&f, type->document, "endpoint: http://h:9200\ncompression: none\n");
	struct genops_destination_item event = {.kind = GENOPS_ITEM_EVENT, .n = 1, .id = 7, .time_unix_ns = T0, .body = GENOPS_STR("{\"a\":1}"),
	    .pipeline = GENOPS_STR("p"), .route = GENOPS_STR("r")};
	id_of(encode(&f, &event, 1), first);
	event.body = GENOPS_STR("{\"a\":2}");
	id_of(encode(&f, &event, 1), again);
	assert_string_equal(first, again);
	event.id = 8;
	id_of(encode(&f, &event, 1), again);
	assert_string_not_equal(first, again);
	unload(&f);
}

/* proves CRB-129 in part */
static void test_events(void **state)
{
	(void)state;
	static const struct {
		const char *index, *body, *payload, *expected;
	} rows[] = {
	    {"", "{\"a\":1}", "", "{\"create\":{\"_index\":\"logs-genops.events-default\",ID}}\n{\"@timestamp\":\"2023-11-14T22:13:20.123456789Z\",\"a\":1}\n"},
	    {"", "{}", "", "{\"create\":{\"_index\":\"logs-genops.events-default\",ID}}\n{\"@timestamp\":\"2023-11-14T22:13:20.123456789Z\"}\n"},
	    {"index: plain", "{\"a\":1}", " {\n\"@timestamp\": \"now\"\n}\n", "{\"create\":{\"_index\":\"plain\",ID}}\n{ \"@timestamp\": \"now\" }\n"},
	    {"index: plain", "{\"a\":{\"@timestamp\":1}}", "", "{\"create\":{\"_index\":\"plain\",ID}}\n{\"@timestamp\":\"2023-11-14T22:13:20.123456789Z\",\"a\":{\"@timestamp\":1}}\n"},
	    {"index: plain", "{}", "[1,\n2]", "{\"create\":{\"_index\":\"plain\",ID}}\n[1, 2]\n"},
	    {"index: \"v-${team}-${ENVIRONMENT_NAME}-${_time:%Y.%m.%d}\"", "{\"team\":\"NLP, \\\"x\\\"\"}", "",
		"{\"create\":{\"_index\":\"v-nlp___x_-prod-2023.11.14\",ID}}\n{\"@timestamp\":\"2023-11-14T22:13:20.123456789Z\",\"team\":\"NLP, \\\"x\\\"\"}\n"},
	    {"index: \"${team}\"", "{\"team\":\"-é\"}", "", "{\"create\":{\"_index\":\"x\xc3\xa9\",ID}}\n{\"@timestamp\":\"2023-11-14T22:13:20.123456789Z\",\"team\":\"-é\"}\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		char text[256];
		const struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT, .n = 1, .id = 1, .time_unix_ns = T0,
		    .body = genops_str_of(rows[i].body), .payload = genops_str_of(rows[i].payload)};
		snprintf(text, sizeof text, "endpoint: http://h:9200\ncompression: none\n%s\n", rows[i].index);
		start(&f, type->document, text);
		assert_lines(encode(&f, &item, 1), rows[i].expected);
		unload(&f);
	}
}

static void test_records(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_record record = {.name = GENOPS_STR("ai.completion"), .start_unix_ns = T0, .end_unix_ns = T0 + 1000};
	const struct genops_destination_batch batch = {.records = &record, .n_records = 1};
	record.trace_id[0] = record.span_id[0] = 1;
	start(&f, type->exporter, "endpoint: http://h:9200\nindex: x\ncompression: none\nuser: elastic\npassword: changeme\n");
	assert_int_equal(type->encode(&f.settings, &batch, &f.request_arena, &f.request, &f.err), GENOPS_OK);
	assert_true(genops_str_find(genops_buffer_view(&f.request.body), GENOPS_STR("\"name\":\"ai.completion\"")) != SIZE_MAX);
	assert_string_equal(header(&f, "authorization"), "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==");
	struct genops_send_verdict verdict;
	const struct genops_response response = {.status = 200, .body = GENOPS_STR("{\"errors\":true,\"items\":[{\"create\":{\"status\":400}}]}")};
	type->judge(&f.settings, &response, &verdict);
	assert_int_equal(verdict.kind, GENOPS_REJECTED);
	assert_true(verdict.is_divisible && !verdict.n_kinds);
	static const char *const nothing[] = {"{}", "[]", "\"ok\"", "{\"errors\":\"no\"}"};
	for (size_t i = 0; i < 4; i++) { /* JSON, but not Elasticsearch's: nobody says that they are there */
		const struct genops_response other = {.status = 200, .body = genops_str_of(nothing[i])};
		type->judge(&f.settings, &other, &verdict);
		assert_int_equal(verdict.kind, GENOPS_RETRY);
		assert_non_null(strstr(verdict.reason, "none of Elasticsearch's"));
	}
	const struct genops_response whole = {.status = 400, .body = GENOPS_STR("{\"error\":{}}")};
	type->judge(&f.settings, &whole, &verdict);
	assert_true(verdict.kind == GENOPS_REJECTED && verdict.is_divisible); /* the others are good */
	unload(&f);
}

/* A span that is small and needs much memory is refused, not tried again for ever. */
static void test_a_span_of_attributes(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_buffer request;
	genops_buffer_init(&request, 1 << 25);
	size_t resource = genops_wire_begin(&request, 1), scope = genops_wire_begin(&request, 2), span = genops_wire_begin(&request, 2);
	for (int i = 0; i < 2000000; i++)
		genops_wire_put_bytes(&request, 9, (genops_str){"", 0});
	genops_wire_end(&request, span);
	genops_wire_end(&request, scope);
	genops_wire_end(&request, resource);
	assert_int_equal(request.error, 0);
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_TRACES, .n = 1, .body = genops_buffer_view(&request)};
	const struct genops_destination_batch batch = {.items = &item, .n_items = 1};
	start(&f, type->exporter, "endpoint: http://h:9200\ncompression: none\n");
	assert_int_equal(type->encode(&f.settings, &batch, &f.request_arena, &f.request, &f.err), GENOPS_LIMIT);
	assert_non_null(strstr(f.err.message, "attributes"));
	genops_buffer_done(&request);
	unload(&f);
}

static void test_an_index_without_a_name(void **state)
{
	(void)state;
	struct fixture f;
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT, .n = 1, .body = GENOPS_STR("{\"team\":\"\"}")};
	start(&f, type->document, "endpoint: http://h:9200\ncompression: none\nindex: '${team}'\n");
	const char *body = encode(&f, &item, 1);
	assert_null(strstr(body, "\"_index\":\"\""));
	unload(&f);
	start(&f, type->document, "endpoint: http://h:9200\ncompression: none\nindex: '${\"a\" + \"\xe2\x82\xac\".repeat(200)}'\n");
	const struct genops_response refused = {.status = 200,
	    .body = GENOPS_STR("{\"errors\":true,\"items\":[{\"create\":{\"status\":403,\"error\":{\"type\":\"security_exception\",\"reason\":\"x\"}}}]}")};
	struct genops_send_verdict verdict;
	body = strstr(encode(&f, &item, 1), "\"a\xe2");
	assert_int_equal(strchr(body + 1, '"') - body - 1, 253);
	type->judge(&f.settings, &refused, &verdict); /* an index that an event has chosen holds up nobody else */
	assert_int_equal(verdict.kinds[0], GENOPS_REJECTED);
	unload(&f);
}

/* The next node is asked when one does not answer. */
static void test_endpoints(void **state)
{
	(void)state;
	struct fixture f;
	struct genops_send_verdict verdict;
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT, .body = GENOPS_STR("{}")};
	static const int statuses[] = {200, 429, 0, 500, 503, 200};
	start(&f, type->document, "endpoints: [http://a:9200, http://b:9200, http://c:9200]\n");
	for (size_t i = 0; i < 6; i++) {
		const struct genops_response response = {.status = statuses[i], .body = GENOPS_STR("{\"errors\":false}")};
		(void)encode(&f, &item, 1);
		if (i < 3)
			assert_int_equal(f.request.url.ptr[7], 'a');
		type->judge(&f.settings, &response, &verdict);
	}
	(void)encode(&f, &item, 1);
	assert_int_equal(f.request.url.ptr[7], 'c');
	unload(&f);
}

static void test_settings(void **state)
{
	(void)state;
	static const struct {
		bool is_exporter;
		const char *text, *message; /* NULL: right */
	} rows[] = {
	    {true, "{}", NULL}, /* $ELASTICSEARCH_URL */
	    {true, "cloudid: 'my:ZXhhbXBsZS5jb20kYWJjZCRlZmdo'", NULL},
	    {true, "cloudid: 'my'", "cloudid is not one"},
	    {true, "cloudid: 'my:!!!'", "cloudid is not one"},
	    {true, "{endpoint: 'http://a', endpoints: ['http://b']}", "twice"},
	    {true, "endpoint: a:9200", "not a URL"},
	    {true, "endpoint: 'http://u:p@a:9200'", "credentials do not belong"},
	    {true, "endpoint: 'http://a:9200/?x=1'", "must end with its path"},
	    {true, "{endpoint: 'http://a', index: Upper}", "can be no index's name"},
	    {true, "{endpoint: 'http://a', index: _x}", "can be no index's name"},
	    {true, "{endpoint: 'http://a', mapping: {mode: ecs}}", "mode \"ecs\" is not done here"},
	    {true, "{endpoint: 'http://a', mapping: {mode: otel}}", NULL},
	    {true, "{endpoint: 'http://a', user: x}", "belong together"},
	    {true, "{endpoint: 'http://a', user: x, password: y, api_key: z}", "two ways"},
	    {true, "{endpoint: 'http://a', num_workers: 4}", "num_workers"},
	    {true, "{endpoint: 'http://a', logstash_format: {enabled: true, date_format: '}'}}", "logstash_format"},
	    {false, "{endpoint: 'http://a', index: 'x-${1 +}'}", "index:"},
	    {false, "{endpoint: 'http://a', index: 'x-${_random:4}'}", "find its index again"},
	    {false, "{endpoint: 'http://a', index: [a]}", "index must be"},
	    {false, "{endpoint: 'http://a', traces_index: a}", "traces_index"},
	    {false, "{endpoint: 'http://a', api_key: 'id:key', username: ''}", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture f;
		int code = load(&f, rows[i].is_exporter ? type->exporter : type->document, rows[i].text);
		if (rows[i].message ? code != GENOPS_CONFIG || !strstr(f.err.message, rows[i].message) : code != GENOPS_OK)
			fail_msg("%s: %d %s", rows[i].text, code, f.err.message);
		assert_true(!rows[i].message || f.err.line == 1);
		unload(&f);
	}
}

static void test_cloudid(void **state)
{
	(void)state;
	struct fixture f;
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT, .body = GENOPS_STR("{}")};
	start(&f, type->document, "cloudid: 'my:ZXhhbXBsZS5jb20kYWJjZCRlZmdo'\n");
	(void)encode(&f, &item, 1);
	assert_true(genops_str_starts(f.request.url, GENOPS_STR("https://abcd.example.com:443/_bulk?")));
	unload(&f);
}

static void test_no_memory(void **state)
{
	(void)state;
	struct fixture f;
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT, .id = 1, .body = GENOPS_STR("{\"team\":\"x\",\"@timestamp\":1}")};
	const struct genops_destination_batch batch = {.items = &item, .n_items = 1};
	start(&f, type->document, "{endpoint: 'http://a', index: 'x-${team}'}");
	for (long n = 0; FAILING_ALLOC && n < 200; n++) {
		genops_arena_reset(&f.request_arena);
		allocs_left = n;
		int code = type->encode(&f.settings, &batch, &f.request_arena, &f.request, &f.err);
		allocs_left = -1;
		if (code == GENOPS_OK)
			break;
		if (code != GENOPS_NOMEM && code != GENOPS_LIMIT) /* an arena that cannot grow is a full one */
			fail_msg("%ld: %d %s", n, code, f.err.message);
		assert_null(f.request.body.ptr);
		assert_true(n < 199);
	}
	unload(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spans),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_a_span_of_attributes),
	    cmocka_unit_test(test_an_index_without_a_name),
	    cmocka_unit_test(test_endpoints),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_cloudid),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
