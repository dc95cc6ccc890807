/* SPDX-License-Identifier: Apache-2.0
 * pipeline/number_text.c - numbers as text, see number_text.h. Digits come from printf, which is exact; what JavaScript adds is
 * where it stops and how it rounds a half. */
#include "pipeline/number_text.h"

#include "base/str.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_DIGITS 770 /* a double has no more significant ones */

/* printf and strtod follow the process's locale, which is not ours to change. Made once, never freed. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double genops_number_strtod(const char *text)
{
	pthread_once(&c_locale_once, make_c_locale);
	return c_locale == (locale_t)0 ? strtod(text, NULL) : strtod_l(text, NULL, c_locale);
}

/* "d.ddde+XX" of value > 0 with so many significant digits: digits without the point into `out`, returns the decimal exponent of the
 * first. */
static int digits_of(double value, int n, char *out)
{
	char text[EXACT_DIGITS + 16];
	pthread_once(&c_locale_once, make_c_locale);
	locale_t before = c_locale == (locale_t)0 ? (locale_t)0 : uselocale(c_locale);
	snprintf(text, sizeof text, "%.*e", n - 1, value);
	if (before != (locale_t)0)
		uselocale(before);
	out[0] = text[0];
	if (n > 1)
		memcpy(out + 1, text + 2, (size_t)n - 1);
	out[n] = '\0';
	return (int)strtol(text + (n > 1 ? n + 2 : 2), NULL, 10);
}

static bool reads_back(double value, const char *digits, int exponent)
{
	char text[64];
	snprintf(text, sizeof text, "%se%d", digits, exponent - (int)strlen(digits) + 1);
	return genops_number_strtod(text) == value;
}

static void add_one(char *digits, int *exponent)
{
	size_t at = strlen(digits);
	while (at > 0 && digits[at - 1] == '9')
		digits[--at] = '0';
	if (at > 0) {
		digits[at - 1]++;
		return;
	}
	digits[0] = '1';
	++*exponent;
}

/* The shortest digits that read back as value > 0. Their number is at least `least` in almost all cases, so it begins there. */
static int shortest(double value, char *digits)
{
	int n = value < DBL_MIN ? 1 : 15, exponent = 0, fraction = 0;
	bool is_power_of_two = frexp(value, &fraction) == 0.5;
	for (; n <= 17; n++) {
		exponent = digits_of(value, n, digits);
		if (n == 17 || reads_back(value, digits, exponent))
			break;
		/* Below a power of two doubles are denser than above: the next text up may read back though this, nearer, does not. */
		if (is_power_of_two) {
			add_one(digits, &exponent);
			if (reads_back(value, digits, exponent))
				break;
		}
	}
	for (n = (int)strlen(digits); n > 1 && digits[n - 1] == '0';)
		digits[--n] = '\0';
	return exponent;
}

static genops_str special(double value)
{
	if (isnan(value))
		return GENOPS_STR("NaN");
	return value < 0 ? GENOPS_STR("-Infinity") : GENOPS_STR("Infinity");
}

/* "1.234e+21" */
static char *add_exponential(char *at, const char *digits, int n, int exponent)
{
	*at++ = digits[0];
	if (n > 1) {
		*at++ = '.';
		memcpy(at, digits + 1, (size_t)n - 1);
		at += n - 1;
	}
	return at + sprintf(at, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* Digits with the point behind the first exponent + 1 of them, filled with zeros on either side. */
static char *add_plain(char *at, const char *digits, int n, int exponent)
{
	if (exponent < 0) {
		*at++ = '0';
		*at++ = '.';
		for (int i = -1; i > exponent; i--)
			*at++ = '0';
	}
	for (int i = 0; i < n || (exponent >= 0 && i <= exponent); i++) {
		if (exponent >= 0 && i == exponent + 1)
			*at++ = '.';
		*at++ = i < n ? digits[i] : '0';
	}
	return at;
}

static genops_str integer_text(int64_t value, char *out)
{
	char reversed[24], *at = out;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	int n = 0;
	do
		reversed[n++] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*at++ = '-';
	while (n)
		*at++ = reversed[--n];
	return (genops_str){out, (size_t)(at - out)};
}

genops_str genops_number_to_text(double value, char *out)
{
	char digits[32], *at = out;
	if (!isfinite(value))
		return special(value);
	if (value == 0)
		return GENOPS_STR("0");
	if (fabs(value) < 9007199254740992.0 && value == (double)(int64_t)value)
		return integer_text((int64_t)value, out);
	if (value < 0)
		*at++ = '-';
	int exponent = shortest(fabs(value), digits), n = (int)strlen(digits);
	if (exponent >= 21 || exponent < -6)
		at = add_exponential(at, digits, n, exponent);
	else
		at = add_plain(at, digits, n, exponent);
	return (genops_str){out, (size_t)(at - out)};
}

/* Exactly n significant digits of value > 0; a half goes up, where printf would go to the even one. */
static int rounded(double value, int n, char *digits)
{
	char exact[EXACT_DIGITS + 1];
	int exponent = digits_of(value, EXACT_DIGITS, exact);
	memcpy(digits, exact, (size_t)n);
	digits[n] = '\0';
	if (exact[n] >= '5')
		add_one(digits, &exponent);
	return exponent;
}

genops_str genops_number_to_precision(double value, int digits, char *out)
{
	char text[128], *at = out;
	if (!isfinite(value))
		return special(value);
	if (value < 0)
		*at++ = '-';
	int exponent = 0;
	if (value == 0)
		memset(text, '0', (size_t)digits);
	else
		exponent = rounded(fabs(value), digits, text);
	if (exponent < -6 || exponent >= digits)
		at = add_exponential(at, text, digits, exponent);
	else
		at = add_plain(at, text, digits, exponent);
	return (genops_str){out, (size_t)(at - out)};
}

genops_str genops_number_to_exponential(double value, int digits, char *out)
{
	char text[128], *at = out;
	if (!isfinite(value))
		return special(value);
	if (value < 0)
		*at++ = '-';
	int exponent = 0, n = digits + 1;
	if (value == 0)
		memset(text, '0', (size_t)(n = n ? n : 1));
	else if (digits >= 0)
		exponent = rounded(fabs(value), n, text);
	else
		n = (exponent = shortest(fabs(value), text), (int)strlen(text));
	at = add_exponential(at, text, n, exponent);
	return (genops_str){out, (size_t)(at - out)};
}

/* One more in the last digit of a decimal text, with the carry; the first character is one to spare. */
static char *text_add_one(char *text, size_t len)
{
	for (size_t at = len; at-- > 1;) {
		if (text[at] == '.')
			continue;
		if (text[at] != '9') {
			text[at]++;
			return text + 1;
		}
		text[at] = '0';
	}
	text[0] = '1';
	return text;
}

/* printf is exact and takes a half to the even digit; JavaScript away from zero. A half at this digit is an odd multiple of
 * 2^-(digits + 1), and one more digit tells it whole. */
genops_str genops_number_to_fixed(double value, int digits, char *out)
{
	if (!(fabs(value) < 1e21))
		return genops_number_to_text(value, out);
	double scaled = ldexp(value, digits + 1);
	bool is_half = scaled == floor(scaled) && fmod(scaled, 2) != 0;
	pthread_once(&c_locale_once, make_c_locale);
	locale_t before = c_locale == (locale_t)0 ? (locale_t)0 : uselocale(c_locale);
	int len = snprintf(out + 2, GENOPS_NUMBER_TEXT_MAX - 2, "%.*f", digits + is_half, fabs(value));
	if (before != (locale_t)0)
		uselocale(before);
	char *text = out + 2, *end = text + len;
	if (is_half) {
		end -= digits ? 1 : 2; /* the 5, and a point that nothing follows */
		text = text_add_one(out + 1, (size_t)(end - out) - 1);
	}
	if (value < 0)
		*--text = '-';
	return (genops_str){text, (size_t)(end - text)};
}

/* The fraction of a number in a radix: digits until what is left is less than the half distance to the next double. What V8 does,
 * whose digits the specification leaves open. Returns the integer, with the carry. */
static double add_fraction(double value, double fraction, int radix, char *out, size_t *ret_len)
{
	static const char names[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	double integer = floor(value), delta = 0.5 * (nextafter(value, INFINITY) - value);
	size_t n = 0;
	delta = fmax(nextafter(0.0, 1.0), delta);
	if (fraction < delta)
		return integer;
	out[n++] = '.';
	do {
		fraction *= radix;
		delta *= radix;
		int digit = (int)fraction;
		out[n++] = names[digit];
		fraction -= digit;
		if (!(fraction > 0.5 || (fraction == 0.5 && (digit & 1))) || fraction + delta <= 1)
			continue;
		for (;;) { /* up, with the carry */
			n--;
			if (n == 0) {
				integer += 1;
				break;
			}
			int last = (int)(strchr(names, out[n]) - names);
			if (last + 1 < radix) {
				out[n++] = names[last + 1];
				break;
			}
		}
		break;
	} while (fraction >= delta);
	*ret_len = n;
	return integer;
}

genops_str genops_number_to_radix(double value, int radix, char *out)
{
	static const char names[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char fraction[1200], *at = out + 1100, *end;
	size_t n = 0;
	if (radix == 10 || !isfinite(value))
		return genops_number_to_text(value, out);
	double magnitude = fabs(value);
	double integer = add_fraction(magnitude, magnitude - floor(magnitude), radix, fraction, &n);
	end = at;
	/* Digits that a double no longer holds are zeros. */
	while (integer / radix >= 0x1p53) {
		integer /= radix;
		*--at = '0';
	}
	do {
		double remainder = fmod(integer, radix);
		*--at = names[(int)remainder];
		integer = (integer - remainder) / radix;
	} while (integer > 0);
	if (value < 0)
		*--at = '-';
	memcpy(end, fraction, n);
	return (genops_str){at, (size_t)(end - at) + n};
}
