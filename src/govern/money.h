/* SPDX-License-Identifier: Apache-2.0
 * govern/money.h - exact amounts: int64 nano-USD (1 USD = 1e9), checked, one rounding rule (half to
 * even). Floats only at wire edges, through the two functions here. */
#ifndef GOVERN_MONEY_H
#define GOVERN_MONEY_H

#include "base/error.h"

#include <genops/attribute.h>

#define GENOPS_NANO_PER_USD INT64_C(1000000000)
#define GENOPS_MONEY_MAX    (INT64_C(9000000000) * GENOPS_NANO_PER_USD / 1) /* 9e18: 9 billion USD */

/* a*b/divisor in 128 bits, rounded half to even, saturated at GENOPS_MONEY_MAX. a, b >= 0, divisor
 * > 0. */
int64_t genops_money_scale(int64_t a, int64_t b, int64_t divisor);

/* Saturating sum of two amounts >= 0. */
static inline int64_t genops_money_add(int64_t a, int64_t b)
{
	int64_t sum;
	if (__builtin_add_overflow(a, b, &sum) || sum > GENOPS_MONEY_MAX)
		return GENOPS_MONEY_MAX;
	return sum;
}

/* Saturating difference of any two. */
static inline int64_t genops_money_difference(int64_t a, int64_t b)
{
	int64_t difference;
	if (!__builtin_sub_overflow(a, b, &difference) && difference >= -GENOPS_MONEY_MAX && difference <= GENOPS_MONEY_MAX)
		return difference;
	return a < b ? -GENOPS_MONEY_MAX : GENOPS_MONEY_MAX;
}

/* USD as a decimal text ("10", "0.0375", "1e-6") into nano-USD, exactly; what is finer than a nano
 * is rounded half to even. False: not a number, negative, or over GENOPS_MONEY_MAX. */
bool genops_money_parse(genops_str text, int64_t *ret_nano_usd);

/* The same for text * 10^power_of_ten: a rate given per token or per million in nano-USD per
 * million (prices.h). */
bool genops_money_parse_scaled(genops_str text, int power_of_ten, int64_t *ret_value);

double genops_money_to_usd(int64_t nano_usd);
/* Nearest nano; false for NaN, negative or too large. */
bool genops_money_from_usd(double usd, int64_t *ret_nano_usd);

/* "0.0375", "12.50": at least `min_digits` decimals, at most 9, no exponent. `out` holds 32
 * bytes. */
void genops_money_format(int64_t nano_usd, int min_digits, char *out);

#endif
