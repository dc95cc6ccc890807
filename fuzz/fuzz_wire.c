/* SPDX-License-Identifier: Apache-2.0
 * fuzz_wire.c - genops_wire_next, _enter, _next_varint and the writer. Property: a message that is
 * taken, written again field by field, reads as the same fields; nothing is read outside the input,
 * however deep it nests.
 */
#include "codec/wire.h"

#include <stdlib.h>

#define DEPTH_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct genops_buffer *buf, const struct genops_wire_field *field)
{
	switch (field->type) {
	case GENOPS_WIRE_VARINT:
		genops_wire_put_uint(buf, field->number, field->value);
		break;
	case GENOPS_WIRE_FIXED64:
		genops_wire_put_fixed64(buf, field->number, field->value);
		break;
	case GENOPS_WIRE_FIXED32:
		genops_wire_put_fixed32(buf, field->number, (uint32_t)field->value);
		break;
	case GENOPS_WIRE_BYTES: {
		size_t mark = genops_wire_begin(buf, field->number);
		genops_buffer_add(buf, field->bytes);
		genops_wire_end(buf, mark);
		break;
	}
	}
}

static void compare(const struct genops_wire_field *a, const struct genops_wire_field *b)
{
	if (a->number != b->number || a->type != b->type || a->value != b->value ||
	    a->bytes.len != b->bytes.len)
		abort();
	if (a->bytes.len && memcmp(a->bytes.ptr, b->bytes.ptr, a->bytes.len) != 0)
		abort();
}

static void read_packed(genops_str bytes)
{
	struct genops_wire_reader in;
	uint64_t value;
	genops_wire_reader_init(&in, bytes, 0);
	while (genops_wire_next_varint(&in, &value) > 0)
		continue;
	genops_wire_reader_init(&in, bytes, 0);
	while (genops_wire_next_fixed64(&in, &value) > 0)
		continue;
}

/* Reads everything that could be a message, down to the reader's bound. */
static void read_all(struct genops_wire_reader in, struct genops_buffer *buf)
{
	struct genops_wire_field field;
	while (genops_wire_next(&in, &field) > 0) {
		if (buf)
			write_again(buf, &field);
		if (field.type != GENOPS_WIRE_BYTES)
			continue;
		struct genops_wire_reader inner;
		read_packed(field.bytes);
		if (genops_wire_enter(&in, &field, &inner) == GENOPS_OK)
			read_all(inner, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_buffer buf;
	struct genops_wire_reader in, again;
	struct genops_wire_field a, b;
	if (size > 4096)
		return 0; /* each level reads its bytes three times */
	genops_buffer_init(&buf, 1 << 20);
	genops_wire_reader_init(&in, (genops_str){(const char *)data, size}, DEPTH_MAX);
	read_all(in, &buf);
	genops_wire_reader_init(&again, genops_buffer_view(&buf), DEPTH_MAX);
	while (genops_wire_next(&in, &a) > 0) {
		if (genops_wire_next(&again, &b) != 1)
			abort();
		compare(&a, &b);
	}
	if (genops_wire_next(&again, &b) != 0)
		abort();
	genops_buffer_done(&buf);
	return 0;
}
