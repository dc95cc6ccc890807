/* SPDX-License-Identifier: Apache-2.0
 * base/buffer.c - see buffer.h. Grows by doubling, never over its maximum. Not shared between threads. */
#include "base/buffer.h"

#include "base/str.h"

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
	if (!buf->ptr || more > buf->cap - buf->len) {
		size_t need = buf->len + more, cap = buf->cap ? buf->cap : FIRST_CAP;
		while (cap < need)
			cap = cap > SIZE_MAX / 2 ? need : 2 * cap;
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
	char *to = bytes.len ? genops_buffer_room(buf, bytes.len) : NULL;
	if (bytes.len && !to)
		to = genops_buffer_reserve(buf, bytes.len);
	if (!to)
		return;
	genops_str_put(to, bytes);
	buf->len += bytes.len;
}

void genops_buffer_add_text(struct genops_buffer *buf, const char *text)
{
	genops_buffer_add(buf, genops_str_of(text));
}

void genops_buffer_add_utf8(struct genops_buffer *buf, genops_str text)
{
	size_t from = 0, at = 0; /* [from, at) is well formed and not added yet */
	while (at < text.len) {
		size_t len = genops_str_utf8_sequence(genops_str_skip(text, at));
		if (!len) {
			genops_buffer_add(buf, (genops_str){text.ptr + from, at - from});
			genops_buffer_add(buf, GENOPS_STR("\xEF\xBF\xBD"));
			from = at + 1;
		}
		at += len ? len : 1;
	}
	genops_buffer_add(buf, genops_str_skip(text, from));
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

/* Room for `more` bytes and a NUL behind them, which is not counted and may stand beyond the maximum. */
static char *reserve_with_nul(struct genops_buffer *buf, size_t more)
{
	size_t max = buf->max;
	if (max < SIZE_MAX)
		buf->max = max + 1;
	char *to = genops_buffer_reserve(buf, more + 1);
	buf->max = max;
	return to;
}

void genops_buffer_printf(struct genops_buffer *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *to = need < 0 ? NULL : reserve_with_nul(buf, (size_t)need);
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
	char *to = reserve_with_nul(buf, 0);
	if (!to)
		return NULL;
	*to = '\0';
	char *ptr = buf->ptr;
	*buf = (struct genops_buffer){.max = buf->max};
	if (ret_len)
		*ret_len = len;
	return ptr;
}
