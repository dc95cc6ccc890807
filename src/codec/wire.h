/* SPDX-License-Identifier: Apache-2.0
 * codec/wire.h - the protobuf wire format: fields out of bytes, and fields into a buffer. Knows no
 * message.
 *
 * Why our own: DESIGN 7. The reader copies nothing and allocates nothing; it goes no deeper than it
 * was told and never reads behind its bytes. Groups (wire types 3 and 4) are refused: no proto3
 * message has them.
 *
 *   struct genops_wire_reader in;                       struct genops_wire_field field;
 *   genops_wire_reader_init(&in, body, 64);
 *   while ((code = genops_wire_next(&in, &field)) > 0)  1: a field; 0: the end; below: a code
 *           if (field.number == 1 && field.type == GENOPS_WIRE_BYTES)
 *                   code = genops_wire_enter(&in, &field, &inner);
 *
 * The writer appends to a genops_buffer: write freely, check buf->error once. A message whose
 * length is not known yet is opened and closed; its length is then a varint padded to a fixed
 * width, which every decoder reads.
 *
 *   size_t span = genops_wire_begin(&buf, 2);
 *   genops_wire_put_text(&buf, 5, name);
 *   genops_wire_end(&buf, span);
 */
#ifndef CODEC_WIRE_H
#define CODEC_WIRE_H

#include "base/buffer.h"
#include "base/error.h"

enum genops_wire_type {
	GENOPS_WIRE_VARINT = 0,
	GENOPS_WIRE_FIXED64 = 1,
	GENOPS_WIRE_BYTES = 2, /* strings, bytes, messages, packed numbers */
	GENOPS_WIRE_FIXED32 = 5,
};

struct genops_wire_reader {
	const char *at, *end; /* borrowed */
	unsigned depth_left;  /* how many more times enter may go deeper */
};

struct genops_wire_field {
	uint32_t number; /* 1 .. 2^29 - 1 */
	enum genops_wire_type type;
	uint64_t value;	  /* VARINT, FIXED32, FIXED64: the bits as read */
	genops_str bytes; /* BYTES: borrowed from the input */
};

void genops_wire_reader_init(
    struct genops_wire_reader *reader, genops_str bytes, unsigned max_depth);

/* The same as genops_wire_next: its way for long tags and lengths, for faults, and for the end. */
GENOPS_NODISCARD int genops_wire_next_long(
    struct genops_wire_reader *reader, struct genops_wire_field *ret_field);

/* 1: *ret_field is the next field. 0: the end. SYNTAX: these bytes are not a message. Inline for tags and lengths of one byte,
 * which nearly all are: a span has some 80 fields. */
GENOPS_NODISCARD static inline int genops_wire_next(
    struct genops_wire_reader *reader, struct genops_wire_field *ret_field)
{
	const unsigned char *at = (const unsigned char *)reader->at;
	size_t left = (size_t)(reader->end - reader->at);
	if (left < 2 || at[0] >= 0x80 || at[0] < 8 || at[1] >= 0x80)
		return genops_wire_next_long(reader, ret_field);
	if ((at[0] & 7) == GENOPS_WIRE_BYTES && at[1] <= left - 2) {
		*ret_field = (struct genops_wire_field){
		    at[0] >> 3, GENOPS_WIRE_BYTES, 0, {reader->at + 2, at[1]}};
		reader->at += 2 + at[1];
		return 1;
	}
	if ((at[0] & 7) == GENOPS_WIRE_VARINT) {
		*ret_field = (struct genops_wire_field){at[0] >> 3, GENOPS_WIRE_VARINT, at[1], {NULL, 0}};
		reader->at += 2;
		return 1;
	}
	return genops_wire_next_long(reader, ret_field);
}

/* A reader for the message in a BYTES field. OK, SYNTAX (another type), LIMIT (too deep). */
GENOPS_NODISCARD int genops_wire_enter(const struct genops_wire_reader *reader,
    const struct genops_wire_field *field, struct genops_wire_reader *ret_inner);

/* Packed repeated numbers: a reader over the field's bytes (init or enter), then one value after
 * the other. The same results as genops_wire_next. */
GENOPS_NODISCARD int genops_wire_next_varint(
    struct genops_wire_reader *reader, uint64_t *ret_value);
GENOPS_NODISCARD int genops_wire_next_fixed64(
    struct genops_wire_reader *reader, uint64_t *ret_value);
GENOPS_NODISCARD int genops_wire_next_fixed32(
    struct genops_wire_reader *reader, uint32_t *ret_value);

/* What the bits of a field mean: double, float, sint64. int64 and bool are casts. */
static inline double genops_wire_double(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline float genops_wire_float(uint64_t bits)
{
	uint32_t low = (uint32_t)bits;
	float value;
	memcpy(&value, &low, sizeof value);
	return value;
}

static inline int64_t genops_wire_unzigzag(uint64_t bits)
{
	return (int64_t)(bits >> 1 ^ (0 - (bits & 1)));
}

/* Each writes the field's tag and value; a zero is written too, so leave out what proto3 would
 * leave out. */
void genops_wire_put_uint(
    struct genops_buffer *buf, uint32_t field, uint64_t value); /* and enums */
void genops_wire_put_int(
    struct genops_buffer *buf, uint32_t field, int64_t value); /* int64: negative takes 10 bytes */
void genops_wire_put_sint(
    struct genops_buffer *buf, uint32_t field, int64_t value); /* sint64: zigzag */
void genops_wire_put_bool(struct genops_buffer *buf, uint32_t field, bool value);
void genops_wire_put_fixed64(struct genops_buffer *buf, uint32_t field, uint64_t value);
void genops_wire_put_fixed32(struct genops_buffer *buf, uint32_t field, uint32_t value);
void genops_wire_put_double(struct genops_buffer *buf, uint32_t field, double value);
void genops_wire_put_bytes(struct genops_buffer *buf, uint32_t field, genops_str bytes);
/* proto3 strings must be UTF-8, or receivers refuse the whole batch: what is not becomes U+FFFD. */
void genops_wire_put_text(struct genops_buffer *buf, uint32_t field, genops_str text);

/* A message whose content follows: with its length known, or opened and closed (any nesting). */
void genops_wire_put_head(struct genops_buffer *buf, uint32_t field, size_t len);
size_t genops_wire_begin(struct genops_buffer *buf, uint32_t field); /* hand the result to end */
void genops_wire_end(struct genops_buffer *buf, size_t mark); /* LIMIT in buf from 256 MiB on */
/* The same, but where the content is shorter than 16 KiB its length takes as few bytes as it needs: the content is moved, in the cache. */
void genops_wire_end_tight(struct genops_buffer *buf, size_t mark);

/* Packed numbers inside a message that was begun, and lengths for put_head. */
void genops_wire_put_varint(struct genops_buffer *buf, uint64_t value);
void genops_wire_put_raw64(struct genops_buffer *buf, uint64_t value); /* 8 bytes, little-endian */

static inline size_t genops_wire_varint_len(uint64_t value)
{
	return ((size_t)(63 - __builtin_clzll(value | 1)) * 9 + 73) / 64;
}

#endif
