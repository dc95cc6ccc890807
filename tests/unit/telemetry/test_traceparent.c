/* SPDX-License-Identifier: Apache-2.0
 * W3C trace context: what the specification's own examples say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "telemetry/propagation.h"

#include <stdlib.h>

#define IDS "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

static void test_traceparent(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		bool is_good;
		uint8_t flags;
	} rows[] = {
	    {"00-" IDS "-01", true, 1},
	    {"00-" IDS "-00", true, 0},
	    {"00-" IDS "-03", true, 3},
	    {" 00-" IDS "-01\t", true, 1},
	    /* later versions: with and without more fields; only the sampled flag is known of them */
	    {"cc-" IDS "-01", true, 1},
	    {"cc-" IDS "-fd-what-the-future-will-be", true, 1},
	    {"cc-" IDS "-01.what", false, 0},
	    {"ff-" IDS "-01", false, 0},
	    {"00-" IDS "-01-extra", false, 0},
	    {"00-" IDS "-01-", false, 0},
	    {"", false, 0},
	    {"00-" IDS, false, 0},
	    {"00-" IDS "-0", false, 0},
	    {"00-" IDS "-0x", false, 0},
	    {"0x-" IDS "-01", false, 0},
	    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false, 0},
	    {"00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01", false, 0},
	    {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, 0},
	    {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false, 0},
	    {"00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", false, 0},
	    {"00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01", false, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_trace_context context = {.flags = 0xaa};
		bool is_good = genops_traceparent_parse(genops_str_of(rows[i].header), &context);
		if (is_good != rows[i].is_good)
			fail_msg("\"%s\": %d", rows[i].header, is_good);
		assert_int_equal(
		    context.flags, is_good ? rows[i].flags : 0xaa); /* untouched on failure */
		if (is_good)
			assert_int_equal(context.trace_id[0], 0x4b);
	}
}

static void test_traceparent_round(void **state)
{
	(void)state;
	struct genops_trace_context context;
	char out[GENOPS_TRACEPARENT_SIZE];
	assert_true(genops_traceparent_parse(GENOPS_STR("00-" IDS "-01"), &context));
	genops_traceparent_format(&context, out);
	assert_string_equal(out, "00-" IDS "-01");
	context.flags = 0xff;
	genops_traceparent_format(&context, out);
	assert_string_equal(out, "00-" IDS "-03");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_traceparent),
	    cmocka_unit_test(test_traceparent_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
