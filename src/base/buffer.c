/* SPDX-License-Identifier: Apache-2.0
 * base/buffer.c - see buffer.h. Grows by doubling, never over its maximum. Not shared between threads. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

void genops_buffer_init(struct genops_buffer *buf, size_t max)
{
	*buf = (struct genops_buffer){.max = max};
}

void genops_buffer_done(struct genops_buffer *buf)
{
	free(buf->ptr);
	*buf = (struct genops_buffer){.max = buf->max};
}

void genops_buffer_clear(struct genops_buffer *buf)
{
	buf->len = 0;
	buf->error = 0;
}

char *genops_buffer_reserve(struct genops_buffer *buf, size_t more)
{
	if (buf->error)
		return NULL;
	if (more > buf->max || buf->len > buf->max - more) {
		buf->error = GENOPS_LIMIT;
		return NULL;
	}
	if (more > buf->cap - buf->len) {
		size_t cap = buf->cap ? buf->cap : FIRST_CAP;
		while (cap < buf->len + more)
			cap *= 2;
		char *ptr = realloc(buf->ptr, cap);
		if (!ptr) {
			buf->error = GENOPS_NOMEM;
			return NULL;
		}
		buf->ptr = ptr;
		buf->cap = cap;
	}
	return buf->ptr + buf->len;
}

void genops_buffer_add(struct genops_buffer *buf, genops_str bytes)
{
	char *to = genops_buffer_reserve(buf, bytes.len);
	if (!to || !bytes.len)
		return;
	memcpy(to, bytes.ptr, bytes.len);
	buf->len += bytes.len;
}

void genops_buffer_add_char(struct genops_buffer *buf, char c)
{
	genops_buffer_add(buf, (genops_str){&c, 1});
}

void genops_buffer_add_text(struct genops_buffer *buf, const char *text)
{
	genops_buffer_add(buf, genops_str_of(text));
}

void genops_buffer_add_int(struct genops_buffer *buf, int64_t value)
{
	char digits[24];
	size_t at = sizeof digits;
	/* Negated in unsigned arithmetic: INT64_MIN has no positive counterpart. */
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--at] = '-';
	genops_buffer_add(buf, (genops_str){digits + at, sizeof digits - at});
}

void genops_buffer_printf(struct genops_buffer *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	/* vsnprintf wants room for its NUL, which is not counted. */
	char *to = need < 0 ? NULL : genops_buffer_reserve(buf, (size_t)need + 1);
	if (!to)
		return;
	va_start(args, format);
	vsnprintf(to, (size_t)need + 1, format, args);
	va_end(args);
	buf->len += (size_t)need;
}

char *genops_buffer_take(struct genops_buffer *buf, size_t *ret_len)
{
	size_t len = buf->len;
	size_t max = buf->max;
	if (!buf->error && len == max)
		buf->max = max + 1; /* the NUL may stand beyond the maximum */
	char *to = genops_buffer_reserve(buf, 1);
	buf->max = max;
	if (!to)
		return NULL;
	*to = '\0';
	char *ptr = buf->ptr;
	*buf = (struct genops_buffer){.max = max};
	if (ret_len)
		*ret_len = len;
	return ptr;
}
