/* SPDX-License-Identifier: Apache-2.0
 * test_processor_filter.c - what a filter lets through. Cases marked so are those of the Collector's own tests
 * (processor/filterprocessor). proves OTL-050 */
#include "collector_fixture.h"

#define REDIS   TEXT_VALUE("db.type", "redis")
#define SERVICE(name) TEXT_VALUE("service.name", name)

/* How many spans are left of one with these attributes. */
static int left(const char *yaml, const char *name, const char *attributes, const char *resource)
{
	struct fixture fixture;
	if (fixture_load(&fixture, yaml) != GENOPS_OK)
		fail_msg("%s: %s", yaml, fixture.err.message);
	fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span(name, attributes, resource));
	int n = (int)fixture.n_items;
	assert_int_equal(fixture.n_rejected, 0);
	fixture_done(&fixture);
	return n;
}

static void guide(void **state)
{
	const char *yaml = "filter: {spans: {include: {match_type: strict, attributes: [{key: genops.team, value: \"ml-platform\"}]}}}";
	(void)state;
	assert_int_equal(left(yaml, "a", TEXT_VALUE("genops.team", "ml-platform"), ""), 1);
	assert_int_equal(left(yaml, "a", TEXT_VALUE("genops.team", "search"), ""), 0);
	assert_int_equal(left(yaml, "a", "", ""), 0);
	assert_int_equal(left(yaml, "a", "", TEXT_VALUE("genops.team", "ml-platform")), 0); /* attributes of the span, not the resource */
}

/* TestFilterTraceProcessor */
static void include_and_exclude(void **state)
{
	(void)state;
	assert_int_equal(left("filter: {spans: {exclude: {match_type: strict, attributes: [{key: db.type, value: redis}]}}}", "t", REDIS, ""), 0);
	assert_int_equal(left("filter: {spans: {include: {match_type: strict, attributes: [{key: db.type, value: redis}]}}}", "t", REDIS, ""), 1);
	const char *services = "filter: {spans: {include: {match_type: strict, services: [keep]}}}";
	assert_int_equal(left(services, "t", "", SERVICE("keep")), 1);
	assert_int_equal(left(services, "t", "", SERVICE("dont_keep")), 0);
	assert_int_equal(left(services, "t", "", ""), 0);
	assert_int_equal(left("filter: {spans: {include: {match_type: regexp, services: [keep]}}}", "t", "", SERVICE("dont_keep")), 1);
	assert_int_equal(left("filter: {spans: {include: {match_type: regexp, services: [\"^<nil\"]}}}", "t", "", ""), 1);
	const char *both = "filter: {spans: {include: {match_type: strict, services: [a]}, exclude: {match_type: regexp, span_names: [\"health$\"]}}}";
	assert_int_equal(left(both, "GET /health", "", SERVICE("a")), 0);
	assert_int_equal(left(both, "GET /healthy", "", SERVICE("a")), 1);
	assert_int_equal(left(both, "x", "", SERVICE("b")), 0);
	assert_int_equal(left("filter: {spans: {include: {match_type: strict, span_kinds: [SPAN_KIND_CLIENT]}}}", "t", "", ""), 1);
	assert_int_equal(left("filter: {spans: {exclude: {match_type: strict, libraries: [{name: otel, version: \"11\"}]}}}", "t", "", ""), 0);
	assert_int_equal(left("filter: {spans: {exclude: {match_type: strict, libraries: [{name: otel, version: \"12\"}]}}}", "t", "", ""), 1);
	assert_int_equal(left("filter: {spans: {exclude: {match_type: strict, resources: [{key: a}]}}}", "t", "", TEXT_VALUE("a", "")), 0);
}

/* Types are told apart, as in internal/filter/filtermatcher. */
static void values_have_types(void **state)
{
	(void)state;
	const char *number = "filter: {spans: {include: {match_type: strict, attributes: [{key: n, value: 12}]}}}";
	const char *text = "filter: {spans: {include: {match_type: strict, attributes: [{key: n, value: \"12\"}]}}}";
	assert_int_equal(left(number, "t", INT_VALUE("n", "12"), ""), 1);
	assert_int_equal(left(number, "t", TEXT_VALUE("n", "12"), ""), 0);
	assert_int_equal(left(text, "t", INT_VALUE("n", "12"), ""), 0);
	assert_int_equal(left(text, "t", TEXT_VALUE("n", "12"), ""), 1);
	const char *pattern = "filter: {spans: {include: {match_type: regexp, attributes: [{key: n, value: \"^1.$\"}]}}}";
	assert_int_equal(left(pattern, "t", INT_VALUE("n", "12"), ""), 1);
	assert_int_equal(left(pattern, "t", INT_VALUE("n", "123"), ""), 0);
	assert_int_equal(left(pattern, "t", "{\"key\":\"n\",\"value\":{\"arrayValue\":{}}}", ""), 0);
}

static bool drops(const char *condition)
{
	char yaml[512];
	snprintf(yaml, sizeof yaml, "filter: {error_mode: ignore, traces: {span: ['%s']}}", condition);
	return left(yaml, "operationA",
		   TEXT_VALUE("team", "a\\\"b") "," INT_VALUE("n", "7")
			   ",{\"key\":\"f\",\"value\":{\"doubleValue\":7.5}},{\"key\":\"t\",\"value\":{\"boolValue\":true}},"
			   "{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":[" TEXT_VALUE("k", "v") "]}}},"
			   "{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"}]}}}",
		   TEXT_VALUE("host.name", "localhost")) == 0;
}

/* As a Collector 0.159 was seen to do it: empty bytes are nil, maps have no order. */
static void nil_bytes_and_maps(void **state)
{
	static const char *const attributes = "{\"key\":\"b\",\"value\":{\"bytesValue\":\"\"}},{\"key\":\"c\",\"value\":{\"bytesValue\":\"AQI=\"}},"
	    "{\"key\":\"m\",\"value\":{\"kvlistValue\":{\"values\":[" TEXT_VALUE("k", "v") "," INT_VALUE("n", "1") "]}}},"
	    "{\"key\":\"o\",\"value\":{\"kvlistValue\":{\"values\":[" INT_VALUE("n", "1") "," TEXT_VALUE("k", "v") "]}}},"
	    "{\"key\":\"x\",\"value\":{\"kvlistValue\":{\"values\":[" INT_VALUE("n", "1") "," TEXT_VALUE("k", "w") "]}}}";
	static const char *const yes[] = {"attributes[\"b\"] == nil", "attributes[\"b\"] == attributes[\"absent\"]", "attributes[\"c\"] != nil",
	    "attributes[\"m\"] == attributes[\"o\"]", "attributes[\"m\"] != attributes[\"x\"]"};
	static const char *const no[] = {"attributes[\"b\"] < attributes[\"c\"]", "attributes[\"m\"] != attributes[\"o\"]"};
	char yaml[512];
	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes + sizeof no / sizeof *no; i++) {
		bool holds = i < sizeof yes / sizeof *yes;
		snprintf(yaml, sizeof yaml, "filter: {traces: {span: ['%s']}}", holds ? yes[i] : no[i - sizeof yes / sizeof *yes]);
		if (left(yaml, "t", attributes, "") != !holds)
			fail_msg("%s", yaml);
	}
}

/* TestFilterTraceProcessorWithOTTL and pkg/ottl/LANGUAGE.md */
static void conditions(void **state)
{
	static const char *const yes[] = {"name == \"operationA\"", "resource.attributes[\"host.name\"] == \"localhost\"",
	    "IsMatch(name, \"operation.*\")", "span_id != nil", "attributes[\"absent\"] == nil", "attributes[\"team\"] != nil",
	    "attributes[\"team\"] == \"a\\\"b\"", "attributes[\"n\"] == 7", "attributes[\"n\"] < 7.5", "attributes[\"f\"] > attributes[\"n\"]",
	    "attributes[\"n\"] != \"7\"", "attributes[\"t\"] == true", "attributes[\"m\"][\"k\"] == \"v\"", "attributes[\"l\"][0] == \"x\"",
	    "kind == SPAN_KIND_CLIENT", "kind.string == \"Client\"", "kind.deprecated_string == \"SPAN_KIND_CLIENT\"", "status.code == STATUS_CODE_UNSET", "not name == \"x\"",
	    "not (name == \"x\" or name == \"y\")", "name == \"x\" or name == \"operationA\" and kind == 3",
	    "trace_id.string == \"0102030405060708090a0b0c0d0e0f10\"", "span_id == SpanID(0x0102030405060708)", "IsRootSpan()", "true",
	    "IsString(attributes[\"team\"])", "IsInt(attributes[\"n\"])", "IsDouble(attributes[\"f\"])", "IsBool(attributes[\"t\"])",
	    "IsMap(attributes[\"m\"])", "IsList(attributes[\"l\"])", "HasPrefix(name, \"oper\")", "HasSuffix(name, \"A\")",
	    "instrumentation_scope.name == \"otel\"", "scope.version == \"11\"", "span.name == \"operationA\"", "parent_span_id.string == \"0000000000000000\"",
	    "IsMatch(attributes[\"n\"], \"^7$\")", "IsMatch(attributes[\"m\"], \"k\")", "end_time_unix_nano == 0"};
	static const char *const no[] = {"name == \"x\"", "attributes[\"absent\"] == \"\"", "attributes[\"absent\"] != nil",
	    "attributes[\"n\"] == \"7\"", "attributes[\"n\"] < \"8\"", "name == nil", "IsMatch(attributes[\"absent\"], \".*\")",
	    "name == \"operationA\" and kind == 2", "not true", "status.code == STATUS_CODE_ERROR", "IsString(attributes[\"n\"])",
	    "HasPrefix(attributes[\"n\"], \"7\")", "attributes[\"team\"][\"k\"] == nil"}; /* the last two cannot be evaluated */
	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (!drops(yes[i]))
			fail_msg("%s does not hold", yes[i]);
	}
	for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
		if (drops(no[i]))
			fail_msg("%s holds", no[i]);
	}
}

static void what_cannot_be_evaluated(void **state)
{
	struct fixture fixture;
	const char *span = fixture_span("a", INT_VALUE("n", "7"), "");
	(void)state;
	assert_int_equal(fixture_load(&fixture, "filter: {traces: {span: ['HasPrefix(attributes[\"n\"], \"7\")']}}"), GENOPS_OK);
	assert_string_equal(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, span), "");
	assert_int_equal(fixture.n_rejected, 1); /* propagate: nothing is dropped in silence */
	assert_non_null(strstr(fixture.rejected.message, "HasPrefix of something that is no text"));
	fixture_done(&fixture);
	assert_int_equal(fixture_load(&fixture,
			     "filter: {error_mode: ignore, traces: {span: ['HasPrefix(attributes[\"n\"], \"7\")', 'name == \"b\"']}}"),
	    GENOPS_OK);
	fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, span);
	fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, span);
	assert_int_equal(fixture.n_items, 1);
	assert_int_equal(fixture.n_faults, 1); /* told once a minute */
	assert_int_equal(genops_service_run_count(fixture.run, GENOPS_STR("filter"))->n_failed, 2);
	fixture.now += INT64_C(61000000000);
	fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, span);
	assert_int_equal(fixture.n_faults, 2);
	fixture_done(&fixture);
}

static void parts_are_dropped(void **state)
{
	struct fixture fixture;
	(void)state;
	assert_int_equal(
	    fixture_load(&fixture, "filter: {traces: {spanevent: ['name == \"spanEventA\"', 'attributes[\"grpc\"] == true and span.kind == 3']}}"),
	    GENOPS_OK);
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES,
	    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"s\",\"kind\":3,\"events\":[{\"name\":\"spanEventA\"},{\"name\":\"b\"},"
	    "{\"name\":\"c\",\"attributes\":[{\"key\":\"grpc\",\"value\":{\"boolValue\":true}}]}]}]}]}]}");
	assert_null(strstr(out, "spanEventA"));
	assert_null(strstr(out, "grpc"));
	assert_non_null(strstr(out, "\"b\""));
	fixture_done(&fixture);
}

#define METRICS                                                                                       \
	"{\"resourceMetrics\":[{\"resource\":{\"attributes\":[" TEXT_VALUE("r", "1") "]},\"scopeMetrics\":[{\"metrics\":["             \
	"{\"name\":\"a\",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":["                                   \
	"{\"asInt\":\"1\",\"attributes\":[" TEXT_VALUE("k", "x") "]},{\"asInt\":\"2\",\"attributes\":[" TEXT_VALUE("k", "y") "]}]}},"   \
	"{\"name\":\"b\",\"gauge\":{\"dataPoints\":[{\"asDouble\":1.5}]}}]}]}]}"

static int points(const char *yaml)
{
	struct fixture fixture;
	if (fixture_load(&fixture, yaml) != GENOPS_OK)
		fail_msg("%s: %s", yaml, fixture.err.message);
	fixture_apply(&fixture, GENOPS_SIGNAL_METRICS, METRICS);
	int n = (int)fixture.n_items;
	fixture_done(&fixture);
	return n;
}

static void metrics(void **state)
{
	(void)state;
	assert_int_equal(points("filter: {spans: {include: {match_type: strict, services: [x]}}}"), 3); /* says nothing of metrics */
	assert_int_equal(points("filter: {metrics: {include: {match_type: strict, metric_names: [a]}}}"), 2);
	assert_int_equal(points("filter: {metrics: {exclude: {match_type: regexp, metric_names: [\"[a]\"]}}}"), 1);
	assert_int_equal(points("filter: {metrics: {include: {match_type: strict, metric_names: [a], resource_attributes: [{key: r, value: \"2\"}]}}}"), 0);
	assert_int_equal(points("filter: {metrics: {exclude: {match_type: strict, metric_names: [z], resource_attributes: [{Key: r, Value: \"1\"}]}}}"), 0);
	assert_int_equal(points("filter: {metrics: {metric: ['type == METRIC_DATA_TYPE_GAUGE']}}"), 2);
	assert_int_equal(points("filter: {metrics: {metric: ['is_monotonic == true and aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE']}}"), 1);
	assert_int_equal(points("filter: {metrics: {metric: ['HasAttrKeyOnDatapoint(\"k\")']}}"), 1);
	assert_int_equal(points("filter: {metrics: {metric: ['HasAttrOnDatapoint(\"k\", \"z\")']}}"), 3);
	assert_int_equal(points("filter: {metrics: {datapoint: ['attributes[\"k\"] == \"x\"']}}"), 2);
	assert_int_equal(points("filter: {metrics: {datapoint: ['metric.name == \"a\"']}}"), 1); /* a metric without points goes, too */
	assert_int_equal(points("filter: {metrics: {datapoint: ['value_int >= 1', 'value_double == 1.5']}}"), 0);
	assert_int_equal(points("filter: {metrics: {datapoint: ['value_double == nil', 'count == 0']}}"), 3); /* as there: 0, and nil of what has none */
	assert_int_equal(points("filter: {metrics: {datapoint: ['value_int == 0']}}"), 2);
	assert_int_equal(points("filter: {metrics: {datapoint: ['start_time_unix_nano == 0']}}"), 0);
	assert_int_equal(points("filter: {metrics: {resource: ['attributes[\"r\"] == \"1\"']}}"), 0);
	assert_int_equal(points("filter: {metric_conditions: ['datapoint.value_int == 2', 'metric.name == \"b\"']}"), 1);
}

static int records(const char *yaml)
{
	struct fixture fixture;
	if (fixture_load(&fixture, yaml) != GENOPS_OK)
		fail_msg("%s: %s", yaml, fixture.err.message);
	fixture_apply(&fixture, GENOPS_SIGNAL_LOGS,
	    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[" TEXT_VALUE("host.name", "h1") "]},\"scopeLogs\":[{\"logRecords\":["
	    "{\"severityNumber\":9,\"severityText\":\"INFO\",\"body\":{\"stringValue\":\"my password\"}},"
	    "{\"severityNumber\":13,\"severityText\":\"WARN\",\"body\":{\"stringValue\":\"IMPORTANT RECORD\"}},"
	    "{\"body\":{\"stringValue\":\"plain\"},\"attributes\":[" TEXT_VALUE("k", "prefix_1") "]}]}]}]}");
	int n = (int)fixture.n_items;
	fixture_done(&fixture);
	return n;
}

static void logs(void **state)
{
	(void)state;
	assert_int_equal(records("filter: {logs: {include: {severity_number: {min: INFO, match_undefined: true}}}}"), 3);
	assert_int_equal(records("filter: {logs: {include: {severity_number: {min: warn}}}}"), 1);
	assert_int_equal(records("filter: {logs: {include: {match_type: regexp, bodies: ['^IMPORTANT RECORD']}}}"), 1);
	assert_int_equal(records("filter: {logs: {exclude: {match_type: regexp, severity_texts: ['INFO[2-4]?']}}}"), 2);
	assert_int_equal(records("filter: {logs: {include: {match_type: regexp, record_attributes: [{key: k, value: 'prefix_.*'}]}}}"), 1);
	assert_int_equal(records("filter: {logs: {include: {match_type: strict, resource_attributes: [{key: host.name, value: h2}]}}}"), 0);
	assert_int_equal(records("filter: {logs: {log_record: ['IsMatch(body, \".*password.*\")', 'severity_number < SEVERITY_NUMBER_INFO']}}"), 1);
	assert_int_equal(records("filter: {log_conditions: [{context: log, conditions: ['body.string == \"plain\"']}]}"), 2);
}

static void refusals(void **state)
{
	static const char *const wrong[][2] = {
	    {"filter: {traces: {span: ['attributes[test] == \"pass\"']}}", "a text or a number expected in brackets"},
	    {"filter: {traces: {span: ['name = \"a\"']}}", "a comparison"},
	    {"filter: {traces: {span: ['Substring(name, 0, 1) == \"a\"']}}", "Substring is not done here"},
	    {"filter: {traces: {span: ['kind + 1 == 2']}}", "arithmetic is not done here"},
	    {"filter: {traces: {span: ['nmae == \"a\"']}}", "\"nmae\" is not done here"},
	    {"filter: {traces: {span: ['metric.name == \"a\"']}}", "there is no metric here"},
	    {"filter: {trace_conditions: ['name == \"a\"']}", "does not say of what it is"},
	    {"filter: {traces: {span: ['IsMatch(name, \"(\")']}}", "the pattern of IsMatch"},
	    {"filter: {traces: {span: ['name == \"a\" garbage']}}", "or the end expected"},
	    {"filter: {spans: {include: {match_type: strict}}}", "does not say what to match"},
	    {"filter: {spans: {include: {services: [a]}}}", "needs match_type"},
	    {"filter: {spans: {include: {match_type: strict, metric_names: [a]}}}", "does not say what to match"},
	    {"filter: {metrics: {include: {match_type: expr, metric_names: [a]}}}", "match_type"},
	    {"filter: {spans: {include: {match_type: strict, services: [a]}}, traces: {span: ['true']}}", "do not go together"},
	    {"filter: {spans: {include: {match_type: regexp, services: ['(?P<x']}}}", "pattern"},
	    {"filter: {spans: {include: {match_type: strict, services: [a], regexp: {cacheenabled: true}}}}", "regexp"},
	    {"filter: {traces: {span: ['']}}", "the condition is empty"},
	    {"filter: {error_mode: maybe}", "error_mode"}};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct fixture fixture;
		assert_int_equal(fixture_load(&fixture, wrong[i][0]), GENOPS_CONFIG);
		if (!strstr(fixture.err.message, wrong[i][1]) || !fixture.err.line)
			fail_msg("%s: line %d: %s", wrong[i][0], fixture.err.line, fixture.err.message);
		fixture_done(&fixture);
	}
}

/* What stays comes out byte for byte, and what is between dropped ones stays where it belongs. */
static void order_and_place(void **state)
{
	struct fixture fixture;
	(void)state;
	assert_int_equal(fixture_load(&fixture, "filter: {traces: {span: ['name == \"drop\"']}}"), GENOPS_OK);
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES,
	    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[" TEXT_VALUE("r", "1") "]},\"scopeSpans\":[{\"scope\":{\"name\":\"s1\"},\"spans\":["
	    "{\"name\":\"a\"},{\"name\":\"drop\"},{\"name\":\"b\"}]},{\"scope\":{\"name\":\"s2\"},\"spans\":[{\"name\":\"drop\"}]}]},"
	    "{\"resource\":{\"attributes\":[" TEXT_VALUE("r", "2") "]},\"scopeSpans\":[{\"scope\":{\"name\":\"s1\"},\"spans\":[{\"name\":\"c\"}]}]}]}");
	assert_string_equal(out,
	    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[" TEXT_VALUE("r", "1") "]},\"scopeSpans\":[{\"scope\":{\"name\":\"s1\"},\"spans\":["
	    "{\"name\":\"a\"},{\"name\":\"b\"}]}]},"
	    "{\"resource\":{\"attributes\":[" TEXT_VALUE("r", "2") "]},\"scopeSpans\":[{\"scope\":{\"name\":\"s1\"},\"spans\":[{\"name\":\"c\"}]}]}]}");
	const struct genops_processor_count *count = genops_service_run_count(fixture.run, GENOPS_STR("filter"));
	assert_int_equal(count->n_in, 5);
	assert_int_equal(count->n_out, 3);
	fixture_done(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(guide),
	    cmocka_unit_test(include_and_exclude),
	    cmocka_unit_test(values_have_types),
	    cmocka_unit_test(nil_bytes_and_maps),
	    cmocka_unit_test(conditions),
	    cmocka_unit_test(what_cannot_be_evaluated),
	    cmocka_unit_test(parts_are_dropped),
	    cmocka_unit_test(metrics),
	    cmocka_unit_test(logs),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(order_and_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
