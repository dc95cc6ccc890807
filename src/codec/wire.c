/* SPDX-License-Identifier: Apache-2.0
 * codec/wire.c - see wire.h. Pure functions of their arguments. Byte order is made by shifts, so
 * any host will do. */
#include "codec/wire.h"

#include "base/str.h"

#define VARINT_LEN_MAX 10
#define TAG_LEN_MAX    5
#define FIELD_MAX      (((uint32_t)1 << 29) - 1)
#define PADDED_LEN     4 /* bytes of a patched length */
#define PADDED_MAX     (((size_t)1 << (7 * PADDED_LEN)) - 1)

void genops_wire_reader_init(
    struct genops_wire_reader *reader, genops_str bytes, unsigned max_depth)
{
	reader->at = bytes.ptr;
	reader->end = bytes.len ? bytes.ptr + bytes.len : bytes.ptr;
	reader->depth_left = max_depth;
}

static inline bool read_varint(struct genops_wire_reader *reader, uint64_t *ret_value)
{
	const char *at = reader->at;
	uint64_t value = 0;
	if (at < reader->end && (unsigned char)*at < 0x80) {
		reader->at = at + 1;
		*ret_value = (unsigned char)*at;
		return true;
	}
	for (unsigned shift = 0; shift < 64 && at < reader->end; shift += 7) {
		uint64_t byte = (unsigned char)*at++;
		if (shift == 63 && byte > 1)
			return false; /* more than 64 bits */
		value |= (byte & 0x7F) << shift;
		if (byte < 0x80) {
			reader->at = at;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static inline bool read_fixed(struct genops_wire_reader *reader, size_t n, uint64_t *ret_value)
{
	const unsigned char *at = (const unsigned char *)reader->at;
	if ((size_t)(reader->end - reader->at) < n)
		return false;
	/* Written out, so that compilers see one load. */
	uint64_t value = (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
	if (n == 8)
		value |= (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
	reader->at += n;
	*ret_value = value;
	return true;
}

static bool read_bytes(struct genops_wire_reader *reader, genops_str *ret_bytes)
{
	uint64_t len;
	if (!read_varint(reader, &len) || len > (uint64_t)(reader->end - reader->at))
		return false;
	*ret_bytes = (genops_str){reader->at, (size_t)len};
	reader->at += len;
	return true;
}

static bool read_value(struct genops_wire_reader *reader, struct genops_wire_field *field)
{
	switch (field->type) {
	case GENOPS_WIRE_VARINT:
		return read_varint(reader, &field->value);
	case GENOPS_WIRE_FIXED64:
		return read_fixed(reader, 8, &field->value);
	case GENOPS_WIRE_FIXED32:
		return read_fixed(reader, 4, &field->value);
	case GENOPS_WIRE_BYTES:
		return read_bytes(reader, &field->bytes);
	}
	return false;
}

int genops_wire_next_long(struct genops_wire_reader *reader, struct genops_wire_field *ret_field)
{
	if (reader->at == reader->end)
		return 0;
	uint64_t tag;
	if (!read_varint(reader, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
		return GENOPS_SYNTAX;
	struct genops_wire_field field = {
	    (uint32_t)(tag >> 3), (enum genops_wire_type)(tag & 7), 0, {NULL, 0}};
	if (!read_value(reader, &field))
		return GENOPS_SYNTAX;
	*ret_field = field;
	return 1;
}

int genops_wire_enter(const struct genops_wire_reader *reader,
    const struct genops_wire_field *field, struct genops_wire_reader *ret_inner)
{
	if (field->type != GENOPS_WIRE_BYTES)
		return GENOPS_SYNTAX;
	if (!reader->depth_left)
		return GENOPS_LIMIT;
	genops_wire_reader_init(ret_inner, field->bytes, reader->depth_left - 1);
	return GENOPS_OK;
}

int genops_wire_next_varint(struct genops_wire_reader *reader, uint64_t *ret_value)
{
	if (reader->at == reader->end)
		return 0;
	return read_varint(reader, ret_value) ? 1 : GENOPS_SYNTAX;
}

int genops_wire_next_fixed64(struct genops_wire_reader *reader, uint64_t *ret_value)
{
	if (reader->at == reader->end)
		return 0;
	return read_fixed(reader, 8, ret_value) ? 1 : GENOPS_SYNTAX;
}

int genops_wire_next_fixed32(struct genops_wire_reader *reader, uint32_t *ret_value)
{
	uint64_t value;
	if (reader->at == reader->end)
		return 0;
	if (!read_fixed(reader, 4, &value))
		return GENOPS_SYNTAX;
	*ret_value = (uint32_t)value;
	return 1;
}

static char *store_varint(char *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (char)(value | 0x80);
		value >>= 7;
	}
	*at++ = (char)value;
	return at;
}

static char *store_fixed(char *at, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*at++ = (char)(value >> 8 * i);
	return at;
}

static char *store_tag(char *at, uint32_t field, enum genops_wire_type type)
{
	return store_varint(at, (uint64_t)field << 3 | type);
}

/* Where a field of at most `most` bytes is written: in the buffer itself if there is room to spare, else aside. */
static inline char *begin_put(const struct genops_buffer *buf, size_t most, char *aside)
{
	char *at = genops_buffer_room(buf, most);
	return at ? at : aside;
}

static inline void end_put(struct genops_buffer *buf, const char *aside, const char *begin, const char *end)
{
	if (begin == aside)
		genops_buffer_add(buf, (genops_str){begin, (size_t)(end - begin)});
	else
		buf->len += (size_t)(end - begin);
}

void genops_wire_put_varint(struct genops_buffer *buf, uint64_t value)
{
	char bytes[VARINT_LEN_MAX], *at = begin_put(buf, sizeof bytes, bytes);
	end_put(buf, bytes, at, store_varint(at, value));
}

void genops_wire_put_raw64(struct genops_buffer *buf, uint64_t value)
{
	char bytes[8], *at = begin_put(buf, sizeof bytes, bytes);
	end_put(buf, bytes, at, store_fixed(at, value, 8));
}

void genops_wire_put_uint(struct genops_buffer *buf, uint32_t field, uint64_t value)
{
	char bytes[TAG_LEN_MAX + VARINT_LEN_MAX], *at = begin_put(buf, sizeof bytes, bytes);
	end_put(buf, bytes, at, store_varint(store_tag(at, field, GENOPS_WIRE_VARINT), value));
}

void genops_wire_put_int(struct genops_buffer *buf, uint32_t field, int64_t value)
{
	genops_wire_put_uint(buf, field, (uint64_t)value);
}

void genops_wire_put_sint(struct genops_buffer *buf, uint32_t field, int64_t value)
{
	genops_wire_put_uint(buf, field, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void genops_wire_put_bool(struct genops_buffer *buf, uint32_t field, bool value)
{
	genops_wire_put_uint(buf, field, value);
}

void genops_wire_put_fixed64(struct genops_buffer *buf, uint32_t field, uint64_t value)
{
	char bytes[TAG_LEN_MAX + 8], *at = begin_put(buf, sizeof bytes, bytes);
	end_put(buf, bytes, at, store_fixed(store_tag(at, field, GENOPS_WIRE_FIXED64), value, 8));
}

void genops_wire_put_fixed32(struct genops_buffer *buf, uint32_t field, uint32_t value)
{
	char bytes[TAG_LEN_MAX + 4], *at = begin_put(buf, sizeof bytes, bytes);
	end_put(buf, bytes, at, store_fixed(store_tag(at, field, GENOPS_WIRE_FIXED32), value, 4));
}

void genops_wire_put_double(struct genops_buffer *buf, uint32_t field, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	genops_wire_put_fixed64(buf, field, bits);
}

void genops_wire_put_head(struct genops_buffer *buf, uint32_t field, size_t len)
{
	char bytes[TAG_LEN_MAX + VARINT_LEN_MAX], *at = begin_put(buf, sizeof bytes, bytes);
	end_put(buf, bytes, at, store_varint(store_tag(at, field, GENOPS_WIRE_BYTES), len));
}

void genops_wire_put_bytes(struct genops_buffer *buf, uint32_t field, genops_str bytes)
{
	genops_wire_put_head(buf, field, bytes.len);
	genops_buffer_add(buf, bytes);
}

void genops_wire_put_text(struct genops_buffer *buf, uint32_t field, genops_str text)
{
	if (genops_str_is_utf8(text)) {
		genops_wire_put_bytes(buf, field, text);
		return;
	}
	size_t mark = genops_wire_begin(buf, field);
	genops_buffer_add_utf8(buf, text);
	genops_wire_end(buf, mark);
}

size_t genops_wire_begin(struct genops_buffer *buf, uint32_t field)
{
	char bytes[TAG_LEN_MAX + PADDED_LEN], *at = begin_put(buf, sizeof bytes, bytes);
	char *length = store_tag(at, field, GENOPS_WIRE_BYTES);
	memset(length, 0, PADDED_LEN);
	end_put(buf, bytes, at, length + PADDED_LEN);
	return buf->len;
}

void genops_wire_end_tight(struct genops_buffer *buf, size_t mark)
{
	if (buf->error)
		return;
	size_t len = buf->len - mark, n = genops_wire_varint_len(len);
	if (n > 2) {
		genops_wire_end(buf, mark);
		return;
	}
	char *at = store_varint(buf->ptr + mark - PADDED_LEN, len);
	memmove(at, buf->ptr + mark, len);
	buf->len -= PADDED_LEN - n;
}

void genops_wire_end(struct genops_buffer *buf, size_t mark)
{
	if (buf->error)
		return;
	size_t len = buf->len - mark;
	if (len > PADDED_MAX) {
		buf->error = GENOPS_LIMIT;
		return;
	}
	char *at = buf->ptr + mark - PADDED_LEN;
	for (int i = 0; i < PADDED_LEN - 1; i++) {
		*at++ = (char)(len | 0x80);
		len >>= 7;
	}
	*at = (char)len;
}
