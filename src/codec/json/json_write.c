/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_write.c - see json_write.h. The writer is three bit sets; all bytes go to the
 * caller's buffer.
 *
 * Misuse marks the buffer with GENOPS_INTERNAL, so that whoever checks it once at the end cannot
 * send what is not JSON. One thread at a time.
 */
#include "codec/json_write.h"

#include "base/str.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 63

void genops_json_writer_init(struct genops_json_writer *json, struct genops_buffer *buf)
{
	*json = (struct genops_json_writer){.buf = buf};
}

static bool fault(struct genops_json_writer *json, const char *what)
{
	(void)what;
	assert(!what);
	if (!json->buf->error)
		json->buf->error = GENOPS_INTERNAL;
	return false;
}

static uint64_t bit(const struct genops_json_writer *json)
{
	return UINT64_C(1) << json->depth;
}

static void comma(struct genops_json_writer *json)
{
	if (json->has_items & bit(json))
		genops_buffer_add_char(json->buf, ',');
	json->has_items |= bit(json);
}

/* Before any value: the comma, if one is due. False: no value may stand here. */
static bool begin_value(struct genops_json_writer *json)
{
	if (json->buf->error)
		return false;
	if (json->after_key) {
		json->after_key = false;
		return true;
	}
	if (json->is_object & bit(json))
		return fault(json, "a value where a key is due");
	if (json->depth == 0 && json->has_items)
		return fault(json, "a second document");
	comma(json);
	return true;
}

static void begin(struct genops_json_writer *json, bool is_object)
{
	if (!begin_value(json))
		return;
	if (json->depth == DEPTH_MAX) {
		json->buf->error = GENOPS_LIMIT;
		return;
	}
	genops_buffer_add_char(json->buf, is_object ? '{' : '[');
	json->depth++;
	json->has_items &= ~bit(json);
	json->is_object = is_object ? json->is_object | bit(json) : json->is_object & ~bit(json);
}

static void end(struct genops_json_writer *json, bool is_object)
{
	if (json->buf->error)
		return; /* begin may not have gone deeper */
	if (json->depth == 0 || json->after_key || !!(json->is_object & bit(json)) != is_object) {
		fault(json, "an end without its beginning");
		return;
	}
	json->depth--;
	genops_buffer_add_char(json->buf, is_object ? '}' : ']');
}

void genops_json_object_begin(struct genops_json_writer *json)
{
	begin(json, true);
}

void genops_json_object_end(struct genops_json_writer *json)
{
	end(json, true);
}

void genops_json_array_begin(struct genops_json_writer *json)
{
	begin(json, false);
}

void genops_json_array_end(struct genops_json_writer *json)
{
	end(json, false);
}

static bool is_plain(char c)
{
	return (signed char)c >= ' ' && c != '"' && c != '\\';
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Eight plain bytes? Each test sets the highest bit of a byte that is not; a borrow from a lower byte may set one too many, and then
 * the bytes are looked at one by one. */
static bool is_plain_word(const char *at)
{
	uint64_t word, quote, backslash;
	memcpy(&word, at, sizeof word);
	quote = word ^ EACH_BYTE('"');
	backslash = word ^ EACH_BYTE('\\');
	return !((word | (word - EACH_BYTE(' ')) | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1))) & EACH_BYTE(0x80));
}

static void add_escape(struct genops_buffer *buf, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = c ? strchr(from, c) : NULL;
	if (found) {
		char pair[2] = {'\\', to[found - from]};
		genops_buffer_add(buf, (genops_str){pair, sizeof pair});
	} else {
		genops_buffer_printf(buf, "\\u%04x", (unsigned)(unsigned char)c);
	}
}

/* A quoted string; what is plain is added in whole runs. */
void genops_json_add_string(struct genops_buffer *buf, genops_str text)
{
	size_t from = 0, at = 0;
	genops_buffer_add_char(buf, '"');
	while (at < text.len) {
		if (text.len - at >= 8 && is_plain_word(text.ptr + at)) {
			at += 8;
			continue;
		}
		if (is_plain(text.ptr[at])) {
			at++;
			continue;
		}
		size_t len = 0;
		if ((unsigned char)text.ptr[at] >= 0x80)
			len = genops_str_utf8_sequence(genops_str_skip(text, at));
		if (len) {
			at += len;
			continue;
		}
		genops_buffer_add(buf, (genops_str){text.ptr + from, at - from});
		if ((unsigned char)text.ptr[at] >= 0x80)
			genops_buffer_add(buf, GENOPS_STR("\xEF\xBF\xBD"));
		else
			add_escape(buf, text.ptr[at]);
		from = ++at;
	}
	genops_buffer_add(buf, genops_str_skip(text, from));
	genops_buffer_add_char(buf, '"');
}

void genops_json_key(struct genops_json_writer *json, genops_str key)
{
	if (json->buf->error)
		return;
	if (json->after_key || !(json->is_object & bit(json))) {
		fault(json, "a key where none may stand");
		return;
	}
	comma(json);
	genops_json_add_string(json->buf, key);
	genops_buffer_add_char(json->buf, ':');
	json->after_key = true;
}

void genops_json_string(struct genops_json_writer *json, genops_str text)
{
	if (begin_value(json))
		genops_json_add_string(json->buf, text);
}

void genops_json_int(struct genops_json_writer *json, int64_t value)
{
	if (begin_value(json))
		genops_buffer_add_int(json->buf, value);
}

/* printf and strtod follow the process's locale, which an embedder may have set to one with a
 * decimal comma. */
void genops_json_add_double(struct genops_buffer *buf, double value)
{
	char text[32];
	/* Whole numbers that %.15g would write without an exponent, as most are. */
	if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value && (value != 0 || !signbit(value))) {
		genops_buffer_add_int(buf, (int64_t)value);
		return;
	}
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0) {
		buf->error = buf->error ? buf->error : GENOPS_NOMEM;
		return;
	}
	locale_t before = uselocale(c_locale);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	uselocale(before);
	freelocale(c_locale);
	genops_buffer_add_text(buf, text);
}

void genops_json_double(struct genops_json_writer *json, double value)
{
	if (!isfinite(value))
		genops_json_null(json);
	else if (begin_value(json))
		genops_json_add_double(json->buf, value);
}

void genops_json_bool(struct genops_json_writer *json, bool value)
{
	if (begin_value(json))
		genops_buffer_add_text(json->buf, value ? "true" : "false");
}

void genops_json_null(struct genops_json_writer *json)
{
	if (begin_value(json))
		genops_buffer_add_text(json->buf, "null");
}

void genops_json_raw(struct genops_json_writer *json, genops_str json_text)
{
	if (begin_value(json))
		genops_buffer_add(json->buf, json_text);
}

void genops_json_key_string(struct genops_json_writer *json, const char *key, genops_str text)
{
	genops_json_key(json, genops_str_of(key));
	genops_json_string(json, text);
}

void genops_json_key_int(struct genops_json_writer *json, const char *key, int64_t value)
{
	genops_json_key(json, genops_str_of(key));
	genops_json_int(json, value);
}

void genops_json_key_double(struct genops_json_writer *json, const char *key, double value)
{
	genops_json_key(json, genops_str_of(key));
	genops_json_double(json, value);
}

void genops_json_key_bool(struct genops_json_writer *json, const char *key, bool value)
{
	genops_json_key(json, genops_str_of(key));
	genops_json_bool(json, value);
}

/* Exact, digit by digit: a double has not digits enough for large sums. */
static void add_usd(struct genops_buffer *buf, int64_t nano_usd)
{
	char text[32];
	uint64_t rest = nano_usd < 0 ? 0 - (uint64_t)nano_usd : (uint64_t)nano_usd;
	int len = snprintf(text, sizeof text, "%s%llu.%09llu", nano_usd < 0 ? "-" : "",
	    (unsigned long long)(rest / 1000000000), (unsigned long long)(rest % 1000000000));
	while (text[len - 1] == '0' && text[len - 2] != '.')
		len--;
	genops_buffer_add(buf, (genops_str){text, (size_t)len});
}

void genops_json_key_money(struct genops_json_writer *json, const char *name, int64_t nano_usd)
{
	char key[128];
	snprintf(key, sizeof key, "%s_nano_usd", name);
	genops_json_key_int(json, key, nano_usd);
	snprintf(key, sizeof key, "%s_usd", name);
	genops_json_key(json, genops_str_of(key));
	if (begin_value(json))
		add_usd(json->buf, nano_usd);
}
