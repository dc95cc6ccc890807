/* SPDX-License-Identifier: Apache-2.0
 * fuzz_sse.c - genops_sse_feed and _end. Properties: what is told does not depend on where the
 * stream is cut; events follow one another, end after they start and lie in the stream; data is
 * bounded. The first byte chooses the pieces' length and the bound, the rest is the stream.
 */
#include "base/hash.h"
#include "codec/sse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct record {
	uint64_t hash, end;
	size_t data_max;
};

static void on_event(void *arg, const struct genops_sse_event *event)
{
	struct record *record = arg;
	uint64_t numbers[] = {
	    event->is_cut, event->start, event->end, event->name.len, event->data.len};
	if (event->start < record->end || event->end <= event->start ||
	    event->data.len > record->data_max)
		abort();
	record->end = event->end;
	record->hash = genops_hash_checksum(numbers, sizeof numbers, record->hash);
	record->hash = genops_hash_checksum(event->name.ptr, event->name.len, record->hash);
	record->hash = genops_hash_checksum(event->data.ptr, event->data.len, record->hash);
}

static void run(genops_str stream, size_t step, struct record *record)
{
	struct genops_sse *sse = genops_sse_new(record->data_max, on_event, record);
	if (!sse)
		return;
	for (size_t at = 0; at < stream.len; at += step)
		genops_sse_feed(sse,
		    (genops_str){stream.ptr + at, stream.len - at < step ? stream.len - at : step});
	genops_sse_end(sse);
	if (record->end > stream.len || genops_sse_event_start(sse) != stream.len)
		abort();
	genops_sse_free(sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct record whole = {.data_max = data[0] & 128 ? 8 : 4096}, pieces = whole;
	genops_str stream = {(const char *)data + 1, size - 1};
	run(stream, stream.len ? stream.len : 1, &whole);
	run(stream, 1 + (data[0] & 63), &pieces);
	if (whole.hash != pieces.hash)
		abort();
	return 0;
}
