/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/item.c - going over a request, see item.h. Until the first item that does not stay as it is nothing is written: most
 * requests pass most processors unchanged. */
#include "pipeline/collector/item/item.h"

#include "base/str.h"

struct walk {
	struct genops_processor_run *run;
	const struct genops_envelope *envelope;
	struct genops_otlp_writer writer;
	size_t n_kept; /* before the first change */
	bool is_writing;
};

/* The first items, which all stay. */
static int copy_kept(struct walk *walk)
{
	struct genops_otlp_reader reader;
	genops_str item;
	genops_otlp_reader_init(&reader, walk->envelope->signal, walk->envelope->request);
	for (size_t i = 0; i < walk->n_kept; i++) {
		if (genops_otlp_reader_next(&reader, &item) <= 0)
			return GENOPS_CORRUPT;
		genops_otlp_writer_place(&walk->writer, &reader.resource);
		genops_wire_put_bytes(walk->writer.out, 2, item);
	}
	walk->is_writing = true;
	return GENOPS_OK;
}

static int take(struct walk *walk, const struct genops_item *item, enum genops_item_outcome outcome)
{
	struct genops_processor_count *count = &walk->run->current->count;
	genops_str kept = outcome == GENOPS_ITEM_CHANGE ? genops_buffer_view(&walk->run->item) : item->encoded;
	count->n_in++;
	count->n_out += outcome != GENOPS_ITEM_DROP;
	count->n_changed += outcome == GENOPS_ITEM_CHANGE;
	if (!walk->is_writing && outcome == GENOPS_ITEM_KEEP) {
		walk->n_kept++;
		return GENOPS_OK;
	}
	if (!walk->is_writing && copy_kept(walk) != GENOPS_OK)
		return GENOPS_CORRUPT;
	if (outcome == GENOPS_ITEM_DROP)
		return GENOPS_OK;
	genops_otlp_writer_place(&walk->writer, item->resource);
	genops_wire_put_bytes(walk->writer.out, 2, kept);
	return walk->run->item.error;
}

int genops_item_walk(struct genops_processor_run *run, const struct genops_envelope *envelope, genops_item_fn *fn, void *arg,
    struct genops_buffer *out, bool *ret_is_same, struct genops_error *err)
{
	struct walk walk = {.run = run, .envelope = envelope, .writer = {.out = out}};
	struct genops_otlp_reader reader;
	genops_str encoded;
	int code;
	genops_otlp_reader_init(&reader, envelope->signal, envelope->request);
	while ((code = genops_otlp_reader_next(&reader, &encoded)) > 0) {
		const struct genops_item item = {.signal = envelope->signal, .resource = &reader.resource, .encoded = encoded};
		enum genops_item_outcome outcome = GENOPS_ITEM_KEEP;
		genops_buffer_clear(&run->item);
		genops_arena_reset(&run->arena);
		GENOPS_TRY(fn(arg, &item, &run->item, &outcome, err));
		code = take(&walk, &item, outcome);
		if (code != GENOPS_OK)
			break;
	}
	if (code != GENOPS_OK)
		return genops_fail(err, code, "%s cannot be processed: %s", genops_signal_name(envelope->signal), genops_error_text(code));
	*ret_is_same = !walk.is_writing;
	genops_otlp_writer_end(&walk.writer);
	return GENOPS_OK;
}

/* --- what is in a message --- */

bool genops_item_field(genops_str message, uint32_t number, struct genops_wire_field *ret_field)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	bool is_found = false;
	genops_wire_reader_init(&in, message, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number != number)
			continue;
		*ret_field = field;
		is_found = true;
	}
	return is_found;
}

genops_str genops_item_text(genops_str message, uint32_t number)
{
	struct genops_wire_field field;
	bool is_text = genops_item_field(message, number, &field) && field.type == GENOPS_WIRE_BYTES;
	return is_text ? field.bytes : (genops_str){0};
}

uint64_t genops_item_number(genops_str message, uint32_t number)
{
	struct genops_wire_field field;
	bool is_number = genops_item_field(message, number, &field) && field.type != GENOPS_WIRE_BYTES;
	return is_number ? field.value : 0;
}

/* A KeyValue's value, if its key is this one. */
static bool read_value_of(genops_str key_value, genops_str key, struct genops_otlp_value *ret_value)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_str value = {0};
	bool is_key = false;
	genops_wire_reader_init(&in, key_value, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.type != GENOPS_WIRE_BYTES)
			continue;
		if (field.number == 1) {
			is_key = genops_str_equal(field.bytes, key);
			if (!is_key)
				return false;
		} else if (field.number == 2) {
			value = field.bytes;
		}
	}
	is_key |= !key.len;
	return is_key && genops_otlp_value_read(value, ret_value) == GENOPS_OK;
}

bool genops_item_attribute(genops_str message, uint32_t field_number, genops_str key, struct genops_otlp_value *ret_value)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	genops_wire_reader_init(&in, message, 0);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == field_number && field.type == GENOPS_WIRE_BYTES && read_value_of(field.bytes, key, ret_value))
			return true;
	}
	return false;
}

uint32_t genops_item_attributes_field(enum genops_signal signal)
{
	static const uint32_t fields[GENOPS_SIGNAL_N] = {
	    [GENOPS_SIGNAL_TRACES] = GENOPS_OTLP_SPAN_ATTRIBUTES, [GENOPS_SIGNAL_LOGS] = GENOPS_OTLP_LOG_ATTRIBUTES};
	return fields[signal];
}

uint32_t genops_item_point_attributes_field(uint32_t data)
{
	return data == 9 ? 9 : data == 10 ? 1 : 7;
}

uint32_t genops_item_metric_data(genops_str metric, genops_str *ret_data)
{
	static const uint32_t numbers[] = {5, 7, 9, 10, 11};
	struct genops_wire_reader in;
	struct genops_wire_field field;
	uint32_t found = 0;
	genops_wire_reader_init(&in, metric, 0);
	while (genops_wire_next(&in, &field) > 0) {
		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
			if (field.number != numbers[i] || field.type != GENOPS_WIRE_BYTES)
				continue;
			found = field.number;
			*ret_data = field.bytes;
		}
	}
	return found;
}
