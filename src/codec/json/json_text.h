/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_text.h - the inside of a JSON string, resumable at any byte. Private to the
 * scanner.
 *
 * Validates escapes, surrogate pairs and UTF-8. What is kept is borrowed from the piece while that
 * is possible (no escape, no piece boundary inside), else unescaped into a buffer that is used
 * again for every string.
 */
#ifndef CODEC_JSON_JSON_TEXT_H
#define CODEC_JSON_JSON_TEXT_H

#include "base/buffer.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

struct genops_json_text {
	struct genops_buffer buf; /* what could not be borrowed; owned */
	genops_str view;	  /* after DONE: the string, borrowed from the piece or from buf */
	size_t max;		  /* bytes kept of this string */
	const char *fault;	  /* after BAD: what is wrong, static text */
	size_t fault_back;
	bool is_kept;	/* false: only validated */
	bool is_copied; /* it is in buf, not in one piece */
	bool is_cut;	/* longer than max */
	uint8_t state;
	uint8_t n_pending;
	char pending[4]; /* an UTF-8 sequence that a piece boundary cut */
	uint8_t n_hex;
	uint16_t unit, high; /* of \uXXXX; high: the pair's first half or 0 */
};

enum genops_json_text_status {
	GENOPS_JSON_TEXT_MORE, /* the piece is used up */
	GENOPS_JSON_TEXT_DONE, /* *at is behind the closing quote; view is set */
	GENOPS_JSON_TEXT_BAD,  /* fault says what; it stands fault_back bytes before *at */
	GENOPS_JSON_TEXT_NOMEM,
};

/* Where the plain bytes end: at a quote, a backslash, a control character, a byte outside ASCII, or at end. */
static inline const char *genops_json_text_plain(const char *at, const char *end)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
		      space = _mm_set1_epi8(' ');
	while (end - at >= 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
		/* Compared as signed: below a space is a control character or a byte over 0x7F. */
		__m128i stops = _mm_or_si128(_mm_cmplt_epi8(bytes, space),
		    _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(stops);
		if (mask)
			return at + __builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < end && (signed char)*at >= ' ' && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* Before the first byte of a string (behind the quote). */
void genops_json_text_begin(struct genops_json_text *text, bool is_kept, size_t max);

/* The first n_plain bytes of the piece are known to be plain (0 where a string goes on in a later piece). */
enum genops_json_text_status genops_json_text_feed(
    struct genops_json_text *text, const char **at, const char *end, size_t n_plain);

/* For numbers, which are kept in the same way: some more bytes, and the end. False: no memory. */
GENOPS_NODISCARD bool genops_json_text_keep(
    struct genops_json_text *text, const char *ptr, size_t len);
GENOPS_NODISCARD bool genops_json_text_finish(
    struct genops_json_text *text, const char *ptr, size_t len);

#endif
