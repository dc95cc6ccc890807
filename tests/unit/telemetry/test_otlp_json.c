/* SPDX-License-Identifier: Apache-2.0
 * test_otlp_json.c - OTLP's JSON both ways: what each kind of field takes and what it does not, and that JSON to protobuf and back is the
 * same text. Requests in large are compared with Python's protobuf in tests/e2e/receiving/test_otlp_json.py. */
#include "otlp_fixture.h"

#include "base/str.h"
#include "failing_alloc.h"
#include "telemetry/otlp/otlp_json.h"

static int read_json(enum genops_signal signal, const char *json, struct genops_buffer *out, struct genops_error *err)
{
	/* exactly as long, so that a sanitizer sees a read behind the end */
	genops_str text = genops_str_of(json);
	char *copy = malloc(text.len + !text.len);
	assert_non_null(copy);
	memcpy(copy, text.ptr, text.len);
	int code = genops_otlp_json_read(signal, (genops_str){copy, text.len}, out, err);
	free(copy);
	return code;
}

/* A span of one member. */
static const char *span_of(const char *member)
{
	static char text[4096];
	snprintf(text, sizeof text, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{%s}]}]}]}", member);
	return text;
}

static const char *value_of(const char *value)
{
	static char text[4096];
	snprintf(text, sizeof text, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":[{\"key\":\"k\",\"value\":%s}]}]}]}]}", value);
	return text;
}

static const char *point_of(const char *metric, const char *member)
{
	static char text[4096];
	snprintf(text, sizeof text, "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"%s\":{\"dataPoints\":[{%s}]}}]}]}]}", metric, member);
	return text;
}

/* JSON to protobuf and back gives `back`. */
static void expect_back(enum genops_signal signal, const char *json, const char *back)
{
	struct genops_buffer wire, text;
	struct genops_error err = {0};
	genops_buffer_init(&wire, 1 << 20);
	genops_buffer_init(&text, 1 << 20);
	if (read_json(signal, json, &wire, &err) != GENOPS_OK)
		fail_msg("%s: %s", json, err.message);
	if (genops_otlp_json_write(signal, genops_buffer_view(&wire), &text, &err) != GENOPS_OK)
		fail_msg("%s: %s", json, err.message);
	if (!genops_str_equal(genops_buffer_view(&text), genops_str_of(back)))
		fail_msg("%s\nbecame %.*s\ninstead of %s", json, GENOPS_STR_ARG(genops_buffer_view(&text)), back);
	genops_buffer_done(&wire);
	genops_buffer_done(&text);
}

static void test_every_field_there_and_back(void **state)
{
	(void)state;
	static const char traces[] =
	    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}],"
	    "\"droppedAttributesCount\":1,\"entityRefs\":[{\"schemaUrl\":\"u\",\"type\":\"service\",\"idKeys\":[\"a\",\"\"],"
	    "\"descriptionKeys\":[\"b\"]}]},\"scopeSpans\":[{\"scope\":{\"name\":\"n\",\"version\":\"1\",\"attributes\":[{\"key\":\"k\"}],"
	    "\"droppedAttributesCount\":2},\"spans\":[{\"traceId\":\"5b8aa5a2d2c872e8321cf37308d69df2\",\"spanId\":\"5fb397be34d26b51\","
	    "\"traceState\":\"a=b\",\"parentSpanId\":\"051581bf3cb55c13\",\"name\":\"chat\",\"kind\":3,"
	    "\"startTimeUnixNano\":\"1544712660000000000\",\"endTimeUnixNano\":\"18446744073709551615\","
	    "\"attributes\":[{\"key\":\"s\",\"value\":{\"stringValue\":\"\"}},{\"key\":\"b\",\"value\":{\"boolValue\":false}},"
	    "{\"key\":\"i\",\"value\":{\"intValue\":\"-9223372036854775808\"}},{\"key\":\"d\",\"value\":{\"doubleValue\":-0.0}},"
	    "{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"0\"},{},{\"doubleValue\":1.5e+300}]}}},"
	    "{\"key\":\"l\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"x\",\"value\":{\"kvlistValue\":{}}}]}}},"
	    "{\"key\":\"y\",\"value\":{\"bytesValue\":\"AP/+\"}},{\"key\":\"e\",\"value\":{\"arrayValue\":{}}},"
	    "{\"key\":\"x\",\"value\":{\"stringValueStrindex\":3}},{\"value\":{\"boolValue\":true},\"keyStrindex\":-4}],"
	    "\"droppedAttributesCount\":4294967295,\"events\":[{\"timeUnixNano\":\"1\",\"name\":\"e\",\"attributes\":[{\"key\":\"k\"}],"
	    "\"droppedAttributesCount\":1},{}],\"droppedEventsCount\":2,\"links\":[{\"traceId\":\"5b8aa5a2d2c872e8321cf37308d69df2\","
	    "\"spanId\":\"5fb397be34d26b51\",\"traceState\":\"c=d\",\"attributes\":[{\"key\":\"k\"}],\"droppedAttributesCount\":7,"
	    "\"flags\":256}],\"droppedLinksCount\":3,\"status\":{\"message\":\"m\\n\\u0001\\\"\",\"code\":2},\"flags\":257}],"
	    "\"schemaUrl\":\"http://s\"}],\"schemaUrl\":\"http://r\"}]}";
	static const char metrics[] =
	    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":["
	    "{\"name\":\"g\",\"description\":\"d\",\"unit\":\"1\",\"gauge\":{\"dataPoints\":[{\"startTimeUnixNano\":\"1\",\"timeUnixNano\":\"2\","
	    "\"asDouble\":0,\"exemplars\":[{\"timeUnixNano\":\"3\",\"asDouble\":0.1,\"spanId\":\"5fb397be34d26b51\","
	    "\"traceId\":\"5b8aa5a2d2c872e8321cf37308d69df2\",\"filteredAttributes\":[{\"key\":\"k\"}]},{\"asInt\":\"-1\"}],"
	    "\"attributes\":[{\"key\":\"k\"}],\"flags\":1},{\"asInt\":\"0\"}]},\"metadata\":[{\"key\":\"k\"}]},"
	    "{\"name\":\"s\",\"sum\":{\"dataPoints\":[{\"asInt\":\"9223372036854775807\"}],\"aggregationTemporality\":2,\"isMonotonic\":true}},"
	    "{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{\"startTimeUnixNano\":\"1\",\"timeUnixNano\":\"2\",\"count\":\"3\",\"sum\":0,"
	    "\"bucketCounts\":[\"0\",\"18446744073709551615\"],\"explicitBounds\":[0.5,\"-Infinity\",\"NaN\"],\"exemplars\":[{}],"
	    "\"attributes\":[{\"key\":\"k\"}],\"flags\":1,\"min\":0,\"max\":\"Infinity\"}],\"aggregationTemporality\":1}},"
	    "{\"name\":\"e\",\"exponentialHistogram\":{\"dataPoints\":[{\"attributes\":[{\"key\":\"k\"}],\"startTimeUnixNano\":\"1\","
	    "\"timeUnixNano\":\"2\",\"count\":\"3\",\"sum\":-1.5,\"scale\":-3,\"zeroCount\":\"4\",\"positive\":{\"offset\":-2147483648,"
	    "\"bucketCounts\":[\"0\",\"300\",\"18446744073709551615\"]},\"negative\":{},\"flags\":1,\"exemplars\":[{}],\"min\":0,\"max\":1,"
	    "\"zeroThreshold\":1e-07}],\"aggregationTemporality\":2}},"
	    "{\"name\":\"y\",\"summary\":{\"dataPoints\":[{\"startTimeUnixNano\":\"1\",\"timeUnixNano\":\"2\",\"count\":\"3\",\"sum\":1.5,"
	    "\"quantileValues\":[{\"quantile\":0.5,\"value\":2},{}],\"attributes\":[{\"key\":\"k\"}],\"flags\":1}]}},{\"gauge\":{}}]}]}]}";
	static const char logs[] =
	    "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{},\"logRecords\":[{\"timeUnixNano\":\"1\",\"severityNumber\":9,"
	    "\"severityText\":\"INFO\",\"body\":{\"stringValue\":\"\xE2\x82\xAC\"},\"attributes\":[{\"key\":\"k\"}],"
	    "\"droppedAttributesCount\":1,\"flags\":1,\"traceId\":\"5b8aa5a2d2c872e8321cf37308d69df2\",\"spanId\":\"5fb397be34d26b51\","
	    "\"observedTimeUnixNano\":\"2\",\"eventName\":\"n\"},{}]},{}]},{}]}";
	expect_back(GENOPS_SIGNAL_TRACES, traces, traces);
	expect_back(GENOPS_SIGNAL_METRICS, metrics, metrics);
	expect_back(GENOPS_SIGNAL_LOGS, logs, logs);
	for (int signal = 0; signal < GENOPS_SIGNAL_N; signal++) {
		expect_back((enum genops_signal)signal, "{}", "{}");
		expect_back((enum genops_signal)signal, " { \"unknown\" : [ { \"a\" : [ 1 , {} ] } , 2 ] } ", "{}");
	}
}

/* contract: what OTLP's JSON takes. */
static void test_spellings(void **state)
{
	(void)state;
	static const struct {
		const char *member, *back;
	} rows[] = {
	    {"\"name\":null,\"kind\":null,\"attributes\":null,\"status\":null,\"traceId\":null", ""},
	    {"\"traceId\":\"5B8AA5A2D2C872E8321CF37308D69DF2\"", "\"traceId\":\"5b8aa5a2d2c872e8321cf37308d69df2\""},
	    {"\"traceId\":\"\",\"spanId\":\"\"", ""},
	    {"\"startTimeUnixNano\":1544712660000000000", "\"startTimeUnixNano\":\"1544712660000000000\""},
	    {"\"startTimeUnixNano\":18446744073709551615", "\"startTimeUnixNano\":\"18446744073709551615\""},
	    {"\"startTimeUnixNano\":1.5e3", "\"startTimeUnixNano\":\"1500\""},
	    {"\"startTimeUnixNano\":\"0\",\"kind\":0,\"name\":\"\"", ""},
	    {"\"flags\":\"3\",\"droppedLinksCount\":2.0", "\"droppedLinksCount\":2,\"flags\":3"},
	    {"\"name\":\"a\\u00e9\\ud83d\\ude00\"", "\"name\":\"a\xC3\xA9\xF0\x9F\x98\x80\""},
	    {"\"trace_id\":\"zz\",\"Name\":5,\"start_time_unix_nano\":{}", ""}, /* names that it does not have are not looked at */
	    {"\"attributes\":[],\"events\":[]", ""},
	    {"\"kind\":99", "\"kind\":99"}, /* an enum is open */
	    {"\"kind\":-1", "\"kind\":-1"},
	};
	static const struct {
		const char *value, *back;
	} values[] = {
	    {"{\"intValue\":7}", "{\"intValue\":\"7\"}"},
	    {"{\"intValue\":\"-7\"}", "{\"intValue\":\"-7\"}"},
	    {"{\"doubleValue\":\"NaN\"}", "{\"doubleValue\":\"NaN\"}"},
	    {"{\"doubleValue\":\"-Infinity\"}", "{\"doubleValue\":\"-Infinity\"}"},
	    {"{\"doubleValue\":\"1.25\"}", "{\"doubleValue\":1.25}"},
	    {"{\"doubleValue\":-0}", "{\"doubleValue\":-0.0}"},
	    {"{\"doubleValue\":7}", "{\"doubleValue\":7}"},
	    {"{\"doubleValue\":0.1}", "{\"doubleValue\":0.1}"},
	    {"{\"arrayValue\":[]}", "{\"arrayValue\":{}}"}, /* lists without their object, as in opentelemetry-proto's own example */
	    {"{\"arrayValue\":[{\"intValue\":1},{\"arrayValue\":[{}]}]}",
		"{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"arrayValue\":{\"values\":[{}]}}]}}"},
	    {"{\"kvlistValue\":[{\"key\":\"a\"}]}", "{\"kvlistValue\":{\"values\":[{\"key\":\"a\"}]}}"},
	    {"{\"bytesValue\":\"-_8\"}", "{\"bytesValue\":\"+/8=\"}"},
	    {"{\"stringValue\":null}", "{}"},
	    {"{\"arrayValue\":{\"values\":null}}", "{\"arrayValue\":{}}"},
	    {"{\"stringValue\":\"a\",\"intValue\":\"1\"}", "{\"intValue\":\"1\"}"}, /* a oneof: the last one counts */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *back = strdup(span_of(rows[i].back));
		assert_non_null(back);
		expect_back(GENOPS_SIGNAL_TRACES, span_of(rows[i].member), back);
		free(back);
	}
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char *back = strdup(value_of(values[i].back));
		assert_non_null(back);
		expect_back(GENOPS_SIGNAL_TRACES, value_of(values[i].value), back);
		free(back);
	}
	char *back = strdup(point_of("histogram", "\"bucketCounts\":[\"1\",\"2\"]"));
	assert_non_null(back);
	expect_back(GENOPS_SIGNAL_METRICS, point_of("histogram", "\"bucketCounts\":[1,\"2\"],\"explicitBounds\":[]"), back);
	free(back);
}

static void expect_refused(enum genops_signal signal, const char *json, int expected)
{
	struct genops_buffer wire;
	struct genops_error err = {0};
	genops_buffer_init(&wire, 1 << 20);
	genops_buffer_add(&wire, GENOPS_STR("before"));
	int code = read_json(signal, json, &wire, &err);
	if (code != expected)
		fail_msg("%s: %d instead of %d (%s)", json, code, expected, err.message);
	assert_int_equal(wire.len, 6); /* untouched */
	assert_true(err.message[0]);
	genops_buffer_done(&wire);
}

static void test_what_is_refused(void **state)
{
	(void)state;
	static const char *const members[] = {
	    "\"kind\":\"SPAN_KIND_SERVER\"", "\"kind\":\"3\"", "\"kind\":1.5", "\"kind\":2147483648", "\"kind\":true", "\"kind\":[]",
	    "\"status\":{\"code\":\"OK\"}", "\"status\":[]", "\"status\":\"x\"", "\"status\":1",
	    "\"name\":5", "\"name\":{}", "\"name\":[\"a\"]", "\"name\":true",
	    "\"traceId\":\"zz8aa5a2d2c872e8321cf37308d69df2\"", "\"traceId\":5", "\"spanId\":\"5fb397be34d26b5g\"",
	    "\"startTimeUnixNano\":\"-1\"", "\"startTimeUnixNano\":-1", "\"startTimeUnixNano\":\"\"", "\"startTimeUnixNano\":\" 1\"",
	    "\"startTimeUnixNano\":\"1e3\"", "\"startTimeUnixNano\":1.5", "\"startTimeUnixNano\":18446744073709551616",
	    "\"startTimeUnixNano\":1e300", "\"startTimeUnixNano\":true", "\"flags\":4294967296", "\"flags\":-1", "\"flags\":\"a\"",
	    "\"attributes\":{}", "\"attributes\":[null]", "\"attributes\":[1]", "\"attributes\":[[]]", "\"attributes\":\"a\"",
	    "\"events\":[{\"name\":1}]", "\"name\":\"a\",\"name\":\"b\"", "\"unknown\":1,\"unknown\":2", "\"name\":\"\xFF\"",
	    "\"name\":\"\\ud800\"", "\"name\":\"a\n\"",
	};
	static const char *const values[] = {
	    "{\"intValue\":\"9223372036854775808\"}", "{\"intValue\":1.5}", "{\"intValue\":\"\"}", "{\"boolValue\":1}",
	    "{\"boolValue\":\"true\"}", "{\"doubleValue\":1e999}", "{\"doubleValue\":\"nan\"}", "{\"doubleValue\":\"inf\"}",
	    "{\"doubleValue\":\"\"}", "{\"doubleValue\":\"0x10\"}", "{\"doubleValue\":true}", "{\"bytesValue\":\"A\"}",
	    "{\"bytesValue\":\"A B=\"}", "{\"bytesValue\":5}", "{\"stringValue\":5}", "{\"arrayValue\":[[]]}", "{\"arrayValue\":[1]}", "{\"kvlistValue\":[{\"key\":1}]}", "\"text\"", "[]",
	    "{\"kvlistValue\":{\"values\":[{\"key\":5}]}}",
	};
	static const char *const documents[] = {
	    "", "null", "[]", "5", "\"a\"", "{", "{}x", "{\"resourceSpans\":{}}", "{\"resourceSpans\":[[]]}", "{\"resourceSpans\":[5]}",
	    "{\"resourceSpans\":[{\"resource\":[]}]}", "{\"resourceSpans\":[{}]", "{'a':1}", "{\"a\":1,}", "{\"resourceSpans\":[],}",
	};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		expect_refused(GENOPS_SIGNAL_TRACES, span_of(members[i]), GENOPS_SYNTAX);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		expect_refused(GENOPS_SIGNAL_TRACES, value_of(values[i]), GENOPS_SYNTAX);
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
		expect_refused(GENOPS_SIGNAL_TRACES, documents[i], GENOPS_SYNTAX);
	expect_refused(GENOPS_SIGNAL_METRICS, point_of("histogram", "\"bucketCounts\":[null]"), GENOPS_SYNTAX);
	expect_refused(GENOPS_SIGNAL_METRICS, point_of("histogram", "\"bucketCounts\":[1,\"a\"]"), GENOPS_SYNTAX);
	expect_refused(GENOPS_SIGNAL_METRICS, point_of("histogram", "\"bucketCounts\":1"), GENOPS_SYNTAX);
}

static void test_what_is_foreign(void **state)
{
	(void)state;
	assert_true(genops_otlp_json_is_foreign(GENOPS_SIGNAL_TRACES, GENOPS_STR("{\"resource_spans\":[{}]}")));
	assert_true(genops_otlp_json_is_foreign(GENOPS_SIGNAL_TRACES, GENOPS_STR("{\"resourceLogs\":[]}")));
	assert_false(genops_otlp_json_is_foreign(GENOPS_SIGNAL_TRACES, GENOPS_STR("{}")));
	assert_false(genops_otlp_json_is_foreign(GENOPS_SIGNAL_TRACES, GENOPS_STR(" { } ")));
	assert_false(genops_otlp_json_is_foreign(GENOPS_SIGNAL_TRACES, GENOPS_STR("{\"resourceSpans\":[]}")));
	assert_false(genops_otlp_json_is_foreign(GENOPS_SIGNAL_LOGS, GENOPS_STR("{\"resourceLogs\":[],\"x\":1}")));
}

static void test_where_a_fault_is(void **state)
{
	(void)state;
	struct genops_buffer wire;
	struct genops_error err = {0};
	genops_buffer_init(&wire, 4096);
	assert_int_equal(read_json(GENOPS_SIGNAL_TRACES, span_of("\"kind\":\"x\""), &wire, &err), GENOPS_SYNTAX);
	assert_string_equal(err.message,
	    "OTLP traces in JSON: no number where one is due (enums are numbers in OTLP), at byte 51 (Span.kind)");
	assert_true(err.fix[0]);
	genops_buffer_done(&wire);
}

/* An id of a wrong length is its item's fault: the request's neighbours are taken. */
static void test_ids_of_a_wrong_length(void **state)
{
	(void)state;
	static const char *const ids[] = {"5", "5b8a", "5b8aa5a2d2c872e8321cf37308d69df", "5b8aa5a2d2c872e8321cf37308d69df21",
	    "5b8aa5a2d2c872e8321cf37308d69df25b8aa5a2d2c872e8321cf37308d69df2", "00"};
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		char json[512];
		struct genops_buffer wire, scratch;
		struct pieces pieces = {0};
		struct genops_otlp_count count;
		snprintf(json, sizeof json,
		    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"},{\"traceId\":\"%s\"},{\"name\":\"b\"}]}]}]}", ids[i]);
		genops_buffer_init(&wire, 4096);
		genops_buffer_init(&scratch, 4096);
		genops_buffer_init(&pieces.all, 4096);
		assert_int_equal(read_json(GENOPS_SIGNAL_TRACES, json, &wire, NULL), GENOPS_OK);
		assert_int_equal(genops_otlp_request_pieces(GENOPS_SIGNAL_TRACES, genops_buffer_view(&wire), &scratch, take_piece, &pieces,
				     &count, NULL), GENOPS_OK);
		if (count.n_accepted != 2 || count.n_rejected != 1)
			fail_msg("%s: %d taken", ids[i], (int)count.n_accepted);
		genops_buffer_done(&wire);
		genops_buffer_done(&scratch);
		genops_buffer_done(&pieces.all);
	}
}

/* `depth` values in one another, in arrays or in lists. */
static char *nested(int depth, bool is_list)
{
	const char *open = is_list ? "{\"kvlistValue\":{\"values\":[{\"value\":" : "{\"arrayValue\":{\"values\":[";
	const char *close = is_list ? "}]}}" : "]}}";
	size_t max = 200 + (size_t)depth * (strlen(open) + strlen(close));
	char *text = malloc(max);
	assert_non_null(text);
	strcpy(text, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":");
	for (int i = 1; i < depth; i++)
		strcat(text, open);
	strcat(text, "{\"intValue\":\"1\"}");
	for (int i = 1; i < depth; i++)
		strcat(text, close);
	return strcat(text, "}]}]}]}");
}

/* Of one log record that is too deep, beside one that is not. */
static void expect_rejected(const char *json)
{
	struct genops_buffer wire, scratch;
	struct pieces pieces = {0};
	struct genops_otlp_count count;
	genops_buffer_init(&wire, 1 << 20);
	genops_buffer_init(&scratch, 1 << 20);
	genops_buffer_init(&pieces.all, 1 << 20);
	assert_int_equal(read_json(GENOPS_SIGNAL_LOGS, json, &wire, NULL), GENOPS_OK);
	genops_wire_put_bytes(&wire, 1, GENOPS_STR("\x12\x04\x12\x02\x10\x01"));
	assert_int_equal(genops_otlp_request_pieces(GENOPS_SIGNAL_LOGS, genops_buffer_view(&wire), &scratch, take_piece, &pieces, &count, NULL),
	    GENOPS_OK);
	assert_true(count.n_accepted == 1 && count.n_rejected == 1);
	assert_string_equal(count.reason, "log record 1: values more than 30 deep in one another; send flatter attributes");
	genops_buffer_done(&wire);
	genops_buffer_done(&scratch);
	genops_buffer_done(&pieces.all);
}

static void test_depth_is_bounded(void **state)
{
	(void)state;
	for (int is_list = 0; is_list < 2; is_list++) {
		for (int depth = 1; depth < 150; depth++) {
			char *text = nested(depth, is_list);
			if (depth <= GENOPS_OTLP_DEPTH_MAX)
				expect_back(GENOPS_SIGNAL_LOGS, text, text);
			else
				expect_rejected(text);
			free(text);
		}
	}
	char *text = nested(5000, false);
	expect_refused(GENOPS_SIGNAL_LOGS, text, GENOPS_LIMIT);
	free(text);
}

/* Fields in any order, a repeated one in several places, numbers unpacked. */
static void test_protobuf_in_any_order(void **state)
{
	(void)state;
	struct genops_buffer wire, text;
	genops_buffer_init(&wire, 4096);
	genops_buffer_init(&text, 4096);
	size_t resource = genops_wire_begin(&wire, 1), scope = genops_wire_begin(&wire, 2), metric = genops_wire_begin(&wire, 2);
	genops_wire_put_bytes(&wire, 5, GENOPS_STR(""));
	size_t histogram = genops_wire_begin(&wire, 9), point = genops_wire_begin(&wire, 1);
	genops_wire_put_fixed64(&wire, 6, 1);
	genops_wire_put_bytes(&wire, 9, GENOPS_STR("\x0A\x01" "a"));
	genops_wire_put_bytes(&wire, 6, GENOPS_STR("\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"));
	genops_wire_put_bytes(&wire, 99, GENOPS_STR("not known"));
	genops_wire_put_fixed64(&wire, 4, 8);
	genops_wire_put_fixed64(&wire, 4, 9);
	genops_wire_put_fixed64(&wire, 6, 4);
	genops_wire_put_bytes(&wire, 9, GENOPS_STR("\x12\x00\x0A\x01" "b"));
	genops_wire_end(&wire, point);
	genops_wire_end(&wire, histogram);
	genops_wire_put_bytes(&wire, 1, GENOPS_STR("m"));
	genops_wire_end(&wire, metric);
	genops_wire_end(&wire, scope);
	genops_wire_end(&wire, resource);
	assert_int_equal(genops_otlp_json_write(GENOPS_SIGNAL_METRICS, genops_buffer_view(&wire), &text, NULL), GENOPS_OK);
	genops_buffer_add_char(&text, '\0');
	assert_string_equal(text.ptr,
	    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\",\"histogram\":{\"dataPoints\":[{\"count\":\"9\","
	    "\"bucketCounts\":[\"1\",\"2\",\"3\",\"4\"],\"attributes\":[{\"key\":\"a\"},{\"key\":\"b\",\"value\":{}}]}]}}]}]}]}");
	genops_buffer_done(&wire);
	genops_buffer_done(&text);
}

/* Cut anywhere: an error and nothing written, or a shorter request. */
static void test_damaged_protobuf(void **state)
{
	(void)state;
	struct genops_buffer wire, text;
	genops_buffer_init(&wire, 4096);
	genops_buffer_init(&text, 4096);
	size_t resource = genops_wire_begin(&wire, 1), scope = genops_wire_begin(&wire, 2);
	put_span(&wire, "name", 20);
	genops_wire_end(&wire, scope);
	genops_wire_end(&wire, resource);
	for (size_t at = 0; at < 2 * wire.len; at++) {
		size_t len = at < wire.len ? at : wire.len;
		char *bytes = malloc(len + 1);
		assert_non_null(bytes);
		memcpy(bytes, wire.ptr, len);
		if (at >= wire.len)
			bytes[at - wire.len] = (char)(bytes[at - wire.len] ^ 0x95);
		genops_buffer_clear(&text);
		int code = genops_otlp_json_write(GENOPS_SIGNAL_TRACES, (genops_str){bytes, len}, &text, NULL);
		assert_true(code == GENOPS_OK ? text.len > 0 : code == GENOPS_CORRUPT && text.len == 0);
		free(bytes);
	}
	genops_buffer_done(&wire);
	genops_buffer_done(&text);
}

/* Each allocation fails once; buffers that are too small say so. */
static void test_no_memory(void **state)
{
	(void)state;
	char *json = strdup(value_of("{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\\nb\"},{\"bytesValue\":\"AAAA\"},{\"doubleValue\":0.1}]}}"));
	assert_non_null(json);
	struct genops_buffer wire, text;
	struct genops_error err;
	int code = GENOPS_NOMEM;
	for (long n = 0; FAILING_ALLOC && code == GENOPS_NOMEM && n < 1000; n++) {
		genops_buffer_init(&wire, 1 << 20);
		allocs_left = n;
		code = genops_otlp_json_read(GENOPS_SIGNAL_TRACES, genops_str_of(json), &wire, &err);
		allocs_left = -1;
		genops_buffer_done(&wire);
	}
	assert_int_equal(code, FAILING_ALLOC ? GENOPS_OK : GENOPS_NOMEM);
	genops_buffer_init(&wire, 1 << 20);
	assert_int_equal(genops_otlp_json_read(GENOPS_SIGNAL_TRACES, genops_str_of(json), &wire, &err), GENOPS_OK);
	code = GENOPS_NOMEM;
	for (long n = 0; FAILING_ALLOC && code == GENOPS_NOMEM && n < 1000; n++) {
		genops_buffer_init(&text, 1 << 20);
		allocs_left = n;
		code = genops_otlp_json_write(GENOPS_SIGNAL_TRACES, genops_buffer_view(&wire), &text, &err);
		allocs_left = -1;
		genops_buffer_done(&text);
	}
	for (size_t max = 0; max < wire.len; max++) {
		genops_buffer_init(&text, max);
		assert_int_equal(genops_otlp_json_read(GENOPS_SIGNAL_TRACES, genops_str_of(json), &text, &err), GENOPS_LIMIT);
		genops_buffer_done(&text);
		genops_buffer_init(&text, max);
		assert_int_equal(genops_otlp_json_write(GENOPS_SIGNAL_TRACES, genops_buffer_view(&wire), &text, &err), GENOPS_LIMIT);
		genops_buffer_done(&text);
	}
	genops_buffer_done(&wire);
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_field_there_and_back),
	    cmocka_unit_test(test_spellings),
	    cmocka_unit_test(test_what_is_refused),
	    cmocka_unit_test(test_what_is_foreign),
	    cmocka_unit_test(test_where_a_fault_is),
	    cmocka_unit_test(test_ids_of_a_wrong_length),
	    cmocka_unit_test(test_depth_is_bounded),
	    cmocka_unit_test(test_protobuf_in_any_order),
	    cmocka_unit_test(test_damaged_protobuf),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
