/* SPDX-License-Identifier: Apache-2.0
 * test_otlp_answer.c - Export<Signal>ServiceResponse and google.rpc.Status, in both encodings.
 */
#include "telemetry/otlp/otlp_answer.h"

#include "codec/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void expect_text(struct genops_buffer *out, const char *text)
{
	assert_int_equal(out->error, 0);
	assert_int_equal(out->len, strlen(text));
	assert_memory_equal(out->ptr, text, out->len);
	genops_buffer_clear(out);
}

static void expect_number(genops_str message, uint32_t number, uint64_t value)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint64_t found = 0;
	genops_wire_reader_init(&in, message, 0);
	while (genops_wire_next(&in, &field) > 0)
		found = field.number == number ? field.value : found;
	assert_true(found == value);
}

static genops_str inner(genops_str message, uint32_t number)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_wire_reader_init(&in, message, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == number)
			return field.bytes;
	}
	fail_msg("field %u is not there", number);
	return (genops_str){0};
}

static void expect_str(genops_str text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.ptr, expected, text.len);
}

static void test_success(void **state)
{
	(void)state;
	const struct genops_otlp_count all = {.n_accepted = 3}, some = {2, 1, "span 3: traceId has 5 bytes"}, warned = {3, 0, "slow down"};
	struct genops_buffer out;
	genops_buffer_init(&out, 4096);
	genops_otlp_answer_success(GENOPS_SIGNAL_TRACES, false, &all, &out);
	expect_text(&out, "");
	genops_otlp_answer_success(GENOPS_SIGNAL_TRACES, true, &all, &out);
	expect_text(&out, "{}");
	genops_otlp_answer_success(GENOPS_SIGNAL_TRACES, true, &some, &out);
	expect_text(&out, "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"span 3: traceId has 5 bytes\"}}");
	genops_otlp_answer_success(GENOPS_SIGNAL_METRICS, true, &some, &out);
	expect_text(&out, "{\"partialSuccess\":{\"rejectedDataPoints\":\"1\",\"errorMessage\":\"span 3: traceId has 5 bytes\"}}");
	genops_otlp_answer_success(GENOPS_SIGNAL_LOGS, true, &warned, &out);
	expect_text(&out, "{\"partialSuccess\":{\"errorMessage\":\"slow down\"}}");
	genops_otlp_answer_success(GENOPS_SIGNAL_LOGS, false, &some, &out);
	expect_number(inner(genops_buffer_view(&out), 1), 1, 1);
	expect_str(inner(inner(genops_buffer_view(&out), 1), 2), some.reason);
	genops_buffer_done(&out);
}

static void test_status(void **state)
{
	(void)state;
	struct genops_buffer out;
	genops_buffer_init(&out, 4096);
	genops_otlp_answer_status(true, 3, GENOPS_STR("not a request"), 0, &out);
	expect_text(&out, "{\"code\":3,\"message\":\"not a request\"}");
	genops_otlp_answer_status(true, 14, GENOPS_STR("full"), INT64_C(1500000000), &out);
	expect_text(&out, "{\"code\":14,\"message\":\"full\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\","
			  "\"retryDelay\":\"1.500000000s\"}]}");
	genops_otlp_answer_status(false, 14, GENOPS_STR("full"), INT64_C(1500000000), &out);
	genops_str status = genops_buffer_view(&out), any = inner(status, 3), delay = inner(inner(any, 2), 1);
	expect_number(status, 1, 14);
	expect_str(inner(status, 2), "full");
	expect_str(inner(any, 1), "type.googleapis.com/google.rpc.RetryInfo");
	expect_number(delay, 1, 1);
	expect_number(delay, 2, 500000000);
	genops_buffer_clear(&out);
	/* What a client sent may be quoted: it must not make the answer invalid. */
	genops_otlp_answer_status(false, 3, GENOPS_STR("a\xFF"), 0, &out);
	expect_str(inner(genops_buffer_view(&out), 2), "a\xEF\xBF\xBD");
	genops_buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_success),
	    cmocka_unit_test(test_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
