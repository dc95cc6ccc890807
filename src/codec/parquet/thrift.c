/* SPDX-License-Identifier: Apache-2.0
 * codec/parquet/thrift.c - see thrift.h. Its varints are protobuf's, so wire.c writes them. */
#include "codec/parquet/thrift.h"

#include "codec/wire.h"

#define SHORT_LIST_MAX 14
#define DELTA_MAX      15

void genops_thrift_put_int(struct genops_buffer *buf, int64_t value)
{
	genops_wire_put_varint(buf, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void genops_thrift_put_text(struct genops_buffer *buf, genops_str text)
{
	genops_wire_put_varint(buf, text.len);
	genops_buffer_add(buf, text);
}

void genops_thrift_field(struct genops_buffer *buf, int *last, int id, enum genops_thrift_type type)
{
	int delta = id - *last;
	if (delta > 0 && delta <= DELTA_MAX) {
		genops_buffer_add_char(buf, (char)(delta << 4 | (int)type));
	} else {
		genops_buffer_add_char(buf, (char)type);
		genops_thrift_put_int(buf, id);
	}
	*last = id;
}

void genops_thrift_i32(struct genops_buffer *buf, int *last, int id, int32_t value)
{
	genops_thrift_field(buf, last, id, GENOPS_THRIFT_I32);
	genops_thrift_put_int(buf, value);
}

void genops_thrift_i64(struct genops_buffer *buf, int *last, int id, int64_t value)
{
	genops_thrift_field(buf, last, id, GENOPS_THRIFT_I64);
	genops_thrift_put_int(buf, value);
}

void genops_thrift_text(struct genops_buffer *buf, int *last, int id, genops_str text)
{
	genops_thrift_field(buf, last, id, GENOPS_THRIFT_BINARY);
	genops_thrift_put_text(buf, text);
}

void genops_thrift_list(
    struct genops_buffer *buf, int *last, int id, enum genops_thrift_type type, size_t n)
{
	genops_thrift_field(buf, last, id, GENOPS_THRIFT_LIST);
	if (n <= SHORT_LIST_MAX) {
		genops_buffer_add_char(buf, (char)(n << 4 | type));
	} else {
		genops_buffer_add_char(buf, (char)(0xF0 | type));
		genops_wire_put_varint(buf, n);
	}
}

void genops_thrift_stop(struct genops_buffer *buf)
{
	genops_buffer_add_char(buf, '\0');
}
