/* SPDX-License-Identifier: Apache-2.0
 * fuzz_otlp.c - OTLP requests in protobuf. The first byte says which signal, and whether the request is repeated until it is long enough to
 * be cut. Properties: what is taken in pieces is of promised length, and taken again whole, as many items; readers find no damage in it; it
 * becomes JSON, which read and written again is the same text. Of what is refused nothing was handed on. */
#include "telemetry/otlp/otlp_json.h"
#include "telemetry/otlp/otlp_span.h"

#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM ((size_t)8 << 20)

static void expect(bool is_right)
{
	if (!is_right)
		abort();
}

static void read_attributes(genops_str message, uint32_t field, unsigned depth)
{
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	struct genops_otlp_value element;
	struct genops_wire_reader array;
	int code;
	expect(depth <= GENOPS_OTLP_DEPTH_MAX);
	genops_otlp_attributes_init(&attributes, message, field);
	while ((code = genops_otlp_attributes_next(&attributes, &attribute)) > 0) {
		expect(genops_str_is_utf8(attribute.key));
		if (attribute.value.type == GENOPS_OTLP_STRING)
			expect(genops_str_is_utf8(attribute.value.bytes));
		if (attribute.value.type == GENOPS_OTLP_KVLIST)
			read_attributes(attribute.value.bytes, 1, depth + 1);
		if (attribute.value.type != GENOPS_OTLP_ARRAY)
			continue;
		genops_wire_reader_init(&array, attribute.value.bytes, 0);
		while ((code = genops_otlp_array_next(&array, &element)) > 0)
			continue;
		expect(code == 0);
	}
	expect(code == 0);
}

static int64_t read_items(enum genops_signal signal, genops_str request, struct genops_otlp_writer *writer)
{
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	genops_str item;
	int64_t n = 0;
	int code;
	genops_otlp_reader_init(&reader, signal, request);
	while ((code = genops_otlp_reader_next(&reader, &item)) > 0) {
		n++;
		read_attributes(reader.resource.encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, 1);
		if (signal == GENOPS_SIGNAL_TRACES) {
			expect(genops_otlp_span_read(item, &span) == GENOPS_OK);
			expect(span.trace_id.len == 0 || span.trace_id.len == 16);
			expect(span.span_id.len == 0 || span.span_id.len == 8);
			expect(genops_str_is_utf8(span.name) && genops_str_is_utf8(span.status_message));
			read_attributes(item, GENOPS_OTLP_SPAN_ATTRIBUTES, 1);
		}
		if (!writer)
			continue;
		genops_otlp_writer_place(writer, &reader.resource);
		genops_wire_put_bytes(writer->out, 2, item);
	}
	expect(code == 0);
	return n;
}

/* Through the reader and the writer, nothing that is known is lost. */
static void write_items(enum genops_signal signal, genops_str request, int64_t n_items)
{
	struct genops_buffer out;
	genops_buffer_init(&out, ROOM);
	struct genops_otlp_writer writer = {.out = &out};
	expect(read_items(signal, request, &writer) == n_items);
	genops_otlp_writer_end(&writer);
	expect(!out.error && writer.n_items == n_items);
	expect(read_items(signal, genops_buffer_view(&out), NULL) == n_items);
	genops_buffer_done(&out);
}

static void convert(enum genops_signal signal, genops_str request)
{
	struct genops_buffer json, wire, again;
	genops_buffer_init(&json, ROOM);
	genops_buffer_init(&wire, ROOM);
	genops_buffer_init(&again, ROOM);
	expect(genops_otlp_json_write(signal, request, &json, NULL) == GENOPS_OK);
	expect(genops_otlp_json_read(signal, genops_buffer_view(&json), &wire, NULL) == GENOPS_OK);
	expect(genops_otlp_json_write(signal, genops_buffer_view(&wire), &again, NULL) == GENOPS_OK);
	expect(genops_str_equal(genops_buffer_view(&json), genops_buffer_view(&again)));
	genops_buffer_done(&json);
	genops_buffer_done(&wire);
	genops_buffer_done(&again);
}

struct seen {
	enum genops_signal signal;
	bool is_again, is_repeated;
	int64_t n_pieces, n_accepted;
};

static int take(void *arg, genops_str piece, struct genops_error *err)
{
	struct seen *seen = arg, again = {.signal = seen->signal, .is_again = true};
	struct genops_buffer scratch;
	struct genops_otlp_count count;
	seen->n_pieces++;
	if (seen->is_again)
		return GENOPS_OK;
	expect(piece.len > 0 && piece.len <= GENOPS_OTLP_ITEM_MAX);
	genops_buffer_init(&scratch, ROOM);
	expect(genops_otlp_request_pieces(seen->signal, piece, &scratch, take, &again, &count, err) == GENOPS_OK);
	expect(count.n_rejected == 0 && again.n_pieces >= 1);
	seen->n_accepted += count.n_accepted;
	int64_t n = read_items(seen->signal, piece, NULL);
	expect(n > 0);
	if (seen->signal != GENOPS_SIGNAL_METRICS)
		expect(n == count.n_accepted);
	if (!seen->is_repeated || seen->n_pieces == 1)
		write_items(seen->signal, piece, n);
	if (!seen->is_repeated)
		convert(seen->signal, piece);
	genops_buffer_done(&scratch);
	return GENOPS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 65536)
		return 0;
	struct seen seen = {.signal = (enum genops_signal)(data[0] % GENOPS_SIGNAL_N), .is_repeated = data[0] >= 0x80};
	genops_str one = {(const char *)data + 1, size - 1};
	struct genops_buffer request, scratch;
	struct genops_otlp_count count;
	genops_buffer_init(&request, ROOM);
	genops_buffer_init(&scratch, ROOM);
	do
		genops_buffer_add(&request, one);
	while (seen.is_repeated && size > 16 && request.len < GENOPS_OTLP_ITEM_MAX);
	int code = genops_otlp_request_pieces(seen.signal, genops_buffer_view(&request), &scratch, take, &seen, &count, NULL);
	if (code == GENOPS_OK)
		expect(count.n_accepted == seen.n_accepted && (count.n_rejected == 0 || count.reason[0])); /* a metric may have no points */
	else
		expect((code == GENOPS_SYNTAX || code == GENOPS_LIMIT) && seen.n_pieces == 0);
	genops_buffer_done(&request);
	genops_buffer_done(&scratch);
	return 0;
}
