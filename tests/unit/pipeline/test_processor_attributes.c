/* SPDX-License-Identifier: Apache-2.0
 * test_processor_attributes.c - the attributes processor. Cases and digests are those of the Collector's own tests
 * (processor/attributesprocessor, internal/coreinternal/attraction). proves OTL-051 */
#include "collector_fixture.h"

#define DOUBLE_VALUE(key, value) "{\"key\":\"" key "\",\"value\":{\"doubleValue\":" value "}}"
#define BOOL_VALUE(key, value)   "{\"key\":\"" key "\",\"value\":{\"boolValue\":" value "}}"

/* The attributes that a span has then, as JSON without the brackets. */
static const char *becomes(const char *yaml, const char *attributes)
{
	static char text[8192];
	static const char begin[] = "\"attributes\":[";
	struct fixture fixture;
	if (fixture_load(&fixture, yaml) != GENOPS_OK)
		fail_msg("%s: %s", yaml, fixture.err.message);
	const char *out = fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", attributes, ""));
	const char *found = strstr(strstr(out, "\"spans\""), begin), *end = found ? strstr(found, "]}]}]}") : NULL;
	snprintf(text, sizeof text, "%.*s", found ? (int)(end - found - (long)strlen(begin)) : 0, found ? found + strlen(begin) : "");
	assert_int_equal(fixture.n_rejected, 0);
	fixture_done(&fixture);
	return text;
}

#define ONE(action) "attributes: {actions: [{" action "}]}"
#define IS(yaml, before, after) assert_string_equal(becomes(yaml, before), after)

static void guide(void **state)
{
	const char *yaml = ONE("key: deployment.environment, value: \"production\", action: insert");
	(void)state;
	IS(yaml, "", TEXT_VALUE("deployment.environment", "production"));
	IS(yaml, TEXT_VALUE("a", "b"), TEXT_VALUE("a", "b") "," TEXT_VALUE("deployment.environment", "production"));
	IS(yaml, TEXT_VALUE("deployment.environment", "staging"), TEXT_VALUE("deployment.environment", "staging"));
}

static void insert_update_upsert(void **state)
{
	(void)state;
	IS(ONE("key: attribute1, action: insert, value: 123"), "", INT_VALUE("attribute1", "123"));
	IS(ONE("key: attribute1, action: INSERT, value: 123"), TEXT_VALUE("attribute1", "bob"), TEXT_VALUE("attribute1", "bob"));
	IS(ONE("key: string key, action: insert, from_attribute: anotherkey"), "", "");
	IS(ONE("key: string key, action: insert, from_attribute: anotherkey"), INT_VALUE("anotherkey", "8892342"),
	    INT_VALUE("anotherkey", "8892342") "," INT_VALUE("string key", "8892342"));
	IS(ONE("key: db.secret, action: update, value: redacted"), TEXT_VALUE("boo", "foo"), TEXT_VALUE("boo", "foo"));
	IS(ONE("key: db.secret, action: update, value: redacted"), TEXT_VALUE("db.secret", "password1234"), TEXT_VALUE("db.secret", "redacted"));
	IS(ONE("key: boo, action: update, from_attribute: foo"), TEXT_VALUE("boo", "x"), TEXT_VALUE("boo", "x"));
	IS(ONE("key: boo, action: update, from_attribute: foo"), TEXT_VALUE("foo", "y") "," TEXT_VALUE("boo", "x"),
	    TEXT_VALUE("foo", "y") "," TEXT_VALUE("boo", "y"));
	IS(ONE("key: region, action: upsert, value: planet-earth"), TEXT_VALUE("region", "solar system"), TEXT_VALUE("region", "planet-earth"));
	IS(ONE("key: region, action: upsert, value: planet-earth"), "", TEXT_VALUE("region", "planet-earth"));
	IS(ONE("key: t, action: upsert, value: true"), "", BOOL_VALUE("t", "true"));
	IS(ONE("key: t, action: upsert, value: \"true\""), "", TEXT_VALUE("t", "true"));
	IS(ONE("key: t, action: upsert, value: 1.5"), "", DOUBLE_VALUE("t", "1.5"));
	IS(ONE("key: region, from_attribute: cloud.region, default_value: us-east-1, action: insert"), "", TEXT_VALUE("region", "us-east-1"));
	IS(ONE("key: region, from_attribute: cloud.region, default_value: us-east-1, action: insert"), TEXT_VALUE("cloud.region", "eu"),
	    TEXT_VALUE("cloud.region", "eu") "," TEXT_VALUE("region", "eu"));
}

static void delete_by_key_and_pattern(void **state)
{
	const char *yaml = ONE("key: duplicate_key, pattern: '^duplicate_key_.', action: delete");
	(void)state;
	IS(yaml, TEXT_VALUE("boo", "x"), TEXT_VALUE("boo", "x"));
	IS(yaml,
	    TEXT_VALUE("duplicate_key", "1") "," TEXT_VALUE("duplicate_key_a", "1") "," TEXT_VALUE("original_key", "1") "," TEXT_VALUE("not_duplicate_key", "1"),
	    TEXT_VALUE("original_key", "1") "," TEXT_VALUE("not_duplicate_key", "1"));
	IS(ONE("pattern: 'duplicate.*', action: delete"), TEXT_VALUE("my_duplicate", "1"), "");
	IS(ONE("key: a, action: delete"), TEXT_VALUE("a", "1") "," TEXT_VALUE("a", "2"), ""); /* also one that stands twice */
}

/* TestAttributes_Hash */
static void hash(void **state)
{
	(void)state;
	IS(ONE("key: user.email, action: hash"), TEXT_VALUE("user.email", "john.doe@example.com"),
	    TEXT_VALUE("user.email", "836f82db99121b3481011f16b49dfa5fbc714a0d1b1b9f784a1ebbbf5b39577f"));
	IS(ONE("key: nothing, action: hash"), TEXT_VALUE("nothing", ""),
	    TEXT_VALUE("nothing", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	IS(ONE("key: user.id, action: hash"), INT_VALUE("user.id", "10"),
	    TEXT_VALUE("user.id", "a111f275cc2e7588000001d300a31e76336d15b9d314cd1a1d8f3d3556975eed"));
	IS(ONE("pattern: balance, action: hash"), DOUBLE_VALUE("user.balance", "99.1"),
	    TEXT_VALUE("user.balance", "05fabd78b01be9692863cb0985f600c99da82979af18db5c55173c2a30adb924"));
	IS(ONE("key: user.authenticated, action: hash"), BOOL_VALUE("user.authenticated", "true"),
	    TEXT_VALUE("user.authenticated", "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"));
}

/* TestAttributes_Extract */
static void extract(void **state)
{
	const char *yaml =
	    ONE("key: user_key, pattern: \"^\\\\/api\\\\/v1\\\\/document\\\\/(?P<new_user_key>.*)\\\\/update\\\\/(?P<version>.*)$\", action: extract");
	(void)state;
	IS(yaml, INT_VALUE("user_key", "1234"), INT_VALUE("user_key", "1234"));
	IS(yaml, TEXT_VALUE("user_key", "/api/v1/document/12345678/update"), TEXT_VALUE("user_key", "/api/v1/document/12345678/update"));
	IS(yaml, TEXT_VALUE("user_key", "/api/v1/document/12345678/update/v1"),
	    TEXT_VALUE("user_key", "/api/v1/document/12345678/update/v1") "," TEXT_VALUE("new_user_key", "12345678") "," TEXT_VALUE("version", "v1"));
	IS(yaml, TEXT_VALUE("user_key", "/api/v1/document/12345678/update/v1") "," TEXT_VALUE("version", "na"),
	    TEXT_VALUE("user_key", "/api/v1/document/12345678/update/v1") "," TEXT_VALUE("version", "v1") "," TEXT_VALUE("new_user_key", "12345678"));
}

/* TestAttributes_Convert */
static void convert(void **state)
{
	(void)state;
	IS(ONE("key: to.int, action: convert, converted_type: int"), BOOL_VALUE("to.int", "true"), INT_VALUE("to.int", "1"));
	IS(ONE("key: to.int, action: convert, converted_type: int"), TEXT_VALUE("to.int", "123"), INT_VALUE("to.int", "123"));
	IS(ONE("key: to.int, action: convert, converted_type: int"), TEXT_VALUE("to.int", "+7"), INT_VALUE("to.int", "7"));
	IS(ONE("key: to.double, action: convert, converted_type: double"), TEXT_VALUE("to.double", "1_000"), DOUBLE_VALUE("to.double", "1000"));
	IS(ONE("key: to.double, action: convert, converted_type: double"), TEXT_VALUE("to.double", "-Inf"), DOUBLE_VALUE("to.double", "\"-Infinity\""));
	IS(ONE("key: to.double, action: convert, converted_type: double"), TEXT_VALUE("to.double", "1__0"), TEXT_VALUE("to.double", "1__0"));
	IS(ONE("key: to.string, action: convert, converted_type: string"), DOUBLE_VALUE("to.string", "-0.0"), TEXT_VALUE("to.string", "-0"));
	IS(ONE("key: to.int, action: convert, converted_type: int"), TEXT_VALUE("to.int", "int-10"), TEXT_VALUE("to.int", "int-10"));
	IS(ONE("key: to.int, action: convert, converted_type: int"), DOUBLE_VALUE("to.int", "-9.9"), INT_VALUE("to.int", "-9"));
	IS(ONE("key: to.double, action: convert, converted_type: double"), TEXT_VALUE("to.double", "123"), DOUBLE_VALUE("to.double", "123"));
	IS(ONE("key: to.double, action: convert, converted_type: double"), TEXT_VALUE("to.double", "123.6"), DOUBLE_VALUE("to.double", "123.6"));
	IS(ONE("key: to.double, action: convert, converted_type: double"), TEXT_VALUE("to.double", "int-10"), TEXT_VALUE("to.double", "int-10"));
	IS(ONE("key: to.string, action: convert, converted_type: string"), DOUBLE_VALUE("to.string", "99.1"), TEXT_VALUE("to.string", "99.1"));
	IS(ONE("key: to.string, action: convert, converted_type: string"), "{\"key\":\"to.string\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{\"boolValue\":true}]}}}",
	    TEXT_VALUE("to.string", "[1,true]"));
}

/* Actions are done in order, on what those before have left. */
static void in_order(void **state)
{
	(void)state;
	IS("attributes: {actions: [{key: a, value: 1, action: insert}, {key: a, action: delete}]}", "", "");
	IS("attributes: {actions: [{key: a, value: x, action: insert}, {key: b, from_attribute: a, action: upsert}, {key: a, action: delete}]}", "",
	    TEXT_VALUE("b", "x"));
}

/* TestAttributes_FilterSpans */
static void include_and_exclude(void **state)
{
	struct fixture fixture;
	const char *yaml = "attributes: {actions: [{key: attribute1, value: 123, action: insert}], include: {match_type: regexp, services: [svcA, 'svcB.*']},"
			   " exclude: {match_type: strict, attributes: [{key: NoModification, value: true}]}}";
	(void)state;
	assert_int_equal(fixture_load(&fixture, yaml), GENOPS_OK);
	const char *service = TEXT_VALUE("service.name", "svcB");
	assert_non_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", "", service)), "attribute1"));
	assert_non_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", BOOL_VALUE("NoModification", "false"), service)), "attribute1"));
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", BOOL_VALUE("NoModification", "true"), service)), "attribute1"));
	assert_null(strstr(fixture_apply(&fixture, GENOPS_SIGNAL_TRACES, fixture_span("s", "", TEXT_VALUE("service.name", "x"))), "attribute1"));
	assert_int_equal(fixture.n_items, 1); /* unmatched ones go on as they are */
	assert_non_null(fixture.processor.type->misfit(&fixture.processor, GENOPS_SIGNAL_METRICS));
	assert_null(fixture.processor.type->misfit(&fixture.processor, GENOPS_SIGNAL_TRACES));
	fixture_done(&fixture);
}

static void data_points_and_logs(void **state)
{
	struct fixture fixture;
	(void)state;
	assert_int_equal(fixture_load(&fixture, ONE("key: env, value: prod, action: upsert")), GENOPS_OK);
	assert_string_equal(fixture_apply(&fixture, GENOPS_SIGNAL_METRICS,
				"{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{\"count\":\"1\"},"
				"{\"attributes\":[" TEXT_VALUE("env", "x") "]}]}},{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"3\"}]}}]}]}]}"),
	    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"h\",\"histogram\":{\"dataPoints\":[{\"count\":\"1\",\"attributes\":[" TEXT_VALUE(
		"env", "prod") "]},"
			       "{\"attributes\":[" TEXT_VALUE("env", "prod") "]}]}},{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"3\","
									     "\"attributes\":[" TEXT_VALUE("env", "prod") "]}]}}]}]}]}");
	assert_string_equal(fixture_apply(&fixture, GENOPS_SIGNAL_LOGS, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":9}]}]}]}"),
	    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":9,\"attributes\":[" TEXT_VALUE("env", "prod") "]}]}]}]}");
	fixture_done(&fixture);
}

static void refusals(void **state)
{
	static const char *const wrong[][2] = {{"attributes:", "actions"}, {"attributes: {actions: []}", "1 to"},
	    {ONE("key: a, action: insert"), "one source"}, {ONE("key: a, action: insert, value: 1, from_attribute: b"), "one source"},
	    {ONE("key: a, action: frobnicate"), "there is no action"}, {ONE("action: insert, value: 1"), "needs \"key\""},
	    {ONE("key: a, action: delete, value: 1"), "does not use value"}, {ONE("key: a, action: convert"), "converted_type"},
	    {ONE("key: a, action: convert, converted_type: bool"), "converted_type"},
	    {ONE("key: a, action: extract, pattern: '(x)'"), "groups all have names"}, {ONE("key: a, action: extract"), "needs \"pattern\""},
	    {ONE("key: a, action: insert, value: [1, 2]"), "not done here"}, {ONE("key: a, action: insert, from_context: auth.subject"), "not done here"},
	    {ONE("key: a, action: insert, vlaue: 1"), "vlaue"}};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct fixture fixture;
		int code = fixture_load(&fixture, wrong[i][0]);
		if (code != GENOPS_CONFIG || !strstr(fixture.err.message, wrong[i][1]))
			fail_msg("%s: %s", wrong[i][0], fixture.err.message);
		fixture_done(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(guide),
	    cmocka_unit_test(insert_update_upsert),
	    cmocka_unit_test(delete_by_key_and_pattern),
	    cmocka_unit_test(hash),
	    cmocka_unit_test(extract),
	    cmocka_unit_test(convert),
	    cmocka_unit_test(in_order),
	    cmocka_unit_test(include_and_exclude),
	    cmocka_unit_test(data_points_and_logs),
	    cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
