/* SPDX-License-Identifier: Apache-2.0
 * fuzz_envelope.c - stored telemetry. Property: what is decoded, encoded and decoded again is the same; what is not leaves its output. */
#include "telemetry/otlp/envelope.h"

#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_right)
{
	if (!is_right)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_envelope a = {.received_unix_ns = 77}, b;
	struct genops_buffer buf;
	int code = genops_envelope_decode((genops_str){(const char *)data, size}, &a, NULL);
	if (code != GENOPS_OK) {
		expect((code == GENOPS_CORRUPT || code == GENOPS_UNSUPPORTED) && a.received_unix_ns == 77);
		return 0;
	}
	genops_buffer_init(&buf, size + 64);
	genops_envelope_encode(&a, &buf);
	expect(!buf.error && genops_envelope_decode(genops_buffer_view(&buf), &b, NULL) == GENOPS_OK);
	expect(a.signal == b.signal && a.is_observed == b.is_observed && a.received_unix_ns == b.received_unix_ns);
	expect(genops_str_equal(a.receiver, b.receiver) && genops_str_equal(a.input, b.input));
	expect(genops_str_equal(a.tenant, b.tenant) && genops_str_equal(a.request, b.request));
	genops_buffer_done(&buf);
	return 0;
}
