/* SPDX-License-Identifier: Apache-2.0
 * test_event_span.c - a span's event as JSON, whole and in parts; what pipelines put comes back as attributes, and all else stays as it came;
 * resources are made once and anew; little memory and damage. Proves CRB-073, CRB-195, CRB-196 in part. */
#include "pipeline/event_span.h"
#include "pipeline/expression.h"
#include "telemetry/otlp/otlp_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>

static const char two_spans[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},\"schemaUrl\":\"r1\",\"scopeSpans\":[{"
    "\"scope\":{\"name\":\"lib\",\"version\":\"1.2\"},\"spans\":[{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\","
    "\"parentSpanId\":\"eee19b7ec3c1b173\",\"name\":\"chat\",\"kind\":3,\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":\"1700000000250000000\","
    "\"attributes\":[{\"key\":\"genops.team\",\"value\":{\"stringValue\":\"search\"}},{\"key\":\"n\",\"value\":{\"intValue\":\"12\"}},"
    "{\"key\":\"d\",\"value\":{\"doubleValue\":0.5}},{\"key\":\"b\",\"value\":{\"boolValue\":true}},{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":["
    "{\"stringValue\":\"x\"},{\"intValue\":\"2\"}]}}},{\"key\":\"o\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}}},"
    "{\"key\":\"y\",\"value\":{\"bytesValue\":\"AQID\"}},{\"key\":\"nothing\",\"value\":{}}],"
    "\"events\":[{\"timeUnixNano\":\"1700000000100000000\",\"name\":\"e\",\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"1\"}}]}],"
    "\"status\":{\"code\":2,\"message\":\"bad\"}},{\"name\":\"bare\"}]}]},{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
    "\"other\"}}]},\"scopeSpans\":[{\"spans\":[{\"name\":\"third\"}]}]}]}";

struct stage {
	struct genops_buffer request, out;
	struct genops_arena kept, arena;
	struct genops_event_span maker;
	struct genops_envelope envelope;
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	struct genops_value event;
	char json[8192];
};

static void stage_init(struct stage *stage, const char *json)
{
	struct genops_error err = {0};
	*stage = (struct stage){.maker = {.arena = &stage->kept}};
	genops_buffer_init(&stage->request, 1 << 20);
	genops_buffer_init(&stage->out, 1 << 20);
	genops_arena_init(&stage->kept, 1 << 20);
	genops_arena_init(&stage->arena, 1 << 20);
	if (genops_otlp_json_read(GENOPS_SIGNAL_TRACES, genops_str_of(json), &stage->request, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	stage->envelope = (struct genops_envelope){.input = GENOPS_STR(GENOPS_INPUT_OTLP), .tenant = GENOPS_STR("acme"), .received_unix_ns = 5000000000};
	genops_event_span_begin(&stage->maker);
	genops_otlp_reader_init(&stage->reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&stage->request));
}

static void stage_done(struct stage *stage)
{
	genops_buffer_done(&stage->request);
	genops_buffer_done(&stage->out);
	genops_arena_done(&stage->kept);
	genops_arena_done(&stage->arena);
}

static bool next(struct stage *stage)
{
	genops_str item;
	struct genops_error err;
	int code = genops_otlp_reader_next(&stage->reader, &item);
	assert_true(code >= 0);
	if (!code)
		return false;
	assert_int_equal(genops_otlp_span_read(item, &stage->span), GENOPS_OK);
	genops_arena_reset(&stage->arena);
	assert_int_equal(
	    genops_event_of_span(&stage->maker, &stage->envelope, &stage->reader.resource, &stage->span, &stage->arena, &stage->event, &err), GENOPS_OK);
	return true;
}

static const char *json_of(struct stage *stage, struct genops_value value)
{
	genops_buffer_clear(&stage->out);
	if (!genops_value_to_json(value, &stage->out) || stage->out.error)
		return "?";
	snprintf(stage->json, sizeof stage->json, "%.*s", GENOPS_STR_ARG(genops_buffer_view(&stage->out)));
	return stage->json;
}

static struct genops_value evaluate(struct stage *stage, const char *source)
{
	struct genops_expression *expression;
	struct genops_expression_run run = {.arena = &stage->arena, .random_state = {1, 2}};
	struct genops_value value;
	struct genops_error err = {0};
	assert_int_equal(genops_expression_compile(genops_str_of(source), &expression, NULL), GENOPS_OK);
	if (genops_expression_evaluate(expression, stage->event, &run, &value, &err) != GENOPS_OK)
		fail_msg("%s: %s", source, err.message);
	genops_expression_run_done(&run);
	if (value.type == GENOPS_VALUE_TEXT) { /* it may be the expression's */
		genops_str copy;
		assert_true(genops_arena_dup(&stage->arena, genops_value_str(value), &copy));
		value = genops_value_text(copy);
	}
	genops_expression_free(expression);
	return value;
}

static void whole_events(void **state)
{
	static struct stage stage;
	stage_init(&stage, two_spans);
	assert_true(next(&stage));
	assert_string_equal(json_of(&stage, stage.event),
	    "{\"__inputId\":\"genops_otlp_source\",\"__tenant\":\"acme\",\"_time\":1700000000,\"name\":\"chat\",\"kind\":3,"
	    "\"trace_id\":\"5b8efff798038103d269b633813fc60c\",\"span_id\":\"eee19b7ec3c1b174\",\"parent_span_id\":\"eee19b7ec3c1b173\","
	    "\"start_time_unix_nano\":1700000000000000000,\"end_time_unix_nano\":1700000000250000000,\"duration_ms\":250,"
	    "\"status\":{\"code\":2,\"message\":\"bad\"},\"attributes\":{\"genops.team\":\"search\",\"n\":12,\"d\":0.5,\"b\":true,\"l\":[\"x\",2],\"o\":{\"k\":\"v\"},"
	    "\"y\":\"AQID\",\"nothing\":null},\"resource\":{\"attributes\":{\"service.name\":\"shop\"},\"schema_url\":\"r1\"},"
	    "\"scope\":{\"name\":\"lib\",\"version\":\"1.2\",\"attributes\":{}},"
	    "\"events\":[{\"time_unix_nano\":1700000000100000000,\"name\":\"e\",\"attributes\":{\"a\":\"1\"}}]}");
	assert_true(next(&stage));
	assert_string_equal(json_of(&stage, stage.event),
	    "{\"__inputId\":\"genops_otlp_source\",\"__tenant\":\"acme\",\"_time\":5,\"name\":\"bare\",\"kind\":0,\"start_time_unix_nano\":0,"
	    "\"end_time_unix_nano\":0,\"duration_ms\":0,\"status\":{\"code\":0},\"attributes\":{},\"resource\":{\"attributes\":{\"service.name\":\"shop\"},"
	    "\"schema_url\":\"r1\"},\"scope\":{\"name\":\"lib\",\"version\":\"1.2\",\"attributes\":{}},\"events\":[]}");
	assert_true(next(&stage));
	assert_string_equal(json_of(&stage, evaluate(&stage, "`${name} ${resource.attributes['service.name']} ${trace_id}`")), "\"third other undefined\"");
	assert_false(next(&stage));
	/* a new request whose resource has the same number */
	stage_done(&stage);
	stage_init(&stage, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"new\"}}]},"
			   "\"scopeSpans\":[{\"spans\":[{\"name\":\"x\"}]}]}]}");
	assert_true(next(&stage));
	assert_string_equal(json_of(&stage, evaluate(&stage, "resource.attributes['service.name']")), "\"new\"");
	stage_done(&stage);
}

static void parts(void **state)
{
	static struct stage stage;
	static const char *const rows[][2] = {{"__inputId == 'genops_otlp_source'", "true"}, {"attributes['genops.team']", "\"search\""},
	    {"attributes['genops.none'] != null", "false"}, {"status.code", "2"}, {"_time * 1000 == Date.now() ? 1 : duration_ms", "250"},
	    {"Object.keys(__e).length", "16"}, {"Object.keys(__e)[0]", "\"__inputId\""}, {"budget_tier", "?"}, {"events[0].attributes.a", "\"1\""},
	    {"JSON.stringify(scope)", "\"{\\\"name\\\":\\\"lib\\\",\\\"version\\\":\\\"1.2\\\",\\\"attributes\\\":{}}\""}, {"'kind' in __e", "true"}};
	stage_init(&stage, two_spans);
	assert_true(next(&stage));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(json_of(&stage, evaluate(&stage, rows[i][0])), rows[i][1]);
	stage_done(&stage);
}

/* The span of a copy into which members of this JSON object were put; those of "attributes" into a copy of the attributes. */
static const char *span_after(struct stage *stage, const char *puts)
{
	struct genops_value changes, copy = {.type = GENOPS_VALUE_OBJECT};
	struct genops_buffer request;
	struct genops_error err = {0};
	copy.as.object = genops_value_object_over(&stage->arena, stage->event.as.object, 4);
	assert_int_equal(genops_value_from_json(genops_str_of(puts), &stage->arena, &changes, NULL), GENOPS_OK);
	for (uint32_t i = 0; i < changes.as.object->n; i++) {
		struct genops_value_member member = changes.as.object->members[i];
		if (genops_str_is(member.key.text, "attributes")) {
			const struct genops_value *was = genops_value_object_get(copy.as.object, &member.key);
			struct genops_value_object *own = genops_value_object_over(&stage->arena, was->as.object, 4);
			for (uint32_t j = 0; j < member.value.as.object->n; j++)
				genops_value_object_put(&stage->arena, own, member.value.as.object->members[j].key, member.value.as.object->members[j].value);
			member.value.as.object = own;
		}
		assert_true(genops_value_object_put(&stage->arena, copy.as.object, member.key, member.value));
	}
	genops_buffer_init(&request, 1 << 20);
	size_t a = genops_wire_begin(&request, 1), b = genops_wire_begin(&request, 2), c = genops_wire_begin(&request, 2);
	if (genops_event_to_span(copy, stage->event, &stage->span, &request, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	genops_wire_end(&request, c);
	genops_wire_end(&request, b);
	genops_wire_end(&request, a);
	genops_buffer_clear(&stage->out);
	if (genops_otlp_json_write(GENOPS_SIGNAL_TRACES, genops_buffer_view(&request), &stage->out, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	genops_buffer_done(&request);
	genops_str json = genops_buffer_view(&stage->out);
	size_t at = genops_str_find(json, GENOPS_STR("\"spans\":["));
	json = genops_str_skip(json, at == SIZE_MAX ? 0 : at + 9);
	snprintf(stage->json, sizeof stage->json, "%.*s", GENOPS_STR_ARG(json));
	return stage->json;
}

#define HEAD                                                                                                                     \
	"{\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"spanId\":\"eee19b7ec3c1b174\",\"parentSpanId\":\"eee19b7ec3c1b173\","
#define TIMES "\"kind\":3,\"startTimeUnixNano\":\"1700000000000000000\",\"endTimeUnixNano\":\"1700000000250000000\",\"attributes\":["
#define MIDDLE                                                                                                                   \
	"{\"key\":\"n\",\"value\":{\"intValue\":\"12\"}},{\"key\":\"d\",\"value\":{\"doubleValue\":0.5}},{\"key\":\"b\",\"value\":{\"boolValue\":true}},"
#define REST                                                                                                                     \
	"{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"},{\"intValue\":\"2\"}]}}},{\"key\":\"o\",\"value\":{\"kvlistValue\":"     \
	"{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}}},{\"key\":\"y\",\"value\":{\"bytesValue\":\"AQID\"}},{\"key\":\"nothing\",\"value\":{}}"
#define TAIL                                                                                                                     \
	"],\"events\":[{\"timeUnixNano\":\"1700000000100000000\",\"name\":\"e\",\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"1\"}}]}],"     \
	"\"status\":{\"message\":\"bad\",\"code\":2}}]}]}]}"
#define TEAM "{\"key\":\"genops.team\",\"value\":{\"stringValue\":\"search\"}},"
#define TEXT_OF(key, text) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" text "\"}}"

static void spans_again(void **state)
{
	static struct stage stage;
	stage_init(&stage, two_spans);
	assert_true(next(&stage));
	const char *same = HEAD "\"name\":\"chat\"," TIMES TEAM MIDDLE REST TAIL;
	assert_string_equal(span_after(&stage, "{}"), same);
	/* ids, names that begin with __, undefined and null stay inside */
	assert_string_equal(span_after(&stage, "{\"trace_id\":\"00\",\"__x\":1,\"z\":null,\"status\":{\"code\":1},\"name\":7}"), same);
	/* what was put comes behind; numbers are doubles */
	assert_string_equal(span_after(&stage, "{\"cost_total\":2,\"tier\":\"free\",\"yes\":true}"),
	    HEAD "\"name\":\"chat\"," TIMES TEAM MIDDLE REST ",{\"key\":\"cost_total\",\"value\":{\"doubleValue\":2}}," TEXT_OF("tier", "free") ","
	    "{\"key\":\"yes\",\"value\":{\"boolValue\":true}}" TAIL);
	/* it takes the place of an attribute; a name is a name */
	assert_string_equal(span_after(&stage, "{\"genops.team\":[1,{\"a\":\"b\"}],\"name\":\"new\"}"),
	    HEAD "\"name\":\"new\"," TIMES MIDDLE REST ",{\"key\":\"genops.team\",\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":1},"
	    "{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"b\"}}]}}]}}}" TAIL);
	/* masked in its place; taken away; a new one behind */
	assert_string_equal(span_after(&stage, "{\"attributes\":{\"genops.team\":\"***\",\"y\":null,\"new\":\"one\"}}"),
	    HEAD "\"name\":\"chat\"," TIMES TEXT_OF("genops.team", "***") "," MIDDLE
	    "{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"x\"},{\"intValue\":\"2\"}]}}},{\"key\":\"o\",\"value\":{\"kvlistValue\":"
	    "{\"values\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}]}}},{\"key\":\"nothing\",\"value\":{}}," TEXT_OF("new", "one") TAIL);
	stage_done(&stage);
}

static void strangers_are_refused(void **state)
{
	static struct stage stage;
	struct genops_value other;
	stage_init(&stage, two_spans);
	assert_true(next(&stage));
	assert_int_equal(genops_value_from_json(GENOPS_STR("{\"a\":1}"), &stage.arena, &other, NULL), GENOPS_OK);
	assert_int_equal(genops_event_to_span(other, stage.event, &stage.span, &stage.out, NULL), GENOPS_MISUSE);
	assert_int_equal(genops_event_to_span(genops_value_null(), stage.event, &stage.span, &stage.out, NULL), GENOPS_MISUSE);
	stage_done(&stage);
}

/* With any memory an event is whole, or says that it is not. */
static void little_memory(void **state)
{
	static struct stage stage;
	char whole[8192] = "";
	stage_init(&stage, two_spans);
	assert_true(next(&stage));
	snprintf(whole, sizeof whole, "%s", json_of(&stage, stage.event));
	size_t n_whole = 0;
	for (size_t max = 0; max < 8192; max += 64) {
		struct genops_value event;
		genops_arena_done(&stage.arena);
		genops_arena_init(&stage.arena, max);
		if (genops_event_of_span(&stage.maker, &stage.envelope, &stage.reader.resource, &stage.span, &stage.arena, &event, NULL) != GENOPS_OK)
			continue;
		const char *json = json_of(&stage, event);
		bool is_whole = strcmp(json, whole) == 0;
		assert_true(is_whole || (strcmp(json, "?") == 0 && event.as.object->source->is_full));
		n_whole += is_whole;
	}
	assert_true(n_whole > 10 && n_whole < 120);
	stage_done(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_events),
	    cmocka_unit_test(parts),
	    cmocka_unit_test(spans_again),
	    cmocka_unit_test(strangers_are_refused),
	    cmocka_unit_test(little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
