/* SPDX-License-Identifier: Apache-2.0
 * test_envelope.c - received telemetry in a segment: there and back, from a newer writer, and damaged. */
#include "telemetry/otlp/envelope.h"

#include "base/str.h"
#include "codec/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct genops_envelope full = {
    .signal = GENOPS_SIGNAL_LOGS,
    .is_observed = true,
    .received_unix_ns = INT64_C(1700000000123456789),
    .receiver = {"otlp/edge", 9},
    .input = {"genops_otlp_source", 18},
    .tenant = {"acme", 4},
    .request = {"\x0A\x00", 2},
};

static void expect_equal(const struct genops_envelope *a, const struct genops_envelope *b)
{
	assert_int_equal(a->signal, b->signal);
	assert_int_equal(a->is_observed, b->is_observed);
	assert_true(a->received_unix_ns == b->received_unix_ns);
	assert_true(genops_str_equal(a->receiver, b->receiver));
	assert_true(genops_str_equal(a->input, b->input));
	assert_true(genops_str_equal(a->tenant, b->tenant));
	assert_true(genops_str_equal(a->request, b->request));
}

static void test_there_and_back(void **state)
{
	(void)state;
	const struct genops_envelope cases[] = {full, {.signal = GENOPS_SIGNAL_TRACES}, {.received_unix_ns = INT64_MIN}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_buffer buf;
		struct genops_envelope back;
		genops_buffer_init(&buf, 4096);
		genops_envelope_encode(&cases[i], &buf);
		assert_int_equal(buf.error, 0);
		assert_int_equal(genops_envelope_decode(genops_buffer_view(&buf), &back, NULL), GENOPS_OK);
		expect_equal(&cases[i], &back);
		genops_buffer_done(&buf);
	}
}

static void test_a_newer_writer(void **state)
{
	(void)state;
	struct genops_buffer buf;
	struct genops_envelope back = {.received_unix_ns = 77};
	struct genops_error err = {0};
	genops_buffer_init(&buf, 4096);
	genops_envelope_encode(&full, &buf);
	genops_wire_put_bytes(&buf, 100, GENOPS_STR("what this reader does not know"));
	assert_int_equal(genops_envelope_decode(genops_buffer_view(&buf), &back, NULL), GENOPS_OK);
	expect_equal(&full, &back);
	buf.ptr[0] = 2;
	assert_int_equal(genops_envelope_decode(genops_buffer_view(&buf), &back, &err), GENOPS_UNSUPPORTED);
	assert_true(err.fix[0]);
	genops_buffer_done(&buf);
}

/* Cut anywhere, any byte another: taken or CORRUPT, never a read outside, and untouched on failure. */
static void test_damage(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 4096);
	genops_envelope_encode(&full, &buf);
	for (size_t len = 0; len <= buf.len; len++) {
		for (size_t at = 0; at <= len; at++) {
			struct genops_envelope back = {.received_unix_ns = 77};
			char *bytes = malloc(len + 1);
			assert_non_null(bytes);
			memcpy(bytes, buf.ptr, len);
			if (at < len)
				bytes[at] = (char)(bytes[at] ^ 0x81);
			int code = genops_envelope_decode((genops_str){bytes, len}, &back, NULL);
			assert_true(code == GENOPS_OK || code == GENOPS_CORRUPT || code == GENOPS_UNSUPPORTED);
			if (code != GENOPS_OK)
				assert_true(back.received_unix_ns == 77);
			free(bytes);
		}
	}
	struct genops_envelope back;
	assert_int_equal(genops_envelope_decode((genops_str){0}, &back, NULL), GENOPS_CORRUPT);
	assert_int_equal(genops_envelope_decode(GENOPS_STR("\x01\x08\x03"), &back, NULL), GENOPS_CORRUPT); /* no such signal */
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_a_newer_writer),
	    cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
