/* SPDX-License-Identifier: Apache-2.0
 * govern/record/record_take.h - the bytes of a record, field by field, and a field as one value. For record_decode.c, which is told there.
 * Nothing is read beyond the end; what is taken borrows from the bytes. Pure. */
#ifndef GOVERN_RECORD_TAKE_H
#define GOVERN_RECORD_TAKE_H

#include <endian.h>

#include "govern/record/record_fields.h"

struct field {
	unsigned number;
	enum record_form form;
	uint64_t value;	  /* BYTE, WORD32, WORD64 */
	genops_str bytes; /* BYTES */
};

static inline bool take_long_varint(genops_str *rest, unsigned max_bytes, uint64_t *ret_value)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < max_bytes && i < rest->len; i++) {
		uint8_t byte = (uint8_t)rest->ptr[i];
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			rest->ptr += i + 1;
			rest->len -= i + 1;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* Nearly all are of one byte. */
static inline bool take_varint(genops_str *rest, unsigned max_bytes, uint64_t *ret_value)
{
	if (!rest->len || (uint8_t)rest->ptr[0] >= 0x80)
		return take_long_varint(rest, max_bytes, ret_value);
	*ret_value = (uint8_t)rest->ptr[0];
	rest->ptr++;
	rest->len--;
	return true;
}

static inline bool take_fixed(genops_str *rest, size_t width, uint64_t *ret_value)
{
	if (rest->len < width)
		return false;
	uint64_t little = 0;
	memcpy(&little, rest->ptr, width);
	*ret_value = le64toh(little);
	rest->ptr += width;
	rest->len -= width;
	return true;
}

/* The next field; false: the bytes are not a field. Inlined everywhere: a record has a hundred, and a
 * call each is half of what decoding costs. */
__attribute__((always_inline)) static inline bool take_field(genops_str *rest, struct field *ret)
{
	uint64_t key, len;
	ret->value = 0;
	if (!take_varint(rest, 3, &key))
		return false;
	ret->number = (unsigned)(key >> 2);
	ret->form = (enum record_form)(key & 3);
	switch (ret->form) {
	case FORM_BYTE:
		return take_fixed(rest, 1, &ret->value);
	case FORM_WORD32:
		return take_fixed(rest, 4, &ret->value);
	case FORM_WORD64:
		return take_fixed(rest, 8, &ret->value);
	case FORM_BYTES:
		if (!take_varint(rest, 4, &len) || len > rest->len)
			return false;
		ret->bytes = (genops_str){rest->ptr, (size_t)len};
		rest->ptr += len;
		rest->len -= (size_t)len;
		return true;
	}
	return false;
}

/* ---- one value each; false: not in its form or out of its range ---- */

static inline bool read_int(const struct field *field, int64_t *ret)
{
	if (field->form != FORM_WORD32 && field->form != FORM_WORD64)
		return false;
	*ret = (int64_t)field->value;
	return true;
}

static inline bool read_range(const struct field *field, int64_t max, int64_t *ret)
{
	int64_t value;
	if (!read_int(field, &value) || value < 0 || value > max)
		return false;
	*ret = value;
	return true;
}

static inline bool read_byte(const struct field *field, unsigned limit, unsigned *ret)
{
	if (field->form != FORM_BYTE || field->value >= limit)
		return false;
	*ret = (unsigned)field->value;
	return true;
}

static inline bool read_text(const struct field *field, genops_str *ret)
{
	if (field->form != FORM_BYTES)
		return false;
	*ret = field->bytes;
	return true;
}

static inline bool read_id(const struct field *field, uint8_t *id, size_t len)
{
	if (field->form != FORM_BYTES || field->bytes.len != len)
		return false;
	memcpy(id, field->bytes.ptr, len);
	return true;
}

static inline bool read_double(const struct field *field, double *ret)
{
	if (field->form != FORM_WORD64)
		return false;
	memcpy(ret, &field->value, sizeof *ret);
	return true;
}

#endif
