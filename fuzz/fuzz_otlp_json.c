/* SPDX-License-Identifier: Apache-2.0
 * fuzz_otlp_json.c - OTLP requests in JSON; the first byte says which signal. Properties: what is taken is a request that the check takes,
 * too; written as JSON and read again it is the same. What is refused leaves the output as it was. */
#include "telemetry/otlp/otlp_json.h"

#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM ((size_t)8 << 20)

static void expect(bool is_right)
{
	if (!is_right)
		abort();
}

static int drop(void *arg, genops_str piece, struct genops_error *err)
{
	(void)arg, (void)piece, (void)err;
	return GENOPS_OK;
}

static void check(enum genops_signal signal, genops_str request)
{
	struct genops_buffer json, wire, again, scratch;
	struct genops_otlp_count count;
	genops_buffer_init(&json, ROOM);
	genops_buffer_init(&wire, ROOM);
	genops_buffer_init(&again, ROOM);
	genops_buffer_init(&scratch, ROOM);
	int code = genops_otlp_request_pieces(signal, request, &scratch, drop, NULL, &count, NULL);
	expect(code == GENOPS_OK || code == GENOPS_LIMIT); /* values too deep in a resource */
	if (code == GENOPS_OK && count.n_rejected == 0) {
		expect(genops_otlp_json_write(signal, request, &json, NULL) == GENOPS_OK);
		expect(genops_otlp_json_read(signal, genops_buffer_view(&json), &wire, NULL) == GENOPS_OK);
		expect(genops_otlp_json_write(signal, genops_buffer_view(&wire), &again, NULL) == GENOPS_OK);
		expect(genops_str_equal(genops_buffer_view(&json), genops_buffer_view(&again)));
	}
	genops_buffer_done(&json);
	genops_buffer_done(&wire);
	genops_buffer_done(&again);
	genops_buffer_done(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 65536)
		return 0;
	enum genops_signal signal = (enum genops_signal)(data[0] % GENOPS_SIGNAL_N);
	struct genops_buffer wire;
	struct genops_error err = {0};
	genops_buffer_init(&wire, ROOM);
	genops_buffer_add_char(&wire, 'x');
	int code = genops_otlp_json_read(signal, (genops_str){(const char *)data + 1, size - 1}, &wire, &err);
	if (code == GENOPS_OK) {
		genops_str request = genops_str_skip(genops_buffer_view(&wire), 1);
		check(signal, request);
	} else {
		expect((code == GENOPS_SYNTAX || code == GENOPS_LIMIT) && wire.len == 1 && err.message[0]);
	}
	genops_buffer_done(&wire);
	return 0;
}
