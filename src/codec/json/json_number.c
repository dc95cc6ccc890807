/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_number.c - see json_number.h. RFC 8259 section 6. Independent of the process's
 * locale. */
#include "codec/json/json_number.h"

#include "base/str.h"

#include <locale.h>
#include <stdlib.h>

enum number_state {
	START,
	MINUS,
	ZERO, /* a leading zero stands alone */
	DIGITS,
	POINT,
	FRACTION,
	EXPONENT, /* behind e */
	SIGN,	  /* behind e+ */
	POWER,
	STOP,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum number_state next_state(enum number_state state, char c)
{
	switch (state) {
	case START:
		if (c == '-')
			return MINUS;
		return c == '0' ? ZERO : is_digit(c) ? DIGITS : STOP;
	case MINUS:
		return c == '0' ? ZERO : is_digit(c) ? DIGITS : STOP;
	case ZERO:
	case DIGITS:
		if (is_digit(c))
			return state == DIGITS ? DIGITS : STOP;
		return c == '.' ? POINT : c == 'e' || c == 'E' ? EXPONENT : STOP;
	case POINT:
		return is_digit(c) ? FRACTION : STOP;
	case FRACTION:
		return is_digit(c) ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : STOP;
	case EXPONENT:
		if (c == '+' || c == '-')
			return SIGN;
		return is_digit(c) ? POWER : STOP;
	case SIGN:
	case POWER:
		return is_digit(c) ? POWER : STOP;
	case STOP:
		break;
	}
	return STOP;
}

void genops_json_number_begin(struct genops_json_number *number)
{
	number->state = START;
}

const char *genops_json_number_feed(
    struct genops_json_number *number, const char *at, const char *end)
{
	enum number_state state = number->state;
	for (; at < end; at++) {
		enum number_state next = next_state(state, *at);
		if (next == STOP)
			break;
		state = next;
	}
	number->state = (uint8_t)state;
	return at;
}

bool genops_json_number_is_whole(const struct genops_json_number *number)
{
	enum number_state state = number->state;
	return state == ZERO || state == DIGITS || state == FRACTION || state == POWER;
}

/* A whole number of at most 2^53 divided by a power of ten that a double holds exactly is rounded once, thus to the nearest: 0.2, 1.25,
 * nearly every number that is not an integer. False: another one. */
static bool to_short_double(genops_str text, double *ret_number)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	int64_t digits = 0;
	size_t at = text.len && text.ptr[0] == '-', point = text.len;
	bool is_negative = at > 0;
	if (text.len - at > sizeof powers / sizeof powers[0])
		return false; /* fifteen digits and a point at most */
	for (; at < text.len; at++) {
		if (is_digit(text.ptr[at]))
			digits = 10 * digits + (text.ptr[at] - '0');
		else if (text.ptr[at] == '.')
			point = at + 1;
		else
			return false;
	}
	double number = (double)digits / powers[text.len - point];
	*ret_number = is_negative ? -number : number;
	return true;
}

/* strtod reads the decimal point of the process's locale, which is not ours to change. */
static double to_double(genops_str text)
{
	char copy[GENOPS_JSON_NUMBER_MAX + 1];
	size_t len = text.len < GENOPS_JSON_NUMBER_MAX ? text.len : GENOPS_JSON_NUMBER_MAX;
	memcpy(copy, text.ptr, len);
	copy[len] = '\0';
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		return strtod(copy, NULL);
	double value = strtod_l(copy, NULL, c_locale);
	freelocale(c_locale);
	return value;
}

bool genops_json_number_value(const struct genops_json_number *number, genops_str text,
    int64_t *ret_integer, double *ret_number)
{
	if ((number->state == ZERO || number->state == DIGITS) &&
	    genops_str_to_int(text, ret_integer)) {
		*ret_number = (double)*ret_integer;
		return true;
	}
	if (!to_short_double(text, ret_number))
		*ret_number = to_double(text);
	return false;
}
