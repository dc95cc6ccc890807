/* SPDX-License-Identifier: Apache-2.0
 * OTLP's JSON: hex ids, enums as numbers, 64-bit integers as strings; and lengths of every size in protobuf. */
#include "span_dump.h"
#include "span_fixture.h"

#include "telemetry/span.h"

#include <stdlib.h>

static char *encode_json(const struct genops_record *record)
{
	struct genops_span_batch batch = {GENOPS_PROFILE_GUIDES, record, 1};
	struct genops_buffer buf;
	genops_buffer_init(&buf, (size_t)1 << 20);
	genops_span_encode_json(&batch, &buf);
	char *text = genops_buffer_take(&buf, NULL);
	assert_non_null(text);
	return text;
}

#define assert_contains(text, part)                                                                \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("no %s in %s", part, text);                                       \
	} while (0)

static void test_json(void **state)
{
	(void)state;
	struct genops_record record = fixture_record;
	record.parent_span_id[7] = 1;
	char *text = encode_json(&record);
	assert_contains(text,
	    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
	    "{\"stringValue\":\"shop\"}}");
	assert_contains(text, "\"scopeSpans\":[{\"scope\":{\"name\":\"genops\",\"version\":");
	assert_contains(text,
	    "\"spans\":[{\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"spanId\":\"00f067aa0ba902b7\","
	    "\"traceState\":\"vendor=1\",\"parentSpanId\":\"0000000000000001\","
	    "\"name\":\"ai.completion\",\"kind\":3,\"startTimeUnixNano\":\"1700000000000000000\"");
	assert_contains(text, "{\"key\":\"genops.tokens.total\",\"value\":{\"intValue\":\"235\"}}");
	assert_contains(text, "{\"key\":\"response.length\",\"value\":{\"intValue\":\"-42\"}}");
	assert_contains(text, "{\"key\":\"genops.cost.total\",\"value\":{\"doubleValue\":0.0032}}");
	assert_contains(text, "{\"key\":\"gen_ai.request.stream\",\"value\":{\"boolValue\":true}}");
	assert_contains(text,
	    "{\"key\":\"gen_ai.response.finish_reasons\",\"value\":{\"arrayValue\":{\"values\":"
	    "[{\"stringValue\":\"stop\"}]}}}");
	assert_contains(text,
	    "\"events\":[{\"timeUnixNano\":\"1700000000000010000\",\"name\":\"policy.evaluated\","
	    "\"attributes\":[");
	assert_contains(text, "\"status\":{\"code\":1}}]}]}]}");
	free(text);
}

static void test_json_without_records(void **state)
{
	(void)state;
	struct genops_span_batch batch = {0};
	struct genops_buffer buf;
	genops_buffer_init(&buf, 1024);
	genops_span_encode_json(&batch, &buf);
	assert_true(genops_str_is(genops_buffer_view(&buf), "{\"resourceSpans\":[]}"));
	genops_buffer_done(&buf);
}

static void test_json_numbers_that_are_none(void **state)
{
	(void)state;
	struct genops_attribute attributes[] = {
	    {.key = GENOPS_STR("a"),
		.type = GENOPS_ATTRIBUTE_DOUBLE,
		.value.number = __builtin_nan("")},
	    {.key = GENOPS_STR("b"),
		.type = GENOPS_ATTRIBUTE_DOUBLE,
		.value.number = -__builtin_inf()},
	};
	struct genops_record record = fixture_record;
	record.attributes = attributes;
	record.n_attributes = 2;
	char *text = encode_json(&record);
	assert_contains(text, "{\"key\":\"a\",\"value\":{\"doubleValue\":\"NaN\"}}");
	assert_contains(text, "{\"key\":\"b\",\"value\":{\"doubleValue\":\"-Infinity\"}}");
	free(text);
}

/* The ways of writing a string differ by length; each must give the same text back. */
static void test_lengths(void **state)
{
	(void)state;
	static char key_text[300], value_text[20000];
	static const size_t key_lens[] = {1, 47, 48, 49, 122, 127, 128, 256};
	static const size_t value_lens[] = {1, 63, 64, 65, 119, 127, 128, 129, 4096, 16383, 16384};
	memset(key_text, 'k', sizeof key_text);
	memset(value_text, 'v', sizeof value_text);
	for (size_t i = 0; i < sizeof key_lens / sizeof *key_lens; i++) {
		for (size_t j = 0; j < sizeof value_lens / sizeof *value_lens; j++) {
			struct genops_attribute attribute = {.key = {key_text, key_lens[i]},
			    .value.string = {value_text, value_lens[j]}};
			struct genops_record record = {.attributes = &attribute, .n_attributes = 1};
			struct genops_span_batch batch = {GENOPS_PROFILE_GUIDES, &record, 1};
			struct genops_buffer buf;
			static char line[21000];
			genops_buffer_init(&buf, (size_t)1 << 20);
			genops_span_encode_protobuf(&batch, &buf);
			char *text = dump_request(genops_buffer_view(&buf));
			snprintf(line, sizeof line, "attr %.*s=s:%.*s", (int)key_lens[i], key_text,
			    (int)value_lens[j], value_text);
			assert_line(text, line);
			free(text);
			genops_buffer_done(&buf);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_without_records),
	    cmocka_unit_test(test_json_numbers_that_are_none),
	    cmocka_unit_test(test_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
