/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_text.c - see json_text.h. 16 plain bytes a step with SSE2, byte by byte
 * elsewhere.
 *
 * Faults are found at the same byte however the text was cut into pieces: a sequence that is whole
 * in the piece is checked at once, one that may not be is gathered first, and both are blamed on
 * their first byte.
 */
#include "codec/json/json_text.h"

#include "base/str.h"

enum text_state { PLAIN, ESCAPE, HEX, LOW_ESCAPE, LOW_U, UTF8 };

#define UTF8_LEN_MAX 4

void genops_json_text_begin(struct genops_json_text *text, bool is_kept, size_t max)
{
	text->buf.len = 0;
	text->buf.error = 0;
	text->buf.max = max;
	text->max = max;
	text->is_kept = is_kept;
	text->is_copied = false;
	text->is_cut = false;
	text->state = PLAIN;
	text->high = 0;
	text->fault_back = 0;
}

/* How long the sequence behind this byte means to be; 1 for a byte that cannot begin one. */
static size_t announced_len(char first)
{
	unsigned char c = (unsigned char)first;
	return c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : UTF8_LEN_MAX;
}

/* A cut may fall inside a character: drop what is left of it. */
static genops_str without_torn_end(genops_str text)
{
	for (size_t back = 1; back < UTF8_LEN_MAX && back <= text.len; back++) {
		char c = text.ptr[text.len - back];
		if ((c & 0xC0) == 0x80)
			continue;
		if (announced_len(c) > back)
			text.len -= back;
		break;
	}
	return text;
}

bool genops_json_text_keep(struct genops_json_text *text, const char *ptr, size_t len)
{
	if (!text->is_kept)
		return true;
	text->is_copied = true;
	if (len > text->max - text->buf.len) {
		len = text->max - text->buf.len;
		text->is_cut = true;
	}
	genops_buffer_add(&text->buf, (genops_str){ptr, len});
	return !text->buf.error;
}

bool genops_json_text_finish(struct genops_json_text *text, const char *ptr, size_t len)
{
	text->view = (genops_str){0};
	if (!text->is_kept)
		return true;
	if (text->is_copied) {
		if (!genops_json_text_keep(text, ptr, len))
			return false;
		text->view = genops_buffer_view(&text->buf);
	} else {
		text->is_cut = len > text->max;
		text->view = (genops_str){ptr, text->is_cut ? text->max : len};
	}
	if (text->is_cut)
		text->view = without_torn_end(text->view);
	return true;
}

static bool keep_code_point(struct genops_json_text *text, uint32_t code)
{
	char bytes[UTF8_LEN_MAX];
	size_t n = 0;
	if (code < 0x80) {
		bytes[n++] = (char)code;
	} else {
		if (code < 0x800) {
			bytes[n++] = (char)(0xC0 | code >> 6);
		} else {
			if (code < 0x10000) {
				bytes[n++] = (char)(0xE0 | code >> 12);
			} else {
				bytes[n++] = (char)(0xF0 | code >> 18);
				bytes[n++] = (char)(0x80 | (code >> 12 & 0x3F));
			}
			bytes[n++] = (char)(0x80 | (code >> 6 & 0x3F));
		}
		bytes[n++] = (char)(0x80 | (code & 0x3F));
	}
	return genops_json_text_keep(text, bytes, n);
}

static enum genops_json_text_status bad(struct genops_json_text *text, const char *fault)
{
	text->fault = fault;
	return GENOPS_JSON_TEXT_BAD;
}

/* The fourth hex digit was read. */
static enum genops_json_text_status end_unit(struct genops_json_text *text)
{
	uint16_t unit = text->unit;
	bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
	if (is_low != (text->high != 0))
		return bad(text, "half a surrogate pair");
	if (unit >= 0xD800 && unit <= 0xDBFF) {
		text->high = unit;
		text->state = LOW_ESCAPE;
		return GENOPS_JSON_TEXT_MORE;
	}
	uint32_t code = unit;
	if (is_low)
		code =
		    0x10000 + ((uint32_t)(text->high - 0xD800) << 10) + (uint32_t)(unit - 0xDC00);
	text->high = 0;
	text->state = PLAIN;
	return keep_code_point(text, code) ? GENOPS_JSON_TEXT_MORE : GENOPS_JSON_TEXT_NOMEM;
}

/* What \c means; NUL: nothing. */
static char unescaped(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	default:
		return '\0';
	}
}

static enum genops_json_text_status escape_byte(struct genops_json_text *text, char c)
{
	if (c == 'u') {
		text->state = HEX;
		text->n_hex = 0;
		text->unit = 0;
		return GENOPS_JSON_TEXT_MORE;
	}
	char plain = unescaped(c);
	if (!plain)
		return bad(text, "an escape that JSON does not have");
	text->state = PLAIN;
	return genops_json_text_keep(text, &plain, 1) ? GENOPS_JSON_TEXT_MORE
						      : GENOPS_JSON_TEXT_NOMEM;
}

static enum genops_json_text_status hex_byte(struct genops_json_text *text, char c)
{
	int digit = c >= '0' && c <= '9'   ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10
					   : -1;
	if (digit < 0)
		return bad(text, "\\u without four hex digits");
	text->unit = (uint16_t)(text->unit << 4 | digit);
	return ++text->n_hex == 4 ? end_unit(text) : GENOPS_JSON_TEXT_MORE;
}

/* One byte inside an escape. */
static enum genops_json_text_status step(struct genops_json_text *text, char c)
{
	switch ((enum text_state)text->state) {
	case ESCAPE:
		return escape_byte(text, c);
	case HEX:
		return hex_byte(text, c);
	case LOW_ESCAPE:
	case LOW_U:
		if (c != (text->state == LOW_ESCAPE ? '\\' : 'u'))
			return bad(text, "half a surrogate pair");
		if (text->state == LOW_ESCAPE) {
			text->state = LOW_U;
			return GENOPS_JSON_TEXT_MORE;
		}
		return escape_byte(text, c);
	case PLAIN:
	case UTF8:
		break;
	}
	return bad(text, "a fault of the scanner");
}

/* Moves over one character outside ASCII, or over what there is of it. */
static enum genops_json_text_status utf8_bytes(
    struct genops_json_text *text, const char **at, const char *end)
{
	if (text->state == PLAIN && end - *at >= UTF8_LEN_MAX) {
		size_t len = genops_str_utf8_sequence((genops_str){*at, UTF8_LEN_MAX});
		*at += len;
		return len ? GENOPS_JSON_TEXT_MORE : bad(text, "invalid UTF-8");
	}
	if (text->state == PLAIN) {
		text->state = UTF8;
		text->n_pending = 0;
	}
	while (*at < end) {
		text->pending[text->n_pending++] = *(*at)++;
		if (text->n_pending < announced_len(text->pending[0]))
			continue;
		if (!genops_str_utf8_sequence((genops_str){text->pending, text->n_pending})) {
			text->fault_back = text->n_pending;
			return bad(text, "invalid UTF-8");
		}
		text->state = PLAIN;
		break;
	}
	return GENOPS_JSON_TEXT_MORE;
}

enum genops_json_text_status genops_json_text_feed(
    struct genops_json_text *text, const char **ret_at, const char *end, size_t n_plain)
{
	const char *from = *ret_at, *at = from + n_plain; /* from: what is plain and not kept yet */
	enum genops_json_text_status status = GENOPS_JSON_TEXT_MORE;
	while (at < end && status == GENOPS_JSON_TEXT_MORE) {
		if (text->state != PLAIN && text->state != UTF8) {
			status = step(text, *at);
			at += status == GENOPS_JSON_TEXT_MORE;
			from = at;
			continue;
		}
		if (text->state == PLAIN) {
			at = genops_json_text_plain(at, end);
			if (at == end)
				break;
		}
		if (text->state == UTF8 || (unsigned char)*at >= 0x80) {
			status = utf8_bytes(text, &at, end);
		} else if (*at == '"') {
			*ret_at = at + 1;
			return genops_json_text_finish(text, from, (size_t)(at - from))
				   ? GENOPS_JSON_TEXT_DONE
				   : GENOPS_JSON_TEXT_NOMEM;
		} else if (*at == '\\') {
			text->state = ESCAPE;
			if (!genops_json_text_keep(text, from, (size_t)(at - from)))
				status = GENOPS_JSON_TEXT_NOMEM;
			from = ++at;
		} else {
			status = bad(text, "a control character in a string");
		}
	}
	*ret_at = at;
	if (status == GENOPS_JSON_TEXT_MORE && at > from &&
	    !genops_json_text_keep(text, from, (size_t)(at - from)))
		return GENOPS_JSON_TEXT_NOMEM;
	return status;
}
