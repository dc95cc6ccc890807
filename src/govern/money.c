/* SPDX-License-Identifier: Apache-2.0
 * govern/money.c - see money.h. Pure functions of their arguments; no locale; any thread.
 *
 * A decimal text is never turned into a double: its digits are walked once, so that 0.1 is one
 * hundred million nanos and not the double next to it. */
#include "govern/money.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

__extension__ typedef unsigned __int128 uint128;

int64_t genops_money_scale(int64_t a, int64_t b, int64_t divisor)
{
	uint128 product = (uint128)(uint64_t)a * (uint64_t)b;
	uint128 quotient = product / (uint64_t)divisor;
	uint64_t rest = (uint64_t)(product % (uint64_t)divisor);
	uint64_t other =
	    (uint64_t)divisor - rest; /* compared instead of 2 * rest, which could overflow */
	if (quotient > (uint128)GENOPS_MONEY_MAX)
		return GENOPS_MONEY_MAX;
	if (rest > other || (rest == other && (quotient & 1)))
		quotient++;
	return quotient > (uint128)GENOPS_MONEY_MAX ? GENOPS_MONEY_MAX : (int64_t)quotient;
}

/* A decimal number taken apart: digits with at most one point, and an exponent. */
struct decimal {
	genops_str mantissa;
	int64_t exponent;
	int64_t n_integer; /* digits before the point */
};

#define EXPONENT_MAX 10000 /* beyond any amount; keeps the arithmetic on it small */

static bool split_decimal(genops_str text, struct decimal *ret)
{
	size_t e = genops_str_find_char(text, 'e');
	if (e == SIZE_MAX)
		e = genops_str_find_char(text, 'E');
	*ret = (struct decimal){.mantissa = text, .n_integer = -1};
	if (e != SIZE_MAX) {
		genops_str exponent = genops_str_skip(text, e + 1);
		if (exponent.len && exponent.ptr[0] == '+')
			exponent = genops_str_skip(exponent, 1);
		if (!genops_str_to_int(exponent, &ret->exponent))
			return false;
		if (ret->exponent > EXPONENT_MAX || ret->exponent < -EXPONENT_MAX)
			ret->exponent = ret->exponent > 0 ? EXPONENT_MAX : -EXPONENT_MAX;
		ret->mantissa.len = e;
	}
	size_t n_digits = 0;
	for (size_t i = 0; i < ret->mantissa.len; i++) {
		char c = ret->mantissa.ptr[i];
		if (c == '.' && ret->n_integer < 0)
			ret->n_integer = (int64_t)i;
		else if (c >= '0' && c <= '9')
			n_digits++;
		else
			return false;
	}
	if (ret->n_integer < 0)
		ret->n_integer = (int64_t)ret->mantissa.len;
	return n_digits > 0;
}

bool genops_money_parse_scaled(genops_str text, int power_of_ten, int64_t *ret_value)
{
	struct decimal d;
	if (text.len > EXPONENT_MAX || !split_decimal(text, &d))
		return false;
	/* Digits at a place below `whole` are units; the first one behind decides the rounding with
	 * the rest. */
	int64_t whole = d.n_integer + d.exponent + power_of_ten;
	int64_t value = 0, place = 0;
	int first = 0;
	bool has_rest = false;
	for (size_t i = 0; i < d.mantissa.len; i++) {
		int digit = d.mantissa.ptr[i] - '0';
		if (d.mantissa.ptr[i] == '.')
			continue;
		if (place < whole) {
			if (__builtin_mul_overflow(value, 10, &value) || value > GENOPS_MONEY_MAX)
				return false;
			value += digit;
		} else if (place == whole) {
			first = digit;
		} else {
			has_rest = has_rest || digit;
		}
		place++;
	}
	for (; value && place < whole; place++) {
		if (__builtin_mul_overflow(value, 10, &value) || value > GENOPS_MONEY_MAX)
			return false;
	}
	if (first > 5 || (first == 5 && (has_rest || (value & 1))))
		value++;
	if (value > GENOPS_MONEY_MAX)
		return false;
	*ret_value = value;
	return true;
}

bool genops_money_parse(genops_str text, int64_t *ret_nano_usd)
{
	return genops_money_parse_scaled(text, 9, ret_nano_usd);
}

double genops_money_to_usd(int64_t nano_usd)
{
	return (double)nano_usd / (double)GENOPS_NANO_PER_USD;
}

bool genops_money_from_usd(double usd, int64_t *ret_nano_usd)
{
	/* Written so that NaN fails the test. */
	if (!(usd >= 0 && usd <= (double)(GENOPS_MONEY_MAX / GENOPS_NANO_PER_USD)))
		return false;
	int64_t nano = llrint(usd * (double)GENOPS_NANO_PER_USD);
	*ret_nano_usd = nano > GENOPS_MONEY_MAX ? GENOPS_MONEY_MAX : nano;
	return true;
}

void genops_money_format(int64_t nano_usd, int min_digits, char *out)
{
	uint64_t amount = nano_usd < 0 ? 0 - (uint64_t)nano_usd : (uint64_t)nano_usd;
	char digits[10];
	snprintf(digits, sizeof digits, "%09u", (unsigned)(amount % (uint64_t)GENOPS_NANO_PER_USD));
	int n = 9;
	while (n > min_digits && n > 0 && digits[n - 1] == '0')
		n--;
	digits[n] = '\0';
	snprintf(out, 32, "%s%llu%s%s", nano_usd < 0 ? "-" : "",
	    (unsigned long long)(amount / (uint64_t)GENOPS_NANO_PER_USD), n ? "." : "", digits);
}
