/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/engine/flow_fixture.h - received requests made by number, and what lies in a state directory. */
#ifndef TESTS_FLOW_FIXTURE_H
#define TESTS_FLOW_FIXTURE_H

#include "engine_fixture.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/wire.h"
#include "telemetry/otlp/envelope.h"

/* A request with `n` things in it; each of its own number and about `size` bytes. */
static inline void make_request(enum genops_signal signal, int first, int n, size_t size, struct genops_buffer *out)
{
	static const uint32_t text_field[] = {5, 1}; /* Span.name, Metric.name */
	size_t resource = genops_wire_begin(out, 1), scope = genops_wire_begin(out, 2);
	for (int i = first; i < first + n; i++) {
		size_t item = genops_wire_begin(out, 2);
		char id[17], text[64];
		snprintf(id, sizeof id, "%016d", i);
		snprintf(text, sizeof text, "thing-%d-", i);
		if (signal == GENOPS_SIGNAL_TRACES) {
			genops_wire_put_bytes(out, 1, (genops_str){id, 16});
			genops_wire_put_bytes(out, 2, (genops_str){id + 8, 8});
		}
		if (signal == GENOPS_SIGNAL_LOGS) {
			size_t body = genops_wire_begin(out, 5);
			genops_wire_put_text(out, 1, genops_str_of(text));
			genops_wire_end(out, body);
		} else {
			genops_wire_put_text(out, text_field[signal], genops_str_of(text));
		}
		if (signal == GENOPS_SIGNAL_METRICS) { /* a gauge with one point */
			size_t gauge = genops_wire_begin(out, 5), point = genops_wire_begin(out, 1);
			genops_wire_put_fixed64(out, 3, 1);
			genops_wire_end(out, point);
			genops_wire_end(out, gauge);
		}
		if (size) {
			char *filler = calloc(1, size);
			memset(filler, 'x', size);
			genops_wire_put_bytes(out, 1000, (genops_str){filler, size});
			free(filler);
		}
		genops_wire_end(out, item);
	}
	genops_wire_end(out, scope);
	genops_wire_end(out, resource);
}

static inline void make_envelope(enum genops_signal signal, int first, int n, size_t size, struct genops_buffer *entry)
{
	struct genops_buffer request;
	genops_buffer_init(&request, (size_t)1 << 20);
	genops_buffer_init(entry, (size_t)1 << 20);
	make_request(signal, first, n, size, &request);
	const struct genops_envelope envelope = {.signal = signal,
	    .received_unix_ns = genops_clock_unix_ns(),
	    .receiver = GENOPS_STR("otlp"),
	    .input = GENOPS_STR(GENOPS_INPUT_OTLP),
	    .request = genops_buffer_view(&request)};
	genops_envelope_encode(&envelope, entry);
	assert_int_equal(entry->error, 0);
	genops_buffer_done(&request);
}

static inline void read_file(const char *dir, const char *name, char *text, size_t size)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "r");
	text[0] = '\0';
	if (!file)
		return;
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

#endif
