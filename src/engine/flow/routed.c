/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/routed.c - see routed.h. Any thread. */
#include "engine/flow/routed.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/wire.h"

#define VERSION 1

enum { DESTINATION = 1, ITEM = 2, MADE = 3 };
enum { KIND = 1, N, TIME, ID, BODY, PAYLOAD, PIPELINE, ROUTE, SETTINGS, TENANT };

void genops_routed_begin(const genops_str *destinations, size_t n, struct genops_buffer *out)
{
	genops_buffer_add_char(out, VERSION);
	genops_wire_put_fixed64(out, MADE, (uint64_t)genops_clock_unix_ns());
	for (size_t i = 0; i < n; i++)
		genops_wire_put_bytes(out, DESTINATION, destinations[i]);
}

static void put_text(struct genops_buffer *out, uint32_t field, genops_str text)
{
	if (text.len)
		genops_wire_put_bytes(out, field, text);
}

void genops_routed_add(const struct genops_destination_item *item, struct genops_buffer *out)
{
	size_t mark = genops_wire_begin(out, ITEM);
	genops_wire_put_uint(out, KIND, item->kind);
	genops_wire_put_int(out, N, item->n);
	genops_wire_put_fixed64(out, TIME, (uint64_t)item->time_unix_ns);
	if (item->id)
		genops_wire_put_fixed64(out, ID, item->id);
	put_text(out, PAYLOAD, item->payload);
	put_text(out, PIPELINE, item->pipeline);
	put_text(out, ROUTE, item->route);
	put_text(out, SETTINGS, item->settings);
	put_text(out, TENANT, item->tenant);
	genops_wire_put_bytes(out, BODY, item->body);
	genops_wire_end(out, mark);
}

static int open_entry(genops_str entry, struct genops_wire_reader *ret_reader, struct genops_error *err)
{
	if (!entry.len)
		return genops_fail(err, GENOPS_CORRUPT, "a routed entry is empty");
	if (entry.ptr[0] != VERSION)
		return genops_fail_fix(err, GENOPS_UNSUPPORTED, "update every GenOps that shares this state",
		    "a routed entry has version %d; this GenOps reads version %d", entry.ptr[0], VERSION);
	genops_wire_reader_init(ret_reader, genops_str_skip(entry, 1), 2);
	return GENOPS_OK;
}

int64_t genops_routed_time(genops_str entry)
{
	struct genops_wire_reader reader;
	struct genops_wire_field field;
	if (!entry.len || entry.ptr[0] != VERSION)
		return 0;
	genops_wire_reader_init(&reader, genops_str_skip(entry, 1), 2);
	bool is_there = genops_wire_next(&reader, &field) > 0 && field.number == MADE; /* it stands first */
	return is_there && field.value <= INT64_MAX ? (int64_t)field.value : 0;
}

int genops_routed_is_for(genops_str entry, genops_str destination, bool *ret_is_for, struct genops_error *err)
{
	struct genops_wire_reader reader;
	struct genops_wire_field field;
	int code;
	*ret_is_for = false;
	GENOPS_TRY(open_entry(entry, &reader, err));
	while ((code = genops_wire_next(&reader, &field)) > 0 && field.number != ITEM) { /* the names stand in front */
		if (field.number == DESTINATION && field.type == GENOPS_WIRE_BYTES && genops_str_equal(field.bytes, destination)) {
			*ret_is_for = true;
			return GENOPS_OK;
		}
	}
	return code < 0 ? genops_fail(err, GENOPS_CORRUPT, "a routed entry cannot be read") : GENOPS_OK;
}

void genops_routed_reader_init(struct genops_routed_reader *reader, genops_str entry)
{
	entry = genops_str_skip(entry, entry.len ? 1 : 0);
	*reader = (struct genops_routed_reader){entry.ptr, entry.ptr + entry.len};
}

static void keep_text(const struct genops_wire_field *field, struct genops_destination_item *item)
{
	genops_str *const texts[] = {[BODY] = &item->body,
	    [PAYLOAD] = &item->payload,
	    [PIPELINE] = &item->pipeline,
	    [ROUTE] = &item->route,
	    [SETTINGS] = &item->settings,
	    [TENANT] = &item->tenant};
	if (field->number >= BODY && field->number <= TENANT)
		*texts[field->number] = field->bytes;
}

static int read_item(struct genops_wire_reader reader, struct genops_destination_item *ret_item)
{
	struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT};
	struct genops_wire_field field;
	int code;
	while ((code = genops_wire_next(&reader, &field)) > 0) {
		if (field.type == GENOPS_WIRE_BYTES)
			keep_text(&field, &item);
		else if (field.number == KIND && field.value > GENOPS_ITEM_EVENT)
			return GENOPS_CORRUPT;
		else if (field.number == KIND)
			item.kind = (enum genops_item_kind)field.value;
		else if (field.number == N)
			item.n = (int64_t)field.value;
		else if (field.number == TIME)
			item.time_unix_ns = (int64_t)field.value;
		else if (field.number == ID)
			item.id = field.value;
	}
	if (code < 0)
		return GENOPS_CORRUPT;
	*ret_item = item;
	return 1;
}

int genops_routed_reader_next(struct genops_routed_reader *reader, struct genops_destination_item *ret_item)
{
	struct genops_wire_reader in, inner;
	struct genops_wire_field field;
	int code;
	genops_wire_reader_init(&in, (genops_str){reader->at, (size_t)(reader->end - reader->at)}, 2);
	do {
		code = genops_wire_next(&in, &field);
		reader->at = in.at;
		if (code <= 0)
			return code < 0 ? GENOPS_CORRUPT : 0;
	} while (field.number != ITEM);
	if (genops_wire_enter(&in, &field, &inner) != GENOPS_OK)
		return GENOPS_CORRUPT;
	return read_item(inner, ret_item);
}
