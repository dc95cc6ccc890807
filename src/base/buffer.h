/* SPDX-License-Identifier: Apache-2.0
 * base/buffer.h - a growing byte buffer with a maximum and a sticky error: write freely, check once.
 *
 *   struct genops_buffer buf;
 *   genops_buffer_init(&buf, 1 << 20);
 *   genops_buffer_add(&buf, GENOPS_STR("x"));
 *   if (buf.error) ...            GENOPS_NOMEM or GENOPS_LIMIT; everything after it was ignored
 *   genops_buffer_done(&buf);
 *
 * The buffer owns its bytes; `ptr` is NULL while nothing was written and moves when it grows.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <genops/attribute.h>
#include <genops/error.h>

struct genops_buffer {
	char *ptr;
	size_t len, cap;
	size_t max; /* never longer than this */
	int error;  /* 0, GENOPS_NOMEM or GENOPS_LIMIT */
};

void genops_buffer_init(struct genops_buffer *buf, size_t max);
void genops_buffer_done(struct genops_buffer *buf); /* frees; usable again after init */
void genops_buffer_clear(struct genops_buffer *buf); /* keeps the memory, forgets content and error */

/* Makes room for `more` bytes and returns where they go (len is not moved), or NULL. */
char *genops_buffer_reserve(struct genops_buffer *buf, size_t more);

void genops_buffer_add(struct genops_buffer *buf, genops_str bytes);
void genops_buffer_add_text(struct genops_buffer *buf, const char *text); /* NUL-terminated */
void genops_buffer_add_utf8(struct genops_buffer *buf, genops_str text); /* a byte that is not UTF-8 becomes U+FFFD */
void genops_buffer_add_int(struct genops_buffer *buf, int64_t value);
void genops_buffer_printf(struct genops_buffer *buf, const char *format, ...) GENOPS_PRINTF(2, 3);

/* Where `more` bytes may be written at once; NULL: there is no room as it is, ask genops_buffer_reserve. */
static inline char *genops_buffer_room(const struct genops_buffer *buf, size_t more)
{
	if (buf->error || more > buf->cap - buf->len || more > buf->max - buf->len)
		return NULL;
	return buf->ptr + buf->len;
}

/* Inline: who writes JSON adds every second piece so. */
static inline void genops_buffer_add_char(struct genops_buffer *buf, char c)
{
	if (!buf->error && buf->len < buf->cap && buf->len < buf->max)
		buf->ptr[buf->len++] = c;
	else
		genops_buffer_add(buf, (genops_str){&c, 1});
}

/* What is in it, borrowed until the next write. */
static inline genops_str genops_buffer_view(const struct genops_buffer *buf)
{
	genops_str view = {buf->ptr, buf->len};
	return view;
}

/* Hands the bytes over, NUL-terminated (the NUL is not counted), and empties the buffer. NULL after an error. */
char *genops_buffer_take(struct genops_buffer *buf, size_t *ret_len);

#endif
