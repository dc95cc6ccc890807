/* SPDX-License-Identifier: Apache-2.0
 * codec/parquet/thrift.h - Thrift's compact protocol, writing only: what Parquet's headers and
 * footer are made of.
 *
 * A struct is its fields in rising order, then genops_thrift_stop. `last` is the caller's: the id
 * of the field before, 0 at the beginning of every struct. Check buf->error once.
 */
#ifndef CODEC_PARQUET_THRIFT_H
#define CODEC_PARQUET_THRIFT_H

#include "base/buffer.h"

enum genops_thrift_type {
	GENOPS_THRIFT_I32 = 5,
	GENOPS_THRIFT_I64 = 6,
	GENOPS_THRIFT_BINARY = 8,
	GENOPS_THRIFT_LIST = 9,
	GENOPS_THRIFT_STRUCT = 12,
};

/* A field's head; for STRUCT and LIST what it holds follows. */
void genops_thrift_field(
    struct genops_buffer *buf, int *last, int id, enum genops_thrift_type type);
void genops_thrift_i32(struct genops_buffer *buf, int *last, int id, int32_t value);
void genops_thrift_i64(struct genops_buffer *buf, int *last, int id, int64_t value);
void genops_thrift_text(struct genops_buffer *buf, int *last, int id, genops_str text);
void genops_thrift_list(
    struct genops_buffer *buf, int *last, int id, enum genops_thrift_type type, size_t n);
void genops_thrift_stop(struct genops_buffer *buf);

/* Elements of a list. */
void genops_thrift_put_int(struct genops_buffer *buf, int64_t value);
void genops_thrift_put_text(struct genops_buffer *buf, genops_str text);

#endif
