/* SPDX-License-Identifier: Apache-2.0
 * fuzz_event_span.c - spans of requests that the door lets in: their events are whole, in JSON; the same span comes back unchanged when nothing
 * was put, and a request that the door lets in when something was. */
#include "pipeline/event_span.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int keep_piece(void *arg, genops_str piece, struct genops_error *err)
{
	genops_buffer_add((struct genops_buffer *)arg, piece);
	return GENOPS_OK;
}

/* The span as it is after `name` got a value, and every second of its attributes another. */
static void write_changed(const struct genops_otlp_reader *reader, const struct genops_otlp_span *span, struct genops_value event,
    struct genops_arena *arena, struct genops_buffer *out)
{
	struct genops_value_key name = genops_value_key_of(GENOPS_STR("genops.team")), attributes = genops_value_key_of(GENOPS_STR("attributes"));
	struct genops_value_object *copy = genops_value_object_over(arena, event.as.object, 4);
	const struct genops_value *was = genops_value_object_get(event.as.object, &attributes);
	struct genops_otlp_writer writer = {.out = out};
	struct genops_error err;
	if (!copy || !was || was->type != GENOPS_VALUE_OBJECT)
		return;
	struct genops_value_object *changed = genops_value_object_over(arena, was->as.object, 4);
	if (!changed)
		return;
	for (uint32_t i = 0; i < was->as.object->n; i += 2) {
		if (!genops_value_object_put(arena, changed, was->as.object->members[i].key, i % 4 ? genops_value_null() : *was))
			return;
	}
	if (!genops_value_object_put(arena, copy, name, genops_value_text(GENOPS_STR("put"))) ||
	    !genops_value_object_put(arena, copy, attributes, (struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = changed}))
		return;
	genops_otlp_writer_place(&writer, &reader->resource);
	size_t mark = genops_wire_begin(out, 2);
	int code = genops_event_to_span((struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = copy}, event, span, out, &err);
	genops_wire_end(out, mark);
	genops_otlp_writer_end(&writer);
	if (code != GENOPS_OK)
		genops_buffer_clear(out);
}

static void check_span(struct genops_event_span *maker, const struct genops_otlp_reader *reader, const struct genops_otlp_span *span, struct genops_arena *arena)
{
	const struct genops_envelope envelope = {.input = GENOPS_STR(GENOPS_INPUT_OTLP)};
	struct genops_buffer json, same, changed, scratch, again;
	struct genops_value event;
	struct genops_otlp_count count = {0};
	struct genops_error err;
	struct genops_buffer *all[] = {&json, &same, &changed, &scratch, &again};
	for (size_t i = 0; i < 5; i++)
		genops_buffer_init(all[i], 1 << 24);
	if (genops_event_of_span(maker, &envelope, &reader->resource, span, arena, &event, &err) != GENOPS_OK)
		abort();
	if (!genops_value_to_json(event, &json) || (json.error && !event.as.object->source->is_full))
		abort();
	if (genops_event_to_span(event, event, span, &same, &err) != GENOPS_OK || !genops_str_equal(genops_buffer_view(&same), span->encoded))
		abort();
	write_changed(reader, span, event, arena, &changed);
	if (changed.len && (genops_otlp_request_pieces(GENOPS_SIGNAL_TRACES, genops_buffer_view(&changed), &scratch, keep_piece, &again, &count, &err) != GENOPS_OK))
		abort();
	for (size_t i = 0; i < 5; i++)
		genops_buffer_done(all[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_buffer kept, scratch;
	struct genops_arena arena, resources;
	struct genops_event_span maker = {.arena = &resources};
	struct genops_otlp_count count = {0};
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	genops_str item;
	genops_buffer_init(&kept, 1 << 24);
	genops_buffer_init(&scratch, 1 << 24);
	genops_arena_init(&arena, 1 << 24);
	genops_arena_init(&resources, 1 << 24);
	if (genops_otlp_request_pieces(GENOPS_SIGNAL_TRACES, (genops_str){(const char *)data, size}, &scratch, keep_piece, &kept, &count, NULL) == GENOPS_OK) {
		genops_event_span_begin(&maker);
		genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&kept));
		while (genops_otlp_reader_next(&reader, &item) > 0) {
			genops_arena_reset(&arena);
			if (genops_otlp_span_read(item, &span) != GENOPS_OK)
				abort();
			check_span(&maker, &reader, &span, &arena);
		}
	}
	genops_arena_done(&arena);
	genops_arena_done(&resources);
	genops_buffer_done(&kept);
	genops_buffer_done(&scratch);
	return 0;
}
